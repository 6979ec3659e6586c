//! Forced inputs and bundles in slots, against the second writer, and each refusal on its own.

use std::vec;
use std::vec::Vec;

use super::plain::{PlainRow, PlainSlot, digest, merkle_root};
use super::{Network, ROLLUPS, TIME, row, submit};
use crate::config::Policy;
use crate::coordinator::WhenEmpty;
use crate::error::Code;
use crate::types::{
    Address, Envelope, Fee, Gas, InboxIndex, Nonce, RollupId, Submission, Tick, Transaction, UnixNs,
};

type Forced = Vec<(PlainRow, u64, u8)>;
type Legs = Vec<(PlainRow, u32, u8, u8)>;
type Segments = (Forced, Vec<PlainRow>, Legs);

/// What stands on the first and the last rollup: forced inputs (one applied, one used, one with a
/// gap), two of the pool, and two bundles with legs on both.
fn segments() -> [Segments; 2] {
    let first = (
        vec![
            (row(2, 1, 0, 3, 0), 0, 0),
            (row(2, 1, 0, 4, 0), 1, 1),
            (row(2, 1, 7, 4, 0), 2, 2),
        ],
        vec![row(2, 1, 1, 3, 0)],
        vec![(row(2, 1, 2, 3, 0), 0, 0, 2), (row(2, 4, 0, 3, 0), 1, 0, 1)],
    );
    let last = (
        Vec::new(),
        vec![row(9, 5, 0, 3, 1)],
        vec![(row(9, 5, 1, 3, 0), 0, 1, 2)],
    );
    [first, last]
}

/// The slot that holds these.
fn slot_of(network: &Network, [first, last]: &[Segments; 2]) -> PlainSlot {
    let chain = network.chain();
    let mut slot = chain.slot(&[], TIME);
    for (place, (forced, rows, legs)) in [(0, first), (2, last)] {
        let before = chain.rollups[place].2;
        let sub_batch = chain.sub_batch(place, rows.clone());
        slot.sub_batches[place] = sub_batch.with_segments(before, forced.clone(), legs.clone());
    }
    let mut legs: Vec<_> = first.2.iter().chain(&last.2).collect();
    legs.sort_by_key(|own| (own.1, own.2));
    let id = |row: &PlainRow| digest(b"hb/tx/1", &[&row.encode()]);
    let bundles = legs.chunk_by(|before, after| before.1 == after.1);
    let ids = bundles.map(|legs| {
        let ids: Vec<_> = legs.iter().map(|leg| id(&leg.0)).collect();
        digest(b"hb/bu/1", &[&ids.concat()])
    });
    let ids: Vec<_> = ids.collect();
    if !ids.is_empty() {
        slot.bundle_root = merkle_root(&ids);
    }
    slot.sealed()
}

fn network() -> Network {
    let mut network = Network::new(Policy::Fcfs, None);
    network.config.shares.pool_percent = 20;
    network.genesis.pool_percent = 20;
    network
}

fn refusal_of(change: impl Fn(&mut [Segments; 2])) -> Code {
    let network = network();
    let mut all = segments();
    change(&mut all);
    let bytes = slot_of(&network, &all).encode();
    network.verifier().verify(&bytes).unwrap_err().code
}

fn submission(row: &PlainRow) -> Submission<'_> {
    let envelope = Envelope {
        rollup: RollupId::new(row.rollup),
        sender: Address::new([row.sender; 20]),
        recipient: Address::new([row.recipient; 20]),
        amount: row.amount,
        nonce: Nonce::new(row.nonce),
        fee: Fee::new(row.fee),
        gas: Gas::new(row.gas),
        expiry: UnixNs::new(row.expiry),
        ..Envelope::default()
    };
    let transaction = Transaction {
        envelope,
        payload: &row.payload,
    };
    Submission {
        account_nonce: Some(Nonce::ZERO),
        ..Submission::from(transaction)
    }
}

#[test]
fn the_builder_writes_segments_as_the_format_says() {
    let network = network();
    let all = segments();
    let mut own = network.coordinator();
    let (now, time) = (Tick::new(100), UnixNs::new(TIME));
    for (row, index, _) in &all[0].0 {
        let index = InboxIndex::new(*index);
        own.submit_forced(&submission(row), index, time, now, time)
            .unwrap();
    }
    for row in all.iter().flat_map(|(_, rows, _)| rows) {
        submit(&mut own, row);
    }
    let legs = |bundle| {
        let mut legs: Vec<_> = all.iter().flat_map(|own| &own.2).collect();
        legs.retain(|own| own.1 == bundle);
        legs.sort_by_key(|own| own.2);
        legs.iter()
            .map(|own| submission(&own.0))
            .collect::<Vec<_>>()
    };
    for bundle in 0..2 {
        own.submit_bundle(&legs(bundle), UnixNs::NEVER, now, time)
            .unwrap();
    }
    let slot = own.take(now, time, WhenEmpty::NoSlot).unwrap().unwrap();
    let plain = slot_of(&network, &all).encode();
    assert!(slot.bytes == plain, "two writers disagree");
    assert_eq!(slot.transaction_count, 8);
    let verified = network.verifier().verify(&plain).unwrap();
    assert_eq!(verified.transaction_count, 8);
    assert_eq!(ROLLUPS.len(), 3);
}

