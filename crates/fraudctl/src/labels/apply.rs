//! Labels onto transactions and merchants' days.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::labels::{LabelFault, LabelStore, LabelWrite};
use fraud_core::label::{Counting, Details};
use fraud_core::policy::{HistorySettings, Policy};
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use tokio::time::Instant;

use super::LIMIT;
use super::details::{LedgerArgs, of_ledger};
use super::lake::Wanted;
use super::lines::{LabelLine, LineCounts};
use super::summary::ApplySummary;
use super::target::{OpenLabels, TargetArgs};
use super::unknown;
use crate::Failure;
use crate::display::{counted, note, print_line, progress, thousands};
use crate::input::{Input, Source};
use crate::interrupt::Interrupt;
use crate::options::{label_delay, policy, who};
use crate::reading::past_time;

/// Labels that are applied at once.
const AT_ONCE: usize = 16;
/// Labels that are read before they are applied.
const GROUP: usize = 1024;
/// This many unknown transactions are told one by one; the others are counted.
const UNKNOWN_TOLD: usize = 10;

/// Apply labels: keep what is said of transactions, and count frauds on merchants' days.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl labels apply labels.ndjson --to dynamodb:labels --entities dynamodb:entities
  fraudctl labels apply chargebacks.ndjson unknown.ndjson --to dynamodb:labels --entities dynamodb:entities \\
    --ledger dynamodb:alert_ledger --lake 'lake/year=2026/**/*.parquet' --unknown unknown.ndjson
  fraudctl labels apply labels.ndjson --to file:labels.kept --entities file:entities.ndjson

A label counts once, however often and by however many it is applied; run again, or after an interruption, the same files change
nothing that is done. Of one source the latest label holds (at the same moment: retracted, then fraud, then legitimate); of those
that are not retracted the latest is the transaction's verdict (at the same moment: the analyst's, then the chargeback's).

A fraud needs merchant_id, event_time and amount. If its label lacks one, --ledger is asked, then the lines of --lake. Labels of
transactions that are found nowhere are told, and written to --unknown, which can be among the files of the next run. A
transaction's fraud is ordinary if its amount is below the policy's ordinary_below and it is no outlier (outlier in the label, or
history.amount_ratio among the inputs of ledger or lake). A fraud older than LABEL_DELAY_DAYS + 60 days is kept and not counted;
--as-of tries labels of another time out.

