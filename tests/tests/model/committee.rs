//! Three correct members and one that says whatever it likes, as a model to be walked through.
//!
//! What correct members say is heard by any of them at any time or never; what the fourth says is
//! up to it, to each of them anew. A member's state is kept once and named by a number, and so is
//! each step from it: the engine runs once for each, however often the walk comes by.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use hauptbuch_core::consensus::{Breaks, VoteKind};
use hauptbuch_core::types::{MemberIndex, Round};
use stateright::{Model, Property};

use crate::bursts::{self, Pool};
use crate::member::{Burst, MEMBER_COUNT, Member, QUORUM};
use crate::words::{HEIGHT, Language, Word, Words, bit};

/// Correct members.
pub const CORRECT_COUNT: usize = MEMBER_COUNT - 1;

/// A state of one member, by its number.
type MemberState = u32;

/// Where the committee stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Each correct member's state.
    pub members: [MemberState; CORRECT_COUNT],
}

/// A step of one correct member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    pub who: usize,
    pub burst: Burst,
}

/// The committee.
pub struct Committee {
    language: Language,
    /// Who is correct, by place in [`State::members`].
    correct: [u16; CORRECT_COUNT],
    byzantine: u16,
    /// What the Byzantine member can say: everything but proposals of others' rounds.
    lies: Words,
    breaks: Breaks,
    /// How many rounds are walked through.
    rounds: u32,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    members: Vec<Arc<Entry>>,
    numbers: HashMap<Vec<u8>, MemberState>,
    steps: HashMap<(MemberState, Burst), Option<MemberState>>,
}

struct Entry {
    member: Member,
    said: Words,
    decided: Option<u8>,
    /// An invariant of the tables that does not hold.
    broken: Option<&'static str>,
}

impl Committee {
    /// A committee whose member `byzantine` lies, in which `breaks` are left out.
    pub fn new(byzantine: u16, rounds: u32, breaks: Breaks) -> Self {
        let language = Language::new();
        let mut others = (0..MEMBER_COUNT as u16).filter(|member| *member != byzantine);
        let correct = std::array::from_fn(|_| others.next().unwrap());
        let sample = Member::new(correct[0], breaks, &language);
        let proposer = |round: Round| sample.engine.proposer(HEIGHT, round);
        let lies = language.all(|statement| {
            let is_own = proposer(statement.round) == MemberIndex::new(byzantine);
            statement.round.get() < rounds && (statement.kind != VoteKind::Proposal || is_own)
        });
        let lies = lies.fold(0, |words, word| words | bit(word));
        Self {
            correct,
            byzantine,
            lies,
            breaks,
            rounds,
            known: RwLock::default(),
            language,
        }
    }

    /// The member that proposes in a round.
    pub fn proposer(round: u32) -> u16 {
        let sample = Member::new(0, Breaks::default(), &Language::new());
        sample.engine.proposer(HEIGHT, Round::new(round)).get()
    }

    /// How many states of one member were seen, and steps from them.
    pub fn known_counts(&self) -> (usize, usize) {
        let known = self.known.read().unwrap();
        (known.members.len(), known.steps.len())
    }

    fn entry(&self, number: MemberState) -> Arc<Entry> {
        self.known.read().unwrap().members[number as usize].clone()
    }

    /// The number of a member's state, which is kept if it is new.
    fn number(&self, member: Member) -> MemberState {
        let spelling = member.spelling();
        let mut known = self.known.write().unwrap();
        if let Some(number) = known.numbers.get(&spelling) {
            return *number;
        }
        let number = known.members.len() as MemberState;
        let entry = Entry {
            said: member.said,
            decided: member.decided(),
            broken: member.engine.verify().err().map(|broken| broken.0),
            member,
        };
        known.members.push(Arc::new(entry));
        known.numbers.insert(spelling, number);
        number
    }

