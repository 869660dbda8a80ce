//! Points for given factors, by labels.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use backtest::fit::{BandsFrom, Fitted, Rows, fit};
use backtest::measures::{DAY, Figures, Tally, TallySettings};
use clap::{Args, ValueEnum};
use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;
use fraud_core::policy::Policy;

use crate::Failure;
use crate::backtest::text::{per_day, places};
use crate::backtest::{Days, HELP, Past, PastArgs, Question, days, notes, positive};
use crate::display::{counted, note, print_line, table, thousands};
use crate::interrupt::Interrupt;
use crate::options::mistakes;

mod proposal;

/// Fit the points of given factors to labels, and propose a policy.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:
  fraudctl policy fit tx.ndjson --labels labels.ndjson --factors draft.toml --out card.toml
  fraudctl policy fit tx.ndjson --labels labels.ndjson --factors draft.toml --bands auto --alerts-per-day 100 --out card.toml
  fraudctl policy fit fraud.csv --schema schemas/sparkov.toml --label-field is_fraud --factors draft.toml --warm-up 0d

The draft is a policy that names the factors. Of its points only this counts: whether they rise or fall with the input, for
then the fitted ones do, too. Its bands get points of their own; with --bands auto bands are found, and a factor may have a
weight in their place. Bands that tell the same, or too little, become one; conditions stay.

The newest labelled week (--holdout) is not learnt from: the proposal is measured by it. The threshold keeps to --alerts-per-day
over what was learnt from; without it, 1 % of the transactions are above. docs/backtesting.md tells the method.

{HELP}

Exit status: 0 done, 1 interrupted, 2 the files, the labels or the draft are wrong, or tell nothing."))]
pub struct FitArgs {
    #[command(flatten)]
    past: PastArgs,
    /// The draft: a policy (TOML) that names the factors.
    #[arg(long, value_name = "FILE")]
    factors: PathBuf,
    /// Where the factors' bands come from.
    #[arg(long, value_name = "FROM", value_enum, default_value_t = Bands::Draft)]
    bands: Bands,
    /// Keep so much of the newest labelled time from the fit, to measure by.
    #[arg(long, value_name = "Nd", value_parser = days, default_value = "7d")]
    holdout: Days,
    /// The alerts a day that somebody can look into.
    #[arg(long, value_name = "N", value_parser = positive)]
    alerts_per_day: Option<f64>,
    /// Write the policy to this file; by default it goes to standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    out: Option<PathBuf>,
    /// Print policy and measures as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Where bands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bands {
    /// The draft's.
    Draft,
    /// By quantiles of the values.
    Auto,
}

/// A fit, and how well it does.
struct Proposal {
    text: String,
    policy: Policy,
    fitted: Fitted,
    /// Where the held-out span begins and ends, in seconds since the epoch.
    held_out: (i64, i64),
    /// The measures of what was learnt from, and of what was held out.
    learnt: Figures,
    measured: Figures,
    /// Average precision of the held-out span by weights that are not rounded.
    exact: Option<f64>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]
pub(super) fn run(arguments: &FitArgs) -> Result<(), Failure> {
    if let Some(out) = arguments.out.as_ref().filter(|out| out.exists()) {
        return Err(Failure::input(anyhow!("{} exists: delete it, or name another file", out.display())));
    }
    let text = std::fs::read_to_string(&arguments.factors);
    let text = text.with_context(|| format!("cannot read {}", arguments.factors.display()));
    let text = text.map_err(Failure::input)?;
    let draft = super::read(&arguments.factors)?;
    let draft = draft.map_err(|error| {
        Failure::input(mistakes("--factors", &arguments.factors.display().to_string(), &error))
    })?;
    let past = Past::open(&arguments.past, &[&draft])?;
    if !past.is_labelled() {
        return Err(Failure::input(anyhow!("points are fitted to labels: give --labels or --label-field")));
    }
    let question = Question {
        policies: vec![&draft],
        thresholds: vec![draft.threshold()],
        alerts_per_day: None,
        keep_rows: true,
        without_factors: false,
    };
    let mut measured = past.measure(&question, &Interrupt::listen())?;
    let rows = measured.rows.take().unwrap_or_default();
    let from = measured.measures.first().map_or(0, |measures| measures.from);
    let proposal = propose(arguments, &draft, &text, &rows, from)?;
    match (arguments.json, &arguments.out) {
        (true, _) => print_line(proposal.to_json())?,
        (false, Some(out)) => {
            std::fs::write(out, &proposal.text)
                .with_context(|| format!("cannot write {}", out.display()))
                .map_err(Failure::input)?;
            note!("{} is in {}", proposal.policy.id(), out.display());
        }
        (false, None) => print_line(proposal.text.trim_end())?,
    }
    proposal.tell();
    notes::tell(&past, &measured);
    notes::refused(&measured)
}

