//! Committee, schedule, limits, configuration and tables.

use super::kit::{context, limits, member, round, value};
use crate::consensus::tables::{Buckets, SignatureStore, ValueState, Values};
use crate::consensus::*;
use crate::types::{Height, MemberIndex, Tick};
use std::vec;
use std::vec::Vec;

fn committee(weights: &[u64]) -> Committee {
    Committee::new(CommitteeView { weights, me: None }, &limits(128)).unwrap()
}

#[test]
fn thresholds_are_strict() {
    // For n equal members a quorum is more than 2n/3, and what is honest more than n/3.
    let table = [
        (1, 1, 1),
        (2, 2, 1),
        (3, 3, 2),
        (4, 3, 2),
        (5, 4, 2),
        (6, 5, 3),
        (7, 5, 3),
        (9, 7, 4),
        (10, 7, 4),
        (31, 21, 11),
        (100, 67, 34),
        (128, 86, 43),
    ];
    for (n, quorum, honest) in table {
        let committee = committee(&vec![1; n]);
        let first = |holds: &dyn Fn(u64) -> bool| (0..=n as u64).find(|w| holds(*w)).unwrap();
        assert_eq!(
            first(&|weight| committee.is_quorum(weight)),
            quorum,
            "n = {n}"
        );
        assert_eq!(
            first(&|weight| committee.has_honest(weight)),
            honest,
            "n = {n}"
        );
    }
    let large = committee(&[WEIGHT_MAX; 128]);
    let third = WEIGHT_MAX * 128 / 3;
    assert!(!large.has_honest(third) && large.has_honest(third + 1));
    let two_thirds = WEIGHT_MAX * 256 / 3;
    assert!(!large.is_quorum(two_thirds) && large.is_quorum(two_thirds + 1));
}

#[test]
fn two_quorums_share_more_than_a_third() {
    for weights in [
        vec![1; 4],
        vec![3, 4, 4, 2],
        vec![1; 7],
        vec![5, 1, 1, 1, 9],
    ] {
        let committee = committee(&weights);
        let all = 1_u128 << weights.len();
        let quorums: Vec<MemberSet> = (0..all)
            .map(MemberSet::from_bits)
            .filter(|set| committee.is_quorum(committee.weight_of(*set)))
            .collect();
        for a in &quorums {
            for b in &quorums {
                let shared = MemberSet::from_bits(a.bits() & b.bits());
                assert!(committee.has_honest(committee.weight_of(shared)));
            }
        }
    }
}

#[test]
fn committees_are_checked() {
    let make = |weights: &[u64], me: Option<u16>| {
        let view = CommitteeView {
            weights,
            me: me.map(member),
        };
        Committee::new(view, &limits(4)).map(|_| ())
    };
    use CommitteeError as E;
    assert_eq!(make(&[], None), Err(E::MemberCountOutOfRange));
    assert_eq!(make(&[1; 5], None), Err(E::MemberCountOutOfRange));
    assert_eq!(make(&[1; 4], Some(4)), Err(E::UnknownSelf));
    assert_eq!(make(&[1, 0], None), Err(E::WeightOutOfRange));
    assert_eq!(make(&[1; 4], Some(3)), Ok(()));
}

#[test]
fn turns_follow_weight() {
    for weights in [
        vec![1; 4],
        vec![1; 5],
        vec![5, 1, 2],
        vec![100, 1, 1, 1],
        vec![7],
    ] {
        let committee = committee(&weights);
        let mut limits = limits(128);
        limits.schedule_count_max = 840;
        let schedule = Schedule::new(&committee, &limits);
        let mut counts = vec![0_u64; weights.len()];
        for height in 0..840 {
            let turn = schedule.proposer(Height::new(height), round(0));
            counts[usize::from(turn.get())] += 1;
        }
        let sum: u64 = weights.iter().sum();
        for (count, weight) in counts.iter().zip(&weights) {
            assert!(
                count.abs_diff(840 * weight / sum) <= 1,
                "{weights:?}: {counts:?}"
            );
        }
    }
}

#[test]
fn the_rounds_of_a_height_come_to_everybody() {
    for n in [1_u16, 2, 3, 4, 5, 7, 9, 31, 100, 128] {
        let committee = committee(&vec![1; usize::from(n)]);
        for len in [64, 1_024, 4_095] {
            let mut limits = limits(128);
            limits.schedule_count_max = len.max(n);
            let schedule = Schedule::new(&committee, &limits);
            let mut seen = MemberSet::EMPTY;
            for at in 0..u32::from(limits.schedule_count_max) {
                seen.insert(schedule.proposer(Height::new(17), round(at)));
            }
            assert_eq!(seen, MemberSet::first(n), "n = {n}, {len} entries");
            if n > 2 {
                let failed = schedule.proposer(Height::new(17), round(1));
                let next = schedule.proposer(Height::new(18), round(0));
                assert_ne!(failed, next, "the next member inherits nothing: n = {n}");
            }
        }
    }
}

