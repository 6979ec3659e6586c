//! What the next slot is to carry beside transactions, as the host gave it.

use alloc::boxed::Box;

use super::TransactionCoordinator;
use crate::batch::{ContextError, SlotContext};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::codec::{Reader, Sink};
use crate::journal::Record;
use crate::limits::CHANGES_BYTES_MAX;
use crate::pool::Broken;
use crate::types::Hash;

/// The memory of a [`SlotContext`].
#[derive(Debug)]
pub(super) struct HeldContext {
    changes: Box<[u8]>,
    changes_len: usize,
    next_membership: Hash,
    state_root: Hash,
}

impl HeldContext {
    pub fn new() -> Self {
        Self {
            changes: fixed_slice(CHANGES_BYTES_MAX as usize, 0),
            changes_len: 0,
            next_membership: Hash::ZERO,
            state_root: Hash::ZERO,
        }
    }

    /// The bytes that [`HeldContext::new`] takes.
    pub const fn footprint_bytes() -> u64 {
        fixed_slice_bytes::<u8>(CHANGES_BYTES_MAX as usize)
    }

    /// What is held.
    pub fn get(&self) -> SlotContext<'_> {
        SlotContext {
            changes: self.changes.get(..self.changes_len).unwrap_or_default(),
            next_membership: self.next_membership,
            state_root: self.state_root,
        }
    }

    /// Holds what was checked before; nothing where it is longer than there is room for.
    fn set(&mut self, context: &SlotContext<'_>) -> Option<()> {
        let place = self.changes.get_mut(..context.changes.len())?;
        place.copy_from_slice(context.changes);
        self.changes_len = context.changes.len();
        self.next_membership = context.next_membership;
        self.state_root = context.state_root;
        Some(())
    }

    /// Holds nothing any more, because a slot carries it.
    pub const fn clear(&mut self) {
        self.changes_len = 0;
        self.next_membership = Hash::ZERO;
        self.state_root = Hash::ZERO;
    }

    pub fn export(&self, out: &mut impl Sink) {
        let SlotContext {
            changes,
            next_membership,
            state_root,
        } = self.get();
        out.bytes(next_membership.as_bytes());
        out.bytes(state_root.as_bytes());
        out.u32(changes.len() as u32);
        out.bytes(changes);
    }

    pub fn restore(&mut self, input: &mut Reader<'_>) -> Result<(), Broken> {
        let next_membership = Hash::new(input.array()?);
        let state_root = Hash::new(input.array()?);
        let len = input.u32()? as usize;
        let context = SlotContext {
            changes: input.bytes(len)?,
            next_membership,
            state_root,
        };
        let is_good = context.check().is_ok() && self.set(&context).is_some();
        super::export::check(is_good, "a slot can carry what is held for it")
    }
}

impl TransactionCoordinator {
    /// Says what the next slot that is sealed carries beside transactions: changes to the
    /// membership, the end of its epoch, the state that follows. It takes the place of what was
    /// said before; [`SlotContext::NONE`] takes it back. A slot that is rolled back takes its own
    /// with it.
    ///
    /// Under a policy that orders by receive logs each slot needs a state root. Whether changes and
    /// hashes are right is for the host's registry to say.
    ///
    /// # Errors
    /// A [`ContextError`]; nothing changes then.
    pub fn set_slot_context(&mut self, context: &SlotContext<'_>) -> Result<(), ContextError> {
        if self.is_poisoned {
            return Err(ContextError::Poisoned);
        }
        context.check()?;
        let record = Record::ContextSet {
            next_membership: context.next_membership,
            state_root: context.state_root,
            changes: context.changes,
        };
        if !self.journal.has_room(&record) {
            return Err(ContextError::JournalFull);
        }
        let held = self.context.set(context);
        held.ok_or(ContextError::LengthOverLimit)?;
        self.journal.write(&record, self.clocks());
        Ok(())
    }

    /// What the next slot carries, as far as it was said.
    #[must_use]
    pub fn slot_context(&self) -> SlotContext<'_> {
        self.context.get()
    }
}
