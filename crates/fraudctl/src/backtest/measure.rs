//! Policies over the past: what they did, by the labels.

use anyhow::anyhow;
use backtest::engine::{CameEarly, Decided, Engine, FinalLabels, PastRecord};
use backtest::fit::Rows;
use backtest::measures::{
    Compared, Comparison, DAY, Differences, Judged, Measures, Tally, TallySettings, Truth, Without,
    WithoutFactor,
};
use fraud_core::decision::Decider;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::label::Verdict;
use fraud_core::policy::Policy;
use fraud_core::scoring::Score;

use super::looked::Looked;
use super::pass::{Met, Pass, Stop};
use super::past::Past;
use super::records::{Form, RecordReader};
use super::short_text::ShortText;
use super::span;
use super::steps::Steps;
use crate::Failure;
use crate::display::{note, progress};
use crate::interrupt::Interrupt;

/// What is asked of the past.
pub(crate) struct Question<'p> {
    /// One policy, or two that are compared.
    pub(crate) policies: Vec<&'p Policy>,
    /// Scores above this are alerts, by policy, to tell differences.
    pub(crate) thresholds: Vec<f64>,
    /// Find the threshold that keeps to this many alerts a day.
    pub(crate) alerts_per_day: Option<f64>,
    /// Keep what the first policy's factors saw.
    pub(crate) keep_rows: bool,
    /// Tell what the last policy would be without each of its factors.
    pub(crate) without_factors: bool,
}

/// What the past says.
#[derive(Debug)]
pub(crate) struct Measured {
    /// By policy.
    pub(crate) measures: Vec<Measures>,
    /// What the second policy decides differently than the first.
    pub(crate) differences: Option<Differences>,
    pub(crate) met: Met,
    pub(crate) is_scored_lines: bool,
    /// Decisions without the customer's history, since the transaction lies before what is remembered.
    pub(crate) expired: u64,
    pub(crate) labels: LabelsMet,
    /// What the first policy's factors saw, if it was asked for.
    pub(crate) rows: Option<Rows>,
    /// What the last policy would be without each of its factors, if it was asked for.
    pub(crate) without: Vec<WithoutFactor>,
}

/// What the labels were found to be.
#[derive(Debug, Default)]
pub(crate) struct LabelsMet {
    pub(crate) contradicted: usize,
    pub(crate) early: u64,
    pub(crate) first_early: Option<CameEarly>,
    pub(crate) unmet: usize,
    pub(crate) first_unmet: Option<String>,
}

impl Past<'_> {
    /// Measures.
    ///
    /// # Errors
    /// [`Failure::Input`] if the files cannot be read or put in order, or nothing of them is measured; [`Failure::Failed`] if it
    /// was interrupted.
    pub(crate) fn measure(
        &self,
        question: &Question<'_>,
        interrupt: &Interrupt,
    ) -> Result<Measured, Failure> {
        let sort = self.arguments.memory();
        if self.is_stdin() {
            return self.attempt(question, interrupt, Some(sort)).map_err(|stop| self.told(stop));
        }
        match self.attempt(question, interrupt, None) {
            Err(Stop::NotInOrder(_)) => {
                self.attempt(question, interrupt, Some(sort)).map_err(|stop| self.told(stop))
            }
            other => other.map_err(|stop| self.told(stop)),
        }
    }

    fn told(&self, stop: Stop) -> Failure {
        match stop {
            Stop::Failed(failure) => failure,
            Stop::NotInOrder(location) => Failure::input(anyhow!(
                "the files are not in order, and --memory-mib {} is not enough to sort them: {location} belongs before what was \
                 decided already; allow more memory, or sort them by event_time first",
                self.arguments.memory_mib
            )),
        }
    }

    fn attempt(
        &self,
        question: &Question<'_>,
        interrupt: &Interrupt,
        sort: Option<usize>,
    ) -> Result<Measured, Stop> {
        let arguments = self.arguments;
        let mut input = arguments.schema.open(&arguments.input, &self.schema)?;
        let first = input.first().map_err(Failure::input)?;
        let reader = RecordReader::new(
            first,
            &question.policies,
            &self.schema,
            arguments.order,
            arguments.label_field.as_deref(),
            arguments.profiles.is_none(),
        );
        let decider = |policy: &&Policy| Decider::new((*policy).clone(), EventTimeBounds::UNBOUNDED);
        let deciders = question.policies.iter().map(decider).collect();
        let engine = Engine::new(deciders, self.delay, &self.known, self.labels.clone());
        let look = |_: &PastRecord<'_>, decided: &[Decided<'_>]| Looked::of(question, decided);
        let mut sums = Sums::new(self, question);
        let bar = progress(input.size());
        let lacking = || arguments.schema.lacking();
        let pass = Pass {
            reader: &reader,
            lacking: &lacking,
            threads: arguments.threads(),
            sort,
            to: arguments.to,
            interrupt,
            bar: &bar,
        };
        let take = |record: &PastRecord<'_>, looked: Looked| sums.add(record, &looked);
        let met = pass.run(input, &Steps::new(engine, look), take);
        bar.finish_and_clear();
        let met = met?;
        Ok(sums.measured(met, reader.form() == Form::ScoredLines)?)
    }
}

