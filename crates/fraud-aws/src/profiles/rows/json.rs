//! Profiles as JSON.

use super::{ATTRIBUTES, BadRow, CUSTOMER_ID, FormError, Row, Rows, SEGMENT, SHAPE, customer_id};
use crate::rows::json::{Piece, attribute, id_of, pieces, words};

/// Reads a file that begins as JSON does.
///
/// # Errors
/// [`FormError::NotJson`] if it is not JSON as a whole. Of one object a line each line is read alone.
pub(super) fn read(text: &str) -> Result<Rows, FormError> {
    let mut rows = Rows::default();
    for piece in pieces(text, &SHAPE)? {
        match row_of(&piece) {
            Ok(row) => {
                rows.left_out.extend(row.others.iter().cloned());
                rows.rows.push((piece.place, row));
            }
            Err(message) => rows.bad.push(BadRow { place: piece.place, message }),
        }
    }
    Ok(rows)
}

fn row_of(piece: &Piece<'_>) -> Result<Row, String> {
    let (mut id, mut row) = (None, Row::default());
    for (name, value) in piece.members(&SHAPE)? {
        if name == CUSTOMER_ID {
            id = id_of(CUSTOMER_ID, value)?;
            continue;
        }
        let attribute = if name == SEGMENT { words(value) } else { attribute(value) };
        match ATTRIBUTES.iter().position(|attribute| *attribute == name) {
            Some(0) => row.segment = attribute,
            Some(1) => row.lifetime_value = attribute,
            Some(_) => row.risk_score = attribute,
            None => row.others.push(name),
        }
    }
    row.customer_id = customer_id(piece.name.clone().or(id))?;
    Ok(row)
}
