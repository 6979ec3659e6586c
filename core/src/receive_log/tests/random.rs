//! Random histories of honest and lying members against a plain model that keeps everything.

use std::vec::Vec;

use proptest::prelude::*;

use super::super::{Cut, Entry, Extension, Naming, OwnLog, verify_fork};
use super::plain::chained;
use super::world::{Keys, LIMITS, admit, extents, id, own, signed, stamp};
use crate::types::{Hash, Height, LogPosition, UnixNs};

/// What the model keeps of a log: every entry with its base, without a bound.
type PlainLog = Vec<(u64, Entry)>;

fn running(member: u16, log: &[(u64, Entry)]) -> Hash {
    let start = *super::world::start(member).running.as_bytes();
    let folded = log.iter().fold(start, |running, (base, entry)| {
        chained(running, *base, entry)
    });
    Hash::new(folded)
}

#[derive(Clone, Debug)]
enum Step {
    /// A member logs ids and a stamp, and its extension arrives.
    Log { member: u16, ids: u8 },
    /// The member says that it knows the last slot.
    Alive { member: u16 },
    /// A slot decides a cut; of each log the share of what is held.
    Decide { shares: [u8; 3] },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u16..3, 0_u8..4).prop_map(|(member, ids)| Step::Log { member, ids }),
        1 => (0_u16..3).prop_map(|member| Step::Alive { member }),
        2 => any::<[u8; 3]>().prop_map(|shares| Step::Decide { shares }),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn cuts_give_back_what_was_logged(steps in steps()) {
        let mut held = extents();
        let mut logs: [OwnLog; 3] = [0, 1, 2].map(own);
        let mut plain: [PlainLog; 3] = Default::default();
        let mut decided = [0_usize; 3];
        let (mut height, mut number) = (1_u64, 0_u8);
        for step in steps {
            match step {
                Step::Log { member, ids } => {
                    let at = usize::from(member);
                    let log = &mut logs[at];
                    let room = log.room();
                    let mut entries = Vec::new();
                    for _ in 0..ids {
                        number = number.wrapping_add(1);
                        entries.push(id(number));
                    }
                    entries.push(stamp(height * 10));
                    entries.truncate(room);
                    let bytes = signed(log, height - 1, &entries);
                    plain[at].extend(entries.iter().map(|entry| (height - 1, *entry)));
                    let got = admit(&mut held, &bytes);
                    let added = got.map_or(0, |admitted| {
                        assert_eq!(admitted.fork_bytes, 0);
                        admitted.entries as usize
                    });
                    prop_assert_eq!(added, entries.len());
                }
                Step::Alive { member } => {
                    let bytes = signed(&mut logs[usize::from(member)], height - 1, &[]);
                    let _ = admit(&mut held, &bytes);
                }
                Step::Decide { shares } => {
                    let mut cut = Cut::new(3);
                    let mut expected = Vec::new();
                    for member in 0..3_usize {
                        let waiting = plain[member].len() - decided[member];
                        let to = decided[member] + waiting * usize::from(shares[member]) / 255;
                        let point = &mut cut.points_mut()[member];
                        point.position = LogPosition::new(to as u64);
                        point.running = running(member as u16, &plain[member][..to]);
                        let logged = plain[member].iter().enumerate().take(to);
                        for (at, entry) in logged.skip(decided[member]) {
                            expected.push((member as u16, at as u64, *entry));
                        }
                        decided[member] = to;
                    }
                    held.check_cut(&cut, Height::new(height)).unwrap();
                    let got: Vec<_> = held
                        .entries(&cut)
                        .unwrap()
                        .map(|e| (e.member, e.position.get(), (e.base.get(), *e.entry)))
                        .collect();
                    prop_assert_eq!(got, expected);
                    held.decide(&cut).unwrap();
                    for (log, to) in logs.iter_mut().zip(&decided) {
                        log.handle_decided(LogPosition::new(*to as u64), UnixNs::ZERO);
                    }
                    height += 1;
                }
            }
        }
    }

    /// Any two signed logs of one member give evidence exactly if neither is a prefix of the other.
    #[test]
    fn evidence_is_exactly_a_fork(
        one in proptest::collection::vec(0_u8..3, 0..=6),
        other in proptest::collection::vec(0_u8..3, 0..=6),
        splits in any::<[u8; 2]>(),
        is_named in any::<bool>(),
    ) {
        let write = |ids: &[u8], split: u8| {
            let mut log = own(1);
            let (head, tail) = ids.split_at(usize::from(split) % (ids.len() + 1));
            let entries = |ids: &[u8]| ids.iter().map(|n| id(*n)).collect::<Vec<_>>();
            let first = signed(&mut log, 1, &entries(head));
            let second = signed(&mut log, 1, &entries(tail));
            (log.record().end, [first, second])
        };
        let (_, first) = write(&one, splits[0]);
        let (end, second) = write(&other, splits[1]);
        let mut held = extents();
        if is_named {
            let cut = super::world::cut(&held, &[(1, end)]);
            held.name(Naming::Valid, &cut).unwrap();
        }
        let mut proofs = 0;
        for bytes in first.iter().chain(&second) {
            let mut out = std::vec![0; LIMITS.fork_bytes_max() as usize];
            if let Ok(admitted) = held.admit(bytes, &Keys, &mut out)
                && admitted.fork_bytes > 0
            {
                let proof = &out[..admitted.fork_bytes];
                prop_assert_eq!(verify_fork(proof, &LIMITS, &Keys).unwrap().member, 1);
                proofs += 1;
            }
        }
        let is_fork = !one.starts_with(&other) && !other.starts_with(&one);
        prop_assert_eq!(proofs > 0, is_fork);
    }

    #[test]
    fn no_bytes_break_anything(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        spoil in proptest::collection::vec((0_usize..200, any::<u8>()), 0..3),
    ) {
        let mut held = extents();
        let _ = admit(&mut held, &bytes);
        let mut whole = signed(&mut own(0), 1, &[id(1), stamp(2), Entry::Closed]);
        for (at, value) in spoil {
            if let Some(byte) = whole.get_mut(at) {
                *byte = value;
            }
        }
        let _ = admit(&mut held, &whole);
        let _ = verify_fork(&bytes, &LIMITS, &Keys);
        let _ = Extension::decode(&bytes, &LIMITS).map(|read| read.statement());
    }
}
