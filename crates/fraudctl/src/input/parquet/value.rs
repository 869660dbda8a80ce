//! Values of columns as JSON.

use std::io::Write;

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as PhysicalType};
use ::parquet::data_type::Int96;
use ::parquet::schema::types::ColumnDescriptor;
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use exact_text::json::{push_escaped, push_number};

use super::column::Cell;

const NANOS_A_SECOND: i128 = 1_000_000_000;
const NANOS_A_DAY: i128 = 86_400 * NANOS_A_SECOND;
/// The Julian day of the epoch: by it INT96 tells the date.
const EPOCH_JULIAN_DAY: i128 = 2_440_588;
/// The most decimals that are read: those of the longest decimal that any writer has.
const MAX_SCALE: i32 = 76;

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafType {
    /// As they are stored: integers, floating-point numbers, `true` and `false`.
    Plain,
    Unsigned,
    /// With this many decimals.
    Decimal(usize),
    /// Days since the epoch.
    Date,
    /// Since midnight, in units of this many nanoseconds.
    Time(i128),
    /// Since the epoch, in units of this many nanoseconds, in UTC or in the writer's local time.
    Timestamp {
        unit: i128,
        is_utc: bool,
    },
    Text,
    Uuid,
    Float16,
    /// Text if they are UTF-8, as older writers stored it, else base64.
    Bytes,
}

impl LeafType {
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Self, &'static str> {
        let physical = column.physical_type();
        let leaf = match column.logical_type_ref() {
            Some(LogicalType::Timestamp(stamp)) => {
                LeafType::Timestamp { unit: nanoseconds(stamp.unit), is_utc: stamp.is_adjusted_to_u_t_c }
            }
            Some(LogicalType::Time(time)) => LeafType::Time(nanoseconds(time.unit)),
            Some(LogicalType::Uuid) => LeafType::Uuid,
            Some(LogicalType::Float16) => LeafType::Float16,
            Some(LogicalType::Integer(integer)) if !integer.is_signed => LeafType::Unsigned,
            Some(LogicalType::Decimal(decimal)) => LeafType::Decimal(scale(decimal.scale)?),
            Some(LogicalType::Date) => LeafType::Date,
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => LeafType::Text,
            _ => match column.converted_type() {
                ConvertedType::DECIMAL => LeafType::Decimal(scale(column.type_scale())?),
                ConvertedType::DATE => LeafType::Date,
                ConvertedType::TIME_MILLIS => LeafType::Time(nanoseconds(TimeUnit::MILLIS)),
                ConvertedType::TIME_MICROS => LeafType::Time(nanoseconds(TimeUnit::MICROS)),
                ConvertedType::TIMESTAMP_MILLIS => {
                    LeafType::Timestamp { unit: nanoseconds(TimeUnit::MILLIS), is_utc: true }
                }
                ConvertedType::TIMESTAMP_MICROS => {
                    LeafType::Timestamp { unit: nanoseconds(TimeUnit::MICROS), is_utc: true }
                }
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64 => LeafType::Unsigned,
                ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => LeafType::Text,
                _ => match physical {
                    PhysicalType::INT96 => LeafType::Timestamp { unit: 1, is_utc: true },
                    PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY => LeafType::Bytes,
                    _ => LeafType::Plain,
                },
            },
        };
        let is_stored_so = match (leaf, physical) {
            (LeafType::Text | LeafType::Uuid | LeafType::Float16 | LeafType::Bytes, physical) => {
                matches!(physical, PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY)
            }
            (LeafType::Timestamp { .. }, PhysicalType::INT96) => true,
            (
                LeafType::Date | LeafType::Time(_) | LeafType::Timestamp { .. } | LeafType::Unsigned,
                physical,
            ) => matches!(physical, PhysicalType::INT32 | PhysicalType::INT64),
            (LeafType::Decimal(_), physical) => !matches!(
                physical,
                PhysicalType::BOOLEAN | PhysicalType::FLOAT | PhysicalType::DOUBLE | PhysicalType::INT96
            ),
            (LeafType::Plain, _) => true,
        };
        is_stored_so.then_some(leaf).ok_or("has a type that does not fit what it is stored as")
    }
}

fn nanoseconds(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::MILLIS => 1_000_000,
        TimeUnit::MICROS => 1000,
        TimeUnit::NANOS => 1,
    }
}

