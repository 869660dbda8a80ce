use super::*;

const FULL: &str = r#"
name = "sns"
transaction_id = "/Message#/transaction_id"
customer_id = { at = "/Message#/customer_id" }
amount = { at = "/Message#/amount", text = true, decimal = "," }
event_time = { at = ["/day", "/time"], form = "%d/%m/%Y %H:%M", zone = "Europe/Berlin" }
currency = "/Message#/currency"
merchant = "/Message#/shop"
device = "/d"
card = "/c"
ip = "/i"
[fields]
channel = "/Message#/channel"
card_age = { at = "/x", text = true }
"#;

/// The lines and texts of what is wrong.
fn mistakes(toml: &str) -> Vec<(usize, String)> {
    let errors = Schema::parse(toml).expect_err(toml);
    errors.mistakes().iter().map(|mistake| (mistake.line, mistake.problem.to_string())).collect()
}

/// What is wrong with a schema of one mapping that is good and this text behind it.
fn wrong(text: &str) -> (usize, String) {
    let mut mistakes = mistakes(&format!("name = \"s\"\ncustomer_id = \"/c\"\n{text}\n"));
    assert_eq!(mistakes.len(), 1, "{text}: {mistakes:?}");
    mistakes.remove(0)
}

#[test]
fn a_schema_maps_its_names_in_the_order_of_scored_records() {
    let schema = Schema::parse(FULL).unwrap();
    let names: Vec<_> = schema.names().collect();
    assert_eq!(
        names,
        [
            "transaction_id",
            "customer_id",
            "amount",
            "event_time",
            "currency",
            "merchant_id",
            "device_id",
            "card_id",
            "ip",
            "card_age",
            "channel"
        ]
    );
    assert!(!schema.is_default() && Schema::builtin_default().is_default());
}

#[test]
fn the_id_is_the_hash_of_what_is_read_and_not_of_the_text() {
    let toml = "name = \"s\"\nmerchant = \"/m\"\namount = { at = \"/a\", text = true }\n\
                event_time = { at = \"/t\", form = \"epoch_s\", zone = \"UTC\" }\n";
    let canonical = "name s\namount at \"/a\" text \"\"\nevent_time at \"/t\" form \"epoch_s\" zone \"UTC\"\n\
                     merchant_id at \"/m\"\n";
    let digest: String = Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).take(6).collect();
    let schema = Schema::parse(toml).unwrap();
    assert_eq!(schema.id(), format!("s@{digest}"));
    let respelt = "# the same\nevent_time = { zone = 'UTC', form = 'epoch_s', at = '/t' }\nname = 's'\n\
                   amount.at = '/a'\namount.text = true\nmerchant = { at = '/m' }\n";
    assert_eq!(Schema::parse(respelt).unwrap(), schema);
    for (from, to) in
        [("\"s\"", "\"t\""), ("/a", "/b"), ("true", "false"), ("epoch_s", "epoch_ms"), ("UTC", "+00:00")]
    {
        assert_ne!(Schema::parse(&toml.replace(from, to)).unwrap().id(), schema.id(), "{to}");
    }
}

