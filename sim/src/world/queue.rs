//! What will happen, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use hauptbuch_core::consensus::BatchId;
use hauptbuch_core::types::{Hash, Height, Round};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A message arrives.
    Deliver {
        to: usize,
        from: usize,
        bytes: Rc<[u8]>,
    },
    /// An instance is told the time.
    Wake { at: usize },
    /// A record is on disk.
    RecordWritten { at: usize, life: u32 },
    /// A decision is on disk.
    DecisionWritten { at: usize, life: u32 },
    /// Signatures were looked at.
    Verified {
        at: usize,
        life: u32,
        batch: BatchId,
        good: u128,
    },
    /// A host names a value.
    Value {
        at: usize,
        life: u32,
        height: Height,
        round: Round,
    },
    /// A host tries to get hold of a value.
    Fetch {
        at: usize,
        life: u32,
        height: Height,
        value: Hash,
    },
    /// A stopped instance starts.
    Restart { at: usize },
    /// The links change.
    Weather,
    /// Benign faults stop.
    Calm,
    /// An equivocator acts.
    Lie { at: usize },
    /// A flooder acts.
    Flood { at: usize },
}

#[derive(Debug)]
struct Entry {
    at_ns: u64,
    number: u64,
    event: Event,
}

impl Entry {
    /// Equal times go by the order in which the events were put in.
    const fn key(&self) -> (u64, u64) {
        (self.at_ns, self.number)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Events by time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    number: u64,
}

impl Queue {
    /// Puts an event in.
    pub fn push(&mut self, at_ns: u64, event: Event) {
        self.number += 1;
        self.heap.push(Reverse(Entry {
            at_ns,
            number: self.number,
            event,
        }));
    }

    /// The next event and its time.
    pub fn pop(&mut self) -> Option<(u64, Event)> {
        let Reverse(entry) = self.heap.pop()?;
        Some((entry.at_ns, entry.event))
    }
}
