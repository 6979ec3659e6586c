//! Two state machines at one member's place, which are given the same inputs.

use std::collections::{BTreeSet, VecDeque};

use arc_malachitebft_core_driver::{Driver, Input as Theirs, Output, ThresholdParams};
use arc_malachitebft_core_state_machine::state::{RoundValue, Step as TheirStep};
use arc_malachitebft_core_types::{
    self as types, NilOrVal, Round as TheirRound, SignedMessage, Timeout as TheirTimeout,
    TimeoutKind, VoteType,
};
use hauptbuch_core::consensus::{
    CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Effect, Message, MessageBody,
    Rate, RefusedMessage, SignedVote, SigningContext, Statement, Step, Timeout, TimerKind,
    Validity, VoteKind,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, Tick};

use crate::context::{self, Address, Members, Peer, Signature, Value};

type Malachite = Driver<Peer<1>>;

/// The valid round of whoever names none.
pub const NO_ROUND: i32 = -1;

/// What both are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The round's proposer proposes.
    Proposal {
        round: u32,
        value: Hash,
        valid_round: i32,
    },
    /// Another member votes.
    Vote {
        kind: VoteKind,
        member: u16,
        round: u32,
        value: Option<Hash>,
    },
    /// A timer goes off.
    Timeout(TimerKind),
    /// The host names a value to propose.
    Value(Hash),
}

/// Where a member stands and what it has said on the last input: what has to be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub round: u32,
    pub step: u8,
    pub locked: Option<(u32, Hash)>,
    pub valid: Option<(u32, Hash)>,
    pub decided: Option<(u32, Hash)>,
    /// Kind, round, value and, of a proposal, the valid round.
    pub said: BTreeSet<(VoteKind, u32, Option<Hash>, i32)>,
    /// Timers of this round that still mean something.
    pub timers: BTreeSet<TimerKind>,
    /// Whether a value to propose is awaited.
    pub wants_value: bool,
}

/// One member twice.
pub struct Pair {
    ours: ConsensusEngine,
    theirs: Malachite,
    pub me: u16,
    weights: Vec<u64>,
    now_ns: u64,
    /// Values that the host of this member would refuse.
    invalid: Vec<Hash>,
    /// Values that came with a proposal, so that the host can judge them.
    bodies: Vec<Hash>,
    /// Values that our engine has asked about before they came.
    asked: Vec<Hash>,
    /// Where our engine last asked for a value to propose.
    asked_in: (Height, Round),
    our_view: View,
    their_view: View,
    /// Who contradicted itself in what, as each of the two has told.
    pub our_evidence: BTreeSet<(u16, VoteKind)>,
}

impl Pair {
    /// The member `me` of a committee, before any height.
    pub fn new(weights: &[u64], me: u16, invalid: &[Hash]) -> Self {
        let view = CommitteeView {
            weights,
            me: Some(MemberIndex::new(me)),
        };
        let ours = ConsensusEngine::new(&limits(weights.len() as u16), &config(), signing(), view);
        let theirs = Malachite::new(
            Peer,
            context::Height(0),
            Members::new(weights),
            Address(me),
            ThresholdParams::default(),
        );
        Self {
            ours: ours.unwrap(),
            theirs,
            me,
            weights: weights.to_vec(),
            now_ns: 0,
            invalid: invalid.to_vec(),
            bodies: Vec::new(),
            asked: Vec::new(),
            asked_in: (Height::ZERO, Round::ZERO),
            our_view: View::default(),
            their_view: View::default(),
            our_evidence: BTreeSet::new(),
        }
    }

    /// Begins a height at both.
    pub fn start(&mut self, height: u64) -> (View, View) {
        self.bodies.clear();
        self.asked.clear();
        self.our_evidence.clear();
        self.our_view = View::default();
        self.their_view = View::default();
        self.ours.start_height(Height::new(height)).unwrap();
        self.drain();
        let members = Members::new(&self.weights);
        self.theirs.move_to_height(context::Height(height), members);
        self.tell(Output::NewRound(context::Height(height), TheirRound::ZERO));
        self.views()
    }

