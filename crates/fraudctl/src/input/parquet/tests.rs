use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::{Compression, GzipLevel, Repetition, Type as PhysicalType};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type, Int96, Int96Type,
};
use ::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::Type;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::input::{Input, InputError, Source};

/// The lake's columns as Firehose writes those of the Glue table: lists in three levels, times as INT96.
const LAKE: &str = "message hive_schema {
  optional binary transaction_id (UTF8);
  optional binary customer_id (UTF8);
  optional double amount;
  optional binary event_time (UTF8);
  optional double fraud_score;
  optional group fraud_reasons (LIST) { repeated group bag { optional binary array_element (UTF8); } }
  optional int96 ingested_at;
}";

/// Lists in each way that writers have had, maps, and lists in lists.
const NESTED: &str = "message m {
  required int64 id;
  optional boolean flag;
  optional binary name (UTF8);
  optional group tags (LIST) { repeated group list { optional binary element (UTF8); } }
  optional group items (LIST) { repeated group list { required group element {
    required int32 n;
    optional group sizes (LIST) { repeated group list { required double element; } }
  } } }
  optional group rows (LIST) { repeated group list { optional group element (LIST) { repeated group list {
    optional int32 element;
  } } } }
  optional group older (LIST) { repeated int32 array; }
  optional group tuples (LIST) { repeated group older_tuple { required int32 n; } }
  repeated int32 bare;
  repeated group parts { optional int32 n; repeated int32 more; }
  optional group attributes (MAP) { repeated group key_value { required binary key (UTF8); optional int64 value; } }
  optional group inner { optional int32 a; optional group deeper { optional int32 b; required int32 c; } }
}";

/// The entries of one column.
#[derive(Default)]
struct Leaf {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    values: Vec<Value>,
}

/// The entries of rows, column by column, in the order of the schema's leaves.
struct Shredded(Vec<Leaf>);

impl Shredded {
    fn of(schema: &Type, rows: &[Value]) -> Self {
        let mut shredded = Shredded((0..leaves(schema)).map(|_| Leaf::default()).collect());
        for row in rows {
            let mut at = 0;
            for field in schema.get_fields() {
                shredded.field(field, row.get(field.name()), (0, 0, 0), at);
                at += leaves(field);
            }
        }
        shredded
    }

    /// `levels`: the repetition of the next entry, the definition and the depth of repetition around the field.
    fn field(&mut self, field: &Type, value: Option<&Value>, levels: (i16, i16, i16), at: usize) {
        let (repetition, definition, depth) = levels;
        let value = value.filter(|value| !value.is_null());
        match (field.get_basic_info().repetition(), value) {
            (Repetition::REQUIRED, value) => self.body(field, value.unwrap(), levels, at),
            (Repetition::OPTIONAL, Some(value)) => {
                self.body(field, value, (repetition, definition + 1, depth), at);
            }
            (Repetition::REPEATED, Some(Value::Array(elements))) if !elements.is_empty() => {
                for (index, element) in elements.iter().enumerate() {
                    let repetition = if index == 0 { repetition } else { depth + 1 };
                    self.body(field, element, (repetition, definition + 1, depth + 1), at);
                }
            }
            _ => {
                for leaf in &mut self.0[at..at + leaves(field)] {
                    leaf.definitions.push(definition);
                    leaf.repetitions.push(repetition);
                }
            }
        }
    }

    fn body(&mut self, field: &Type, value: &Value, levels: (i16, i16, i16), mut at: usize) {
        if field.is_primitive() {
            let leaf = &mut self.0[at];
            leaf.repetitions.push(levels.0);
            leaf.definitions.push(levels.1);
            leaf.values.push(value.clone());
            return;
        }
        let value = stored(field, value);
        for child in field.get_fields() {
            self.field(child, value.get(child.name()), levels, at);
            at += leaves(child);
        }
    }
}

/// How many columns a field has.
fn leaves(field: &Type) -> usize {
    match field.is_primitive() {
        true => 1,
        false => field.get_fields().iter().map(|field| leaves(field)).sum(),
    }
}

