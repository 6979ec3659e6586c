//! Slots from arbitrary bytes: the reader ends for every input, what it reads is canonical, and a
//! verifier that refuses stays where it was.
#![no_main]

use hauptbuch_core::batch::{
    SlotHeader, SlotReader, SlotVerifier, SubBatch, SubBatchHeader, TRADE_LEN,
};
use hauptbuch_core::codec::{DecodeError, EncodeError, Writer};
use hauptbuch_core::config::Config;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::receive_log::Cut;
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
        for (canonical, transaction) in sub_batch.all() {
            let before = out.len();
            transaction.encode(out).unwrap();
            assert_eq!(&out.written()[before..], canonical);
        }
        let counts = sub_batch.header.counts;
        assert_eq!(sub_batch.all().count(), counts.total() as usize);
        assert_eq!(sub_batch.forced().count(), counts.forced as usize);
        assert_eq!(sub_batch.iter().count(), counts.pool as usize);
        assert_eq!(sub_batch.legs().count(), counts.bundles as usize);
        let before = out.len();
        rewrite_evidence(&sub_batch, out).unwrap();
        assert_eq!(&out.written()[before..], sub_batch.evidence.bytes);
    }
    Ok(())
}

/// Writes the tables of evidence one after another. What stands for a trade's pool and for why a
/// no-op does nothing is copied.
fn rewrite_evidence(sub_batch: &SubBatch<'_>, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    let (header, evidence) = (&sub_batch.header, &sub_batch.evidence);
    let start = out.len();
    let copy = |out: &mut Writer<'_>, len: usize| {
        let at = out.len() - start;
        out.bytes(&evidence.bytes[at..at + len])
    };
    evidence.slice_ends().try_for_each(|end| out.u32(end))?;
    let has_trades = header.policy.needs_hints();
    if has_trades {
        out.u32(evidence.pools().count() as u32)?;
    }
    for pool in evidence.pools() {
        out.bytes(pool.pool.as_bytes())?;
        out.u128(pool.reserve0)?;
        out.u128(pool.reserve1)?;
    }
    if !evidence.cut().is_empty() {
        let mut cut = Cut::new(evidence.cut_log_count().into());
        cut.decode(evidence.cut()).unwrap();
        cut.encode(out)?;
    }
    if header.policy.orders_by_logs() {
        out.u32(evidence.no_ops().count() as u32)?;
        for row in evidence.no_ops() {
            out.u32(row.position)?;
            out.u32(row.body_bytes)?;
            out.bytes(row.id.as_bytes())?;
            copy(out, 1)?;
        }
    } else {
        for arrival in evidence.arrivals() {
            out.u64(arrival.index)?;
            out.u64(arrival.tick.get())?;
            copy(out, if has_trades { TRADE_LEN } else { 0 })?;
        }
    }
    assert_eq!(evidence.arrivals().count(), header.counts.pool as usize);
    assert_eq!(evidence.trades().count(), header.counts.pool as usize);
    for row in evidence.forced() {
        out.u64(row.index.get())?;
        out.u8(row.outcome.byte())?;
    }
    for row in evidence.legs() {
        out.u32(row.bundle)?;
        out.u8(row.leg)?;
        out.u8(row.leg_count)?;
    }
    Ok(())
}
