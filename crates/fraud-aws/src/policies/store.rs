//! The store of published policies: a DynamoDB table.

use std::collections::HashMap;

use aws_calls::fault::{CallFault, FaultKind, answer_by};
use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use tokio::time::Instant;

use super::table::{CANONICAL, COMPARED, POLICY_ID, PUBLISHED_AT, PUBLISHED_BY, TEXT};

/// The code of a write whose condition does not hold.
const REFUSED_CONDITION: &str = "ConditionalCheckFailedException";

type Item = HashMap<String, AttributeValue>;

/// A table of published policies.
#[derive(Debug, Clone)]
pub struct PolicyStore {
    client: Client,
    table: String,
}

/// A policy as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPolicy {
    /// The policy's id.
    pub policy_id: String,
    /// The file's text.
    pub text: String,
    /// The policy's canonical form.
    pub canonical: String,
    /// When: RFC 3339.
    pub published_at: String,
    /// Who.
    pub published_by: String,
    /// What the policy was compared with: JSON.
    pub compared: Option<String>,
}

/// What a publication came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// The policy is published.
    New,
    /// It was before, and is as it was then.
    Before(Box<PublishedPolicy>),
}

/// A store that does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// A row is not a policy's.
    #[error("the row of {policy_id} is not a policy's: it has no text `{attribute}`")]
    Unreadable {
        /// The row's key, empty if it has none.
        policy_id: String,
        /// The attribute.
        attribute: &'static str,
    },
}

impl PolicyStore {
    /// The policies in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        PolicyStore { client, table: table.into() }
    }

    /// The same, with a client of the SDK's settings.
    pub async fn connect(table: impl Into<String>, sdk: &Sdk) -> Self {
        PolicyStore::new(Client::new(sdk.config().await), table)
    }

    /// A published policy, if there is one under this id: as it is at this moment.
    ///
    /// # Errors
    /// [`StoreFault`]
    pub async fn get(
        &self,
        policy_id: &str,
        deadline: Instant,
    ) -> Result<Option<PublishedPolicy>, StoreFault> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(POLICY_ID, AttributeValue::S(policy_id.to_owned()))
            .consistent_read(true);
        let item = answer_by(deadline, get.send()).await?.item;
        item.as_ref().map(PublishedPolicy::of_item).transpose()
    }

    /// Publishes a policy, unless it is published: no row is ever changed.
    ///
    /// # Errors
    /// [`StoreFault`]
    pub async fn publish(
        &self,
        policy: &PublishedPolicy,
        deadline: Instant,
    ) -> Result<Publication, StoreFault> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(policy.item()))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", POLICY_ID);
        let fault = match answer_by(deadline, put.send()).await {
            Ok(_) => return Ok(Publication::New),
            Err(fault) => fault,
        };
        let may_be_done = matches!(fault.kind, FaultKind::NoAnswer | FaultKind::Failed);
        if fault.code != REFUSED_CONDITION && !may_be_done {
            return Err(fault.into());
        }
        match self.get(&policy.policy_id, deadline).await {
            // It was done, and the answer lost.
            Ok(Some(own)) if own == *policy => Ok(Publication::New),
            Ok(Some(before)) => Ok(Publication::Before(Box::new(before))),
            Ok(None) => Err(fault.into()),
            // Nobody knows what stands there.
            Err(unknown) => Err(unknown),
        }
    }

    /// A page of the published policies, and where the next begins; in no order. Start with `None`.
    ///
    /// # Errors
    /// [`StoreFault`]
    pub async fn page(
        &self,
        start: Option<Item>,
        deadline: Instant,
    ) -> Result<(Vec<PublishedPolicy>, Option<Item>), StoreFault> {
        let scan = self.client.scan().table_name(&self.table).set_exclusive_start_key(start);
        let page = answer_by(deadline, scan.send()).await?;
        let items = page.items.ok_or_else(|| CallFault::unreadable("the answer has no rows"))?;
        let policies = items.iter().map(PublishedPolicy::of_item).collect::<Result<_, _>>()?;
        Ok((policies, page.last_evaluated_key))
    }
}

impl PublishedPolicy {
    fn of_item(item: &Item) -> Result<Self, StoreFault> {
        let text = |attribute: &'static str| {
            let value = item.get(attribute).and_then(|value| value.as_s().ok());
            value.cloned().ok_or_else(|| {
                let id = item.get(POLICY_ID).and_then(|id| id.as_s().ok());
                StoreFault::Unreadable { policy_id: id.cloned().unwrap_or_default(), attribute }
            })
        };
        Ok(PublishedPolicy {
            policy_id: text(POLICY_ID)?,
            text: text(TEXT)?,
            canonical: text(CANONICAL)?,
            published_at: text(PUBLISHED_AT)?,
            published_by: text(PUBLISHED_BY)?,
            compared: item.get(COMPARED).map(|_| text(COMPARED)).transpose()?,
        })
    }

    /// The policy's row.
    fn item(&self) -> Item {
        let PublishedPolicy { policy_id, text, canonical, published_at, published_by, compared } = self;
        let attributes = [
            (POLICY_ID, Some(policy_id)),
            (TEXT, Some(text)),
            (CANONICAL, Some(canonical)),
            (PUBLISHED_AT, Some(published_at)),
            (PUBLISHED_BY, Some(published_by)),
            (COMPARED, compared.as_ref()),
        ];
        let value = |(name, value): (&str, Option<&String>)| {
            Some((name.to_owned(), AttributeValue::S(value?.clone())))
        };
        attributes.into_iter().filter_map(value).collect()
    }
}
