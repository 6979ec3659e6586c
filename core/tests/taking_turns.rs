//! Members of a committee take turns: each takes slots from a pool of its own, and the others take
//! them over once they are decided.

mod common;
#[path = "taking_turns/hostile.rs"]
mod hostile;

use std::collections::{BTreeMap, BTreeSet};

use common::outside::{envelope, limits};
use common::{POLICIES, ROLLUPS, Seeded, config, hint_of, step_open_slot, take_any};
use hauptbuch_core::batch::{ForcedAudit, SlotReader, SlotVerifier};
use hauptbuch_core::config::{Config, NonceMode, ReplayProtection, RollupConfig};
use hauptbuch_core::coordinator::{AdoptError, Adopted, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Envelope, Fee, ForcedOutcome, Gas, InboxEntry, InboxIndex, Nonce, RollupId, Submission, Tick,
    Transaction, TxId, UnixNs,
};

const MEMBER_COUNT: usize = 3;

/// A member, and what its host would write down about it.
struct Member {
    own: TransactionCoordinator,
    /// Admissions less ends.
    open: BTreeMap<TxId, i32>,
    /// What ended since it was asked last.
    ended: Vec<Event>,
}

impl Member {
    fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            own: TransactionCoordinator::new(config, limits).unwrap(),
            open: BTreeMap::new(),
            ended: Vec::new(),
        }
    }

    fn admitted(&mut self, id: TxId) {
        *self.open.entry(id).or_default() += 1;
    }

    fn read_events(&mut self) {
        while let Some(event) = self.own.poll_event() {
            assert!(event.code.is_terminal(), "{event:?}");
            let open = self.open.entry(event.id).or_default();
            *open -= 1;
            assert!(*open >= 0, "{event:?} ends what was not there");
            self.ended.push(event);
        }
    }

    /// Gives back whatever is not decided.
    fn roll_back(&mut self) {
        let next = self.own.acknowledged_height().next();
        if self.own.slot(next).is_some() || self.own.open_height() == Some(next) {
            self.own.roll_back(next).unwrap();
        }
    }

    /// Takes a decided slot over, as a host does: rolls back and reads events where it has to.
    fn adopt(&mut self, slot: &[u8], now: Tick) -> Adopted {
        for _ in 0..20 {
            let before = self.snapshot();
            match self.own.adopt(slot, now) {
                Ok(adopted) => return adopted,
                Err(AdoptError::SlotsNotSettled) => {
                    assert!(before == self.snapshot(), "a refusal changes nothing");
                    self.roll_back();
                }
                Err(AdoptError::EventsFull) => self.read_events(),
                Err(error) => panic!("{error}"),
            }
        }
        panic!("no room for the slot's events");
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.own.snapshot_len()];
        self.own.snapshot(&mut bytes).unwrap();
        bytes
    }
}

/// One place in a decided slot: which transaction, and what a forced one comes to.
type Places = BTreeMap<(RollupId, u32), (TxId, Option<ForcedOutcome>)>;

fn places_of(slot: &[u8], limits: &Limits) -> Places {
    let mut reader = SlotReader::new(slot, limits).unwrap();
    let mut places = Places::new();
    while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
        let mut outcomes = sub_batch.evidence.forced().map(|row| row.outcome);
        for (position, (bytes, transaction)) in (0..).zip(sub_batch.all()) {
            let place = (transaction.envelope.rollup, position);
            places.insert(place, (transaction_id(bytes), outcomes.next()));
        }
    }
    places
}

/// A committee, its inboxes, and those who follow.
struct World {
    members: Vec<Member>,
    random: Seeded,
    limits: Limits,
    knows_accounts: bool,
    needs_expiry: bool,
    inbox: Vec<(Envelope, InboxEntry)>,
    verifier: SlotVerifier,
    audit: ForcedAudit,
    now: u64,
    time: u64,
    /// What decided slots hold, but for no-ops.
    applied: BTreeSet<TxId>,
    slots: Vec<Vec<u8>>,
    codes: BTreeSet<Code>,
    evicted_by_slots: u32,
    checked: u32,
}

impl World {
    fn new(config: &Config, limits: &Limits, seed: u64) -> Self {
        let needs_expiry = config.replay_protection != ReplayProtection::ByHost;
        Self {
            members: (0..MEMBER_COUNT)
                .map(|_| Member::new(config, limits))
                .collect(),
            random: Seeded(seed),
            limits: limits.clone(),
            knows_accounts: !needs_expiry,
            needs_expiry,
            inbox: Vec::new(),
            verifier: SlotVerifier::new(config, limits),
            audit: ForcedAudit::new(config, limits),
            now: 0,
            time: 1_000,
            applied: BTreeSet::new(),
            slots: Vec::new(),
            codes: BTreeSet::new(),
            evicted_by_slots: 0,
            checked: 0,
        }
    }

