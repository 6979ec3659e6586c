//! The producers' side: a handle that every thread can have, and a lane of one's own.

use core::fmt;

use super::buffer::{BufferClasses, LaneBuffer, LaneItem};
use super::error::{RegisterError, SubmitError};
use super::lanes::{LaneConsumer, LaneProducer, SharedLane, queue};
use super::sync::{Arc, ArrayQueue, AtomicBool, Ordering};
use crate::error::Full;
use crate::limits::{BUFFER_CLASS_COUNT, Limits};
use crate::types::Submission;

/// What a producer holds of its lane: where filled buffers go, and where free ones come from.
pub(super) struct ProducerEnds {
    pub(super) lane: LaneProducer<LaneItem>,
    pub(super) free: [LaneConsumer<LaneBuffer>; BUFFER_CLASS_COUNT],
}

/// What all handles and the owner share.
pub(super) struct Shared {
    /// The ends that no producer holds. Has a place for every one, so giving back never fails.
    unregistered: Option<ArrayQueue<ProducerEnds>>,
    /// The lane for any thread, unless it is turned off.
    pub(super) lane: Option<SharedLane<LaneItem>>,
    /// The free buffers of the shared lane. Each list has a place for all of its class.
    free: [Option<ArrayQueue<LaneBuffer>>; BUFFER_CLASS_COUNT],
    /// Set once, when the owner goes.
    closed: AtomicBool,
    classes: BufferClasses,
    payload_bytes_max: u32,
}

impl Shared {
    pub(super) fn new(limits: &Limits) -> Self {
        let classes = BufferClasses::new(limits);
        let lane = SharedLane::new(limits.shared_lane_count_max);
        let shared = Self {
            unregistered: queue(limits.producer_count_max),
            free: match lane {
                Some(_) => classes.counts.map(queue),
                None => [const { None }; BUFFER_CLASS_COUNT],
            },
            lane,
            closed: AtomicBool::new(false),
            classes,
            payload_bytes_max: limits.payload_bytes_max,
        };
        if shared.lane.is_some() {
            classes.for_each_new(|buffer| shared.put_free(buffer));
        }
        shared
    }

    /// Gives a buffer of the shared lane back to its free list.
    pub(super) fn put_free(&self, buffer: LaneBuffer) {
        let list = self.free.get(buffer.class()).and_then(Option::as_ref);
        let returned = list.is_some_and(|list| list.push(buffer).is_ok());
        debug_assert!(returned, "a free list has a place for each of its buffers");
    }

    /// Makes a lane's ends available to whoever registers next.
    pub(super) fn put_ends(&self, ends: ProducerEnds) {
        let list = self.unregistered.as_ref();
        let returned = list.is_some_and(|list| list.push(ends).is_ok());
        debug_assert!(returned, "there is a place for the ends of each lane");
    }

    /// Tells the producers that nobody will read what they submit.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// What can be said against a submission before any lane is looked at.
    #[allow(
        clippy::result_large_err,
        reason = "what did not fit goes back whole, unboxed"
    )]
    fn check<'a>(&self, submission: &Submission<'a>) -> Result<(), SubmitError<'a>> {
        if self.is_closed() {
            Err(SubmitError::StaleHandle)
        } else if submission.transaction.payload.len() > self.payload_bytes_max as usize {
            Err(SubmitError::PayloadTooLarge)
        } else {
            Ok(())
        }
    }
}

/// Where threads come to hand in transactions; clones stand for the same ingress.
///
/// Progress: the two calls go through queues that any thread may use, with what
/// [`SharedLane`] says of them: a thread stopped inside [`IngressHandle::register`], inside the
/// drop of a [`Producer`], or inside [`IngressHandle::submit_shared`] can hold up others in the
/// same call. Registering and dropping never hold up the owner or a producer's `submit`.
#[derive(Clone)]
pub struct IngressHandle {
    shared: Arc<Shared>,
}

