//! A committee with receive logs, its decided state, one coordinator that holds the bodies, and a
//! verifier that has nothing but logs, slots and bodies.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;

use hauptbuch_core::batch::{FairVerifier, SlotContext, StateParts};
use hauptbuch_core::config::{Config, FairCommittee, LogSizes, Policy, ReplayProtection};
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::limits::{Limits, Quota};
use hauptbuch_core::ordering::FairSetup;
use hauptbuch_core::ordering::fair::stream::{
    Bodies, BodySource, Cut as StreamCut, Drained, Entry as StreamEntry, EntryKind, Extent, Facts,
    FairMember, FairStream, LoggedId, NoAccounts,
};
use hauptbuch_core::receive_log::{
    Cut, Entry, Extents, LogId, LogMark, LogSigner, LogVerifier, OwnLog, OwnRecord, Point,
    ReceiveLogLimits, STATEMENT_LEN,
};
use hauptbuch_core::types::{
    Address, Envelope, Epoch, Fee, Gas, Hash, Height, LogPosition, Nonce, RollupId, Submission,
    Tick, Transaction, TxId, UnixNs,
};

use super::common::{Seeded, tiny_limits};

pub const BY_EXPIRY: ReplayProtection = ReplayProtection::ByExpiry {
    horizon_ns: 1_000_000,
};

/// The whole state of a coordinator.
pub fn snapshot_of(own: &TransactionCoordinator) -> Vec<u8> {
    let mut bytes = vec![0; own.snapshot_len()];
    let len = own.snapshot(&mut bytes).unwrap();
    bytes.truncate(len);
    bytes
}

pub const ROLLUPS: [RollupId; 2] = [RollupId::new(1), RollupId::new(4)];

/// Bodies by id, as the host of a run keeps them.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub facts: BTreeMap<LoggedId, Facts>,
    pub bytes: BTreeMap<LoggedId, Vec<u8>>,
}

impl Bodies for Library {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        self.facts.get(id).copied()
    }
}

/// Signs nothing: what these tests show does not rest on signatures.
pub struct Unsigned;

impl LogSigner for Unsigned {
    fn suite(&self) -> u8 {
        9
    }

    fn sign(&mut self, _: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        *out.first_mut()? = 1;
        Some(1)
    }
}

impl LogVerifier for Unsigned {
    fn suite(&self) -> u8 {
        9
    }

    fn verify(&self, _: u16, _: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        signature == [1]
    }
}

pub const LOG_LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 5,
    extent_entries_max: 24,
    signature_bytes_max: 8,
};

pub fn config(replay_protection: ReplayProtection) -> Config {
    let config = Config {
        policy: Policy::Fair(FairCommittee::FIVE),
        logs: LogSizes {
            first_hand_count_max: 8,
            first_hand_bytes_max: 4_000,
            extent_entries_max: 24,
            log_age_slots_max: 6,
            graph_count_max: 3,
            cursor_count_max: 100,
            drained_count_max: 400,
            ranked_pairs_max: 0,
        },
        replay_protection,
        index_key: [5, 6],
        ..Config::default()
    };
    config.with_rollups(&ROLLUPS).unwrap()
}

pub fn limits() -> Limits {
    let quota = Quota {
        count_max: 200,
        bytes_max: 1 << 20,
        gas_max: 1 << 30,
    };
    Limits {
        pending_count_max: 256,
        pending_bytes_max: 256 * 128,
        payload_bytes_max: 64,
        sender_count_max: 64,
        sender_quota: quota,
        origin_quota: quota,
        origin_count_max: 4,
        rollup_reserved_count: 0,
        quiet_reserved_count: 16,
        hint_count_max: 0,
        forced_count_max: 0,
        forced_bytes_max: 0,
        bundle_count_max: 0,
        bundle_bytes_max: 0,
        slot_count_max: 12,
        slot_bytes_max: 2_400,
        slot_gas_max: 120,
        in_flight_count_max: 3,
        event_count_max: 256,
        journal_bytes_max: 1 << 16,
        ..tiny_limits()
    }
}

pub fn start(member: u16, boundary: &Hash) -> Point {
    let log = LogId {
        chain_id: 0,
        epoch: Epoch::ZERO,
        member,
    };
    Point {
        position: LogPosition::ZERO,
        running: log.start(boundary),
    }
}

