//! Profiles as the functions read them: how many of a table's can be used.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_calls::fault::CallFault;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use fraud_aws::lookup::attribute;
use fraud_aws::profiles::table::{CUSTOMER_ID, LIFETIME_VALUE, RISK_SCORE, SEGMENT};
use fraud_core::profile::{Attribute, Profile};

use super::finding::Wrong;
use crate::aws::Refusal;
use crate::display::{counted, thousands};

/// How many profiles are looked at, at most.
const SAMPLE: usize = 1000;
/// The most calls for them. One gives a megabyte at most (Amazon DynamoDB API reference, Scan).
const CALLS: usize = 10;

/// What is wrong with how many of the profiles looked at, by attribute and kind.
#[derive(Debug, Default, PartialEq)]
struct SampleCounts {
    sampled: u64,
    unusable: u64,
    problems: BTreeMap<(&'static str, &'static str), u64>,
}

/// Looks at up to a thousand profiles from a random place in the table on.
pub(super) async fn profiles(table: &str, client: &Client) -> Result<String, Wrong> {
    match scan(table, client).await {
        Ok(tally) => tally.result(table),
        Err(code) if Refusal::of(&code) == Some(Refusal::NotAllowed) => {
            Ok("not sampled: dynamodb:Scan is not allowed, which the functions do not need".to_owned())
        }
        Err(code) => Err(Wrong::call("dynamodb", "dynamodb:Scan", &code)),
    }
}

async fn scan(table: &str, client: &Client) -> Result<SampleCounts, String> {
    let mut tally = SampleCounts::default();
    let mut seen: HashSet<String> = HashSet::new();
    // Rows lie by a hash of their key, so that any text is a place among them.
    let anywhere = format!("{:016x}", fastrand::u64(..));
    let mut start = Some(HashMap::from([(CUSTOMER_ID.to_owned(), AttributeValue::S(anywhere))]));
    let mut is_past_the_end = false;
    for _ in 0..CALLS {
        let left = i32::try_from(SAMPLE.saturating_sub(seen.len())).unwrap_or(i32::MAX);
        let call = client.scan().table_name(table).limit(left).set_exclusive_start_key(start.take());
        let answer = call.send().await.map_err(|error| CallFault::of(&error).code)?;
        for item in answer.items() {
            let id = item.get(CUSTOMER_ID).and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
            if seen.insert(id) {
                tally.count(item);
            }
        }
        start = answer.last_evaluated_key;
        // From the end on to the beginning, once.
        if seen.len() >= SAMPLE || (start.is_none() && is_past_the_end) {
            break;
        }
        is_past_the_end |= start.is_none();
    }
    Ok(tally)
}

impl SampleCounts {
    fn count(&mut self, item: &HashMap<String, AttributeValue>) {
        self.sampled += 1;
        let problems = problems(item);
        self.unusable += u64::from(!problems.is_empty());
        for problem in problems {
            *self.problems.entry(problem).or_default() += 1;
        }
    }

    fn result(&self, table: &str) -> Result<String, Wrong> {
        let SampleCounts { sampled, unusable, problems } = self;
        let import = format!("fraudctl profiles import <file> --to dynamodb:{table}");
        match (sampled, unusable) {
            (0, _) => Err(Wrong::new("it holds no profile: no customer's risk is known", import)),
            (_, 0) => Ok(format!("{} sampled, all can be used", counted(*sampled, "profile"))),
            _ => {
                let share = 100.0 * *unusable as f64 / *sampled as f64;
                let told: Vec<String> = problems
                    .iter()
                    .map(|((name, problem), count)| format!("{name} {problem} ({})", thousands(*count)))
                    .collect();
                Err(Wrong::new(
                    format!(
                        "{} of {} sampled cannot be used in full ({share:.1} %), a default counts instead: {}",
                        thousands(*unusable),
                        counted(*sampled, "profile"),
                        told.join(", ")
                    ),
                    format!("correct them and import them again, over those that are there: {import}"),
                ))
            }
        }
    }
}

/// The attributes that the functions cannot use, and why not.
fn problems(item: &HashMap<String, AttributeValue>) -> Vec<(&'static str, &'static str)> {
    use Attribute::Missing;
    let [segment, value, risk] = [SEGMENT, LIFETIME_VALUE, RISK_SCORE].map(|name| attribute(item, name));
    let alone = [
        (SEGMENT, segment, Profile::new(segment, Missing, Missing)),
        (LIFETIME_VALUE, value, Profile::new(Missing, value, Missing)),
        (RISK_SCORE, risk, Profile::new(Missing, Missing, risk)),
    ];
    let unusable = alone.into_iter().filter(|(_, _, profile)| !profile.is_valid());
    unusable.map(|(name, attribute, _)| (name, problem(name, attribute))).collect()
}

/// Why an attribute cannot be used. Its value is a customer's, and is not printed.
fn problem(name: &str, attribute: Attribute<'_>) -> &'static str {
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    match (name, attribute) {
        (SEGMENT, Attribute::Text(_)) => "is too long",
        (SEGMENT, _) => "is not text",
        (_, Attribute::Text(text)) if !is_number(text) => "is not a number",
        (RISK_SCORE, Attribute::Text(_) | Attribute::Number(_)) => "is outside 0 to 1",
        (_, Attribute::Text(_) | Attribute::Number(_)) => "has too many digits",
        _ => "is not a number",
    }
}
