//! What is known of a merchant, a device, a card, an address or a customer beside the profile: a risk, and the lists it
//! is on; and of a merchant its days.

use exact_text::timestamp::Timestamp;

use crate::merchant::{self, Bucket, MerchantDays};
use crate::profile::Attribute;

/// The kinds of entities that a transaction can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// `customer_id`
    Customer,
    /// `merchant_id`
    Merchant,
    /// `device_id`
    Device,
    /// `card_id`
    Card,
    /// `ip`
    Ip,
}

impl EntityKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [EntityKind; 5] =
        [EntityKind::Customer, EntityKind::Merchant, EntityKind::Device, EntityKind::Card, EntityKind::Ip];

    /// The kind's name in policies, schemas and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            EntityKind::Customer => "customer",
            EntityKind::Merchant => "merchant",
            EntityKind::Device => "device",
            EntityKind::Card => "card",
            EntityKind::Ip => "ip",
        }
    }

    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        EntityKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The member of a transaction that names the entity.
    pub fn member(self) -> &'static str {
        match self {
            EntityKind::Customer => crate::fields::CUSTOMER_ID,
            EntityKind::Merchant => crate::fields::MERCHANT_ID,
            EntityKind::Device => crate::fields::DEVICE_ID,
            EntityKind::Card => crate::fields::CARD_ID,
            EntityKind::Ip => crate::fields::IP,
        }
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntityKinds(u8);

impl EntityKinds {
    /// No kind.
    pub const NONE: EntityKinds = EntityKinds(0);

    /// Adds a kind.
    pub fn insert(&mut self, kind: EntityKind) {
        self.0 |= 1 << kind as u8;
    }

    /// Whether a kind is in the set.
    #[inline]
    pub fn contains(self, kind: EntityKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether no kind is in the set.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds in the set, in the order of declaration.
    pub fn iter(self) -> impl Iterator<Item = EntityKind> {
        EntityKind::ALL.into_iter().filter(move |&kind| self.contains(kind))
    }
}

impl FromIterator<EntityKind> for EntityKinds {
    fn from_iter<I: IntoIterator<Item = EntityKind>>(kinds: I) -> Self {
        let mut set = EntityKinds::NONE;
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

/// What begins the name of an attribute that puts an entity on a list.
pub const LIST_PREFIX: &str = "list_";

/// The attribute of an entity's risk.
pub const RISK: &str = "risk";

/// The attribute of the day through which merchants' transactions are counted.
pub const THROUGH: &str = "through";

/// The longest name of a list.
const MAX_LIST_NAME: usize = 64;

/// Whether a list can have this name: 1 to 64 lower-case letters, digits or `_`.
pub fn is_list_name(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=MAX_LIST_NAME).contains(&name.len()) && name.bytes().all(valid)
}

/// What is known of one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    risk: Option<f64>,
    /// Each list's name, and when the entity leaves it: seconds since the epoch, 0 for never.
    lists: Vec<(Box<str>, i64)>,
    days: MerchantDays,
    /// Of the row that says through which day merchants' transactions are counted, that day.
    through: Option<i32>,
    is_valid: bool,
}

impl Entity {
    /// Builds an entity from its stored attributes: [`RISK`], a number from 0 to 1, and for each list `list_<name>`, the
    /// second since the epoch from which on the entity is no longer on it, 0 for never; for each of a merchant's days its
    /// [counts](Bucket::attribute), whole numbers of at least 0. Numbers may be stored as text; other attributes are not
    /// looked at. One that cannot be used counts as missing and makes the entity invalid.
    pub fn new<'s>(attributes: impl IntoIterator<Item = (&'s str, Attribute<'s>)>) -> Self {
        let mut entity = Entity {
            risk: None,
            lists: Vec::new(),
            days: MerchantDays::default(),
            through: None,
            is_valid: true,
        };
        for (name, attribute) in attributes {
            let digits = match attribute {
                Attribute::Missing => continue,
                Attribute::Number(digits) => digits,
                Attribute::Text(text) => text.trim_ascii(),
                Attribute::Other => "",
            };
            if name == RISK {
                entity.risk = digits.parse().ok().filter(|risk| (0.0..=1.0).contains(risk));
                entity.is_valid &= entity.risk.is_some();
            } else if name == THROUGH {
                entity.through = digits.parse().ok();
                entity.is_valid &= entity.through.is_some();
            } else if let Some(list) = name.strip_prefix(LIST_PREFIX) {
                match digits.parse() {
                    Ok(until) if until >= 0 => entity.lists.push((list.into(), until)),
                    _ => entity.is_valid = false,
                }
            } else if let Some((bucket, day)) = Bucket::of_attribute(name) {
                match merchant::count(digits) {
                    Some(count) => entity.days.set(bucket, day, count),
                    None => entity.is_valid = false,
                }
            }
        }
        entity
    }

    /// The entity's risk, 0 to 1, if it has one that can be used.
    pub fn risk(&self) -> Option<f64> {
        self.risk
    }

