//! The engine as bytes, and back.

use super::{FinalityEngine, Row};
use crate::certificate::{CommitProof, Electorate};
use crate::codec::{Reader, Sink, StateError, StateFormat};
use crate::crypto::hash::Domain;
use crate::finality::{
    FinalityConflict, FinalityEvent, FinalityEventKind, FinalityLimits, FinalitySetupError, Level,
    Link,
};
use crate::types::{Epoch, Hash, Height};

pub(in crate::finality) const FORMAT: StateFormat = StateFormat {
    domain: Domain::FINALITY_STATE,
    version: 1,
};

/// Levels that a row can have.
const ROW_LEVELS: [Level; 4] = [
    Level::Received,
    Level::Sequenced,
    Level::Proposed,
    Level::Final,
];

const EVENT_KINDS: [FinalityEventKind; 8] = [
    FinalityEventKind::Reached,
    FinalityEventKind::RolledBack,
    FinalityEventKind::Revoked,
    FinalityEventKind::Final,
    FinalityEventKind::Settled,
    FinalityEventKind::EpochEnded,
    FinalityEventKind::EpochBegan,
    FinalityEventKind::Halted,
];

impl FinalityEngine {
    /// Bytes of the state as it is now: at most 253 a height that is kept, 112 a header that waits
    /// in a catch-up, 58 an event that waits to be read, and some 700 beside.
    #[must_use]
    pub fn state_len(&self) -> usize {
        StateFormat::len(|out| self.write_content(out))
    }

    /// Writes the whole state to the front of `out`, and returns how many bytes that took. Equal
    /// states give equal bytes. The members' keys are not in it, only their hash.
    /// `docs/formats.md` draws them.
    ///
    /// # Errors
    /// [`StateError::BufferTooSmall`] where `out` is shorter than [`state_len`](Self::state_len);
    /// nothing is written then.
    pub fn write_state(&self, out: &mut [u8]) -> Result<usize, StateError> {
        FORMAT.write(out, |out| self.write_content(out))
    }

    /// Makes an engine from its bytes, with all the memory that it will ever use. It goes on as the
    /// one that wrote them would have.
    ///
    /// Certificates are not checked again: a checksum tells of accidents, not of somebody who
    /// writes a whole new state. Bytes of another node are no proof of anything; from a slot that
    /// is final by agreement [`FinalityEngine::new`] starts.
    ///
    /// # Errors
    /// - [`StateError::LimitOutOfRange`], [`StateError::LimitsContradict`] where `limits` don't
    ///   hold;
    /// - [`StateError::Truncated`], [`StateError::TrailingBytes`],
    ///   [`StateError::UnsupportedVersion`], [`StateError::Corrupt`] for damaged bytes;
    /// - [`StateError::WrongNetwork`], [`StateError::WrongSettings`] for those of another network
    ///   or suite, or under other limits;
    /// - [`StateError::WrongMembership`] unless `electorate` holds the members that were in place;
    /// - [`StateError::Inconsistent`] where the bytes contradict themselves.
    pub fn restore(
        limits: &FinalityLimits,
        electorate: Electorate,
        bytes: &[u8],
    ) -> Result<Self, StateError> {
        limits.check()?;
        let mut input = FORMAT.open(bytes)?;
        let context = *electorate.context();
        let network = (*context.chain_id.as_bytes(), context.suite_id);
        if (input.array::<32>()?, input.u8()?) != network {
            return Err(StateError::WrongNetwork);
        }
        let is_same = input.u32()? == limits.window_count_max
            && input.u32()? == limits.catch_up_count_max
            && input.u32()? == limits.event_count_max;
        if !is_same {
            return Err(StateError::WrongSettings);
        }
        let members = (electorate.epoch(), electorate.membership_hash());
        if (Epoch::new(input.u64()?), Hash::new(input.array()?)) != members {
            return Err(StateError::WrongMembership);
        }
        let tip = read_link(&mut input)?;
        let restored = Self::new(limits, tip.height, tip.hash, electorate);
        let mut restored = restored?;
        restored.tip = tip;
        restored.settled = Height::new(input.u64()?);
        restored.awaited = read_optional(&mut input, |input| Ok(Hash::new(input.array()?)))?;
        restored.conflict = read_optional(&mut input, read_conflict)?;
        restored.read_rows(&mut input)?;
        restored.read_chain(&mut input)?;
        restored.read_events(&mut input)?;
        input.finish()?;
        restored.tip_proof = restored.row(tip.height).and_then(|row| row.proof);
        restored.check_state()?;
        Ok(restored)
    }

