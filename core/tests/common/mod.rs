//! What the tests of whole promises share: numbers from a seed, and small transactions.
#![allow(dead_code, reason = "each test uses its part")]

pub mod outside;
pub mod plain;

use hauptbuch_core::batch::SlotReader;
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{SliceError, Slot, TakeError, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Hash, Height, Nonce, PoolReserves, RollupId, Side, Submission,
    Tick, TradeHint, Transaction, TxId, UnixNs,
};

/// Numbers from a seed (SplitMix64).
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }
}

/// Every policy; buckets so narrow that a test's ticks fall into several.
pub const POLICIES: [Policy; 5] = [
    Policy::Fcfs,
    Policy::PriorityFee,
    Policy::TimeBucket { width_ns: 5 },
    Policy::Shuffle,
    Policy::Greedy,
];

pub const ROLLUPS: [RollupId; 2] = [RollupId::new(1), RollupId::new(4)];

pub fn config(policy: Policy) -> Config {
    let config = Config {
        policy,
        fee_floor: Fee::new(1),
        index_key: [3, 4],
        ..Config::default()
    };
    config.with_rollups(&ROLLUPS).unwrap()
}

/// So small that every kind of fullness is common.
pub fn tiny_limits() -> Limits {
    Limits {
        pending_count_max: 12,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        origin_count_max: 3,
        hint_count_max: 11,
        seen_count_max: 8,
        cancel_count_max: 4,
        pending_bytes_max: 12 * 128,
        payload_bytes_max: 200,
        sender_count_max: 8,
        nonce_gap_max: 4,
        slot_count_max: 4,
        slot_bytes_max: 600,
        slot_gas_max: 100,
        set_aside_count_max: 2,
        in_flight_count_max: 3,
        event_count_max: 8,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

pub fn envelope(rollup: RollupId, sender: u8, nonce: u64) -> Envelope {
    Envelope {
        rollup,
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(5),
        gas: Gas::new(10),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    }
}

/// A submission whose sender's account starts at nonce 0.
pub fn submission(envelope: Envelope, payload: &[u8]) -> Submission<'_> {
    let transaction = Transaction { envelope, payload };
    Submission {
        transaction,
        account_nonce: Some(Nonce::ZERO),
        origin: 0,
        hint: Some(hint_of(&envelope)),
    }
}

/// A trade that follows from the envelope, so that a transaction has the same one wherever it is
/// made.
pub fn hint_of(envelope: &Envelope) -> TradeHint {
    let number = envelope.nonce.get().wrapping_mul(7) ^ envelope.fee.get() ^ envelope.gas.get();
    TradeHint {
        pool: Address::new([(number % 2) as u8; 20]),
        side: [Side::Buy, Side::Sell][(number / 2 % 2) as usize],
        amount: 1 + u128::from(number % 50),
    }
}

/// What the pools of all those trades hold.
pub fn reserves() -> [PoolReserves; 4] {
    let pool = |rollup, pool| PoolReserves {
        rollup,
        pool: Address::new([pool; 20]),
        reserve0: 1_000,
        reserve1: 700,
    };
    let [first, second] = ROLLUPS;
    [
        pool(first, 0),
        pool(first, 1),
        pool(second, 0),
        pool(second, 1),
    ]
}

/// The next slot in one go, whatever its policy needs; the seed follows from the set's root, which
/// only a test may do.
pub fn take_any(
    own: &mut TransactionCoordinator,
    now: Tick,
    time: UnixNs,
    when_empty: WhenEmpty,
) -> Result<Option<Slot<'_>>, TakeError> {
    match own.take_with_reserves(now, time, when_empty, &reserves()) {
        Err(TakeError::SeedNeeded) => {}
        Ok(Some(slot)) => {
            let height = slot.header.height;
            return Ok(own.slot(height));
        }
        other => return other.map(|_| None),
    }
    match own.fix_set(now, time, when_empty)? {
        None => Ok(None),
        Some(set) => {
            let seed = Hash::new(*set.root.as_bytes());
            Ok(Some(own.seal_with_seed(seed).expect("a set was fixed")))
        }
    }
}

/// The ids of a slot's transactions, rollup by rollup.
pub fn ids_of(slot: &[u8], limits: &Limits) -> Vec<(RollupId, TxId)> {
    let mut reader = SlotReader::new(slot, limits).unwrap();
    let mut ids = Vec::new();
    while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
        for (bytes, transaction, _) in sub_batch.iter() {
            let id = hauptbuch_core::crypto::hash::transaction_id(bytes);
            ids.push((transaction.envelope.rollup, id));
        }
    }
    ids
}

/// Opens a slot, fills the open one by a slice, or seals it and returns its height: whatever
/// its policy offers.
pub fn step_open_slot(
    own: &mut TransactionCoordinator,
    now: Tick,
    time: UnixNs,
    may_seal: bool,
) -> Option<Height> {
    if own.open_height().is_none() {
        let opened = own.open_slot(now, time).map(|_| ());
        if opened == Err(TakeError::SlicesNotOffered) {
            let _no_set = own.fix_set(now, time, WhenEmpty::NoSlot);
        }
        return None;
    }
    let sealed = match own.add_slice(now, SlotRoom::UNLIMITED) {
        Ok(_) if !may_seal => return None,
        Err(SliceError::SlicesNotOffered) => own.seal_with_seed(Hash::new([9; 32])),
        _ => own.seal(),
    };
    sealed.ok().map(|slot| slot.header.height)
}
