//! The slot format a second time, from its description: growing vectors and plain SHA3-256.
//!
//! Nothing here calls the library's encoder, hashes or trees.

use sha3::{Digest as _, Sha3_256};
use std::vec::Vec;

pub type Digest = [u8; 32];

pub fn digest(domain: &[u8; 7], parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha3_256::new();
    hasher.update(domain);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

pub fn merkle_root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        let node = |children: &[Digest]| digest(b"hb/mn/1", &[&children.concat()]);
        level = level.chunks(4).map(node).collect();
    }
    let top = level.first().copied().unwrap_or_default();
    digest(b"hb/mr/1", &[&(leaves.len() as u64).to_le_bytes(), &top])
}

/// A transaction with its recorded arrival.
#[derive(Clone, Debug)]
pub struct PlainRow {
    pub rollup: u32,
    pub sender: u8,
    pub recipient: u8,
    pub amount: u128,
    pub nonce: u64,
    pub fee: u64,
    pub gas: u64,
    pub expiry: u64,
    pub payload: Vec<u8>,
    pub index: u64,
    pub tick: u64,
}

impl PlainRow {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = std::vec![1, 0];
        out.extend(self.rollup.to_le_bytes());
        out.extend([self.sender; 20]);
        out.extend([self.recipient; 20]);
        out.extend(self.amount.to_le_bytes());
        for number in [self.nonce, self.fee, self.gas, self.expiry] {
            out.extend(number.to_le_bytes());
        }
        out.extend((self.payload.len() as u32).to_le_bytes());
        out.extend(&self.payload);
        out
    }

    fn evidence(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.index.to_le_bytes());
        out[8..].copy_from_slice(&self.tick.to_le_bytes());
        out
    }
}

/// A sub-batch: what it holds, and every field of its header.
#[derive(Clone, Debug, Default)]
pub struct PlainSubBatch {
    pub rows: Vec<PlainRow>,
    pub rollup: u32,
    pub height: u64,
    pub parent: Digest,
    pub policy: u8,
    pub policy_parameter: u64,
    pub seed: Digest,
    pub evidence_root: Digest,
    pub transaction_root: Digest,
    pub counts: [u32; 4],
    pub bytes: u64,
    pub gas: u64,
    pub running_hash: Digest,
    pub outbox_root: Digest,
}

impl PlainSubBatch {
    fn encode_header(&self) -> Vec<u8> {
        let mut out = std::vec![1];
        out.extend(self.rollup.to_le_bytes());
        out.extend(self.height.to_le_bytes());
        out.extend(self.parent);
        out.push(self.policy);
        out.extend(self.policy_parameter.to_le_bytes());
        out.extend(self.seed);
        out.extend(self.evidence_root);
        out.extend(self.transaction_root);
        self.counts
            .iter()
            .for_each(|count| out.extend(count.to_le_bytes()));
        out.extend(self.bytes.to_le_bytes());
        out.extend(self.gas.to_le_bytes());
        out.extend(self.running_hash);
        out.extend(self.outbox_root);
        out
    }

    fn hash(&self) -> Digest {
        digest(b"hb/sb/1", &[&self.encode_header()])
    }
}

/// A slot: every field of its header, and its sub-batches.
#[derive(Clone, Debug)]
pub struct PlainSlot {
    pub height: u64,
    pub epoch: u64,
    pub parent: Digest,
    pub time: u64,
    pub membership_root: Digest,
    pub openings_root: Digest,
    pub sub_batch_count: u16,
    pub sub_batch_root: Digest,
    pub bundle_root: Digest,
    pub state_root: Digest,
    pub sub_batches: Vec<PlainSubBatch>,
}

impl PlainSlot {
    fn encode_header(&self) -> Vec<u8> {
        let mut out = std::vec![1];
        out.extend(self.height.to_le_bytes());
        out.extend(self.epoch.to_le_bytes());
        out.extend(self.parent);
        out.extend(self.time.to_le_bytes());
        out.extend(self.membership_root);
        out.extend(self.openings_root);
        out.extend(self.sub_batch_count.to_le_bytes());
        out.extend(self.sub_batch_root);
        out.extend(self.bundle_root);
        out.extend(self.state_root);
        out
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_header();
        for sub_batch in &self.sub_batches {
            out.extend(sub_batch.encode_header());
            sub_batch
                .rows
                .iter()
                .for_each(|row| out.extend(row.encode()));
            sub_batch
                .rows
                .iter()
                .for_each(|row| out.extend(row.evidence()));
        }
        out
    }

    /// Computes the root over the sub-batches' headers again.
    pub fn sealed(mut self) -> Self {
        let hashes: Vec<Digest> = self.sub_batches.iter().map(PlainSubBatch::hash).collect();
        self.sub_batch_root = merkle_root(&hashes);
        self
    }
}

/// What every member agrees on.
#[derive(Clone, Debug)]
pub struct PlainGenesis {
    pub chain_id: u64,
    pub policy: u8,
    pub fee_floor: u64,
    pub horizon_ns: u64,
    pub payload_bytes_max: u32,
    pub slot_count_max: u32,
    pub slot_bytes_max: u32,
    pub slot_gas_max: u64,
    pub rollups: Vec<u32>,
}

