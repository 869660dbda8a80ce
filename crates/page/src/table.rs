//! Tables, in a box that scrolls where they are wider than the screen.

use crate::Html;

/// A column's name, and how its cells stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    name: String,
    is_number: bool,
}

impl Column {
    /// A column of text.
    pub fn text(name: &str) -> Self {
        Column { name: name.to_owned(), is_number: false }
    }

    /// A column of numbers, set to the right.
    pub fn number(name: &str) -> Self {
        Column { name: name.to_owned(), is_number: true }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    caption: String,
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    total: Option<Vec<String>>,
}

impl Table {
    /// A table without rows yet. The caption says what it shows.
    pub fn new(caption: &str, columns: impl IntoIterator<Item = Column>) -> Self {
        Table {
            caption: caption.to_owned(),
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            total: None,
        }
    }

    /// Adds a row.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Sets the row that sums the others up.
    pub fn total<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.total = Some(cells.into_iter().map(Into::into).collect());
    }

    fn cells(&self, html: &mut Html, cells: &[String]) {
        html.raw("<tr>");
        for (place, cell) in cells.iter().enumerate() {
            let is_number = self.columns.get(place).is_some_and(|column| column.is_number);
            html.element("td", if is_number { "number" } else { "" }, cell);
        }
        html.raw("</tr>\n");
    }
}

impl Html {
    /// A table.
    pub fn table(&mut self, table: &Table) {
        // A box that scrolls must be reached by the keyboard as well.
        self.raw("<div class=\"box\" tabindex=\"0\">\n<table>\n");
        self.element("caption", "", &table.caption);
        self.raw("<thead><tr>");
        for column in &table.columns {
            self.element("th", if column.is_number { "number" } else { "" }, &column.name);
        }
        self.raw("</tr></thead>\n<tbody>\n");
        for row in &table.rows {
            table.cells(self, row);
        }
        self.raw("</tbody>\n");
        if let Some(total) = &table.total {
            self.raw("<tfoot>");
            table.cells(self, total);
            self.raw("</tfoot>\n");
        }
        self.raw("</table>\n</div>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_cells_are_escaped() {
        let mut table = Table::new("<factors>", [Column::text("factor"), Column::number("points")]);
        table.row(["<a>", "38"]);
        table.total(["all", "38"]);
        let mut html = Html::new();
        html.table(&table);
        let markup = html.into_string();
        assert!(markup.contains("<caption>&lt;factors&gt;</caption>"), "{markup}");
        assert!(markup.contains("<td>&lt;a&gt;</td>\n<td class=\"number\">38</td>"), "{markup}");
        assert!(markup.contains("<tfoot><tr><td>all</td>"), "{markup}");
    }
}
