//! What an honest member writes, and that a restart does not make it lie.

use super::super::{Entry, Extension, LogSigner, OwnLog, OwnLogError, OwnRecord, RecordError};
use super::super::{LogVerifier as _, STATEMENT_LEN};
use super::world::{Key, Keys, LIMITS, admit, extents, id, own, signed, stamp};
use crate::types::{Height, LogPosition, UnixNs};

#[test]
fn stamps_of_a_clock_that_was_set_back_stay() {
    let mut log = own(0);
    let bytes = signed(&mut log, 1, &[stamp(50), stamp(40), stamp(60)]);
    let read = Extension::decode(&bytes, &LIMITS).unwrap();
    let entries: std::vec::Vec<Entry> = read.entries().map(|(_, entry)| entry).collect();
    assert_eq!(entries, [stamp(50), stamp(50), stamp(60)]);
    assert_eq!(log.record().stamp, UnixNs::new(60));
    log.handle_decided(LogPosition::ZERO, UnixNs::new(80));
    log.append(stamp(70)).unwrap();
    assert_eq!(log.waiting(), [stamp(80)]);
}

#[test]
fn a_log_waits_beyond_its_limit_until_a_cut_is_decided() {
    let mut log = own(0);
    signed(&mut log, 1, &[id(1), id(2), id(3)]);
    for number in 4..=8 {
        log.append(id(number)).unwrap();
    }
    assert_eq!(log.room(), 0);
    assert_eq!(log.append(id(9)), Err(OwnLogError::LogFull));
    log.handle_decided(LogPosition::new(2), UnixNs::ZERO);
    assert_eq!(log.room(), 2);
    log.append(id(9)).unwrap();
    log.handle_decided(LogPosition::ZERO, UnixNs::ZERO);
    assert_eq!(log.room(), 1);
    assert_eq!(log.waiting().len(), 6);
}

#[test]
fn what_fails_changes_nothing() {
    struct Mute;
    impl LogSigner for Mute {
        fn suite(&self) -> u8 {
            9
        }
        fn sign(&mut self, _: &[u8; STATEMENT_LEN], _: &mut [u8]) -> Option<usize> {
            None
        }
    }
    let mut log = own(0);
    signed(&mut log, 5, &[id(1)]);
    let record = *log.record();
    log.append(id(2)).unwrap();
    let mut out = [0; 1_000];
    let low = log.extend(Height::new(4), &mut Key(0), &mut out);
    assert_eq!(low, Err(OwnLogError::LogBaseTooLow));
    let small = log.extend(Height::new(5), &mut Key(0), &mut out[..100]);
    assert_eq!(small, Err(OwnLogError::BufferTooSmall));
    let mute = log.extend(Height::new(5), &mut Mute, &mut out);
    assert_eq!(mute, Err(OwnLogError::SigningFailed));
    assert_eq!((log.record(), log.waiting()), (&record, &[id(2)][..]));
}

#[test]
fn a_restart_goes_on_where_the_record_ends() {
    let mut log = own(1);
    let mut held = extents();
    admit(&mut held, &signed(&mut log, 2, &[id(1), stamp(70)])).unwrap();
    let record = OwnRecord::decode(&log.record().encode()).unwrap();
    assert_eq!(&record, log.record());
    log.append(id(2)).unwrap();
    drop(log);
    let mut again = OwnLog::new(&LIMITS, &record, LogPosition::ZERO);
    let bytes = signed(&mut again, 3, &[stamp(10), id(3)]);
    let admitted = admit(&mut held, &bytes).unwrap();
    assert_eq!((admitted.entries, admitted.fork_bytes), (2, 0));
    assert_eq!(again.record().stamp, UnixNs::new(70));
}

#[test]
fn a_torn_record_is_no_record() {
    let mut log = own(1);
    signed(&mut log, 2, &[id(1)]);
    let bytes = log.record().encode();
    for at in 0..bytes.len() {
        let mut torn = bytes;
        torn[at] ^= 1;
        assert_eq!(OwnRecord::decode(&torn), Err(RecordError::Corrupt));
    }
}

#[test]
fn a_sign_of_life_moves_nothing() {
    let mut log = own(0);
    let mut held = extents();
    admit(&mut held, &signed(&mut log, 2, &[id(1)])).unwrap();
    let end = log.record().end;
    let admitted = admit(&mut held, &signed(&mut log, 4, &[])).unwrap();
    assert_eq!((admitted.entries, admitted.fork_bytes), (0, 0));
    assert_eq!(held.newest(0), Some((end, Height::new(4))));
    // The same for a member that starts again and knows less than its record: it is refused.
    let mut bytes = [0; 500];
    let older = log.extend(Height::new(3), &mut Key(0), &mut bytes);
    assert_eq!(older, Err(OwnLogError::LogBaseTooLow));
    assert!(!Keys.verify(0, &[0; STATEMENT_LEN], &[]));
}
