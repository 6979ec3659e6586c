//! Chains whose order receive logs give, read a second time: logs and cuts by their bytes, the
//! agreed time, and the order of median timestamps by its definition.

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_core::batch::FairVerifier;
use hauptbuch_core::config::LogSizes;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Transaction, TransactionKind, UnixNs,
};
use hauptbuch_tests::vectors::{
    FairChainFile, FairChainVector, FairSlotVector, KnownBodies, LogSizesVector, NoSignatures,
    TransactionFields, empty_logs,
};

use super::{
    Cursor, Digest, PlainTip, bytes, canonical, digest, follow, genesis, number, parsed, rebuilt,
    sha3,
};

/// One entry of a log, as far as these chains have any: a stamp, or an id with its rollup.
enum PlainEntry {
    Stamp(u64),
    Id(u32, Digest),
}

/// One log: where it stands, the last stamp, and the stamp under which each id stands.
struct PlainLog {
    position: u64,
    running: Digest,
    clock: u64,
    stamps: BTreeMap<(u32, Digest), u64>,
    /// Ids in the order in which they stand.
    order: Vec<(u32, Digest)>,
}

/// What is known of a chain behind some of its slots.
struct PlainChain {
    chain_id: u64,
    logs: Vec<PlainLog>,
    tip: PlainTip,
    released: BTreeSet<(u32, Digest)>,
    expiries: BTreeMap<Digest, u64>,
}

impl PlainChain {
    fn new(vector: &FairChainVector) -> Self {
        let start = genesis(&vector.config);
        let chain_id: u64 = number(&vector.config.chain_id);
        let count = number::<u64>(&vector.config.policy_parameter) as u8;
        let logs = (0..u16::from(count)).map(|member| PlainLog {
            position: 0,
            running: sha3(
                "hb/ls/1",
                &[
                    &chain_id.to_le_bytes(),
                    &[0; 8],
                    &member.to_le_bytes(),
                    &start,
                ],
            ),
            clock: 0,
            stamps: BTreeMap::new(),
            order: Vec::new(),
        });
        Self {
            chain_id,
            logs: logs.collect(),
            tip: PlainTip {
                height: 0,
                epoch: 0,
                hash: start,
                time: 0,
                rollups: vec![(start, start); vector.config.rollups.len()],
            },
            released: BTreeSet::new(),
            expiries: BTreeMap::new(),
        }
    }

    /// Reads a member's extension for the slot behind `base`, and moves its log on.
    fn extend(&mut self, member: u16, extension: &[u8], base: u64) {
        let log = &mut self.logs[usize::from(member)];
        let mut input = Cursor(extension);
        assert_eq!(input.number(1), 1);
        assert_eq!((input.number(8), input.number(8)), (self.chain_id, 0));
        assert_eq!(input.number(2), u64::from(member));
        assert_eq!(input.number(8), log.position);
        assert_eq!(input.digest(), log.running);
        assert_eq!(input.number(4), 1, "a fresh extension has one run");
        assert_eq!(input.number(8), base);
        for _ in 0..input.number(4) {
            let (entry, spelled) = plain_entry(&mut input);
            log.running = sha3("hb/le/1", &[&log.running, &base.to_le_bytes(), spelled]);
            log.position += 1;
            match entry {
                PlainEntry::Stamp(time) => log.clock = time,
                PlainEntry::Id(rollup, id) => {
                    log.order.push((rollup, id));
                    let before = log.stamps.insert((rollup, id), log.clock);
                    assert!(before.is_none(), "a log holds an id once");
                }
            }
        }
        assert_eq!(input.number(2), 0, "signatures are empty");
        assert!(input.0.is_empty());
    }

    /// The bytes of a cut at the ends of all logs.
    fn cut(&self) -> Vec<u8> {
        let points = self.logs.iter();
        let points =
            points.flat_map(|log| [&log.position.to_le_bytes()[..], &log.running].concat());
        let count = (self.logs.len() as u16).to_le_bytes();
        [1].into_iter().chain(count).chain(points).collect()
    }

    /// The ⌈n/2⌉-th smallest.
    fn median(&self, mut times: Vec<u64>) -> u64 {
        times.sort_unstable();
        times[times.len().div_ceil(2) - 1]
    }

