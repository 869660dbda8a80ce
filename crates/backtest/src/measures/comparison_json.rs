//! Differences of two policies as JSON.

use exact_text::json::ObjectWriter;

use super::Truth;
use super::comparison::{Difference, Differences, Example, FactorCount, SegmentCount};
use super::json::WriteMeasures as _;

impl Differences {
    /// One object; the same differences give the same text. `docs/backtesting.md` names the members.
    pub fn to_json(&self) -> String {
        let [first, second] = &self.policies;
        let mut object = ObjectWriter::new();
        object
            .text("first", first)
            .text("second", second)
            .count("transactions", self.transactions)
            .count("scored_differently", self.scored_differently)
            .count("alerts_of_both", self.alerts_of_both)
            .json("gained", &self.gained.to_json())
            .json("lost", &self.lost.to_json());
        object.finish()
    }
}

impl Difference {
    /// One object.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object
            .count("alerts", self.alerts)
            .value("value", self.value)
            .count("frauds", self.frauds)
            .value("fraud_value", self.fraud_value)
            .count("immature", self.immature)
            .list("segments", self.segments.iter().map(SegmentCount::to_json))
            .list("factors", self.factors.iter().map(FactorCount::to_json))
            .list("examples", self.examples.iter().map(Example::to_json));
        object.finish()
    }
}

impl SegmentCount {
    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object
            .text_or_null("segment", self.segment.as_deref())
            .count("alerts", self.alerts)
            .value("value", self.value)
            .count("frauds", self.frauds)
            .value("fraud_value", self.fraud_value);
        object.finish()
    }
}

impl FactorCount {
    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.text("name", &self.name).count("alerts", self.alerts).count("frauds", self.frauds);
        object.finish()
    }
}

impl Example {
    fn to_json(&self) -> String {
        let [first_score, second_score] = self.scores;
        let [first_reasons, second_reasons] = &self.reasons;
        let customer = Some(self.customer.as_str()).filter(|customer| !customer.is_empty());
        let mut object = ObjectWriter::new();
        object
            .text("id", &self.id)
            .time("time", self.time)
            .text_or_null("customer", customer)
            .text_or_null("segment", self.segment.as_deref())
            .value("amount", i128::from(self.amount))
            .text("truth", self.truth.as_str())
            .measure("first_score", Some(first_score))
            .json("first_reasons", first_reasons)
            .measure("second_score", Some(second_score))
            .json("second_reasons", second_reasons);
        object.finish()
    }
}

impl Truth {
    /// `fraud`, `legitimate`, `unlabelled` or `immature`.
    pub fn as_str(self) -> &'static str {
        match self {
            Truth::Fraud => "fraud",
            Truth::Legitimate => "legitimate",
            Truth::Unlabelled => "unlabelled",
            Truth::Immature => "immature",
        }
    }
}
