use std::io::Write;
use std::path::{Path, PathBuf};

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const TX: [&str; 3] = [
    r#"{"transaction_id":"T1","customer_id":"C000001","amount":19000.50,"event_time":"2026-01-15T01:03:14Z"}"#,
    r#"{"transaction_id":"T2","customer_id":"C000002","amount":12.5,"event_time":"2026-01-15T12:03:14Z"}"#,
    r#"{"transaction_id":"T3","customer_id":"C000003","amount":99,"event_time":"2026-01-15T12:04:14Z"}"#,
];

/// A reader that gives one byte at a time: what is read must not depend on how it comes.
struct Drops(Vec<u8>);

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() || buffer.is_empty() {
            return Ok(0);
        }
        buffer[0] = self.0.remove(0);
        Ok(1)
    }
}

fn all(input: Input) -> Result<Vec<Entry>, InputError> {
    input.collect()
}

/// The entries of these bytes, read at once and in drops.
fn entries(bytes: impl AsRef<[u8]>) -> Result<Vec<Entry>, String> {
    let bytes = bytes.as_ref().to_vec();
    let at_once = Input::of_reader(io::Cursor::new(bytes.clone()), "x").and_then(all);
    let in_drops = Input::of_reader(Drops(bytes), "x").and_then(all);
    let (at_once, in_drops) = (at_once.map_err(|e| e.to_string()), in_drops.map_err(|e| e.to_string()));
    assert_eq!(at_once, in_drops);
    at_once
}

/// The entries with their places, and whether each is an object.
fn told(bytes: impl AsRef<[u8]>) -> Vec<(String, String, Option<Fault>)> {
    let entries = entries(bytes).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    entries.iter().map(|entry| (entry.location.to_string(), text(&entry.bytes), entry.fault)).collect()
}

fn objects(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let told = told(bytes);
    assert!(told.iter().all(|(_, _, fault)| fault.is_none()), "{told:?}");
    told.into_iter().map(|(_, text, _)| text).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn objects_are_read_however_they_are_written_down_every_byte_kept() {
    let lines = TX.join("\n");
    for text in [
        lines.clone(),
        format!("{lines}\n"),
        format!("\u{feff}{lines}\n\n"),
        TX.join("\r\n"),
        TX.join("\r"),
        TX.join(" \n\t "),
        TX.concat(),
        format!("[{}]", TX.join(",")),
        format!(" [ {} ] \n", TX.join(" ,\n ")),
        format!("[{}]\n[{}, {}]", TX[0], TX[1], TX[2]),
        format!("[][{}]", TX.join(",")),
        format!("{}\n\u{feff}{}{}", TX[0], TX[1], TX[2]),
    ] {
        assert_eq!(objects(&text), TX, "{text}");
    }
    let pretty = "{\n  \"amount\": 12345678901234567.89,\r\n  \"a\": [\n 1e400 ]\n}";
    assert_eq!(objects(format!("{pretty}\n{pretty}{pretty}")), [pretty; 3]);
    assert_eq!(objects(format!("[{pretty},\n{pretty}]")), [pretty; 2]);
}

#[test]
fn gzip_is_unpacked_member_after_member() {
    let pack = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let members = [pack(TX[0]), pack(&format!("{}{}", TX[1], TX[2]))].concat();
    assert_eq!(objects(&members), TX);
    assert_eq!(entries(pack("")), Ok(Vec::new()));
    let cut_off = entries(&members[..members.len() - 9]).unwrap_err();
    assert!(cut_off.starts_with("cannot read x to its end: "), "{cut_off}");
    assert_eq!(
        entries(pack("[")).unwrap_err(),
        "cannot read x to its end: line 1, byte 2: the array is not closed: the input is cut off"
    );
    let twice = pack("x");
    let twice = {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&twice).unwrap();
        packed.finish().unwrap()
    };
    assert_eq!(
        entries(twice).unwrap_err(),
        "x is refused: it is gzip within another packed file; unpack it twice, the second time by gunzip"
    );
}

