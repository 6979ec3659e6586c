//! What became of the sequencers, as a chain of records.

use super::{AuditError, SequencerStatus};
use crate::bounded::Ring;
use crate::codec::{Reader, Writer};
use crate::crypto::hash::{Domain, hash_parts};
use crate::types::{Epoch, Hash, Height, SequencerId};

/// The version of the encoding.
const VERSION: u8 = 1;
/// Bytes of a record before the hash that ends it.
const BODY_LEN: usize = 72;

/// Bytes of a record.
pub const AUDIT_RECORD_LEN: usize = BODY_LEN + Hash::LEN;

/// What a record says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AuditKind {
    /// A sequencer was registered. Detail: SHA3-256 of its key, whose front is its address.
    #[default]
    Registered = 1,
    /// A change of status was decided. Detail: the hash of the evidence, for a ban.
    Decided = 2,
    /// A change of weight was decided; `weight` is the new one.
    Weighed = 3,
    /// That a sequencer leaves the registry was decided.
    Leaving = 4,
    /// A leaving was decided, and too few heads would be left: the member keeps head and weight
    /// until somebody comes in its place.
    Held = 5,
    /// Further evidence against a sequencer whose ban was decided before. Detail: its hash.
    Evidence = 6,
    /// A change took effect with the epoch.
    Effective = 7,
    /// A sequencer left the registry.
    Removed = 8,
    /// An epoch began. Detail: the hash of its membership; `weight` is the sum of all weights.
    EpochBegan = 9,
}

impl AuditKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Registered,
            2 => Self::Decided,
            3 => Self::Weighed,
            4 => Self::Leaving,
            5 => Self::Held,
            6 => Self::Evidence,
            7 => Self::Effective,
            8 => Self::Removed,
            9 => Self::EpochBegan,
            _ => return None,
        })
    }
}

/// One record of the audit log; also the event that tells a host what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its running number; the first has 0.
    pub number: u64,
    /// What it says.
    pub kind: AuditKind,
    /// The epoch in which it happened; the new one, for what happens as it begins.
    pub epoch: Epoch,
    /// The slot that it follows from.
    pub height: Height,
    /// Whom it is about; 0 where an epoch began.
    pub id: SequencerId,
    /// The status before it.
    pub from: SequencerStatus,
    /// The status after it.
    pub to: SequencerStatus,
    /// The weight after it.
    pub weight: u64,
    /// By kind: see [`AuditKind`]; otherwise zero.
    pub detail: Hash,
    /// The running hash over all records up to this one.
    pub hash: Hash,
}

impl AuditRecord {
    /// Its bytes.
    ///
    /// ```text
    ///  0  version  1   1
    ///  1  kind     1   1 ..= 9
    ///  2  number   8
    /// 10  epoch    8
    /// 18  height   8
    /// 26  id       4
    /// 30  from     1   0 = inactive, 1 = active, 2 = suspended, 3 = banned
    /// 31  to       1
    /// 32  weight   8
    /// 40  detail  32
    /// 72  hash    32   SHA3-256 of "hb/au/1", the hash before it, and bytes 0 to 71
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> [u8; AUDIT_RECORD_LEN] {
        let mut bytes = [0; AUDIT_RECORD_LEN];
        let mut out = Writer::new(&mut bytes);
        let written = out
            .bytes(&self.body())
            .and_then(|()| out.bytes(self.hash.as_bytes()));
        debug_assert!(written.is_ok(), "72 + 32");
        bytes
    }

    /// Reads a record off the front of `input`; whether its hash is right is for the verifier.
    ///
    /// # Errors
    /// [`AuditError::Truncated`], [`AuditError::UnsupportedVersion`] and
    /// [`AuditError::UnknownStatus`].
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, AuditError> {
        input.version(VERSION)?;
        let kind = AuditKind::from_number(input.u8()?).ok_or(AuditError::UnknownStatus)?;
        let status = |number| SequencerStatus::from_number(number).ok_or(AuditError::UnknownStatus);
        Ok(Self {
            kind,
            number: input.u64()?,
            epoch: Epoch::new(input.u64()?),
            height: Height::new(input.u64()?),
            id: SequencerId::new(input.u32()?),
            from: status(input.u8()?)?,
            to: status(input.u8()?)?,
            weight: input.u64()?,
            detail: Hash::new(input.array()?),
            hash: Hash::new(input.array()?),
        })
    }

