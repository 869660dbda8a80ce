//! A ledger in a DynamoDB table, by conditional writes. The row's attributes are listed in `row.rs`.

use std::future::Future;
use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use tokio::time::{Instant, timeout_at};

use super::row::{self, CLAIMED, Item, Row, SENT};
use super::table::*;
use super::{AlertLedger, Claim, Claimed, LedgerFault, Marked, OnRecord, Release, Standing, StandingClaim};
use crate::table_client::table_client;

/// A DynamoDB table with the key `alert_id` (S) and time to live on `ttl`.
#[derive(Debug, Clone)]
pub struct DynamoDbLedger {
    pub(super) client: Client,
    pub(super) table: String,
    retention: Duration,
}

/// What came of a write under a condition.
enum Conditional<T> {
    Done(T),
    /// The condition did not hold: the row as it is, if there is one.
    Refused(Option<Row>),
}

impl DynamoDbLedger {
    /// The ledger in `table`, whose rows may be deleted `retention` after they were claimed. That must be longer than
    /// the stream keeps records: one that is delivered again after its row has gone is alerted again.
    pub fn new(config: &SdkConfig, table: impl Into<String>, retention: Duration) -> Self {
        DynamoDbLedger { client: table_client(config), table: table.into(), retention }
    }

    /// What a claim would come to if it is not for the alert to be sent: [`Claimed::AlreadySent`] or [`Claimed::IdInUse`].
    /// It only reads: for who asks what would be sent.
    ///
    /// # Errors
    /// [`LedgerFault`]
    pub async fn what_stands(
        &self,
        alert: &Alert,
        deadline: Instant,
    ) -> Result<Option<Claimed>, LedgerFault> {
        let get = timeout_at(deadline, self.get(&alert.alert_id)).await;
        match get.map_err(|_elapsed| CallFault::deadline())?? {
            Some(row) => settled(&row, alert),
            None => Ok(None),
        }
    }

    /// The claim that stands under an alert's id, whatever became of it. It only reads.
    ///
    /// # Errors
    /// [`LedgerFault`]
    pub async fn standing(
        &self,
        alert: &Alert,
        deadline: Instant,
    ) -> Result<Option<StandingClaim>, LedgerFault> {
        let row = timeout_at(deadline, self.get(&alert.alert_id)).await;
        let row = row.map_err(|_elapsed| CallFault::deadline())??;
        Ok(row.map(|row| StandingClaim::of(&alert.alert_id, Some(&row.0))))
    }

    /// An alert's row as it is; `None` if there is none.
    pub(super) async fn get(&self, alert_id: &str) -> Result<Option<Row>, LedgerFault> {
        let key = AttributeValue::S(alert_id.to_owned());
        let get = self.client.get_item().table_name(&self.table).key(ALERT_ID, key).consistent_read(true);
        let answer = get.send().await.map_err(|error| CallFault::of(&error))?;
        Ok(answer.item.map(Row))
    }

    /// The write of a first claim, which is made only if there is no row yet.
    ///
    /// # Errors
    /// [`LedgerFault`] if the alert does not fit into a row.
    pub(crate) fn first_claim(&self, alert: &Alert, claim: &Claim) -> Result<Put, LedgerFault> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(row::claimed(alert, claim, self.retention)?))
            .condition_expression(format!("attribute_not_exists({ALERT_ID})"))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        Ok(put.build().map_err(|error| CallFault::unusable(&error))?)
    }

    /// Writes the row of a first claim, if there is no row yet.
    async fn put(&self, item: Item, deadline: Instant) -> Result<Conditional<()>, LedgerFault> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(format!("attribute_not_exists({ALERT_ID})"))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        Ok(match conditional(put.send(), deadline).await? {
            Conditional::Done(_) => Conditional::Done(()),
            Conditional::Refused(row) => Conditional::Refused(row),
        })
    }

    /// Takes over a claim that has expired or was given up, if nobody else has, or renews one of its own. One of another's that
    /// expired may have been used.
    async fn take_over(
        &self,
        alert_id: &str,
        expired: &Row,
        claim: &Claim,
        deadline: Instant,
    ) -> Result<Conditional<Row>, LedgerFault> {
        let expired_at = expired.expires_at()?;
        let is_own = expired.token()? == claim.token;
        let may_have_been_sent = expired.may_have_been_sent()? || (expired_at != 0 && !is_own);
        let update = self
            .update(alert_id, expired.token()?)
            .condition_expression(format!("{} AND {CLAIM_EXPIRES_AT} = :expired", held()))
            .update_expression(format!(
                "SET {CLAIM_TOKEN} = :own, {CLAIM_EXPIRES_AT} = :expires, {CLAIMED_AT} = :now, \
                 {MAY_HAVE_BEEN_SENT} = :doubt, #ttl = :ttl"
            ))
            .expression_attribute_values(":expired", AttributeValue::N(expired_at.to_string()))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":own", AttributeValue::S(claim.token.clone()))
            .expression_attribute_values(":expires", AttributeValue::N(claim.expires_at.millis().to_string()))
            .expression_attribute_values(":now", AttributeValue::S(claim.claimed_at.to_string()))
            .expression_attribute_values(":doubt", AttributeValue::Bool(may_have_been_sent))
            .expression_attribute_values(
                ":ttl",
                AttributeValue::N(row::ttl(claim, self.retention).to_string()),
            )
            .return_values(ReturnValue::AllNew);
        Ok(match conditional(update.send(), deadline).await? {
            Conditional::Done(answer) => Conditional::Done(Row(answer
                .attributes
                .ok_or_else(|| CallFault::unreadable("the answer has no row"))?)),
            Conditional::Refused(row) => Conditional::Refused(row),
        })
    }

    /// An update of a row that is still held by the claim with this token.
    fn update(&self, alert_id: &str, token: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key(ALERT_ID, AttributeValue::S(alert_id.to_owned()))
            .condition_expression(held())
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_values(":token", AttributeValue::S(token.to_owned()))
            .expression_attribute_values(":claimed", AttributeValue::S(CLAIMED.to_owned()))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    }
}

