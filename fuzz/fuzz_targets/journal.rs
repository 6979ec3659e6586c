//! Journals from arbitrary bytes: as they are, and as records with right checksums. Whatever is
//! refused, the coordinator stands where the good part leads.
#![no_main]

use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::crypto::hash::{Domain, hash_parts};
use hauptbuch_core::journal::HEADER_LEN;
use hauptbuch_core::snapshot::{JournalError, JournalFault, replay};
use hauptbuch_fuzz::{config, limits, live, snapshot};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let ([policy, seed, count], data) = match data.split_first_chunk() {
        Some((choices, data)) => (*choices, data),
        None => ([0; 3], data),
    };
    let (config, limits) = (config(policy), limits(16_384));
    let fresh = || TransactionCoordinator::new(&config, &limits).unwrap();
    let _ = replay(&mut fresh(), data);
    // Records that are true up to a point, then what the input says, chained as it has to be.
    let mut lived = fresh();
    live(&mut lived, seed, count % 32);
    let mut journal = vec![0; lived.journal_len() + 100];
    let len = lived.poll_journal(&mut journal);
    journal.truncate(len);
    let mut again = fresh();
    replay(&mut again, &journal).unwrap();
    assert!(snapshot(&again) == snapshot(&lived));
    append_records(&mut journal, data);
    let mut own = fresh();
    let replayed = replay(&mut own, &journal);
    let Err(JournalError { at, why, .. }) = replayed else {
        own.verify().unwrap();
        return;
    };
    if why == JournalFault::OutcomeDiffers {
        assert!(own.verify().is_err());
        return;
    }
    assert!(at >= HEADER_LEN);
    let mut good = fresh();
    assert_eq!(replay(&mut good, &journal[..at]).unwrap().bytes_used, at);
    assert!(snapshot(&good) == snapshot(&own));
});

/// Cuts `data` into records (a length byte, then as many bytes) and chains them to the journal.
fn append_records(journal: &mut Vec<u8>, data: &[u8]) {
    let mut chain: [u8; 32] = *journal.last_chunk().unwrap();
    let mut rest = data;
    while let Some((len, tail)) = rest.split_first() {
        let (fields, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        let length = (fields.len() + chain.len()) as u32;
        let parts = [&chain[..], &length.to_le_bytes(), fields];
        let next = hash_parts(Domain::JOURNAL, &parts);
        journal.extend_from_slice(&length.to_le_bytes());
        journal.extend_from_slice(fields);
        journal.extend_from_slice(next.as_bytes());
        chain = *next.as_bytes();
        rest = tail;
    }
}
