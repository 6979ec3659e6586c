//! What a member can be given so that it does something.
//!
//! Whatever a member hears has an effect only once it makes a rule fire: a proposal, a quorum, or
//! members of a third in a later round. So every behaviour is also one in which each member hears,
//! right before it acts, no more than that rule needs. Less heard never allows more, since no rule
//! asks that something was *not* heard; and what was heard early and used late can as well be heard
//! late. Only such smallest sets are walked through.

use hauptbuch_core::consensus::{Statement, Step, TimerKind, VoteKind};

use crate::member::{Burst, HONEST, MEMBER_COUNT, Member, QUORUM};
use crate::words::{Language, Word, Words, bit};

/// What all members can be heard to say.
pub type Pool = [Words; MEMBER_COUNT];

/// All steps of a member that may change something, given what has been said.
pub fn of(member: &Member, pool: &Pool, language: &Language, rounds: u32) -> Vec<Burst> {
    let finder = Finder {
        member,
        pool,
        language,
        rounds,
    };
    let mut bursts = Vec::new();
    if member.step() == Step::Decided || member.round() >= rounds {
        return bursts;
    }
    finder.decisions(&mut bursts);
    finder.skips(&mut bursts);
    finder.proposals(&mut bursts);
    finder.polkas(&mut bursts);
    finder.timeouts(&mut bursts);
    bursts
}

struct Finder<'a> {
    member: &'a Member,
    pool: &'a Pool,
    language: &'a Language,
    /// How many rounds are walked through.
    rounds: u32,
}

type Heard = Vec<(u16, Word)>;