impl IngressHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes a lane for the calling thread, or for the one that the result is sent to.
    ///
    /// Allocates nothing. The lane that has been free for longest is given out; what an earlier
    /// producer left in it is still delivered, before anything new.
    ///
    /// # Errors
    /// [`RegisterError::NoFreeLane`] while `producer_count_max` producers exist, and
    /// [`RegisterError::StaleHandle`] once the owner is gone.
    pub fn register(&self) -> Result<Producer, RegisterError> {
        if self.shared.is_closed() {
            return Err(RegisterError::StaleHandle);
        }
        let free = self.shared.unregistered.as_ref().and_then(ArrayQueue::pop);
        match free {
            Some(ends) => Ok(Producer {
                ends: Some(ends),
                shared: Arc::clone(&self.shared),
            }),
            None => Err(RegisterError::NoFreeLane),
        }
    }

    /// Copies a transaction into the lane that all threads share.
    ///
    /// Allocates nothing. Cost: one copy of the transaction, and two operations on shared queues.
    ///
    /// # Errors
    /// [`SubmitError::Full`], which gives back what did not fit; [`SubmitError::PayloadTooLarge`];
    /// [`SubmitError::NoSharedLane`]; [`SubmitError::StaleHandle`] once the owner is gone.
    #[allow(
        clippy::result_large_err,
        reason = "what did not fit goes back whole, unboxed"
    )]
    pub fn submit_shared<'a>(&self, submission: &Submission<'a>) -> Result<(), SubmitError<'a>> {
        let shared = &*self.shared;
        shared.check(submission)?;
        let lane = shared.lane.as_ref().ok_or(SubmitError::NoSharedLane)?;
        let len = submission.transaction.encoded_len();
        let buffer = shared
            .classes
            .take(len, &shared.free, |list| list.as_ref()?.pop())
            .ok_or(SubmitError::Full(*submission))?;
        let unsent = match LaneItem::new(buffer, submission) {
            Ok(item) => match lane.push(item) {
                Ok(()) => return Ok(()),
                Err(Full(item)) => item.buffer,
            },
            Err(buffer) => buffer,
        };
        shared.put_free(unsent);
        Err(SubmitError::Full(*submission))
    }
}

/// A lane of one's own. Dropping it hands the lane back, with nothing in it lost.
///
/// Progress: [`Producer::submit`] is wait-free: it ends after one copy of the transaction and a
/// fixed number of steps, whatever the owner and all other producers do. Dropping is not; see
/// [`IngressHandle`].
pub struct Producer {
    /// Invariant: `Some` until it is dropped.
    ends: Option<ProducerEnds>,
    shared: Arc<Shared>,
}

impl Producer {
    /// Copies a transaction into the lane.
    ///
    /// Allocates nothing. The owner sees this producer's transactions in the order of the calls.
    /// What is submitted while the owner is being dropped may be lost.
    ///
    /// # Errors
    /// [`SubmitError::Full`], which gives back what did not fit; [`SubmitError::PayloadTooLarge`];
    /// [`SubmitError::StaleHandle`] once the owner is gone.
    #[allow(
        clippy::result_large_err,
        reason = "what did not fit goes back whole, unboxed"
    )]
    pub fn submit<'a>(&mut self, submission: &Submission<'a>) -> Result<(), SubmitError<'a>> {
        self.shared.check(submission)?;
        let ends = self.ends.as_mut().ok_or(SubmitError::StaleHandle)?;
        // Room is looked for first: it cannot go away again, and a buffer that was taken could
        // only go back through the lane.
        if ends.lane.is_full() {
            return Err(SubmitError::Full(*submission));
        }
        let len = submission.transaction.encoded_len();
        let buffer = self
            .shared
            .classes
            .take(len, &mut ends.free, LaneConsumer::pop)
            .ok_or(SubmitError::Full(*submission))?;
        let sent = LaneItem::new(buffer, submission).is_ok_and(|item| ends.lane.push(item).is_ok());
        debug_assert!(
            sent,
            "room in the lane and length of the buffer were checked"
        );
        if sent {
            Ok(())
        } else {
            Err(SubmitError::Full(*submission))
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if let Some(ends) = self.ends.take() {
            self.shared.put_ends(ends);
        }
    }
}

impl fmt::Debug for IngressHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngressHandle").finish_non_exhaustive()
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}
