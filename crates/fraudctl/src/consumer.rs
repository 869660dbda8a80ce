//! What the commands share that read a stream as a consumer does.

mod batches;
mod function;
mod status;
mod time;

pub use batches::BatchArguments;
pub use function::Function;
pub use status::Status;
pub use time::{past_time, time};

/// What tells this process from others, for people.
pub fn owner() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.or_else(|| std::env::var("HOSTNAME").ok());
    let host = host.as_deref().map(str::trim).filter(|host| !host.is_empty());
    format!("{}/{}", host.unwrap_or("unknown-host"), std::process::id())
}
