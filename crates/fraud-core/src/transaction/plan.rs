//! The way through a producer's object to everything that is read of it.

use crate::entity::EntityKind;
use crate::fields;
use crate::schema::{Form, Place, Schema, Step, TimeForm, fold};

use super::Asked;

/// What is read of each transaction under a schema, and where. The places make a tree, so that one pass over the object
/// finds them all.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    /// The schema's id.
    pub(super) schema: String,
    /// The first of the nodes is the record itself.
    nodes: Vec<Node>,
    /// What is read, in the order of scored records: first the [core](Core).
    pub(super) targets: Vec<Target>,
    /// The number of places, each of which has a cell for what is found there.
    pub(super) cells: usize,
    /// For each field that is asked for its target; `None` for one that only this product writes.
    fields: Vec<Option<usize>>,
}

/// One name that is read, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) name: String,
    folded: String,
    /// The cells of its places.
    pub(super) cells: std::ops::Range<usize>,
    pub(super) form: Form,
    /// Whether the schema maps it, so that it is once in the scored record.
    pub(super) is_mapped: bool,
    /// Whether its place is the top-level member of its own name.
    pub(super) is_in_place: bool,
}

/// What is read of every transaction, each the index of its target.
#[derive(Debug, Clone, Copy)]
pub(super) enum Core {
    TransactionId,
    CustomerId,
    Amount,
    EventTime,
    Merchant,
}

const CORE: [&str; 5] =
    [fields::TRANSACTION_ID, fields::CUSTOMER_ID, fields::AMOUNT, fields::EVENT_TIME, fields::MERCHANT_ID];

/// A point on the way.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Node {
    /// The members below, each with the index that its name is in an array, if it is one.
    members: Vec<(String, Option<usize>, usize)>,
    /// The node of the JSON that the text here holds.
    pub(super) text: Option<usize>,
    /// The cells of the places that end here.
    pub(super) cells: Vec<usize>,
    /// The cells of all places that end here or below.
    pub(super) cells_below: Vec<usize>,
}

impl Node {
    pub(super) fn member(&self, name: &str) -> Option<usize> {
        self.members.iter().find(|(member, ..)| member == name).map(|(.., node)| *node)
    }

    pub(super) fn element(&self, index: usize) -> Option<usize> {
        self.members.iter().find(|(_, element, _)| *element == Some(index)).map(|(.., node)| *node)
    }

    pub(super) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    pub(super) fn has_elements(&self) -> bool {
        self.members.iter().any(|(_, element, _)| element.is_some())
    }
}

/// What a top-level member's key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// The node below, if places lead there.
    pub(super) node: Option<usize>,
    pub(super) name: KeyName,
}

/// Whose name a top-level member has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyName {
    /// The producer's own.
    Free,
    /// A name under which only this product writes.
    Own,
    /// That of a mapped target, exactly or in other letter case.
    Mapped { target: usize, is_exact: bool },
}

impl Plan {
    /// The plan for what a schema maps, a policy asks for, and every transaction is read for.
    pub(super) fn new(schema: &Schema, asked: &Asked) -> Self {
        let mut plan = Plan {
            schema: schema.id().to_owned(),
            nodes: vec![Node::default()],
            targets: Vec::new(),
            cells: 0,
            fields: Vec::new(),
        };
        for name in CORE {
            plan.target(name, schema);
        }
        for name in schema.names() {
            plan.target(name, schema);
        }
        for kind in asked.entities.iter() {
            plan.target(kind.member(), schema);
        }
        if asked.currency {
            plan.target(fields::CURRENCY, schema);
        }
        plan.fields = asked
            .fields
            .iter()
            .map(|name| (!fields::is_own(name)).then(|| plan.target(name, schema)))
            .collect();
        plan
    }

    /// The target of this name, which is made if there is none yet.
    fn target(&mut self, name: &str, schema: &Schema) -> usize {
        if let Some(known) = self.targets.iter().position(|target| target.name == name) {
            return known;
        }
        let mapping = schema.mappings().iter().find(|mapping| mapping.name == name);
        let (at, form) = match mapping {
            Some(mapping) => (mapping.at.clone(), mapping.form.clone()),
            None if name == fields::EVENT_TIME => (vec![Place::top_level(name)], Form::Time(TimeForm::Usual)),
            None => (vec![Place::top_level(name)], Form::AsIs),
        };
        let first = self.cells;
        for place in &at {
            self.cell(place);
        }
        self.targets.push(Target {
            name: name.to_owned(),
            folded: fold(name),
            cells: first..self.cells,
            form,
            is_mapped: mapping.is_some(),
            is_in_place: matches!(at.as_slice(), [place] if place.is_top_level(name)),
        });
        self.targets.len() - 1
    }

    /// Makes the cell of a place, and the way there.
    fn cell(&mut self, place: &Place) {
        let cell = self.cells;
        self.cells += 1;
        let mut at = 0;
        for step in place.steps() {
            self.nodes.get_mut(at).into_iter().for_each(|node| node.cells_below.push(cell));
            at = self.next_node(at, step);
        }
        if let Some(end) = self.nodes.get_mut(at) {
            end.cells.push(cell);
            end.cells_below.push(cell);
        }
    }

    fn next_node(&mut self, at: usize, step: &Step) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let known = match step {
            Step::Text => node.text,
            Step::Member(name) => node.member(name),
        };
        if let Some(known) = known {
            return known;
        }
        match step {
            Step::Text => node.text = Some(new),
            Step::Member(name) => {
                // RFC 6901, section 4: an index has no leading zeros.
                let index = name.parse().ok().filter(|index: &usize| index.to_string() == *name);
                node.members.push((name.clone(), index, new));
            }
        }
        self.nodes.push(Node::default());
        new
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    pub(super) fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// What a top-level member's key means.
    pub(super) fn key(&self, key: Option<&str>) -> Key {
        let Some(name) = key else { return Key { node: None, name: KeyName::Free } };
        let node = self.root().and_then(|root| root.member(name));
        Key { node, name: self.key_name(name) }
    }

    fn key_name(&self, name: &str) -> KeyName {
        if fields::is_own(name) {
            return KeyName::Own;
        }
        let folded = fold(name);
        let mut targets = self.targets.iter().enumerate();
        match targets.find(|(_, target)| target.is_mapped && target.folded == folded) {
            Some((place, target)) => KeyName::Mapped { target: place, is_exact: target.name == name },
            None => KeyName::Free,
        }
    }

    /// The target of a field by its place in [`Asked::fields`].
    pub(super) fn field(&self, slot: usize) -> Option<usize> {
        self.fields.get(slot).copied().flatten()
    }

    /// The target of the currency, if it is asked for or mapped.
    pub(super) fn currency(&self) -> Option<usize> {
        self.targets.iter().position(|target| target.name == fields::CURRENCY)
    }

    /// The target of a kind of entity, if it is asked for or mapped.
    pub(super) fn entity(&self, kind: EntityKind) -> Option<usize> {
        self.targets.iter().position(|target| target.name == kind.member())
    }
}
