//! What the tests share: a signature that is a keyed hash, and members that write logs.

use std::vec;
use std::vec::Vec;

use super::super::{
    Admitted, Cut, Entry, ExtensionError, Extents, LogId, LogMark, LogSigner, LogVerifier, OwnLog,
    OwnRecord, Point, ReceiveLogLimits, STATEMENT_LEN,
};
use crate::crypto::hash::{Domain, hash_parts};
use crate::types::{Epoch, Hash, Height, LogPosition, RollupId, TxId, UnixNs};

pub const CHAIN: u64 = 7;
pub const EPOCH: Epoch = Epoch::new(3);
pub const LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 3,
    extent_entries_max: 8,
    signature_bytes_max: 40,
};

/// Signs as one member with a hash over a key that everybody can derive: it holds nobody back, and
/// shows that exactly the right bytes were signed.
pub struct Key(pub u16);

impl LogSigner for Key {
    fn suite(&self) -> u8 {
        9
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        let signature = signature(self.0, statement);
        out.get_mut(..Hash::LEN)?
            .copy_from_slice(signature.as_bytes());
        Some(Hash::LEN)
    }
}

pub struct Keys;

impl LogVerifier for Keys {
    fn suite(&self) -> u8 {
        9
    }

    fn verify(&self, member: u16, statement: &[u8; STATEMENT_LEN], bytes: &[u8]) -> bool {
        signature(member, statement).as_bytes() == bytes
    }
}

fn signature(member: u16, statement: &[u8; STATEMENT_LEN]) -> Hash {
    hash_parts(Domain::SET, &[&member.to_le_bytes(), statement])
}

pub fn log(member: u16) -> LogId {
    LogId {
        chain_id: CHAIN,
        epoch: EPOCH,
        member,
    }
}

pub fn start(member: u16) -> Point {
    Point {
        position: LogPosition::ZERO,
        running: log(member).start(&Hash::new([5; 32])),
    }
}

pub fn marks(limits: &ReceiveLogLimits) -> Vec<LogMark> {
    let mark = |member| LogMark {
        at: start(member),
        ..LogMark::default()
    };
    (0..limits.log_count_max as u16).map(mark).collect()
}

pub fn extents() -> Extents {
    Extents::new(&LIMITS, CHAIN, EPOCH, &marks(&LIMITS)).unwrap()
}

pub fn own(member: u16) -> OwnLog {
    let record = OwnRecord {
        log: log(member),
        end: start(member),
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
    };
    OwnLog::new(&LIMITS, &record, LogPosition::ZERO)
}

/// Another log of the same member that goes on from the same place: what makes a fork.
pub fn twin_of(own: &OwnLog) -> OwnLog {
    OwnLog::new(&LIMITS, own.record(), LogPosition::ZERO)
}

pub fn id(number: u8) -> Entry {
    Entry::Id {
        rollup: RollupId::new(1),
        id: TxId::new([number; 32]),
        sealed: number.is_multiple_of(2),
        body_bytes: 100 + u32::from(number),
    }
}

pub fn stamp(time: u64) -> Entry {
    Entry::Stamp(UnixNs::new(time))
}

/// Appends and signs.
pub fn signed(own: &mut OwnLog, base: u64, entries: &[Entry]) -> Vec<u8> {
    for entry in entries {
        own.append(*entry).unwrap();
    }
    let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
    let mut key = Key(own.record().log.member);
    let len = own.extend(Height::new(base), &mut key, &mut out).unwrap();
    out.truncate(len);
    out
}

pub fn admit(extents: &mut Extents, bytes: &[u8]) -> Result<Admitted, ExtensionError> {
    let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
    extents.admit(bytes, &Keys, &mut evidence)
}

/// Admits, and returns the evidence that came of it.
pub fn evidence(extents: &mut Extents, bytes: &[u8]) -> (Admitted, Vec<u8>) {
    let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
    let admitted = extents.admit(bytes, &Keys, &mut evidence).unwrap();
    evidence.truncate(admitted.fork_bytes);
    (admitted, evidence)
}

/// A cut with these places, and the decided ones in the other logs.
pub fn cut(extents: &Extents, places: &[(u16, Point)]) -> Cut {
    let mut cut = Cut::new(LIMITS.log_count_max);
    for (member, point) in (0..).zip(cut.points_mut()) {
        *point = extents.decided(member).unwrap().at;
    }
    for (member, place) in places {
        cut.points_mut()[usize::from(*member)] = *place;
    }
    cut
}