    fn write_content(&self, out: &mut dyn Sink) {
        let context = self.electorate.context();
        out.bytes(context.chain_id.as_bytes());
        out.u8(context.suite_id);
        out.u32(self.rows.len() as u32);
        out.u32(self.chain.len() as u32);
        out.u32(self.events.len().saturating_add(self.events.room()) as u32);
        out.u64(self.electorate.epoch().get());
        out.bytes(self.electorate.membership_hash().as_bytes());
        write_link(&self.tip, out);
        out.u64(self.settled.get());
        write_optional(out, self.awaited.as_ref(), |hash, out| {
            out.bytes(hash.as_bytes());
        });
        write_optional(out, self.conflict.as_ref(), write_conflict);
        self.write_rows(out);
        out.u32(self.chain_len as u32);
        for link in self.chain.iter().take(self.chain_len) {
            write_link(link, out);
        }
        write_optional(out, self.pending.as_ref(), |proof, out| proof.write(out));
        out.u32(self.events.len() as u32);
        for event in self.events.iter() {
            out.u8(event.kind as u8);
            out.u8(event.level as u8);
            out.u64(event.first.get());
            out.u64(event.height.get());
            out.bytes(event.value.as_bytes());
            out.u64(event.epoch.get());
        }
    }

    /// Writes what is known of each height, the lowest first.
    fn write_rows(&self, out: &mut dyn Sink) {
        let rows = || self.heights().filter_map(|height| self.row(height));
        out.u32(rows().count() as u32);
        for row in rows() {
            write_link(&row.link, out);
            out.u8(row.level as u8);
            if row.level == Level::Final {
                out.bytes(row.membership.as_bytes());
                write_optional(out, row.proof.as_ref(), |proof, out| proof.write(out));
            }
        }
    }

    fn read_rows(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        let count = input.u32()?;
        StateError::unless(count as usize <= self.rows.len())?;
        let mut last = None;
        for _ in 0..count {
            let row = read_row(input)?;
            let height = row.link.height;
            let is_kept = self.heights().contains_height(height);
            // Two heights that share a place can't both be known.
            let is_free = self.place(height).is_some_and(|place| !place.is_used);
            StateError::unless(is_kept && is_free && last.is_none_or(|last| last < height))?;
            last = Some(height);
            self.set(row);
        }
        Ok(())
    }

    fn read_chain(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        let count = input.u32()? as usize;
        StateError::unless(count <= self.chain.len())?;
        for place in self.chain.iter_mut().take(count) {
            *place = read_link(input)?;
        }
        self.chain_len = count;
        self.pending = read_optional(input, |input| Ok(CommitProof::read(input)?))?;
        Ok(())
    }

    fn read_events(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        let count = input.u32()?;
        for _ in 0..count {
            let (kind, level) = (input.u8()?, input.u8()?);
            let kind = EVENT_KINDS.into_iter().find(|own| *own as u8 == kind);
            let mut levels = ROW_LEVELS.into_iter().chain([Level::Settled]);
            let level = levels.find(|own| *own as u8 == level);
            let event = FinalityEvent {
                kind: kind.ok_or(StateError::Inconsistent)?,
                level: level.ok_or(StateError::Inconsistent)?,
                first: Height::new(input.u64()?),
                height: Height::new(input.u64()?),
                value: Hash::new(input.array()?),
                epoch: Epoch::new(input.u64()?),
            };
            StateError::unless(self.events.push(event).is_ok())?;
        }
        Ok(())
    }