fn scale(scale: i32) -> Result<usize, &'static str> {
    match scale {
        0..=MAX_SCALE => Ok(scale.unsigned_abs() as usize),
        _ => Err("is a decimal with a number of decimals that is not read"),
    }
}

/// Appends a value as JSON.
///
/// # Errors
/// What is wrong with it.
pub(super) fn write(leaf: LeafType, cell: Cell<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match (leaf, cell) {
        (LeafType::Text, Cell::Bytes(bytes)) => {
            let text = std::str::from_utf8(bytes).map_err(|_| "holds text that is not UTF-8")?;
            push_text(out, text);
        }
        (LeafType::Bytes, Cell::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => push_text(out, text),
            Err(_) => push_text(out, &base64_simd::STANDARD.encode_to_string(bytes)),
        },
        (LeafType::Uuid, Cell::Bytes(bytes)) => push_uuid(out, bytes)?,
        (LeafType::Float16, Cell::Bytes(bytes)) => {
            let bits = <[u8; 2]>::try_from(bytes).map_err(|_| "holds a number of 16 bits that has other")?;
            push_double(out, half(u16::from_le_bytes(bits)));
        }
        (LeafType::Decimal(scale), cell) => push_decimal(out, unscaled(cell)?, scale),
        (LeafType::Unsigned, Cell::Int32(number)) => push(out, number.cast_unsigned()),
        (LeafType::Unsigned, Cell::Int64(number)) => push(out, number.cast_unsigned()),
        (LeafType::Timestamp { is_utc, .. }, Cell::Int96(stamp)) => push_instant(out, int96(stamp)?, is_utc)?,
        (LeafType::Timestamp { unit, is_utc }, cell) => push_instant(out, integer(cell)? * unit, is_utc)?,
        (LeafType::Date, cell) => {
            let date = calendar(integer(cell)? * NANOS_A_DAY)?;
            put(out, format_args!("\"{:04}-{:02}-{:02}\"", date.year(), date.month(), date.day()));
        }
        (LeafType::Time(unit), cell) => {
            let nanos = integer(cell)? * unit;
            let is_of_a_day = (0..NANOS_A_DAY).contains(&nanos);
            let time = calendar(nanos).ok().filter(|_| is_of_a_day);
            push_clock(out.quote(), time.ok_or("holds a time of day that no day has")?);
            out.push(b'"');
        }
        (_, Cell::Bool(value)) => push(out, value),
        (_, Cell::Int32(number)) => push(out, number),
        (_, Cell::Int64(number)) => push(out, number),
        (_, Cell::Double(number)) => push_double(out, number),
        // Its own shortest text: that of the f64 would have digits that nobody wrote.
        (_, Cell::Float(number)) if number.is_finite() => put(out, format_args!("{number:?}")),
        (_, Cell::Float(number)) => push_double(out, f64::from(number)),
        (_, Cell::Int96(_) | Cell::Bytes(_)) => {
            return Err("has a type that does not fit what it is stored as");
        }
    }
    Ok(())
}

/// Begins a JSON string.
trait Quote {
    fn quote(&mut self) -> &mut Self;
}