#[test]
fn every_bit_of_a_slot_with_segments_counts() {
    let network = network();
    let bytes = slot_of(&network, &segments()).encode();
    let hash = network.verifier().verify(&bytes).unwrap().hash;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        // Another time is as good as this one, but another slot.
        let verified = network.verifier().verify(&changed);
        assert!(
            verified.is_err() || verified.unwrap().hash != hash,
            "byte {at}"
        );
        assert!(
            network.verifier().verify(&bytes[..at]).is_err(),
            "{at} bytes"
        );
    }
}

#[test]
fn a_follower_refuses_what_no_honest_sequencer_does_to_forced_inputs() {
    let last = |own: &mut [Segments; 2], at: usize, outcome| {
        own[0].0[at].2 = outcome;
    };
    assert_eq!(refusal_of(|own| last(own, 0, 4)), Code::UnknownOutcome);
    assert_eq!(refusal_of(|own| own[0].0[1].1 = 0), Code::ForcedOutOfOrder);
    assert_eq!(
        refusal_of(|own| own[0].0[2].1 = u64::MAX),
        Code::ForcedOutOfOrder
    );
    assert_eq!(refusal_of(|own| last(own, 1, 2)), Code::WrongOutcome);
    assert_eq!(refusal_of(|own| last(own, 1, 3)), Code::WrongOutcome);
    assert_eq!(refusal_of(|own| last(own, 2, 1)), Code::WrongOutcome);
    assert_eq!(refusal_of(|own| last(own, 2, 0)), Code::NonceOutOfOrder);
    assert_eq!(
        refusal_of(|own| own[0].0[0].0.expiry = TIME),
        Code::WrongOutcome
    );
    assert_eq!(
        refusal_of(|own| own[0].0[0].0.nonce = u64::MAX),
        Code::WrongOutcome
    );
    // Applied, and again in the pool segment.
    assert_eq!(
        refusal_of(|own| own[0].1[0] = own[0].0[0].0.clone()),
        Code::RepeatedTransaction
    );
    // A fifth of the slot's 1,000 gas is the pool segment's.
    assert_eq!(
        refusal_of(|own| own[0].0[2].0.gas = 750),
        Code::SlotOverLimit
    );
    // Inputs may be missing: only who knows the inbox can say.
    let network = network();
    let mut all = segments();
    all[0].0[2].1 = 90;
    let mut follower = network.verifier();
    follower.verify(&slot_of(&network, &all).encode()).unwrap();
}

#[test]
fn a_follower_refuses_bundles_that_are_not_whole() {
    let wrong = |change: &dyn Fn(&mut [Segments; 2])| refusal_of(change);
    let missing = wrong(&|own| {
        own[1].2.pop();
    });
    assert_eq!(missing, Code::WrongBundle);
    assert_eq!(wrong(&|own| own[0].2.swap(0, 1)), Code::WrongBundle);
    assert_eq!(wrong(&|own| own[0].2[1].1 = 2), Code::WrongBundle);
    assert_eq!(wrong(&|own| own[0].2[0].3 = 1), Code::WrongBundle);
    assert_eq!(wrong(&|own| own[0].2[1].3 = 0), Code::WrongBundle);
    assert_eq!(wrong(&|own| own[0].2[1].3 = 9), Code::WrongBundle);
    assert_eq!(wrong(&|own| own[1].2[0].2 = 0), Code::WrongBundle);
    assert_eq!(
        wrong(&|own| own[0].2[1].0.nonce = u64::MAX),
        Code::RefusableIncluded
    );
    assert_eq!(
        wrong(&|own| own[0].2[1].0.expiry = TIME),
        Code::ExpiredIncluded
    );
    let network = network();
    let mut slot = slot_of(&network, &segments());
    slot.bundle_root[3] ^= 1;
    let refused = network.verifier().verify(&slot.encode());
    assert_eq!(refused.unwrap_err().code, Code::WrongRoot);
}
