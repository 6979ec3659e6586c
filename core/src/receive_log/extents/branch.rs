//! One branch of a log: entries beyond the decided position, up to a signature.

use super::super::{Entry, Point};
use super::LogMark;
use crate::types::{Hash, Height, LogPosition, UnixNs};

/// An entry with what holds behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub entry: Entry,
    pub base: Height,
    /// The running hash behind it.
    pub running: Hash,
}

impl Held {
    pub const NONE: Self = Self {
        entry: Entry::Closed,
        base: Height::ZERO,
        running: Hash::ZERO,
    };
}

/// What is known of a branch beside its entries.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Branch {
    pub is_used: bool,
    /// Whether there is a signature over the end.
    pub is_signed: bool,
    pub len: u32,
    pub signature_len: u32,
    /// The base of the signature.
    pub base: Height,
}

/// A branch with its entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct BranchView<'a> {
    pub decided: LogMark,
    pub state: Branch,
    pub held: &'a [Held],
    pub signature: &'a [u8],
}

impl BranchView<'_> {
    /// Where it ends.
    pub fn end(&self) -> LogPosition {
        let decided = self.decided.at.position;
        decided.saturating_add(self.held.len() as u64)
    }

    /// The running hash at `position`, if that lies on it.
    pub fn running_at(&self, position: LogPosition) -> Option<Hash> {
        let count = self.count_to(position)?;
        match count.checked_sub(1) {
            None => Some(self.decided.at.running),
            Some(last) => self.held.get(last).map(|held| held.running),
        }
    }

    /// Whether it goes through a place.
    pub fn holds(&self, at: &Point) -> bool {
        self.running_at(at.position) == Some(at.running)
    }

    /// How many of its entries stand before `position`.
    pub fn count_to(&self, position: LogPosition) -> Option<usize> {
        let decided = self.decided.at.position.get();
        let count = position.get().checked_sub(decided)?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.held.len())
    }

    /// The base and the stamp that hold behind its first `count` entries.
    pub fn clocks_at(&self, count: usize) -> (Height, UnixNs) {
        let before = &self.held[..count];
        let base = before.last().map_or(self.decided.base, |held| held.base);
        let stamp = before.iter().rev().find_map(|held| match held.entry {
            Entry::Stamp(time) => Some(time),
            _ => None,
        });
        (base, stamp.unwrap_or(self.decided.stamp))
    }
}

/// Entries with their bases, as an extension has them.
pub(super) fn with_bases(held: &[Held]) -> impl Iterator<Item = (Height, &Entry)> {
    held.iter().map(|held| (held.base, &held.entry))
}
