//! An alert's score taken apart, by the inputs that the alert tells.

use exact_text::json::{JsonError, Scanner, Value};

use super::alert::Own;
use super::told::Told;
use crate::alert::Alert;
use crate::breakdown::FactorOutcome;
use crate::inputs::Place;
use crate::policy::Policy;

/// Deep enough for reasons: an array of objects, whose `observed` may be an object.
const REASONS_DEPTH: usize = 3;

/// What each factor of the policy came to for an alert's transaction; `None` if the alert does not tell what it was decided
/// from.
///
/// An alert without `fraud_inputs` tells of the profile's risk in its reasons alone: by `risk` it is known from elsewhere, such as
/// the transaction's line in the lake.
pub fn factors_of_alert<'p>(
    alert: &Alert,
    policy: &'p Policy,
    risk: Option<f64>,
) -> Option<Vec<FactorOutcome<'p>>> {
    if let Some(evidence) = &alert.evidence {
        let told = Told::read(&evidence.inputs).filter(|told| told.is_of(std::iter::once(policy)))?;
        return Some(policy.breakdown(&told.inputs(policy)?));
    }
    let mut own = Own::of(alert, policy);
    own.risk = own.risk.or(risk).or_else(|| risk_in_reasons(alert, policy));
    own.inputs(alert, policy).ok().map(|inputs| policy.breakdown(&inputs))
}

/// The members of a `fraud_inputs`, in their order, each with its JSON; `None` if the text is no such object.
pub fn told_inputs(fraud_inputs: &str) -> Option<Vec<(String, Value<'_>)>> {
    Told::read(fraud_inputs).map(Told::into_members)
}

/// The customer's risk as a reason observed it.
fn risk_in_reasons(alert: &Alert, policy: &Policy) -> Option<f64> {
    let mut risk = None;
    let mut scanner = Scanner::new(&alert.reasons, REASONS_DEPTH);
    let read = scanner.array(|scanner| {
        let (mut name, mut observed) = (None, None);
        scanner.object(|key, scanner| {
            let value = scanner.value()?;
            match key.decode().as_deref() {
                Some("name") => name = value.as_str(),
                Some("observed") => observed = Some(value),
                _ => {}
            }
            Ok::<_, JsonError>(())
        })?;
        let factor = policy.factors().iter().find(|factor| Some(factor.name()) == name.as_deref());
        let looks_at_risk =
            factor.is_some_and(|factor| factor.places().all(|place| place == Place::CustomerRisk));
        if let (true, Some(Value::Number(digits))) = (looks_at_risk, observed) {
            risk = digits.parse().ok();
        }
        Ok::<_, JsonError>(())
    });
    read.ok().and(risk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Decider;
    use crate::enrichment::Enrichment;
    use crate::event_time::EventTimeBounds;
    use crate::identity::Position;
    use crate::profile::{Attribute, Profile};
    use crate::schema::Schema;
    use crate::transaction::{Reading, TransactionReader};
    use exact_text::timestamp::Timestamp;

    const TRANSACTION: &[u8] =
        br#"{"transaction_id":"T1","customer_id":"C1","amount":20000,"event_time":"2026-01-15T02:00:00Z"}"#;

    /// The alert for a customer of this risk, and what its decision's factors came to.
    fn alerted(risk: f64, policy: &Policy) -> (Alert, Vec<(String, f64)>) {
        let reading = Reading::new(&Schema::builtin_default(), policy.asked());
        let mut reader = TransactionReader::new(&reading);
        let transaction = reader.read(TRANSACTION).unwrap();
        let decider = Decider::new(policy.clone(), EventTimeBounds::UNBOUNDED);
        let risk = risk.to_string();
        let profile =
            Profile::new(Attribute::Text("gold"), Attribute::Number("10"), Attribute::Number(&risk));
        let arrival = Timestamp::from_millis(1_768_442_400_000).unwrap();
        let decision = decider.decide(&transaction, Enrichment::Profile(&profile), arrival, None);
        let position =
            Position { stream: "s", shard: "shardId-0", sequence_number: "7", sub_sequence_number: 0 };
        let points = policy.breakdown(&decision.inputs);
        let points = points.iter().map(|factor| (factor.name.to_owned(), factor.points)).collect();
        (Alert::new(&transaction, &decision, &decider, position), points)
    }

    fn points(factors: &[FactorOutcome<'_>]) -> Vec<(String, f64)> {
        factors.iter().map(|factor| (factor.name.to_owned(), factor.points)).collect()
    }

    #[test]
    fn the_risk_is_taken_from_the_reasons_or_from_elsewhere() {
        let policy = Policy::builtin_default().unwrap();
        let (alert, expected) = alerted(0.75, &policy);
        assert_eq!(points(&factors_of_alert(&alert, &policy, None).unwrap()), expected);

        // A risk of 0 gives no points and no reason.
        let (alert, expected) = alerted(0.0, &policy);
        assert_eq!(factors_of_alert(&alert, &policy, None), None);
        assert_eq!(points(&factors_of_alert(&alert, &policy, Some(0.0)).unwrap()), expected);
    }

    #[test]
    fn an_alert_that_tells_its_inputs_needs_nothing_else() {
        let policy = "name = \"segment\"\ncap = 100\nthreshold = 1\ndefault_risk = 0\n
            [[factors]]\nname = \"gold\"\nwhen = [{ input = \"customer.segment\", any_of = [\"gold\"] }]\npoints = 9\n
            [[factors]]\nname = \"small\"\nwhen = [{ input = \"amount\", below = 10 }]\npoints = 5";
        let policy = Policy::parse(policy).unwrap();
        let (alert, expected) = alerted(0.25, &policy);
        assert_eq!(expected, [("gold".to_owned(), 9.0), ("small".to_owned(), 0.0)]);
        assert_eq!(points(&factors_of_alert(&alert, &policy, None).unwrap()), expected);
        let inputs = told_inputs(&alert.evidence.as_ref().unwrap().inputs).unwrap();
        let names: Vec<_> = inputs.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["amount", "customer_risk", "hour", "customer.segment"]);
        // What is not told is not guessed.
        let other = Policy::builtin_default().unwrap();
        assert_eq!(factors_of_alert(&alert, &other, None), None);
    }
}
