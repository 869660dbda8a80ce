use super::*;
use exact_text::json::Scanner;
use proptest::prelude::*;

fn zone(name: &str) -> Option<Zone> {
    Some(Zone::parse(name).unwrap())
}

fn pattern(pattern: &str, zone_name: &str) -> TimeForm {
    TimeForm::Pattern(pattern.to_owned(), zone(zone_name))
}

fn elapsed(form: &str, since: &str) -> TimeForm {
    TimeForm::Elapsed(Elapsed::new(form, since).unwrap())
}

/// The instant in UTC, the hour, and the usual text of a time in this form.
fn read(form: &TimeForm, json: &str) -> Option<(String, Option<u8>, String)> {
    let read = form.read(Scanner::new(json, 1).value().unwrap())?;
    Some((read.time.instant.to_string(), read.time.hour, read.text.into_owned()))
}

#[test]
fn a_time_is_read_by_its_form_and_written_in_the_usual_one() {
    let berlin = "Europe/Berlin";
    for (form, json, instant, hour, usual) in [
        (
            TimeForm::Usual,
            "\"2026-01-15 01:03:14\"",
            "2026-01-15T01:03:14.000Z",
            Some(1),
            "2026-01-15 01:03:14",
        ),
        (TimeForm::EpochSeconds(None), "1768438994", "2026-01-15T01:03:14.000Z", None, "1768438994"),
        (
            TimeForm::EpochSeconds(None),
            "\"1768438994.5019\"",
            "2026-01-15T01:03:14.501Z",
            None,
            "1768438994.5019",
        ),
        (
            TimeForm::EpochSeconds(zone(berlin)),
            "1768438994",
            "2026-01-15T01:03:14.000Z",
            Some(2),
            "2026-01-15T02:03:14+01:00",
        ),
        (TimeForm::EpochMillis(None), "1768438994123", "2026-01-15T01:03:14.123Z", None, "1768438994123"),
        (TimeForm::EpochMillis(None), "86400007", "1970-01-02T00:00:00.007Z", None, "86400.007"),
        (
            TimeForm::EpochMillis(zone("-05:30")),
            "1768438994123",
            "2026-01-15T01:03:14.123Z",
            Some(19),
            "2026-01-14T19:33:14.123-05:30",
        ),
        (
            elapsed("hours", "2026-01-15T00:00:00Z"),
            "25",
            "2026-01-16T01:00:00.000Z",
            Some(1),
            "2026-01-16T01:00:00+00:00",
        ),
        (
            elapsed("days", "2026-01-15 00:00+01:00"),
            "\"0.5\"",
            "2026-01-15T11:00:00.000Z",
            Some(12),
            "2026-01-15T12:00:00+01:00",
        ),
        (
            elapsed("minutes", "2026-01-15T00:00:00-05:00"),
            "1e1",
            "2026-01-15T05:10:00.000Z",
            Some(0),
            "2026-01-15T00:10:00-05:00",
        ),
        (
            elapsed("seconds", "2026-01-15T00:00:00Z"),
            "86400.0019",
            "2026-01-16T00:00:00.001Z",
            Some(0),
            "2026-01-16T00:00:00.001+00:00",
        ),
        (
            TimeForm::Rfc3339(None),
            "\"2026-01-15T01:03:14\"",
            "2026-01-15T01:03:14.000Z",
            Some(1),
            "2026-01-15T01:03:14",
        ),
        (
            TimeForm::Rfc3339(zone(berlin)),
            "\"2026-01-15T01:03:14\"",
            "2026-01-15T00:03:14.000Z",
            Some(1),
            "2026-01-15T01:03:14+01:00",
        ),
        (
            TimeForm::Rfc3339(zone(berlin)),
            "\"2026-07-15T01:03:14.5\"",
            "2026-07-14T23:03:14.500Z",
            Some(1),
            "2026-07-15T01:03:14.500+02:00",
        ),
        (
            TimeForm::Rfc3339(zone(berlin)),
            "\"2026-01-15T01:03:14Z\"",
            "2026-01-15T01:03:14.000Z",
            Some(1),
            "2026-01-15T01:03:14Z",
        ),
        (
            pattern("%d/%m/%Y %H:%M", berlin),
            "\"15/7/2026 01:03\"",
            "2026-07-14T23:03:00.000Z",
            Some(1),
            "2026-07-15T01:03:00+02:00",
        ),
        (
            pattern("%Y %m %d %H:%M", "America/New_York"),
            "\"2002 9 1 06:21\"",
            "2002-09-01T10:21:00.000Z",
            Some(6),
            "2002-09-01T06:21:00-04:00",
        ),
        (
            pattern("%b %d, %Y %I:%M:%S%p", "UTC"),
            "\"Apr 1, 2022 8:46:15pm\"",
            "2022-04-01T20:46:15.000Z",
            Some(20),
            "2022-04-01T20:46:15+00:00",
        ),
        (
            TimeForm::Pattern("%a, %d %b %Y %H:%M:%S %z".to_owned(), None),
            "\"Thu, 15 Jan 2026 01:03:14 +0100\"",
            "2026-01-15T00:03:14.000Z",
            Some(1),
            "2026-01-15T01:03:14+01:00",
        ),
        // Skipped and shown twice: the offset before the change counts.
        (
            TimeForm::Rfc3339(zone(berlin)),
            "\"2026-03-29T02:30:00\"",
            "2026-03-29T01:30:00.000Z",
            Some(2),
            "2026-03-29T02:30:00+01:00",
        ),
        (
            TimeForm::Rfc3339(zone(berlin)),
            "\"2026-10-25T02:30:00\"",
            "2026-10-25T00:30:00.000Z",
            Some(2),
            "2026-10-25T02:30:00+02:00",
        ),
        // Before 1893 Berlin was 53 minutes and 28 seconds ahead.
        (
            TimeForm::Rfc3339(zone(berlin)),
            "\"1890-01-01T00:53:00\"",
            "1890-01-01T00:00:00.000Z",
            Some(0),
            "1890-01-01T00:53:00+00:53",
        ),
    ] {
        let expected = (instant.to_owned(), hour, usual.to_owned());
        assert_eq!(read(&form, json), Some(expected), "{form:?} {json}");
    }
}

