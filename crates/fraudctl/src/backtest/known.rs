//! What files say of customers and entities.

use fraud_aws::entities::{FileEntities, key_of};
use fraud_aws::profiles::FileProfiles;
use fraud_core::entity::{Entity, EntityKind};
use fraud_core::profile::Profile;

use backtest::engine::Knowledge;

/// What files say of customers and entities.
#[derive(Debug, Default)]
pub(super) struct KnownByFiles {
    pub(super) profiles: FileProfiles,
    pub(super) entities: FileEntities,
}

impl Knowledge for KnownByFiles {
    fn profile(&self, customer: &str) -> Option<&Profile> {
        self.profiles.get(customer).map(AsRef::as_ref)
    }

    fn entity(&self, kind: EntityKind, id: &str) -> Option<&Entity> {
        self.entities.get(&key_of(kind, id))
    }
}
