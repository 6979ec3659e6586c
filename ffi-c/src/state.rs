//! A coordinator's state as bytes, and back; and the journal of what came after.

use std::mem::MaybeUninit;

use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Code;
use hauptbuch_core::snapshot::{SnapshotError, replay};

use crate::boundary::{
    Growing, growing_output, guard, optional_output, output, slice, slice_output,
};
use crate::config::{check_allocatable, hb_config, parse};
use crate::coordinator::{change, hb_coordinator, read};
use crate::status::hb_status;

/// How much of a journal was replayed. Set `struct_size` before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_replayed {
    /// `sizeof(struct hb_replayed)`.
    pub struct_size: u32,
    /// `HB_STATUS_OK`, or what is wrong behind the good bytes; the same as the call returns.
    pub status: hb_status,
    /// Records that were replayed, the header left out.
    pub record_count: u64,
    /// Bytes of the journal that are good, the header included.
    pub good_bytes: u64,
}

// SAFETY: it is `repr(C)`, and `struct_size` comes first.
unsafe impl Growing for hb_replayed {}

const _: () = assert!(size_of::<hb_replayed>() == 24 && align_of::<hb_replayed>() == 8);

/// Bytes that a snapshot of the state as it is now would have.
///
/// One thread at a time. Cost: O(state).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_snapshot_len(
    coordinator: *const hb_coordinator,
    out_bytes_len: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            output(out_bytes_len)?.write(coordinator.snapshot_len());
            Ok(())
        })
    }
}

/// Writes the whole state as bytes, from which `hb_coordinator_restore` goes on.
///
/// Equal states give equal bytes, and nothing changes. `out_bytes_len` is written on success and
/// where the buffer is too small: it then says how many bytes it needs. A null buffer of capacity 0
/// is allowed, to ask for that. Where the state has something that no snapshot holds, the status
/// names it, and nothing is written. Lanes are never in it. One thread at a time. Cost: some passes
/// over the state, and its hash.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_BUFFER_TOO_SMALL`, `HB_STATUS_NULL_POINTER`,
/// `HB_STATUS_INVALID_ARGUMENT`, those of 230..249 for what no snapshot holds,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_snapshot(
    coordinator: *const hb_coordinator,
    buffer: *mut u8,
    buffer_capacity: usize,
    out_bytes_len: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            let places = slice_output(buffer, buffer_capacity)?;
            let out = output(out_bytes_len)?;
            let (refused, len) = (coordinator.snapshot(&mut []), coordinator.snapshot_len());
            let bytes = room_for(refused, len, places, out)?;
            coordinator.snapshot(bytes)?;
            Ok(())
        })
    }
}

/// As `hb_coordinator_snapshot`, and begins a new journal behind the snapshot: its header is what
/// `hb_coordinator_drain_journal` gives next.
///
/// Drain the old journal first, and keep it with its snapshot until the new one is durable.
/// One thread at a time. Cost: as `hb_coordinator_snapshot`.
///
/// Statuses: those of `hb_coordinator_snapshot`, and `HB_STATUS_JOURNAL_NOT_DRAINED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_checkpoint(
    coordinator: *mut hb_coordinator,
    buffer: *mut u8,
    buffer_capacity: usize,
    out_bytes_len: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let places = slice_output(buffer, buffer_capacity)?;
            let out = output(out_bytes_len)?;
            let (refused, len) = (coordinator.checkpoint(&mut []), coordinator.snapshot_len());
            let bytes = room_for(refused, len, places, out)?;
            coordinator.checkpoint(bytes)?;
            Ok(())
        })
    }
}

/// Opens a coordinator with the state of a snapshot, as `hb_coordinator_open` opens a fresh one.
///
/// The configuration must be that of the coordinator that wrote it, but for lanes, `index_key`,
/// `journal_bytes_max` and `reserves_count_max`. Clocks go on where they stood: see
/// `hb_coordinator_clocks`. Any thread. Cost: O(footprint), and the hash of each transaction.
///
/// Statuses: those of `hb_coordinator_open`; `HB_STATUS_TRUNCATED`, `HB_STATUS_TRAILING_BYTES`,
/// `HB_STATUS_UNSUPPORTED_VERSION`, and those of 600..699.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_restore(
    config: *const hb_config,
    bytes: *const u8,
    bytes_len: usize,
    out_coordinator: *mut *mut hb_coordinator,
) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it.
        let (parsed, bytes, out) = unsafe {
            (
                parse(config)?,
                slice(bytes, bytes_len)?,
                output(out_coordinator)?,
            )
        };
        check_allocatable(parsed.bytes())?;
        let restored = TransactionCoordinator::restore(&parsed.config, &parsed.limits, bytes)?;
        let reserves_count_max = parsed.reserves_count_max;
        out.write(hb_coordinator::hand_over(restored, reserves_count_max));
        Ok(())
    })
}

