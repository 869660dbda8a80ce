use super::*;

fn good(id: &str, segment: &str, value: &str, risk: &str) -> Row {
    let number = |digits: &str| Value::of_text(digits.to_owned());
    Row {
        customer_id: id.to_owned(),
        segment: Value::of_words(segment.to_owned()),
        lifetime_value: number(value),
        risk_score: number(risk),
        others: Vec::new(),
    }
}

/// The rows of a file that has no other.
fn rows(bytes: impl AsRef<[u8]>) -> Vec<Row> {
    let read = read(bytes.as_ref()).unwrap();
    assert_eq!(read.bad, []);
    read.rows.into_iter().map(|(_, row)| row).collect()
}

/// What is wrong with a file's rows, those that can be read and are of no use included.
fn problems(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let read = read(bytes.as_ref()).unwrap();
    let bad = read.bad.into_iter().map(|BadRow { place, message }| (place, message));
    let problems = read.rows.into_iter().filter_map(|(place, row)| Some((place, row.problem()?)));
    let mut all: Vec<_> = bad.chain(problems).collect();
    all.sort();
    all.into_iter().map(|(place, message)| format!("{place}: {message}")).collect()
}

#[test]
fn every_form_gives_the_same_rows_with_their_digits() {
    let expected = [good("C1", "gold", "12.50", "0.90"), good("42", "", "", "")];
    for text in [
        "customer_id,risk_score,segment,lifetime_value\nC1,0.90,gold,12.50\n42,,,\n",
        "Customer_ID, Risk_Score ,SEGMENT,lifetime_value\r\n\"C1\",0.90,gold,12.50\r\n42,,,",
        "\u{feff}customer_id;risk_score;segment;lifetime_value\nC1;0.90;gold;12.50\n42;;;\n",
        "customer_id\trisk_score\tsegment\tlifetime_value\nC1\t0.90\tgold\t12.50\n42\t\t\t\n",
        "{\"customer_id\":\"C1\",\"segment\":\"gold\",\"lifetime_value\":12.50,\"risk_score\":0.90}\r\n\n{\"customer_id\":42,\"segment\":null}",
        "{\"customer_id\":\"C1\",\"segment\":\"gold\",\"lifetime_value\":\"12.50\",\"risk_score\":\"0.90\"}\n{\"customer_id\":\"42\",\"segment\":\"\"}",
        r#"[{"customer_id":"C1","segment":"gold","lifetime_value":12.50,"risk_score":0.90},{"customer_id":42}]"#,
        "{\n\"customer_id\":\"C1\",\"segment\":\"gold\",\n\"lifetime_value\":12.50,\"risk_score\":0.90}\n{\"customer_id\":42}",
        r#" {"C1": {"segment": "gold", "lifetime_value": 12.50, "risk_score": 0.90}, "42": {}}"#,
        "{\"Item\":{\"customer_id\":{\"S\":\"C1\"},\"segment\":{\"S\":\"gold\"},\"lifetime_value\":{\"N\":\"12.50\"},\"risk_score\":{\"N\":\"0.90\"}}}\n\
         {\"Item\":{\"customer_id\":{\"S\":\"42\"},\"segment\":{\"NULL\":true}}}\n",
        r#"{"Count":2,"Items":[{"customer_id":{"S":"C1"},"segment":{"S":"gold"},"lifetime_value":{"N":"12.50"},"risk_score":{"N":"0.90"}},{"customer_id":{"N":"42"}}]}"#,
    ] {
        assert_eq!(rows(text), expected, "{text}");
    }
}

