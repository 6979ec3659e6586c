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
    /// Pool, side and what is paid.
    pub trade: (u8, u8, u128),
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

    fn evidence(&self, pools: Option<&[PlainPool]>) -> Vec<u8> {
        let mut out = self.index.to_le_bytes().to_vec();
        out.extend(self.tick.to_le_bytes());
        if let Some(pools) = pools {
            let (pool, side, amount) = self.trade;
            let place = pools.iter().position(|own| own.pool == pool);
            out.extend((place.unwrap_or(99) as u32).to_le_bytes());
            out.push(side);
            out.extend(amount.to_le_bytes());
        }
        out
    }
}

/// A pool with what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainPool {
    pub rollup: u32,
    pub pool: u8,
    pub reserves: [u128; 2],
}

impl PlainPool {
    fn encode(&self) -> Vec<u8> {
        let mut out = [self.pool; 20].to_vec();
        self.reserves
            .iter()
            .for_each(|own| out.extend(own.to_le_bytes()));
        out
    }
}

/// A sub-batch: what it holds, and every field of its header.
#[derive(Clone, Debug, Default)]
pub struct PlainSubBatch {
    pub rows: Vec<PlainRow>,
    /// Each with its inbox index and outcome.
    pub forced: Vec<(PlainRow, u64, u8)>,
    /// Each with the number of its bundle, its own, and the bundle's leg count.
    pub legs: Vec<(PlainRow, u32, u8, u8)>,
    pub rollup: u32,
    pub height: u64,
    pub parent: Digest,
    pub policy: u8,
    pub policy_parameter: u64,
    pub seed: Digest,
    /// Where each slice ends.
    pub slice_ends: Vec<u32>,
    /// The pools that are traded with, under the greedy rule.
    pub pools: Option<Vec<PlainPool>>,
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
        let mut out = std::vec![2];
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
        digest(b"hb/sb/2", &[&self.encode_header()])
    }

    pub fn encode_evidence(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.slice_ends
            .iter()
            .for_each(|end| out.extend(end.to_le_bytes()));
        if let Some(pools) = &self.pools {
            out.extend((pools.len() as u32).to_le_bytes());
            pools.iter().for_each(|pool| out.extend(pool.encode()));
        }
        let pools = self.pools.as_deref();
        self.rows
            .iter()
            .for_each(|row| out.extend(row.evidence(pools)));
        for (_, index, outcome) in &self.forced {
            out.extend(index.to_le_bytes());
            out.push(*outcome);
        }
        for (_, bundle, leg, leg_count) in &self.legs {
            out.extend(bundle.to_le_bytes());
            out.extend([*leg, *leg_count]);
        }
        out
    }

    /// The transactions of all segments.
    pub fn all(&self) -> impl Iterator<Item = &PlainRow> {
        let forced = self.forced.iter().map(|own| &own.0);
        let legs = self.legs.iter().map(|own| &own.0);
        forced.chain(&self.rows).chain(legs)
    }

    /// The same with forced inputs and legs, after the running hash `before` of the rollup, as the
    /// only slice.
    pub fn with_segments(
        mut self,
        before: Digest,
        forced: Vec<(PlainRow, u64, u8)>,
        legs: Vec<(PlainRow, u32, u8, u8)>,
    ) -> Self {
        (self.forced, self.legs) = (forced, legs);
        self.counts = [self.forced.len(), 0, self.rows.len(), self.legs.len()].map(|n| n as u32);
        let id = |row: &PlainRow| digest(b"hb/tx/1", &[&row.encode()]);
        let ids: Vec<Digest> = self.all().map(id).collect();
        let (forced, rest) = ids.split_at(self.forced.len());
        let (pool, legs) = rest.split_at(self.rows.len());
        self.running_hash = before;
        for (number, segment) in [(u16::MAX, forced), (0, pool), (u16::MAX - 1, legs)] {
            if number != 0 && segment.is_empty() {
                continue;
            }
            self.running_hash = digest(
                b"hb/rh/2",
                &[
                    &self.running_hash,
                    &self.rollup.to_le_bytes(),
                    &[self.policy],
                    &0_u64.to_le_bytes(),
                    &self.height.to_le_bytes(),
                    &0_u32.to_le_bytes(),
                    &number.to_le_bytes(),
                    &merkle_root(segment),
                ],
            );
        }
        self.transaction_root = merkle_root(&ids);
        self.bytes = self.all().map(|row| row.encode().len() as u64).sum();
        self.gas = self.all().map(|row| row.gas).sum();
        self.with_evidence()
    }

    /// Computes the root over the evidence again.
    pub fn with_evidence(mut self) -> Self {
        self.evidence_root = digest(b"hb/ev/2", &[&self.encode_evidence()]);
        self
    }
}