    /// Whether all that the engine promises holds.
    fn check_state(&self) -> Result<(), StateError> {
        StateError::unless(self.settled <= self.tip.height)?;
        StateError::unless(self.is_epoch_consistent())?;
        StateError::unless(self.is_chain_consistent())?;
        let halted = self.conflict.as_ref();
        StateError::unless(halted.is_none_or(|conflict| {
            let proof = conflict.our_proof.as_ref();
            conflict.ours != conflict.theirs
                && conflict.their_proof.height() >= conflict.height
                && proof.is_none_or(|proof| proof.expect(conflict.height, conflict.ours) == Ok(()))
        }))?;
        let has_tip = self.row(self.tip.height).is_some();
        for row in self.heights().filter_map(|height| self.row(height)) {
            let is_good = if row.level == Level::Final {
                has_tip && self.is_final_row_consistent(row)
            } else {
                self.is_candidate_consistent(row)
            };
            StateError::unless(is_good)?;
        }
        Ok(())
    }

    /// Whether the members in place follow from the last final slot.
    fn is_epoch_consistent(&self) -> bool {
        let (tip, epoch) = (&self.tip, self.electorate.epoch());
        let ends = tip.next_membership != Hash::ZERO;
        match self.awaited {
            Some(awaited) => ends && awaited == tip.next_membership && tip.epoch == epoch,
            None if ends => {
                tip.epoch.checked_add(1) == Some(epoch)
                    && self.electorate.membership_hash() == tip.next_membership
            }
            None => tip.epoch == epoch,
        }
    }

    /// Whether the slots that wait for their ancestors hang together, with their certificate.
    fn is_chain_consistent(&self) -> bool {
        let chain = self.chain.get(..self.chain_len).unwrap_or_default();
        let (Some(newest), Some(proof)) = (chain.first(), self.pending.as_ref()) else {
            return chain.is_empty() && self.pending.is_none();
        };
        let is_linked = chain.is_sorted_by(|above, below| {
            below.height.next() == above.height && above.parent == below.hash
        });
        let epoch = self.electorate.epoch();
        let is_within = chain.iter().enumerate().all(|(at, link)| {
            let is_inner = at == 0 || link.next_membership == Hash::ZERO;
            // One right above what is final would have made all of them so.
            is_inner && link.epoch == epoch && link.height > self.tip.height.next()
        });
        is_linked
            && is_within
            && self.awaited.is_none()
            && proof.expect(newest.height, newest.hash) == Ok(())
            && proof.epoch() == epoch
            && proof.membership_hash() == self.electorate.membership_hash()
    }

    fn is_final_row_consistent(&self, row: &Row) -> bool {
        let link = &row.link;
        let proof = row.proof.as_ref();
        let is_proven = proof.is_none_or(|proof| {
            proof.expect(link.height, link.hash) == Ok(())
                && proof.epoch() == link.epoch
                && proof.membership_hash() == row.membership
        });
        let above = match self.row(link.height.next()) {
            Some(above) if above.level == Level::Final => Some(above.link.parent),
            _ => None,
        };
        let is_linked = above.is_none_or(|parent| parent == link.hash);
        let is_tip = link.height == self.tip.height;
        let is_placed = if is_tip {
            *link == self.tip && proof.is_some()
        } else {
            link.height < self.tip.height
        };
        is_proven && is_linked && is_placed
    }

    fn is_candidate_consistent(&self, row: &Row) -> bool {
        let link = &row.link;
        let epoch = self.electorate.epoch();
        let epoch = epoch.saturating_add(u64::from(self.awaited.is_some()));
        let is_first = link.height == self.tip.height.next();
        link.height > self.tip.height
            && link.epoch == epoch
            && (!is_first || link.parent == self.tip.hash)
    }

