//! Cuts: a position in every log.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::crypto::hash::{Domain, Hasher};
use crate::error::operation_error;
use crate::types::{Hash, LogPosition};

const VERSION: u8 = 1;
const HEADER_LEN: usize = 3;
const POINT_LEN: usize = 40;

operation_error! {
    /// Why a cut can't be used. All but [`CutError::CutNotHeld`] hold for everybody.
    CutError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        WrongLogCount,
        CutWentBack,
        LogTooFar,
        NotDescended,
        CutMovesClosedLog,
        CutNotHeld,
        BaseNotDecided,
    }
}

impl From<DecodeError> for CutError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TrailingBytes => Self::TrailingBytes,
            DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
            _ => Self::Truncated,
        }
    }
}

/// A place in one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// How many entries stand before it.
    pub position: LogPosition,
    /// The running hash behind the last of them.
    pub running: Hash,
}

/// A place in every log of a committee, in the order of its members.
///
/// Memory: 40 bytes a log, for as many as it was made for.
#[derive(Clone, Debug)]
pub struct Cut {
    points: Box<[Point]>,
    /// How many of them there are now.
    log_count: usize,
}

impl Cut {
    /// A cut through `log_count` logs with all places zero, to be filled.
    #[must_use]
    pub fn new(log_count: u32) -> Self {
        Self {
            points: fixed_slice(log_count as usize, Point::default()),
            log_count: log_count as usize,
        }
    }

    /// Makes it a cut through `log_count` logs with all places zero, as an epoch of another size
    /// has them. Does not allocate.
    ///
    /// # Errors
    /// [`CutError::WrongLogCount`] for more than it was made for; nothing changes then.
    pub fn set_log_count(&mut self, log_count: u32) -> Result<(), CutError> {
        if log_count as usize > self.points.len() {
            return Err(CutError::WrongLogCount);
        }
        self.log_count = log_count as usize;
        self.points.fill(Point::default());
        Ok(())
    }

    /// The bytes that [`Cut::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(log_count: u32) -> u64 {
        fixed_slice_bytes::<Point>(log_count as usize)
    }

    /// The places, in the order of the members.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points[..self.log_count]
    }

    /// The places, to change.
    pub fn points_mut(&mut self) -> &mut [Point] {
        &mut self.points[..self.log_count]
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Self::encoded_len_of(self.log_count)
    }

    /// How many bytes a cut through so many logs has.
    #[must_use]
    pub const fn encoded_len_of(log_count: usize) -> usize {
        HEADER_LEN + log_count * POINT_LEN
    }

    /// Reads past the bytes of a cut; returns how many logs it goes through, and its bytes.
    ///
    /// # Errors
    /// [`DecodeError::UnsupportedVersion`], [`DecodeError::Truncated`].
    pub(crate) fn split_off<'a>(input: &mut Reader<'a>) -> Result<(u16, &'a [u8]), DecodeError> {
        let start = input.rest();
        input.version(VERSION)?;
        let log_count = input.u16()?;
        input.bytes(usize::from(log_count) * POINT_LEN)?;
        let len = Self::encoded_len_of(log_count.into());
        let bytes = start.get(..len).ok_or(DecodeError::Truncated)?;
        Ok((log_count, bytes))
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(VERSION)?;
        out.u16(self.log_count as u16)?;
        self.points().iter().try_for_each(|point| {
            out.u64(point.position.get())?;
            out.bytes(point.running.as_bytes())
        })
    }

    /// Reads a cut through as many logs as this one has, which is all of `bytes`; on an error this
    /// one stays as it was.
    ///
    /// # Errors
    /// [`CutError::Truncated`], [`CutError::TrailingBytes`], [`CutError::UnsupportedVersion`],
    /// [`CutError::WrongLogCount`].
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), CutError> {
        let mut input = Reader::new(bytes);
        input.version(VERSION)?;
        if usize::from(input.u16()?) != self.log_count {
            return Err(CutError::WrongLogCount);
        }
        let mut rest = Reader::new(input.bytes(self.log_count * POINT_LEN)?);
        input.finish()?;
        for point in self.points_mut() {
            *point = Point {
                position: LogPosition::new(rest.u64()?),
                running: Hash::new(rest.array()?),
            };
        }
        Ok(())
    }

    /// Takes the places of another cut.
    ///
    /// # Errors
    /// [`CutError::WrongLogCount`] where it has not as many.
    pub fn copy_from(&mut self, other: &Self) -> Result<(), CutError> {
        if self.log_count != other.log_count {
            return Err(CutError::WrongLogCount);
        }
        self.points_mut().copy_from_slice(other.points());
        Ok(())
    }

    /// The hash of its bytes. Cost: 40 bytes to hash a log.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut hasher = Hasher::new(Domain::CUT);
        hasher.update(&[VERSION]);
        hasher.update(&(self.log_count as u16).to_le_bytes());
        for point in self.points() {
            hasher.update(&point.position.get().to_le_bytes());
            hasher.update(point.running.as_bytes());
        }
        hasher.finish()
    }
}

impl PartialEq for Cut {
    fn eq(&self, other: &Self) -> bool {
        self.points() == other.points()
    }
}

impl Eq for Cut {}
