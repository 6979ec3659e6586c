//! What the host said of the values that matter.

use crate::types::{Hash, MemberIndex};

/// Places: two values for each of three rounds, and those that are locked, valid, examined and
/// committed; and two to spare, so that a newcomer always finds one that nobody refers to.
const VALUE_COUNT: usize = 12;

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::consensus) enum ValueState {
    /// The host is to be asked.
    ToAsk,
    /// The host has been asked.
    Asked,
    /// It may be decided; a precommit carries this.
    Valid { extension_hash: Hash },
    /// It may not.
    Invalid,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    value: Hash,
    state: ValueState,
    source: MemberIndex,
}

/// A few values with their state.
#[derive(Clone, Debug, Default)]
pub(in crate::consensus) struct Values {
    known: [Option<Known>; VALUE_COUNT],
    to_ask_count: usize,
}

impl Values {
    /// What is known of a value.
    pub fn state(&self, value: Hash) -> Option<ValueState> {
        let known = self
            .known
            .iter()
            .flatten()
            .find(|known| known.value == value);
        known.map(|known| known.state)
    }

    /// All values with their state.
    #[cfg(any(test, feature = "weakened"))]
    pub fn iter(&self) -> impl Iterator<Item = (Hash, ValueState)> {
        let known = self.known.iter().flatten();
        known.map(|known| (known.value, known.state))
    }

    /// Whether the host found it good.
    pub fn is_valid(&self, value: Hash) -> bool {
        matches!(self.state(value), Some(ValueState::Valid { .. }))
    }

    /// What a precommit of the value carries.
    pub fn extension_hash(&self, value: Hash) -> Hash {
        match self.state(value) {
            Some(ValueState::Valid { extension_hash }) => extension_hash,
            _ => Hash::ZERO,
        }
    }

    /// Takes a value up, to ask the host about it; `is_needed` tells whom to keep where all places
    /// are taken.
    pub fn want(&mut self, value: Hash, source: MemberIndex, is_needed: impl Fn(Hash) -> bool) {
        if self.state(value).is_some() {
            return;
        }
        let is_free = |known: &Option<Known>| known.is_none_or(|known| !is_needed(known.value));
        let place = self.known.iter().position(|known| known.is_none());
        let place = place.or_else(|| self.known.iter().position(is_free));
        debug_assert!(place.is_some(), "fewer values matter than there are places");
        if let Some(known) = place.and_then(|at| self.known.get_mut(at)) {
            *known = Some(Known {
                value,
                state: ValueState::ToAsk,
                source,
            });
        }
        self.recount();
    }

    /// Enters the host's word; false for a value that was not asked about. Only the first counts.
    pub fn settle(&mut self, value: Hash, state: ValueState) -> bool {
        let mut known = self.known.iter_mut().flatten();
        let Some(known) = known.find(|known| known.value == value) else {
            return false;
        };
        let is_open = matches!(known.state, ValueState::ToAsk | ValueState::Asked);
        if is_open {
            known.state = state;
        }
        self.recount();
        is_open
    }

    /// Forgets a value, so that the host is asked again where it is needed; false where it was not
    /// known.
    pub fn forget(&mut self, value: Hash) -> bool {
        let mut known = self.known.iter_mut();
        let found = known.find(|known| known.is_some_and(|known| known.value == value));
        let is_known = found.map(|known| *known = None).is_some();
        self.recount();
        is_known
    }

    /// The next value to ask about, and who is likely to have it.
    pub fn next_to_ask(&mut self) -> Option<(Hash, MemberIndex)> {
        if self.to_ask_count == 0 {
            return None;
        }
        let mut known = self.known.iter_mut().flatten();
        let known = known.find(|known| known.state == ValueState::ToAsk)?;
        known.state = ValueState::Asked;
        let found = (known.value, known.source);
        self.recount();
        Some(found)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn recount(&mut self) {
        let known = self.known.iter().flatten();
        let to_ask = known.filter(|known| known.state == ValueState::ToAsk);
        self.to_ask_count = to_ask.count();
    }
}
