use super::*;

/// The rows of a file that has no other, as text.
fn rows(text: &str) -> Vec<String> {
    let read = read(text.as_bytes()).unwrap();
    assert_eq!(read.bad, [], "{text}");
    let attribute = |(name, value): (&String, &Value)| match value {
        Value::Number(digits) => format!(" {name}={digits}"),
        other => format!(" {name}={other:?}"),
    };
    let row = |row: &Row| row.entity.clone() + &row.attributes.iter().map(attribute).collect::<String>();
    read.rows.iter().map(|(_, of)| row(of)).collect()
}

#[test]
fn every_form_gives_the_same_rows_with_their_digits() {
    let expected = ["merchant/M1 list_trusted=0 risk=0.90", "card/42 list_trusted=1705287600"];
    for text in [
        "entity,risk,list_trusted\nmerchant/M1,0.90,0\ncard/42,,1705287600\n",
        "kind;id;risk;list_trusted\nmerchant;M1;0,90;0\ncard;42;;1705287600\n",
        "{\"entity\":\"merchant/M1\",\"risk\":0.90,\"list_trusted\":0}\n{\"kind\":\"card\",\"id\":42,\"list_trusted\":\"1705287600\"}\n",
        r#"[{"kind":"merchant","id":"M1","risk":"0.90","list_trusted":0},{"entity":"card/42","risk":null,"list_trusted":1705287600}]"#,
        r#"{"merchant/M1":{"risk":0.90,"list_trusted":0},"card/42":{"list_trusted":1705287600}}"#,
        r#"{"Items":[{"entity":{"S":"merchant/M1"},"risk":{"N":"0.90"},"list_trusted":{"N":"0"},"changed_by":{"S":"ana"}},{"entity":{"S":"card/42"},"list_trusted":{"N":"1705287600"}}]}"#,
    ] {
        let read = rows(text);
        assert_eq!(
            read.iter().map(|row| row.replace("0,90", "0.90")).collect::<Vec<_>>(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn a_row_that_names_no_entity_is_told_with_its_place_and_what_to_write() {
    for (text, expected) in [
        (
            "entity\nM1\n",
            "line 2: `entity` is `M1`: write it as merchant/M0976; kinds are customer, merchant, device, card, ip",
        ),
        (
            "kind,id\nshop,M1\n",
            "line 2: `kind` is `shop`: write it as merchant/M0976; kinds are customer, merchant, device, card, ip",
        ),
        ("kind,id\nmerchant,\n", "line 2: it names no entity: neither `entity` nor `kind` and `id`"),
        (
            "kind,id\ncard,4.99E+18\n",
            "line 2: `id` is a number as 4.99E+18: a spreadsheet has rounded it; format the column as text and export it anew",
        ),
        (r#"{"merchant/M1": 7}"#, "member 1: it is not an object"),
        (r#"[{"risk":1}]"#, "element 1: it names no entity: neither `entity` nor `kind` and `id`"),
        (r#"[{"entity":["card/1"]}]"#, "element 1: `entity` is not text"),
    ] {
        let bad: Vec<String> = read(text.as_bytes()).unwrap().bad.iter().map(ToString::to_string).collect();
        assert_eq!(bad, [expected], "{text}");
    }
}

#[test]
fn what_the_functions_could_not_use_is_a_problem() {
    for (text, expected) in [
        ("entity,risk\ncard/1,95\n", "`risk` is not a number from 0 to 1; a percentage is written as 0.95"),
        (
            "entity,list_trusted\ncard/1,yes\n",
            "`list_trusted` is not the second since the epoch at which the entity leaves the list, 0 for never",
        ),
        (
            r#"{"card/1":{"risk":0.10000000000000000000000000000000000001}}"#,
            "`risk` has more than the 38 digits that DynamoDB holds",
        ),
        (
            r#"{"card/1":{"list_VIP":0}}"#,
            "`VIP` is not a list's name: lower-case letters, digits and _, 1 to 64 of them",
        ),
    ] {
        let read = read(text.as_bytes()).unwrap();
        let problems: Vec<_> = read.rows.iter().filter_map(|(_, row)| row.problem()).collect();
        assert_eq!(problems, [expected], "{text}");
    }
}

#[test]
fn a_file_of_no_form_is_refused_with_what_is_accepted_and_what_is_left_out_is_told() {
    for text in ["", "risk\n1\n", "{\"card/1\": {}"] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.ends_with(ACCEPTED), "{error}");
    }
    assert!(read(b"entity,risk,risk\n").unwrap_err().to_string().contains("twice"));
    let left_out = read(b"entity,risk,note,changed_at\ncard/1,1,x,y\n").unwrap().left_out;
    assert_eq!(left_out.into_iter().collect::<Vec<_>>(), ["note"]);
}
