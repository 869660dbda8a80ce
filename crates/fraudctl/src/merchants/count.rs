//! Merchants' transactions, counted from scored lines.

use anyhow::anyhow;
use clap::Args;
use fraud_core::merchant::day_of;
use fraud_core::policy::Policy;
use fraud_core::record::ScoredLine;
use fraud_core::schema::Schema;
use fraud_core::transaction::Reading;
use indicatif::ProgressBar;

use super::counted::Counted;
use super::days::Days;
use super::pass::{Pass, Share};
use super::{CountsArgs, days};
use crate::Failure;
use crate::display::{counted, note, print_line, progress, thousands};
use crate::input::{Input, Source};
use crate::interrupt::Interrupt;

/// This many lines that cannot be used are reported one by one; the others are counted.
const REFUSED_TOLD: u64 = 10;
/// Lines between two looks at Ctrl-C.
const LINES_A_LOOK: u64 = 1024;
/// The longest id of a merchant, in characters: no entity has a longer one.
const MAX_ID_CHARACTERS: usize = 256;

/// Count merchants' transactions by day, from scored lines, and set the counts.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl merchants count lake/year=2026/month=01/day=15 --from 2026-01-15 --through 2026-01-15 --to dynamodb:entities
  fraudctl merchants count 'lake/year=2026/**/*.parquet' --from 2026-01-01 --through 2026-01-31 --to dynamodb:entities
  fraudctl merchants count scored.ndjson --from 2026-01-01 --through 2026-01-31 --to file:entities.ndjson --json

The files must have all transactions of the days --from to --through, for each day's count is set to what they have; run again, it
is the same. In the lake a day of events is a day's folder. A transaction is known by customer and transaction id (or decision_id)
and content, as in the view transactions_once: copies count once, and another content under the same id is another transaction.
Its day is that of its event time, or of ingested_at if the event time is more than 7 days older or an hour newer.

When all is written, the last day through which counts are whole is noted; `doctor` tells when it falls behind LABEL_DELAY_DAYS.
Days that leave a gap to those are counted and do not move it. For a lake that is too large for one machine docs/queries.md has the
same counts as a query, whose result `merchants import` takes.

