//! Random logs with lying clocks, cut at random, against a model that keeps all logs and computes
//! everything from the definition at each cut.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::{MedianLimits, MedianOrder, MedianTwin};
use crate::types::{TxId, UnixNs};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Stamp(u64),
    Id(u8),
}

/// One instance: whole logs, and cuts as positions in each.
#[derive(Clone, Debug)]
struct Instance {
    logs: Vec<Vec<Entry>>,
    cuts: Vec<Vec<usize>>,
    /// The time to which clocks are raised before each cut.
    raised: Vec<u64>,
}

/// Logs of entries of any kind: every log may lie.
fn any_instance() -> impl Strategy<Value = Instance> {
    let entry = prop_oneof![
        2 => (0_u64..12).prop_map(Entry::Stamp),
        3 => (0_u8..7).prop_map(Entry::Id),
    ];
    let log = proptest::collection::vec(entry, 0..20);
    let instance = (
        proptest::collection::vec(log, 1..7),
        proptest::collection::vec(any::<u64>(), 1..6),
        proptest::collection::vec(0_u64..6, 6),
    );
    instance.prop_map(|(logs, seeds, raised)| {
        let mut instance = cut_at_random(logs, &seeds);
        let mut time = 0;
        for (place, more) in instance.raised.iter_mut().zip(raised) {
            time += more / 3 * more;
            *place = time;
        }
        instance
    })
}

/// Correct logs in which time goes on and each id has a time of reception, and liars.
fn clocked_instance() -> impl Strategy<Value = (Instance, usize)> {
    (2_usize..10).prop_flat_map(|n| {
        let receptions = proptest::collection::vec(proptest::collection::vec(0_u64..60, 6), n);
        let lies = proptest::collection::vec(
            prop_oneof![
                (0_u64..60).prop_map(Entry::Stamp),
                (0_u8..6).prop_map(Entry::Id)
            ],
            0..20,
        );
        (
            Just(n),
            receptions,
            proptest::collection::vec(lies, n),
            0..=(n - 1) / 2,
            proptest::collection::vec(any::<u64>(), 1..8),
        )
            .prop_map(|(n, receptions, lies, liars, seeds)| {
                let logs = (0..n)
                    .map(|log| match lies.get(log).filter(|_| log < liars) {
                        Some(lies) => lies.clone(),
                        None => correct(&receptions[log]),
                    })
                    .collect();
                let mut instance = cut_at_random(logs, &seeds);
                // A slots later nothing that was logged is waited for any more.
                instance.cuts.extend(instance.cuts.last().cloned());
                instance.raised.push(99);
                (instance, liars)
            })
    })
}

/// The log of a correct member: ids behind the stamps of their reception, and a last stamp.
fn correct(receptions: &[u64]) -> Vec<Entry> {
    let mut received: Vec<(u64, u8)> = receptions.iter().copied().zip(0..).collect();
    received.sort_unstable();
    let entries = received
        .iter()
        .flat_map(|(time, id)| [Entry::Stamp(*time), Entry::Id(*id)]);
    entries.chain([Entry::Stamp(99)]).collect()
}

fn cut_at_random(logs: Vec<Vec<Entry>>, seeds: &[u64]) -> Instance {
    let mut at: Vec<usize> = logs.iter().map(|_| 0).collect();
    let mut cuts = Vec::new();
    for seed in seeds {
        let mut seed = *seed;
        for (at, log) in at.iter_mut().zip(&logs) {
            *at = (*at + (seed % 8) as usize).min(log.len());
            seed /= 8;
        }
        cuts.push(at.clone());
    }
    cuts.push(logs.iter().map(Vec::len).collect());
    let raised = cuts.iter().map(|_| 0).collect();
    Instance { logs, cuts, raised }
}

fn name(id: u8) -> TxId {
    TxId::new([id; 32])
}

/// First stamps of each id in a log, and its last stamp, as of the cut with this number.
fn stamps(instance: &Instance, log: usize, cut: usize) -> (BTreeMap<u8, u64>, u64) {
    let (mut stamps, mut last, mut from) = (BTreeMap::new(), 0, 0);
    for (to, raised) in instance.cuts.iter().zip(&instance.raised).take(cut + 1) {
        last = last.max(*raised);
        for entry in &instance.logs[log][from..to[log]] {
            match entry {
                Entry::Stamp(time) => last = last.max(*time),
                Entry::Id(id) => {
                    stamps.entry(*id).or_insert(last);
                }
            }
        }
        from = to[log];
    }
    (stamps, last)
}

fn lower_median(mut stamps: Vec<Option<u64>>) -> Option<u64> {
    stamps.sort_by_key(|stamp| stamp.unwrap_or(u64::MAX));
    stamps[stamps.len().div_ceil(2) - 1]
}

/// What a cut releases beyond `released`, from the definition.
fn plain_release(instance: &Instance, cut: usize, released: &mut Vec<u8>) -> Vec<u8> {
    let prefixes: Vec<(BTreeMap<u8, u64>, u64)> = (0..instance.logs.len())
        .map(|log| stamps(instance, log, cut))
        .collect();
    let key = |id: u8| {
        lower_median(
            prefixes
                .iter()
                .map(|(held, _)| held.get(&id).copied())
                .collect(),
        )
    };
    let floor = |id: u8| {
        let stamps = prefixes
            .iter()
            .map(|(held, last)| Some(held.get(&id).copied().unwrap_or(*last)));
        lower_median(stamps.collect()).unwrap()
    };
    let horizon = floor(u8::MAX);
    let is_seen = |id: &u8| prefixes.iter().any(|(held, _)| held.contains_key(id));
    let mut fresh = Vec::new();
    loop {
        let waiting: Vec<u8> = (0..7)
            .filter(|id| is_seen(id) && !released.contains(id))
            .collect();
        let next = waiting.iter().find(|id| {
            key(**id).is_some_and(|own| {
                own < horizon
                    && waiting
                        .iter()
                        .filter(|other| other != id)
                        .all(|other| (own, **id) < (floor(*other), *other))
            })
        });
        let Some(next) = next.copied() else {
            return fresh;
        };
        released.push(next);
        fresh.push(next);
    }
}

