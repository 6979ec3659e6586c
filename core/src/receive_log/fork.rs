//! Evidence that a member signed two logs.

use super::extension::{Extension, ExtensionError, Parts, write_extension};
use super::{Entry, LogId, LogVerifier, Point, ReceiveLogLimits, Statement};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::error::operation_error;
use crate::types::{Hash, Height, LogPosition};

const VERSION: u8 = 1;
/// Bytes of the shorter side before its signature.
pub(super) const SHORTER_LEN: usize = 49;

operation_error! {
    /// Why bytes are no evidence of a fork.
    ForkError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        LengthOverLimit,
        UnknownEntry,
        RunsOutOfOrder,
        LogTooFar,
        NoFork,
        WrongSignature,
    }
}

impl From<DecodeError> for ForkError {
    fn from(error: DecodeError) -> Self {
        ExtensionError::from(error).into()
    }
}

impl From<ExtensionError> for ForkError {
    fn from(error: ExtensionError) -> Self {
        match error {
            ExtensionError::TrailingBytes => Self::TrailingBytes,
            ExtensionError::UnsupportedVersion => Self::UnsupportedVersion,
            ExtensionError::LengthOverLimit => Self::LengthOverLimit,
            ExtensionError::UnknownEntry => Self::UnknownEntry,
            ExtensionError::RunsOutOfOrder => Self::RunsOutOfOrder,
            ExtensionError::LogTooFar => Self::LogTooFar,
            // What else reading can find is that bytes are missing.
            _ => Self::Truncated,
        }
    }
}

/// Checks that a member signed two logs of which neither extends the other, and says whose logs.
///
/// It needs nothing but the bytes and the member's key: the shorter log's end and signature, and an
/// extension of the longer log from that position on, which starts from another running hash. The
/// chain leads backwards to one hash only, so an honest log can't be made to look like one.
/// `verifier` must be that of the epoch in the answer, and the caller checks network and epoch.
///
/// Cost: one permutation an entry between the two ends, and two signature checks.
///
/// # Errors
/// What [`Extension::decode`] gives, [`ForkError::NoFork`] where the two signatures fit each other
/// or one another's ends don't meet, and [`ForkError::WrongSignature`].
pub fn verify_fork(
    bytes: &[u8],
    limits: &ReceiveLogLimits,
    verifier: &impl LogVerifier,
) -> Result<LogId, ForkError> {
    let mut input = Reader::new(bytes);
    input.version(VERSION)?;
    let end = LogPosition::new(input.u64()?);
    let running = Hash::new(input.array()?);
    let base = Height::new(input.u64()?);
    let signature_len = u32::from(input.u16()?);
    if signature_len > limits.signature_bytes_max {
        return Err(ForkError::LengthOverLimit);
    }
    let signature = input.bytes(signature_len as usize)?;
    let longer = Extension::decode(input.rest(), limits)?;
    if longer.first != end || longer.previous == running {
        return Err(ForkError::NoFork);
    }
    let log = longer.log;
    let shorter = Statement {
        log,
        end,
        running,
        base,
    };
    let suite = verifier.suite();
    let are_signed = verifier.verify(log.member, &shorter.bytes(suite), signature)
        && verifier.verify(
            log.member,
            &longer.statement().bytes(suite),
            longer.signature,
        );
    if are_signed {
        Ok(log)
    } else {
        Err(ForkError::WrongSignature)
    }
}

/// An end of a log with its signature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub end: Point,
    pub base: Height,
    pub signature: &'a [u8],
}

/// Writes evidence: the shorter log's end, and the longer log from there on, which had `previous`
/// at that position.
pub(super) fn write_fork<'e>(
    out: &mut Writer<'_>,
    log: LogId,
    shorter: &Signed<'_>,
    longer: &Signed<'_>,
    previous: Hash,
    entries: impl Iterator<Item = (Height, &'e Entry)>,
) -> Result<(), EncodeError> {
    out.u8(VERSION)?;
    out.u64(shorter.end.position.get())?;
    out.bytes(shorter.end.running.as_bytes())?;
    out.u64(shorter.base.get())?;
    let signature_len = u16::try_from(shorter.signature.len());
    out.u16(signature_len.map_err(|_| EncodeError::BufferTooSmall)?)?;
    out.bytes(shorter.signature)?;
    let parts = Parts {
        log,
        first: shorter.end.position,
        previous,
        base: longer.base,
        signature: longer.signature,
    };
    write_extension(out, &parts, entries)
}
