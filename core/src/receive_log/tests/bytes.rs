//! Every way in which bytes can be wrong, and that there is one spelling.

use std::vec::Vec;

use proptest::prelude::*;

use super::super::extension::{Parts, write_extension};
use super::super::{Cut, CutError, Entry, Extension, ExtensionError, Point};
use super::world::{LIMITS, id, log, own, signed, stamp, start};
use crate::codec::{Reader, Writer};
use crate::types::{Hash, Height, InboxIndex, LogPosition, RollupId, TxId, UnixNs};

const FIRST_RUN: usize = 63;

fn decode(bytes: &[u8]) -> Result<Extension<'_>, ExtensionError> {
    Extension::decode(bytes, &LIMITS)
}

/// Writes what was read again.
pub fn written_again(extension: &Extension<'_>) -> Vec<u8> {
    let entries: Vec<(Height, Entry)> = extension.entries().collect();
    let mut out = std::vec![0; LIMITS.extension_bytes_max() as usize];
    let mut writer = Writer::new(&mut out);
    let parts = Parts {
        log: extension.log,
        first: extension.first,
        previous: extension.previous,
        base: extension.base,
        signature: extension.signature,
    };
    let entries = entries.iter().map(|(base, entry)| (*base, entry));
    write_extension(&mut writer, &parts, entries).unwrap();
    let len = writer.len();
    out.truncate(len);
    out
}

#[test]
fn every_beginning_is_too_short_and_every_end_too_long() {
    let bytes = signed(&mut own(0), 4, &[id(1), stamp(2), Entry::Closed]);
    assert_eq!(decode(&bytes).unwrap().entry_count(), 3);
    for len in 0..bytes.len() {
        assert_eq!(
            decode(&bytes[..len]).unwrap_err(),
            ExtensionError::Truncated
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(decode(&longer).unwrap_err(), ExtensionError::TrailingBytes);
}

#[test]
fn what_this_version_does_not_know_is_refused() {
    let bytes = signed(&mut own(0), 4, &[id(1)]);
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        decode(&bytes).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(0, 2), ExtensionError::UnsupportedVersion);
    let kind = FIRST_RUN + 12;
    for unknown in (0..=255).filter(|kind| !(1..=4).contains(kind)) {
        assert_eq!(with(kind, unknown), ExtensionError::UnknownEntry);
    }
    assert_eq!(with(kind + 37, 2), ExtensionError::UnknownEntry);
}

#[test]
fn runs_have_one_form() {
    let bytes = signed(&mut own(0), 4, &[Entry::Closed, Entry::Closed]);
    let head = &bytes[..FIRST_RUN - 4];
    let tail = &bytes[FIRST_RUN + 14..];
    let form = |runs: &[(u64, u32)]| {
        let mut out = [head, &(runs.len() as u32).to_le_bytes()].concat();
        for (base, count) in runs {
            out.extend(base.to_le_bytes());
            out.extend(count.to_le_bytes());
            out.extend(std::vec![3_u8; *count as usize]);
        }
        out.extend(tail);
        decode(&out).map(|read| (read.entry_count(), read.base.get()))
    };
    assert_eq!(form(&[(4, 2)]), Ok((2, 4)));
    assert_eq!(form(&[(3, 1), (4, 1)]), Ok((2, 4)));
    assert_eq!(form(&[(3, 1), (4, 0)]), Ok((1, 4)));
    assert_eq!(form(&[(4, 0)]), Ok((0, 4)));
    assert_eq!(form(&[(4, 8)]), Ok((8, 4)));
    let out_of_order = Err(ExtensionError::RunsOutOfOrder);
    assert_eq!(form(&[]), out_of_order);
    assert_eq!(form(&[(4, 1), (4, 1)]), out_of_order);
    assert_eq!(form(&[(4, 1), (3, 1)]), out_of_order);
    assert_eq!(form(&[(3, 0), (4, 1)]), out_of_order);
    let too_long = Err(ExtensionError::LengthOverLimit);
    assert_eq!(form(&[(4, 9)]), too_long);
    assert_eq!(form(&[(3, 4), (4, 5)]), too_long);
    assert_eq!(
        form(&(0..10).map(|base| (base, 1)).collect::<Vec<_>>()),
        too_long
    );
}

#[test]
fn lengths_stay_within_the_limits() {
    let bytes = signed(&mut own(0), 4, &[]);
    let mut longer = bytes[..bytes.len() - 34].to_vec();
    longer.extend(41_u16.to_le_bytes());
    longer.extend([0; 41]);
    assert_eq!(
        decode(&longer).unwrap_err(),
        ExtensionError::LengthOverLimit
    );
    let most = LIMITS.extension_bytes_max() as usize;
    let endless = std::vec![1; most + 1];
    assert_eq!(
        decode(&endless).unwrap_err(),
        ExtensionError::LengthOverLimit
    );
    let mut last = signed(&mut own(0), 4, &[Entry::Closed]);
    last[19..27].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(decode(&last).unwrap_err(), ExtensionError::LogTooFar);
}

#[test]
fn the_longest_extension_is_as_long_as_the_limits_say() {
    let entries: Vec<(Height, Entry)> = (1..=8).map(|n| (Height::new(n.into()), id(n))).collect();
    let signature = [1; 40];
    let parts = Parts {
        log: log(1),
        first: LogPosition::ZERO,
        previous: start(1).running,
        base: Height::new(9),
        signature: &signature,
    };
    let mut out = std::vec![0; LIMITS.extension_bytes_max() as usize];
    let mut writer = Writer::new(&mut out);
    let entries = entries.iter().map(|(base, entry)| (*base, entry));
    write_extension(&mut writer, &parts, entries).unwrap();
    assert_eq!(writer.room(), 0);
    assert_eq!(decode(&out).unwrap().entry_count(), 8);
}

#[test]
fn a_cut_has_one_spelling() {
    let mut cut = Cut::new(3);
    for (number, point) in (1..).zip(cut.points_mut()) {
        *point = Point {
            position: LogPosition::new(number),
            running: Hash::new([number as u8; 32]),
        };
    }
    let mut bytes = std::vec![0; cut.encoded_len()];
    cut.encode(&mut Writer::new(&mut bytes)).unwrap();
    let mut plain = std::vec![1, 3, 0];
    for number in 1..=3_u64 {
        plain.extend(number.to_le_bytes());
        plain.extend([number as u8; 32]);
    }
    assert_eq!(bytes, plain);
    let mut read = Cut::new(3);
    read.decode(&bytes).unwrap();
    assert_eq!(read, cut);
    for len in 0..bytes.len() {
        assert_eq!(read.decode(&bytes[..len]), Err(CutError::Truncated));
    }
    plain.push(0);
    assert_eq!(read.decode(&plain), Err(CutError::TrailingBytes));
    assert_eq!(Cut::new(2).decode(&bytes), Err(CutError::WrongLogCount));
    bytes[0] = 2;
    assert_eq!(read.decode(&bytes), Err(CutError::UnsupportedVersion));
    assert_eq!(read, cut);
}

pub fn any_entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        (any::<u32>(), any::<[u8; 32]>(), any::<bool>(), any::<u32>()).prop_map(
            |(rollup, id, sealed, body_bytes)| Entry::Id {
                rollup: RollupId::new(rollup),
                id: TxId::new(id),
                sealed,
                body_bytes,
            }
        ),
        any::<u64>().prop_map(|time| Entry::Stamp(UnixNs::new(time))),
        Just(Entry::Closed),
        (any::<u32>(), any::<u64>()).prop_map(|(rollup, position)| Entry::Inbox {
            rollup: RollupId::new(rollup),
            position: InboxIndex::new(position),
        }),
    ]
}

