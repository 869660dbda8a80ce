//! Splits one Kinesis record, from a file or from standard input, and prints a line for each user record: its place, its
//! partition key, its data. For a record out of a Lambda event: `base64 --decode < data.txt | split`.

use std::error::Error;
use std::io::{Read, Write};

use kpl_aggregation::{Payload, split};

fn main() -> Result<(), Box<dyn Error>> {
    let data = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => {
            let mut data = Vec::new();
            std::io::stdin().read_to_end(&mut data)?;
            data
        }
    };
    let mut out = std::io::stdout().lock();
    match split(data.into()) {
        Payload::Plain(data) => {
            eprintln!("not an aggregate: {} bytes", data.len());
            out.write_all(&data)?;
        }
        Payload::Aggregate(records) => {
            for record in records {
                let partition_key = record.partition_key.as_deref().unwrap_or("-");
                write!(out, "{}\t{partition_key}\t", record.sub_sequence_number)?;
                out.write_all(&record.data)?;
                out.write_all(b"\n")?;
            }
        }
    }
    Ok(())
}
