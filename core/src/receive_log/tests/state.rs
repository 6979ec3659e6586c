//! Extents and one's own log as bytes: restarts after every step, damage, contradictions; and a
//! member that has lost its log.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::{
    Cut, Entry, Extents, Naming, OwnLog, OwnLogError, OwnRecord, Point, ReceiveLogLimits,
    RecordError, newest_log_record, verify_fork,
};
use super::world::{
    CHAIN, EPOCH, Key, Keys, LIMITS, admit, cut, evidence, extents, id, log, own, signed, stamp,
    start, twin_of,
};
use crate::codec::StateError;
use crate::codec::tests::damage::{Forgery, every_byte_counts, seal};
use crate::crypto::hash::Domain;
use crate::types::{Epoch, Hash, Height, LogPosition, UnixNs};

fn bytes(held: &Extents) -> Vec<u8> {
    let mut bytes = vec![0xEE; held.state_len() + 1];
    assert!(held.state_len() as u64 <= Extents::state_bytes_max(&LIMITS));
    let len = held.write_state(&mut bytes).unwrap();
    assert_eq!(len, held.state_len());
    assert_eq!(bytes.pop(), Some(0xEE), "no more than it says");
    let short = &mut vec![0xEE; len - 1][..];
    assert_eq!(held.write_state(short), Err(StateError::BufferTooSmall));
    bytes
}

fn restored(held: &Extents) -> Extents {
    let before = bytes(held);
    let again = Extents::restore(&LIMITS, CHAIN, &before).unwrap();
    assert!(bytes(&again) == before, "one spelling");
    again
}

fn own_bytes(log: &OwnLog) -> Vec<u8> {
    let mut bytes = vec![0; log.state_len()];
    assert_eq!(log.write_state(&mut bytes), Ok(log.state_len()));
    bytes
}

fn own_restored(own: &OwnLog) -> OwnLog {
    let before = own_bytes(own);
    let again = OwnLog::restore(&LIMITS, own.record().log, &before).unwrap();
    assert!(own_bytes(&again) == before, "one spelling");
    again
}

/// One step of a history with forks.
#[derive(Clone, Debug)]
enum Step {
    /// A member, or its other self, signs some entries, and the extension arrives.
    Log { member: u16, is_twin: bool, ids: u8 },
    /// A cut through what the member or its other self signed gets a name.
    Name { naming: usize, is_twin: bool },
    /// A name is taken away.
    Unname { naming: usize },
    /// The cut with this name is decided, if it is held.
    Decide { naming: usize },
    /// Evidence against a member was decided.
    Close { member: u16 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0_u16..3, any::<bool>(), 0_u8..4)
            .prop_map(|(member, is_twin, ids)| Step::Log { member, is_twin, ids }),
        4 => (0_usize..3, any::<bool>())
            .prop_map(|(naming, is_twin)| Step::Name { naming, is_twin }),
        1 => (0_usize..3).prop_map(|naming| Step::Unname { naming }),
        3 => (0_usize..3).prop_map(|naming| Step::Decide { naming }),
        1 => (0_u16..12).prop_map(|member| Step::Close { member }),
    ];
    prop::collection::vec(step, 1..60)
}

/// Everything that a step is about: the logs, their twins, and the cuts that were named.
struct Scene {
    logs: [[OwnLog; 2]; 3],
    cuts: [Option<Cut>; 3],
    number: u8,
    height: u64,
}

impl Scene {
    fn new() -> Self {
        Self {
            logs: [0, 1, 2].map(|member| [own(member), own(member)]),
            cuts: [None, None, None],
            number: 0,
            height: 1,
        }
    }

    /// An extension's bytes for a step that signs one.
    fn sign(&mut self, member: u16, is_twin: bool, ids: u8) -> Vec<u8> {
        let log = &mut self.logs[usize::from(member)][usize::from(is_twin)];
        let mut entries: Vec<Entry> = vec![stamp(self.height)];
        for _ in 0..ids {
            self.number = self.number.wrapping_add(1);
            entries.push(id(self.number));
        }
        entries.truncate(log.room());
        signed(log, self.height - 1, &entries)
    }

    fn cut_of(&self, held: &Extents, is_twin: bool) -> Cut {
        let ends = (0..).zip(&self.logs).map(|(member, logs)| {
            let decided = held.decided(member).unwrap().at;
            let end = logs[usize::from(is_twin)].record().end;
            (member, if held.is_closed(member) { decided } else { end })
        });
        cut(held, &ends.collect::<Vec<(u16, Point)>>())
    }