impl Quote for Vec<u8> {
    fn quote(&mut self) -> &mut Self {
        self.push(b'"');
        self
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

fn push(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    put(out, format_args!("{value}"));
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_escaped(out.quote(), text);
    out.push(b'"');
}

/// A number in its shortest text; one that JSON does not have as text, so that whoever reads it refuses it.
fn push_double(out: &mut Vec<u8>, number: f64) {
    match number {
        number if number.is_finite() => push_number(out, number),
        number if number.is_nan() => push_text(out, "NaN"),
        number => push_text(out, if number > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}

/// The value of 16 bits (IEEE 754, binary16).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn integer(cell: Cell<'_>) -> Result<i128, &'static str> {
    match cell {
        Cell::Int32(number) => Ok(number.into()),
        Cell::Int64(number) => Ok(number.into()),
        _ => Err("has a type that does not fit what it is stored as"),
    }
}

/// A decimal's digits as a number, without its point.
fn unscaled(cell: Cell<'_>) -> Result<i128, &'static str> {
    let Cell::Bytes(bytes) = cell else { return integer(cell) };
    let Some(first) = bytes.first() else { return Err("holds a decimal without digits") };
    // Big-endian, two's complement; what is before the last 16 bytes must be the sign alone.
    let fill = if first & 0x80 == 0 { 0 } else { 0xff };
    let (extra, tail) = bytes.split_at(bytes.len().saturating_sub(16));
    let mut number = [fill; 16];
    number.iter_mut().rev().zip(tail.iter().rev()).for_each(|(to, from)| *to = *from);
    let number = i128::from_be_bytes(number);
    match extra.iter().all(|byte| *byte == fill) && (number < 0) == (fill != 0) {
        true => Ok(number),
        false => Err("holds a decimal of more digits than are read"),
    }
}

fn push_decimal(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    match fraction {
        "" => put(out, format_args!("{sign}{whole}")),
        fraction => put(out, format_args!("{sign}{whole}.{fraction}")),
    }
}

/// Nanoseconds since the epoch of an INT96: nanoseconds of the day, then the Julian day.
fn int96(stamp: &Int96) -> Result<i128, &'static str> {
    let [low, high, day] = *stamp.data() else { return Err("holds a time that is cut off") };
    let nanos = i128::from(high) << 32 | i128::from(low);
    let days = i128::from(day.cast_signed()) - EPOCH_JULIAN_DAY;
    match nanos < NANOS_A_DAY {
        true => Ok(days * NANOS_A_DAY + nanos),
        false => Err("holds a time of day that no day has"),
    }
}

/// A time that RFC 3339 can write, so many nanoseconds after the epoch.
fn calendar(nanos: i128) -> Result<NaiveDateTime, &'static str> {
    let seconds = i64::try_from(nanos.div_euclid(NANOS_A_SECOND)).ok();
    let fraction = u32::try_from(nanos.rem_euclid(NANOS_A_SECOND)).ok();
    let time =
        seconds.zip(fraction).and_then(|(seconds, fraction)| DateTime::from_timestamp(seconds, fraction));
    let time = time.map(|time| time.naive_utc()).filter(|time| (0..=9999).contains(&time.year()));
    time.ok_or("holds a time outside the years 0 to 9999")
}

fn push_instant(out: &mut Vec<u8>, nanos: i128, is_utc: bool) -> Result<(), &'static str> {
    let time = calendar(nanos)?;
    push_padded(out.quote(), time.year().unsigned_abs(), 4);
    for part in [time.month(), time.day()] {
        out.push(b'-');
        push_padded(out, part, 2);
    }
    out.push(b'T');
    push_clock(out, time);
    out.extend_from_slice(if is_utc { b"Z\"" } else { b"\"" });
    Ok(())
}

/// The time of day, with as many decimals, three at least, as it needs.
fn push_clock(out: &mut Vec<u8>, time: NaiveDateTime) {
    push_padded(out, time.hour(), 2);
    for part in [time.minute(), time.second()] {
        out.push(b':');
        push_padded(out, part, 2);
    }
    out.push(b'.');
    match time.nanosecond() {
        nanos if nanos % 1_000_000 == 0 => push_padded(out, nanos / 1_000_000, 3),
        nanos if nanos % 1000 == 0 => push_padded(out, nanos / 1000, 6),
        nanos => push_padded(out, nanos, 9),
    }
}

/// A number of at most this many digits, with zeros before it. The formatting of the standard library takes several times as long.
fn push_padded(out: &mut Vec<u8>, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        // A digit is less than ten.
        out.push(b'0' + (number / 10u32.pow(place) % 10) as u8);
    }
}

