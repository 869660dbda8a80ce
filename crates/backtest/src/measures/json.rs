//! Measures as JSON.

use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;

use super::factors::FactorFigures;
use super::figures::{BudgetThreshold, Figures, Measures, Spread, Spreads};

impl Measures {
    /// One object; the same measures give the same text. `docs/backtesting.md` names the members.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.text("policy", &self.policy).time("from", self.from).time("to", self.until);
        self.overall.write(&mut object);
        object.json("budget", &self.by_budget_json());
        let weeks = self.weeks.iter().map(|week| {
            let mut object = ObjectWriter::new();
            object.time("from", week.from).time("to", week.until).bool("whole", week.is_whole);
            week.figures.write(&mut object);
            object.finish()
        });
        object.list("weeks", weeks);
        object.json("spread", &self.spreads.to_json());
        let segments = self.segments.iter().map(|segment| {
            let mut object = ObjectWriter::new();
            object.text_or_null("segment", segment.segment.as_deref());
            segment.figures.write(&mut object);
            object.finish()
        });
        object.list("segments", segments);
        object.list("factors", self.factors.iter().map(FactorFigures::to_json));
        object.finish()
    }

    /// How the threshold was found, as an object; null if it was not by a budget.
    pub fn by_budget_json(&self) -> String {
        self.by_budget.map_or("null".to_owned(), BudgetThreshold::to_json)
    }
}

impl Figures {
    /// One object; the same figures give the same text.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        self.write(&mut object);
        object.finish()
    }

    fn write(&self, object: &mut ObjectWriter) {
        object
            .count("transactions", self.transactions)
            .count("labelled", self.labelled)
            .count("frauds", self.frauds)
            .count("unlabelled", self.unlabelled)
            .count("immature", self.immature)
            .number("days", self.days)
            .number("threshold", self.threshold)
            .count("alerts", self.alerts)
            .measure("alerts_per_day", self.alerts_per_day)
            .count("frauds_caught", self.frauds_caught)
            .count("false_alerts", self.false_alerts)
            .value("fraud_value", self.fraud_value)
            .value("value_caught", self.value_caught)
            .measure("auc", self.auc)
            .measure("average_precision", self.average_precision)
            .measure("card_precision_at_100", self.card_precision_at_100)
            .measure("recall_at_1_percent", self.recall_at_1_percent)
            .measure("share_at_1_percent", self.share_at_1_percent)
            .measure("precision", self.precision)
            .measure("recall", self.recall)
            .measure("value_recall", self.value_recall);
    }
}

impl BudgetThreshold {
    fn to_json(self) -> String {
        let mut object = ObjectWriter::new();
        object
            .measure("alerts_per_day", Some(self.asked))
            .number("threshold", self.threshold)
            .count("at_threshold", self.at_threshold)
            .measure("alerts_per_day_with_them", self.alerts_with_them);
        object.finish()
    }
}

impl Spreads {
    fn to_json(self) -> String {
        let mut object = ObjectWriter::new();
        for (name, spread) in [
            ("alerts_per_day", self.alerts_per_day),
            ("auc", self.auc),
            ("average_precision", self.average_precision),
            ("card_precision_at_100", self.card_precision_at_100),
            ("recall_at_1_percent", self.recall_at_1_percent),
            ("precision", self.precision),
            ("recall", self.recall),
            ("value_recall", self.value_recall),
        ] {
            object.json(name, &spread.map_or("null".to_owned(), Spread::to_json));
        }
        object.finish()
    }
}

impl Spread {
    fn to_json(self) -> String {
        let mut object = ObjectWriter::new();
        object
            .count("weeks", self.weeks as u64)
            .number("mean", self.mean)
            .measure("deviation", self.deviation)
            .number("least", self.least)
            .number("greatest", self.greatest);
        object.finish()
    }
}

impl FactorFigures {
    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object
            .text("name", &self.name)
            .count("frauds", self.frauds)
            .count("others", self.others)
            .measure("share_of_frauds", self.share_of_frauds)
            .measure("share_of_others", self.share_of_others)
            .measure("precision", self.precision)
            .measure("lift", self.lift);
        object.finish()
    }
}

/// Writes what measures are made of.
pub(super) trait WriteMeasures {
    /// Adds a whole number.
    fn count(&mut self, name: &str, count: u64) -> &mut Self;
    /// Adds a number; null if there is none, or it is not finite.
    fn measure(&mut self, name: &str, measure: Option<f64>) -> &mut Self;
    /// Adds a sum of amounts, given in ten-thousandths, with all its digits.
    fn value(&mut self, name: &str, value: i128) -> &mut Self;
    /// Adds a time, given in seconds since the epoch, as RFC 3339 in UTC.
    fn time(&mut self, name: &str, seconds: i64) -> &mut Self;
    /// Adds an array of JSON values.
    fn list(&mut self, name: &str, items: impl Iterator<Item = String>) -> &mut Self;
}

impl WriteMeasures for ObjectWriter {
    fn count(&mut self, name: &str, count: u64) -> &mut Self {
        self.json(name, &count.to_string())
    }

    fn measure(&mut self, name: &str, measure: Option<f64>) -> &mut Self {
        match measure.filter(|measure| measure.is_finite()) {
            Some(measure) => self.number(name, measure),
            None => self.json(name, "null"),
        }
    }

    fn value(&mut self, name: &str, value: i128) -> &mut Self {
        self.json(name, &amount_text(value))
    }

    fn time(&mut self, name: &str, seconds: i64) -> &mut Self {
        let time = Timestamp::saturating_from_millis(seconds.saturating_mul(1000));
        self.text(name, &time.to_string())
    }

    fn list(&mut self, name: &str, items: impl Iterator<Item = String>) -> &mut Self {
        self.json(name, &format!("[{}]", items.collect::<Vec<_>>().join(",")))
    }
}

/// An amount in ten-thousandths as a decimal number, without zeros at its end.
fn amount_text(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, fraction) = (value.unsigned_abs() / 10_000, value.unsigned_abs() % 10_000);
    let text = format!("{sign}{whole}.{fraction:04}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
