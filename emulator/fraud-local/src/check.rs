//! Checks a drained run: one part of its customers after the other, so that memory follows the part and not the run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use exact_text::timestamp::Timestamp;
use fraud_core::policy::Policy;
use fraud_core::shadow::ShadowCounts;
use fraud_core::transaction::{Asked, Reading, TransactionReader};
use fraudctl::display::counted;
use serde_json::Value;

use crate::backtested::{self, BacktestReport, Backtested, PastDecision, RunPast};
use crate::beside::beside;
use crate::caught::{CaughtReport, PolicyAlerts, Ran};
use crate::discrepancies::Discrepancies;
use crate::division::Division;
use crate::feed::ComingLabels;
use crate::functions;
use crate::labels::identity_of_alert;
use crate::output::{self, Lines};
use crate::pipeline::Pipeline;
use crate::reconcile::{ExpectedOutput, Output, PublishedAlert, PutAside, USED};
use crate::records::{Records, StreamRecord};
use crate::report::{Spent, TopCustomer};
use crate::services::{QUEUE, STREAM};
use crate::spool::Spool;
use crate::status::StatusLine;
use crate::timeline::{Ends, Timeline};
use crate::windows::Windows;

/// What was found, all parts together.
#[derive(Default)]
pub(crate) struct Checked {
    /// Records on the stream.
    pub(crate) produced: u64,
    /// The first and the last arrival.
    pub(crate) arrived: Option<(Timestamp, Timestamp)>,
    pub(crate) landed: u64,
    pub(crate) failed: u64,
    /// How many lines say what of the customer's history.
    pub(crate) history: BTreeMap<String, u64>,
    pub(crate) high_scores: u64,
    pub(crate) shadow: ShadowCounts,
    /// Records that were dead-lettered, each once.
    pub(crate) dead_letters: u64,
    pub(crate) windows: u64,
    pub(crate) top_customers: Vec<TopCustomer>,
    pub(crate) backtest: BacktestReport,
    pub(crate) caught: Option<CaughtReport>,
    pub(crate) found: Discrepancies,
}

/// What is spooled by part.
struct Spools {
    division: Division,
    records: Spool<StreamRecord>,
    decisions: Spool<PastDecision>,
    lines: Spool<String>,
}

/// What is added up over the parts beside [`Checked`].
#[derive(Default)]
struct Sums {
    aside: PutAside,
    spent: Spent,
    /// For the labels: the frauds of the run, and what the built-in policy would have alerted.
    ran: Ran,
    by_builtin: BTreeSet<String>,
}

/// Checks everything that was on the stream when this began, and writes the windows that it finds.
pub(crate) async fn check(
    pipeline: &Pipeline<'_>,
    timeline: &Timeline,
    alerts: &[String],
    status: &StatusLine,
) -> anyhow::Result<Checked> {
    let mut checked = Checked::default();
    status.preparing("checking: counting what is on the stream".to_owned());
    let (division, ends) = divide(pipeline, &mut checked).await?;
    status.preparing(format!("checking: deciding {} once more", counted(checked.produced, "record")));
    let spools = spooled(pipeline, timeline, division, &ends, &mut checked).await?;
    let alerts = by_part(alerts, &spools.division)?;
    let windows = Windows::open(pipeline.aws).await?;
    let mut written = Lines::of_windows(&pipeline.out)?;
    let builtin = Policy::builtin_default()?;
    let mut sums = Sums::default();
    for (part, alerts) in alerts.iter().enumerate() {
        let parts = spools.division.parts();
        status.preparing(format!("checking that everything balances: part {} of {parts}", part + 1));
        let records = spools.records.part(part)?;
        let expected = expected(pipeline, timeline, &records, &mut checked, &mut sums).await;
        if let Some(labels) = &pipeline.labels {
            let known = (&pipeline.profiles, &pipeline.entities.entities);
            let sums = (&mut sums.ran, &mut sums.by_builtin);
            beside(&records, known, (&builtin, &pipeline.schema), labels, sums).await;
        }
        drop(records);
        let lines = spools.lines.part(part)?;
        let landed =
            lines.iter().map(|line| output::read_landed(line)).collect::<anyhow::Result<Vec<_>>>()?;
        drop(lines);
        for word in landed.iter().filter_map(|line| line.history.as_ref()) {
            *checked.history.entry(word.clone()).or_default() += 1;
        }
        let of_part = windows.of(&expected.customers_with_windows()).await?;
        written.write(of_part.iter().map(|window| window.to_json()))?;
        checked.windows += of_part.len() as u64;
        sums.spent.add(&of_part)?;
        let published = alerts.iter().map(|alert| published(alert)).collect::<anyhow::Result<Vec<_>>>()?;
        let output = Output { landed: &landed, alerts: &published, windows: &of_part };
        expected.check(&output, &mut checked.found);
        let decisions: Backtested = spools.decisions.part(part)?.into_iter().collect();
        let alerts = alerts.iter().copied();
        decisions.hold_against(&landed, alerts, &mut checked.backtest, &mut checked.found);
    }
    written.finish()?;
    check_others(pipeline, &windows, &sums, &mut checked).await?;
    checked.caught = pipeline.labels.as_ref().map(|labels| {
        let alerts = alerts.iter().flatten().filter_map(|alert| member(alert, "alert_id").ok());
        let alerted = alerts.map(|id| identity_of_alert(&id).to_owned()).collect();
        let active = pipeline.policies.active().id();
        let mut policies = vec![PolicyAlerts { policy: active.to_owned(), alerted }];
        if active != builtin.id() {
            policies.push(PolicyAlerts { policy: builtin.id().to_owned(), alerted: sums.by_builtin });
        }
        CaughtReport::of(labels, &sums.ran, &policies)
    });
    checked.top_customers = sums.spent.top()?;
    Ok(checked)
}

