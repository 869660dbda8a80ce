//! What stands between `fraud-core` and AWS: profile stores, configuration from the environment, telemetry.

pub mod config;
pub mod invocation;
pub mod profiles;
pub mod sdk;
pub mod telemetry;
