//! Bodies on their way: who wants one, and one that comes. Everything else is the engine's.

use crate::codec::{EncodeError, Reader, Writer};
use crate::consensus::message::HEADER_LEN;
use crate::consensus::{CoordinatorLimits, MESSAGE_VERSION, Message, MessageError};
use crate::types::{Epoch, Hash, Height};

/// The kinds of message that are not the engine's.
const GET_BODY: u8 = 7;
const PUT_BODY: u8 = 8;
/// Bytes before the body itself.
const BODY_OVERHEAD_LEN: usize = HEADER_LEN + Hash::LEN + 4;

/// What goes between coordinators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerMessage<'a> {
    /// A message of the engine.
    Consensus(Message<'a>),
    /// The sender wants a body.
    GetBody(BodyName),
    /// A body that was asked for.
    PutBody(BodyName, &'a [u8]),
}

/// Which body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyName {
    /// The epoch in which the sender is. What a body is does not depend on it.
    pub epoch: Epoch,
    /// The height that the value is, or was, proposed for.
    pub height: Height,
    /// The value.
    pub value: Hash,
}

impl<'a> PeerMessage<'a> {
    /// Reads a message. O(length).
    ///
    /// ```text
    ///   0  version     1   1
    ///   1  kind        1   1 ..= 6 as [`Message::decode`] reads them; 7 = get body, 8 = put body
    ///   2  epoch       8
    ///  10  height      8
    ///  18  value      32
    ///  50  length      4   kind 8 alone, at least 1; so is what follows
    ///  54  body        n
    /// ```
    ///
    /// # Errors
    /// One for each way in which bytes can fail to be a message: see [`MessageError`].
    pub fn decode(bytes: &'a [u8], limits: &CoordinatorLimits) -> Result<Self, MessageError> {
        match bytes.get(1) {
            Some(kind @ (&GET_BODY | &PUT_BODY)) => Self::decode_body(bytes, *kind, limits),
            _ => Ok(Self::Consensus(Message::decode(bytes, &limits.consensus)?)),
        }
    }

    fn decode_body(
        bytes: &'a [u8],
        kind: u8,
        limits: &CoordinatorLimits,
    ) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        reader.version(MESSAGE_VERSION)?;
        let _kind = reader.u8()?;
        let name = BodyName {
            epoch: Epoch::new(reader.u64()?),
            height: Height::new(reader.u64()?),
            value: Hash::new(reader.array()?),
        };
        if kind == GET_BODY {
            reader.finish()?;
            return Ok(Self::GetBody(name));
        }
        let len = reader.u32()?;
        if len == 0 || len > limits.value_bytes_max {
            return Err(MessageError::LengthOverLimit);
        }
        // Where the bytes end too early is told by the reader, before anything is copied.
        let body = reader.bytes(usize::try_from(len).unwrap_or(usize::MAX))?;
        reader.finish()?;
        Ok(Self::PutBody(name, body))
    }

    /// Writes the message to the front of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        match self {
            Self::Consensus(message) => message.encode(out),
            Self::GetBody(name) => write_get_body(out, name),
            Self::PutBody(name, body) => write_put_body(out, name, body),
        }
    }
}

/// Bytes of the message that carries a body of this length.
pub(super) const fn put_body_len(body_len: usize) -> usize {
    BODY_OVERHEAD_LEN.saturating_add(body_len)
}

/// Writes the question for a body.
pub(super) fn write_get_body(out: &mut [u8], name: &BodyName) -> Result<usize, EncodeError> {
    let mut writer = Writer::new(out);
    write_name(&mut writer, GET_BODY, name)?;
    Ok(writer.len())
}

/// Writes the message that carries a body to the front of `out` and returns its length: for a host
/// that answers [`CoordinatorEffect::SendBody`](super::CoordinatorEffect::SendBody) from its disk.
///
/// # Errors
/// [`EncodeError::BufferTooSmall`].
pub fn write_put_body(out: &mut [u8], name: &BodyName, body: &[u8]) -> Result<usize, EncodeError> {
    let mut writer = Writer::new(out);
    let len = u32::try_from(body.len()).map_err(|_| EncodeError::BufferTooSmall)?;
    write_name(&mut writer, PUT_BODY, name)?;
    writer.u32(len)?;
    writer.bytes(body)?;
    Ok(writer.len())
}

fn write_name(writer: &mut Writer<'_>, kind: u8, name: &BodyName) -> Result<(), EncodeError> {
    writer.u8(MESSAGE_VERSION)?;
    writer.u8(kind)?;
    writer.u64(name.epoch.get())?;
    writer.u64(name.height.get())?;
    writer.bytes(name.value.as_bytes())
}

// A body is told from what the engine sends by its second byte, before anything else is read.
const _: () = assert!(GET_BODY > 6 && PUT_BODY > GET_BODY);
