//! A run's report, for people and for scripts.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context;
use exact_text::timestamp::Timestamp;
use fraud_core::money::Money;
use fraud_core::shadow::ShadowCounts;
use fraud_core::window::WindowTotals;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::arrivals::ArrivalMode;
use crate::backtested::BacktestReport;
use crate::caught::CaughtReport;
use crate::faults::OrderedFault;
use fraudctl::display::{counted, event_time_faults, on_one_line, table, thousands, three_places};

/// Alerts shown to people.
const ALERTS_SHOWN: usize = 10;
/// Customers shown as the biggest spenders.
const CUSTOMERS_SHOWN: usize = 5;

/// A run's report. Serialized it is what `--json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Records on the stream.
    pub produced: u64,
    /// Entries of the input that were not produced.
    pub not_produced: u64,
    /// Records scored and written to their partitions.
    pub landed: u64,
    /// Records under the error prefix.
    pub failed: u64,
    /// Of these, by the transform's reason.
    pub failed_by_reason: BTreeMap<String, u64>,
    /// Records scored whose event time cannot be read.
    pub event_times_unreadable: u64,
    /// Records scored whose event time is an epoch number, which has no local time.
    pub event_times_without_local_time: u64,
    /// The id of the policy that decided.
    pub policy: String,
    /// The kinds of transactions that it never raises an alert for.
    pub never_alerted: Vec<String>,
    /// How many lines of the lake say what of the customer's history; empty if the policy does not look at it.
    pub history: BTreeMap<String, u64>,
    /// Labels that came while the run went on; `None` if none could.
    pub labels_applied: Option<u64>,
    /// Records whose score raises an alert.
    pub high_scores: u64,
    /// What the policy in the shadow would have alerted; `None` without one.
    pub shadow: Option<ShadowReport>,
    /// Alerts published.
    pub alerts: u64,
    /// High scores whose alert had been sent before.
    pub duplicates_suppressed: u64,
    /// How often records were handed back to be retried, by reason: that of the first of each batch.
    pub retried_by_reason: BTreeMap<String, u64>,
    /// The faults that were ordered.
    pub faults: Vec<FaultReport>,
    /// Records that the functions dead-lettered.
    pub dead_letters: u64,
    /// Windows of customers that have transactions.
    pub windows: u64,
    /// The customers that spent most, over all their windows.
    pub top_customers: Vec<TopCustomer>,
    /// When the records arrived at the stream.
    pub arrivals: ArrivalMode,
    /// The first and the last arrival; `None` without records.
    pub arrived: Option<ArrivalSpan>,
    /// Records that came by the delivery stream beside the stream, and are not checked.
    pub delivered_directly: u64,
    /// From a record's arrival at the stream to the publication of its alert; `None` if arrivals are simulated.
    pub detection_latency_ms: Option<Latency>,
    /// Produced records over the time from the first to the last thing done.
    pub transactions_per_second: u64,
    /// That time.
    pub seconds: f64,
    /// Files written to the output folder.
    pub files: u64,
    /// What a back-test of the same records decides otherwise.
    pub backtest: BacktestReport,
    /// What of the frauds was alerted, if labels name them.
    pub caught: Option<CaughtReport>,
    /// Whether everything that went in came out.
    pub balanced: bool,
    /// If it does not balance: what is missing or too much.
    pub discrepancies: Vec<String>,
}

/// What the policy in the shadow would have alerted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShadowReport {
    /// Its id.
    pub policy: String,
    /// Records with a high score by it.
    pub high_scores: u64,
    /// Of these, those that the active policy does not alert.
    pub shadow_only: u64,
    /// High scores of the active policy that it would not have alerted.
    pub active_only: u64,
}

impl ShadowReport {
    pub(crate) fn of(policy: &str, counts: ShadowCounts) -> Self {
        ShadowReport {
            policy: policy.to_owned(),
            high_scores: counts.high as u64,
            shadow_only: counts.shadow_only as u64,
            active_only: counts.active_only as u64,
        }
    }
}

/// A fault that was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// As it is ordered: `sns=503:0.2`.
    pub fault: String,
    /// The calls that it was applied to.
    pub calls: u64,
}

impl FaultReport {
    pub(crate) fn all(faults: &[OrderedFault], calls: &[u64]) -> Vec<Self> {
        let reports = faults.iter().zip(calls);
        reports.map(|(fault, calls)| FaultReport { fault: fault.to_string(), calls: *calls }).collect()
    }
}

/// The arrivals of a stream's records, as RFC 3339 writes them, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArrivalSpan {
    /// That of the first.
    pub first: String,
    /// That of the last.
    pub last: String,
}

impl From<(Timestamp, Timestamp)> for ArrivalSpan {
    fn from((first, last): (Timestamp, Timestamp)) -> Self {
        ArrivalSpan { first: first.to_string(), last: last.to_string() }
    }
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half were faster.
    pub p50: i64,
    /// Of a hundred, one was slower.
    pub p99: i64,
    /// The slowest.
    pub max: i64,
}

