//! Scoring a file as the functions would, without AWS.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::entities::{FileEntities, look_up_entities};
use fraud_aws::profiles::{FileProfiles, look_up};
use fraud_core::breakdown::FactorOutcome;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::{EventTimeBounds, EventTimeFault, EventTimeFaults};
use fraud_core::fields;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::scoring::{Reason, reasons_json};
use fraud_core::transaction::{Reading, Transaction, TransactionReader};
use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::Failure;
use crate::display::{
    TOLD_EVERY, Table, counted, event_time_faults, note, print_line, progress, table, thousands,
};
use crate::entities;
use crate::input::{Entry, Source, SourceLocation};
use crate::options::{label_delay, policy};
use crate::profiles;
use crate::schema::{LackingCounts, SchemaArgs};

/// Score transactions from a file, without AWS.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl score tx.ndjson --profiles profiles.json
  fraudctl score tx.ndjson --profiles profiles.json --policy my-policy.toml --json
  fraudctl score tx.ndjson --profiles profiles.json --policy card.toml --entities entities.json
  fraudctl score events.ndjson --profiles profiles.json --schema schemas/eventbridge.toml
  fraudctl score tx.csv --map amount=amt,customer_id=cc_num,event_time=at
  head -5 tx.ndjson | fraudctl score - --profiles profiles.json
  fraudctl score tx.ndjson --profiles profiles.json --explain T00000013

Files hold JSON objects (one a line, one after the other, or in an array) or CSV with a header, also compressed with gzip or
zstd. Of CSV and Parquet each row is an object. A folder stands for the files below it, a pattern in quotes (\"lake/dt=2026-01-*/*.parquet\") for those that
match. Profiles are CSV, NDJSON, the format of PROFILE_SOURCE=file: or DynamoDB's export. Without
them no customer has one. A transaction without event_time is scored as if it arrived now.")]
pub struct ScoreArgs {
    /// Files of transactions, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    /// The customers' profiles; by default no customer has one.
    #[arg(long, value_name = "FILE")]
    profiles: Option<PathBuf>,
    /// What is known of entities (risks and lists), for a policy that asks for them.
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// The policy (TOML), or a published one of POLICY_STORE; the default is the built-in policy.
    #[arg(long, value_name = "FILE|store:ID")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    schema: SchemaArgs,
    /// Print one JSON object a line, with each reason's points, observed value and rule.
    #[arg(long)]
    json: bool,
    /// Show only the transactions with this id, and of each factor the points that it gave, those that it missed, and why.
    #[arg(long, value_name = "TRANSACTION_ID")]
    explain: Option<String>,
}

/// A scored transaction.
#[derive(Debug)]
struct Scored<'a> {
    location: &'a SourceLocation,
    transaction: &'a Transaction<'a>,
    enrichment: Enrichment<'a>,
    score: f64,
    alerts: bool,
    reasons: Vec<Reason<'a>>,
    event_time_fault: Option<EventTimeFault>,
    factors: Vec<FactorOutcome<'a>>,
}

/// What transactions are scored by.
struct Known {
    profiles: FileProfiles,
    entities: FileEntities,
    reading: Reading,
}

