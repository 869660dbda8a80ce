//! The data of a letter's record.

use fraud_aws::dead_letters::StoredLetter;

/// The data under the name of its form: text if it is text, else base64.
pub(super) fn shown(letter: &StoredLetter) -> (&'static str, String) {
    let Some(data) = &letter.data else { return ("data", where_the_bytes_are(letter)) };
    let bytes = base64_simd::STANDARD.decode_to_vec(data);
    match bytes.map(String::from_utf8) {
        Ok(Ok(text)) => ("data", text),
        Ok(Err(_)) => ("base64 data", data.clone()),
        Err(_) => ("not base64", data.clone()),
    }
}

/// Where to find the bytes of a letter that was too long for them.
pub(super) fn where_the_bytes_are(letter: &StoredLetter) -> String {
    let mut text = format!(
        "its {} bytes are too many for a letter: they are in the stream {} until its retention is over",
        letter.size, letter.stream
    );
    if let Some(arrival) = letter.arrival {
        let at = arrival.calendar();
        text += &format!(
            ", and in the raw backup under raw/{:04}/{:02}/{:02}/{:02}/",
            at.year, at.month, at.day, at.hour
        );
    }
    text
}
