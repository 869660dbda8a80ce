//! What ends a consumer's run early.

use exact_text::timestamp::Timestamp;

use super::checkpoints::{CheckpointFault, LostTo};
use super::handler::HandlerError;
use super::source::SourceFault;

/// Why a run ended before its time. Whatever was not handled is before no checkpoint: the next start goes on there.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// The stream does not answer, and will not.
    #[error("cannot read the stream `{stream}`: {fault}")]
    Source {
        /// The stream.
        stream: String,
        /// What it says.
        fault: SourceFault,
    },
    /// The stream knows no such position.
    #[error(
        "the stream `{stream}` refuses where consumer `{consumer}` would go on in {shard} ({position}): {message}. Is \
         the checkpoint that of another stream? Start under another name, or delete the consumer's checkpoints"
    )]
    PositionRefused {
        /// The stream.
        stream: String,
        /// The consumer.
        consumer: String,
        /// The shard.
        shard: String,
        /// Where it would be read from.
        position: String,
        /// The stream's explanation.
        message: String,
    },
    /// A span of time begins before what the stream still has.
    #[error(
        "the stream `{stream}` keeps records for {retention_hours} hours: of what arrived from {from} on, it has lost \
         all from before {horizon}"
    )]
    BeforeRetention {
        /// The stream.
        stream: String,
        /// How long it keeps records.
        retention_hours: u64,
        /// The span's begin.
        from: Timestamp,
        /// Where it could begin at the earliest.
        horizon: Timestamp,
    },
    /// The checkpoints are those of another stream of the same name.
    #[error(
        "the checkpoints of consumer `{consumer}` are those of a stream `{stream}` that was created at {theirs}; this one \
         was created at {created_at}. Start under another name, or delete the consumer's checkpoints"
    )]
    OtherStream {
        /// The stream.
        stream: String,
        /// The consumer.
        consumer: String,
        /// When the stream of the checkpoints was created.
        theirs: Timestamp,
        /// When the stream was created.
        created_at: Timestamp,
    },
    /// The checkpoints cannot be read or written.
    #[error("the checkpoints of consumer `{consumer}` cannot be used: {fault}")]
    Checkpoints {
        /// The consumer.
        consumer: String,
        /// What is wrong.
        fault: CheckpointFault,
    },
    /// Another process was there first.
    #[error(
        "consumer `{consumer}` of stream `{stream}` is running already, in the process {owner}, and holds all its shards: \
         it renewed its lease while this process looked on. Stop it, or start this one under another name"
    )]
    NameInUse {
        /// The stream.
        stream: String,
        /// The consumer.
        consumer: String,
        /// The process that runs.
        owner: String,
    },
    /// Another process took over, since this one did not renew its lease in time.
    #[error(
        "consumer `{consumer}` of stream `{stream}` has lost {what} to {to}: this process was stopped or cut off for \
         longer than its lease, or somebody deleted its rows. Nothing that it handled since then was noted; who has \
         taken over handles it again"
    )]
    Lost {
        /// The stream.
        stream: String,
        /// The consumer.
        consumer: String,
        /// A shard's id, or `its lease`.
        what: String,
        /// Who has it.
        to: LostTo,
    },
    /// The handler cannot go on.
    #[error("the handler cannot go on with {shard}: {error}")]
    Handler {
        /// The shard whose batch it had.
        shard: String,
        /// What it says.
        error: HandlerError,
    },
    /// The handler panicked.
    #[error("the handler panicked: {message}")]
    Panicked {
        /// What the panic said, if that is text.
        message: String,
    },
}
