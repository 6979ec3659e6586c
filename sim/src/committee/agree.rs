//! How members agree on a slot: messages between them, in simulated time.
//!
//! All messages that are under way together take [`MESSAGE_DELAY_NS`], and each member takes in
//! what came to it in the order of the senders. So what happens between two moments at one member
//! depends on no other, members work side by side, and the same run says the same, to the byte.
//!
//! Agreeing has a clock of its own, which begins at the slot's tick: the slot is decided some
//! [`MESSAGE_DELAY_NS`] later, and no transaction that arrives meanwhile is in it. Where slots come
//! faster than that, the clock runs ahead of their ticks.

use hauptbuch_core::consensus::Destination;
use hauptbuch_core::types::{Hash, SequencerId, Tick};
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefMutIterator as _, ParallelIterator,
};

use super::CommitteeError;
use super::known::World;
use super::seat::{Letter, Mind, Said, Seat};
use crate::run::ConsensusReport;

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
    /// What members said that have left.
    left: Said,
}

impl Agreement {
    /// Lets members agree on the next slot and move on to it; its hash.
    pub fn agree<M: Mind>(
        &mut self,
        seats: &mut [Seat<M>],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Hash, CommitteeError> {
        self.now = self.now.max(tick);
        let now = self.now;
        up(seats).try_for_each(|seat| seat.begin_height(now))?;
        let mut letters: Vec<Letter> = Vec::new();
        for _ in 0..MOMENT_COUNT_MAX {
            let now = self.now;
            let inboxes: Vec<Vec<&Letter>> = seats
                .iter()
                .map(|seat| {
                    let own = seat.mind.id();
                    letters.iter().filter(|it| is_to(it, own)).collect()
                })
                .collect();
            let turns = seats.par_iter_mut().zip(&inboxes);
            turns
                .filter(|(seat, _)| seat.is_up)
                .try_for_each(|(seat, inbox)| seat.take_turn(now, inbox, tick, world))?;
            letters = seats.iter_mut().flat_map(Seat::take_letters).collect();
            let mut present = seats.iter().filter(|seat| seat.is_up);
            if present.all(|seat| seat.decided().is_some()) {
                return self.settle(seats, tick, world);
            }
            self.now = match letters.is_empty() {
                false => now.saturating_add(MESSAGE_DELAY_NS),
                true => {
                    let present = seats.iter().filter(|seat| seat.is_up);
                    let deadlines = present.filter_map(Seat::next_deadline);
                    deadlines.min().ok_or(CommitteeError::Undecided)?.max(now)
                }
            };
        }
        Err(CommitteeError::Undecided)
    }

    /// Every member moves on to the slot that was decided; its hash.
    fn settle<M: Mind>(
        &mut self,
        seats: &mut [Seat<M>],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Hash, CommitteeError> {
        let first = seats.iter().find(|seat| seat.is_up);
        let (round, value) = first
            .and_then(Seat::decided)
            .ok_or(CommitteeError::Undecided)?;
        up(seats).try_for_each(|seat| seat.settle(value, tick, world))?;
        self.heights += 1;
        self.rounds_max = self.rounds_max.max(round.get().saturating_add(1));
        self.round_changes += u64::from(round.get());
        let first = seats.iter().find(|seat| seat.is_up);
        let certificate = first.map_or(0, |seat| seat.certificate().len());
        self.certificate_bytes += certificate as u64;
        Ok(value)
    }

    /// A member has left, and said so much before.
    pub const fn note_left(&mut self, said: Said) {
        self.left.add(said);
    }

    /// What agreeing came to so far.
    pub fn report<M: Mind>(&self, seats: &[Seat<M>]) -> ConsensusReport {
        let report = ConsensusReport {
            heights: self.heights,
            rounds_max: self.rounds_max,
            round_changes: self.round_changes,
            certificate_bytes: self.certificate_bytes,
            ..ConsensusReport::default()
        };
        let mut all = self.left;
        seats.iter().for_each(|seat| all.add(seat.said()));
        ConsensusReport {
            proposals: all.proposals,
            votes: all.votes,
            signatures_made: all.signatures_made,
            signatures_verified: all.signatures_verified,
            ..report
        }
    }
}

/// Whether all members have come to the same order and chain.
pub(super) fn check_agreement<M: Mind>(seats: &mut [Seat<M>]) -> Result<(), CommitteeError> {
    let states: Vec<(Hash, Hash)> = up(seats).map(|it| it.mind.state()).collect();
    let is_same = states.windows(2).all(|pair| pair[0] == pair[1]);
    is_same.then_some(()).ok_or(CommitteeError::Diverged)
}

/// The members that take part.
fn up<M: Mind>(seats: &mut [Seat<M>]) -> impl ParallelIterator<Item = &mut Seat<M>> {
    seats.par_iter_mut().filter(|seat| seat.is_up)
}

fn is_to(letter: &Letter, own: SequencerId) -> bool {
    match letter.to {
        Destination::Members => letter.from != own,
        Destination::One(one) => one == own,
    }
}
