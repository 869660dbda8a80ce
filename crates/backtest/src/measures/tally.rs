//! Sums up what a policy decided.

use fraud_core::policy::Policy;

use super::cards::Cards;
use super::curve::threshold_by_budget;
use super::factors::FactorCounts;
use super::figures::{Figures, Measures, SegmentFigures, Spreads, Week};
use super::outline::Outline;
use super::scores::Group;
use super::segments::Segments;
use super::{DAY, Judged, Truth, WEEK};

/// What is measured, and at which threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TallySettings {
    /// The begin of the measured span, in seconds since the epoch. Weeks and days begin here.
    pub from: i64,
    /// Its end, exclusive.
    pub until: i64,
    /// The alerts a day for which a threshold is looked for; if there is none, the policy's own is used.
    pub alerts_per_day: Option<f64>,
}

/// Sums up what a policy decided. Memory follows customers, frauds, days, and distinct scores of a week; not transactions.
#[derive(Debug, Clone)]
pub struct Tally {
    policy: String,
    threshold: f64,
    cap: f64,
    settings: TallySettings,
    /// By the week's number, ascending.
    weeks: Vec<WeekOfGroups>,
    segments: Segments,
    factors: FactorCounts,
    cards: Cards,
}

/// A week's transactions by segment.
#[derive(Debug, Clone)]
struct WeekOfGroups {
    number: u64,
    /// By the segment's number.
    segments: Vec<Group>,
}

impl Tally {
    /// Of a policy.
    pub fn new(policy: &Policy, settings: TallySettings) -> Self {
        Tally {
            policy: policy.id().to_owned(),
            threshold: policy.threshold(),
            cap: policy.cap(),
            settings,
            weeks: Vec::new(),
            segments: Segments::default(),
            factors: FactorCounts::new(policy),
            cards: Cards::default(),
        }
    }

    /// Adds a transaction, in any order. One outside the measured span is left out.
    pub fn add(&mut self, judged: &Judged<'_>) {
        if !(self.settings.from..self.settings.until).contains(&judged.time) {
            return;
        }
        let seconds = judged.time.abs_diff(self.settings.from);
        let segment = self.segments.number(judged.segment);
        let week = self.week(seconds / WEEK.unsigned_abs());
        if week.segments.len() <= segment {
            week.segments.resize_with(segment + 1, Group::default);
        }
        if let Some(group) = week.segments.get_mut(segment) {
            group.add(judged);
        }
        self.factors.add(judged);
        if judged.truth != Truth::Immature {
            self.cards.add(seconds / DAY.unsigned_abs(), judged);
        }
    }

    fn week(&mut self, number: u64) -> &mut WeekOfGroups {
        let place = match self.weeks.last() {
            Some(last) if last.number == number => Ok(self.weeks.len() - 1),
            Some(last) if last.number < number => {
                // Few come behind the last transaction of a week: what they add to is made small again with the next week.
                self.weeks.iter_mut().flat_map(|week| &mut week.segments).for_each(Group::compact);
                Err(self.weeks.len())
            }
            _ => self.weeks.binary_search_by_key(&number, |week| week.number),
        };
        match place {
            #[expect(clippy::indexing_slicing, reason = "it was found there")]
            Ok(index) => &mut self.weeks[index],
            Err(index) => self.weeks.insert_mut(index, WeekOfGroups { number, segments: Vec::new() }),
        }
    }

    /// The measured span ends here, if it does not end before. No transaction from `until` on may have been added.
    pub fn end(&mut self, until: i64) {
        self.settings.until = self.settings.until.min(until);
    }

    /// The measures of what was added.
    pub fn measures(self) -> Measures {
        let Tally { policy, threshold, cap, settings, weeks, segments, factors, mut cards } = self;
        cards.close();
        let TallySettings { from, until, alerts_per_day } = settings;
        let days = days_between(from, until);

        let all = Group::sum(weeks.iter().flat_map(|week| &week.segments));
        let by_budget = alerts_per_day.map(|per_day| threshold_by_budget(&all, per_day, days));
        let threshold = by_budget.map_or(threshold, |found| found.threshold);
        let figures =
            |group: &Group, days, card_precision| Figures::of(group, days, threshold, card_precision);

        let overall = figures(&all, days, cards.precision(0..u64::MAX));
        let week_figures = |week: &WeekOfGroups| {
            let begin = from.saturating_add_unsigned(week.number.saturating_mul(WEEK.unsigned_abs()));
            let end = begin.saturating_add(WEEK).min(until);
            let days = days_between(begin, end);
            let first_day = week.number.saturating_mul(7);
            let card_precision = cards.precision(first_day..first_day.saturating_add(7));
            Week {
                from: begin,
                until: end,
                is_whole: days == 7.0,
                figures: figures(&Group::sum(week.segments.iter()), days, card_precision),
            }
        };
        let weeks_figures: Vec<Week> = weeks.iter().map(week_figures).collect();
        let segment_figures = |(segment, number)| {
            let group = Group::sum(weeks.iter().filter_map(|week| week.segments.get(number)));
            (group.totals.transactions() > 0)
                .then(|| SegmentFigures { segment, figures: figures(&group, days, None) })
        };
        Measures {
            policy,
            from,
            until,
            by_budget,
            spreads: Spreads::of(&weeks_figures),
            segments: segments.into_names().into_iter().filter_map(segment_figures).collect(),
            factors: factors.figures(all.totals.frauds, all.totals.others()),
            outline: Outline::of(&all, cap, threshold),
            overall,
            weeks: weeks_figures,
        }
    }
}

/// The days from one second to another, at least 0.
fn days_between(from: i64, until: i64) -> f64 {
    if until > from { until.abs_diff(from) as f64 / DAY as f64 } else { 0.0 }
}
