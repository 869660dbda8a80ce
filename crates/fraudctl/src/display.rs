//! What commands show to people.
//!
//! Much of it is text that producers sent. A terminal obeys control characters, and marks of writing direction make text
//! look like other text, so that no line goes out without [`escaped`]: in text for people they are shown as JSON writes
//! them, and in JSON that is what they mean.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

mod table;

pub(crate) use table::terminal_width;
pub use table::{Table, table};

/// Whether a terminal would do something else with this character than show it: controls (C0 and C1, DEL),
/// marks of writing direction, separators of lines and paragraphs.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, is_unsafe: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 5);
    for character in text.chars() {
        match is_unsafe(character) {
            // Writing to a string does not fail; all these characters have at most four digits.
            true => drop(write!(escaped, "\\u{:04x}", u32::from(character))),
            false => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// Text with what a terminal would obey escaped as JSON does it, but for line breaks and tabs. JSON stays the same JSON:
/// there such characters occur in strings only.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escape(text, |character| is_unsafe(character) && !matches!(character, '\n' | '\t'))
}

/// Text with all that a terminal would obey escaped, line breaks and tabs too: for producers' text within a line, which
/// could otherwise begin lines of its own.
pub fn on_one_line(text: &str) -> Cow<'_, str> {
    escape(text, is_unsafe)
}

/// Writes a line, or several, to standard output, [`escaped`]. That the reader is gone, such as `head`, is not an error.
///
/// # Errors
/// If it cannot be written for another reason, such as a full disk.
pub fn print_line(line: impl Display) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{}", escaped(&line.to_string())) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// What is told beside the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Notes on standard error.
    pub notes: bool,
    /// [Details](print_detail) among them.
    pub details: bool,
    /// Progress, where there is a terminal.
    pub progress: bool,
}

static SAID: OnceLock<Said> = OnceLock::new();

/// Says what is told from now on; the first time counts.
pub fn say(said: Said) {
    SAID.get_or_init(|| said);
}

fn said() -> Said {
    SAID.get().copied().unwrap_or(Said { notes: true, details: false, progress: true })
}

/// Writes a result, [`escaped`], to standard error: standard output has something that a program reads.
pub fn print_beside(result: impl Display) {
    let _ = writeln!(io::stderr(), "{}", escaped(&result.to_string()));
}

/// Writes why a command fails to standard error, as [`print_note`] does, also where notes are not wanted.
pub fn print_failure(failure: impl Display) {
    let _ = writeln!(io::stderr(), "{}", indented(&escaped(&failure.to_string()), 2));
}

/// Writes a note that is only wanted by those who ask for details.
pub fn print_detail(detail: impl Display) {
    if said().details {
        print_note(detail);
    }
}

/// Writes a note to standard error, [`escaped`]. Lines after the first are indented, so that no text in it
/// can pass for a note of its own. That nobody reads standard error any more is ignored.
pub fn print_note(note: impl Display) {
    if said().notes {
        print_failure(note);
    }
}

/// Text whose lines after the first are indented by `spaces`.
pub fn indented(text: &str, spaces: usize) -> String {
    text.replace('\n', &format!("\n{:spaces$}", ""))
}

/// [`print_note`] with the arguments of [`format!`].
#[macro_export]
macro_rules! note {
    ($($argument:tt)*) => { $crate::display::print_note(format_args!($($argument)*)) };
}
pub use note;

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things a day, which is not negative, with one place: `1,234.5`.
pub fn a_day(number: f64) -> String {
    let text = format!("{number:.1}");
    match text.split_once('.').map(|(whole, place)| (whole.parse(), place)) {
        Some((Ok(whole), place)) => format!("{}.{place}", thousands(whole)),
        _ => text,
    }
}

/// A score for people: its digits with three places. Text that is not a number is shown as it is.
pub fn three_places(digits: &str) -> String {
    digits.parse::<f64>().map_or_else(|_| digits.to_owned(), |score| format!("{score:.3}"))
}

/// How many of a thing there are in a second, rounded; 0 if no time has passed.
pub fn per_second(count: u64, time: Duration) -> u64 {
    if time.is_zero() { 0 } else { (count as f64 / time.as_secs_f64()).round() as u64 }
}

/// `1 record`, `2 records`.
pub fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// What is wrong with event times, for people; `None` if nothing is.
pub fn event_time_faults(unreadable: u64, without_local_time: u64) -> Option<String> {
    let faults = [(unreadable, "unreadable"), (without_local_time, "without local time")];
    let faults: Vec<String> = faults
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, fault)| format!("{} {fault}", thousands(count)))
        .collect();
    (!faults.is_empty()).then(|| format!("{}: no factor over the time of day applies", faults.join(", ")))
}

/// Where much is read, progress is told after this many records.
pub(crate) const TOLD_EVERY: u64 = 1_000;

/// A progress line on standard error, shown on a terminal only. With a length it is a bar of bytes read.
pub fn progress(bytes: Option<u64>) -> ProgressBar {
    let bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if !said().progress {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template = match bytes {
        Some(_) => "{elapsed} {wide_bar} {percent}%, {eta} left, {msg}",
        None => "{elapsed} {spinner} {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id that would clear the terminal, begin a line of its own and turn the text around.
    const HOSTILE: &str = "C\u{1b}[2J\n\u{9b}31m\u{202e}1\t\u{7f}\u{2066}é";

    #[test]
    fn what_a_terminal_would_obey_is_shown_escaped_and_other_text_as_it_is() {
        assert_eq!(on_one_line(HOSTILE), r"C\u001b[2J\u000a\u009b31m\u202e1\u0009\u007f\u2066é");
        assert_eq!(escaped(HOSTILE), "C\\u001b[2J\n\\u009b31m\\u202e1\t\\u007f\\u2066é");
        for plain in ["", "Zoë 東京 שלום", "a\\b"] {
            assert!(matches!(on_one_line(plain), Cow::Borrowed(text) if text == plain));
        }
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, 1] });
        let shown = escaped(&value.to_string()).into_owned();
        assert!(!shown.contains(is_unsafe));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_score_has_three_places() {
        assert_eq!(
            ["0.8200000000000001", "0.8", "1", "-"].map(three_places),
            ["0.820", "0.800", "1.000", "-"]
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let grouped = [0, 7, 999, 1000, 12_345, 1_234_567].map(thousands);
        assert_eq!(grouped, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([counted(1, "record"), counted(1000, "record")], ["1 record", "1,000 records"]);
        assert_eq!(per_second(500, Duration::from_millis(250)), 2000);
        assert_eq!(per_second(500, Duration::ZERO), 0);
    }
}