impl Finder<'_> {
    fn can_hear(&self, sender: u16, word: Word) -> bool {
        self.pool[usize::from(sender)] & bit(word) != 0
    }

    /// R7: precommits of a quorum for a value, of a round that is kept.
    fn decisions(&self, bursts: &mut Vec<Burst>) {
        let words = self
            .language
            .all(|statement| statement.kind == VoteKind::Precommit && statement.value.is_some());
        for word in words {
            bursts.extend(self.quorums(word).into_iter().map(plain));
        }
    }

    /// R8: members of a third are in the next round.
    fn skips(&self, bursts: &mut Vec<Burst>) {
        let next = self.member.round() + 1;
        if next >= self.rounds {
            return;
        }
        let is_there = |sender: u16| {
            VoteKind::ALL
                .iter()
                .any(|kind| self.member.vote_of(*kind, next, sender).is_some())
        };
        let there = self
            .member
            .others()
            .filter(|other| is_there(*other))
            .count();
        let choices = |sender: u16| -> Vec<Word> {
            let words = self.language.all(|statement| statement.round.get() == next);
            let words = words.filter(|word| self.can_hear(sender, *word));
            words.collect()
        };
        let absent = self.member.others().filter(|other| !is_there(*other));
        let sets = subsets(absent.collect(), HONEST.saturating_sub(there), &choices);
        bursts.extend(sets.into_iter().map(plain));
    }

    /// R1 and R2: a proposal of this round, with the polka that it refers to.
    fn proposals(&self, bursts: &mut Vec<Burst>) {
        if self.member.step() != Step::Propose {
            return;
        }
        for (sender, word, statement) in self.proposals_of_round() {
            let heard = self
                .member
                .vote_of(VoteKind::Proposal, statement.round.get(), sender);
            let mut first: Heard = Vec::new();
            if heard != Some(word) {
                first.push((sender, word));
            }
            let polka = u32::try_from(statement.valid_round).ok().map(|round| {
                let words = self.language.all(|vote| {
                    (vote.kind, vote.round.get()) == (VoteKind::Prevote, round)
                        && vote.value == statement.value
                });
                words
                    .flat_map(|word| self.quorums(word))
                    .collect::<Vec<_>>()
            });
            if !first.is_empty() {
                bursts.push(plain(first.clone()));
            }
            for set in polka.into_iter().flatten() {
                bursts.push(plain(first.iter().copied().chain(set).collect()));
            }
        }
    }

    /// R4: prevotes of a quorum for a proposal of this round; R5: for nothing.
    fn polkas(&self, bursts: &mut Vec<Burst>) {
        if self.member.step() < Step::Prevote {
            return;
        }
        let round = self.member.round();
        for (sender, word, statement) in self.proposals_of_round() {
            let heard = self.member.vote_of(VoteKind::Proposal, round, sender);
            let is_own = sender == self.me();
            let mut first: Heard = Vec::new();
            if heard != Some(word) && !is_own {
                first.push((sender, word));
            }
            let prevote = Statement {
                kind: VoteKind::Prevote,
                ..statement
            };
            let Some(prevote) = self.language.word(&prevote) else {
                continue;
            };
            let sets = self.quorums(prevote);
            if sets.is_empty() && !first.is_empty() {
                bursts.push(plain(first.clone()));
            }
            for set in sets {
                bursts.push(plain(first.iter().copied().chain(set).collect()));
            }
        }
        let nil = self.language.all(|vote| {
            (vote.kind, vote.round.get(), vote.value) == (VoteKind::Prevote, round, None)
        });
        for word in nil {
            bursts.extend(self.quorums(word).into_iter().map(plain));
        }
    }

    /// R9, with the votes of a quorum for whatever that start the timer where it does not run.
    fn timeouts(&self, bursts: &mut Vec<Burst>) {
        let engine = &self.member.engine;
        for kind in [TimerKind::Propose, TimerKind::Claims] {
            if engine.timer(kind).is_some() {
                bursts.push(Burst {
                    heard: Vec::new(),
                    timer: Some(kind),
                });
            }
        }
        let waits = [
            (TimerKind::Prevote, VoteKind::Prevote),
            (TimerKind::Precommit, VoteKind::Precommit),
        ];
        for (timer, kind) in waits {
            if timer == TimerKind::Prevote && self.member.step() != Step::Prevote {
                continue;
            }
            // Beyond the last round nobody is followed.
            if timer == TimerKind::Precommit && self.member.round() + 1 >= self.rounds {
                continue;
            }
            for heard in self.any_quorums(kind) {
                bursts.push(Burst {
                    heard: heard.clone(),
                    timer: Some(timer),
                });
                // E2 goes on without the timer.
                bursts.push(plain(heard));
            }
        }
    }

    fn me(&self) -> u16 {
        let me = self.member.engine.committee().me();
        me.map_or(u16::MAX, |me| me.get())
    }

    /// Proposals of this round that were or can be heard: by whom, and what.
    fn proposals_of_round(&self) -> Vec<(u16, Word, Statement)> {
        let engine = &self.member.engine;
        let proposer = engine.proposer(engine.height(), engine.round()).get();
        let words = self.language.all(|statement| {
            statement.kind == VoteKind::Proposal && statement.round == engine.round()
        });
        let words = words.filter(|word| self.can_hear(proposer, *word));
        words
            .map(|word| (proposer, word, self.language.statement(word)))
            .collect()
    }

    /// The smallest sets that make a quorum say exactly this; one empty set where it does already,
    /// none where it can't.
    fn quorums(&self, word: Word) -> Vec<Heard> {
        let statement = self.language.statement(word);
        let (kind, round) = (statement.kind, statement.round.get());
        let members = 0..MEMBER_COUNT as u16;
        let counted = members
            .filter(|member| self.member.vote_of(kind, round, *member) == Some(word))
            .count();
        let unheard = self.member.others().filter(|other| {
            self.member.vote_of(kind, round, *other).is_none() && self.can_hear(*other, word)
        });
        let need = QUORUM.saturating_sub(counted);
        subsets(unheard.collect(), need, &|_| vec![word])
    }

    /// The smallest sets that make a quorum say something of a kind in this round.
    fn any_quorums(&self, kind: VoteKind) -> Vec<Heard> {
        let round = self.member.round();
        let mut members = 0..MEMBER_COUNT as u16;
        let is_heard = |member: u16| self.member.vote_of(kind, round, member).is_some();
        let counted = members.by_ref().filter(|member| is_heard(*member)).count();
        let choices = |sender: u16| -> Vec<Word> {
            let words = self
                .language
                .all(|vote| (vote.kind, vote.round.get()) == (kind, round));
            words.filter(|word| self.can_hear(sender, *word)).collect()
        };
        let unheard = self.member.others().filter(|other| !is_heard(*other));
        subsets(unheard.collect(), QUORUM.saturating_sub(counted), &choices)
    }
}

const fn plain(heard: Heard) -> Burst {
    Burst { heard, timer: None }
}

/// All ways to take `count` of these senders, each with one of its choices.
fn subsets(senders: Vec<u16>, count: usize, choices: &impl Fn(u16) -> Vec<Word>) -> Vec<Heard> {
    let mut sets: Vec<Heard> = vec![Vec::new()];
    for sender in senders {
        let words = choices(sender);
        for at in 0..sets.len() {
            if sets[at].len() == count {
                continue;
            }
            for word in &words {
                let mut larger = sets[at].clone();
                larger.push((sender, *word));
                sets.push(larger);
            }
        }
    }
    sets.retain(|set| set.len() == count);
    sets
}