#[test]
fn zstd_is_unpacked_frame_after_frame() {
    let pack = |text: &str| compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
    let skippable = b"\x5a\x2a\x4d\x18\x02\0\0\0ab".to_vec();
    let frames = [skippable, pack(TX[0]), pack(&format!("{}{}", TX[1], TX[2]))].concat();
    assert_eq!(objects(&frames), TX);
    assert_eq!(entries(pack("")), Ok(Vec::new()));
    let packed = std::fs::read(fixture("transactions/tx.ndjson.zst")).unwrap();
    let plain = std::fs::read(fixture("transactions/tx.ndjson")).unwrap();
    assert_eq!(objects(packed), objects(plain));
    let cut_off = entries(&frames[..frames.len() - 9]).unwrap_err();
    assert!(cut_off.starts_with("cannot read x to its end: "), "{cut_off}");
    let twice = compress_to_vec(&pack("x")[..], CompressionLevel::Fastest);
    assert_eq!(
        entries(twice).unwrap_err(),
        "x is refused: it is zstd within another packed file; unpack it twice, the second time by zstd -d"
    );
}

#[test]
fn a_malformed_line_is_told_where_it_is_and_those_around_it_are_read() {
    let [a, b, c] = TX;
    let line = |number: u64, text: &str, fault| (format!("line {number}"), text.to_owned(), fault);
    for (bad, fault) in [
        ("no transaction", Fault::NotJson(1)),
        ("7", Fault::NotAnObject),
        ("[{}]", Fault::NotAnObject),
        ("\"x\"", Fault::NotAnObject),
        (r#"{"transaction_id":"T9","amo"#, Fault::NotJson(28)),
        (r#"{"transaction_id":"T9","#, Fault::NotJson(24)),
        (r#"{"transaction_id":"T9","m":{"id":"x","na"#, Fault::NotJson(41)),
        (r#"{"a":1}}"#, Fault::NotJson(1)),
        (r#"{"amount":NaN}"#, Fault::NotJson(11)),
    ] {
        let told = told(format!("{a}\n{bad}\r\n\r\n{b}\n{c}"));
        if bad.ends_with("}}") {
            // An object, and a brace too many.
            assert_eq!(told[1], line(2, r#"{"a":1}"#, None), "{bad}");
            assert_eq!(told[2], ("line 2, byte 8".to_owned(), "}".to_owned(), Some(fault)));
            continue;
        }
        assert_eq!(told[..2], [line(1, a, None), line(2, bad, Some(fault))], "{bad}");
        assert_eq!(told[2..], [line(4, b, None), line(5, c, None)], "{bad}");
    }
    let not_utf8 = entries([a.as_bytes(), b"\n\xff\xfe\n", b.as_bytes()].concat()).unwrap();
    assert_eq!(not_utf8[1].fault, Some(Fault::NotUtf8));
    assert_eq!((not_utf8.len(), not_utf8[2].fault), (3, None));
    let cut_off = entries(format!("{a}\n{}", &b[..40])).unwrap();
    assert_eq!((cut_off[1].fault, cut_off[1].is_open), (Some(Fault::CutOff), true));
    assert!(!cut_off[0].is_open);
}

#[test]
fn without_line_breaks_reading_goes_on_at_the_next_object_that_names_a_field_of_a_transaction() {
    let [a, b, c] = TX;
    let told = told(format!("{a}garbage {{\"x\":1}} {{\"transaction_id\":\"T9\",\"amo{b}{c}"));
    let faults: Vec<_> = told
        .iter()
        .map(|(location, text, fault)| (location.as_str(), text.as_str(), fault.is_some()))
        .collect();
    let bad = r#"garbage {"x":1} {"transaction_id":"T9","amo"#;
    let at = |bytes: usize| format!("line 1, byte {}", bytes + 1);
    let locations = [at(a.len()), at(a.len() + bad.len()), at(a.len() + bad.len() + b.len())];
    assert_eq!(
        faults,
        [
            ("line 1", a, false),
            (locations[0].as_str(), bad, true),
            (locations[1].as_str(), b, false),
            (locations[2].as_str(), c, false),
        ]
    );
}

#[test]
fn a_part_of_something_malformed_is_never_taken_for_an_object_of_its_own() {
    let [a, b, _] = TX;
    let broken = "{\n  \"transaction_id\": \"T9\n  \"items\": [\n    {\n      \"sku\": 1\n    },\n    {\"sku\": 2}\n  ]\n}";
    let entries = entries(format!("{a}\n{broken}\n{b}\n")).unwrap();
    let objects: Vec<&[u8]> =
        entries.iter().filter(|entry| entry.fault.is_none()).map(|entry| &entry.bytes[..]).collect();
    assert_eq!(objects, [a.as_bytes(), b.as_bytes()]);
    assert!(entries.iter().any(|entry| entry.fault == Some(Fault::Part)));
}

#[test]
fn an_array_that_is_malformed_ends_the_input_with_its_place() {
    let [a, b, _] = TX;
    for (rest, message) in [
        (
            format!("[{a} {b}]"),
            format!("line 1, byte {}: a comma or the array's end is expected", a.len() + 3),
        ),
        (format!("[{a},\n7]"), "line 2: an object is expected after the comma".to_owned()),
        (format!("[{a},\n]"), "line 2: an object is expected after the comma".to_owned()),
        (format!("[{a},\n{{\"x\":}}]"), "line 2: the object that begins here is not JSON".to_owned()),
        (
            format!("[{a},\n{{\"x\":"),
            "line 2: the object that begins here is cut off, and the array with it".to_owned(),
        ),
        (format!("[{a}]\n{b}"), "line 2: only another array is expected after an array".to_owned()),
        (format!("[{a}\n"), "line 2, byte 1: the array is not closed: the input is cut off".to_owned()),
    ] {
        let mut input = Input::of_reader(io::Cursor::new(rest.clone()), "x").unwrap();
        assert_eq!(input.next().unwrap().unwrap().bytes, a);
        let error = input.next().unwrap().unwrap_err().to_string();
        let message = message.replace("line 2, byte 1:", "line 2:");
        assert_eq!(error, format!("cannot read x to its end: {message}"), "{rest}");
        assert!(input.next().is_none());
    }
}

#[test]
fn what_is_larger_than_any_record_is_passed_over_and_not_held() {
    let [a, b, _] = TX;
    let long = "x".repeat(MAX_ENTRY_BYTES);
    let huge = format!("{{\"note\":\"{long}\"}}");
    let input = Input::of_reader(io::Cursor::new(format!("{a}\n{huge}\n{b}\n")), "x").unwrap();
    let entries = all(input).unwrap();
    assert_eq!(entries[1].fault, Some(Fault::TooLong(huge.len() as u64)));
    assert!(entries[1].bytes.is_empty());
    assert_eq!(
        (entries.len(), &entries[2].bytes[..], &entries[2].location.to_string()[..]),
        (3, b.as_bytes(), "line 3")
    );
    let fits = format!("{{\"note\":\"{}\"}}", &long[..3 << 20]);
    assert_eq!(Input::of_reader(io::Cursor::new(fits.clone()), "x").and_then(all).unwrap()[0].bytes, fits);
}

#[test]
fn another_kind_of_file_is_refused_with_what_it_seems_to_be_and_what_to_do() {
    let path = fixture("transactions/tx-utf16.ndjson");
    let error = Input::open(&[Source::File(path.clone())]).unwrap_err().to_string();
    let message = "it looks like UTF-16 text; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)";
    assert!(error.starts_with(&format!("{} is refused: {message}", path.display())), "{error}");
    for (bytes, message) in [
        (&b"PAR1\x15\x04"[..], "it is Parquet, of which only files of transactions are read"),
        (
            b"PARE\x15\x04",
            "it looks like encrypted Parquet (accepted are Parquet, CSV with a header, and JSON objects",
        ),
        (b"\xfd7zXZ\0", "it looks like xz; unpack it first (xz -d), or compress it with gzip or zstd"),
        (b"PK\x03\x04..", "it looks like zip (or a spreadsheet); unpack it first (unzip)"),
        (b"{\0\"\0a\0", "it looks like UTF-16 text"),
        (b"<?xml version=\"1.0\"?>", "it looks like XML or HTML"),
        (b"\x07\x00\x01", "it is neither text nor of a known kind"),
        (b"hello world\n", "it looks like other text: it begins with `hello world`"),
        (
            b"a;b;c\n1;2\n",
            "it looks like CSV, but its rows have other numbers of fields than its first line: it begins with `a;b;c`",
        ),
        (
            b"T1,C1,5\nT2,C2,7\n",
            "it looks like CSV without a header: it begins with `T1,C1,5`; name the columns in a line before that one",
        ),
        (b"a,b, a\n1,2,3\n", "its header names the column `a` twice; give one of them another name"),
        (b"a,gr\xfc\xdfe\n1,2\n", "it looks like CSV, but its first line is not UTF-8; save it as UTF-8"),
        (
            b"2026-01-15 12:00:01,123 INFO started\n2026-01-15 12:00:02,456 INFO done\n",
            "it looks like CSV without a header",
        ),
        (b"It began well, all said.\nIt ended, too.\n", "it looks like CSV, but its rows"),
        (b"level=info, n=1\nlevel=info, n=2\n", "it looks like CSV, but its rows"),
        (b"7\n8\n", "it is JSON without objects: it begins with `7`"),
        (
            b"{'a': 1}\n{'a': 2}\n",
            "its first entry is not an object (line 1: not JSON from byte 2 on); fix or remove it",
        ),
        (b"2026-01-01 INFO {\"transaction_id\":\"T1\",\"amount\":1}\n", "it looks like other text"),
        (b"1,{\"transaction_id\":\"T1\"}\n2,{\"transaction_id\":\"T2\"}\n", "it looks like CSV"),
        (b"{\"a\":1", "its first entry is not an object (line 1: not JSON: the input ends within it)"),
    ] {
        let error = entries(bytes).unwrap_err();
        assert!(error.starts_with(&format!("x is refused: {message}")), "{error}");
    }
    assert_eq!(
        entries("[7, {}]").unwrap_err(),
        "cannot read x to its end: line 1, byte 2: the array's elements must be objects"
    );
    // A first line that is bad makes no other kind of what follows it.
    assert_eq!(told("x\n{\"a\":1}\n").len(), 2);
}

#[test]
fn an_input_without_entries_is_empty_and_one_with_a_bad_line_is_not() {
    for empty in ["", "\n\r\n  \n", "\u{feff}", "[]", "[ ]\n"] {
        let mut input = Input::of_reader(io::Cursor::new(empty), "x").unwrap();
        assert!(input.is_empty().unwrap(), "{empty}");
        assert!(input.next().is_none());
    }
    let mut input = Input::of_reader(io::Cursor::new("{}\nx"), "x").unwrap();
    assert!(!input.is_empty().unwrap());
    assert_eq!(all(input).unwrap().len(), 2);
}

#[test]
fn several_files_are_read_in_their_order_and_places_name_them() {
    let files = ["tx-pretty.json", "tx-concatenated.json"]
        .map(|name| Source::File(fixture("transactions").join(name)));
    let mut input = Input::open(&files).unwrap();
    let (read, size) = (input.bytes_read(), input.size());
    assert!(!input.is_empty().unwrap());
    let entries = all(input).unwrap();
    assert_eq!(entries.len(), 6);
    assert_eq!(entries[3].location.to_string(), format!("{}, line 1", files[1]));
    assert_eq!(Some(read.get()), size);
    // None is used if one is of another kind.
    let with_another = [files[0].clone(), Source::File(fixture("transactions/tx-utf16.ndjson"))];
    assert!(matches!(Input::open(&with_another), Err(InputError::Refused { .. })));
    // A folder is all its files.
    let folder = Source::File(fixture("transactions"));
    let error = Input::open(&[folder]).unwrap_err();
    assert!(error.to_string().contains("transactions/tx-utf16.ndjson is refused: "), "{error}");
    let missing = Source::File(fixture("transactions/missing.json"));
    assert!(matches!(Input::open(&[missing]), Err(InputError::Open { .. })));
}

#[test]
fn the_raw_backup_is_read_as_firehose_writes_it() {
    let original = std::fs::read_to_string(fixture("raw-backup/original.ndjson")).unwrap();
    let raw = Input::open(&[Source::File(fixture("raw-backup/raw-object.gz"))]).and_then(all).unwrap();
    let read: Vec<&[u8]> = raw.iter().map(|entry| &entry.bytes[..]).collect();
    assert_eq!(read, original.lines().map(str::as_bytes).collect::<Vec<_>>());
}

mod csv_rows;

mod properties {
    use proptest::prelude::*;

    /// Lines with and without what only a walk over their bytes tells apart.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let lines: Vec<Vec<u8>> = vec![
            br#"{"transaction_id":"T1","amount":12.50}"#.to_vec(),
            b"{}".to_vec(),
            br#" {"a":1} "#.to_vec(),
            br#"{"a":1}{"b":"}"}"#.to_vec(),
            br#"{"a":1}}"#.to_vec(),
            br#"{"a":01}"#.to_vec(),
            br#"{"a":"\ud800\"}"}"#.to_vec(),
            b"{\"a\":\r1}".to_vec(),
            b"{\"a\":\"\t\"}".to_vec(),
            b"{\"a\":\"\xff\"}".to_vec(),
            "{\"\u{e9}\":\"\u{1F600}\"}".into(),
            "\u{feff}{\"a\":1}".into(),
            deep(126).into(),
            deep(127).into(),
            deep(128).into(),
            br#"{"sku":1},"#.to_vec(),
            br#"{"transaction_id":"T9"#.to_vec(),
            b"{".to_vec(),
            b"}".to_vec(),
            b"[{}]".to_vec(),
            b"text".to_vec(),
            b"".to_vec(),
            format!("{{\"a\":\"{}\"}}", "x".repeat(9000)).into(),
        ];
        prop::sample::select(lines)
    }

    proptest! {
        #[test]
        fn a_line_that_is_read_at_once_gives_what_a_walk_over_it_gives(
            lines in prop::collection::vec((line(), prop::sample::select(vec!["\n", "\n", "\r\n", "\r", " \n", "\r\r\n", ""])), 0..12),
        ) {
            let mut bytes = b"{\"a\":0}\n".to_vec();
            for (line, line_break) in lines {
                bytes.extend_from_slice(&line);
                bytes.extend_from_slice(line_break.as_bytes());
            }
            // In drops no line is ever in memory as a whole when it is looked at: `entries` compares the two.
            super::entries(&bytes).unwrap();
        }

        #[test]
        fn nothing_is_lost_whatever_the_bytes(bytes in prop::collection::vec(
            prop_oneof![Just(b'{'), Just(b'}'), Just(b'"'), Just(b':'), Just(b'\n'), Just(b'['), Just(b','), any::<u8>()], 0..80,
        )) {
            // Behind an object, so that it is of no other kind.
            let bytes = [b"{}\n", &bytes[..]].concat();
            let read: Vec<u8> = super::entries(&bytes).unwrap().iter().flat_map(|entry| entry.bytes.to_vec()).collect();
            let visible = |bytes: &[u8]| bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
            let mark = bytes.windows(3).any(|bytes| bytes == b"\xef\xbb\xbf");
            prop_assert!(mark || visible(&read) == visible(&bytes), "{read:?}");
        }
    }
}
