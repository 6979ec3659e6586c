//! What is refused, and that a refusal changes nothing.

use std::vec::Vec;

use super::super::{
    Cut, CutError, Entry, ExtensionError, Extents, LogMark, Naming, OwnLog, OwnRecord,
};
use super::world::{CHAIN, EPOCH, LIMITS, admit, cut, extents, id, log, marks, own, signed, stamp};
use crate::limits::LimitsError;
use crate::types::{Epoch, Height, LogPosition, UnixNs};

/// Everything that can be asked of extents, to compare.
fn state(extents: &Extents) -> Vec<(Option<(super::super::Point, Height)>, bool)> {
    (0..3)
        .map(|member| (extents.newest(member), extents.is_closed(member)))
        .collect()
}

fn refused(extents: &mut Extents, bytes: &[u8], why: ExtensionError) {
    let before = state(extents);
    assert_eq!(admit(extents, bytes), Err(why));
    assert_eq!(state(extents), before);
}

#[test]
fn each_refusal_has_its_reason() {
    let mut log = own(0);
    let first = signed(&mut log, 1, &[id(1), stamp(9)]);
    let second = signed(&mut log, 2, &[id(2)]);
    let mut held = extents();
    refused(&mut held, &second, ExtensionError::LogGap);
    let mut spoilt = first.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    refused(&mut held, &spoilt, ExtensionError::WrongSignature);
    let with = |at: usize, value: u8| {
        let mut bytes = first.clone();
        bytes[at] = value;
        bytes
    };
    refused(&mut held, &with(1, 8), ExtensionError::ForeignLog);
    refused(&mut held, &with(9, 4), ExtensionError::ForeignLog);
    refused(&mut held, &with(17, 3), ExtensionError::UnknownMember);
    refused(&mut held, &with(17, 1), ExtensionError::NotDescended);
    refused(&mut held, &with(27, 1), ExtensionError::NotDescended);
    // A base and an entry are covered by the signature, each by way of the chain.
    refused(&mut held, &with(63, 2), ExtensionError::WrongSignature);
    refused(&mut held, &with(80, 7), ExtensionError::WrongSignature);
    assert_eq!(admit(&mut held, &first).unwrap().entries, 2);
    refused(&mut held, &first, ExtensionError::ExtensionKnown);
    assert_eq!(admit(&mut held, &second).unwrap().entries, 1);
    refused(&mut held, &first, ExtensionError::ExtensionKnown);
    assert!(held.close(0) && !held.close(3));
    refused(
        &mut held,
        &signed(&mut log, 3, &[id(3)]),
        ExtensionError::LogClosed,
    );
}

#[test]
fn a_log_whose_clocks_go_back_is_no_log() {
    // An honest log can't write one, so its record is bent between two extensions.
    let bent = |base: u64, entries: &[Entry]| {
        let mut log = own(0);
        let mut held = extents();
        admit(&mut held, &signed(&mut log, 5, &[id(1), stamp(50)])).unwrap();
        let record = OwnRecord {
            base: Height::ZERO,
            stamp: UnixNs::ZERO,
            ..*log.record()
        };
        let mut log = OwnLog::new(&LIMITS, &record, LogPosition::ZERO);
        admit(&mut held, &signed(&mut log, base, entries)).map(|admitted| admitted.entries)
    };
    assert_eq!(bent(4, &[id(2)]), Err(ExtensionError::BaseWentBack));
    assert_eq!(
        bent(5, &[id(2), stamp(49)]),
        Err(ExtensionError::StampWentBack)
    );
    assert_eq!(bent(5, &[id(2), stamp(50)]), Ok(2));
}

#[test]
fn clocks_are_remembered_across_decided_cuts() {
    let mut log = own(0);
    let mut held = extents();
    admit(&mut held, &signed(&mut log, 5, &[stamp(50), id(1)])).unwrap();
    let all = cut(&held, &[(0, log.record().end)]);
    held.decide(&all).unwrap();
    let mark = LogMark {
        at: log.record().end,
        base: Height::new(5),
        stamp: UnixNs::new(50),
    };
    assert_eq!(held.decided(0), Some(&mark));
    let record = OwnRecord {
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
        ..*log.record()
    };
    let mut bent = OwnLog::new(&LIMITS, &record, LogPosition::ZERO);
    let early = signed(&mut bent, 5, &[stamp(49)]);
    refused(&mut held, &early, ExtensionError::StampWentBack);
}

