use std::collections::{BTreeMap, HashMap};

use exact_text::timestamp::Timestamp;
use fraud_core::decision::Decider;
use fraud_core::entity::{Entity, EntityKind};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::evidence;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::history::fold::Fold;
use fraud_core::history::{Incoming, Place, SequenceNumber};
use fraud_core::label::{self, Counting, Label, Verdict, fold};
use fraud_core::merchant::{Bucket, LabelDelay, MerchantDays, day_of};
use fraud_core::policy::Policy;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::schema::Schema;
use fraud_core::transaction::{Reading, TransactionReader};
use proptest::prelude::*;

use super::*;

const POLICY: &str = r#"
name = "p"
cap = 1000
threshold = 20
default_risk = 0.5
[history]
prior_mean_amount = 50
outlier_ratio = 2
[[factors]]
name = "burst"
input = "history.count_1h"
weight = 3
[[factors]]
name = "ratio"
input = "history.amount_ratio"
weight = 5
[[factors]]
name = "outliers"
input = "history.outliers_8d"
weight = 2
[[factors]]
name = "rate"
input = "merchant.fraud_rate"
weight = 100
[[factors]]
name = "age"
input = "merchant.compromise_age_days"
weight = 1
[[factors]]
name = "risk"
input = "merchant.risk"
weight = 10
[[factors]]
name = "customer"
input = "customer_risk"
weight = 4
"#;

/// Asks for a member of its own, and for nothing that is remembered.
const OTHER: &str = r#"
name = "other"
cap = 1
threshold = 0.5
default_risk = 0.5
[[factors]]
name = "web"
when = [{ field = "channel", any_of = ["web"] }]
points = 1
"#;

/// The first moment: a midnight.
const BEGIN: i64 = 1_768_435_200;
const HALF_DAY: i64 = 43_200;
const DELAY: u8 = 2;

/// Profiles of some customers, and risks of some merchants.
#[derive(Default)]
struct Some_ {
    profiles: HashMap<String, Profile>,
    merchants: HashMap<String, Entity>,
}

impl Knowledge for Some_ {
    fn profile(&self, customer: &str) -> Option<&Profile> {
        self.profiles.get(customer)
    }

    fn entity(&self, kind: EntityKind, id: &str) -> Option<&Entity> {
        self.merchants.get(id).filter(|_| kind == EntityKind::Merchant)
    }
}

fn known() -> Some_ {
    let profile = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number("0.9"));
    Some_ {
        profiles: [("C1".to_owned(), profile)].into(),
        merchants: [("M1".to_owned(), Entity::new([("risk", Attribute::Number("0.7"))]))].into(),
    }
}

#[derive(Debug, Clone)]
struct Made {
    second: i64,
    customer: u8,
    merchant: u8,
    cents: i64,
    json: String,
}

/// Transactions in order of time, and labels of some of them.
fn world() -> impl Strategy<Value = (Vec<Made>, Vec<Label>)> {
    let transaction = (0..12 * HALF_DAY, 0..4_u8, 0..3_u8, -500..40_000_i64);
    let said = (any::<prop::sample::Index>(), 0..3_usize, 0..3_usize, 0..6 * 86_400_i64, any::<bool>());
    (prop::collection::vec(transaction, 1..120), prop::collection::vec(said, 0..40)).prop_map(
        |(mut transactions, said)| {
            transactions.sort_unstable();
            let made: Vec<Made> = (0..)
                .zip(transactions)
                .map(|(number, (second, customer, merchant, cents))| {
                    let second = BEGIN + second;
                    let json = format!(
                        r#"{{"transaction_id":"T{number}","customer_id":"C{customer}","merchant_id":"M{merchant}","amount":{}.{:02},"event_time":{second}}}"#,
                        cents / 100,
                        cents.abs() % 100,
                    );
                    Made { second, customer, merchant, cents, json }
                })
                .collect();
            let labels = said
                .into_iter()
                .map(|(of, verdict, source, after, is_whole)| {
                    let number = of.index(made.len());
                    let of = &made[number];
                    let verdict = Verdict::ALL[verdict].as_str();
                    let source = label::LabelSource::ALL[source].as_str();
                    let details = match is_whole {
                        true => format!(
                            r#","merchant_id":"M{}","event_time":{},"amount":{}.{:02}"#,
                            of.merchant,
                            of.second,
                            of.cents / 100,
                            of.cents.abs() % 100
                        ),
                        false => String::new(),
                    };
                    let label = format!(
                        r#"{{"customer_id":"C{}","transaction_id":"T{number}","verdict":"{verdict}","source":"{source}","reported_at":{}{details}}}"#,
                        of.customer,
                        of.second + after
                    );
                    label::read(label.as_bytes()).unwrap().label
                })
                .collect();
            (made, labels)
        },
    )
}