Exit status: 0 all are applied, or kept in --unknown, 1 interrupted, not taken, or unknown without --unknown, 2 the input is wrong.")]
pub struct ApplyLabelsArgs {
    /// Files of labels, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Look in these scored lines for the transactions of labels that do not tell merchant, time and amount; may be given
    /// several times.
    #[arg(long, value_name = "FILE|DIR|PATTERN")]
    lake: Vec<Source>,
    /// Write labels of unknown transactions to this file, in place of what it holds.
    #[arg(long, value_name = "FILE")]
    unknown: Option<PathBuf>,
    /// The policy (TOML) whose [history] says what is ordinary, or a published one of POLICY_STORE.
    #[arg(long, value_name = "FILE|store:ID")]
    policy: Option<PathBuf>,
    /// After how many days labels have come [env: LABEL_DELAY_DAYS]
    #[arg(long, value_name = "N")]
    label_delay_days: Option<String>,
    /// Apply as at this time, RFC 3339: it decides which days are kept; the default is now.
    #[arg(long, value_name = "TIME", value_parser = past_time)]
    as_of: Option<Timestamp>,
    /// Who applies them; the default is the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a file cannot be read or an entry is not a label; [`Failure::Failed`] if the table does not take
/// labels, the run was interrupted, or transactions are unknown.
pub(super) async fn run(arguments: &ApplyLabelsArgs) -> Result<(), Failure> {
    let policy = policy(arguments.policy.as_deref()).await?;
    let delay = label_delay(arguments.label_delay_days.as_deref())?;
    let by = who(arguments.by.as_deref())?;
    // Opened first, so that a wrong file is told before anything else is needed.
    let input = Input::open(&arguments.input).map_err(Failure::input)?;
    let ledger = arguments.ledger.open().await?;
    let labels = arguments.target.open().await?;
    let as_of = arguments.as_of.unwrap_or_else(|| SystemClock.now());
    let counting = Counting::at(as_of.millis().div_euclid(1000), delay, policy.history());
    let bar = progress(input.size());
    let mut run = Run {
        labels: &labels,
        counting: &counting,
        by: &by,
        interrupt: Interrupt::listen(),
        bar: &bar,
        summary: ApplySummary::default(),
        not_applied: Vec::new(),
    };
    let result = run.all(input, arguments, ledger.as_ref(), &policy).await;
    bar.finish_and_clear();
    let saved = labels.save(&counting);
    let Run { summary, not_applied, interrupt, .. } = run;
    match arguments.json {
        true => print_line(summary.json())?,
        false => print_line(summary.text())?,
    }
    saved.map_err(anyhow::Error::from)?;
    result?;
    if interrupt.has_come() {
        return Err(anyhow!("interrupted: run it again to apply the labels that are missing").into());
    }
    if let Some(path) = &arguments.unknown {
        unknown::write(path, &not_applied)?;
    }
    if summary.refused > 0 {
        let refused = counted(summary.refused, "line");
        return Err(Failure::input(anyhow!("{refused} not labels, see above")));
    }
    if summary.failed > 0 || (summary.unknown > 0 && arguments.unknown.is_none()) {
        let labels = counted(summary.failed + summary.unknown, "label");
        return Err(anyhow!("{labels} not applied, see above").into());
    }
    Ok(())
}

/// A run on its way.
struct Run<'a> {
    labels: &'a OpenLabels,
    counting: &'a Counting,
    by: &'a str,
    interrupt: Interrupt,
    bar: &'a ProgressBar,
    summary: ApplySummary,
    /// Labels of unknown transactions, and those that the table did not take.
    not_applied: Vec<LabelLine>,
}

