//! Reading a transaction under a schema.

use std::borrow::Cow;

use exact_text::json::{RepeatedKeys, Scanner, Value, push_escaped};

use super::plan::{Core, Key, KeyName, Plan, Target};
use super::{Amount, Body, Cuts, Further, MAX_DEPTH, TimeField, Transaction, amount, characters, id, time};
use crate::fields;
use crate::refusal::Refusal;
use crate::schema::{self, Form, TimeForm};

/// What a transaction that was read under a schema has beside the rest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mapped<'a> {
    /// What each of the plan's targets is: JSON in the form that a transaction without a schema has.
    values: Vec<Option<Cow<'a, str>>>,
    /// The members to append to the producer's object, without what closes it.
    appended: String,
}

/// What is found at each place: JSON.
type Cells<'a> = Vec<Option<Cow<'a, str>>>;

/// A top-level member of the producer's object.
struct Member {
    end: usize,
    name: KeyName,
}

/// A place's text as it is to be kept.
type Keep<'t, 'a> = fn(&'t str) -> Cow<'a, str>;

/// Reads a record's payload: `text`, without white space at its ends.
#[inline(never)]
pub(super) fn read<'a>(
    plan: &'a Plan,
    reading: &'a super::Reading,
    keys: &mut RepeatedKeys<'a, Key>,
    text: &'a str,
) -> Result<Transaction<'a>, Refusal> {
    let mut scanner = Scanner::new(text, MAX_DEPTH);
    let mut cells: Cells<'a> = vec![None; plan.cells];
    let mut members: Vec<Member> = Vec::new();
    let is_object = match scanner.peek() {
        Some(b'{') => {
            scanner.members(
                keys,
                |key| plan.key(key),
                |key, scanner| {
                    match key.node {
                        Some(node) => {
                            Way { plan, keep: Cow::Borrowed, cells: &mut cells }.member(node, scanner, 1)?;
                        }
                        None => drop(scanner.value()?),
                    }
                    members.push(Member { end: scanner.offset(), name: key.name });
                    Ok::<_, Refusal>(())
                },
            )?;
            true
        }
        Some(b'"') if plan.root().is_some_and(|root| root.text.is_some()) => {
            Way { plan, keep: Cow::Borrowed, cells: &mut cells }.follow(0, &mut scanner, 0)?;
            false
        }
        _ => {
            scanner.value().and_then(|_| scanner.end())?;
            return Err(Refusal::NotAnObject);
        }
    };
    let end = scanner.offset();
    scanner.end()?;

    let values: Vec<_> = plan.targets.iter().map(|target| usual(target, &cells)).collect();
    let of = |core: Core| values.get(core as usize).cloned().flatten();
    let transaction_id = owned_id(of(Core::TransactionId), str::len, Refusal::InvalidTransactionId)?;
    let customer_id = owned_id(of(Core::CustomerId), characters, Refusal::InvalidCustomerId)?;
    let amount_text = of(Core::Amount);
    if transaction_id.is_none() && customer_id.is_none() && amount_text.is_none() {
        return Err(Refusal::NotATransaction);
    }
    let kept = if is_object { Kept::of(plan, &members, &values, &cells) } else { Kept::default() };
    let body = if is_object {
        let mut cuts = Cuts::new(text);
        for (place, member) in members.iter().enumerate() {
            match kept.members.get(place) {
                Some(true) => cuts.keep(member.end),
                _ => cuts.cut(member.end),
            }
        }
        Body::new(text, end, &cuts.ranges, scanner.met_line_break())
    } else {
        Some(Body { first: "{", rest: Vec::new(), has_line_break: false })
    };
    let appended = appended(plan, &values, &kept);
    Ok(Transaction {
        transaction_id,
        customer_id,
        amount: owned_amount(amount_text)?,
        event_time: owned_time(of(Core::EventTime)),
        event_time_value: None,
        merchant: None,
        body: body.ok_or_else(|| {
            debug_assert!(false, "a member ends outside the object");
            Refusal::InternalFault
        })?,
        further: Some(Box::new(Further {
            reading,
            asked: Vec::new(),
            mapped: Some(Mapped { values, appended }),
        })),
    })
}

impl<'a> Mapped<'a> {
    /// What a target is.
    pub(super) fn value(&self, target: Option<usize>) -> Option<Value<'_>> {
        value(self.values.get(target?)?.as_deref()?)
    }

    /// What is read of every transaction.
    pub(super) fn core(&self, core: Core) -> Option<Value<'_>> {
        self.value(Some(core as usize))
    }

    /// The mapped names without a value.
    pub(super) fn lacking<'p>(&'p self, plan: &'p Plan) -> impl Iterator<Item = &'p str> {
        let targets = plan.targets.iter().zip(&self.values).filter(|(target, _)| target.is_mapped);
        let lacking = targets.filter(|(_, value)| value.as_deref().is_none_or(|value| value == NULL));
        lacking.map(|(target, _)| target.name.as_str())
    }

    pub(super) fn appended(&self) -> &str {
        &self.appended
    }
}