#[test]
fn what_a_form_does_not_fit_is_unreadable() {
    for (form, json) in [
        (TimeForm::EpochSeconds(None), "-1"),
        (TimeForm::EpochSeconds(None), "\"2026-01-15T01:03:14Z\""),
        (TimeForm::EpochSeconds(None), "1e300"),
        (TimeForm::EpochSeconds(None), "null"),
        (TimeForm::EpochMillis(None), "99999999999999999"),
        (TimeForm::EpochMillis(None), "253402300799999"),
        (TimeForm::EpochMillis(zone("+01:00")), "253402300799999"),
        (elapsed("hours", "2026-01-15T00:00:00Z"), "-1"),
        (elapsed("hours", "2026-01-15T00:00:00Z"), "\"1:30\""),
        (elapsed("hours", "2026-01-15T00:00:00Z"), "true"),
        (elapsed("days", "2026-01-15T00:00:00Z"), "1e9"),
        (elapsed("days", "2026-01-15T00:00:00Z"), "1e30"),
        (TimeForm::Rfc3339(None), "1768438994"),
        (TimeForm::Rfc3339(None), "\"1768438994\""),
        (TimeForm::Rfc3339(zone("+01:00")), "\"0001-01-01T00:30:00\""),
        (pattern("%d/%m/%Y %H:%M", "UTC"), "\"31/02/2026 01:03\""),
        (pattern("%d/%m/%Y %H:%M", "UTC"), "\"15/07/2026 01:03:04\""),
        (pattern("%d/%m/%Y %H:%M", "UTC"), "\"2026-07-15T01:03:04Z\""),
        (pattern("%d/%m/%Y %H:%M", "UTC"), "\"15/07/0000 01:03\""),
        (pattern("%d/%m/%Y %H:%M", "UTC"), "[]"),
    ] {
        assert_eq!(read(&form, json), None, "{form:?} {json}");
    }
}