    /// The heights of which something can be known, in rising order.
    fn heights(&self) -> Heights {
        let window = self.rows.len() as u64;
        let tip = self.tip.height.get();
        Heights {
            next: tip.saturating_add(1).saturating_sub(window),
            last: tip.saturating_add(self.half()),
            is_over: false,
        }
    }
}

/// Heights from one to another, both included.
#[derive(Clone, Copy)]
struct Heights {
    next: u64,
    last: u64,
    is_over: bool,
}

impl Heights {
    const fn contains_height(self, height: Height) -> bool {
        self.next <= height.get() && height.get() <= self.last
    }
}

impl Iterator for Heights {
    type Item = Height;

    fn next(&mut self) -> Option<Height> {
        if self.is_over || self.next > self.last {
            return None;
        }
        let height = Height::new(self.next);
        self.is_over = self.next == self.last;
        self.next = self.next.saturating_add(1);
        Some(height)
    }
}

fn write_link(link: &Link, out: &mut dyn Sink) {
    out.u64(link.height.get());
    out.u64(link.epoch.get());
    out.bytes(link.parent.as_bytes());
    out.bytes(link.hash.as_bytes());
    out.bytes(link.next_membership.as_bytes());
}

fn read_link(input: &mut Reader<'_>) -> Result<Link, StateError> {
    Ok(Link {
        height: Height::new(input.u64()?),
        epoch: Epoch::new(input.u64()?),
        parent: Hash::new(input.array()?),
        hash: Hash::new(input.array()?),
        next_membership: Hash::new(input.array()?),
    })
}

fn read_row(input: &mut Reader<'_>) -> Result<Row, StateError> {
    let link = read_link(input)?;
    let number = input.u8()?;
    let level = ROW_LEVELS.into_iter().find(|level| *level as u8 == number);
    let mut row = Row {
        is_used: true,
        link,
        level: level.ok_or(StateError::Inconsistent)?,
        ..Row::default()
    };
    if row.level == Level::Final {
        row.membership = Hash::new(input.array()?);
        row.proof = read_optional(input, |input| Ok(CommitProof::read(input)?))?;
    }
    Ok(row)
}

fn write_conflict(conflict: &FinalityConflict, out: &mut dyn Sink) {
    out.u64(conflict.height.get());
    out.bytes(conflict.ours.as_bytes());
    out.bytes(conflict.theirs.as_bytes());
    write_optional(out, conflict.our_proof.as_ref(), |proof, out| {
        proof.write(out)
    });
    conflict.their_proof.write(out);
}

fn read_conflict(input: &mut Reader<'_>) -> Result<FinalityConflict, StateError> {
    Ok(FinalityConflict {
        height: Height::new(input.u64()?),
        ours: Hash::new(input.array()?),
        theirs: Hash::new(input.array()?),
        our_proof: read_optional(input, |input| Ok(CommitProof::read(input)?))?,
        their_proof: CommitProof::read(input)?,
    })
}

/// A flag of one byte, and then what is there.
fn write_optional<T>(out: &mut dyn Sink, value: Option<&T>, write: impl Fn(&T, &mut dyn Sink)) {
    out.u8(u8::from(value.is_some()));
    if let Some(value) = value {
        write(value, out);
    }
}

fn read_optional<'a, T>(
    input: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, StateError>,
) -> Result<Option<T>, StateError> {
    match input.u8()? {
        0 => Ok(None),
        1 => read(input).map(Some),
        _ => Err(StateError::Inconsistent),
    }
}

impl From<FinalitySetupError> for StateError {
    fn from(error: FinalitySetupError) -> Self {
        match error {
            FinalitySetupError::LimitOutOfRange => Self::LimitOutOfRange,
            FinalitySetupError::LimitsContradict => Self::LimitsContradict,
        }
    }
}
