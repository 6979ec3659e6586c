//! Slots against a second writer of the same format, and the verifier against everything else.

mod context;
mod hostile;
mod logged;
mod plain;
mod refused;
mod segments;

use std::vec;
use std::vec::Vec;

use super::*;
use crate::config::{Config, Policy, ReplayProtection};
use crate::coordinator::{Slot, TransactionCoordinator, WhenEmpty};
use crate::types::{
    Address, Envelope, Fee, Gas, Hash, Nonce, PoolReserves, RollupId, Side, Submission, Tick,
    TradeHint, Transaction, TransactionKind, UnixNs,
};
use plain::{PlainChain, PlainGenesis, PlainRow, PlainSlot, SEED, all_pools, policy_order};

/// Every policy; buckets so narrow that the rows fall into several.
const POLICIES: [Policy; 5] = [
    Policy::Fcfs,
    Policy::PriorityFee,
    Policy::TimeBucket { width_ns: 2 },
    Policy::Shuffle,
    Policy::Greedy,
];

const ROLLUPS: [u32; 3] = [2, 5, 9];
const TIME: u64 = 1_000_000;

/// A network that exists twice: as the library's configuration and as plain numbers.
struct Network {
    config: Config,
    limits: Limits,
    genesis: PlainGenesis,
}

impl Network {
    fn new(policy: Policy, horizon_ns: Option<u64>) -> Self {
        let limits = Limits {
            payload_bytes_max: 400,
            slot_count_max: 8,
            slot_bytes_max: 2_000,
            slot_gas_max: 1_000,
            pending_count_max: 32,
            rollup_reserved_count: 0,
            quiet_reserved_count: 0,
            pending_bytes_max: 32 << 10,
            sender_count_max: 32,
            set_aside_count_max: 8,
            event_count_max: 16,
            ..Limits::default()
        };
        let config = Config {
            chain_id: 77,
            policy,
            fee_floor: Fee::new(3),
            replay_protection: match horizon_ns {
                Some(horizon_ns) => ReplayProtection::ByExpiry { horizon_ns },
                None => ReplayProtection::ByHost,
            },
            index_key: [5, 6],
            ..Config::default()
        };
        let genesis = PlainGenesis {
            chain_id: 77,
            policy: 1 + POLICIES.iter().position(|own| *own == policy).unwrap() as u8,
            policy_parameter: if matches!(policy, Policy::TimeBucket { .. }) {
                2
            } else {
                0
            },
            fee_floor: 3,
            horizon_ns: horizon_ns.unwrap_or(0),
            payload_bytes_max: 400,
            slot_count_max: 8,
            slot_bytes_max: 2_000,
            slot_gas_max: 1_000,
            pool_percent: 50,
            others_percent: 0,
            rollups: ROLLUPS.to_vec(),
        };
        let config = config.with_rollups(&ROLLUPS.map(RollupId::new)).unwrap();
        Self {
            config,
            limits,
            genesis,
        }
    }

    fn verifier(&self) -> SlotVerifier {
        SlotVerifier::new(&self.config, &self.limits)
    }

    fn coordinator(&self) -> TransactionCoordinator {
        TransactionCoordinator::new(&self.config, &self.limits).unwrap()
    }

    /// The order of rows that fit one slot.
    fn order(&self, rows: &[PlainRow]) -> Vec<PlainRow> {
        policy_order(rows, self.genesis.policy, self.genesis.policy_parameter)
    }

    fn chain(&self) -> PlainChain {
        PlainChain::new(&self.genesis)
    }
}

fn row(rollup: u32, sender: u8, nonce: u64, fee: u64, index: u64) -> PlainRow {
    PlainRow {
        rollup,
        sender,
        recipient: 0xaa,
        amount: u128::from(fee) << 70,
        nonce,
        fee,
        gas: 20 + index,
        expiry: TIME + 500,
        payload: vec![index as u8; 10 * index as usize],
        index,
        tick: 100 + index / 2,
        trade: (
            1 + (index == 4) as u8,
            (index % 2) as u8,
            5 + u128::from(index),
        ),
    }
}

/// Two senders with two transactions each and one with one, on the first and the last rollup; the
/// one in the middle stays empty.
fn rows() -> Vec<PlainRow> {
    vec![
        row(2, 1, 0, 10, 0),
        row(9, 1, 0, 4, 1),
        row(2, 2, 0, 30, 2),
        row(2, 1, 1, 40, 3),
        row(9, 7, 0, 9, 4),
        row(9, 1, 1, 50, 5),
    ]
}

