//! Metrics as lines of CloudWatch's embedded metric format: a JSON object on standard output that CloudWatch Logs turns
//! into metrics. (Amazon CloudWatch user guide, "Specification: Embedded metric format".)

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// What a metric's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Milliseconds,
}

/// The metrics of one invocation: one line.
#[derive(Debug, Clone)]
pub struct MetricLine {
    namespace: String,
    function: &'static str,
    metrics: Vec<(Cow<'static, str>, Unit, Value)>,
}

/// The most metrics that one line can define; CloudWatch ignores a line with more.
const MAX_METRICS: usize = 100;

impl MetricLine {
    /// A line without metrics, under the dimension `function`.
    pub fn new(namespace: impl Into<String>, function: &'static str) -> Self {
        MetricLine { namespace: namespace.into(), function, metrics: Vec::new() }
    }

    /// Adds a number of things.
    pub fn count(&mut self, name: impl Into<Cow<'static, str>>, count: usize) -> &mut Self {
        self.push(name.into(), Unit::Count, Value::from(count))
    }

    /// Adds a duration in milliseconds.
    pub fn milliseconds(&mut self, name: impl Into<Cow<'static, str>>, milliseconds: f64) -> &mut Self {
        self.push(name.into(), Unit::Milliseconds, Value::from(milliseconds))
    }

    fn push(&mut self, name: Cow<'static, str>, unit: Unit, value: Value) -> &mut Self {
        debug_assert!(self.metrics.len() < MAX_METRICS);
        self.metrics.push((name, unit, value));
        self
    }

    /// The line's JSON object, for metrics of this time.
    pub fn to_json(&self, time: SystemTime) -> Value {
        let definition = |(name, unit, _): &(Cow<'static, str>, Unit, Value)| {
            let unit = match unit {
                Unit::Count => "Count",
                Unit::Milliseconds => "Milliseconds",
            };
            json!({ "Name": name, "Unit": unit })
        };
        let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let mut line = Map::new();
        line.insert(
            "_aws".into(),
            json!({
                "Timestamp": u64::try_from(millis).unwrap_or(u64::MAX),
                "CloudWatchMetrics": [{
                    "Namespace": self.namespace,
                    "Dimensions": [["function"]],
                    "Metrics": self.metrics.iter().map(definition).collect::<Vec<_>>(),
                }],
            }),
        );
        line.insert("function".into(), self.function.into());
        line.extend(self.metrics.iter().map(|(name, _, value)| (name.to_string(), value.clone())));
        Value::Object(line)
    }

    /// Writes the line, for metrics of now.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        // One write, so that no other line can come between.
        let mut line = self.to_json(SystemTime::now()).to_string();
        line.push('\n');
        out.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_line_has_the_form_that_cloudwatch_reads() {
        let mut line = MetricLine::new("FraudStream", "firehose-transform");
        line.count("RecordsIn", 500).milliseconds("Duration", 1.25);
        assert_eq!(
            line.to_json(UNIX_EPOCH + Duration::from_millis(1_705_287_600_007)),
            json!({
                "_aws": {
                    "Timestamp": 1_705_287_600_007u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "FraudStream",
                        "Dimensions": [["function"]],
                        "Metrics": [
                            { "Name": "RecordsIn", "Unit": "Count" },
                            { "Name": "Duration", "Unit": "Milliseconds" },
                        ],
                    }],
                },
                "function": "firehose-transform",
                "RecordsIn": 500,
                "Duration": 1.25,
            })
        );
        let mut written = Vec::new();
        line.write(&mut written).unwrap();
        assert!(written.ends_with(b"}\n") && written.iter().filter(|&&byte| byte == b'\n').count() == 1);
    }
}
