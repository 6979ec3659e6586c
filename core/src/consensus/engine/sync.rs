//! Anti-entropy: what one correct member can prove, all can, soon after messages get through.
//!
//! S1 tells where this member stands when nothing moves; S2 answers others who do. Certificates
//! are pulled by who needs one and never pushed, since each is a quorum of signatures.

use super::{ConsensusEngine, Pull};
use crate::consensus::{Claim, Outgoing, Recipient, RefusedMessage, Request, Status, Step};
use crate::types::{Hash, MemberIndex, Round, Tick};
use crate::vote::{MemberSet, VoteKind};

impl ConsensusEngine {
    /// S2: where a peer stands in this height.
    pub(super) fn handle_status(
        &mut self,
        from: MemberIndex,
        status: &Status,
    ) -> Result<(), RefusedMessage> {
        self.take_reply_token(from)?;
        if self.commit.is_verified() {
            // Whoever holds this needs no votes; one that has it too says so.
            let knows = status.step == Step::Decided;
            if !knows {
                self.reply(Recipient::One(from), Outgoing::CommitCertificate);
            }
            return Ok(());
        }
        for claim in status.claims.into_iter().flatten() {
            self.follow_claim(from, claim);
        }
        if status.round == self.round {
            self.in_round.heard.insert(from);
        }
        if status.round <= self.round {
            self.send_missing(from, status);
        } else {
            // The peer then sends what this member lacks.
            self.reply(Recipient::One(from), Outgoing::Status);
        }
        self.run_rules();
        Ok(())
    }

    /// Sends what a peer lacks of its round, and of this member's own votes.
    fn send_missing(&mut self, to: MemberIndex, status: &Status) {
        let round = status.round;
        let peer = Recipient::One(to);
        if !status.has_proposal && self.proposals.of(round).next().is_some() {
            self.reply(peer, Outgoing::Proposal { round });
        }
        let held = [
            (VoteKind::Prevote, status.prevotes),
            (VoteKind::Precommit, status.precommits),
        ];
        for (kind, known) in held {
            let rows = self.rows(kind);
            let cast = rows.and_then(|rows| Some(rows.cast(rows.row(round)?)));
            let missing = cast.unwrap_or(MemberSet::EMPTY).without(known);
            let members = missing.take(usize::from(self.limits.votes_per_message_max));
            if !members.is_empty() {
                self.reply(
                    peer,
                    Outgoing::Votes {
                        kind,
                        round,
                        members,
                    },
                );
            }
        }
        if round < self.round {
            // These move the peer on: votes of this round count for it by R8.
            let own: [Option<Outgoing>; 6] = {
                let mut said = self.own.iter().map(|vote| Outgoing::Own {
                    kind: vote.statement.kind,
                    round: vote.statement.round,
                });
                core::array::from_fn(|_| said.next())
            };
            for message in own.into_iter().flatten() {
                self.reply(peer, message);
            }
        }
    }

    /// A peer claims a quorum that this member may not see.
    fn follow_claim(&mut self, from: MemberIndex, claim: Claim) {
        #[cfg(any(test, feature = "weakened"))]
        if self.breaks(|breaks| breaks.has_no_claims) {
            return;
        }
        let is_wanted = match claim.kind {
            VoteKind::Precommit => !self.commit.is_verified(),
            _ => self.needs_polka(claim.round, claim.value),
        };
        if is_wanted {
            self.pull(from, claim);
        }
    }

    /// Asks a peer for what it claims, unless somebody was asked lately.
    fn pull(&mut self, from: MemberIndex, claim: Claim) {
        let now = self.now;
        let is_open = |pull: &Option<Pull>| pull.is_some_and(|pull| pull.until > now);
        let is_asked = self
            .pulls
            .iter()
            .any(|pull| is_open(pull) && pull.is_some_and(|pull| pull.claim == claim));
        let Some(own) = self.pulls.get_mut(usize::from(from.get())) else {
            return;
        };
        if is_asked || is_open(own) {
            return;
        }
        *own = Some(Pull {
            claim,
            until: now.saturating_add(self.config.pull_ns),
        });
        let request = match claim.kind {
            VoteKind::Precommit => Request::Commit,
            _ => Request::Polka {
                round: claim.round,
                value: claim.value,
            },
        };
        self.request(from, request);
    }

    /// R2 needs the polka that a proposal refers to: its proposer should have it.
    pub(super) fn pull_for_proposal(&mut self, round: Round, value: Hash) {
        #[cfg(any(test, feature = "weakened"))]
        if self.breaks(|breaks| breaks.has_no_claims) {
            return;
        }
        let proposer = self.proposer(self.height, self.round);
        let claim = Claim {
            kind: VoteKind::Prevote,
            round,
            value,
        };
        self.pull(proposer, claim);
    }

    /// A certificate came, or turned out wrong: nobody is waited for any more on its account.
    pub(super) fn end_pulls(&mut self, kind: VoteKind, round: Round, value: Hash) {
        let claim = Claim { kind, round, value };
        for pull in &mut self.pulls {
            if pull.is_some_and(|pull| pull.claim == claim) {
                *pull = pull.map(|pull| Pull {
                    until: Tick::ZERO,
                    ..pull
                });
            }
        }
    }

    /// S2: a peer asks for a certificate.
    pub(super) fn handle_request(
        &mut self,
        from: MemberIndex,
        request: Request,
    ) -> Result<(), RefusedMessage> {
        self.take_reply_token(from)?;
        let is_held = match request {
            Request::Commit => {
                self.send_certificate(from, |engine| &engine.commit, Outgoing::CommitCertificate)
            }
            Request::Polka { round, value } => {
                let is_held = self.provable_polka(round, value).is_some();
                if is_held {
                    let message = Outgoing::PolkaCertificate { round, value };
                    self.reply(Recipient::One(from), message);
                }
                is_held
            }
        };
        is_held
            .then_some(())
            .ok_or(RefusedMessage::CertificateNotNeeded)
    }

    /// Where this member has the votes of a polka.
    pub(super) fn provable_polka(&self, round: Round, value: Hash) -> Option<PolkaPlace> {
        if self.polka.proves(round, value) {
            return Some(PolkaPlace::Valid);
        }
        if self.examined.proves(round, value) {
            return Some(PolkaPlace::Examined);
        }
        let row = self.prevotes.row(round)?;
        let best = self.prevotes.best(row)?;
        let is_polka = best.value == value && self.committee.is_quorum(best.weight);
        is_polka.then_some(PolkaPlace::Row(row))
    }

    /// Where this member stands, and what it holds of its round.
    #[must_use]
    pub fn status(&self) -> Status {
        let cast = |kind| {
            let rows = self.rows(kind);
            let held = rows.and_then(|rows| Some(rows.cast(rows.row(self.round)?)));
            held.unwrap_or(MemberSet::EMPTY)
        };
        Status {
            round: self.round,
            step: self.step,
            has_proposal: self.proposals.of(self.round).next().is_some(),
            prevotes: cast(VoteKind::Prevote),
            precommits: cast(VoteKind::Precommit),
            claims: self.claims(),
        }
    }
}

/// Where the votes of a polka are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PolkaPlace {
    /// In the certificate of the valid value.
    Valid,
    /// In the certificate that a peer sent.
    Examined,
    /// In a row of votes.
    Row(usize),
}
