//! Follows a chain through all its epochs with nothing but the first members' public keys, the
//! logs, and the bodies that they name; and keeps what tests compare.

use core::ops::ControlFlow;
use std::collections::{BTreeMap, HashMap};

use hauptbuch_core::batch::{FairVerifier, SlotReader, SlotVerifier, StateParts};
use hauptbuch_core::certificate::{CommitCertificate, Electorate};
use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::crypto::signature::Provider;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::finality::{FinalityEngine, FinalityLimits, Level, Link};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::fair::stream::{Bodies, EntryKind, Facts, LoggedId, NextEpoch};
use hauptbuch_core::receive_log::{Extents, LogMark};
use hauptbuch_core::sequencer::{Membership, Standing, Succession};
use hauptbuch_core::types::{Address, Epoch, Hash, Height, SequencerId, Tick, TxId, UnixNs};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;

use crate::committee::{
    Decided, MemberKeys, PublicKeys, Setup, electorate_with_room, first_succession,
};
use crate::fairness::LogFigures;
use crate::run::{Observer, RunConfig};
use crate::workload::Workload;

/// Bodies that the logs named.
#[derive(Default)]
pub struct Held(HashMap<LoggedId, Facts>);

impl Bodies for Held {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        self.0.get(id).copied()
    }
}

/// What follows receive logs.
struct Logs {
    setup: Setup,
    verifier: FairVerifier,
    extents: Extents,
    public: PublicKeys,
    bodies: Held,
    /// By epoch, how fair its slots are by its own logs.
    figures: Vec<LogFigures>,
    /// By epoch and id, the stamp that each log gave it.
    stamps: Vec<HashMap<LoggedId, BTreeMap<usize, UnixNs>>>,
    log_counts: Vec<usize>,
    /// The last stamp of each log.
    clocks: Vec<UnixNs>,
    /// The order that came of it, with senders.
    drained: Vec<(LoggedId, Address)>,
}

pub struct Follower {
    limits: Limits,
    succession: Succession,
    members: Membership,
    finality: FinalityEngine,
    slots: SlotVerifier,
    logs: Option<Logs>,
    rollup_count: u32,
    /// By epoch, its electorate, and the certificates that it must verify, which no other does.
    electorates: Vec<Electorate>,
    certificates: Vec<(usize, Vec<u8>)>,
    last: Option<(Link, Standing)>,
    /// The members of each epoch.
    pub epochs: Vec<Vec<u32>>,
    /// By slot, how many logs were written.
    pub logs_written: Vec<usize>,
    /// By slot, how many votes its certificate holds.
    pub voters: Vec<usize>,
    pub ended: BTreeMap<TxId, u32>,
    pub admitted: u32,
}

impl Follower {
    pub fn new(workload: &Workload, config: &RunConfig) -> Self {
        let config = config.for_workload(workload);
        let rollup_count = workload.rollups().len();
        let core = config.core_config(rollup_count).unwrap();
        let first_count = config.sequencer_count() as u16;
        // The keys of those that join later are none of what it knows.
        let keys = MemberKeys::new(config.suite, config.seed, first_count).unwrap();
        let first = keys.membership();
        let genesis = core.genesis_hash(&config.limits);
        let most = core.epochs.member_count_max.into();
        let electorate = || electorate_with_room(first, &genesis, most).unwrap();
        let limits = FinalityLimits::default();
        Self {
            succession: first_succession(&core, &genesis, first).unwrap(),
            members: first.clone(),
            finality: FinalityEngine::new(&limits, Height::ZERO, genesis, electorate()).unwrap(),
            slots: SlotVerifier::new(&core, &config.limits),
            logs: logs_of(&core, &config.limits, first, rollup_count as u32),
            rollup_count: rollup_count as u32,
            electorates: vec![electorate()],
            certificates: Vec::new(),
            last: None,
            epochs: vec![first.members().iter().map(|own| own.id.get()).collect()],
            logs_written: Vec::new(),
            voters: Vec::new(),
            ended: BTreeMap::new(),
            admitted: 0,
            limits: config.limits,
        }
    }

    /// Pairs that an epoch's logs bind, and those that stand reversed: by a quorum, outside of
    /// circles; under median timestamps by the stamps of all.
    pub fn bound_and_reversed(&self, arrivals: &str) -> (u64, u64) {
        let Some(logs) = &self.logs else {
            return (0, 0);
        };
        if logs.setup.fair.parameters.orders_by_median() {
            return logs.stamped_and_reversed();
        }
        let mut sums = (0, 0);
        for figures in &logs.figures {
            let ids: Vec<TxId> = self.ended.keys().copied().collect();
            let place = |id: &TxId| ids.binary_search(id).ok().map(|at| at as u32);
            for report in figures.reports(arrivals, place).unwrap() {
                sums.0 += report.gamma.bound.0;
                sums.1 += report.gamma.violations.0;
            }
        }
        sums
    }

