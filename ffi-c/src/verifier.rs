//! A follower: checks slots that somebody else built.

use hauptbuch_core::batch::SlotVerifier;

use crate::boundary::{Guarded, growing_output, guard, output, slice};
use crate::config::{Parsed, check_allocatable, hb_config, parse};
use crate::output::{hb_verified_slot, hb_verify_fault};
use crate::status::hb_status;

/// Follows a chain of slots with nothing but the configuration, and says of each whether an honest
/// sequencer could have built it. Open it with `hb_verifier_open`.
pub struct hb_verifier(Guarded<SlotVerifier>);

/// The thread that uses a handle may change.
const _: () = {
    const fn may_move<T: Send>() {}
    may_move::<hb_verifier>();
};

/// The bytes that `hb_verifier_open` takes from the allocator with this configuration.
///
/// It is exact, and nothing is allocated afterwards. Any thread. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, and those of `hb_verifier_open`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_verifier_footprint(
    config: *const hb_config,
    out_bytes: *mut u64,
) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it.
        let (parsed, out) = unsafe { (parse(config)?, output(out_bytes)?) };
        let bytes = SlotVerifier::footprint_bytes(&parsed.limits);
        out.write(bytes.saturating_add(size_of::<hb_verifier>() as u64));
        Ok(())
    })
}

/// Opens a verifier that starts before the first slot of the network.
///
/// The caller owns it and closes it with `hb_verifier_close`. Any thread. Cost: O(footprint).
///
/// Statuses: those of `hb_coordinator_open`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_verifier_open(
    config: *const hb_config,
    out_verifier: *mut *mut hb_verifier,
) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it.
        let (parsed, out) = unsafe { (parse(config)?, output(out_verifier)?) };
        let Parsed { config, limits, .. } = parsed;
        check_allocatable(SlotVerifier::footprint_bytes(&limits))?;
        let verifier = hb_verifier(Guarded::new(SlotVerifier::new(&config, &limits)));
        out.write(Box::into_raw(Box::new(verifier)));
        Ok(())
    })
}

/// Checks the next slot, and moves on to it.
///
/// `out_slot` is written on success. Where the slot is bad, the status says what is wrong with it,
/// `out_fault` (may be null) where, and the verifier stays before it. Nothing else writes
/// `out_fault`. One thread at a time. Cost: one hash and some comparisons a transaction.
///
/// Statuses: `HB_STATUS_OK`; those of 400..599 for a bad slot; `HB_STATUS_NULL_POINTER`,
/// `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_verifier_verify(
    verifier: *mut hb_verifier,
    bytes: *const u8,
    bytes_len: usize,
    out_slot: *mut hb_verified_slot,
    out_fault: *mut hb_verify_fault,
) -> hb_status {
    // SAFETY: the header asks for it.
    let Some(verifier) = (unsafe { verifier.as_mut() }) else {
        return hb_status::NullPointer;
    };
    verifier.0.change(|verifier| {
        // SAFETY: the header asks for it.
        let (bytes, out) = unsafe { (slice(bytes, bytes_len)?, growing_output(out_slot)?) };
        let out_fault = if out_fault.is_null() {
            None
        } else {
            // SAFETY: the header asks for it.
            Some(unsafe { growing_output(out_fault) }?)
        };
        match verifier.verify(bytes) {
            Ok(slot) => {
                out.write(slot.into());
                Ok(())
            }
            Err(error) => {
                if let Some(out_fault) = out_fault {
                    out_fault.write(error.into());
                }
                Err(hb_status::of(error.code))
            }
        }
    })
}

/// Closes a verifier and frees its memory; null is allowed and does nothing.
///
/// Afterwards the handle must not be used. No other call with it may run. Cost: O(1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hb_verifier_close(verifier: *mut hb_verifier) {
    if !verifier.is_null() {
        // SAFETY: it came from `hb_verifier_open`, which took it from a box, and is used once.
        drop(unsafe { Box::from_raw(verifier) });
    }
}
