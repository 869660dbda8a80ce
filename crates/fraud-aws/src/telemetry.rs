//! Logs and metrics.

mod emf;
mod logs;

pub use emf::{MetricLine, Unit};
pub use logs::init_logs;
