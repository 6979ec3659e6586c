//! Numbers in the order in which they came.

use alloc::boxed::Box;

use super::{NONE, fixed_slice, fixed_slice_bytes};

/// Numbers below a capacity, each at most once, in the order in which they were appended.
///
/// Memory: `capacity · 8` bytes.
#[derive(Debug)]
pub struct LinkedSet {
    /// Invariant: a member's neighbours, or [`ABSENT`].
    links: Box<[Link]>,
    first: u32,
    last: u32,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    previous: u32,
    next: u32,
}

/// The links of a number that is not a member.
const ABSENT: Link = Link {
    previous: NONE - 1,
    next: NONE - 1,
};

impl LinkedSet {
    /// Makes an empty set of numbers below `capacity`.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self {
            links: fixed_slice(capacity as usize, ABSENT),
            first: NONE,
            last: NONE,
            len: 0,
        }
    }

    /// The bytes that [`LinkedSet::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<Link>(capacity as usize)
    }

    /// How many members it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The member that was appended first.
    #[must_use]
    pub const fn first(&self) -> Option<u32> {
        if self.first == NONE {
            None
        } else {
            Some(self.first)
        }
    }

    /// The member that was appended after `number`.
    #[must_use]
    pub fn after(&self, number: u32) -> Option<u32> {
        let link = self.links.get(number as usize)?;
        (self.contains(number) && link.next != NONE).then_some(link.next)
    }

    /// Whether `number` is a member.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.links
            .get(number as usize)
            .is_some_and(|link| link.next != ABSENT.next)
    }

    /// Appends `number`; false if it is a member already or not below the capacity.
    pub fn append(&mut self, number: u32) -> bool {
        if number as usize >= self.links.len() || self.contains(number) {
            return false;
        }
        self.links[number as usize] = Link {
            previous: self.last,
            next: NONE,
        };
        match self.last {
            NONE => self.first = number,
            last => self.links[last as usize].next = number,
        }
        self.last = number;
        self.len += 1;
        true
    }

    /// Removes `number`; false if it is no member.
    pub fn remove(&mut self, number: u32) -> bool {
        if !self.contains(number) {
            return false;
        }
        let Link { previous, next } = self.links[number as usize];
        match previous {
            NONE => self.first = next,
            previous => self.links[previous as usize].next = next,
        }
        match next {
            NONE => self.last = previous,
            next => self.links[next as usize].previous = previous,
        }
        self.links[number as usize] = ABSENT;
        self.len -= 1;
        true
    }

    /// All members, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        core::iter::successors(self.first(), |member| {
            let next = self.links[*member as usize].next;
            (next != NONE).then_some(next)
        })
    }
}
