use super::*;

const DEFAULT: &str = DEFAULT_POLICY;

fn problem(toml: &str) -> (usize, PolicyProblem) {
    let mut error = Policy::parse(toml).expect_err(toml);
    assert_eq!(error.mistakes.len(), 1, "{error}");
    let Mistake { line, problem } = error.mistakes.remove(0);
    (line, problem)
}

fn line_of(toml: &str, text: &str) -> usize {
    1 + toml[..toml.find(text).unwrap()].matches('\n').count()
}

/// The default policy with one text replaced, the line it stood on, and what is then wrong.
fn with(from: &str, to: &str) -> (usize, usize, PolicyProblem) {
    assert_eq!(DEFAULT.matches(from).count(), 1, "{from}");
    let (line, problem) = problem(&DEFAULT.replace(from, to));
    (line_of(DEFAULT, from), line, problem)
}

#[test]
fn the_default_policy_loads_and_has_its_factors() {
    let policy = Policy::builtin_default().unwrap();
    let names: Vec<_> = policy.factors().iter().map(Factor::name).collect();
    assert_eq!(names, ["amount", "customer_risk", "time_of_day"]);
    assert_eq!((policy.cap(), policy.threshold(), policy.default_risk()), (1.0, 0.8, 0.5));
}

#[test]
fn the_id_is_the_hash_of_what_decides_and_not_of_the_text() {
    let policy = Policy::builtin_default().unwrap();
    let canonical = "name default\ncap 1.0\nthreshold 0.8\ndefault_risk 0.5\n\
        factor amount amount above 10000.0 up_to inf points 0.3\n\
        factor amount amount above 5000.0 up_to 10000.0 points 0.2\n\
        factor customer_risk customer_risk weight 0.4\n\
        factor time_of_day hour from 0 until 6 points 0.2\n";
    let digest = Sha256::digest(canonical);
    let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).take(6).collect();
    assert_eq!(policy.id(), format!("default@{expected}"));

    let respelt = DEFAULT.replace("10000", "1.0e4").replace("# ", "# and more: ") + "\n\n";
    assert_eq!(Policy::parse(&respelt).unwrap(), policy);
    for change in [("0.3 }", "0.31 }"), ("threshold = 0.8", "threshold = 0.7"), ("\"default\"", "\"other\"")]
    {
        assert_ne!(
            Policy::parse(&DEFAULT.replace(change.0, change.1)).unwrap().id(),
            policy.id(),
            "{change:?}"
        );
    }
}

