//! Texts that are mostly short.

/// As many bytes as fit beside their number into the room of a boxed text and its tag.
const INLINE: usize = 22;

/// A text that takes no memory of its own if it is short: one is kept of every record that waits to be measured.
#[derive(Debug)]
pub(super) enum ShortText {
    Inline(u8, [u8; INLINE]),
    Long(Box<str>),
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(text.as_bytes());
                ShortText::Inline(length, bytes)
            }
            _ => ShortText::Long(text.into()),
        }
    }
}

impl ShortText {
    pub(super) fn as_str(&self) -> &str {
        match self {
            ShortText::Inline(length, bytes) => {
                let bytes = bytes.get(..usize::from(*length));
                bytes.and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
            }
            ShortText::Long(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_kept_as_they_are() {
        for length in [0, 1, 21, 22, 23, 300] {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(ShortText::from(&*text).as_str(), text);
        }
    }
}