/// The counts of the transactions scored so far.
#[derive(Debug, Default)]
struct ScoreCounts {
    scored: u64,
    alerts: u64,
    refused: u64,
    event_times: EventTimeFaults,
    unusable_fields: u64,
    lacking: Option<LackingCounts>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a file cannot be read, the policy is not valid, or a line is not a transaction;
/// [`Failure::Failed`] if standard output cannot be written.
pub async fn run(arguments: &ScoreArgs) -> Result<(), Failure> {
    let policy = policy(arguments.policy.as_deref()).await?;
    // A file may be of any age.
    let decider = Decider::new(policy, EventTimeBounds::UNBOUNDED).with_label_delay(label_delay(None)?);
    let policy = decider.policy();
    let schema = arguments.schema.load()?;
    let profiles = match &arguments.profiles {
        Some(path) => profiles::load(path)?.profiles,
        None => FileProfiles::default(),
    };
    let entities = entities::for_policies(arguments.entities.as_deref(), decider.policies())?.entities;
    let reading = Reading::new(&schema, policy.asked());
    let known = Known { profiles, entities, reading };
    let input = arguments.schema.open(&arguments.input, &schema)?;
    let mut out = ScoreOutput::new(arguments);
    let mut tally = ScoreCounts { lacking: arguments.schema.lacking(), ..ScoreCounts::default() };
    let bar = out.progress(input.size());
    let read = input.bytes_read();
    for entry in input {
        let entry = entry.map_err(Failure::input)?;
        if tally.scored.is_multiple_of(TOLD_EVERY) {
            bar.set_position(read.get());
            bar.set_message(counted(tally.scored, "transaction"));
        }
        match score(&entry, &known, &decider, SystemClock.now(), &mut tally, &mut out).await? {
            Ok(()) => {}
            Err(reason) => {
                tally.refused += 1;
                let cut = if entry.is_open { " (is the file cut off here?)" } else { "" };
                bar.suspend(|| note!("{}: {reason}{cut}", entry.location));
            }
        }
    }
    bar.finish_and_clear();
    out.finish()?;
    let ScoreCounts { scored, alerts, refused, event_times: times, unusable_fields, lacking } = tally;
    let alerts = thousands(alerts);
    note!("{} scored by {}, {alerts} above its threshold", counted(scored, "transaction"), policy.id());
    if let Some(faults) = event_time_faults(times.unreadable as u64, times.without_local_time as u64) {
        note!("event times: {faults}");
    }
    if unusable_fields > 0 {
        note!(
            "{} of another type than the policy expects: without a value",
            counted(unusable_fields, "field")
        );
    }
    if let Some(factor) = policy.needs_history() {
        note!(
            "the policy looks at the customers' history ({factor}); each transaction is scored as if it had none"
        );
    }
    if let Some(id) = arguments.explain.as_ref().filter(|_| !out.has_explained()) {
        return Err(Failure::input(anyhow!(
            "no transaction has the id `{id}`: it is the transaction's own, without the customer"
        )));
    }
    // Of what nobody was scored by nothing needs to be said.
    for silence in policy.silences().into_iter().filter(|_| scored > 0) {
        note!("never alerted under this policy: {silence}");
    }
    lacking.map_or(Ok(()), |lacking| lacking.tell())?;
    match (scored, refused) {
        (0, 0) => Err(Failure::input(anyhow!("the input holds no transaction"))),
        (_, 0) => Ok(()),
        (0, refused) if refused > 1 => Err(Failure::input(anyhow!(
            "not one of {} is a transaction, see above: if they are written otherwise, name their fields (--map \
             amount=<name>,customer_id=<name>) or their schema (--schema <file>; `fraudctl schema check` says what it finds)",
            counted(refused, "record")
        ))),
        (_, refused) => {
            Err(Failure::input(anyhow!("{} not scored, see above", counted(refused, "transaction"))))
        }
    }
}

/// Scores a transaction, counts it and shows it, or says why it is not one.
///
/// # Errors
/// If it cannot be shown.
async fn score(
    entry: &Entry,
    known: &Known,
    decider: &Decider,
    arrival: Timestamp,
    tally: &mut ScoreCounts,
    out: &mut ScoreOutput,
) -> anyhow::Result<Result<(), String>> {
    let mut reader = TransactionReader::new(&known.reading);
    let transaction = match (reader.read(&entry.bytes), entry.fault) {
        (Ok(transaction), None) => transaction,
        (Ok(_), Some(fault)) => return Ok(Err(fault.to_string())),
        (Err(refusal), _) => return Ok(Err(format!("{refusal}: {}", refusal.accepts()))),
    };
    if let Some(lacking) = &mut tally.lacking {
        lacking.count(&transaction, &entry.location);
    }
    let customer = transaction.customer_id.as_deref();
    let looked_up = look_up(&known.profiles, [customer].into_iter(), Instant::now()).await;
    let (kinds, of) = (decider.policy().asked().entities, [Some(&transaction)].into_iter());
    let entities = look_up_entities(&known.entities, kinds, of, Instant::now()).await;
    let found =
        Found { enrichment: looked_up.of(0), entities: entities.of(0), history: HistoryFound::NotAsked };
    let decision = decider.decide(&transaction, found, arrival, None);
    tally.unusable_fields += decision.inputs.unusable_fields as u64;
    let alerts = decider.alerts(&decision);
    let (score, event_time_fault) = (decision.score.value, decision.time.fault);
    tally.scored += 1;
    tally.alerts += u64::from(alerts);
    tally.event_times.count(event_time_fault);
    out.show(&Scored {
        location: &entry.location,
        transaction: &transaction,
        enrichment: decision.enrichment,
        score,
        alerts,
        reasons: decider.reasons(&decision),
        event_time_fault,
        factors: decider.policy().breakdown(&decision.inputs),
    })?;
    Ok(Ok(()))
}

/// Where scores are shown: JSON at once, a table when it is complete, one transaction's factors at once.
enum ScoreOutput {
    Json,
    Table(Table),
    Explained { id: String, json: bool, any: bool },
}

impl ScoreOutput {
    fn new(arguments: &ScoreArgs) -> Self {
        if let Some(id) = arguments.explain.clone() {
            return ScoreOutput::Explained { id, json: arguments.json, any: false };
        }
        if arguments.json {
            return ScoreOutput::Json;
        }
        let columns = [
            "line",
            "transaction",
            "customer",
            "amount",
            "score",
            "reasons",
            "enrichment",
            "event time",
            "alert",
        ];
        ScoreOutput::Table(table(&columns, &["line", "amount", "score"]))
    }

