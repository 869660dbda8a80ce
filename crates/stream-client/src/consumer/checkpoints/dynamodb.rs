//! Checkpoints in a DynamoDB table, by conditional updates. The attributes are listed in `row.rs`.

use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::table::Attribute;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, ReturnValue,
    ReturnValuesOnConditionCheckFailure as OnFailure, ScalarAttributeType, TableStatus,
};
use tokio::time::sleep;

use super::row::{self, LEASE, Row};
use super::table::*;
use super::{
    Checkpoint, CheckpointFault, Checkpoints, Claimed, Holder, Kept, LeaseAnswer, LeaseClaim, LostTo,
    Standing,
};
use crate::consumer::shared::now;

/// How often a table that is being created is asked for.
const CREATION_POLL: Duration = Duration::from_millis(500);
/// How often it is asked at most: a table is there in seconds.
const CREATION_POLLS: usize = 240;

/// A DynamoDB table with the key `shard_id` (S) and `consumer_name` (S). Consumers of different streams can share it.
#[derive(Debug, Clone)]
pub struct DynamoDbCheckpoints {
    client: Client,
    table: String,
    consumer: String,
}

/// Why a table could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// DynamoDB refused.
    #[error("{}", .0.explained())]
    Refused(CallFault),
    /// It is not there after minutes.
    #[error("the table is still being created")]
    StillCreating,
}

/// What came of a write under a condition: the row as it is then, if there is one.
enum Conditional {
    Done(Row),
    Refused(Option<Row>),
}

impl DynamoDbCheckpoints {
    /// The checkpoints of a stream's consumer of this name. The table is not asked for anything yet.
    pub fn new(client: Client, table: impl Into<String>, stream: &str, name: &str) -> Self {
        // No stream's name has a slash, so that no two consumers share a text.
        DynamoDbCheckpoints { client, table: table.into(), consumer: format!("{stream}/{name}") }
    }

    /// Creates the table, paid by request, and waits until it can be used. One that is there already is left as it is.
    ///
    /// # Errors
    /// [`CreateError`]
    pub async fn create_table(&self) -> Result<(), CreateError> {
        if let Err(error) = self.create_request()?.send().await {
            let is_there = error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception());
            if !is_there {
                return Err(CreateError::Refused(CallFault::of(&error)));
            }
        }
        for _ in 0..CREATION_POLLS {
            let answer = self.client.describe_table().table_name(&self.table).send().await;
            let answer = answer.map_err(|error| CreateError::Refused(CallFault::of(&error)))?;
            if answer.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
                return Ok(());
            }
            sleep(CREATION_POLL).await;
        }
        Err(CreateError::StillCreating)
    }

    fn create_request(
        &self,
    ) -> Result<aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder, CreateError>
    {
        let unbuildable =
            |error: aws_sdk_dynamodb::error::BuildError| CreateError::Refused(CallFault::unusable(&error));
        let mut request =
            self.client.create_table().table_name(&self.table).billing_mode(BillingMode::PayPerRequest);
        for (Attribute { name, kind }, role) in TABLE.keys() {
            let key = KeySchemaElement::builder().attribute_name(name).key_type(role);
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let attribute = attribute.attribute_type(ScalarAttributeType::from(kind.as_str()));
            request = request
                .key_schema(key.build().map_err(unbuildable)?)
                .attribute_definitions(attribute.build().map_err(unbuildable)?);
        }
        Ok(request)
    }

    /// An update of the row of a shard, or of the lease.
    fn update(&self, shard_id: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key(SHARD_ID, text(shard_id))
            .key(CONSUMER_NAME, text(&self.consumer))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    }
}

impl Checkpoints for DynamoDbCheckpoints {
    async fn take_lease(
        &self,
        claim: &LeaseClaim,
        expired: Option<&Standing>,
    ) -> Result<LeaseAnswer, CheckpointFault> {
        let free = "attribute_not_exists(#owner)";
        let (free, update) = match expired {
            None => (free.to_owned(), self.update(LEASE)),
            Some(expired) => (
                format!("({free} OR (#owner = :expired AND {LEASE_COUNTER} = :counter))"),
                self.update(LEASE)
                    .expression_attribute_values(":expired", text(&expired.owner))
                    .expression_attribute_values(":counter", number(expired.counter)),
            ),
        };
        let same_stream = format!(
            "(attribute_not_exists({STREAM_CREATED_AT}) OR {STREAM_CREATED_AT} = :stream_created_at)"
        );
        let update = update
            .condition_expression(format!("{same_stream} AND {free}"))
            .update_expression(format!(
                "SET #owner = :owner, {LEASE_MS} = :length, #start = if_not_exists(#start, :start), \
                 {STREAM_CREATED_AT} = :stream_created_at, {UPDATED_AT} = :now ADD {LEASE_COUNTER} :one"
            ))
            .expression_attribute_names("#owner", OWNER)
            .expression_attribute_names("#start", START)
            .expression_attribute_values(":owner", text(&claim.owner))
            .expression_attribute_values(":length", number(claim.length.as_millis()))
            .expression_attribute_values(":start", text(row::start(claim.start)))
            .expression_attribute_values(":stream_created_at", text(claim.stream_created_at))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", text(now()));
        let row = match conditional(update.send().await)? {
            Conditional::Done(row) => return row.lease().map(LeaseAnswer::Taken),
            Conditional::Refused(row) => row.unwrap_or_default(),
        };
        let created_at = row.stream_created_at()?;
        if created_at != claim.stream_created_at {
            return Ok(LeaseAnswer::OtherStream { created_at });
        }
        match row.owner()? {
            // The call before, whose answer was lost, has taken it.
            Some(owner) if owner == claim.owner => row.lease().map(LeaseAnswer::Taken),
            Some(owner) => row.standing(owner).map(LeaseAnswer::Held),
            // It was given up after the write was refused.
            None => Err(CheckpointFault::Raced),
        }
    }

