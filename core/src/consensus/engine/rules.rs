//! The rules, in the order in which they go before each other.
//!
//! Every input ends with [`ConsensusEngine::run_rules`], which applies the first rule whose guard
//! holds until none does. That ends: within a round each rule fires once or moves the step
//! forward, and a later round needs votes that are held, of which there are two rounds at most.

use super::{ConsensusEngine, Decision, GetValue};
use crate::consensus::tables::{Stage, StoredProposal, ValueState};
use crate::consensus::{Claim, PrevoteRule, Recipient, Step, TimerKind};
use crate::types::{Hash, Round};
use crate::vote::{NO_ROUND, ROUND_MAX, VoteKind};

impl ConsensusEngine {
    /// Applies rules until none has anything to do.
    pub(super) fn run_rules(&mut self) {
        while self.run_one() {}
    }

    /// The first rule whose guard holds; false where there is none.
    fn run_one(&mut self) -> bool {
        // R7 goes before R8 and R6, R5 and R4 before R3.
        if self.step == Step::Decided {
            return false;
        }
        self.r7_decide()
            || self.r8_skip()
            || self.adopt_examined()
            || self.r0_propose()
            || self.r1_r2_prevote()
            || self.r4_polka()
            || self.r5_nil()
            || self.r3_wait()
            || self.r6_wait()
    }

    /// R7: a quorum precommitted a value in any round that is held, or a certificate says so, and
    /// the value is valid.
    fn r7_decide(&mut self) -> bool {
        if !self.commit.is_verified() {
            self.gather_commit();
        }
        if !self.commit.is_verified() || !self.values.is_valid(self.commit.value) {
            return false;
        }
        self.decision = Some(Decision {
            round: self.commit.round,
            value: self.commit.value,
            is_told: false,
        });
        self.timers = [None; 5];
        self.enter_step(Step::Decided);
        self.in_round.get_value = GetValue::NotNeeded;
        true
    }

    /// Makes the commit certificate of precommits that are held.
    fn gather_commit(&mut self) {
        let committee = &self.committee;
        let precommits = &self.precommits;
        let found = precommits.rounds().find_map(|(row, round)| {
            let best = precommits.best(row)?;
            committee
                .is_quorum(best.weight)
                .then_some((row, round, *best))
        });
        if let Some((row, round, best)) = found {
            let signatures = &mut self.signatures;
            self.commit
                .fill_from_rows(&self.precommits, row, &best, round, signatures);
            let source = best.members.iter().next();
            self.want_value(best.value, source.unwrap_or_default());
        }
    }

    /// R8: members of more than a third, so a correct one, are in a later round.
    fn r8_skip(&mut self) -> bool {
        if !self.committee.has_honest(self.ahead_weight) {
            return false;
        }
        // The largest round that members of more than a third have reached: of those ahead, the
        // weight of who reached at least this one's. O(members²), once a round.
        let round = u64::from(self.round.get());
        let mut target = 0_u32;
        for candidate in self.highest.iter() {
            let is_ahead = u64::from(*candidate) > round.saturating_add(1);
            if !is_ahead || *candidate <= target {
                continue;
            }
            let reached = self.highest.iter().zip(self.committee.weights());
            let weight = reached
                .filter(|(highest, _)| *highest >= candidate)
                .fold(0_u64, |sum, (_, weight)| sum.saturating_add(weight));
            if self.committee.has_honest(weight) {
                target = *candidate;
            }
        }
        debug_assert!(target > 0, "the weight ahead is that of some members");
        self.leave_round(Round::new(target.saturating_sub(1)));
        true
    }

    /// S2: a polka that a peer sent, of a later round than the valid value's, makes its value the
    /// valid one once it is known to be valid.
    fn adopt_examined(&mut self) -> bool {
        if !self.examined.is_verified() || !self.values.is_valid(self.examined.value) {
            return false;
        }
        let round = self.examined.round;
        #[cfg(any(test, feature = "weakened"))]
        if self.breaks(|breaks| breaks.has_single_polka_slot) {
            self.polka
                .fill_from_slot(&self.examined, &mut self.signatures);
        }
        if self.valid.is_some_and(|(valid, _)| valid >= round) {
            return false;
        }
        self.valid = Some((round, self.examined.value));
        self.polka
            .fill_from_slot(&self.examined, &mut self.signatures);
        true
    }

    /// R0, the proposer's part: everybody was heard, so nothing is left to wait for.
    fn r0_propose(&mut self) -> bool {
        let is_ready = self.in_round.hears_claims && self.has_heard_all();
        if is_ready {
            self.propose();
        }
        is_ready
    }