/// A slot: every field of its header, and its sub-batches.
#[derive(Clone, Debug)]
pub struct PlainSlot {
    pub height: u64,
    pub epoch: u64,
    pub parent: Digest,
    pub time: u64,
    pub changes_hash: Digest,
    pub changes_len: u32,
    pub next_membership: Digest,
    pub openings_root: Digest,
    pub sub_batch_count: u16,
    pub slice_count: u16,
    pub sub_batch_root: Digest,
    pub bundle_root: Digest,
    pub state_root: Digest,
    /// The bytes of membership changes.
    pub changes: Vec<u8>,
    pub sub_batches: Vec<PlainSubBatch>,
}

impl PlainSlot {
    fn encode_header(&self) -> Vec<u8> {
        let mut out = std::vec![3];
        out.extend(self.height.to_le_bytes());
        out.extend(self.epoch.to_le_bytes());
        out.extend(self.parent);
        out.extend(self.time.to_le_bytes());
        out.extend(self.changes_hash);
        out.extend(self.changes_len.to_le_bytes());
        out.extend(self.next_membership);
        out.extend(self.openings_root);
        out.extend(self.sub_batch_count.to_le_bytes());
        out.extend(self.slice_count.to_le_bytes());
        out.extend(self.sub_batch_root);
        out.extend(self.bundle_root);
        out.extend(self.state_root);
        out
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_header();
        out.extend(&self.changes);
        for sub_batch in &self.sub_batches {
            out.extend(sub_batch.encode_header());
            sub_batch.all().for_each(|row| out.extend(row.encode()));
            out.extend(sub_batch.encode_evidence());
        }
        out
    }

