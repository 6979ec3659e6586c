//! The committed vectors against the core, and against a second reading of the formats that shares
//! nothing with it but the hash function.

#[path = "second/fair.rs"]
mod fair;

use std::fs;
use std::path::PathBuf;

use hauptbuch_core::batch::SlotVerifier;
use hauptbuch_core::config::{
    Config, NonceMode, Policy, ReplayProtection, RollupConfig, SegmentShares,
};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Fee, RollupId};
use hauptbuch_tests::hex;
use hauptbuch_tests::vectors::{
    ChainFile, ChainVector, CodesFile, ConfigVector, EpochSizesVector, GenesisFile, LogSizesVector,
    MerkleFile, PoliciesFile, ProofVector, RuleVector, Step, TransactionFields, TransactionsFile,
    files,
};
use serde::de::DeserializeOwned;
use sha3::{Digest as _, Keccak256, Sha3_256};

fn committed(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parsed<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&committed(name)).unwrap()
}

#[test]
fn the_core_still_gives_every_committed_vector() {
    for file in files() {
        assert!(
            committed(file.name) == file.text,
            "{} differs from what the core gives. Where the change of format is meant, write it \
             again with `cargo run -p hauptbuch-tests --bin write-vectors` and give it a new \
             version.",
            file.name
        );
    }
}

// From here on: the formats as docs/formats.md tells them.

type Digest = [u8; 32];

fn sha3(domain: &str, parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha3_256::new();
    hasher.update(domain);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn digest(text: &str) -> Digest {
    bytes(text).try_into().unwrap()
}

fn canonical(fields: &TransactionFields) -> Vec<u8> {
    let payload = bytes(&fields.payload);
    [
        &[1, fields.kind][..],
        &fields.rollup.to_le_bytes(),
        &bytes(&fields.sender),
        &bytes(&fields.recipient),
        &number::<u128>(&fields.amount).to_le_bytes(),
        &number::<u64>(&fields.nonce).to_le_bytes(),
        &number::<u64>(&fields.fee).to_le_bytes(),
        &number::<u64>(&fields.gas).to_le_bytes(),
        &number::<u64>(&fields.expiry).to_le_bytes(),
        &(payload.len() as u32).to_le_bytes(),
        &payload,
    ]
    .concat()
}

fn log_sizes(logs: &LogSizesVector) -> Vec<u8> {
    [
        &logs.first_hand_count_max.to_le_bytes()[..],
        &number::<u64>(&logs.first_hand_bytes_max).to_le_bytes(),
        &logs.extent_entries_max.to_le_bytes(),
        &logs.log_age_slots_max.to_le_bytes(),
        &logs.graph_count_max.to_le_bytes(),
        &logs.cursor_count_max.to_le_bytes(),
        &logs.drained_count_max.to_le_bytes(),
        &logs.ranked_pairs_max.to_le_bytes(),
    ]
    .concat()
}

fn epoch_sizes(sizes: &EpochSizesVector) -> Vec<u8> {
    let [lead, closing] = [sizes.lead_slots, sizes.closing_slots_max].map(u16::to_le_bytes);
    let counts = [sizes.member_count_max, sizes.leaver_count_max];
    [counts, lead, closing].concat()
}

fn genesis(config: &ConfigVector) -> Digest {
    let rollups: Vec<u8> = config
        .rollups
        .iter()
        .zip(&config.nonce_modes)
        .flat_map(|(rollup, mode)| [&rollup.to_le_bytes()[..], &[*mode]].concat())
        .collect();
    let encoding = [
        &[5][..],
        &number::<u64>(&config.chain_id).to_le_bytes(),
        &[config.policy],
        &number::<u64>(&config.policy_parameter).to_le_bytes(),
        &number::<u64>(&config.fee_floor).to_le_bytes(),
        &number::<u64>(&config.expiry_horizon_ns).to_le_bytes(),
        &config.payload_bytes_max.to_le_bytes(),
        &config.slot_count_max.to_le_bytes(),
        &config.slot_bytes_max.to_le_bytes(),
        &number::<u64>(&config.slot_gas_max).to_le_bytes(),
        &[config.pool_percent, config.others_percent],
        &(config.rollups.len() as u16).to_le_bytes(),
        &rollups,
        &config.logs.as_ref().map(log_sizes).unwrap_or_default(),
        &config.epochs.as_ref().map(epoch_sizes).unwrap_or_default(),
    ]
    .concat();
    sha3("hb/gn/1", &[&encoding])
}

fn merkle_root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(4)
            .map(|children| sha3("hb/mn/1", &[&children.concat()]))
            .collect();
    }
    let top = level.first().copied().unwrap_or([0; 32]);
    sha3("hb/mr/1", &[&(leaves.len() as u64).to_le_bytes(), &top])
}