/// What is held of all logs before the first slot.
pub fn extents(boundary: &Hash) -> Extents {
    let marks: Vec<LogMark> = (0..LOG_LIMITS.log_count_max as u16)
        .map(|member| LogMark {
            at: start(member, boundary),
            ..LogMark::default()
        })
        .collect();
    Extents::new(&LOG_LIMITS, 0, Epoch::ZERO, &marks).unwrap()
}

/// Where a slot's header names the next membership, which nothing else in a slot repeats: a flip
/// there is another slot, for the registry to judge.
pub const NEXT_MEMBERSHIP: std::ops::Range<usize> = 93..125;

/// Says that the next slot leads to a state with this root.
pub fn carry(own: &mut TransactionCoordinator, state_root: Hash) {
    let context = SlotContext {
        state_root,
        ..SlotContext::NONE
    };
    own.set_slot_context(&context).unwrap();
}

pub struct World {
    pub config: Config,
    pub limits: Limits,
    pub setup: FairSetup,
    pub random: Seeded,
    pub stream: FairStream,
    pub members: Vec<FairMember>,
    pub logs: Vec<OwnLog>,
    pub extents: Extents,
    pub verifier: FairVerifier,
    /// The verifier's own copy of the logs.
    pub followed: Extents,
    pub coordinator: TransactionCoordinator,
    pub library: Library,
    /// Bodies that have not reached a member.
    pub on_their_way: Vec<(usize, LoggedId)>,
    pub nonces: BTreeMap<(RollupId, u64), u64>,
    /// Every extension that was signed.
    pub extensions: Vec<Vec<u8>>,
    pub tick: u64,
    /// What had ended in no log, and was logged after all.
    pub readmitted: Vec<TxId>,
}

/// A slot that was decided and is to be taken.
pub struct Next {
    pub cut: Cut,
    pub drained: Vec<Drained>,
    pub tick: Tick,
    pub time: UnixNs,
    pub state_root: Hash,
}

impl World {
    pub fn new(seed: u64, replay_protection: ReplayProtection) -> Self {
        Self::of(seed, config(replay_protection))
    }

    pub fn of(seed: u64, config: Config) -> Self {
        Self::with(seed, config, limits())
    }

    pub fn with(seed: u64, config: Config, limits: Limits) -> Self {
        let setup = FairSetup::of(&config, &limits).unwrap();
        let coordinator = TransactionCoordinator::new(&config, &limits).unwrap();
        let boundary = coordinator.tip().hash;
        let own_log = |member: u16| {
            let record = OwnRecord {
                log: LogId {
                    chain_id: 0,
                    epoch: Epoch::ZERO,
                    member,
                },
                end: start(member, &boundary),
                base: Height::ZERO,
                stamp: UnixNs::ZERO,
            };
            OwnLog::new(&LOG_LIMITS, &record, LogPosition::ZERO)
        };
        Self {
            random: Seeded(seed),
            stream: setup.stream([1, 2]).unwrap(),
            members: (0..5).map(|me| setup.member(me, [3, 4]).unwrap()).collect(),
            logs: (0..5).map(own_log).collect(),
            extents: extents(&boundary),
            verifier: FairVerifier::new(&config, &limits).unwrap(),
            followed: extents(&boundary),
            coordinator,
            library: Library::default(),
            on_their_way: Vec::new(),
            nonces: BTreeMap::new(),
            extensions: Vec::new(),
            tick: 0,
            readmitted: Vec::new(),
            setup,
            config,
            limits,
        }
    }

    /// Cuts and decides the next slot, and says to the coordinator which state follows.
    pub fn decide_next(&mut self) -> Next {
        let cut = self.propose();
        self.decide(&cut);
        Next {
            drained: self.stream.drained().to_vec(),
            tick: Tick::new(self.tick),
            time: self.stream.time(),
            state_root: self.carry_state(&cut),
            cut,
        }
    }