    /// R1 and R2: prevotes on the proposal.
    fn r1_r2_prevote(&mut self) -> bool {
        if self.step != Step::Propose {
            return false;
        }
        let proposals: [Option<StoredProposal>; 2] = {
            let mut held = self.proposals.of(self.round).copied();
            [held.next(), held.next()]
        };
        for proposal in proposals.into_iter().flatten() {
            let is_valid = match self.values.state(proposal.value) {
                Some(ValueState::Valid { .. }) => true,
                Some(ValueState::Invalid) => false,
                _ => continue,
            };
            let may_prevote = match u32::try_from(proposal.valid_round).map(Round::new) {
                // R1: a fresh value; whoever is locked prevotes for its lock only.
                Err(_) => self.locked.is_none_or(|(_, value)| value == proposal.value),
                // R2: a value that had a polka in an earlier round, which overrides older locks.
                Ok(polka_round) => {
                    if !self.has_polka(polka_round, proposal.value) {
                        self.pull_for_proposal(polka_round, proposal.value);
                        continue;
                    }
                    self.locked.is_none_or(|(round, value)| {
                        round <= polka_round || value == proposal.value
                    })
                }
            };
            let value = (is_valid && may_prevote).then_some(proposal.value);
            let valid_round = match self.config.prevotes {
                PrevoteRule::WithValidRound => proposal.valid_round,
                PrevoteRule::Classic => NO_ROUND,
            };
            self.stop_timer(TimerKind::Propose);
            self.enter_step(Step::Prevote);
            self.cast(VoteKind::Prevote, value, valid_round, Hash::ZERO);
            return true;
        }
        false
    }

    /// Whether a quorum prevoted for exactly this value in exactly this round, as far as this
    /// member can prove it.
    pub(super) fn has_polka(&self, round: Round, value: Hash) -> bool {
        #[cfg(any(test, feature = "weakened"))]
        let any_value = self.breaks(|breaks| breaks.ignores_polka_value);
        #[cfg(not(any(test, feature = "weakened")))]
        let any_value = false;
        let by_slot = [&self.polka, &self.examined].into_iter().any(|slot| {
            slot.is_verified() && slot.round == round && (slot.value == value || any_value)
        });
        by_slot
            || self.prevotes.row(round).is_some_and(|row| {
                self.prevotes.best(row).is_some_and(|best| {
                    (best.value == value || any_value) && self.committee.is_quorum(best.weight)
                })
            })
    }

    /// R4: the first polka of the round for a proposal whose value is valid.
    fn r4_polka(&mut self) -> bool {
        if self.step < Step::Prevote || self.in_round.has_polka {
            return false;
        }
        let round = self.round;
        let row = self.prevotes.row(round);
        let counted = row.and_then(|row| Some((row, *self.prevotes.best(row)?)));
        let counted = counted.filter(|(_, best)| self.committee.is_quorum(best.weight));
        let is_shown = self.examined.is_verified() && self.examined.round == round;
        let (value, valid_round) = match counted {
            Some((_, best)) => (best.value, best.valid_round),
            None if is_shown => (self.examined.value, self.examined.valid_round),
            None => return false,
        };
        let is_classic = self.config.prevotes == PrevoteRule::Classic;
        let is_proposed = self.proposals.of(round).any(|proposal| {
            proposal.value == value && (is_classic || proposal.valid_round == valid_round)
        });
        if !is_proposed || !self.values.is_valid(value) {
            return false;
        }
        self.in_round.has_polka = true;
        self.stop_timer(TimerKind::Prevote);
        // The valid value comes first, so that one record holds the lock and what proves it.
        self.valid = Some((round, value));
        match counted {
            Some((row, best)) => {
                let signatures = &mut self.signatures;
                self.polka
                    .fill_from_rows(&self.prevotes, row, &best, round, signatures);
            }
            None if !self.polka.proves(round, value) => {
                self.polka
                    .fill_from_slot(&self.examined, &mut self.signatures);
            }
            None => {}
        }
        if self.step == Step::Prevote {
            self.locked = Some((round, value));
            self.enter_step(Step::Precommit);
            let extension_hash = self.values.extension_hash(value);
            self.cast(VoteKind::Precommit, Some(value), NO_ROUND, extension_hash);
        }
        true
    }

    /// R5: a quorum prevoted for nothing.
    fn r5_nil(&mut self) -> bool {
        if self.step != Step::Prevote {
            return false;
        }
        let row = self.prevotes.row(self.round);
        let is_nil = row.is_some_and(|row| self.committee.is_quorum(self.prevotes.nil_weight(row)));
        if is_nil {
            self.precommit_nil();
        }
        is_nil
    }

