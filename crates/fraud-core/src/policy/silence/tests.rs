use super::*;
use crate::inputs::Inputs;
use proptest::prelude::*;

fn policy(threshold: f64, factors: &str) -> Policy {
    let head = format!("name = \"p\"\ncap = 1\nthreshold = {threshold}\ndefault_risk = 0.5\n");
    Policy::parse(&format!("{head}{factors}")).unwrap()
}

#[test]
fn the_default_policy_is_silent_without_a_profile_by_day_and_up_to_ten_thousand() {
    let silences = Policy::builtin_default().unwrap().silences();
    let expected = [
        Silence::WithoutRisk,
        Silence::Hours(vec![(6, 24)]),
        Silence::WithoutLocalTime,
        Silence::AmountsUpTo(10_000.0),
    ];
    assert_eq!(silences, expected);
    assert_eq!(
        silences.iter().map(Silence::to_string).collect::<Vec<_>>()[1..],
        [
            "transactions from 06:00 to 24:00",
            "event times that are unreadable or epoch numbers",
            "amounts up to 10000"
        ]
    );
    assert_eq!(Policy::builtin_default().unwrap().missing_costs(), []);
}

#[test]
fn a_policy_that_can_alert_anyone_is_silent_for_nobody() {
    let any = "[[factors]]\nname = \"a\"\ninput = \"amount\"\nbands = [{ points = 1 }]\n";
    assert_eq!(policy(0.5, any).silences(), []);
}

#[test]
fn silent_hours_are_told_as_spans() {
    let hours = "[[factors]]\nname = \"h\"\ninput = \"hour\"\n\
                 bands = [{ from = 2, until = 5, points = 1 }, { from = 20, until = 24, points = 1 }]\n";
    let silences = policy(0.5, hours).silences();
    assert_eq!(silences, [Silence::Hours(vec![(0, 2), (5, 20)]), Silence::WithoutLocalTime]);
    assert_eq!(silences[0].to_string(), "transactions from 00:00 to 02:00 and from 05:00 to 20:00");
}

#[test]
fn without_an_entry_a_merchant_has_no_known_frauds_either() {
    let factors = "[[factors]]\nname = \"risk\"\ninput = \"merchant.risk\"\nbands = [{ from = 0.5, points = 0.5 }]\n\
                   [[factors]]\nname = \"frauds\"\ninput = \"merchant.fraud_rate\"\nbands = [{ from = 0.5, points = 0.5 }]\n";
    let costs = policy(0.75, factors).missing_costs();
    let cost = |lacking, highest| MissingCost { lacking, highest };
    assert_eq!(costs, [cost(Lacking::Entity(EntityKind::Merchant), 0.0), cost(Lacking::Labels, 0.5)]);
}

#[test]
fn what_only_lists_fields_and_history_reach_is_told_with_what_it_costs() {
    let factors = r#"
        [history]
        prior_mean_amount = 50
        outlier_ratio = 2
        [[factors]]
        name = "stolen"
        when = [{ entity = "device", on_list = "stolen" }, { field = "channel", any_of = ["web", "app"] }]
        points = 0.6
        [[factors]]
        name = "burst"
        input = "history.count_1h"
        bands = [{ above = 5, points = 0.3 }]
        [[factors]]
        name = "merchant"
        input = "merchant.risk"
        weight = 0.1
        missing = 0.05
        [[factors]]
        name = "sunday"
        when = [{ input = "weekday", from = 7 }]
        points = -0.9
    "#;
    let policy = policy(0.5, factors);
    assert_eq!(
        policy.silences(),
        [
            Silence::Weekdays(vec![7]),
            Silence::Without(Lacking::Entity(EntityKind::Device)),
            Silence::Without(Lacking::Field("channel".into())),
        ]
    );
    let costs = policy.missing_costs();
    let lacking: Vec<_> = costs.iter().map(|cost| (cost.lacking.to_string(), cost.highest)).collect();
    assert_eq!(
        lacking,
        [
            ("an entry for the device".to_owned(), 0.4),
            ("the field `channel`".to_owned(), 0.4),
            ("the customer's history".to_owned(), 0.7),
            ("an entry for the merchant".to_owned(), 0.95),
        ]
    );
    assert_eq!(policy.needs_history(), Some("burst"));
}