#[test]
fn schedules_are_looked_up_at_any_height() {
    let committee = committee(&[1; 4]);
    let schedule = Schedule::new(&committee, &limits(128));
    let last = schedule.proposer(Height::MAX, crate::vote::ROUND_MAX);
    assert!(last < MemberIndex::new(4));
}

#[test]
fn limits_and_choices_are_checked() {
    let good = limits(4);
    let bad = [
        ConsensusLimits {
            validator_count_max: 0,
            ..good.clone()
        },
        ConsensusLimits {
            validator_count_max: 129,
            ..good.clone()
        },
        ConsensusLimits {
            signature_bytes_max: 0,
            ..good.clone()
        },
        ConsensusLimits {
            pending_per_peer_max: 65,
            ..good.clone()
        },
        ConsensusLimits {
            votes_per_message_max: 0,
            ..good.clone()
        },
        ConsensusLimits {
            reply_count_max: 7,
            ..good.clone()
        },
        ConsensusLimits {
            evidence_count_max: 0,
            ..good.clone()
        },
        ConsensusLimits {
            schedule_count_max: 4_097,
            ..good
        },
    ];
    for limits in bad {
        assert_eq!(limits.check(), Err(ConsensusLimitsError::LimitOutOfRange));
    }
    for config in [ConsensusConfig::default(), ConsensusConfig::wide_area()] {
        assert_eq!(config.check(), Ok(()));
        let bad = [
            ConsensusConfig {
                status_ns: 0,
                ..config.clone()
            },
            ConsensusConfig {
                timeout_max_ns: 1,
                ..config.clone()
            },
            ConsensusConfig {
                status_max_ns: 1,
                ..config.clone()
            },
        ];
        for config in bad {
            assert_eq!(config.check(), Err(ConsensusConfigError::TimeoutOutOfRange));
            let view = CommitteeView {
                weights: &[1],
                me: None,
            };
            let refused = ConsensusEngine::new(&limits(1), &config, context(), view).map(|_| ());
            let cause = ConsensusConfigError::TimeoutOutOfRange;
            assert_eq!(refused, Err(ConsensusError::Config(cause)));
        }
    }
}

#[test]
fn buckets_empty_and_fill_again() {
    let rate = Rate {
        burst_count: 3,
        refill_ns: 10,
    };
    let mut buckets = Buckets::new(rate, 2);
    let peer = member(1);
    let mut take = |at: u64| buckets.take(peer, Tick::new(at));
    assert!(take(0) && take(0) && take(0));
    assert!(!take(9));
    assert!(take(10));
    assert!(!take(19), "the time that was spent does not count again");
    assert!(take(20));
    assert!(take(1_000) && take(1_000) && take(1_000) && !take(1_000));
    assert!(buckets.take(member(0), Tick::new(1_000)), "a bucket each");
}

#[test]
fn signatures_are_freed_by_their_last_holder() {
    let mut store = SignatureStore::new(2, 4);
    let mut first = store.insert(b"abc").unwrap();
    let mut second = store.insert(b"defg").unwrap();
    assert!(store.insert(b"h").is_none());
    let mut shared = store.share(first);
    store.release(&mut first);
    assert_eq!(store.get(first), b"");
    assert_eq!(store.get(shared), b"abc");
    assert!(store.insert(b"h").is_none());
    store.release(&mut shared);
    store.release(&mut shared);
    assert!(store.insert(b"hijkl").is_none(), "too long");
    let third = store.insert(b"h").unwrap();
    assert_eq!(
        (store.get(third), store.get(second)),
        (&b"h"[..], &b"defg"[..])
    );
    store.release(&mut second);
    assert_eq!(store.holder_count(), 1);
}

#[test]
fn values_are_asked_about_once() {
    let mut values = Values::default();
    let source = member(2);
    values.want(value(1), source, |_| true);
    values.want(value(1), source, |_| true);
    assert_eq!(values.next_to_ask(), Some((value(1), source)));
    assert_eq!(values.next_to_ask(), None);
    assert!(!values.settle(value(2), ValueState::Invalid));
    assert!(values.settle(value(1), ValueState::Invalid));
    assert!(!values.settle(
        value(1),
        ValueState::Valid {
            extension_hash: value(3)
        }
    ));
    assert_eq!(values.state(value(1)), Some(ValueState::Invalid));
    // Those that nobody needs make room.
    for number in 2..40 {
        values.want(value(number), source, |needed| needed == value(1));
        assert!(values.state(value(number)).is_some());
    }
    assert_eq!(values.state(value(1)), Some(ValueState::Invalid));
}
