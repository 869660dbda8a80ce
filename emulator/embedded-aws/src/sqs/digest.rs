//! The digests that clients compare with their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest, Md5};

use crate::messaging::{MessageAttribute, MessageAttributeValue};

/// MD5OfMessageBody.
pub(super) fn of_body(body: &str) -> String {
    hex(Md5::new_with_prefix(body))
}

/// MD5OfMessageAttributes; `None` if there are no attributes.
///
/// Source: SQS developer guide, "Calculating the MD5 message digest for message attributes": sorted by name, each as
/// name, type, one byte for the kind of value (1 text, 2 binary) and value, with lengths of four bytes.
pub(super) fn of_attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut md5 = Md5::new();
    for (name, attribute) in attributes {
        update(&mut md5, name.as_bytes());
        update(&mut md5, attribute.data_type.as_bytes());
        match &attribute.value {
            MessageAttributeValue::Text(text) => {
                md5.update([1]);
                update(&mut md5, text.as_bytes());
            }
            MessageAttributeValue::Binary(bytes) => {
                md5.update([2]);
                update(&mut md5, bytes);
            }
        }
    }
    Some(hex(md5))
}

fn update(md5: &mut Md5, part: &[u8]) {
    // A message is far smaller than 4 GiB.
    md5.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    md5.update(part);
}

fn hex(md5: Md5) -> String {
    md5.finalize().iter().fold(String::with_capacity(32), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(name: &str, data_type: &str, value: &str) -> BTreeMap<String, MessageAttribute> {
        let value = MessageAttributeValue::Text(value.to_owned());
        BTreeMap::from([(name.to_owned(), MessageAttribute { data_type: data_type.to_owned(), value })])
    }

    #[test]
    fn digests_are_those_that_the_service_gives() {
        assert_eq!(of_body("derp"), "58fd9edd83341c29f1aebba81c31e257");
        for (name, data_type, expected) in [
            ("timestamp", "Number.java.lang.Long", "2e2e4876d8e0bd6b8c2c8f556831c349"),
            ("SOME_Valid.attribute-Name", "Number", "36655e7e9d7c0e8479fa3f3f42247ae7"),
        ] {
            let attributes = attributes(name, data_type, "1493147359900");
            assert_eq!(of_attributes(&attributes).as_deref(), Some(expected));
        }
        assert_eq!(of_attributes(&BTreeMap::new()), None);
    }
}
