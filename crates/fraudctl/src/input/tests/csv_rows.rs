//! Rows of CSV as objects.

use proptest::prelude::*;

use super::*;

const ROWS: [&str; 2] = [
    r#"{"transaction_id":"T1","customer_id":"C000001","amount":19000.50,"event_time":"2026-01-15T01:03:14Z"}"#,
    r#"{"transaction_id":"T2","customer_id":"C000002","amount":12.5,"event_time":"2026-01-15T12:03:14Z"}"#,
];

#[test]
fn a_row_is_an_object_under_the_headers_names_in_every_dialect() {
    let plain = std::fs::read_to_string(fixture("transactions/tx.csv")).unwrap();
    let quoted: String = plain.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\""))).collect();
    for text in [
        plain.clone(),
        format!("\u{feff}{plain}"),
        plain.trim_end().to_owned(),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.replace('\n', "\n\n"),
        format!("\n  \n{plain}  \n"),
        plain.replace(',', ";"),
        plain.replace(',', "\t"),
        plain.replace(',', "|"),
        plain.replace(',', " , "),
        quoted,
    ] {
        assert_eq!(objects(&text), ROWS, "{text}");
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(plain.as_bytes()).unwrap();
    assert_eq!(objects(packed.finish().unwrap()), ROWS);
    assert_eq!(objects(compress_to_vec(plain.as_bytes(), CompressionLevel::Fastest)), ROWS);
}