    /// The hash that a record must have behind one with the hash `before`.
    #[must_use]
    pub fn hash_after(&self, before: Hash) -> Hash {
        hash_parts(Domain::AUDIT, &[before.as_bytes(), &self.body()])
    }

    fn body(&self) -> [u8; BODY_LEN] {
        let mut bytes = [0; BODY_LEN];
        let mut out = Writer::new(&mut bytes);
        let written = out
            .u8(VERSION)
            .and_then(|()| out.u8(self.kind as u8))
            .and_then(|()| out.u64(self.number))
            .and_then(|()| out.u64(self.epoch.get()))
            .and_then(|()| out.u64(self.height.get()))
            .and_then(|()| out.u32(self.id.get()))
            .and_then(|()| out.u8(self.from.number()))
            .and_then(|()| out.u8(self.to.number()))
            .and_then(|()| out.u64(self.weight))
            .and_then(|()| out.bytes(self.detail.as_bytes()));
        debug_assert!(written.is_ok(), "1 + 1 + 3 · 8 + 4 + 2 + 8 + 32 = 72");
        bytes
    }
}

/// Where the chain of a network's records starts.
#[must_use]
pub fn audit_start(network: Hash) -> Hash {
    hash_parts(Domain::AUDIT, &[network.as_bytes()])
}

/// The records that the host has not read yet, and the hash over all that there were.
#[derive(Debug)]
pub(super) struct AuditLog {
    waiting: Ring<AuditRecord>,
    count: u64,
    hash: Hash,
}

impl AuditLog {
    pub fn new(network: Hash, record_count_max: u32) -> Self {
        Self {
            waiting: Ring::new(record_count_max),
            count: 0,
            hash: audit_start(network),
        }
    }

    pub const fn footprint_bytes(record_count_max: u32) -> u64 {
        Ring::<AuditRecord>::footprint_bytes(record_count_max)
    }

    /// How many more records fit. Whoever writes asks first.
    pub const fn room(&self) -> usize {
        self.waiting.room()
    }

    pub const fn count(&self) -> u64 {
        self.count
    }

    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Writes a record; its number and hash are filled in here.
    pub fn write(&mut self, record: AuditRecord) {
        let numbered = AuditRecord {
            number: self.count,
            ..record
        };
        let hash = numbered.hash_after(self.hash);
        let pushed = self.waiting.push(AuditRecord { hash, ..numbered });
        debug_assert!(pushed.is_ok(), "a record was written without room for it");
        self.count = self.count.saturating_add(1);
        self.hash = hash;
    }

    pub fn poll(&mut self) -> Option<AuditRecord> {
        self.waiting.pop()
    }

    /// Takes over what another log of the same size holds; says whether all of it fitted.
    pub fn copy_from(&mut self, other: &Self) -> bool {
        while self.waiting.pop().is_some() {}
        (self.count, self.hash) = (other.count, other.hash);
        let mut waiting = other.waiting.iter();
        waiting.all(|record| self.waiting.push(*record).is_ok())
    }

    /// The records that wait, the oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &AuditRecord> {
        self.waiting.iter()
    }

    /// How many of them there are.
    pub const fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// Takes records that waited into an empty log whose chain has come so far; false unless they
    /// are the last of that chain.
    pub fn restore(
        &mut self,
        count: u64,
        hash: Hash,
        waiting: impl Iterator<Item = AuditRecord>,
    ) -> bool {
        let mut before = None;
        let start = self.hash;
        (self.count, self.hash) = (count, hash);
        for record in waiting {
            let follows = match before {
                None if record.number == 0 => record.hash == record.hash_after(start),
                None => true,
                Some((number, hash)) => {
                    record.number.checked_sub(1) == Some(number)
                        && record.hash == record.hash_after(hash)
                }
            };
            before = Some((record.number, record.hash));
            if !follows || self.waiting.push(record).is_err() {
                return false;
            }
        }
        match before {
            None => true,
            Some((number, last)) => last == hash && count.checked_sub(1) == Some(number),
        }
    }
}
