//! Checks a drained run: one part of its customers after the other, so that memory follows the part and not the run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use exact_text::timestamp::Timestamp;
use fraud_core::policy::Policy;
use fraud_core::shadow::ShadowCounts;
use fraud_core::transaction::{Asked, Reading, TransactionReader};
use fraud_core::window::WindowTotals;
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

/// A check that goes on.
struct Checking<'a> {
    pipeline: &'a Pipeline<'a>,
    timeline: &'a Timeline,
    /// Held against the labels beside what decided.
    builtin: Policy,
    windows: Windows,
    written: Lines,
    checked: Checked,
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
    let mut checking = Checking {
        pipeline,
        timeline,
        builtin: Policy::builtin_default()?,
        windows: Windows::open(pipeline.aws).await?,
        written: Lines::of_windows(&pipeline.out)?,
        checked,
        aside: PutAside::default(),
        spent: Spent::default(),
        ran: Ran::default(),
        by_builtin: BTreeSet::new(),
    };
    for (part, of_part) in alerts.iter().enumerate() {
        let parts = spools.division.parts();
        status.preparing(format!("checking that everything balances: part {} of {parts}", part + 1));
        checking.part(&spools, part, of_part).await?;
    }
    checking.others().await?;
    checking.finish(alerts.iter().flatten())
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

impl Checking<'_> {
    /// Checks what is of a part's customers.
    async fn part(&mut self, spools: &Spools, part: usize, alerts: &[&String]) -> anyhow::Result<()> {
        let expected = self.expected(&spools.records.part(part)?).await;
        let lines = spools.lines.part(part)?;
        let landed = lines.iter().map(|line| output::read_landed(line));
        let landed = landed.collect::<anyhow::Result<Vec<_>>>()?;
        drop(lines);
        for word in landed.iter().filter_map(|line| line.history.as_ref()) {
            *self.checked.history.entry(word.clone()).or_default() += 1;
        }
        let windows = self.windows.of(&expected.customers_with_windows()).await?;
        self.written.write(windows.iter().map(WindowTotals::to_json))?;
        self.checked.windows += windows.len() as u64;
        self.spent.add(&windows)?;
        let published = alerts.iter().map(|alert| published(alert)).collect::<anyhow::Result<Vec<_>>>()?;
        let output = Output { landed: &landed, alerts: &published, windows: &windows };
        expected.check(&output, &mut self.checked.found);
        let decisions: Backtested = spools.decisions.part(part)?.into_iter().collect();
        let alerts = alerts.iter().copied();
        decisions.hold_against(&landed, alerts, &mut self.checked.backtest, &mut self.checked.found);
        Ok(())
    }

    /// What a part's records must have come to.
    async fn expected(&mut self, records: &[StreamRecord]) -> ExpectedOutput {
        let Pipeline { profiles, entities, policies, schema, labels, coming, analytics, .. } = self.pipeline;
        let delay = coming.as_ref().map(|coming| coming.delay).unwrap_or_default();
        let rule = analytics.then(functions::window_rule);
        let known = (profiles, self.timeline);
        let mut expected = ExpectedOutput::of(records, known, (policies, delay), schema, rule).await;
        self.aside.absorb(expected.take_aside());
        self.checked.high_scores += expected.high_scores;
        let ShadowCounts { high, shadow_only, active_only } = expected.shadow;
        self.checked.shadow.high += high;
        self.checked.shadow.shadow_only += shadow_only;
        self.checked.shadow.active_only += active_only;
        if let Some(labels) = labels {
            let known = (profiles, &entities.entities);
            let found = (&mut self.ran, &mut self.by_builtin);
            beside(records, known, (&self.builtin, schema), labels, found).await;
        }
        expected
    }

    /// Checks what is of no customer: what failed, dead letters, and windows of customers who are not on the stream.
    async fn others(&mut self) -> anyhow::Result<()> {
        let Checking { pipeline, checked, spent, .. } = self;
        let failed = output::failed(&pipeline.out)?;
        checked.failed = failed.len() as u64;
        let letters = pipeline.aws.messages(QUEUE).unwrap_or_default();
        let letters = letters
            .iter()
            .map(|letter| Ok((member(&letter.body, "function")?, member(&letter.body, "id")?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        self.aside.check(&failed, &letters, &mut checked.found);
        checked.dead_letters = letters.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len() as u64;
        let all = self.windows.all_unless(usize::try_from(checked.windows)?).await?;
        let others = all.into_iter().flatten().filter(|window| !spent.knows(&window.customer_id));
        checked.found.add("window that should not be", others.map(|window| window.to_json()));
        Ok(())
    }

    fn finish<'m>(self, alerts: impl Iterator<Item = &'m &'m String>) -> anyhow::Result<Checked> {
        let Checking { pipeline, builtin, written, mut checked, spent, ran, by_builtin, .. } = self;
        written.finish()?;
        checked.top_customers = spent.top()?;
        checked.caught = pipeline.labels.as_ref().map(|labels| {
            let alerts = alerts.filter_map(|alert| member(alert, "alert_id").ok());
            let alerted = alerts.map(|id| identity_of_alert(&id).to_owned()).collect();
            let active = pipeline.policies.active().id();
            let mut policies = vec![PolicyAlerts { policy: active.to_owned(), alerted }];
            if active != builtin.id() {
                policies.push(PolicyAlerts { policy: builtin.id().to_owned(), alerted: by_builtin });
            }
            CaughtReport::of(labels, &ran, &policies)
        });
        Ok(checked)
    }
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
    let message: Value = serde_json::from_str(alert)?;
    let text = |name: &str| message[name].as_str().map(str::to_owned);
    let is_used = message["history"] == USED;
    Ok(PublishedAlert {
        id: text("alert_id").context("an alert lacks `alert_id`")?,
        reuses_id_of: text("reuses_id_of"),
        history_inputs: text("fraud_inputs").filter(|_| is_used),
    })
}

fn member(json: &str, name: &str) -> anyhow::Result<String> {
    let value: Value = serde_json::from_str(json)?;
    Ok(value[name].as_str().with_context(|| format!("a message lacks `{name}`"))?.to_owned())
}
