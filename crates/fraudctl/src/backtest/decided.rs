//! What was decided, as scored lines say: measured by labels, and reported.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use anyhow::anyhow;
use backtest::engine::{FinalLabels, PastRecord};
use backtest::measures::{Compared, Comparison, DAY, Judged, Measures, Tally, TallySettings};
use clap::Args;
use fraud_core::policy::Policy;
use fraud_core::profile::Profile;
use fraud_core::schema::Schema;
use fraud_core::scoring::FactorSet;

use super::arguments::Order;
use super::labels::Judging;
use super::records::{Form, Numbered, RecordReader};
use super::span::{self, Days, days, moment};
use super::{json, text};
use crate::Failure;
use crate::display::{counted, note, print_line, progress};
use crate::input::{Entry, Input, Source};
use crate::interrupt::Interrupt;
use crate::policy::known_policies;
use crate::report::{Against, Report, claim};

use said::{factors, reasons_as_objects, said};

mod said;

/// Entries that are read at once.
const CHUNK: usize = 512;

/// Report what was decided, by week, from scored lines and labels; a policy in the shadow stands beside the one that decided.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl report out/scored --labels labels.ndjson --policies card.toml --out report.html
  fraudctl report 'lake/year=2026/month=01/**' --labels chargebacks.csv --policies store --json | jq .recall

Scores and reasons are those of the lines: nothing is decided again. A copy of a line counts once. The lines of one policy are
reported, by default of the one with most lines; the report names the others. Where lines have a shadow_score, the report
compares: gained is what the policy alerted and its shadow would not have, lost the other way round.

Labels, and which transactions are judged, are as in a back-test (docs/backtesting.md).

Exit status: 0 done, 1 interrupted, 2 the files, the labels or a policy are wrong.")]
pub struct ReportArgs {
    /// Files of scored lines, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    /// Labels: files, folders or patterns.
    #[arg(long, value_name = "FILE|DIR|PATTERN", required = true)]
    labels: Vec<Source>,
    /// Take labels to be known this long after their transactions, such as 7d, whatever they say of when they were reported.
    #[arg(long, value_name = "Nd", value_parser = days)]
    label_delay: Option<Days>,
    /// When the labels end: younger transactions are not judged; the default is when the latest one was reported.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    labels_until: Option<i64>,
    /// The policies beside the built-in one: a file, a folder of `.toml` files, `dynamodb:<table>`, or `store` for POLICY_STORE.
    #[arg(long, value_name = "FILE|DIR|STORE")]
    policies: Vec<PathBuf>,
    /// Report the lines of the policy with this id.
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
    /// Report from this time on: a day, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<i64>,
    /// Report what is before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<i64>,
    /// Write the report, a page of its own, into this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the measures as a JSON object.
    #[arg(long)]
    json: bool,
}

/// One policy's lines.
struct OfPolicy<'p> {
    policy: &'p Policy,
    lines: u64,
    tally: Tally,
    shadow: Option<OfShadow<'p>>,
}

struct OfShadow<'p> {
    policy: &'p Policy,
    tally: Tally,
    comparison: Comparison,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]
pub async fn run(arguments: &ReportArgs) -> Result<(), Failure> {
    let policies = known_policies(&arguments.policies).await?;
    claim(arguments.out.as_deref())?;
    let judging = Judging::of(&arguments.labels, arguments.label_delay, arguments.labels_until)?;
    let mut decided = Decided::new(arguments, &policies, judging);
    decided.read(&Interrupt::listen())?;
    decided.report()
}

/// What is added up over the lines.
struct Decided<'p> {
    arguments: &'p ReportArgs,
    policies: &'p [Policy],
    labels: FinalLabels,
    judged_until: Option<i64>,
    by_policy: BTreeMap<String, OfPolicy<'p>>,
    /// Identities with what tells transactions under one apart.
    seen: HashSet<(String, String)>,
    span: Option<(i64, i64)>,
    from: i64,
    copies: u64,
    refused: u64,
}

impl<'p> Decided<'p> {
    fn new(arguments: &'p ReportArgs, policies: &'p [Policy], judging: Judging) -> Self {
        Decided {
            arguments,
            policies,
            labels: FinalLabels::of(judging.labels),
            judged_until: judging.judged_until,
            by_policy: BTreeMap::new(),
            seen: HashSet::new(),
            span: None,
            from: arguments.from.unwrap_or(i64::MIN),
            copies: 0,
            refused: 0,
        }
    }