/// A list or a map as the groups that it is stored as.
fn stored(field: &Type, value: &Value) -> Value {
    let Some(repeated) = field.get_fields().first().filter(|child| {
        child.get_basic_info().repetition() == Repetition::REPEATED && field.get_fields().len() == 1
    }) else {
        return value.clone();
    };
    let elements: Vec<Value> = match value {
        Value::Object(pairs) if repeated.name() == "key_value" => {
            pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
        }
        Value::Array(elements) if repeated.is_primitive() || repeated.name().ends_with("_tuple") => {
            elements.clone()
        }
        Value::Array(elements) => {
            let name = repeated.get_fields()[0].name();
            elements.iter().map(|element| json!({ name: element })).collect()
        }
        other => return other.clone(),
    };
    json!({ repeated.name(): elements })
}

/// A Parquet file of row groups.
fn parquet(schema: &str, groups: &[&[Value]], properties: WriterPropertiesBuilder) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema.clone(), Arc::new(properties.build())).unwrap();
    for rows in groups {
        let mut group = writer.next_row_group().unwrap();
        for Leaf { definitions, repetitions, values } in Shredded::of(&schema, rows).0 {
            let mut column = group.next_column().unwrap().unwrap();
            let levels = (Some(&definitions[..]), Some(&repetitions[..]));
            let text = |value: &Value| ByteArray::from(value.as_str().unwrap());
            macro_rules! write {
                ($type:ty, $value:expr) => {{
                    let values: Vec<_> = values.iter().map($value).collect();
                    column.typed::<$type>().write_batch(&values, levels.0, levels.1).unwrap()
                }};
            }
            match physical_type(&mut column) {
                PhysicalType::BOOLEAN => write!(BoolType, |value| value.as_bool().unwrap()),
                PhysicalType::INT32 => write!(Int32Type, |value| value.as_i64().unwrap() as i32),
                PhysicalType::INT64 => write!(Int64Type, |value| value.as_i64().unwrap()),
                PhysicalType::INT96 => write!(Int96Type, int96),
                PhysicalType::DOUBLE => write!(DoubleType, |value| value.as_f64().unwrap()),
                _ => write!(ByteArrayType, text),
            };
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn physical_type(column: &mut ::parquet::file::writer::SerializedColumnWriter<'_>) -> PhysicalType {
    use ::parquet::column::writer::ColumnWriter;
    match column.untyped() {
        ColumnWriter::BoolColumnWriter(_) => PhysicalType::BOOLEAN,
        ColumnWriter::Int32ColumnWriter(_) => PhysicalType::INT32,
        ColumnWriter::Int64ColumnWriter(_) => PhysicalType::INT64,
        ColumnWriter::Int96ColumnWriter(_) => PhysicalType::INT96,
        ColumnWriter::DoubleColumnWriter(_) => PhysicalType::DOUBLE,
        _ => PhysicalType::BYTE_ARRAY,
    }
}

/// An instant as Hive stores it: nanoseconds of the day and the Julian day.
fn int96(value: &Value) -> Int96 {
    let time = chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
    let nanos = i128::from(time.timestamp_nanos_opt().unwrap());
    let day = 86_400 * 1_000_000_000;
    let of_day = u64::try_from(nanos.rem_euclid(day)).unwrap();
    let mut stamp = Int96::new();
    stamp.set_data(
        of_day as u32,
        (of_day >> 32) as u32,
        u32::try_from(nanos.div_euclid(day) + 2_440_588).unwrap(),
    );
    stamp
}

fn snappy() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(Compression::SNAPPY)
}

fn saved(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn source(file: &tempfile::NamedTempFile) -> Source {
    Source::File(file.path().to_owned())
}

/// The lines of a file; an error behind those before it.
fn lines(bytes: &[u8]) -> (Vec<String>, Option<String>) {
    let file = saved(bytes);
    let mut lines = Vec::new();
    let without_name = |error: InputError| error.to_string().replace(&file.path().display().to_string(), "x");
    let input = match Input::open(&[source(&file)]) {
        Ok(input) => input,
        Err(error) => return (lines, Some(without_name(error))),
    };
    for entry in input {
        match entry {
            Ok(entry) => lines.push(String::from_utf8(entry.bytes.to_vec()).unwrap()),
            Err(error) => return (lines, Some(without_name(error))),
        }
    }
    (lines, None)
}

fn whole(bytes: &[u8]) -> Vec<String> {
    let (lines, error) = lines(bytes);
    assert_eq!(error, None);
    lines
}

fn lake_rows() -> Vec<Value> {
    vec![
        json!({
            "transaction_id": "T1", "customer_id": "C000001", "amount": 19000.5, "event_time": "2026-01-15T01:03:14Z",
            "fraud_score": 0.9000000000000001, "fraud_reasons": ["high_amount", "night"],
            "ingested_at": "2026-01-15T01:03:15.123Z",
        }),
        json!({ "transaction_id": "T2", "amount": 12.5, "fraud_reasons": [], "ingested_at": "2026-01-15T12:00:00Z" }),
        json!({ "customer_id": "\"M\u{fc}ller\"\n", "amount": 1e-7, "fraud_reasons": [null] }),
        json!({}),
    ]
}

const LAKE_LINES: [&str; 4] = [
    concat!(
        r#"{"transaction_id":"T1","customer_id":"C000001","amount":19000.5,"event_time":"2026-01-15T01:03:14Z","#,
        r#""fraud_score":0.9000000000000001,"fraud_reasons":["high_amount","night"],"#,
        r#""ingested_at":"2026-01-15T01:03:15.123Z"}"#
    ),
    r#"{"transaction_id":"T2","amount":12.5,"fraud_reasons":[],"ingested_at":"2026-01-15T12:00:00.000Z"}"#,
    "{\"customer_id\":\"\\\"M\u{fc}ller\\\"\\n\",\"amount\":1e-7,\"fraud_reasons\":[null]}",
    "{}",
];

#[test]
fn the_lake_is_read_as_lines_in_every_compression_that_writers_choose() {
    let rows = lake_rows();
    let gzip = Compression::GZIP(GzipLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder();
            let properties = properties.set_compression(compression).set_writer_version(version);
            let file = parquet(LAKE, &[&rows[..1], &[], &rows[1..]], properties);
            assert_eq!(whole(&file), LAKE_LINES, "{compression:?} {version:?}");
        }
    }
    assert_eq!(whole(&parquet(LAKE, &[], snappy())), Vec::<String>::new());
}

/// What DuckDB wrote into the files of the fixtures.
fn zstd_rows() -> Vec<Value> {
    let row = |i: i64| {
        let hundredths = i * 150;
        let arrived = chrono::DateTime::from_timestamp(1_768_438_994 + i, 0).unwrap();
        let reasons = match i % 5 {
            0 => Some(json!([])),
            1 => None,
            _ => Some(json!(["a", null, format!("b{i}")])),
        };
        let members = vec![
            ("transaction_id", Some(format!("T{i}").into())),
            ("customer_id", (i % 3 != 0).then(|| format!("C{}", i % 7).into())),
            ("amount", Some(json!(i as f64 + 0.25))),
            // As its digits are written, which a number of serde_json does not keep.
            ("price", Some(format!("{}.{:02}", hundredths / 100, hundredths % 100).into())),
            ("arrived", Some(arrived.format("%Y-%m-%dT%H:%M:%S.000Z").to_string().into())),
            ("reasons", reasons),
            ("part", Some(json!({ "n": i }))),
        ];
        object(members)
    };
    (0..3000).map(row).collect()
}

fn zstd_fixture(version: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet");
    std::fs::read(folder.join(format!("zstd-{version}.parquet"))).unwrap()
}

#[test]
fn files_of_another_writer_that_are_packed_with_zstd_are_read() {
    for version in ["v1", "v2"] {
        let read = whole(&zstd_fixture(version));
        let read: Vec<Value> =
            read.iter().map(|line| serde_json::from_str(&with_price_as_text(line)).unwrap()).collect();
        assert!(read == zstd_rows(), "{version}: {:?}", read.first());
    }
}

/// A line with its price, which is written as a number, as text.
fn with_price_as_text(line: &str) -> String {
    let (before, after) = line.split_once("\"price\":").unwrap();
    let (price, after) = after.split_once(',').unwrap();
    format!("{before}\"price\":\"{price}\",{after}")
}

#[test]
fn places_are_rows_and_all_bytes_are_counted() {
    let rows: Vec<Value> = (0..50).map(|id| json!({ "transaction_id": format!("T{id}") })).collect();
    let files = [&rows[..20], &rows[20..]].map(|rows| saved(&parquet(LAKE, &[rows], snappy())));
    let mut input = Input::open(&files.each_ref().map(source)).unwrap();
    let (read, size) = (input.bytes_read(), input.size());
    assert!(!input.is_empty().unwrap());
    let entries: Vec<Entry> = input.collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 50);
    assert_eq!(entries[24].bytes, r#"{"transaction_id":"T24"}"#);
    assert_eq!(entries[24].location.to_string(), format!("{}, row 5", source(&files[1])));
    assert_eq!(Some(read.get()), size);
    assert_eq!(size, files.iter().map(|file| Some(file.as_file().metadata().unwrap().len())).sum());
}

#[test]
fn parquet_that_cannot_be_read_from_its_end_is_refused_with_the_reason() {
    let file = parquet(LAKE, &[&lake_rows()], snappy());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&file).unwrap();
    let packed = packed.finish().unwrap();
    let through_pipe = Input::of_reader(std::io::Cursor::new(file), "x").unwrap_err().to_string();
    let in_gzip = lines(&packed).1.unwrap();
    for error in [through_pipe, in_gzip] {
        assert!(error.starts_with("x is refused: it is Parquet, of which only files"), "{error}");
    }
}

