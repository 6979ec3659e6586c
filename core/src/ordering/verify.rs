//! The twin of the engine: checks an order from what was recorded with it.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::error::operation_error;
use crate::types::SelectionKey;

operation_error! {
    /// An order that the policy would not have given.
    OrderViolation { OrderViolated }
}

/// Checks one transaction after another against the policy's order.
///
/// Transaction j was a candidate from the step after its sender's predecessor p on. So everything
/// that stands between p and j was chosen over j, and must have a smaller key. The largest key of
/// any stretch that ends at j is the first one in that stretch of a stack whose keys fall from
/// bottom to top.
///
/// Memory: 32 bytes for each transaction of a slot.
#[derive(Debug)]
pub struct OrderVerifier {
    /// Invariant: in `[..depth]` positions rise and keys fall.
    stack: Box<[(u32, SelectionKey)]>,
    depth: usize,
    position: u32,
}

impl OrderVerifier {
    /// Makes a verifier for up to `count_max` transactions.
    #[must_use]
    pub fn new(count_max: u32) -> Self {
        Self {
            stack: fixed_slice(count_max as usize, (0, SelectionKey::default())),
            depth: 0,
            position: 0,
        }
    }

    /// The bytes that [`OrderVerifier::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(count_max: u32) -> u64 {
        fixed_slice_bytes::<(u32, SelectionKey)>(count_max as usize)
    }

    /// Starts with the first transaction of a slice; positions count from there.
    pub const fn begin(&mut self) {
        self.depth = 0;
        self.position = 0;
    }

    /// Checks the next transaction; `predecessor` is the position of its sender's one before it.
    ///
    /// # Errors
    /// [`OrderViolation::OrderViolated`] where it should have stood earlier, or where there are
    /// more transactions than the verifier has room for.
    pub fn check_next(
        &mut self,
        key: SelectionKey,
        predecessor: Option<u32>,
    ) -> Result<(), OrderViolation> {
        let stack = self.stack.get(..self.depth).unwrap_or_default();
        let first =
            stack.partition_point(|(position, _)| predecessor.is_some_and(|own| *position <= own));
        if stack.get(first).is_some_and(|(_, largest)| *largest > key) {
            return Err(OrderViolation::OrderViolated);
        }
        while let Some(top) = self.depth.checked_sub(1) {
            if self.stack.get(top).is_none_or(|(_, below)| *below > key) {
                break;
            }
            self.depth = top;
        }
        let place = self
            .stack
            .get_mut(self.depth)
            .ok_or(OrderViolation::OrderViolated)?;
        *place = (self.position, key);
        self.depth = self.depth.saturating_add(1);
        self.position = self.position.saturating_add(1);
        Ok(())
    }
}
