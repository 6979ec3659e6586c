//! The test vectors: one set for Rust, C, C++, Go and Python.
//!
//! Byte strings are lower-case hex; 64- and 128-bit numbers are decimal strings, because JSON
//! readers lose digits past 2^53; smaller numbers are JSON numbers. Every file has a line `about`.

mod chain;
mod codes;
mod fair_chain;
mod genesis;
mod merkle;
mod policies;
mod receipts;
mod receive_log;
mod states;
mod transactions;

pub use chain::{
    ChainFile, ChainVector, EventVector, RollupTipVector, SlotVector, Step, TipVector,
};
pub use codes::{CodeVector, CodesFile};
pub use fair_chain::{
    DrainedVector, FAIR_LOG_LIMITS, FairChainFile, FairChainVector, FairSlotVector, KnownBodies,
    NoSignatures, empty_logs,
};
pub use genesis::{ConfigVector, EpochSizesVector, GenesisFile, GenesisVector, LogSizesVector};
pub use merkle::{MerkleFile, MerkleVector, ProofVector};
pub use policies::{PoliciesFile, PolicySlot, RuleVector};
pub use receipts::{AccusationVector, ReceiptVector, ReceiptsFile};
pub use receive_log::{
    CutVector, EntryVector, ExtensionVector, MalformedExtension, ReceiveLogFile,
};
pub use states::{StateVector, StatesFile};
pub use transactions::{MalformedVector, TransactionFields, TransactionVector, TransactionsFile};

use hauptbuch_core::error::Code;
use serde::Serialize;

/// One file of vectors.
#[derive(Debug)]
pub struct VectorFile {
    /// Its name in `tests/vectors`.
    pub name: &'static str,
    /// All of its text.
    pub text: String,
}

/// Every file of vectors, computed by the core.
#[must_use]
pub fn files() -> Vec<VectorFile> {
    vec![
        file("transactions.json", &transactions::compute()),
        file("merkle.json", &merkle::compute()),
        file("genesis.json", &genesis::compute()),
        file("chains.json", &chain::compute()),
        file("fair_chains.json", &fair_chain::compute()),
        file("codes.json", &codes::compute()),
        file("policies.json", &policies::compute()),
        file("receive_log.json", &receive_log::compute()),
        file("receipts.json", &receipts::compute()),
        file("states.json", &states::compute()),
    ]
}

fn file(name: &'static str, content: &impl Serialize) -> VectorFile {
    let mut text = serde_json::to_string_pretty(content).expect("plain records are valid JSON");
    text.push('\n');
    VectorFile { name, text }
}

/// The name of what a call gave: `Ok`, or the code's.
fn outcome(result: Result<(), Code>) -> String {
    result.err().unwrap_or(Code::Ok).name().to_owned()
}