#[test]
fn a_plain_number_keeps_its_digits_and_what_may_be_an_id_is_text() {
    let row = |header: &str, row: &str| objects(format!("{header}\n{row}\n")).remove(0);
    for (field, value) in [
        ("19000.50", "19000.50"),
        ("-0.10", "-0.10"),
        ("123456789012345678901234567890.123", "123456789012345678901234567890.123"),
        ("\"7\"", "7"),
        ("00501", "\"00501\""),
        ("+5", "\"+5\""),
        (".5", "\".5\""),
        ("5.", "\"5.\""),
        ("1e5", "\"1e5\""),
        ("1E+05", "\"1E+05\""),
        ("$7.18", "\"$7.18\""),
        ("NaN", "\"NaN\""),
        ("true", "true"),
        ("False", "false"),
        ("TRUE", "true"),
        ("yes", "\"yes\""),
        ("\"say \"\"hi\"\"\\\"", "\"say \\\"hi\\\"\\\\\""),
        ("\"a\nb\"", "\"a\\nb\""),
    ] {
        assert_eq!(row("x,y", &format!("{field},1")), format!("{{\"x\":{value},\"y\":1}}"));
    }
    for id in ["36", "1e5", "1.10", "true", "-0"] {
        let expected = format!("{{\"customer_id\":\"{id}\",\"merchant_id\":\"{id}\",\"x\":1}}");
        assert_eq!(row("customer_id,merchant_id,x", &format!("{id},{id},1")), expected);
    }
    // An empty field has no value, and a column without a name cannot have one.
    assert_eq!(row(",a,b,c", "0,,\"\",1"), r#"{"c":1}"#);
    assert_eq!(row("a,b", ","), "{}");
    assert_eq!(row("\"say \"\"a\"\"\",b\u{e9}", "1,2"), "{\"say \\\"a\\\"\":1,\"b\u{e9}\":2}");
}

#[test]
fn a_row_that_does_not_fit_is_told_by_its_line_and_those_around_it_are_read() {
    let text = "a,b\n1,2\n3\n\"4\n\n\",5,6\n7,\"8\"9\n10,\"11\n12\"\n13,14\n15,\"16";
    let read = told(text);
    let rows: Vec<_> = read.iter().map(|(at, text, fault)| (at.as_str(), text.as_str(), *fault)).collect();
    let fields = |found| Some(Fault::Fields { found, expected: 2 });
    assert_eq!(
        rows,
        [
            ("line 2", r#"{"a":1,"b":2}"#, None),
            ("line 3", "3", fields(1)),
            ("line 4", "\"4\n\n\",5,6", fields(3)),
            ("line 7", "7,\"8\"9", Some(Fault::Quotes)),
            ("line 8", r#"{"a":10,"b":"11\n12"}"#, None),
            ("line 10", r#"{"a":13,"b":14}"#, None),
            ("line 11", "15,\"16", Some(Fault::Quotes)),
        ]
    );
    let open: Vec<bool> = entries(text).unwrap().iter().map(|entry| entry.is_open).collect();
    assert_eq!(open, [false, false, false, false, false, false, true]);
    assert_eq!(
        fields(1).unwrap().to_string(),
        "1 fields, but the header names 2 columns; a field that holds the separator is written in quotes"
    );
    let not_utf8 = entries(b"a,b\n\xff,2\n3,4\n").unwrap();
    assert_eq!((not_utf8[0].fault, not_utf8[1].fault), (Some(Fault::NotUtf8), None));
}

#[test]
fn a_quote_that_is_not_closed_costs_only_its_line() {
    let long = "1,2\n".repeat(5);
    let text = format!("a,b\n{long}3,\"4\n{long}");
    let read = told(&text);
    assert_eq!(read.iter().filter(|(.., fault)| fault.is_none()).count(), 10);
    assert_eq!(read[5], ("line 7".to_owned(), "3,\"4".to_owned(), Some(Fault::Quotes)));
    // The same if more follows than is looked at.
    let rows = 17;
    let much = format!("1,{}\n", "2".repeat(MAX_ENTRY_BYTES / 16)).repeat(rows);
    let input = Input::of_reader(io::Cursor::new(format!("a,b\n3,\"4\n1,2\n{much}")), "x").unwrap();
    let read: Vec<Option<Fault>> = input.map(|entry| entry.unwrap().fault).collect();
    assert_eq!((read[0], read.len()), (Some(Fault::Quotes), rows + 2));
    assert!(read[1..].iter().all(Option::is_none));
}

#[test]
fn a_row_larger_than_any_record_is_passed_over() {
    let huge = "x".repeat(MAX_ENTRY_BYTES + 1);
    let text = format!("a,b\n1,2\n{huge},2\n3,4\n");
    let read = Input::of_reader(io::Cursor::new(text), "x").and_then(all).unwrap();
    assert_eq!(read[1].fault, Some(Fault::TooLong(huge.len() as u64 + 2)));
    assert_eq!((&read[2].bytes[..], read[2].location.line), (&b"{\"a\":3,\"b\":4}"[..], 4));
}

#[test]
fn the_dialect_is_that_in_which_rows_have_as_many_fields_as_the_header() {
    // Decimal commas, and a separator within a name.
    assert_eq!(objects("time;amount\n1;2,50\n"), [r#"{"time":1,"amount":"2,50"}"#]);
    assert_eq!(objects("a|b,c\n1|2\n"), [r#"{"a":1,"b,c":2}"#]);
    // The first row may be the one that is wrong.
    let read = told("a,b\n1\n2,3\n");
    assert_eq!(read[0].2, Some(Fault::Fields { found: 1, expected: 2 }));
    assert_eq!(read[1].1, r#"{"a":2,"b":3}"#);
    // A header alone is a file without rows.
    assert!(Input::of_reader(io::Cursor::new("a,b\n"), "x").unwrap().is_empty().unwrap());
    // JSON behind a line of text is not CSV.
    assert_eq!(told("x,y\n{\"a\":1,\"b\":2}\n")[1].1, r#"{"a":1,"b":2}"#);
}

proptest! {
    #[test]
    fn rows_are_those_that_the_csv_crate_reads(
        rows in prop::collection::vec(prop::collection::vec(prop::sample::select(
            vec!["", "a", "7", "\"q\"", "\"a,b\"", "\"a\nb\"", "\"\"\"\"", " x ", "5\"", "\u{e9}"],
        ), 3), 0..8),
        line_break in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let text = format!("k1,k2,k3{line_break}{}", lines.join(line_break));
        let mut oracle = ::csv::ReaderBuilder::new().from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> = oracle
            .records()
            .map(|record| record.unwrap().iter().map(|field| field.to_owned()).collect())
            .collect();
        let read: Vec<Vec<String>> = objects(&text).iter().map(|object| {
            let object: serde_json::Value = serde_json::from_str(object).unwrap();
            let member = |name: &str| match &object[name] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ["k1", "k2", "k3"].map(member).to_vec()
        }).collect();
        let trimmed = |row: &Vec<String>| row.iter().map(|field| field.replace(" x ", "x")).collect::<Vec<_>>();
        prop_assert_eq!(read, expected.iter().map(trimmed).collect::<Vec<_>>());
    }

    #[test]
    fn no_row_is_lost_whatever_the_bytes(bytes in prop::collection::vec(
        prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b' '), Just(b'a'), any::<u8>()], 0..60,
    )) {
        // Behind a header and a row, so that it is CSV.
        let text = [b"a,b\n1,2\n", &bytes[..]].concat();
        let read = entries(&text).unwrap();
        // Of each row that is not an object all bytes are given; in the others there is a value for each field.
        let lines_of = |bytes: &[u8]| bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.iter().all(|byte| *byte == b' ')).count();
        let told: usize = read.iter().map(|entry| match entry.fault {
            Some(_) => lines_of(&entry.bytes),
            None => {
                let object: serde_json::Value = serde_json::from_slice(&entry.bytes).unwrap();
                let within = object.as_object().unwrap().values().filter_map(|value| value.as_str());
                1 + within.map(|text| text.matches(['\n', '\r']).count()).sum::<usize>()
            }
        }).sum();
        prop_assert!(told + 1 >= lines_of(&text), "{} of {}: {:?}", told, lines_of(&text), read);
    }
}