    fn agreed_time(&self) -> u64 {
        let clocks = self.logs.iter().map(|log| log.clock);
        self.median(clocks.collect()).max(self.tip.time)
    }

    /// What median timestamps release at this cut: those in the order of (key, id) whose place no
    /// later entry can change.
    fn released_by_median(&mut self, rollup: u32) -> Vec<Digest> {
        let clocks: Vec<u64> = self.logs.iter().map(|log| log.clock).collect();
        let unseen = self.median(clocks);
        let seen: BTreeSet<(u32, Digest)> = self
            .logs
            .iter()
            .flat_map(|log| log.stamps.keys().copied())
            .filter(|own| own.0 == rollup && !self.released.contains(own))
            .collect();
        // Of each id its key, and the least that its key can still become.
        let keyed = seen.iter().map(|own| {
            let stamps = |missing: &dyn Fn(&PlainLog) -> u64| {
                let logs = self.logs.iter();
                logs.map(|log| log.stamps.get(own).copied().unwrap_or_else(|| missing(log)))
                    .collect::<Vec<u64>>()
            };
            let key = self.median(stamps(&|_| u64::MAX));
            let least = self.median(stamps(&|log| log.clock));
            (key, own.1, least)
        });
        let mut keyed: Vec<(u64, Digest, u64)> = keyed.collect();
        keyed.sort_unstable();
        let mut released = Vec::new();
        for (at, (key, id, _)) in keyed.iter().enumerate() {
            let others = keyed[at + 1..].iter();
            let is_first = others.clone().all(|other| (*key, *id) < (other.2, other.1));
            if *key >= unseen || !is_first {
                break;
            }
            released.push(*id);
        }
        self.released
            .extend(released.iter().map(|id| (rollup, *id)));
        released
    }
}

fn plain_entry<'a>(input: &mut Cursor<'a>) -> (PlainEntry, &'a [u8]) {
    let all = input.0;
    let entry = match input.number(1) {
        1 => {
            let rollup = input.number(4) as u32;
            let id = input.digest();
            assert_eq!(input.number(1), 0, "nothing is sealed");
            input.number(4);
            PlainEntry::Id(rollup, id)
        }
        2 => PlainEntry::Stamp(input.number(8)),
        kind => panic!("{kind} is no entry of these chains"),
    };
    (entry, &all[..all.len() - input.0.len()])
}

/// The cut that a slot's bytes hold, and of each rollup the ids of its transactions and its no-ops
/// with their reasons.
fn contents(slot: &[u8], rollups: &[u32], log_count: usize) -> (Vec<u8>, Vec<SubBatchIds>) {
    let mut input = Cursor(slot);
    input.bytes(257);
    let (mut cut, mut contents) = (Vec::new(), Vec::new());
    for (at, rollup) in rollups.iter().enumerate() {
        let header = input.bytes(246);
        let count = Cursor(&header[158..162]).number(4);
        let ids = (0..count).map(|_| {
            let payload_len = Cursor(&input.0[94..98]).number(4) as usize;
            sha3("hb/tx/1", &[input.bytes(98 + payload_len)])
        });
        let ids = ids.collect();
        assert_eq!(input.number(4), count, "one slice, which ends behind all");
        if at == 0 {
            cut = input.bytes(3 + 40 * log_count).to_vec();
        }
        let no_ops = (0..input.number(4)).map(|_| {
            let position = input.number(4) as usize;
            input.number(4);
            (position, input.digest(), input.number(1) as u8)
        });
        let no_ops = no_ops.collect();
        contents.push(SubBatchIds {
            rollup: *rollup,
            ids,
            no_ops,
        });
    }
    assert!(input.0.is_empty());
    (cut, contents)
}

struct SubBatchIds {
    rollup: u32,
    ids: Vec<Digest>,
    /// How many transactions were drained before it, its id, and why it is none.
    no_ops: Vec<(usize, Digest, u8)>,
}

