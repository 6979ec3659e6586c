//! Extensions as bytes.

use super::{ENTRY_BYTES_MAX, Entry, LogId, ReceiveLogLimits, Statement, next_running_hash};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::error::operation_error;
use crate::types::{Epoch, Hash, Height, LogPosition};

const VERSION: u8 = 1;
/// Bytes before the first run.
pub(super) const EXTENSION_HEADER_LEN: usize = 63;
/// Bytes of a run before its entries.
pub(super) const RUN_HEADER_LEN: usize = 12;
const RUN_COUNT_AT: usize = 59;

operation_error! {
    /// Why an extension is refused. All but [`ExtensionError::BufferTooSmall`] are the fault of
    /// whoever sent it, and nothing changes.
    ExtensionError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        LengthOverLimit,
        UnknownEntry,
        RunsOutOfOrder,
        ForeignLog,
        UnknownMember,
        LogClosed,
        ExtensionKnown,
        LogGap,
        LogTooFar,
        NotDescended,
        BaseWentBack,
        StampWentBack,
        WrongSignature,
        BufferTooSmall,
    }
}

impl From<DecodeError> for ExtensionError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TrailingBytes => Self::TrailingBytes,
            DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
            // A reader of plain fields gives no other error than these two and the one below.
            _ => Self::Truncated,
        }
    }
}

/// An extension that was read: its form is right, its chain and signature are not checked yet.
///
/// Entries stand in *runs*, each with the base that holds for its entries. A fresh extension has
/// one run; one that was put together to answer a pull can have several. Bases rise from run to
/// run, and only the last run can be empty, so that every extension has one spelling.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    /// Whose log.
    pub log: LogId,
    /// How many entries of the log stand before the first one here.
    pub first: LogPosition,
    /// The running hash before the first entry.
    pub previous: Hash,
    /// The base of the last run: the last decided slot that its signer knew when it signed.
    pub base: Height,
    /// The signature over the end.
    pub signature: &'a [u8],
    runs: &'a [u8],
    run_count: u32,
    entry_count: u32,
}

impl<'a> Extension<'a> {
    /// Reads an extension, which is all of `bytes`.
    ///
    /// # Errors
    /// [`ExtensionError::Truncated`], [`ExtensionError::TrailingBytes`],
    /// [`ExtensionError::UnsupportedVersion`], [`ExtensionError::LengthOverLimit`] (entries or
    /// signature), [`ExtensionError::UnknownEntry`], [`ExtensionError::RunsOutOfOrder`], and
    /// [`ExtensionError::LogTooFar`] where the end is beyond what a position can count.
    pub fn decode(bytes: &'a [u8], limits: &ReceiveLogLimits) -> Result<Self, ExtensionError> {
        if bytes.len() as u64 > limits.extension_bytes_max() {
            return Err(ExtensionError::LengthOverLimit);
        }
        let mut input = Reader::new(bytes);
        input.version(VERSION)?;
        let log = LogId {
            chain_id: input.u64()?,
            epoch: Epoch::new(input.u64()?),
            member: input.u16()?,
        };
        let first = LogPosition::new(input.u64()?);
        let previous = Hash::new(input.array()?);
        let run_count = input.u32()?;
        let before = input.rest();
        let (entry_count, base) = check_runs(&mut input, run_count, limits)?;
        let runs = &before[..before.len() - input.rest().len()];
        let signature_len = usize::from(input.u16()?);
        if signature_len as u64 > u64::from(limits.signature_bytes_max) {
            return Err(ExtensionError::LengthOverLimit);
        }
        let signature = input.bytes(signature_len)?;
        input.finish()?;
        if first.checked_add(u64::from(entry_count)).is_none() {
            return Err(ExtensionError::LogTooFar);
        }
        Ok(Self {
            log,
            first,
            previous,
            base,
            signature,
            runs,
            run_count,
            entry_count,
        })
    }

    /// How many entries it has.
    #[must_use]
    pub const fn entry_count(&self) -> u32 {
        self.entry_count
    }

    /// How many entries the log has with it.
    #[must_use]
    pub fn end(&self) -> LogPosition {
        self.first.saturating_add(u64::from(self.entry_count))
    }

