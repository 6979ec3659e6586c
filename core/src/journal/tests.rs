//! The buffer's arithmetic, and every kind of record there and back.

use super::buffer::ByteRing;
use super::record::{FIELDS_LEN_MAX, Record, SliceRoom, Stamped, decode_stamped};
use super::{Clocks, Journal};
use super::{Legs, Pools};
use crate::error::Code;
use crate::limits::Limits;
use crate::types::{
    Address, Envelope, Fee, Hash, Height, InboxIndex, Nonce, PoolReserves, RollupId, Side,
    Submission, Tick, TradeHint, Transaction, TxId, UnixNs,
};
use std::vec::Vec;

const CLOCKS: Clocks = Clocks {
    now: Tick::new(3),
    time: UnixNs::new(4),
};

const fn reserves(pool: u8) -> PoolReserves {
    PoolReserves {
        rollup: RollupId::new(3),
        pool: Address::new([pool; 20]),
        reserve0: 1 << 90,
        reserve1: 5,
    }
}

const POOLS: [PoolReserves; 2] = [reserves(1), reserves(2)];

fn leg(account_nonce: Option<Nonce>, payload: &'static [u8]) -> Submission<'static> {
    let envelope = Envelope::default();
    Submission {
        account_nonce,
        ..Submission::from(Transaction { envelope, payload })
    }
}

fn records() -> Vec<Record<'static>> {
    let trade = TradeHint {
        pool: Address::new([7; 20]),
        side: Side::Sell,
        amount: 1 << 100,
    };
    let submitted = |account_nonce: Option<Nonce>, is_from_lane| Record::Submitted {
        is_logged: false,
        is_from_lane,
        account_nonce,
        origin: 9,
        hint: account_nonce.map(|_| trade),
        outcome: Code::PoolFull,
        canonical: b"canonical",
    };
    let taken = |outcome: Option<(Height, Hash)>| Record::Taken {
        is_empty_wanted: outcome.is_some(),
        outcome,
        pools: Pools::Given(if outcome.is_some() { &POOLS } else { &[] }),
        last_pool: outcome.map(|_| POOLS[1]),
    };
    std::vec![
        Record::Gathered { read_count: 7 },
        submitted(None, true),
        submitted(Some(Nonce::ZERO), false),
        Record::TooLong,
        taken(None),
        taken(Some((Height::new(2), Hash::new([5; 32])))),
        Record::Acknowledged {
            height: Height::new(8)
        },
        Record::RolledBack {
            height: Height::new(8),
            slot_count: 2
        },
        Record::Drained {
            time: UnixNs::new(77),
            outcome: (Height::new(2), Hash::new([5; 32])),
            bytes: b"a cut and what was drained",
        },
        Record::LogMarked {
            id: TxId::new([6; 32]),
            is_logged: true
        },
        Record::UnreadyExpired {
            ended_count: 3,
            is_finished: true
        },
        Record::Cancelled {
            id: TxId::new([6; 32]),
            has_ended: true
        },
        Record::NonceCancelled {
            rollup: RollupId::new(1),
            sender: Address::new([2; 20]),
            nonce: Nonce::new(3),
            ended: TxId::new([4; 32]),
        },
        Record::PressureSet {
            slot_count_max: 6,
            slot_bytes_max: 7,
            slot_gas_max: 8,
            fee_floor: Fee::new(5),
            refuses_gaps: true
        },
    ]
}

/// Those of what stands outside the pool's lines and of open slots, without a body.
fn records_of_open_slots() -> Vec<Record<'static>> {
    std::vec![
        Record::ForcedTooLarge {
            rollup: RollupId::new(6),
            id: TxId::new([8; 32]),
            index: InboxIndex::new(9),
            outcome: Code::Admitted,
        },
        Record::BundleMisshapen {
            outcome: Code::BundleEmpty
        },
        Record::SlotOpened {
            height: Height::new(3)
        },
        Record::SliceAdded {
            room: SliceRoom {
                count: 1,
                bytes: 2,
                gas: 3
            },
            count: 4,
            running_hash: Hash::new([5; 32]),
        },
        Record::SetFixed {
            is_empty_wanted: true,
            outcome: Some((Height::new(2), Hash::new([5; 32]))),
        },
        Record::Adopted {
            outcome: Some((Height::new(2), Hash::new([5; 32]))),
            bytes: b"a slot",
        },
        Record::Adopted {
            outcome: None,
            bytes: b"",
        },
        Record::Sealed {
            seed: Some(Hash::new([1; 32])),
            hash: Hash::new([2; 32]),
        },
        Record::Sealed {
            seed: None,
            hash: Hash::new([2; 32]),
        },
        Record::ContextSet {
            next_membership: Hash::new([3; 32]),
            state_root: Hash::new([4; 32]),
            changes: b"changes",
        },
    ]
}

fn all() -> impl Iterator<Item = Record<'static>> {
    let without_body = records().into_iter().chain(records_of_open_slots());
    without_body.chain(outside())
}