    /// Each certificate is good by the members of its own epoch and by no others.
    pub fn check_certificates(&self) {
        for (epoch, bytes) in &self.certificates {
            for (other, electorate) in self.electorates.iter().enumerate() {
                let certificate = CommitCertificate::decode(bytes).unwrap();
                assert_eq!(certificate.verify(electorate).is_ok(), other == *epoch);
                // Nor where it claims to be of that epoch.
                let mut forged = bytes.clone();
                forged[2..10].copy_from_slice(&(other as u64).to_le_bytes());
                let forged = CommitCertificate::decode(&forged).unwrap();
                assert_eq!(forged.verify(electorate).is_ok(), other == *epoch);
            }
        }
    }

    fn hand_over(&mut self, link: &Link) {
        let mut next = Membership::with_room(MEMBER_COUNT_MAX, self.members.suite());
        self.succession.fill_next_membership(&mut next).unwrap();
        assert_eq!(next.hash(), link.next_membership);
        self.finality.hand_over(&next).unwrap();
        self.succession
            .begin_epoch(link.height, Tick::ZERO)
            .unwrap();
        while self.succession.poll_audit().is_some() {}
        let ids = |members: &Membership| -> Vec<SequencerId> {
            members.members().iter().map(|own| own.id).collect()
        };
        let (before, after) = (ids(&self.members), ids(&next));
        if let Some(logs) = &mut self.logs {
            let place = |id: &SequencerId| after.iter().position(|own| own == id);
            let seats: Vec<Option<u32>> = before
                .iter()
                .map(|id| place(id).map(|at| at as u32))
                .collect();
            let fair = logs.verifier.setup();
            let parameters = fair.parameters_of_epoch(after.len() as u32).unwrap();
            let next_epoch = NextEpoch {
                parameters,
                seats: &seats,
            };
            logs.verifier.begin_epoch(&next_epoch).unwrap();
            logs.begin(&next, &link.hash);
            logs.figures
                .push(LogFigures::new(parameters, self.rollup_count));
        }
        let own = &self.electorates[0];
        let provider = Provider::fastest(next.suite()).unwrap();
        let network = own.context().chain_id;
        self.electorates
            .push(Electorate::new(network, provider, &next, MEMBER_COUNT_MAX).unwrap());
        self.epochs.push(after.iter().map(|id| id.get()).collect());
        self.members = next;
    }
}

fn logs_of(
    config: &Config,
    limits: &Limits,
    first: &Membership,
    rollup_count: u32,
) -> Option<Logs> {
    if !config.policy.orders_by_logs() {
        return None;
    }
    let setup = Setup::of(config, limits).unwrap();
    Some(Logs {
        verifier: FairVerifier::new(config, limits).unwrap(),
        extents: setup.extents().unwrap(),
        public: PublicKeys::of(first).unwrap(),
        bodies: Held::default(),
        figures: vec![LogFigures::new(setup.fair.parameters, rollup_count)],
        stamps: vec![HashMap::new()],
        log_counts: vec![first.members().len()],
        clocks: vec![UnixNs::ZERO; first.members().len()],
        drained: Vec::new(),
        setup,
    })
}

impl Logs {
    fn begin(&mut self, next: &Membership, boundary: &Hash) {
        let count = next.members().len() as u16;
        let mark = |log| LogMark {
            at: self.setup.new_log(next.epoch(), boundary, log).end,
            ..LogMark::default()
        };
        let marks: Vec<LogMark> = (0..count).map(mark).collect();
        self.extents.begin(next.epoch(), &marks).unwrap();
        self.public = PublicKeys::of(next).unwrap();
        self.stamps.push(HashMap::new());
        self.log_counts.push(count.into());
        self.clocks = vec![UnixNs::ZERO; usize::from(count)];
    }

    /// Pairs of which every log of an epoch stamped the one below what any stamped the other, and
    /// how many of them stand reversed. Those of one sender stand by their nonces.
    fn stamped_and_reversed(&self) -> (u64, u64) {
        let places: HashMap<&LoggedId, usize> = self
            .drained
            .iter()
            .enumerate()
            .map(|(place, (id, _))| (id, place))
            .collect();
        let senders: HashMap<&LoggedId, &Address> = self
            .drained
            .iter()
            .map(|(id, sender)| (id, sender))
            .collect();
        let mut sums = (0, 0);
        for (epoch, stamps) in self.stamps.iter().enumerate() {
            let logs = self.log_counts[epoch];
            let whole = stamps.iter().filter(|(_, own)| own.len() == logs);
            for (first, own) in whole {
                let latest = own.values().max().unwrap();
                for (second, others) in stamps {
                    let is_pair =
                        first.rollup == second.rollup && senders[first] != senders[second];
                    if is_pair && others.len() == logs && others.values().min().unwrap() > latest {
                        sums.0 += 1;
                        sums.1 += u64::from(places[first] > places[second]);
                    }
                }
            }
        }
        sums
    }