impl AlertLedger for DynamoDbLedger {
    async fn claim(&self, alert: &Alert, claim: &Claim, deadline: Instant) -> Result<Claimed, LedgerFault> {
        let item = row::claimed(alert, claim, self.retention)?;
        let mut found = match self.put(item, deadline).await? {
            Conditional::Done(()) => return Ok(Claimed::Fresh),
            Conditional::Refused(row) => row,
        };
        // A second look is for who lost the race for an expired claim.
        for _ in 0..2 {
            let Some(row) = found else { break };
            if let Some(settled) = settled(&row, alert)? {
                return Ok(settled);
            }
            match row.standing(claim)? {
                Standing::InForce { until } => return Ok(Claimed::InForce { until }),
                Standing::Own if row.expires_at()? == claim.expires_at.millis() => return stored(&row),
                Standing::Own | Standing::Expired => {
                    match self.take_over(&alert.alert_id, &row, claim, deadline).await? {
                        Conditional::Done(row) => return stored(&row),
                        Conditional::Refused(row) => found = row,
                    }
                }
            }
        }
        // It was claimed and given up while we looked: the next attempt will find it free.
        Ok(Claimed::InForce { until: claim.claimed_at })
    }

    async fn find(&self, alert: &Alert, deadline: Instant) -> Result<Option<OnRecord>, LedgerFault> {
        for id in alert.ids() {
            let row =
                timeout_at(deadline, self.get(&id)).await.map_err(|_elapsed| CallFault::deadline())??;
            let Some(row) = row else { return Ok(None) };
            match settled(&row, alert)? {
                Some(Claimed::IdInUse) => {}
                Some(_) => return Ok(Some(OnRecord::Sent)),
                None => return Ok(Some(OnRecord::Pending(Box::new(row.alert()?)))),
            }
        }
        Ok(None)
    }

    async fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        sent_at: Timestamp,
        deadline: Instant,
    ) -> Result<Marked, LedgerFault> {
        let update = self
            .update(alert_id, &claim.token)
            .update_expression(format!("SET #status = :sent, {SENT_AT} = :sent_at"))
            .expression_attribute_values(":sent", AttributeValue::S(SENT.to_owned()))
            .expression_attribute_values(":sent_at", AttributeValue::S(sent_at.to_string()));
        match conditional(update.send(), deadline).await? {
            Conditional::Done(_) => Ok(Marked::Sent),
            // The call before, whose answer was lost, has done it.
            Conditional::Refused(Some(row)) if row.is_sent()? && row.token()? == claim.token => {
                Ok(Marked::Sent)
            }
            Conditional::Refused(_) => Ok(Marked::ClaimLost),
        }
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> Result<(), LedgerFault> {
        let doubt = match release {
            Release::NotSent => String::new(),
            Release::MayHaveBeenSent => format!(", {MAY_HAVE_BEEN_SENT} = :true"),
        };
        let mut update = self
            .update(alert_id, &claim.token)
            .update_expression(format!("SET {CLAIM_EXPIRES_AT} = :zero{doubt}"))
            .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()));
        if release == Release::MayHaveBeenSent {
            update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        }
        conditional(update.send(), deadline).await.map(drop)
    }
}

impl StandingClaim {
    /// The claim that an alert's row tells of.
    pub(crate) fn of(alert_id: &str, row: Option<&Item>) -> Self {
        let fingerprint = row.and_then(|row| Row(row.clone()).fingerprint());
        StandingClaim { alert_id: alert_id.to_owned(), fingerprint }
    }
}

/// The condition under which a row is still held by the claim whose token is `:token`.
fn held() -> String {
    format!("{CLAIM_TOKEN} = :token AND #status = :claimed")
}

/// What a row says whoever claims: that the alert was sent, or is another's.
fn settled(row: &Row, alert: &Alert) -> Result<Option<Claimed>, LedgerFault> {
    if !alert.is_of_the_same_content(row.fingerprint()) {
        return Ok(Some(Claimed::IdInUse));
    }
    Ok(row.is_sent()?.then_some(Claimed::AlreadySent))
}

fn stored(row: &Row) -> Result<Claimed, LedgerFault> {
    let may_have_been_sent = row.may_have_been_sent()?;
    Ok(Claimed::Stored { alert: Box::new(row.alert()?), may_have_been_sent })
}

/// Waits for a write's answer, at most until `deadline`.
async fn conditional<T, E>(
    call: impl Future<Output = Result<T, SdkError<E>>>,
    deadline: Instant,
) -> Result<Conditional<T>, LedgerFault>
where
    E: ProvideErrorMetadata,
    aws_sdk_dynamodb::Error: From<SdkError<E>>,
{
    let error = match timeout_at(deadline, call).await {
        Ok(Ok(answer)) => return Ok(Conditional::Done(answer)),
        Ok(Err(error)) => error,
        Err(_elapsed) => return Err(CallFault::deadline().into()),
    };
    let fault = CallFault::of(&error);
    match error.into() {
        aws_sdk_dynamodb::Error::ConditionalCheckFailedException(refused) => {
            Ok(Conditional::Refused(refused.item.map(Row)))
        }
        _ => Err(fault.into()),
    }
}
