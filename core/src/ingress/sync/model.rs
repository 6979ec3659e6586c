//! The queues as loom sees them: the same interface, a mutex within.

use alloc::collections::VecDeque;
use loom::sync::{Mutex, MutexGuard};
use rtrb::{PopError, PushError};

pub(crate) use loom::sync::Arc;
pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};

/// Stands in for `crossbeam_queue::ArrayQueue`.
#[derive(Debug)]
pub(crate) struct ArrayQueue<T> {
    items: Mutex<VecDeque<T>>,
    capacity: usize,
}

impl<T> ArrayQueue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "capacity must be non-zero");
        Self {
            items: Mutex::new(VecDeque::with_capacity(capacity)),
            capacity,
        }
    }

    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut items = self.lock();
        if items.len() == self.capacity {
            return Err(item);
        }
        items.push_back(item);
        Ok(())
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.lock().pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        match self.items.lock() {
            Ok(items) => items,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// Stands in for `rtrb::Producer`.
#[derive(Debug)]
pub(crate) struct Producer<T>(Arc<Ring<T>>);

/// Stands in for `rtrb::Consumer`.
#[derive(Debug)]
pub(crate) struct Consumer<T>(Arc<Ring<T>>);

/// `ArrayQueue` refuses a capacity of zero, a ring does not.
type Ring<T> = Option<ArrayQueue<T>>;

/// Stands in for `rtrb::RingBuffer::new`.
pub(crate) fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let ring = Arc::new((capacity > 0).then(|| ArrayQueue::new(capacity)));
    (Producer(Arc::clone(&ring)), Consumer(ring))
}

impl<T> Producer<T> {
    pub(crate) fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        match &*self.0 {
            Some(queue) => queue.push(item).map_err(PushError::Full),
            None => Err(PushError::Full(item)),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        match &*self.0 {
            Some(queue) => queue.len() == queue.capacity,
            None => true,
        }
    }
}

impl<T> Consumer<T> {
    pub(crate) fn pop(&mut self) -> Result<T, PopError> {
        let popped = (*self.0).as_ref().and_then(ArrayQueue::pop);
        popped.ok_or(PopError::Empty)
    }

    pub(crate) fn slots(&self) -> usize {
        (*self.0).as_ref().map_or(0, ArrayQueue::len)
    }
}