#[test]
fn what_is_cut_off_is_refused_before_anything_is_read() {
    let file = parquet(LAKE, &[&lake_rows(), &lake_rows()], snappy());
    for length in MAGIC.len()..file.len() {
        let (lines, error) = lines(&file[..length]);
        assert!(lines.is_empty(), "{length}");
        assert!(error.unwrap().starts_with("cannot read x: it is damaged"), "{length}");
    }
}

#[test]
fn a_second_row_group_that_is_damaged_ends_the_input_behind_the_rows_before_it() {
    let rows = lake_rows();
    let mut file = parquet(LAKE, &[&rows, &rows], snappy());
    let footer_length = u32::from_le_bytes(file[file.len() - 8..][..4].try_into().unwrap()) as usize;
    let footer = file.len() - 8 - footer_length;
    // The groups are alike: the second is behind the middle.
    file[footer / 2 + MAGIC.len()..footer].fill(0xff);
    let (lines, error) = lines(&file);
    assert_eq!(lines, LAKE_LINES);
    assert!(error.unwrap().starts_with("cannot read x: "));
}

#[test]
fn a_column_that_means_something_else_than_it_holds_is_named() {
    let schema = "message m { optional binary id (UTF8); }";
    let mut file = parquet(schema, &[&[json!({ "id": "abcdefgh" })]], WriterProperties::builder());
    while let Some(at) = file.windows(8).position(|bytes| bytes == b"abcdefgh") {
        file[at] = 0xff;
    }
    let error = lines(&file).1.unwrap();
    assert_eq!(error, "cannot read x: row 1: the column `id` holds text that is not UTF-8");
}

