//! The base64 data of many records, decoded into one piece of memory.

use std::ops::Range;

use crate::json::Text;

/// Why a record's data could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DataFault {
    /// The record has no data.
    #[error("the data is missing")]
    Missing,
    /// The data is not base64 (RFC 4648, section 4, padded).
    #[error("the data is not base64")]
    NotBase64,
}

/// The decoded data of a batch's records. A record whose data cannot be decoded fails for itself.
#[derive(Debug)]
pub struct Payloads {
    arena: Vec<u8>,
    ranges: Vec<Result<Range<usize>, DataFault>>,
}

impl Payloads {
    /// Decodes the data of each record; `None` is a record without data.
    pub fn decode<'a>(data: impl Iterator<Item = Option<Text<'a>>> + Clone) -> Self {
        let base64_length: usize = data.clone().flatten().map(|data| data.raw().len()).sum();
        let mut arena = Vec::with_capacity(base64_length / 4 * 3);
        let ranges = data.map(|data| decode_one(data, &mut arena)).collect();
        Payloads { arena, ranges }
    }

    /// The payload of the record at `index`.
    ///
    /// # Errors
    /// [`DataFault`]
    pub fn get(&self, index: usize) -> Result<&[u8], DataFault> {
        let range = self.ranges.get(index).cloned().unwrap_or(Err(DataFault::Missing))?;
        self.arena.get(range).ok_or(DataFault::Missing)
    }

    /// The memory, and where in it each record's payload lies.
    pub fn into_parts(self) -> (Vec<u8>, Vec<Result<Range<usize>, DataFault>>) {
        (self.arena, self.ranges)
    }
}

fn decode_one(data: Option<Text<'_>>, arena: &mut Vec<u8>) -> Result<Range<usize>, DataFault> {
    let data = data.ok_or(DataFault::Missing)?;
    let base64 = data.decode().ok_or(DataFault::NotBase64)?;
    let start = arena.len();
    base64_simd::STANDARD.decode_append(base64.as_bytes(), arena).map_err(|_invalid| DataFault::NotBase64)?;
    Ok(start..arena.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Scanner, Value};
    use proptest::prelude::*;

    /// The payloads of these JSON values, as a record's `data`.
    fn decode(values: &[&str]) -> Vec<Result<String, DataFault>> {
        let data = |json: &&'static str| match Scanner::new(json, 1).value() {
            Ok(Value::String(text)) => Some(text),
            _ => None,
        };
        let values: Vec<&'static str> = values.iter().map(|value| &*value.to_string().leak()).collect();
        let payloads = Payloads::decode(values.iter().map(data));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (0..values.len()).map(|index| payloads.get(index).map(text)).collect()
    }

    #[test]
    fn data_is_decoded_or_refused_for_itself() {
        let hello = Ok("Hello".to_owned());
        // Some encoders escape the slash.
        assert_eq!(
            decode(&[r#""SGVsbG8=""#, r#""Pz8\/""#, r#""""#]),
            [hello.clone(), Ok("???".into()), Ok("".into())]
        );
        for bad in ["SGVsbG8", "SGVs bG8=", "SGVsbG8*", "====", r"\ud800"] {
            let decoded = decode(&[r#""SGVsbG8=""#, &format!("\"{bad}\""), r#""SGVsbG8=""#]);
            assert_eq!(decoded, [hello.clone(), Err(DataFault::NotBase64), hello.clone()], "{bad}");
        }
        for missing in ["null", "7"] {
            assert_eq!(decode(&[missing, r#""SGVsbG8=""#]), [Err(DataFault::Missing), hello.clone()]);
        }
    }

    proptest! {
        #[test]
        fn every_payload_comes_back_whatever_stands_beside_it(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let texts: Vec<String> = payloads.iter().map(|payload| format!("\"{}\"", base64_simd::STANDARD.encode_to_string(payload))).collect();
            let data = texts.iter().map(|text| Scanner::new(text, 1).string().ok());
            let decoded = Payloads::decode(data);
            for (index, payload) in payloads.iter().enumerate() {
                prop_assert_eq!(decoded.get(index), Ok(&payload[..]));
            }
            prop_assert_eq!(decoded.get(payloads.len()), Err(DataFault::Missing));
        }
    }
}
