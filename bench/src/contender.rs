//! What is measured: ways of doing the same work.

use std::path::{Path, PathBuf};

use benchmarks::workload::EventKind;

/// Where things are, as the Makefile leaves them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `<function>/bootstrap` for each of our functions and the plain Rust reference.
    pub(crate) bootstraps: PathBuf,
    /// The Python that has awslambdaric.
    pub(crate) python: PathBuf,
    /// The file of profiles.
    pub(crate) profiles: PathBuf,
    /// The file of what is known of entities.
    pub(crate) entities: PathBuf,
}

/// A program that serves invocations.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    /// How tables and baselines name it.
    pub(crate) name: &'static str,
    /// What it is given.
    pub(crate) kind: EventKind,
    /// How many records warm it up; their cost does not count.
    pub(crate) warm_up: usize,
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Its environment, beside that of the Runtime API; it gets nothing of ours.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// What is deployed, where that is one file.
    pub(crate) binary: Option<PathBuf>,
}

/// The transform, which the references are compared with.
pub(crate) const TRANSFORM: &str = "firehose-transform";
/// The transform under a policy of ten factors over fields and two entities.
pub(crate) const TEN_FACTORS: &str = "firehose-transform, ten factors";
/// The alerting function.
pub(crate) const ALERTS: &str = "kinesis-alerts";
/// The alerting function under a policy that looks at the customers' history.
pub(crate) const HISTORY: &str = "kinesis-alerts, with history";
/// What a policy in the shadow adds to these: the same policy, so that all that it needs is there.
pub(crate) const TEN_FACTORS_SHADOW: &str = "ten factors, and a shadow";
/// The same for the alerting function with history.
pub(crate) const HISTORY_SHADOW: &str = "with history, and a shadow";
/// The tutorial's rules in Python.
pub(crate) const PYTHON: &str = "Python (awslambdaric)";
/// The tutorial's rules in Rust as most would write it.
pub(crate) const PLAIN_RUST: &str = "plain Rust (serde_json::Value)";
/// What does nothing with an event but answer it.
pub(crate) const TRANSPORT: &str = "transport alone";

impl Contender {
    /// The transform, with profiles from a file.
    pub(crate) fn transform(places: &Places) -> Self {
        Self::bootstrap(TRANSFORM, "firehose-transform", EventKind::Firehose, places)
    }

    /// The transform under a policy of ten factors, with entities from a file.
    pub(crate) fn ten_factors(places: &Places) -> Self {
        let mut transform = Self::transform(places);
        let policy = concat!("file:", env!("CARGO_MANIFEST_DIR"), "/ten-factors.toml");
        transform.name = TEN_FACTORS;
        transform.environment.extend([
            ("FRAUD_POLICY", policy.to_owned()),
            ("ENTITY_SOURCE", format!("file:{}", text(&places.entities))),
        ]);
        transform
    }

    /// The alerting function under a policy that looks at the customers' history, kept in memory; of customers whom it has
    /// known for twenty days.
    pub(crate) fn history(places: &Places) -> Self {
        let mut alerts = Self::alerts(places);
        let policy = concat!("file:", env!("CARGO_MANIFEST_DIR"), "/history.toml");
        alerts.name = HISTORY;
        alerts.kind = EventKind::Days;
        alerts.warm_up = 30_000;
        alerts.environment.extend([("FRAUD_POLICY", policy.to_owned()), ("HISTORY", "memory:".to_owned())]);
        alerts
    }

    /// The same function under the same policy, which it scores in the shadow, too.
    pub(crate) fn in_shadow(mut self, name: &'static str) -> Self {
        self.name = name;
        let policy = self.environment.iter().find(|variable| variable.0 == "FRAUD_POLICY");
        let policy = policy.map_or_else(|| "builtin:default".to_owned(), |variable| variable.1.clone());
        self.environment.push(("SHADOW_POLICY", policy));
        self
    }

    /// The alerting function, with profiles from a file.
    pub(crate) fn alerts(places: &Places) -> Self {
        let mut alerts = Self::bootstrap(ALERTS, "kinesis-alerts", EventKind::Kinesis, places);
        alerts.environment.extend([
            ("ALERT_SINK", "stdout:".to_owned()),
            ("ALERT_LEDGER", "memory:".to_owned()),
            ("DEAD_LETTERS", "stdout:".to_owned()),
        ]);
        alerts
    }

    /// The plain Rust reference of the transform.
    pub(crate) fn plain_rust(places: &Places) -> Self {
        Self::bootstrap(PLAIN_RUST, "plain-transform", EventKind::Firehose, places)
    }

    /// The way to the transform and back, without the transform.
    pub(crate) fn transport(places: &Places) -> Self {
        Self::bootstrap(TRANSPORT, "transport", EventKind::Firehose, places)
    }

    /// The Python reference of the transform.
    pub(crate) fn python(places: &Places) -> Self {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/python");
        let python = text(&places.python);
        Contender {
            name: PYTHON,
            kind: EventKind::Firehose,
            warm_up: 0,
            command: vec![python, "-m".to_owned(), "awslambdaric".to_owned(), "transform.handler".to_owned()],
            environment: vec![
                ("PROFILES", text(&places.profiles)),
                ("PYTHONPATH", source.to_owned()),
                ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ],
            binary: None,
        }
    }

    /// The same with its ports on AWS: what a deployment starts. Nothing is called at the start.
    pub(crate) fn on_aws(mut self) -> Self {
        let on_aws = [
            ("PROFILE_SOURCE", "dynamodb:customer_profiles"),
            ("ALERT_SINK", "sns:arn:aws:sns:us-east-1:123456789012:fraud-alerts"),
            ("ALERT_LEDGER", "dynamodb:alert_ledger"),
            ("DEAD_LETTERS", "sqs:https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters"),
        ];
        for (name, value) in on_aws {
            if let Some(variable) = self.environment.iter_mut().find(|variable| variable.0 == name) {
                variable.1 = value.to_owned();
            }
        }
        self
    }

    fn bootstrap(name: &'static str, binary: &str, kind: EventKind, places: &Places) -> Self {
        let binary = places.bootstraps.join(binary).join("bootstrap");
        Contender {
            name,
            kind,
            warm_up: 0,
            command: vec![text(&binary)],
            environment: vec![
                ("PROFILE_SOURCE", format!("file:{}", text(&places.profiles))),
                ("PROFILES", text(&places.profiles)),
            ],
            binary: Some(binary),
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
