//! Median timestamps in place of graphs.

use std::vec::Vec;

use super::super::*;
use super::world::{Library, ROLLUP, facts, id, small_limits};
use crate::ordering::fair::{Parameters, Rank};
use crate::types::{Height, UnixNs};

/// A stream and its twin, fed the same cuts of one rollup.
struct Pair {
    stream: FairStream,
    twin: StreamTwin,
    bodies: Library,
    n: usize,
    /// What entries name as their base; the last slot where there is none.
    base: Option<Height>,
}

/// What a log says next: a stamp, or an id by its name.
#[derive(Clone, Copy, Debug)]
enum Say {
    At(u64),
    Id(u64),
}
use Say::{At, Id};

impl Pair {
    fn new(n: u32, limits: &FairLimits) -> Self {
        let own = Parameters::median(n).unwrap();
        let parts = [RollupPart::whole(ROLLUP, limits)];
        Self {
            stream: FairStream::new(own, limits, &parts, Rank::Copeland, [3, 5]).unwrap(),
            twin: StreamTwin::new(own, limits, &parts, Rank::Copeland).unwrap(),
            bodies: Library::default(),
            n: n as usize,
            base: None,
        }
    }

    fn body(&mut self, name: u64, sender: u64, nonce: u64) {
        self.bodies.0.insert(id(name), facts(sender, nonce));
    }

    /// Applies a cut in which every log moves; what it drains, by name and outcome.
    fn cut(&mut self, logs: &[Vec<Say>]) -> Vec<(LoggedId, DrainOutcome)> {
        let last = self.stream.height();
        let base = self.base.unwrap_or(last);
        let entry = |say: &Say| Entry {
            base,
            kind: match *say {
                At(time) => EntryKind::Stamp(UnixNs::new(time)),
                Id(name) => EntryKind::Id(id(name)),
            },
        };
        let mut entries: Vec<Vec<Entry>> = logs
            .iter()
            .map(|log| log.iter().map(entry).collect())
            .collect();
        entries.resize(self.n, Vec::new());
        let extents: Vec<Extent<'_>> = entries.iter().map(|list| Extent::moved(list)).collect();
        let cut = Cut {
            height: last.next(),
            extents: &extents,
        };
        let slots = [RollupSlot::default()];
        self.stream.apply(&cut, &slots, &self.bodies).unwrap();
        self.twin.apply(&cut, &slots, &self.bodies).unwrap();
        assert_eq!(self.stream.verify(), Ok(()));
        assert_eq!(self.twin.compare(&self.stream), Ok(()));
        let drained = self.stream.drained().iter();
        drained.map(|one| (one.id, one.outcome)).collect()
    }
}

const fn included(name: LoggedId) -> (LoggedId, DrainOutcome) {
    (name, DrainOutcome::Included)
}

/// n = 5, a = {10 (Byzantine), 20, 30, -, -}; the next cut brings b = {11 (Byzantine), 21, 31, 15,
/// 16} and last stamps 40 in the two logs without a.
#[test]
fn what_comes_later_with_a_smaller_median_comes_first() {
    let mut pair = Pair::new(5, &small_limits());
    let (a, b) = (1, 2);
    pair.body(a, 1, 0);
    pair.body(b, 2, 0);
    let first = [10, 20, 30].map(|time| [At(time), Id(a)].to_vec());
    assert_eq!(pair.cut(&first), []);
    let mut second = [11, 21, 31, 15, 16].map(|time| [At(time), Id(b)].to_vec());
    second[3].push(At(40));
    second[4].push(At(40));
    assert_eq!(pair.cut(&second), [included(id(b)), included(id(a))]);
}

/// A liar lets nonce 1 of a sender have a key in one cut and nonce 0 only in the next.
#[test]
fn a_released_id_is_held_for_a_missing_nonce_and_others_pass_it() {
    let mut pair = Pair::new(5, &small_limits());
    let everywhere = |time: u64, names: &[u64]| -> Vec<Vec<Say>> {
        let ids = names.iter().map(|name| Id(*name));
        let log: Vec<Say> = [At(time)]
            .into_iter()
            .chain(ids)
            .chain([At(time + 9)])
            .collect();
        [(); 5].map(|()| log.clone()).to_vec()
    };
    for (name, sender, nonce) in [(1, 1, 0), (2, 1, 1), (3, 1, 2), (4, 2, 0)] {
        pair.body(name, sender, nonce);
    }
    assert_eq!(pair.cut(&everywhere(10, &[1])), [included(id(1))]);
    let drained = pair.cut(&everywhere(20, &[3, 4]));
    assert_eq!(drained, [included(id(4))]);
    assert!(pair.stream.held(ROLLUP).eq([id(3)]));
    let mut bytes = std::vec![0; pair.stream.encoded_len()];
    pair.stream.encode(&mut bytes).unwrap();
    pair.stream.decode(&bytes).unwrap();
    let drained = pair.cut(&everywhere(30, &[2]));
    assert_eq!(drained, [included(id(2)), included(id(3))]);
    assert_eq!(pair.stream.held(ROLLUP).count(), 0);
}