/// A customer who spent much.
#[derive(Debug, Clone, Serialize)]
pub struct TopCustomer {
    /// The customer.
    pub customer_id: String,
    /// Transactions that counted.
    pub event_count: u64,
    /// Their sum, with all its digits.
    pub total_amount: Box<RawValue>,
}

/// What each customer spent, over all windows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent(BTreeMap<String, (Money, u64)>);

impl Spent {
    /// Adds windows.
    pub(crate) fn add(&mut self, windows: &[WindowTotals]) -> anyhow::Result<()> {
        for window in windows {
            let (total, count) = self.0.entry(window.customer_id.clone()).or_default();
            *total = total.checked_add(window.total_amount).context("a customer's sum is too large")?;
            *count += window.event_count;
        }
        Ok(())
    }

    /// Whether a customer has windows.
    pub(crate) fn knows(&self, customer: &str) -> bool {
        self.0.contains_key(customer)
    }

    /// The customers that spent most.
    pub(crate) fn top(self) -> anyhow::Result<Vec<TopCustomer>> {
        let mut customers: Vec<_> = self.0.into_iter().collect();
        customers.sort_by_key(|(_, (total, _))| std::cmp::Reverse(*total));
        let top = customers.into_iter().take(CUSTOMERS_SHOWN).map(|(customer_id, (total, event_count))| {
            let total_amount = RawValue::from_string(total.to_string())?;
            Ok(TopCustomer { customer_id, event_count, total_amount })
        });
        top.collect()
    }
}

impl fmt::Display for TopCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", on_one_line(&self.customer_id), self.total_amount, self.event_count)
    }
}

impl Latency {
    /// The percentiles of these times (nearest rank); all 0 if there are none.
    pub fn of(mut millis: Vec<i64>) -> Self {
        millis.sort_unstable();
        let rank = |percent: usize| {
            let rank = (millis.len() * percent).div_ceil(100).saturating_sub(1);
            millis.get(rank).copied().unwrap_or_default()
        };
        Latency { p50: rank(50), p99: rank(99), max: rank(100) }
    }
}

impl RunReport {
    /// The report for people, with the highest of the alerts.
    pub fn render(&self, alerts: &[String]) -> String {
        let mut out = String::new();
        if !alerts.is_empty() {
            let mut shown = table(&["alert", "amount", "score", "reasons", "time"], &["amount", "score"]);
            let mut highest: Vec<ShownAlert<'_>> = alerts.iter().map(|alert| ShownAlert::of(alert)).collect();
            highest.sort_by(|one, other| {
                other.score().total_cmp(&one.score()).then_with(|| one.alert_id.cmp(&other.alert_id))
            });
            for alert in highest.into_iter().take(ALERTS_SHOWN) {
                shown.add_row(alert.columns());
            }
            out += &format!("{shown}\n");
            if alerts.len() > ALERTS_SHOWN {
                out += &format!(
                    "and {} more in alerts.ndjson\n",
                    thousands((alerts.len() - ALERTS_SHOWN) as u64)
                );
            }
        }
        let latency = match self.detection_latency_ms {
            Some(Latency { p50, p99, max }) => {
                let [p50, p99, max] =
                    [p50, p99, max].map(|millis| thousands(u64::try_from(millis).unwrap_or_default()));
                format!("p50 {p50} ms, p99 {p99} ms, max {max} ms")
            }
            None => "not measured: arrivals are simulated by the event times".to_owned(),
        };
        let mut rows = vec![
            ("produced", thousands(self.produced)),
            ("landed", thousands(self.landed)),
            ("failed", by_reason(self.failed, &self.failed_by_reason)),
            ("high scores", thousands(self.high_scores)),
            (
                "alerts",
                format!(
                    "{} ({} suppressed)",
                    thousands(self.alerts),
                    counted(self.duplicates_suppressed, "duplicate")
                ),
            ),
            ("dead letters", thousands(self.dead_letters)),
            ("retried", by_reason(self.retried_by_reason.values().sum(), &self.retried_by_reason)),
            ("detection latency", latency),
            (
                "throughput",
                format!(
                    "{} transactions a second ({:.1} s)",
                    thousands(self.transactions_per_second),
                    self.seconds
                ),
            ),
            ("files written", thousands(self.files)),
        ];
        let event_times = event_time_faults(self.event_times_unreadable, self.event_times_without_local_time);
        rows.extend(event_times.map(|faults| ("event times", faults)));
        rows.push(("policy", self.policy.clone()));
        if let Some(ShadowReport { policy, high_scores, shadow_only, active_only }) = &self.shadow {
            let high = format!("{policy}, {}", counted(*high_scores, "high score"));
            let apart = format!("{} alone, {} only active", thousands(*shadow_only), thousands(*active_only));
            rows.push(("shadow", format!("{high}: {apart}")));
        }
        if !self.history.is_empty() {
            let words = self.history.iter().map(|(word, count)| format!("{word}: {}", thousands(*count)));
            rows.push(("history", words.collect::<Vec<_>>().join(", ")));
        }
        if let Some(labels) = self.labels_applied {
            rows.push(("labels", format!("{} came while transactions streamed", thousands(labels))));
        }
        let BacktestReport { lines, alerts, differences } = self.backtest;
        let compared = format!("{} and {}", counted(lines, "line"), counted(alerts, "alert"));
        rows.push(("back-test", format!("{compared} decided again, {} otherwise", thousands(differences))));
        rows.extend(self.never_alerted.iter().map(|kind| ("never alerted", kind.clone())));
        if self.retried_by_reason.is_empty() {
            rows.retain(|(name, _)| *name != "retried");
        }
        let fault =
            |FaultReport { fault, calls }: &FaultReport| format!("{fault}, {}", counted(*calls, "call"));
        rows.extend(self.faults.iter().map(|report| ("fault", fault(report))));
        if let Some(ArrivalSpan { first, last }) = &self.arrived {
            rows.insert(1, ("arrived", format!("{first} to {last}")));
        }
        if self.delivered_directly > 0 {
            rows.push(("delivered directly", format!("{} to direct/", thousands(self.delivered_directly))));
        }
        if self.not_produced > 0 {
            rows.insert(1, ("not produced", thousands(self.not_produced)));
        }
        if self.windows > 0 {
            let names = ["top customers"].into_iter().chain(std::iter::repeat(""));
            let top = names.zip(self.top_customers.iter().map(TopCustomer::to_string));
            let windows = ("aggregates", format!("{} windows of customers", thousands(self.windows)));
            let aggregates: Vec<_> = [windows].into_iter().chain(top).collect();
            let behind =
                rows.iter().position(|(name, _)| *name == "dead letters").map_or(rows.len(), |at| at + 1);
            rows.splice(behind..behind, aggregates);
        }
        for (name, value) in rows {
            out += &format!("{name:>18}  {value}\n");
        }
        out += &self.caught.as_ref().map(CaughtReport::render).unwrap_or_default();
        out += match self.balanced {
            true => {
                "Balanced: every record produced landed or failed, every high score was alerted once, every sum is right."
            }
            false => "NOT BALANCED:",
        };
        for discrepancy in &self.discrepancies {
            out += &format!("\n  {}", on_one_line(discrepancy));
        }
        out
    }
}