/// A forced input, and bundles with and without a leg to blame.
fn outside() -> Vec<Record<'static>> {
    let mut canonical = std::vec![0; 120];
    let mut out = crate::codec::Writer::new(&mut canonical);
    let transaction = leg(None, b"forced").transaction;
    transaction.encode(&mut out).unwrap();
    let len = out.len();
    canonical.truncate(len);
    let forced = Record::ForcedSubmitted {
        index: InboxIndex::new(5),
        deadline: UnixNs::new(6),
        account_nonce: Some(Nonce::new(7)),
        outcome: Code::ForcedQueueFull,
        canonical: canonical.clone().leak(),
    };
    let legs = [leg(None, b"a leg"), leg(Some(Nonce::new(4)), b"")];
    let bundle = |blamed| Record::BundleSubmitted {
        expiry: UnixNs::new(9),
        outcome: Code::Duplicate,
        blamed,
        legs: Legs::Given(legs.to_vec().leak()),
    };
    std::vec![forced, bundle(None), bundle(Some(1))]
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut fields = [0; FIELDS_LEN_MAX];
    let mut bytes = record.encode_fields(CLOCKS, &mut fields).to_vec();
    record
        .body()
        .for_each_part(|part| bytes.extend_from_slice(part));
    bytes
}

/// Whether two records are the same, however their bodies are held.
fn are_same(own: &Record<'_>, other: &Record<'_>) -> bool {
    match (*own, *other) {
        (
            Record::Taken {
                pools, last_pool, ..
            },
            Record::Taken {
                pools: others,
                last_pool: other_last,
                ..
            },
        ) => {
            let pools: Vec<PoolReserves> = pools.iter().collect();
            pools == others.iter().collect::<Vec<_>>()
                && last_pool == other_last
                && encoded(own) == encoded(other)
        }
        _ => own == other,
    }
}

#[test]
fn every_kind_of_record_is_read_as_it_was_written() {
    let mut kinds = std::collections::BTreeSet::new();
    for record in all() {
        let bytes = encoded(&record);
        assert_eq!(bytes.len() + Hash::LEN, record.encoded_len());
        let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
        assert_eq!(u32::from_le_bytes(*length) as usize, rest.len() + Hash::LEN);
        let stamped = decode_stamped(rest).unwrap();
        assert!(stamped.clocks == CLOCKS && are_same(&stamped.record, &record));
        kinds.insert(rest[0]);
        // A shorter record is none, but for bytes whose content is looked at when it is done.
        let is_open = matches!(
            record,
            Record::Submitted { .. }
                | Record::Drained { .. }
                | Record::ContextSet { .. }
                | Record::Adopted { .. }
        );
        assert!(is_open || decode_stamped(&rest[..rest.len() - 1]).is_err());
        let mut longer = rest.to_vec();
        longer.push(0);
        assert_eq!(decode_stamped(&longer).is_ok(), is_open);
    }
    assert_eq!(kinds, (1..=22).collect());
    for kind in [0, 23, 255] {
        let mut bytes = encoded(&Record::TooLong);
        bytes[4] = kind;
        let error = decode_stamped(&bytes[4..]).unwrap_err();
        assert_eq!(error.code(), Code::UnknownKind);
    }
}

#[test]
fn what_is_read_from_changed_fields_is_written_as_the_same_bytes() {
    for record in all() {
        let bytes = encoded(&record);
        for at in 4..bytes.len() {
            for value in [0, 1, 2, 4, 255] {
                let mut changed = bytes.clone();
                changed[at] = value;
                if let Ok(Stamped { clocks, record }) = decode_stamped(&changed[4..]) {
                    let mut fields = [0; FIELDS_LEN_MAX];
                    let mut again = record.encode_fields(clocks, &mut fields).to_vec();
                    record
                        .body()
                        .for_each_part(|part| again.extend_from_slice(part));
                    assert_eq!(again, changed, "{record:?}, byte {at}");
                }
            }
        }
    }
}

#[test]
fn bytes_come_out_as_they_went_in_whatever_the_parts() {
    let mut ring = ByteRing::new(13);
    let (mut next_in, mut next_out) = (0_u8, 0_u8);
    for step in 0..500_usize {
        let wanted = step * 7 % 11;
        let part: Vec<u8> = (0..wanted.min(ring.room()))
            .map(|offset| next_in.wrapping_add(offset as u8))
            .collect();
        ring.push(&part);
        next_in = next_in.wrapping_add(part.len() as u8);
        let mut out = [0; 14];
        let len = ring.len();
        let count = ring.pop(&mut out[..step * 5 % 14]);
        assert_eq!(count, len.min(step * 5 % 14));
        for byte in &out[..count] {
            assert_eq!(*byte, next_out);
            next_out = next_out.wrapping_add(1);
        }
        assert_eq!(ring.room(), 13 - ring.len());
    }
}

#[test]
fn a_journal_without_memory_takes_nothing_and_gives_nothing() {
    let mut journal = Journal::new(&Limits::default());
    assert!(!journal.is_on() && journal.has_room_for(usize::MAX));
    journal.note_read();
    journal.write(&Record::TooLong, CLOCKS);
    assert_eq!(journal.drain(&mut [0; 99], CLOCKS), 0);
}
