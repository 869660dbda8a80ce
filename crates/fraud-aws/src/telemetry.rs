//! Logs and metrics.

mod emf;
mod logs;

pub use emf::MetricLine;
pub use logs::init_logs;
