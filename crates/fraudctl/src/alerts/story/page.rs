//! The story as a page of its own.

use page::{Column, Html, Table, page};

use super::{Section, Story};

impl Story {
    /// One HTML file: no script, nothing from outside.
    pub(in crate::alerts) fn to_page(&self) -> String {
        let mut body = Html::new();
        body.heading(1, &format!("Alert {}", self.alert_id));
        body.paragraph_of("lead", &format!("{}.", titled(&self.summary)));
        for section in &self.sections {
            body.section(html(section));
        }
        let mut message = Html::new();
        message.heading(2, "Message");
        message.code(&self.message);
        body.section(message);
        page(&format!("Alert {}", self.alert_id), body)
    }
}

/// A section's name as a heading.
fn titled(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn html(section: &Section) -> Html {
    let mut html = Html::new();
    html.heading(2, &titled(section.name));
    html.facts(section.facts.iter().map(|fact| (&fact.name, fact.value.to_string())));
    if section.factors.is_empty() {
        return html;
    }
    let columns = [
        Column::text("factor"),
        Column::number("points"),
        Column::number("of at most"),
        Column::text("observed"),
        Column::text("why"),
    ];
    let mut factors = Table::new("What each factor gave, and why", columns);
    for factor in &section.factors {
        factors.row([
            factor.name.clone(),
            format!("{:.3}", factor.points),
            format!("{:.3}", factor.most),
            factor.observed.clone(),
            factor.why.clone(),
        ]);
    }
    html.table(&factors);
    html
}
