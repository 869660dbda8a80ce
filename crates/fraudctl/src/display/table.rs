//! Tables that fit the terminal.

use std::fmt::{self, Display};

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ContentArrangement};

use super::on_one_line;

/// What long words may keep of themselves in a table that is too wide, their beginning and their end: as much as there is room for.
const KEPT: [usize; 5] = [usize::MAX, 40, 32, 24, 16];
/// What is between two columns, and beside the outer ones.
const BETWEEN: usize = 3;
const BESIDE: usize = 4;

/// A table. Whatever its cells hold, each is one line, which is broken only where the table would be wider than the terminal.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, CellAlignment)>,
    rows: Vec<Vec<String>>,
}

/// A table with these columns; those named in `right` hold numbers and are set to the right.
pub fn table(columns: &[&str], right: &[&str]) -> Table {
    let alignment = |name| if right.contains(name) { CellAlignment::Right } else { CellAlignment::Left };
    let columns = columns.iter().map(|name| ((*name).to_owned(), alignment(name))).collect();
    Table { columns, rows: Vec::new() }
}

impl Table {
    /// Adds a row, [`on_one_line`] each cell.
    pub fn add_row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(|cell| on_one_line(cell.as_ref()).into_owned()).collect());
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in at most this many columns of a terminal, where that can be.
    fn within(&self, width: Option<u16>) -> String {
        let natural = self.arranged(&self.rows, None);
        let widest = natural.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        match width {
            Some(width) if widest > usize::from(width) => {
                let fits = |kept: &&usize| self.narrowest(**kept) <= usize::from(width);
                let kept = KEPT.iter().find(fits).or(KEPT.last()).copied().unwrap_or(usize::MAX);
                let elided = |row: &Vec<String>| row.iter().map(|cell| elided(cell, kept)).collect();
                self.arranged(&self.rows.iter().map(elided).collect::<Vec<_>>(), Some(width))
            }
            _ => natural,
        }
    }

    /// How wide it is if lines are broken wherever they can be, and words keep so much of themselves.
    fn narrowest(&self, kept: usize) -> usize {
        let longest = |text: &str| text.split(' ').map(|word| word.chars().count()).max().unwrap_or_default();
        let column = |(place, (name, _)): (usize, &(String, CellAlignment))| {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            cells.map(|cell| longest(&elided(cell, kept))).fold(longest(name), usize::max)
        };
        let words: usize = self.columns.iter().enumerate().map(column).sum();
        words + BETWEEN * self.columns.len().saturating_sub(1) + BESIDE
    }

    fn arranged(&self, rows: &[Vec<String>], width: Option<u16>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(UTF8_BORDERS_ONLY).set_header(self.columns.iter().map(|(name, _)| name));
        for (column, (_, alignment)) in table.column_iter_mut().zip(&self.columns) {
            column.set_cell_alignment(*alignment);
        }
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.add_rows(rows);
        table.to_string()
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(terminal_width()))
    }
}

/// How many columns there are: those of the terminal, or COLUMNS; `None` where output goes elsewhere and nothing is said.
pub(crate) fn terminal_width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = said.or_else(|| terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0));
    width.filter(|width| *width > 0)
}

/// A cell whose words are at most so long: of an id the beginning and the end tell it from others.
fn elided(cell: &str, most: usize) -> String {
    let elide = |word: &str| {
        let length = word.chars().count();
        // Numbers are not shortened: without its middle one is another number.
        if length <= most || word.parse::<f64>().is_ok() {
            return word.to_owned();
        }
        let kept = (most - 1) / 2;
        let beginning = word.chars().take(most - 1 - kept);
        let end = word.chars().skip(length - kept);
        beginning.chain(['…']).chain(end).collect()
    };
    cell.split(' ').map(elide).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cell_is_one_line_whatever_it_holds() {
        let mut shown = table(&["id"], &[]);
        shown.add_row(["C\u{1b}[2J\n\u{9b}31m\u{202e}1\t"]);
        let shown = shown.within(None);
        assert_eq!(shown.lines().count(), 5);
        assert!(shown.lines().all(|line| !line.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\t'])), "{shown}");
    }

    #[test]
    fn long_ids_lose_their_middle_where_the_table_would_be_too_wide() {
        let mut shown = table(&["shard", "records"], &["records"]);
        shown.add_row(["shardId-000000000007-of-a-long-name", "1,234"]);
        assert!(shown.within(Some(80)).contains("shardId-000000000007-of-a-long-name"));
        let narrow = shown.within(Some(40));
        assert!(narrow.contains("shardId-0000…a-long-name"), "{narrow}");
        assert_eq!(elided("1234567890123456789012345", 16), "1234567890123456789012345");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            cells in proptest::collection::vec(proptest::collection::vec("[a-z0-9 ,.]{0,60}", 5), 1..6)
        ) {
            let mut shown = table(&["one", "two", "three", "four", "five"], &["two"]);
            for row in cells {
                shown.add_row(row);
            }
            let shown = shown.within(Some(80));
            prop_assert!(shown.lines().all(|line| line.chars().count() <= 80), "{}", shown);
        }
    }
}
