//! How members agree on a slot: messages between them, in simulated time.
//!
//! All messages that are under way together take [`MESSAGE_DELAY_NS`], and each member takes in what
//! came to it in the order of the senders. So what happens between two moments at one member depends
//! on no other, members work side by side, and the same run says the same, to the byte.
//!
//! Agreeing has a clock of its own, which begins at the slot's tick: the slot is decided some
//! [`MESSAGE_DELAY_NS`] later, and no transaction that arrives meanwhile is in it. Where slots come
//! faster than that, the clock runs ahead of their ticks.

use hauptbuch_core::consensus::Destination;
use hauptbuch_core::types::{Hash, SequencerId, Tick};
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefMutIterator as _, ParallelIterator as _,
};

use super::known::World;
use super::member::{Letter, Member};
use super::{Committee, CommitteeError};
use crate::run::ConsensusReport;
use crate::workload::Workload;

/// How long a message between members takes: 5 ms, as between neighbouring cities.
pub const MESSAGE_DELAY_NS: u64 = 5_000_000;

/// The most moments in which a slot is not decided. With everybody honest it takes five or so.
const MOMENT_COUNT_MAX: u32 = 1 << 16;

/// What agreeing came to so far, and where its clock stands.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    now: Tick,
    heights: u64,
    rounds_max: u32,
    round_changes: u64,
    certificate_bytes: u64,
}

impl Committee {
    /// Lets members agree on the next slot and settle it; its hash.
    pub(super) fn agree(
        &mut self,
        tick: Tick,
        workload: &Workload,
    ) -> Result<Hash, CommitteeError> {
        let world = World {
            known: &self.known,
            hosts: &self.hosts,
            workload,
        };
        let members = &mut self.members;
        let mut now = self.agreement.now.max(tick);
        members
            .par_iter_mut()
            .try_for_each(|member| member.begin_height(now))?;
        let mut letters: Vec<Letter> = Vec::new();
        let mut moments = 0;
        loop {
            let inboxes: Vec<Vec<&Letter>> = members
                .iter()
                .map(|member| {
                    letters
                        .iter()
                        .filter(|it| is_to(it, member.number))
                        .collect()
                })
                .collect();
            let turns = members.par_iter_mut().zip(&inboxes);
            turns.try_for_each(|(member, inbox)| member.take_turn(now, inbox, tick, &world))?;
            letters = members.iter_mut().flat_map(Member::take_letters).collect();
            if members.iter().all(|member| member.decided().is_some()) {
                break;
            }
            moments += 1;
            if moments == MOMENT_COUNT_MAX {
                return Err(CommitteeError::Undecided);
            }
            now = match letters.is_empty() {
                false => now.saturating_add(MESSAGE_DELAY_NS),
                true => {
                    let deadlines = members.iter().filter_map(Member::next_deadline);
                    deadlines.min().ok_or(CommitteeError::Undecided)?.max(now)
                }
            };
        }
        self.agreement.now = now;
        self.settle(tick, workload)
    }

    /// Every member settles the slot that was decided; its hash.
    fn settle(&mut self, tick: Tick, workload: &Workload) -> Result<Hash, CommitteeError> {
        let world = World {
            known: &self.known,
            hosts: &self.hosts,
            workload,
        };
        let first = self.members.first().and_then(Member::decided);
        let (round, value) = first.ok_or(CommitteeError::Undecided)?;
        let settled = self.members.par_iter_mut();
        settled.try_for_each(|member| {
            if member.decided().map(|(_, value)| value) != Some(value) {
                return Err(CommitteeError::Diverged);
            }
            member.settle_decided(value, tick, &world)
        })?;
        self.certificate.clear();
        if let Some(first) = self.members.first() {
            self.certificate.extend_from_slice(first.certificate());
        }
        let own = &mut self.agreement;
        own.heights += 1;
        own.rounds_max = own.rounds_max.max(round.get().saturating_add(1));
        own.round_changes += u64::from(round.get());
        own.certificate_bytes += self.certificate.len() as u64;
        Ok(value)
    }

    /// What agreeing came to so far.
    #[must_use]
    pub fn consensus_report(&self) -> ConsensusReport {
        let own = &self.agreement;
        let mut report = ConsensusReport {
            heights: own.heights,
            rounds_max: own.rounds_max,
            round_changes: own.round_changes,
            certificate_bytes: own.certificate_bytes,
            ..ConsensusReport::default()
        };
        for said in self.members.iter().map(Member::said) {
            report.proposals += said.proposals;
            report.votes += said.votes;
            report.signatures_made += said.signatures_made;
            report.signatures_verified += said.signatures_verified;
        }
        report
    }
}

fn is_to(letter: &Letter, member: u16) -> bool {
    let own = SequencerId::new(member.into());
    match letter.to {
        Destination::Members => letter.from != own,
        Destination::One(one) => one == own,
    }
}
