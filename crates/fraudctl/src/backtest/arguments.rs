//! What every command over the past takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::span::{Days, days, moment};
use crate::input::Source;
use crate::schema::SchemaArgs;

/// How the commands over the past read their files; part of their help.
pub(crate) const HELP: &str = "\
Files hold transactions as their producers write them, or scored lines (the lake, or `scored` of fraud-local), which carry the
profile that they were scored with. They are read in the order of event time, or with --order arrival of ingested_at and
position, as the functions did; files that are not in order are sorted as far as --memory-mib reaches. A copy counts once.

Labels are read as `labels check` reads them, or with --label-field from the transactions themselves. Only what was known at
each moment is used: labels come when they are reported, with --label-delay so long after their transactions; merchants' days
are counted when they are over. To measure, the last word on each transaction holds. A transaction without a label counts as
legitimate if a label would have come by the time of the latest label (--labels-until); younger ones are not judged.";

/// The transactions of the past, and what became known of them.
#[derive(Debug, Args)]
pub(crate) struct PastArgs {
    /// Files of transactions or of scored lines, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    pub(super) input: Vec<Source>,
    /// Labels: files, folders or patterns.
    #[arg(long, value_name = "FILE|DIR|PATTERN")]
    pub(super) labels: Vec<Source>,
    /// The member of the transactions that says whether each is fraud: 1, true, yes or fraud; 0, false, no or legitimate.
    #[arg(long, value_name = "NAME", conflicts_with = "labels")]
    pub(super) label_field: Option<String>,
    /// Take labels to be known this long after their transactions, such as 7d, whatever they say of when they were reported.
    #[arg(long, value_name = "Nd", value_parser = days)]
    pub(super) label_delay: Option<Days>,
    /// When the labels end: younger transactions are not judged; the default is when the latest one was reported.
    #[arg(long, value_name = "TIME", value_parser = moment, allow_negative_numbers = true)]
    pub(super) labels_until: Option<i64>,
    /// The customers' profiles; without them those of scored lines are used.
    #[arg(long, value_name = "FILE")]
    pub(super) profiles: Option<PathBuf>,
    /// What is known of entities (risks and lists), for a policy that asks for them.
    #[arg(long, value_name = "FILE")]
    pub(super) entities: Option<PathBuf>,
    #[command(flatten)]
    pub(super) schema: SchemaArgs,
    /// Measure from this time on: a day, or RFC 3339. What is before it is only learnt from.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) from: Option<i64>,
    /// Read what is before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) to: Option<i64>,
    /// Learn from so much before anything is measured; the default is 28d for a policy that looks at histories or merchants'
    /// days, and 0d for others.
    #[arg(long, value_name = "Nd", value_parser = days)]
    pub(super) warm_up: Option<Days>,
    /// The order in which transactions are decided.
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = Order::EventTime)]
    pub(super) order: Order,
    /// Hold this much of files that are not in order in memory, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) memory_mib: u32,
    /// Decide by this many threads; the default is one for each core. The result is the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

/// The order in which transactions are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Order {
    /// By the transactions' own time; those of one moment as the files have them.
    EventTime,
    /// As they arrived: by ingested_at and position of scored lines.
    Arrival,
}

impl PastArgs {
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }

    /// In bytes.
    pub(super) fn memory(&self) -> usize {
        usize::try_from(self.memory_mib).unwrap_or(usize::MAX).saturating_mul(1024 * 1024)
    }
}