/// What nobody completes lapses like anything outside the queue, and leaves nothing behind.
#[test]
fn held_ids_lapse() {
    let mut pair = Pair::new(5, &small_limits());
    pair.body(1, 1, 0);
    pair.body(3, 1, 2);
    let say = |names: &[u64], time: u64| {
        let mut log: Vec<Say> = [At(time)].to_vec();
        log.extend(names.iter().map(|name| Id(*name)));
        log.push(At(time + 9));
        [(); 5].map(|()| log.clone()).to_vec()
    };
    pair.cut(&say(&[1, 3], 10));
    assert_eq!(pair.stream.held(ROLLUP).count(), 1);
    let span = u64::from(small_limits().log_age_slots_max);
    for slot in 1..=span {
        assert_eq!(pair.stream.live_count(), 1, "slot {slot}");
        pair.cut(&say(&[], 10 + 10 * slot));
    }
    assert_eq!(pair.stream.live_count(), 0);
    assert_eq!(pair.stream.held(ROLLUP).count(), 0);
}

/// A log that is silent for ever holds two interleaved ids back for A slots, and no longer.
#[test]
fn a_silent_clock_counts_as_that_of_some_slots_ago() {
    let mut pair = Pair::new(5, &small_limits());
    pair.body(1, 1, 0);
    pair.body(2, 2, 0);
    // Log 0 could still put either of the two first; log 4 says nothing of them.
    let logs = [
        [].to_vec(),
        [At(10), Id(1), At(30), Id(2)].to_vec(),
        [At(11), Id(2), At(31), Id(1)].to_vec(),
        [At(12), Id(1), At(13), Id(2)].to_vec(),
        [At(14), Id(2), At(32), Id(1)].to_vec(),
    ];
    let mut drained = pair.cut(&logs);
    assert_eq!(drained, []);
    let mut slots = 1;
    while drained.is_empty() {
        slots += 1;
        let later = [At(100 * slots)].to_vec();
        let mut logs = [(); 5].map(|()| later.clone());
        logs[0].clear();
        drained = pair.cut(&logs);
        assert!(slots < 20, "they wait for ever");
    }
    assert_eq!(drained.len(), 2);
    assert!(slots > 4, "only the age of entries ends the wait: {slots}");
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// The logs of a committee of which the first stamps and logs anything.
fn logs_of(n: usize, names: u64, random: &mut Random) -> Vec<Vec<Say>> {
    let mut logs: Vec<Vec<Say>> = Vec::new();
    let mut lies = Vec::new();
    let mut clock = 0;
    for _ in 0..60 {
        clock += random.below(20);
        lies.push(match random.below(2) {
            0 => At(clock),
            _ => Id(random.below(names)),
        });
    }
    logs.push(lies);
    for _ in 1..n {
        let mut received: Vec<(u64, u64)> = (0..names)
            .map(|name| (10 * name + random.below(60), name))
            .collect();
        received.sort_unstable();
        let said = received
            .iter()
            .flat_map(|(time, name)| [At(*time), Id(*name)]);
        logs.push(said.collect());
    }
    for log in &mut logs {
        log.push(At(100_000));
    }
    logs
}

/// The key of an id by the definition, from whole logs.
fn final_key(logs: &[Vec<Say>], name: u64) -> u64 {
    let stamp = |log: &Vec<Say>| {
        let mut clock = 0;
        for say in log {
            match *say {
                At(time) => clock = clock.max(time),
                Id(own) if own == name => return clock,
                Id(_) => {}
            }
        }
        u64::MAX
    };
    let mut stamps: Vec<u64> = logs.iter().map(stamp).collect();
    stamps.sort_unstable();
    stamps[stamps.len().div_ceil(2) - 1]
}

#[test]
fn ids_drain_in_the_order_of_their_final_keys_whatever_one_log_says() {
    let names = 24;
    let limits = FairLimits {
        first_hand_count_max: 32,
        log_age_slots_max: 200,
        cursor_count_max: 400,
        extent_entries_max: 64,
        ..small_limits()
    };
    for seed in 0..40_u64 {
        let n = 5 + seed as usize % 5;
        let mut random = Random(0x9e37_79b9 + seed * 0x1_0000_01b3);
        let logs = logs_of(n, names, &mut random);
        let mut pair = Pair::new(n as u32, &limits);
        // What a log says of an id after it was drained is void.
        pair.base = Some(Height::ZERO);
        (0..names).for_each(|name| pair.body(name, name, 0));
        let mut at = std::vec![0; n];
        let mut drained = Vec::new();
        for slot in 0..120 {
            let cut: Vec<Vec<Say>> = logs
                .iter()
                .zip(&mut at)
                .map(|(log, at)| {
                    let more = if slot < 100 { random.below(6) } else { 60 };
                    let to = (*at + more as usize).min(log.len());
                    let own = log[*at..to].to_vec();
                    *at = to;
                    own
                })
                .collect();
            drained.extend(pair.cut(&cut));
        }
        let mut order: Vec<(u64, LoggedId)> = (0..names)
            .map(|name| (final_key(&logs, name), id(name)))
            .collect();
        order.sort_unstable();
        let order: Vec<(LoggedId, DrainOutcome)> =
            order.iter().map(|(_, name)| included(*name)).collect();
        assert_eq!(drained, order, "seed {seed}");
    }
}

/// Two ids that differ in their length alone are two: a liar's does not take the other's stamps.
#[test]
fn an_id_with_another_length_is_another_one() {
    let mut pair = Pair::new(5, &small_limits());
    pair.body(1, 1, 0);
    let mut longer = id(1);
    longer.body_bytes += 1;
    let base = Height::ZERO;
    let entry = |kind| Entry { base, kind };
    let stamp = |time| entry(EntryKind::Stamp(UnixNs::new(time)));
    let lie = [stamp(1), entry(EntryKind::Id(longer)), stamp(50)];
    let two = [stamp(10), entry(EntryKind::Id(id(1))), stamp(50)];
    let none = [stamp(50)];
    let extents = [&lie[..], &two, &two, &none, &none].map(Extent::moved);
    let cut = Cut {
        height: Height::new(1),
        extents: &extents,
    };
    let slots = [RollupSlot::default()];
    pair.stream.apply(&cut, &slots, &pair.bodies).unwrap();
    pair.twin.apply(&cut, &slots, &pair.bodies).unwrap();
    assert_eq!(pair.twin.compare(&pair.stream), Ok(()));
    assert_eq!(pair.stream.drained(), []);
    assert_eq!(pair.stream.heads(&id(1)), 2);
    assert_eq!(pair.stream.heads(&longer), 1);
}

#[test]
fn damaged_bytes_are_refused_or_are_a_whole_state() {
    let mut pair = Pair::new(5, &small_limits());
    for (name, nonce) in [(1, 0), (3, 2), (5, 0), (6, 0)] {
        pair.body(name, if name > 4 { name } else { 1 }, nonce);
    }
    let log = |names: &[u64], time: u64| {
        let mut log: Vec<Say> = [At(time)].to_vec();
        log.extend(names.iter().map(|name| Id(*name)));
        log
    };
    pair.cut(&[(); 5].map(|()| log(&[1, 3], 10)));
    pair.cut(&[(); 5].map(|()| log(&[5], 20)));
    pair.cut(&[
        log(&[6], 21),
        log(&[], 30),
        log(&[6], 40),
        log(&[], 25),
        log(&[], 20),
    ]);
    assert_eq!(pair.stream.held(ROLLUP).count(), 1);
    let mut bytes = std::vec![0; pair.stream.encoded_len()];
    pair.stream.encode(&mut bytes).unwrap();
    let empty = Pair::new(5, &small_limits()).stream.state_hash();
    let mut refused = 0;
    for at in 0..bytes.len() {
        assert!(pair.stream.decode(&bytes[..at]).is_err());
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if pair.stream.decode(&damaged).is_ok() {
                assert_eq!(pair.stream.verify(), Ok(()));
                let mut again = std::vec![0; damaged.len()];
                pair.stream.encode(&mut again).unwrap();
                assert_eq!(again, damaged);
            } else {
                refused += 1;
                assert_eq!(pair.stream.state_hash(), empty);
            }
        }
    }
    assert!(refused > bytes.len() / 4, "{refused} of {}", bytes.len());
    pair.stream.decode(&bytes).unwrap();
    // What graphs order is no state of this stream.
    let mut graphs = super::world::World::small(5, 1);
    assert_eq!(graphs.stream.decode(&bytes), Err(StateError::WrongSettings));
}
