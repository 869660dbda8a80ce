//! The command: its arguments, and how it runs.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use clap::Parser;
use embedded_aws::Arrivals;
use exact_text::timestamp::Timestamp;
use fraud_aws::config::SchemaSource;
use fraud_aws::profiles::{FileProfiles, rows};
use fraud_core::schema::Schema;
use fraud_core::shadow::Policies;

use fraudctl::Failure;
use fraudctl::display::{note, print_beside, print_line};
use fraudctl::entities;
use fraudctl::generate::{Dataset, Label, Months, MonthsArgs, Transaction};
use fraudctl::help::OutputArgs;
use fraudctl::input::Source;
use fraudctl::interrupt::Interrupt;
use fraudctl::options;
use fraudctl::profiles::{self, LoadedProfiles};

use crate::arrivals::{self, ArrivalMode, Span, simulated, system_time};
use crate::{
    AT_ONCE, ComingLabels, FinishedRun, Input, Labels, LabelsCome, OrderedFault, Pipeline, labels, output,
    services,
};

/// Run the whole pipeline in this process: no AWS account, no Docker.
#[derive(Debug, Parser)]
#[command(name = "fraud-local", version, about, arg_required_else_help = true)]
#[command(after_help = "Examples:
  fraud-local --count 50000 --seed 1
  fraud-local --input tx.ndjson --profiles profiles.json --out /tmp/lake --json
  fraud-local --input tx.ndjson --profiles profiles.json --entities entities.json --policy card.toml
  fraud-local --count 1000 --seed 1 --shadow policies/examples/card-simulated.toml
  fraud-local --count 1000 --seed 1 --keep --port 4500 > services.sh      in another shell: source services.sh
  fraud-local --count 50000 --seed 1 --rate 833
  fraud-local --count 5000 --seed 1 --fault sns=503:0.2                    how the pipeline lives through it
  fraud-local --days 30 --customers 2000 --merchants 4000 --seed 1
  fraud-local --days 60 --customers 200 --merchants 100 --policy policies/examples/card-simulated.toml --label-delay 7d
  fraud-local --input tx.ndjson --profiles profiles.json --labels labels.ndjson --policy card.toml

Input is read as by `fraudctl score`. The output folder gets scored/ (by event hour), errors/, raw/, alerts.ndjson and
aggregates.ndjson; those of an earlier run are removed when the first record is there. A folder that is not empty and was not
made by this command is refused. Lines that are not transactions are produced as they are and end under errors/.

Months pass in minutes: with simulated arrivals a record arrives at the stream 0.2 to 6 seconds after its event time, never before
the one before it in its shard, and everything that reads it is told the same. They are the default for --days, and for files whose
event times are more than an hour apart; for --count, standard input and --rate records arrive when they are produced.

With --keep standard output has nothing but `export` lines, which point a shell at the services and configure functions like those
that run; the report goes to standard error. Whatever is put on the stream `transactions` is then alerted, added up and scored into
the same folder, and what `fraudctl produce --firehose transactions-direct` sends into its direct/. Ctrl-C ends it, with a second
report if anything came.

