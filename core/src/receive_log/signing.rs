//! What is signed of a log, and who signs and checks.

use super::LogId;
use crate::crypto::hash::Domain;
use crate::types::{Hash, Height, LogPosition};

/// Bytes that a signature is over.
pub const STATEMENT_LEN: usize = 74;

/// What a member says with a signature: my log reaches this far, with this running hash, and I know
/// this slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose log.
    pub log: LogId,
    /// How many entries it has.
    pub end: LogPosition,
    /// The running hash behind the last of them.
    pub running: Hash,
    /// The last decided slot that the signer knew.
    pub base: Height,
}

impl Statement {
    /// The bytes to sign under the signature suite `suite`.
    ///
    /// The suite stands in them because keys and signatures of two suites can have the same
    /// lengths.
    #[must_use]
    pub fn bytes(&self, suite: u8) -> [u8; STATEMENT_LEN] {
        let mut bytes = [0; STATEMENT_LEN];
        let parts: [&[u8]; 8] = [
            Domain::LOG_SIGNED.as_bytes(),
            &[suite],
            &self.log.chain_id.to_le_bytes(),
            &self.log.epoch.get().to_le_bytes(),
            &self.log.member.to_le_bytes(),
            &self.end.get().to_le_bytes(),
            self.running.as_bytes(),
            &self.base.get().to_le_bytes(),
        ];
        let mut rest = &mut bytes[..];
        for part in parts {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
        bytes
    }
}

/// Signs for one member.
pub trait LogSigner {
    /// The number of the signature suite.
    fn suite(&self) -> u8;

    /// Writes the signature of `statement` to the front of `out` and returns its length; nothing
    /// where it can't sign or has no room.
    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize>;
}

/// Checks signatures of all members of an epoch.
pub trait LogVerifier {
    /// The number of the signature suite.
    fn suite(&self) -> u8;

    /// Whether `signature` is the member's, over exactly these bytes.
    fn verify(&self, member: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool;
}
