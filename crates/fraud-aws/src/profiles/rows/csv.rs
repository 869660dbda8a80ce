//! Profiles as spreadsheets write them: with commas, semicolons or tabs.

use csv::{ByteRecord, ErrorKind, Position, ReaderBuilder, Trim};

use super::{ATTRIBUTES, BadRow, CUSTOMER_ID, FormError, Place, Row, Rows, Value, customer_id};

/// Between fields.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Customer,
    /// The attribute at this place of [`ATTRIBUTES`].
    Attribute(usize),
    Other(String),
}

/// One row's fields, unjudged.
struct Fields {
    place: Place,
    customer: String,
    attributes: [String; 3],
}

/// Reads the text of a file, which need not be UTF-8 in every row.
///
/// # Errors
/// [`FormError`] for the header.
pub(super) fn read(bytes: &[u8]) -> Result<Rows, FormError> {
    let (separator, header) = header(bytes)?;
    let columns = columns(&header)?;
    let mut rows = Rows::default();
    let mut fields = Vec::new();
    for record in records(bytes, separator) {
        match record.and_then(|(place, record)| fields_of(place, &record, &columns)) {
            Ok(of_row) => fields.push(of_row),
            Err(bad) => rows.bad.push(bad),
        }
    }
    rows.left_out = columns
        .iter()
        .filter_map(|column| match column {
            Column::Other(name) if !name.is_empty() => Some(name.clone()),
            _ => None,
        })
        .collect();
    // A comma that does not separate fields is the decimal comma of numbers, unless they have points.
    let has_points =
        fields.iter().any(|row| row.attributes.iter().skip(1).any(|number| number.contains('.')));
    let decimal_commas = separator != b',' && !has_points;
    for row in fields {
        match row_of(row, decimal_commas) {
            Ok(row) => rows.rows.push(row),
            Err(bad) => rows.bad.push(bad),
        }
    }
    rows.bad.sort_by_key(|bad| bad.place);
    Ok(rows)
}

fn reader(bytes: &[u8], separator: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().delimiter(separator).has_headers(false).trim(Trim::All).from_reader(bytes)
}

/// The separator, and the header as it is with it.
fn header(bytes: &[u8]) -> Result<(u8, Vec<String>), FormError> {
    for separator in SEPARATORS {
        let mut record = ByteRecord::new();
        let read = reader(bytes, separator).read_byte_record(&mut record);
        read.map_err(|error| FormError::Header { message: error.to_string() })?;
        let names: Option<Vec<String>> =
            record.iter().map(|name| Some(std::str::from_utf8(name).ok()?.to_lowercase())).collect();
        let names = names.ok_or(FormError::NotText)?;
        if names.iter().any(|name| name == CUSTOMER_ID) {
            return Ok((separator, names));
        }
    }
    Err(FormError::NoCustomerColumn)
}

fn columns(header: &[String]) -> Result<Vec<Column>, FormError> {
    let column = |name: &String| match ATTRIBUTES.iter().position(|attribute| attribute == name) {
        Some(place) => Column::Attribute(place),
        None if name == CUSTOMER_ID => Column::Customer,
        None => Column::Other(name.clone()),
    };
    let columns: Vec<Column> = header.iter().map(column).collect();
    for (place, column) in columns.iter().enumerate() {
        let is_other = matches!(column, Column::Other(_));
        if !is_other && columns.iter().skip(place + 1).any(|later| later == column) {
            let column = header.get(place).cloned().unwrap_or_default();
            return Err(FormError::RepeatedColumn { column });
        }
    }
    let has_risk = columns.contains(&Column::Attribute(2));
    match columns.iter().find(|column| matches!(column, Column::Other(name) if !name.is_empty())) {
        Some(Column::Other(column)) if !has_risk => Err(FormError::UnknownColumn { column: column.clone() }),
        _ => Ok(columns),
    }
}

/// The records behind the header.
fn records(bytes: &[u8], separator: u8) -> impl Iterator<Item = Result<(Place, ByteRecord), BadRow>> {
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

fn fields_of(place: Place, record: &ByteRecord, columns: &[Column]) -> Result<Fields, BadRow> {
    let mut fields = Fields { place, customer: String::new(), attributes: Default::default() };
    for (column, value) in columns.iter().zip(record.iter()) {
        let text = || {
            let message =
                "not UTF-8: save the file as UTF-8 (iconv -f ISO-8859-1 -t UTF-8, if that is what it is)";
            let text = std::str::from_utf8(value).map(str::to_owned);
            text.map_err(|_| BadRow { place, message: message.to_owned() })
        };
        match column {
            Column::Customer => fields.customer = text()?,
            Column::Attribute(attribute) => {
                if let Some(field) = fields.attributes.get_mut(*attribute) {
                    *field = text()?;
                }
            }
            Column::Other(_) => {}
        }
    }
    Ok(fields)
}

fn row_of(fields: Fields, decimal_commas: bool) -> Result<(Place, Row), BadRow> {
    let Fields { place, customer, attributes: [segment, value, risk] } = fields;
    let bad = |message: String| BadRow { place, message };
    if is_rounded(&customer) {
        let message = "`customer_id` is a number as 4.99E+18: a spreadsheet has rounded it; format the column as text and \
                       export it anew";
        return Err(bad(message.to_owned()));
    }
    let number = |text: String| match decimal_commas && is_decimal_comma(&text) {
        true => Value::of_text(text.replace(',', ".")),
        false => Value::of_text(text),
    };
    let row = Row {
        customer_id: customer_id(Some(customer)).map_err(bad)?,
        segment: Value::of_segment(segment),
        lifetime_value: number(value),
        risk_score: number(risk),
        others: Vec::new(),
    };
    Ok((place, row))
}

/// Whether a number is written with one comma and no point.
fn is_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1 && !text.contains('.')
}

/// Whether an id is a long number as spreadsheets show it: `4.99235E+18`.
fn is_rounded(id: &str) -> bool {
    let Some((mantissa, exponent)) = id.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.replacen([',', '.'], "", 1);
    digits(&mantissa) && exponent.strip_prefix('+').is_some_and(digits)
}
