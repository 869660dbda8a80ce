//! A row for people.

use fraud_core::history::{Day, Entry, Week};

use super::{DAY, Shown, WEEK, amount, date, second};
use crate::display::{counted, on_one_line, print_line, table, thousands};
use exact_text::timestamp::Timestamp;

impl Shown<'_> {
    pub(super) fn print(&self) -> anyhow::Result<()> {
        let Shown { customer, row, history, .. } = self;
        let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let days_known = self.days_known().map(|days| counted(days.unsigned_abs(), "day"));
        let lines = [
            ("customer", (*customer).to_owned()),
            ("version", row.version.unwrap_or_default().to_string()),
            ("last written", time(row.written)),
            ("size", counted(row.bytes as u64, "byte")),
            ("newest arrival", time(self.newest_arrival())),
            ("forgotten until", time(self.forgotten_until())),
            ("first event time", time(history.first_event_time().map(second))),
            ("newest event time", time(history.newest_event_time().map(second))),
            ("known for", days_known.unwrap_or_else(|| "-".to_owned())),
            ("merchants", thousands(history.merchants() as u64)),
            ("transactions", thousands(history.entries().len() as u64)),
        ];
        for (name, value) in lines {
            print_line(format_args!("{name:>17}  {}", on_one_line(&value)))?;
        }
        self.print_buckets()?;
        if history.entries().is_empty() {
            return Ok(());
        }
        self.print_entries()?;
        self.print_inputs()
    }

    fn print_buckets(&self) -> anyhow::Result<()> {
        if !self.history.weeks().is_empty() {
            let mut weeks = table(&["week from", "transactions", "amount"], &["transactions", "amount"]);
            for Week { week, count, sum } in self.history.weeks() {
                weeks.add_row([date(week.saturating_mul(WEEK)), thousands(*count), amount(*sum)]);
            }
            print_line(weeks)?;
        }
        if !self.history.days().is_empty() {
            let numbers = ["transactions", "amount", "outliers"];
            let mut days = table(&["day", "transactions", "amount", "outliers"], &numbers);
            for Day { day, count, sum, outliers } in self.history.days() {
                let day = date(day.saturating_mul(DAY));
                days.add_row([day, thousands(*count), amount(*sum), thousands(*outliers)]);
            }
            print_line(days)?;
        }
        Ok(())
    }

    fn print_entries(&self) -> anyhow::Result<()> {
        let columns = [
            "#",
            "arrival",
            "event time",
            "amount",
            "counts",
            "foreign",
            "outlier",
            "alerted",
            "copied",
            "profile",
        ];
        let mut shown = table(&columns, &["#", "amount"]);
        let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
        for (place, entry) in self.history.entries().iter().enumerate() {
            shown.add_row([
                (place + 1).to_string(),
                Timestamp::saturating_from_millis(entry.arrival()).to_string(),
                second(entry.event_time()).to_string(),
                amount(entry.inputs().amount),
                yes(entry.counts()),
                yes(entry.inputs().is_foreign),
                yes(entry.is_outlier()),
                yes(entry.alerted()),
                entry
                    .copied()
                    .map(|at| Timestamp::saturating_from_millis(at).to_string())
                    .unwrap_or_default(),
                profile(entry),
            ]);
        }
        print_line(shown)
    }

    fn print_inputs(&self) -> anyhow::Result<()> {
        let columns = [
            "#",
            "10m",
            "1h",
            "24h",
            "amount 1h",
            "amount 24h",
            "7d",
            "amount 7d",
            "outliers 2d",
            "outliers 8d",
            "mean of",
            "mean sum",
            "last s",
            "days",
            "new merchant",
        ];
        let mut shown = table(&columns, &columns);
        let optional = |number: Option<u64>| number.map(thousands).unwrap_or_default();
        for (place, entry) in self.history.entries().iter().enumerate() {
            let inputs = entry.inputs();
            let new_merchant = match inputs.new_merchant {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            };
            shown.add_row([
                (place + 1).to_string(),
                inputs.count_10m.to_string(),
                inputs.count_1h.to_string(),
                inputs.count_24h.to_string(),
                amount(inputs.amount_1h),
                amount(inputs.amount_24h),
                thousands(inputs.count_7d),
                amount(inputs.amount_7d),
                thousands(inputs.outliers_2d),
                thousands(inputs.outliers_8d),
                thousands(inputs.mean_count),
                amount(inputs.mean_sum),
                optional(inputs.seconds_since_last),
                optional(inputs.days_known),
                new_merchant.to_owned(),
            ]);
        }
        print_line(shown)
    }
}

/// What the profile's lookup came to, and the profile.
fn profile(entry: &Entry) -> String {
    let enrichment = entry.enrichment();
    let Some(profile) = enrichment.profile() else { return enrichment.as_str().to_owned() };
    let risk = profile.risk_score().map_or_else(|| "-".to_owned(), |risk| format!("{risk:.3}"));
    format!("{}: {}, risk {risk}", enrichment.as_str(), profile.segment())
}
