//! The rules on small instances, each with its figures.

use std::vec::Vec;

use super::super::{MedianError, MedianLimits, MedianOrder, MedianTwin, MedianViolation};
use crate::types::{TxId, UnixNs};

const A: TxId = TxId::new([1; 32]);
const B: TxId = TxId::new([2; 32]);
const C: TxId = TxId::new([3; 32]);

/// The order and its twin, fed together.
struct Pair {
    order: MedianOrder,
    twin: MedianTwin,
}

impl Pair {
    fn new(log_count: u32) -> Self {
        let limits = MedianLimits {
            log_count,
            id_count_max: 8,
        };
        Self {
            order: MedianOrder::new(&limits, [1, 2]).unwrap(),
            twin: MedianTwin::new(&limits, [3, 4]).unwrap(),
        }
    }

    fn stamp(&mut self, log: u32, time: u64) {
        self.order.stamp(log, UnixNs::new(time)).unwrap();
        self.twin.stamp(log, UnixNs::new(time)).unwrap();
    }

    /// A stamp and an id behind it.
    fn at(&mut self, log: u32, time: u64, id: &TxId) {
        self.stamp(log, time);
        self.order.append(log, id).unwrap();
        self.twin.append(log, id).unwrap();
    }

    fn cut(&mut self) -> Vec<TxId> {
        let released: Vec<TxId> = self.order.release().iter().map(|one| one.id).collect();
        self.twin.check(released.iter()).unwrap();
        released
    }
}

/// n = 5, a = {10 (Byzantine), 20, 30, -, -}; the next cut brings b = {11 (Byzantine), 21, 31, 15,
/// 16} and last stamps 40 in the two logs without a. Whoever sorts what has a median would have
/// released a at the first cut.
#[test]
fn what_comes_later_with_a_smaller_median_comes_first() {
    let mut pair = Pair::new(5);
    for (log, time) in [(0, 10), (1, 20), (2, 30)] {
        pair.at(log, time, &A);
    }
    assert_eq!(pair.order.key(&A), Some(UnixNs::new(30)));
    assert_eq!(pair.cut(), []);
    for (log, time) in [(0, 11), (1, 21), (2, 31), (3, 15), (4, 16)] {
        pair.at(log, time, &B);
    }
    pair.stamp(3, 40);
    pair.stamp(4, 40);
    assert_eq!(pair.order.key(&B), Some(UnixNs::new(16)));
    assert_eq!(pair.order.horizon(), UnixNs::new(31));
    assert_eq!(pair.cut(), [B, A]);
    assert_eq!(pair.cut(), []);
}

#[test]
fn an_unseen_id_may_still_get_the_horizon_itself() {
    let mut pair = Pair::new(1);
    pair.at(0, 5, &B);
    assert_eq!(
        pair.cut(),
        [],
        "a may follow with the same stamp and a smaller name"
    );
    pair.order.append(0, &A).unwrap();
    pair.twin.append(0, &A).unwrap();
    pair.stamp(0, 6);
    assert_eq!(pair.cut(), [A, B]);
}

#[test]
fn a_minority_of_silent_logs_holds_nothing_back() {
    for n in 1..=9_u32 {
        let most = (n - 1) / 2;
        for silent in 0..=n {
            let mut pair = Pair::new(n);
            for log in silent..n {
                pair.at(log, 10, &A);
                pair.stamp(log, 20);
            }
            let expected: &[TxId] = if silent <= most { &[A] } else { &[] };
            assert_eq!(pair.cut(), expected, "{silent} of {n}");
            // Who comes back changes nothing, and lets go on what waited.
            for log in 0..silent {
                pair.at(log, 30, &A);
                pair.stamp(log, 40);
            }
            let rest: &[TxId] = if silent <= most { &[] } else { &[A] };
            assert_eq!(pair.cut(), rest, "{silent} of {n}");
        }
    }
}

#[test]
fn an_id_that_only_liars_hold_stops_nobody_beside_silent_logs() {
    // n = 7: f + s = 3 faulty logs are borne, 4 are not.
    for (liars, silent) in [(3, 0), (2, 1), (1, 2), (4, 0), (3, 1), (2, 2)] {
        let mut pair = Pair::new(7);
        for log in 0..liars {
            pair.at(log, 1, &C);
        }
        for log in liars..7 - silent {
            pair.at(log, 10, &A);
        }
        for log in 0..7 - silent {
            pair.stamp(log, 20);
        }
        let released = pair.cut();
        assert_eq!(
            released.contains(&A),
            liars + silent <= 3,
            "{liars} {silent}"
        );
    }
}

/// One silent log of three could still put either of two interleaved ids first, so both wait for
/// it, but no longer than A slots.
#[test]
fn a_silent_log_holds_back_interleaved_ids_until_its_clock_is_raised() {
    let mut pair = Pair::new(3);
    for (log, time, id) in [(0, 5, &A), (0, 7, &B), (1, 6, &B), (1, 8, &A)] {
        pair.at(log, time, id);
    }
    pair.stamp(0, 20);
    pair.stamp(1, 20);
    assert_eq!(pair.cut(), []);
    let raise = |pair: &mut Pair, time: u64| {
        pair.order.raise(UnixNs::new(time));
        pair.twin.raise(UnixNs::new(time));
        pair.cut()
    };
    // The keys are 7 and 8: at 7 the silent log could still give a a floor of 7 too.
    assert_eq!(raise(&mut pair, 6), []);
    assert_eq!(raise(&mut pair, 7), []);
    assert_eq!(raise(&mut pair, 8), [B, A]);
    // What it logs with an old clock counts as of the raised one.
    pair.at(2, 1, &C);
    pair.at(1, 20, &C);
    assert_eq!(pair.order.key(&C), Some(UnixNs::new(20)));
    pair.order.lapse(1, &C);
    pair.order.append(0, &C).unwrap();
    assert_eq!(pair.order.key(&C), Some(UnixNs::new(20)));
}