#[test]
fn an_error_names_the_line() {
    let cases = [
        ("cap = 1.0", "cap = inf"),
        ("cap = 1.0", "cap = 0"),
        ("cap = 1.0", "cap = \"high\""),
        ("cap = 1.0", "cup = 1.0"),
        ("threshold = 0.8", "threshold = nan"),
        ("threshold = 0.8", "threshold = -0.1"),
        ("default_risk = 0.5", "default_risk = 1.5"),
        ("name = \"default\"", "name = \"a name\""),
        ("name = \"time_of_day\"", "name = \"amount\""),
        ("input = \"hour\"", "input = \"hours\""),
        ("input = \"hour\"", "input = \"customer.segment\""),
        ("input = \"hour\"", "input = \"history.count_1h\""),
        ("weight = 0.4", "weight = 1e10"),
        ("weight = 0.4", "weigth = 0.4"),
        ("{ above = 10000, points = 0.3 }", "{ above = 10000, points = -1e10 }"),
        ("{ above = 10000, points = 0.3 }", "{ above = 10000, from = 10000, points = 0.3 }"),
        ("{ above = 10000, points = 0.3 }", "{ above = inf, points = 0.3 }"),
        ("{ above = 10000, points = 0.3 }", "{ above = 10000, point = 0.3 }"),
        ("{ above = 5000, up_to = 10000, points = 0.2 }", "{ above = 5000, points = 0.2 }"),
        ("{ above = 5000, up_to = 10000, points = 0.2 }", "{ above = 5000, up_to = 5000, points = 0.2 }"),
        ("{ above = 5000, up_to = 10000, points = 0.2 }", "{ up_to = 0, until = 1, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ from = 0, until = 25, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ from = 0.5, until = 6, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ from = 22, until = 6, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ above = 23, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "6"),
        ("[{ from = 0, until = 6, points = 0.2 }]", "[]\n"),
        ("weight = 0.4", "weight = 0.4\nmissing = 0.1"),
        ("weight = 0.4", "weight = 0.4\npoints = 0.1"),
        ("weight = 0.4", "weight = 0.4\nwhen = []"),
        ("weight = 0.4", "weight = 0.4\nwhen = [3]"),
    ];
    for (from, to) in cases {
        let (expected, line, problem) = with(from, to);
        // A factor of another shape is told at its name, two lines above; what is added is on the line after.
        let at = match problem {
            PolicyProblem::Shape { .. } => expected - 2,
            _ => expected + to.trim_end().matches('\n').count(),
        };
        assert_eq!(line, at, "{to}: {problem}");
    }
}

#[test]
fn every_mistake_is_told_with_its_line_and_the_name_that_was_meant() {
    let toml = r#"name = "p"
cup = 1
threshold = "high"
default_risk = 0.5
[[factors]]
name = "a"
input = "custmer_risk"
weight = 0.4
[[factors]]
name = "a"
input = "amount"
bands = [{ above = 5, point = 1 }, { above = 3, below = 2, points = nan }]
[[factors]]
name = "b"
when = [
  { entity = "devise", on_list = "stolen" },
  { entity = "device", on_list = "Stolen" },
  { input = "amount", any_of = ["5"] },
  { field = "channel", any_of = [5] },
  { field = "amount", above = 5 },
  { input = "hour", is = true },
  { entity = "card", any_of = ["x"] },
  { field = "a", input = "amount", above = 1 },
  { field = "a" },
  { input = "history.count_1h", above = 5 },
]
points = 1
"#;
    let error = Policy::parse(toml).unwrap_err();
    let lines: Vec<usize> = error.mistakes.iter().map(|mistake| mistake.line).collect();
    let text = error.to_string();
    for expected in [
        "line 2: unknown key `cup` in a policy (did you mean `cap`?)",
        "line 3: `threshold` is a text, it takes a number",
        "line 7: unknown input `custmer_risk` (did you mean `customer_risk`?)",
        "line 10: factor `a` is defined twice",
        "line 12: unknown key `point` in a band (did you mean `points`?)",
        "line 12: factor `a`: the band `amount > 3 and < 2` is empty",
        "line 12: `points` is NaN, it must be a number from",
        "line 16: unknown entity `devise` (did you mean `device`?)",
        "line 17: list `Stolen`: 1 to 64 lower-case letters",
        "line 18: factor `b`: `amount` takes bounds: it is a number",
        "line 19: `any_of` is a number, it takes texts, in quotes",
        "line 20: `amount` is no field for conditions: use `input = \"amount\"`",
        "line 21: factor `b`: `hour` takes bounds: it is a number",
        "line 22: factor `b`: `entity` takes `on_list`, and nothing else",
        "line 23: factor `b`: a condition takes one of `input`, `field` and `entity`",
        "line 24: factor `b`: `field` takes bounds, `any_of`, `none_of` or `is`, one of them",
        "line 25: `history.count_1h` needs a [history] table",
    ] {
        assert!(text.contains(&expected.replace("\\\"", "\"")), "{expected}\n{text}");
    }
    assert!(lines.is_sorted() && lines.len() == 17, "{lines:?}\n{text}");
    assert!(!text.contains('\n'));
}

#[test]
fn texts_that_are_no_toml_are_told_all_at_once() {
    let error = Policy::parse("name = \nname = 1 2\n").unwrap_err();
    assert!(error.mistakes.len() > 1, "{error}");
}

#[test]
fn bands_that_share_a_value_are_refused_by_name() {
    let (_, _, problem) = with("above = 5000, up_to = 10000", "above = 5000, up_to = 10000.01");
    let PolicyProblem::OverlappingBands { factor, first, second } = problem else { panic!("{problem}") };
    assert_eq!(
        (&*factor, &*first, &*second),
        ("amount", "`amount > 10000`", "`amount > 5000 and <= 10000.01`")
    );
    let (_, _, problem) = with("above = 5000, up_to = 10000", "from = 5000, below = 10000.01");
    assert!(matches!(problem, PolicyProblem::OverlappingBands { .. }), "{problem}");
    let touching = DEFAULT.replace("above = 5000, up_to = 10000,", "from = 5000, up_to = 10000,");
    assert!(Policy::parse(&touching).is_ok());
    let hours = "bands = [{ from = 0, until = 6, points = 0.2 }, { from = 5, until = 7, points = 0.1 }]";
    let (.., problem) = with("bands = [{ from = 0, until = 6, points = 0.2 }]", hours);
    assert!(matches!(problem, PolicyProblem::OverlappingBands { .. }), "{problem}");
}

#[test]
fn a_threshold_that_nothing_can_pass_is_refused() {
    for (from, to) in [
        ("threshold = 0.8", "threshold = 1.0"),
        ("threshold = 0.8", "threshold = 0.8999999999999999"),
        ("cap = 1.0", "cap = 0.8"),
    ] {
        let (line, problem) = problem(&DEFAULT.replace(from, to));
        assert_eq!(line, line_of(DEFAULT, "threshold ="));
        assert!(matches!(problem, PolicyProblem::UnreachableThreshold { .. }), "{problem}");
    }
    assert!(Policy::parse(&DEFAULT.replace("threshold = 0.8", "threshold = 0.8999999999999998")).is_ok());
}

#[test]
fn a_policy_has_at_least_one_factor_and_no_more_than_can_be_told_apart() {
    let head = "name = \"p\"\ncap = 1.0\nthreshold = 0.1\ndefault_risk = 0.5\n";
    assert_eq!(problem(&format!("{head}factors = []\n")), (5, PolicyProblem::FactorCount(0)));
    let factors = |count: usize| -> String {
        let factor = |n| format!("[[factors]]\nname = \"f{n}\"\ninput = \"customer_risk\"\nweight = 0.1\n");
        (0..count).map(factor).collect()
    };
    assert!(Policy::parse(&format!("{head}{}", factors(MAX_FACTORS))).is_ok());
    let (_, problem) = problem(&format!("{head}{}", factors(MAX_FACTORS + 1)));
    assert_eq!(problem, PolicyProblem::FactorCount(MAX_FACTORS + 1));
}

#[test]
fn a_text_that_is_no_toml_is_told_with_its_line() {
    let error = Policy::parse("name = \"p\"\ncap = = 1\n").unwrap_err();
    assert!(error.mistakes.iter().all(|mistake| mistake.line == 2), "{error}");
    let missing = Policy::parse("").unwrap_err();
    assert_eq!(missing.mistakes.len(), 5);
    assert!(
        missing.to_string().starts_with("policy line 1: a policy needs `name`; line 1: a policy needs `cap`"),
        "{missing}"
    );
}

#[test]
fn a_policy_looks_at_no_more_entities_than_a_history_has_room_for() {
    let head = "name = \"p\"\ncap = 1\nthreshold = 0.5\ndefault_risk = 0.5\n";
    let policy = |lists: usize| {
        let conditions = (0..lists).map(|list| format!("{{ entity = \"device\", on_list = \"l{list}\" }}"));
        let conditions: Vec<_> = conditions.collect();
        format!("{head}[[factors]]\nname = \"a\"\npoints = 1\nwhen = [{}]\n", conditions.join(", "))
    };
    assert!(Policy::parse(&policy(32)).is_ok());
    assert_eq!(problem(&policy(33)).1, PolicyProblem::EntityInputCount(33));
}
