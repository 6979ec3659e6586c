//! Small chains whose order receive logs give: what each member wrote, the cuts through it, and
//! every byte that followed.

use std::collections::BTreeMap;

use hauptbuch_core::batch::{SlotContext, StateParts};
use hauptbuch_core::config::{
    Config, FairCommittee, LogSizes, MedianCommittee, NonceMode, Policy, RollupConfig,
};
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::FairSetup;
use hauptbuch_core::ordering::fair::stream::{
    Bodies, Cut as StreamCut, DrainOutcome, Drained, Entry as StreamEntry, EntryKind, Extent,
    Facts, FairStream, LoggedId,
};
use hauptbuch_core::receive_log::{
    Cut, Entry, Extents, LogId, LogMark, LogSigner, LogVerifier, OwnLog, OwnRecord, Point,
    ReceiveLogLimits, STATEMENT_LEN,
};
use hauptbuch_core::types::{
    Envelope, Epoch, Fee, Gas, Hash, Height, LogPosition, Nonce, RollupId, Submission, Tick, UnixNs,
};
use serde::{Deserialize, Serialize};

use super::ConfigVector;
use super::chain::{TipVector, tip};
use super::transactions::{Owned, TransactionFields};
use crate::hex;

/// The agreed time at local time 0.
const START: u64 = 1_700_000_000_000_000_000;

/// Chains whose order receive logs give.
#[derive(Debug, Deserialize, Serialize)]
pub struct FairChainFile {
    /// What the file holds.
    pub about: String,
    /// One chain each.
    pub chains: Vec<FairChainVector>,
}

/// One chain: its configuration, its slots, and where it stands after them.
#[derive(Debug, Deserialize, Serialize)]
pub struct FairChainVector {
    /// What is special about it.
    pub name: String,
    /// Its configuration; every limit that is not named here has its default.
    pub config: ConfigVector,
    /// The slots in their order.
    pub slots: Vec<FairSlotVector>,
    /// Where it stands after them.
    pub tip: TipVector,
}

/// One slot, and what led to it.
#[derive(Debug, Deserialize, Serialize)]
pub struct FairSlotVector {
    /// What came in before it.
    pub submitted: Vec<TransactionFields>,
    /// By member, the bytes of the extension that it wrote; signatures are empty (suite 0).
    pub extensions: Vec<String>,
    /// The bytes of the cut.
    pub cut: String,
    /// What the cut drains, in this order.
    pub drained: Vec<DrainedVector>,
    /// The hash of the decided state behind the cut.
    pub order_state: String,
    /// Its number.
    pub height: String,
    /// The agreed time.
    pub time: String,
    /// Its hash.
    pub hash: String,
    /// All of its bytes.
    pub bytes: String,
}

/// What a cut drains.
#[derive(Debug, Deserialize, Serialize)]
pub struct DrainedVector {
    /// Its rollup.
    pub rollup: u32,
    /// Which transaction.
    pub id: String,
    /// 0 where the slot includes it, or else why not, as the slot's evidence says it.
    pub outcome: u8,
}

/// Bytes of the limits of both chains.
pub const FAIR_LOG_LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 5,
    extent_entries_max: 24,
    signature_bytes_max: 1,
};

/// Signs nothing, and takes nothing for a signature: the vectors are about what is signed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSignatures;

impl LogSigner for NoSignatures {
    fn suite(&self) -> u8 {
        0
    }

    fn sign(&mut self, _: &[u8; STATEMENT_LEN], _: &mut [u8]) -> Option<usize> {
        Some(0)
    }
}

impl LogVerifier for NoSignatures {
    fn suite(&self) -> u8 {
        0
    }

    fn verify(&self, _: u16, _: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        signature.is_empty()
    }
}

/// What the transactions of a chain say.
#[derive(Clone, Debug, Default)]
pub struct KnownBodies(BTreeMap<LoggedId, Facts>);