/// What is known of a record's transaction in the end, and whether a label came before it.
pub(super) fn truth(
    labels: &mut FinalLabels,
    judged_until: Option<i64>,
    record: &PastRecord<'_>,
) -> (Truth, Option<CameEarly>) {
    let (verdict, early) = labels.of_record(record);
    let truth = match verdict {
        _ if judged_until.is_some_and(|until| record.second > until) => Truth::Immature,
        Some(Verdict::Fraud) => Truth::Fraud,
        Some(Verdict::Legitimate) => Truth::Legitimate,
        Some(Verdict::Retracted) | None => Truth::Unlabelled,
    };
    (truth, early)
}

/// What is added up over a pass.
struct Sums<'a> {
    past: &'a Past<'a>,
    question: &'a Question<'a>,
    labels: FinalLabels,
    /// The span of the records, in seconds.
    span: Option<(i64, i64)>,
    /// From when on is measured.
    from: i64,
    tallies: Vec<Tally>,
    comparison: Option<Comparison>,
    rows: Option<Rows>,
    /// Whether there were more rows than may be kept.
    is_full: bool,
    without: Option<Without>,
    expired: u64,
    early: u64,
    first_early: Option<CameEarly>,
}

impl<'a> Sums<'a> {
    fn new(past: &'a Past<'a>, question: &'a Question<'a>) -> Self {
        Sums {
            past,
            question,
            labels: FinalLabels::of(past.labels.clone()),
            span: None,
            from: 0,
            tallies: Vec::new(),
            comparison: None,
            rows: None,
            is_full: false,
            without: None,
            expired: 0,
            early: 0,
            first_early: None,
        }
    }

    fn add(&mut self, record: &PastRecord<'_>, looked: &Looked) {
        let (first, last) = self.span.unwrap_or_else(|| self.begin(record.second));
        self.span = Some((first, last.max(record.second)));
        self.expired += u64::from(looked.is_expired);
        let truth = self.truth(record);
        let judged = |(score, threshold): (&Score, &f64)| Judged {
            time: record.second,
            score: score.value,
            is_alert: score.value > *threshold,
            truth,
            amount: record.amount,
            customer: record.transaction.customer_id.as_deref().unwrap_or_default(),
            segment: looked.segment.as_ref().map(ShortText::as_str),
            factors: score.factors,
        };
        let mut all = looked.scores.iter().flatten().zip(&self.question.thresholds).map(judged);
        let judged = [all.next(), all.next()];
        if let (Some(without), Some(judged)) = (&mut self.without, judged.iter().flatten().last())
            && judged.time >= self.from
        {
            without.add(judged, &looked.points);
        }
        for (tally, judged) in self.tallies.iter_mut().zip(judged.iter().flatten()) {
            tally.add(judged);
        }
        if let (Some(comparison), [Some(one), Some(other)]) = (&mut self.comparison, &judged) {
            let reasons = || looked.reasons.clone();
            comparison.add(&Compared { judged: [one, other], id: &record.identity(), reasons: &reasons });
        }
        if let (Some(rows), [Some(judged), _]) = (&mut self.rows, &judged)
            && judged.time >= self.from
        {
            self.is_full |= rows.bytes() > self.past.arguments.memory();
            if self.is_full {
                return;
            }
            rows.add(judged, looked.seen.iter().copied());
        }
    }