    /// Gives both an input, and says where they stand then.
    pub fn apply(&mut self, input: Input) -> (View, View) {
        self.our_view.said.clear();
        self.their_view.said.clear();
        // Questions to peers and allowances are of no interest here: enough time passes for them.
        self.now_ns += 1_000_000_000;
        self.ours.handle_now(Tick::new(self.now_ns)).unwrap();
        match input {
            Input::Proposal {
                round,
                value,
                valid_round,
            } => self.propose(round, value, valid_round),
            Input::Vote {
                kind,
                member,
                round,
                value,
            } => self.vote(kind, member, round, value),
            Input::Timeout(kind) => self.time_out(kind),
            Input::Value(value) => {
                let (height, round) = (self.ours.height(), self.ours.round());
                self.our_view.wants_value = false;
                assert!(self.ours.handle_value(height, round, value, Hash::ZERO));
                self.bodies.push(value);
                self.their_view.wants_value = false;
                let round = TheirRound::new(round.get());
                self.process(Theirs::ProposeValue(round, their_value(value)));
            }
        }
        self.drain();
        self.ours.verify().unwrap();
        self.views()
    }

    fn propose(&mut self, round: u32, value: Hash, valid_round: i32) {
        let statement = self.statement(VoteKind::Proposal, round, Some(value), valid_round);
        let proposer = self.proposer(round);
        if !self.bodies.contains(&value) {
            self.bodies.push(value);
        }
        let refused = self.hear(proposer, statement);
        // A proposal of a round that is over brings its value and nothing else.
        let is_over = refused == Err(RefusedMessage::RoundBehind);
        assert!(refused.is_ok() || is_over, "{refused:?}");
        self.drain();
        if let Some(at) = self.asked.iter().position(|asked| *asked == value) {
            self.asked.remove(at);
            self.answer(value);
        }
        let proposal = context::Proposal {
            height: self.theirs.height(),
            round: TheirRound::new(round),
            value: their_value(value),
            pol_round: TheirRound::from(i64::from(valid_round)),
            address: Address(proposer),
        };
        let is_valid = types::Validity::from_bool(!self.invalid.contains(&value));
        self.process(Theirs::Proposal(signed(proposal), is_valid));
    }

    fn vote(&mut self, kind: VoteKind, member: u16, round: u32, value: Option<Hash>) {
        let statement = self.statement(kind, round, value, NO_ROUND);
        let refused = self.hear(member, statement);
        assert!(
            matches!(refused, Ok(()) | Err(RefusedMessage::ConflictKnown)),
            "{refused:?}"
        );
        let vote = context::Vote {
            kind: match kind {
                VoteKind::Prevote => VoteType::Prevote,
                _ => VoteType::Precommit,
            },
            height: self.theirs.height(),
            round: TheirRound::new(round),
            value: value.map_or(NilOrVal::Nil, |value| NilOrVal::Val(their_value(value))),
            address: Address(member),
        };
        self.process(Theirs::Vote(signed(vote)));
    }

    fn time_out(&mut self, kind: TimerKind) {
        let (tag, _) = self.ours.timer(kind).expect("the timer runs");
        assert!(self.ours.handle_timer(tag));
        self.their_view.timers.remove(&kind);
        let round = self.theirs.round();
        self.process(Theirs::TimeoutElapsed(match kind {
            TimerKind::Propose => TheirTimeout::propose(round),
            TimerKind::Prevote => TheirTimeout::prevote(round),
            _ => TheirTimeout::precommit(round),
        }));
    }

    /// Who proposes in a round, for both: theirs is told.
    pub fn proposer(&self, round: u32) -> u16 {
        let proposer = self.ours.proposer(self.ours.height(), Round::new(round));
        proposer.get()
    }

    /// More than two thirds of the weight.
    pub fn is_quorum(&self, weight: u64) -> bool {
        3 * u128::from(weight) > 2 * self.weight_sum()
    }

    /// More than one third of it.
    pub fn has_honest(&self, weight: u64) -> bool {
        3 * u128::from(weight) > self.weight_sum()
    }

    fn weight_sum(&self) -> u128 {
        self.weights.iter().copied().map(u128::from).sum()
    }

    /// The weight of a member.
    pub fn weight(&self, member: u16) -> u64 {
        self.weights[usize::from(member)]
    }

    /// How many members there are.
    pub fn len(&self) -> u16 {
        self.weights.len() as u16
    }

    /// Gives a proposal to theirs alone: see the mapping of decisions in the module above.
    pub fn complete_theirs(&mut self, round: u32, value: Hash) -> View {
        let proposal = context::Proposal {
            height: self.theirs.height(),
            round: TheirRound::new(round),
            value: their_value(value),
            pol_round: TheirRound::Nil,
            address: Address(self.proposer(round)),
        };
        self.process(Theirs::Proposal(signed(proposal), types::Validity::Valid));
        self.views().1
    }

