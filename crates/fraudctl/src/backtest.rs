//! Back-tests: what a policy would have done.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use backtest::measures::Figures;
use clap::Args;

use crate::Failure;
use crate::display::{a_day, print_line};
use crate::interrupt::Interrupt;
use crate::options::{policy, policy_of};
use crate::report::{Against, Report, claim};

mod arguments;
pub mod decided;
mod json;
mod known;
mod labels;
mod looked;
mod measure;
pub(crate) mod notes;
mod pass;
mod past;
mod records;
mod short_text;
mod sorted;
pub(crate) mod span;
mod steps;
pub(crate) mod text;

pub(crate) use arguments::{HELP, PastArgs};
pub(crate) use measure::{Measured, Question};
pub(crate) use past::Past;
pub(crate) use span::{Days, days};

/// Measure what a policy would have done with transactions of the past.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:
  fraudctl backtest tx.ndjson --profiles profiles.json --labels labels.ndjson --policy card.toml
  fraudctl backtest tx.ndjson --profiles profiles.json --labels labels.ndjson --policy card.toml --alerts-per-day 100
  fraudctl backtest lake --labels labels.ndjson --policy card.toml --against store:$ACTIVE --order arrival
  fraudctl backtest tx.ndjson --labels labels.ndjson --policy card.toml --against builtin:default --report card.html
  fraudctl backtest tx.ndjson --labels labels.ndjson --policy card.toml --min-recall 0.7 --max-alerts-per-day 120 --json

{HELP}

docs/backtesting.md defines each measure. With --against, an alert is gained that --policy raises and --against does not, and
lost the other way round.

Exit status: 0 done, 1 interrupted, 2 the files, the labels or a policy are wrong, 3 a --min or --max is not kept."))]
pub struct BacktestArgs {
    #[command(flatten)]
    past: PastArgs,
    /// The policy (TOML), or a published one of POLICY_STORE; the default is the built-in policy.
    #[arg(long, value_name = "FILE|store:ID")]
    policy: Option<PathBuf>,
    /// The policy to compare with, such as the active one.
    #[arg(long, value_name = "FILE|store:ID")]
    against: Option<PathBuf>,
    /// Measure at the threshold that keeps to this many alerts a day, instead of the policy's.
    #[arg(long, value_name = "N", value_parser = positive)]
    alerts_per_day: Option<f64>,
    /// Fail with status 3 if less of the frauds is alerted than this share.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    min_recall: Option<f64>,
    /// Fail with status 3 if less of the alerts is fraud than this share.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    min_precision: Option<f64>,
    /// Fail with status 3 if there are more alerts a day than this.
    #[arg(long, value_name = "N", value_parser = positive)]
    max_alerts_per_day: Option<f64>,
    /// Write a report, a page of its own, into this file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// A number of alerts a day.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "it must be a number above 0".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "it must be a share from 0 to 1".to_owned())
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]; [`Failure::Beyond`] if the policy does not keep to a minimum or maximum.
pub async fn run(arguments: &BacktestArgs) -> Result<(), Failure> {
    let candidate = policy(arguments.policy.as_deref()).await?;
    let against = match &arguments.against {
        Some(against) => Some(policy_of("--against", Some(against)).await?),
        None => None,
    };
    // Gained is what the second has and the first has not.
    let policies: Vec<_> = against.iter().chain([&candidate]).collect();
    let past = Past::open(&arguments.past, &policies)?;
    let interrupt = Interrupt::listen();
    let wanted = Wanted { alerts_per_day: arguments.alerts_per_day, report: arguments.report.as_deref() };
    let measured = past.at_thresholds(policies.clone(), wanted, &interrupt)?;
    match arguments.json {
        true => print_line(json::backtest(&measured))?,
        false => print_line(text::backtest(&measured))?,
    }
    write_report(arguments.report.as_deref(), &policies, &measured)?;
    notes::tell(&past, &measured);
    let Some(measures) = measured.measures.last() else { return Ok(()) };
    kept(arguments, &measures.overall)?;
    notes::refused(&measured)
}

/// Holds the measures against what was asked for.
fn kept(arguments: &BacktestArgs, figures: &Figures) -> Result<(), Failure> {
    let mut broken = Vec::new();
    let mut at_least = |name: &str, least: Option<f64>, measure: Option<f64>| {
        match (least, measure) {
            (Some(least), Some(measure)) if measure < least => {
                broken.push(format!("the {name} is {measure:.4}, and must be at least {least}"));
            }
            (Some(least), None) => {
                broken.push(format!(
                    "there is no {name}, which must be at least {least}: nothing to measure it by"
                ));
            }
            _ => {}
        };
    };
    at_least("recall", arguments.min_recall, figures.recall);
    at_least("precision", arguments.min_precision, figures.precision);
    if let (Some(most), Some(alerts)) = (arguments.max_alerts_per_day, figures.alerts_per_day)
        && alerts > most
    {
        broken.push(format!("there are {} alerts a day, and must be at most {most}", a_day(alerts)));
    }
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Failure::Beyond(anyhow!(broken.join("; ")))),
    }
}

/// What is wanted of a comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Find the thresholds that keep to this many alerts a day.
    pub(crate) alerts_per_day: Option<f64>,
    /// Where a report is to be written.
    pub(crate) report: Option<&'a Path>,
}

/// Writes a report of the last policy, against the one before it if there is one.
///
/// # Errors
/// [`Failure::Input`] if the file cannot be written.
pub(crate) fn write_report(
    path: Option<&Path>,
    policies: &[&fraud_core::policy::Policy],
    measured: &Measured,
) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let both = || policies.iter().zip(&measured.measures).rev();
    let Some((policy, measures)) = both().next() else { return Ok(()) };
    let against = both().nth(1).zip(measured.differences.as_ref());
    let against = against.map(|((policy, measures), differences)| Against { policy, measures, differences });
    let json = json::backtest(measured);
    let report =
        Report { policy, measures, without: &measured.without, against, was_decided: false, json: &json };
    report.write(path)
}

impl Past<'_> {
    /// Measures at each policy's threshold, or at the one that keeps to a budget. With two policies and a budget the files are read
    /// twice: what is gained and lost is told at the thresholds that the first reading finds.
    ///
    /// # Errors
    /// [`Failure`]
    pub(crate) fn at_thresholds(
        &self,
        policies: Vec<&fraud_core::policy::Policy>,
        Wanted { alerts_per_day, report }: Wanted<'_>,
        interrupt: &Interrupt,
    ) -> Result<Measured, Failure> {
        claim(report)?;
        let thresholds = policies.iter().map(|policy| policy.threshold()).collect();
        let mut question = Question {
            policies,
            thresholds,
            alerts_per_day,
            keep_rows: false,
            without_factors: report.is_some(),
        };
        let is_twice = question.policies.len() > 1 && alerts_per_day.is_some();
        if is_twice && self.is_stdin() {
            return Err(Failure::input(anyhow!(
                "standard input cannot be read twice, as two policies at a budget need it: name files"
            )));
        }
        let measured = self.measure(&question, interrupt)?;
        if !is_twice {
            return Ok(measured);
        }
        question.thresholds = measured.measures.iter().map(|measures| measures.overall.threshold).collect();
        self.measure(&question, interrupt)
    }
}
