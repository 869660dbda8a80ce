//! What a scored line says of its decision.

use exact_text::json::{JsonError, Scanner, Value};
use fraud_core::fields;
use fraud_core::policy::Policy;
use fraud_core::scoring::FactorSet;
use fraud_core::transaction::MAX_DEPTH;

/// What a line says of its decision.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) policy: Option<String>,
    pub(super) score: Option<f64>,
    pub(super) reasons: Option<&'a str>,
    pub(super) shadow: Option<String>,
    pub(super) shadow_score: Option<f64>,
}

/// What a line says of its decision; what cannot be read is not said.
pub(super) fn said(line: &[u8]) -> Said<'_> {
    let mut said = Said::default();
    let Ok(text) = std::str::from_utf8(line) else { return said };
    let number = |value: Value<'_>| match value {
        Value::Number(digits) => digits.parse().ok().filter(|score: &f64| score.is_finite()),
        _ => None,
    };
    let owned = |value: Value<'_>| value.as_str().map(|text| text.into_owned());
    let read = Scanner::new(text, MAX_DEPTH).object(|key, scanner| {
        let value = scanner.value()?;
        match key.raw() {
            fields::FRAUD_POLICY => said.policy = owned(value),
            fields::FRAUD_SCORE => said.score = number(value),
            fields::SHADOW_POLICY => said.shadow = owned(value),
            fields::SHADOW_SCORE => said.shadow_score = number(value),
            fields::FRAUD_REASONS => {
                if let Value::Array(reasons) = value {
                    said.reasons = Some(reasons);
                }
            }
            _ => {}
        }
        Ok::<_, JsonError>(())
    });
    if read.is_err() { Said::default() } else { said }
}

fn names(reasons: Option<&str>) -> Vec<String> {
    reasons.and_then(|reasons| serde_json::from_str(reasons).ok()).unwrap_or_default()
}

/// The factors that a line's reasons name.
pub(super) fn factors(policy: &Policy, reasons: Option<&str>) -> FactorSet {
    let place = |name: String| policy.factors().iter().position(|factor| factor.name() == name);
    names(reasons).into_iter().filter_map(place).collect()
}

/// Reasons of which no more than the names is known.
pub(super) fn reasons_as_objects(reasons: Option<&str>) -> String {
    let reasons: Vec<_> =
        names(reasons).into_iter().map(|name| serde_json::json!({ "name": name })).collect();
    serde_json::Value::from(reasons).to_string()
}
