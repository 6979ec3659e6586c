//! Inputs drawn by chance, and which of them both machines can be given.

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_core::consensus::{TimerKind, VoteKind};
use hauptbuch_core::types::Hash;

use crate::pair::{Input, NO_ROUND, Pair, View};

/// SplitMix64: small, and the same everywhere.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whether something of so many in a hundred happens.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Why an input was not given: it lies where the two are meant to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excluded {
    /// Ours keeps votes of the rounds around its own, theirs of all.
    RoundNotKept,
    /// Ours skips to a round that members of a third have at least reached, and counts proposals;
    /// theirs to one in which they have voted.
    SkipDiffers,
    /// Ours would ask a peer for the polka, which it no longer keeps the votes of.
    PolkaNotKept,
    /// Ours keeps two proposals of a round, and one of whom it knows to contradict itself; theirs
    /// keeps all.
    TooManyProposals,
    /// Of two proposals of one value that name two valid rounds, ours takes the one that a polka
    /// fits; theirs forgets all but the first when the polka comes after them.
    ProposedAgain,
    /// A quorum of members that lie, or precommit what is invalid.
    TooManyLie,
    /// The same statement again.
    Repeated,
}

/// What was given to both in a height.
#[derive(Default)]
pub struct Given {
    /// By kind, round and member: the first vote, which is the one that counts.
    votes: BTreeMap<(VoteKind, u32, u16), Option<Hash>>,
    /// All that were given, those that contradict the first included.
    all: BTreeSet<(VoteKind, u32, u16, Option<Hash>)>,
    proposals: BTreeMap<u32, Vec<(Hash, i32)>>,
    /// The one value that a quorum may precommit.
    committed: Option<Hash>,
    /// Who contradicted itself in what.
    pub conflicts: BTreeSet<(u16, VoteKind)>,
    /// The value that most vote for in a round.
    popular: BTreeMap<u32, Option<Hash>>,
}

impl Given {
    /// Whether both were given such a proposal.
    pub fn has_proposal(&self, round: u32, value: Hash) -> bool {
        let held = self.proposals.get(&round);
        held.is_some_and(|held| held.iter().any(|(held, _)| *held == value))
    }

    fn weight(&self, pair: &Pair, kind: VoteKind, round: u32, value: Hash) -> u64 {
        (0..pair.len())
            .filter(|member| self.votes.get(&(kind, round, *member)) == Some(&Some(value)))
            .map(|member| pair.weight(member))
            .sum()
    }

    /// Notes an input, and what this member said itself: its own votes count too.
    pub fn note(&mut self, pair: &Pair, input: Input, view: &View) {
        match input {
            Input::Proposal {
                round,
                value,
                valid_round,
            } => {
                let held = self.proposals.entry(round).or_default();
                // A proposal of a round that is over is evidence to nobody who has left it.
                held.push((value, valid_round));
            }
            Input::Vote {
                kind,
                member,
                round,
                value,
            } => {
                self.all.insert((kind, round, member, value));
                let first = *self.votes.entry((kind, round, member)).or_insert(value);
                if first != value {
                    self.conflicts.insert((member, kind));
                }
            }
            Input::Timeout(_) | Input::Value(_) => {}
        }
        self.note_own(pair, view);
    }

    /// Notes what this member said.
    pub fn note_own(&mut self, pair: &Pair, view: &View) {
        for (kind, round, value, valid_round) in &view.said {
            if *kind == VoteKind::Proposal {
                let held = self.proposals.entry(*round).or_default();
                held.extend(value.map(|value| (value, *valid_round)));
            } else {
                self.votes.insert((*kind, *round, pair.me), *value);
            }
        }
    }

    /// Whether both machines promise the same of an input, and if not, why.
    pub fn check(
        &mut self,
        pair: &Pair,
        view: &View,
        input: Input,
        is_valid: impl Fn(Hash) -> bool,
    ) -> Result<(), Excluded> {
        match input {
            Input::Proposal {
                round,
                value,
                valid_round,
            } => self.check_proposal(pair, view, round, (value, valid_round)),
            Input::Vote {
                kind,
                member,
                round,
                value,
            } => {
                if self.all.contains(&(kind, round, member, value)) {
                    return Err(Excluded::Repeated);
                }
                let is_near = round <= view.round + 1 && round + 1 >= view.round;
                let is_valid_round = view.valid.is_some_and(|(valid, _)| valid == round);
                let is_kept = is_near || (kind == VoteKind::Prevote && is_valid_round);
                if !is_kept {
                    return Err(Excluded::RoundNotKept);
                }
                self.check_skip(pair, view, round, member, true)?;
                if let (VoteKind::Precommit, Some(value)) = (kind, value) {
                    self.check_commit(pair, (round, member, value), is_valid)?;
                }
                Ok(())
            }
            Input::Timeout(_) | Input::Value(_) => Ok(()),
        }
    }

    fn check_proposal(
        &self,
        pair: &Pair,
        view: &View,
        round: u32,
        proposal: (Hash, i32),
    ) -> Result<(), Excluded> {
        let (value, valid_round) = proposal;
        if round > view.round + 1 || round + 1 < view.round {
            return Err(Excluded::RoundNotKept);
        }
        let held = self.proposals.get(&round).map_or(&[][..], |held| held);
        if held.contains(&proposal) {
            return Err(Excluded::Repeated);
        }
        if held.iter().any(|(held, _)| *held == value) {
            return Err(Excluded::ProposedAgain);
        }
        let proposer = pair.proposer(round);
        let is_known = pair.our_evidence.contains(&(proposer, VoteKind::Proposal));
        if held.len() > 1 || (is_known && !held.is_empty()) {
            return Err(Excluded::TooManyProposals);
        }
        if valid_round != NO_ROUND && round >= view.round {
            let polka = valid_round as u32;
            let is_before = polka + 1 == round;
            let is_valid = round == view.round && view.valid.is_some_and(|(held, _)| held == polka);
            let has_polka = pair.is_quorum(self.weight(pair, VoteKind::Prevote, polka, value));
            // Without a polka nothing may come that makes one: such rounds get no more votes.
            let is_closed = polka + 1 < view.round && !has_polka;
            if !is_before && !is_valid && !is_closed {
                return Err(Excluded::PolkaNotKept);
            }
        }
        self.check_skip(pair, view, round, pair.proposer(round), false)
    }

