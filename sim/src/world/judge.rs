//! Who looks at everything after every step and says which rule was broken.
//!
//! Quorums are summed anew from signed statements, and records are read by own code, so that a
//! mistake of the core's does not hide behind itself.

use std::collections::HashMap;

use hauptbuch_core::consensus::{
    ConsensusEngine, EvidencePair, Message, MessageBody, SigningContext, Statement,
};
use hauptbuch_core::types::{Hash, Height, MemberIndex, Round};
use hauptbuch_core::vote::VoteKind;
use serde::Serialize;

use super::key::Keys;
use super::ledger::Ledger;
use super::wire::RecordView;

/// How often each rule was broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Violations {
    /// Two correct members decided differently.
    pub agreement_violations: u64,
    /// What was decided was never proposed, or must not be decided.
    pub validity_violations: u64,
    /// A member that had to decide did not in time.
    pub liveness_violations: u64,
    /// A correct member signed two statements of a kind in a round.
    pub double_signatures: u64,
    /// Evidence that names a correct member, or proves nothing.
    pub false_evidence: u64,
    /// A vote against the own lock, or for a value without the polka that it needs.
    pub lock_violations: u64,
    /// A vote that was signed before its record was on disk, or a record that does not hold what
    /// it must.
    pub barrier_violations: u64,
    /// A certificate without a quorum of true signatures.
    pub certificate_violations: u64,
    /// An input that led to more effects than its bound.
    pub unbounded_inputs: u64,
    /// The engine found itself inconsistent, or refused what a host may do.
    pub broken_invariants: u64,
}

impl Violations {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.agreement_violations
            + self.validity_violations
            + self.liveness_violations
            + self.double_signatures
            + self.false_evidence
            + self.lock_violations
            + self.barrier_violations
            + self.certificate_violations
            + self.unbounded_inputs
            + self.broken_invariants
    }

    /// Adds those of another run.
    pub const fn add(&mut self, other: &Self) {
        self.agreement_violations += other.agreement_violations;
        self.validity_violations += other.validity_violations;
        self.liveness_violations += other.liveness_violations;
        self.double_signatures += other.double_signatures;
        self.false_evidence += other.false_evidence;
        self.lock_violations += other.lock_violations;
        self.barrier_violations += other.barrier_violations;
        self.certificate_violations += other.certificate_violations;
        self.unbounded_inputs += other.unbounded_inputs;
        self.broken_invariants += other.broken_invariants;
    }
}

/// What the world knows of a value.
#[derive(Clone, Debug)]
pub(super) struct ValueInfo {
    pub height: Height,
    pub is_valid: bool,
    pub is_proposed: bool,
    /// Instances that have its body.
    pub holders: Vec<usize>,
    /// Whether its maker gives the body to nobody else, or to some only.
    pub hidden_from: Option<u64>,
}

/// The judge of one run.
#[derive(Debug)]
pub(super) struct Judge {
    pub keys: Keys,
    pub context: SigningContext,
    pub ledger: Ledger,
    pub values: HashMap<Hash, ValueInfo>,
    pub violations: Violations,
    /// The first thing that went wrong.
    pub first: Option<String>,
    is_correct: Vec<bool>,
    decided: Vec<Hash>,
    /// The lock of each instance when it was last looked at, in its height.
    locks: Vec<(Height, Option<(Round, Hash)>)>,
}

impl Judge {
    pub fn new(
        keys: Keys,
        context: SigningContext,
        weights: &[u64],
        is_correct: Vec<bool>,
    ) -> Self {
        Self {
            keys,
            context,
            ledger: Ledger::new(weights),
            values: HashMap::new(),
            violations: Violations::default(),
            first: None,
            locks: vec![(Height::ZERO, None); is_correct.len() * 2],
            is_correct,
            decided: Vec::new(),
        }
    }

    pub fn is_correct(&self, member: MemberIndex) -> bool {
        let at = usize::from(member.get());
        self.is_correct.get(at).copied().unwrap_or(false)
    }

    /// Counts a breach, and keeps the words of the first one.
    pub fn blame(&mut self, of: fn(&mut Violations) -> &mut u64, words: impl FnOnce() -> String) {
        *of(&mut self.violations) += 1;
        if self.first.is_none() {
            self.first = Some(words());
        }
    }

