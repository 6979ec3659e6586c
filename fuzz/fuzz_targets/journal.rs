//! Journals from arbitrary bytes: as they are, and as records with right checksums. Whatever is
//! refused, the coordinator stands where the good part leads.
#![no_main]

use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::crypto::hash::{Domain, hash_parts};
use hauptbuch_core::journal::HEADER_LEN;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::snapshot::{JournalError, JournalFault, replay};
use hauptbuch_core::types::{Envelope, Gas, Nonce, Tick, Transaction, UnixNs};
use libfuzzer_sys::fuzz_target;

fn limits() -> Limits {
    Limits {
        pending_count_max: 8,
        pending_bytes_max: 2_048,
        payload_bytes_max: 256,
        sender_count_max: 6,
        origin_count_max: 2,
        rollup_reserved_count: 0,
        quiet_reserved_count: 2,
        seen_count_max: 4,
        cancel_count_max: 2,
        slot_count_max: 3,
        slot_bytes_max: 1_024,
        slot_gas_max: 600,
        set_aside_count_max: 2,
        in_flight_count_max: 2,
        event_count_max: 8,
        journal_bytes_max: 4_096,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let (config, limits) = (Config::default(), limits());
    let fresh = || TransactionCoordinator::new(&config, &limits).unwrap();
    let _ = replay(&mut fresh(), data);
    // Records that are true up to a point, then what the input says, chained as it has to be.
    let (count, data) = data.split_first().unwrap_or((&0, &[]));
    let mut journal = lived(&mut fresh(), count % 8);
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

/// The journal of a few steps.
fn lived(own: &mut TransactionCoordinator, count: u8) -> Vec<u8> {
    for step in 0..u64::from(count) {
        let (now, time) = (Tick::new(step), UnixNs::new(step));
        let envelope = Envelope {
            nonce: Nonce::new(step),
            gas: Gas::new(1),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let payload = b"lived";
        let _ = own.submit(&Transaction { envelope, payload }.into(), now, time);
        if step % 3 == 2 {
            let _ = own.take(now, time, WhenEmpty::NoSlot);
        }
    }
    let mut journal = vec![0; own.journal_len() + 100];
    let len = own.poll_journal(&mut journal);
    journal.truncate(len);
    journal
}

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

fn snapshot(own: &TransactionCoordinator) -> Vec<u8> {
    let mut bytes = vec![0; own.snapshot_len()];
    own.snapshot(&mut bytes).unwrap();
    bytes
}