/// The local clock and the agreed time of the newest calls that brought them; either may be null.
///
/// After a restart they go on from here: a host whose own clock starts anew adds `now_ns` to it.
/// One thread at a time. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_clocks(
    coordinator: *const hb_coordinator,
    out_now_ns: *mut u64,
    out_time_unix_ns: *mut u64,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            let now = optional_output(out_now_ns)?;
            let time = optional_output(out_time_unix_ns)?;
            if let Some(out) = now {
                out.write(coordinator.now().get());
            }
            if let Some(out) = time {
                out.write(coordinator.time().get());
            }
            Ok(())
        })
    }
}

/// How many bytes of the journal wait to be drained.
///
/// Draining can add some hundred to them, which say that clocks moved and events were read.
/// One thread at a time. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_journal_len(
    coordinator: *const hb_coordinator,
    out_bytes_len: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            output(out_bytes_len)?.write(coordinator.journal_len());
            Ok(())
        })
    }
}

/// Moves what the journal holds to the front of the buffer, as much as fits, and says how many
/// bytes that are; 0 where nothing waits. They follow those that were moved before.
///
/// Before it acts on what a call returned, a host that must not lose it drains the journal until
/// this says 0, and makes it durable. One thread at a time. Cost: two copies, and the hash of one
/// small record.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_drain_journal(
    coordinator: *mut hb_coordinator,
    buffer: *mut u8,
    buffer_capacity: usize,
    out_bytes_len: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let places = slice_output(buffer, buffer_capacity)?;
            let out = output(out_bytes_len)?;
            // By way of memory that holds something, which the caller's need not.
            let mut chunk = [0; DRAIN_CHUNK_BYTES];
            let mut drained = 0_usize;
            for places in places.chunks_mut(DRAIN_CHUNK_BYTES) {
                let room = chunk.get_mut(..places.len()).unwrap_or_default();
                let count = coordinator.poll_journal(room);
                for (place, byte) in places.iter_mut().zip(room.iter().take(count)) {
                    place.write(*byte);
                }
                drained += count;
                if count < places.len() {
                    break;
                }
            }
            out.write(drained);
            Ok(())
        })
    }
}

/// Does again what a journal recorded, and checks that each input has the outcome that it had then.
///
/// The coordinator stands where the journal starts: `hb_coordinator_restore` put it there, or
/// `hb_coordinator_open` where the journal is the first one. What is replayed is not recorded
/// again: what `hb_coordinator_drain_journal` gives afterwards goes behind these bytes.
///
/// `out_replayed` is written on success, and where something is wrong with the journal: then it
/// says up to where all is good, and the coordinator stands exactly there, so that whoever decides
/// to cut the bytes at that place can go on. Only after `HB_STATUS_OUTCOME_DIFFERS` it refuses
/// further work. One thread at a time. Cost: that of the inputs, and one hash of the state.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_POISONED`; for the journal `HB_STATUS_TRUNCATED`,
/// `HB_STATUS_UNSUPPORTED_VERSION`, `HB_STATUS_UNKNOWN_KIND`, and those of 600..699.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_replay(
    coordinator: *mut hb_coordinator,
    bytes: *const u8,
    bytes_len: usize,
    out_replayed: *mut hb_replayed,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let (bytes, out) = (slice(bytes, bytes_len)?, growing_output(out_replayed)?);
            let replayed = replay(coordinator, bytes);
            let (status, record_count, good_bytes) = match replayed {
                Ok(whole) => (hb_status::Ok, whole.records, whole.bytes_used),
                Err(error) => (hb_status::from(error), error.records, error.at),
            };
            out.write(hb_replayed {
                struct_size: hb_replayed::SIZE,
                status,
                record_count,
                good_bytes: good_bytes as u64,
            });
            replayed.map(|_| ()).map_err(hb_status::from)
        })
    }
}

/// Bytes that are drained at once.
const DRAIN_CHUNK_BYTES: usize = 4_096;

/// The front of a caller's places as bytes that hold something, `len` of them.
///
/// `refused` is what became of an attempt without room: anything but the want of room is passed on,
/// before anything is written.
fn room_for<'a>(
    refused: Result<usize, SnapshotError>,
    len: usize,
    places: &'a mut [MaybeUninit<u8>],
    out_len: &mut MaybeUninit<usize>,
) -> Result<&'a mut [u8], hb_status> {
    match refused {
        Err(error) if error.code() != Code::BufferTooSmall => return Err(error.into()),
        _ => {}
    }
    out_len.write(len);
    let places = places.get_mut(..len).ok_or(hb_status::BufferTooSmall)?;
    places.fill(MaybeUninit::new(0));
    let first = places.as_mut_ptr().cast::<u8>();
    // SAFETY: they were all just written, and are borrowed for as long.
    Ok(unsafe { std::slice::from_raw_parts_mut(first, places.len()) })
}