    /// Who contradicted itself in what as theirs tells it, and of whom it keeps no more.
    pub fn their_evidence(&self) -> (BTreeSet<(u16, VoteKind)>, BTreeSet<u16>) {
        let evidence = self.theirs.votes().evidence();
        let mut told = BTreeSet::new();
        let mut full = BTreeSet::new();
        for (address, pairs) in evidence.iter() {
            for (first, _) in pairs {
                told.insert((address.0, our_kind(first.message.kind)));
            }
            if evidence.is_full(address) {
                full.insert(address.0);
            }
        }
        (told, full)
    }

    fn statement(
        &self,
        kind: VoteKind,
        round: u32,
        value: Option<Hash>,
        valid_round: i32,
    ) -> Statement {
        Statement {
            kind,
            height: self.ours.height(),
            round: Round::new(round),
            value,
            valid_round,
            extension_hash: Hash::ZERO,
        }
    }

    fn hear(&mut self, member: u16, statement: Statement) -> Result<(), RefusedMessage> {
        let member = MemberIndex::new(member);
        let vote = SignedVote {
            statement,
            member,
            signature: &[1],
        };
        let message = Message {
            epoch: signing().epoch,
            height: statement.height,
            body: MessageBody::Vote(vote),
        };
        self.ours.handle_message(member, &message)
    }

    fn answer(&mut self, value: Hash) {
        let validity = if self.invalid.contains(&value) {
            Validity::Invalid
        } else {
            Validity::Valid {
                extension_hash: Hash::ZERO,
            }
        };
        let height = self.ours.height();
        self.ours.handle_validity(height, value, validity);
    }

    /// Carries out what our engine wants.
    fn drain(&mut self) {
        while let Some(effect) = self.ours.poll_effect() {
            match effect {
                Effect::Persist { seq } => self.ours.handle_persisted(seq).unwrap(),
                Effect::Sign { ticket, .. } => {
                    let said = ticket.statement;
                    let is_new = self.our_view.said.insert((
                        said.kind,
                        said.round.get(),
                        said.value,
                        said.valid_round,
                    ));
                    assert!(is_new, "{said:?} is said twice");
                    assert!(self.ours.handle_signed(&ticket, &[1]).unwrap());
                }
                Effect::Verify { batch, count } => {
                    let good = u128::MAX >> (128 - u32::from(count));
                    assert!(self.ours.handle_verified(batch, good).unwrap());
                }
                Effect::GetValue { height, round, .. } => {
                    self.our_view.wants_value = true;
                    self.asked_in = (height, round);
                }
                Effect::Validate { value, .. } => {
                    if self.bodies.contains(&value) {
                        self.answer(value);
                    } else {
                        self.asked.push(value);
                    }
                }
                Effect::Evidence { member, kind } => {
                    self.our_evidence.insert((member.get(), kind));
                }
                Effect::Send { .. } | Effect::SendDecided { .. } | Effect::Decide { .. } => {}
            }
        }
    }

    /// Gives theirs an input, and its own statements back to it.
    fn process(&mut self, input: Theirs<Peer<1>>) {
        let outputs = self.theirs.process(input).unwrap();
        let mut waiting = VecDeque::from(outputs);
        while let Some(output) = waiting.pop_front() {
            if let Some(input) = self.take(output) {
                waiting.extend(self.theirs.process(input).unwrap());
            }
        }
    }

    fn tell(&mut self, output: Output<Peer<1>>) {
        if let Some(input) = self.take(output) {
            self.process(input);
        }
    }

