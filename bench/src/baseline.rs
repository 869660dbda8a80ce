//! The committed instruction counts, and whether the functions keep to them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};

/// A count may differ by so much, in either direction: a compiler or a dependency moves it by a few hundredths.
const TOLERANCE: f64 = 0.05;

/// User-mode instructions per record, by `<contender> at <records>`.
pub(crate) type Counts = BTreeMap<String, f64>;

/// The committed counts.
///
/// # Errors
/// If they cannot be read.
pub(crate) fn read(path: &Path) -> anyhow::Result<Counts> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// Commits these counts.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn write(path: &Path, counts: &Counts) -> anyhow::Result<()> {
    let rounded: Counts = counts.iter().map(|(name, count)| (name.clone(), count.round())).collect();
    std::fs::write(path, serde_json::to_string_pretty(&rounded)? + "\n")?;
    Ok(())
}

/// Compares counts with the committed ones, and prints both.
///
/// # Errors
/// If one has grown by more than the tolerance. One that has shrunk by more is told: the baseline is to be renewed.
pub(crate) fn compare(counts: &Counts, baseline: &Counts) -> anyhow::Result<()> {
    let mut grown = Vec::new();
    for (name, count) in counts {
        let Some(expected) = baseline.get(name) else {
            bail!("the baseline has no {name}; `make bench-baseline` adds it")
        };
        let change = count / expected - 1.0;
        let verdict = match change {
            change if change > TOLERANCE => {
                grown.push(name.as_str());
                "TOO MANY"
            }
            change if change < -TOLERANCE => "fewer: renew the baseline (make bench-baseline)",
            _ => "ok",
        };
        println!(
            "{name}: {count:.0} instructions per record, {:+.1} % of {expected:.0}: {verdict}",
            change * 100.0
        );
    }
    if grown.is_empty() {
        Ok(())
    } else {
        bail!("more instructions than the baseline allows: {}", grown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(count: f64) -> Counts {
        [("firehose-transform at 1000".to_owned(), count)].into()
    }

    #[test]
    fn a_twentieth_more_is_allowed_and_what_exceeds_it_is_named() {
        let baseline = counts(10_000.0);
        for allowed in [5_000.0, 10_000.0, 10_499.0] {
            assert!(compare(&counts(allowed), &baseline).is_ok(), "{allowed}");
        }
        let error = compare(&counts(10_501.0), &baseline).map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("more instructions than the baseline allows: firehose-transform at 1000".to_owned())
        );
        assert!(compare(&counts(1.0), &Counts::new()).is_err());
    }
}
