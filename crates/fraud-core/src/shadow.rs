//! The policies that score a transaction: the one that decides, and at most one in its shadow, which is scored over the same
//! inputs and never alerts.

use crate::history::MAX_ENTITY_INPUTS;
use crate::policy::{FurtherInput, HistorySettings, Policy};
use crate::scoring::Score;
use crate::transaction::Asked;

/// The policy that decides, and the one in its shadow, if there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Policies {
    active: Policy,
    /// Over the inputs of both.
    shadow: Option<Policy>,
}

/// Why a policy cannot be another's shadow.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ShadowError {
    /// A customer has one history, which both would look at.
    #[error(
        "the policies {active} and {shadow} have different [history] settings ({}), and a customer has one history: give the shadow \
         the active policy's [history], or test it with fraudctl backtest",
        differences(.of_active, .of_shadow)
    )]
    OtherHistory {
        /// The id of the policy that decides.
        active: String,
        /// The id of the other.
        shadow: String,
        /// The settings of the policy that decides.
        of_active: HistorySettings,
        /// The settings of the other.
        of_shadow: HistorySettings,
    },
    /// Together they look at more things known of entities than a row of the history can hold.
    #[error(
        "the policies {active} and {shadow} look at {found} things known of entities together, and {max} is the most that is kept \
         with a transaction: let the shadow look at fewer",
        max = MAX_ENTITY_INPUTS
    )]
    TooManyEntityInputs {
        /// The id of the policy that decides.
        active: String,
        /// The id of the other.
        shadow: String,
        /// How many they look at.
        found: usize,
    },
}

/// What the policy in the shadow came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowScore {
    /// Its score.
    pub score: Score,
    /// The customer's risk that it took, where the policy that decides took another: theirs differ for a customer without one.
    pub customer_risk: Option<f64>,
    /// Whether it would have raised an alert.
    pub alerts: bool,
}

/// How often the two policies would have alerted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShadowCounts {
    /// Scores of the shadow above its threshold.
    pub high: usize,
    /// Of these, those where the policy that decides does not alert.
    pub shadow_only: usize,
    /// High scores of the policy that decides where the shadow would not have alerted.
    pub active_only: usize,
}

impl Policies {
    /// `active` decides, `shadow` is scored beside it.
    ///
    /// # Errors
    /// [`ShadowError`]
    pub fn with_shadow(active: Policy, shadow: Policy) -> Result<Self, ShadowError> {
        let ids = || (active.id().to_owned(), shadow.id().to_owned());
        if let (Some(of_active), Some(of_shadow)) = (active.history(), shadow.history())
            && of_active != of_shadow
        {
            let (active, shadow) = ids();
            return Err(ShadowError::OtherHistory { active, shadow, of_active, of_shadow });
        }
        let both = shadow.clone().beside(&active);
        let found = both.further_inputs().iter().filter(|further| further.input.is_of_entity()).count();
        if found > MAX_ENTITY_INPUTS {
            let (active, shadow) = ids();
            return Err(ShadowError::TooManyEntityInputs { active, shadow, found });
        }
        Ok(Policies { active, shadow: Some(both) })
    }

    /// The policy that decides.
    #[inline(always)]
    pub fn active(&self) -> &Policy {
        &self.active
    }

    /// The policy in the shadow.
    #[inline(always)]
    pub fn shadow(&self) -> Option<&Policy> {
        self.shadow.as_ref()
    }

    /// The one that looks at all that either looks at.
    #[inline(always)]
    fn both(&self) -> &Policy {
        self.shadow.as_ref().unwrap_or(&self.active)
    }

    /// What they ask of a transaction.
    pub fn asked(&self) -> &Asked {
        self.both().asked()
    }

    /// The [further inputs](Policy::further_inputs) of both, those of the policy that decides first.
    #[inline(always)]
    pub fn further_inputs(&self) -> &[FurtherInput] {
        self.both().further_inputs()
    }

    /// What the customers' history is kept by, if one of them says.
    pub fn history(&self) -> Option<HistorySettings> {
        self.active.history().or_else(|| self.shadow()?.history())
    }

    /// The policy that needs the customers' history, and [why](Policy::needs_history); that which decides, if both do.
    pub fn needs_history(&self) -> Option<(&Policy, &str)> {
        let mut policies = std::iter::once(&self.active).chain(&self.shadow);
        policies.find_map(|policy| Some((policy, policy.needs_history()?)))
    }

    /// The policy that asks for entities; that which decides, if both do, or neither.
    pub fn asking_for_entities(&self) -> &Policy {
        match &self.shadow {
            Some(shadow) if self.active.asked().entities.is_empty() => shadow,
            _ => &self.active,
        }
    }

    /// Whether one of them looks at what is known of merchants by day.
    pub fn looks_at_merchants_days(&self) -> bool {
        self.both().looks_at_merchants_days()
    }
}

impl From<Policy> for Policies {
    fn from(active: Policy) -> Self {
        Policies { active, shadow: None }
    }
}

impl ShadowCounts {
    /// Counts one record.
    pub fn count(&mut self, active_alerts: bool, shadow_alerts: bool) {
        self.high += usize::from(shadow_alerts);
        self.shadow_only += usize::from(shadow_alerts && !active_alerts);
        self.active_only += usize::from(active_alerts && !shadow_alerts);
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: ShadowCounts) {
        self.high += other.high;
        self.shadow_only += other.shadow_only;
        self.active_only += other.active_only;
    }
}

/// The settings that differ, in words.
fn differences(of_active: &HistorySettings, of_shadow: &HistorySettings) -> String {
    let settings = [
        ("prior_mean_amount", of_active.prior_mean_amount, of_shadow.prior_mean_amount),
        ("outlier_ratio", of_active.outlier_ratio, of_shadow.outlier_ratio),
        ("ordinary_below", of_active.ordinary_below, of_shadow.ordinary_below),
    ];
    let differ = settings.iter().filter(|(_, active, shadow)| active != shadow);
    differ
        .map(|(name, active, shadow)| format!("{name} {active} and {shadow}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
