//! The nonces of a host's accounts, which move on with what is included.

use std::collections::HashMap;

use hauptbuch_core::types::{Address, Envelope, Nonce, RollupId, Submission};

/// The nonce after the last included one of each sender. Never iterated over.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    next: HashMap<(RollupId, Address), Nonce>,
}

impl Accounts {
    /// Notes that a slot included this transaction.
    pub fn include(&mut self, envelope: &Envelope) {
        let next = envelope.nonce.saturating_add(1);
        self.next.insert((envelope.rollup, envelope.sender), next);
    }

    /// The submission as the host makes it: with the sender's account nonce of the moment.
    ///
    /// A record that names no account nonce comes from a host that does not know it.
    pub fn update<'a>(&self, submission: Submission<'a>) -> Submission<'a> {
        let envelope = &submission.transaction.envelope;
        let included = self.next.get(&(envelope.rollup, envelope.sender));
        let account_nonce = submission
            .account_nonce
            .map(|named| included.map_or(named, |included| named.max(*included)));
        Submission {
            account_nonce,
            origin: 0,
            ..submission
        }
    }
}