/// Counts what is on the stream and each customer's records, and divides the customers.
async fn divide(pipeline: &Pipeline<'_>, checked: &mut Checked) -> anyhow::Result<(Division, Ends)> {
    let reading = Reading::new(&pipeline.schema, &Asked::default());
    let mut customers: BTreeMap<String, u64> = BTreeMap::new();
    let mut records = Records::all(&pipeline.aws.record_source(STREAM)).await?;
    while let Some(record) = records.next().await? {
        checked.produced += 1;
        let (first, last) = checked.arrived.unwrap_or((record.arrival, record.arrival));
        checked.arrived = Some((first.min(record.arrival), last.max(record.arrival)));
        let transaction = TransactionReader::new(&reading).read(&record.data).ok();
        let customer = transaction.and_then(|transaction| transaction.customer_id).unwrap_or_default();
        match customers.get_mut(&*customer) {
            Some(count) => *count += 1,
            None => drop(customers.insert(customer.into_owned(), 1)),
        }
    }
    Ok((Division::of(&customers, pipeline.at_once), records.ends()))
}

/// Decides on all records once more, and spools them, the decisions, and the lake's lines.
async fn spooled(
    pipeline: &Pipeline<'_>,
    timeline: &Timeline,
    division: Division,
    ends: &Ends,
    checked: &mut Checked,
) -> anyhow::Result<Spools> {
    let parts = division.parts();
    let (mut records, mut decisions) = (Spool::new(parts)?, Spool::new(parts)?);
    let coming = pipeline.coming.as_ref();
    let past = RunPast {
        profiles: &pipeline.profiles,
        timeline,
        labels: coming.map(ComingLabels::known).unwrap_or_default(),
        delay: coming.map(|coming| coming.delay).unwrap_or_default(),
        schema: &pipeline.schema,
    };
    let on_stream = Records::until(&pipeline.aws.record_source(STREAM), ends).await?;
    backtested::decide(on_stream, past, &pipeline.policies, |record, customer, decision| {
        let part = division.part_of(customer);
        records.add(part, record)?;
        decision.map_or(Ok(()), |decision| decisions.add(part, &decision))
    })
    .await?;
    let mut lines = Spool::new(parts)?;
    output::each_landed(&pipeline.out, |customer, line| {
        checked.landed += 1;
        lines.add(division.part_of(customer), &line)
    })?;
    Ok(Spools { division, records, decisions, lines })
}

/// What a part's records must have come to.
async fn expected(
    pipeline: &Pipeline<'_>,
    timeline: &Timeline,
    records: &[StreamRecord],
    checked: &mut Checked,
    sums: &mut Sums,
) -> ExpectedOutput {
    let delay = pipeline.coming.as_ref().map(|coming| coming.delay).unwrap_or_default();
    let known = (&pipeline.profiles, timeline);
    let rule = pipeline.analytics.then(functions::window_rule);
    let mut expected =
        ExpectedOutput::of(records, known, (&pipeline.policies, delay), &pipeline.schema, rule).await;
    sums.aside.absorb(expected.take_aside());
    checked.high_scores += expected.high_scores;
    let ShadowCounts { high, shadow_only, active_only } = expected.shadow;
    checked.shadow.high += high;
    checked.shadow.shadow_only += shadow_only;
    checked.shadow.active_only += active_only;
    expected
}

/// Checks what is of no customer: what failed, dead letters, and windows of customers who are not on the stream.
async fn check_others(
    pipeline: &Pipeline<'_>,
    windows: &Windows,
    sums: &Sums,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let failed = output::failed(&pipeline.out)?;
    checked.failed = failed.len() as u64;
    let letters = pipeline.aws.messages(QUEUE).unwrap_or_default();
    let letters =
        letters.iter().map(|letter| Ok((member(&letter.body, "function")?, member(&letter.body, "id")?)));
    let letters = letters.collect::<anyhow::Result<Vec<_>>>()?;
    sums.aside.check(&failed, &letters, &mut checked.found);
    checked.dead_letters = letters.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len() as u64;
    let all = windows.all_unless(usize::try_from(checked.windows)?).await?;
    let others = all.into_iter().flatten().filter(|window| !sums.spent.knows(&window.customer_id));
    checked.found.add("window that should not be", others.map(|window| window.to_json()));
    Ok(())
}

/// The alerts of each part's customers.
fn by_part<'a>(alerts: &'a [String], division: &Division) -> anyhow::Result<Vec<Vec<&'a String>>> {
    let mut parts = vec![Vec::new(); division.parts()];
    for alert in alerts {
        let message: Value = serde_json::from_str(alert).context("an alert is not JSON")?;
        let part = division.part_of(message["customer_id"].as_str().unwrap_or_default());
        if let Some(of_part) = parts.get_mut(part) {
            of_part.push(alert);
        }
    }
    Ok(parts)
}

fn published(alert: &str) -> anyhow::Result<PublishedAlert> {
    let is_used = member(alert, "history").is_ok_and(|history| history == USED);
    Ok(PublishedAlert {
        id: member(alert, "alert_id")?,
        reuses_id_of: member(alert, "reuses_id_of").ok(),
        history_inputs: member(alert, "fraud_inputs").ok().filter(|_| is_used),
    })
}

fn member(json: &str, name: &str) -> anyhow::Result<String> {
    let value: Value = serde_json::from_str(json)?;
    Ok(value[name].as_str().with_context(|| format!("a message lacks `{name}`"))?.to_owned())
}