impl Run<'_> {
    async fn all(
        &mut self,
        input: Input,
        arguments: &ApplyLabelsArgs,
        ledger: Option<&fraud_aws::ledger::DynamoDbLedger>,
        policy: &Policy,
    ) -> Result<(), Failure> {
        let (read, mut lines) = (input.bytes_read(), LineCounts::default());
        let (mut group, mut open) = (Vec::new(), Vec::new());
        for entry in input {
            let entry = entry.map_err(Failure::input)?;
            let line = self.bar.suspend(|| lines.read(&entry));
            self.summary.refused = lines.refused;
            match line {
                Some(line) if line.label.is_self_contained() => group.push(line),
                Some(line) => open.push(line),
                None => {}
            }
            if group.len() == GROUP {
                self.bar.set_position(read.get());
                self.apply(std::mem::take(&mut group)).await?;
            }
            if self.interrupt.has_come() {
                return Ok(());
            }
        }
        self.apply(group).await?;
        let settings = policy.history();
        if let Some(ledger) = ledger {
            open = self.by_ledger(open, ledger, settings).await?;
        }
        if !arguments.lake.is_empty() && !self.interrupt.has_come() {
            open = self.by_lake(open, &arguments.lake, policy).await?;
        }
        if !self.interrupt.has_come() {
            self.are_unknown(open);
        }
        Ok(())
    }

    /// Applies labels that tell all that is needed.
    async fn apply(&mut self, lines: Vec<LabelLine>) -> Result<(), Failure> {
        let (labels, counting, by) = (self.labels, self.counting, self.by);
        let one = |line: LabelLine| async move {
            let write = LabelWrite { label: &line.label, counting, by, at: SystemClock.now() };
            (labels.apply(write, Instant::now() + LIMIT).await, line)
        };
        let mut applied = stream::iter(lines).map(one).buffer_unordered(AT_ONCE);
        let mut fault = None;
        while let Some((taken, line)) = applied.next().await {
            match taken {
                Ok(taken) => self.summary.count(&taken),
                Err(failed @ (LabelFault::UnreadableRow(_) | LabelFault::Count(_))) => {
                    self.summary.failed += 1;
                    self.bar.suspend(|| note!("{}: {failed}", line.label.key()));
                    self.not_applied.push(line);
                }
                // What else was under way may be done: the next run finds it so.
                Err(failed) => fault = Some(failed),
            }
            if fault.is_some() || self.interrupt.has_come() {
                break;
            }
            self.bar.set_message(format!("{} applied", counted(self.summary.handled(), "label")));
            self.bar.tick();
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(anyhow!(
                "labels are not taken: {fault}; run it again when that is mended: what is applied counts once"
            )
            .into()),
        }
    }

    /// Applies the labels whose transactions the ledger knows. Gives the others.
    async fn by_ledger(
        &mut self,
        lines: Vec<LabelLine>,
        ledger: &fraud_aws::ledger::DynamoDbLedger,
        settings: Option<HistorySettings>,
    ) -> Result<Vec<LabelLine>, Failure> {
        let one = |line: LabelLine| async move {
            let details = of_ledger(ledger, &line.label.key(), settings).await?;
            Ok::<_, Failure>((line, details))
        };
        let mut asked = stream::iter(lines).map(one).buffered(AT_ONCE);
        let (mut known, mut open) = (Vec::new(), Vec::new());
        while let Some(answer) = asked.next().await {
            let (line, details) = answer?;
            let line = with(line, details.unwrap_or_default());
            match line.label.is_self_contained() {
                true => known.push(line),
                false => open.push(line),
            }
            if self.interrupt.has_come() {
                return Ok(open);
            }
        }
        drop(asked);
        self.apply(known).await?;
        Ok(open)
    }

    /// Applies the labels whose transactions are among the lake's lines. Gives the others.
    async fn by_lake(
        &mut self,
        lines: Vec<LabelLine>,
        lake: &[Source],
        policy: &Policy,
    ) -> Result<Vec<LabelLine>, Failure> {
        let mut wanted = Wanted::default();
        lines.iter().for_each(|line| wanted.add(&line.label.of));
        if wanted.is_empty() {
            return Ok(lines);
        }
        let (found, refused): (HashMap<String, Details>, u64) =
            self.bar.suspend(|| wanted.find_in(lake, policy, policy.history(), &self.interrupt))?;
        if refused > 0 {
            self.bar.suspend(|| note!("--lake: {} not scored records", counted(refused, "line")));
        }
        let (mut known, mut open) = (Vec::new(), Vec::new());
        for line in lines {
            match found.get(&line.label.key()) {
                // A transaction without a merchant counts nowhere, and is not unknown.
                Some(details) => known.push(with(line, details.clone())),
                None => open.push(line),
            }
        }
        self.apply(known).await?;
        Ok(open)
    }

    fn are_unknown(&mut self, lines: Vec<LabelLine>) {
        self.summary.unknown = lines.len() as u64;
        for line in lines.iter().take(UNKNOWN_TOLD) {
            self.bar
                .suspend(|| note!("{}: its merchant, event time or amount is not known", line.label.key()));
        }
        let more = lines.len().saturating_sub(UNKNOWN_TOLD) as u64;
        if more > 0 {
            self.bar.suspend(|| note!("{} more such labels", thousands(more)));
        }
        self.not_applied.extend(lines);
    }
}

/// The label with what it lacks, if that is known.
fn with(mut line: LabelLine, details: Details) -> LabelLine {
    let statement = &mut line.label.statement;
    statement.details = std::mem::take(&mut statement.details).or(details);
    line
}
