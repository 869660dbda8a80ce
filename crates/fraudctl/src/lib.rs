//! The command-line tool's commands, one module each, and what they share.

use clap::{CommandFactory, Parser, Subcommand};

pub mod aggregates;
pub mod alerts;
pub mod aws;
pub mod backtest;
pub mod consume;
pub mod dead_letters;
pub mod display;
pub mod doctor;
pub mod entities;
pub mod exit;
pub mod function;
pub mod generate;
pub mod help;
pub mod history;
mod in_turn;
pub mod input;
pub mod interrupt;
pub mod labels;
pub mod lists;
pub mod merchants;
pub mod options;
pub mod policy;
pub mod produce;
pub mod profiles;
pub mod reading;
pub mod replay;
mod report;
mod row_notes;
pub mod schema;
pub mod score;
pub mod stream;
pub mod verify;

pub use exit::Failure;

/// Generate, send, score, read and replay transactions, and operate the fraud functions.
#[derive(Debug, Parser)]
#[command(name = "fraudctl", version, about, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  fraudctl generate --count 1000 --seed 2 --transactions tx.ndjson --profiles profiles.json
  fraudctl score tx.ndjson --profiles profiles.json
  fraudctl produce tx.ndjson --stream transactions --rate 500
  fraudctl consume --stream transactions --name look --checkpoints dynamodb:transactions-checkpoints --create-checkpoints
  fraudctl doctor --stream transactions
  fraudctl dead-letters list --queue sqs:https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters

AWS is configured as for every AWS tool: AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_KINESIS and so on.
Exit status: 0 done, 1 something failed, 2 the input is wrong, 3 a back-test is not within what was asked for.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How it is told.
    #[command(flatten)]
    pub output: help::OutputArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Aggregates(aggregates::AggregatesArgs),
    /// The alert ledger.
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Backtest(backtest::BacktestArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Completions(help::CompletionsArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Consume(consume::ConsumeArgs),
    /// Records that could not be processed.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Doctor(doctor::DoctorArgs),
    /// What is known of merchants, devices, cards, addresses and customers beside their profiles.
    #[command(subcommand)]
    Entities(entities::EntitiesCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Generate(generate::GenerateArgs),
    /// What is remembered of customers.
    #[command(subcommand)]
    History(history::HistoryCommand),
    /// Labels: what became known of transactions.
    #[command(subcommand)]
    Labels(labels::LabelsCommand),
    /// Lists of merchants, devices, cards, addresses and customers.
    #[command(subcommand)]
    Lists(lists::ListsCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Man(help::ManArgs),
    /// Merchants' transactions by day.
    #[command(subcommand)]
    Merchants(merchants::MerchantsCommand),
    /// Policies: what is wrong with one, what it does, and the store of published ones.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Produce(produce::ProduceArgs),
    /// Customer profiles.
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Replay(replay::ReplayArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Report(backtest::decided::ReportArgs),
    /// How producers write their transactions.
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Score(score::ScoreArgs),
    /// Kinesis streams.
    #[command(subcommand)]
    Stream(stream::StreamCommand),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Verify(verify::VerifyArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`], which knows the exit status.
pub async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Aggregates(arguments) => aggregates::run(arguments).await,
        Command::Alerts(command) => alerts::run(command).await,
        Command::Backtest(arguments) => backtest::run(arguments).await,
        Command::Completions(arguments) => {
            help::completions(arguments, help::fitting(Cli::command()));
            Ok(())
        }
        Command::Consume(arguments) => consume::run(arguments).await,
        Command::DeadLetters(command) => dead_letters::run(command).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Entities(command) => entities::run(command).await,
        Command::Generate(arguments) => Ok(generate::run(arguments)?),
        Command::History(command) => history::run(command).await,
        Command::Labels(command) => labels::run(command).await,
        Command::Lists(command) => lists::run(command).await,
        Command::Man(arguments) => help::man(arguments, help::fitting(Cli::command())),
        Command::Merchants(command) => merchants::run(command).await,
        Command::Policy(command) => policy::run(command).await,
        Command::Produce(arguments) => produce::run(arguments).await,
        Command::Profiles(command) => profiles::run(command).await,
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Report(arguments) => backtest::decided::run(arguments).await,
        Command::Schema(command) => schema::run(command),
        Command::Score(arguments) => score::run(arguments).await,
        Command::Stream(command) => stream::run(command).await,
        Command::Verify(arguments) => verify::run(arguments).await,
    }
}
