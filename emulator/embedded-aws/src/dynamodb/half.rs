//! Half of a batch: requests cut in two, and answers that give the rest back.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Cuts a batch request in two: a request for the first half of its entries, rounded down (`None` if that is no
/// entry), and the rest as the answer gives it back. `None` if this is not a request with entries.
pub(super) fn split(operation: &str, body: &[u8]) -> Option<(Option<Bytes>, Map<String, Value>)> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let tables = request.get_mut("RequestItems")?.as_object_mut()?;
    let mut total = 0;
    for table in tables.values_mut() {
        total += entries(operation, table)?.len();
    }
    if total == 0 {
        return None;
    }
    let mut left = total / 2;
    let mut rest = Map::new();
    for (name, table) in &mut *tables {
        let first = entries(operation, table)?;
        let second = first.split_off(left.min(first.len()));
        left -= first.len();
        if !second.is_empty() {
            // The whole entry, with its projection and consistency, so that it can be sent again as it is.
            let mut unprocessed = table.clone();
            *entries(operation, &mut unprocessed)? = second;
            rest.insert(name.clone(), unprocessed);
        }
    }
    tables.retain(|_, table| entries(operation, table).is_some_and(|entries| !entries.is_empty()));
    let half = (!tables.is_empty()).then(|| Bytes::from(request.to_string()));
    Some((half, rest))
}

/// Adds the rest to what the answer gives back anyway.
pub(super) fn merge(operation: &str, answer: &[u8], rest: Map<String, Value>) -> Bytes {
    let mut answer: Value = serde_json::from_slice(answer).unwrap_or_else(|_| json!({}));
    let field = &mut answer[unprocessed_field(operation)];
    if !field.is_object() {
        *field = json!({});
    }
    if let Some(unprocessed) = field.as_object_mut() {
        for (name, mut table) in rest {
            let merged = unprocessed.entry(name).or_insert(Value::Null);
            if let (Some(given_back), Some(more)) =
                (entries(operation, merged), entries(operation, &mut table))
            {
                given_back.append(more);
            } else {
                *merged = table;
            }
        }
    }
    answer.to_string().into()
}

/// The answer to a batch of which nothing was done.
pub(super) fn nothing_done(operation: &str, rest: Map<String, Value>) -> Bytes {
    let mut answer = json!({ unprocessed_field(operation): rest });
    if operation == "BatchGetItem" {
        answer["Responses"] = json!({});
    }
    answer.to_string().into()
}

fn unprocessed_field(operation: &str) -> &'static str {
    if operation == "BatchGetItem" { "UnprocessedKeys" } else { "UnprocessedItems" }
}

/// A table's part of a batch: BatchGetItem holds its keys beside other settings, BatchWriteItem is the list itself.
fn entries<'a>(operation: &str, table: &'a mut Value) -> Option<&'a mut Vec<Value>> {
    if operation == "BatchGetItem" { table.get_mut("Keys")?.as_array_mut() } else { table.as_array_mut() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn a_batch_over_two_tables_is_cut_in_the_middle_and_the_rest_keeps_its_settings() {
        let request = json!({ "RequestItems": {
            "a": { "Keys": [{ "id": { "S": "1" } }], "ConsistentRead": true },
            "b": { "Keys": [{ "id": { "S": "2" } }, { "id": { "S": "3" } }], "ConsistentRead": true },
        }});
        let (half, rest) = split("BatchGetItem", request.to_string().as_bytes()).unwrap();
        let expected = json!({ "RequestItems": {
            "a": { "Keys": [{ "id": { "S": "1" } }], "ConsistentRead": true },
        }});
        assert_eq!(parsed(&half.unwrap()), expected);
        assert_eq!(
            Value::Object(rest),
            json!({ "b": { "Keys": [{ "id": { "S": "2" } }, { "id": { "S": "3" } }], "ConsistentRead": true } })
        );
    }

    #[test]
    fn a_single_entry_is_not_done_at_all() {
        let request =
            json!({ "RequestItems": { "a": [{ "DeleteRequest": { "Key": { "id": { "S": "1" } } } }] } });
        let (half, rest) = split("BatchWriteItem", request.to_string().as_bytes()).unwrap();
        assert!(half.is_none());
        assert_eq!(
            parsed(&nothing_done("BatchWriteItem", rest)),
            json!({ "UnprocessedItems": request["RequestItems"] })
        );
    }

    #[test]
    fn what_the_service_itself_gave_back_is_kept_beside_the_rest() {
        let answer =
            json!({ "Responses": {}, "UnprocessedKeys": { "a": { "Keys": [{ "id": { "S": "1" } }] } } });
        let rest =
            json!({ "a": { "Keys": [{ "id": { "S": "2" } }] }, "b": { "Keys": [{ "id": { "S": "3" } }] } });
        let merged = merge("BatchGetItem", answer.to_string().as_bytes(), rest.as_object().unwrap().clone());
        assert_eq!(
            parsed(&merged)["UnprocessedKeys"],
            json!({
                "a": { "Keys": [{ "id": { "S": "1" } }, { "id": { "S": "2" } }] },
                "b": { "Keys": [{ "id": { "S": "3" } }] },
            })
        );
    }

    #[test]
    fn a_request_without_entries_is_not_cut() {
        assert!(split("BatchGetItem", b"{}").is_none());
        assert!(split("BatchGetItem", b"not JSON").is_none());
        assert!(split("BatchGetItem", br#"{"RequestItems":{"a":{}}}"#).is_none());
    }
}
