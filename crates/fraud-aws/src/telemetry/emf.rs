//! Metrics as lines of CloudWatch's embedded metric format: a JSON object on standard output that CloudWatch Logs turns
//! into metrics. (Amazon CloudWatch user guide, "Specification: Embedded metric format".)

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::metric::{Metric, Unit};

/// The metrics of one invocation: one line, and more if a metric has more values than a line can hold.
#[derive(Debug, Clone)]
pub struct MetricLine {
    namespace: String,
    function: &'static str,
    metrics: Vec<Measured>,
    more: Vec<MetricLine>,
}

#[derive(Debug, Clone)]
struct Measured {
    name: Cow<'static, str>,
    values: Values,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Values {
    Count(usize),
    Milliseconds(f64),
    MillisecondsEach(Vec<i64>),
}

/// The dimension of every metric: the function that wrote it.
pub const DIMENSION: &str = "function";
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
    pub fn count(&mut self, metric: Metric, count: usize) -> &mut Self {
        self.push(metric.name.into(), Values::Count(count))
    }

    /// Adds a number of things for each reason.
    pub fn by_reason(
        &mut self,
        metric: Metric,
        counts: impl IntoIterator<Item = (impl Display, usize)>,
    ) -> &mut Self {
        debug_assert!(metric.by_reason, "{} is not counted by reason", metric.name);
        for (reason, count) in counts {
            self.push(format!("{}.{reason}", metric.name).into(), Values::Count(count));
        }
        self
    }

    /// As [`by_reason`](Self::by_reason), in lines of their own: what a policy names may be more than one line can define.
    pub fn by_reason_apart(
        &mut self,
        metric: Metric,
        counts: impl IntoIterator<Item = (impl Display, usize)>,
    ) -> &mut Self {
        let counts: Vec<_> = counts.into_iter().collect();
        for chunk in counts.chunks(MAX_METRICS) {
            let mut line = MetricLine::new(self.namespace.clone(), self.function);
            line.by_reason(metric, chunk.iter().map(|(reason, count)| (reason, *count)));
            self.more.push(line);
        }
        self
    }

    /// Adds a duration in milliseconds.
    pub fn milliseconds(&mut self, metric: Metric, milliseconds: f64) -> &mut Self {
        self.push(metric.name.into(), Values::Milliseconds(milliseconds))
    }

    /// Adds durations in milliseconds, one for each of many things: what percentiles are taken of.
    pub fn milliseconds_each(&mut self, metric: Metric, milliseconds: &[i64]) -> &mut Self {
        let mut chunks =
            milliseconds.chunks(MAX_VALUES).map(|chunk| Values::MillisecondsEach(chunk.to_vec()));
        if let Some(first) = chunks.next() {
            self.push(metric.name.into(), first);
        }
        for chunk in chunks {
            let mut line = MetricLine::new(self.namespace.clone(), self.function);
            line.push(metric.name.into(), chunk);
            self.more.push(line);
        }
        self
    }

    /// What the metrics of all lines are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let lines = std::iter::once(self).chain(&self.more);
        lines.flat_map(|line| &line.metrics).map(|metric| metric.name.as_ref())
    }

    fn push(&mut self, name: Cow<'static, str>, values: Values) -> &mut Self {
        debug_assert!(self.metrics.len() < MAX_METRICS);
        self.metrics.push(Measured { name, values });
        self
    }

    /// Writes all lines, for metrics of now.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        self.write_at(SystemTime::now(), out)
    }

    fn write_at(&self, time: SystemTime, mut out: impl Write) -> io::Result<()> {
        let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let timestamp = u64::try_from(millis).unwrap_or(u64::MAX);
        for line in std::iter::once(self).chain(&self.more) {
            // One write a line, so that no other can come between.
            let mut text = serde_json::to_vec(&Line { timestamp, line })?;
            text.push(b'\n');
            out.write_all(&text)?;
        }
        Ok(())
    }
}

/// One line as it is written. Serialized without a [`serde_json::Value`] in between, which would cost an invocation more
/// than all else that it does besides its records.
struct Line<'a> {
    /// Milliseconds since the epoch.
    timestamp: u64,
    line: &'a MetricLine,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let MetricLine { namespace, function, metrics, more: _ } = self.line;
        let metadata = Metadata {
            timestamp: self.timestamp,
            cloud_watch_metrics: [Directive {
                namespace,
                dimensions: [[DIMENSION]],
                metrics: metrics.iter().map(Definition::of).collect(),
            }],
        };
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("_aws", &metadata)?;
        members.serialize_entry(DIMENSION, function)?;
        for Measured { name, values } in metrics {
            members.serialize_entry(name, values)?;
        }
        members.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    timestamp: u64,
    cloud_watch_metrics: [Directive<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Vec<Definition<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition<'a> {
    name: &'a str,
    unit: &'static str,
}

impl<'a> Definition<'a> {
    fn of(Measured { name, values }: &'a Measured) -> Self {
        let unit = match values {
            Values::Count(_) => Unit::Count,
            Values::Milliseconds(_) | Values::MillisecondsEach(_) => Unit::Milliseconds,
        };
        Definition { name, unit: unit.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::metric;
    use super::*;
    use serde_json::{Value, json};
    use std::time::Duration;

    const LATENCY: Metric = Metric::milliseconds("DetectionLatency", "");
    const ALERTS: Metric = Metric::count("AlertsSent", "");

    /// The lines that are written.
    fn lines(line: &MetricLine, time: SystemTime) -> Vec<Value> {
        let mut written = Vec::new();
        line.write_at(time, &mut written).unwrap();
        assert!(written.ends_with(b"}\n"));
        let lines = written.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_the_form_that_cloudwatch_reads() {
        let mut line = MetricLine::new("FraudStream", "firehose-transform");
        line.count(metric::RECORDS_IN, 500).milliseconds(metric::DURATION, 1.25);
        assert_eq!(
            lines(&line, UNIX_EPOCH + Duration::from_millis(1_705_287_600_007)),
            [json!({
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
            })]
        );
    }

    #[test]
    fn a_metric_with_more_values_than_a_line_holds_goes_on_in_further_lines() {
        let values: Vec<i64> = (0..250).collect();
        let mut line = MetricLine::new("FraudStream", "kinesis-alerts");
        line.milliseconds_each(LATENCY, &values).count(ALERTS, 250);
        let lines = lines(&line, UNIX_EPOCH);
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
        line.milliseconds_each(LATENCY, &[]);
        assert_eq!(lines(&line, UNIX_EPOCH)[0].get("DetectionLatency"), None);
    }
}
