//! Rows as spreadsheets write them: with commas, semicolons, tabs or bars.

use csv::{ByteRecord, ErrorKind, Position, ReaderBuilder, Trim};

use super::{BadRow, FormError, Place, Shape};

/// What is between fields, in the order in which they are tried.
pub const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

fn reader(bytes: &[u8], separator: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().delimiter(separator).has_headers(false).trim(Trim::All).from_reader(bytes)
}

/// The separator, and the names of the columns as they are with it, in lower case.
///
/// # Errors
/// [`FormError`] if there is none with a column for which `is_key` holds.
pub(crate) fn header(
    bytes: &[u8],
    is_key: impl Fn(&str) -> bool,
    column: &'static str,
    Shape { accepted, .. }: &Shape,
) -> Result<(u8, Vec<String>), FormError> {
    for separator in SEPARATORS {
        let mut record = ByteRecord::new();
        let read = reader(bytes, separator).read_byte_record(&mut record);
        read.map_err(|error| FormError::Header { message: error.to_string(), accepted })?;
        let names: Option<Vec<String>> =
            record.iter().map(|name| Some(std::str::from_utf8(name).ok()?.to_lowercase())).collect();
        let names = names.ok_or(FormError::NotText { accepted })?;
        if names.iter().any(|name| is_key(name)) {
            return Ok((separator, names));
        }
    }
    Err(FormError::NoKeyColumn { column, accepted })
}

/// The records behind the header.
pub(crate) fn records(
    bytes: &[u8],
    separator: u8,
) -> impl Iterator<Item = Result<(Place, ByteRecord), BadRow>> {
    let mut reader = reader(bytes, separator);
    let mut record = ByteRecord::new();
    let records = std::iter::from_fn(move || {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let line = record.position().map_or(line, Position::line);
                Some(Ok((Place::Line(line), record.clone())))
            }
            Err(error) => {
                let line = error.position().map_or(line, Position::line);
                Some(Err(BadRow { place: Place::Line(line), message: problem(&error) }))
            }
        }
    });
    records.skip(1)
}

/// What is wrong with a record, in words that name no byte offsets.
fn problem(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "{len} fields, but the first line has {expected_len}; a field that holds the separator is written in quotes"
        ),
        _ => error.to_string(),
    }
}

/// A field's text.
///
/// # Errors
/// [`BadRow`] if it is not UTF-8.
pub(crate) fn text(place: Place, field: &[u8]) -> Result<String, BadRow> {
    let message = "not UTF-8: save the file as UTF-8 (iconv -f ISO-8859-1 -t UTF-8, if that is what it is)";
    let text = std::str::from_utf8(field).map(str::to_owned);
    text.map_err(|_| BadRow { place, message: message.to_owned() })
}

/// Whether the numbers of a file are written with decimal commas: a comma does not separate its fields, and none of these
/// has a point.
pub(crate) fn has_decimal_commas<'f>(separator: u8, mut numbers: impl Iterator<Item = &'f str>) -> bool {
    separator != b',' && !numbers.any(|number| number.contains('.'))
}

/// A number, as others write it.
pub(crate) fn number(text: String, has_decimal_commas: bool) -> super::Value {
    let is_decimal_comma = text.matches(',').count() == 1 && !text.contains('.');
    let is_decimal_comma = is_decimal_comma && has_decimal_commas;
    super::Value::of_text(if is_decimal_comma { text.replace(',', ".") } else { text })
}

/// The id in this column, unless it is a long number as spreadsheets show it: `4.99235E+18`.
///
/// # Errors
/// What to do about it.
pub(crate) fn id(column: &str, id: String) -> Result<String, String> {
    if is_rounded(&id) {
        return Err(format!(
            "`{column}` is a number as 4.99E+18: a spreadsheet has rounded it; format the column as text and export it anew"
        ));
    }
    Ok(id)
}

fn is_rounded(id: &str) -> bool {
    let Some((mantissa, exponent)) = id.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.replacen([',', '.'], "", 1);
    digits(&mantissa) && exponent.strip_prefix('+').is_some_and(digits)
}
