//! A request in AWS Query: flat names that spell out lists and maps.

use std::collections::BTreeMap;

use crate::messaging::{MessageAttribute, RawAttribute, checked_attribute};

/// A request's parameters by name.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The prefixes of a list's entries, in the list's order: `<list>.member.1.` and so on.
    pub(super) fn entries(&self, list: &str) -> Vec<String> {
        (1..).map(|n| format!("{list}.member.{n}.")).take_while(|prefix| self.holds(prefix)).collect()
    }

    /// The message attributes below a prefix, or what is wrong with one of them.
    pub(super) fn attributes(&self, prefix: &str) -> Result<BTreeMap<String, MessageAttribute>, String> {
        (1..)
            .map(|n| format!("{prefix}MessageAttributes.entry.{n}."))
            .take_while(|entry| self.holds(entry))
            .map(|entry| {
                let get = |field: &str| self.get(&format!("{entry}{field}")).map(str::to_owned);
                let name = get("Name").unwrap_or_default();
                let raw = RawAttribute {
                    data_type: get("Value.DataType"),
                    string_value: get("Value.StringValue"),
                    binary_value: get("Value.BinaryValue"),
                };
                let attribute = checked_attribute(&name, raw)?;
                Ok((name, attribute))
            })
            .collect()
    }

    /// Whether any name begins with the prefix.
    fn holds(&self, prefix: &str) -> bool {
        self.0.range(prefix.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(prefix))
    }
}
