//! The inputs of a transaction as a row holds them. Of most that are remembered nobody asks again, so that they stay bytes until
//! somebody does.

use super::HistoryInputs;
use super::varint::{numbers, push_count, push_signed, take_count, take_signed};

/// Most inputs take no more bytes.
const INLINE: usize = 46;

/// The numbers of inputs beside the amount, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed(Bytes);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bytes {
    Inline(u8, [u8; INLINE]),
    Heap(Box<[u8]>),
}

/// What is known of inputs beside their packed numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) amount: i64,
    pub(super) is_foreign: bool,
    pub(super) has_past: bool,
    pub(super) new_merchant: Option<bool>,
}

impl Beside {
    pub(super) fn of(inputs: &HistoryInputs) -> Self {
        Beside {
            amount: inputs.amount,
            is_foreign: inputs.is_foreign,
            has_past: inputs.seconds_since_last.is_some(),
            new_merchant: inputs.new_merchant,
        }
    }

    /// How many numbers are packed.
    fn numbers(self) -> usize {
        if self.has_past { 13 } else { 11 }
    }
}

impl Packed {
    pub(super) fn of(inputs: &HistoryInputs) -> Self {
        let mut out = Vec::with_capacity(INLINE);
        for count in [inputs.count_10m, inputs.count_1h, inputs.count_24h] {
            push_count(&mut out, count.into());
        }
        push_signed(&mut out, inputs.amount_1h);
        push_signed(&mut out, inputs.amount_24h);
        push_count(&mut out, inputs.count_7d);
        push_signed(&mut out, inputs.amount_7d);
        push_count(&mut out, inputs.outliers_2d);
        push_count(&mut out, inputs.outliers_8d);
        push_count(&mut out, inputs.mean_count);
        push_signed(&mut out, inputs.mean_sum);
        if let Some(seconds) = inputs.seconds_since_last {
            push_count(&mut out, seconds);
            push_count(&mut out, inputs.days_known.unwrap_or_default());
        }
        Packed(Bytes::of(&out))
    }

    /// The bytes, if they are the numbers of such inputs.
    pub(super) fn read(bytes: &[u8], beside: Beside) -> Option<Self> {
        (numbers(bytes)? == beside.numbers()).then(|| Packed(Bytes::of(bytes)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Inline(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Bytes::Heap(bytes) => bytes,
        }
    }

    /// The inputs. A number that has more bits than its place, which nobody writes, is the greatest that fits.
    pub(super) fn inputs(&self, beside: Beside) -> HistoryInputs {
        let bytes = &mut self.bytes();
        let count = |bytes: &mut &[u8]| take_count(bytes).unwrap_or(u64::MAX);
        let count32 =
            |bytes: &mut &[u8]| u32::try_from(take_count(bytes).unwrap_or(u64::MAX)).unwrap_or(u32::MAX);
        let signed = |bytes: &mut &[u8]| take_signed(bytes).unwrap_or(i64::MAX);
        let mut inputs = HistoryInputs {
            amount: beside.amount,
            is_foreign: beside.is_foreign,
            count_10m: count32(bytes),
            count_1h: count32(bytes),
            count_24h: count32(bytes),
            amount_1h: signed(bytes),
            amount_24h: signed(bytes),
            count_7d: count(bytes),
            amount_7d: signed(bytes),
            outliers_2d: count(bytes),
            outliers_8d: count(bytes),
            mean_count: count(bytes),
            mean_sum: signed(bytes),
            seconds_since_last: None,
            days_known: None,
            new_merchant: beside.new_merchant,
        };
        if beside.has_past {
            inputs.seconds_since_last = Some(count(bytes));
            inputs.days_known = Some(count(bytes));
        }
        inputs
    }
}

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        let mut inline = [0; INLINE];
        match (inline.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(bytes);
                Bytes::Inline(length, inline)
            }
            _ => Bytes::Heap(bytes.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_inputs() -> impl Strategy<Value = HistoryInputs> {
        let counts =
            (0..100_u32, 0..100_u32, any::<u32>(), any::<u64>(), any::<u64>(), 0..9_u64, 0..1_000_u64);
        let amounts =
            (any::<i64>(), -1_000_000..1_000_000_i64, any::<i64>(), 0..10_000_000_i64, any::<i64>());
        let past = prop::option::of((any::<u64>(), 0..100_u64));
        (counts, amounts, past, any::<bool>(), any::<Option<bool>>()).prop_map(
            |(counts, amounts, past, is_foreign, new_merchant)| HistoryInputs {
                amount: amounts.0,
                is_foreign,
                count_10m: counts.0,
                count_1h: counts.1,
                count_24h: counts.2,
                amount_1h: amounts.1,
                amount_24h: amounts.2,
                count_7d: counts.3,
                amount_7d: amounts.3,
                outliers_2d: counts.4,
                outliers_8d: counts.5,
                mean_count: counts.6,
                mean_sum: amounts.4,
                seconds_since_last: past.map(|past| past.0),
                days_known: past.map(|past| past.1),
                new_merchant,
            },
        )
    }

    proptest! {
        #[test]
        fn packed_inputs_are_the_same_inputs(inputs in any_inputs()) {
            let (packed, beside) = (Packed::of(&inputs), Beside::of(&inputs));
            prop_assert_eq!(packed.inputs(beside), inputs);
            prop_assert_eq!(Packed::read(packed.bytes(), beside), Some(packed));
        }

        #[test]
        fn bytes_are_inputs_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60), has_past in any::<bool>()) {
            let beside = Beside { amount: 1, is_foreign: false, has_past, new_merchant: None };
            if let Some(packed) = Packed::read(&bytes, beside) {
                packed.inputs(beside);
            }
        }
    }
}