impl PlainGenesis {
    pub fn hash(&self) -> Digest {
        let mut out = std::vec![2];
        out.extend(self.chain_id.to_le_bytes());
        out.push(self.policy);
        out.extend(self.fee_floor.to_le_bytes());
        out.extend(self.horizon_ns.to_le_bytes());
        out.extend(self.payload_bytes_max.to_le_bytes());
        out.extend(self.slot_count_max.to_le_bytes());
        out.extend(self.slot_bytes_max.to_le_bytes());
        out.extend(self.slot_gas_max.to_le_bytes());
        out.extend((self.rollups.len() as u16).to_le_bytes());
        for rollup in &self.rollups {
            out.extend(rollup.to_le_bytes());
            // Nonces one after another.
            out.push(0);
        }
        digest(b"hb/gn/1", &[&out])
    }
}

/// Where the chain stands: slots and, for each rollup, sub-batches and running hash.
#[derive(Clone, Debug)]
pub struct PlainChain {
    pub policy: u8,
    pub height: u64,
    pub hash: Digest,
    pub time: u64,
    pub rollups: Vec<(u32, Digest, Digest)>,
}

impl PlainChain {
    pub fn new(genesis: &PlainGenesis) -> Self {
        let hash = genesis.hash();
        Self {
            policy: genesis.policy,
            height: 0,
            hash,
            time: 0,
            rollups: genesis
                .rollups
                .iter()
                .map(|rollup| (*rollup, hash, hash))
                .collect(),
        }
    }

    /// The next slot with these rows, each rollup's in their order, and all roots right.
    pub fn slot(&self, rows: &[PlainRow], time: u64) -> PlainSlot {
        let of = |rollup: u32| {
            rows.iter()
                .filter(|row| row.rollup == rollup)
                .cloned()
                .collect()
        };
        let sub_batches = self
            .rollups
            .iter()
            .enumerate()
            .map(|(place, own)| self.sub_batch(place, of(own.0)));
        PlainSlot {
            height: self.height + 1,
            epoch: 0,
            parent: self.hash,
            time,
            membership_root: [0; 32],
            openings_root: [0; 32],
            sub_batch_count: self.rollups.len() as u16,
            sub_batch_root: [0; 32],
            bundle_root: [0; 32],
            state_root: [0; 32],
            sub_batches: sub_batches.collect(),
        }
        .sealed()
    }

    /// The next sub-batch of the rollup at `place` with these rows, and all roots right.
    pub fn sub_batch(&self, place: usize, rows: Vec<PlainRow>) -> PlainSubBatch {
        let (rollup, parent, running) = self.rollups[place];
        let height = self.height + 1;
        let encoded: Vec<Vec<u8>> = rows.iter().map(PlainRow::encode).collect();
        let leaves: Vec<Digest> = encoded
            .iter()
            .map(|row| digest(b"hb/tx/1", &[row]))
            .collect();
        let evidence: Vec<u8> = rows.iter().flat_map(PlainRow::evidence).collect();
        let transaction_root = merkle_root(&leaves);
        let (epoch, round) = (0_u64, 0_u32);
        let running_hash = digest(
            b"hb/rh/1",
            &[
                &running,
                &rollup.to_le_bytes(),
                &[self.policy],
                &epoch.to_le_bytes(),
                &height.to_le_bytes(),
                &round.to_le_bytes(),
                &transaction_root,
            ],
        );
        PlainSubBatch {
            rollup,
            height,
            parent,
            policy: self.policy,
            evidence_root: digest(b"hb/ev/1", &[&evidence]),
            transaction_root,
            counts: [0, 0, rows.len() as u32, 0],
            bytes: encoded.iter().map(|row| row.len() as u64).sum(),
            gas: rows.iter().map(|row| row.gas).sum(),
            running_hash,
            rows,
            ..PlainSubBatch::default()
        }
    }

    pub fn advance(&mut self, slot: &PlainSlot) {
        self.height = slot.height;
        self.time = slot.time;
        self.hash = digest(b"hb/sl/1", &[&slot.encode_header()]);
        for (own, sub_batch) in self.rollups.iter_mut().zip(&slot.sub_batches) {
            (own.1, own.2) = (sub_batch.hash(), sub_batch.running_hash);
        }
    }
}

/// The order of one slot that holds everything, by its definition: the first among all heads,
/// again and again. Senders' lines start at nonce 0.
pub fn policy_order(rows: &[PlainRow], by_fee: bool) -> Vec<PlainRow> {
    let mut left = rows.to_vec();
    let mut next = std::collections::BTreeMap::<(u32, u8), u64>::new();
    let mut order = Vec::new();
    loop {
        let is_head =
            |row: &PlainRow| next.get(&(row.rollup, row.sender)).copied().unwrap_or(0) == row.nonce;
        let heads = left.iter().enumerate().filter(|(_, row)| is_head(row));
        let first =
            heads.min_by_key(|(_, row)| (if by_fee { u64::MAX - row.fee } else { 0 }, row.index));
        let Some((at, _)) = first else { return order };
        let row = left.remove(at);
        next.insert((row.rollup, row.sender), row.nonce + 1);
        order.push(row);
    }
}
