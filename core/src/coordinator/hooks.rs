//! What the coordinator answers while the engine selects.

use core::cell::Cell;

use super::arrange::KnownPools;
use crate::config::Policy;
use crate::event::Ledger;
use crate::ordering::SelectionHooks;
use crate::pool::ReadyView;
use crate::types::{PoolReserves, RollupId};

/// What the engine asks while the coordinator selects.
pub(super) struct Hooks<'a> {
    pub ledger: Ledger<'a>,
    /// What is known of the pools, under a policy that looks at trades.
    pub known: Option<KnownPools<'a>>,
    /// The last pool that was asked for and found.
    pub last: Cell<Option<PoolReserves>>,
}

impl SelectionHooks<ReadyView<'_, Policy>> for Hooks<'_> {
    fn expire_best(&mut self, view: &mut ReadyView<'_, Policy>, rollup: RollupId) -> bool {
        view.expire_best(rollup, &mut self.ledger)
    }

    fn is_eligible(&self, view: &ReadyView<'_, Policy>, rollup: RollupId) -> bool {
        let Some(known) = self.known else {
            return true;
        };
        let key = view.best_hint(rollup).map(|hint| (rollup, hint.pool));
        let found = key.and_then(|key| known.find(key));
        if found.is_some() {
            self.last.set(found);
        }
        found.is_some()
    }
}
