//! What the ingress shares between threads, behind one door.
//!
//! The shipped build takes it from `rtrb`, `crossbeam-queue` and `alloc`. Under `cfg(loom)` each
//! queue is a `VecDeque` behind loom's mutex with the same interface, because loom explores only
//! its own types: what a model then checks is what this module's users do around the queues.

#[cfg(not(loom))]
mod shipped {
    pub(crate) use alloc::sync::Arc;
    pub(crate) use core::sync::atomic::{AtomicBool, Ordering};
    pub(crate) use crossbeam_queue::ArrayQueue;
    pub(crate) use rtrb::{Consumer, Producer};

    /// A wait-free ring with one end for each side.
    pub(crate) fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
        rtrb::RingBuffer::new(capacity)
    }
}
#[cfg(not(loom))]
pub(crate) use shipped::{Arc, ArrayQueue, AtomicBool, Consumer, Ordering, Producer, ring};

#[cfg(loom)]
mod model;
#[cfg(loom)]
pub(crate) use model::{Arc, ArrayQueue, AtomicBool, Consumer, Ordering, Producer, ring};