    /// Notes what theirs wants; what it has to be told in answer.
    fn take(&mut self, output: Output<Peer<1>>) -> Option<Theirs<Peer<1>>> {
        let view = &mut self.their_view;
        match output {
            Output::NewRound(height, round) => {
                view.timers.clear();
                view.wants_value = false;
                let proposer = Address(self.proposer(round.as_u32().unwrap()));
                Some(Theirs::NewRound(height, round, proposer))
            }
            Output::Propose(proposal) => {
                view.said.insert((
                    VoteKind::Proposal,
                    proposal.round.as_u32().unwrap(),
                    Some(our_value(proposal.value)),
                    proposal.pol_round.as_i64() as i32,
                ));
                Some(Theirs::Proposal(signed(proposal), types::Validity::Valid))
            }
            Output::Vote(vote) => {
                let value = match vote.value {
                    NilOrVal::Nil => None,
                    NilOrVal::Val(value) => Some(our_value(value)),
                };
                let round = vote.round.as_u32().unwrap();
                view.said
                    .insert((our_kind(vote.kind), round, value, NO_ROUND));
                Some(Theirs::Vote(signed(vote)))
            }
            Output::ScheduleTimeout(timeout) => {
                assert_eq!(timeout.round, self.theirs.round());
                view.timers.insert(match timeout.kind {
                    TimeoutKind::Propose => TimerKind::Propose,
                    TimeoutKind::Prevote => TimerKind::Prevote,
                    _ => TimerKind::Precommit,
                });
                None
            }
            Output::GetValue(..) => {
                view.wants_value = true;
                None
            }
            Output::Decide(..) => None,
        }
    }

    fn views(&mut self) -> (View, View) {
        let ours = &self.ours;
        let plain = |held: Option<(Round, Hash)>| held.map(|(round, value)| (round.get(), value));
        let kinds = [TimerKind::Propose, TimerKind::Prevote, TimerKind::Precommit];
        let is_proposing =
            ours.step() == Step::Propose && self.asked_in == (ours.height(), ours.round());
        self.our_view = View {
            round: ours.round().get(),
            step: ours.step() as u8,
            locked: plain(ours.locked()),
            valid: plain(ours.valid()),
            decided: plain(ours.decided()),
            said: std::mem::take(&mut self.our_view.said),
            timers: kinds
                .into_iter()
                .filter(|kind| ours.timer(*kind).is_some())
                .collect(),
            wants_value: self.our_view.wants_value && is_proposing,
        };
        let theirs = self.theirs.round_state();
        let held = |held: &Option<RoundValue<Value>>| {
            held.as_ref()
                .map(|held| (held.round.as_u32().unwrap(), our_value(held.value)))
        };
        let (step, kept) = match theirs.step {
            TheirStep::Unstarted | TheirStep::Propose => (0, &kinds[..]),
            TheirStep::Prevote => (1, &kinds[1..]),
            TheirStep::Precommit => (2, &kinds[2..]),
            TheirStep::Commit => (3, &kinds[3..]),
        };
        let view = &mut self.their_view;
        // They let a timer that means nothing any more go off, where ours is stopped.
        view.timers.retain(|kind| kept.contains(kind));
        view.round = theirs.round.as_u32().unwrap();
        view.step = step;
        view.locked = held(&theirs.locked);
        view.valid = held(&theirs.valid);
        view.decided = held(&theirs.decision);
        view.wants_value &= step == 0;
        (self.our_view.clone(), self.their_view.clone())
    }
}

fn signed<T>(message: T) -> SignedMessage<Peer<1>, T> {
    SignedMessage::new(message, Signature([1]))
}

fn their_value(value: Hash) -> Value {
    Value(*value.as_bytes())
}

fn our_value(value: Value) -> Hash {
    Hash::new(value.0)
}

fn our_kind(kind: VoteType) -> VoteKind {
    match kind {
        VoteType::Prevote => VoteKind::Prevote,
        VoteType::Precommit => VoteKind::Precommit,
    }
}

fn limits(count: u16) -> ConsensusLimits {
    ConsensusLimits {
        validator_count_max: count,
        signature_bytes_max: 1,
        schedule_count_max: 64,
        ..ConsensusLimits::default()
    }
}

fn signing() -> SigningContext {
    SigningContext {
        chain_id: Hash::new([7; 32]),
        epoch: Epoch::new(1),
        suite_id: 1,
    }
}

/// The paper's protocol, in which no timer goes off by itself.
fn config() -> ConsensusConfig {
    let never = Timeout {
        base_ns: 1 << 62,
        increment_ns: 0,
    };
    let plenty = Rate {
        burst_count: 1_000,
        refill_ns: 1,
    };
    ConsensusConfig {
        propose: never,
        prevote: never,
        precommit: never,
        timeout_max_ns: 1 << 62,
        status_ns: 1 << 62,
        status_max_ns: 1 << 62,
        reply_rate: plenty,
        verify_rate: plenty,
        ..ConsensusConfig::classic()
    }
}