impl SubBatchIds {
    /// All that the slot drained of this rollup, in its order: ids with 0, or why not.
    fn drained(&self) -> Vec<(Digest, u8)> {
        let mut drained = Vec::new();
        let mut no_ops = self.no_ops.iter().peekable();
        for (position, id) in self.ids.iter().enumerate() {
            while let Some(own) = no_ops.next_if(|own| own.0 <= position) {
                drained.push((own.1, own.2));
            }
            drained.push((*id, 0));
        }
        drained.extend(no_ops.map(|own| (own.1, own.2)));
        drained
    }
}

/// Follows one slot; returns what it drains of each rollup.
fn follow_fair(
    chain: &mut PlainChain,
    vector: &FairChainVector,
    slot: &FairSlotVector,
) -> Vec<(u32, Vec<(Digest, u8)>)> {
    for fields in &slot.submitted {
        let id = sha3("hb/tx/1", &[&canonical(fields)]);
        chain.expiries.insert(id, number(&fields.expiry));
    }
    let base = chain.tip.height;
    for (member, extension) in (0..).zip(&slot.extensions) {
        chain.extend(member, &bytes(extension), base);
    }
    let (encoded, time) = (bytes(&slot.bytes), chain.agreed_time());
    let cut = chain.cut();
    assert_eq!(
        bytes(&slot.cut),
        cut,
        "the cut stands at the ends of all logs"
    );
    assert_eq!(number::<u64>(&slot.time), time);
    assert_eq!(
        encoded[49..57],
        time.to_le_bytes(),
        "the slot's time is the agreed one"
    );
    let state = sha3(
        "hb/sr/1",
        &[
            &digest(&slot.order_state),
            &sha3("hb/ct/1", &[&cut]),
            &[0; 32],
        ],
    );
    assert_eq!(encoded[225..257], state, "the state root");
    follow(&mut chain.tip, &vector.config, &encoded);
    assert_eq!(chain.tip.hash, digest(&slot.hash));
    let (held, contents) = contents(&encoded, &vector.config.rollups, chain.logs.len());
    assert_eq!(held, cut, "the cut that the slot holds");
    let drained = contents.iter().map(|own| (own.rollup, own.drained()));
    let drained: Vec<(u32, Vec<(Digest, u8)>)> = drained.collect();
    for (rollup, own) in &drained {
        let told = slot.drained.iter().filter(|one| one.rollup == *rollup);
        assert!(
            told.map(|one| (digest(&one.id), one.outcome))
                .eq(own.iter().copied())
        );
        for (id, why) in own {
            assert_eq!(
                *why == 1,
                chain.expiries[id] <= time,
                "what expired is a no-op"
            );
        }
    }
    drained
}

#[test]
fn chains_by_logs_follow_the_documented_formats() {
    let file: FairChainFile = parsed("fair_chains.json");
    let policies: Vec<u8> = file.chains.iter().map(|own| own.config.policy).collect();
    assert_eq!(policies, [6, 7]);
    for vector in &file.chains {
        let mut chain = PlainChain::new(vector);
        let (mut all, mut no_ops) = (0, 0);
        for slot in &vector.slots {
            for (_, drained) in follow_fair(&mut chain, vector, slot) {
                all += drained.len();
                no_ops += drained.iter().filter(|own| own.1 != 0).count();
            }
        }
        let sent: usize = vector.slots.iter().map(|slot| slot.submitted.len()).sum();
        assert_eq!(
            (all, no_ops),
            (sent, 1),
            "{}: each is drained once",
            vector.name
        );
        assert_eq!(chain.tip.hash, digest(&vector.tip.hash));
        let has_idle = vector.slots.iter().any(|slot| slot.drained.is_empty());
        assert!(has_idle, "a cut that drains nothing is a slot as well");
    }
}

#[test]
fn median_timestamps_are_those_of_their_definition() {
    let file: FairChainFile = parsed("fair_chains.json");
    let vector = &file.chains[1];
    let mut chain = PlainChain::new(vector);
    let mut waited = 0;
    for slot in &vector.slots {
        for (rollup, drained) in follow_fair(&mut chain, vector, slot) {
            let expected = chain.released_by_median(rollup);
            let ids: Vec<Digest> = drained.iter().map(|own| own.0).collect();
            assert_eq!(ids, expected, "slot {}, rollup {rollup}", slot.height);
        }
        let seen = chain.logs[0].stamps.len();
        waited += seen - chain.released.len();
    }
    assert_eq!(waited, 0, "every key is complete when its slot comes");
}