    /// Its entries with their bases, in their order.
    pub fn entries(&self) -> impl Iterator<Item = (Height, Entry)> + use<'a> {
        let mut input = Reader::new(self.runs);
        let (mut base, mut left) = (Height::ZERO, 0_u32);
        let mut runs_left = self.run_count;
        core::iter::from_fn(move || {
            while left == 0 {
                runs_left = runs_left.checked_sub(1)?;
                base = Height::new(input.u64().ok()?);
                left = input.u32().ok()?;
            }
            left -= 1;
            Some((base, Entry::decode(&mut input).ok()?))
        })
    }

    /// What its signature has to be over. Cost: one permutation an entry.
    #[must_use]
    pub fn statement(&self) -> Statement {
        let running = self
            .entries()
            .fold(self.previous, |running, (base, entry)| {
                next_running_hash(&running, base, &entry)
            });
        Statement {
            log: self.log,
            end: self.end(),
            running,
            base: self.base,
        }
    }
}

/// Walks over the runs; how many entries they have, and the last base.
fn check_runs(
    input: &mut Reader<'_>,
    run_count: u32,
    limits: &ReceiveLogLimits,
) -> Result<(u32, Height), ExtensionError> {
    if run_count == 0 {
        return Err(ExtensionError::RunsOutOfOrder);
    }
    // Only the last run can be empty.
    if u64::from(run_count) > u64::from(limits.extent_entries_max) + 1 {
        return Err(ExtensionError::LengthOverLimit);
    }
    let (mut entry_count, mut last) = (0_u32, None);
    for run in 1..=run_count {
        let base = Height::new(input.u64()?);
        let count = input.u32()?;
        if last.is_some_and(|last| base <= last) || (count == 0 && run < run_count) {
            return Err(ExtensionError::RunsOutOfOrder);
        }
        entry_count = entry_count
            .checked_add(count)
            .filter(|sum| *sum <= limits.extent_entries_max)
            .ok_or(ExtensionError::LengthOverLimit)?;
        for _ in 0..count {
            Entry::decode(input)?;
        }
        last = Some(base);
    }
    Ok((entry_count, last.unwrap_or(Height::ZERO)))
}

/// What an extension is written from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub log: LogId,
    pub first: LogPosition,
    pub previous: Hash,
    /// The base under which it was signed; not below that of the last entry.
    pub base: Height,
    pub signature: &'a [u8],
}

/// Writes an extension with these entries, whose bases never fall.
pub(super) fn write_extension<'e>(
    out: &mut Writer<'_>,
    parts: &Parts<'_>,
    entries: impl Iterator<Item = (Height, &'e Entry)>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.u8(VERSION)?;
    out.u64(parts.log.chain_id)?;
    out.u64(parts.log.epoch.get())?;
    out.u16(parts.log.member)?;
    out.u64(parts.first.get())?;
    out.bytes(parts.previous.as_bytes())?;
    out.u32(0)?;
    let (mut run_count, mut run) = (0_u32, None::<(Height, u32, usize)>);
    for (base, entry) in entries {
        let (count, count_at) = match run {
            Some((last, count, at)) if last == base => (count, at),
            _ => {
                run_count += 1;
                (0, begin_run(out, base)?)
            }
        };
        entry.encode(out)?;
        set_u32(out, count_at, count + 1)?;
        run = Some((base, count + 1, count_at));
    }
    if run.is_none_or(|(last, ..)| last != parts.base) {
        run_count += 1;
        begin_run(out, parts.base)?;
    }
    set_u32(out, start + RUN_COUNT_AT, run_count)?;
    let signature_len = u16::try_from(parts.signature.len());
    out.u16(signature_len.map_err(|_| EncodeError::BufferTooSmall)?)?;
    out.bytes(parts.signature)
}

/// Writes the head of an empty run and returns where its count stands.
fn begin_run(out: &mut Writer<'_>, base: Height) -> Result<usize, EncodeError> {
    out.u64(base.get())?;
    out.u32(0)?;
    Ok(out.len() - 4)
}

fn set_u32(out: &mut Writer<'_>, at: usize, value: u32) -> Result<(), EncodeError> {
    out.rewrite(at, 4)?.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

const _: () = assert!(EXTENSION_HEADER_LEN == RUN_COUNT_AT + 4 && ENTRY_BYTES_MAX < 49);