fn submit(coordinator: &mut TransactionCoordinator, row: &PlainRow) {
    let envelope = Envelope {
        rollup: RollupId::new(row.rollup),
        sender: Address::new([row.sender; 20]),
        recipient: Address::new([row.recipient; 20]),
        amount: row.amount,
        nonce: Nonce::new(row.nonce),
        fee: Fee::new(row.fee),
        gas: Gas::new(row.gas),
        expiry: UnixNs::new(row.expiry),
        kind: TransactionKind::Plain,
    };
    let transaction = Transaction {
        envelope,
        payload: &row.payload,
    };
    let submission = Submission {
        transaction,
        account_nonce: Some(Nonce::ZERO),
        origin: 0,
        hint: Some(TradeHint {
            pool: Address::new([row.trade.0; 20]),
            side: Side::from_byte(row.trade.1).unwrap(),
            amount: row.trade.2,
        }),
    };
    coordinator
        .submit(&submission, Tick::new(row.tick), UnixNs::new(TIME))
        .unwrap();
}

/// The next slot in one go, whatever the policy needs for it.
fn take(
    coordinator: &mut TransactionCoordinator,
    policy: Policy,
    now: Tick,
    time: UnixNs,
    when_empty: WhenEmpty,
) -> Option<Slot<'_>> {
    if policy == Policy::Shuffle {
        coordinator.fix_set(now, time, when_empty).unwrap()?;
        return Some(coordinator.seal_with_seed(Hash::new(SEED)).unwrap());
    }
    let pools = all_pools(&ROLLUPS).into_iter().map(|own| PoolReserves {
        rollup: RollupId::new(own.rollup),
        pool: Address::new([own.pool; 20]),
        reserve0: own.reserves[0],
        reserve1: own.reserves[1],
    });
    let pools: Vec<PoolReserves> = pools.collect();
    coordinator
        .take_with_reserves(now, time, when_empty, &pools)
        .unwrap()
}

/// The plain slots of a chain of three: full, empty, one transaction.
fn three_slots(network: &Network) -> Vec<PlainSlot> {
    let mut chain = network.chain();
    let last = row(5, 3, 0, 3, 6);
    [
        (network.order(&rows()), TIME),
        (Vec::new(), TIME),
        (vec![last], TIME + 1),
    ]
    .iter()
    .map(|(rows, time)| {
        let slot = chain.slot(rows, *time);
        chain.advance(&slot);
        slot
    })
    .collect()
}

#[test]
fn the_builder_writes_what_the_format_says() {
    for policy in &POLICIES {
        for horizon_ns in [None, Some(500)] {
            let network = Network::new(*policy, horizon_ns);
            let mut coordinator = network.coordinator();
            let (plain, mut built) = (three_slots(&network), Vec::new());
            rows().iter().for_each(|row| submit(&mut coordinator, row));
            for (place, when_empty) in [WhenEmpty::NoSlot, WhenEmpty::EmptySlot, WhenEmpty::NoSlot]
                .into_iter()
                .enumerate()
            {
                let now = Tick::new(200 + place as u64);
                if place == 2 {
                    submit(
                        &mut coordinator,
                        &PlainRow {
                            tick: 103,
                            ..row(5, 3, 0, 3, 6)
                        },
                    );
                }
                let time = UnixNs::new(plain[place].time);
                let now = now.min(Tick::new(103));
                let slot = take(&mut coordinator, *policy, now, time, when_empty).unwrap();
                built.push(slot.bytes.to_vec());
                assert_eq!(
                    slot.hash,
                    SlotReader::new(slot.bytes, &network.limits)
                        .unwrap()
                        .header()
                        .hash()
                );
                let height = slot.header.height;
                coordinator.acknowledge(height, Tick::new(103)).unwrap();
                while coordinator.poll_event().is_some() {}
            }
            for (built, plain) in built.iter().zip(&plain) {
                assert_eq!(
                    *built,
                    plain.encode(),
                    "{policy:?}, height {}",
                    plain.height
                );
            }
        }
    }
}

#[test]
fn a_follower_reads_what_was_written() {
    for policy in &POLICIES {
        let network = Network::new(*policy, Some(501));
        let (mut follower, mut chain) = (network.verifier(), network.chain());
        for slot in three_slots(&network) {
            let bytes = slot.encode();
            let verified = follower.verify(&bytes).unwrap();
            chain.advance(&slot);
            let all: Vec<_> = slot
                .sub_batches
                .iter()
                .flat_map(|own| own.rows.iter())
                .collect();
            assert_eq!(verified.transaction_count as usize, all.len());
            assert_eq!(verified.gas, all.iter().map(|row| row.gas).sum::<u64>());
            let sizes = all.iter().map(|row| 98 + row.payload.len() as u64);
            assert_eq!(verified.transaction_bytes, sizes.sum::<u64>());
            assert_eq!(verified.hash.as_bytes(), &chain.hash);
            assert_eq!(follower.tip().hash, verified.hash);
            assert_eq!(follower.tip().height.get(), chain.height);
            for (tip, plain) in follower.tip().rollups.iter().zip(&chain.rollups) {
                let own = (
                    tip.rollup.get(),
                    *tip.sub_batch.as_bytes(),
                    *tip.running_hash.as_bytes(),
                );
                assert_eq!(own, *plain);
            }
        }
    }
}

