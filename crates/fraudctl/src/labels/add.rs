//! One label, by hand.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::labels::{LabelStore, LabelWrite};
use fraud_core::label::{Counting, Label, LabelSource, LabelledId, Statement, Taken, Verdict};
use serde_json::json;
use tokio::time::Instant;

use super::LIMIT;
use super::details::{LedgerArgs, of_ledger};
use super::target::TargetArgs;
use crate::Failure;
use crate::display::{on_one_line, print_line};
use crate::options::{label_delay, policy, who};
use crate::reading::time;

/// Say what an alert's transaction is: fraud, legitimate, or that you take back what you said.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl labels add C000042/T000007 fraud --ledger dynamodb:alert_ledger --to dynamodb:labels --entities dynamodb:entities
  fraudctl labels add C000042/T000007 retracted --to dynamodb:labels --entities dynamodb:entities --by ana

For fraud the ledger is asked for merchant, event time and amount; --merchant names a merchant that its row does not. A
transaction that was not alerted is labelled by `labels apply` with --lake.")]
pub struct AddLabelArgs {
    /// The alert's id.
    #[arg(value_name = "ALERT_ID")]
    id: String,
    /// What it is.
    #[arg(value_name = "VERDICT", value_enum)]
    verdict: VerdictArg,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// The merchant's id, if the ledger does not tell it.
    #[arg(long, value_name = "ID")]
    merchant: Option<String>,
    /// Who says so.
    #[arg(long, value_enum, default_value_t = SourceArg::Analyst)]
    source: SourceArg,
    /// When it was reported, RFC 3339; the default is now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    reported_at: Option<Timestamp>,
    /// The policy (TOML) whose [history] says what is ordinary, or a published one of POLICY_STORE.
    #[arg(long, value_name = "FILE|store:ID")]
    policy: Option<PathBuf>,
    /// Who applies it; the default is the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// A verdict as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VerdictArg {
    /// It is fraud.
    Fraud,
    /// It is legitimate.
    Legitimate,
    /// What the source said is taken back.
    Retracted,
}

/// A source as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SourceArg {
    /// The cardholder.
    Cardholder,
    /// The bank, by a chargeback.
    Chargeback,
    /// Somebody who looked into it.
    Analyst,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if an argument is wrong; [`Failure::Failed`] if the ledger does not know the transaction of a fraud, or
/// the label is not taken.
pub(super) async fn run(arguments: &AddLabelArgs) -> Result<(), Failure> {
    let policy = policy(arguments.policy.as_deref()).await?;
    let (delay, by, now) = (label_delay(None)?, who(arguments.by.as_deref())?, SystemClock.now());
    let verdict = match arguments.verdict {
        VerdictArg::Fraud => Verdict::Fraud,
        VerdictArg::Legitimate => Verdict::Legitimate,
        VerdictArg::Retracted => Verdict::Retracted,
    };
    let source = match arguments.source {
        SourceArg::Cardholder => LabelSource::Cardholder,
        SourceArg::Chargeback => LabelSource::Chargeback,
        SourceArg::Analyst => LabelSource::Analyst,
    };
    let mut details =
        fraud_core::label::Details { merchant_id: arguments.merchant.clone(), ..Default::default() };
    if verdict == Verdict::Fraud {
        let Some(ledger) = arguments.ledger.open().await? else {
            return Err(Failure::input(anyhow!(
                "a fraud needs --ledger dynamodb:<table>, which tells what it was"
            )));
        };
        let known = of_ledger(&ledger, &arguments.id, policy.history()).await?;
        let known = known.ok_or_else(|| {
            anyhow!(
                "the ledger has no alert {}; label its transaction by `labels apply --lake`",
                arguments.id
            )
        })?;
        details = details.or(known);
        if details.merchant_id.is_none() {
            return Err(Failure::input(anyhow!(
                "the ledger does not tell the merchant of {}: name it by --merchant",
                arguments.id
            )));
        }
    }
    let reported_at = arguments.reported_at.unwrap_or(now);
    let statement = Statement { reported_at, source, verdict, details };
    let label = Label { of: LabelledId::Alert(arguments.id.clone()), statement };
    let labels = arguments.target.open().await?;
    let counting = Counting::at(now.millis().div_euclid(1000), delay, policy.history());
    let write = LabelWrite { label: &label, counting: &counting, by: &by, at: now };
    let taken = labels.apply(write, Instant::now() + LIMIT).await.map_err(anyhow::Error::from)?;
    labels.save(&counting).map_err(anyhow::Error::from)?;
    let told = match &taken {
        Taken::Holds(_) => "applied",
        Taken::Known => "known",
        Taken::Superseded => "superseded",
    };
    if arguments.json {
        return Ok(print_line(json!({ "id": arguments.id, "verdict": verdict.as_str(), "label": told }))?);
    }
    let (id, verdict) = (on_one_line(&arguments.id), verdict.as_str());
    Ok(match taken {
        Taken::Holds(change) => match change.after {
            Some(fraud) => print_line(format_args!(
                "{id}: {verdict}, counted on a day of merchant/{}{}",
                on_one_line(&fraud.merchant_id),
                if fraud.ordinary { " as ordinary" } else { "" }
            )),
            None => print_line(format_args!("{id}: {verdict}, nothing of it counts")),
        },
        Taken::Known => print_line(format_args!("{id}: {verdict} is known already")),
        Taken::Superseded => print_line(format_args!("{id}: the source has said something later")),
    }?)
}