    /// Whether the entity is on a list at a moment: the arrival of the record that asks, so that the wall clock decides
    /// nothing.
    pub fn is_on(&self, list: &str, at: Timestamp) -> bool {
        self.lists
            .iter()
            .any(|(name, until)| **name == *list && (*until == 0 || at.millis() < until.saturating_mul(1000)))
    }

    /// What is known of it by day, if it is a merchant; `None` if nothing is.
    pub fn days(&self) -> Option<&MerchantDays> {
        (!self.days.is_empty()).then_some(&self.days)
    }

    /// The last UTC day, counted from the epoch, through which all merchants' transactions are counted, if this is the row that
    /// says so.
    pub fn counted_through(&self) -> Option<i32> {
        self.through
    }

    /// The same entity, of which this is known by day.
    #[must_use]
    pub fn with_days(self, days: MerchantDays) -> Self {
        Entity { days, ..self }
    }

    /// What is known of it by day, to be changed.
    pub fn days_mut(&mut self) -> &mut MerchantDays {
        &mut self.days
    }

    /// Whether every stored attribute could be used.
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// The memory that the entity takes, in bytes.
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + self.lists.iter().map(|(name, _)| size_of::<(Box<str>, i64)>() + name.len()).sum::<usize>()
            + size_of_val(self.days.days())
    }
}

/// What the lookup of one entity came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum EntityFound<'e> {
    /// Nobody asked, or the transaction names none.
    #[default]
    None,
    /// Something is known of it.
    Known(&'e Entity),
    /// Nothing is known of it.
    Absent,
    /// It could not be looked up.
    Unavailable,
}

/// What was looked up of a transaction's entities.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EntitiesFound<'e>([EntityFound<'e>; EntityKind::ALL.len()]);

impl<'e> EntitiesFound<'e> {
    /// Notes what was found of the entity of this kind.
    pub fn set(&mut self, kind: EntityKind, found: EntityFound<'e>) {
        if let Some(slot) = self.0.get_mut(kind as usize) {
            *slot = found;
        }
    }

    /// What was found of the entity of this kind.
    #[inline]
    pub fn of(&self, kind: EntityKind) -> EntityFound<'e> {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// The kinds of those that could not be looked up.
    #[inline]
    pub fn unavailable(&self) -> EntityKinds {
        EntityKind::ALL.into_iter().filter(|&kind| self.of(kind) == EntityFound::Unavailable).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_on_a_list_until_its_end_and_without_one_for_ever() {
        let entity = Entity::new([
            ("risk", Attribute::Number("0.25")),
            ("list_compromised", Attribute::Number("100")),
            ("list_trusted", Attribute::Text("0")),
            ("changed_by", Attribute::Text("ana")),
        ]);
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        assert_eq!((entity.risk(), entity.is_valid()), (Some(0.25), true));
        assert!(entity.is_on("compromised", at(99_999)) && !entity.is_on("compromised", at(100_000)));
        assert!(entity.is_on("trusted", at(4_000_000_000_000)) && !entity.is_on("trust", at(0)));
    }

    #[test]
    fn an_attribute_that_cannot_be_used_counts_as_missing_and_makes_the_entity_invalid() {
        for attribute in
            [Attribute::Other, Attribute::Text("x"), Attribute::Number("-1"), Attribute::Number("1.5")]
        {
            for name in ["risk", "list_trusted", "n20467", "f20467", "o20467"] {
                let entity = Entity::new([(name, attribute)]);
                assert!(!entity.is_valid() && entity.risk().is_none(), "{name} {attribute:?}");
                assert!(entity.days().is_none(), "{name} {attribute:?}");
                assert!(!entity.is_on("trusted", Timestamp::from_millis(0).unwrap()), "{name} {attribute:?}");
            }
        }
    }

    #[test]
    fn a_merchants_days_are_read_in_any_order() {
        let entity = Entity::new([
            ("o20468", Attribute::Number("1")),
            ("n20467", Attribute::Number("12")),
            ("name", Attribute::Text("Corner shop")),
            ("f20468", Attribute::Text("3")),
        ]);
        let mut days = MerchantDays::default();
        days.set(Bucket::Transactions, 20_467, 12);
        days.set(Bucket::Frauds, 20_468, 3);
        days.set(Bucket::Ordinary, 20_468, 1);
        assert_eq!((entity.days(), entity.is_valid()), (Some(&days), true));
        assert!(entity.size() > Entity::new([]).size() && Entity::new([]).days().is_none());
    }

    #[test]
    fn kinds_are_named_and_kept_in_sets() {
        for kind in EntityKind::ALL {
            assert_eq!(EntityKind::of_name(kind.as_str()), Some(kind));
        }
        let kinds: EntityKinds = [EntityKind::Ip, EntityKind::Merchant].into_iter().collect();
        assert_eq!(kinds.iter().collect::<Vec<_>>(), [EntityKind::Merchant, EntityKind::Ip]);
        assert!(!kinds.contains(EntityKind::Customer) && !kinds.is_empty() && EntityKinds::NONE.is_empty());
    }
}
