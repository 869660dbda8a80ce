//! Letters of a queue back to their functions.

use std::collections::BTreeMap;

use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::MAX_RECEIVED;
use futures_util::future::join_all;
use indicatif::ProgressBar;

use super::RedriveOptions;
use super::letter::LetterRedriver;
use super::memory::DedupMemory;
use super::result::{RedriveResult, RedriveSummary, StayReason};
use crate::Failure;
use crate::dead_letters::QueueArgs;
use crate::dead_letters::selection::Selection;
use crate::dead_letters::walk::{FoundMessage, QueueWalk};
use crate::display::note;
use crate::options::{with_options, with_scheme};

/// Redrives the letters of a queue. Gives whether Ctrl-C ended it.
pub(super) async fn redrive_all(
    options: &RedriveOptions,
    letters: &QueueArgs,
    summary: &mut RedriveSummary,
    bar: &ProgressBar,
) -> Result<bool, Failure> {
    let (queue, sdk) = letters.open().await?;
    let queue_option = [("DEAD_LETTERS", letters.queue.as_deref().map(with_scheme))];
    let lookup = with_options(&queue_option);
    let environment = Environment::new(&lookup);
    let memory = DedupMemory::new(environment, SystemClock.now(), options.beyond_memory);
    let mut redriver = LetterRedriver::new(environment, &sdk, memory)?;
    let mut walk = QueueWalk::new(&queue, letters.hidden());
    let result = redrive(options, &mut walk, &mut redriver, summary, bar).await;
    let interrupted = walk.was_interrupted();
    let redriven = summary.accepted + summary.stayed;
    let is_at_end = !interrupted && options.limit.is_none_or(|limit| redriven < u64::from(limit));
    let hidden = if result.is_ok() && is_at_end { walk.hidden_by_others().await } else { Ok(None) };
    walk.give_back().await;
    result?;
    summary.hidden_by_others = hidden?;
    Ok(interrupted)
}

async fn redrive(
    options: &RedriveOptions,
    walk: &mut QueueWalk<'_>,
    redriver: &mut LetterRedriver<'_>,
    summary: &mut RedriveSummary,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut left = options.limit.map_or(usize::MAX, |limit| limit as usize);
    while left > 0 {
        // Only as many letters are hidden from other readers as can be worked on.
        let found = walk.next(MAX_RECEIVED.min(left)).await?;
        if found.is_empty() {
            break;
        }
        let chosen: Vec<&FoundMessage> =
            found.iter().filter(|found| is_chosen(&options.selection, found)).collect();
        for letter in chosen.iter().filter_map(|found| found.letter.as_ref().ok()) {
            redriver.prepare(letter).await?;
        }
        left = left.saturating_sub(chosen.len());
        let work = settle(redriver, &chosen, options.dry_run);
        for (found, mut outcome) in walk.while_hidden(work).await {
            if matches!(outcome, RedriveResult::Accepted) && !options.dry_run {
                let removed = walk.remove(&found.message.message_id).await;
                if let Err(fault) = removed {
                    outcome = RedriveResult::Stays(StayReason::NotRemoved { error: fault.to_string() });
                }
            }
            if let Some(line) = summary.count(&found.id(), &outcome) {
                bar.suspend(|| note!("{line}"));
            }
        }
        bar.set_message(summary.progress());
        bar.tick();
    }
    Ok(())
}

fn is_chosen(selection: &Selection, found: &FoundMessage) -> bool {
    match &found.letter {
        Ok(letter) => selection.takes(letter),
        Err(_) => selection.is_all(),
    }
}

/// Redrives letters. Letters of one record go one after the other, so that two invocations do not work on one record.
async fn settle<'f>(
    redriver: &LetterRedriver<'_>,
    found: &[&'f FoundMessage],
    dry_run: bool,
) -> Vec<(&'f FoundMessage, RedriveResult)> {
    let mut records: BTreeMap<String, Vec<&FoundMessage>> = BTreeMap::new();
    for found in found {
        records.entry(found.id()).or_default().push(found);
    }
    let records = records.into_values().map(async |letters| {
        let mut outcomes = Vec::with_capacity(letters.len());
        for found in letters {
            let outcome = match &found.letter {
                Err(error) => RedriveResult::Stays(StayReason::NotALetter(error.clone())),
                Ok(letter) if dry_run => redriver.foresee(letter),
                Ok(letter) => redriver.redrive(letter).await,
            };
            outcomes.push((found, outcome));
        }
        outcomes
    });
    join_all(records).await.into_iter().flatten().collect()
}
