//! HTML that is put together of escaped text.

use std::fmt::Write as _;

/// A part of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html {
    markup: String,
}

impl Html {
    /// Nothing yet.
    pub fn new() -> Self {
        Html::default()
    }

    /// A heading of this level, 1 to 3.
    pub fn heading(&mut self, level: u8, text: &str) {
        let tag = match level {
            1 => "h1",
            2 => "h2",
            _ => "h3",
        };
        self.element(tag, "", text);
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.element("p", "", text);
    }

    /// A paragraph that is set off: what a reader must know first (`lead`), or beside the rest (`note`).
    pub fn paragraph_of(&mut self, class: &'static str, text: &str) {
        self.element("p", class, text);
    }

    /// Text as it was typed, such as a policy or a message.
    pub fn code(&mut self, text: &str) {
        self.markup.push_str("<div class=\"box\" tabindex=\"0\"><pre>");
        self.push_text(text);
        self.markup.push_str("</pre></div>\n");
    }

    /// Names and what each is.
    pub fn facts<N: AsRef<str>, V: AsRef<str>>(&mut self, facts: impl IntoIterator<Item = (N, V)>) {
        self.markup.push_str("<dl>\n");
        for (name, value) in facts {
            self.element("dt", "", name.as_ref());
            self.element("dd", "", value.as_ref());
        }
        self.markup.push_str("</dl>\n");
    }

    /// Another part, that is shown when its summary is chosen.
    pub fn details(&mut self, summary: &str, inner: Html) {
        self.markup.push_str("<details>\n");
        self.element("summary", "", summary);
        self.push(inner);
        self.markup.push_str("</details>\n");
    }

    /// Another part, as a section.
    pub fn section(&mut self, inner: Html) {
        self.markup.push_str("<section>\n");
        self.push(inner);
        self.markup.push_str("</section>\n");
    }

    /// Another part.
    pub fn push(&mut self, inner: Html) {
        self.markup.push_str(&inner.markup);
    }

    /// An element with escaped text in it. Neither tag nor class may come from anywhere but the code.
    pub(crate) fn element(&mut self, tag: &'static str, class: &'static str, text: &str) {
        self.open(tag, class);
        self.push_text(text);
        // Writing to a string does not fail.
        let _ = writeln!(self.markup, "</{tag}>");
    }

    pub(crate) fn open(&mut self, tag: &'static str, class: &'static str) {
        let _ = match class {
            "" => write!(self.markup, "<{tag}>"),
            class => write!(self.markup, "<{tag} class=\"{class}\">"),
        };
    }

    /// Markup with numbers in it, and with names that come from the code.
    pub(crate) fn shape(&mut self, shape: std::fmt::Arguments<'_>) {
        let _ = self.markup.write_fmt(shape);
    }

    pub(crate) fn raw(&mut self, markup: &'static str) {
        self.markup.push_str(markup);
    }

    /// The text of an element or of an attribute in double quotes.
    pub(crate) fn push_text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.markup.push_str("&amp;"),
                '<' => self.markup.push_str("&lt;"),
                '>' => self.markup.push_str("&gt;"),
                '"' => self.markup.push_str("&quot;"),
                '\'' => self.markup.push_str("&#39;"),
                '\n' | '\t' => self.markup.push(character),
                // Marks of writing direction would make text look like other text.
                _ if character.is_control() || is_mark_of_direction(character) => {
                    let _ = write!(self.markup, "\\u{:04x}", u32::from(character));
                }
                _ => self.markup.push(character),
            }
        }
    }

    pub(crate) fn into_string(self) -> String {
        self.markup
    }
}

fn is_mark_of_direction(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_wherever_it_goes() {
        let hostile = "<i a='\"'>&\u{202e}\u{1b}[2J";
        let escaped = "&lt;i a=&#39;&quot;&#39;&gt;&amp;\\u202e\\u001b[2J";
        let mut html = Html::new();
        html.heading(2, hostile);
        html.paragraph(hostile);
        html.code(hostile);
        html.facts([(hostile, hostile)]);
        html.details(hostile, Html::new());
        let markup = html.into_string();
        assert_eq!(markup.matches(escaped).count(), 6, "{markup}");
        assert!(!markup.contains("<i "), "{markup}");
    }
}
