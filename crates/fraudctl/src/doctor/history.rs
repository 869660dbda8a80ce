//! The customers' history: whether the policy and the ledger beside it fit, and its table.

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use fraud_aws::config::{AlertLedgerTarget, Environment, HistoryTarget};
use fraud_aws::history::{HistoryError, HistoryFault, HistoryRows};
use fraud_aws::port::Call;
use fraud_aws::{history, ledger};
use fraud_core::shadow::Policies;

use super::finding::{Finding, Wrong};
use super::tables::Table;

const CHECK: &str = "history";
/// What the functions do to a row. A row that goes with claims is written by the same permission.
const ON_ROWS: &[Call] = &[
    Call { operation: "BatchGetItem", action: "dynamodb:BatchGetItem" },
    Call { operation: "PutItem", action: "dynamodb:PutItem" },
];
/// What the history asks the ledger.
const ON_LEDGER: &[Call] = &[Call { operation: "GetItem", action: "dynamodb:GetItem" }];

/// Where the history is kept, if it is; that it is if a policy looks at it, and only then.
pub(super) async fn check(
    environment: Environment<'_>,
    policies: Option<&Policies>,
    sdk: &Sdk,
    can_call: bool,
) -> Vec<Finding> {
    let target = match HistoryTarget::from_environment(environment) {
        Ok(target) => target,
        Err(error) => return vec![Finding::wrong(CHECK, "", Wrong::setting(error))],
    };
    let told = match &target {
        HistoryTarget::None => "none:".to_owned(),
        HistoryTarget::Memory => "memory:".to_owned(),
        HistoryTarget::DynamoDb { table } => format!("dynamodb:{table}"),
    };
    let mut findings = Vec::new();
    if let Some(wrong) = refused(&target, policies, sdk).await {
        findings.push(Finding::wrong(CHECK, &told, wrong));
    }
    let ledger = AlertLedgerTarget::from_environment(environment).ok();
    match (&target, ledger) {
        (HistoryTarget::None, _) => return findings,
        (HistoryTarget::DynamoDb { .. }, Some(AlertLedgerTarget::Memory))
        | (HistoryTarget::Memory, Some(AlertLedgerTarget::DynamoDb { .. })) => {
            let mend = "name a table in each: a row and the claims of its alerts are one write";
            findings.push(Finding::wrong(CHECK, &told, Wrong::new(HistoryFault::Apart, mend)));
        }
        (HistoryTarget::DynamoDb { .. }, Some(AlertLedgerTarget::DynamoDb { table, .. })) if can_call => {
            findings.extend(of_ledger(table).permissions(&Client::new(sdk.config().await)).await);
        }
        _ => {}
    }
    match target {
        HistoryTarget::DynamoDb { table } => findings.extend(of_rows(table).check(sdk, can_call).await),
        HistoryTarget::Memory => findings.push(Finding::ok(CHECK, told, "for development")),
        HistoryTarget::None => {}
    }
    findings
}

/// Why the functions would not start.
async fn refused(target: &HistoryTarget, policies: Option<&Policies>, sdk: &Sdk) -> Option<Wrong> {
    let error = HistoryRows::connect(target, policies?, sdk).await.err()?;
    let mend = match error {
        HistoryError::Nowhere { .. } => {
            "name its table: HISTORY=dynamodb:<table>, or a policy without [history]"
        }
        HistoryError::Unasked { .. } => "set HISTORY to none:, or name a policy that has [history]",
    };
    Some(Wrong::new(error, mend))
}

fn of_rows(name: String) -> Table {
    Table {
        check: CHECK,
        variable: "HISTORY",
        name,
        schema: &history::TABLE,
        calls: ON_ROWS,
        loss: Some("no customer has a past, and what is replayed is taken in again"),
    }
}

fn of_ledger(name: String) -> Table {
    let (check, variable, schema) = (CHECK, "ALERT_LEDGER", &ledger::TABLE);
    Table { check, variable, name, schema, calls: ON_LEDGER, loss: None }
}
