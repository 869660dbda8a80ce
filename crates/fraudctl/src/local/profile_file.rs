//! A profile file as items of a table, nothing judged: the functions must see in the table what they would see in the file.

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use crate::profiles::Item;

/// The items of a profile file. Numbers keep their digits; what is neither text nor number becomes null, which the functions
/// report as they do in a file.
///
/// # Errors
/// Where the text is no object of objects.
pub fn items(text: &str) -> anyhow::Result<Vec<Item>> {
    let profiles: BTreeMap<String, BTreeMap<String, &RawValue>> = serde_json::from_str(text)
        .context("the profiles are not an object with an object for each customer")?;
    let item = |(customer, attributes): (String, BTreeMap<String, &RawValue>)| {
        let attributes = attributes.into_iter().map(|(name, value)| (name, attribute(value)));
        attributes.chain([("customer_id".to_owned(), AttributeValue::S(customer))]).collect()
    };
    Ok(profiles.into_iter().map(item).collect())
}

fn attribute(value: &RawValue) -> AttributeValue {
    if let Ok(text) = serde_json::from_str::<String>(value.get()) {
        return AttributeValue::S(text);
    }
    if fraud_core::json::is_number(value.get()) {
        return AttributeValue::N(value.get().to_owned());
    }
    AttributeValue::Null(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_digits_are_kept_and_the_rest_is_null() {
        let items = items(r#"{"C1":{"segment":"gold","risk_score":0.90,"lifetime_value":[1]}}"#).unwrap();
        let expected = [
            ("customer_id", AttributeValue::S("C1".to_owned())),
            ("segment", AttributeValue::S("gold".to_owned())),
            ("risk_score", AttributeValue::N("0.90".to_owned())),
            ("lifetime_value", AttributeValue::Null(true)),
        ];
        assert_eq!(items, [expected.map(|(name, value)| (name.to_owned(), value)).into()]);
        assert!(super::items("[]").is_err());
    }
}