impl KnownBodies {
    /// Adds a transaction, and returns what logs name it by.
    pub fn add(&mut self, envelope: &Envelope, canonical: &[u8]) -> LoggedId {
        let id = LoggedId {
            rollup: envelope.rollup,
            id: transaction_id(canonical),
            body_bytes: canonical.len() as u32,
        };
        let facts = Facts {
            sender: envelope.sender,
            nonce: envelope.nonce,
            gas: envelope.gas,
            expiry: envelope.expiry,
        };
        self.0.insert(id, facts);
        id
    }
}

impl Bodies for KnownBodies {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        self.0.get(id).copied()
    }
}

/// All logs before the first slot of the network with this configuration.
///
/// # Panics
/// Where the configuration orders by no logs.
#[must_use]
pub fn empty_logs(config: &Config, limits: &Limits) -> Extents {
    let boundary = config.genesis_hash(limits);
    let count = config.policy.log_count().expect("logs give the order");
    let marks: Vec<LogMark> = (0..u16::from(count))
        .map(|member| LogMark {
            at: start_of(config, &boundary, member),
            ..LogMark::default()
        })
        .collect();
    let limits = ReceiveLogLimits {
        log_count_max: count.into(),
        ..FAIR_LOG_LIMITS
    };
    Extents::new(&limits, config.chain_id, Epoch::ZERO, &marks).expect("limits in their ranges")
}

fn start_of(config: &Config, boundary: &Hash, member: u16) -> Point {
    Point {
        position: LogPosition::ZERO,
        running: log_of(config, member).start(boundary),
    }
}

const fn log_of(config: &Config, member: u16) -> LogId {
    LogId {
        chain_id: config.chain_id,
        epoch: Epoch::ZERO,
        member,
    }
}

pub(super) fn compute() -> FairChainFile {
    FairChainFile {
        about:
            "Small chains whose order receive logs give: what each member wrote, the cuts through \
                it, and every byte that followed. A follower with the same configuration that has \
                read the extensions accepts each slot."
                .into(),
        chains: CHAINS.map(chain).into(),
    }
}

/// The state of each chain's order, by name, after one more slot that leaves something open.
pub(super) fn open_states() -> [(&'static str, Vec<u8>); 2] {
    let open = [FAIR_OPEN, MEDIAN_OPEN];
    let mut open = open.into_iter();
    CHAINS.map(|(name, policy, script)| {
        let mut recorder = Recorder::new(config(policy));
        for (sent, writings) in script.iter().chain(open.by_ref().take(1).flatten()) {
            recorder.slot(sent, writings);
        }
        let mut state = vec![0; recorder.stream.encoded_len()];
        let written = recorder.stream.encode(&mut state);
        written.expect("it has as much room as it says");
        (name, state)
    })
}

/// Reads the state of a chain's order, and gives its bytes and its hash as they are written again.
pub(super) fn rewritten(name: &str, state: &[u8]) -> Result<(Vec<u8>, Hash), Code> {
    let known = CHAINS.iter().find(|(own, ..)| *own == name);
    let (_, policy, _) = known.expect("a chain of the vectors");
    let setup = FairSetup::of(&config(*policy), &limits()).expect("a feasible committee");
    let mut stream = setup.stream([1, 2]).expect("sizes in their ranges");
    stream.decode(state).map_err(|error| error.code())?;
    let mut again = vec![0; stream.encoded_len()];
    stream.encode(&mut again).map_err(|error| error.code())?;
    Ok((again, stream.state_hash()))
}

const CHAINS: [(&str, Policy, Script); 2] = [
    ("order fairness", Policy::Fair(FairCommittee::FIVE), FAIR),
    (
        "median timestamps",
        Policy::Median(MedianCommittee { member_count: 3 }),
        MEDIAN,
    ),
];

/// What one member writes for one slot: a stamp, transactions, a stamp, and so on; the last stamp
/// ends it.
type Writing = &'static [(u64, &'static [usize])];

/// What happens before one slot: transactions that come, and what each member writes.
type Script = &'static [(&'static [Sent], &'static [Writing])];

/// Rollup, sender, nonce, and after how many nanoseconds it expires; 0 for never.
type Sent = (u32, u8, u64, u64);

