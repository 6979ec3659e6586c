//! The two kinds of lane, and the owner's walk over all of them.
//!
//! The element is a parameter, so that tests can stop a producer in the middle of a large one.

use alloc::vec::Vec;
use core::fmt;

use super::sync::{Arc, ArrayQueue, Consumer, Producer, ring};
use crate::error::Full;

/// Makes a lane for one producer and one consumer, with room for `capacity` elements.
///
/// Allocates [`super::footprint::ring_bytes`]; no later call on either end allocates. A capacity
/// of 0 is a lane that is always full.
#[must_use]
pub fn lane<T>(capacity: u32) -> (LaneProducer<T>, LaneConsumer<T>) {
    let (producer, consumer) = ring(capacity as usize);
    (
        LaneProducer { ring: producer },
        LaneConsumer { ring: consumer },
    )
}

/// The end of a lane that pushes.
///
/// Progress: wait-free. Each call ends after a fixed number of the caller's own steps, whatever
/// the other end does, and if it is stopped for good.
pub struct LaneProducer<T> {
    ring: Producer<T>,
}

impl<T> LaneProducer<T> {
    /// Appends an element, O(1).
    ///
    /// # Errors
    /// [`Full`] with the element where the lane has no room.
    pub fn push(&mut self, item: T) -> Result<(), Full<T>> {
        self.ring
            .push(item)
            .map_err(|rtrb::PushError::Full(item)| Full(item))
    }

    /// Whether [`LaneProducer::push`] would fail now. Only this end can fill the lane, so room
    /// that was seen stays until this end uses it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.ring.is_full()
    }
}

/// The end of a lane that pops.
///
/// Progress: wait-free. Each call ends after a fixed number of the caller's own steps; a producer
/// that is stopped inside `push` has not published its element, and the lane looks as before.
pub struct LaneConsumer<T> {
    ring: Consumer<T>,
}

impl<T> LaneConsumer<T> {
    /// Takes the oldest element, O(1).
    pub fn pop(&mut self) -> Option<T> {
        self.ring.pop().ok()
    }

    /// How many elements wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.slots()
    }

    /// Whether no element waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The lane that any thread may push to; a clone is another handle to the same lane.
///
/// Progress: **not** lock-free, though it takes no lock. `push` first claims a place and then
/// fills it. A thread that is stopped between the two makes `pop` spin at that place until it
/// runs again, and once the lane has gone around, `push` of all others too. In the same way, a
/// thread stopped inside `pop` holds up the `push` that comes around to its place.
pub struct SharedLane<T> {
    queue: Arc<ArrayQueue<T>>,
}

impl<T> SharedLane<T> {
    /// Makes a lane with room for `capacity` elements; none for a capacity of 0.
    ///
    /// Allocates [`super::footprint::shared_lane_bytes`]; no later call allocates.
    #[must_use]
    pub fn new(capacity: u32) -> Option<Self> {
        queue(capacity).map(|queue| Self {
            queue: Arc::new(queue),
        })
    }

    /// Appends an element; O(1) when no other thread pushes at the same time.
    ///
    /// # Errors
    /// [`Full`] with the element where the lane has no room.
    pub fn push(&self, item: T) -> Result<(), Full<T>> {
        self.queue.push(item).map_err(Full)
    }

    /// Takes the oldest element; does not return while its producer is stopped inside `push`.
    #[must_use]
    pub fn pop(&self) -> Option<T> {
        self.queue.pop()
    }

    /// How many places are taken, those included that are still being filled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no place is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for SharedLane<T> {
    fn clone(&self) -> Self {
        Self {
            queue: Arc::clone(&self.queue),
        }
    }
}

/// A queue for any number of threads; none for a capacity of 0, which `ArrayQueue` refuses.
pub(super) fn queue<T>(capacity: u32) -> Option<ArrayQueue<T>> {
    (capacity > 0).then(|| ArrayQueue::new(capacity as usize))
}

/// All lanes as their owner sees them.
///
/// Progress: wait-free without a shared lane; with one, as [`SharedLane`] says, and a producer
/// stopped inside its `push` then holds up the owner, and with it every lane.
pub struct LaneSet<T> {
    own: Vec<LaneConsumer<T>>,
    shared: Option<SharedLane<T>>,
    /// Invariant: below the number of lanes, or 0.
    next: usize,
}

impl<T> LaneSet<T> {
    /// Takes the producers' lanes, which get the indexes from 0, and the shared one, which gets
    /// the index after them. Allocates nothing.
    #[must_use]
    pub const fn new(own: Vec<LaneConsumer<T>>, shared: Option<SharedLane<T>>) -> Self {
        Self {
            own,
            shared,
            next: 0,
        }
    }

    /// Takes the next element, with the index of its lane.
    ///
    /// Every lane that has something gives one element in its turn, and the walk goes on where it
    /// stopped, so an element waits for at most one from each other lane for each that stands
    /// before it in its own. Looks at each lane once, at most.
    pub fn pop(&mut self) -> Option<(usize, T)> {
        for _ in 0..self.lane_count() {
            let lane = self.next;
            self.next = match lane.saturating_add(1) {
                end if end >= self.lane_count() => 0,
                following => following,
            };
            let popped = match self.own.get_mut(lane) {
                Some(own) => own.pop(),
                None => self.shared.as_ref().and_then(SharedLane::pop),
            };
            if let Some(item) = popped {
                return Some((lane, item));
            }
        }
        None
    }

    /// How many lanes there are, the shared one included.
    #[must_use]
    pub fn lane_count(&self) -> usize {
        self.own
            .len()
            .saturating_add(usize::from(self.shared.is_some()))
    }

    /// How many elements wait, over all lanes; O(lanes).
    #[must_use]
    pub fn len(&self) -> usize {
        let shared = self.shared.as_ref().map_or(0, SharedLane::len);
        self.own
            .iter()
            .fold(shared, |sum, lane| sum.saturating_add(lane.len()))
    }

    /// Whether no element waits; O(lanes).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> fmt::Debug for LaneProducer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneProducer").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for LaneConsumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneConsumer").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SharedLane<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLane").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for LaneSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneSet")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
