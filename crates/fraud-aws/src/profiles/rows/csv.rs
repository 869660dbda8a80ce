//! Profiles as spreadsheets write them: with commas, semicolons, tabs or bars.

use csv::ByteRecord;

use super::{ATTRIBUTES, BadRow, CUSTOMER_ID, FormError, Place, Row, Rows, SHAPE, Value, customer_id};
use crate::rows::csv::{has_decimal_commas, header, id, number, records, text};

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
    let (separator, header) = header(bytes, |name| name == CUSTOMER_ID, CUSTOMER_ID, &SHAPE)?;
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
    let numbers = fields.iter().flat_map(|row| row.attributes.iter().skip(1)).map(String::as_str);
    let decimal_commas = has_decimal_commas(separator, numbers);
    for row in fields {
        match row_of(row, decimal_commas) {
            Ok(row) => rows.rows.push(row),
            Err(bad) => rows.bad.push(bad),
        }
    }
    rows.bad.sort_by_key(|bad| bad.place);
    Ok(rows)
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

fn fields_of(place: Place, record: &ByteRecord, columns: &[Column]) -> Result<Fields, BadRow> {
    let mut fields = Fields { place, customer: String::new(), attributes: Default::default() };
    for (column, value) in columns.iter().zip(record.iter()) {
        match column {
            Column::Customer => fields.customer = text(place, value)?,
            Column::Attribute(attribute) => {
                if let Some(field) = fields.attributes.get_mut(*attribute) {
                    *field = text(place, value)?;
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
    let customer = id(CUSTOMER_ID, customer).map_err(bad)?;
    let row = Row {
        customer_id: customer_id(Some(customer)).map_err(bad)?,
        segment: Value::of_words(segment),
        lifetime_value: number(value, decimal_commas),
        risk_score: number(risk, decimal_commas),
        others: Vec::new(),
    };
    Ok((place, row))
}