    fn read(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        let mut input = Input::open(&self.arguments.input).map_err(Failure::input)?;
        let schema = Schema::builtin_default();
        let first = input.first().map_err(Failure::input)?;
        let builtin = Policy::builtin_default().map_err(Failure::input)?;
        let reader = RecordReader::new(first, &[&builtin], &schema, Order::EventTime, None, true);
        if reader.form() != Form::ScoredLines {
            return Err(Failure::input(anyhow!(
                "the files are not scored lines, which have `ingested_at`: a back-test decides on transactions as producers write them \
                 (fraudctl backtest)"
            )));
        }
        let (bar, read, mut lines) = (progress(input.size()), input.bytes_read(), 0);
        loop {
            if interrupt.has_come() {
                return Err(anyhow!("interrupted: nothing is reported of a part").into());
            }
            let entries: Result<Vec<Entry>, _> = input.by_ref().take(CHUNK).collect();
            let entries = entries.map_err(Failure::input)?;
            if entries.is_empty() {
                break;
            }
            let entries: Vec<Numbered> =
                (lines..).zip(entries).map(|(number, entry)| Numbered { number, entry }).collect();
            lines += entries.len() as u64;
            for (record, entry) in reader.read(&entries).into_iter().zip(&entries) {
                let taken = match record {
                    Ok(record) => self.take(&record, &entry.entry.bytes)?,
                    Err(why) => Err(why),
                };
                if let Err(why) = taken {
                    self.refused += 1;
                    if self.refused <= super::pass::REFUSED_TOLD as u64 {
                        note!("{}: {why}", entry.entry.location);
                    }
                }
            }
            bar.set_position(read.get());
            bar.set_message(counted(lines, "line"));
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Takes a line; says why it is none.
    fn take(&mut self, record: &PastRecord<'_>, line: &[u8]) -> Result<Result<(), String>, Failure> {
        let second = record.second;
        if second < self.from || self.arguments.to.is_some_and(|to| second >= to) {
            return Ok(Ok(()));
        }
        let said = said(line);
        let (Some(id), Some(score)) = (&said.policy, said.score) else {
            return Ok(Err("it has no `fraud_policy` or no `fraud_score`".to_owned()));
        };
        let content = format!("{}/{second}", record.amount);
        if !self.seen.insert((record.identity().into_owned(), content)) {
            self.copies += 1;
            return Ok(Ok(()));
        }
        if self.span.is_none() && self.from == i64::MIN {
            // Weeks begin with the first line's day.
            self.from = second.div_euclid(DAY) * DAY;
        }
        let (first, last) = self.span.unwrap_or((second, second));
        self.span = Some((first.min(second), last.max(second)));
        let settings = TallySettings { from: self.from, until: i64::MAX, alerts_per_day: None };
        let truth = super::measure::truth(&mut self.labels, self.judged_until, record).0;
        let policy = known(self.policies, id)?;
        let of = self.by_policy.entry(id.clone()).or_insert_with(|| OfPolicy {
            policy,
            lines: 0,
            tally: Tally::new(policy, settings),
            shadow: None,
        });
        of.lines += 1;
        let segment = record.profile.as_ref().map(Profile::segment);
        let judged = |score: f64, policy: &Policy, factors: FactorSet| Judged {
            time: second,
            score,
            is_alert: score > policy.threshold(),
            truth,
            amount: record.amount,
            customer: record.transaction.customer_id.as_deref().unwrap_or_default(),
            segment: segment.as_deref(),
            factors,
        };
        let active = judged(score, policy, factors(policy, said.reasons));
        of.tally.add(&active);
        if let (Some(id), Some(score)) = (&said.shadow, said.shadow_score) {
            let policy = known(self.policies, id)?;
            let first = of.policy;
            let shadow = of.shadow.get_or_insert_with(|| OfShadow {
                policy,
                tally: Tally::new(policy, settings),
                comparison: Comparison::new([policy, first], self.from..i64::MAX),
            });
            if shadow.policy.id() == id {
                let beside = judged(score, policy, FactorSet::default());
                shadow.tally.add(&beside);
                let reasons = || ["[]".to_owned(), reasons_as_objects(said.reasons)];
                let compared =
                    Compared { judged: [&beside, &active], id: &record.identity(), reasons: &reasons };
                shadow.comparison.add(&compared);
            }
        }
        Ok(Ok(()))
    }

    fn report(self) -> Result<(), Failure> {
        let Some((_, last)) = self.span else {
            return Err(Failure::input(anyhow!("no scored line is within --from and --to")));
        };
        let until = self.arguments.to.unwrap_or((last.div_euclid(DAY) + 1) * DAY);
        let most = self.by_policy.iter().max_by_key(|(_, of)| of.lines).map(|(id, _)| id.clone());
        let wanted = self.arguments.policy.clone().or(most).unwrap_or_default();
        for (id, of) in self.by_policy.iter().filter(|(id, _)| **id != wanted) {
            note!("{} of {id} are not in this report: --policy {id} reports them", counted(of.lines, "line"));
        }
        if self.copies > 0 {
            note!("{} left out", super::notes::copies(self.copies));
        }
        let mut by_policy = self.by_policy;
        let Some(of) = by_policy.remove(&wanted) else {
            let ids: Vec<_> = by_policy.keys().map(String::as_str).collect();
            return Err(Failure::input(anyhow!(
                "no line is of the policy {wanted}; there are lines of {}",
                ids.join(", ")
            )));
        };
        let measures = measured(of.tally, until);
        let shadow = of
            .shadow
            .map(|shadow| (shadow.policy, measured(shadow.tally, until), shadow.comparison.finish()));
        let against =
            shadow.as_ref().map(|(policy, measures, differences)| Against { policy, measures, differences });
        let as_json = json::decided(
            &measures,
            shadow.as_ref().map(|(_, measures, differences)| (measures, differences)),
        );
        match self.arguments.json {
            true => print_line(&as_json)?,
            false => {
                print_line(text::policy(&measures))?;
                if let Some((_, measures, differences)) = &shadow {
                    print_line(format_args!("\nIn its shadow:\n{}\n", text::policy(measures)))?;
                    print_line(text::gained_and_lost(differences))?;
                }
            }
        }
        if let Some(path) = &self.arguments.out {
            let report = Report {
                policy: of.policy,
                measures: &measures,
                without: &[],
                against,
                was_decided: true,
                json: &as_json,
            };
            report.write(path)?;
        }
        note!("reported up to {}", span::text(until));
        match self.refused {
            0 => Ok(()),
            refused => {
                Err(Failure::input(anyhow!("{} not scored lines, see above", counted(refused, "entry"))))
            }
        }
    }
}

fn measured(mut tally: Tally, until: i64) -> Measures {
    tally.end(until);
    tally.measures()
}

fn known<'p>(policies: &'p [Policy], id: &str) -> Result<&'p Policy, Failure> {
    policies.iter().find(|policy| policy.id() == id).ok_or_else(|| {
        Failure::input(anyhow!("a line was decided by {id}, whose text is not known: name it by --policies"))
    })
}
