//! What a decision was made from, as scored records and alerts carry it where the record's own fields do not tell.

use exact_text::json::ObjectWriter;

use crate::decision::Decision;
use crate::identity::Position;
use crate::inputs::{Input, InputValue};
use crate::policy::Policy;
use crate::scoring::WriteValue;
use crate::transaction::Transaction;

/// Which reader and scorer decided.
pub const ENGINE: &str = concat!("fraud-core/", env!("CARGO_PKG_VERSION"));

/// The evidence of a decision under a policy with [further inputs](Policy::further_inputs).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The inputs as used, a JSON object: each name with its number, text or truth. The amount is the producer's digits. Inputs
    /// without a value and lists that the entity is not on are left out; the kind of an entity that could not be looked up is
    /// `"unavailable"`.
    pub inputs: String,
    /// Where the record is in its stream: `<shard>/<sequence number>`, then `/<sub-sequence number>` inside a KPL aggregate,
    /// but for the first. `None` for a record that came from no stream.
    pub position: Option<String>,
}

impl Evidence {
    /// The evidence of a decision on a record that is at `position`, if it came from a stream; `None` where the record's own
    /// fields tell all.
    pub fn of(
        transaction: &Transaction<'_>,
        decision: &Decision<'_>,
        position: Option<Position<'_>>,
        policy: &Policy,
    ) -> Option<Self> {
        if policy.further_inputs().is_empty() {
            return None;
        }
        Some(Evidence {
            inputs: inputs(transaction, decision, policy),
            position: position.map(|position| position.to_string()),
        })
    }
}

fn inputs(transaction: &Transaction<'_>, decision: &Decision<'_>, policy: &Policy) -> String {
    let mut object = ObjectWriter::new();
    object.json("amount", &transaction.amount.digits);
    object.number("customer_risk", decision.inputs.customer_risk);
    if let Some(hour) = decision.inputs.hour {
        object.json("hour", &hour.to_string());
    }
    let mut written: Vec<&str> = Vec::new();
    for (further, value) in policy.further_inputs().iter().zip(&decision.inputs.further) {
        let is_told = match (&further.input, value) {
            (_, InputValue::None | InputValue::Unavailable) => false,
            (Input::OnList(..), InputValue::Truth(is_on)) => *is_on,
            _ => true,
        };
        let name = further.name.as_str();
        // A member can be asked for as a number and as a text; it is one of them.
        if is_told && !written.contains(&name) {
            match value {
                InputValue::Number(number) if further.input.is_whole() => {
                    object.json(name, &number.to_string())
                }
                _ => object.named_value(name, value),
            };
            written.push(name);
        }
    }
    for kind in decision.unavailable.iter() {
        object.text(kind.as_str(), "unavailable");
    }
    object.finish()
}
