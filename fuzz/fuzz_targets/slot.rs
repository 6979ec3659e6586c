//! Slots from arbitrary bytes: the reader ends for every input, what it reads is canonical, and a
//! verifier that refuses stays where it was.
#![no_main]

use hauptbuch_core::batch::{
    ARRIVAL_LEN, SlotHeader, SlotReader, SlotVerifier, SubBatchHeader, TRADE_LEN,
};
use hauptbuch_core::codec::{DecodeError, Writer};
use hauptbuch_core::config::Config;
use hauptbuch_core::limits::Limits;
use libfuzzer_sys::fuzz_target;

/// The limits of the chains in `tests/vectors`, whose slots are the first inputs.
fn limits() -> Limits {
    Limits {
        payload_bytes_max: 1_024,
        slot_count_max: 8,
        slot_bytes_max: 8_192,
        slot_gas_max: 1_000_000,
        ..Limits::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let limits = limits();
    let mut bytes = vec![0; data.len()];
    let mut out = Writer::new(&mut bytes);
    if rewrite(data, &limits, &mut out).is_ok() {
        assert_eq!(out.written(), data);
    }
    let mut verifier = SlotVerifier::new(&Config::default(), &limits);
    let before = verifier.tip().clone();
    let judged = verifier.check(data);
    assert_eq!(*verifier.tip(), before);
    if let Ok(slot) = judged {
        let mut moved = SlotVerifier::new(&Config::default(), &limits);
        moved.advance(data, slot.hash).unwrap();
        verifier.verify(data).unwrap();
        assert_eq!(moved.tip(), verifier.tip());
        return;
    }
    match verifier.verify(data) {
        Ok(slot) => panic!("{slot:?} was refused before"),
        Err(_) => assert_eq!(*verifier.tip(), before),
    }
});

/// Decodes everything and encodes it again.
fn rewrite(data: &[u8], limits: &Limits, out: &mut Writer<'_>) -> Result<(), DecodeError> {
    let mut reader = SlotReader::new(data, limits)?;
    reader.header().encode(out).unwrap();
    assert_eq!(out.len(), SlotHeader::LEN);
    let start = out.len();
    // Changes that do not decode stand as they are; a verifier refuses them.
    if reader.changes().all(|change| change.is_ok()) {
        for change in reader.changes().flatten() {
            change.encode(out).unwrap();
        }
        assert_eq!(&out.written()[start..], reader.changes_bytes());
    } else {
        out.bytes(reader.changes_bytes()).unwrap();
    }
    while let Some(sub_batch) = reader.next_sub_batch()? {
        let before = out.len();
        sub_batch.header.encode(out).unwrap();
        assert_eq!(out.len() - before, SubBatchHeader::LEN);
        let mut count = 0;
        for (canonical, transaction, _) in sub_batch.iter() {
            let before = out.len();
            transaction.encode(out).unwrap();
            assert_eq!(&out.written()[before..], canonical);
            count += 1;
        }
        assert_eq!(count, sub_batch.header.counts.pool);
        let evidence = &sub_batch.evidence;
        let before = out.len();
        evidence.slice_ends().for_each(|end| out.u32(end).unwrap());
        if sub_batch.header.policy.needs_hints() {
            out.u32(evidence.pools().count() as u32).unwrap();
        }
        for pool in evidence.pools() {
            out.bytes(pool.pool.as_bytes()).unwrap();
            out.u128(pool.reserve0).unwrap();
            out.u128(pool.reserve1).unwrap();
        }
        let rest = &evidence.bytes[out.len() - before..];
        let row_len = ARRIVAL_LEN
            + if sub_batch.header.policy.needs_hints() {
                TRADE_LEN
            } else {
                0
            };
        assert_eq!(rest.len(), row_len * count as usize);
        assert_eq!(evidence.arrivals().count(), count as usize);
        assert_eq!(evidence.trades().count(), count as usize);
        out.bytes(rest).unwrap();
    }
    Ok(())
}