proptest! {
    #[test]
    fn nothing_that_a_policy_is_silent_for_raises_an_alert_and_something_else_does(
        threshold in 0.0..0.9f64,
        points in prop::collection::vec(-0.3..0.5f64, 3),
        weight in -0.3..0.6f64,
        from in 0u8..23,
    ) {
        let [low, high, night] = points[..] else { unreachable!() };
        let factors = format!(
            "[[factors]]\nname = \"a\"\ninput = \"amount\"\n\
             bands = [{{ above = 10, up_to = 20, points = {low} }}, {{ above = 20, points = {high} }}]\n\
             [[factors]]\nname = \"r\"\ninput = \"customer_risk\"\nweight = {weight}\n\
             [[factors]]\nname = \"h\"\ninput = \"hour\"\nbands = [{{ from = {from}, until = 24, points = {night} }}]\n"
        );
        let head = format!("name = \"p\"\ncap = 1\nthreshold = {threshold}\ndefault_risk = 0.5\n");
        let amounts = [5.0, 10.0, 15.0, 20.0, 25.0];
        let risks = [0.0, 0.5, 1.0];
        let hours: Vec<_> = (0..24).map(Some).chain([None]).collect();
        // A policy that can never alert is refused.
        let policy = match Policy::parse(&format!("{head}{factors}")) {
            Ok(policy) => policy,
            Err(error) => {
                let loose = head.replace(&format!("threshold = {threshold}"), "threshold = 0");
                let score = |amount, customer_risk, hour, policy: &Policy| {
                    policy.score(&Inputs { amount, customer_risk, hour, further: Vec::new(), unusable_fields: 0 }).value
                };
                if let Ok(loose) = Policy::parse(&format!("{loose}{factors}")) {
                    for amount in amounts { for risk in risks { for hour in &hours {
                        prop_assert!(score(amount, risk, *hour, &loose) <= threshold, "{}", error);
                    } } }
                }
                return Ok(());
            }
        };
        let silences = policy.silences();
        let alerts = |amount, customer_risk, hour| {
            let inputs = Inputs { amount, customer_risk, hour, further: Vec::new(), unusable_fields: 0 };
            policy.alerts(policy.score(&inputs).value)
        };
        let any = |amounts: &[f64], risks: &[f64], hours: &[Option<u8>]| {
            amounts.iter().any(|&amount| {
                risks.iter().any(|&risk| hours.iter().any(|&hour| alerts(amount, risk, hour)))
            })
        };
        prop_assert!(any(&amounts, &risks, &hours));
        prop_assert_eq!(!any(&amounts, &[0.5], &hours), silences.contains(&Silence::WithoutRisk));
        prop_assert_eq!(!any(&amounts, &risks, &[None]), silences.contains(&Silence::WithoutLocalTime));
        let silent_hours: Vec<u8> =
            (0..24).filter(|&hour| !any(&amounts, &risks, &[Some(hour)])).collect();
        let told: Vec<u8> = silences.iter().find_map(|silence| match silence {
            Silence::Hours(spans) => Some(spans.iter().flat_map(|&(from, until)| from..until).collect()),
            _ => None,
        }).unwrap_or_default();
        prop_assert_eq!(silent_hours, told);
        let up_to = silences.iter().find_map(|silence| match silence {
            Silence::AmountsUpTo(amount) => Some(*amount),
            _ => None,
        });
        let silent: Vec<f64> = amounts.into_iter().take_while(|&amount| !any(&[amount], &risks, &hours)).collect();
        let expected = silent.iter().copied().rfind(|amount| [10.0, 20.0].contains(amount));
        prop_assert_eq!(up_to, expected);
    }
}
