//! Committees that change while transactions flow.
//!
//! Each run is followed from the first members' public keys alone ([`Follower`]): every slot is
//! verified with the logs of its epoch and the registry, every certificate with the members of its
//! epoch, and finality hands over from epoch to epoch. `HAUPTBUCH_EPOCH_SEEDS` plays more seeds.

use hauptbuch_core::config::{FairCommittee, LogSizes, MedianCommittee, Policy};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;

use super::follower::Follower;
use super::watched;
use crate::committee::{Absence, MembershipPlan, MembershipStep, PlannedChange};
use crate::run::{ArrivalSource, RunConfig, RunReport, run};
use crate::workload::{GeneratorConfig, Workload, generate};

const FAIR: Policy = Policy::Fair(FairCommittee::FIVE);
const MEDIAN: Policy = Policy::Median(MedianCommittee::FIVE);
const COUNT: u32 = 40;

fn workload(seed: u64) -> Workload {
    let config = GeneratorConfig {
        count: COUNT,
        seed,
        rollup_count: 2,
    };
    generate(&config).unwrap()
}

fn at(slot: u64, step: MembershipStep) -> PlannedChange {
    PlannedChange { slot, step }
}

/// A run with slots so short that an epoch changes amid its transactions, and memory for no more
/// than these.
fn config(policy: Policy, first_count: u32, changes: &[PlannedChange], seed: u64) -> RunConfig {
    let own = RunConfig::default();
    RunConfig {
        policy,
        sequencers: first_count,
        seed,
        // Without logs a transaction waits for one slot only, so that there are fewer of them.
        slot_interval_ns: match policy.orders_by_logs() {
            true => 6_000_000,
            false => 2_000_000,
        },
        arrivals: ArrivalSource::Modelled {
            scale_permille: 100,
        },
        limits: Limits {
            pending_count_max: 1 << 10,
            sender_count_max: 1 << 9,
            slot_count_max: 1 << 6,
            seen_count_max: 1 << 8,
            rollup_reserved_count: 0,
            quiet_reserved_count: 0,
            event_count_max: 1 << 12,
            ..own.limits
        },
        logs: LogSizes {
            first_hand_count_max: 16,
            extent_entries_max: 192,
            cursor_count_max: 1 << 10,
            drained_count_max: 1 << 12,
            ..LogSizes::default()
        },
        membership: MembershipPlan::new(first_count, changes).unwrap(),
        ..own
    }
}

/// Runs, follows, and checks all that holds whatever changes.
fn followed(config: &RunConfig) -> (Follower, RunReport) {
    let workload = workload(config.seed);
    let mut follower = Follower::new(&workload, config);
    let report = run(&workload, config, &mut follower).unwrap();
    assert_eq!(follower.admitted, COUNT);
    assert_eq!(
        follower.ended.len(),
        COUNT as usize,
        "nothing is lost (seed {})",
        config.seed
    );
    assert!(
        follower.ended.values().all(|count| *count == 1),
        "nor ends twice"
    );
    assert_eq!(report.metrics.of(Code::Included), u64::from(COUNT));
    assert_eq!(follower.voters.len() as u64, report.slot_count);
    follower.check_certificates();
    let (bound, reversed) = follower.bound_and_reversed("modelled");
    assert_eq!(reversed, 0, "of {bound} pairs (seed {})", config.seed);
    if config.policy.orders_by_logs() {
        assert!(bound > u64::from(COUNT), "{bound}");
    }
    (follower, report)
}