    /// With these membership changes, which the header binds.
    pub fn with_changes(mut self, changes: &[u8]) -> Self {
        let len = changes.len() as u64;
        self.changes_hash = match changes {
            [] => [0; 32],
            _ => digest(b"hb/mc/1", &[&len.to_le_bytes(), changes]),
        };
        self.changes_len = changes.len() as u32;
        self.changes = changes.to_vec();
        self
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
    pub policy_parameter: u64,
    pub fee_floor: u64,
    pub horizon_ns: u64,
    pub payload_bytes_max: u32,
    pub slot_count_max: u32,
    pub slot_bytes_max: u32,
    pub slot_gas_max: u64,
    pub pool_percent: u8,
    pub others_percent: u8,
    pub rollups: Vec<u32>,
}

/// The parameter of a committee: n, f, quorum, who counts, how it is ranked.
pub fn encode_committee(numbers: [u8; 5]) -> u64 {
    (0..)
        .zip(numbers)
        .map(|(at, number)| u64::from(number) << (8 * at))
        .sum()
}

impl PlainGenesis {
    pub fn hash(&self) -> Digest {
        let mut out = std::vec![5];
        out.extend(self.chain_id.to_le_bytes());
        out.push(self.policy);
        out.extend(self.policy_parameter.to_le_bytes());
        out.extend(self.fee_floor.to_le_bytes());
        out.extend(self.horizon_ns.to_le_bytes());
        out.extend(self.payload_bytes_max.to_le_bytes());
        out.extend(self.slot_count_max.to_le_bytes());
        out.extend(self.slot_bytes_max.to_le_bytes());
        out.extend(self.slot_gas_max.to_le_bytes());
        out.extend([self.pool_percent, self.others_percent]);
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
    pub policy_parameter: u64,
    /// Of the next slots, where the policy wants one.
    pub seed: Digest,
    /// What the pools hold before the next slots.
    pub pools: Vec<PlainPool>,
    pub height: u64,
    pub epoch: u64,
    pub hash: Digest,
    pub time: u64,
    pub rollups: Vec<(u32, Digest, Digest)>,
}

impl PlainChain {
    pub fn new(genesis: &PlainGenesis) -> Self {
        let hash = genesis.hash();
        Self {
            policy: genesis.policy,
            policy_parameter: genesis.policy_parameter,
            seed: if genesis.policy == 4 { SEED } else { [0; 32] },
            pools: all_pools(&genesis.rollups),
            height: 0,
            epoch: 0,
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
        self.slot_of_slices(&[rows], time)
    }

    /// The same from slices.
    pub fn slot_of_slices(&self, slices: &[&[PlainRow]], time: u64) -> PlainSlot {
        let of = |rollup: u32| {
            let own = |slice: &&[PlainRow]| {
                let own = slice.iter().filter(|row| row.rollup == rollup);
                own.cloned().collect()
            };
            slices.iter().map(own).collect::<Vec<Vec<PlainRow>>>()
        };
        let sub_batches = self
            .rollups
            .iter()
            .enumerate()
            .map(|(place, own)| self.sub_batch_of_slices(place, &of(own.0)));
        PlainSlot {
            height: self.height + 1,
            epoch: self.epoch,
            parent: self.hash,
            time,
            changes_hash: [0; 32],
            changes_len: 0,
            next_membership: [0; 32],
            openings_root: [0; 32],
            sub_batch_count: self.rollups.len() as u16,
            slice_count: slices.len() as u16,
            sub_batch_root: [0; 32],
            bundle_root: [0; 32],
            state_root: [0; 32],
            changes: Vec::new(),
            sub_batches: sub_batches.collect(),
        }
        .sealed()
    }

    /// The next sub-batch of the rollup at `place` with these rows, and all roots right.
    pub fn sub_batch(&self, place: usize, rows: Vec<PlainRow>) -> PlainSubBatch {
        self.sub_batch_of_slices(place, &[rows])
    }

    fn sub_batch_of_slices(&self, place: usize, slices: &[Vec<PlainRow>]) -> PlainSubBatch {
        let (rollup, parent, running) = self.rollups[place];
        let height = self.height + 1;
        let root = |rows: &[PlainRow]| {
            let leaf = |row: &PlainRow| digest(b"hb/tx/1", &[&row.encode()]);
            merkle_root(&rows.iter().map(leaf).collect::<Vec<_>>())
        };
        let mut running_hash = running;
        let (epoch, round) = (self.epoch, 0_u32);
        for (slice, rows) in (0_u16..).zip(slices) {
            running_hash = digest(
                b"hb/rh/2",
                &[
                    &running_hash,
                    &rollup.to_le_bytes(),
                    &[self.policy],
                    &epoch.to_le_bytes(),
                    &height.to_le_bytes(),
                    &round.to_le_bytes(),
                    &slice.to_le_bytes(),
                    &root(rows),
                ],
            );
        }
        let rows = slices.concat();
        let transaction_root = root(&rows);
        let encoded: Vec<Vec<u8>> = rows.iter().map(PlainRow::encode).collect();
        let ends = slices.iter().scan(0, |end, slice| {
            *end += slice.len() as u32;
            Some(*end)
        });
        let is_used = |own: &&PlainPool| {
            own.rollup == rollup && rows.iter().any(|row| row.trade.0 == own.pool)
        };
        let used = || self.pools.iter().filter(is_used).copied().collect();
        PlainSubBatch {
            rollup,
            height,
            parent,
            policy: self.policy,
            policy_parameter: self.policy_parameter,
            seed: self.seed,
            slice_ends: ends.collect(),
            pools: (self.policy == 5).then(used),
            transaction_root,
            counts: [0, 0, rows.len() as u32, 0],
            bytes: encoded.iter().map(|row| row.len() as u64).sum(),
            gas: rows.iter().map(|row| row.gas).sum(),
            running_hash,
            rows,
            ..PlainSubBatch::default()
        }
        .with_evidence()
    }

    pub fn advance(&mut self, slot: &PlainSlot) {
        self.height = slot.height;
        self.time = slot.time;
        self.epoch += u64::from(slot.next_membership != [0; 32]);
        self.hash = digest(b"hb/sl/3", &[&slot.encode_header()]);
        for (own, sub_batch) in self.rollups.iter_mut().zip(&slot.sub_batches) {
            (own.1, own.2) = (sub_batch.hash(), sub_batch.running_hash);
        }
    }
}

/// The seed of every shuffle.
pub const SEED: Digest = [0x5e; 32];

/// Pools 1 and 2 on every rollup.
pub fn all_pools(rollups: &[u32]) -> Vec<PlainPool> {
    let pool = |rollup: u32, pool: u8| PlainPool {
        rollup,
        pool,
        reserves: [100 * u128::from(pool), 300],
    };
    let both = |rollup: &u32| [pool(*rollup, 1), pool(*rollup, 2)];
    rollups.iter().flat_map(both).collect()
}

/// The order of one slot that holds everything, by the definition of a policy. Senders' lines start
/// at nonce 0.
pub fn policy_order(rows: &[PlainRow], policy: u8, parameter: u64) -> Vec<PlainRow> {
    let mut rollups: Vec<u32> = rows.iter().map(|row| row.rollup).collect();
    rollups.sort_unstable();
    rollups.dedup();
    let of = |rollup: u32| -> Vec<PlainRow> {
        let own = rows.iter().filter(|row| row.rollup == rollup);
        own.cloned().collect()
    };
    match policy {
        4 => rollups
            .into_iter()
            .flat_map(|id| shuffled(of(id)))
            .collect(),
        5 => {
            let order = |id| greedy_order(of(id), &all_pools(&[id]));
            rollups.into_iter().flat_map(order).collect()
        }
        _ => keyed_order(rows, policy, parameter),
    }
}

/// The first among all heads by its key, again and again.
fn keyed_order(rows: &[PlainRow], policy: u8, parameter: u64) -> Vec<PlainRow> {
    let mut left = rows.to_vec();
    let mut next = std::collections::BTreeMap::<(u32, u8), u64>::new();
    let mut order = Vec::new();
    loop {
        let is_head =
            |row: &PlainRow| next.get(&(row.rollup, row.sender)).copied().unwrap_or(0) == row.nonce;
        let key = |row: &PlainRow| match policy {
            1 => (0, 0, row.index),
            2 => (0, u64::MAX - row.fee, row.index),
            3 => (row.tick / parameter, u64::MAX - row.fee, row.index),
            other => panic!("no policy {other}"),
        };
        let heads = left.iter().enumerate().filter(|(_, row)| is_head(row));
        let first = heads.min_by_key(|(_, row)| key(row));
        let Some((at, _)) = first else { return order };
        let row = left.remove(at);
        next.insert((row.rollup, row.sender), row.nonce + 1);
        order.push(row);
    }
}

fn shuffled(mut rows: Vec<PlainRow>) -> Vec<PlainRow> {
    rows.sort_by_key(|row| {
        let sender = [row.sender; 20];
        let group = digest(b"hb/sd/1", &[&SEED, &row.rollup.to_le_bytes(), &sender]);
        (group, row.nonce)
    });
    rows
}

/// The greedy rule for one rollup, in numbers that never need more than 128 bits.
fn greedy_order(mut left: Vec<PlainRow>, pools: &[PlainPool]) -> Vec<PlainRow> {
    let mut now = pools.to_vec();
    let mut order = Vec::new();
    while !left.is_empty() {
        let wants = |row: &&PlainRow| {
            let (pool, side, _) = row.trade;
            let at = pools.iter().position(|own| own.pool == pool).unwrap();
            let favoured = u8::from(now[at].reserves[0] < pools[at].reserves[0]);
            let is_left = left
                .iter()
                .any(|own| own.trade.0 == pool && own.trade.1 == favoured);
            side == if is_left { favoured } else { 1 - favoured }
        };
        let head_of = |row: &PlainRow| {
            let same = left.iter().filter(|own| own.sender == row.sender);
            same.min_by_key(|own| own.nonce).unwrap().index
        };
        let wanted = || left.iter().filter(wants);
        let heads = wanted().filter(|row| head_of(row) == row.index);
        let first = heads.map(|row| row.index).min();
        let next = first.unwrap_or_else(|| head_of(wanted().min_by_key(|row| row.index).unwrap()));
        let at = left.iter().position(|row| row.index == next).unwrap();
        let row = left.remove(at);
        let (pool, side, amount) = row.trade;
        let own = now.iter_mut().find(|own| own.pool == pool).unwrap();
        let (paid_in, paid_out) = (usize::from(1 - side), usize::from(side));
        let output = own.reserves[paid_out] * amount / (own.reserves[paid_in] + amount);
        own.reserves[paid_in] += amount;
        own.reserves[paid_out] -= output;
        order.push(row);
    }
    order
}
