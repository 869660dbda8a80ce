//! The keys of a policy's TOML form, each once: what is read, what errors name, and what editors are told.

/// A key: its name, and in a phrase what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: &'static str,
    /// What it holds, for editors.
    pub holds: &'static str,
    /// Whether it must be there.
    pub required: bool,
}

const fn required(name: &'static str, holds: &'static str) -> Key {
    Key { name, holds, required: true }
}

const fn optional(name: &'static str, holds: &'static str) -> Key {
    Key { name, holds, required: false }
}

/// The keys of a policy.
pub const POLICY: &[Key] = &[
    required(
        "name",
        "The policy's name, the first part of its id: 1 to 64 letters, digits, `.`, `_` or `-`.",
    ),
    required("cap", "The highest score. More than 0."),
    required("threshold", "A score above this raises an alert."),
    required("default_risk", "The risk of a customer without a profile, 0 to 1."),
    optional("history", "What the customers' history is kept by. Needed if a factor looks at `history.*`."),
    required("factors", "What the score is the sum of, in this order: 1 to 32 factors."),
];

/// The keys of `[history]`.
pub const HISTORY: &[Key] = &[
    required("prior_mean_amount", "The mean amount of a customer without a past. More than 0."),
    required("outlier_ratio", "From this ratio on an amount is an outlier for its customer. More than 0."),
    optional(
        "ordinary_below",
        "A known fraud below this amount, and no outlier, points at the merchant. 200 if it is not set.",
    ),
];

/// The keys of a factor.
pub const FACTOR: &[Key] = &[
    required("name", "The factor's name, as reasons give it."),
    optional("input", "The input that `bands` or `weight` look at."),
    optional("bands", "Points by the value of the input."),
    optional("weight", "The input's value times this is the points."),
    optional("missing", "The points if the input has no value; 0 if it is not set."),
    optional("when", "Conditions that must all hold for the factor to count."),
    optional("points", "The points if the conditions under `when` hold."),
];

/// The bounds of bands and conditions.
pub const BOUNDS: &[Key] = &[
    optional("above", "Values greater than this."),
    optional("from", "Values greater than this, and this itself."),
    optional("up_to", "Values smaller than this, and this itself."),
    optional("below", "Values smaller than this."),
    optional("until", "The same as `below`."),
];

/// The keys of a band beside its [`BOUNDS`].
pub const BAND: &[Key] = &[required("points", "The points of values in the band; may be negative.")];

/// The keys of a condition beside its [`BOUNDS`].
pub const CONDITION: &[Key] = &[
    optional("input", "An input."),
    optional("field", "A member of the transaction."),
    optional("entity", "customer, merchant, device, card or ip; with `on_list`."),
    optional("any_of", "Holds if the value is one of these texts."),
    optional("none_of", "Holds if the value is none of these texts, or if there is no value."),
    optional("on_list", "Holds if the entity is on this list."),
    optional("is", "true or false, for an input that is one of them."),
];
