//! Entities from a file, as every command takes them.

use std::path::Path;

use anyhow::anyhow;
use fraud_aws::entities::FileEntities;
use fraud_aws::entities::rows::{self, Rows};
use fraud_core::inputs::Input;
use fraud_core::shadow::Policies;

use super::EntityItem;
use super::table::items;
use crate::row_notes::{tell_left_out, tell_problems};
use crate::{Failure, input};

/// The entities of a file.
#[derive(Debug, Clone, Default)]
pub struct LoadedEntities {
    /// To look entities up in.
    pub entities: FileEntities,
    /// The same as a table holds them.
    pub items: Vec<EntityItem>,
}

/// Reads the rows of a file, decompressed if it is gzip. Says which columns are not attributes of an entity.
///
/// # Errors
/// [`Failure::Input`] if it cannot be read, or is of no kind that is read.
pub(super) fn read(path: &Path) -> Result<Rows, Failure> {
    let bytes = input::read_file(path).map_err(Failure::input)?;
    let rows = rows::read(&bytes).map_err(|error| cannot_read(path, error))?;
    tell_left_out(path, &rows.left_out, "an entity");
    Ok(rows)
}

/// Reads a file to score by. Tells of rows that the functions would not use as they are meant.
///
/// # Errors
/// [`Failure::Input`] if it cannot be read, or a row of it cannot.
fn load(path: &Path) -> Result<LoadedEntities, Failure> {
    let rows = read(path)?;
    let entities = FileEntities::of_rows(&rows).map_err(|error| cannot_read(path, error))?;
    tell_problems(path, rows.rows.iter().filter_map(|(place, row)| Some((place, row.problem()?))));
    Ok(LoadedEntities { entities, items: items(&rows) })
}

/// Whether an input is over what people say of an entity.
fn is_kept_by_people(input: &Input) -> bool {
    matches!(input, Input::EntityRisk(_) | Input::OnList(..))
}

/// Reads the file to score by, if one is given.
///
/// # Errors
/// [`Failure::Input`] if a policy asks for risks or lists and no file is given, or if the file, or a row of it, cannot be read.
pub fn for_policies(path: Option<&Path>, policies: &Policies) -> Result<LoadedEntities, Failure> {
    let asked: Vec<_> = policies.asked().entities.iter().map(|kind| kind.as_str()).collect();
    match path {
        Some(path) => load(path),
        // What labels say of merchants need not be known yet.
        None if !policies.further_inputs().iter().any(|further| is_kept_by_people(&further.input)) => {
            Ok(LoadedEntities::default())
        }
        None => Err(Failure::input(anyhow!(
            "the policy {} asks for entities ({}): give --entities FILE, such as {{\"merchant/M1\": {{\"risk\": 0.9}}}}",
            policies.asking_for_entities().id(),
            asked.join(", ")
        ))),
    }
}

fn cannot_read(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::input(anyhow!(error).context(format!("cannot read the entities in {}", path.display())))
}
