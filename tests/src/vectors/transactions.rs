//! Transactions, their canonical bytes and their names.

use hauptbuch_core::codec::Writer;
use hauptbuch_core::crypto::hash::{keccak256, transaction_id};
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Transaction, TransactionKind, UnixNs,
};
use serde::{Deserialize, Serialize};

use super::outcome;
use crate::hex;

/// Transactions, their canonical bytes and their names.
#[derive(Debug, Deserialize, Serialize)]
pub struct TransactionsFile {
    /// What the file holds.
    pub about: String,
    /// Transactions that encode.
    pub transactions: Vec<TransactionVector>,
    /// Bytes that do not decode.
    pub malformed: Vec<MalformedVector>,
}

/// What a transaction says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TransactionFields {
    /// The rollup's number.
    pub rollup: u32,
    /// 20 bytes.
    pub sender: String,
    /// 20 bytes.
    pub recipient: String,
    /// Up to 2^128 - 1.
    pub amount: String,
    /// The sender's running number.
    pub nonce: String,
    /// Fee per unit of gas.
    pub fee: String,
    /// The most gas that it may use.
    pub gas: String,
    /// Nanoseconds since the Unix epoch; 2^64 - 1 for never.
    pub expiry: String,
    /// 0 for a plain transaction.
    pub kind: u8,
    /// What the rollup executes.
    pub payload: String,
}

/// A transaction with its bytes and its names.
#[derive(Debug, Deserialize, Serialize)]
pub struct TransactionVector {
    /// What is special about it.
    pub name: String,
    /// What it says.
    pub fields: TransactionFields,
    /// Its canonical bytes.
    pub canonical: String,
    /// SHA3-256 of the domain `hb/tx/1` and the canonical bytes.
    pub id: String,
    /// Keccak-256 of the payload: an EVM rollup's own transaction hash.
    pub payload_keccak256: String,
}

/// Bytes that do not decode.
#[derive(Debug, Deserialize, Serialize)]
pub struct MalformedVector {
    /// What is wrong with them.
    pub name: String,
    /// The bytes.
    pub bytes: String,
    /// The limit under which they are read.
    pub payload_bytes_max: u32,
    /// The name of the code that the decoder gives.
    pub error: String,
}

/// A transaction that owns its payload.
#[derive(Clone, Debug, Default)]
pub(super) struct Owned {
    pub envelope: Envelope,
    pub payload: Vec<u8>,
}

impl Owned {
    pub fn borrow(&self) -> Transaction<'_> {
        Transaction {
            envelope: self.envelope,
            payload: &self.payload,
        }
    }

    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.borrow().encoded_len()];
        let mut out = Writer::new(&mut bytes);
        self.borrow()
            .encode(&mut out)
            .expect("the buffer has its length");
        bytes
    }

    pub fn fields(&self) -> TransactionFields {
        let envelope = &self.envelope;
        TransactionFields {
            rollup: envelope.rollup.get(),
            sender: envelope.sender.to_string(),
            recipient: envelope.recipient.to_string(),
            amount: envelope.amount.to_string(),
            nonce: envelope.nonce.to_string(),
            fee: envelope.fee.to_string(),
            gas: envelope.gas.to_string(),
            expiry: envelope.expiry.to_string(),
            kind: envelope.kind.byte(),
            payload: hex::encode(&self.payload),
        }
    }
}

pub(super) fn compute() -> TransactionsFile {
    TransactionsFile {
        about: "Transactions, their canonical bytes, ids and payload hashes; bytes that do not \
                decode, with the code that says why."
            .into(),
        transactions: samples()
            .iter()
            .map(|(name, owned)| vector(name, owned))
            .collect(),
        malformed: malformed(),
    }
}

fn samples() -> Vec<(&'static str, Owned)> {
    let ordinary = Owned {
        envelope: Envelope {
            rollup: RollupId::new(7),
            sender: Address::new(std::array::from_fn(|i| i as u8)),
            recipient: Address::new(std::array::from_fn(|i| 0xff - i as u8)),
            amount: 1_000_000_000_000_000_000,
            nonce: Nonce::new(42),
            fee: Fee::new(30_000_000_000),
            gas: Gas::new(21_000),
            expiry: UnixNs::new(1_700_000_060_000_000_000),
            kind: TransactionKind::Plain,
        },
        payload: b"transfer".to_vec(),
    };
    let largest = Owned {
        envelope: Envelope {
            rollup: RollupId::MAX,
            sender: Address::new([0xff; 20]),
            recipient: Address::new([0xff; 20]),
            amount: u128::MAX,
            nonce: Nonce::MAX,
            fee: Fee::MAX,
            gas: Gas::MAX,
            expiry: UnixNs::NEVER,
            kind: TransactionKind::Plain,
        },
        payload: vec![0xff; 300],
    };
    // Lengths on both sides of the hash's block, with the domain's 7 and the header's 98 bytes.
    let block = |payload_len: usize| Owned {
        envelope: Envelope::default(),
        payload: (0..payload_len).map(|i| i as u8).collect(),
    };
    vec![
        ("every field at zero, no payload", Owned::default()),
        ("an ordinary transfer", ordinary),
        ("every field at its largest", largest),
        ("one byte short of a block of the hash", block(30)),
        ("a whole block of the hash", block(31)),
        ("one byte over a block of the hash", block(32)),
        ("more than a block of payload", block(1_000)),
    ]
}

fn vector(name: &str, owned: &Owned) -> TransactionVector {
    let canonical = owned.canonical();
    TransactionVector {
        name: name.into(),
        fields: owned.fields(),
        id: transaction_id(&canonical).to_string(),
        canonical: hex::encode(&canonical),
        payload_keccak256: keccak256(&owned.payload).to_string(),
    }
}

fn malformed() -> Vec<MalformedVector> {
    let good = Owned {
        payload: b"payload".to_vec(),
        ..Owned::default()
    }
    .canonical();
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    let mut longer = good.clone();
    longer.push(0);
    let cases = [
        ("nothing at all", Vec::new()),
        ("version 0", changed(0, 0)),
        ("version 2", changed(0, 2)),
        ("an unknown kind", changed(1, 1)),
        ("the header cut short", good[..97].to_vec()),
        ("the payload cut short", good[..good.len() - 1].to_vec()),
        ("a payload length below the payload", changed(94, 6)),
        ("a payload length over the limit", changed(94, 8)),
        ("a payload length of 4 GiB", changed(97, 0xff)),
        ("a byte after the end", longer),
    ];
    let payload_bytes_max = 7;
    cases
        .into_iter()
        .map(|(name, bytes)| {
            let decoded = Transaction::decode(&bytes, payload_bytes_max);
            MalformedVector {
                name: name.into(),
                error: outcome(decoded.map(|_| ()).map_err(Into::into)),
                bytes: hex::encode(&bytes),
                payload_bytes_max,
            }
        })
        .collect()
}
