//! Many producers to one owner.
//!
//! Threads hand transactions in, each through a lane of its own ([`Producer`]) or all through one
//! that they share ([`IngressHandle::submit_shared`]); the owner of the network takes them out
//! ([`Ingress`]). A transaction crosses as its canonical bytes, in a buffer that was made at
//! construction and that the owner hands back. Nothing here allocates after [`Ingress::new`].
//!
//! # Progress
//!
//! - [`lanes::LaneProducer`], [`lanes::LaneConsumer`]: a producer's own lane is **wait-free** on
//!   both ends, and so is [`Producer::submit`]. Whoever is stopped, wherever it is, the other end
//!   goes on.
//! - [`lanes::SharedLane`] is **not lock-free**. A producer that the system stops inside `push`
//!   has claimed a place and not filled it: `pop` spins there until the producer runs again, and
//!   with it the owner and every lane. The shared lane's free lists are of the same kind: a
//!   producer stopped while it takes a buffer can hold up the owner that hands one back.
//! - [`Ingress`] is therefore wait-free exactly when there is no shared lane. A host that needs a
//!   bound on every call sets `shared_lane_count_max` to 0 and registers each producer.
//! - [`IngressHandle::register`] and the drop of a [`Producer`] share a queue of that second kind
//!   among themselves. The owner never touches it.
//!
//! # Order
//!
//! What one producer submits comes out in that order, and what an earlier producer left in the
//! lane comes before it. (A thread that drops its producer and registers again may get another
//! lane, and what it submits there may overtake.) Lanes take turns, one transaction each. The same
//! sequence of submissions and owner's calls gives the same sequence of transactions. Between
//! threads it is the system that decides who came first: no fairness is promised here.
//!
//! # Cost
//!
//! A submission copies its bytes once, into the smallest free buffer that holds them. Taking one
//! out looks at each lane once, at most. Memory is [`Limits::ingress_footprint`], exactly.
//!
//! ```
//! use hauptbuch_core::ingress::Ingress;
//! use hauptbuch_core::limits::Limits;
//! use hauptbuch_core::types::{Envelope, Submission, Transaction};
//!
//! let (mut ingress, handle) = Ingress::new(&Limits::default());
//! let mut producer = handle.register().unwrap();
//! let transaction = Transaction { envelope: Envelope::default(), payload: b"transfer" };
//! producer.submit(&Submission::from(transaction)).unwrap();
//!
//! assert_eq!(ingress.pop_batch(64), 1);
//! for item in ingress.batch() {
//!     assert_eq!(Transaction::decode(item.canonical, 1 << 18), Ok(transaction));
//! }
//! ingress.recycle();
//! ```

use alloc::vec::Vec;
use core::fmt;

use crate::crypto::hash::MICRO_BATCH;
use crate::limits::{BUFFER_CLASS_COUNT, Limits};
use crate::types::{Nonce, TradeHint};

mod buffer;
mod error;
pub mod footprint;
pub mod lanes;
mod producer;
mod sync;

pub use error::{RegisterError, SubmitError};
pub use producer::{IngressHandle, Producer};

use buffer::{BufferClasses, LaneBuffer, LaneItem};
use lanes::{LaneProducer, LaneSet, lane};
use producer::{ProducerEnds, Shared};
use sync::Arc;

/// The most transactions that the owner holds at once: as many as are hashed together.
pub const BATCH_COUNT_MAX: usize = MICRO_BATCH;

/// The owner's side: takes transactions out of the lanes and hands their buffers back.
///
/// Progress: wait-free without a shared lane; see the module's documentation.
pub struct Ingress {
    lanes: LaneSet<LaneItem>,
    /// By lane: where free buffers go back to that lane's producer.
    free: Vec<FreeLists>,
    /// Invariant: at most `BATCH_COUNT_MAX`, which is its capacity.
    batch: Vec<Taken>,
    shared: Arc<Shared>,
}

/// The owner's ends of one lane's free lists, by class.
type FreeLists = [LaneProducer<LaneBuffer>; BUFFER_CLASS_COUNT];

/// A transaction that left its lane, and the lane.
struct Taken {
    lane: usize,
    item: LaneItem,
}

/// A transaction in the owner's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IngressItem<'a> {
    /// Its canonical bytes.
    pub canonical: &'a [u8],
    /// The next nonce of the sender's account, where the host knew it.
    pub account_nonce: Option<Nonce>,
    /// Where it came from, as the host numbers its peers.
    pub origin: u32,
    /// The trade that it makes, where the host said so.
    pub hint: Option<TradeHint>,
    /// The lane that it came through; the shared lane has the number `producer_count_max`.
    pub lane: u32,
}