fn propose(
    arguments: &FitArgs,
    draft: &Policy,
    text: &str,
    rows: &Rows,
    from: i64,
) -> Result<Proposal, Failure> {
    let Some((_, last)) = rows.span() else {
        return Err(Failure::input(anyhow!("no transaction is judged: see --labels-until and --warm-up")));
    };
    let held_out = (last + 1 - arguments.holdout.seconds(), last + 1);
    if held_out.0 <= from {
        return Err(Failure::input(anyhow!(
            "the judged span is {} to {}, no more than --holdout: nothing is left to learn from",
            time(from),
            time(last)
        )));
    }
    let bands = match arguments.bands {
        Bands::Draft => BandsFrom::Draft,
        Bands::Auto => BandsFrom::Quantiles,
    };
    let fitted = fit(draft, rows, bands, held_out.0).map_err(Failure::input)?;
    let (transactions, _) = fitted.learnt_from;
    let days = (held_out.0 - from) as f64 / DAY as f64;
    let allowed = arguments.alerts_per_day.map_or(transactions as f64 / 100.0, |per_day| per_day * days);
    let threshold = fitted.threshold(allowed);
    if threshold >= fitted.highest {
        let at_most = thousands(fitted.scores.first().map_or(0, |(_, transactions)| *transactions));
        return Err(Failure::input(anyhow!(
            "no threshold keeps to the alerts that are allowed: {at_most} transactions have the highest score of all, {}",
            fitted.highest
        )));
    }
    let text = proposal::write(text, draft, &fitted, threshold, &heading(&fitted, from, held_out));
    let text = text.map_err(Failure::input)?;
    let policy = Policy::parse(&text).map_err(|error| anyhow!("the proposal is not valid: {error}"))?;
    let learnt = figures(&policy, &fitted, rows, (from, held_out.0), |(rounded, _)| rounded);
    let measured = figures(&policy, &fitted, rows, held_out, |(rounded, _)| rounded);
    let exact = figures(&policy, &fitted, rows, held_out, |(_, exact)| exact).average_precision;
    Ok(Proposal { text, policy, fitted, held_out, learnt, measured, exact })
}

/// The measures over a span, by the scores that are chosen.
fn figures(
    policy: &Policy,
    fitted: &Fitted,
    rows: &Rows,
    (from, until): (i64, i64),
    chosen: impl Fn((f64, f64)) -> f64,
) -> Figures {
    let mut tally = Tally::new(policy, TallySettings { from, until, alerts_per_day: None });
    for row in rows.within(from..until) {
        if let Some(judged) = rows.judged(row, chosen(fitted.scores_of(rows, row))) {
            tally.add(&judged);
        }
    }
    tally.measures().overall
}

/// What stands above the policy.
fn heading(fitted: &Fitted, from: i64, held_out: (i64, i64)) -> Vec<String> {
    let (transactions, frauds) = fitted.learnt_from;
    vec![
        format!(
            "Fitted by `fraudctl policy fit` to {} with {}, {} to {}.",
            counted(transactions, "transaction"),
            counted(frauds, "fraud"),
            time(from),
            time(held_out.0)
        ),
        format!("Held out: {} to {}.", time(held_out.0), time(held_out.1)),
    ]
}

fn time(seconds: i64) -> String {
    Timestamp::saturating_from_millis(seconds.saturating_mul(1000)).to_string()
}

impl Proposal {
    fn tell(&self) {
        let Proposal { fitted, held_out, learnt, measured, exact, policy, .. } = self;
        for factor in fitted.factors.iter().filter(|factor| factor.tells_nothing()) {
            note!("{} tells nothing beside the others, and is left out", factor.name);
        }
        let columns = ["measure", "learnt from", "held out"];
        let mut shown = table(&columns, &columns[1..]);
        for (name, of) in [
            ("transactions", [learnt, measured].map(|figures| thousands(figures.transactions))),
            ("frauds", [learnt, measured].map(|figures| thousands(figures.frauds))),
            ("alerts a day", [learnt, measured].map(|figures| per_day(figures.alerts_per_day))),
            ("precision", [learnt, measured].map(|figures| places(figures.precision))),
            ("recall", [learnt, measured].map(|figures| places(figures.recall))),
            ("fraud value caught", [learnt, measured].map(|figures| places(figures.value_recall))),
            ("average precision", [learnt, measured].map(|figures| places(figures.average_precision))),
            ("AUC", [learnt, measured].map(|figures| places(figures.auc))),
        ] {
            let [learnt, measured] = of;
            shown.add_row([name.to_owned(), learnt, measured]);
        }
        note!(
            "{}, threshold {}, held out from {}\n{shown}",
            policy.id(),
            policy.threshold(),
            time(held_out.0)
        );
        if let (Some(exact), Some(rounded)) = (exact, measured.average_precision) {
            note!(
                "average precision with weights that are not rounded: {exact:.4} ({:+.4})",
                exact - rounded
            );
        }
    }

    fn to_json(&self) -> String {
        let Proposal { text, policy, fitted, held_out, learnt, measured, exact } = self;
        let (transactions, frauds) = fitted.learnt_from;
        let mut object = ObjectWriter::new();
        object.text("policy", policy.id()).text("text", text).number("threshold", policy.threshold());
        object
            .json("learnt_transactions", &transactions.to_string())
            .json("learnt_frauds", &frauds.to_string())
            .text("held_out_from", &time(held_out.0))
            .text("held_out_to", &time(held_out.1))
            .json("learnt", &learnt.to_json())
            .json("held_out", &measured.to_json());
        match exact {
            Some(exact) => object.number("average_precision_not_rounded", *exact),
            None => object.json("average_precision_not_rounded", "null"),
        };
        object.finish()
    }
}