#[test]
fn the_lower_median_of_four_is_the_second() {
    let mut pair = Pair::new(4);
    for (log, time) in (0..).zip([40, 10, 30, 20]) {
        pair.at(log, time, &A);
    }
    assert_eq!(pair.order.key(&A), Some(UnixNs::new(20)));
}

#[test]
fn the_first_place_in_a_log_counts_and_no_clock_goes_back() {
    let mut pair = Pair::new(1);
    pair.at(0, 7, &A);
    pair.at(0, 9, &A);
    assert_eq!(pair.order.key(&A), Some(UnixNs::new(7)));
    pair.at(0, 3, &B);
    assert_eq!(pair.order.key(&B), Some(UnixNs::new(9)));
}

#[test]
fn an_entry_that_lapses_frees_what_it_held_back() {
    let mut pair = Pair::new(3);
    pair.at(0, 1, &C);
    pair.at(1, 2, &C);
    for log in 0..3 {
        pair.at(log, 10, &A);
    }
    pair.stamp(0, 20);
    pair.stamp(1, 20);
    assert_eq!(pair.cut(), [C, A]);
    let mut pair = Pair::new(5);
    pair.at(0, 1, &C);
    pair.at(1, 2, &C);
    for (log, time) in [(2, 12), (3, 12), (4, 10)] {
        pair.at(log, time, &A);
    }
    for log in 0..4 {
        pair.stamp(log, 20);
    }
    // Log 4 stands at 10, so that with it three logs could still put c before a.
    assert_eq!(pair.cut(), []);
    for policy in 0..2 {
        if policy == 0 {
            pair.order.lapse(0, &C);
            pair.twin.lapse(0, &C);
        } else {
            assert_eq!(pair.cut(), [A]);
        }
    }
    assert_eq!(pair.order.followed_count(), 2);
    pair.order.lapse(1, &C);
    pair.twin.lapse(1, &C);
    assert_eq!(pair.order.followed_count(), 1);
}

#[test]
fn what_was_released_is_not_released_again_until_it_is_forgotten() {
    let mut pair = Pair::new(3);
    for log in 0..2 {
        pair.at(log, 5, &A);
        pair.stamp(log, 9);
    }
    assert_eq!(pair.cut(), [A]);
    pair.at(2, 5, &A);
    pair.stamp(2, 9);
    pair.order.lapse(0, &A);
    pair.twin.lapse(0, &A);
    assert_eq!(pair.cut(), []);
    pair.order.forget(&A);
    pair.twin.forget(&A);
    assert_eq!(pair.order.followed_count(), 0);
}

#[test]
fn memory_ends_at_its_limit() {
    let mut pair = Pair::new(1);
    for number in 0..8 {
        pair.at(0, 1, &TxId::new([number; 32]));
    }
    let more = TxId::new([9; 32]);
    assert_eq!(
        pair.order.append(0, &more),
        Err(MedianError::OrderTableFull)
    );
    assert_eq!(pair.twin.append(0, &more), Err(MedianError::OrderTableFull));
    assert_eq!(pair.order.append(1, &A), Err(MedianError::UnknownLog));
    assert_eq!(pair.twin.append(1, &A), Err(MedianError::UnknownLog));
    assert_eq!(
        pair.order.stamp(1, UnixNs::ZERO),
        Err(MedianError::UnknownLog)
    );
    assert_eq!(
        pair.twin.stamp(1, UnixNs::ZERO),
        Err(MedianError::UnknownLog)
    );
    for (log_count, id_count_max) in [(0, 1), (256, 1), (1, 0), (1, (1 << 20) + 1)] {
        let limits = MedianLimits {
            log_count,
            id_count_max,
        };
        let made = MedianOrder::new(&limits, [0, 0]).map(|_| ());
        assert_eq!(made, Err(MedianError::LimitOutOfRange));
    }
}

#[test]
fn the_twin_refuses_every_other_release() {
    let wrong = |claim: &[TxId]| {
        let mut pair = Pair::new(3);
        for log in 0..3 {
            pair.at(log, 5, &B);
            pair.at(log, 6, &A);
            pair.at(log, 9, &C);
        }
        let claimed = pair.twin.check(claim.iter());
        // Whatever was claimed, the right release still goes through if the claim was refused.
        if claimed.is_err() {
            pair.twin.check([B, A].iter()).unwrap();
        }
        claimed
    };
    assert_eq!(wrong(&[B, A]), Ok(()));
    let others: [&[TxId]; 7] = [
        &[],
        &[B],
        &[A],
        &[A, B],
        &[B, A, C],
        &[B, B, A],
        &[B, TxId::ZERO],
    ];
    for claim in others {
        assert_eq!(
            wrong(claim),
            Err(MedianViolation::WrongRelease),
            "{claim:?}"
        );
    }
}
