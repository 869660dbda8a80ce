//! What commands show to people.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use anyhow::Context;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use indicatif::{ProgressBar, ProgressStyle};

/// A table with these columns; those named in `right` hold numbers and are set to the right.
pub fn table(columns: &[&str], right: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY).set_header(columns);
    for (column, name) in table.column_iter_mut().zip(columns) {
        if right.contains(name) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Writes a line to standard output. A reader that has gone, such as `head`, wants no more of it, which is no failure.
///
/// # Errors
/// Where it cannot be written for another reason, such as a full disk.
pub fn print_line(line: impl Display) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error. Where nobody reads that any more, there is nobody left to be told.
pub fn print_note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// [`print_note`] with the arguments of [`format!`].
macro_rules! note {
    ($($argument:tt)*) => { $crate::display::print_note(format_args!($($argument)*)) };
}
pub(crate) use note;

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

/// So many of a thing each second, rounded; 0 where no time has passed.
pub fn per_second(count: u64, time: Duration) -> u64 {
    if time.is_zero() { 0 } else { (count as f64 / time.as_secs_f64()).round() as u64 }
}

/// `1 record`, `2 records`.
pub fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// A progress line on standard error, shown on a terminal only. With a length it is a bar of bytes read.
pub fn progress(bytes: Option<u64>) -> ProgressBar {
    let bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = match bytes {
        Some(_) => "{elapsed} {wide_bar} {percent}% {msg}",
        None => "{elapsed} {spinner} {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let grouped = [0, 7, 999, 1000, 12_345, 1_234_567].map(thousands);
        assert_eq!(grouped, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([counted(1, "record"), counted(1000, "record")], ["1 record", "1,000 records"]);
        assert_eq!(per_second(500, Duration::from_millis(250)), 2000);
        assert_eq!(per_second(500, Duration::ZERO), 0);
    }
}