fn delay() -> LabelDelay {
    LabelDelay::of_days(DELAY).unwrap()
}

fn place(made: &Made, number: u64) -> Place {
    Place { arrival: made.second * 1000, sequence_number: SequenceNumber::FIRST, sub_sequence_number: number }
}

/// What an engine decides: of each transaction the score and the inputs.
fn by_engine(made: &[Made], labels: &[Label], come: WhenLabelsCome) -> Vec<Option<(u64, Option<String>)>> {
    by_last_policy(&[POLICY], 1, made, labels, come)
}

/// What the last of these policies decides, with the customers in this many shards.
fn by_last_policy(
    policies: &[&str],
    shards: usize,
    made: &[Made],
    labels: &[Label],
    come: WhenLabelsCome,
) -> Vec<Option<(u64, Option<String>)>> {
    let policies: Vec<Policy> = policies.iter().map(|policy| Policy::parse(policy).unwrap()).collect();
    let asked = asked_by_all(&policies.iter().collect::<Vec<_>>());
    let readings: Vec<_> =
        asked.iter().map(|asked| Reading::new(&Schema::builtin_default(), asked)).collect();
    let mut readers: Vec<_> = readings.iter().map(TransactionReader::new).collect();
    let records: Vec<_> = (0..)
        .zip(made)
        .map(|(number, made)| {
            let mut read = readers.iter_mut().map(|reader| reader.read(made.json.as_bytes()).unwrap());
            let transaction = read.next().unwrap();
            let arrival = Timestamp::from_millis(made.second * 1000).unwrap();
            let mut record = PastRecord::new(transaction, None, arrival, place(made, number), true);
            record.other = read.next().map(Box::new);
            record
        })
        .collect();
    let known = known();
    let last = policies.len() - 1;
    let decider = |policy: &Policy| Decider::new(policy.clone(), EventTimeBounds::UNBOUNDED);
    let deciders = policies.iter().map(decider).collect();
    let labels = LabelsKnown::new(labels.to_vec(), come);
    let mut engine = Engine::new(deciders, delay(), &known, labels);
    let step = |record: &PastRecord<'_>| record.second.div_euclid(HALF_DAY);
    let mut decided = Vec::new();
    let mut shards: Vec<Shard<'_>> = (0..shards).map(|_| Shard::default()).collect();
    for run in records.chunk_by(|one, next| step(one) == step(next)) {
        let now = Timestamp::from_millis(step(&run[0]) * HALF_DAY * 1000).unwrap();
        engine.becomes(now, &mut shards.iter_mut().collect::<Vec<_>>());
        let mut by_record: Vec<Option<(u64, Option<String>)>> = vec![None; run.len()];
        let all = shards.len();
        for (place, shard) in shards.iter_mut().enumerate() {
            let (of_shard, mut slots): (Vec<_>, Vec<_>) =
                run.iter().zip(&mut by_record).filter(|(record, _)| record.shard(all) == place).unzip();
            let mut slots = slots.drain(..);
            let look = |record: &PastRecord<'_>, decided: &[Decided<'_>]| {
                let Decided { decider, decision } = &decided[last];
                let inputs =
                    evidence::inputs(record.asked_by(last), decision, decider.policy().further_inputs());
                (decision.score.value.to_bits(), inputs)
            };
            engine.decide_all(shard, of_shard.into_iter(), look, |came| *slots.next().unwrap() = came);
            assert!(slots.next().is_none());
        }
        decided.extend(by_record);
    }
    decided
}

