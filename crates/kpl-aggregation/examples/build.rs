//! Builds one aggregated record. Each line of standard input is a user record: its partition key, a tab, its data. The
//! record goes to standard output, to be put on a stream as it is.

use std::error::Error;
use std::io::{Read, Write};

use kpl_aggregation::{Entry, encode};

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let mut entries = Vec::new();
    for line in input.lines() {
        let (partition_key, data) =
            line.split_once('\t').ok_or_else(|| format!("no tab behind the partition key: `{line}`"))?;
        entries.push(Entry { partition_key, explicit_hash_key: None, data: data.as_bytes() });
    }
    std::io::stdout().write_all(&encode(&entries)?)?;
    Ok(())
}