/// The way along a plan's nodes through one text.
struct Way<'p, 't, 'a, 'c> {
    plan: &'p Plan,
    keep: Keep<'t, 'a>,
    cells: &'c mut Cells<'a>,
}

impl<'t, 'a> Way<'_, 't, 'a, '_> {
    /// Reads a member or an element with the places that end in it or below. If its name comes twice, the last counts.
    fn member(&mut self, node: usize, scanner: &mut Scanner<'t>, depth: usize) -> Result<(), Refusal> {
        for cell in self.plan.node(node).into_iter().flat_map(|node| &node.cells_below) {
            if let Some(cell) = self.cells.get_mut(*cell) {
                *cell = None;
            }
        }
        self.follow(node, scanner, depth)
    }

    /// Reads a value that `depth` objects and arrays are around, those of texts included.
    fn follow(&mut self, at: usize, scanner: &mut Scanner<'t>, depth: usize) -> Result<(), Refusal> {
        let Some(node) = self.plan.node(at) else { return Err(Refusal::InternalFault) };
        let first = scanner.peek();
        let start = scanner.offset();
        match first {
            Some(b'{') if node.has_members() => {
                scanner.object(|key, scanner| match key.decode().and_then(|name| node.member(&name)) {
                    Some(below) => self.member(below, scanner, depth + 1),
                    None => Ok(scanner.value().map(drop)?),
                })?
            }
            Some(b'[') if node.has_elements() => {
                let mut index = 0;
                scanner.array(|scanner| {
                    let below = node.element(index);
                    index += 1;
                    match below {
                        Some(below) => self.member(below, scanner, depth + 1),
                        None => Ok(scanner.value().map(drop)?),
                    }
                })?;
            }
            _ => {
                let value = scanner.value()?;
                if let (Some(below), Value::String(text)) = (node.text, value) {
                    let text = text.decode().ok_or(Refusal::NotJson)?;
                    self.follow_text(below, &text, depth)?;
                }
            }
        }
        let raw = scanner.slice(start..scanner.offset());
        for cell in &node.cells {
            if let Some(cell) = self.cells.get_mut(*cell) {
                *cell = Some((self.keep)(raw));
            }
        }
        Ok(())
    }

    /// Reads the JSON that a text holds. An empty text holds nothing.
    fn follow_text(&mut self, at: usize, text: &str, depth: usize) -> Result<(), Refusal> {
        if text.trim_matches([' ', '\n', '\r', '\t']).is_empty() {
            return Ok(());
        }
        let mut scanner = Scanner::new(text, MAX_DEPTH.saturating_sub(depth));
        let keep = |raw: &str| Cow::Owned(raw.to_owned());
        Way { plan: self.plan, keep, cells: self.cells }.follow(at, &mut scanner, depth)?;
        Ok(scanner.end()?)
    }
}

/// The value that a JSON text is.
fn value(json: &str) -> Option<Value<'_>> {
    Scanner::new(json, MAX_DEPTH).value().ok()
}

/// A target's value in the form that a transaction without a schema has, as JSON.
fn usual<'a>(target: &Target, cells: &Cells<'a>) -> Option<Cow<'a, str>> {
    let found = cells.get(target.cells.clone())?;
    match (&target.form, found) {
        (Form::AsIs | Form::Time(TimeForm::Usual), [cell]) => cell.clone(),
        (Form::NumberText(mark), [cell]) => {
            let json = cell.clone()?;
            let number = match value(&json) {
                Some(Value::String(text)) => text.decode().and_then(|text| schema::number(&text, *mark)),
                _ => None,
            };
            Some(number.map_or(json, Cow::Owned))
        }
        (Form::Time(form), cells) => usual_time(form, cells),
        _ => None,
    }
}

fn usual_time<'a>(form: &TimeForm, cells: &[Option<Cow<'a, str>>]) -> Option<Cow<'a, str>> {
    let json = match cells {
        [cell] => cell.clone()?,
        parts if parts.iter().all(|part| part.as_deref().is_none_or(|part| part == NULL)) => return None,
        parts => joined(parts).map_or(Cow::Borrowed(NULL), Cow::Owned),
    };
    let Some(written) = value(&json) else { return Some(Cow::Borrowed(NULL)) };
    let Some(read) = form.read(written) else {
        // It is unreadable in the usual form too.
        let is_unreadable = time(Some(written)) == TimeField::Unreadable;
        return Some(if is_unreadable { json } else { Cow::Borrowed(NULL) });
    };
    if written.as_digits().is_some_and(|text| text == read.text) {
        return Some(json);
    }
    Some(Cow::Owned(match read.time.hour {
        None => read.text.into_owned(),
        Some(_) => quoted(&read.text),
    }))
}