/// The same by plain folds over everything before.
fn by_folds(made: &[Made], labels: &[Label]) -> Vec<Option<(u64, Option<String>)>> {
    let policy = Policy::parse(POLICY).unwrap();
    let settings = policy.history().unwrap();
    let reading = Reading::new(&Schema::builtin_default(), policy.asked());
    let mut reader = TransactionReader::new(&reading);
    let known = known();
    let decider = Decider::new(policy.clone(), EventTimeBounds::UNBOUNDED).with_label_delay(delay());
    let mut folds: HashMap<u8, Fold> = HashMap::new();
    let mut ratios = HashMap::new();
    (0..)
        .zip(made)
        .map(|(number, of)| {
            let now = of.second.div_euclid(HALF_DAY) * HALF_DAY;
            let counting = Counting::at(now, delay(), Some(settings));
            // What a label lacks its transaction tells, once it has come.
            let come = labels.iter().filter(|label| label.statement.reported_at.millis() <= now * 1000);
            let come: Vec<Label> = come
                .filter_map(|label| {
                    if label.is_self_contained() {
                        return Some(label.clone());
                    }
                    let place: usize = label.key().rsplit_once('T')?.1.parse().unwrap();
                    let of = &made[place];
                    (of.second < now).then(|| {
                        let mut label = label.clone();
                        label.statement.details.merchant_id = Some(format!("M{}", of.merchant));
                        label.statement.details.event_time = Some(of.second.to_string());
                        label.statement.details.amount =
                            Some(format!("{}.{:02}", of.cents / 100, of.cents.abs() % 100));
                        label.statement.details.outlier = ratios.get(&place).copied().flatten();
                        label
                    })
                })
                .collect();
            let mut merchants: BTreeMap<String, MerchantDays> = fold::fold(&come, &counting);
            for before in made[..number].iter().filter(|before| day_of(before.second) < day_of(now)) {
                let days = merchants.entry(format!("M{}", before.merchant)).or_default();
                days.add(Bucket::Transactions, day_of(before.second), 1);
            }
            let transaction = reader.read(of.json.as_bytes()).unwrap();
            let identity = transaction.identity(None).unwrap().to_string();
            let incoming = Incoming::under(&identity, &transaction, place(of, number as u64));
            let fold = folds.entry(of.customer).or_default();
            let inputs = fold.inputs(&incoming);
            fold.add(&incoming, &inputs, settings);
            ratios.insert(number, inputs.amount_ratio(settings).map(|ratio| ratio >= settings.outlier_ratio));
            let name = format!("M{}", of.merchant);
            let entity = known.merchants.get(&name).cloned().unwrap_or_else(|| Entity::new([]));
            let entity = entity.with_days(merchants.remove(&name).unwrap_or_default());
            let mut entities = EntitiesFound::default();
            entities.set(EntityKind::Merchant, EntityFound::Known(&entity));
            let customer = format!("C{}", of.customer);
            let enrichment = known.profile(&customer).map_or(Enrichment::NoProfile, Enrichment::Profile);
            let found = Found { enrichment, entities: Some(entities), history: HistoryFound::New(&inputs) };
            let arrival = Timestamp::from_millis(of.second * 1000).unwrap();
            let decision = decider.decide(&transaction, found, arrival, None);
            Some((
                decision.score.value.to_bits(),
                evidence::inputs(&transaction, &decision, policy.further_inputs()),
            ))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 256 }))]

    #[test]
    fn decisions_are_those_of_plain_folds_over_everything_that_was_known((made, labels) in world()) {
        let by_engine = by_engine(&made, &labels, WhenLabelsCome::Reported);
        prop_assert_eq!(by_engine, by_folds(&made, &labels));
    }

    #[test]
    fn a_policy_beside_another_decides_as_alone((made, labels) in world()) {
        let alone = by_engine(&made, &labels, WhenLabelsCome::Reported);
        for policies in [[OTHER, POLICY], [POLICY, POLICY]] {
            let beside = by_last_policy(&policies, 1, &made, &labels, WhenLabelsCome::Reported);
            prop_assert_eq!(&beside, &alone);
        }
    }

    #[test]
    fn decisions_do_not_depend_on_the_number_of_shards((made, labels) in world(), shards in 2..6_usize) {
        for come in [WhenLabelsCome::Reported, WhenLabelsCome::AfterDelay] {
            let together = by_engine(&made, &labels, come);
            prop_assert_eq!(by_last_policy(&[POLICY], shards, &made, &labels, come), together);
        }
    }
}
