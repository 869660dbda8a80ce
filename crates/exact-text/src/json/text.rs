//! A JSON string's content: finding its end, decoding it, writing it.

use std::borrow::Cow;

use memchr::memchr2;

/// The content of a string, without its quotes, as it is in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// Content that the scanner has validated; `escaped` says whether it holds an escape.
    pub(super) fn new(raw: &'a str, escaped: bool) -> Self {
        Text { raw, escaped }
    }

    /// The content as written, escapes and all: what is needed to write the same string again.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// The content, escapes resolved; `None` if an escape names a lone surrogate, which no Unicode text can hold.
    #[inline]
    pub fn decode(self) -> Option<Cow<'a, str>> {
        if self.escaped { unescape(self.raw).map(Cow::Owned) } else { Some(Cow::Borrowed(self.raw)) }
    }
}

fn unescape(raw: &str) -> Option<String> {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    // Between its quotes a string's only special bytes are those that begin an escape.
    while let Some((plain, escape)) =
        rest.split_at_checked(plain_run_end_without_controls(rest.as_bytes(), 0))
        && !escape.is_empty()
    {
        decoded.push_str(plain);
        let mut escape = escape.get(1..)?.chars();
        match escape.next()? {
            'b' => decoded.push('\u{8}'),
            'f' => decoded.push('\u{c}'),
            'n' => decoded.push('\n'),
            'r' => decoded.push('\r'),
            't' => decoded.push('\t'),
            'u' => {
                let (character, after) = unescape_unicode(escape.as_str())?;
                decoded.push(character);
                rest = after;
                continue;
            }
            other => decoded.push(other),
        }
        rest = escape.as_str();
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// Reads the four hex digits at the start, and the second half of a surrogate pair where they are the first.
fn unescape_unicode(text: &str) -> Option<(char, &str)> {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    let (first, rest) = (unit(text)?, text.get(4..)?);
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let low = rest.strip_prefix("\\u")?;
    let second = unit(low)?;
    if !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    let character = char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))?;
    Some((character, low.get(4..)?))
}

/// Whether a text has control characters, which are between tokens or are faults. Most texts of machines have none.
pub(super) fn has_controls(bytes: &[u8]) -> bool {
    // The least byte of a block, without an early end inside it: the compiler compares many with one instruction.
    let has_control = |block: &[u8]| block.iter().fold(u8::MAX, |least, &byte| least.min(byte)) < b' ';
    let (blocks, rest) = bytes.as_chunks::<128>();
    blocks.iter().any(|block| has_control(block)) || has_control(rest)
}

/// The first offset at or after `from` that holds a quote, a backslash or a control character; the text's end where
/// there is none.
#[inline]
pub(super) fn plain_run_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + special_offset(rest).unwrap_or(rest.len())
}

/// What [`plain_run_end`] gives for a text without control characters.
#[inline]
pub(super) fn plain_run_end_without_controls(bytes: &[u8], from: usize) -> usize {
    // Most strings are so short that a call would cost more than they do.
    const SHORT: usize = 16;
    let rest = bytes.get(from..).unwrap_or_default();
    let (short, long) = rest.split_at(rest.len().min(SHORT));
    if let Some(at) = special_offset(short) {
        return from + at;
    }
    from + short.len() + memchr2(b'"', b'\\', long).unwrap_or(long.len())
}

/// The offset of the first special byte. Eight bytes are looked at together.
#[inline]
fn special_offset(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = special_bytes(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(index * 8 + (marks.trailing_zeros() / 8) as usize);
        }
    }
    let at = tail.iter().position(|&byte| is_special(byte))?;
    Some(words.len() * 8 + at)
}

/// A word's bytes that are special, each marked in its highest bit. A borrow can set false marks, but only above a true
/// one: the lowest is what counts.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // With its second bit flipped a quote comes right behind the control characters, and the space does not.
    let control_or_quote = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    (control_or_quote | backslash) & !word & HIGHS
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Appends `text` as the content of a JSON string: quotes, backslashes and control characters escaped, all else as is.
#[inline]
pub fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let end = plain_run_end(bytes, at);
        out.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        let Some(&special) = bytes.get(end) else { return };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 0xF)]);
            }
        }
        at = end + 1;
    }
}