#[test]
fn each_mistake_is_told_with_its_line_and_what_is_meant() {
    for (text, told) in [
        ("ammount = \"/a\"", "`ammount` is not known here; did you mean `amount`?"),
        ("merchant_id = \"/m\"", "`merchant_id` is not known here; did you mean `merchant`?"),
        ("amount = { at = \"/a\", txt = true }", "`txt` is not known here; did you mean `text`?"),
        ("merchant = { at = \"/a\", text = true }", "`text` is not known here; known are `at`"),
        ("amount = 5", "`amount` takes a place, as in `\"/detail/id\"`, or a table with `at`"),
        ("amount = { text = true }", "`amount` needs `at`, the place of its value"),
        ("amount = { at = [\"/a\", \"/b\"] }", "`amount.at` takes one place, a text"),
        ("event_time = { at = [] }", "`event_time.at` takes a place or several, each a text"),
        (
            "event_time = { at = [\"/a\", 1], form = \"%F %T\", zone = \"UTC\" }",
            "`at` takes places, each a text",
        ),
        ("amount = \"amount\"", "`amount` is not a place: a place begins with `/`, as in `/detail/amount`"),
        ("amount = { at = \"/a\", text = 1 }", "`text` takes `true` or `false`"),
        ("amount = { at = \"/a\", text = true, decimal = \";\" }", "`decimal` takes `\".\"` or `\",\"`"),
        (
            "amount = { at = \"/a\", decimal = \",\" }",
            "`decimal` says how text is read; it needs `text = true`",
        ),
        (
            "event_time = { at = \"/t\", form = \"epoch\" }",
            "the form `epoch` is not known; did you mean `epoch_s`?, or a pattern such as `%d/%m/%Y %H:%M`",
        ),
        (
            "event_time = { at = \"/t\", form = \"%d/%m/%Y %H:%M\" }",
            "times of the form `%d/%m/%Y %H:%M` have no offset: name their `zone`, as in `zone = \"Europe/Berlin\"`",
        ),
        (
            "event_time = { at = \"/t\", form = \"%d/%m/%Y\", zone = \"UTC\" }",
            "the pattern `%d/%m/%Y`: it must tell the hour, 12-hour clocks with %p",
        ),
        (
            "event_time = { at = \"/t\", form = \"%F %T %z\", zone = \"UTC\" }",
            "`zone` has no use here: the pattern has an offset",
        ),
        (
            "event_time = { at = \"/t\", zone = \"UTC\" }",
            "`zone` has no use here: name a `form`, such as `rfc3339`",
        ),
        (
            "event_time = { at = \"/t\", form = \"rfc3339\", zone = \"Europe/Berln\" }",
            "the zone `Europe/Berln` is not known; did you mean `Europe/Berlin`?; it is `UTC`, an offset such as `+01:00`, or a name of the IANA database",
        ),
        (
            "event_time = { at = \"/t\", form = \"hours\" }",
            "times of the form `hours` need `since`, the start, as in `since = \"2026-01-01T00:00:00Z\"`",
        ),
        (
            "event_time = { at = \"/t\", form = \"hours\", since = \"2026-01-01T00:00:00\" }",
            "`since` is `2026-01-01T00:00:00`; it takes a time with an offset, as in `2026-01-01T00:00:00Z`",
        ),
        ("event_time = { at = \"/t\", form = \"hours\", since = 5 }", "`since` takes a text"),
        (
            "event_time = { at = \"/t\", form = \"days\", since = \"2026-01-01T00:00Z\", zone = \"UTC\" }",
            "`zone` has no use here: `since` has an offset",
        ),
        (
            "event_time = { at = \"/t\", form = \"epoch_s\", since = \"2026-01-01T00:00Z\" }",
            "`since` has no use here: it is for the forms `seconds`, `minutes`, `hours` and `days`",
        ),
        (
            "event_time = { at = [\"/d\", \"/t\"], form = \"rfc3339\" }",
            "a time of several members needs a pattern as its `form`, such as `%Y %m %d %H:%M`",
        ),
        ("fields = 5", "`fields` takes a table of names and places"),
    ] {
        assert_eq!(wrong(text), (3, told.to_owned()), "{text}");
    }
    for (text, told) in [
        ("\"a b\" = \"/a\"", "name `a b`: 1 to 64 letters, digits, `.`, `_` or `-`"),
        ("Fraud_Score = \"/a\"", "`Fraud_Score` is a name that scored records use; take another"),
        (
            "merchant_id = \"/a\"",
            "`merchant_id` has a key of its own: write `merchant = ..` above `[fields]`",
        ),
        ("Amount = \"/a\"", "`Amount` has a key of its own: write `amount = ..` above `[fields]`"),
        ("channel = \"a\"", "`a` is not a place: a place begins with `/`, as in `/detail/amount`"),
    ] {
        assert_eq!(wrong(&format!("[fields]\n{text}")), (4, told.to_owned()), "{text}");
    }
    let twice = "`channel` is mapped twice: `Channel` is the same name to the lake";
    assert_eq!(wrong("[fields]\nChannel = \"/a\"\nchannel = \"/b\""), (5, twice.to_owned()));
    let (line, told) = wrong("amount = \"/a\"\namount = \"/b\"");
    assert!(line == 4 && told.contains("duplicate key"), "{line} {told}");
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let toml = "amount = \"a\"\nevent_tme = \"/t\"\nname = \"a b\"\n[fields]\nenrichment = \"/e\"\n";
    let lines: Vec<usize> = mistakes(toml).iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 2, 3, 5]);
    let error = Schema::parse(toml).unwrap_err().to_string();
    assert!(error.starts_with("schema line 1: `a` is not a place: "), "{error}");
    assert!(error.contains("; line 5: `enrichment` is a name") && !error.contains('\n'), "{error}");
}

