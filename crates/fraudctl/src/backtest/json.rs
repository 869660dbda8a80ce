//! What was measured as JSON.

use backtest::measures::{Differences, Measures};
use exact_text::json::ObjectWriter;

use super::Measured;

/// The members of objects as one object. They have no name in common.
fn joined(objects: &[String]) -> String {
    let members = objects.iter().filter_map(|object| object.strip_prefix('{')?.strip_suffix('}'));
    let members: Vec<&str> = members.filter(|members| !members.is_empty()).collect();
    format!("{{{}}}", members.join(","))
}

/// The policy's measures, the other's with what is gained and lost, and what the files and labels were.
pub(super) fn backtest(measured: &Measured) -> String {
    let mut measures = measured.measures.iter().rev();
    let mut objects: Vec<String> = measures.next().map(|measures| measures.to_json()).into_iter().collect();
    let mut more = ObjectWriter::new();
    if let (Some(against), Some(differences)) = (measures.next(), &measured.differences) {
        more.json("against", &against.to_json())
            .json("scored_differently", &differences.scored_differently.to_string())
            .json("alerts_of_both", &differences.alerts_of_both.to_string())
            .json("gained", &differences.gained.to_json())
            .json("lost", &differences.lost.to_json());
    }
    more.json("read", &read(measured));
    objects.push(more.finish());
    joined(&objects)
}

/// What was decided, and beside it what the policy in the shadow would have.
pub(super) fn decided(measures: &Measures, shadow: Option<(&Measures, &Differences)>) -> String {
    let mut more = ObjectWriter::new();
    if let Some((shadow, differences)) = shadow {
        more.json("shadow", &shadow.to_json())
            .json("scored_differently", &differences.scored_differently.to_string())
            .json("alerts_of_both", &differences.alerts_of_both.to_string())
            .json("gained", &differences.gained.to_json())
            .json("lost", &differences.lost.to_json());
    }
    joined(&[measures.to_json(), more.finish()])
}

/// What the files and labels were.
fn read(measured: &Measured) -> String {
    let Measured { met, labels, .. } = measured;
    let mut object = ObjectWriter::new();
    object.bool("scored_lines", measured.is_scored_lines);
    let mut count = |name: &str, count: u64| {
        object.json(name, &count.to_string());
    };
    count("entries", met.entries);
    count("refused", met.refused);
    count("copies", met.copies);
    count("not_before_to", met.later);
    count("history_expired", measured.expired);
    count("labels_of_others", labels.unmet as u64);
    count("labels_contradicted", labels.contradicted as u64);
    count("labels_before_the_transaction", labels.early);
    object.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_objects_are_joined() {
        let objects = [r#"{"a":1}"#, "{}", r#"{"b":{"c":2}}"#].map(str::to_owned);
        assert_eq!(joined(&objects), r#"{"a":1,"b":{"c":2}}"#);
        assert_eq!(joined(&[]), "{}");
    }
}
