//! The options that ask for months.

use chrono::{Datelike, NaiveDate};
use clap::Args;

use super::MonthsSettings;

/// The options that ask for months of transactions.
#[derive(Debug, Clone, Args)]
pub struct MonthsArgs {
    /// Generate the transactions of this many days, with a past and labelled frauds.
    #[arg(long, value_name = "N", requires_all = ["customers", "merchants"], conflicts_with = "count")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,
    /// With --days: generate this many customers, with two transactions a day on average.
    #[arg(long, value_name = "C", requires = "days", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    customers: Option<u32>,
    /// With --days: generate this many merchants.
    #[arg(long, value_name = "M", requires = "days", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    merchants: Option<u32>,
    /// With --days: the first day, in UTC.
    #[arg(long, value_name = "DATE", requires = "days", default_value = "2026-01-01", value_parser = date)]
    from: NaiveDate,
}

impl MonthsArgs {
    /// The settings, with this seed; `None` if no months are asked for.
    pub fn settings(&self, seed: u64) -> Option<MonthsSettings> {
        let MonthsArgs { days: Some(days), customers: Some(customers), merchants: Some(merchants), from } =
            *self
        else {
            return None;
        };
        Some(MonthsSettings { days, customers, merchants, from, seed })
    }
}

fn date(text: &str) -> Result<NaiveDate, String> {
    let date: Option<NaiveDate> = text.parse().ok();
    date.filter(|date| (1970..=9000).contains(&date.year()))
        .ok_or_else(|| "it must be a date from 1970-01-01 to 9000-12-31, such as 2026-01-31".to_owned())
}