    /// A member signs. Gives the signature.
    pub fn sign(&mut self, member: MemberIndex, statement: &Statement) -> [u8; 16] {
        let is_correct = self.is_correct(member);
        if statement.kind == VoteKind::Proposal
            && let Some(value) = statement.value
            && let Some(info) = self.values.get_mut(&value)
        {
            info.is_proposed = true;
        }
        if is_correct {
            self.check_vote(member, statement);
        }
        if let Some(first) = self.ledger.sign(member, statement, is_correct) {
            self.blame(
                |broken| &mut broken.double_signatures,
                || format!("{member} signed {first:?} and {statement:?}"),
            );
        }
        self.keys.sign(member, &statement.sign_bytes(&self.context))
    }

    /// What a lock forbids, and what a polka allows.
    fn check_vote(&mut self, member: MemberIndex, vote: &Statement) {
        let Some(value) = vote.value else { return };
        let (height, round) = (vote.height, vote.round);
        let polka_round = u32::try_from(vote.valid_round).ok().map(Round::new);
        let is_good = match vote.kind {
            VoteKind::Precommit => self.ledger.has_polka(height, round, value),
            VoteKind::Proposal => {
                polka_round.is_none_or(|at| self.ledger.has_polka(height, at, value))
            }
            VoteKind::Prevote => {
                let lock = self.ledger.lock(member, height);
                let has_polka = polka_round
                    .is_none_or(|at| at < round && self.ledger.has_polka(height, at, value));
                let is_free = lock.is_none_or(|(locked, of)| {
                    of == value || locked >= round || polka_round.is_some_and(|at| locked <= at)
                });
                has_polka && is_free
            }
        };
        if !is_good {
            let lock = self.ledger.lock(member, height);
            self.blame(
                |broken| &mut broken.lock_violations,
                || format!("{member}, locked on {lock:?}, signed {vote:?}"),
            );
        }
    }

    /// A statement may be signed only once the record that was acknowledged holds it.
    pub fn check_barrier(
        &mut self,
        member: MemberIndex,
        statement: &Statement,
        record: Option<&[u8]>,
    ) {
        let record = record.and_then(RecordView::read);
        let is_held = record.as_ref().is_some_and(|record| {
            let has_lock = statement.kind != VoteKind::Precommit
                || statement.value.is_none()
                || record
                    .locked
                    .is_some_and(|(round, _)| round >= statement.round);
            record.height == statement.height && record.statements.contains(statement) && has_lock
        });
        if !is_held {
            self.blame(
                |broken| &mut broken.barrier_violations,
                || format!("{member} was to sign {statement:?} with {record:?} on disk"),
            );
        }
    }

    /// A record must hold the proof of its valid value.
    pub fn check_record(&mut self, member: MemberIndex, bytes: &[u8]) {
        let is_good = RecordView::read(bytes).is_some_and(|record| match record.valid {
            None => record.polka.is_none() && record.locked.is_none(),
            Some((round, value)) => record.polka.as_ref().is_some_and(|polka| {
                let vote = Statement {
                    kind: VoteKind::Prevote,
                    height: record.height,
                    round,
                    value: Some(value),
                    valid_round: polka.valid_round,
                    extension_hash: Hash::ZERO,
                };
                let is_behind = record.locked.is_none_or(|(locked, _)| locked <= round);
                let bytes = vote.sign_bytes(&self.context);
                let mut signed = members(polka.signers).zip(&polka.signatures);
                is_behind
                    && self.ledger.is_quorum(polka.signers)
                    && signed.all(|(signer, signature)| {
                        self.keys.is_good(signer, &bytes, signature)
                            && self.ledger.has_signed(signer, &vote)
                    })
            }),
        });
        if !is_good {
            self.blame(
                |broken| &mut broken.barrier_violations,
                || format!("{member} has no proof of its valid value in its record"),
            );
        }
    }