#[test]
fn a_pattern_must_tell_day_and_hour() {
    for (pattern, expected) in [
        ("%d/%m/%Y %H:%M", Ok(false)),
        ("%Y-%j %k:%M", Ok(false)),
        ("%m/%d/%y %I:%M %p", Ok(false)),
        ("%F %T%.f", Ok(false)),
        ("%a, %d %b %Y %H:%M:%S %z", Ok(true)),
        ("%Y%m%d%H%M%S", Ok(false)),
        ("%d/%m/%Y", Err(PatternFault::Hour)),
        ("%d/%m/%Y %I:%M", Err(PatternFault::Hour)),
        ("%d/%m %H:%M", Err(PatternFault::Date)),
        ("%H:%M", Err(PatternFault::Date)),
        ("noon", Err(PatternFault::Date)),
        ("%d/%m/%Y %H:%M %Z", Err(PatternFault::Directive)),
        ("%d/%m/%Y %H:%M %é", Err(PatternFault::Directive)),
        ("%d/%m/%Y %", Err(PatternFault::Directive)),
        ("%F %H:%M %Q", Err(PatternFault::Unread)),
        ("%F %H:%M %:Q", Err(PatternFault::Unread)),
        ("%s", Err(PatternFault::Unread)),
    ] {
        assert_eq!(pattern_has_offset(pattern), expected, "{pattern}");
    }
}

#[test]
fn a_zone_is_known_or_has_a_closest_name() {
    for name in ["UTC", "Europe/Berlin", "+01:00", "-09:30", "Etc/GMT+5"] {
        assert_eq!(Zone::parse(name).unwrap().name, name);
    }
    assert_eq!(Zone::parse("Europe/Berln"), Err(Some("Europe/Berlin".to_owned())));
    for name in ["", "+1", "+24:00", "+01:60", "Mars/Olympus", "+é1:00"] {
        assert!(Zone::parse(name).is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn what_is_read_reads_the_same_without_a_schema(
        millis in -62_200_000_000_000i64..253_500_000_000_000,
        zone_name in prop::sample::select(vec!["UTC", "Europe/Berlin", "Africa/Monrovia", "Australia/Lord_Howe", "-09:30"]),
        form in 0..6,
    ) {
        let zone = zone(zone_name);
        // The ends of the range are outside the calendar: only numbers name such an instant.
        let (form, json) = match (form, civil(millis)) {
            (0, _) => (TimeForm::EpochMillis(zone), millis.to_string()),
            (1, _) => (TimeForm::EpochSeconds(None), format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))),
            (5, _) => (elapsed("seconds", "1999-12-31T23:59:59.5-03:30"), format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))),
            (2, _) | (_, None) => (TimeForm::EpochMillis(None), format!("\"{millis}\"")),
            (3, Some(local)) => (TimeForm::Rfc3339(zone), format!("\"{}\"", local.strftime("%Y-%m-%d %H:%M:%S%.3f"))),
            (_, Some(local)) => (TimeForm::Pattern("%d.%m.%Y %H:%M:%S%.f".to_owned(), zone), format!("\"{}\"", local.strftime("%d.%m.%Y %H:%M:%S%.f"))),
        };
        let value = Scanner::new(&json, 1).value().unwrap();
        if let Some(read) = form.read(value) {
            let parse = if read.time.hour.is_none() && !json.starts_with('"') { written_time::parse_epoch } else { written_time::parse };
            prop_assert_eq!(parse(&read.text), Some(read.time), "{} {}", json, read.text);
        }
    }

    #[test]
    fn no_text_and_no_pattern_panics(text in ".{0,20}|[0-9:/. -]{0,20}", pattern in "(%[_0-9-]?[a-zA-Z.:]| |/|é){0,8}|.{0,10}") {
        let _ = pattern_has_offset(&pattern);
        let _ = Zone::parse(&text);
        let _ = Elapsed::new("hours", &text);
        let json = serde_json::to_string(&text).unwrap();
        let value = Scanner::new(&json, 1).value().unwrap();
        for form in [TimeForm::Pattern(pattern, zone("Europe/Berlin")), TimeForm::EpochSeconds(None), TimeForm::Rfc3339(zone("UTC")), elapsed("hours", "2026-01-15T00:00:00Z")] {
            let _ = form.read(value);
        }
    }
}
