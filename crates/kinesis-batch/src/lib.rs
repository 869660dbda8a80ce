#![doc = include_str!("../README.md")]

mod batch;
mod in_order;
mod progress;
mod redelivery;
mod response;
#[cfg(test)]
mod testing;
mod undeliverable;

pub use batch::{Batch, UserRecord};
pub use exact_text::base64::DataFault;
pub use exact_text::timestamp::Timestamp;
pub use in_order::{Outcome, in_order_of};
pub use lambda_events::InvalidEvent;
pub use progress::Progress;
pub use redelivery::Redelivery;
pub use response::BatchResult;
pub use stream_position::Position;
pub use undeliverable::{DeadLetter, DeadLetterSink, dead_letter};
