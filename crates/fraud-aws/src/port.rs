//! Ports as data: which variable opens one, and which calls a function makes to AWS through it.

use crate::config::Variable;

/// A port of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// What it is called: `profiles`.
    pub name: &'static str,
    /// The variable that says what implements it.
    pub variable: Variable,
    /// The calls of functions, if that is a service of AWS. What only tools call is not among them.
    pub calls: &'static [Call],
}

/// A call to AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The operation, as the service's API reference names it.
    pub operation: &'static str,
    /// The IAM action that permits it (Service Authorization Reference,
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/>).
    pub action: &'static str,
}

impl Call {
    pub(crate) const fn new(operation: &'static str, action: &'static str) -> Self {
        Call { operation, action }
    }
}
