//! A record as its customer's history sees it.

use exact_text::decimal::Decimal;
use exact_text::timestamp::Timestamp;
use sha2::{Digest, Sha256};

use super::place::{Place, SequenceNumber};
use crate::identity::Position;
use crate::transaction::{Amount, TimeField, Transaction};

/// How far an event time may be behind its arrival, in milliseconds.
const MAX_AGE: i64 = 7 * 86_400_000;
/// How far it may be ahead.
const MAX_AHEAD: i64 = 3_600_000;
/// Decimals of the amounts that a history adds up.
const DECIMALS: u32 = 4;

/// What tells a transaction from all others: 12 bytes of the hash of its identity and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryKey(pub(super) [u8; 12]);

/// A merchant or a currency: 5 bytes of the hash of its name.
pub(super) type ShortHash = [u8; 5];

/// A record of a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// Its transaction.
    pub key: EntryKey,
    /// Where it is in time.
    pub place: Place,
    /// When the transaction [counts](counted_second), in seconds since the epoch.
    pub event_time: i64,
    /// The amount in ten-thousandths, rounded half to even; saturated at what an i64 holds.
    pub amount: i64,
    /// Whether the amount is above zero.
    pub counts: bool,
    pub(super) merchant: Option<ShortHash>,
    pub(super) currency: Option<ShortHash>,
}

impl Incoming {
    /// The record of a transaction that arrived at `arrival` and is at `position`.
    pub fn of(transaction: &Transaction<'_>, arrival: Timestamp, position: Position<'_>) -> Self {
        let place = Place {
            arrival: arrival.millis(),
            sequence_number: SequenceNumber::of(position.sequence_number),
            sub_sequence_number: position.sub_sequence_number,
        };
        let mut key = Sha256::new();
        transaction.identity_at(position).pieces(|piece| key.update(piece.as_bytes()));
        Self::with(key, transaction, place)
    }

    /// The record of a transaction under the text of its [identity](crate::identity::Identity).
    pub fn under(identity: &str, transaction: &Transaction<'_>, place: Place) -> Self {
        Self::with(Sha256::new_with_prefix(identity.as_bytes()), transaction, place)
    }

    /// The record of a transaction for a history that no row is written of, where all records are made like this. `hash`: of the
    /// identity, the amount and the event time.
    pub fn in_memory(hash: u64, transaction: &Transaction<'_>, place: Place) -> Self {
        let merchant = transaction.merchant().map(|id| short_hash(&id));
        let [a, b, c, d, _] = merchant.unwrap_or_default();
        let [e, f, g, h, i, j, k, l] = hash.to_be_bytes();
        Self::keyed(EntryKey([a, b, c, d, e, f, g, h, i, j, k, l]), merchant, transaction, place)
    }

    /// `key` has the identity's text.
    fn with(mut key: Sha256, transaction: &Transaction<'_>, place: Place) -> Self {
        // No identity holds this byte, so that no two pairs are the same bytes.
        key.update([0xFF]);
        key.update(transaction.fingerprint().as_bytes());
        let merchant = transaction.merchant().map(|id| short_hash(&id));
        Self::keyed(EntryKey(first_bytes(key)), merchant, transaction, place)
    }

    fn keyed(
        key: EntryKey,
        merchant: Option<ShortHash>,
        transaction: &Transaction<'_>,
        place: Place,
    ) -> Self {
        Incoming {
            key,
            place,
            event_time: counted_second(&transaction.event_time, place.arrival),
            amount: ten_thousandths(&transaction.amount),
            counts: transaction.amount.value > 0.0,
            merchant,
            currency: transaction.currency().map(|id| short_hash(&id)),
        }
    }
}

/// When a transaction counts in its customer's history and on its merchant's days, in seconds since the epoch: its event time
/// if that is at most 7 days before and 1 hour after the arrival, else the arrival, in milliseconds since the epoch.
pub fn counted_second(event_time: &TimeField<'_>, arrival: i64) -> i64 {
    let event_time = match event_time {
        TimeField::Known(time, _) => time.instant.millis(),
        TimeField::Missing | TimeField::Unreadable => arrival,
    };
    let range = arrival.saturating_sub(MAX_AGE)..=arrival.saturating_add(MAX_AHEAD);
    let counted = if range.contains(&event_time) { event_time } else { arrival };
    counted.div_euclid(1000)
}

/// An amount in ten-thousandths, rounded half to even; saturated at what an i64 holds.
pub fn ten_thousandths(amount: &Amount<'_>) -> i64 {
    let saturated = if amount.value > 0.0 { i64::MAX } else { i64::MIN };
    if let Some(amount) = few_digits(&amount.digits) {
        return amount;
    }
    match Decimal::parse(&amount.digits) {
        Some(decimal) => decimal
            .scaled_and_rounded(DECIMALS)
            .and_then(|amount| i64::try_from(amount).ok())
            .unwrap_or(saturated),
        // A number whose exponent has more than 18 digits is 0: it would not be finite else.
        None => 0,
    }
}

/// The ten-thousandths of an amount as most are written: at most twelve digits, and at most four behind a point.
fn few_digits(digits: &str) -> Option<i64> {
    let (whole, decimals) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let is_number = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
    if !is_number || whole.len() > 12 || decimals.len() > 4 {
        return None;
    }
    let digit = |sum: i64, byte: u8| byte.is_ascii_digit().then(|| 10 * sum + i64::from(byte - b'0'));
    let padding = "0000".bytes().skip(decimals.len());
    whole.bytes().chain(decimals.bytes()).chain(padding).try_fold(0, digit)
}

/// FNV-1a of 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), folded to 40. Names are not secret, and whoever can choose them
/// finds two with the same 40 bits of any hash.
pub(super) fn short_hash(name: &str) -> ShortHash {
    const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let hash = name.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let [_, _, _, bytes @ ..] = (hash ^ (hash >> 40)).to_be_bytes();
    bytes
}

fn first_bytes<const N: usize>(hash: Sha256) -> [u8; N] {
    let digest = hash.finalize();
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn few_digits_are_what_all_digits_are(digits in "-?[0-9]{0,13}([.e][0-9]{0,5})?") {
            if let Some(amount) = few_digits(&digits) {
                let exact = Decimal::parse(&digits).and_then(|decimal| decimal.scaled_and_rounded(DECIMALS));
                prop_assert_eq!(exact, Some(i128::from(amount)));
            }
        }
    }

    #[test]
    fn an_amount_of_few_digits_is_read_at_once() {
        assert_eq!(few_digits("49.24"), Some(492_400));
        assert_eq!(few_digits("0.0001"), Some(1));
        for other in ["", ".5", "1.", "01", "1e2", "-1", "0.00001"] {
            assert_eq!(few_digits(other), None, "{other}");
        }
    }

    #[test]
    fn the_hash_of_a_name_is_fnv_1a_folded_and_stays_so() {
        // FNV-1a of 64 bits: 85944171f73967e8.
        assert_eq!(short_hash("foobar"), [0x71, 0xF7, 0xBC, 0xF3, 0xA9]);
    }
}
