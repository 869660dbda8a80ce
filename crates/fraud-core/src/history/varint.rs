//! Numbers as a row writes them: seven bits a byte, the least first. Numbers that can be negative are folded (0, -1, 1, -2, ..).

/// Appends a number.
#[inline]
pub(super) fn push_count(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a number, folded, so that small ones on either side of zero are short.
#[inline]
pub(super) fn push_signed(out: &mut Vec<u8>, number: i64) {
    push_count(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Takes a number from the begin; `None` if there is none, or it has more than 64 bits.
#[inline]
pub(super) fn take_count(bytes: &mut &[u8]) -> Option<u64> {
    match bytes.split_first() {
        // Most numbers of a row are below 128.
        Some((&byte, rest)) if byte < 0x80 => {
            *bytes = rest;
            Some(byte.into())
        }
        _ => take_long(bytes),
    }
}

/// The same for a number of any length.
fn take_long(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7F);
        if part.leading_zeros() < shift {
            return None;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Takes a folded number.
#[inline]
pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let folded = take_count(bytes)?;
    Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
}

/// How many numbers these bytes are; `None` if the last one is cut off.
pub(super) fn numbers(bytes: &[u8]) -> Option<usize> {
    let is_whole = bytes.last().is_none_or(|last| *last < 0x80);
    is_whole.then(|| bytes.iter().filter(|byte| **byte < 0x80).count())
}