Exit status: 0 done, 1 interrupted or the table refused, 2 the files, a line or the days are wrong.")]
pub struct CountMerchantsArgs {
    /// Files of scored lines, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    #[command(flatten)]
    counts: CountsArgs,
    /// Hold transactions in this much memory, in MiB; if they are more, the files are read several times.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    memory_mib: u32,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// What the lines are.
#[derive(Debug, Default)]
struct LineTally {
    lines: u64,
    refused: u64,
    without_merchant: u64,
    other_days: u64,
    passes: u64,
    copies: u64,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a file cannot be read, a line is not a scored record, or the days are wrong; [`Failure::Failed`] if the
/// table does not take the counts or the run was interrupted.
pub(super) async fn run(arguments: &CountMerchantsArgs) -> Result<(), Failure> {
    let days = arguments.counts.days()?;
    // Opened first, so that a wrong file is told before anything else is needed.
    let first = Input::open(&arguments.input).map_err(Failure::input)?;
    let mut target = arguments.counts.open().await?;
    let interrupt = Interrupt::listen();
    let mut tally = LineTally::default();
    let counts = read(arguments, first, days, &interrupt, &mut tally)?;
    if !interrupt.has_come() && tally.lines > 0 {
        let bar = progress(None);
        let set = target.set(&counts, days, &interrupt, |merchants| {
            bar.set_message(format!("{} written", counted(merchants, "merchant")));
            bar.tick();
        });
        let set = set.await;
        bar.finish_and_clear();
        set?;
    }
    if interrupt.has_come() {
        return Err(anyhow!("interrupted: run it again, which sets the same counts").into());
    }
    if tally.lines == 0 {
        return Err(Failure::input(anyhow!("the input holds no line")));
    }
    // A day of which lines could not be read is not whole.
    let through = match tally.refused {
        0 => target.finish(days).await?,
        _ => target.counted_through().await?,
    };
    print(arguments, days, &counts, &tally, through)?;
    match tally.refused {
        0 => Ok(()),
        refused => Err(Failure::input(anyhow!(
            "{} not used, see above: the counts are set, and the days are not noted as whole",
            counted(refused, "line")
        ))),
    }
}

fn read(
    arguments: &CountMerchantsArgs,
    first: Input,
    days: Days,
    interrupt: &Interrupt,
    tally: &mut LineTally,
) -> Result<Counted, Failure> {
    let memory = usize::try_from(arguments.memory_mib).unwrap_or(usize::MAX).saturating_mul(1024 * 1024);
    let policy = Policy::builtin_default().map_err(Failure::input)?;
    // Under any schema a line has our names at its top level.
    let reading = Reading::new(&Schema::builtin_default(), policy.asked());
    let (mut counts, mut shares, mut input) = (Counted::default(), vec![Share::WHOLE], Some(first));
    while let Some(share) = shares.pop() {
        let input = match input.take() {
            Some(input) => input,
            None if arguments.input.contains(&Source::Stdin) => {
                return Err(Failure::input(anyhow!(
                    "the transactions do not fit into --memory-mib, and standard input cannot be read twice: allow more memory, or name files"
                )));
            }
            None => Input::open(&arguments.input).map_err(Failure::input)?,
        };
        tally.passes += 1;
        let bar = progress(input.size());
        let pass = one_pass(input, &reading, Pass::new(share, memory), days, interrupt, tally, &bar);
        bar.finish_and_clear();
        let mut pass = pass?;
        pass.add_to(&mut counts);
        tally.copies += pass.copies;
        shares.append(&mut pass.left);
        if interrupt.has_come() {
            break;
        }
    }
    Ok(counts)
}

fn one_pass(
    input: Input,
    reading: &Reading,
    mut pass: Pass,
    days: Days,
    interrupt: &Interrupt,
    tally: &mut LineTally,
    bar: &ProgressBar,
) -> Result<Pass, Failure> {
    let (read, mut lines, is_first) = (input.bytes_read(), 0_u64, tally.passes == 1);
    for entry in input {
        let entry = entry.map_err(Failure::input)?;
        lines += 1;
        if lines.is_multiple_of(LINES_A_LOOK) {
            if interrupt.has_come() {
                return Ok(pass);
            }
            bar.set_position(read.get());
            bar.set_message(format!("{} read, pass {}", counted(lines, "line"), tally.passes));
        }
        let line = match entry.fault {
            Some(fault) => Err(fault.to_string()),
            None => ScoredLine::read(reading, &entry.bytes).map_err(|fault| fault.to_string()),
        };
        let (mut without_merchant, mut other_day, mut refused) = (false, false, None);
        match &line {
            Ok(line) => {
                let day = day_of(line.counted_second());
                let merchant =
                    line.merchant().filter(|id| (1..=MAX_ID_CHARACTERS).contains(&id.chars().count()));
                match merchant {
                    _ if !days.contain(day) => other_day = true,
                    Some(merchant) => pass.take(line.incoming().map(|incoming| incoming.key), &merchant, day),
                    None => without_merchant = true,
                }
            }
            Err(reason) => refused = Some(reason),
        }
        if !is_first {
            continue;
        }
        tally.lines = lines;
        tally.without_merchant += u64::from(without_merchant);
        tally.other_days += u64::from(other_day);
        if let Some(reason) = refused {
            tally.refused += 1;
            if tally.refused <= REFUSED_TOLD {
                let cut_off = if entry.is_open { " (is the file cut off here?)" } else { "" };
                bar.suspend(|| note!("{}: {reason}{cut_off}", entry.location));
            }
        }
    }
    match lines == tally.lines {
        true => Ok(pass),
        false => Err(Failure::input(anyhow!("the files changed while they were read: run it again"))),
    }
}

fn print(
    arguments: &CountMerchantsArgs,
    days: Days,
    counts: &Counted,
    tally: &LineTally,
    through: Option<i32>,
) -> anyhow::Result<()> {
    if arguments.json {
        return print_line(serde_json::json!({
            "from": days::text(days.from),
            "through": days::text(days.through),
            "lines": tally.lines,
            "merchants": counts.merchants(),
            "transactions": counts.transactions(),
            "copies": tally.copies,
            "without_merchant": tally.without_merchant,
            "other_days": tally.other_days,
            "not_lines": tally.refused,
            "passes": tally.passes,
            "counted_through": through.map(days::text),
        }));
    }
    print_line(format_args!(
        "{} of {}, {} to {}, from {}",
        counted(counts.transactions(), "transaction"),
        counted(counts.merchants(), "merchant"),
        days::text(days.from),
        days::text(days.through),
        counted(tally.lines, "line")
    ))?;
    print_line(format_args!(
        "left out: {} copies, {} of other days, {} without a merchant",
        thousands(tally.copies),
        thousands(tally.other_days),
        thousands(tally.without_merchant)
    ))?;
    super::target::tell_through(days, through)
}