proptest! {
    #[test]
    fn what_decodes_is_written_the_same_again(
        entries in proptest::collection::vec((0_u64..4, any_entry()), 0..=8),
        last in 4_u64..6,
        spoil in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
    ) {
        let mut entries = entries;
        entries.sort_by_key(|(base, _)| *base);
        let parts = Parts {
            log: log(1),
            first: LogPosition::new(3),
            previous: Hash::ZERO,
            base: Height::new(last),
            signature: &[7; 30],
        };
        let mut out = std::vec![0; LIMITS.extension_bytes_max() as usize];
        let mut writer = Writer::new(&mut out);
        let pairs = entries.iter().map(|(base, entry)| (Height::new(*base), entry));
        write_extension(&mut writer, &parts, pairs).unwrap();
        let len = writer.len();
        out.truncate(len);
        if let Some((at, value)) = spoil {
            *at.get_mut(&mut out) = value;
        } else {
            let read = decode(&out).unwrap();
            let same = entries.iter().map(|(base, entry)| (Height::new(*base), *entry));
            prop_assert!(read.entries().eq(same));
        }
        if let Ok(read) = decode(&out) {
            prop_assert_eq!(written_again(&read), out);
        }
    }

    #[test]
    fn entries_have_the_length_that_they_say(entry in any_entry()) {
        let mut out = [0; 64];
        let mut writer = Writer::new(&mut out);
        entry.encode(&mut writer).unwrap();
        prop_assert_eq!(writer.len(), entry.encoded_len());
        prop_assert_eq!(writer.written(), super::plain::entry_bytes(&entry));
        let mut input = Reader::new(writer.written());
        prop_assert_eq!(Entry::decode(&mut input), Ok(entry));
    }
}
