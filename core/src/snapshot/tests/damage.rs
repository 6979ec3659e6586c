//! Every bit flipped, every truncation, records dropped, moved and repeated; and bytes that were
//! forged with right checksums.

use std::vec::Vec;

use super::world::{Seeded, apply, config, drain, draw, limits, snapshot};
use crate::coordinator::TransactionCoordinator;
use crate::crypto::hash::{Domain, hash};
use crate::journal::{HEADER_LEN, chained};
use crate::snapshot::{JournalError, JournalFault, RestoreError, replay};
use crate::types::Hash;

/// The snapshot of a state with something of everything, the shortest that comes by; under policies
/// 1 and 3 with a slot that is open.
fn busy(seed: u64) -> Vec<u8> {
    let mut own = TransactionCoordinator::new(&config(seed), &limits(0)).unwrap();
    let mut random = Seeded(seed);
    let mut shortest: Option<Vec<u8>> = None;
    for at in 1..40_000 {
        apply(&mut own, draw(&mut random), at);
        let next = own.acknowledged_height().next();
        let has_slot = own
            .slot(next)
            .is_some_and(|slot| slot.transaction_count > 0);
        let is_open = own
            .fixed_set()
            .map_or(own.open_height().is_some(), |set| set.transaction_count > 1);
        let has_outside =
            own.pool().bundle_count() > 0 && (is_open || own.pool().forced_waiting_count() > 0);
        let is_busy = (has_slot || is_open)
            && is_open == [1, 3].contains(&(seed % 5))
            && has_outside
            && own.pool().waiting_count() > 0
            && own.event_count() > 0
            && own.metrics().slots_acknowledged > 0;
        let is_shorter = || {
            shortest
                .as_ref()
                .is_none_or(|best| own.snapshot_len() < best.len())
        };
        if is_busy && is_shorter() {
            shortest = Some(snapshot(&own));
        }
    }
    shortest.unwrap()
}

fn restore(seed: u64, bytes: &[u8]) -> Result<TransactionCoordinator, RestoreError> {
    TransactionCoordinator::restore(&config(seed), &limits(0), bytes)
}

#[test]
fn every_flipped_byte_of_a_snapshot_is_reported() {
    let bytes = busy(0);
    assert!(restore(0, &bytes).is_ok());
    for at in 0..bytes.len() {
        // Every bit of the envelope; of the state one a byte, each of them at some place.
        let is_envelope = at < 105 || at >= bytes.len() - 32;
        for bit in (0..8).filter(|bit| is_envelope || at % 8 == *bit) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let error = restore(0, &damaged).unwrap_err();
            let expected = match at {
                0 => [RestoreError::UnsupportedVersion; 2],
                1..=8 => [RestoreError::Truncated, RestoreError::TrailingBytes],
                _ => [RestoreError::Corrupt; 2],
            };
            assert!(expected.contains(&error), "byte {at}, bit {bit}: {error}");
        }
    }
}

#[test]
fn every_truncation_of_a_snapshot_is_reported() {
    let mut bytes = busy(0);
    for len in 0..bytes.len() {
        assert_eq!(
            restore(0, &bytes[..len]).unwrap_err(),
            RestoreError::Truncated
        );
    }
    bytes.push(0);
    assert_eq!(restore(0, &bytes).unwrap_err(), RestoreError::TrailingBytes);
    bytes.truncate(9);
    bytes[1..].copy_from_slice(&9_u64.to_le_bytes());
    assert_eq!(restore(0, &bytes).unwrap_err(), RestoreError::Truncated);
}

fn seal(bytes: &mut [u8]) {
    let (content, checksum) = bytes.split_last_chunk_mut::<32>().unwrap();
    *checksum = *hash(Domain::SNAPSHOT, content).as_bytes();
}

/// With a right checksum, bytes are refused, or they are a state: consistent, canonical, and one
/// that can be driven on.
#[test]
fn forged_snapshots_contradict_themselves_or_are_states() {
    let (mut refused, mut restored) = (0, 0);
    // Slices, trades, a fixed set, first come, and buckets.
    let state_count = super::count("HAUPTBUCH_FORGED_STATES", 2) as usize;
    for seed in [1, 4, 3, 0, 2].into_iter().take(state_count) {
        let bytes = busy(seed);
        for at in 73..bytes.len() - 32 {
            // Each bit of a byte comes up at one place or another.
            let bit = at % 8;
            let mut forged = bytes.clone();
            forged[at] ^= 1 << bit;
            seal(&mut forged);
            match restore(seed, &forged) {
                Err(RestoreError::Inconsistent(_)) => refused += 1,
                Err(error) => panic!("byte {at}, bit {bit}: {error}"),
                Ok(mut own) => {
                    restored += 1;
                    assert!(snapshot(&own) == forged, "byte {at}, bit {bit}");
                    drive(&mut own, at as u64);
                }
            }
        }
    }
    assert!(refused > 300 && restored > 300, "{refused} {restored}");
}

