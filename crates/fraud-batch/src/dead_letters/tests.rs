use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_calls::fault::CallFault;
use fraud_core::transaction::PLAIN;

use super::*;
use crate::testing::{aggregate, event};
use crate::transactions;

/// Keeps each letter's position and data, and refuses those from a number on.
struct Letters {
    kept: Mutex<Vec<(String, u64, String)>>,
    reasons: Mutex<Vec<FailureReason>>,
    accepts: usize,
    asked: AtomicUsize,
}

impl Letters {
    fn accepting(accepts: usize) -> Self {
        let (kept, reasons) = (Mutex::default(), Mutex::default());
        Letters { kept, reasons, accepts, asked: AtomicUsize::new(0) }
    }

    fn kept(self) -> Vec<(String, u64, String)> {
        self.kept.into_inner().unwrap()
    }
}

impl DeadLetterSink for Letters {
    async fn send(&self, letter: &DeadLetter<'_>, _: Instant) -> Result<(), CallFault> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.accepts {
            return Err(CallFault::deadline());
        }
        let position = letter.position;
        let kept =
            (position.sequence_number.to_owned(), position.sub_sequence_number, letter.data.to_string());
        self.kept.lock().unwrap().push(kept);
        self.reasons.lock().unwrap().push(letter.reason);
        Ok(())
    }
}

/// Sends the letters of all undeliverable records of an event.
async fn sent_letters(payloads: &[&[u8]], letters: &Letters) -> (usize, Progress) {
    sent_letters_with(payloads, &[], letters).await
}

/// The same, and those at these places for another reason.
async fn sent_letters_with(
    payloads: &[&[u8]],
    unalerted: &[(usize, FailureReason)],
    letters: &Letters,
) -> (usize, Progress) {
    let event = event(payloads);
    let batch = Batch::read(&event).unwrap();
    let received = transactions(&batch, &PLAIN);
    let refused =
        received.iter().enumerate().filter_map(|(index, received)| Some((index, *received.as_ref().err()?)));
    let undeliverable: Vec<_> = refused.chain(unalerted.iter().copied()).collect();
    let mut progress = Progress::default();
    let deadline = Instant::now() + Duration::from_secs(60);
    let dead_lettered =
        dead_letter("kinesis-alerts", &batch, &undeliverable, letters, deadline, &mut progress).await;
    (dead_lettered.counts.counts().values().sum(), progress)
}

#[tokio::test]
async fn each_user_record_has_its_letter_up_to_a_thousand_and_beyond_that_the_stream_record_has_one() {
    for (undeliverable, expected) in [(1_000, 1_000), (1_001, 1)] {
        // The last is a transaction, which has been handled.
        let mut users: Vec<&[u8]> = vec![b""; undeliverable];
        users.push(br#"{"amount":1}"#);
        let whole = aggregate(&users);
        let letters = Letters::accepting(usize::MAX);
        let (letters_sent, progress) =
            sent_letters(&[br#"{"amount":1}"#, &whole, b"no JSON"], &letters).await;
        assert_eq!((letters_sent, progress.retry_reason()), (undeliverable + 1, None));
        let mut kept = letters.kept();
        assert_eq!(kept.len(), expected + 1);
        let last = kept.pop().unwrap();
        assert_eq!((last.0.as_str(), last.2), ("1002", base64_simd::STANDARD.encode_to_string("no JSON")));
        if expected == 1 {
            let data = base64_simd::STANDARD.encode_to_string(&whole);
            assert_eq!(kept, [("1001".to_owned(), 0, data)]);
        }
    }
}

#[tokio::test]
async fn a_stream_record_of_nothing_but_empty_user_records_is_put_aside_with_one_call() {
    let whole = aggregate(&vec![&b""[..]; 170_000]);
    let letters = Letters::accepting(usize::MAX);
    let (letters_sent, progress) = sent_letters(&[&whole], &letters).await;
    assert_eq!((letters_sent, letters.kept().len(), progress.retry_reason()), (170_000, 1, None));
}

#[tokio::test]
async fn once_a_letter_is_refused_no_more_than_those_under_way_are_sent_and_what_was_not_taken_comes_again() {
    let undeliverable = vec![&b"no JSON"[..]; 500];
    let letters = Letters::accepting(70);
    let (letters_sent, progress) = sent_letters(&undeliverable, &letters).await;
    assert_eq!(letters_sent, 70);
    assert!(progress.allows(69) && !progress.allows(70));
    assert_eq!(progress.retry_reason(), Some(RetryReason::DeadLettersUnavailable));
    assert_eq!(letters.asked.into_inner(), 128);
}

#[tokio::test]
async fn a_high_score_that_nobody_was_alerted_of_has_its_own_letter_in_whatever_company() {
    let mut users: Vec<&[u8]> = vec![b""; 1_500];
    users[700] = br#"{"amount":1}"#;
    let whole = aggregate(&users);
    let letters = Letters::accepting(usize::MAX);
    let unalerted = (700, FailureReason::AlertRefused);
    let (letters_sent, progress) = sent_letters_with(&[&whole], &[unalerted], &letters).await;
    assert_eq!((letters_sent, progress.retry_reason()), (1_500, None));
    let reasons = letters.reasons.lock().unwrap().clone();
    assert_eq!(reasons.len(), 2);
    assert_eq!(reasons.iter().position(|reason| *reason == FailureReason::AlertRefused), Some(0));
    let encoded = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    let data: Vec<_> = letters.kept().into_iter().map(|(_, place, data)| (place, data)).collect();
    assert_eq!(data, [(700, encoded(users[700])), (0, encoded(&whole))]);
}
