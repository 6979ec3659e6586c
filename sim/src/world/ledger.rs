//! Everything that was ever signed, which no member sees as a whole.

use std::collections::{BTreeMap, HashMap};

use hauptbuch_core::consensus::Statement;
use hauptbuch_core::types::{Hash, Height, MemberIndex, Round};
use hauptbuch_core::vote::VoteKind;

/// Prevotes or precommits for one value in one round, by what else they say.
type Votes = HashMap<(VoteKind, Round, Hash), Vec<Group>>;

/// Who signed the same statement.
#[derive(Clone, Copy, Debug)]
struct Group {
    valid_round: i32,
    members: u128,
}

/// One height of the ledger.
#[derive(Clone, Debug, Default)]
struct HeightLedger {
    /// What each correct member signed first of a kind in a round.
    first: HashMap<(MemberIndex, Round, VoteKind), Statement>,
    votes: Votes,
    /// What each member added to its precommit of a value.
    extensions: HashMap<(MemberIndex, Round, Hash), Vec<Hash>>,
    /// The last value that each correct member precommitted, and its round.
    locks: HashMap<MemberIndex, (Round, Hash)>,
    /// Proposals in the order in which they were signed.
    proposals: Vec<Statement>,
    /// Rounds and values with a polka, in the order in which they came to be.
    polkas: Vec<(Round, Hash, i32)>,
}

/// All statements of the heights that somebody may still be in.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    heights: BTreeMap<Height, HeightLedger>,
    weights: Vec<u64>,
}

impl Ledger {
    pub fn new(weights: &[u64]) -> Self {
        Self {
            heights: BTreeMap::new(),
            weights: weights.to_vec(),
        }
    }

    /// Whether the members of a set weigh more than two thirds: summed anew, in 128 bits.
    pub fn is_quorum(&self, members: u128) -> bool {
        let all = self.weights.iter().map(|weight| u128::from(*weight));
        let sum: u128 = all.clone().sum();
        let held = all.enumerate().filter(|(at, _)| members >> at & 1 == 1);
        let held: u128 = held.map(|(_, weight)| weight).sum();
        held * 3 > sum * 2
    }

    /// Writes a statement down. Gives what a correct member signed before of the same kind in the
    /// same round, if that is another.
    pub fn sign(
        &mut self,
        member: MemberIndex,
        statement: &Statement,
        is_correct: bool,
    ) -> Option<Statement> {
        let bit = 1_u128 << member.get();
        let (kind, round) = (statement.kind, statement.round);
        let height = self.heights.entry(statement.height).or_default();
        let mut first = None;
        if is_correct {
            let known = height
                .first
                .entry((member, round, kind))
                .or_insert(*statement);
            first = Some(*known).filter(|known| known != statement);
        }
        let Some(value) = statement.value else {
            return first;
        };
        if kind == VoteKind::Proposal {
            if !height.proposals.contains(statement) {
                height.proposals.push(*statement);
            }
            return first;
        }
        if kind == VoteKind::Precommit {
            let extensions = height.extensions.entry((member, round, value)).or_default();
            if !extensions.contains(&statement.extension_hash) {
                extensions.push(statement.extension_hash);
            }
            if is_correct {
                let lock = height.locks.entry(member).or_insert((round, value));
                if lock.0 < round {
                    *lock = (round, value);
                }
            }
        }
        let groups = height.votes.entry((kind, round, value)).or_default();
        let valid_round = statement.valid_round;
        let group = groups
            .iter()
            .position(|group| group.valid_round == valid_round);
        let group = group.unwrap_or_else(|| {
            groups.push(Group {
                valid_round,
                members: 0,
            });
            groups.len() - 1
        });
        groups[group].members |= bit;
        let members = groups[group].members;
        let polka = (round, value, valid_round);
        if kind == VoteKind::Prevote && self.is_quorum(members) {
            let height = self.heights.entry(statement.height).or_default();
            if !height.polkas.contains(&polka) {
                height.polkas.push(polka);
            }
        }
        first
    }

    /// Whether a quorum prevoted for a value in a round.
    pub fn has_polka(&self, height: Height, round: Round, value: Hash) -> bool {
        self.polkas(height)
            .iter()
            .any(|(at, of, _)| (*at, *of) == (round, value))
    }

    /// The rounds and values with a polka, and the valid round that its prevotes carry.
    pub fn polkas(&self, height: Height) -> &[(Round, Hash, i32)] {
        self.heights
            .get(&height)
            .map_or(&[], |height| &height.polkas)
    }

    /// The proposals of a height.
    pub fn proposals(&self, height: Height) -> &[Statement] {
        self.heights
            .get(&height)
            .map_or(&[], |height| &height.proposals)
    }

    /// Who signed a vote for a value, a bit each.
    pub fn voters(
        &self,
        kind: VoteKind,
        height: Height,
        round: Round,
        value: Hash,
        valid_round: i32,
    ) -> u128 {
        let groups = self
            .heights
            .get(&height)
            .and_then(|height| height.votes.get(&(kind, round, value)));
        let mut groups = groups.into_iter().flatten();
        let group = groups.find(|group| group.valid_round == valid_round);
        group.map_or(0, |group| group.members)
    }

    /// Whether a member signed exactly this vote.
    pub fn has_signed(&self, member: MemberIndex, vote: &Statement) -> bool {
        let Some((value, height)) = vote.value.zip(self.heights.get(&vote.height)) else {
            return false;
        };
        let voters = self.voters(vote.kind, vote.height, vote.round, value, vote.valid_round);
        let extensions = height.extensions.get(&(member, vote.round, value));
        let is_extended = vote.kind != VoteKind::Precommit
            || extensions.is_some_and(|all| all.contains(&vote.extension_hash));
        voters >> member.get() & 1 == 1 && is_extended
    }

    /// The last value that a correct member precommitted in a height, and its round.
    pub fn lock(&self, member: MemberIndex, height: Height) -> Option<(Round, Hash)> {
        self.heights.get(&height)?.locks.get(&member).copied()
    }

    /// Forgets what lies below a height.
    pub fn forget_below(&mut self, height: Height) {
        self.heights = self.heights.split_off(&height);
    }
}