#[test]
fn no_member_can_fill_more_than_its_places() {
    let mut log = own(0);
    let mut held = extents();
    admit(
        &mut held,
        &signed(&mut log, 1, &(1..=8).map(id).collect::<Vec<_>>()),
    )
    .unwrap();
    // A liar goes on without a decision.
    log.handle_decided(LogPosition::new(8), UnixNs::ZERO);
    let further = signed(&mut log, 1, &[id(9)]);
    refused(&mut held, &further, ExtensionError::LogTooFar);
    let mut first = own(0);
    signed(&mut first, 1, &[id(1)]);
    let decided = cut(&held, &[(0, first.record().end)]);
    held.decide(&decided).unwrap();
    assert_eq!(admit(&mut held, &further).unwrap().entries, 1);
}

#[test]
fn what_overlaps_brings_its_end_only() {
    let mut log = own(0);
    let mut source = extents();
    for number in 1..=4 {
        let base = u64::from(number);
        admit(&mut source, &signed(&mut log, base, &[id(number)])).unwrap();
    }
    let end = log.record().end;
    let mut whole = std::vec![0; LIMITS.extension_bytes_max() as usize];
    let start = LogPosition::ZERO;
    let len = source.write_extension(0, start, &end, &mut whole).unwrap();
    // Four runs, because each entry has a base of its own.
    assert_eq!(whole[59..63], 4_u32.to_le_bytes());
    let mut held = extents();
    let mut again = own(0);
    admit(&mut held, &signed(&mut again, 1, &[id(1)])).unwrap();
    let decided = cut(&held, &[(0, again.record().end)]);
    admit(&mut held, &signed(&mut again, 2, &[id(2)])).unwrap();
    held.decide(&decided).unwrap();
    assert_eq!(admit(&mut held, &whole[..len]).unwrap().entries, 2);
    assert_eq!(held.newest(0), source.newest(0));
}

#[test]
fn an_epoch_begins_empty() {
    let mut held = extents();
    let mut log0 = own(0);
    let old = signed(&mut log0, 1, &[id(1)]);
    admit(&mut held, &old).unwrap();
    held.close(1);
    let next = Epoch::new(EPOCH.get() + 1);
    assert_eq!(held.begin(next, &[]), Err(LimitsError::LimitOutOfRange));
    held.begin(next, &marks(&LIMITS)).unwrap();
    refused(&mut held, &old, ExtensionError::ForeignLog);
    assert!(!held.is_closed(1));
    assert_eq!(held.newest(0).unwrap().0, marks(&LIMITS)[0].at);
    assert_ne!(
        log(0).start(&crate::types::Hash::ZERO),
        log(1).start(&crate::types::Hash::ZERO)
    );
    let one_more = [marks(&LIMITS), marks(&LIMITS)].concat();
    assert!(Extents::new(&LIMITS, CHAIN, EPOCH, &one_more).is_err());
}

#[test]
fn an_epoch_may_have_fewer_logs_than_there_can_be() {
    let all = marks(&LIMITS);
    let few = all.len() - 1;
    let mut held = extents();
    let (mut first, mut last) = (own(0), own(few as u16));
    let (of_first, of_last) = (
        signed(&mut first, 1, &[id(1)]),
        signed(&mut last, 1, &[id(2)]),
    );
    held.begin(EPOCH, &all[..few]).unwrap();
    assert_eq!(held.log_count() as usize, few);
    admit(&mut held, &of_first).unwrap();
    refused(&mut held, &of_last, ExtensionError::UnknownMember);
    assert!(held.decided(few as u16).is_none() && held.is_closed(few as u16));
    let mut cut = Cut::new(all.len() as u32);
    assert_eq!(
        held.propose(Height::new(2), &mut cut),
        Err(CutError::WrongLogCount)
    );
    cut.set_log_count(few as u32).unwrap();
    held.propose(Height::new(2), &mut cut).unwrap();
    assert_eq!(cut.points()[0], first.record().end);
    // A cut of fewer logs is the one that was made for so many.
    let mut alone = Cut::new(few as u32);
    alone.copy_from(&cut).unwrap();
    assert_eq!(
        (alone.hash(), alone.encoded_len()),
        (cut.hash(), cut.encoded_len())
    );
    assert_eq!(alone, cut);
    assert_eq!(
        cut.set_log_count(all.len() as u32 + 1),
        Err(CutError::WrongLogCount)
    );
    held.name(Naming::Current, &cut).unwrap();
    let mut bytes = std::vec![0; held.state_len()];
    held.write_state(&mut bytes).unwrap();
    let again = Extents::restore(&LIMITS, CHAIN, &bytes).unwrap();
    assert_eq!(again.log_count() as usize, few);
    let mut same = std::vec![0; again.state_len()];
    again.write_state(&mut same).unwrap();
    assert_eq!(same, bytes);
    held.decide(&cut).unwrap();
    // The next epoch has all of them again.
    held.begin(EPOCH, &all).unwrap();
    admit(&mut held, &of_last).unwrap();
}
