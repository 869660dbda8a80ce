//! Sending alerts that nobody sends any more.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use fraud_aws::alerts::{AlertSink, PublishFault, Sink};
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::config::AlertSinkTarget;
use fraud_aws::ledger::{DynamoDbLedger, LedgerFault, Marked, Sent, send_pending};
use serde_json::json;
use tokio::time::Instant;

use super::{LedgerArgs, pending, search, unreadable};
use crate::Failure;
use crate::display::{counted, note, print_line, progress, thousands};
use crate::options::named;

/// The time that an alert takes at most.
const TIME: Duration = Duration::from_secs(30);

/// Send pending alerts: claim, publish, mark as sent, as the function does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl alerts send --ledger dynamodb:alert_ledger --sink sns:arn:aws:sns:us-east-1:123456789012:fraud-alerts --dry-run
  fraudctl alerts send --ledger dynamodb:alert_ledger --sink sns:arn:aws:sns:us-east-1:123456789012:fraud-alerts
  fraudctl alerts send C000042/T000007 --ledger dynamodb:alert_ledger --sink sns:$TOPIC
  fraudctl alerts send --again C000042/T000007 --ledger dynamodb:alert_ledger --sink sns:$TOPIC

The stored message is sent byte for byte, under its alert_id. Functions and other senders may run at the same time: whoever
claims an alert sends it. An alert that is marked as sent is sent only by --again, for a subscriber that lost it: all
subscribers get it once more and recognise it by its alert_id, and the row records this in `sent_again_at`.

