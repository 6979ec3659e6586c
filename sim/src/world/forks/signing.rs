//! Signatures over logs, and the slots that are decided.

use std::rc::Rc;

use hauptbuch_core::crypto::hash::{Domain, Hasher};
use hauptbuch_core::receive_log::{Cut, LogSigner, LogVerifier, STATEMENT_LEN};
use hauptbuch_core::types::{Hash, Height, MemberIndex};

use super::super::key::Keys;

/// The number of the world's signature suite.
pub(super) const SUITE: u8 = 1;

/// Signs the log of one member.
pub(super) struct LogKey<'a> {
    pub keys: &'a Keys,
    pub member: u16,
}

impl LogSigner for LogKey<'_> {
    fn suite(&self) -> u8 {
        SUITE
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        let signature = self.keys.sign(MemberIndex::new(self.member), statement);
        out.get_mut(..signature.len())?.copy_from_slice(&signature);
        Some(signature.len())
    }
}

/// Checks logs of all members.
pub(super) struct LogKeys<'a>(pub &'a Keys);

impl LogVerifier for LogKeys<'_> {
    fn suite(&self) -> u8 {
        SUITE
    }

    fn verify(&self, member: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        self.0
            .is_good(MemberIndex::new(member), statement, signature)
    }
}

/// What a value stands for.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub height: Height,
    pub cut: Cut,
    /// Evidence of forks, by the member that it names.
    pub evidence: Vec<(u16, Rc<[u8]>)>,
}

impl Slot {
    /// The value that names it.
    pub fn value(&self) -> Hash {
        let mut hasher = Hasher::new(Domain::SLOT);
        hasher.update(&self.height.get().to_le_bytes());
        hasher.update(self.cut.hash().as_bytes());
        for (member, bytes) in &self.evidence {
            hasher.update(&member.to_le_bytes());
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        hasher.finish()
    }
}
