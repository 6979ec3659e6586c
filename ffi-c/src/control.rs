//! Verbs that no slot is part of: cancelling, and pushing back.

use hauptbuch_core::coordinator::Pressure;
use hauptbuch_core::pool::Cancelled;
use hauptbuch_core::types::{Address, Fee, Nonce, RollupId, TxId};

use crate::boundary::{Growing, Input, array, growing_output, guard, input, optional_output};
use crate::config::{hb_config, parse};
use crate::coordinator::{change, hb_coordinator, read};
use crate::status::hb_status;
use crate::transaction::{HB_ADDRESS_LEN, HB_HASH_LEN};

/// The highest level of pressure.
pub const HB_PRESSURE_LEVEL_MAX: u32 = 3;

/// How hard a node pushes back at the moment: what it admits, and how much it takes into one slot.
/// It never changes what is valid.
///
/// Values above a limit, and a fee below the configured floor, have no effect.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_pressure {
    /// `sizeof(struct hb_pressure)`.
    pub struct_size: u32,
    /// Transactions in one slot, over all rollups.
    pub slot_count_max: u32,
    /// Gas of the transactions in one slot.
    pub slot_gas_max: u64,
    /// The lowest fee per gas that is admitted.
    pub fee_floor: u64,
    /// Bytes of transactions in one slot, in their canonical encoding.
    pub slot_bytes_max: u32,
    /// 1 where nothing is admitted that would wait for a missing nonce, else 0.
    pub refuses_gaps: u8,
    /// Must be 0.
    pub reserved: [u8; 3],
}

// SAFETY: it is `repr(C)`, and `struct_size` comes first.
unsafe impl Growing for hb_pressure {}
// SAFETY: it consists of integers.
unsafe impl Input for hb_pressure {
    fn before_growth() -> Self {
        Pressure::NONE.into()
    }
}

const _: () = assert!(size_of::<hb_pressure>() == 32 && align_of::<hb_pressure>() == 8);
const _: () = assert!(HB_PRESSURE_LEVEL_MAX == Pressure::LEVEL_MAX as u32);

/// Cancels a transaction by its identity.
///
/// `id` has `HB_HASH_LEN` bytes. A leg takes its whole bundle with it; a forced input can't be
/// cancelled. `out_has_ended` (may be null) says whether the transaction waited and has ended now,
/// with an event. Where it does not, the pool did not know it: should it come, it is refused with
/// `HB_STATUS_CANCELLED_BEFORE`, until `cancel_count_max` others were cancelled so.
/// One thread at a time. Cost: O(log n).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_TAKEN_ALREADY`, `HB_STATUS_ENDED_ALREADY`, `HB_STATUS_NOT_CANCELLABLE`,
/// `HB_STATUS_EVENTS_FULL`, `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_POISONED`. Nothing changes unless
/// it is the first.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_cancel(
    coordinator: *mut hb_coordinator,
    id: *const u8,
    out_has_ended: *mut bool,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let id = TxId::new(array::<HB_HASH_LEN>(id)?);
            let out = optional_output(out_has_ended)?;
            let cancelled = coordinator.cancel(id)?;
            if let Some(out) = out {
                out.write(matches!(cancelled, Cancelled::Now(_)));
            }
            Ok(())
        })
    }
}

/// Cancels whichever transaction of a sender has this nonce, bundles and forced inputs left out.
///
/// `sender` has `HB_ADDRESS_LEN` bytes. `out_has_ended` (may be null) is as for
/// `hb_coordinator_cancel`; `out_id` (may be null) has `HB_HASH_LEN` bytes and says which
/// transaction has ended, or is zero. One thread at a time. Cost: O(log n).
///
/// Statuses: those of `hb_coordinator_cancel`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_cancel_nonce(
    coordinator: *mut hb_coordinator,
    rollup: u32,
    sender: *const u8,
    nonce: u64,
    out_has_ended: *mut bool,
    out_id: *mut u8,
) -> hb_status {
    // SAFETY: the header asks for it; an array of bytes is as aligned as a byte.
    unsafe {
        change(coordinator, |coordinator| {
            let sender = Address::new(array::<HB_ADDRESS_LEN>(sender)?);
            let out_has_ended = optional_output(out_has_ended)?;
            let out_id = optional_output(out_id.cast::<[u8; HB_HASH_LEN]>())?;
            let (rollup, nonce) = (RollupId::new(rollup), Nonce::new(nonce));
            let ended = match coordinator.cancel_nonce(rollup, sender, nonce)? {
                Cancelled::Now(id) => Some(id),
                Cancelled::OnArrival => None,
            };
            if let Some(out) = out_has_ended {
                out.write(ended.is_some());
            }
            if let Some(out) = out_id {
                out.write(*ended.unwrap_or_default().as_bytes());
            }
            Ok(())
        })
    }
}

/// Fills in a level of pressure: 0 for none, and 1, 2 and 3 for three quarters, half and a quarter
/// of a slot, with a fee floor of 2, 4 and 16 times the configured one and at least 1, 2 and 8;
/// from 2 on nothing is admitted that would wait for a missing nonce.
///
/// A level above `HB_PRESSURE_LEVEL_MAX` is the same as that. Any thread. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, and those of `hb_coordinator_open`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_pressure_level(
    config: *const hb_config,
    level: u32,
    out_pressure: *mut hb_pressure,
) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it.
        let (parsed, out) = unsafe { (parse(config)?, growing_output(out_pressure)?) };
        let level = u8::try_from(level).unwrap_or(Pressure::LEVEL_MAX);
        let floor = Fee::new(parsed.config.fee_floor.get());
        out.write(Pressure::level(level, &parsed.limits, floor).into());
        Ok(())
    })
}

/// Sets how hard the node pushes back from the next submission and the next slot on.
///
/// A slot that is open keeps the room that it had, and what is in the pool stays there.
/// One thread at a time. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_POISONED`. Nothing changes
/// unless it is the first.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_set_pressure(
    coordinator: *mut hb_coordinator,
    pressure: *const hb_pressure,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            coordinator.set_pressure(input(pressure)?.parse()?)?;
            Ok(())
        })
    }
}

/// The pressure of the moment.
///
/// One thread at a time. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_pressure(
    coordinator: *const hb_coordinator,
    out_pressure: *mut hb_pressure,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            growing_output(out_pressure)?.write((*coordinator.pressure()).into());
            Ok(())
        })
    }
}

impl hb_pressure {
    fn parse(self) -> Result<Pressure, hb_status> {
        if self.reserved != [0; 3] || self.refuses_gaps > 1 {
            return Err(hb_status::InvalidArgument);
        }
        Ok(Pressure {
            slot_count_max: self.slot_count_max,
            slot_bytes_max: self.slot_bytes_max,
            slot_gas_max: self.slot_gas_max,
            fee_floor: Fee::new(self.fee_floor),
            refuses_gaps: self.refuses_gaps == 1,
        })
    }
}

impl From<Pressure> for hb_pressure {
    fn from(pressure: Pressure) -> Self {
        Self {
            struct_size: Self::SIZE,
            slot_count_max: pressure.slot_count_max,
            slot_gas_max: pressure.slot_gas_max,
            fee_floor: pressure.fee_floor.get(),
            slot_bytes_max: pressure.slot_bytes_max,
            refuses_gaps: u8::from(pressure.refuses_gaps),
            reserved: [0; 3],
        }
    }
}