/// Climbs from a leaf to the root by the proof's siblings.
fn proven_root(proof: &ProofVector) -> Digest {
    let (mut at, count): (u64, u64) = (number(&proof.position), number(&proof.leaf_count));
    let mut siblings = proof.siblings.iter().map(|sibling| digest(sibling));
    let (mut node, mut width) = (digest(&proof.leaf), count);
    while width > 1 {
        let first = at - at % 4;
        let children: Vec<Digest> = (first..width.min(first + 4))
            .map(|child| {
                if child == at {
                    node
                } else {
                    siblings.next().unwrap()
                }
            })
            .collect();
        node = sha3("hb/mn/1", &[&children.concat()]);
        (at, width) = (at / 4, width.div_ceil(4));
    }
    assert_eq!(siblings.next(), None);
    sha3("hb/mr/1", &[&count.to_le_bytes(), &node])
}

#[test]
fn transactions_follow_the_documented_format() {
    let file: TransactionsFile = parsed("transactions.json");
    assert!(file.transactions.len() >= 7 && file.malformed.len() >= 10);
    for vector in &file.transactions {
        let encoded = canonical(&vector.fields);
        assert_eq!(hex::encode(&encoded), vector.canonical, "{}", vector.name);
        assert_eq!(sha3("hb/tx/1", &[&encoded]), digest(&vector.id));
        let keccak: Digest = Keccak256::digest(bytes(&vector.fields.payload)).into();
        assert_eq!(keccak, digest(&vector.payload_keccak256));
    }
    for vector in &file.malformed {
        assert_ne!(vector.error, "Ok", "{}", vector.name);
    }
}

#[test]
fn trees_follow_the_documented_format() {
    let file: MerkleFile = parsed("merkle.json");
    for tree in &file.trees {
        let leaves: Vec<Digest> = tree.leaves.iter().map(|leaf| digest(leaf)).collect();
        assert_eq!(merkle_root(&leaves), digest(&tree.root));
        for proof in &tree.proofs {
            assert_eq!(proven_root(proof), digest(&tree.root));
            let position: usize = number(&proof.position);
            assert_eq!(digest(&proof.leaf), leaves[position]);
        }
    }
}

#[test]
fn genesis_hashes_follow_the_documented_format() {
    let file: GenesisFile = parsed("genesis.json");
    for vector in &file.configurations {
        let own = genesis(&vector.config);
        assert_eq!(own, digest(&vector.genesis_hash), "{}", vector.name);
    }
}

#[test]
fn codes_have_distinct_numbers() {
    let file: CodesFile = parsed("codes.json");
    assert!(
        file.codes
            .windows(2)
            .all(|pair| pair[0].number < pair[1].number)
    );
}

/// Reads a slot's bytes front to back.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        head
    }
    fn number(&mut self, len: usize) -> u64 {
        let number = self.bytes(len).iter().rev();
        number.fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
    fn digest(&mut self) -> Digest {
        self.bytes(32).try_into().unwrap()
    }
}

/// Where the plain follower stands: the slot's hash, and per rollup (sub-batch, running hash).
struct PlainTip {
    height: u64,
    epoch: u64,
    hash: Digest,
    time: u64,
    rollups: Vec<(Digest, Digest)>,
}

