//! One correct member: the shipped engine, and a host that answers everything at once.

use std::hash::Hasher;

use hauptbuch_core::consensus::{
    Breaks, CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Effect, Message,
    MessageBody, Rate, SignedVote, SigningContext, Statement, Step, TimerKind, Validity, VoteKind,
};
use hauptbuch_core::types::{Epoch, Hash, MemberIndex};

use crate::words::{HEIGHT, Language, ROUND_COUNT, VALUES, Word, Words, bit};

/// Members of the committee.
pub const MEMBER_COUNT: usize = 4;
/// How many of them are a quorum.
pub const QUORUM: usize = 3;
/// How many contain a correct one.
pub const HONEST: usize = 2;

/// What a member is given in one step: statements of others, and then a timer that goes off.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Burst {
    pub heard: Vec<(u16, Word)>,
    pub timer: Option<TimerKind>,
}

/// A member.
#[derive(Clone, Debug)]
pub struct Member {
    pub engine: ConsensusEngine,
    me: u16,
    /// What it said.
    pub said: Words,
    /// It said two different things of a kind in a round.
    pub has_double_signed: bool,
    /// The first vote of each member, by kind and round: the one that counts.
    heard: [[[Option<Word>; MEMBER_COUNT]; ROUND_COUNT as usize]; 3],
}

impl Member {
    /// The member `me`, which has begun the height.
    pub fn new(me: u16, breaks: Breaks, language: &Language) -> Self {
        let view = CommitteeView {
            weights: &[1; MEMBER_COUNT],
            me: Some(MemberIndex::new(me)),
        };
        let mut engine = ConsensusEngine::new(&limits(), &config(), signing(), view).unwrap();
        engine.weaken(breaks);
        engine.start_height(HEIGHT).unwrap();
        let mut member = Self {
            engine,
            me,
            said: 0,
            has_double_signed: false,
            heard: Default::default(),
        };
        member.drain(language);
        member
    }

    /// The same member after a step.
    pub fn after(&self, burst: &Burst, language: &Language) -> Option<Self> {
        let mut next = self.clone();
        for (sender, word) in &burst.heard {
            next.hear(*sender, *word, language);
        }
        if let Some(kind) = burst.timer {
            // What was heard may have moved it on, so that the timer means nothing.
            let (tag, _) = next.engine.timer(kind)?;
            next.engine.handle_timer(tag);
            next.drain(language);
        }
        Some(next)
    }

    fn hear(&mut self, sender: u16, word: Word, language: &Language) {
        let statement = language.statement(word);
        let member = MemberIndex::new(sender);
        let vote = SignedVote {
            statement,
            member,
            signature: &[1],
        };
        let message = Message {
            epoch: signing().epoch,
            height: HEIGHT,
            body: MessageBody::Vote(vote),
        };
        if self.engine.handle_message(member, &message).is_ok() {
            self.note(sender, &statement, word);
        }
        self.drain(language);
    }

    fn note(&mut self, sender: u16, statement: &Statement, word: Word) {
        let of_round = &mut self.heard[statement.kind as usize];
        let place = &mut of_round[statement.round.get() as usize][usize::from(sender)];
        *place = place.or(Some(word));
    }

    /// Carries out what the engine wants: signs and persists at once, finds both values good.
    fn drain(&mut self, language: &Language) {
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Persist { seq } => self.engine.handle_persisted(seq).unwrap(),
                Effect::Sign { ticket, .. } => {
                    self.say(&ticket.statement, language);
                    assert!(self.engine.handle_signed(&ticket, &[1]).unwrap());
                }
                Effect::Verify { batch, count } => {
                    let good = u128::MAX >> (128 - u32::from(count));
                    assert!(self.engine.handle_verified(batch, good).unwrap());
                }
                Effect::GetValue { height, round, .. } => {
                    let value = VALUES[round.get() as usize % VALUES.len()];
                    self.engine.handle_value(height, round, value, Hash::ZERO);
                }
                Effect::Validate { height, value, .. } => {
                    let good = Validity::Valid {
                        extension_hash: Hash::ZERO,
                    };
                    self.engine.handle_validity(height, value, good);
                }
                Effect::Send { .. }
                | Effect::SendDecided { .. }
                | Effect::Decide { .. }
                | Effect::Evidence { .. } => {}
            }
        }
    }

    fn say(&mut self, statement: &Statement, language: &Language) {
        let Some(word) = language.word(statement) else {
            // Beyond the rounds that are walked through.
            return;
        };
        let before = language.all(|other| {
            (other.kind, other.round) == (statement.kind, statement.round) && other != statement
        });
        self.has_double_signed |= before.into_iter().any(|other| self.said & bit(other) != 0);
        self.said |= bit(word);
        self.note(self.me, statement, word);
    }

    /// The first vote of a member, where it was heard.
    pub fn vote_of(&self, kind: VoteKind, round: u32, member: u16) -> Option<Word> {
        self.heard[kind as usize][round as usize][usize::from(member)]
    }

    /// Who else is on the committee.
    pub fn others(&self) -> impl Iterator<Item = u16> + use<> {
        let me = self.me;
        (0..MEMBER_COUNT as u16).filter(move |other| *other != me)
    }

    /// The decided value, by its number.
    pub fn decided(&self) -> Option<u8> {
        let (_, value) = self.engine.decided()?;
        VALUES
            .iter()
            .position(|known| *known == value)
            .map(|at| at as u8)
    }

    pub fn step(&self) -> Step {
        self.engine.step()
    }

    pub fn round(&self) -> u32 {
        self.engine.round().get()
    }

    /// The state in one spelling.
    pub fn spelling(&self) -> Vec<u8> {
        let mut bytes = Spelling(Vec::new());
        self.engine.hash_state(&mut bytes);
        bytes.write_u32(self.said);
        bytes.write_u8(u8::from(self.has_double_signed));
        for word in self.heard.iter().flatten().flatten() {
            bytes.write_u8(word.unwrap_or(Word::MAX));
        }
        bytes.0
    }
}

/// Writes down whatever would be hashed.
struct Spelling(Vec<u8>);

impl Hasher for Spelling {
    fn finish(&self) -> u64 {
        unreachable!("it is read as bytes")
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn limits() -> ConsensusLimits {
    ConsensusLimits {
        validator_count_max: MEMBER_COUNT as u16,
        signature_bytes_max: 1,
        // Each state keeps an engine, so room that nobody uses is left out.
        pending_per_peer_max: 1,
        votes_per_message_max: 1,
        reply_count_max: 8,
        evidence_count_max: 1,
        schedule_count_max: 4,
    }
}

fn signing() -> SigningContext {
    SigningContext {
        chain_id: Hash::new([7; 32]),
        epoch: Epoch::new(1),
        suite_id: 1,
    }
}

/// As it is given out, but that nobody runs out of allowances.
fn config() -> ConsensusConfig {
    let plenty = Rate {
        burst_count: u16::MAX,
        refill_ns: 1,
    };
    ConsensusConfig {
        reply_rate: plenty,
        verify_rate: plenty,
        ..ConsensusConfig::default()
    }
}