    /// A certificate that a correct member gives out proves what it says.
    pub fn check_certificate(&mut self, member: MemberIndex, message: &Message<'_>) {
        let (kind, certificate) = match &message.body {
            MessageBody::PolkaCertificate(certificate) => (VoteKind::Prevote, certificate),
            MessageBody::CommitCertificate(certificate) => (VoteKind::Precommit, certificate),
            _ => return,
        };
        let mut is_good = self.ledger.is_quorum(certificate.signers.bits());
        let mut count = 0;
        for entry in certificate.iter() {
            let vote = certificate.statement(kind, message.height, entry.extension_hash);
            let bytes = vote.sign_bytes(&self.context);
            is_good &= self.keys.is_good(entry.member, &bytes, entry.signature)
                && self.ledger.has_signed(entry.member, &vote);
            count += 1;
        }
        if !is_good || count != certificate.signers.len() {
            self.blame(
                |broken| &mut broken.certificate_violations,
                || format!("{member} gave out {kind:?}s that prove nothing"),
            );
        }
    }

    /// Evidence names a liar, and proves it.
    pub fn check_evidence(&mut self, by: MemberIndex, pair: Option<EvidencePair<'_>>) {
        let is_good = pair.is_some_and(|pair| {
            let [first, second] = pair.statements;
            let slot = |vote: &Statement| (vote.kind, vote.height, vote.round);
            let mut both = pair.statements.iter().zip(pair.signatures);
            !self.is_correct(pair.member)
                && first != second
                && slot(&first) == slot(&second)
                && both.all(|(vote, signature)| {
                    let bytes = vote.sign_bytes(&self.context);
                    self.keys.is_good(pair.member, &bytes, signature)
                })
        });
        if !is_good {
            let words = format!("{by} blames {pair:?}");
            self.blame(|broken| &mut broken.false_evidence, || words);
        }
    }

    /// A correct member decides; again after a restart, if the disk had lost it.
    pub fn check_decision(&mut self, member: MemberIndex, height: Height, value: Hash) {
        let at = height.get() as usize - 1;
        if at == self.decided.len() {
            self.decided.push(value);
        }
        let agreed = self.decided.get(at).copied();
        if agreed != Some(value) {
            self.blame(
                |broken| &mut broken.agreement_violations,
                || format!("{member} decided {value} in {height}, and others {agreed:?}"),
            );
        }
        let info = self.values.get(&value);
        let is_good =
            info.is_some_and(|info| info.is_valid && info.is_proposed && info.height == height);
        if !is_good {
            let words = format!("{member} decided {value} in {height}: {info:?}");
            self.blame(|broken| &mut broken.validity_violations, || words);
        }
    }

    /// After every input: the engine agrees with itself, and its lock only moves on.
    pub fn check_engine(&mut self, instance: usize, engine: &ConsensusEngine) {
        if let Err(broken) = engine.verify() {
            self.blame(|all| &mut all.broken_invariants, || broken.to_string());
        }
        let (height, lock) = (engine.height(), engine.locked());
        let Some(last) = self.locks.get_mut(instance) else {
            return;
        };
        let before = last.1.filter(|_| last.0 == height);
        *last = (height, lock);
        let has_moved_back = match (before, lock) {
            (Some((before, _)), None) => Some(before),
            (Some((before, of)), Some((now, value))) => {
                (now < before || (now == before && of != value)).then_some(before)
            }
            (None, _) => None,
        };
        if let Some(before) = has_moved_back {
            self.blame(
                |broken| &mut broken.lock_violations,
                || format!("instance {instance} gave up its lock of {before} for {lock:?}"),
            );
        }
    }

    /// An instance has only what was on its disk: a lock that had led to no signature may be gone.
    pub fn note_restart(&mut self, instance: usize) {
        if let Some(lock) = self.locks.get_mut(instance) {
            *lock = (Height::ZERO, None);
        }
    }

    /// After a restart: the lock is no older than the last precommit that was signed.
    pub fn check_restart(&mut self, member: MemberIndex, engine: &ConsensusEngine) {
        let signed = self.ledger.lock(member, engine.height());
        let held = engine.locked();
        let is_kept =
            signed.is_none_or(|(round, _)| held.is_some_and(|(locked, _)| locked >= round));
        if !is_kept {
            self.blame(
                |broken| &mut broken.lock_violations,
                || format!("{member} came back with {held:?} after it had signed for {signed:?}"),
            );
        }
    }
}

/// The members of a set of bits, in order.
fn members(bits: u128) -> impl Iterator<Item = MemberIndex> {
    (0..128_u16)
        .filter(move |at| bits >> at & 1 == 1)
        .map(MemberIndex::new)
}