    /// A bar of the bytes read, unless lines appear on the terminal as they are scored.
    fn progress(&self, size: Option<u64>) -> ProgressBar {
        match self {
            ScoreOutput::Json if io::stdout().is_terminal() => ProgressBar::hidden(),
            _ => progress(size),
        }
    }

    fn show(&mut self, scored: &Scored<'_>) -> anyhow::Result<()> {
        let Scored { location, transaction, enrichment, score, alerts, reasons, event_time_fault, .. } =
            scored;
        match self {
            ScoreOutput::Json => print_line(json(scored)),
            ScoreOutput::Explained { id, .. } if transaction.transaction_id.as_deref() != Some(id) => Ok(()),
            ScoreOutput::Explained { json, any, .. } => {
                *any = true;
                if *json { print_line(explained_json(scored)) } else { explain(scored) }
            }
            ScoreOutput::Table(table) => {
                table.add_row([
                    line(location),
                    transaction.transaction_id.as_deref().unwrap_or_default().to_owned(),
                    transaction.customer_id.as_deref().unwrap_or_default().to_owned(),
                    transaction.amount.digits.clone().into_owned(),
                    format!("{score:.3}"),
                    reasons.iter().map(|reason| reason.name).collect::<Vec<_>>().join(" "),
                    enrichment.as_str().to_owned(),
                    event_time_fault.map_or("", EventTimeFault::as_str).to_owned(),
                    if *alerts { "ALERT".to_owned() } else { String::new() },
                ]);
                Ok(())
            }
        }
    }

    fn finish(&self) -> anyhow::Result<()> {
        match self {
            ScoreOutput::Json | ScoreOutput::Explained { .. } => Ok(()),
            // A header over nothing says nothing.
            ScoreOutput::Table(table) if table.is_empty() => Ok(()),
            ScoreOutput::Table(table) => print_line(table),
        }
    }

    /// Whether a transaction with the id that was asked for has been shown.
    fn has_explained(&self) -> bool {
        matches!(self, ScoreOutput::Explained { any: true, .. })
    }
}

/// The line as a table shows it: with its file if there are several.
fn line(location: &SourceLocation) -> String {
    match &location.file {
        Some(file) => format!("{file}:{}", location.line),
        None => location.line.to_string(),
    }
}

fn json(scored: &Scored<'_>) -> String {
    members(scored).finish()
}

fn members(scored: &Scored<'_>) -> ObjectWriter {
    let Scored { location, transaction, enrichment, score, alerts, reasons, event_time_fault, .. } = scored;
    let mut object = ObjectWriter::new();
    if let Some(file) = &location.file {
        object.text("file", file);
    }
    object
        .json("line", &location.line.to_string())
        .text_or_null("transaction_id", transaction.transaction_id.as_deref())
        .text_or_null("customer_id", transaction.customer_id.as_deref())
        .json("amount", &transaction.amount.digits)
        .number("fraud_score", *score)
        .bool("alert", *alerts)
        .json("reasons", &reasons_json(reasons))
        .text("enrichment", enrichment.as_str());
    if let Some(fault) = event_time_fault {
        object.text(fields::EVENT_TIME_FAULT, fault.as_str());
    }
    object
}

/// A transaction's factors: what each gave, what it missed, and why.
fn explain(scored: &Scored<'_>) -> anyhow::Result<()> {
    let Scored { location, transaction, score, alerts, enrichment, factors, .. } = scored;
    let verdict = if *alerts { "ALERT" } else { "no alert" };
    print_line(format_args!(
        "line {}: amount {}, score {score:.3}, {verdict}, {}",
        line(location),
        transaction.amount.digits,
        enrichment.as_str(),
    ))?;
    let mut shown = table(&["factor", "points", "missed", "observed", "why"], &["points", "missed"]);
    for factor in factors {
        let observed: Vec<_> =
            factor.observed.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let missed = factor.most - factor.points;
        shown.add_row([
            factor.name.to_owned(),
            format!("{:.3}", factor.points),
            if missed > 0.0 { format!("{missed:.3}") } else { String::new() },
            observed.join(", "),
            factor.why.clone(),
        ]);
    }
    print_line(shown)
}

fn explained_json(scored: &Scored<'_>) -> String {
    let factor = |factor: &FactorOutcome<'_>| {
        let mut observed = ObjectWriter::new();
        for (name, value) in &factor.observed {
            observed.text(name, value);
        }
        let mut object = ObjectWriter::new();
        object.text("name", factor.name).number("points", factor.points).number("most", factor.most);
        object.json("observed", &observed.finish()).text("why", &factor.why);
        object.finish()
    };
    let factors: Vec<String> = scored.factors.iter().map(factor).collect();
    let mut object = members(scored);
    object.json("factors", &format!("[{}]", factors.join(",")));
    object.finish()
}
