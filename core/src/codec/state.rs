//! States that hosts keep: a version, a length, the content, and a checksum over all of it.

use super::{Counted, DecodeError, Filled, Reader, Sink};
use crate::crypto::hash::{Domain, hash};
use crate::error::operation_error;
use crate::types::Hash;

/// Bytes before the content: version 1, length 8.
const HEAD_LEN: usize = 9;

operation_error! {
    /// Why a state is not written, or why bytes are no state.
    StateError {
        BufferTooSmall,
        LimitOutOfRange,
        LimitsContradict,
        ProviderMissing,
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        Corrupt,
        WrongNetwork,
        WrongSettings,
        WrongMembership,
        Inconsistent,
    }
}

/// Only a content whose checksum is right is decoded, so that this is a contradiction.
impl From<DecodeError> for StateError {
    fn from(_: DecodeError) -> Self {
        Self::Inconsistent
    }
}

impl StateError {
    /// Refuses a content in which something does not hold.
    pub(crate) const fn unless(holds: bool) -> Result<(), Self> {
        if holds {
            Ok(())
        } else {
            Err(Self::Inconsistent)
        }
    }
}

/// One kind of state.
///
/// ```text
/// 0  version    1
/// 1  length     8   of all bytes, checksum included
/// 9  content
///    checksum  32   SHA3-256 of the domain and all before
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateFormat {
    pub domain: Domain,
    pub version: u8,
}

impl StateFormat {
    /// How many bytes a state with this content has.
    pub fn len(content: impl Fn(&mut dyn Sink)) -> usize {
        let mut counted = Counted::default();
        content(&mut counted);
        counted.0.saturating_add(HEAD_LEN + Hash::LEN)
    }

    /// Writes a state to the front of `out` and returns its length; `content` is called twice and
    /// writes the same both times.
    pub fn write(
        self,
        out: &mut [u8],
        content: impl Fn(&mut dyn Sink),
    ) -> Result<usize, StateError> {
        let len = Self::len(&content);
        let out = out.get_mut(..len).ok_or(StateError::BufferTooSmall)?;
        let (body, place) = out.split_at_mut(len.saturating_sub(Hash::LEN));
        let mut filled = Filled::new(body);
        filled.u8(self.version);
        filled.u64(len as u64);
        content(&mut filled);
        debug_assert_eq!(filled.room(), 0, "the state is as long as it was counted");
        place.copy_from_slice(hash(self.domain, body).as_bytes());
        Ok(len)
    }

    /// Checks all of a state but its content, and returns a reader of that.
    pub fn open(self, bytes: &[u8]) -> Result<Reader<'_>, StateError> {
        let mut input = Reader::new(bytes);
        let version = input.u8().map_err(|_| StateError::Truncated)?;
        if version != self.version {
            return Err(StateError::UnsupportedVersion);
        }
        let len = input.u64().map_err(|_| StateError::Truncated)?;
        if len > bytes.len() as u64 {
            return Err(StateError::Truncated);
        }
        if len < bytes.len() as u64 {
            return Err(StateError::TrailingBytes);
        }
        let (body, checksum) = bytes
            .split_last_chunk::<{ Hash::LEN }>()
            .ok_or(StateError::Truncated)?;
        let content = body.get(HEAD_LEN..).ok_or(StateError::Truncated)?;
        if hash(self.domain, body).as_bytes() != checksum {
            return Err(StateError::Corrupt);
        }
        Ok(Reader::new(content))
    }
}