/// Checks chain, roots, sums and running hashes of one slot.
fn follow(tip: &mut PlainTip, config: &ConfigVector, slot: &[u8]) -> u64 {
    let mut input = Cursor(slot);
    assert_eq!(input.number(1), 3);
    let height = input.number(8);
    assert_eq!(height, tip.height + 1);
    let epoch = input.number(8);
    assert_eq!(epoch, tip.epoch);
    assert_eq!(input.digest(), tip.hash);
    let time = input.number(8);
    assert!(time >= tip.time);
    let changes_hash = input.digest();
    let changes_len = input.number(4);
    let next_membership = input.digest();
    assert_eq!(input.digest(), [0; 32]);
    assert_eq!(input.number(2) as usize, config.rollups.len());
    let slice_count = input.number(2) as usize;
    let sub_batch_root = input.digest();
    let bundle_root = input.digest();
    input.digest();
    let changes = input.bytes(changes_len as usize);
    let bound = match changes {
        [] => [0; 32],
        _ => sha3("hb/mc/1", &[&changes_len.to_le_bytes(), changes]),
    };
    assert_eq!(bound, changes_hash);
    let (mut hashes, mut total) = (Vec::new(), 0);
    let mut legs = Vec::new();
    for (rollup, own) in config.rollups.iter().zip(&mut tip.rollups) {
        let at = slot.len() - input.0.len();
        let header = &slot[at..at + 246];
        let numbers = (*rollup, epoch, height, slice_count);
        total += follow_sub_batch(&mut input, own, config, numbers, &mut legs);
        own.0 = sha3("hb/sb/2", &[header]);
        hashes.push(own.0);
    }
    assert!(input.0.is_empty());
    assert_eq!(merkle_root(&hashes), sub_batch_root);
    assert_eq!(plain_bundle_root(legs), bundle_root);
    (tip.height, tip.time) = (height, time);
    tip.epoch = epoch + u64::from(next_membership != [0; 32]);
    tip.hash = sha3("hb/sl/3", &[&slot[..257]]);
    total
}

/// The root over the bundles of legs: (bundle, leg, how many it has) and id.
fn plain_bundle_root(mut legs: Vec<([u64; 3], Digest)>) -> Digest {
    legs.sort_unstable();
    let bundle_ids: Vec<Digest> = legs
        .chunk_by(|one, other| one.0[0] == other.0[0])
        .enumerate()
        .map(|(bundle, legs)| {
            for (at, (row, _)) in legs.iter().enumerate() {
                assert_eq!(*row, [bundle as u64, at as u64, legs.len() as u64]);
            }
            let ids: Vec<u8> = legs.iter().flat_map(|own| own.1).collect();
            sha3("hb/bu/1", &[&ids])
        })
        .collect();
    if bundle_ids.is_empty() {
        [0; 32]
    } else {
        merkle_root(&bundle_ids)
    }
}

/// Checks one sub-batch and moves the running hash on; returns its number of transactions.
fn follow_sub_batch(
    input: &mut Cursor<'_>,
    own: &mut (Digest, Digest),
    config: &ConfigVector,
    (rollup, epoch, height, slice_count): (u32, u64, u64, usize),
    legs: &mut Vec<([u64; 3], Digest)>,
) -> u64 {
    assert_eq!(input.number(1), 2);
    assert_eq!(input.number(4), u64::from(rollup));
    assert_eq!(input.number(8), height);
    assert_eq!(input.digest(), own.0);
    assert_eq!(input.number(1), u64::from(config.policy));
    assert_eq!(input.number(8), number::<u64>(&config.policy_parameter));
    let seed = input.digest();
    assert!(config.policy == 4 || seed == [0; 32]);
    let (evidence_root, transaction_root) = (input.digest(), input.digest());
    let counts = [(); 4].map(|()| input.number(4));
    let [forced_count, message_count, pool_count, leg_count] = counts.map(|own| own as usize);
    assert_eq!(message_count, 0);
    let (byte_sum, gas_sum) = (input.number(8), input.number(8));
    let running_hash = input.digest();
    assert_eq!(input.digest(), [0; 32]);
    let (mut ids, mut bytes_seen, mut gas_seen) = (Vec::new(), 0, 0);
    for _ in 0..forced_count + pool_count + leg_count {
        let payload_len = u32::from_le_bytes(input.0[94..98].try_into().unwrap()) as usize;
        let transaction = input.bytes(98 + payload_len);
        gas_seen += Cursor(&transaction[78..86]).number(8);
        bytes_seen += transaction.len() as u64;
        ids.push(sha3("hb/tx/1", &[transaction]));
    }
    assert_eq!((bytes_seen, gas_seen), (byte_sum, gas_sum));
    assert_eq!(merkle_root(&ids), transaction_root);
    let before = input.0;
    let ends: Vec<usize> = (0..slice_count).map(|_| input.number(4) as usize).collect();
    let mut row_len = 16;
    if config.policy == 5 {
        let pool_count = input.number(4) as usize;
        input.bytes(52 * pool_count);
        row_len += 21;
    }
    if config.policy >= 6 {
        // Of a cut all rollups have one, in the first sub-batch.
        if Some(&rollup) == config.rollups.first() {
            let log_count = number::<u64>(&config.policy_parameter) as u8;
            input.bytes(3 + 40 * usize::from(log_count));
        }
        let no_op_count = input.number(4) as usize;
        input.bytes(41 * no_op_count);
        row_len = 0;
    }
    input.bytes(row_len * pool_count);
    for _ in 0..forced_count {
        input.bytes(8);
        assert!(input.number(1) < 4);
    }
    let (forced_ids, rest) = ids.split_at(forced_count);
    let (pool_ids, leg_ids) = rest.split_at(pool_count);
    for id in leg_ids {
        legs.push(([input.number(4), input.number(1), input.number(1)], *id));
    }
    let evidence = &before[..before.len() - input.0.len()];
    assert_eq!(sha3("hb/ev/2", &[evidence]), evidence_root);
    assert_eq!(ends.last(), Some(&pool_count));
    let segments = [forced_ids, pool_ids, leg_ids];
    let step = (rollup, config.policy, epoch, height);
    own.1 = plain_running_hash(own.1, segments, ends, step);
    assert_eq!(own.1, running_hash);
    ids.len() as u64
}

