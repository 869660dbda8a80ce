use super::*;

const DEFAULT: &str = DEFAULT_POLICY;

fn problem(toml: &str) -> (usize, PolicyProblem) {
    let error = Policy::parse(toml).expect_err(toml);
    (error.line, error.problem)
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
        ("input = \"hour\"", "input = \"weekday\""),
        ("weight = 0.4", "weight = -0.4"),
        ("weight = 0.4", "weigth = 0.4"),
        ("{ above = 10000, points = 0.3 }", "{ above = 10000, points = -0.3 }"),
        ("{ above = 10000, points = 0.3 }", "{ above = inf, points = 0.3 }"),
        ("{ above = 10000, points = 0.3 }", "{ above = 10000, point = 0.3 }"),
        ("{ above = 5000, up_to = 10000, points = 0.2 }", "{ above = 5000, points = 0.2 }"),
        ("{ above = 5000, up_to = 10000, points = 0.2 }", "{ above = 5000, up_to = 5000, points = 0.2 }"),
        ("{ above = 5000, up_to = 10000, points = 0.2 }", "{ from = 0, until = 1, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ from = 0, until = 25, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ from = 0.5, until = 6, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ from = 22, until = 6, points = 0.2 }"),
        ("{ from = 0, until = 6, points = 0.2 }", "{ from = 0, points = 0.2 }"),
        ("[{ from = 0, until = 6, points = 0.2 }]", "[]\n"),
    ];
    for (from, to) in cases {
        let (expected, line, problem) = with(from, to);
        // A factor without a usable rule is told at its name, two lines above.
        let at_name = matches!(problem, PolicyProblem::Shape { .. }) && to.starts_with("[]");
        assert_eq!(line, if at_name { expected - 2 } else { expected }, "{to}: {problem}");
    }
}

#[test]
fn bands_that_share_a_value_are_refused_by_name() {
    let (_, _, problem) = with("above = 5000, up_to = 10000", "above = 5000, up_to = 10000.01");
    let PolicyProblem::OverlappingBands { factor, first, second } = problem else { panic!("{problem}") };
    assert_eq!(
        (&*factor, &*first, &*second),
        ("amount", "`amount > 10000`", "`amount > 5000 and <= 10000.01`")
    );
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
    assert_eq!(problem("name = \"p\"\ncap = = 1\n").0, 2);
    assert_eq!(problem("").0, 1);
}
