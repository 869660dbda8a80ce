//! One static HTML page: no script, nothing from outside, the same bytes for the same content.
//!
//! Text becomes part of a page through [`Html`] alone, which escapes it. A page is read on a telephone (360 pixels), on a wide
//! screen, in the dark and on paper; what is wider than the screen scrolls in a box of its own.

mod html;
mod plot;
mod table;

pub use html::Html;
pub use plot::{Axis, Ink, Plot};
pub use table::{Column, Table};

/// How every page looks.
const STYLE: &str = include_str!("style.css");

/// A whole page of this title.
pub fn page(title: &str, body: Html) -> String {
    let mut head = Html::new();
    head.element("title", "", title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n{}<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n\
         </body>\n</html>\n",
        head.into_string(),
        body.into_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_no_script_and_asks_nobody_for_anything() {
        let mut body = Html::new();
        body.heading(1, "Why <b>&\"'");
        body.paragraph("</main><script>alert(1)</script>");
        let page = page("a < b", body);
        assert!(page.contains("<title>a &lt; b</title>"), "{page}");
        assert!(page.contains("Why &lt;b&gt;&amp;&quot;&#39;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    }
}
