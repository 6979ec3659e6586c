//! Runs over small workloads: what comes out, and that it comes out the same every time.

use core::ops::ControlFlow;

use hauptbuch_core::batch::SlotVerifier;
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Gas, Nonce, Tick, UnixNs};

use super::{EPOCH_UNIX_NS, Observer, Quantiles, RunConfig, RunError, RunReport, run};
use crate::workload::{GeneratorConfig, Provenance, Workload, WorkloadBuilder, generate};

/// Keeps all that it hears, and checks every slot as a follower would.
struct Follower {
    verifier: SlotVerifier,
    slots: Vec<Vec<u8>>,
    times: Vec<u64>,
    events: Vec<Event>,
    stop_after: usize,
}

impl Follower {
    fn new(config: &RunConfig, workload: &Workload) -> Self {
        let core_config = config.core_config(workload.rollups().len()).unwrap();
        Self {
            verifier: SlotVerifier::new(&core_config, &config.limits),
            slots: Vec::new(),
            times: Vec::new(),
            events: Vec::new(),
            stop_after: usize::MAX,
        }
    }

    fn count(&self, code: Code) -> u64 {
        self.events
            .iter()
            .filter(|event| event.code == code)
            .count() as u64
    }
}

impl Observer for Follower {
    fn on_slot(&mut self, slot: &Slot<'_>) {
        let verified = self.verifier.verify(slot.bytes).unwrap();
        assert_eq!((verified.header, verified.hash), (slot.header, slot.hash));
        self.slots.push(slot.bytes.to_vec());
        self.times.push(slot.header.time.get() - EPOCH_UNIX_NS);
    }
    fn on_event(&mut self, event: &Event) {
        self.events.push(*event);
    }
    fn on_progress(&mut self, submitted: usize) -> ControlFlow<()> {
        if submitted > self.stop_after {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn followed(workload: &Workload, config: &RunConfig) -> (Follower, RunReport) {
    let mut follower = Follower::new(config, workload);
    let report = run(workload, config, &mut follower).unwrap();
    (follower, report)
}

/// Transactions of one sender, by arrival in ms and nonce.
fn line(rows: &[(u64, u64)]) -> Workload {
    let mut builder = WorkloadBuilder::default();
    let rollup = builder.rollup("one").unwrap();
    for (arrival_ms, nonce) in rows {
        let envelope = Envelope {
            rollup,
            nonce: Nonce::new(*nonce),
            gas: Gas::new(1),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        builder
            .push(Tick::new(arrival_ms * 1_000_000), envelope, None, |_| ())
            .unwrap();
    }
    builder.finish(Provenance::default())
}

#[test]
fn a_generated_run_accounts_for_everything_and_repeats() {
    let workload = generate(&GeneratorConfig {
        count: 3_000,
        ..GeneratorConfig::default()
    });
    let workload = workload.unwrap();
    let in_one_step = |policy: &&Policy| !policy.orders_whole_slots();
    for policy in Policy::BY_POOL.iter().filter(in_one_step) {
        let config = RunConfig {
            policy: *policy,
            ..RunConfig::default()
        };
        let (follower, report) = followed(&workload, &config);
        let of = |code| report.metrics.of(code);
        assert_eq!(report.metrics.submitted, 3_000);
        assert_eq!(of(Code::Admitted), of(Code::Included) + of(Code::Expired));
        assert_eq!(of(Code::Included), report.delays.as_ns().len() as u64);
        for code in [Code::Admitted, Code::Included, Code::Expired] {
            assert_eq!(follower.count(code), of(code));
        }
        assert!(report.slot_count > 5 && follower.slots.len() as u64 == report.slot_count);
        let (again, _) = followed(&workload, &RunConfig { seed: 99, ..config });
        assert_eq!(again.slots, follower.slots, "the seed changes nothing here");
    }
}

#[test]
fn slots_come_at_multiples_of_the_interval_and_quiet_time_is_jumped() {
    let config = RunConfig {
        slot_interval_ns: 100_000_000,
        ..RunConfig::default()
    };
    let (follower, report) = followed(&line(&[(0, 0), (99, 1), (100, 2), (1_000_000, 3)]), &config);
    assert_eq!(
        follower.times,
        [100_000_000, 200_000_000, 1_000_100_000_000]
    );
    assert_eq!(report.last_tick, Tick::new(1_000_100_000_000));
    assert_eq!(
        report.delays.as_ns(),
        [100_000_000, 1_000_000, 100_000_000, 100_000_000]
    );
}

#[test]
fn a_full_slot_leaves_the_rest_to_the_next() {
    let limits = Limits {
        slot_count_max: 2,
        ..RunConfig::default().limits
    };
    let config = RunConfig {
        slot_interval_ns: 1_000_000,
        limits,
        ..RunConfig::default()
    };
    let (follower, _) = followed(&line(&[(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]), &config);
    assert_eq!(follower.times, [1_000_000, 2_000_000, 3_000_000]);
}

#[test]
fn what_waits_for_a_missing_nonce_expires_at_the_end() {
    let (follower, report) = followed(&line(&[(0, 0), (500, 2), (900, 3)]), &RunConfig::default());
    assert_eq!(
        (
            report.metrics.of(Code::Included),
            report.metrics.of(Code::Expired)
        ),
        (1, 2)
    );
    assert_eq!(follower.count(Code::Expired), 2);
}

#[test]
fn a_sender_whom_the_pool_forgot_goes_on_where_it_was() {
    // Room for one sender: each new one makes the pool forget the one before.
    let limits = Limits {
        sender_count_max: 1,
        set_aside_count_max: 0,
        ..RunConfig::default().limits
    };
    let mut builder = WorkloadBuilder::default();
    let rollup = builder.rollup("one").unwrap();
    for (second, (sender, nonce)) in (0..).zip([(1, 0), (2, 0), (1, 1), (2, 1)]) {
        let envelope = Envelope {
            rollup,
            sender: Address::new([sender; 20]),
            nonce: Nonce::new(nonce),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let (tick, base) = (Tick::new(second * 1_000_000_000), Some(Nonce::ZERO));
        builder.push(tick, envelope, base, |_| ()).unwrap();
    }
    let workload = builder.finish(Provenance::default());
    let (_, report) = followed(
        &workload,
        &RunConfig {
            limits,
            ..RunConfig::default()
        },
    );
    assert_eq!(report.metrics.of(Code::Included), 4);
}

#[test]
fn a_payload_that_no_lane_carries_is_refused_and_counted() {
    let limits = Limits {
        payload_bytes_max: 3,
        ..RunConfig::default().limits
    };
    let mut builder = WorkloadBuilder::default();
    let rollup = builder.rollup("one").unwrap();
    for (nonce, len) in [(0, 4), (0, 3)] {
        let envelope = Envelope {
            rollup,
            nonce: Nonce::new(nonce),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        builder
            .push(Tick::ZERO, envelope, None, |out| out.extend(vec![7; len]))
            .unwrap();
    }
    let workload = builder.finish(Provenance::default());
    let (follower, report) = followed(
        &workload,
        &RunConfig {
            limits,
            ..RunConfig::default()
        },
    );
    assert_eq!(report.metrics.submitted, 2);
    assert_eq!(report.metrics.of(Code::PayloadTooLarge), 1);
    assert_eq!(follower.count(Code::PayloadTooLarge), 1);
    assert_eq!(report.metrics.of(Code::Included), 1);
}

#[test]
fn outcomes_are_heard_in_the_order_of_the_workload() {
    let limits = Limits {
        payload_bytes_max: 3,
        ..RunConfig::default().limits
    };
    let mut builder = WorkloadBuilder::default();
    let rollup = builder.rollup("one").unwrap();
    let lens = [3, 3, 4, 3, 4, 4, 3];
    for (nonce, len) in lens.iter().enumerate() {
        let envelope = Envelope {
            rollup,
            // One sender each, so that none waits for another.
            sender: hauptbuch_core::types::Address::new([nonce as u8; 20]),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        builder
            .push(Tick::ZERO, envelope, None, |out| out.extend(vec![7; *len]))
            .unwrap();
    }
    let config = RunConfig {
        limits,
        ..RunConfig::default()
    };
    let (follower, _) = followed(&builder.finish(Provenance::default()), &config);
    let codes = follower.events.iter().map(|event| event.code);
    let outcomes: Vec<Code> = codes.filter(|code| *code != Code::Included).collect();
    let expected = lens.map(|len| match len {
        3 => Code::Admitted,
        _ => Code::PayloadTooLarge,
    });
    assert_eq!(outcomes, expected);
}

#[test]
fn a_run_follows_every_sender_of_its_workload() {
    let limits = Limits {
        sender_count_max: 2,
        set_aside_count_max: 2,
        ..RunConfig::default().limits
    };
    let config = RunConfig {
        limits,
        ..RunConfig::default()
    };
    let workload = generate(&GeneratorConfig {
        count: 400,
        ..GeneratorConfig::default()
    });
    let workload = workload.unwrap();
    assert!(config.for_workload(&workload).limits.sender_count_max > 50);
    let (_, report) = followed(&workload, &config);
    assert_eq!(report.metrics.of(Code::Included), 400);
    assert_eq!(config.for_workload(&line(&[(0, 0)])), config);
}

#[test]
fn unusable_runs_are_refused_and_an_observer_can_end_one() {
    let workload = line(&[(0, 0), (1_000, 1)]);
    let refusal = |config: RunConfig| {
        let mut follower = Follower::new(&RunConfig::default(), &workload);
        run(&workload, &config, &mut follower).unwrap_err()
    };
    let zero = RunConfig {
        slot_interval_ns: 0,
        ..RunConfig::default()
    };
    assert_eq!(refusal(zero), RunError::ZeroInterval);
    let far = RunConfig {
        slot_interval_ns: u64::MAX,
        ..RunConfig::default()
    };
    assert_eq!(refusal(far), RunError::TooLong);
    let limits = Limits {
        slot_count_max: 0,
        ..Limits::default()
    };
    let bad = RunConfig {
        limits,
        ..RunConfig::default()
    };
    assert!(matches!(refusal(bad), RunError::Config(_)));
    let mut follower = Follower::new(&RunConfig::default(), &workload);
    follower.stop_after = 0;
    let ended = run(&workload, &RunConfig::default(), &mut follower);
    assert_eq!(ended.unwrap_err(), RunError::Interrupted);
}

#[test]
fn quantiles_are_ranks() {
    let mut values: Vec<u64> = (1..=1_000).rev().collect();
    let all = Quantiles::of(&mut values);
    assert_eq!(
        (all.min, all.p50, all.p90, all.p99, all.p999, all.max),
        (1, 500, 900, 990, 999, 1_000)
    );
    assert_eq!(
        Quantiles::of(&mut [7]),
        Quantiles {
            count: 1,
            min: 7,
            p50: 7,
            p90: 7,
            p99: 7,
            p999: 7,
            max: 7
        }
    );
    assert_eq!(Quantiles::of(&mut []), Quantiles::default());
}