    fn precommit_nil(&mut self) {
        self.stop_timer(TimerKind::Prevote);
        self.enter_step(Step::Precommit);
        self.cast(VoteKind::Precommit, None, NO_ROUND, Hash::ZERO);
    }

    /// R3: prevotes of a quorum, for whatever.
    fn r3_wait(&mut self) -> bool {
        if self.step != Step::Prevote || self.in_round.waits_for_prevotes {
            return false;
        }
        let row = self.prevotes.row(self.round);
        let is_any = row.is_some_and(|row| self.committee.is_quorum(self.prevotes.total(row)));
        if is_any {
            self.in_round.waits_for_prevotes = true;
            let max_ns = self.config.timeout_max_ns;
            let wait_ns = self.config.prevote.in_round(self.round, max_ns);
            self.start_timer(TimerKind::Prevote, wait_ns);
        }
        is_any
    }

    /// R6: precommits of a quorum, for whatever; and E2 where nothing can come of the round.
    fn r6_wait(&mut self) -> bool {
        let Some(row) = self.precommits.row(self.round) else {
            return false;
        };
        let total = self.precommits.total(row);
        if !self.committee.is_quorum(total) {
            return false;
        }
        let best = self.precommits.best(row).map_or(0, |best| best.weight);
        let missing = self.committee.weight_sum().saturating_sub(total);
        let can_decide = self.committee.is_quorum(best.saturating_add(missing));
        if self.config.hurries_split && !can_decide {
            return self.next_round();
        }
        if self.in_round.waits_for_precommits {
            return false;
        }
        self.in_round.waits_for_precommits = true;
        let max_ns = self.config.timeout_max_ns;
        let wait_ns = self.config.precommit.in_round(self.round, max_ns);
        self.start_timer(TimerKind::Precommit, wait_ns);
        true
    }

    fn next_round(&mut self) -> bool {
        let next = self.round.checked_add(1).filter(|next| *next <= ROUND_MAX);
        if let Some(next) = next {
            self.leave_round(next);
        }
        next.is_some()
    }

    /// R9: what a timer does.
    pub(super) fn time_out(&mut self, kind: TimerKind) {
        match (kind, self.step) {
            (TimerKind::Propose, Step::Propose) => {
                self.enter_step(Step::Prevote);
                self.cast(VoteKind::Prevote, None, NO_ROUND, Hash::ZERO);
            }
            (TimerKind::Prevote, Step::Prevote) => self.precommit_nil(),
            (TimerKind::Precommit, Step::Propose | Step::Prevote | Step::Precommit) => {
                // A decision that is at hand goes first.
                let _has_moved = self.r7_decide() || self.next_round();
            }
            (TimerKind::Claims, _) if self.in_round.hears_claims => self.propose(),
            (TimerKind::Status, _) => self.status_due(),
            _ => {}
        }
    }

    /// What this member can prove, for its status.
    pub(super) fn claims(&self) -> [Option<Claim>; 2] {
        #[cfg(any(test, feature = "weakened"))]
        if self.breaks(|breaks| breaks.has_no_claims) {
            return [None; 2];
        }
        let later = self.examined.is_verified() && self.examined.round > self.polka.round;
        let polka = if self.polka.is_verified() && !later {
            Some(&self.polka)
        } else {
            Some(&self.examined).filter(|slot| slot.is_verified())
        };
        let commit = Some(&self.commit).filter(|slot| slot.stage == Stage::Verified);
        [polka, commit].map(|slot| {
            slot.map(|slot| Claim {
                kind: slot.kind,
                round: slot.round,
                value: slot.value,
            })
        })
    }

    fn enter_step(&mut self, step: Step) {
        self.step = step;
        self.touch_status();
    }

    /// A step changed: the next status is due after the shortest interval.
    pub(super) fn touch_status(&mut self) {
        self.status_interval_ns = self.config.status_ns;
        if self.step == Step::Decided || self.committee.others().is_empty() {
            self.stop_timer(TimerKind::Status);
        } else {
            self.start_timer(TimerKind::Status, self.status_interval_ns);
        }
    }

    /// S1: nothing has moved for a while, so everybody is told where this member stands.
    fn status_due(&mut self) {
        self.reply(Recipient::All, crate::consensus::Outgoing::Status);
        let doubled = self.status_interval_ns.saturating_mul(2);
        self.status_interval_ns = doubled.min(self.config.status_max_ns);
        self.start_timer(TimerKind::Status, self.status_interval_ns);
    }
}
