//! SendMessageBatch and DeleteMessageBatch: each entry succeeds or fails for itself.

use std::time::Instant;

use serde_json::{Value, json};

use super::draft::Draft;
use super::requests::{DeleteMessageBatch, SendMessageBatch};
use super::settings::MAX_BYTES;
use super::{CODE_PREFIX, Sqs};
use crate::faults::BatchEntry;
use crate::front::Extent;
use crate::messaging::{BatchError, check_entries};
use crate::service::{Service, ServiceError};

/// What becomes of a batch's entries.
#[derive(Default)]
struct BatchResponse {
    successful: Vec<Value>,
    failed: Vec<Value>,
}

impl BatchResponse {
    fn add(&mut self, id: &str, result: Result<Value, ServiceError>) {
        match result {
            Ok(mut entry) => {
                entry["Id"] = id.into();
                self.successful.push(entry);
            }
            Err(error) => self.failed.push(json!({
                "Id": id,
                "Code": error.code,
                "Message": error.message,
                "SenderFault": error.status < 500,
            })),
        }
    }

    fn answer(self) -> Value {
        json!({ "Successful": self.successful, "Failed": self.failed })
    }
}

impl Sqs {
    pub(super) fn send_batch(
        &self,
        request: SendMessageBatch,
        extent: &Extent,
    ) -> Result<Value, ServiceError> {
        let ids: Vec<&str> = request.entries.iter().map(|entry| entry.id.as_str()).collect();
        let total = ids.len();
        let checked = check_entries(&ids);
        let outcome = self.with(&request.queue_url, |queue| {
            checked.map_err(|error| error.answered(CODE_PREFIX))?;
            let drafts: Vec<_> = request
                .entries
                .into_iter()
                .map(|entry| {
                    let body = entry.message.message_body.len();
                    let draft = Draft::read(entry.message);
                    // What is refused counts all the same: the sum is of what was sent.
                    (entry.id, draft.as_ref().map_or(body, Draft::size), draft)
                })
                .collect();
            let sent = drafts.iter().map(|(_, size, _)| size).sum();
            if sent > MAX_BYTES {
                let error = BatchError::BatchRequestTooLong { sent, limit: MAX_BYTES };
                return Err(error.answered(CODE_PREFIX));
            }
            let mut outcome = BatchResponse::default();
            for (index, (id, _, draft)) in drafts.into_iter().enumerate() {
                let result = draft.and_then(|draft| {
                    draft.check_size(queue.max_bytes())?;
                    let entry = BatchEntry { index, key: &id, content: draft.body.as_bytes() };
                    if extent.leaves_out(total, entry) {
                        return Err(ServiceError {
                            code: "InternalError".to_owned(),
                            ..Service::Sqs.internal_error()
                        });
                    }
                    Ok(queue.send(draft, Instant::now()))
                });
                outcome.add(&id, result);
            }
            Ok(outcome)
        })?;
        self.changes.send_replace(());
        Ok(outcome.answer())
    }

    pub(super) fn delete_batch(&self, request: DeleteMessageBatch) -> Result<Value, ServiceError> {
        let ids: Vec<&str> = request.entries.iter().map(|entry| entry.id.as_str()).collect();
        let checked = check_entries(&ids);
        let outcome = self.with(&request.queue_url, |queue| {
            checked.map_err(|error| error.answered(CODE_PREFIX))?;
            let mut outcome = BatchResponse::default();
            for entry in &request.entries {
                outcome.add(&entry.id, queue.delete(&entry.receipt_handle).map(|()| json!({})));
            }
            Ok(outcome)
        })?;
        Ok(outcome.answer())
    }
}
