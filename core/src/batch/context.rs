//! What a slot carries beside transactions: changes to the membership, the end of an epoch, and the
//! state that follows.

use crate::crypto::hash::{Domain, hash_parts};
use crate::error::operation_error;
use crate::limits::CHANGES_BYTES_MAX;
use crate::sequencer::{Change, ChangeError};
use crate::types::Hash;

operation_error! {
    /// Why a slot can't carry what was given.
    ContextError {
        LengthOverLimit,
        Truncated,
        UnsupportedVersion,
        UnknownChange,
        EvidenceInvalid,
        InvalidVote,
        JournalFull,
        Poisoned,
    }
}

/// What a slot carries beside transactions.
///
/// A host with a committee gives it to the next slot; a sequencer alone has none of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotContext<'a> {
    /// The changes to the membership that the slot decides: the bytes of each
    /// [`Change`](crate::sequencer::Change), one after another, at most
    /// [`CHANGES_BYTES_MAX`](crate::limits::CHANGES_BYTES_MAX).
    pub changes: &'a [u8],
    /// In the last slot of an epoch the hash of the next one's membership; zero in every other.
    pub next_membership: Hash,
    /// What follows from the chain up to and with the slot, as [`StateParts::root`] gives it.
    ///
    /// Zero where nobody catches up from snapshots: a host without a committee under a policy that
    /// orders what the pool holds. Never zero where receive logs give the order.
    pub state_root: Hash,
}

impl SlotContext<'_> {
    /// No changes, no end of an epoch, no state.
    pub const NONE: Self = Self {
        changes: &[],
        next_membership: Hash::ZERO,
        state_root: Hash::ZERO,
    };

    /// Whether a slot can carry it: the changes decode, and are not more than fit.
    ///
    /// # Errors
    /// A [`ContextError`].
    pub fn check(&self) -> Result<(), ContextError> {
        if self.changes.len() > CHANGES_BYTES_MAX as usize {
            return Err(ContextError::LengthOverLimit);
        }
        for change in Change::all_in(self.changes) {
            change?;
        }
        Ok(())
    }
}

impl From<ChangeError> for ContextError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::UnsupportedVersion => Self::UnsupportedVersion,
            ChangeError::UnknownChange => Self::UnknownChange,
            ChangeError::EvidenceInvalid => Self::EvidenceInvalid,
            ChangeError::InvalidVote => Self::InvalidVote,
            // What else decoding can find is that bytes are missing.
            _ => Self::Truncated,
        }
    }
}

/// The states that follow from a chain of slots, by their hashes: each as it stands behind one
/// slot, with the slot's own cut and changes, and before the next epoch begins where it ends one.
///
/// A node that catches up takes them over as bytes from anybody, and compares.
///
/// ```
/// use hauptbuch_core::batch::StateParts;
/// use hauptbuch_core::types::Hash;
///
/// assert_eq!(StateParts::default().root(), Hash::ZERO);
/// let parts = StateParts { registry: Hash::new([1; 32]), ..StateParts::default() };
/// assert_ne!(parts.root(), Hash::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateParts {
    /// The decided state of the order:
    /// [`FairStream::state_hash`](crate::ordering::fair::stream::FairStream::state_hash). Zero
    /// where the policy keeps no receive logs.
    pub order: Hash,
    /// The slot's cut: [`Cut::hash`](crate::receive_log::Cut::hash). Zero where the policy keeps
    /// no receive logs.
    pub cut: Hash,
    /// The state of the registry of sequencers; zero where there is no committee.
    pub registry: Hash,
}

impl StateParts {
    /// What a header names: SHA3-256 of a domain and the three; zero where all three are zero.
    #[must_use]
    pub fn root(&self) -> Hash {
        let parts = [self.order, self.cut, self.registry];
        if parts == [Hash::ZERO; 3] {
            return Hash::ZERO;
        }
        let [order, cut, registry] = parts.each_ref().map(|part| part.as_bytes().as_slice());
        hash_parts(Domain::STATE_ROOT, &[order, cut, registry])
    }
}
