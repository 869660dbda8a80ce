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

/// The metrics of one invocation: one line, and more where a metric has more values than a line can hold.
#[derive(Debug, Clone)]
pub struct MetricLine {
    namespace: String,
    function: &'static str,
    metrics: Vec<(Cow<'static, str>, Unit, Value)>,
    more: Vec<MetricLine>,
}

/// The most metrics that one line can define; CloudWatch ignores a line with more.
const MAX_METRICS: usize = 100;
/// The most values of one metric in one line.
const MAX_VALUES: usize = 100;

impl MetricLine {
    /// A line without metrics, under the dimension `function`.
    pub fn new(namespace: impl Into<String>, function: &'static str) -> Self {
        MetricLine { namespace: namespace.into(), function, metrics: Vec::new(), more: Vec::new() }
    }

    /// Adds a number of things.
    pub fn count(&mut self, name: impl Into<Cow<'static, str>>, count: usize) -> &mut Self {
        self.push(name.into(), Unit::Count, Value::from(count))
    }

    /// Adds a duration in milliseconds.
    pub fn milliseconds(&mut self, name: impl Into<Cow<'static, str>>, milliseconds: f64) -> &mut Self {
        self.push(name.into(), Unit::Milliseconds, Value::from(milliseconds))
    }

    /// Adds durations in milliseconds, one for each of many things: what percentiles are taken of.
    pub fn milliseconds_each(&mut self, name: &'static str, milliseconds: &[i64]) -> &mut Self {
        let mut chunks = milliseconds.chunks(MAX_VALUES);
        if let Some(first) = chunks.next() {
            self.push(name.into(), Unit::Milliseconds, Value::from(first));
        }
        for chunk in chunks {
            let mut line = MetricLine::new(self.namespace.clone(), self.function);
            line.push(name.into(), Unit::Milliseconds, Value::from(chunk));
            self.more.push(line);
        }
        self
    }

    fn push(&mut self, name: Cow<'static, str>, unit: Unit, value: Value) -> &mut Self {
        debug_assert!(self.metrics.len() < MAX_METRICS);
        self.metrics.push((name, unit, value));
        self
    }

    /// The JSON object of the first line, for metrics of this time.
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

    /// Writes all lines, for metrics of now.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let now = SystemTime::now();
        for line in std::iter::once(self).chain(&self.more) {
            // One write a line, so that no other can come between.
            let mut line = line.to_json(now).to_string();
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
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

    #[test]
    fn a_metric_with_more_values_than_a_line_holds_goes_on_in_further_lines() {
        let values: Vec<i64> = (0..250).collect();
        let mut line = MetricLine::new("FraudStream", "kinesis-alerts");
        line.milliseconds_each("DetectionLatency", &values).count("AlertsSent", 250);
        let mut written = Vec::new();
        line.write(&mut written).unwrap();
        let lines: Vec<Value> = written
            .split(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let told: Vec<Vec<Value>> =
            lines.iter().map(|line| line["DetectionLatency"].as_array().unwrap().clone()).collect();
        assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
        assert_eq!(told.concat(), values);
        assert_eq!(lines[0]["AlertsSent"], 250);
        assert_eq!(lines[2]["function"], "kinesis-alerts");
        assert_eq!(lines[2]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"], "Milliseconds");
    }

    #[test]
    fn a_metric_without_values_is_left_out() {
        let mut line = MetricLine::new("FraudStream", "kinesis-alerts");
        line.milliseconds_each("DetectionLatency", &[]);
        assert_eq!(line.to_json(UNIX_EPOCH).get("DetectionLatency"), None);
    }
}