/// Some steps at the state's own time.
fn drive(own: &mut TransactionCoordinator, seed: u64) {
    let start = own.now().get().max(own.time().get()).min(u64::MAX / 2);
    let mut random = Seeded(seed);
    for at in 1..12 {
        let step = draw(&mut random);
        if !matches!(step, super::world::Step::SubmitThroughLane(_)) {
            apply(own, step, start + at);
            let holds = own.verify();
            assert!(
                holds.is_ok() || own.is_poisoned(),
                "seed {seed}, {step:?}: {holds:?}"
            );
        }
    }
}

#[test]
fn arbitrary_states_with_right_checksums_never_panic() {
    let good = busy(6);
    let mut random = Seeded(9);
    for _ in 0..500 {
        let mut forged = good.clone();
        for _ in 0..=random.below(4) {
            let at = 73 + random.below(forged.len() as u64 - 105) as usize;
            forged[at] = [0, 1, 255, random.next() as u8][random.below(4) as usize];
        }
        if random.below(4) == 0 {
            forged.truncate(105 + random.below(forged.len() as u64 - 105) as usize);
            let len = forged.len() as u64;
            forged[1..9].copy_from_slice(&len.to_le_bytes());
        }
        seal(&mut forged);
        if let Ok(mut own) = restore(6, &forged) {
            assert!(snapshot(&own) == forged);
            drive(&mut own, random.next());
        }
    }
}

/// A journal with the places where its records start, the end included.
struct Kept {
    journal: Vec<u8>,
    starts: Vec<usize>,
}

/// A short journal with every kind of record that a policy with slices can have.
fn kept() -> Kept {
    (5..25)
        .find_map(kept_of)
        .expect("some seed draws all kinds")
}

fn kept_of(seed: u64) -> Option<Kept> {
    let limits = limits(4_096);
    let mut own = TransactionCoordinator::new(&config(0), &limits).unwrap();
    let (mut journal, mut random) = (Vec::new(), Seeded(seed));
    let mut kinds = std::collections::BTreeSet::new();
    for at in 1..400 {
        // A step is taken for the sake of a kind of record that was not there yet.
        let step = draw(&mut random);
        let mut tried = TransactionCoordinator::new(&config(0), &limits).unwrap();
        if !journal.is_empty() {
            replay(&mut tried, &journal).unwrap();
        }
        apply(&mut tried, step, at);
        let mut records = Vec::new();
        drain(&mut tried, &mut records);
        let kind = records.get(if journal.is_empty() {
            HEADER_LEN + 4
        } else {
            4
        });
        // A slot that was given back before it was sealed or acknowledged is opened again.
        let leads_on = match kind {
            Some(15) => !kinds.contains(&18),
            Some(4) => !kinds.contains(&5),
            // A whole slot is long enough once.
            Some(22) => false,
            _ => kinds.len() < 4,
        };
        let is_wanted = kind.is_some_and(|kind| kinds.insert(*kind)) || leads_on;
        if is_wanted {
            apply(&mut own, step, at);
            drain(&mut own, &mut journal);
        }
    }
    let wanted = [1, 2, 4, 5, 6, 7, 10, 11, 13, 15, 16, 18, 21, 22];
    if !wanted.iter().all(|kind| kinds.contains(kind)) {
        return None;
    }
    let mut starts = std::vec![HEADER_LEN];
    while let Some(rest) = journal
        .get(*starts.last().unwrap()..)
        .filter(|rest| !rest.is_empty())
    {
        let length = u32::from_le_bytes(*rest.first_chunk().unwrap());
        starts.push(starts.last().unwrap() + 4 + length as usize);
    }
    Some(Kept { journal, starts })
}

impl Kept {
    fn replay(&self, journal: &[u8]) -> Result<u64, JournalError> {
        let mut own = TransactionCoordinator::new(&config(0), &limits(0)).unwrap();
        replay(&mut own, journal).map(|replayed| replayed.records)
    }

    /// The state after what is good of a journal; it has to be whole up to `at`.
    fn state_up_to(&self, journal: &[u8], at: usize) -> Vec<u8> {
        let mut own = TransactionCoordinator::new(&config(0), &limits(0)).unwrap();
        let replayed = replay(&mut own, journal);
        let good = replayed.map_or_else(|error| error.at, |replayed| replayed.bytes_used);
        assert_eq!(good, at);
        snapshot(&own)
    }

    /// The start of the record that holds a byte; 0 for the header.
    fn start_of(&self, byte: usize) -> usize {
        let starts = self.starts.iter().rev();
        starts.copied().find(|start| *start <= byte).unwrap_or(0)
    }
}

