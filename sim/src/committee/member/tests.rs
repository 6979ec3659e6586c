//! Members one by one, and what they make of one who breaks the rules.

mod epochs;

use hauptbuch_core::config::{FairCommittee, Policy};
use hauptbuch_core::crypto::signature::Suite;
use hauptbuch_core::error::Code;
use hauptbuch_core::ordering::fair::stream::Drained;
use hauptbuch_core::receive_log::ExtensionError;
use hauptbuch_core::types::{Hash, Tick};

use super::super::known::{Outside, World};
use super::super::seat::Mind as _;
use super::super::{
    Committee, CommitteeError, MemberKeys, MembershipPlan, MembershipStep, Parts, PlannedChange,
    Setup,
};
use super::Member;
use crate::run::{ArrivalSource, RunConfig, agreed_time};
use crate::workload::{GeneratorConfig, Workload, generate};

const TICK: Tick = Tick::new(2_000_000_000);

/// A committee of five in which all of a small workload has been let in, and nothing was logged.
struct Stage {
    committee: Committee,
    workload: Workload,
}

impl Stage {
    fn new(count: u32) -> Self {
        Self::with_plan(count, &[])
    }

    fn with_plan(count: u32, changes: &[PlannedChange]) -> Self {
        let config = GeneratorConfig {
            count,
            seed: 5,
            rollup_count: 1,
        };
        let workload = generate(&config).unwrap();
        let config = RunConfig {
            policy: Policy::Fair(FairCommittee::FIVE),
            arrivals: ArrivalSource::Modelled {
                scale_permille: 100,
            },
            membership: MembershipPlan::new(5, changes).unwrap(),
            ..RunConfig::default()
        }
        .for_workload(&workload);
        let core_config = config.core_config(1).unwrap();
        let setup = Setup::of(&core_config, &config.limits).unwrap();
        let later = config.membership.sequencer_count() as u16 - 5;
        let keys = MemberKeys::with_later(Suite::MlDsa65, 1, 5, later).unwrap();
        let parts = Parts {
            config: &core_config,
            limits: &config.limits,
            keys: &keys,
            plan: &config.membership,
        };
        let arrivals = config.arrivals(&workload).unwrap();
        let mut committee = Committee::new(&setup, &parts, &arrivals).unwrap();
        for (number, record) in (0..).zip(workload.records()) {
            let id = id_of(&workload, number);
            let body_bytes = workload.encoded_len(record);
            committee.admit(number, id, body_bytes, &record.envelope, None);
        }
        Self {
            committee,
            workload,
        }
    }

    /// Lets every member log and sign what reached it, and tells nobody.
    fn extend(&mut self) -> Vec<Vec<u8>> {
        let world = self.committee.outside.world(&self.workload);
        let seats = self.committee.seats.iter_mut();
        let extensions = seats.map(|seat| {
            let member = &mut seat.mind;
            member.extend(TICK, agreed_time(TICK), &world).unwrap();
            member.extension().to_vec()
        });
        extensions.collect()
    }

    fn admit_everywhere(&mut self, extensions: &[Vec<u8>]) {
        for seat in &mut self.committee.seats {
            extensions
                .iter()
                .for_each(|it| seat.mind.admit(it).unwrap());
        }
    }

    /// A member's part, with what it looks at.
    fn with<T>(&mut self, at: usize, act: impl FnOnce(&mut Member, &World<'_>) -> T) -> T {
        let Committee { seats, outside, .. } = &mut self.committee;
        let world = outside.world(&self.workload);
        act(&mut seats[at].mind, &world)
    }
}

fn id_of(workload: &Workload, number: u32) -> hauptbuch_core::types::TxId {
    let record = &workload.records()[number as usize];
    let transaction = hauptbuch_core::types::Transaction {
        envelope: record.envelope,
        payload: workload.payload(record),
    };
    let mut canonical = vec![0; transaction.encoded_len()];
    let mut out = hauptbuch_core::codec::Writer::new(&mut canonical);
    transaction.encode(&mut out).unwrap();
    hauptbuch_core::crypto::hash::transaction_id(&canonical)
}

#[test]
fn a_log_that_was_tampered_with_is_refused_by_everybody_else() {
    let mut stage = Stage::new(60);
    let extensions = stage.extend();
    let good = &extensions[1];
    let other = &mut stage.committee.seats[0].mind;
    // A byte of an entry, of a stamp, of the signature: whatever it is, it was not signed.
    for at in (0..good.len()).step_by(97).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(other.admit(&bad).is_err(), "byte {at}");
    }
    let mut forged = good.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(
        other.admit(&forged),
        Err(CommitteeError::Extension(ExtensionError::WrongSignature))
    );
    // Nobody signs for another, and what was refused has left nothing behind.
    other.admit(good).unwrap();
    assert_eq!(other.signed().signatures_verified, 1);
}