const NULL: &str = "null";

/// The texts and numbers of a time's members with spaces between them, as JSON; `None` if one is missing.
fn joined(parts: &[Option<Cow<'_, str>>]) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&value(part.as_deref()?)?.as_digits()?);
    }
    Some(quoted(&text))
}

fn quoted(text: &str) -> String {
    let mut json = vec![b'"'];
    push_escaped(&mut json, text);
    json.push(b'"');
    // Escaping leaves a text a text, so that the second way is never gone.
    String::from_utf8(json).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn owned_id<'a>(
    json: Option<Cow<'a, str>>,
    length: impl Fn(&str) -> usize,
    invalid: Refusal,
) -> Result<Option<Cow<'a, str>>, Refusal> {
    match json {
        None => Ok(None),
        Some(Cow::Borrowed(json)) => id(value(json), length, invalid),
        Some(Cow::Owned(json)) => {
            let id = id(value(&json), length, invalid)?;
            Ok(id.map(|id| Cow::Owned(id.into_owned())))
        }
    }
}

fn owned_amount(json: Option<Cow<'_, str>>) -> Result<Amount<'_>, Refusal> {
    match json {
        None => amount(None),
        Some(Cow::Borrowed(json)) => amount(value(json)),
        Some(Cow::Owned(json)) => {
            let Amount { digits, value } = amount(value(&json))?;
            Ok(Amount { digits: Cow::Owned(digits.into_owned()), value })
        }
    }
}

fn owned_time(json: Option<Cow<'_, str>>) -> TimeField<'_> {
    match json {
        None => TimeField::Missing,
        Some(Cow::Borrowed(json)) => time(value(json)),
        Some(Cow::Owned(json)) => match time(value(&json)) {
            TimeField::Known(time, text) => TimeField::Known(time, Cow::Owned(text.into_owned())),
            TimeField::Missing => TimeField::Missing,
            TimeField::Unreadable => TimeField::Unreadable,
        },
    }
}

/// Which of the producer's top-level members stay in the scored record.
#[derive(Default)]
struct Kept {
    members: Vec<bool>,
    /// The targets whose own member stays.
    targets: Vec<usize>,
}

impl Kept {
    /// A member under a mapped name stays if it is what was mapped, in the usual form, and the last of its name.
    fn of(plan: &Plan, members: &[Member], values: &[Option<Cow<'_, str>>], cells: &Cells<'_>) -> Self {
        let mut kept = Kept { members: Vec::with_capacity(members.len()), targets: Vec::new() };
        for member in members.iter().rev() {
            let stays = match member.name {
                KeyName::Free => true,
                KeyName::Own | KeyName::Mapped { is_exact: false, .. } => false,
                KeyName::Mapped { target, is_exact: true } => {
                    let is_usual = plan.targets.get(target).is_some_and(|mapped| {
                        mapped.is_in_place && values.get(target) == cells.get(mapped.cells.start)
                    });
                    let stays = is_usual && !kept.targets.contains(&target);
                    kept.targets.extend(stays.then_some(target));
                    stays
                }
            };
            kept.members.push(stays);
        }
        kept.members.reverse();
        kept
    }

    fn any(&self) -> bool {
        self.members.contains(&true)
    }
}

/// The members that the scored record has beside the producer's: what is mapped and not there already, and the schema.
fn appended(plan: &Plan, values: &[Option<Cow<'_, str>>], kept: &Kept) -> String {
    let mut appended = String::new();
    let mut member = |name: &str, json: &str| {
        if kept.any() || !appended.is_empty() {
            appended.push(',');
        }
        appended.push('"');
        // Names of mappings consist of characters that JSON writes as they are.
        appended.push_str(name);
        appended.push_str("\":");
        // Line breaks can only be between tokens.
        appended.extend(
            json.chars().map(|character| if matches!(character, '\n' | '\r') { ' ' } else { character }),
        );
    };
    for (place, target) in plan.targets.iter().enumerate() {
        let value = values.get(place).and_then(Option::as_deref);
        match value.filter(|_| target.is_mapped && !kept.targets.contains(&place)) {
            None => {}
            // Missing and null are the same, but for a time, which is then unreadable.
            Some(NULL) if target.name != fields::EVENT_TIME => {}
            Some(json) => member(&target.name, json),
        }
    }
    member(fields::TRANSACTION_SCHEMA, &quoted(&plan.schema));
    appended
}

#[cfg(test)]
mod tests;