fn seeds() -> core::ops::Range<u64> {
    let more = std::env::var("HAUPTBUCH_EPOCH_SEEDS").ok();
    1..2 + more.and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[test]
fn a_seat_is_replaced() {
    let replace = at(4, MembershipStep::Replace(2));
    for seed in seeds() {
        for policy in [FAIR, MEDIAN, Policy::PriorityFee] {
            let (follower, report) = followed(&config(policy, 5, &[replace], seed));
            let expected = [vec![0, 1, 2, 3, 4], vec![0, 1, 3, 4, 5]];
            assert_eq!(follower.epochs, expected, "{policy:?}");
            // Whoever joined votes and logs.
            assert_eq!(follower.voters.last(), Some(&5));
            assert!(report.slot_count > 8, "{}", report.slot_count);
        }
    }
}

#[test]
fn five_become_nine_and_five_again() {
    let steps = |leave_slot| -> Vec<PlannedChange> {
        let leave = [0, 2, 6, 7].map(|own| at(leave_slot, MembershipStep::Remove(own)));
        let steps = [at(3, MembershipStep::Add(4))].into_iter().chain(leave);
        steps.collect()
    };
    let five = vec![0, 1, 2, 3, 4];
    for seed in seeds() {
        for policy in [FAIR, Policy::Fcfs] {
            let own = RunConfig {
                slot_interval_ns: if policy.orders_by_logs() {
                    4_000_000
                } else {
                    2_000_000
                },
                ..config(
                    policy,
                    5,
                    &steps(if policy.orders_by_logs() { 14 } else { 7 }),
                    seed,
                )
            };
            let (follower, _) = followed(&own);
            // Each removal is a slot of its own, and without logs an epoch of its own.
            let epochs = &follower.epochs;
            assert_eq!((&epochs[0], epochs[1].len()), (&five, 9));
            assert_eq!(epochs.last(), Some(&vec![1, 3, 4, 5, 8]));
            assert_eq!(
                epochs.len(),
                if policy.orders_by_logs() { 3 } else { 6 },
                "{policy:?}"
            );
            assert_eq!(follower.voters.iter().max(), Some(&9));
            assert_eq!(follower.voters.last(), Some(&5));
        }
    }
}

#[test]
fn nine_become_five_under_median_timestamps() {
    let leave = [8, 1, 3, 0].map(|own| at(3, MembershipStep::Remove(own)));
    let policy = Policy::Median(MedianCommittee { member_count: 9 });
    for seed in seeds() {
        let (follower, _) = followed(&config(policy, 9, &leave, seed));
        assert_eq!(follower.epochs.last(), Some(&vec![2, 4, 5, 6, 7]));
    }
}

#[test]
fn a_member_is_away_meanwhile_and_replaced_or_back() {
    let away = |sequencer, from_slot, until_slot| Absence {
        sequencer,
        from_slot,
        until_slot,
    };
    let replace = [at(5, MembershipStep::Replace(3))];
    let replaced_twice = [
        at(4, MembershipStep::Replace(1)),
        at(12, MembershipStep::Replace(5)),
    ];
    for seed in seeds() {
        for policy in [FAIR, Policy::Fcfs] {
            let mut own = config(policy, 5, &replace, seed);
            let absent = own.membership.clone().with_absences(&[away(3, 3, None)]);
            own.membership = absent.unwrap();
            let (follower, _) = followed(&own);
            assert_eq!(follower.epochs.last(), Some(&vec![0, 1, 2, 4, 5]));
            assert_eq!((follower.voters[2], follower.voters.last()), (4, Some(&5)));
            // Away over the end of an epoch, and back within the next, or within the same one.
            let mut own = config(policy, 5, &replaced_twice, seed);
            let absences = [away(4, 3, Some(11)), away(0, 13, Some(15))];
            own.membership = own.membership.with_absences(&absences).unwrap();
            let (follower, _) = followed(&own);
            assert_eq!(follower.epochs.last(), Some(&vec![0, 2, 3, 4, 6]));
            assert_eq!(follower.epochs.len(), 3);
            assert_eq!(follower.voters[3], 4);
            // From slot 16 on everybody is there again.
            let whole = |counts: &[usize]| counts.iter().skip(15).all(|count| *count == 5);
            assert!(whole(&follower.voters), "{:?}", follower.voters);
            if policy.orders_by_logs() {
                assert_eq!(follower.logs_written[3], 4);
                assert!(whole(&follower.logs_written));
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_epochs() {
    let changes = [at(3, MembershipStep::Replace(0))];
    let own = config(FAIR, 5, &changes, 3);
    let [one, two] = [(); 2].map(|()| watched(&workload(3), &own).1);
    assert_eq!(
        (one.last_hash, one.slot_count),
        (two.last_hash, two.slot_count)
    );
    assert_eq!(one.consensus, two.consensus);
    // Another plan is another network, from the first slot on.
    let genesis = |own: &RunConfig| own.core_config(2).unwrap().genesis_hash(&own.limits);
    assert_ne!(genesis(&config(FAIR, 5, &[], 3)), genesis(&own));
}

#[test]
fn a_plan_that_leaves_too_few_is_told_before_the_run() {
    let own = config(FAIR, 5, &[at(3, MembershipStep::Remove(0))], 1);
    let workload = workload(1);
    let mut follower = Follower::new(&workload, &own);
    let error = run(&workload, &own, &mut follower).unwrap_err();
    assert!(
        error.to_string().contains("4 members are too few"),
        "{error}"
    );
}
