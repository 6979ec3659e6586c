//! Forced inputs in a snapshot: those of each rollup in the order of its inbox.
//!
//! Which of them are taken, and what they come to, follows from the slots that hold them.

use super::ForcedInput;
use crate::bounded::{NONE, rounded_bytes};
use crate::codec::{Reader, Sink};
use crate::crypto::hash::transaction_id;
use crate::pool::{Broken, BundleSize, ForcedCounts, TransactionPool};
use crate::types::{ForcedOutcome, InboxIndex, RollupId, Transaction, TxId, UnixNs};

impl TransactionPool {
    /// Writes all forced inputs.
    pub(in crate::pool) fn export_forced(&self, out: &mut impl Sink) {
        for heap in 0..self.rules.rollups.len() as u32 {
            let queue = self.forced.queue(heap);
            out.u32(queue.len);
            for input in (0..queue.len).filter_map(|at| self.forced.get(heap, at)) {
                out.u64(input.index.get());
                out.u64(input.deadline.get());
                let payloads = &self.forced.payloads;
                super::super::export::export_transaction(
                    &input.envelope,
                    (payloads, input.payload),
                    out,
                );
            }
        }
    }

    /// Reads all forced inputs; their senders and the next inbox indexes were read before.
    pub(in crate::pool) fn restore_forced(&mut self, input: &mut Reader<'_>) -> Result<(), Broken> {
        for heap in 0..self.rules.rollups.len() as u32 {
            for _ in 0..input.u32()? {
                self.restore_forced_input(heap, input)?;
            }
        }
        Ok(())
    }

    fn restore_forced_input(&mut self, heap: u32, input: &mut Reader<'_>) -> Result<(), Broken> {
        let index = InboxIndex::new(input.u64()?);
        let deadline = UnixNs::new(input.u64()?);
        let start = input.rest();
        let transaction = Transaction::decode_from(input, self.rules.payload_bytes_max)?;
        let canonical = start.get(..transaction.encoded_len()).unwrap_or_default();
        let Transaction { envelope, payload } = transaction;
        let queue = self.forced.queue(heap);
        let last = queue.len.checked_sub(1);
        let before = last.and_then(|last| self.forced.get(heap, last));
        let follows = before.is_none_or(|before| before.index < index);
        check(
            follows && index < queue.next_index,
            "forced inputs stand in the order of their inbox",
        )?;
        let bytes = queue.bytes.saturating_add(rounded_bytes(payload.len()));
        check(
            self.heap_of(envelope.rollup) == Some(heap)
                && queue.len < self.forced.count_max
                && bytes <= self.forced.bytes_max,
            "a queue of forced inputs stays within its part",
        )?;
        let sender = self.sender_of(envelope.rollup, envelope.sender);
        let sender = sender.ok_or(Broken("a forced input has a sender"))?;
        let payload = self.forced.payloads.store(payload);
        let payload = payload.ok_or(Broken("payloads of forced inputs have room"))?;
        let restored = self.forced.push(
            heap,
            ForcedInput {
                id: transaction_id(canonical),
                envelope,
                payload,
                deadline,
                index,
                sender,
                outcome: ForcedOutcome::Applied,
            },
        );
        restored.ok_or(Broken("forced inputs have a place"))?;
        self.pin_restored(sender);
        Ok(())
    }

    /// Marks the next input of a rollup, with this identity, as taken, and notes what it came to;
    /// returns the place of the rollup among the configured ones.
    pub(crate) fn restore_forced_taken(
        &mut self,
        rollup: RollupId,
        (index, outcome): (InboxIndex, ForcedOutcome),
        id: TxId,
    ) -> Result<u32, Broken> {
        let heap = self.heap_of(rollup);
        let heap = heap.ok_or(Broken("a slot's rollups are configured"))?;
        let taken = self.forced.queue(heap).taken;
        let place = self.forced.place(heap, taken);
        let input = self.forced.get(heap, taken).copied();
        let input = input.filter(|own| own.id == id && own.index == index);
        let input = input.ok_or(Broken("a slot holds the next forced inputs"))?;
        if outcome == ForcedOutcome::Applied {
            self.restore_used(input.sender, input.envelope.nonce)?;
        }
        if let Some(own) = self.forced.inputs.get_mut(place) {
            own.outcome = outcome;
        }
        if let Some(queue) = self.forced.queues.get_mut(heap as usize) {
            queue.taken = queue.taken.saturating_add(1);
        }
        Ok(heap)
    }

    /// The last `counts` of taken forced inputs, rollup by rollup: what each came to.
    pub(crate) fn forced_outcomes(
        &self,
        counts: &ForcedCounts,
    ) -> impl Iterator<Item = ForcedOutcome> {
        (0_u32..)
            .zip(counts)
            .flat_map(|(heap, count)| self.forced_taken_last(heap, *count))
            .map(|(_, outcome, _)| outcome)
    }

    /// The next input of a rollup that waits: its inbox index, identity and size.
    pub(crate) fn forced_next(&self, rollup: RollupId) -> Option<(InboxIndex, TxId, BundleSize)> {
        let heap = self.heap_of(rollup)?;
        let own = self.forced.get(heap, self.forced.queue(heap).taken)?;
        let len = own.payload.len().saturating_add(Transaction::HEADER_LEN);
        let size = BundleSize::default().with(len, &own.envelope);
        Some((own.index, own.id, size))
    }

    /// Notes that something outside its line belongs to a sender.
    pub(in crate::pool) fn pin_restored(&mut self, place: u32) {
        debug_assert!(place != NONE, "the sender was found");
        self.pins.pin(place);
    }
}

fn check(holds: bool, invariant: &'static str) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(invariant))
    }
}
