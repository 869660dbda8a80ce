//! The past that policies are measured over: its files, and what became known.

use anyhow::anyhow;
use backtest::engine::LabelsKnown;
use backtest::measures::DAY;
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;

use super::arguments::PastArgs;
use super::known::KnownByFiles;
use super::labels::Judging;
use crate::Failure;
use crate::entities;
use crate::input::Source;
use crate::profiles;

/// What is learnt from before anything is measured, in days, unless the options say.
const WARM_UP_DAYS: i64 = 28;

/// What is known before the first transaction is read.
pub(crate) struct Past<'a> {
    pub(super) arguments: &'a PastArgs,
    pub(super) schema: Schema,
    pub(super) known: KnownByFiles,
    pub(super) labels: LabelsKnown,
    pub(super) delay: LabelDelay,
    /// Of what is measured the transactions behind this second are not judged.
    pub(super) judged_until: Option<i64>,
    /// In seconds.
    pub(super) warm_up: i64,
}

impl<'a> Past<'a> {
    /// Reads everything but the transactions.
    ///
    /// # Errors
    /// [`Failure::Input`] if a file cannot be read or used.
    pub(crate) fn open(arguments: &'a PastArgs, policies: &[&Policy]) -> Result<Self, Failure> {
        if let (Some(from), Some(to)) = (arguments.from, arguments.to)
            && from >= to
        {
            return Err(Failure::input(anyhow!("--from is not before --to: nothing is between them")));
        }
        let Judging { labels, delay, judged_until } =
            Judging::of(&arguments.labels, arguments.label_delay, arguments.labels_until)?;
        let schema = arguments.schema.load()?;
        let mut known = KnownByFiles::default();
        if let Some(path) = &arguments.profiles {
            known.profiles = profiles::load(path)?.profiles;
        }
        for policy in policies {
            known.entities =
                entities::for_policies(arguments.entities.as_deref(), &(*policy).clone().into())?
                    .entities
                    .without_days();
        }
        let learns = |policy: &&Policy| policy.needs_history().is_some() || policy.looks_at_merchants_days();
        let default = if policies.iter().any(learns) { WARM_UP_DAYS * DAY } else { 0 };
        Ok(Past {
            arguments,
            schema,
            known,
            labels,
            delay,
            judged_until,
            warm_up: arguments.warm_up.map_or(default, super::span::Days::seconds),
        })
    }

    /// Whether the files can be read once only.
    pub(super) fn is_stdin(&self) -> bool {
        self.arguments.input.contains(&Source::Stdin)
    }

    /// Whether anything is known of what was fraud.
    pub(crate) fn is_labelled(&self) -> bool {
        !self.arguments.labels.is_empty() || self.arguments.label_field.is_some()
    }
}
