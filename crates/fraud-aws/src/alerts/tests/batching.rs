//! Which alerts go out together.

use proptest::prelude::*;

use super::*;
use crate::alerts::message::size;
use crate::alerts::sns::{MAX_BYTES, lanes, next_call};

/// An alert of this customer that takes this many bytes more than the smallest.
fn alert(customer: &str, bytes: usize) -> Alert {
    let alert = alert_for(&format!(r#"{{"customer_id":"{customer}","transaction_id":"T","amount":1}}"#), 0);
    enlarged(alert, bytes)
}

#[test]
fn an_alert_fits_into_a_batch_up_to_the_limit_and_not_beyond() {
    let small = size(&alert("A", 0));
    let fits = alert("A", MAX_BYTES - small);
    let too_large = alert("A", MAX_BYTES - small + 1);
    assert_eq!((size(&fits), size(&too_large)), (MAX_BYTES, MAX_BYTES + 1));
    let next = |alert: &Alert| next_call(&mut lanes(&[alert]), &[alert]).map(|call| call.places().collect());
    assert_eq!(next(&fits), Some(vec![0]));
    assert_eq!(next(&too_large), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_alert_goes_out_once_in_its_customers_order_in_as_few_calls_as_take_them(
        drawn in prop::collection::vec(("[A-F]?", prop_oneof![3 => 0..2_000usize, 1 => 0..MAX_BYTES - 1_000]), 0..60),
    ) {
        let alerts: Vec<Alert> = drawn.iter().map(|(customer, bytes)| alert(customer, *bytes)).collect();
        let refs = refs(&alerts);
        let mut lanes = lanes(&refs);
        let mut order = Vec::new();
        while let Some(call) = next_call(&mut lanes, &refs) {
            let batch: Vec<usize> = call.places().collect();
            prop_assert!(batch.len() <= 10);
            prop_assert!(batch.iter().map(|&place| size(&alerts[place])).sum::<usize>() <= MAX_BYTES);
            lanes.settled(call, |_| false);
            let all = batch.iter().map(|&place| size(&alerts[place])).sum::<usize>();
            let is_last = lanes.ready().next().is_none();
            let does_not_fit = lanes.ready().any(|place| all + size(&alerts[place]) > MAX_BYTES);
            prop_assert!(batch.len() == 10 || does_not_fit || is_last);
            order.extend(batch);
        }
        for customer in ["A", "B", "C", "D", "E", "F"] {
            let of_customer = |places: &mut dyn Iterator<Item = usize>| -> Vec<usize> {
                places.filter(|&place| alerts[place].customer_id.as_deref() == Some(customer)).collect()
            };
            prop_assert_eq!(of_customer(&mut order.iter().copied()), of_customer(&mut (0..alerts.len())));
        }
        order.sort_unstable();
        prop_assert_eq!(order, (0..alerts.len()).collect::<Vec<_>>());
    }
}
