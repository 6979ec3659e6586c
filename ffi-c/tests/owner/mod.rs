//! A coordinator as a C program holds it, for tests of the functions.
#![allow(dead_code, reason = "each file of tests uses its part")]

use std::mem::MaybeUninit;
use std::ptr::null_mut;

use hauptbuch::*;

pub const TIME: u64 = 1_700_000_000_000_000_000;
/// What outputs hold before a call that must not write them.
pub const UNTOUCHED: usize = 77;

pub fn config() -> hb_config {
    let mut config = MaybeUninit::uninit();
    // SAFETY: as large as the function is told.
    let status = unsafe { hb_config_init(config.as_mut_ptr(), size_of::<hb_config>()) };
    assert_eq!(status, hb_status::Ok);
    // SAFETY: the function has filled it.
    let config = unsafe { config.assume_init() };
    hb_config {
        pending_count_max: 64,
        rollup_reserved_count: 1,
        quiet_reserved_count: 8,
        pending_bytes_max: 1 << 16,
        payload_bytes_max: 1_000,
        sender_count_max: 64,
        slot_count_max: 8,
        slot_bytes_max: 4_096,
        set_aside_count_max: 8,
        event_count_max: 16,
        ..config
    }
}

pub fn transfer(sender: u8, nonce: u64) -> hb_transaction {
    hb_transaction {
        amount_low: 0,
        amount_high: 0,
        nonce,
        fee: 1,
        gas: 21_000,
        expiry_unix_ns: u64::MAX,
        account_nonce: 0,
        payload_offset: 0,
        payload_len: 0,
        rollup: 0,
        sender: [sender; 20],
        recipient: [0; 20],
        kind: HB_TRANSACTION_PLAIN,
        has_account_nonce: 0,
        origin: 0,
        reserved: [0; 10],
    }
}

pub fn empty_slot() -> hb_slot {
    hb_slot {
        struct_size: size_of::<hb_slot>() as u32,
        transaction_count: 0,
        height: UNTOUCHED as u64,
        epoch: 0,
        time_unix_ns: 0,
        bytes_len: 0,
        hash: [0; 32],
        parent: [0; 32],
    }
}

/// A coordinator as a C program holds it.
pub struct Owner(pub *mut hb_coordinator);

impl Owner {
    pub fn new() -> Self {
        Self::with(&config())
    }

    pub fn with(config: &hb_config) -> Self {
        let mut handle = null_mut();
        // SAFETY: both lead to what the function wants.
        let status = unsafe { hb_coordinator_open(config, &mut handle) };
        assert_eq!(status, hb_status::Ok);
        Self(handle)
    }

    pub fn submit(&self, records: &[hb_transaction], payloads: &[u8]) -> (hb_status, usize) {
        let (mut admitted, len) = (UNTOUCHED, records.len());
        let (records, bytes) = (records.as_ptr(), payloads.as_ptr());
        // SAFETY: the lengths are those of the slices, and the handle is open.
        let status = unsafe {
            hb_coordinator_submit(
                self.0,
                records,
                len,
                bytes,
                payloads.len(),
                1,
                TIME,
                null_mut(),
                &mut admitted,
            )
        };
        (status, admitted)
    }

    pub fn take(&self) -> (hb_status, hb_slot) {
        let mut slot = empty_slot();
        // SAFETY: the handle is open.
        let status =
            unsafe { hb_coordinator_take(self.0, 2, TIME, HB_WHEN_EMPTY_NO_SLOT, &mut slot) };
        (status, slot)
    }

    pub fn slot_bytes(&self, height: u64, capacity: usize) -> (hb_status, usize, Vec<u8>) {
        let (mut buffer, mut len) = (vec![0xaa; capacity], UNTOUCHED);
        let place = buffer.as_mut_ptr();
        // SAFETY: the capacity is the buffer's, and the handle is open.
        let status =
            unsafe { hb_coordinator_slot_bytes(self.0, height, place, capacity, &mut len) };
        (status, len, buffer)
    }

    pub fn acknowledge(&self, height: u64) -> hb_status {
        // SAFETY: the handle is open.
        unsafe { hb_coordinator_acknowledge(self.0, height, 2) }
    }

    pub fn drain(&self, capacity: usize) -> Vec<hb_event> {
        let mut events = Vec::with_capacity(capacity);
        let mut count = UNTOUCHED;
        // SAFETY: the vector has room for as many, and the handle is open.
        unsafe {
            let place = events.as_mut_ptr();
            let status = hb_coordinator_drain_events(self.0, place, capacity, &mut count);
            assert_eq!(status, hb_status::Ok);
            events.set_len(count);
        }
        events
    }

    pub fn counters(&self) -> hb_counters {
        let mut counters = MaybeUninit::<hb_counters>::zeroed();
        let place = counters.as_mut_ptr();
        // SAFETY: all of its fields may be 0, the handle is open.
        unsafe {
            (*place).struct_size = size_of::<hb_counters>() as u32;
            assert_eq!(hb_coordinator_counters(self.0, place), hb_status::Ok);
            counters.assume_init()
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: it is open, and not used afterwards.
        unsafe { hb_coordinator_close(self.0) }
    }
}
