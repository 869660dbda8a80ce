//! The story as a page of its own.

use page::{Column, Html, Table, page};

use super::{Section, Story};

impl Story {
    /// One HTML file: no script, nothing from outside.
    pub(in crate::alerts) fn to_page(&self) -> String {
        let mut body = Html::new();
        body.heading(1, &format!("Alert {}", self.alert_id));
        body.paragraph_of("lead", &self.summary);
        for section in &self.sections {
            body.section(html(section));
        }
        let mut message = Html::new();
        message.heading(2, "message");
        message.code(&self.message);
        body.section(message);
        page(&format!("Alert {}", self.alert_id), body)
    }
}

fn html(section: &Section) -> Html {
    let mut html = Html::new();
    html.heading(2, section.name);
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
