//! Everything that a member can say in two rounds about two values.

use hauptbuch_core::consensus::{Statement, VoteKind};
use hauptbuch_core::types::{Hash, Height, Round};

/// Rounds that are walked through.
pub const ROUND_COUNT: u32 = 2;
/// The height that is decided.
pub const HEIGHT: Height = Height::new(1);
/// The valid round of whoever names none.
const NO_ROUND: i32 = -1;
/// The values: each of the two rounds' proposers has one of its own.
pub const VALUES: [Hash; 2] = [Hash::new([0xA0; 32]), Hash::new([0xB0; 32])];

/// A statement by its number among all of them.
pub type Word = u8;

/// A set of words, one bit each.
pub type Words = u32;

/// All statements, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Language {
    words: Vec<Statement>,
}

impl Language {
    pub fn new() -> Self {
        let mut words = Vec::new();
        for round in 0..ROUND_COUNT {
            for kind in VoteKind::ALL {
                for value in [None, Some(VALUES[0]), Some(VALUES[1])] {
                    for valid_round in NO_ROUND..round as i32 {
                        let statement = Statement {
                            kind,
                            height: HEIGHT,
                            round: Round::new(round),
                            value,
                            valid_round,
                            extension_hash: Hash::ZERO,
                        };
                        words.extend(statement.is_well_formed().then_some(statement));
                    }
                }
            }
        }
        assert!(words.len() <= Words::BITS as usize);
        Self { words }
    }

    /// The statement of a word.
    pub fn statement(&self, word: Word) -> Statement {
        self.words[usize::from(word)]
    }

    /// The word of a statement; nothing for one of a later round.
    pub fn word(&self, statement: &Statement) -> Option<Word> {
        let found = self.words.iter().position(|word| word == statement);
        found.map(|at| at as Word)
    }

    /// All words that satisfy something.
    pub fn all(&self, holds: impl Fn(&Statement) -> bool) -> impl Iterator<Item = Word> {
        let words = self.words.iter().zip(0..);
        words.filter_map(move |(statement, word)| holds(statement).then_some(word))
    }
}

/// The set of one word.
pub fn bit(word: Word) -> Words {
    1 << word
}
