//! Makes sure that contenders do the same work: only then are their costs comparable.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use axum::body::Bytes;
use serde_json::Value;

use crate::contender::Contender;
use crate::session::Session;

/// So many records are compared.
const RECORDS: usize = 1_000;

/// For each record id: score, reasons, identity and partition.
type Decisions = BTreeMap<String, [Value; 4]>;

/// Compares what the contenders make of one event.
///
/// # Errors
/// If one differs from the first.
pub(crate) async fn check(contenders: &[Contender]) -> anyhow::Result<()> {
    let mut first: Option<(&str, Decisions)> = None;
    for contender in contenders {
        let decisions = decisions(contender).await.with_context(|| contender.name)?;
        if decisions.len() != RECORDS {
            bail!("{} answered {} of {RECORDS} records", contender.name, decisions.len());
        }
        match &first {
            None => first = Some((contender.name, decisions)),
            Some((name, expected)) => {
                if let Some((id, _)) =
                    decisions.iter().find(|(id, decision)| expected.get(*id) != Some(decision))
                {
                    bail!("{} and {name} differ on record {id}", contender.name);
                }
            }
        }
    }
    Ok(())
}

async fn decisions(contender: &Contender) -> anyhow::Result<Decisions> {
    let mut session = Session::start(contender, &[]).await?;
    let answer = session.invoke(&Bytes::from(contender.kind.event(RECORDS))).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let records = answer["records"].as_array().context("the answer has no records")?;
    records.iter().map(decision).collect()
}

fn decision(record: &Value) -> anyhow::Result<(String, [Value; 4])> {
    let text = |name: &str| record[name].as_str().with_context(|| format!("a record has no {name}"));
    if text("result")? != "Ok" {
        bail!("a record was not scored");
    }
    let data = base64_simd::STANDARD.decode_to_vec(text("data")?)?;
    let mut scored: Value = serde_json::from_slice(&data)?;
    let decision = [
        scored["fraud_score"].take(),
        scored["fraud_reasons"].take(),
        scored["decision_id"].take(),
        record["metadata"]["partitionKeys"].clone(),
    ];
    Ok((text("recordId")?.to_owned(), decision))
}