/// All agree on 0 before 1; 2, 3 and 4 go in a circle. Then one that expires before its slot, a
/// slot of clocks alone, and a nonce that waits for the one before it.
const FAIR: Script = &[
    (
        &[
            (3, 1, 0, 0),
            (3, 2, 0, 0),
            (3, 3, 0, 0),
            (3, 4, 0, 0),
            (3, 5, 7, 0),
            (8, 1, 0, 0),
        ],
        &[
            &[(10, &[0, 1, 2, 3, 4, 5]), (19, &[])],
            &[(11, &[0, 5, 1, 2, 3, 4]), (21, &[])],
            &[(12, &[5, 0, 1, 3, 4, 2]), (22, &[])],
            &[(13, &[0, 1, 5, 3, 4, 2]), (23, &[])],
            &[(14, &[0, 1, 4, 2, 3, 5]), (24, &[])],
        ],
    ),
    (
        &[(8, 2, 4, 35), (3, 1, 2, 0), (8, 1, 1, 0)],
        &[
            &[(30, &[6, 8]), (39, &[])],
            &[(31, &[8, 6]), (40, &[])],
            &[(32, &[6, 8]), (41, &[])],
            &[(33, &[8, 6]), (42, &[])],
            &[(34, &[6, 8]), (43, &[])],
        ],
    ),
    (
        &[],
        &[
            &[(50, &[])],
            &[(51, &[])],
            &[(52, &[])],
            &[(53, &[])],
            &[(54, &[])],
        ],
    ),
    (
        &[(3, 1, 1, 0)],
        &[
            &[(60, &[9, 7])],
            &[(61, &[9, 7])],
            &[(62, &[9, 7])],
            &[(63, &[9, 7])],
            &[(64, &[9, 7])],
        ],
    ),
    (
        &[],
        &[
            &[(70, &[])],
            &[(71, &[])],
            &[(72, &[])],
            &[(73, &[])],
            &[(74, &[])],
        ],
    ),
];

/// Two that are in two logs each and have no edge yet, one behind both, and one in one log.
const FAIR_OPEN: Script = &[(
    &[(3, 1, 3, 0), (3, 2, 1, 0), (3, 3, 1, 900), (3, 4, 1, 0)],
    &[
        &[(80, &[10, 11, 12]), (89, &[])],
        &[(81, &[11, 10, 12]), (90, &[])],
        &[(82, &[12]), (91, &[])],
        &[(83, &[]), (92, &[])],
        &[(84, &[13]), (93, &[])],
    ],
)];

/// Stamps that interleave, a log that lacks one, and keys that a later cut completes.
const MEDIAN: Script = &[
    (
        &[(3, 1, 0, 0), (3, 2, 0, 0), (8, 3, 0, 0), (3, 4, 0, 0)],
        &[
            &[(10, &[0]), (14, &[1, 2]), (30, &[])],
            &[(11, &[1]), (15, &[2, 0]), (31, &[])],
            &[(12, &[1, 0]), (20, &[2]), (32, &[])],
        ],
    ),
    (
        &[(8, 5, 2, 0), (3, 2, 1, 45)],
        &[
            &[(40, &[3]), (44, &[4, 5]), (60, &[])],
            &[(41, &[4]), (47, &[3, 5]), (61, &[])],
            &[(42, &[4, 3]), (48, &[5]), (62, &[])],
        ],
    ),
    (&[], &[&[(70, &[])], &[(71, &[])], &[(72, &[])]]),
];

/// One in two logs whose clocks differ, one in one log, one in all of them.
const MEDIAN_OPEN: Script = &[(
    &[(3, 1, 1, 0), (3, 4, 1, 900), (8, 3, 1, 0)],
    &[
        &[(80, &[6]), (84, &[8]), (100, &[])],
        &[(81, &[8]), (90, &[6]), (101, &[])],
        &[(82, &[7, 8]), (83, &[])],
    ],
)];

fn chain((name, policy, script): (&str, Policy, Script)) -> FairChainVector {
    let mut recorder = Recorder::new(config(policy));
    let slots = script
        .iter()
        .map(|(sent, writings)| recorder.slot(sent, writings));
    let slots = slots.collect();
    FairChainVector {
        name: name.into(),
        config: ConfigVector::of(&recorder.config, &recorder.limits),
        slots,
        tip: tip(recorder.coordinator.tip()),
    }
}