/// Moves a running hash on: forced inputs, slice by slice, legs.
fn plain_running_hash(
    mut running: Digest,
    [forced_ids, pool_ids, leg_ids]: [&[Digest]; 3],
    ends: Vec<usize>,
    (rollup, policy, epoch, height): (u32, u8, u64, u64),
) -> Digest {
    let mut roots = vec![(u16::MAX, merkle_root(forced_ids))];
    let mut start = 0;
    for (slice, end) in (0_u16..).zip(ends) {
        roots.push((slice, merkle_root(&pool_ids[start..end])));
        start = end;
    }
    roots.push((u16::MAX - 1, merkle_root(leg_ids)));
    let is_none = |slice: u16| match slice {
        u16::MAX => forced_ids.is_empty(),
        0xfffe => leg_ids.is_empty(),
        _ => false,
    };
    for (slice, root) in roots.into_iter().filter(|own| !is_none(own.0)) {
        let step: &[&[u8]] = &[
            &running,
            &rollup.to_le_bytes(),
            &[policy],
            &epoch.to_le_bytes(),
            &height.to_le_bytes(),
            &0_u32.to_le_bytes(),
            &slice.to_le_bytes(),
            &root,
        ];
        running = sha3("hb/rh/2", step);
    }
    running
}

#[test]
fn chains_follow_the_documented_format() {
    let file: ChainFile = parsed("chains.json");
    for chain in &file.chains {
        let start = genesis(&chain.config);
        let mut tip = PlainTip {
            height: 0,
            epoch: 0,
            hash: start,
            time: 0,
            rollups: vec![(start, start); chain.config.rollups.len()],
        };
        let slots = chain.standing_slots();
        let followed = slots
            .iter()
            .map(|slot| follow(&mut tip, &chain.config, slot));
        assert_eq!(followed.sum::<u64>(), included(chain), "{}", chain.name);
        assert_eq!(tip.height, number::<u64>(&chain.tip.height));
        assert_eq!(tip.hash, digest(&chain.tip.hash));
        for (own, rollup) in tip.rollups.iter().zip(&chain.tip.rollups) {
            let expected = (digest(&rollup.sub_batch), digest(&rollup.running_hash));
            assert_eq!(*own, expected);
        }
    }
}

