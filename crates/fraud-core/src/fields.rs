//! The names of the fields that this product reads of a transaction, and of those that it writes into a scored record.

/// The producer's id of the transaction.
pub const TRANSACTION_ID: &str = "transaction_id";
/// The customer's id.
pub const CUSTOMER_ID: &str = "customer_id";
/// The amount.
pub const AMOUNT: &str = "amount";
/// When the transaction happened.
pub const EVENT_TIME: &str = "event_time";

/// The currency of the amount.
pub const CURRENCY: &str = "currency";

/// The device.
pub const DEVICE_ID: &str = "device_id";
/// The card.
pub const CARD_ID: &str = "card_id";
/// The address that the transaction came from.
pub const IP: &str = "ip";

/// The merchant: part of what tells two transactions under one id apart.
pub const MERCHANT_ID: &str = "merchant_id";

/// All that scoring reads.
pub const READ: [&str; 4] = [TRANSACTION_ID, CUSTOMER_ID, AMOUNT, EVENT_TIME];

/// The customer's segment, from the profile.
pub const CUSTOMER_SEGMENT: &str = "customer_segment";
/// The customer's lifetime value, from the profile.
pub const CUSTOMER_LIFETIME_VALUE: &str = "customer_lifetime_value";
/// The customer's risk score, from the profile.
pub const CUSTOMER_RISK_SCORE: &str = "customer_risk_score";
/// The score.
pub const FRAUD_SCORE: &str = "fraud_score";
/// The names of the factors that contributed to the score.
pub const FRAUD_REASONS: &str = "fraud_reasons";
/// The id of the policy that gave the score.
pub const FRAUD_POLICY: &str = "fraud_policy";
/// The record's identity.
pub const DECISION_ID: &str = "decision_id";
/// What the profile lookup came to.
pub const ENRICHMENT: &str = "enrichment";
/// When the record arrived.
pub const INGESTED_AT: &str = "ingested_at";

/// What is wrong with the transaction's event time; absent if nothing is.
pub const EVENT_TIME_FAULT: &str = "event_time_fault";

/// The inputs that the decision was made from: JSON as text. Only where the policy looks at more than the record's own
/// fields tell.
pub const FRAUD_INPUTS: &str = "fraud_inputs";
/// What the customer's history said. Only where the policy looks at it.
pub const HISTORY: &str = "history";
/// Where the record is in its stream, in the same lines.
pub const POSITION: &str = "position";
/// Which reader and scorer decided, in the same lines.
pub const ENGINE: &str = "engine";

/// The score by the policy in the shadow. This and the next two only where there is one.
pub const SHADOW_SCORE: &str = "shadow_score";
/// The id of the policy in the shadow.
pub const SHADOW_POLICY: &str = "shadow_policy";
/// The customer's risk that the policy in the shadow took, where that is another than the one that the deciding policy took.
pub const SHADOW_CUSTOMER_RISK: &str = "shadow_customer_risk";

/// The id of the schema that the transaction was read by; absent if that is the default.
pub const TRANSACTION_SCHEMA: &str = "transaction_schema";

/// All that are written, in that order.
pub const WRITTEN: [&str; 18] = [
    TRANSACTION_SCHEMA,
    CUSTOMER_SEGMENT,
    CUSTOMER_LIFETIME_VALUE,
    CUSTOMER_RISK_SCORE,
    FRAUD_SCORE,
    FRAUD_REASONS,
    FRAUD_POLICY,
    DECISION_ID,
    ENRICHMENT,
    INGESTED_AT,
    EVENT_TIME_FAULT,
    FRAUD_INPUTS,
    HISTORY,
    POSITION,
    ENGINE,
    SHADOW_SCORE,
    SHADOW_POLICY,
    SHADOW_CUSTOMER_RISK,
];

/// Whether a name is one of [`WRITTEN`] in any letter case. The lake's reader folds case, so a producer's
/// `Fraud_Score` would be in the same column as ours.
#[inline]
pub fn is_own(name: &str) -> bool {
    if name.is_ascii() {
        WRITTEN.iter().any(|own| own.len() == name.len() && own.eq_ignore_ascii_case(name))
    } else {
        let folded: String = name.chars().map(fold).collect();
        WRITTEN.iter().any(|own| own.eq_ignore_ascii_case(&folded))
    }
}

/// The ASCII letter that a reader may take a character for: these four outside ASCII have one as their upper or
/// lower case (Unicode, UnicodeData.txt, simple mappings).
pub(crate) fn fold(character: char) -> char {
    match character {
        '\u{212A}' => 'k',
        '\u{017F}' => 's',
        '\u{0130}' | '\u{0131}' => 'i',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_names_are_ours_in_any_letter_case() {
        for name in WRITTEN {
            assert!(is_own(name) && is_own(&name.to_uppercase()), "{name}");
        }
        for name in
            ["Fraud_Score", "customer_ris\u{212A}_score", "fraud_rea\u{017F}ons", "dec\u{0131}sion_\u{0130}d"]
        {
            assert!(is_own(name), "{name}");
        }
        for name in ["", "customer_id", "amount", "fraud-score", "fraud_score ", "Übersicht", "event_time"] {
            assert!(!is_own(name), "{name}");
        }
    }
}