    fn take_in(&mut self, decided: &Decided<'_>) {
        for extension in decided.extensions.iter().filter(|it| !it.is_empty()) {
            self.extents
                .admit(extension, &self.public, &mut [])
                .unwrap();
        }
        for entry in decided.entries.iter().flatten() {
            if let EntryKind::Id(id) = entry.kind
                && let Some(facts) = decided.known.facts_of(&id)
            {
                self.bodies.0.insert(id, facts);
            }
        }
        let stamps = self.stamps.last_mut().unwrap();
        for (log, entries) in decided.entries.iter().enumerate() {
            for entry in entries {
                match entry.kind {
                    EntryKind::Stamp(time) => self.clocks[log] = time,
                    EntryKind::Id(id) => {
                        let own = stamps.entry(id).or_default();
                        own.entry(log).or_insert(self.clocks[log]);
                    }
                    _ => {}
                }
            }
        }
        for one in decided.stream.drained() {
            let sender = self.bodies.0[&one.id].sender;
            self.drained.push((one.id, sender));
        }
        let (last, earlier) = self.figures.split_last_mut().unwrap();
        last.add(decided.entries, decided.stream);
        // What an epoch's logs bind holds wherever it is drained.
        for figures in earlier {
            figures.add(&[], decided.stream);
        }
    }
}

impl Observer for Follower {
    fn on_decided(&mut self, decided: &Decided<'_>) {
        let members: Vec<u32> = decided.members.iter().map(|id| id.get()).collect();
        if let Some(logs) = &mut self.logs {
            logs.take_in(decided);
        }
        assert_eq!(self.epochs.last(), Some(&members));
        let written = decided.extensions.iter().filter(|it| !it.is_empty());
        self.logs_written.push(written.count());
    }

    fn on_slot(&mut self, slot: &Slot<'_>) {
        if let Some((last, _)) = self.last.take()
            && last.next_membership != Hash::ZERO
        {
            panic!("an epoch that ended was not handed over");
        }
        let reader = SlotReader::new(slot.bytes, &self.limits).unwrap();
        let (header, changes) = (*reader.header(), reader.changes_bytes());
        let before = self.succession.standing().closing;
        let standing = self.succession.consider(header.height, changes).unwrap();
        match &mut self.logs {
            Some(logs) => {
                let verified = logs.verifier.verify_in_epoch(
                    slot.bytes,
                    &standing,
                    &mut logs.extents,
                    &logs.bodies,
                );
                assert_eq!(verified.unwrap().hash, slot.hash);
            }
            None => {
                self.slots.verify(slot.bytes).unwrap();
                let is_last = standing.closes_with(header.height);
                assert_eq!(header.next_membership, standing.named_if(is_last));
                let parts = StateParts {
                    registry: standing.registry,
                    ..StateParts::default()
                };
                assert_eq!(header.state_root, parts.root());
            }
        }
        self.succession.decide(header.height, changes).unwrap();
        while self.succession.poll_audit().is_some() {}
        if let Some(logs) = &mut self.logs
            && let Some(closing) = standing.closing.filter(|_| before.is_none())
        {
            logs.verifier.close_at(closing).unwrap();
        }
        self.last = Some((Link::from(&header), standing));
    }

    fn on_final(&mut self, height: Height, certificate: &[u8]) {
        let (link, _) = self.last.unwrap();
        let decoded = CommitCertificate::decode(certificate).unwrap();
        let proof = decoded.verify(self.finality.electorate()).unwrap();
        self.finality.handle_certificate(&link, &proof).unwrap();
        assert_eq!(self.finality.level(height), Some(Level::Final));
        while self.finality.poll_event().is_some() {}
        self.voters.push(proof.signers().len());
        let epoch = self.electorates.len() - 1;
        assert_eq!(link.epoch, Epoch::new(epoch as u64));
        self.certificates.push((epoch, certificate.to_vec()));
        if link.next_membership != Hash::ZERO {
            self.hand_over(&link);
            self.last = None;
        }
    }

    fn on_event(&mut self, event: &Event) {
        self.admitted += u32::from(event.code == Code::Admitted);
        if event.code.is_terminal() {
            *self.ended.entry(event.id).or_default() += 1;
        }
    }

    fn on_progress(&mut self, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