    /// Lets the verifier find a taken slot good, and takes the marks from what lapsed.
    pub fn follow(&mut self, bytes: &[u8], height: Height) {
        let verified = self
            .verifier
            .verify(bytes, &mut self.followed, &self.library);
        assert_eq!(verified.unwrap().header.height, height);
        for id in self.stream.lapsed_ids().to_vec() {
            // One that the pool ended meanwhile, or a slot in flight holds, has no mark to lose.
            let _ = self.coordinator.mark_logged(id.id, false);
        }
    }

    /// Says to the coordinator which state follows from the slot at `cut`, which was decided.
    fn carry_state(&mut self, cut: &Cut) -> Hash {
        let parts = StateParts {
            order: self.stream.state_hash(),
            cut: cut.hash(),
            registry: Hash::ZERO,
        };
        carry(&mut self.coordinator, parts.root());
        parts.root()
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.random.below(end)
    }

    /// A client sends one transaction to the pool and, some time, to every member.
    pub fn send(&mut self, expires: bool) {
        let rollup = ROLLUPS[self.below(2) as usize];
        let sender = self.below(5);
        let nonce = self.nonces.entry((rollup, sender)).or_insert(0);
        let own = *nonce;
        *nonce += 1;
        // Now and then a nonce is left out, so that those behind it wait for ever.
        if self.random.below(40) == 0 {
            return;
        }
        let lifetime = match expires {
            true => 1 + self.below(12) * 1_000,
            false => 500_000,
        };
        let envelope = Envelope {
            rollup,
            sender: Address::new([sender as u8 + 1; 20]),
            nonce: Nonce::new(own),
            fee: Fee::new(1),
            gas: Gas::new(1 + self.below(9)),
            expiry: self.stream.time().saturating_add(lifetime),
            ..Envelope::default()
        };
        let payload = vec![7; self.below(30) as usize];
        let payload = payload.as_slice();
        self.submit(&Transaction { envelope, payload });
    }

    pub fn submit(&mut self, transaction: &Transaction<'_>) {
        self.tick += 1;
        let time = self.stream.time();
        let submission = Submission::from(*transaction);
        let result = self
            .coordinator
            .submit(&submission, Tick::new(self.tick), time);
        if result.is_err() {
            return;
        }
        let mut bytes = vec![0; transaction.encoded_len()];
        let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
        transaction.encode(&mut out).unwrap();
        let id = LoggedId {
            rollup: transaction.envelope.rollup,
            id: transaction_id(&bytes),
            body_bytes: bytes.len() as u32,
        };
        let facts = Facts {
            sender: transaction.envelope.sender,
            nonce: transaction.envelope.nonce,
            gas: transaction.envelope.gas,
            expiry: transaction.envelope.expiry,
        };
        self.library.facts.insert(id, facts);
        self.library.bytes.insert(id, bytes);
        let members = 0..self.members.len();
        self.on_their_way.extend(members.map(|member| (member, id)));
    }

    /// Some bodies arrive, and every member signs what it may.
    pub fn log(&mut self) {
        let mut waiting = Vec::new();
        for (member, id) in std::mem::take(&mut self.on_their_way) {
            let facts = self.library.facts[&id];
            if self.coordinator.pool().find(id.id).is_none() {
                // Its pool has ended it, so no member takes it in.
                continue;
            }
            let came = self.random.below(100) < 60;
            let source = BodySource::FirstHand;
            let taken =
                came.then(|| self.members[member].handle_body(&self.stream, id, facts, source));
            if taken.is_none_or(|taken| taken.is_err()) {
                waiting.push((member, id));
            }
        }
        self.on_their_way = waiting;
        for member in 0..self.members.len() {
            let missing: Vec<LoggedId> =
                self.members[member].bodies_missing(&self.stream).collect();
            for id in missing {
                let facts = self.library.facts[&id];
                let source = BodySource::Learned;
                let taken = self.members[member].handle_body(&self.stream, id, facts, source);
                taken.unwrap();
            }
            self.extend(member);
        }
    }

