//! Where labels are kept.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use fraud_aws::config::EntitySource;
use fraud_aws::labels::{DynamoDbLabels, FileLabels, LabelFault, LabelStore, LabelWrite, StoredLabels};
use fraud_core::label::{Counting, Taken};
use tokio::time::Instant;

use crate::Failure;
use crate::options::named;

/// Where labels are, and where the merchants are on whose days they count.
#[derive(Debug, Args)]
pub(super) struct TargetArgs {
    /// Where labels are kept: `dynamodb:<table>` with the key decision_id, or `file:<path>`.
    #[arg(long, value_name = "TARGET", value_parser = kept)]
    to: Kept,
    /// The entities: `dynamodb:<table>`, or `file:<path>` if the labels are in a file [env: ENTITY_SOURCE]
    #[arg(long, value_name = "TARGET")]
    entities: Option<String>,
}

/// Where labels are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    Table(String),
    File(PathBuf),
}

/// A place for labels as an argument.
pub(super) fn kept(target: &str) -> Result<Kept, String> {
    match target.split_once(':') {
        Some(("dynamodb", table)) if !table.is_empty() => Ok(Kept::Table(table.to_owned())),
        Some(("file", path)) if !path.is_empty() => Ok(Kept::File(path.into())),
        _ => Err("it must be `dynamodb:<table>` or `file:<path>`".to_owned()),
    }
}

/// Labels wherever they are kept.
#[derive(Debug)]
pub(super) enum OpenLabels {
    Table(DynamoDbLabels),
    File(FileLabels),
}

impl TargetArgs {
    /// # Errors
    /// [`Failure::Input`] if the two are of different kinds, or a file cannot be used.
    pub(super) async fn open(&self) -> Result<OpenLabels, Failure> {
        let entities =
            named("--entities", "ENTITY_SOURCE", self.entities.as_deref(), EntitySource::from_environment)?;
        match (&self.to, entities) {
            (Kept::Table(labels), EntitySource::DynamoDb { table }) => {
                let sdk = crate::aws::sdk().await?;
                Ok(OpenLabels::Table(DynamoDbLabels::new(sdk.config().await, labels, table)))
            }
            (Kept::File(labels), EntitySource::File { path }) => {
                Ok(OpenLabels::File(FileLabels::open(labels, &path).map_err(Failure::input)?))
            }
            (_, EntitySource::None) => Err(Failure::input(anyhow!(
                "no entities are named: give --entities dynamodb:<table> or file:<path>, or set ENTITY_SOURCE"
            ))),
            _ => Err(Failure::input(anyhow!(
                "labels and entities are written together: both must be `dynamodb:`, or both `file:`"
            ))),
        }
    }
}

impl OpenLabels {
    /// Writes what is in memory so far.
    pub(super) fn save(&self, counting: &Counting) -> Result<(), LabelFault> {
        match self {
            OpenLabels::Table(_) => Ok(()),
            OpenLabels::File(labels) => labels.save(counting),
        }
    }
}

impl LabelStore for OpenLabels {
    async fn read(&self, key: &str, deadline: Instant) -> Result<StoredLabels, LabelFault> {
        match self {
            OpenLabels::Table(labels) => labels.read(key, deadline).await,
            OpenLabels::File(labels) => labels.read(key, deadline).await,
        }
    }

    async fn apply(&self, write: LabelWrite<'_>, deadline: Instant) -> Result<Taken, LabelFault> {
        match self {
            OpenLabels::Table(labels) => labels.apply(write, deadline).await,
            OpenLabels::File(labels) => labels.apply(write, deadline).await,
        }
    }
}
