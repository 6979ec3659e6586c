//! The absence of signatures, said out loud.

use hauptbuch_core::receive_log::{LogSigner, LogVerifier, STATEMENT_LEN};

/// The suite's number: none.
pub const UNSIGNED_SUITE: u8 = 0;

/// Signs nothing: every signature is empty, and an output that was made with it says so.
///
/// One process that plays all members holds all their keys; signatures of it would convince nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsigned;

impl LogSigner for Unsigned {
    fn suite(&self) -> u8 {
        UNSIGNED_SUITE
    }

    fn sign(&mut self, _: &[u8; STATEMENT_LEN], _: &mut [u8]) -> Option<usize> {
        Some(0)
    }
}

impl LogVerifier for Unsigned {
    fn suite(&self) -> u8 {
        UNSIGNED_SUITE
    }

    fn verify(&self, _: u16, _: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        signature.is_empty()
    }
}
