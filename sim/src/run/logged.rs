//! Slots whose order the receive logs of several sequencers give.

use hauptbuch_core::batch::SlotContext;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::ordering::fair::stream::{DrainOutcome, EntryKind};
use hauptbuch_core::types::Tick;

use super::{Observer, RunError, Runner, Sequencers, Step, agreed_time, note_included};
use crate::committee::{Committee, CommitteeError};

/// What the logs of a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitteeReport {
    /// The most ids that were live at one time: logged, and not drained.
    pub live_count_max: u32,
    /// By member, the most bodies that it pushed back at one time, because as many as can waited
    /// for its budget.
    pub pushed_back_counts_max: Vec<u32>,
    /// The bytes that one member's logs, lines and graphs take.
    pub footprint_bytes: u64,
}

impl CommitteeReport {
    pub(super) fn of(committee: &Committee) -> Self {
        Self {
            live_count_max: committee.live_max(),
            pushed_back_counts_max: committee.pushed_back_max(),
            footprint_bytes: committee.setup().footprint_bytes(),
        }
    }
}

impl<O: Observer> Runner<'_, O> {
    /// Members log what reached them and agree on the slot at `tick`; this run, which let the
    /// transactions in, follows: its slot holds exactly what theirs does.
    pub(super) fn decide_and_acknowledge(&mut self, tick: Tick) -> Result<(), RunError> {
        let Sequencers::Logged(committee) = &mut self.sequencers else {
            return Ok(());
        };
        self.observer.step_begins(Step::Decide);
        let logged = committee.log(tick, agreed_time(tick), self.workload)?;
        self.observer.step_ends(Step::Decide, logged);
        self.observer.step_begins(Step::Agree);
        let decided = committee.decide(tick, self.workload)?;
        let entries = decided.entries.iter().flatten();
        let logged = entries.filter_map(|entry| match entry.kind {
            EntryKind::Id(id) => Some((id, true)),
            _ => None,
        });
        let lapsed = decided.stream.lapsed_ids().iter().map(|id| (*id, false));
        for (id, is_logged) in logged.chain(lapsed) {
            if decided.known.record_of(&id.id).is_some() {
                let marked = self.coordinator.mark_logged(id.id, is_logged);
                marked.map_err(|error| RunError::Refused(error.code()))?;
            }
        }
        self.observer
            .step_ends(Step::Agree, decided.stream.drained().len());
        self.observer.on_decided(&decided);
        self.observer.step_begins(Step::Take);
        let (time, drained) = (decided.stream.time(), decided.stream.drained());
        let records = self.workload.records();
        for one in drained
            .iter()
            .filter(|it| it.outcome == DrainOutcome::Included)
        {
            let record = decided.known.record_of(&one.id.id);
            if let Some(record) = record.and_then(|record| records.get(record as usize)) {
                self.delays.add(tick, record.arrival);
            }
        }
        let context = SlotContext {
            changes: decided.changes,
            next_membership: decided.next_membership,
            state_root: decided.state_root,
        };
        let said = self.coordinator.set_slot_context(&context);
        said.map_err(|error| RunError::Refused(error.code()))?;
        let slot = self
            .coordinator
            .take_drained(tick, time, decided.cut, drained);
        let slot = slot.map_err(|refusal| RunError::Refused(refusal.code))?;
        if slot.hash != decided.slot {
            return Err(RunError::Committee(CommitteeError::Diverged));
        }
        let (height, count) = (slot.header.height, slot.transaction_count as usize);
        self.observer.step_ends(Step::Take, count);
        self.observer.on_slot(&slot);
        note_included(&slot, &self.limits, &mut self.accounts, |_, _| ());
        self.observer.on_final(height, decided.certificate);
        if let Some(next) = committee.next_membership()? {
            self.observer.on_members(&next);
        }
        self.settle(height, tick, count)
    }

    /// What was admitted can reach members from now on; what ended can't any more.
    pub(super) fn tell_members(&mut self, event: &Event) {
        if let Sequencers::One = self.sequencers {
            return;
        }
        if event.code.is_terminal() {
            let is_included = event.code == Code::Included;
            match &mut self.sequencers {
                Sequencers::One => {}
                Sequencers::Logged(committee) => committee.end(&event.id, is_included),
                Sequencers::Pooled(committee) => committee.end(&event.id, is_included),
            }
            return;
        }
        let number = self.heard;
        self.heard += 1;
        let record = self.workload.records().get(number as usize);
        let Some(record) = record.filter(|_| event.code == Code::Admitted) else {
            return;
        };
        let body_bytes = self.workload.encoded_len(record);
        let (envelope, base) = (&record.envelope, record.account_nonce);
        match &mut self.sequencers {
            Sequencers::One => {}
            Sequencers::Logged(committee) => {
                committee.admit(number, event.id, body_bytes, envelope, base);
            }
            Sequencers::Pooled(committee) => {
                committee.admit(number, event.id, body_bytes, envelope, base);
            }
        }
    }
}
