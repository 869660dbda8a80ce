//! What a table must have so that its rows' decisions can be computed again.

use fraud_core::fields;

use crate::input::Header;

/// The columns of every decision.
const NEEDED: [&str; 14] = [
    fields::TRANSACTION_ID,
    fields::CUSTOMER_ID,
    fields::AMOUNT,
    fields::EVENT_TIME,
    fields::CUSTOMER_SEGMENT,
    fields::CUSTOMER_LIFETIME_VALUE,
    fields::CUSTOMER_RISK_SCORE,
    fields::FRAUD_SCORE,
    fields::FRAUD_REASONS,
    fields::FRAUD_POLICY,
    fields::DECISION_ID,
    fields::ENRICHMENT,
    fields::INGESTED_AT,
    fields::EVENT_TIME_FAULT,
];
/// The columns beside `fraud_inputs`.
const WITH_INPUTS: [&str; 2] = [fields::HISTORY, fields::ENGINE];

/// The first column that one of the tables lacks.
pub(super) fn lost(headers: &[Header]) -> Option<&'static str> {
    headers.iter().find_map(|header| {
        let has = |name: &str| header.columns.iter().any(|column| column == name);
        let with_inputs = WITH_INPUTS.into_iter().filter(|_| has(fields::FRAUD_INPUTS));
        NEEDED.into_iter().chain(with_inputs).find(|name| !has(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_needs_each_column_that_decisions_are_computed_from() {
        let header = |columns: Vec<&str>| Header {
            source_name: "t.parquet".to_owned(),
            columns: columns.into_iter().map(str::to_owned).collect(),
        };
        let all = || NEEDED.to_vec();
        assert_eq!(lost(&[]), None);
        assert_eq!(lost(&[header(all())]), None);
        for name in NEEDED {
            let rest = all().into_iter().filter(|column| *column != name).collect();
            assert_eq!(lost(&[header(all()), header(rest)]), Some(name));
        }
        let with_inputs = [all(), vec![fields::FRAUD_INPUTS, fields::HISTORY]].concat();
        assert_eq!(lost(&[header(with_inputs)]), Some(fields::ENGINE));
    }
}
