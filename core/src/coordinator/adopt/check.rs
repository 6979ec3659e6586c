//! What a slot of another member repeats of what was decided before: a check ahead of the vote.
//!
//! [`SlotVerifier`](crate::batch::SlotVerifier) judges a slot by its bytes alone, and they don't
//! show whether a transaction was included in an earlier slot. Whoever has taken over every slot
//! before knows more, and may refuse what every honest proposer knows to be used; the pool's
//! `repeats` has the rules, and why no honest proposer is refused. In short:
//!
//! - Refused is what decided slots included, and a nonce that they used or left behind. What only
//!   this member's host said of an account, bases that were guessed, and slots in flight don't
//!   count; nor do forced inputs that are recorded as doing nothing.
//! - Where expiry keeps replays out, that holds until all that was included from a sender has
//!   expired at the slot's time. Every honest member remembers it as long, so nothing is included
//!   twice as long as less than a third of the votes lie.
//! - Where the host keeps replays out, a member's cursors are a cache, and the account nonces that
//!   its host gives must make up for what the cache has lost. A member whose host does not
//!   may see its own slots refused, and the others' decided in their stead.

use super::{AdoptError, TransactionCoordinator, gather};
use crate::batch::{SlotHeader, follow};
use crate::error::Code;
use crate::pool::DecidedSet;
use crate::types::{Hash, RollupId, TxId};

/// What adopting a slot would find, had it been decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdoptionCheck {
    /// Its header.
    pub header: SlotHeader,
    /// Its hash.
    pub hash: Hash,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// How many of them repeat what was decided before, or one another.
    pub repeated_count: u32,
    /// The first of those in the order of the slot.
    pub first: Option<Repeated>,
}

/// A transaction of a slot that no honest proposer includes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// Its identity.
    pub id: TxId,
    /// Its rollup.
    pub rollup: RollupId,
    /// Its place in its rollup's sub-batch.
    pub position: u32,
    /// [`Code::AlreadyEnded`] where it was included before, [`Code::NonceUsed`] where its
    /// nonce was used, [`Code::NonceOutOfOrder`] where another one of the slot uses it.
    pub code: Code,
}

impl TransactionCoordinator {
    /// Says what a slot of another member would repeat if it were decided now, and changes nothing:
    /// to be asked before a vote, after [`SlotVerifier::check`](crate::batch::SlotVerifier::check)
    /// has accepted the slot.
    ///
    /// Slots in flight here and an open one may stay: the slot is held against what was settled.
    /// [`adopt`](Self::adopt) will give the same `repeated_count`. Cost: as `adopt`, without what
    /// ends: one hash and O(log n) a transaction.
    ///
    /// # Errors
    /// An [`AdoptError`] that says why the slot can't be the next one: one of
    /// [`AlreadyAdopted`](AdoptError::AlreadyAdopted), [`SlotBehind`](AdoptError::SlotBehind),
    /// [`Invalid`](AdoptError::Invalid), [`OrderedByLogs`](AdoptError::OrderedByLogs) and
    /// [`Poisoned`](AdoptError::Poisoned). That it repeats something is no error.
    pub fn check_adoption(&mut self, slot: &[u8]) -> Result<AdoptionCheck, AdoptError> {
        self.check_follows(slot)?;
        let mut set = core::mem::take(&mut self.decided);
        let checked = self.check_into(&mut set, slot);
        self.decided = set;
        checked
    }

    fn check_into(&self, set: &mut DecidedSet, slot: &[u8]) -> Result<AdoptionCheck, AdoptError> {
        set.clear();
        let settled = self.settled_tip();
        let (header, after) = follow(settled, self.policy, &self.limits, slot, |sub_batch| {
            gather(sub_batch, set)
        })?;
        let repeats = self.pool.find_repeats(set, header.time);
        let first = repeats.first.and_then(|(number, code)| {
            let row = set.rows().get(number as usize)?;
            Some(Repeated {
                id: row.id,
                rollup: row.rollup,
                position: row.position,
                code,
            })
        });
        Ok(AdoptionCheck {
            header,
            hash: after.hash,
            transaction_count: set.rows().len() as u32,
            repeated_count: repeats.count,
            first,
        })
    }
}