/// Runs the order and its twin over all cuts against the model; all ids in the order of release.
fn run(instance: &Instance) -> Vec<u8> {
    let limits = MedianLimits {
        log_count: instance.logs.len() as u32,
        id_count_max: 7,
    };
    let mut order = MedianOrder::new(&limits, [7, 7]).unwrap();
    let mut twin = MedianTwin::new(&limits, [8, 8]).unwrap();
    let mut at: Vec<usize> = instance.logs.iter().map(|_| 0).collect();
    let mut released = Vec::new();
    for (number, cut) in instance.cuts.iter().enumerate() {
        order.raise(UnixNs::new(instance.raised[number]));
        twin.raise(UnixNs::new(instance.raised[number]));
        for (log, to) in cut.iter().enumerate() {
            for entry in &instance.logs[log][at[log]..*to] {
                let log = log as u32;
                match entry {
                    Entry::Stamp(time) => {
                        order.stamp(log, UnixNs::new(*time)).unwrap();
                        twin.stamp(log, UnixNs::new(*time)).unwrap();
                    }
                    Entry::Id(id) => {
                        order.append(log, &name(*id)).unwrap();
                        twin.append(log, &name(*id)).unwrap();
                    }
                }
            }
            at[log] = *to;
        }
        let expected: Vec<TxId> = plain_release(instance, number, &mut released)
            .into_iter()
            .map(name)
            .collect();
        let got: Vec<TxId> = order.release().iter().map(|one| one.id).collect();
        assert_eq!(got, expected);
        let shorter = got.split_last().map(|(_, shorter)| shorter);
        assert!(shorter.is_none_or(|shorter| twin.check(shorter.iter()).is_err()));
        twin.check(got.iter()).unwrap();
    }
    released
}

/// Key of an id over whole logs.
fn final_key(instance: &Instance, id: u8) -> Option<u64> {
    let last = instance.cuts.len() - 1;
    let stamps =
        (0..instance.logs.len()).map(|log| stamps(instance, log, last).0.get(&id).copied());
    lower_median(stamps.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever the logs say and wherever the cuts stand, ids come in the order of the keys that
    /// they have in the end: no later cut contradicts a release.
    #[test]
    fn the_order_is_that_of_the_final_keys(instance in any_instance()) {
        let released = run(&instance);
        let keys: Vec<_> = released
            .iter()
            .map(|id| (final_key(&instance, *id).unwrap(), *id))
            .collect();
        prop_assert!(keys.is_sorted(), "{keys:?}");
        // Nor does one stand before what was left waiting.
        for id in (0..7).filter(|id| !released.contains(id)) {
            let key = final_key(&instance, id).unwrap_or(u64::MAX);
            prop_assert!(keys.iter().all(|released| *released < (key, id)));
        }
    }

    /// With up to ⌊(n − 1)/2⌋ liars: what every correct log stamps before every correct stamp of
    /// another comes first, and everything that the correct logs hold is released.
    #[test]
    fn correct_stamps_bind_the_order((instance, liars) in clocked_instance()) {
        let released = run(&instance);
        let spans: Vec<(u64, u64)> = (0..6)
            .map(|id| {
                let last = instance.cuts.len() - 1;
                let logs = liars..instance.logs.len();
                let stamps = logs.map(|log| stamps(&instance, log, last).0[&id]);
                (stamps.clone().min().unwrap(), stamps.max().unwrap())
            })
            .collect();
        let place = |id: u8| released.iter().position(|other| *other == id);
        for first in 0..6_u8 {
            prop_assert!(place(first).is_some(), "{first} waits for ever");
            for second in 0..6_u8 {
                if spans[usize::from(first)].1 < spans[usize::from(second)].0 {
                    prop_assert!(place(first) < place(second), "{first} {second} {released:?}");
                }
            }
        }
    }
}

/// One liar more than ⌊(n − 1)/2⌋ turns the order around: the bound is sharp.
#[test]
fn one_liar_more_breaks_the_promise() {
    for n in 2..10_usize {
        for liars in 0..=n.div_ceil(2) {
            let honest = [
                Entry::Stamp(10),
                Entry::Id(0),
                Entry::Stamp(20),
                Entry::Id(1),
                Entry::Stamp(99),
            ];
            let lie = [
                Entry::Id(1),
                Entry::Stamp(50),
                Entry::Id(0),
                Entry::Stamp(99),
            ];
            let logs: Vec<Vec<Entry>> = (0..n)
                .map(|log| {
                    if log < liars {
                        lie.to_vec()
                    } else {
                        honest.to_vec()
                    }
                })
                .collect();
            let released = run(&cut_at_random(logs, &[]));
            let keeps_it = released == [0, 1];
            assert_eq!(
                keeps_it,
                liars <= (n - 1) / 2,
                "{liars} of {n}: {released:?}"
            );
        }
    }
}
