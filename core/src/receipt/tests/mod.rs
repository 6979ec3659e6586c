//! Receipts of slices and of logs, and every accusation with all that does not convict.

mod bytes;
mod logs;
mod slots;

use std::vec;
use std::vec::Vec;

use super::*;
use crate::batch::SliceReceipt;
use crate::certificate::tests::{certificate, electorate};
use crate::certificate::{CommitCertificate, CommitProof};
use crate::codec::{Reader, Writer};
use crate::config::Config;
use crate::coordinator::TransactionCoordinator;
use crate::crypto::hash::hash;
use crate::crypto::merkle;
use crate::crypto::signature::{Provider, Randomness, Signature, Suite, VerifyingKey};
use crate::limits::Limits;
use crate::ordering::SlotRoom;
use crate::sequencer::tests::kit::{NETWORK, key, precommit};
use crate::types::{
    Address, Envelope, Gas, Hash, Height, Nonce, RollupId, Round, Submission, Tick, Transaction,
    TxId, UnixNs,
};
use crate::vote::Statement;

const SUITE: Suite = Suite::MlDsa65;
const ROLLUPS: [u32; 2] = [2, 9];
const TIME: u64 = 1_000;

fn verifying_key(number: u32) -> VerifyingKey {
    VerifyingKey::new(Provider::MlDsa65, key(number).public_key()).unwrap()
}

fn limits() -> Limits {
    Limits {
        pending_count_max: 64,
        slot_count_max: 16,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        sender_count_max: 64,
        set_aside_count_max: 8,
        ..Limits::default()
    }
}

fn signature(number: u32, promise: &Promise, network: Hash) -> Signature {
    let message = promise.sign_bytes(network, SUITE);
    key(number).sign(&message, &Randomness::ZERO).unwrap()
}

fn encoded(receipt: &Receipt<'_>) -> Vec<u8> {
    let mut bytes = vec![0; Receipt::LEN_MAX];
    let mut out = Writer::new(&mut bytes);
    receipt.encode(&mut out).unwrap();
    out.written().to_vec()
}

/// A slice of one rollup as its sequencer told it.
#[derive(Clone)]
struct Told {
    slice: SliceReceipt,
    before: Hash,
    ids: Vec<TxId>,
}

impl Told {
    fn promise(&self, round: u32, deadline: u64) -> Promise {
        Promise::of_slice(&self.slice, Round::new(round), UnixNs::new(deadline))
    }

    fn proof(&self, at: usize) -> merkle::Proof {
        let ids = self.ids.iter().map(|id| Hash::new(*id.as_bytes()));
        merkle::prove(&mut ids.collect::<Vec<_>>(), at).unwrap()
    }

    /// The bytes of a receipt for the transaction at this place of the slice, by a key.
    fn receipt(&self, number: u32, at: usize, promise: &Promise) -> Vec<u8> {
        let by = signature(number, promise, NETWORK);
        let transaction = (self.ids[at], self.proof(at));
        let receipt = Receipt::of_slice(promise, self.before, transaction, SUITE, &by);
        encoded(&receipt)
    }
}

/// A slot in two slices, and what each promised.
struct World {
    told: Vec<Told>,
    slot: Vec<u8>,
    hash: Hash,
    height: Height,
}

/// Senders of each slice, on both rollups.
fn world(slices: &[&[u8]]) -> World {
    let config = Config::default();
    let config = config.with_rollups(&ROLLUPS.map(RollupId::new)).unwrap();
    let mut own = TransactionCoordinator::new(&config, &limits()).unwrap();
    let (now, time) = (Tick::new(1), UnixNs::new(TIME));
    own.open_slot(now, time).unwrap();
    let mut before: Vec<Hash> = own
        .tip()
        .rollups
        .iter()
        .map(|own| own.running_hash)
        .collect();
    let mut told = Vec::new();
    for senders in slices {
        for sender in *senders {
            for rollup in ROLLUPS {
                submit(&mut own, *sender, rollup);
            }
        }
        let slice = own.add_slice(now, SlotRoom::UNLIMITED).unwrap().unwrap();
        let (receipts, taken) = (slice.receipts.clone(), slice.transactions.to_vec());
        for (receipt, before) in receipts.iter().zip(&mut before) {
            let candidates = taken.iter().map(|handle| own.pool().get(*handle).unwrap());
            let ids = candidates.filter(|it| it.candidate.envelope.rollup == receipt.rollup);
            told.push(Told {
                slice: *receipt,
                before: *before,
                ids: ids.map(|own| own.candidate.id).collect(),
            });
            *before = receipt.running_hash;
        }
    }
    let slot = own.seal().unwrap();
    World {
        told,
        slot: slot.bytes.to_vec(),
        hash: slot.hash,
        height: slot.header.height,
    }
}

fn submit(own: &mut TransactionCoordinator, sender: u8, rollup: u32) {
    let envelope = Envelope {
        rollup: RollupId::new(rollup),
        sender: Address::new([sender; 20]),
        nonce: Nonce::ZERO,
        gas: Gas::new(1),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    };
    let transaction = Transaction {
        envelope,
        payload: &[sender],
    };
    let submission = Submission::from(transaction);
    own.submit(&submission, Tick::new(1), UnixNs::new(TIME))
        .unwrap();
}

/// The certificate by which three of four members decided a value.
fn decided(height: Height, round: u32, value: Hash) -> Vec<u8> {
    let statement = Statement {
        height,
        value: Some(value),
        ..precommit(1, round, 0)
    };
    certificate(0, &statement, &[0, 1, 3])
}

fn proof_of(certificate: &[u8]) -> CommitProof {
    let certificate = CommitCertificate::decode(certificate).unwrap();
    certificate.verify(&electorate(0, &[1; 4])).unwrap()
}
