//! What `consume` and `replay` share: they read a stream as a consumer does.

mod batch_args;
mod function_handler;
mod status;
mod time;

pub use batch_args::BatchArgs;
pub use function_handler::FunctionHandler;
pub use status::ReadingStatus;
pub use time::{past_time, time, written};

/// A name of this process for people: host and process id.
pub fn owner() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.or_else(|| std::env::var("HOSTNAME").ok());
    let host = host.as_deref().map(str::trim).filter(|host| !host.is_empty());
    format!("{}/{}", host.unwrap_or("unknown-host"), std::process::id())
}
