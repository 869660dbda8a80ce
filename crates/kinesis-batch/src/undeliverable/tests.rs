use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::testing::{aggregate, event};

/// Why a record can never succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    NotANumber,
    Urgent,
}

/// Keeps each letter's position and data, and refuses those from a number on.
struct Letters {
    kept: Mutex<Vec<(String, u64, String)>>,
    reasons: Mutex<Vec<Fault>>,
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

impl DeadLetterSink<Fault> for Letters {
    type RetryReason = &'static str;

    async fn send(&self, letter: &DeadLetter<'_, Fault>) -> Result<(), &'static str> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.accepts {
            return Err("letters unavailable");
        }
        let position = letter.position;
        let kept =
            (position.sequence_number.to_owned(), position.sub_sequence_number, letter.data.to_string());
        self.kept.lock().unwrap().push(kept);
        self.reasons.lock().unwrap().push(letter.reason);
        Ok(())
    }

    fn is_apart(&self, reason: Fault) -> bool {
        reason == Fault::Urgent
    }
}

/// Sends the letters of all records of an event that are not the number 1.
async fn sent_letters(payloads: &[&[u8]], letters: &Letters) -> (usize, Progress<&'static str>) {
    sent_letters_with(payloads, &[], letters).await
}

/// The same, and those at these places for another reason.
async fn sent_letters_with(
    payloads: &[&[u8]],
    urgent: &[(usize, Fault)],
    letters: &Letters,
) -> (usize, Progress<&'static str>) {
    let event = event(payloads);
    let batch = Batch::read(&event).unwrap();
    let refused = batch.records().filter(|(_, record)| record.payload().unwrap() != "1");
    let refused = refused.map(|(index, _)| (index, Fault::NotANumber));
    let undeliverable: Vec<_> = refused.chain(urgent.iter().copied()).collect();
    let mut progress = Progress::default();
    let taken = dead_letter(&batch, &undeliverable, letters, &mut progress).await;
    (taken.len(), progress)
}

#[tokio::test]
async fn each_user_record_has_its_letter_up_to_a_thousand_and_beyond_that_the_stream_record_has_one() {
    for (undeliverable, expected) in [(1_000, 1_000), (1_001, 1)] {
        // The last has been handled.
        let mut users: Vec<&[u8]> = vec![b""; undeliverable];
        users.push(b"1");
        let whole = aggregate(&users);
        let letters = Letters::accepting(usize::MAX);
        let (letters_sent, progress) = sent_letters(&[b"1", &whole, b"none"], &letters).await;
        assert_eq!((letters_sent, progress.retry_reason()), (undeliverable + 1, None));
        let mut kept = letters.kept();
        assert_eq!(kept.len(), expected + 1);
        let last = kept.pop().unwrap();
        assert_eq!((last.0.as_str(), last.2), ("1002", base64_simd::STANDARD.encode_to_string("none")));
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
    let undeliverable = vec![&b"none"[..]; 500];
    let letters = Letters::accepting(70);
    let (letters_sent, progress) = sent_letters(&undeliverable, &letters).await;
    assert_eq!(letters_sent, 70);
    assert!(progress.allows(69) && !progress.allows(70));
    assert_eq!(progress.retry_reason(), Some("letters unavailable"));
    assert_eq!(letters.asked.into_inner(), 128);
}

#[tokio::test]
async fn a_record_whose_reason_is_apart_has_its_own_letter_in_whatever_company() {
    let mut users: Vec<&[u8]> = vec![b""; 1_500];
    users[700] = b"1";
    let whole = aggregate(&users);
    let letters = Letters::accepting(usize::MAX);
    let urgent = (700, Fault::Urgent);
    let (letters_sent, progress) = sent_letters_with(&[&whole], &[urgent], &letters).await;
    assert_eq!((letters_sent, progress.retry_reason()), (1_500, None));
    let reasons = letters.reasons.lock().unwrap().clone();
    assert_eq!(reasons.len(), 2);
    assert_eq!(reasons.iter().position(|reason| *reason == Fault::Urgent), Some(0));
    let encoded = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    let data: Vec<_> = letters.kept().into_iter().map(|(_, place, data)| (place, data)).collect();
    assert_eq!(data, [(700, encoded(users[700])), (0, encoded(&whole))]);
}
