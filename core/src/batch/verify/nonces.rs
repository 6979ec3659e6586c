//! Nonces within a sub-batch: each sender's follow one another, and none is used twice.

use super::SlotVerifier;
use crate::config::NonceMode;
use crate::error::Code;
use crate::types::{Envelope, ForcedOutcome, Nonce, UnixNs};

impl SlotVerifier {
    /// Checks what is recorded of a forced input, as far as this slot can show; returns whether it
    /// used its nonce.
    pub(super) fn check_forced(
        &self,
        envelope: &Envelope,
        outcome: ForcedOutcome,
        position: u32,
        time: UnixNs,
    ) -> Result<bool, Code> {
        if (outcome == ForcedOutcome::Expired) != (envelope.expiry <= time) {
            return Err(Code::WrongOutcome);
        }
        if outcome == ForcedOutcome::Applied {
            let can_be_used = envelope.nonce != Nonce::MAX;
            return can_be_used.then_some(true).ok_or(Code::WrongOutcome);
        }
        let is_line = self.config.nonce_mode(envelope.rollup) == NonceMode::Sequential;
        let last = self.last_of_sender(envelope, position).filter(|_| is_line);
        let is_wrong = last.is_some_and(|last| match outcome {
            ForcedOutcome::Superseded => envelope.nonce > last,
            ForcedOutcome::Gap => {
                envelope.nonce <= last.saturating_add(1) && envelope.nonce != Nonce::MAX
            }
            ForcedOutcome::Applied | ForcedOutcome::Expired => false,
        });
        if is_wrong {
            Err(Code::WrongOutcome)
        } else {
            Ok(false)
        }
    }

    /// The nonce of a sender that stands last in the sub-batch so far.
    pub(super) fn last_of_sender(&self, envelope: &Envelope, position: u32) -> Option<Nonce> {
        let of_sender = self
            .hash
            .number_and_bytes20(envelope.rollup.get(), envelope.sender.as_bytes());
        let seen = |at: u32| self.seen.get(at as usize).copied().unwrap_or_default();
        let is_same = |at| seen(at).sender == envelope.sender && self.meets(at, position);
        self.by_sender
            .find(of_sender, is_same)
            .map(|at| seen(at).nonce)
    }

    /// The hash under which a transaction is noted, and the one of its sender that it follows.
    ///
    /// In a window of nonces a transaction follows no other one, and is noted by its nonce too.
    pub(super) fn find_predecessor(
        &self,
        envelope: &Envelope,
        position: u32,
    ) -> Result<(u64, Option<u32>), Code> {
        let of_sender = self
            .hash
            .number_and_bytes20(envelope.rollup.get(), envelope.sender.as_bytes());
        let seen = |at: u32| self.seen.get(at as usize).copied().unwrap_or_default();
        let mode = self.config.nonce_mode(envelope.rollup);
        if mode == NonceMode::Window {
            let of_nonce = self.hash.words([of_sender, envelope.nonce.get()]);
            let is_same = |at| {
                let other = seen(at);
                other.sender == envelope.sender && other.nonce == envelope.nonce
            };
            let repeated = self.by_sender.find(of_nonce, is_same).is_some();
            return if repeated {
                Err(Code::NonceOutOfOrder)
            } else {
                Ok((of_nonce, None))
            };
        }
        let predecessor = self.by_sender.find(of_sender, |at| {
            seen(at).sender == envelope.sender && self.meets(at, position)
        });
        let follows =
            predecessor.is_none_or(|own| seen(own).nonce.checked_add(1) == Some(envelope.nonce));
        if follows {
            Ok((of_sender, predecessor))
        } else {
            Err(Code::NonceOutOfOrder)
        }
    }

    /// Whether nonces and ids of two positions exclude each other: everywhere, but under a policy
    /// that orders by receive logs within one segment only. Its cursors know nothing of forced
    /// inputs and bundles, and what those used already does nothing when it is executed.
    pub(super) const fn meets(&self, at: u32, position: u32) -> bool {
        let is_forced = (at < self.forced_count) == (position < self.forced_count);
        let is_leg = (at < self.pool_end) == (position < self.pool_end);
        !self.config.policy.orders_by_logs() || (is_forced && is_leg)
    }
}
