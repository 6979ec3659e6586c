//! Trades beside transactions and reserves of pools, for the policy that looks at them.

use hauptbuch_core::types::{
    Address, PoolReserves, RollupId, Side, Submission, Tick, TradeHint, UnixNs,
};

use crate::boundary::{Outcome, growing_output, optional_output, slice, slice_output};
use crate::coordinator::{change, hb_coordinator, parse_when_empty};
use crate::output::hb_slot;
use crate::status::hb_status;
use crate::transaction::{HB_ADDRESS_LEN, hb_admission, hb_transaction};

/// Side of a trade: it takes the pool's first token and pays with the second one.
pub const HB_SIDE_BUY: u8 = 0;
/// Side of a trade: it pays with the pool's first token.
pub const HB_SIDE_SELL: u8 = 1;

/// The trade that a transaction makes, as far as the host knows.
///
/// It is the host's word: nothing here can tell whether the payload does what it says.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_trade {
    /// The lower 64 bits of what the sender pays: of the pool's second token for a buy, of the
    /// first one for a sell.
    pub amount_low: u64,
    /// The upper 64 bits of it.
    pub amount_high: u64,
    /// The pool of two tokens that it trades with.
    pub pool: [u8; HB_ADDRESS_LEN],
    /// Which way it goes: an `HB_SIDE_` number.
    pub side: u8,
    /// 1 where there is a trade; 0 where there is none, and all else of it must be 0 then.
    pub has_trade: u8,
    /// Must be 0.
    pub reserved: [u8; 2],
}

/// What a pool of two tokens holds before a slot. All amounts must be over 0.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_pool_reserves {
    /// The lower 64 bits of what it holds of its first token.
    pub reserve0_low: u64,
    /// The upper 64 bits of that.
    pub reserve0_high: u64,
    /// The lower 64 bits of what it holds of its second token.
    pub reserve1_low: u64,
    /// The upper 64 bits of that.
    pub reserve1_high: u64,
    /// The rollup that the pool lives on.
    pub rollup: u32,
    /// Which pool.
    pub pool: [u8; HB_ADDRESS_LEN],
}

const _: () = assert!(size_of::<hb_trade>() == 40 && align_of::<hb_trade>() == 8);
const _: () = assert!(size_of::<hb_pool_reserves>() == 56 && align_of::<hb_pool_reserves>() == 8);
const _: () = assert!(HB_SIDE_BUY == Side::Buy.byte() && HB_SIDE_SELL == Side::Sell.byte());

/// Submits transactions in their order, each with its trade.
///
/// As `hb_coordinator_submit`, and `trades` has `record_count` elements too: the one at a place is
/// that of the record there. `HB_POLICY_GREEDY` refuses a transaction without one; every other
/// policy does not look at them. A trade with an unknown side, or anything in it where there is
/// none, is refused as a record is that can't be read.
/// One thread at a time. Cost: as `hb_coordinator_submit`.
///
/// Statuses: those of `hb_coordinator_submit`, and `HB_STATUS_UNKNOWN_SIDE`.
#[unsafe(no_mangle)]
#[must_use]
#[allow(clippy::too_many_arguments, reason = "a slice is two arguments in C")]
pub unsafe extern "C" fn hb_coordinator_submit_with_trades(
    coordinator: *mut hb_coordinator,
    records: *const hb_transaction,
    trades: *const hb_trade,
    record_count: usize,
    payloads: *const u8,
    payloads_len: usize,
    now_ns: u64,
    time_unix_ns: u64,
    out_admissions: *mut hb_admission,
    out_admitted_count: *mut usize,
) -> hb_status {
    if trades.is_null() && record_count > 0 {
        return hb_status::NullPointer;
    }
    // SAFETY: the header asks for it.
    unsafe {
        let records = (records, trades, record_count);
        let times = (now_ns, time_unix_ns);
        let (payloads, heard) = (
            (payloads, payloads_len),
            (out_admissions, out_admitted_count),
        );
        submit_all(coordinator, records, payloads, times, heard)
    }
}

/// Takes the next slot under `HB_POLICY_GREEDY`; under any other policy the same as
/// `hb_coordinator_take`, and `reserves` are not looked at.
///
/// `reserves` has `reserve_count` elements, at most `reserves_count_max` of the configuration, and
/// says what each pool holds before this slot, in the order of rollup and pool, each once. A trade
/// with another pool waits for a slot that names its pool. One thread at a time. Cost: as
/// `hb_coordinator_take`, and O(n log n) for n transactions of the slot.
///
/// Statuses: those of `hb_coordinator_take`, `HB_STATUS_RESERVES_INVALID`,
/// `HB_STATUS_TOO_MANY_RESERVES`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_take_with_reserves(
    coordinator: *mut hb_coordinator,
    now_ns: u64,
    time_unix_ns: u64,
    when_empty: u32,
    reserves: *const hb_pool_reserves,
    reserve_count: usize,
    out_slot: *mut hb_slot,
) -> hb_status {
    // SAFETY: the header asks for it.
    let Some(handle) = (unsafe { coordinator.as_mut() }) else {
        return hb_status::NullPointer;
    };
    let hb_coordinator {
        inner,
        reserves: table,
    } = handle;
    inner.change(|coordinator| {
        // SAFETY: the header asks for it.
        let (reserves, out) =
            unsafe { (slice(reserves, reserve_count)?, growing_output(out_slot)?) };
        let when_empty = parse_when_empty(when_empty)?;
        let reserves = if coordinator.policy().needs_hints() {
            table.fill(reserves)?
        } else {
            &[]
        };
        let (now, time) = (Tick::new(now_ns), UnixNs::new(time_unix_ns));
        let slot = coordinator.take_with_reserves(now, time, when_empty, reserves)?;
        out.write(slot.map_or(hb_slot::NONE, hb_slot::from));
        Ok(())
    })
}

