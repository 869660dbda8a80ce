//! What files of labels say, before they are applied.

use std::collections::{BTreeMap, HashMap};

use anyhow::anyhow;
use clap::Args;
use exact_text::written_time;
use fraud_core::label::{LabelSource, Statement, Verdict};
use fraud_core::merchant::LabelDelay;
use serde_json::json;

use super::delays::Delays;
use super::lines::LineCounts;
use crate::Failure;
use crate::display::{counted, print_line, progress, table, thousands};
use crate::input::{Input, Source};
use crate::options::label_delay;

/// Lines between two updates of the progress line.
const LINES_A_LOOK: u64 = 1024;

/// Check files of labels: what they say, what is wrong with them, and how late they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl labels check labels.ndjson
  fraudctl labels check 'chargebacks/2026-01-*.ndjson.gz' --json

A label is a JSON object:
  alert_id | decision_id | customer_id and transaction_id     which transaction
  verdict      fraud, legitimate or retracted
  reported_at  when it was reported: RFC 3339, or an epoch number
  source       cardholder, chargeback or analyst
and, so that nothing needs to be looked up: merchant_id, event_time, amount, outlier (true or false).

The delay is that of reported frauds that tell their event time. Set LABEL_DELAY_DAYS to a number of days within which most
frauds are reported: a day is judged whole only after it.

Exit status: 0 all entries are labels, 2 some are not, or a file cannot be read.")]
pub struct CheckLabelsArgs {
    /// Files of labels, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    /// Tell how many frauds are reported later than this many days [env: LABEL_DELAY_DAYS]
    #[arg(long, value_name = "N")]
    label_delay_days: Option<String>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    lines: LineCounts,
    /// By verdict and source.
    labels: BTreeMap<(Verdict, LabelSource), u64>,
    /// Of each transaction the distinct statements.
    transactions: HashMap<String, Vec<Statement>>,
    duplicates: u64,
    early: u64,
    self_contained: u64,
    delays: Delays,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a file cannot be read, or holds an entry that is not a label.
pub(super) fn run(arguments: &CheckLabelsArgs) -> Result<(), Failure> {
    let delay = label_delay(arguments.label_delay_days.as_deref())?;
    let input = Input::open(&arguments.input).map_err(Failure::input)?;
    let bar = progress(input.size());
    let (read, mut found) = (input.bytes_read(), Found::default());
    for entry in input {
        let entry = entry.map_err(Failure::input)?;
        let line = bar.suspend(|| found.lines.read(&entry));
        if let Some(line) = line {
            let is_self_contained = line.label.is_self_contained();
            found.add(line.label.key(), line.label.statement, is_self_contained);
        }
        if found.lines.lines % LINES_A_LOOK == 0 {
            bar.set_position(read.get());
            bar.set_message(format!("{} read", counted(found.lines.lines, "label")));
        }
    }
    bar.finish_and_clear();
    match arguments.json {
        true => print_line(found.json(delay))?,
        false => found.print(delay)?,
    }
    match (found.lines.lines, found.lines.refused) {
        (0, _) => Err(Failure::input(anyhow!("the input holds no label"))),
        (_, 0) => Ok(()),
        (_, refused) => Err(Failure::input(anyhow!(
            "{} of {} not labels, see above",
            thousands(refused),
            counted(found.lines.lines, "line")
        ))),
    }
}

impl Found {
    fn add(&mut self, key: String, statement: Statement, is_self_contained: bool) {
        *self.labels.entry((statement.verdict, statement.source)).or_default() += 1;
        let known = self.transactions.entry(key).or_default();
        if known.contains(&statement) {
            self.duplicates += 1;
            return;
        }
        let event_time = statement.details.event_time.as_deref().and_then(written_time::parse);
        if let (Verdict::Fraud, Some(event_time)) = (statement.verdict, event_time) {
            let delay = (statement.reported_at.millis() - event_time.instant.millis()).div_euclid(1000);
            match delay < 0 {
                true => self.early += 1,
                false => self.delays.add(delay),
            }
        }
        self.self_contained += u64::from(is_self_contained);
        known.push(statement);
    }

    /// Transactions that one source calls fraud and another, or the same at another time, legitimate.
    fn contradicted(&self) -> u64 {
        let is = |statements: &[Statement], verdict| {
            statements.iter().any(|statement| statement.verdict == verdict)
        };
        let contradicted = self
            .transactions
            .values()
            .filter(|statements| is(statements, Verdict::Fraud) && is(statements, Verdict::Legitimate));
        contradicted.count() as u64
    }

    fn distinct(&self) -> u64 {
        self.transactions.values().map(|statements| statements.len() as u64).sum()
    }

    fn json(&mut self, delay: LabelDelay) -> serde_json::Value {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|((verdict, source), count)| {
                json!({ "verdict": verdict.as_str(), "source": source.as_str(), "labels": count })
            })
            .collect();
        json!({
            "lines": self.lines.lines,
            "not_labels": self.lines.refused,
            "labels": labels,
            "transactions": self.transactions.len(),
            "duplicates": self.duplicates,
            "contradicted": self.contradicted(),
            "to_be_looked_up": self.distinct() - self.self_contained,
            "left_out": self.lines.left_out,
            "before_the_event": self.early,
            "delay_of": self.delays.len(),
            "delay": self.delays.json(),
            "label_delay_days": delay.days(),
            "later_than_that": self.delays.later_than(delay.days()),
        })
    }

    fn print(&mut self, delay: LabelDelay) -> anyhow::Result<()> {
        let mut shown = table(&["verdict", "source", "labels"], &["labels"]);
        for ((verdict, source), count) in &self.labels {
            shown.add_row([verdict.as_str(), source.as_str(), &thousands(*count)]);
        }
        if !self.labels.is_empty() {
            print_line(shown)?;
        }
        print_line(format_args!(
            "{} of {}, {} told more than once",
            counted(self.distinct(), "distinct label"),
            counted(self.transactions.len() as u64, "transaction"),
            thousands(self.duplicates)
        ))?;
        let contradicted = self.contradicted();
        if contradicted > 0 {
            let transactions = counted(contradicted, "transaction");
            print_line(format_args!(
                "{transactions} called fraud and legitimate: the latest word that is not taken back holds"
            ))?;
        }
        let looked_up = self.distinct() - self.self_contained;
        if looked_up > 0 {
            let labels = counted(looked_up, "fraud");
            print_line(format_args!("{labels} to be looked up: without merchant_id, event_time or amount"))?;
        }
        for (name, count) in &self.lines.left_out {
            print_line(format_args!("`{name}` is not looked at, in {}", counted(*count, "label")))?;
        }
        if self.early > 0 {
            let frauds = counted(self.early, "fraud");
            print_line(format_args!("{frauds} reported before the event: is a clock or a time zone wrong?"))?;
        }
        if self.delays.len() > 0 {
            print_line(self.delays.table())?;
            let later = self.delays.later_than(delay.days());
            let percent = 100.0 * later as f64 / self.delays.len() as f64;
            print_line(format_args!(
                "LABEL_DELAY_DAYS {}: {percent:.1} % of these frauds are reported later",
                delay.days()
            ))?;
        }
        Ok(())
    }
}
