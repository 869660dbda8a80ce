use super::*;
use crate::policy::testing::{any_inputs, any_policy};
use proptest::prelude::*;

fn told(policy: &Policy) -> Vec<String> {
    let explanation = policy.explain();
    assert!(explanation.is_complete);
    let tell = |combination: &Combination| {
        let conditions: Vec<_> =
            combination.conditions.iter().map(|(name, words)| format!("{name} {words}")).collect();
        let sum = if combination.by_sum { " (by sum)" } else { "" };
        format!("{}{sum}", conditions.join("; "))
    };
    explanation.combinations.iter().map(tell).collect()
}

#[test]
fn the_default_policy_alerts_at_night_above_ten_thousand_and_at_high_risk_alone() {
    let policy = Policy::builtin_default().unwrap();
    assert_eq!(told(&policy), ["amount above 10000; customer_risk above 0.75; hour from 00:00 to 06:00"]);
    let scores = policy.explain().combinations[0].scores;
    assert!(scores.0 > 0.8 && scores.0 < 0.801 && (scores.1 - 0.9).abs() < 1e-12, "{scores:?}");
}

#[test]
fn combinations_are_told_by_what_counts_in_them() {
    let toml = r#"
        name = "p"
        cap = 100
        threshold = 10
        default_risk = 0.5
        [[factors]]
        name = "stolen"
        when = [{ entity = "device", on_list = "stolen" }]
        points = 50
        [[factors]]
        name = "trusted"
        when = [{ entity = "customer", on_list = "trusted" }]
        points = -45
        [[factors]]
        name = "online"
        when = [{ field = "channel", any_of = ["web", "app"] }, { field = "category", none_of = ["food"] }]
        points = 6
    "#;
    let policy = Policy::parse(toml).unwrap();
    assert_eq!(
        told(&policy),
        [
            "device.on_list.stolen yes; customer.on_list.trusted no",
            "device.on_list.stolen yes; customer.on_list.trusted yes; field.channel \"app\" or \"web\"; \
             field.category a text other than \"food\", or no value",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_transaction_raises_an_alert_exactly_if_it_is_in_a_combination(
        (policy, inputs) in any_policy().prop_flat_map(|policy| {
            let inputs = prop::collection::vec(any_inputs(&policy), 30);
            (Just(policy), inputs)
        })
    ) {
        let explanation = policy.explain();
        prop_assume!(explanation.is_complete);
        for inputs in &inputs {
            let score = policy.score(inputs).value;
            let holding: Vec<_> =
                explanation.combinations.iter().filter(|combination| combination.holds(&policy, inputs)).collect();
            prop_assert_eq!(holding.len(), usize::from(policy.alerts(score)), "{:?} {:?}", inputs, holding);
            for combination in holding {
                let (least, most) = combination.scores;
                prop_assert!((least..=most).contains(&score), "{score} of {:?}", combination.scores);
            }
        }
    }
}
