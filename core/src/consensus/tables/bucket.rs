//! Token buckets, one a peer: how much work each may cause.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::consensus::Rate;
use crate::types::{MemberIndex, Tick};

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u16,
    filled_at: Tick,
}

/// A bucket for each peer.
#[derive(Clone, Debug)]
pub(in crate::consensus) struct Buckets {
    buckets: Box<[Bucket]>,
    rate: Rate,
}

impl Buckets {
    /// Makes full buckets.
    pub fn new(rate: Rate, member_count: u16) -> Self {
        let full = Bucket {
            tokens: rate.burst_count,
            filled_at: Tick::ZERO,
        };
        Self {
            buckets: fixed_slice(usize::from(member_count), full),
            rate,
        }
    }

    /// The bytes that [`Buckets::new`] takes.
    pub const fn footprint_bytes(member_count: u16) -> u64 {
        fixed_slice_bytes::<Bucket>(member_count as usize)
    }

    /// Fills all buckets: other peers stand behind them now.
    pub fn fill(&mut self, now: Tick) {
        self.buckets.fill(Bucket {
            tokens: self.rate.burst_count,
            filled_at: now,
        });
    }

    /// Takes a token; false where there is none.
    pub fn take(&mut self, peer: MemberIndex, now: Tick) -> bool {
        let has_any = self.has_any(peer, now);
        if has_any {
            self.buckets[usize::from(peer.get())].tokens -= 1;
        }
        has_any
    }

    /// Whether there is one.
    pub fn has_any(&mut self, peer: MemberIndex, now: Tick) -> bool {
        let bucket = &mut self.buckets[usize::from(peer.get())];
        // A division only where a bucket is low: most peers never see the bottom of theirs.
        if bucket.tokens < self.rate.burst_count {
            let passed_ns = now.saturating_distance(bucket.filled_at);
            let gained = passed_ns / self.rate.refill_ns.max(1);
            let missing = self.rate.burst_count - bucket.tokens;
            if gained >= u64::from(missing) {
                bucket.tokens = self.rate.burst_count;
                bucket.filled_at = now;
            } else {
                bucket.tokens += gained as u16;
                let spent_ns = gained * self.rate.refill_ns;
                bucket.filled_at = bucket.filled_at.saturating_add(spent_ns);
            }
        } else {
            bucket.filled_at = now;
        }
        bucket.tokens > 0
    }
}