    fn clocks(&self) -> (Tick, UnixNs) {
        (Tick::new(self.now), UnixNs::new(self.time))
    }

    fn envelope(&mut self) -> Envelope {
        let random = &mut self.random;
        let lives_ns = 1 + random.below(45);
        let expires = self.needs_expiry || random.below(2) == 0;
        Envelope {
            gas: Gas::new(1 + random.below(30)),
            fee: Fee::new(1 + random.below(9)),
            expiry: match expires {
                true => UnixNs::new(self.time + lives_ns),
                false => UnixNs::NEVER,
            },
            ..envelope(
                random.below(2) as usize,
                random.below(6) as u8,
                random.below(10),
            )
        }
    }

    fn submission(&mut self) -> Submission<'static> {
        let envelope = self.envelope();
        let payload = &[7; 150][..self.random.one_of(&[0, 0, 1, 150])];
        Submission {
            account_nonce: self.knows_accounts.then_some(Nonce::ZERO),
            hint: Some(hint_of(&envelope)),
            ..Submission::from(Transaction { envelope, payload })
        }
    }

    /// Whether a member hears of something.
    fn hears(&mut self) -> [bool; MEMBER_COUNT] {
        core::array::from_fn(|_| self.random.below(3) > 0)
    }

    fn submit(&mut self) {
        let (now, time) = self.clocks();
        let submission = self.submission();
        let heard = self.hears();
        for (member, _) in self.members.iter_mut().zip(heard).filter(|(_, own)| *own) {
            if let Ok(id) = member.own.submit(&submission, now, time) {
                member.admitted(id);
            }
        }
    }

    fn submit_bundle(&mut self) {
        let (now, time) = self.clocks();
        let legs = [self.submission(), self.submission()];
        let count = 1 + self.random.below(2) as usize;
        let expiry = UnixNs::new(self.time + self.random.below(40));
        let heard = self.hears();
        for (member, _) in self.members.iter_mut().zip(heard).filter(|(_, own)| *own) {
            let legs = &legs[..count];
            if member.own.submit_bundle(legs, expiry, now, time).is_ok() {
                for leg in legs {
                    member.admitted(id_of(&leg.transaction.envelope, leg.transaction.payload));
                }
            }
        }
    }

    /// Another chain forces something in.
    fn force(&mut self) {
        let envelope = self.envelope();
        let of_rollup = |own: &&(Envelope, InboxEntry)| own.0.rollup == envelope.rollup;
        let index = self.inbox.iter().filter(of_rollup).count() as u64;
        let entry = InboxEntry {
            rollup: envelope.rollup,
            index: InboxIndex::new(index),
            id: id_of(&envelope, b""),
            encoded_len: Transaction {
                envelope,
                payload: b"",
            }
            .encoded_len() as u32,
            gas: envelope.gas,
            deadline: UnixNs::MAX,
        };
        self.inbox.push((envelope, entry));
    }

    /// A member's host shows it some of the inboxes, from where it stands on.
    fn show_inbox(&mut self) {
        let (now, time) = self.clocks();
        let member = &mut self.members[self.random.below(MEMBER_COUNT as u64) as usize];
        for rollup in ROLLUPS {
            for _ in 0..self.random.below(4) {
                let next = member.own.pool().next_inbox_index(rollup).unwrap();
                let found = self
                    .inbox
                    .iter()
                    .find(|(_, own)| (own.rollup, own.index) == (rollup, next));
                let Some((envelope, entry)) = found else {
                    break;
                };
                let transaction = Transaction {
                    envelope: *envelope,
                    payload: b"",
                };
                let submission = Submission {
                    account_nonce: self.knows_accounts.then_some(Nonce::ZERO),
                    ..Submission::from(transaction)
                };
                let deadline = entry.deadline;
                let own = &mut member.own;
                if let Ok(id) = own.submit_forced(&submission, next, deadline, now, time) {
                    member.admitted(id);
                }
            }
        }
    }

    /// A member takes a slot, or does some of it; the bytes, if there is one.
    fn take(&mut self, at: usize) -> Option<Vec<u8>> {
        let (now, time) = self.clocks();
        let (in_one_go, is_empty_wanted) = (self.random.below(2), self.random.below(4));
        let own = &mut self.members[at].own;
        let height = if own.open_height().is_none() && in_one_go == 0 {
            let when_empty = match is_empty_wanted {
                0 => WhenEmpty::EmptySlot,
                _ => WhenEmpty::NoSlot,
            };
            let slot = take_any(own, now, time, when_empty).ok()??;
            slot.header.height
        } else {
            (0..4).find_map(|turn| step_open_slot(own, now, time, turn == 3))?
        };
        Some(own.slot(height)?.bytes.to_vec())
    }

    /// One round: somebody proposes, and the slot is decided or not.
    fn decide(&mut self) {
        let at = self.random.below(MEMBER_COUNT as u64) as usize;
        self.members[at].roll_back();
        let Some(slot) = self.take(at) else {
            return;
        };
        if self.random.below(5) == 0 {
            return self.members[at].roll_back();
        }
        self.verifier.verify(&slot).unwrap();
        let mut inbox: Vec<_> = self.inbox.iter().map(|(_, entry)| *entry).collect();
        inbox.sort_by_key(|own| (own.rollup, own.index));
        self.audit.audit(&slot, inbox.as_slice()).unwrap();
        let places = places_of(&slot, &self.limits);
        for (id, outcome) in places.values() {
            if matches!(outcome, None | Some(ForcedOutcome::Applied)) {
                assert!(self.applied.insert(*id), "{id} was included before");
            }
        }
        for member in (0..MEMBER_COUNT).filter(|member| *member != at) {
            self.check(member, &slot);
        }
        for member in 0..MEMBER_COUNT {
            self.members[member].read_events();
            let is_known: BTreeSet<_> = places
                .values()
                .filter(|(id, _)| {
                    self.members[member]
                        .open
                        .get(id)
                        .is_some_and(|own| *own > 0)
                })
                .map(|(id, _)| *id)
                .collect();
            self.settle(member, member == at, &slot, &places);
            let ended = &self.members[member].ended;
            self.codes.extend(ended.iter().map(|event| event.code));
            self.check_ends(member, &places, &is_known);
        }
        let [first, others @ ..] = &self.members[..] else {
            unreachable!("there are members");
        };
        for other in others {
            assert_eq!(first.own.tip(), other.own.tip());
        }
        self.slots.push(slot);
    }

    /// What a proposer that keeps to the rules takes, no member finds to repeat anything, whatever
    /// it has in flight itself.
    fn check(&mut self, member: usize, slot: &[u8]) {
        let member = &mut self.members[member];
        let before = member.snapshot();
        let checked = member.own.check_adoption(slot).unwrap();
        assert!(before == member.snapshot(), "a check changes nothing");
        assert_eq!((checked.repeated_count, checked.first), (0, None));
        let header = *SlotReader::new(slot, &self.limits).unwrap().header();
        assert_eq!((checked.header, checked.hash), (header, header.hash()));
        self.checked += 1;
    }

    /// Acknowledges the slot where it was taken, and takes it over elsewhere.
    fn settle(&mut self, member: usize, is_own: bool, slot: &[u8], places: &Places) {
        let (now, _) = self.clocks();
        let header = *SlotReader::new(slot, &self.limits).unwrap().header();
        let member = &mut self.members[member];
        member.ended.clear();
        if is_own {
            let own = &mut member.own;
            own.acknowledge_slot(header.height, header.hash(), now)
                .unwrap();
            member.read_events();
        } else {
            let adopted = member.adopt(slot, now);
            assert_eq!((adopted.header, adopted.hash), (header, header.hash()));
            assert_eq!(adopted.transaction_count as usize, places.len());
            assert_eq!(adopted.repeated_count, 0);
            member.read_events();
            let included = member.ended.iter();
            let included = included.filter(|event| event.code == Code::Included);
            assert_eq!(adopted.included_count as usize, included.count());
            let evicted = member.ended.iter();
            let evicted = evicted.filter(|event| event.code == Code::Evicted);
            self.evicted_by_slots += evicted.count() as u32;
        }
        let again = member.own.adopt(slot, now).unwrap_err();
        assert_eq!(again, AdoptError::AlreadyAdopted);
        if let Some(older) = self.slots.last() {
            let again = member.own.adopt(older, now).unwrap_err();
            assert_eq!(again, AdoptError::SlotBehind);
        }
        assert_eq!(member.own.tip().height, header.height);
        assert_eq!(member.own.acknowledged_height(), header.height);
    }

    /// What ended in the slot stands there, and whatever waited and stands there has ended.
    fn check_ends(&self, member: usize, places: &Places, is_known: &BTreeSet<TxId>) {
        let ended = &self.members[member].ended;
        let mut at = BTreeSet::new();
        for event in ended.iter().filter(|event| event.height.get() > 0) {
            let place = (event.rollup, event.position);
            let (id, outcome) = places[&place];
            assert!(at.insert(place), "{event:?} came twice");
            let code = match outcome.unwrap_or(ForcedOutcome::Applied) {
                ForcedOutcome::Applied => Code::Included,
                ForcedOutcome::Superseded => Code::Superseded,
                ForcedOutcome::Gap => Code::Evicted,
                ForcedOutcome::Expired => Code::Expired,
            };
            assert_eq!((event.id, event.code), (id, code));
        }
        for (id, outcome) in places.values() {
            if matches!(outcome, None | Some(ForcedOutcome::Applied)) && is_known.contains(id) {
                let is_included = |event: &&Event| event.id == *id && event.code == Code::Included;
                assert_eq!(ended.iter().filter(is_included).count(), 1, "{id}");
            }
        }
    }

    fn step(&mut self) {
        match self.random.below(16) {
            0..=5 => self.submit(),
            6 => self.submit_bundle(),
            7 => self.force(),
            8..=9 => self.show_inbox(),
            10 => {
                let at = self.random.below(MEMBER_COUNT as u64) as usize;
                let _undecided = self.take(at);
            }
            11..=13 => self.decide(),
            14 => {
                let at = self.random.below(MEMBER_COUNT as u64) as usize;
                self.members[at].read_events();
            }
            _ => {
                self.now += self.random.below(3);
                self.time += self.random.below(25);
            }
        }
        for member in &self.members {
            assert_eq!(member.own.verify(), Ok(()));
        }
    }

    /// Ends all that waits anywhere, long after everything has expired.
    fn drain(&mut self) {
        self.time += 1_000;
        for round in 0..300 {
            let at = round % MEMBER_COUNT;
            self.members[at].roll_back();
            self.members[at].read_events();
            let (now, time) = self.clocks();
            let slot = take_any(&mut self.members[at].own, now, time, WhenEmpty::NoSlot);
            if let Some(slot) = slot.unwrap() {
                let slot = slot.bytes.to_vec();
                let places = places_of(&slot, &self.limits);
                for member in 0..MEMBER_COUNT {
                    self.members[member].read_events();
                    self.settle(member, member == at, &slot, &places);
                }
                self.slots.push(slot);
            } else {
                self.members[at].own.expire_unready();
            }
        }
        for member in &mut self.members {
            member.read_events();
            assert!(member.own.pool().is_empty() && member.own.pool().bundle_count() == 0);
            assert_eq!(member.own.pool().forced_waiting_count(), 0);
            assert_eq!(member.own.verify(), Ok(()));
            assert!(member.open.values().all(|open| *open == 0));
            let metrics = member.own.metrics();
            let ended = Code::ALL.iter().filter(|code| code.is_terminal());
            let ended: u64 = ended.map(|code| metrics.of(*code)).sum();
            assert_eq!(ended, metrics.of(Code::Admitted));
        }
    }
}

