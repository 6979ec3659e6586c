//! Extents as bytes, and back: what must be durable before a precommit, in one piece.

use super::super::next_running_hash;
use super::super::{Entry, Point, ReceiveLogLimits};
use super::branch::Held;
use super::{BRANCH_COUNT, Branch, Extents, Log, LogMark, Naming};
use crate::codec::{Reader, Sink, StateError, StateFormat, Writer};
use crate::crypto::hash::Domain;
use crate::limits::LimitsError;
use crate::receive_log::ENTRY_BYTES_MAX;
use crate::types::{Epoch, Hash, Height, LogPosition, UnixNs};

const FORMAT: StateFormat = StateFormat {
    domain: Domain::EXTENTS_STATE,
    version: 1,
};

/// In the names' flags: the epoch has fewer logs than there can be, and says how many.
const FEWER_LOGS: u8 = 0x80;
const CLOSED: u8 = 1;
const SIGNED: u8 = 1;

impl Extents {
    /// Bytes of the state as it is now.
    #[must_use]
    pub fn state_len(&self) -> usize {
        StateFormat::len(|out| self.write_content(out))
    }

    /// Bytes of the longest state under these limits.
    #[must_use]
    pub const fn state_bytes_max(limits: &ReceiveLogLimits) -> u64 {
        const FIXED_LEN: u64 = 9 + 8 + 8 + 12 + 1 + 32;
        let entries = limits.extent_entries_max as u64;
        let branch =
            16 + limits.signature_bytes_max as u64 + entries * (8 + ENTRY_BYTES_MAX as u64);
        let log = 59 + Naming::ALL.len() as u64 * 40 + BRANCH_COUNT as u64 * branch;
        FIXED_LEN + limits.log_count_max as u64 * log
    }

    /// Writes the whole state to the front of `out`, and returns how many bytes that took: marks,
    /// names, and each branch with its entries and its signature. Equal states give equal bytes.
    /// `docs/formats.md` draws them.
    ///
    /// Written before a vote leaves, it holds what the lock and the valid value name [rule 17].
    ///
    /// # Errors
    /// [`StateError::BufferTooSmall`] where `out` is shorter than [`state_len`](Self::state_len);
    /// nothing is written then.
    pub fn write_state(&self, out: &mut [u8]) -> Result<usize, StateError> {
        FORMAT.write(out, |out| self.write_content(out))
    }

    /// Makes extents from their bytes, with all the memory that they will ever use. They take and
    /// refuse what those that were written would have.
    ///
    /// Signatures are not checked again, running hashes are computed anew: one permutation an
    /// entry.
    ///
    /// # Errors
    /// - [`StateError::LimitOutOfRange`] where `limits` don't hold;
    /// - [`StateError::Truncated`], [`StateError::TrailingBytes`],
    ///   [`StateError::UnsupportedVersion`], [`StateError::Corrupt`] for damaged bytes;
    /// - [`StateError::WrongNetwork`] for another network's, [`StateError::WrongSettings`] for
    ///   those under other limits;
    /// - [`StateError::Inconsistent`] where they contradict themselves.
    pub fn restore(
        limits: &ReceiveLogLimits,
        chain_id: u64,
        bytes: &[u8],
    ) -> Result<Self, StateError> {
        let mut restored = Self::vacant(limits, chain_id)?;
        let mut input = FORMAT.open(bytes)?;
        if input.u64()? != chain_id {
            return Err(StateError::WrongNetwork);
        }
        let is_same = input.u32()? == limits.log_count_max
            && input.u32()? == limits.extent_entries_max
            && input.u32()? == limits.signature_bytes_max;
        if !is_same {
            return Err(StateError::WrongSettings);
        }
        restored.epoch = Epoch::new(input.u64()?);
        restored.read_names(&mut input)?;
        for member in 0..restored.log_count {
            restored.read_log(member, &mut input)?;
        }
        input.finish()?;
        Ok(restored)
    }

    fn write_content(&self, out: &mut dyn Sink) {
        out.u64(self.chain_id);
        out.u32(self.limits.log_count_max);
        out.u32(self.limits.extent_entries_max);
        out.u32(self.limits.signature_bytes_max);
        out.u64(self.epoch.get());
        let flags = self.is_named.iter().rev();
        let named = flags.fold(0, |flags, is_named| flags << 1 | u8::from(*is_named));
        match self.log_count == self.logs.len() {
            true => out.u8(named),
            false => {
                out.u8(named | FEWER_LOGS);
                out.u16(self.log_count as u16);
            }
        }
        let cuts = self.named.chunks_exact(self.log_count);
        for (points, _) in cuts.zip(self.is_named).filter(|(_, is_named)| *is_named) {
            points.iter().for_each(|point| write_point(point, out));
        }
        for (member, log) in self.logs().iter().enumerate() {
            write_point(&log.decided.at, out);
            out.u64(log.decided.base.get());
            out.u64(log.decided.stamp.get());
            out.u8(if log.is_closed { CLOSED } else { 0 });
            out.u8(log.gossip as u8);
            out.u8(self.branches(member).count() as u8);
            for (number, branch) in self.branches(member) {
                out.u8(number as u8);
                out.u8(if branch.state.is_signed { SIGNED } else { 0 });
                out.u64(branch.state.base.get());
                out.u16(branch.signature.len() as u16);
                out.bytes(branch.signature);
                out.u32(branch.state.len);
                for held in branch.held {
                    write_entry(held.base, &held.entry, out);
                }
            }
        }
    }