/// Submits records, with a trade each unless `trades` is null.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub(crate) unsafe fn submit_all(
    coordinator: *mut hb_coordinator,
    (records, trades, record_count): (*const hb_transaction, *const hb_trade, usize),
    (payloads, payloads_len): (*const u8, usize),
    (now_ns, time_unix_ns): (u64, u64),
    (out_admissions, out_admitted_count): (*mut hb_admission, *mut usize),
) -> hb_status {
    let count_of = |is_left_out| if is_left_out { 0 } else { record_count };
    // SAFETY: passed on to the caller.
    unsafe {
        change(coordinator, |coordinator| {
            let payloads = slice(payloads, payloads_len)?;
            let records = slice(records, record_count)?;
            let trades = slice(trades, count_of(trades.is_null()))?;
            let heard_count = count_of(out_admissions.is_null());
            let mut heard = slice_output(out_admissions, heard_count)?.iter_mut();
            let out_admitted_count = optional_output(out_admitted_count)?;
            records
                .iter()
                .try_for_each(|record| record.check(payloads))?;
            trades.iter().try_for_each(hb_trade::check)?;
            let hints = trades.iter().map(hb_trade::hint);
            let hints = hints.chain(std::iter::repeat(None));
            let submissions = records.iter().zip(hints).map(|(record, hint)| Submission {
                hint,
                ..record.submission(payloads)
            });
            let (now, time) = (Tick::new(now_ns), UnixNs::new(time_unix_ns));
            let mut admitted_count = 0_usize;
            coordinator.submit_batch(submissions, now, time, |admission| {
                admitted_count += usize::from(admission.result.is_ok());
                if let Some(place) = heard.next() {
                    place.write(admission.into());
                }
            })?;
            if let Some(out) = out_admitted_count {
                out.write(admitted_count);
            }
            Ok(())
        })
    }
}

impl hb_trade {
    /// Checks what the core's types can't hold. An amount of 0 is the core's to refuse.
    fn check(&self) -> Outcome {
        let is_none = self.side == 0
            && (self.amount_low, self.amount_high) == (0, 0)
            && self.pool == [0; HB_ADDRESS_LEN];
        if self.reserved != [0; 2] || self.has_trade > 1 || (self.has_trade == 0 && !is_none) {
            return Err(hb_status::InvalidArgument);
        }
        Side::from_byte(self.side)
            .map(|_| ())
            .ok_or(hb_status::UnknownSide)
    }

    /// What the core makes of a trade that was checked.
    fn hint(&self) -> Option<TradeHint> {
        let side = Side::from_byte(self.side).filter(|_| self.has_trade == 1)?;
        Some(TradeHint {
            pool: Address::new(self.pool),
            side,
            amount: wide(self.amount_low, self.amount_high),
        })
    }
}

/// Room for the reserves of one call, because the core's layout of them is its own.
///
/// Memory: 64 bytes a pool.
#[derive(Debug)]
pub(crate) struct ReserveTable(Box<[PoolReserves]>);

impl ReserveTable {
    pub fn new(count_max: u32) -> Self {
        let none = PoolReserves {
            rollup: RollupId::ZERO,
            pool: Address::ZERO,
            reserve0: 0,
            reserve1: 0,
        };
        Self(vec![none; count_max as usize].into_boxed_slice())
    }

    /// The bytes that [`ReserveTable::new`] takes.
    pub const fn footprint_bytes(count_max: u32) -> u64 {
        (size_of::<PoolReserves>() as u64).saturating_mul(count_max as u64)
    }

    fn fill(&mut self, reserves: &[hb_pool_reserves]) -> Result<&[PoolReserves], hb_status> {
        let places = self.0.get_mut(..reserves.len());
        let places = places.ok_or(hb_status::TooManyReserves)?;
        for (place, own) in places.iter_mut().zip(reserves) {
            *place = PoolReserves {
                rollup: RollupId::new(own.rollup),
                pool: Address::new(own.pool),
                reserve0: wide(own.reserve0_low, own.reserve0_high),
                reserve1: wide(own.reserve1_low, own.reserve1_high),
            };
        }
        Ok(places)
    }
}

/// A number of 128 bits from its halves.
pub(crate) fn wide(low: u64, high: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}