    async fn renew_lease(&self, owner: &str) -> Result<Kept, CheckpointFault> {
        let update = self
            .update(LEASE)
            .condition_expression("#owner = :owner")
            .update_expression(format!("SET {UPDATED_AT} = :now ADD {LEASE_COUNTER} :one"))
            .expression_attribute_names("#owner", OWNER)
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", text(now()));
        match conditional(update.send().await)? {
            Conditional::Done(_) => Ok(Kept::Ours),
            Conditional::Refused(row) => Ok(Kept::Lost(LostTo(row.unwrap_or_default().owner()?))),
        }
    }

    async fn release_lease(&self, owner: &str) -> Result<(), CheckpointFault> {
        let update = self
            .update(LEASE)
            .condition_expression("#owner = :owner")
            .update_expression(format!("SET {UPDATED_AT} = :now REMOVE #owner"))
            .expression_attribute_names("#owner", OWNER)
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":now", text(now()));
        conditional(update.send().await).map(drop)
    }

    async fn claim_shard(&self, shard_id: &str, holder: &Holder) -> Result<Claimed, CheckpointFault> {
        let update = self
            .update(shard_id)
            .condition_expression(format!("attribute_not_exists({TERM}) OR {TERM} <= :term"))
            .update_expression(format!("SET #owner = :owner, {TERM} = :term, {UPDATED_AT} = :now"))
            .expression_attribute_names("#owner", OWNER)
            .expression_attribute_values(":owner", text(&holder.owner))
            .expression_attribute_values(":term", number(holder.term))
            .expression_attribute_values(":now", text(now()));
        match conditional(update.send().await)? {
            Conditional::Done(row) => row.checkpoint().map(Claimed::At),
            Conditional::Refused(row) => Ok(Claimed::Lost(LostTo(row.unwrap_or_default().owner()?))),
        }
    }

    async fn advance(
        &self,
        shard_id: &str,
        holder: &Holder,
        to: &Checkpoint,
    ) -> Result<Kept, CheckpointFault> {
        let update = self
            .update(shard_id)
            .condition_expression(format!(
                "{TERM} = :term AND (attribute_not_exists({SEQUENCE_NUMBER}) OR {SEQUENCE_NUMBER} < :to)"
            ))
            .update_expression(format!("SET {SEQUENCE_NUMBER} = :to, {UPDATED_AT} = :now"))
            .expression_attribute_values(":term", number(holder.term))
            .expression_attribute_values(":to", text(row::checkpoint(to)))
            .expression_attribute_values(":now", text(now()));
        let row = match conditional(update.send().await)? {
            Conditional::Done(_) => return Ok(Kept::Ours),
            Conditional::Refused(row) => row,
        };
        match row {
            // It is there already, or further: the call before, whose answer was lost, has done it.
            Some(row) if row.term()? == holder.term && row.checkpoint()?.is_some_and(|at| at >= *to) => {
                Ok(Kept::Ours)
            }
            row => Ok(Kept::Lost(LostTo(row.unwrap_or_default().owner()?))),
        }
    }
}

fn conditional(
    answer: Result<
        aws_sdk_dynamodb::operation::update_item::UpdateItemOutput,
        SdkError<UpdateItemError, HttpResponse>,
    >,
) -> Result<Conditional, CheckpointFault> {
    let error = match answer {
        // A row without attributes would pass for one that has no checkpoint.
        Ok(answer) => {
            let row = answer.attributes.ok_or_else(|| CallFault::unreadable("the answer has no row"))?;
            return Ok(Conditional::Done(Row(row)));
        }
        Err(error) => error,
    };
    let fault = CallFault::of(&error);
    match error.into_service_error() {
        UpdateItemError::ConditionalCheckFailedException(refused) => {
            Ok(Conditional::Refused(refused.item.map(Row)))
        }
        _ => Err(fault.into()),
    }
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