Exit status: 0 all were sent, now or before, 1 some were not sent, or another sender holds them, 2 the input is wrong.")]
pub struct SendAlertsArgs {
    /// Send only the alerts with these ids; without ids all pending alerts.
    #[arg(value_name = "ID", conflicts_with = "again")]
    ids: Vec<String>,
    /// Send an alert again that is marked as sent.
    #[arg(long, value_name = "ID")]
    again: Option<String>,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Where alerts go: `sns:<topic arn>` [env: ALERT_SINK]
    #[arg(long, value_name = "TARGET")]
    sink: Option<String>,
    /// Print what would be sent, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if ledger or sink are not said or cannot be had, or alerts were not sent.
pub(super) async fn run(arguments: &SendAlertsArgs) -> Result<(), Failure> {
    let topic = topic(arguments)?;
    let (ledger, sdk) = arguments.ledger.open().await?;
    let sink = Sink::connect(&topic, &sdk).await;
    if let Some(id) = &arguments.again {
        return send_again(id, &ledger, &sink, arguments).await;
    }
    let mut summary = ResendSummary::default();
    let ids = match arguments.ids.is_empty() {
        false => arguments.ids.clone(),
        true => {
            let found = search(&ledger).await?;
            if arguments.dry_run && !arguments.json && !found.alerts.is_empty() {
                print_line(pending::rows(&found.alerts))?;
            }
            for (id, fault) in &found.unreadable {
                summary.count(id, ResendResult::Failed(fault.to_string())).inspect(|line| note!("{line}"));
            }
            found.alerts.into_iter().map(|alert| alert.alert_id).collect()
        }
    };
    let bar = progress(None);
    for id in &ids {
        let outcome = match send(id, &ledger, &sink, arguments.dry_run).await {
            Ok(outcome) => outcome,
            Err(failure) => {
                bar.finish_and_clear();
                summary.show(arguments)?;
                return Err(failure);
            }
        };
        if let Some(line) = summary.count(id, outcome) {
            bar.suspend(|| note!("{line}"));
        }
        bar.set_message(format!("{} of {} sent", thousands(summary.sent), thousands(ids.len() as u64)));
        bar.tick();
    }
    bar.finish_and_clear();
    summary.show(arguments)?;
    match summary.not_sent {
        0 => Ok(()),
        failed => Err(anyhow!("{} not sent, see above", counted(failed, "alert")).into()),
    }
}

/// The topic. An alert that is only printed must not be marked as sent.
fn topic(arguments: &SendAlertsArgs) -> Result<AlertSinkTarget, Failure> {
    match named("--sink", "ALERT_SINK", arguments.sink.as_deref(), AlertSinkTarget::from_environment)? {
        AlertSinkTarget::Stdout => Err(Failure::input(anyhow!("alerts are sent to `sns:<topic arn>` only"))),
        sns => Ok(sns),
    }
}

/// What became of an alert.
enum ResendResult {
    /// It was sent, or in a dry run would be.
    Sent,
    /// Nothing was to be done, for this reason.
    NotNeeded(String),
    /// It was not sent, or it is not sure how often, for this reason.
    Failed(String),
}

async fn send(
    id: &str,
    ledger: &DynamoDbLedger,
    sink: &Sink,
    dry_run: bool,
) -> Result<ResendResult, Failure> {
    let row = ledger.row(id).await.map_err(|fault| unreadable(&fault))?;
    let Some(row) = row else { return Ok(ResendResult::Failed("the ledger has no such alert".to_owned())) };
    let alert = match (row.is_sent(), row.alert()) {
        (Ok(true), _) => {
            return Ok(ResendResult::NotNeeded(
                "it is marked as sent; --again sends it once more".to_owned(),
            ));
        }
        (Ok(false), Ok(alert)) => alert,
        (Err(fault), _) | (_, Err(fault)) => return Ok(ResendResult::Failed(fault.to_string())),
    };
    if dry_run {
        return Ok(ResendResult::Sent);
    }
    Ok(match send_pending(ledger, sink, &SystemClock, &alert, TIME).await {
        Sent::Published { marked: Ok(Marked::Sent), .. } => ResendResult::Sent,
        Sent::Published { marked: Ok(Marked::ClaimLost), .. } => {
            ResendResult::Failed("sent so late that another sender may have sent it, too".to_owned())
        }
        Sent::Published { marked: Err(fault), .. } => {
            ResendResult::Failed(format!("sent, but not marked as sent: {fault}"))
        }
        Sent::Before => ResendResult::NotNeeded("another sender sent it meanwhile".to_owned()),
        Sent::InForce { until } => ResendResult::Failed(format!(
            "not sent yet: another sender holds it; if that dies it is pending from {until} on"
        )),
        Sent::HeldBack => ResendResult::Failed("not sent: its turn did not come in time".to_owned()),
        Sent::NotClaimed(LedgerFault::Call(fault)) => {
            return Err(anyhow!("the ledger does not take claims: {fault}").into());
        }
        Sent::NotClaimed(fault) => ResendResult::Failed(fault.to_string()),
        Sent::NotPublished(fault) => ResendResult::Failed(not_published(&fault)),
    })
}

fn not_published(fault: &PublishFault) -> String {
    match fault {
        PublishFault::Unavailable { may_be_sent: true, .. } => {
            format!("the topic did not answer, and may have taken it: {fault}")
        }
        _ => format!("the topic did not take it: {fault}"),
    }
}

async fn send_again(
    id: &str,
    ledger: &DynamoDbLedger,
    sink: &Sink,
    arguments: &SendAlertsArgs,
) -> Result<(), Failure> {
    let row = ledger.row(id).await.map_err(|fault| unreadable(&fault))?;
    let row = row.ok_or_else(|| anyhow!("the ledger has no alert {id}"))?;
    if !row.is_sent().map_err(|fault| unreadable(&fault))? {
        let error = anyhow!("{id} does not stand as sent: without --again it is sent the first time");
        return Err(Failure::input(error));
    }
    let alert = row.alert().map_err(|fault| unreadable(&fault))?;
    let mut summary = ResendSummary::default();
    if !arguments.dry_run {
        let published = sink.publish(&[&alert], Instant::now() + TIME).await.pop();
        published
            .unwrap_or(Err(PublishFault::HeldBack))
            .map_err(|fault| anyhow!("{id}: {}", not_published(&fault)))?;
        let noted = ledger.note_sent_again(id, SystemClock.now()).await;
        noted.map_err(|fault| {
            anyhow!("{id} was sent again, but that was not recorded in the ledger: {fault}")
        })?;
    }
    summary.count(id, ResendResult::Sent);
    Ok(summary.show(arguments)?)
}

/// What became of all of them.
#[derive(Default)]
struct ResendSummary {
    sent: u64,
    not_needed: u64,
    not_sent: u64,
}

impl ResendSummary {
    /// Counts an alert. Gives the line that reports one that was not sent.
    fn count(&mut self, id: &str, outcome: ResendResult) -> Option<String> {
        match outcome {
            ResendResult::Sent => {
                self.sent += 1;
                None
            }
            ResendResult::NotNeeded(why) => {
                self.not_needed += 1;
                Some(format!("{id}: {why}"))
            }
            ResendResult::Failed(why) => {
                self.not_sent += 1;
                Some(format!("{id}: {why}"))
            }
        }
    }

    fn show(&self, arguments: &SendAlertsArgs) -> anyhow::Result<()> {
        let ResendSummary { sent, not_needed, not_sent } = self;
        if arguments.json {
            let dry_run = arguments.dry_run;
            let summary =
                json!({ "dry_run": dry_run, "sent": sent, "not_needed": not_needed, "not_sent": not_sent });
            print_line(summary)
        } else {
            let verb = if arguments.dry_run { "would be sent" } else { "sent" };
            let sent = counted(*sent, "alert");
            let (not_needed, not_sent) = (thousands(*not_needed), thousands(*not_sent));
            print_line(format_args!("{sent} {verb}, {not_needed} not needed, {not_sent} failed"))
        }
    }
}
