//! Logs and metrics.

mod counts;
mod emf;
mod failures;
mod logs;
pub mod metric;

pub use emf::{DIMENSION, MetricLine};
pub use failures::Failures;
pub use logs::{init_logs, log_policy, log_schema, log_shadow};
pub use metric::Metric;