#[test]
fn slots_of_all_policies_follow_the_documented_format() {
    let file: PoliciesFile = parsed("policies.json");
    let policies: Vec<u8> = file.slots.iter().map(|slot| slot.config.policy).collect();
    assert_eq!(policies, [1, 2, 3, 4, 5, 2]);
    for vector in &file.slots {
        let start = genesis(&vector.config);
        let mut tip = PlainTip {
            height: 0,
            epoch: 0,
            hash: start,
            time: 0,
            rollups: vec![(start, start); vector.config.rollups.len()],
        };
        let slot = bytes(&vector.bytes);
        assert_eq!(
            follow(&mut tip, &vector.config, &slot),
            8,
            "{}",
            vector.name
        );
        assert_eq!(tip.hash, digest(&vector.hash));
        let (config, limits) = rebuilt(&vector.config);
        let verified = SlotVerifier::new(&config, &limits).verify(&slot).unwrap();
        assert_eq!(verified.hash.to_string(), vector.hash);
        assert_eq!(verified.set_root.to_string(), vector.set_root);
        if let Some(last) = vector.promised.last() {
            assert_eq!(tip.rollups[0].1, digest(last));
        }
    }
    // Six orders of the same transactions, no two alike.
    let mut orders: Vec<_> = file.slots.iter().map(|slot| &slot.order).collect();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), 6);
}

/// The greedy sequencing rule as its authors write it.
#[test]
fn the_rule_of_the_file_is_the_published_one() {
    let keeps = |vector: &RuleVector| {
        let start: i128 = number(&vector.reserve_start);
        let mut reserve = start;
        for (at, (side, quantity)) in vector.trades.iter().enumerate() {
            if vector.trades[at..].iter().all(|other| other.0 == *side) {
                return true;
            }
            let needs_buy = reserve >= start;
            if needs_buy != (side == "buy") {
                return false;
            }
            let quantity: i128 = number(quantity);
            reserve += if needs_buy { -quantity } else { quantity };
        }
        true
    };
    let file: PoliciesFile = parsed("policies.json");
    assert!(file.rule.iter().all(|vector| keeps(vector) == vector.holds));
    let holds: Vec<bool> = file.rule.iter().map(|vector| vector.holds).collect();
    assert_eq!(holds, [false, true, false, true, true, false, true]);
}

/// How many transactions the events of a chain place in a slot, no-ops of forced inputs with them.
fn included(chain: &ChainVector) -> u64 {
    let events = chain.steps.iter().flat_map(|step| match step {
        Step::Acknowledge { events, .. } => events.as_slice(),
        _ => &[],
    });
    events.filter(|event| event.height != "0").count() as u64
}

#[test]
fn a_verifier_made_from_the_file_alone_accepts_the_chains() {
    let file: ChainFile = parsed("chains.json");
    for chain in &file.chains {
        let (config, limits) = rebuilt(&chain.config);
        let mut verifier = SlotVerifier::new(&config, &limits);
        for slot in chain.standing_slots() {
            verifier.verify(&slot).unwrap();
        }
        assert_eq!(verifier.tip().hash.to_string(), chain.tip.hash);
    }
}

fn rebuilt(vector: &ConfigVector) -> (Config, Limits) {
    let rollups: Vec<RollupConfig> = vector
        .rollups
        .iter()
        .zip(&vector.nonce_modes)
        .map(|(id, mode)| RollupConfig {
            id: RollupId::new(*id),
            nonce_mode: match mode {
                0 => NonceMode::Sequential,
                1 => NonceMode::Window,
                _ => panic!("a mode of nonces that is none"),
            },
        })
        .collect();
    let config = Config {
        chain_id: number(&vector.chain_id),
        policy: Policy::from_byte(vector.policy)
            .and_then(|policy| policy.with_parameter(number(&vector.policy_parameter)))
            .unwrap(),
        fee_floor: Fee::new(number(&vector.fee_floor)),
        replay_protection: match number(&vector.expiry_horizon_ns) {
            0 => ReplayProtection::ByHost,
            horizon_ns => ReplayProtection::ByExpiry { horizon_ns },
        },
        shares: SegmentShares {
            pool_percent: vector.pool_percent,
            others_percent: vector.others_percent,
        },
        ..Config::default()
    };
    let limits = Limits {
        payload_bytes_max: vector.payload_bytes_max,
        slot_count_max: vector.slot_count_max,
        slot_bytes_max: vector.slot_bytes_max,
        slot_gas_max: number(&vector.slot_gas_max),
        ..Limits::default()
    };
    (config.with_rollups(&rollups).unwrap(), limits)
}
