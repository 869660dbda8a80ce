//! The transactions of a batch.

use exact_text::timestamp::Timestamp;
use fraud_aws::reason::FailureReason;
use fraud_core::identity::Position;
use fraud_core::transaction::{Reading, Transaction, TransactionReader};
use kinesis_batch::{Batch, UserRecord};

/// A valid transaction of a batch.
#[derive(Debug)]
pub struct Received<'b> {
    /// The transaction.
    pub transaction: Transaction<'b>,
    /// When it arrived at the stream.
    pub arrival: Timestamp,
    /// Its position in the stream.
    pub position: Position<'b>,
}

/// Every user record of a batch in order: a transaction, read by `reading`, or why it is none.
pub fn transactions<'b>(
    batch: &'b Batch<'_>,
    reading: &'b Reading,
) -> Vec<Result<Received<'b>, FailureReason>> {
    let mut reader = TransactionReader::new(reading);
    let mut transactions = Vec::with_capacity(batch.len());
    transactions.extend(batch.records().map(|(_, record)| received(record, &mut reader)));
    transactions
}

fn received<'b>(
    record: UserRecord<'b>,
    reader: &mut TransactionReader<'b>,
) -> Result<Received<'b>, FailureReason> {
    let transaction = reader.read(record.payload()?)?;
    Ok(Received {
        transaction,
        arrival: record.arrival().ok_or(FailureReason::MissingArrivalTime)?,
        position: record.position(),
    })
}

#[cfg(test)]
mod tests;
