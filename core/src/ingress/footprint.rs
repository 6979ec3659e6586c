//! How many bytes the ingress takes from the allocator, to the byte.
//!
//! The queues' own allocations are mirrored here, so a new version of `rtrb` or `crossbeam-queue`
//! may change them; a test with a counting allocator would fail then.

use core::alloc::Layout;

use super::buffer::{LaneBuffer, LaneItem};
use super::lanes::LaneConsumer;
use super::producer::{ProducerEnds, Shared};
use super::sync::ArrayQueue;
use super::{BATCH_COUNT_MAX, FreeLists, Taken};
use crate::limits::Limits;

impl Limits {
    /// Bytes that [`Ingress::new`](super::Ingress::new) takes from the allocator.
    #[must_use]
    pub fn ingress_footprint(&self) -> u64 {
        let buffer_bytes = self.lane_buffer_counts.into_iter().zip(self.buffer_bytes());
        let buffers = sum(buffer_bytes.map(|(count, bytes)| array(u64::from(bytes), count)));

        let own_lane = sum([
            ring_bytes::<LaneItem>(self.lane_count_max),
            sum(self.lane_buffer_counts.map(ring_bytes::<LaneBuffer>)),
            buffers,
            // The owner's ends of the lane and its free lists, and a place for the producer's.
            size::<LaneConsumer<LaneItem>>(),
            size::<FreeLists>(),
            size::<QueuePlace<ProducerEnds>>(),
        ]);
        let shared_lane = match self.shared_lane_count_max {
            0 => 0,
            count => sum([
                shared_lane_bytes::<LaneItem>(count),
                sum(self
                    .lane_buffer_counts
                    .map(|count| array(size::<QueuePlace<LaneBuffer>>(), count))),
                buffers,
            ]),
        };
        sum([
            arc_bytes::<Shared>(),
            array(own_lane, self.producer_count_max),
            shared_lane,
            size::<Taken>().saturating_mul(BATCH_COUNT_MAX as u64),
        ])
    }
}

/// Bytes that a lane for one producer takes: the ring's head and its places.
#[must_use]
pub fn ring_bytes<T>(capacity: u32) -> u64 {
    size::<rtrb::RingBuffer<T>>().saturating_add(array(size::<T>(), capacity))
}

/// Bytes that a lane for all threads takes: the queue's head behind a counted pointer, and its
/// places; 0 for a capacity of 0.
#[must_use]
pub fn shared_lane_bytes<T>(capacity: u32) -> u64 {
    match capacity {
        0 => 0,
        _ => arc_bytes::<ArrayQueue<T>>().saturating_add(array(size::<QueuePlace<T>>(), capacity)),
    }
}

/// One place of an `ArrayQueue`: a stamp, 64 bits wide where the target can, and the element.
struct QueuePlace<T> {
    #[cfg(target_has_atomic = "64")]
    _stamp: u64,
    #[cfg(not(target_has_atomic = "64"))]
    _stamp: usize,
    _element: T,
}

/// Bytes of a counted pointer's allocation: two counters, then the value, padded for both.
fn arc_bytes<T>() -> u64 {
    let counters = Layout::new::<[usize; 2]>();
    counters
        .extend(Layout::new::<T>())
        .map_or(u64::MAX, |(both, _)| both.pad_to_align().size() as u64)
}

const fn size<T>() -> u64 {
    size_of::<T>() as u64
}

const fn array(element_bytes: u64, count: u32) -> u64 {
    element_bytes.saturating_mul(count as u64)
}

fn sum(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}
