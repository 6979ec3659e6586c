//! What stands in a log.

use super::ExtensionError;
use crate::codec::{EncodeError, Reader, Writer};
use crate::types::{InboxIndex, RollupId, TxId, UnixNs};

/// Bytes of the longest entry.
pub const ENTRY_BYTES_MAX: usize = 42;

const KIND_ID: u8 = 1;
const KIND_STAMP: u8 = 2;
const KIND_CLOSED: u8 = 3;
const KIND_INBOX: u8 = 4;

/// One entry of a log: 1 to [`ENTRY_BYTES_MAX`] bytes, a kind and what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// A transaction whose body the member holds and found valid.
    Id {
        /// The rollup that it belongs to.
        rollup: RollupId,
        /// Its identity.
        id: TxId,
        /// Whether its content is sealed.
        sealed: bool,
        /// Bytes of its body; a body of another length is not its body.
        body_bytes: u32,
    },
    /// The member's clock; never below a stamp before it.
    Stamp(UnixNs),
    /// The member knows that the epoch closes, and logs no new first-hand id.
    Closed,
    /// How far the member sees a rollup's forced inbox.
    Inbox {
        /// The rollup.
        rollup: RollupId,
        /// How many inputs it sees there: the index of the first that it does not see yet.
        position: InboxIndex,
    },
}

impl Entry {
    /// How many bytes it has.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Id { .. } => ENTRY_BYTES_MAX,
            Self::Stamp(_) => 9,
            Self::Closed => 1,
            Self::Inbox { .. } => 13,
        }
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Id {
                rollup,
                id,
                sealed,
                body_bytes,
            } => {
                out.u8(KIND_ID)?;
                out.u32(rollup.get())?;
                out.bytes(id.as_bytes())?;
                out.u8(u8::from(*sealed))?;
                out.u32(*body_bytes)
            }
            Self::Stamp(time) => {
                out.u8(KIND_STAMP)?;
                out.u64(time.get())
            }
            Self::Closed => out.u8(KIND_CLOSED),
            Self::Inbox { rollup, position } => {
                out.u8(KIND_INBOX)?;
                out.u32(rollup.get())?;
                out.u64(position.get())
            }
        }
    }

    /// Reads one entry off the front.
    ///
    /// # Errors
    /// [`ExtensionError::UnknownEntry`] for a kind that this version has not, or a flag that is
    /// neither 0 nor 1; [`ExtensionError::Truncated`].
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, ExtensionError> {
        match input.u8()? {
            KIND_ID => {
                let rollup = RollupId::new(input.u32()?);
                let id = TxId::new(input.array()?);
                let sealed = match input.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(ExtensionError::UnknownEntry),
                };
                Ok(Self::Id {
                    rollup,
                    id,
                    sealed,
                    body_bytes: input.u32()?,
                })
            }
            KIND_STAMP => Ok(Self::Stamp(UnixNs::new(input.u64()?))),
            KIND_CLOSED => Ok(Self::Closed),
            KIND_INBOX => Ok(Self::Inbox {
                rollup: RollupId::new(input.u32()?),
                position: InboxIndex::new(input.u64()?),
            }),
            _ => Err(ExtensionError::UnknownEntry),
        }
    }
}
