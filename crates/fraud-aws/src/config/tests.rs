use super::*;
use std::time::Duration;

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
}

#[test]
fn a_missing_or_unknown_value_is_one_line_that_names_the_variable_and_what_it_accepts() {
    for (value, expected) in [
        (None, "PROFILE_SOURCE is not set; it accepts `dynamodb:<table>` or `file:<path to JSON>`"),
        (Some(""), "PROFILE_SOURCE is not set; it accepts `dynamodb:<table>` or `file:<path to JSON>`"),
        (
            Some("redis:x"),
            "PROFILE_SOURCE is `redis:x`; it accepts `dynamodb:<table>` or `file:<path to JSON>`",
        ),
        (
            Some("dynamodb:"),
            "PROFILE_SOURCE is `dynamodb:`; it accepts `dynamodb:<table>` or `file:<path to JSON>`",
        ),
        (
            Some("profiles.json"),
            "PROFILE_SOURCE is `profiles.json`; it accepts `dynamodb:<table>` or `file:<path to JSON>`",
        ),
    ] {
        let variables: Vec<_> = value.map(|value| ("PROFILE_SOURCE", value)).into_iter().collect();
        let error = with(&variables, ProfileSource::from_environment).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = with(&[("FRAUD_POLICY", "builtin:strict")], PolicySource::from_environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "FRAUD_POLICY is `builtin:strict`; it accepts `builtin:default` or `file:<path to TOML>`"
    );
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
    let cache = with(&[("PROFILE_CACHE_ENTRIES", "5")], CacheSettings::from_environment).unwrap();
    assert_eq!((cache.max_age, cache.max_entries), (Duration::from_secs(60), 5));
}

#[test]
fn a_policy_file_that_cannot_be_used_is_told_with_path_and_line() {
    let missing = PolicySource::File { path: "no/such.toml".into() }.load().unwrap_err();
    assert!(missing.to_string().starts_with("FRAUD_POLICY: cannot read no/such.toml: "), "{missing}");
    let file = std::env::temp_dir().join(format!("fraud-aws-policy-{}.toml", std::process::id()));
    std::fs::write(&file, "name = \"p\"\ncap = -1\n").unwrap();
    let invalid = PolicySource::File { path: file.clone() }.load().unwrap_err();
    std::fs::remove_file(&file).unwrap();
    assert!(invalid.to_string().contains("policy line "), "{invalid}");
    assert!(PolicySource::BuiltinDefault.load().is_ok());
}