fn push_uuid(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), &'static str> {
    let number = <[u8; 16]>::try_from(bytes).map_err(|_| "holds a UUID that is not 16 bytes long")?;
    let number = u128::from_be_bytes(number);
    let part = |shift: u32, digits: u32| number >> shift & ((1 << (4 * digits)) - 1);
    let (a, b, c, d, e) = (part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12));
    put(out, format_args!("\"{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}\""));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(leaf: LeafType, cell: Cell<'_>) -> Result<String, &'static str> {
        let mut out = Vec::new();
        write(leaf, cell, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers_keep_their_digits_and_have_no_others() {
        for (cell, expected) in [
            (Cell::Double(19000.5), "19000.5"),
            (Cell::Double(0.1 + 0.2), "0.30000000000000004"),
            (Cell::Double(-0.0), "-0.0"),
            (Cell::Double(f64::NAN), "\"NaN\""),
            (Cell::Double(f64::NEG_INFINITY), "\"-Infinity\""),
            (Cell::Float(0.1), "0.1"),
            (Cell::Float(f32::INFINITY), "\"Infinity\""),
            (Cell::Int32(-7), "-7"),
            (Cell::Int64(i64::MIN), "-9223372036854775808"),
            (Cell::Bool(true), "true"),
        ] {
            assert_eq!(written(LeafType::Plain, cell).as_deref(), Ok(expected), "{cell:?}");
        }
        assert_eq!(written(LeafType::Unsigned, Cell::Int32(-1)).as_deref(), Ok("4294967295"));
        assert_eq!(written(LeafType::Unsigned, Cell::Int64(-1)).as_deref(), Ok("18446744073709551615"));
        for (bits, expected) in
            [(0x3c00_u16, "1.0"), (0xc100, "-2.5"), (0x0001, "5.960464477539063e-8"), (0x7e00, "\"NaN\"")]
        {
            assert_eq!(written(LeafType::Float16, Cell::Bytes(&bits.to_le_bytes())).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_decimal_is_written_with_every_decimal_that_it_has() {
        for (scale, cell, expected) in [
            (2, Cell::Int32(1250), "12.50"),
            (2, Cell::Int32(-5), "-0.05"),
            (0, Cell::Int64(12), "12"),
            (4, Cell::Bytes(&[0xff, 0x38]), "-0.0200"),
            (3, Cell::Bytes(&[0, 0, 0, 1]), "0.001"),
            (1, Cell::Bytes(&[0xff; 20]), "-0.1"),
            (38, Cell::Int32(1), "0.00000000000000000000000000000000000001"),
        ] {
            assert_eq!(written(LeafType::Decimal(scale), cell).as_deref(), Ok(expected));
        }
        let long = [1; 17];
        assert!(written(LeafType::Decimal(2), Cell::Bytes(&long)).is_err());
        assert!(written(LeafType::Decimal(2), Cell::Bytes(&[])).is_err());
    }

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        let utc = |unit| LeafType::Timestamp { unit, is_utc: true };
        for (leaf, cell, expected) in [
            (utc(1_000_000), Cell::Int64(1_768_438_994_000), "\"2026-01-15T01:03:14.000Z\""),
            (utc(1000), Cell::Int64(-1), "\"1969-12-31T23:59:59.999999Z\""),
            (utc(1), Cell::Int64(1), "\"1970-01-01T00:00:00.000000001Z\""),
            (
                LeafType::Timestamp { unit: 1_000_000, is_utc: false },
                Cell::Int64(0),
                "\"1970-01-01T00:00:00.000\"",
            ),
            (LeafType::Date, Cell::Int32(-1), "\"1969-12-31\""),
            (LeafType::Time(1000), Cell::Int64(3_661_000_001), "\"01:01:01.000001\""),
        ] {
            assert_eq!(written(leaf, cell).as_deref(), Ok(expected));
        }
        let mut stamp = Int96::new();
        stamp.set_data(1_500_000, 0, 2_440_589);
        assert_eq!(written(utc(1), Cell::Int96(&stamp)).as_deref(), Ok("\"1970-01-02T00:00:00.001500Z\""));
        stamp.set_data(0, u32::MAX, 0);
        assert!(written(utc(1), Cell::Int96(&stamp)).is_err());
        stamp.set_data(0, 0, u32::MAX);
        assert!(written(utc(1), Cell::Int96(&stamp)).is_err());
        assert!(written(utc(1_000_000), Cell::Int64(i64::MAX)).is_err());
        assert!(written(LeafType::Time(1), Cell::Int64(-1)).is_err());
    }

    #[test]
    fn text_is_escaped_and_bytes_that_are_not_text_are_base64() {
        assert_eq!(written(LeafType::Text, Cell::Bytes(b"a\"\n")).as_deref(), Ok("\"a\\\"\\n\""));
        assert!(written(LeafType::Text, Cell::Bytes(b"\xff")).is_err());
        assert_eq!(written(LeafType::Bytes, Cell::Bytes("\u{e4}".as_bytes())).as_deref(), Ok("\"\u{e4}\""));
        assert_eq!(written(LeafType::Bytes, Cell::Bytes(b"\xff\x00")).as_deref(), Ok("\"/wA=\""));
        let uuid: Vec<u8> = (0..16).collect();
        let expected = Ok("\"00010203-0405-0607-0809-0a0b0c0d0e0f\"");
        assert_eq!(written(LeafType::Uuid, Cell::Bytes(&uuid)).as_deref(), expected);
        assert!(written(LeafType::Uuid, Cell::Bytes(&uuid[1..])).is_err());
    }
}
