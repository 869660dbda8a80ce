//! Checks a deployment, or the local one: that everything exists, has the right settings, and may be used.

use std::future::Future;
use std::pin::Pin;

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::Args;
use fraud_aws::config::Environment;
use futures_util::future::join_all;

use crate::Failure;
use crate::aws;
use crate::display::{counted, print_line, progress};
use crate::options::{with_options, with_scheme};

mod clock;
mod finding;
mod history;
mod merchants;
mod messaging;
mod sample;
mod settings;
mod streams;
mod tables;

use finding::Finding;

/// Check a deployment, or the local one, and say how to fix what is wrong.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl doctor --stream transactions
  fraudctl doctor --stream transactions --ledger dynamodb:alert_ledger --json
  fraud-local --count 1000 --seed 1 --keep       prints `export` lines; with them in a shell, there:
  fraudctl doctor --stream transactions

The functions' own variables say what to check (PROFILE_SOURCE, ENTITY_SOURCE, HISTORY, FRAUD_POLICY,
POLICY_STORE, TRANSACTION_SCHEMA, ALERT_SINK, ALERT_LEDGER, DEAD_LETTERS, UNALERTED_LETTERS, AGGREGATES, AGGREGATE_SINK and the rest); an option overrides its variable. Calls are made with your
credentials and change nothing: writes are made under conditions that cannot hold. This does not check the functions' own
roles. This machine's clock is compared with that of the ledger's service.

Exit status: 0 all is well, 1 something is wrong.")]
pub struct DoctorArgs {
    /// The stream that the functions read.
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// The profiles [env: PROFILE_SOURCE]
    #[arg(long, value_name = "TARGET")]
    profiles: Option<String>,
    /// What is known of entities [env: ENTITY_SOURCE]
    #[arg(long, value_name = "TARGET")]
    entities: Option<String>,
    /// The table of customers' histories [env: HISTORY]
    #[arg(long, value_name = "TARGET")]
    history: Option<String>,
    /// The policy [env: FRAUD_POLICY]
    #[arg(long, value_name = "SOURCE")]
    policy: Option<String>,
    /// The store of published policies [env: POLICY_STORE]
    #[arg(long, value_name = "TARGET")]
    policy_store: Option<String>,
    /// The schema of transactions [env: TRANSACTION_SCHEMA]
    #[arg(long, value_name = "SOURCE")]
    schema: Option<String>,
    /// Where alerts go [env: ALERT_SINK]
    #[arg(long, value_name = "TARGET")]
    sink: Option<String>,
    /// The ledger [env: ALERT_LEDGER]
    #[arg(long, value_name = "TARGET")]
    ledger: Option<String>,
    /// The dead letters [env: DEAD_LETTERS]
    #[arg(long, value_name = "TARGET")]
    queue: Option<String>,
    /// The dead letters of high scores [env: UNALERTED_LETTERS]
    #[arg(long, value_name = "TARGET")]
    unalerted_queue: Option<String>,
    /// The table of windows [env: AGGREGATES]
    #[arg(long, value_name = "TARGET")]
    aggregates: Option<String>,
    /// Where closed windows go [env: AGGREGATE_SINK]
    #[arg(long, value_name = "TARGET")]
    aggregate_sink: Option<String>,
    /// The table of a consumer's checkpoints: `dynamodb:<table>`.
    #[arg(long, value_name = "TARGET", value_parser = crate::options::table_name)]
    checkpoints: Option<String>,
    /// Print one JSON object a line: check, target, ok, and found, or wrong and mend.
    #[arg(long)]
    json: bool,
}

/// A check on its way. Those of one resource go one after the other, all resources' at once: what does not answer is
/// waited for once.
type Check<'a> = Pin<Box<dyn Future<Output = Vec<Finding>> + 'a>>;

fn check<'a>(findings: impl Future<Output = Vec<Finding>> + 'a) -> Check<'a> {
    Box::pin(findings)
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if something is wrong.
pub async fn run(arguments: &DoctorArgs) -> Result<(), Failure> {
    let said = |value: &Option<String>| value.as_deref().map(with_scheme);
    let options = [
        ("PROFILE_SOURCE", arguments.profiles.clone()),
        ("ENTITY_SOURCE", said(&arguments.entities)),
        ("HISTORY", said(&arguments.history)),
        ("FRAUD_POLICY", arguments.policy.clone()),
        ("POLICY_STORE", said(&arguments.policy_store)),
        ("TRANSACTION_SCHEMA", arguments.schema.clone()),
        ("ALERT_SINK", said(&arguments.sink)),
        ("ALERT_LEDGER", said(&arguments.ledger)),
        ("DEAD_LETTERS", said(&arguments.queue)),
        ("UNALERTED_LETTERS", said(&arguments.unalerted_queue)),
        ("AGGREGATES", said(&arguments.aggregates)),
        ("AGGREGATE_SINK", said(&arguments.aggregate_sink)),
    ];
    let lookup = with_options(&options);
    let bar = progress(None);
    bar.set_message("asking the services");
    bar.tick();
    let findings = findings(Environment::new(&lookup), arguments).await;
    bar.finish_and_clear();
    for finding in &findings {
        print_line(if arguments.json { finding.json() } else { finding.text() })?;
    }
    match findings.iter().filter(|finding| finding.is_wrong()).count() as u64 {
        0 => Ok(()),
        wrong => Err(anyhow!("{} of {} failed", wrong, counted(findings.len() as u64, "check")).into()),
    }
}

async fn findings(environment: Environment<'_>, arguments: &DoctorArgs) -> Vec<Finding> {
    let sdk = Sdk::new();
    let mut findings = reach(&sdk).await;
    let can_call = !findings.iter().any(Finding::is_wrong);
    let (settings, policies) = settings::check(environment, &sdk).await;
    findings.extend(settings);
    let checks: Vec<Check<'_>> = vec![
        check(tables::profiles(environment, &sdk, can_call)),
        check(tables::entities(environment, policies.as_ref(), &sdk, can_call)),
        check(merchants::check(environment, policies.as_ref(), &sdk, can_call)),
        check(history::check(environment, policies.as_ref(), &sdk, can_call)),
        check(tables::policies(environment, &sdk, can_call)),
        check(messaging::topic(environment, &sdk, can_call)),
        check(tables::ledger(environment, &sdk, can_call)),
        check(messaging::queue(environment, &sdk, can_call)),
        check(messaging::unalerted(environment, &sdk, can_call)),
        check(tables::aggregates(environment, &sdk, can_call)),
        check(streams::sink(environment, &sdk, can_call)),
        check(streams::source(environment, arguments.stream.as_deref(), &sdk, can_call)),
        check(tables::checkpoints(arguments.checkpoints.as_deref(), &sdk, can_call)),
    ];
    findings.extend(join_all(checks).await.into_iter().flatten());
    findings
}

/// What every call needs: a region and credentials.
async fn reach(sdk: &Sdk) -> Vec<Finding> {
    let region = aws::region(sdk).await.map_err(Into::into);
    let credentials = aws::credentials(sdk).await.map(|()| "found".to_owned()).map_err(Into::into);
    vec![Finding::of("region", "", region), Finding::of("credentials", "", credentials)]
}
