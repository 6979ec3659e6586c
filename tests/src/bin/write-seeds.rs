//! Writes first inputs for the fuzz targets into the folder that is named, from the vectors: what
//! is valid already lets a fuzzer start behind the first checks.

use std::path::Path;
use std::process::ExitCode;

use hauptbuch_core::batch::{SlotHeader, SubBatchHeader};
use hauptbuch_core::codec::Reader;
use hauptbuch_tests::hex;
use hauptbuch_tests::vectors::{ChainFile, ReceiptsFile, ReceiveLogFile, TransactionsFile, files};

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: write-seeds FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(count) => {
            println!("{count} first inputs in {folder}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot write to {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> std::io::Result<usize> {
    let seeds = seeds();
    for (at, (target, bytes)) in seeds.iter().enumerate() {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("seed-{at}")), bytes)?;
    }
    Ok(seeds.len())
}

/// Target and bytes of each first input.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let text = |name: &str| {
        let file = files().into_iter().find(|file| file.name == name);
        file.expect("the file is one of the vectors").text
    };
    let transactions: TransactionsFile =
        serde_json::from_str(&text("transactions.json")).expect("vectors read as written");
    let chains: ChainFile =
        serde_json::from_str(&text("chains.json")).expect("vectors read as written");
    let mut seeds = Vec::new();
    for vector in transactions.transactions {
        let bytes = hex::decode(&vector.canonical).expect("vectors are hex");
        seeds.push(("transaction", bytes));
    }
    for slot in chains
        .chains
        .iter()
        .flat_map(|chain| chain.standing_slots())
    {
        let header = SlotHeader::decode(&mut Reader::new(&slot)).expect("vectors are slots");
        let start = SlotHeader::LEN + header.changes_len as usize;
        let sub_batch = &slot[start..][..SubBatchHeader::LEN];
        seeds.push(("sub_batch", sub_batch.to_vec()));
        seeds.push(("sub_batch", slot[..SlotHeader::LEN].to_vec()));
        seeds.push(("slot", slot));
    }
    let log: ReceiveLogFile =
        serde_json::from_str(&text("receive_log.json")).expect("vectors read as written");
    let extensions = log.extensions.into_iter().chain([log.pulled]);
    for text in extensions.map(|one| one.bytes).chain(log.forks) {
        // A first byte of 0 has the target read the rest as it is.
        let bytes = hex::decode(&text).expect("vectors are hex");
        seeds.push(("receive_log", [&[0][..], &bytes].concat()));
    }
    let promises: ReceiptsFile =
        serde_json::from_str(&text("receipts.json")).expect("vectors read as written");
    // The first byte tells the target which of the two it is.
    let receipts = promises.receipts.into_iter().map(|one| (0, one.bytes));
    let accusations = promises.accusations.into_iter().map(|one| (1, one.bytes));
    for (kind, text) in receipts.chain(accusations) {
        let bytes = hex::decode(&text).expect("vectors are hex");
        seeds.push(("receipt", [&[kind][..], &bytes].concat()));
    }
    seeds
}
