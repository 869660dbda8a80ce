//! How a command is told where transactions have their values: by a schema's file, or by pairs of names.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use fraud_aws::config::SchemaSource;
use fraud_core::closest::closest;
use fraud_core::fields;
use fraud_core::schema::{Schema, SchemaProblem};
use fraud_core::transaction::Transaction;

use crate::Failure;
use crate::display::{counted, note};
use crate::input::{Header, Input, Source, SourceLocation};

/// This many columns of a file are named.
const COLUMNS_NAMED: usize = 40;

/// Where transactions have their values.
#[derive(Debug, Clone, Default, Args)]
pub struct SchemaArgs {
    /// The schema (TOML) of the transactions; by default they have our names at the top level.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Read each of these names where the transactions have it: a column, a member, or a JSON pointer (`amount=/detail/total`).
    #[arg(
        long,
        value_name = "NAME=COLUMN,...",
        value_delimiter = ',',
        value_parser = MapPair::parse,
        conflicts_with = "schema"
    )]
    map: Vec<MapPair>,
}

/// A name, and where the transactions have its value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MapPair {
    name: String,
    /// A JSON pointer.
    place: String,
}

impl MapPair {
    /// # Errors
    /// What is accepted.
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=').map(|(name, place)| (name.trim(), place)) {
            Some((name, place)) if !name.is_empty() && !place.is_empty() => {
                let place = match place.starts_with(['/', '#']) {
                    true => place.to_owned(),
                    false => {
                        format!("/{}", place.replace('~', "~0").replace('/', "~1").replace('#', "~2"))
                    }
                };
                Ok(MapPair { name: name.to_owned(), place })
            }
            _ => Err("write it as amount=amt,customer_id=cc_num: a name and the column that has it; names of columns \
                      with a comma need a schema"
                .to_owned()),
        }
    }
}

impl SchemaArgs {
    /// The schema that the arguments name.
    ///
    /// # Errors
    /// [`Failure::Input`] if it cannot be used, with everything that is wrong.
    pub fn load(&self) -> Result<Schema, Failure> {
        if self.map.is_empty() {
            return SchemaSource::of_path(self.schema.clone()).load().map_err(Failure::input);
        }
        let pairs = self.map.iter().map(|pair| (pair.name.as_str(), pair.place.as_str()));
        Schema::of_pairs("map", pairs).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(problem).collect();
            Failure::input(anyhow!("--map: {}", problems.join("; ")))
        })
    }

    /// Opens the sources of transactions that are read by `schema`. A file that says which columns it has (CSV, Parquet) must
    /// have those that `--map` names, and that of the amount; others that a schema names and it lacks are told.
    ///
    /// # Errors
    /// [`Failure::Input`] if a source cannot be read, or lacks a column.
    pub fn open(&self, sources: &[Source], schema: &Schema) -> Result<Input, Failure> {
        let input = Input::open(sources).map_err(Failure::input)?;
        for header in input.headers() {
            for (name, column) in schema.members() {
                if header.columns.iter().any(|known| known == column) {
                    continue;
                }
                if !self.map.is_empty() || name == fields::AMOUNT {
                    return Err(Failure::input(anyhow!("{}", lacks(header, name, column))));
                }
                note!("{} has no column `{column}`, which the schema reads as `{name}`", header.source_name);
            }
        }
        Ok(input)
    }

    /// Counts what `--map` names and transactions do not have.
    pub fn lacking(&self) -> Option<LackingCounts> {
        (!self.map.is_empty()).then(LackingCounts::default)
    }
}

fn problem(problem: &SchemaProblem) -> String {
    match problem {
        SchemaProblem::HasKey { name, key } => format!("`{name}` is written `{key}`"),
        problem => problem.to_string(),
    }
}

/// That a file lacks a column, and which it has.
fn lacks(Header { source_name, columns }: &Header, name: &str, column: &str) -> String {
    let named: Vec<String> = columns.iter().take(COLUMNS_NAMED).map(|name| format!("`{name}`")).collect();
    let more = match columns.len().saturating_sub(COLUMNS_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let meant = closest(column, columns.iter().map(String::as_str));
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    format!(
        "{source_name} has no column `{column}`, which is read as `{name}`{meant} (its columns are {}{more})",
        named.join(", ")
    )
}

/// How many transactions lack what is mapped, by name.
#[derive(Debug, Default)]
pub struct LackingCounts {
    transactions: u64,
    names: Vec<(String, u64, SourceLocation)>,
}

impl LackingCounts {
    /// Counts what a transaction lacks.
    pub fn count(&mut self, transaction: &Transaction<'_>, location: &SourceLocation) {
        self.transactions += 1;
        for name in transaction.lacking() {
            match self.names.iter_mut().find(|(known, ..)| known == name) {
                Some((_, count, _)) => *count += 1,
                None => self.names.push((name.to_owned(), 1, location.clone())),
            }
        }
    }

    /// Tells of each name that some transactions lack.
    ///
    /// # Errors
    /// [`Failure::Input`] if all lack one: it is not where `--map` says.
    pub fn tell(&self) -> Result<(), Failure> {
        let mut absent = Vec::new();
        for (name, count, first) in &self.names {
            if *count == self.transactions {
                absent.push(format!("`{name}`"));
            } else {
                note!(
                    "{} without `{name}` where --map says, of {}; the first is {first}",
                    counted(*count, "transaction"),
                    counted(self.transactions, "transaction")
                );
            }
        }
        match absent.is_empty() {
            true => Ok(()),
            false => {
                Err(Failure::input(anyhow!("no transaction has {} where --map says", absent.join(" and "))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(map: &[&str]) -> SchemaArgs {
        SchemaArgs { schema: None, map: map.iter().map(|pair| MapPair::parse(pair).unwrap()).collect() }
    }

    #[test]
    fn a_pair_names_a_column_or_a_place() {
        for (pair, place) in [
            ("amount=amt", "/amt"),
            (" amount=Amount (EUR)", "/Amount (EUR)"),
            ("amount=/detail/total", "/detail/total"),
            ("amount=#/total", "#/total"),
            ("amount=a/b~c#d", "/a~1b~0c~2d"),
            ("amount=a=b", "/a=b"),
        ] {
            let expected = MapPair { name: "amount".to_owned(), place: place.to_owned() };
            assert_eq!(MapPair::parse(pair), Ok(expected), "{pair}");
        }
        for pair in ["amount", "amount=", "=amt", ""] {
            assert!(MapPair::parse(pair).unwrap_err().starts_with("write it as "), "{pair}");
        }
    }

    #[test]
    fn everything_that_is_wrong_with_pairs_is_told() {
        let schema = args(&["amount=amt", "merchant=shop"]).load().unwrap();
        assert_eq!(schema.names().collect::<Vec<_>>(), ["amount", "merchant_id"]);
        let error = args(&["Amount=amt", "amount=a", "a b=c"]).load().unwrap_err().to_string();
        let expected = "--map: `Amount` is written `amount`; `amount` is mapped twice: `Amount` is the same name to the lake; \
                        name `a b`: 1 to 64 letters, digits, `.`, `_` or `-`";
        assert_eq!(error, expected);
        assert!(args(&[]).load().unwrap().is_default());
    }
}
