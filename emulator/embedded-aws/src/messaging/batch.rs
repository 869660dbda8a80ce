//! The rules for the entries of a batch, the same in both services.

use crate::service::ServiceError;

/// The most entries of one batch.
/// Source: SNS API reference, PublishBatch; SQS API reference, SendMessageBatch and DeleteMessageBatch.
const MAX_ENTRIES: usize = 10;

/// The longest id of an entry, in characters.
/// Source: SNS API reference, PublishBatchRequestEntry; SQS API reference, SendMessageBatchRequestEntry.
const MAX_ID: usize = 80;

/// Why a whole batch is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    #[error("The batch request doesn't contain any entries.")]
    EmptyBatchRequest,
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
         It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    #[error("Two or more batch entries in the request have the same Id: {0}")]
    BatchEntryIdsNotDistinct(String),
    #[error("Batch requests cannot be longer than {limit} bytes. You have sent {sent} bytes.")]
    BatchRequestTooLong { sent: usize, limit: usize },
}

impl BatchError {
    /// The error as a service answers it; SQS puts a prefix before the code.
    pub(crate) fn answered(&self, prefix: &str) -> ServiceError {
        let code = match self {
            Self::EmptyBatchRequest => "EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest(_) => "TooManyEntriesInBatchRequest",
            Self::InvalidBatchEntryId => "InvalidBatchEntryId",
            Self::BatchEntryIdsNotDistinct(_) => "BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong { .. } => "BatchRequestTooLong",
        };
        ServiceError::new(400, format!("{prefix}{code}"), self.to_string())
    }
}

/// Holds a batch's entries, by their ids, to their number, form and distinctness.
pub(crate) fn check_entries(ids: &[&str]) -> Result<(), BatchError> {
    if ids.is_empty() {
        return Err(BatchError::EmptyBatchRequest);
    }
    if ids.len() > MAX_ENTRIES {
        return Err(BatchError::TooManyEntriesInBatchRequest(ids.len()));
    }
    let well_formed = |id: &&str| {
        (1..=MAX_ID).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    if !ids.iter().all(well_formed) {
        return Err(BatchError::InvalidBatchEntryId);
    }
    match ids.iter().enumerate().find(|(index, id)| ids[..*index].contains(id)) {
        Some((_, id)) => Err(BatchError::BatchEntryIdsNotDistinct((*id).to_owned())),
        None => Ok(()),
    }
}