    fn extend(&mut self, member: usize) {
        let none = StreamEntry {
            base: Height::ZERO,
            kind: EntryKind::Stamp(UnixNs::ZERO),
        };
        let mut out = [none; 24];
        let base = self.stream.height();
        let clock = 1_000 * base.get() + 300 + member as u64;
        let stamp = Some(UnixNs::new(clock));
        let count = self.members[member].poll_entries(&self.stream, &NoAccounts, stamp, &mut out);
        for entry in &out[..count] {
            let entry = match entry.kind {
                EntryKind::Stamp(time) => Entry::Stamp(time),
                EntryKind::Id(id) => {
                    self.mark(id);
                    Entry::Id {
                        rollup: id.rollup,
                        id: id.id,
                        sealed: false,
                        body_bytes: id.body_bytes,
                    }
                }
                _ => continue,
            };
            self.logs[member].append(entry).unwrap();
        }
        let mut bytes = vec![0; LOG_LIMITS.extension_bytes_max() as usize];
        let len = self.logs[member].extend(base, &mut Unsigned, &mut bytes);
        bytes.truncate(len.unwrap());
        for held in [&mut self.extents, &mut self.followed] {
            admit(held, &bytes);
        }
        self.extensions.push(bytes);
    }

    /// Marks what a member logs; what the pool ended since is taken in again.
    fn mark(&mut self, id: LoggedId) {
        if self.coordinator.mark_logged(id.id, true).is_ok() {
            return;
        }
        let transaction = Transaction::decode(&self.library.bytes[&id], 64).unwrap();
        let (now, time) = (Tick::new(self.tick), self.stream.time());
        let submission = Submission::from(transaction);
        let taken = self.coordinator.submit_logged(&submission, now, time);
        assert_eq!(taken, Ok(id.id));
        self.readmitted.push(id.id);
    }

    /// A cut through all logs; one log in eight stands still.
    pub fn propose(&mut self) -> Cut {
        let mut cut = Cut::new(5);
        let height = self.stream.height().next();
        self.extents.propose(height, &mut cut).unwrap();
        for member in 0..5_u16 {
            if self.random.below(8) == 0 {
                cut.points_mut()[usize::from(member)] = self.extents.decided(member).unwrap().at;
            }
        }
        cut
    }

    /// Applies a cut to the decided state, with the room that the coordinator has.
    pub fn decide(&mut self, cut: &Cut) {
        let (entries, moved) = entries_of(&self.extents, cut);
        let lists: Vec<Extent<'_>> = entries
            .iter()
            .zip(&moved)
            .map(|(entries, moved)| Extent {
                is_moved: *moved > 0,
                entries,
            })
            .collect();
        let height = self.stream.height().next();
        let cut_of_stream = StreamCut {
            height,
            extents: &lists,
        };
        let slots = self.setup.slots(self.coordinator.pool_room());
        self.stream
            .apply(&cut_of_stream, &slots, &self.library)
            .unwrap();
        self.extents.decide(cut).unwrap();
        for (member, log) in (0_u16..).zip(&mut self.logs) {
            let place = self.extents.decided(member).unwrap().at.position;
            log.handle_decided(place, self.stream.time());
            let covered = moved[usize::from(member)];
            let own = &mut self.members[usize::from(member)];
            own.handle_decided(&self.stream, covered).unwrap();
        }
    }
}

pub fn admit(extents: &mut Extents, bytes: &[u8]) {
    let mut evidence = vec![0; LOG_LIMITS.fork_bytes_max() as usize];
    let admitted = extents.admit(bytes, &Unsigned, &mut evidence);
    assert!(admitted.is_ok(), "{admitted:?}");
}

/// The entries that a cut covers, log by log, and how many places each log moves.
pub fn entries_of(extents: &Extents, cut: &Cut) -> (Vec<Vec<StreamEntry>>, Vec<u32>) {
    let mut lists = vec![Vec::new(); 5];
    for own in extents.entries(cut).unwrap() {
        let kind = match *own.entry {
            Entry::Stamp(time) => EntryKind::Stamp(time),
            Entry::Closed => EntryKind::Closed,
            Entry::Id {
                rollup,
                id,
                body_bytes,
                ..
            } => EntryKind::Id(LoggedId {
                rollup,
                id,
                body_bytes,
            }),
            _ => continue,
        };
        lists[usize::from(own.member)].push(StreamEntry {
            base: own.base,
            kind,
        });
    }
    let moved = lists.iter().map(|list| list.len() as u32).collect();
    (lists, moved)
}