    /// Where a step leads from a member's state; nothing where it changes nothing, or to where
    /// nobody is followed.
    fn step(&self, from: MemberState, burst: &Burst) -> Option<MemberState> {
        let place = (from, burst.clone());
        if let Some(to) = self.known.read().unwrap().steps.get(&place) {
            return *to;
        }
        let after = self.entry(from).member.after(burst, &self.language);
        let after = after.filter(|member| member.round() < self.rounds);
        let to = after.map(|member| self.number(member));
        let to = to.filter(|to| *to != from);
        self.known.write().unwrap().steps.insert(place, to);
        to
    }

    /// The members of a state.
    fn entries(&self, state: &State) -> [Arc<Entry>; CORRECT_COUNT] {
        state.members.map(|number| self.entry(number))
    }

    fn pool(&self, entries: &[Arc<Entry>; CORRECT_COUNT]) -> Pool {
        let mut pool = [0; MEMBER_COUNT];
        for (member, entry) in self.correct.iter().zip(entries) {
            pool[usize::from(*member)] = entry.said;
        }
        pool[usize::from(self.byzantine)] = self.lies;
        pool
    }

    /// Whether a quorum may have said something.
    fn has_quorum(pool: &Pool, word: Word) -> bool {
        pool.iter().filter(|said| *said & bit(word) != 0).count() >= QUORUM
    }

    /// The lock: whoever precommitted a value prevotes for another one later only after a polka for
    /// it in between.
    fn keeps_locks(&self, said: Words, pool: &Pool) -> bool {
        let language = &self.language;
        let of_kind = |kind| {
            let words = language.all(move |s| s.kind == kind && s.value.is_some());
            words.filter(move |word| said & bit(*word) != 0)
        };
        of_kind(VoteKind::Precommit).all(|precommit| {
            let lock = language.statement(precommit);
            of_kind(VoteKind::Prevote).all(|prevote| {
                let prevote = language.statement(prevote);
                if prevote.round <= lock.round || prevote.value == lock.value {
                    return true;
                }
                let rounds = lock.round.get()..prevote.round.get();
                let mut polkas = language.all(|polka| {
                    polka.kind == VoteKind::Prevote
                        && polka.value == prevote.value
                        && rounds.contains(&polka.round.get())
                });
                polkas.any(|polka| Self::has_quorum(pool, polka))
            })
        })
    }
}

impl Model for Committee {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let members = self
            .correct
            .map(|member| self.number(Member::new(member, self.breaks, &self.language)));
        vec![State { members }]
    }

    /// Only steps that change something: by their places among these a path is found again.
    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        let entries = self.entries(state);
        let pool = self.pool(&entries);
        for (who, entry) in entries.iter().enumerate() {
            let found = bursts::of(&entry.member, &pool, &self.language, self.rounds);
            let from = state.members[who];
            let moving = found
                .into_iter()
                .filter(|burst| self.step(from, burst).is_some());
            actions.extend(moving.map(|burst| Step { who, burst }));
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let to = self.step(state.members[step.who], &step.burst)?;
        let mut next = state.clone();
        next.members[step.who] = to;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("no two members decide differently", |model, state| {
                let decided = model.entries(state).map(|entry| entry.decided);
                let mut values = decided.iter().flatten();
                let first = values.next();
                values.all(|value| Some(value) == first)
            }),
            Property::<Self>::always("nobody says two things in one place", |model, state| {
                let entries = model.entries(state);
                entries.iter().all(|entry| !entry.member.has_double_signed)
            }),
            Property::<Self>::always("a lock gives way to a later polka only", |model, state| {
                let entries = model.entries(state);
                let pool = model.pool(&entries);
                entries
                    .iter()
                    .all(|entry| model.keeps_locks(entry.said, &pool))
            }),
            Property::<Self>::always("the tables of each member agree", |model, state| {
                let entries = model.entries(state);
                entries.iter().all(|entry| entry.broken.is_none())
            }),
            Property::<Self>::sometimes("all decide", |model, state| {
                let entries = model.entries(state);
                entries.iter().all(|entry| entry.decided.is_some())
            }),
            Property::<Self>::sometimes("somebody decides in the last round", |model, state| {
                let entries = model.entries(state);
                entries.iter().any(|entry| {
                    let decided = entry.member.engine.decided();
                    decided.is_some_and(|(round, _)| round.get() + 1 == model.rounds)
                })
            }),
        ]
    }
}
