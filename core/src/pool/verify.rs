//! Whether all structures of the pool agree with each other.

use core::fmt;

use super::entry::{Entry, Sender, Window};
use super::line::LineMode;
use super::{InUse, TransactionPool};
use crate::bounded::NONE;

/// A broken invariant: a defect of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken invariant: {}", self.0)
    }
}

impl core::error::Error for Broken {}

fn check(holds: bool, invariant: &'static str) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(invariant))
    }
}

impl TransactionPool {
    /// Walks through everything. Cost: O(transactions · origins); for tests and fuzzing.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn verify(&self) -> Result<(), Broken> {
        self.entries
            .iter()
            .try_for_each(|(index, entry)| self.verify_entry(index, entry))?;
        self.senders
            .iter()
            .try_for_each(|(place, _)| self.verify_sender(place))?;
        self.verify_forced()?;
        self.verify_bundles()?;
        self.verify_hints()?;
        self.verify_sums()
    }

    fn verify_hints(&self) -> Result<(), Broken> {
        let has_own = |index| self.entries.get(index).is_some() && self.hints.get(index).is_some();
        check(
            self.hints.entries().all(has_own),
            "a trade belongs to a transaction, and is found by it",
        )?;
        let wanted = if self.rules.needs_hints {
            self.entries.len()
        } else {
            0
        };
        check(
            self.hints.len() == wanted,
            "trades are kept exactly where the policy needs them",
        )
    }

    fn verify_entry(&self, index: u32, entry: &Entry) -> Result<(), Broken> {
        let own = self
            .senders
            .get(entry.sender)
            .ok_or(Broken("a transaction has a sender"))?;
        let mode = self.line_mode(own.rollup);
        check(self.index_of(entry.id) == Some(index), "ids are indexed")?;
        let hash = self.nonce_hash(entry.sender, entry.nonce);
        let by_nonce = match mode {
            LineMode::Logged => self.by_nonce.find(hash, |found| found == index),
            _ => self.at_nonce(entry.sender, entry.nonce),
        };
        check(by_nonce == Some(index), "nonces are indexed")?;
        let must_stay = entry.is_taken || entry.is_logged;
        check(
            !entry.is_logged || mode == LineMode::Logged,
            "logs hold something only where they give the order",
        )?;
        let may_be_displaced = self.displaceable.contains(index);
        check(
            may_be_displaced != must_stay,
            "exactly what waits and no log holds can be displaced",
        )?;
        let queue = self.displace_queue(entry);
        let stands_right = queue.is_some_and(|queue| self.displaceable.stands_in(queue, index));
        check(
            stands_right != must_stay,
            "what can be displaced stands in its queue",
        )?;
        check(
            self.expiring.contains(index) == Self::expires(entry),
            "what waits and expires is queued",
        )?;
        let is_ready = match mode {
            LineMode::Sequential => !entry.is_taken && entry.nonce == own.next,
            LineMode::Window => !entry.is_taken && !self.is_shadowed(entry),
            LineMode::Logged => false,
        };
        check(
            self.ready.contains(index) == is_ready,
            "exactly what is ready is offered",
        )?;
        match mode {
            LineMode::Sequential => check(
                !entry.is_taken || entry.nonce < own.next,
                "taken means below the cursor",
            ),
            LineMode::Logged => check(
                !entry.is_taken || entry.is_logged,
                "what a slot drained, logs hold",
            ),
            LineMode::Window => {
                let ahead = entry.nonce.saturating_distance(own.next);
                let in_window = entry.nonce >= own.next && ahead < Window::LEN;
                check(
                    in_window && !own.included.contains(ahead),
                    "nonces stay in the window",
                )
            }
        }
    }

    fn verify_sender(&self, place: u32) -> Result<(), Broken> {
        let own = self.senders.get(place).copied().unwrap_or_default();
        let known = self.sender_of(own.rollup, own.address) == Some(place);
        check(known, "senders are indexed")?;
        let mut in_use = InUse::default();
        let (mut taken, mut at, mut last, mut ready_end) = (0_u32, own.first, NONE, own.next);
        while let Some(entry) = self.entries.get(at) {
            let follows = entry.sender == place && entry.before == last;
            check(follows, "a line is linked both ways")?;
            if self.line_mode(own.rollup) == LineMode::Sequential {
                let before = self.entries.get(last);
                let rises = before.is_none_or(|before| before.nonce < entry.nonce);
                check(rises, "a line rises by nonce")?;
            }
            if entry.nonce == ready_end {
                ready_end = ready_end.saturating_add(1);
            }
            taken = taken.saturating_add(u32::from(entry.is_taken));
            in_use.count = in_use.count.saturating_add(1);
            in_use.bytes = in_use.bytes.saturating_add(u64::from(entry.payload.len()));
            in_use.gas = in_use.gas.saturating_add(entry.gas.get());
            (last, at) = (at, entry.after);
        }
        check(last == own.last, "a line ends where its sender says")?;
        check(in_use == own.in_use(), "a sender's sums are right")?;
        self.verify_outside(place, &own, taken)?;
        check(
            taken == own.taken_count,
            "a sender's taken ones are counted",
        )?;
        check(
            self.idle.contains(place) == self.is_idle(place),
            "the idle are noted",
        )?;
        let is_sequential = self.line_mode(own.rollup) == LineMode::Sequential;
        check(
            !is_sequential || own.decided_next() <= own.next,
            "what decided slots used lies below the next nonce",
        )?;
        check(
            !is_sequential || ready_end == own.ready_end,
            "the ready nonces end where noted",
        )
    }

    /// What stands outside a sender's line is counted, and only that shadows what is in it.
    fn verify_outside(&self, place: u32, own: &Sender, taken: u32) -> Result<(), Broken> {
        let (forced_used, forced) = self.forced_of_sender(place);
        let (legs_used, legs) = self.legs_of_sender(place);
        let used = forced_used.saturating_add(legs_used);
        let held = forced.saturating_add(legs);
        let pinned = self.pins.of(place);
        check(held == pinned.count as usize, "what is outside pins")?;
        check(used == pinned.used_count as usize, "used nonces count")?;
        if self.line_mode(own.rollup) == LineMode::Window {
            let count = pinned.window.count() as usize;
            return check(used == count, "used nonces are marked");
        }
        if self.rules.by_logs {
            return Ok(());
        }
        // What is in flight lies right below the cursor, each nonce once.
        let in_flight = u64::from(taken).saturating_add(used as u64);
        let settled = own.next.get().checked_sub(in_flight);
        let settled = settled.ok_or(Broken("the cursor counts what is in flight"))?;
        let mut at = own.first;
        while let Some(entry) = self.entries.get(at) {
            check(entry.nonce.get() >= settled, "no settled nonce waits")?;
            at = entry.after;
        }
        Ok(())
    }

    fn verify_sums(&self) -> Result<(), Broken> {
        let count = |filter: &dyn Fn(&Entry) -> bool| {
            self.entries
                .iter()
                .filter(|(_, entry)| filter(entry))
                .count()
        };
        let sizes = [self.by_id.len(), self.by_nonce.len()];
        check(
            sizes.iter().all(|len| *len == self.entries.len()),
            "indexes have no more",
        )?;
        check(
            self.by_address.len() == self.senders.len(),
            "the sender index has no more",
        )?;
        check(
            count(&|entry| entry.is_taken) == self.taken_count,
            "taken ones are counted",
        )?;
        check(
            count(&|entry| entry.is_quiet) == self.quiet_count as usize,
            "quiet are counted",
        )?;
        let quiet = self.entries.iter().filter(|(_, entry)| entry.is_quiet);
        let quiet_bytes = quiet.fold(0_u64, |sum, (_, entry)| {
            let bytes = self.payloads.rounded_bytes(entry.payload.len() as usize);
            sum.saturating_add(bytes)
        });
        check(quiet_bytes == self.quiet_bytes, "quiet bytes are summed")?;
        check(self.aside_count == 0, "nothing is aside between slots")?;
        let counted: usize = self.origins.iter().map(|own| own.count as usize).sum();
        let is_all = counted == count(&|entry| entry.origin != NONE);
        check(is_all, "no origin has more than its own")?;
        let in_use = |own: &&(u32, &InUse)| own.1.count > 0;
        for (place, own) in (0_u32..).zip(&self.origins).filter(|own| in_use(&own)) {
            let entries = self.entries.iter().map(|(_, entry)| entry);
            let of_place = entries.filter(|entry| entry.origin == place);
            let sum = of_place.fold(InUse::default(), |sum, entry| InUse {
                count: sum.count.saturating_add(1),
                bytes: sum.bytes.saturating_add(u64::from(entry.payload.len())),
                gas: sum.gas.saturating_add(entry.gas.get()),
            });
            check(sum == *own, "an origin's sums are right")?;
        }
        for (place, own) in (0_u32..).zip(&self.rollup_counts) {
            let counted = count(&|entry| self.heap_of_sender(entry.sender) == Some(place));
            check(
                counted == *own as usize,
                "a rollup's transactions are counted",
            )?;
        }
        let is_known =
            |place: u32| self.senders.get(place).is_some() && self.pins.of(place).count > 0;
        check(self.pins.senders().all(is_known), "only senders are pinned")?;
        let queues = self.idle.is_consistent(&self.senders)
            && self.ready.is_consistent()
            && self.displaceable.is_consistent()
            && self.expiring.is_consistent();
        check(queues, "queues are ordered")?;
        let used = self.entries.iter().map(|(_, entry)| entry.payload);
        check(
            self.payloads.is_consistent(used),
            "every payload chunk is used or free",
        )
    }
}
