//! Slots that members with pools agree on.

use hauptbuch_core::coordinator::{AdoptError, Slot};
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::types::Tick;

use super::{Observer, RunError, Runner, Sequencers, Step, note_included};

impl<O: Observer> Runner<'_, O> {
    /// Members agree on a slot that one of them took from its pool; this run, which let the
    /// transactions in, takes it over.
    pub(super) fn agree_and_adopt(&mut self, tick: Tick) -> Result<(), RunError> {
        let Sequencers::Pooled(committee) = &mut self.sequencers else {
            return Ok(());
        };
        self.observer.step_begins(Step::Agree);
        let agreed = committee.decide(tick, self.workload, &self.pools)?;
        let count = agreed.verified.transaction_count as usize;
        self.observer.step_ends(Step::Agree, count);
        let slot = Slot {
            header: agreed.verified.header,
            hash: agreed.verified.hash,
            bytes: agreed.bytes,
            transaction_count: agreed.verified.transaction_count,
        };
        self.observer.on_slot(&slot);
        let records = self.workload.records();
        note_included(&slot, &self.limits, &mut self.accounts, |canonical, _| {
            // The slot says when it reached the proposer.
            let record = agreed.known.record_of(&transaction_id(canonical));
            if let Some(record) = record.and_then(|record| records.get(record as usize)) {
                self.delays.add(tick, record.arrival);
            }
        });
        let height = slot.header.height;
        self.observer.on_final(height, agreed.certificate);
        let bytes = agreed.bytes.to_vec();
        if let Some(next) = committee.next_membership()? {
            self.observer.on_members(&next);
        }
        self.read_events();
        self.observer.step_begins(Step::Acknowledge);
        loop {
            match self.coordinator.adopt(&bytes, tick) {
                Ok(_) => break,
                Err(AdoptError::EventsFull) if self.coordinator.event_count() > 0 => {
                    self.read_events();
                }
                Err(error) => return Err(RunError::Refused(error.code())),
            }
        }
        self.observer.step_ends(Step::Acknowledge, count);
        self.slot_tick = tick;
        self.read_events();
        Ok(())
    }
}
