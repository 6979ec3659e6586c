//! Receipts of a slice and of a log, and what accuses whoever signed them.

use hauptbuch_core::batch::SliceReceipt;
use hauptbuch_core::codec::Writer;
use hauptbuch_core::config::{Config, FairCommittee, Policy};
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::crypto::hash::keccak256;
use hauptbuch_core::crypto::merkle;
use hauptbuch_core::crypto::signature::{Provider, Randomness, SecretKey, Seed, Suite};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::receipt::{Accusation, LoggedPlace, Promise, Receipt};
use hauptbuch_core::types::{
    Address, Envelope, Epoch, Gas, Hash, Height, LogPosition, Nonce, RollupId, Round, Submission,
    Tick, Transaction, TxId, UnixNs,
};
use serde::{Deserialize, Serialize};

use crate::hex;

const SUITE: Suite = Suite::MlDsa65;
const SEED: [u8; 32] = [0x5e; 32];

/// Receipts, and accusations by two of them.
#[derive(Debug, Deserialize, Serialize)]
pub struct ReceiptsFile {
    /// What the file holds.
    pub about: String,
    /// The genesis hash.
    pub network: String,
    /// The seed of the signer's ML-DSA-65 key.
    pub seed: String,
    /// The signer's public key.
    pub public_key: String,
    /// Receipts.
    pub receipts: Vec<ReceiptVector>,
    /// Accusations of the signer.
    pub accusations: Vec<AccusationVector>,
}

/// A receipt.
#[derive(Debug, Deserialize, Serialize)]
pub struct ReceiptVector {
    /// What is special about it.
    pub name: String,
    /// What is signed.
    pub message: String,
    /// Its bytes.
    pub bytes: String,
}

/// An accusation.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccusationVector {
    /// What it says.
    pub name: String,
    /// Its bytes.
    pub bytes: String,
    /// Its hash.
    pub hash: String,
}

pub(super) fn compute() -> ReceiptsFile {
    let key = SecretKey::from_seed(Provider::MlDsa65, &Seed::new(SEED));
    let key = key.expect("a seed makes a key");
    let (slice, kept) = receipts_of_slice(&key, b"one payload");
    let (_, broken) = receipts_of_slice(&key, b"another payload");
    let first = receipt_of_entry(&key, 1);
    let second = receipt_of_entry(&key, 2);
    let network = Config::default().genesis_hash(&Limits::default());
    let pair = |name: &str, one: &ReceiptVector, other: &ReceiptVector| {
        let [one, other] = [one, other].map(|own| hex::decode(&own.bytes).expect("it is hex"));
        let accusation = Accusation::of_receipts(&one, &other).expect("they contradict each other");
        let mut bytes = vec![0; 2 + one.len() + other.len()];
        let encoded = accusation.encode(&mut Writer::new(&mut bytes));
        encoded.expect("there is room");
        AccusationVector {
            name: name.into(),
            bytes: hex::encode(&bytes),
            hash: accusation.hash().to_string(),
        }
    };
    let positions = pair("two transactions at one position", &kept[1], &broken[1]);
    let indexes = pair("two entries at one index", &first, &second);
    assert_eq!(usize::try_from(slice.transaction_count), Ok(kept.len()));
    ReceiptsFile {
        about:
            "Receipts of the transactions of a slice and of entries of a receive log, with what \
                is signed of each, and accusations of their signer."
                .into(),
        network: network.to_string(),
        seed: hex::encode(&SEED),
        public_key: hex::encode(key.public_key().as_bytes()),
        receipts: kept.into_iter().chain([first]).collect(),
        accusations: vec![positions, indexes],
    }
}

fn vector(name: &str, promise: &Promise, receipt: &Receipt<'_>) -> ReceiptVector {
    let network = Config::default().genesis_hash(&Limits::default());
    assert_eq!(receipt.promise().as_ref(), Ok(promise));
    let mut bytes = vec![0; Receipt::LEN_MAX];
    let mut out = Writer::new(&mut bytes);
    receipt.encode(&mut out).expect("the longest fits");
    ReceiptVector {
        name: name.into(),
        message: hex::encode(&promise.sign_bytes(network, SUITE)),
        bytes: hex::encode(out.written()),
    }
}

/// A receipt for each of five transactions in a slice; the second has this payload.
fn receipts_of_slice(key: &SecretKey, payload: &[u8]) -> (SliceReceipt, Vec<ReceiptVector>) {
    let (config, limits) = (Config::default(), Limits::default());
    let own = TransactionCoordinator::new(&config, &limits);
    let mut own = own.expect("the defaults are valid");
    let (now, time) = (Tick::new(1), UnixNs::new(2));
    let mut ids = Vec::new();
    for sender in 0..5_u8 {
        let envelope = Envelope {
            sender: Address::new([sender; 20]),
            nonce: Nonce::ZERO,
            gas: Gas::new(1),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let payload = if sender == 1 { payload } else { b"" };
        let transaction = Transaction { envelope, payload };
        let id = own.submit(&Submission::from(transaction), now, time);
        ids.push(id.expect("there is room"));
    }
    let before = own.tip().rollups[0].running_hash;
    own.open_slot(now, time).expect("none is open");
    let slice = own.add_slice(now, SlotRoom::UNLIMITED);
    let slice = slice
        .expect("a slot is open")
        .expect("five are ready")
        .receipts[0];
    let promise = Promise::of_slice(&slice, Round::new(3), UnixNs::new(9_000));
    let network = config.genesis_hash(&limits);
    let by = key.sign(&promise.sign_bytes(network, SUITE), &Randomness::ZERO);
    let by = by.expect("it signs");
    let leaves: Vec<Hash> = ids.iter().map(|id| Hash::new(*id.as_bytes())).collect();
    let receipts = ids.iter().enumerate().map(|(at, id)| {
        let proof = merkle::prove(&mut leaves.clone(), at).expect("it is one of them");
        let receipt = Receipt::of_slice(&promise, before, (*id, proof), SUITE, &by);
        vector(&format!("position {at}"), &promise, &receipt)
    });
    (slice, receipts.collect())
}

/// A receipt for an entry with this number at one index of a log.
fn receipt_of_entry(key: &SecretKey, number: u8) -> ReceiptVector {
    let network = Config::default().genesis_hash(&Limits::default());
    let entry = LoggedPlace {
        epoch: Epoch::new(4),
        index: LogPosition::new(70),
        before: keccak256(b"the running hash before it"),
        base: Height::new(12),
        rollup: RollupId::new(5),
        id: TxId::new([number; 32]),
        sealed: true,
        body_bytes: 321,
    };
    let policy = Policy::Fair(FairCommittee::FIVE);
    let promise = Promise::of_entry(&entry, policy, UnixNs::NEVER);
    let by = key.sign(&promise.sign_bytes(network, SUITE), &Randomness::ZERO);
    let by = by.expect("it signs");
    let receipt = Receipt::of_entry(&promise, &entry, SUITE, &by);
    vector("index 70", &promise, &receipt)
}