#[test]
fn what_every_log_holds_first_stands_first() {
    let file: FairChainFile = parsed("fair_chains.json");
    let vector = &file.chains[0];
    let mut chain = PlainChain::new(vector);
    let mut order = Vec::new();
    for slot in &vector.slots {
        for (rollup, drained) in follow_fair(&mut chain, vector, slot) {
            order.extend(drained.iter().map(|own| (rollup, own.0)));
        }
    }
    let place = |own: &(u32, Digest)| order.iter().position(|it| it == own).unwrap();
    let (mut bound, mut circles) = (0, 0);
    for (at, one) in order.iter().enumerate() {
        for other in order[at + 1..].iter().filter(|it| it.0 == one.0) {
            let in_log = |log: &PlainLog, own| log.order.iter().position(|it| it == own).unwrap();
            let before = |log: &&PlainLog| in_log(log, one) < in_log(log, other);
            match chain.logs.iter().filter(before).count() {
                5 => {
                    assert!(place(one) < place(other));
                    bound += 1;
                }
                // Nobody has it in this order: it would stand the other way round.
                0 => panic!("a pair stands against all logs"),
                _ => circles += 1,
            }
        }
    }
    assert!(
        bound > 8 && circles > 3,
        "{bound} pairs bound, {circles} open"
    );
}

#[test]
fn a_verifier_made_from_the_file_alone_accepts_chains_by_logs() {
    let file: FairChainFile = parsed("fair_chains.json");
    for vector in &file.chains {
        let (mut config, mut limits) = rebuilt(&vector.config);
        config.logs = log_sizes(vector.config.logs.as_ref().unwrap());
        (limits.forced_count_max, limits.forced_bytes_max) = (0, 0);
        (limits.bundle_count_max, limits.bundle_bytes_max) = (0, 0);
        let mut verifier = FairVerifier::new(&config, &limits).unwrap();
        let mut logs = empty_logs(&config, &limits);
        let mut bodies = KnownBodies::default();
        for slot in &vector.slots {
            for fields in &slot.submitted {
                bodies.add(&envelope(fields), &canonical(fields));
            }
            for extension in &slot.extensions {
                logs.admit(&bytes(extension), &NoSignatures, &mut [])
                    .unwrap();
            }
            let verified = verifier.verify(&bytes(&slot.bytes), &mut logs, &bodies);
            assert_eq!(verified.unwrap().hash.to_string(), slot.hash);
        }
        assert_eq!(verifier.slots().tip().hash.to_string(), vector.tip.hash);
    }
}

fn envelope(fields: &TransactionFields) -> Envelope {
    let encoded = canonical(fields);
    let decoded = Transaction::decode(&encoded, 1_024).unwrap().envelope;
    let address = |digits: &str| Address::new(bytes(digits).try_into().unwrap());
    let expected = Envelope {
        rollup: RollupId::new(fields.rollup),
        sender: address(&fields.sender),
        recipient: address(&fields.recipient),
        amount: number(&fields.amount),
        nonce: Nonce::new(number(&fields.nonce)),
        fee: Fee::new(number(&fields.fee)),
        gas: Gas::new(number(&fields.gas)),
        expiry: UnixNs::new(number(&fields.expiry)),
        kind: TransactionKind::Plain,
    };
    assert_eq!(decoded, expected);
    decoded
}

fn log_sizes(vector: &LogSizesVector) -> LogSizes {
    LogSizes {
        first_hand_count_max: vector.first_hand_count_max,
        first_hand_bytes_max: number(&vector.first_hand_bytes_max),
        extent_entries_max: vector.extent_entries_max,
        log_age_slots_max: vector.log_age_slots_max,
        graph_count_max: vector.graph_count_max,
        cursor_count_max: vector.cursor_count_max,
        drained_count_max: vector.drained_count_max,
        ranked_pairs_max: vector.ranked_pairs_max,
    }
}
