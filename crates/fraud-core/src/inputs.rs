//! What a policy's factors can look at.

use exact_text::timestamp::Timestamp;

use crate::enrichment::Enrichment;
use crate::policy::Policy;
use crate::profile::Profile;
use crate::transaction::{TimeField, Transaction};

/// What a score depends on, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs {
    /// The transaction's amount.
    pub amount: f64,
    /// The customer's risk, from the profile or the policy's default.
    pub customer_risk: f64,
    /// The hour of day, 0 to 23, as the producer wrote it; `None` for an epoch number and for a text that cannot be read.
    pub hour: Option<u8>,
}

/// Declares the inputs: for each its name in policies, the least and the greatest value that it can have, and how it is
/// read from [`Inputs`].
macro_rules! inputs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $least:expr, $greatest:expr, $read:expr;)+) => {
        /// One input of a policy's factor.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Input {
            $($(#[$doc])* $variant,)+
        }

        impl Input {
            /// Every input.
            pub const ALL: &[Input] = &[$(Input::$variant),+];

            /// The name in policies.
            pub fn name(self) -> &'static str {
                match self {
                    $(Input::$variant => $name,)+
                }
            }

            /// The least and the greatest value that the input can have.
            pub(crate) fn range(self) -> (f64, f64) {
                match self {
                    $(Input::$variant => ($least, $greatest),)+
                }
            }

            /// The input's value; `None` if it has none.
            #[inline(always)]
            pub(crate) fn of(self, inputs: &Inputs) -> Option<f64> {
                match self {
                    $(Input::$variant => ($read)(inputs),)+
                }
            }
        }
    };
}

inputs! {
    /// The transaction's amount.
    Amount = "amount", f64::NEG_INFINITY, f64::INFINITY, |inputs: &Inputs| Some(inputs.amount);
    /// The customer's risk.
    CustomerRisk = "customer_risk", 0.0, 1.0, |inputs: &Inputs| Some(inputs.customer_risk);
    /// The hour of day.
    Hour = "hour", 0.0, 23.0, |inputs: &Inputs| inputs.hour.map(f64::from);
}

impl Inputs {
    /// What a transaction's score depends on, under a policy.
    pub(crate) fn of(
        transaction: &Transaction<'_>,
        enrichment: Enrichment<'_>,
        arrival: Timestamp,
        policy: &Policy,
    ) -> Self {
        Inputs {
            amount: transaction.amount.value,
            customer_risk: enrichment
                .profile()
                .and_then(Profile::risk_score)
                .unwrap_or_else(|| policy.default_risk()),
            hour: match &transaction.event_time {
                TimeField::Known(time, _) => time.hour,
                TimeField::Missing => Some(arrival.calendar().hour),
                TimeField::Unreadable => None,
            },
        }
    }
}