    /// Does a step to some extents; what can be seen of it.
    fn act(&self, held: &mut Extents, step: &Step, extension: &[u8], named: &Cut) -> String {
        match step {
            Step::Log { .. } => {
                let mut proof = vec![0; LIMITS.fork_bytes_max() as usize];
                let admitted = held.admit(extension, &Keys, &mut proof);
                std::format!("{admitted:?} {proof:?}")
            }
            Step::Name { naming, .. } => {
                held.name(Naming::ALL[*naming], named).unwrap();
                let missing: Vec<_> = held.missing(named).collect();
                std::format!("{missing:?}")
            }
            Step::Unname { naming } => {
                held.unname(Naming::ALL[*naming]);
                String::new()
            }
            Step::Decide { naming } => match &self.cuts[*naming] {
                Some(cut) => {
                    let checked = held.check_cut(cut, Height::new(self.height));
                    let is_good = checked.is_ok() && held.decide(cut).is_ok();
                    std::format!("{checked:?} {is_good}")
                }
                None => String::new(),
            },
            Step::Close { member } => std::format!("{}", held.close(*member)),
        }
    }
}

use std::string::String;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// One lives on, the other is written and restored after every step.
    #[test]
    fn a_restart_after_any_step_changes_nothing(steps in steps()) {
        let mut scene = Scene::new();
        let (mut alive, mut other) = (extents(), extents());
        for step in &steps {
            let (mut extension, mut named) = (Vec::new(), cut(&alive, &[]));
            match *step {
                Step::Log { member, is_twin, ids } => {
                    extension = scene.sign(member, is_twin, ids);
                }
                Step::Name { naming, is_twin } => {
                    named = scene.cut_of(&alive, is_twin);
                    scene.cuts[naming] = Some(named.clone());
                }
                _ => {}
            }
            let told = scene.act(&mut alive, step, &extension, &named);
            prop_assert_eq!(&told, &scene.act(&mut other, step, &extension, &named));
            other = restored(&other);
            prop_assert!(bytes(&alive) == bytes(&other), "after {:?}", step);
            for logs in &mut scene.logs {
                let at = usize::from(logs[0].record().log.member) as u16;
                let decided = alive.decided(at).unwrap().at.position;
                for log in logs {
                    log.handle_decided(decided, UnixNs::ZERO);
                    *log = own_restored(log);
                }
            }
            if matches!(step, Step::Decide { .. }) && told.ends_with("true") {
                scene.height += 1;
                scene.cuts = [None, None, None];
            }
        }
    }
}

/// Logs of which one is forked, with both branches kept, one closed, and one decided in part.
fn sample() -> Extents {
    let mut held = extents();
    let (mut first, mut liar) = (own(0), own(1));
    let mut twin = twin_of(&liar);
    admit(&mut held, &signed(&mut first, 1, &[id(1), stamp(4), id(2)])).unwrap();
    admit(&mut held, &signed(&mut liar, 1, &[id(3)])).unwrap();
    let bytes = signed(&mut twin, 2, &[id(4), stamp(9)]);
    let named = cut(&held, &[(1, twin.record().end)]);
    held.name(Naming::Valid, &named).unwrap();
    let (admitted, _) = evidence(&mut held, &bytes);
    assert_eq!(admitted.entries, 2);
    held.close(2);
    held
}

#[test]
fn every_byte_that_is_changed_or_missing_is_noticed() {
    let refused = |bytes: &[u8]| Extents::restore(&LIMITS, CHAIN, bytes).unwrap_err();
    every_byte_counts(&bytes(&sample()), refused);
}

#[test]
fn a_state_that_contradicts_itself_is_refused() {
    let good = bytes(&sample());
    let forgery = Forgery {
        good: &good,
        domain: Domain::EXTENTS_STATE,
        flips: &[1, 2, 0x80],
    };
    let counts = forgery.try_at(
        forgery.places(),
        |bad| Extents::restore(&LIMITS, CHAIN, bad).map(|again| bytes(&again)),
        |at| match at {
            9..17 => StateError::WrongNetwork,
            17..29 => StateError::WrongSettings,
            _ => StateError::Inconsistent,
        },
    );
    assert!(counts.refused > 200 && counts.taken > 200, "{counts:?}");
    let none = ReceiveLogLimits {
        log_count_max: 0,
        ..LIMITS
    };
    let refused = Extents::restore(&none, CHAIN, &good).unwrap_err();
    assert_eq!(refused, StateError::LimitOutOfRange);
}