fn id_of(envelope: &Envelope, payload: &[u8]) -> TxId {
    let transaction = Transaction {
        envelope: *envelope,
        payload,
    };
    let mut bytes = vec![0; transaction.encoded_len()];
    let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
    transaction.encode(&mut out).unwrap();
    transaction_id(&bytes)
}

/// Every policy and protection by number.
fn world_config(seed: u64) -> Config {
    let rollups = [
        RollupConfig::from(ROLLUPS[0]),
        RollupConfig {
            id: ROLLUPS[1],
            nonce_mode: NonceMode::Window,
        },
    ];
    let base = config(POLICIES[(seed / 2) as usize % POLICIES.len()]);
    let config = Config {
        replay_protection: match seed % 2 == 1 {
            true => ReplayProtection::ByExpiry { horizon_ns: 60 },
            false => ReplayProtection::ByHost,
        },
        ..base
    };
    config.with_rollups(&rollups).unwrap()
}

/// Limits in which either identities or cursors keep replays out.
fn world(seed: u64) -> World {
    let config = world_config(seed);
    let by_expiry = config.replay_protection != ReplayProtection::ByHost;
    let limits = Limits {
        // Identities are forgotten at once where cursors have to do without them.
        seen_count_max: if by_expiry { 0 } else { 1 << 12 },
        sender_count_max: if by_expiry { 8 } else { 64 },
        slot_count_max: 6,
        event_count_max: 24,
        ..limits()
    };
    World::new(&config, &limits, seed)
}

#[test]
fn members_that_take_turns_include_everything_once_and_end_each_admission_once() {
    let mut codes = BTreeSet::new();
    let (mut slots, mut applied, mut evicted, mut checked) = (0, 0, 0, 0);
    for seed in 0..40 {
        let mut world = world(seed);
        for _ in 0..300 {
            world.step();
        }
        slots += world.slots.len();
        applied += world.applied.len();
        evicted += world.evicted_by_slots;
        checked += world.checked;
        world.drain();
        codes.extend(world.codes);
    }
    assert!(
        slots > 400 && applied > 600 && evicted > 20 && checked > 800,
        "{slots} {applied} {evicted} {checked}"
    );
    for code in [
        Code::Included,
        Code::Superseded,
        Code::Evicted,
        Code::Expired,
    ] {
        assert!(codes.contains(&code), "{codes:?}");
    }
}