#[test]
fn members_compute_the_same_slot_of_a_cut_and_another_one_of_another_cut() {
    let mut stage = Stage::new(120);
    let extensions = stage.extend();
    stage.admit_everywhere(&extensions);
    let cut = stage.with(0, |member, _| member.propose_cut().unwrap());
    let slots: Vec<Hash> = (0..5)
        .map(|at| {
            stage.with(at, |member, world| {
                member.evaluate(&cut, TICK, world).unwrap()
            })
        })
        .collect();
    assert!(slots.windows(2).all(|pair| pair[0] == pair[1]));
    // One member knows less of the logs, and so would propose another slot.
    let mut behind = Stage::new(120);
    let extensions = behind.extend();
    for bytes in &extensions[..4] {
        behind.committee.seats[0].mind.admit(bytes).unwrap();
    }
    let shorter = behind.with(0, |member, _| member.propose_cut().unwrap());
    assert_ne!(shorter, cut);
    let other = stage.with(2, |member, world| member.evaluate(&shorter, TICK, world));
    assert_ne!(other.unwrap(), slots[0]);
    // What was computed of it is taken back, and the first one follows as before.
    let again = stage.with(2, |member, world| member.evaluate(&cut, TICK, world));
    assert_eq!(again.unwrap(), slots[0]);
    // A cut through entries that it never saw is one that a member can't take.
    let unseen = behind.with(0, |member, world| member.evaluate(&cut, TICK, world));
    assert_eq!(unseen.unwrap_err().code(), Code::CutNotHeld);
}

#[test]
fn a_proposer_with_another_order_gets_no_prevote_and_the_next_one_is_heard() {
    let mut stage = Stage::new(120);
    let extensions = stage.extend();
    stage.admit_everywhere(&extensions);
    let cut = stage.with(0, |member, _| member.propose_cut().unwrap());
    let honest = stage.with(0, |member, world| {
        member.evaluate(&cut, TICK, world).unwrap()
    });
    stage.with(0, |member, _| member.give_back().unwrap());
    for seat in &mut stage.committee.seats {
        // Whoever proposes first; nobody else is asked for a value in that round.
        seat.mind.reverses_first = true;
    }
    let Stage {
        committee,
        workload,
    } = &mut stage;
    let decided = committee.decide(TICK, workload).unwrap();
    assert_eq!(decided.slot, honest);
    let report = committee.consensus_report();
    assert_eq!(
        (report.heights, report.rounds_max, report.round_changes),
        (1, 2, 1)
    );
    assert_eq!(report.proposals, 2);
    committee.check_agreement().unwrap();
    for seat in &committee.seats {
        assert_eq!(seat.decided().map(|(_, value)| value), Some(honest));
    }
}

#[test]
fn what_is_decided_is_what_everybody_computes_again() {
    let mut stage = Stage::new(200);
    let (mut heights, mut included) = (0, 0);
    for number in 1..6_u64 {
        let tick = Tick::new(number * 400_000_000);
        let stamp = agreed_time(tick);
        stage.committee.log(tick, stamp, &stage.workload).unwrap();
        let decided = stage.committee.decide(tick, &stage.workload).unwrap();
        assert_eq!(decided.height.get(), number);
        let drained: Vec<Drained> = decided.stream.drained().to_vec();
        heights += 1;
        included += drained.len();
        for one in drained {
            stage.committee.end(&one.id.id, true);
        }
        stage.committee.check_agreement().unwrap();
    }
    assert!(included > 20, "{included}");
    let report = stage.committee.consensus_report();
    assert_eq!((report.heights, report.rounds_max), (heights, 1));
    assert_eq!(report.proposals, heights);
    assert_eq!(report.votes, 2 * 5 * heights);
    // A proposal, two votes of five, and five logs.
    assert_eq!(report.signatures_made, (1 + 10 + 5) * heights);
    let marks: Vec<_> = stage
        .committee
        .seats
        .iter()
        .map(|it| it.mind.extents.decided(3))
        .collect();
    assert!(marks.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn nothing_is_known_of_what_was_never_let_in() {
    let mut stage = Stage::new(30);
    stage.committee.outside = Outside::new(30);
    let extensions = stage.extend();
    stage.admit_everywhere(&extensions);
    assert!(
        stage
            .committee
            .seats
            .iter()
            .all(|it| it.mind.logged_count() == 0)
    );
}