/// A value that is there or not; one that is not is left out of its object.
fn object(members: Vec<(&'static str, Option<Value>)>) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn nested_row() -> impl Strategy<Value = Value> {
    let number = || (-3i32..3).prop_map(Value::from);
    let text = || "[a-z\u{e4}\"]{0,3}".prop_map(Value::from);
    let double = || (-9i32..9).prop_map(|number| json!(f64::from(number) / 8.0));
    let or_null = |value: BoxedStrategy<Value>| prop_oneof![Just(Value::Null), value].boxed();
    let list =
        |element: BoxedStrategy<Value>| prop::collection::vec(element, 0..3).prop_map(Value::from).boxed();
    let maybe = prop::option::of::<BoxedStrategy<Value>>;
    let item = (number(), maybe(list(double().boxed())))
        .prop_map(|(n, sizes)| object(vec![("n", Some(n)), ("sizes", sizes)]));
    let part = (maybe(number().boxed()), list(number().boxed()))
        .prop_map(|(n, more)| object(vec![("n", n), ("more", Some(more))]));
    let inner = (maybe(number().boxed()), maybe(number().boxed()), number()).prop_map(|(a, b, c)| {
        let deeper = object(vec![("b", b), ("c", Some(c))]);
        object(vec![("a", a), ("deeper", Some(deeper))])
    });
    let tuple = number().prop_map(|n| json!({ "n": n }));
    let attributes = prop::collection::btree_map("[a-c]{1,2}", prop::option::of(-5i64..5), 0..3)
        .prop_map(|members| json!(members));
    (
        (any::<i64>(), maybe(any::<bool>().prop_map(Value::from).boxed()), maybe(text().boxed())),
        (
            maybe(list(or_null(text().boxed()))),
            maybe(list(item.boxed())),
            maybe(list(or_null(list(or_null(number().boxed()))))),
        ),
        (
            maybe(list(number().boxed())),
            maybe(list(tuple.boxed())),
            list(number().boxed()),
            list(part.boxed()),
        ),
        (maybe(attributes.boxed()), maybe(inner.boxed())),
    )
        .prop_map(
            |((id, flag, name), (tags, items, rows), (older, tuples, bare, parts), (attributes, inner))| {
                object(vec![
                    ("id", Some(id.into())),
                    ("flag", flag),
                    ("name", name),
                    ("tags", tags),
                    ("items", items),
                    ("rows", rows),
                    ("older", older),
                    ("tuples", tuples),
                    ("bare", Some(bare)),
                    ("parts", Some(parts)),
                    ("attributes", attributes),
                    ("inner", inner),
                ])
            },
        )
}

/// Where bytes are changed, and what they are changed by.
fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4)
}