    fn read_names(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        let mut flags = input.u8()?;
        if flags & FEWER_LOGS != 0 {
            flags &= !FEWER_LOGS;
            self.log_count = usize::from(input.u16()?);
            StateError::unless((1..self.logs.len()).contains(&self.log_count))?;
        }
        StateError::unless(flags >> Naming::ALL.len() == 0)?;
        let count = self.log_count;
        for naming in Naming::ALL {
            let place = naming as usize;
            self.is_named[place] = flags >> place & 1 == 1;
            if self.is_named[place] {
                for point in &mut self.named[place * count..(place + 1) * count] {
                    *point = read_point(input)?;
                }
            }
        }
        Ok(())
    }

    fn read_log(&mut self, member: usize, input: &mut Reader<'_>) -> Result<(), StateError> {
        let decided = LogMark {
            at: read_point(input)?,
            base: Height::new(input.u64()?),
            stamp: UnixNs::new(input.u64()?),
        };
        let (flags, gossip) = (input.u8()?, usize::from(input.u8()?));
        StateError::unless(flags & !CLOSED == 0)?;
        self.logs[member] = Log {
            decided,
            gossip,
            is_closed: flags & CLOSED != 0,
            ..Log::default()
        };
        let (count, mut last) = (input.u8()?, None);
        StateError::unless(usize::from(count) <= BRANCH_COUNT)?;
        for _ in 0..count {
            let number = usize::from(input.u8()?);
            StateError::unless(number < BRANCH_COUNT && last.is_none_or(|last| last < number))?;
            last = Some(number);
            self.read_branch(member, number, input)?;
        }
        let first = self.logs[member].branches.get(gossip);
        StateError::unless(first.is_some_and(|branch| branch.is_used))
    }

    fn read_branch(
        &mut self,
        member: usize,
        number: usize,
        input: &mut Reader<'_>,
    ) -> Result<(), StateError> {
        let flags = input.u8()?;
        StateError::unless(flags & !SIGNED == 0)?;
        let base = Height::new(input.u64()?);
        let signature_len = u32::from(input.u16()?);
        StateError::unless(signature_len <= self.limits.signature_bytes_max)?;
        let signature = input.bytes(signature_len as usize)?;
        let place = (member * BRANCH_COUNT + number) * self.limits.signature_bytes_max as usize;
        self.signatures[place..place + signature.len()].copy_from_slice(signature);
        let len = input.u32()?;
        StateError::unless(len <= self.limits.extent_entries_max)?;
        let last = self.read_entries(member, number, len as usize, input)?;
        let branch = Branch {
            is_used: true,
            is_signed: flags & SIGNED != 0,
            len,
            signature_len,
            base,
        };
        // Without a signature there is only the branch that an epoch begins with.
        let is_good = if branch.is_signed {
            base >= last
        } else {
            len == 0 && signature_len == 0 && base == Height::ZERO
        };
        self.logs[member].branches[number] = branch;
        StateError::unless(is_good)
    }

    /// Reads a branch's entries and computes their hashes; the base that its signature is not
    /// below.
    fn read_entries(
        &mut self,
        member: usize,
        number: usize,
        len: usize,
        input: &mut Reader<'_>,
    ) -> Result<Height, StateError> {
        let decided = self.logs[member].decided;
        let (mut running, mut base, mut stamp) = (decided.at.running, decided.base, decided.stamp);
        let end = decided.at.position.checked_add(len as u64);
        StateError::unless(end.is_some())?;
        for place in &mut self.places(member, number)[..len] {
            let own = Height::new(input.u64()?);
            let entry = Entry::decode(input).map_err(|_| StateError::Inconsistent)?;
            StateError::unless(own >= base)?;
            base = own;
            if let Entry::Stamp(time) = entry {
                StateError::unless(time >= stamp)?;
                stamp = time;
            }
            running = next_running_hash(&running, base, &entry);
            *place = Held {
                entry,
                base,
                running,
            };
        }
        Ok(base)
    }
}

pub(in crate::receive_log) fn write_entry(base: Height, entry: &Entry, out: &mut dyn Sink) {
    let mut bytes = [0; ENTRY_BYTES_MAX];
    let mut writer = Writer::new(&mut bytes);
    let written = entry.encode(&mut writer);
    debug_assert!(written.is_ok(), "ENTRY_BYTES_MAX holds every entry");
    out.u64(base.get());
    out.bytes(writer.written());
}

fn write_point(point: &Point, out: &mut dyn Sink) {
    out.u64(point.position.get());
    out.bytes(point.running.as_bytes());
}

fn read_point(input: &mut Reader<'_>) -> Result<Point, StateError> {
    Ok(Point {
        position: LogPosition::new(input.u64()?),
        running: Hash::new(input.array()?),
    })
}

impl From<LimitsError> for StateError {
    fn from(_: LimitsError) -> Self {
        Self::LimitOutOfRange
    }
}
