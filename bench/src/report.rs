//! The results: a table to read, and the same as JSON.

use std::collections::BTreeMap;

use benchmarks::workload::EventKind;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::contender::{
    ALERTS, Contender, HISTORY, HISTORY_SHADOW, PLAIN_RUST, PYTHON, TEN_FACTORS, TEN_FACTORS_SHADOW,
    TRANSFORM, TRANSPORT,
};
use crate::measure::{Costs, SIZES};
use crate::spread::Spread;

const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// The place in [`SIZES`] at which ratios are taken.
const RATIO_SIZE: usize = 1;

/// One contender's results.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    /// Its name.
    pub(crate) contender: &'static str,
    /// By records an invocation.
    pub(crate) microseconds_per_record: BTreeMap<usize, Spread>,
    /// Processor time at 1,000 records as a part of the Python reference's, round by round.
    pub(crate) to_python: Option<Spread>,
    /// The same to the plain Rust reference.
    pub(crate) to_plain_rust: Option<Spread>,
    /// Processor time at 1,000 records beyond that of the same function with less to do, in microseconds a record, round by
    /// round: without the policy in the shadow, else under the default policy.
    pub(crate) beyond_base: Option<Spread>,
    /// User-mode instructions per record at 1,000 records; absent without valgrind.
    pub(crate) instructions_per_record: Option<f64>,
    /// From the start of the process to its first poll.
    pub(crate) start_milliseconds: Option<Spread>,
    /// The most at a time, with events of 5,000 records.
    pub(crate) peak_memory_mebibytes: f64,
    /// The size of those events.
    pub(crate) event_mebibytes: f64,
    /// What is deployed.
    pub(crate) binary_mebibytes: Option<f64>,
}

impl Results {
    /// Processor time only; what else was measured is filled in afterwards.
    pub(crate) fn of_costs(contenders: &[Contender], costs: &[Costs]) -> Vec<Self> {
        let named = |name: &str| {
            let index = contenders.iter().position(|contender| contender.name == name)?;
            costs.get(index)?.get(RATIO_SIZE)
        };
        let ratio = |contender: &Contender, costs: &Costs, name: &str| {
            let others = [TRANSPORT, TEN_FACTORS, TEN_FACTORS_SHADOW];
            let is_transform = contender.kind == EventKind::Firehose && !others.contains(&contender.name);
            let comparable = is_transform && contender.name != name;
            let reference = named(name).filter(|_| comparable)?;
            Spread::of(costs[RATIO_SIZE].iter().zip(reference).map(|(cost, reference)| cost / reference))
        };
        let beyond = |contender: &Contender, costs: &Costs| {
            let base = match contender.name {
                TEN_FACTORS => named(TRANSFORM)?,
                HISTORY => named(ALERTS)?,
                TEN_FACTORS_SHADOW => named(TEN_FACTORS)?,
                HISTORY_SHADOW => named(HISTORY)?,
                _ => return None,
            };
            Spread::of(costs[RATIO_SIZE].iter().zip(base).map(|(cost, base)| cost - base))
        };
        let results = contenders.iter().zip(costs).map(|(contender, costs)| Results {
            contender: contender.name,
            microseconds_per_record: SIZES
                .into_iter()
                .zip(costs)
                .filter_map(|(size, costs)| Some((size, Spread::of(costs.iter().copied())?)))
                .collect(),
            to_python: ratio(contender, costs, PYTHON),
            to_plain_rust: ratio(contender, costs, PLAIN_RUST),
            beyond_base: beyond(contender, costs),
            instructions_per_record: None,
            start_milliseconds: None,
            peak_memory_mebibytes: 0.0,
            event_mebibytes: 0.0,
            binary_mebibytes: None,
        });
        results.collect()
    }

    /// Fills in memory, in bytes.
    pub(crate) fn memory(&mut self, (peak, event): (u64, u64)) {
        self.peak_memory_mebibytes = peak as f64 / MEBIBYTE;
        self.event_mebibytes = event as f64 / MEBIBYTE;
    }

    /// Fills in the size of what is deployed, in bytes.
    pub(crate) fn binary(&mut self, size: Option<u64>) {
        self.binary_mebibytes = size.map(|size| size as f64 / MEBIBYTE);
    }
}

/// The results as a table.
pub(crate) fn table(results: &[Results]) -> String {
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header([
        "contender",
        "us/record at 100",
        "at 1,000",
        "at 5,000",
        "to Python",
        "to plain Rust",
        "beyond base, us",
        "instructions/record",
        "start, ms",
        "peak, MiB",
        "binary, MiB",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let spread = |spread: &Option<Spread>| spread.map_or_else(String::new, |spread| format!("{spread:.3}"));
    for result in results {
        let mut row = vec![result.contender.to_owned()];
        row.extend(result.microseconds_per_record.values().map(|cost| format!("{:.2}", cost.median)));
        row.push(spread(&result.to_python));
        row.push(spread(&result.to_plain_rust));
        row.push(spread(&result.beyond_base));
        row.push(result.instructions_per_record.map_or_else(String::new, |count| format!("{count:.0}")));
        row.push(result.start_milliseconds.map_or_else(String::new, |start| format!("{:.1}", start.median)));
        row.push(format!("{:.1}", result.peak_memory_mebibytes));
        row.push(result.binary_mebibytes.map_or_else(String::new, |size| format!("{size:.1}")));
        table.add_row(row);
    }
    table.to_string()
}