#[test]
fn ones_own_log_survives_with_what_waits() {
    let mut held = own(1);
    signed(&mut held, 2, &[id(1), stamp(70)]);
    held.append(id(2)).unwrap();
    held.append(stamp(80)).unwrap();
    held.handle_decided(LogPosition::new(1), UnixNs::new(75));
    let mut again = own_restored(&held);
    assert_eq!(
        signed(&mut again, 3, &[stamp(1)]),
        signed(&mut held, 3, &[stamp(1)])
    );
    let good = own_bytes(&held);
    let mut bad = good.clone();
    let restore = |bytes: &[u8]| OwnLog::restore(&LIMITS, log(1), bytes);
    for at in 0..good.len() {
        assert!(restore(&good[..at]).is_err());
        bad[at] ^= 0x10;
        assert!(restore(&bad).is_err(), "byte {at}");
        seal(&mut bad, Domain::OWN_LOG_STATE);
        if at < good.len() - Hash::LEN
            && let Ok(again) = restore(&bad)
        {
            assert!(own_bytes(&again) == bad, "byte {at} has two spellings");
        }
        bad.copy_from_slice(&good);
    }
    let other = OwnLog::restore(&LIMITS, log(2), &good).unwrap_err();
    assert_eq!(other, StateError::WrongNetwork);
}

/// [Rule 19, last sentence] A member that has lost its disk signs nothing of its log before the
/// next epoch; with a log begun anew instead, an honest member would prove itself a liar.
#[test]
fn who_lost_its_disk_signs_no_log_before_the_next_epoch() {
    let mut held = extents();
    let mut before = own(1);
    admit(&mut held, &signed(&mut before, 1, &[id(1), stamp(3)])).unwrap();
    let decided = start(1);
    let mut lost = OwnLog::resume(&LIMITS, log(1), None, &decided);
    assert!(lost.is_lost());
    assert_eq!(lost.room(), 0);
    assert_eq!(lost.append(id(9)), Err(OwnLogError::LogLost));
    let mut out = [0; 900];
    let silent = lost.extend(Height::new(4), &mut Key(1), &mut out);
    assert_eq!(silent, Err(OwnLogError::LogLost));
    lost = own_restored(&lost);
    assert!(lost.is_lost(), "another restart changes nothing");

    // What the rule is for: the same member, begun anew at the decided place.
    let (_, proof) = evidence(&mut held, &signed(&mut own(1), 1, &[id(9)]));
    assert_eq!(verify_fork(&proof, &LIMITS, &Keys).unwrap().member, 1);

    // The next epoch's log is a new one, whose first record the host keeps from its beginning.
    let next = crate::receive_log::LogId {
        epoch: Epoch::new(EPOCH.get() + 1),
        ..log(1)
    };
    let begin = Point {
        position: LogPosition::ZERO,
        running: next.start(&Hash::new([6; 32])),
    };
    let record = OwnRecord {
        log: next,
        end: begin,
        base: Height::new(7),
        stamp: UnixNs::new(3),
    };
    let mut again = OwnLog::resume(&LIMITS, next, Some(&record), &begin);
    assert!(!again.is_lost());
    again.append(id(1)).unwrap();
    again.extend(Height::new(7), &mut Key(1), &mut out).unwrap();
    let older = OwnLog::resume(&LIMITS, next, Some(before.record()), &begin);
    assert!(
        older.is_lost(),
        "a record of another epoch says nothing of this one"
    );
}

/// A disk that was set back is a disk that was lost: its record ends before what is decided.
#[test]
fn a_record_that_is_older_than_the_decided_cut_is_a_lost_one() {
    let mut log_of = own(1);
    signed(&mut log_of, 1, &[id(1)]);
    let old = *log_of.record();
    signed(&mut log_of, 2, &[id(2)]);
    let new = *log_of.record();
    let resume = |record: &OwnRecord, decided: &Point| {
        OwnLog::resume(&LIMITS, log(1), Some(record), decided).is_lost()
    };
    assert!(!resume(&old, &start(1)));
    assert!(!resume(&new, &old.end) && !resume(&new, &new.end));
    assert!(resume(&old, &new.end));
    let other = Point {
        running: Hash::new([9; 32]),
        ..new.end
    };
    assert!(
        resume(&new, &other),
        "what is decided is not what it signed"
    );
}

#[test]
fn the_newer_of_two_records_counts_and_a_torn_one_does_not() {
    let mut log = own(1);
    let blank = [0; OwnRecord::LEN];
    assert_eq!(newest_log_record([&[], &blank]), Ok(None));
    signed(&mut log, 2, &[id(1)]);
    let old = *log.record();
    signed(&mut log, 2, &[]);
    signed(&mut log, 3, &[]);
    let new = *log.record();
    let (old_bytes, new_bytes) = (old.encode(), new.encode());
    for places in [[&old_bytes[..], &new_bytes], [&new_bytes, &old_bytes]] {
        assert_eq!(newest_log_record(places), Ok(Some(new)));
    }
    let mut torn = new_bytes;
    torn[60] ^= 1;
    assert_eq!(newest_log_record([&old_bytes, &torn]), Ok(Some(old)));
    assert_eq!(
        newest_log_record([&torn, &[]]),
        Ok(None),
        "nothing of it had left"
    );
    assert_eq!(
        newest_log_record([&torn[..50], &torn]),
        Err(RecordError::Corrupt)
    );
}
