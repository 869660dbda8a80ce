use std::time::Duration;

use fraud_core::merchant::LabelDelay;

use super::*;

mod aggregating;
mod connecting;

fn with<T>(variables: &[(&str, &str)], read: impl FnOnce(Environment<'_>) -> T) -> T {
    let lookup =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    read(Environment::new(&lookup))
}

#[test]
fn every_source_is_read_by_its_scheme() {
    let profiles = |value| with(&[("PROFILE_SOURCE", value)], ProfileSource::from_environment);
    assert_eq!(
        profiles("dynamodb:customer_profiles"),
        Ok(ProfileSource::DynamoDb { table: "customer_profiles".into() })
    );
    assert_eq!(profiles("file:a:b.json"), Ok(ProfileSource::File { path: "a:b.json".into() }));
    let policy = |value| with(&[("FRAUD_POLICY", value)], PolicySource::from_environment);
    assert_eq!(policy("builtin:default"), Ok(PolicySource::BuiltinDefault));
    assert_eq!(policy(""), Ok(PolicySource::BuiltinDefault));
    assert_eq!(
        policy("file:/opt/policies/night.toml"),
        Ok(PolicySource::File { path: "/opt/policies/night.toml".into() })
    );
    let store = [("FRAUD_POLICY", "store:card@1"), ("POLICY_STORE", "dynamodb:policies")];
    assert_eq!(
        with(&store, PolicySource::from_environment),
        Ok(PolicySource::Store { id: "card@1".into(), table: "policies".into() })
    );
    assert!(policy("store:").is_err());
    let shadow = |value| {
        let variables = [("SHADOW_POLICY", value), ("POLICY_STORE", "dynamodb:policies")];
        with(&variables, PolicySources::from_environment).map(|sources| sources.shadow)
    };
    assert_eq!((shadow(""), shadow("none:")), (Ok(None), Ok(None)));
    assert_eq!(shadow("builtin:default"), Ok(Some(PolicySource::BuiltinDefault)));
    let published = PolicySource::Store { id: "card@1".into(), table: "policies".into() };
    assert_eq!(shadow("store:card@1"), Ok(Some(published)));
    assert!(shadow("none:x").is_err() && shadow("store:").is_err() && shadow("card@1").is_err());
    let entities = |value| with(&[("ENTITY_SOURCE", value)], EntitySource::from_environment);
    assert_eq!(entities("dynamodb:entities"), Ok(EntitySource::DynamoDb { table: "entities".into() }));
    assert_eq!(entities("file:e.json"), Ok(EntitySource::File { path: "e.json".into() }));
    assert_eq!((entities(""), entities("none:")), (Ok(EntitySource::None), Ok(EntitySource::None)));
    assert!(entities("none:x").is_err() && entities("dynamodb:").is_err());
}

#[test]
fn a_missing_or_unknown_value_is_one_line_that_names_the_variable_and_what_it_accepts() {
    for (value, expected) in [
        (None, "PROFILE_SOURCE is not set; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`"),
        (
            Some(""),
            "PROFILE_SOURCE is not set; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`",
        ),
        (
            Some("redis:x"),
            "PROFILE_SOURCE is `redis:x`; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`",
        ),
        (
            Some("dynamodb:"),
            "PROFILE_SOURCE is `dynamodb:`; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`",
        ),
        (
            Some("profiles.json"),
            "PROFILE_SOURCE is `profiles.json`; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`",
        ),
    ] {
        let variables: Vec<_> = value.map(|value| ("PROFILE_SOURCE", value)).into_iter().collect();
        let error = with(&variables, ProfileSource::from_environment).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = with(&[("FRAUD_POLICY", "builtin:strict")], PolicySource::from_environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "FRAUD_POLICY is `builtin:strict`; it accepts `builtin:default`, `file:<path to TOML>` or `store:<id of a policy in \
         POLICY_STORE>`"
    );
    let error = with(&[("FRAUD_POLICY", "store:card@1")], PolicySource::from_environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "POLICY_STORE is not set; it accepts `dynamodb:<table>`, which a policy `store:<id>` needs"
    );
}

#[test]
fn a_schema_is_read_by_its_scheme_and_what_is_wrong_with_it_is_one_line() {
    let schema = |value| with(&[("TRANSACTION_SCHEMA", value)], SchemaSource::from_environment);
    assert_eq!(schema("builtin:default"), Ok(SchemaSource::BuiltinDefault));
    assert_eq!(schema(""), Ok(SchemaSource::BuiltinDefault));
    assert_eq!(schema("file:/opt/s.toml"), Ok(SchemaSource::File { path: "/opt/s.toml".into() }));
    assert!(SchemaSource::BuiltinDefault.load().unwrap().is_default());
    let missing = SchemaSource::of_path(Some("no/such.toml".into())).load().unwrap_err().to_string();
    assert!(missing.starts_with("TRANSACTION_SCHEMA: cannot read no/such.toml: "), "{missing}");
    let file = std::env::temp_dir().join(format!("fraud-aws-schema-{}.toml", std::process::id()));
    std::fs::write(&file, "name = \"s\"\nammount = \"/a\"\n\nip = \"ip\"\n").unwrap();
    let invalid = SchemaSource::of_path(Some(file.clone())).load().unwrap_err().to_string();
    std::fs::remove_file(&file).unwrap();
    assert!(invalid.contains(": schema line 2: ") && invalid.contains("; line 4: "), "{invalid}");
    assert!(!invalid.contains('\n'), "{invalid}");
}

#[test]
fn numbers_have_defaults_and_zero_hours_is_no_bound() {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    let bounds = with(&[], event_time_bounds).unwrap();
    assert_eq!((bounds.max_age, bounds.max_ahead), (hours(168), hours(1)));
    let variables = [("EVENT_TIME_MAX_AGE_HOURS", "0"), ("EVENT_TIME_MAX_AHEAD_HOURS", "2")];
    let bounds = with(&variables, event_time_bounds).unwrap();
    assert_eq!((bounds.max_age, bounds.max_ahead), (None, hours(2)));
    for wrong in ["-1", "1.5", "soon", "99999999999"] {
        assert!(with(&[("EVENT_TIME_MAX_AGE_HOURS", wrong)], event_time_bounds).is_err(), "{wrong}");
    }
    let delay = |days| with(&[("LABEL_DELAY_DAYS", days)], label_delay).map(LabelDelay::days);
    assert_eq!((delay(""), delay("0"), delay("60")), (Ok(7), Ok(0), Ok(60)));
    for wrong in ["61", "256", "-1", "1.5", "week"] {
        assert!(delay(wrong).is_err(), "{wrong}");
    }
    let variables = [("PROFILE_CACHE_ENTRIES", "5"), ("PROFILE_CACHE_MEGABYTES", "2")];
    let cache = with(&variables, CacheSettings::from_environment).unwrap();
    let expected = CacheSettings { max_age: Duration::from_secs(60), max_entries: 5, max_bytes: 2 << 20 };
    assert_eq!(cache, expected);
    assert_eq!(with(&[], CacheSettings::from_environment).unwrap().max_bytes, 64 << 20);
}

#[test]
fn sinks_and_the_ledger_are_read_by_their_schemes_and_only_the_first_colon_splits() {
    let alerts = |value: &str| with(&[("ALERT_SINK", value)], AlertSinkTarget::from_environment);
    let topic_arn = "arn:aws:sns:us-east-1:123456789012:fraud-alerts";
    let sns = Ok(AlertSinkTarget::Sns { topic_arn: topic_arn.into() });
    assert_eq!(alerts(&format!("sns:{topic_arn}")), sns);
    assert_eq!(alerts("stdout:"), Ok(AlertSinkTarget::Stdout));
    let ledger = |value| with(&[("ALERT_LEDGER", value)], AlertLedgerTarget::from_environment);
    let retention = Duration::from_secs(400 * 24 * 60 * 60);
    let dynamodb = Ok(AlertLedgerTarget::DynamoDb { table: "alerts".into(), retention });
    assert_eq!(ledger("dynamodb:alerts"), dynamodb);
    assert_eq!(ledger("memory:"), Ok(AlertLedgerTarget::Memory));
    let letters = |value: &str| with(&[("DEAD_LETTERS", value)], DeadLettersTarget::from_environment);
    let queue_url = "http://127.0.0.1:9324/123456789012/dead-letters";
    let sqs = Ok(DeadLettersTarget::Sqs { queue_url: queue_url.into() });
    assert_eq!(letters(&format!("sqs:{queue_url}")), sqs);
    assert_eq!(letters("stdout:"), Ok(DeadLettersTarget::Stdout));

    for wrong in ["sns:", "sns:fraud-alerts", "stdout", "stdout:x", topic_arn] {
        let expected = format!("ALERT_SINK is `{wrong}`; it accepts `sns:<topic arn>` or `stdout:`");
        assert_eq!(alerts(wrong).unwrap_err().to_string(), expected);
    }
    for wrong in ["dynamodb:", "memory", "memory:x", "file:x"] {
        let expected = format!("ALERT_LEDGER is `{wrong}`; it accepts `dynamodb:<table>` or `memory:`");
        assert_eq!(ledger(wrong).unwrap_err().to_string(), expected);
    }
    for wrong in ["sqs:", "sqs:dead-letters", "stdout:x", queue_url] {
        let expected = format!("DEAD_LETTERS is `{wrong}`; it accepts `sqs:<queue url>` or `stdout:`");
        assert_eq!(letters(wrong).unwrap_err().to_string(), expected);
    }
    let missing = with(&[], DeadLettersTarget::from_environment).unwrap_err().to_string();
    assert_eq!(missing, "DEAD_LETTERS is not set; it accepts `sqs:<queue url>` or `stdout:`");
    let unalerted =
        |value: &str| with(&[("UNALERTED_LETTERS", value)], UnalertedLettersTarget::from_environment);
    assert_eq!(unalerted(&format!("sqs:{queue_url}")), sqs.map(UnalertedLettersTarget::Own));
    for shared in ["", "dead_letters:"] {
        assert_eq!(unalerted(shared), Ok(UnalertedLettersTarget::DeadLetters));
    }
    for wrong in ["sqs:", "dead_letters", "dead_letters:x", queue_url] {
        assert!(unalerted(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn how_long_alerts_are_remembered_is_a_number_of_days() {
    let ledger = |days: &str| {
        let variables = [("ALERT_LEDGER", "dynamodb:alerts"), ("ALERT_LEDGER_DAYS", days)];
        with(&variables, AlertLedgerTarget::from_environment)
    };
    let retention = Duration::from_secs(24 * 60 * 60);
    assert_eq!(ledger("1"), Ok(AlertLedgerTarget::DynamoDb { table: "alerts".into(), retention }));
    for wrong in ["0", "-1", "1.5", "soon", "99999999999"] {
        let expected =
            format!("ALERT_LEDGER_DAYS is `{wrong}`; it accepts a whole number of days, at least 1");
        assert_eq!(ledger(wrong).unwrap_err().to_string(), expected);
    }
}

/// A value that a variable of the form `scheme:rest` accepts, for each of its schemes.
const ACCEPTED: &[(&str, &[&str])] = &[
    ("PROFILE_SOURCE", &["dynamodb:profiles", "file:profiles.json"]),
    ("FRAUD_POLICY", &["builtin:default", "file:policy.toml", "store:card@1"]),
    ("SHADOW_POLICY", &["builtin:default", "file:policy.toml", "store:card@1", "none:"]),
    ("TRANSACTION_SCHEMA", &["builtin:default", "file:schema.toml"]),
    ("ALERT_SINK", &["sns:arn:aws:sns:us-east-1:123456789012:alerts", "stdout:"]),
    ("ALERT_LEDGER", &["dynamodb:ledger", "memory:"]),
    ("DEAD_LETTERS", &["sqs:https://sqs.us-east-1.amazonaws.com/123456789012/letters", "stdout:"]),
    (
        "UNALERTED_LETTERS",
        &["sqs:https://sqs.us-east-1.amazonaws.com/123456789012/unalerted", "stdout:", "dead_letters:"],
    ),
    ("ENTITY_SOURCE", &["dynamodb:entities", "file:entities.json", "none:"]),
    ("POLICY_STORE", &["dynamodb:policies", "none:"]),
    ("AGGREGATES", &["dynamodb:aggregates", "memory:"]),
    ("AGGREGATE_SINK", &["kinesis:totals", "stdout:", "none:"]),
];

/// What reads variables, and which it says that it reads.
type Reader = (fn(Environment<'_>) -> Result<(), ConfigError>, &'static [Variable]);

const READERS: &[Reader] = &[
    (|environment| ProfileSource::from_environment(environment).map(drop), ProfileSource::VARIABLES),
    (|environment| EntitySource::from_environment(environment).map(drop), EntitySource::VARIABLES),
    (|environment| PolicySource::from_environment(environment).map(drop), PolicySource::VARIABLES),
    (|environment| PolicySources::from_environment(environment).map(drop), PolicySources::VARIABLES),
    (|environment| SchemaSource::from_environment(environment).map(drop), SchemaSource::VARIABLES),
    (|environment| CacheSettings::from_environment(environment).map(drop), CacheSettings::VARIABLES),
    (|environment| event_time_bounds(environment).map(drop), EVENT_TIME_BOUNDS),
    (|environment| label_delay(environment).map(drop), LABEL_DELAY),
    (|environment| window_rule(environment).map(drop), WINDOW_RULE),
    (|environment| AlertSinkTarget::from_environment(environment).map(drop), AlertSinkTarget::VARIABLES),
    (|environment| AlertLedgerTarget::from_environment(environment).map(drop), AlertLedgerTarget::VARIABLES),
    (|environment| DeadLettersTarget::from_environment(environment).map(drop), DeadLettersTarget::VARIABLES),
    (
        |environment| UnalertedLettersTarget::from_environment(environment).map(drop),
        UnalertedLettersTarget::VARIABLES,
    ),
    (|environment| AggregatesTarget::from_environment(environment).map(drop), AggregatesTarget::VARIABLES),
    (
        |environment| AggregateSinkTarget::from_environment(environment).map(drop),
        AggregateSinkTarget::VARIABLES,
    ),
];

#[test]
fn every_variable_is_read_accepts_its_default_and_each_of_its_schemes_and_no_other() {
    let accepted = |name: &str| ACCEPTED.iter().find(|(known, _)| *known == name).map(|(_, values)| *values);
    for (read, variables) in READERS {
        // Required variables must be set for the others to be read.
        let required =
            |name: &str| accepted(name).and_then(|values| values.first()).map(|value| (*value).to_owned());
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let lookup = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            required(name)
        };
        assert_eq!(read(Environment::new(&lookup)), Ok(()));
        assert_eq!(asked.into_inner(), variables.iter().map(|variable| variable.name.to_owned()).collect());

        for variable in *variables {
            let set = |value: &str| {
                let lookup = |name: &str| {
                    if name == variable.name { Some(value.to_owned()) } else { required(name) }
                };
                read(Environment::new(&lookup))
            };
            let default = variable.default.map(set);
            assert!(matches!(default, None | Some(Ok(()))), "{variable:?}");
            let values = accepted(variable.name).unwrap_or_default();
            let schemes: Vec<_> = values.iter().filter_map(|value| Some(value.split_once(':')?.0)).collect();
            assert_eq!(schemes, variable.schemes, "{variable:?}");
            for value in values {
                assert_eq!(set(value), Ok(()), "{variable:?}");
            }
            if !values.is_empty() {
                assert!(set("other:x").is_err(), "{variable:?}");
            }
        }
    }
}