/// A count with what it is made of.
pub(crate) fn by_reason<R: fmt::Display>(count: u64, reasons: &BTreeMap<R, u64>) -> String {
    if reasons.is_empty() {
        return thousands(count);
    }
    let reasons: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{} {reason}", thousands(*count))).collect();
    format!("{} ({})", thousands(count), reasons.join(", "))
}

/// What people see of an alert's message. Numbers keep their digits.
#[derive(Debug, Default, Deserialize)]
struct ShownAlert<'a> {
    alert_id: String,
    #[serde(borrow)]
    transaction_amount: Option<&'a RawValue>,
    #[serde(borrow)]
    fraud_score: Option<&'a RawValue>,
    reasons: Vec<ShownReason>,
    event_time: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ShownReason {
    name: String,
}

impl<'a> ShownAlert<'a> {
    /// A message that cannot be read, which a fault may have made, is an empty row.
    fn of(message: &'a str) -> Self {
        serde_json::from_str(message).unwrap_or_default()
    }

    /// The score; one that cannot be read is the lowest.
    fn score(&self) -> f64 {
        self.fraud_score.and_then(|score| score.get().parse().ok()).unwrap_or(f64::NEG_INFINITY)
    }

    fn columns(self) -> [String; 5] {
        let digits = |number: Option<&RawValue>| number.map_or("", RawValue::get).to_owned();
        let reasons: Vec<String> = self.reasons.into_iter().map(|reason| reason.name).collect();
        [
            self.alert_id,
            digits(self.transaction_amount),
            three_places(self.fraud_score.map_or("", RawValue::get)),
            reasons.join(" "),
            self.event_time.unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_shown_with_its_amounts_own_digits() {
        let alert = ShownAlert::of(
            r#"{"alert_id":"C/1","transaction_amount":21437.60,"fraud_score":0.9,"reasons":[{"name":"amount"},{"name":"risk"}],"event_time":null}"#,
        );
        assert_eq!(alert.columns(), ["C/1", "21437.60", "0.900", "amount risk", ""]);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        assert_eq!(Latency::of((1..=200).rev().collect()), Latency { p50: 100, p99: 198, max: 200 });
        assert_eq!(Latency::of(vec![7]), Latency { p50: 7, p99: 7, max: 7 });
        assert_eq!(Latency::of(Vec::new()), Latency { p50: 0, p99: 0, max: 0 });
    }
}
