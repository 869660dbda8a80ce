//! The inputs over what the customer did before.

macro_rules! history_inputs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $is_count:literal, $least:expr, $greatest:expr;)+) => {
        /// An input over what the customer did before.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum HistoryInput {
            $($(#[$doc])* $variant,)+
        }

        impl HistoryInput {
            /// Every input.
            pub const ALL: &[HistoryInput] = &[$(HistoryInput::$variant),+];

            /// The name in policies.
            pub fn name(self) -> &'static str {
                match self {
                    $(HistoryInput::$variant => concat!("history.", $name),)+
                }
            }

            /// Whether its values are whole numbers.
            pub(crate) fn is_count(self) -> bool {
                match self {
                    $(HistoryInput::$variant => $is_count,)+
                }
            }

            /// Whether every history has a value of it.
            pub(crate) fn is_always_known(self) -> bool {
                !matches!(
                    self,
                    HistoryInput::AmountRatio
                        | HistoryInput::SecondsSinceLast
                        | HistoryInput::DaysKnown
                        | HistoryInput::NewMerchant
                )
            }

            /// The least and the greatest value that it can have.
            pub(crate) fn range(self) -> (f64, f64) {
                match self {
                    $(HistoryInput::$variant => ($least, $greatest),)+
                }
            }
        }
    };
}

/// As many earlier transactions as windows of hours look back on.
const REMEMBERED: f64 = 64.0;
const ANY: f64 = f64::INFINITY;

history_inputs! {
    /// Earlier transactions of the last ten minutes.
    Count10m = "count_10m", true, 0.0, REMEMBERED;
    /// Earlier transactions of the last hour.
    Count1h = "count_1h", true, 0.0, REMEMBERED;
    /// Earlier transactions of the last 24 hours.
    Count24h = "count_24h", true, 0.0, REMEMBERED;
    /// The sum of the amounts of the last hour.
    Amount1h = "amount_1h", false, 0.0, ANY;
    /// The sum of the amounts of the last 24 hours.
    Amount24h = "amount_24h", false, 0.0, ANY;
    /// Earlier transactions of the last seven UTC days, today included.
    Count7d = "count_7d", true, 0.0, ANY;
    /// The sum of the amounts of the last seven UTC days.
    Amount7d = "amount_7d", false, 0.0, ANY;
    /// Outliers of the last two UTC days.
    Outliers2d = "outliers_2d", true, 0.0, ANY;
    /// Outliers of the last eight UTC days.
    Outliers8d = "outliers_8d", true, 0.0, ANY;
    /// The mean amount of the last eight weeks.
    MeanAmount = "mean_amount", false, 0.0, ANY;
    /// The amount over that mean.
    AmountRatio = "amount_ratio", false, -ANY, ANY;
    /// Seconds since the newest earlier event time.
    SecondsSinceLast = "seconds_since_last", false, 0.0, ANY;
    /// Days since the first event time.
    DaysKnown = "days_known", false, 0.0, ANY;
    /// Whether the merchant is not among those remembered.
    NewMerchant = "new_merchant", false, 0.0, 1.0;
}