#[test]
fn mistakes_stay_on_one_line_whatever_they_quote() {
    let error = Schema::parse("name = \"s\"\n\"a\\nb\" = \"/a\"\nip = \"i\\rp\"\n").unwrap_err().to_string();
    assert!(error.contains("`a b`") && error.contains("`i p`") && !error.contains(['\n', '\r']), "{error}");
}

#[test]
fn a_schema_has_a_name_and_maps_something() {
    let told = |toml| mistakes(toml).into_iter().map(|(_, told)| told).collect::<Vec<_>>();
    let nothing = "the schema maps nothing; name a place, as in `amount = \"/detail/amount\"`";
    let no_name = "a schema has a `name`: 1 to 64 letters, digits, `.`, `_` or `-`";
    assert_eq!(told(""), [no_name, nothing]);
    assert_eq!(told("name = \"s\""), [nothing]);
    assert_eq!(told("name = \"s\"\n[fields]\n"), [nothing]);
    assert_eq!(told("amount = \"/a\""), [no_name]);
    assert_eq!(told("name = 5\namount = \"/a\""), ["`name` takes a text"]);
    let syntax = mistakes("name = \"s\"\n\namount = = 1\n");
    assert_eq!(syntax[0].0, 3, "{syntax:?}");
}

#[test]
fn two_names_may_have_one_place() {
    let schema = Schema::parse("name = \"s\"\ncustomer_id = \"/card\"\ncard = \"/card\"\n").unwrap();
    assert_eq!(schema.names().collect::<Vec<_>>(), ["customer_id", "card_id"]);
}

#[test]
fn a_start_is_part_of_the_id() {
    let id = |since: &str, form: &str| {
        let toml =
            format!("name = \"s\"\nevent_time = {{ at = \"/t\", form = \"{form}\", since = \"{since}\" }}\n");
        Schema::parse(&toml).unwrap().id().to_owned()
    };
    let one = id("2026-01-01T00:00:00Z", "hours");
    assert_ne!(one, id("2026-01-02T00:00:00Z", "hours"));
    assert_ne!(one, id("2026-01-01T00:00:00Z", "days"));
}

#[test]
fn names_and_places_make_the_schema_that_a_file_makes() {
    let pairs = [
        ("amount", "/amt"),
        ("merchant", "/m"),
        ("card_id", "/c"),
        ("event_time", "/t"),
        ("channel", "/x#/y"),
    ];
    let toml = "name = \"map\"\namount = { at = \"/amt\", text = true }\nmerchant = \"/m\"\ncard = \"/c\"\n\
                event_time = \"/t\"\n[fields]\nchannel = \"/x#/y\"\n";
    let schema = Schema::of_pairs("map", pairs).unwrap();
    assert_eq!(schema, Schema::parse(toml).unwrap());
    let members: Vec<_> = schema.members().collect();
    assert_eq!(
        members,
        [("amount", "amt"), ("event_time", "t"), ("merchant_id", "m"), ("card_id", "c"), ("channel", "x")]
    );
    let told = |pairs: &[(&str, &str)]| -> Vec<String> {
        let problems = Schema::of_pairs("map", pairs.iter().copied()).unwrap_err();
        problems.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told(&[
            ("a b", "/a"),
            ("fraud_score", "/b"),
            ("Amount", "/c"),
            ("ip", "c"),
            ("x", "/d"),
            ("X", "/e")
        ]),
        [
            "name `a b`: 1 to 64 letters, digits, `.`, `_` or `-`",
            "`fraud_score` is a name that scored records use; take another",
            "`Amount` has a key of its own: write `amount = ..` above `[fields]`",
            "`c` is not a place: a place begins with `/`, as in `/detail/amount`",
            "`X` is mapped twice: `x` is the same name to the lake",
        ]
    );
    assert_eq!(told(&[]).len(), 1);
    assert_eq!(told(&[("merchant", "/a"), ("merchant_id", "/b")]).len(), 1);
}
