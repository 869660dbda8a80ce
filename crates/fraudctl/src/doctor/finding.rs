//! The result of a check.

use std::fmt::Display;

use serde_json::json;

use crate::aws::{Problem, Refusal};

/// One line of the report.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    /// What was checked, such as `alert ledger`.
    check: &'static str,
    /// Which one, such as `dynamodb:alert_ledger`.
    target: String,
    result: Result<String, Wrong>,
    /// What to do about what is not wrong yet.
    advice: Option<&'static str>,
}

/// What is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) mend: String,
}

impl From<Problem> for Wrong {
    fn from(Problem { what, mend }: Problem) -> Self {
        Wrong { what, mend }
    }
}

impl Wrong {
    pub(super) fn new(what: impl Display, mend: impl Display) -> Self {
        Wrong { what: what.to_string(), mend: mend.to_string() }
    }

    /// A variable that the function would not start with. Its message says what it accepts.
    pub(super) fn setting(error: impl Display) -> Self {
        Wrong::new(error, "set it as for the deployed functions, or use its option")
    }

    /// A call that failed for a reason that is not the resource's own.
    pub(super) fn call(service: &str, action: &str, code: &str) -> Self {
        let endpoint = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
        match Refusal::of(code) {
            Some(Refusal::NotAllowed) => Wrong::new(
                format!("may not call {action} ({code})"),
                format!("allow {action} on it, and on its key, to these credentials"),
            ),
            Some(Refusal::Credentials) => Wrong::new(
                format!("the credentials are refused ({code})"),
                "renew them: aws sts get-caller-identity",
            ),
            Some(Refusal::NoAnswer) => Wrong::new(
                format!("{service} does not answer ({code})"),
                format!("check AWS_REGION, {endpoint} and the network"),
            ),
            None => Wrong::new(
                format!("{action} failed: {code}"),
                "look the code up in the service's API reference",
            ),
        }
    }
}

impl Finding {
    /// All is well with it; `found` is what there is.
    pub(super) fn ok(check: &'static str, target: impl Display, found: impl Display) -> Self {
        Finding::of(check, target, Ok(found.to_string()))
    }

    /// Something is wrong with it.
    pub(super) fn wrong(check: &'static str, target: impl Display, wrong: Wrong) -> Self {
        Finding::of(check, target, Err(wrong))
    }

    /// What a check gave.
    pub(super) fn of(check: &'static str, target: impl Display, result: Result<String, Wrong>) -> Self {
        Finding { check, target: target.to_string(), result, advice: None }
    }

    /// It works, and is close to what would be wrong; `advice` is what to do about it.
    pub(super) fn noted(
        check: &'static str,
        target: impl Display,
        found: impl Display,
        advice: &'static str,
    ) -> Self {
        Finding { advice: Some(advice), ..Finding::ok(check, target, found) }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.result.is_err()
    }

    /// For people: a line, and if something is wrong, or nearly, a second one that says how to fix it.
    pub(super) fn text(&self) -> String {
        let Finding { check, target, result, advice } = self;
        let target = if target.is_empty() { String::new() } else { format!("{target}: ") };
        match (result, advice) {
            (Ok(found), None) => format!("ok     {check:<15} {target}{found}"),
            (Ok(found), Some(mend)) => {
                format!("NOTE   {check:<15} {target}{found}\n{:<22} to fix it: {mend}", "")
            }
            (Err(Wrong { what, mend }), _) => {
                format!("WRONG  {check:<15} {target}{what}\n{:<22} to fix it: {mend}", "")
            }
        }
    }

    /// The same as a JSON object.
    pub(super) fn json(&self) -> String {
        let Finding { check, target, result, advice } = self;
        match (result, advice) {
            (Ok(found), None) => json!({ "check": check, "target": target, "ok": true, "found": found }),
            (Ok(found), Some(mend)) => {
                json!({ "check": check, "target": target, "ok": true, "found": found, "mend": mend })
            }
            (Err(Wrong { what, mend }), _) => {
                json!({ "check": check, "target": target, "ok": false, "wrong": what, "mend": mend })
            }
        }
        .to_string()
    }
}