A fault is SERVICE[.OPERATION]=FAULT[:SHARE], of the services dynamodb, firehose, kinesis, sns and sqs: a status (503), throttle,
lost (done, and the answer is lost), drop (not done, and no answer) or a delay (200ms), for this share of the calls. Faults are in
force while records are produced and processed. The line of progress and the report tell why records were retried.
Exit status: 0 balanced, 1 not balanced or failed, 2 the input is wrong.")]
pub struct FraudLocalArgs {
    /// Generate this many transactions.
    #[arg(long, value_name = "N", required_unless_present_any = ["input", "days"])]
    count: Option<usize>,
    #[command(flatten)]
    months: MonthsArgs,
    /// The random seed of the generated transactions; 0 if it is left out.
    #[arg(long, value_name = "S", conflicts_with = "input")]
    seed: Option<u64>,
    /// Read the transactions from this file, folder or pattern; `-` is standard input. May be given several times.
    #[arg(long, value_name = "FILE|DIR|PATTERN|-", requires = "profiles", conflicts_with_all = ["count", "days"])]
    input: Vec<Source>,
    /// Produce at most this many transactions a second; the default is as many as possible.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// When records arrive at the stream; the default depends on the input, see below.
    #[arg(long, value_name = "WHEN")]
    arrivals: Option<ArrivalMode>,
    /// The customers' profiles.
    #[arg(long, value_name = "FILE", requires = "input")]
    profiles: Option<PathBuf>,
    /// What is known of entities (risks and lists), for a policy that asks for them.
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// The policy (TOML), or a published one of POLICY_STORE; the default is the built-in policy.
    #[arg(long, value_name = "FILE|store:ID")]
    policy: Option<PathBuf>,
    /// A policy that is scored in the shadow of the other and never alerts.
    #[arg(long, value_name = "FILE|store:ID")]
    shadow: Option<PathBuf>,
    /// Which transactions of the input are fraud: the report then tells what was alerted of them. Generated ones have labels.
    #[arg(long, value_name = "FILE", requires = "input")]
    labels: Option<PathBuf>,
    /// Let labels come while transactions stream, so that policies see merchants' known frauds: so long after their transactions
    /// (7d), or when each says that it was reported (reported). Needs simulated arrivals.
    #[arg(long, value_name = "Nd|reported")]
    label_delay: Option<LabelsCome>,
    /// The schema (TOML) of the transactions; by default they have our names at the top level.
    #[arg(long, value_name = "FILE", requires = "input")]
    schema: Option<PathBuf>,
    /// The output folder.
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// Leave out the analytics function, which takes most of the time: it writes a row for each customer and window.
    #[arg(long)]
    without_analytics: bool,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// After the report keep services and functions running until Ctrl-C, and print how to reach them.
    #[arg(long)]
    keep: bool,
    /// The services' first port; they have this one and the four behind it. By default any that are free.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Make calls fail, see below. May be given several times.
    #[arg(long, value_name = "SERVICE=FAULT")]
    fault: Vec<OrderedFault>,
    /// How it is told.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the input is wrong; [`Failure::Failed`] if something failed or does not balance.
pub async fn run(arguments: &FraudLocalArgs) -> Result<(), Failure> {
    let policies = policies(arguments).await?;
    let schema = SchemaSource::of_path(arguments.schema.clone()).load().map_err(Failure::input)?;
    let mut named = arguments.policy.iter().chain(&arguments.shadow);
    let is_published = named.any(|policy| policy.to_string_lossy().starts_with("store:"));
    if arguments.keep && is_published {
        return Err(Failure::input(anyhow!(
            "--keep prints the policy for other shells, which do not reach its store: fraudctl policy export it, and give the file"
        )));
    }
    let entities = entities::for_policies(arguments.entities.as_deref(), &policies)?;
    let (mut input, profiles) = input(arguments)?;
    // Whoever keeps it running may have nothing to begin with.
    if !arguments.keep && input.is_empty().map_err(Failure::input)? {
        return Err(Failure::input(anyhow!("the input holds no record")));
    }
    let arrivals = arrivals(arguments, &schema)?;
    let labels = labels(arguments, &input)?;
    let coming = coming(arguments, &input)?;
    if coming.is_some() && matches!(arrivals, Arrivals::Real) {
        return Err(Failure::input(anyhow!(
            "--label-delay needs simulated arrivals, so that days pass: --days, or --arrivals simulated"
        )));
    }
    let LoadedProfiles { profiles, items } = profiles;
    output::claim(&arguments.out).map_err(Failure::input)?;
    let aws = services::start_with(arrivals, services::SHARDS, arguments.port).await?;
    let interrupt = Interrupt::listen();
    let pipeline = Pipeline {
        aws: &aws,
        policies,
        schema,
        profiles,
        entities,
        labels,
        coming,
        out: arguments.out.clone(),
        analytics: !arguments.without_analytics,
        at_once: AT_ONCE,
        rate: arguments.rate,
        faults: arguments.fault.clone(),
        interrupt: interrupt.clone(),
    };
    let mut running = pipeline.start(items).await?;
    running.process(input).await?;
    let mut finished = running.close().await?;
    print_report(arguments, &finished)?;
    if arguments.keep {
        print_line(exports(&pipeline, arguments)?.trim_end())?;
        note!("{}", services::still_running(&aws, &arguments.out, pipeline.analytics));
        if running.go_on().await? {
            let input_error = finished.input_error;
            finished = FinishedRun { input_error, ..running.close().await? };
            print_report(arguments, &finished)?;
        }
    }
    drop(running);
    aws.shutdown().await;
    if !finished.report.balanced {
        return Err(anyhow!("the pipeline does not balance").into());
    }
    if finished.report.produced == 0 && !arguments.keep {
        return Err(Failure::input(anyhow!("the input holds no record")));
    }
    match finished.input_error {
        Some(error) => Err(Failure::input(error)),
        None if finished.report.not_produced > 0 => {
            Err(Failure::input(anyhow!("not everything was produced, see above")))
        }
        None => Ok(()),
    }
}

/// Prints the report: beside the `export` lines on standard error, for a shell reads those.
fn print_report(arguments: &FraudLocalArgs, finished: &FinishedRun) -> anyhow::Result<()> {
    let FinishedRun { report, alerts, .. } = finished;
    let text = match arguments.json {
        true => serde_json::to_string(report).context("cannot write the report")?,
        false => report.render(alerts),
    };
    if arguments.keep {
        print_beside(text);
        return Ok(());
    }
    print_line(text)
}

/// How other shells reach the services.
fn exports(pipeline: &Pipeline<'_>, arguments: &FraudLocalArgs) -> anyhow::Result<String> {
    let FraudLocalArgs { policy, shadow, schema, .. } = arguments;
    let configured = services::Configured {
        policy: policy.as_deref(),
        shadow: shadow.as_deref(),
        schema: schema.as_deref(),
        history: pipeline.policies.needs_history().is_some(),
        label_delay: pipeline.coming.as_ref().map(|coming| coming.delay).unwrap_or_default(),
    };
    services::exports(pipeline.aws, configured)
}

/// What scores.
async fn policies(arguments: &FraudLocalArgs) -> Result<Policies, Failure> {
    let active = options::policy(arguments.policy.as_deref()).await?;
    let Some(shadow) = &arguments.shadow else { return Ok(active.into()) };
    Policies::with_shadow(active, options::policy_of("--shadow", Some(shadow)).await?).map_err(Failure::input)
}

/// When records arrive at the stream.
fn arrivals(arguments: &FraudLocalArgs, schema: &Schema) -> Result<Arrivals, Failure> {
    let span = match arguments.arrivals {
        Some(ArrivalMode::Real) => return Ok(Arrivals::Real),
        None if arguments.rate.is_some() => return Ok(Arrivals::Real),
        _ => span(arguments, schema)?,
    };
    let is_simulated = arguments.arrivals.is_some() || span.is_some_and(|span| span.is_long);
    let begin = span.map_or(SystemTime::UNIX_EPOCH, |span| span.begin);
    Ok(if is_simulated { simulated(schema, begin) } else { Arrivals::Real })
}

/// The times of the input, as far as they are known before it is produced.
fn span(arguments: &FraudLocalArgs, schema: &Schema) -> Result<Option<Span>, Failure> {
    if let Some(settings) = arguments.months.settings(seed(arguments)) {
        let begin = Timestamp::saturating_from_millis(settings.begin().timestamp_millis());
        let begin = system_time(begin).unwrap_or(SystemTime::UNIX_EPOCH);
        return Ok(Some(Span { begin, is_long: true }));
    }
    arrivals::span(&arguments.input, schema).map_err(Failure::input)
}

fn seed(arguments: &FraudLocalArgs) -> u64 {
    arguments.seed.unwrap_or_default()
}

/// The labels of the input; generated transactions have them.
fn labels(arguments: &FraudLocalArgs, input: &Input) -> Result<Option<Labels>, Failure> {
    if let Some(path) = &arguments.labels {
        return Labels::read(&Source::File(path.clone())).map(Some).map_err(Failure::input);
    }
    let of = |transaction: Transaction| Label::of(&transaction, seed(arguments));
    let labels = match (input, arguments.months.settings(seed(arguments))) {
        (Input::Given(_), _) => return Ok(None),
        (Input::Generated(transactions), _) => {
            Labels::of_generated(transactions.iter().cloned().filter_map(of))
        }
        (Input::Months(_), settings) => {
            Labels::of_generated(settings.into_iter().flat_map(Months::new).filter_map(of))
        }
    };
    Ok(Some(labels))
}

/// The labels that come while the run goes on, if any do.
fn coming(arguments: &FraudLocalArgs, input: &Input) -> Result<Option<ComingLabels>, Failure> {
    let Some(come) = arguments.label_delay else { return Ok(None) };
    let labels = match (&arguments.labels, arguments.months.settings(seed(arguments))) {
        (Some(path), _) => labels::statements(&Source::File(path.clone())).map_err(Failure::input)?,
        (None, Some(settings)) => {
            labels::of_generated(Months::new(settings).filter_map(|made| Label::of(&made, seed(arguments))))
        }
        (None, None) => match input {
            Input::Generated(transactions) => {
                labels::of_generated(transactions.iter().filter_map(|made| Label::of(made, seed(arguments))))
            }
            Input::Given(_) | Input::Months(_) => {
                return Err(Failure::input(anyhow!("--label-delay needs labels: give --labels FILE")));
            }
        },
    };
    Ok(Some(ComingLabels::new(labels, come)))
}

/// The transactions, and the profiles.
fn input(arguments: &FraudLocalArgs) -> Result<(Input, LoadedProfiles), Failure> {
    if let Some(path) = &arguments.profiles {
        let input = fraudctl::input::Input::open(&arguments.input).map_err(Failure::input)?;
        return Ok((Input::Given(Box::new(input)), profiles::load(path)?));
    }
    let mut written = Vec::new();
    let unwritable = "cannot write profiles to memory";
    let input = match arguments.months.settings(seed(arguments)) {
        Some(settings) => {
            let months = Months::new(settings);
            months.write_profiles(&mut written).context(unwritable)?;
            Input::Months(Box::new(months.peekable()))
        }
        None => {
            let dataset = Dataset::generate(arguments.count.unwrap_or_default(), seed(arguments));
            dataset.write_profiles(&mut written).context(unwritable)?;
            Input::Generated(dataset.transactions)
        }
    };
    let rows = rows::read(&written).context("generated profiles cannot be read")?;
    let profiles = FileProfiles::of_rows(&rows).context("generated profiles cannot be read")?;
    Ok((input, LoadedProfiles { profiles, items: profiles::items(&rows) }))
}
