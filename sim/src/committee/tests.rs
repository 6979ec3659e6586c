//! Committees behind runs.

mod epochs;
mod follower;

use core::ops::ControlFlow;

use hauptbuch_core::config::{FairCommittee, LogSizes, Policy};
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::ordering::fair::Rank;
use hauptbuch_core::ordering::fair::stream::{Drained, EntryKind};
use hauptbuch_core::types::TxId;

use super::Decided;
use crate::arrivals::ArrivalModel;
use crate::attack::committee;
use crate::fairness::replay;
use crate::run::{ArrivalSource, Observer, RunConfig, RunReport, log_sizes, run};
use crate::workload::{GeneratorConfig, Workload, generate};

/// Keeps what was drained and logged.
#[derive(Default)]
struct Watch {
    drained: Vec<Drained>,
    events: Vec<Event>,
    logged: Vec<Vec<TxId>>,
}

impl Observer for Watch {
    fn on_decided(&mut self, decided: &Decided<'_>) {
        self.drained.extend(decided.stream.drained());
        self.logged.resize(decided.entries.len(), Vec::new());
        for (own, entries) in self.logged.iter_mut().zip(decided.entries) {
            own.extend(entries.iter().filter_map(|entry| match entry.kind {
                EntryKind::Id(id) => Some(id.id),
                _ => None,
            }));
        }
    }

    fn on_slot(&mut self, _: &Slot<'_>) {}

    fn on_event(&mut self, event: &Event) {
        self.events.push(*event);
    }

    fn on_progress(&mut self, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn workload(count: u32, rollup_count: u32) -> Workload {
    let seed = 3;
    let config = GeneratorConfig {
        count,
        seed,
        rollup_count,
    };
    generate(&config).unwrap()
}

fn fair() -> RunConfig {
    RunConfig {
        policy: Policy::Fair(FairCommittee::FIVE),
        seed: 1,
        ..RunConfig::default()
    }
}

fn watched(workload: &Workload, config: &RunConfig) -> (Watch, RunReport) {
    let mut watch = Watch::default();
    let report = run(workload, config, &mut watch).unwrap();
    (watch, report)
}

#[test]
fn everything_is_drained_once_and_heard_of_once() {
    let workload = workload(600, 2);
    let (watch, report) = watched(&workload, &fair());
    assert_eq!(report.metrics.of(Code::Included), 600);
    let mut ids: Vec<TxId> = watch.drained.iter().map(|it| it.id.id).collect();
    assert_eq!(ids.len(), 600);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 600);
    for log in &watch.logged {
        let mut own = log.clone();
        own.sort_unstable();
        let is_rising = own.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(is_rising, "a log holds an id once at most");
        assert!(own.iter().all(|id| ids.binary_search(id).is_ok()));
    }
    let ends = watch.events.iter().filter(|event| event.code.is_terminal());
    assert_eq!(ends.count(), 600);
    let delays = report.delays.quantiles();
    assert!(delays.count == 600 && delays.min >= 1 && delays.p50 < 3_000_000_000);
    let committee = report.committee.unwrap();
    assert!(committee.live_count_max > 0 && committee.footprint_bytes > 0);
    assert_eq!(committee.pushed_back_counts_max, [0; 5]);
}

#[test]
fn with_one_order_for_all_that_is_the_order() {
    // Without any spread all receive alike, and nobody's clock can turn it.
    let workload = workload(300, 1);
    let config = RunConfig {
        arrivals: ArrivalSource::Modelled { scale_permille: 0 },
        ..fair()
    };
    let (watch, _) = watched(&workload, &config);
    let admitted = watch
        .events
        .iter()
        .filter(|event| event.code == Code::Admitted);
    let sent: Vec<TxId> = admitted.map(|event| event.id).collect();
    let drained: Vec<TxId> = watch.drained.iter().map(|it| it.id.id).collect();
    assert_eq!(drained, sent);
}

#[test]
fn one_cut_gives_the_order_of_the_kernel_alone() {
    // All senders send once, and all arrives before the first cut.
    let workload = workload(40, 1);
    let mut senders: Vec<_> = workload
        .records()
        .iter()
        .map(|it| it.envelope.sender)
        .collect();
    senders.sort_unstable();
    senders.dedup();
    let scale_permille = 100;
    let config = RunConfig {
        slot_interval_ns: 60_000_000_000,
        arrivals: ArrivalSource::Modelled { scale_permille },
        ..fair()
    };
    let (watch, _) = watched(&workload, &config);
    let arrivals = config.arrivals(&workload).unwrap();
    assert_eq!(
        arrivals.sequencer_count(),
        ArrivalModel::new(5).sequencer_count
    );
    let parameters = committee(5, 1).unwrap();
    let kernel = replay(&arrivals, parameters, Rank::Copeland, 60_000_000_000).unwrap();
    let admitted = watch
        .events
        .iter()
        .filter(|event| event.code == Code::Admitted);
    let ids: Vec<TxId> = admitted.map(|event| event.id).collect();
    let place = |id: &TxId| ids.iter().position(|it| it == id).unwrap() as u32;
    let drained: Vec<u32> = watch.drained.iter().map(|it| place(&it.id.id)).collect();
    if senders.len() == 40 {
        assert_eq!(drained, kernel.output);
    } else {
        // Nonces keep their order whatever the kernel alone says.
        let mut sorted = drained.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..40).collect::<Vec<u32>>());
    }
}

#[test]
fn what_waits_for_a_budget_waits_and_loses_nothing() {
    let workload = workload(800, 1);
    let config = RunConfig {
        logs: LogSizes {
            first_hand_count_max: 8,
            extent_entries_max: 24,
            ..log_sizes(5)
        },
        ..fair()
    };
    let (_, report) = watched(&workload, &config);
    assert_eq!(report.metrics.of(Code::Included), 800);
    assert!(
        report.committee.unwrap().live_count_max <= 40,
        "n times the budget"
    );
    let (_, free) = watched(&workload, &fair());
    assert!(free.slot_count < report.slot_count);
}