fn config(policy: Policy) -> Config {
    let rollups = [3, 8].map(|id| RollupConfig {
        id: RollupId::new(id),
        nonce_mode: NonceMode::Sequential,
    });
    let config = Config {
        chain_id: 9,
        policy,
        logs: LogSizes {
            first_hand_count_max: 16,
            first_hand_bytes_max: 1 << 14,
            extent_entries_max: FAIR_LOG_LIMITS.extent_entries_max,
            log_age_slots_max: 8,
            graph_count_max: 4,
            cursor_count_max: 256,
            drained_count_max: 512,
            ranked_pairs_max: 0,
        },
        ..Config::default()
    };
    config.with_rollups(&rollups).expect("two rollups")
}

fn limits() -> Limits {
    Limits {
        payload_bytes_max: 1_024,
        slot_count_max: 16,
        slot_bytes_max: 8_192,
        slot_gas_max: 1_000_000,
        // Beside logs there is nothing from outside without nonces at the host.
        forced_count_max: 0,
        forced_bytes_max: 0,
        bundle_count_max: 0,
        bundle_bytes_max: 0,
        ..Limits::default()
    }
}

/// Writes logs, decides cuts, and notes what follows.
struct Recorder {
    config: Config,
    limits: Limits,
    setup: FairSetup,
    stream: FairStream,
    logs: Vec<OwnLog>,
    extents: Extents,
    coordinator: TransactionCoordinator,
    known: KnownBodies,
    sent: Vec<LoggedId>,
}

impl Recorder {
    fn new(config: Config) -> Self {
        let limits = limits();
        let setup = FairSetup::of(&config, &limits).expect("a feasible committee");
        let boundary = config.genesis_hash(&limits);
        let logs = (0..setup.parameters.n() as u16).map(|member| {
            let record = OwnRecord {
                log: log_of(&config, member),
                end: start_of(&config, &boundary, member),
                base: Height::ZERO,
                stamp: UnixNs::ZERO,
            };
            OwnLog::new(&FAIR_LOG_LIMITS, &record, LogPosition::ZERO)
        });
        Self {
            stream: setup.stream([1, 2]).expect("sizes in their ranges"),
            logs: logs.collect(),
            extents: empty_logs(&config, &limits),
            coordinator: TransactionCoordinator::new(&config, &limits).expect("a valid config"),
            known: KnownBodies::default(),
            sent: Vec::new(),
            setup,
            limits,
            config,
        }
    }

    fn slot(&mut self, sent: &[Sent], writings: &[Writing]) -> FairSlotVector {
        let submitted = sent.iter().map(|one| self.submit(*one)).collect();
        let writings = (0..).zip(writings);
        let extensions = writings.map(|(member, writing)| self.write(member, writing));
        let extensions = extensions.collect();
        let height = self.stream.height().next();
        let mut cut = Cut::new(self.setup.parameters.n());
        self.extents
            .propose(height, &mut cut)
            .expect("as many logs");
        self.decide(height, &cut);
        let drained = self.stream.drained().to_vec();
        let order = self.stream.state_hash();
        let time = self.stream.time();
        let slot = self.take(&cut, &drained, time);
        FairSlotVector {
            submitted,
            extensions,
            cut: hex::encode(&encoded(&cut)),
            drained: drained.iter().map(drained_vector).collect(),
            order_state: order.to_string(),
            height: height.to_string(),
            time: time.to_string(),
            hash: self.coordinator.tip().hash.to_string(),
            bytes: hex::encode(&slot),
        }
    }

    fn submit(&mut self, (rollup, sender, nonce, lasts): Sent) -> TransactionFields {
        let owned = Owned {
            envelope: Envelope {
                rollup: RollupId::new(rollup),
                sender: hauptbuch_core::types::Address::new([sender; 20]),
                nonce: Nonce::new(nonce),
                fee: Fee::new(1),
                gas: Gas::new(21_000),
                expiry: match lasts {
                    0 => UnixNs::NEVER,
                    lasts => UnixNs::new(START + lasts),
                },
                ..Envelope::default()
            },
            payload: vec![sender; usize::from(sender)],
        };
        let (tick, time) = (Tick::new(self.stream.height().get()), self.stream.time());
        let submission = Submission::from(owned.borrow());
        let id = self.known.add(&owned.envelope, &owned.canonical());
        let submitted = self.coordinator.submit_logged(&submission, tick, time);
        submitted.expect("the pool has room for what logs hold");
        self.sent.push(id);
        owned.fields()
    }

