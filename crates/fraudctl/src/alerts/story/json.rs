//! The story as JSON: each section an object, numbers with their digits.

use exact_text::json::ObjectWriter;

use super::{Fact, FactValue, FactorRow, Section, Story};

impl Story {
    /// `alert_id`, `summary`, the sections, `message`, and `row` (JSON) where there is one.
    pub(in crate::alerts) fn to_json(&self, row: Option<&str>) -> String {
        let mut object = ObjectWriter::new();
        object.text("alert_id", &self.alert_id).text("summary", &self.summary);
        for section in &self.sections {
            object.json(section.name, &json(section));
        }
        object.text("message", &self.message);
        if let Some(row) = row {
            object.json("row", row);
        }
        object.finish()
    }
}

fn json(section: &Section) -> String {
    let mut object = ObjectWriter::new();
    for Fact { name, value } in &section.facts {
        match value {
            FactValue::Text(text) => object.text(name, text),
            FactValue::Number(digits) => object.json(name, digits),
            FactValue::Flag(flag) => object.bool(name, *flag),
        };
    }
    if !section.factors.is_empty() {
        let factors: Vec<_> = section.factors.iter().map(factor).collect();
        object.json("factors", &format!("[{}]", factors.join(",")));
    }
    object.finish()
}

fn factor(factor: &FactorRow) -> String {
    let mut object = ObjectWriter::new();
    object.text("name", &factor.name).number("points", factor.points).number("most", factor.most);
    object.text("observed", &factor.observed).text("why", &factor.why);
    object.finish()
}