#[test]
fn every_flipped_byte_of_a_journal_is_reported_where_it_is() {
    let kept = kept();
    assert_eq!(kept.replay(&kept.journal), Ok(kept.starts.len() as u64 - 1));
    for at in 0..kept.journal.len() {
        // Every bit of the header; behind it one a byte, each of them at some place.
        for bit in (0..8).filter(|bit| at < HEADER_LEN || at % 8 == *bit) {
            let mut damaged = kept.journal.clone();
            damaged[at] ^= 1 << bit;
            let error = kept.replay(&damaged).unwrap_err();
            assert_eq!(error.at, kept.start_of(at), "byte {at}, bit {bit}: {error}");
            let expected = match at {
                0 => [JournalFault::UnsupportedVersion; 2],
                _ => [JournalFault::Corrupt, JournalFault::Truncated],
            };
            assert!(
                expected.contains(&error.why),
                "byte {at}, bit {bit}: {error}"
            );
        }
    }
}

#[test]
fn every_truncation_of_a_journal_is_reported_with_what_is_good() {
    let kept = kept();
    for len in 0..kept.journal.len() {
        let good = kept.starts.iter().position(|start| *start == len);
        match kept.replay(&kept.journal[..len]) {
            // What ends behind a record is a journal that ends there.
            Ok(records) => assert_eq!(Some(records as usize), good),
            Err(error) => {
                assert_eq!((good, error.why), (None, JournalFault::Truncated));
                assert_eq!(error.at, kept.start_of(len));
                // The coordinator stands exactly where the good part leads.
                if error.at > 0 {
                    let (cut, good) = (&kept.journal[..len], &kept.journal[..error.at]);
                    let state = kept.state_up_to(cut, error.at);
                    assert!(state == kept.state_up_to(good, error.at));
                }
                let before = kept.starts.iter().filter(|start| **start < len).count();
                assert_eq!(error.records, before.saturating_sub(1) as u64);
            }
        }
    }
}

#[test]
fn records_cannot_be_dropped_repeated_or_moved() {
    let kept = kept();
    let record = |at: usize| &kept.journal[kept.starts[at]..kept.starts[at + 1]];
    let count = kept.starts.len() - 1;
    let rebuilt = |order: &[usize]| {
        let mut journal = kept.journal[..HEADER_LEN].to_vec();
        order
            .iter()
            .for_each(|at| journal.extend_from_slice(record(*at)));
        journal
    };
    let order: Vec<usize> = (0..count).collect();
    assert!(rebuilt(&order) == kept.journal);
    for at in 0..count - 1 {
        let mut dropped = order.clone();
        dropped.remove(at);
        let mut repeated = order.clone();
        repeated.insert(at, at);
        let mut swapped = order.clone();
        swapped.swap(at, at + 1);
        for (changed, wrong) in [(dropped, at), (repeated, at + 1), (swapped, at)] {
            let error = kept.replay(&rebuilt(&changed)).unwrap_err();
            assert_eq!(error.why, JournalFault::Corrupt);
            assert_eq!(error.records, wrong as u64);
        }
    }
}

/// Chains the records of a journal anew.
fn chain_anew(journal: &mut [u8], starts: &[usize]) {
    let (header, _) = journal.split_at(HEADER_LEN);
    let mut chain = Hash::new(*header.last_chunk().unwrap());
    for ends in starts.windows(2) {
        let (content, checksum) = journal[ends[0]..ends[1]]
            .split_last_chunk_mut::<32>()
            .unwrap();
        chain = chained(chain, content);
        *checksum = *chain.as_bytes();
    }
}

/// With right checksums, a journal is refused at the forged record or behind it, or gives a state.
#[test]
fn forged_records_are_refused_or_possible() {
    let kept = kept();
    let mut met = std::collections::BTreeSet::new();
    for at in HEADER_LEN..kept.journal.len() {
        let start = kept.start_of(at);
        let end = kept
            .starts
            .iter()
            .copied()
            .find(|end| *end > start)
            .unwrap();
        // Not in the length, which the test's own chaining goes by, nor in the checksum.
        if at < start + 4 || at >= end - 32 {
            continue;
        }
        for bit in [at % 8, (at + 3) % 8] {
            let mut forged = kept.journal.clone();
            forged[at] ^= 1 << bit;
            chain_anew(&mut forged, &kept.starts);
            let mut own = TransactionCoordinator::new(&config(0), &limits(0)).unwrap();
            match replay(&mut own, &forged) {
                Ok(_) => own.verify().unwrap(),
                Err(error) => {
                    assert!(error.at >= start, "byte {at}, bit {bit}: {error}");
                    met.insert(std::format!("{:?}", error.why));
                    let is_poisoned = error.why == JournalFault::OutcomeDiffers;
                    assert_eq!(own.is_poisoned(), is_poisoned);
                }
            }
        }
    }
    let expected = ["Inconsistent", "OutcomeDiffers", "UnknownKind"];
    assert_eq!(met.into_iter().collect::<Vec<_>>(), expected);
}