    fn write(&mut self, member: u16, writing: Writing) -> String {
        let log = &mut self.logs[usize::from(member)];
        for (stamp, ids) in writing {
            let stamp = Entry::Stamp(UnixNs::new(START + stamp));
            log.append(stamp).expect("room for an entry");
            for id in ids.iter().map(|place| self.sent[*place]) {
                let entry = Entry::Id {
                    rollup: id.rollup,
                    id: id.id,
                    sealed: false,
                    body_bytes: id.body_bytes,
                };
                log.append(entry).expect("room for an entry");
            }
        }
        let mut bytes = vec![0; FAIR_LOG_LIMITS.extension_bytes_max() as usize];
        let len = log.extend(self.stream.height(), &mut NoSignatures, &mut bytes);
        bytes.truncate(len.expect("room for an extension"));
        let admitted = self.extents.admit(&bytes, &NoSignatures, &mut []);
        admitted.expect("an honest extension");
        hex::encode(&bytes)
    }

    fn decide(&mut self, height: Height, cut: &Cut) {
        let mut entries = vec![Vec::new(); self.logs.len()];
        for own in self.extents.entries(cut).expect("all is held") {
            let kind = match *own.entry {
                Entry::Stamp(time) => EntryKind::Stamp(time),
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
            let base = own.base;
            entries[usize::from(own.member)].push(StreamEntry { base, kind });
        }
        let extents: Vec<Extent<'_>> = entries.iter().map(|own| Extent::moved(own)).collect();
        let of_stream = StreamCut {
            height,
            extents: &extents,
        };
        let rooms = self.setup.slots(self.coordinator.pool_room());
        let applied = self.stream.apply(&of_stream, &rooms, &self.known);
        applied.expect("an honest cut");
    }

    /// Takes the slot of a cut and settles it; its bytes.
    fn take(&mut self, cut: &Cut, drained: &[Drained], time: UnixNs) -> Vec<u8> {
        let parts = StateParts {
            order: self.stream.state_hash(),
            cut: cut.hash(),
            registry: Hash::ZERO,
        };
        let context = SlotContext {
            state_root: parts.root(),
            ..SlotContext::NONE
        };
        let own = &mut self.coordinator;
        own.set_slot_context(&context).expect("a slot can carry it");
        let now = Tick::new(self.stream.height().get());
        let slot = own
            .take_drained(now, time, cut, drained)
            .expect("all is held");
        let (bytes, height) = (slot.bytes.to_vec(), slot.header.height);
        own.acknowledge(height, now).expect("the oldest slot");
        while own.poll_event().is_some() {}
        self.extents.decide(cut).expect("a cut that was checked");
        for (member, log) in (0..).zip(&mut self.logs) {
            let decided = self.extents.decided(member).expect("a member");
            log.handle_decided(decided.at.position, self.stream.time());
        }
        bytes
    }
}

fn encoded(cut: &Cut) -> Vec<u8> {
    let mut bytes = vec![0; cut.encoded_len()];
    let written = cut.encode(&mut hauptbuch_core::codec::Writer::new(&mut bytes));
    written.expect("the buffer has the encoding's length");
    bytes
}

fn drained_vector(one: &Drained) -> DrainedVector {
    DrainedVector {
        rollup: one.id.rollup.get(),
        id: one.id.id.to_string(),
        outcome: match one.outcome {
            DrainOutcome::Included => 0,
            DrainOutcome::Expired => 1,
            DrainOutcome::Superseded => 2,
            DrainOutcome::Duplicate => 3,
            DrainOutcome::Gap => 4,
            DrainOutcome::Unfit => 5,
            _ => 6,
        },
    }
}
