//! Slots against a second writer of the same format, and the verifier against everything else.

mod hostile;
mod plain;
mod refused;

use std::vec;
use std::vec::Vec;

use super::*;
use crate::config::{Config, Policy, ReplayProtection};
use crate::coordinator::{TransactionCoordinator, WhenEmpty};
use crate::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Submission, Tick, Transaction, TransactionKind,
    UnixNs,
};
use plain::{PlainChain, PlainGenesis, PlainRow, PlainSlot, policy_order};

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
            policy: if policy == Policy::Fcfs { 1 } else { 2 },
            fee_floor: 3,
            horizon_ns: horizon_ns.unwrap_or(0),
            payload_bytes_max: 400,
            slot_count_max: 8,
            slot_bytes_max: 2_000,
            slot_gas_max: 1_000,
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
    };
    coordinator
        .submit(&submission, Tick::new(row.tick), UnixNs::new(TIME))
        .unwrap();
}

/// The plain slots of a chain of three: full, empty, one transaction.
fn three_slots(network: &Network) -> Vec<PlainSlot> {
    let by_fee = network.config.policy == Policy::PriorityFee;
    let mut chain = network.chain();
    let last = row(5, 3, 0, 3, 6);
    [
        (policy_order(&rows(), by_fee), TIME),
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
    for policy in Policy::ALL {
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
                let slot = coordinator.take(now.min(Tick::new(103)), time, when_empty);
                let slot = slot.unwrap().unwrap();
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
    for policy in Policy::ALL {
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
    assert_eq!(len_max, 219 + 16 * 246 + 2_000 + 8 * 16);
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
        (8, 219 + 3 * 246 + 2_000 + 8 * 16)
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
    let needed = 219 + 3 * 246 + 98 + 16;
    let mut out = vec![0; needed];
    for len in 0..needed {
        let refused = builder.build(pool, &[handle], tip, UnixNs::ZERO, &mut out[..len]);
        assert_eq!(
            refused.unwrap_err(),
            BuildError::BufferTooSmall,
            "{len} bytes"
        );
    }
    let stale = crate::bounded::Handle {
        generation: handle.generation + 2,
        ..handle
    };
    let refused = builder.build(pool, &[stale], tip, UnixNs::ZERO, &mut out);
    assert_eq!(refused.unwrap_err(), BuildError::StaleHandle);
    let too_many = [handle; 9];
    let refused = builder.build(pool, &too_many, tip, UnixNs::ZERO, &mut out);
    assert_eq!(refused.unwrap_err(), BuildError::BufferTooSmall);
    let built = builder
        .build(pool, &[handle], tip, UnixNs::ZERO, &mut out)
        .unwrap();
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
        let built = builder.build(coordinator.pool(), &[], &tip, time, &mut out);
        let built = built.unwrap();
        assert_eq!(built.header.time, UnixNs::new(expected));
        follower.verify(&out[..built.len]).unwrap();
        tip = built.tip;
    }
    assert_eq!(*follower.tip(), tip);
}