fn damaged(file: &mut [u8], damage: &[(prop::sample::Index, u8)]) {
    for (at, mask) in damage {
        let at = at.index(file.len());
        file[at] ^= mask;
    }
}

proptest! {
    // Three thousand rows each.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    #[test]
    fn damage_in_a_file_packed_with_zstd_is_an_error_or_other_rows_and_never_a_panic(
        damage in damage(),
        version in prop::sample::select(vec!["v1", "v2"]),
    ) {
        let mut file = zstd_fixture(version);
        damaged(&mut file, &damage);
        for line in lines(&file).0 {
            prop_assert!(serde_json::from_str::<Value>(&line).is_ok(), "{}", line);
        }
    }
}

proptest! {
    #[test]
    fn whatever_rows_are_written_are_read(
        rows in prop::collection::vec(nested_row(), 0..40),
        pages in 1usize..9,
        split in any::<prop::sample::Index>(),
    ) {
        let properties = snappy().set_data_page_row_count_limit(pages).set_write_batch_size(pages);
        let (first, second) = rows.split_at(split.index(rows.len() + 1));
        let file = parquet(NESTED, &[first, second], properties);
        let read: Vec<Value> = whole(&file).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn a_damaged_file_is_an_error_or_other_rows_and_never_a_panic(
        damage in damage(),
        is_nested in any::<bool>(),
        version in prop::sample::select(vec![WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]),
    ) {
        let properties = snappy().set_writer_version(version);
        let nested = json!({
            "id": 7, "tags": ["a", null], "items": [{ "n": 1, "sizes": [0.5] }, { "n": 2 }], "bare": [1, 2, 3],
            "rows": [[1], null, []], "parts": [{ "n": 1, "more": [1, 2] }], "attributes": { "a": 1, "b": null },
        });
        let mut file = match is_nested {
            true => parquet(NESTED, &[&vec![nested; 20]], properties),
            false => parquet(LAKE, &[&lake_rows(), &lake_rows()], properties),
        };
        damaged(&mut file, &damage);
        let (lines, error) = lines(&file);
        prop_assert!(error.is_none_or(|error| error.contains('x')));
        for line in lines {
            prop_assert!(serde_json::from_str::<Value>(&line).is_ok(), "{}", line);
        }
    }
}