#[test]
fn the_longest_slot_fits_the_bytes_that_are_promised() {
    let network = Network::new(Policy::Fcfs, None);
    let len_max = slot_encoded_len_max(&network.limits);
    assert_eq!(
        len_max,
        257 + 16_384 + 16 * (246 + 64 * 4 + 4) + (3 + 255 * 40) + 2_000 + 8 * (16 + 21 + 52)
    );
    let mut coordinator = network.coordinator();
    // 8 transactions with 2,000 bytes together: all that a slot can hold.
    for index in 0..8 {
        let full = PlainRow {
            payload: vec![1; 152],
            ..row(2, index, 0, 3, u64::from(index))
        };
        submit(&mut coordinator, &full);
    }
    let slot = coordinator.take(Tick::new(500), UnixNs::new(TIME), WhenEmpty::NoSlot);
    let slot = slot.unwrap().unwrap();
    assert_eq!(
        (slot.transaction_count, slot.bytes.len()),
        (8, 257 + 3 * (246 + 4) + 2_000 + 8 * 16)
    );
}

#[test]
fn the_builder_refuses_what_it_cannot_write() {
    let network = Network::new(Policy::Fcfs, None);
    let mut coordinator = network.coordinator();
    submit(&mut coordinator, &rows()[0]);
    let (pool, tip) = (coordinator.pool(), coordinator.tip());
    let transaction = rows()[0].encode();
    let handle = pool
        .find(crate::crypto::hash::transaction_id(&transaction))
        .unwrap()
        .handle;
    let mut builder = SlotBuilder::new(Policy::Fcfs, &network.limits);
    let needed = 257 + 3 * (246 + 4) + 98 + 16;
    let mut out = vec![0; needed];
    let one = [handle];
    let plan = SlotPlan {
        pool,
        taken: &one,
        slice_ends: &[],
        tip,
        time: UnixNs::ZERO,
        seed: Hash::ZERO,
        reserves: &[],
        forced: &[],
        bundles: &[],
        context: SlotContext::NONE,
        drained: DrainedBytes::NONE,
    };
    for len in 0..needed {
        let refused = builder.build(&plan, &mut out[..len]);
        assert_eq!(
            refused.unwrap_err(),
            BuildError::BufferTooSmall,
            "{len} bytes"
        );
    }
    let mut refusal_of = |taken: &[crate::bounded::Handle]| {
        builder
            .build(&SlotPlan { taken, ..plan }, &mut out)
            .unwrap_err()
    };
    let stale = crate::bounded::Handle {
        generation: handle.generation + 2,
        ..handle
    };
    assert_eq!(refusal_of(&[stale]), BuildError::StaleHandle);
    assert_eq!(refusal_of(&[handle; 9]), BuildError::BufferTooSmall);
    let many = vec![1; crate::limits::CHANGES_BYTES_MAX as usize + 1];
    let context = SlotContext {
        changes: &many,
        ..SlotContext::NONE
    };
    let mut longer = vec![0; needed + many.len()];
    let refused = builder.build(&SlotPlan { context, ..plan }, &mut longer);
    assert_eq!(refused.unwrap_err(), BuildError::BufferTooSmall);
    let built = builder.build(&plan, &mut out).unwrap();
    assert_eq!(built.len, needed);
}

#[test]
fn the_builder_never_lets_the_agreed_time_go_back() {
    let network = Network::new(Policy::Fcfs, None);
    let (coordinator, mut follower) = (network.coordinator(), network.verifier());
    let mut builder = SlotBuilder::new(Policy::Fcfs, &network.limits);
    let (mut out, mut tip) = (vec![0; 2_000], coordinator.tip().clone());
    for (time, expected) in [(5, 5), (4, 5), (0, 5), (6, 6)] {
        let time = UnixNs::new(time);
        let plan = SlotPlan {
            pool: coordinator.pool(),
            taken: &[],
            slice_ends: &[],
            tip: &tip,
            time,
            seed: Hash::ZERO,
            reserves: &[],
            forced: &[],
            bundles: &[],
            context: SlotContext::NONE,
            drained: DrainedBytes::NONE,
        };
        let built = builder.build(&plan, &mut out);
        let built = built.unwrap();
        assert_eq!(built.header.time, UnixNs::new(expected));
        follower.verify(&out[..built.len]).unwrap();
        tip = built.tip;
    }
    assert_eq!(*follower.tip(), tip);
}