impl Ingress {
    /// Makes the lanes and their buffers: the owner's side, and a handle for the producers.
    ///
    /// Allocates [`Limits::ingress_footprint`] bytes. `limits` are those that
    /// [`Limits::check`] accepts; with others, lanes may be unable to carry the largest
    /// transactions.
    #[must_use]
    pub fn new(limits: &Limits) -> (Self, IngressHandle) {
        let classes = BufferClasses::new(limits);
        let shared = Shared::new(limits);
        let producer_count = limits.producer_count_max as usize;
        let mut own = Vec::with_capacity(producer_count);
        let mut free = Vec::with_capacity(producer_count);
        for _ in 0..producer_count {
            let (lane_in, lane_out) = lane(limits.lane_count_max);
            let [small, middle, large] = classes.counts.map(lane);
            let mut lists = [small.0, middle.0, large.0];
            classes.for_each_new(|buffer| put_free(&mut lists, buffer));
            own.push(lane_out);
            free.push(lists);
            shared.put_ends(ProducerEnds {
                lane: lane_in,
                free: [small.1, middle.1, large.1],
            });
        }
        let shared = Arc::new(shared);
        let ingress = Self {
            lanes: LaneSet::new(own, shared.lane.clone()),
            free,
            batch: Vec::with_capacity(BATCH_COUNT_MAX),
            shared: Arc::clone(&shared),
        };
        (ingress, IngressHandle::new(shared))
    }

    /// Takes transactions out of the lanes until the batch holds `count_max` or
    /// [`BATCH_COUNT_MAX`], or no lane has any; returns how many the batch holds.
    ///
    /// Takes none beyond that: what is not asked for stays in its lane. Transactions left over
    /// from before stand in front and count.
    pub fn pop_batch(&mut self, count_max: usize) -> usize {
        while self.batch.len() < count_max.min(BATCH_COUNT_MAX) {
            match self.lanes.pop() {
                Some((lane, item)) => self.batch.push(Taken { lane, item }),
                None => break,
            }
        }
        self.batch.len()
    }

    /// The transactions that were taken and not yet recycled, in the order of taking.
    pub fn batch(&self) -> impl ExactSizeIterator<Item = IngressItem<'_>> {
        self.batch.iter().map(|taken| IngressItem {
            canonical: taken.item.buffer.canonical(),
            account_nonce: taken.item.account_nonce,
            origin: taken.item.origin,
            hint: taken.item.hint,
            // Lanes are counted in 32 bits by `Limits`.
            lane: u32::try_from(taken.lane).unwrap_or(u32::MAX),
        })
    }

    /// Hands the buffers of the whole batch back to the lanes that they came from.
    pub fn recycle(&mut self) {
        self.recycle_first(BATCH_COUNT_MAX);
    }

    /// Hands the buffers of the first `count` transactions back; the others stay in the batch.
    ///
    /// For an owner that has to stop within a batch: the next one starts with what is left.
    pub fn recycle_first(&mut self, count: usize) {
        let count = count.min(self.batch.len());
        for Taken { lane, item } in self.batch.drain(..count) {
            match self.free.get_mut(lane) {
                Some(lists) => put_free(lists, item.buffer),
                None => self.shared.put_free(item.buffer),
            }
        }
    }

    /// Shows `visit` up to `count_max` transactions and hands their buffers back; returns how
    /// many. What an earlier batch left over comes first.
    pub fn drain(&mut self, count_max: usize, mut visit: impl FnMut(IngressItem<'_>)) -> usize {
        let mut count = 0_usize;
        while count < count_max {
            let wanted = count_max.saturating_sub(count);
            let taken = self.pop_batch(wanted).min(wanted);
            if taken == 0 {
                break;
            }
            self.batch().take(taken).for_each(&mut visit);
            self.recycle_first(taken);
            count = count.saturating_add(taken);
        }
        count
    }

    /// How many transactions wait, those in the batch included; O(lanes).
    ///
    /// Exact for what happened before the call; producers may add more at any time.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.lanes.len().saturating_add(self.batch.len())
    }
}

impl Drop for Ingress {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for Ingress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingress")
            .field("batch_len", &self.batch.len())
            .finish_non_exhaustive()
    }
}

/// Gives a buffer back to the producer whose lane these lists belong to.
fn put_free(lists: &mut FreeLists, buffer: LaneBuffer) {
    let list = lists.get_mut(buffer.class());
    let returned = list.is_some_and(|list| list.push(buffer).is_ok());
    debug_assert!(returned, "a free list has a place for each of its buffers");
}

#[cfg(all(test, not(loom)))]
mod tests;
