//! What a journal belongs to.

use super::Identity;
use crate::codec::{Reader, Writer};
use crate::crypto::hash::{Domain, hash};
use crate::types::Hash;

/// The version of headers and records.
pub(crate) const VERSION: u8 = 3;

/// Bytes of a journal's header.
pub const HEADER_LEN: usize = 129;

/// What a journal belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The network, and the limits and choices.
    pub identity: Identity,
    /// The checksum of the snapshot that it starts from.
    pub snapshot: Hash,
}

impl Header {
    /// Its bytes, the checksum included.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let mut out = Writer::new(&mut bytes);
        let written = out.u8(VERSION).and_then(|()| {
            let Identity { genesis, settings } = self.identity;
            let parts = [genesis, settings, self.snapshot];
            parts.iter().try_for_each(|part| out.bytes(part.as_bytes()))
        });
        let checksum = hash(Domain::JOURNAL, out.written());
        let written = written.and_then(|()| out.bytes(checksum.as_bytes()));
        debug_assert!(written.is_ok(), "HEADER_LEN is the header's length");
        bytes
    }

    /// The checksum at its end: what the first record follows.
    pub fn checksum(&self) -> Hash {
        let bytes = self.encode();
        let checksum = bytes.last_chunk::<{ Hash::LEN }>();
        Hash::new(checksum.copied().unwrap_or_default())
    }

    /// Reads a header whose version was checked, without a look at its checksum; nothing where
    /// bytes are missing.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        input.version(VERSION).ok()?;
        Some(Self {
            identity: Identity {
                genesis: Hash::new(input.array().ok()?),
                settings: Hash::new(input.array().ok()?),
            },
            snapshot: Hash::new(input.array().ok()?),
        })
    }
}