#[test]
fn one_row_is_a_file_in_every_form() {
    let expected = [good("C1", "", "", "0.9")];
    for text in [
        "customer_id,risk_score\nC1,0.9\n",
        r#"{"customer_id":"C1","risk_score":0.9}"#,
        r#"{"C1":{"risk_score":0.9}}"#,
        r#"[{"customer_id":"C1","risk_score":0.9}]"#,
        r#"{"Item":{"customer_id":{"S":"C1"},"risk_score":{"N":"0.9"}}}"#,
    ] {
        assert_eq!(rows(text), expected, "{text}");
    }
    // A customer may be called what a row's member is called.
    assert_eq!(rows(r#"{"customer_id":{"risk_score":0.9}}"#)[0].customer_id, "customer_id");
    assert_eq!(rows("{}"), []);
    assert_eq!(rows("customer_id,risk_score\n"), []);
}

#[test]
fn a_comma_is_the_decimal_point_where_it_separates_nothing_and_the_numbers_have_no_point() {
    assert_eq!(
        rows("customer_id;segment;lifetime_value;risk_score\nC1;gold;100,50;0,95\nC2;;1,234;1\n"),
        [good("C1", "gold", "100.50", "0.95"), good("C2", "", "1.234", "1")]
    );
    assert_eq!(
        problems("customer_id;lifetime_value;risk_score\nC1;1,234.5;0.5\nC2;1,234;0.5\n"),
        [
            "line 2: `lifetime_value` is not a number: `1,234.5`; write it as 1234.5, without separators, signs or units",
            "line 3: `lifetime_value` is not a number: `1,234`; write it as 1234.5, without separators, signs or units",
        ]
    );
}

#[test]
fn bad_rows_are_told_by_line_with_what_to_do_and_the_others_stay() {
    let csv = "customer_id,risk_score\nC1,1.5\n,0.5\nC3,high\nC4\nC5,0.5\nC6,95%\nC7,.5\nC8,+5\nC9,NaN\n4.99E+18,0.1\n";
    assert_eq!(
        problems(csv),
        [
            "line 2: `risk_score` is not between 0 and 1: 1.5; a percentage is written as 0.95",
            "line 3: `customer_id` is missing",
            "line 4: `risk_score` is not a number: `high`; write it as 1234.5, without separators, signs or units",
            "line 5: 1 fields, but the first line has 2; a field that holds the separator is written in quotes",
            "line 7: `risk_score` is not a number: `95%`; write it as 1234.5, without separators, signs or units",
            "line 8: `risk_score` is not a number: `.5`; write it as 1234.5, without separators, signs or units",
            "line 9: `risk_score` is not a number: `+5`; write it as 1234.5, without separators, signs or units",
            "line 10: `risk_score` is not a number: `NaN`; write it as 1234.5, without separators, signs or units",
            "line 11: `customer_id` is a number as 4.99E+18: a spreadsheet has rounded it; format the column as text and export it anew",
        ]
    );
    let latin_1 = b"customer_id,segment\nC1,Jos\xe9\nC2,ok\n";
    assert_eq!(
        problems(latin_1),
        ["line 2: not UTF-8: save the file as UTF-8 (iconv -f ISO-8859-1 -t UTF-8, if that is what it is)"]
    );
    let ndjson = "{\"customer_id\":\"C1\",\"risk_score\":[]}\n[]\n{\"customer_id\":\n{\"customer_id\":\"C4\",\"risk\":1}\n{\"customer_id\":\"C5\"}\n{\"customer_id\":1.5}\n{\"customer_id\":\"C7\",\"segment\":7}";
    assert_eq!(
        problems(ndjson),
        [
            "line 1: `risk_score` is neither a number nor text",
            "line 2: it is not an object",
            "line 3: not JSON from byte 16 on",
            "line 4: there is `risk` and no `risk_score`: if it is the risk rename it, else delete it or add `risk_score`",
            "line 6: `customer_id` is neither text nor a whole number",
            "line 7: `segment` is not text: write it in quotes",
        ]
    );
    assert_eq!(problems(r#"[{"customer_id":"C1"},7]"#), ["element 2: it is not an object"]);
    assert_eq!(problems(r#"{"C1":{},"C2":7}"#), ["member 2: it is not an object"]);
}

#[test]
fn a_row_is_held_to_what_functions_and_table_can_hold() {
    let long = "x".repeat(257);
    let row = |member: &str| problems(format!("{{\"customer_id\":\"C1\",{member}}}"));
    assert_eq!(row(&format!("\"segment\":\"{long}\"")), ["line 1: `segment` has more than 256 characters"]);
    assert_eq!(row(&format!("\"segment\":\"{}\"", &long[1..])), [] as [&str; 0]);
    let digits = "1".repeat(39);
    let told = format!("line 1: `lifetime_value` has more than the 38 digits that DynamoDB holds: {digits}");
    assert_eq!(row(&format!("\"lifetime_value\":{digits}")), [told]);
    assert_eq!(
        problems(format!("customer_id\n{long}\n")),
        ["line 2: `customer_id` has more than 256 characters"]
    );
}

#[test]
fn what_is_no_attribute_is_left_out_and_named_where_the_risk_is_there() {
    let read = read(b"customer_id,name,risk_score\nC1,Ann,0.95\n").unwrap();
    assert_eq!(read.left_out, BTreeSet::from(["name".to_owned()]));
    assert_eq!(read.rows[0].1, good("C1", "", "", "0.95"));
    let read = super::read(b"{\"customer_id\":\"C1\",\"name\":\"Ann\",\"risk_score\":0.95}").unwrap();
    assert_eq!(read.left_out, BTreeSet::from(["name".to_owned()]));
    assert_eq!(read.rows[0].1.problem(), None);
}

#[test]
fn a_file_of_no_form_is_refused_as_a_whole_with_what_is_accepted() {
    for (bytes, message) in [
        (&b""[..], "it is empty; accepted are CSV"),
        (b" \n", "it is empty; accepted are CSV"),
        (b"\x1f\x8b\x08", "it is packed with gzip: unpack it first"),
        (b"c\0u\0s\0", "it is not UTF-8 text: save it as CSV or JSON in UTF-8"),
        (b"\xff\xfec\0u\0", "it is not UTF-8 text"),
        (b"segment\ngold\n", "its first line names no column `customer_id`; accepted are CSV"),
        (
            b"customer_id,riks\nC1,1\n",
            "its first line has a column `riks` and none for `risk_score`: if it is the",
        ),
        (
            b"customer_id,risk_score,Risk_Score\nC1,1,0\n",
            "its first line names the column `risk_score` twice",
        ),
        (b"{\"C1\": {}", "it is not JSON from line 1, byte 10 on; accepted are CSV"),
        (b"{\n\"C1\": {},\n\"C2\": x}", "it is not JSON from line 3, byte 7 on; accepted are CSV"),
        (b"[{}, x]", "it is not JSON from line 1, byte 6 on"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}
