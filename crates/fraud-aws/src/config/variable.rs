//! Environment variables as data: what the configuration is read by, and what describes it.

/// An environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// What the value accepts, for people.
    pub accepts: &'static str,
    /// What may come before the colon of a value of the form `scheme:rest`; empty if values have another form.
    pub schemes: &'static [&'static str],
    /// The value if the variable is not set; `None` if it must be set.
    pub default: Option<&'static str>,
}

impl Variable {
    /// A variable that must be set, of the form `scheme:rest`.
    pub(super) const fn port(
        name: &'static str,
        schemes: &'static [&'static str],
        accepts: &'static str,
    ) -> Self {
        Variable { name, accepts, schemes, default: None }
    }

    /// A variable without a scheme that has a default.
    pub(super) const fn setting(name: &'static str, default: &'static str, accepts: &'static str) -> Self {
        Variable { name, accepts, schemes: &[], default: Some(default) }
    }

    /// The same variable, with a default.
    pub(super) const fn or(self, default: &'static str) -> Self {
        Variable { default: Some(default), ..self }
    }
}