    fn truth(&mut self, record: &PastRecord<'_>) -> Truth {
        let (truth, early) = truth(&mut self.labels, self.past.judged_until, record);
        if let Some(early) = early {
            self.early += 1;
            self.first_early.get_or_insert(early);
        }
        truth
    }

    /// The first record is here: what is measured begins so long after its day.
    fn begin(&mut self, second: i64) -> (i64, i64) {
        let first_day = second.div_euclid(DAY) * DAY;
        self.from = self.past.arguments.from.unwrap_or(first_day + self.past.warm_up);
        let settings =
            TallySettings { from: self.from, until: i64::MAX, alerts_per_day: self.question.alerts_per_day };
        self.tallies = self.question.policies.iter().map(|policy| Tally::new(policy, settings)).collect();
        let last = self.question.policies.last().filter(|_| self.question.without_factors);
        self.without = last.map(|policy| Without::new(policy));
        let first = self.question.policies.first().filter(|_| self.question.keep_rows);
        self.rows = first.map(|policy| Rows::new(policy.factors().len()));
        if let [one, other] = self.question.policies[..] {
            self.comparison = Some(Comparison::new([one, other], self.from..i64::MAX));
        }
        (second, second)
    }

    fn measured(self, met: Met, is_scored_lines: bool) -> Result<Measured, Failure> {
        for (location, reason) in &met.first_refused {
            note!("{location}: {reason}");
        }
        let Some((first, last)) = self.span else {
            let what = match (met.entries, met.later) {
                (0, _) => "the input holds no transaction",
                (_, 0) => "no entry is a transaction of the past, see above",
                _ => "no transaction is before --to",
            };
            return Err(Failure::input(anyhow!(what)));
        };
        if self.is_full {
            return Err(Failure::input(anyhow!(
                "--memory-mib {} is not enough to keep what the factors saw of {} transactions: allow more memory, or fit to less \
                 (--from)",
                self.past.arguments.memory_mib,
                crate::display::thousands(met.entries)
            )));
        }
        if last < self.from {
            let span = format!("the files span {} to {}", span::text(first), span::text(last));
            return Err(Failure::input(match self.past.arguments.from {
                Some(from) => anyhow!("{span}: nothing is after --from {}", span::text(from)),
                None => anyhow!(
                    "{span}, which is no more than the warm-up of {} days: nothing is left to measure; name more files, or a shorter \
                     --warm-up",
                    self.past.warm_up / DAY
                ),
            }));
        }
        if self.from - first < self.past.warm_up && self.past.arguments.from.is_some() {
            note!(
                "the files begin at {}: less than {} days are before --from to learn from",
                span::text(first),
                self.past.warm_up / DAY
            );
        }
        let until = self.past.arguments.to.unwrap_or_else(|| (last.div_euclid(DAY) + 1) * DAY);
        let (unmet, first_unmet) = self.labels.unmet();
        let labels = LabelsMet {
            contradicted: self.labels.contradicted(),
            early: self.early,
            first_early: self.first_early,
            unmet,
            first_unmet,
        };
        let measures = self.tallies.into_iter().map(|mut tally| {
            tally.end(until);
            tally.measures()
        });
        let measures: Vec<Measures> = measures.collect();
        // Alerts that are too young to be judged are in no group without a factor.
        let alerts = measures.last().map_or(0, |last| last.overall.frauds_caught + last.overall.false_alerts);
        Ok(Measured {
            without: self.without.map(|without| without.finish(alerts)).unwrap_or_default(),
            measures,
            differences: self.comparison.map(Comparison::finish),
            met,
            is_scored_lines,
            expired: self.expired,
            labels,
            rows: self.rows,
        })
    }
}
