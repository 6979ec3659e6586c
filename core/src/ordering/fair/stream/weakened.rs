//! Rules left out on purpose, so that tests can show what each is for.

/// Declares the switches: fields where they are compiled in, constant answers where not.
macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Which rules a stream or a member leaves out; all of them hold unless a test says so.
        ///
        /// Only with the feature `weakened`, and in the crate's own tests.
        #[cfg(any(test, feature = "weakened"))]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Weakened {
            $($(#[$doc])* pub $name: bool,)*
        }

        #[cfg(any(test, feature = "weakened"))]
        impl Weakened {
            /// Every rule holds.
            pub const NONE: Self = Self { $($name: false),* };

            $(pub(super) const fn $name(self) -> bool { self.$name })*
        }

        #[cfg(not(any(test, feature = "weakened")))]
        #[derive(Clone, Copy, Debug)]
        pub(super) struct Weakened;

        #[cfg(not(any(test, feature = "weakened")))]
        impl Weakened {
            pub(super) const NONE: Self = Self;

            $(#[allow(clippy::unused_self, reason = "the same calls with and without switches")]
            pub(super) const fn $name(self) -> bool { false })*
        }
    };
}

switches! {
    /// Rule 1, member: ids are followed from cuts without their bodies, and what stands before an
    /// id without a body waits for it.
    log_without_body,
    /// Rule 2, member: the budget counts what stands in the member's own log only, not charges of
    /// entries that lapsed.
    budget_by_own_log,
    /// Rule 3, member: a learned id enters only when the member's own budget allows.
    learned_needs_budget,
    /// Rule 3, member: a learned id does not wait for a lower nonce.
    learned_ignores_nonces,
    /// Rule 3, member: a learned id whose nonce was used before the cut that first showed it is
    /// logged too.
    log_used_nonces,
    /// Rule 3, member: a learned id whose nonce is used by now is dropped, whenever that was.
    drop_learned_variants,
    /// Rule 4, member: vertices of an undecided graph wait like all others.
    vertices_need_budget,
    /// Rule 6: an id is charged to whoever a cut shows first, whatever the base; ids live at the
    /// base of an entry count for the first log alone.
    charge_first_sight,
    /// Rule 6: no rollup has a part of its own; one budget serves all.
    one_budget_for_all_rollups,
    /// Rule 8: an id lapses as a whole, A slots after the cut that showed it first.
    lapse_ids,
    /// Rule 8: every slot counts for age.
    age_every_slot,
    /// Rule 11: nobody is held back for a nonce that is missing.
    no_holding_back,
    /// Rule 11: an id of a sender without a cursor enters whether it is solid or not.
    base_by_anyone,
    /// Rule 12: nonce places are filled whether a nonce is used or not.
    used_nonces_take_places,
    /// Rule 13: an id that no slot can hold waits at the head of the queue.
    unfit_blocks,
    /// Rule 13, member: new senders do not wait for free cursors.
    new_senders_never_wait,
    /// Rule 20: what is first-hand counts after the closing slot too, and members go on with it.
    first_hand_after_closing,
    /// Rule 21: an epoch ends as soon as no graph stands in line.
    end_without_logs,
    /// Rule 22: an epoch has no bound.
    no_bound,
    /// Rule 22: at the bound missing edges go to the smaller id, and the graphs are released.
    missing_edges_by_id,
    /// Rule 23: what was live is nothing to the next epoch, whose logs start with it, charged anew.
    carried_charged_anew,
    /// Rule 23, member: what its old log held waits like anything else.
    carried_waits,
    /// Rule 24, member: it gives away nothing of what waits in its line.
    lines_stay,
}