    /// Whether a statement of the next round leads both to it, or neither.
    fn check_skip(
        &self,
        pair: &Pair,
        view: &View,
        round: u32,
        member: u16,
        is_vote: bool,
    ) -> Result<(), Excluded> {
        if round <= view.round {
            return Ok(());
        }
        let has_voted = |member: u16| {
            [VoteKind::Prevote, VoteKind::Precommit]
                .iter()
                .any(|kind| self.votes.contains_key(&(*kind, round, member)))
        };
        let has_proposed =
            |member| self.proposals.contains_key(&round) && pair.proposer(round) == member;
        let (mut ours, mut theirs) = (0, 0);
        for other in 0..pair.len() {
            let votes = has_voted(other) || (is_vote && other == member);
            if votes {
                theirs += pair.weight(other);
            }
            if votes || has_proposed(other) || other == member {
                ours += pair.weight(other);
            }
        }
        let agree = pair.has_honest(ours) == pair.has_honest(theirs);
        agree.then_some(()).ok_or(Excluded::SkipDiffers)
    }

    /// Whether less than a third lies: then quorums precommit one value at most, and a valid one.
    fn check_commit(
        &mut self,
        pair: &Pair,
        (round, member, value): (u32, u16, Hash),
        is_valid: impl Fn(Hash) -> bool,
    ) -> Result<(), Excluded> {
        let place = (VoteKind::Precommit, round, member);
        if self.votes.contains_key(&place) {
            return Ok(());
        }
        // This member may yet precommit it too.
        let own = self.votes.get(&(VoteKind::Precommit, round, pair.me));
        let own_weight = if own == Some(&Some(value)) {
            0
        } else {
            pair.weight(pair.me)
        };
        let others = self.weight(pair, VoteKind::Precommit, round, value);
        let weight = others + own_weight + pair.weight(member);
        if !pair.is_quorum(weight) {
            return Ok(());
        }
        if !is_valid(value) || self.committed.is_some_and(|held| held != value) {
            return Err(Excluded::TooManyLie);
        }
        self.committed = Some(value);
        Ok(())
    }

    /// An input by chance; nothing where what was drawn can't be.
    pub fn draw(
        &mut self,
        chance: &mut Chance,
        pair: &Pair,
        view: &View,
        values: &[Hash],
    ) -> Option<Input> {
        match chance.below(100) {
            0..60 => Some(self.draw_vote(chance, pair, view, values)),
            60..80 => self.draw_proposal(chance, pair, view, values),
            80..92 => {
                let timers: Vec<TimerKind> = view.timers.iter().copied().collect();
                (!timers.is_empty()).then(|| Input::Timeout(chance.pick(&timers)))
            }
            _ => view
                .wants_value
                .then(|| Input::Value(chance.pick(&values[..values.len() - 1]))),
        }
    }

    fn draw_vote(
        &mut self,
        chance: &mut Chance,
        pair: &Pair,
        view: &View,
        values: &[Hash],
    ) -> Input {
        let others: Vec<u16> = (0..pair.len()).filter(|other| *other != pair.me).collect();
        let member = chance.pick(&others);
        let round = match chance.below(100) {
            0..66 => view.round,
            66..82 => view.round + 1,
            82..92 => view.round.saturating_sub(1),
            _ => view.valid.map_or(view.round, |(round, _)| round),
        };
        let share = if view.step > 0 { 50 } else { 75 };
        let kind = if chance.percent(share) {
            VoteKind::Prevote
        } else {
            VoteKind::Precommit
        };
        let proposed = self.proposals.get(&round).and_then(|held| held.first());
        let proposed = proposed.map(|(value, _)| *value);
        let popular = *self.popular.entry(round).or_insert_with(|| {
            let any = Some(chance.pick(values));
            match chance.below(10) {
                0..6 => proposed.or(any),
                6..9 => None,
                _ => any,
            }
        });
        let value = match chance.below(100) {
            0..78 => popular,
            78..90 => None,
            _ => Some(chance.pick(values)),
        };
        Input::Vote {
            kind,
            member,
            round,
            value,
        }
    }

    fn draw_proposal(
        &mut self,
        chance: &mut Chance,
        pair: &Pair,
        view: &View,
        values: &[Hash],
    ) -> Option<Input> {
        let round = match chance.below(100) {
            0..70 => view.round,
            70..90 => view.round + 1,
            _ => view.round.checked_sub(1)?,
        };
        if pair.proposer(round) == pair.me {
            return None;
        }
        let held = view.valid.filter(|_| chance.percent(50));
        let value = held.map_or_else(|| chance.pick(values), |(_, value)| value);
        let valid_round = match (held, chance.below(100)) {
            (Some((held, _)), 0..80) => held as i32,
            (None, 0..70) => NO_ROUND,
            _ if round > 0 => chance.below(u64::from(round)) as i32,
            _ => NO_ROUND,
        };
        (valid_round < round as i32).then_some(Input::Proposal {
            round,
            value,
            valid_round,
        })
    }
}
