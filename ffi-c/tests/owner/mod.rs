//! A coordinator as a C program holds it, for tests of the functions.
#![allow(dead_code, reason = "each file of tests uses its part")]

use std::mem::MaybeUninit;
use std::ptr::null_mut;

use hauptbuch::*;

pub const TIME: u64 = 1_700_000_000_000_000_000;
/// The local clock, which stands still.
pub const NOW: u64 = 2;
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
                NOW,
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
            unsafe { hb_coordinator_take(self.0, NOW, TIME, HB_WHEN_EMPTY_NO_SLOT, &mut slot) };
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
        unsafe { hb_coordinator_acknowledge(self.0, height, NOW) }
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

impl Owner {
    pub fn admit(&self, record: hb_transaction) -> [u8; 32] {
        let mut heard = MaybeUninit::<hb_admission>::uninit();
        let place = heard.as_mut_ptr();
        // SAFETY: one record and one answer, and the handle is open.
        let heard = unsafe {
            let (none, count) = (std::ptr::null(), null_mut());
            let status =
                hb_coordinator_submit(self.0, &record, 1, none, 0, NOW, TIME, place, count);
            assert_eq!(status, hb_status::Ok);
            heard.assume_init()
        };
        assert_eq!(heard.status, hb_status::Admitted);
        heard.id
    }

    pub fn force(&self, record: hb_transaction, index: u64) -> (hb_status, [u8; 32]) {
        let mut id = [0; 32];
        // SAFETY: one record, 32 bytes for its id, and the handle is open.
        let status = unsafe {
            let (none, place) = (std::ptr::null(), id.as_mut_ptr());
            let deadline = TIME + 1_000;
            hb_coordinator_submit_forced(
                self.0, &record, none, 0, index, deadline, NOW, TIME, place,
            )
        };
        (status, id)
    }

    /// Hands in a bundle; returns what is told of it and of the leg to blame.
    pub fn bundle(&self, legs: &[hb_transaction]) -> (hb_status, [u8; 32], u32) {
        let (mut id, mut leg) = ([0; 32], UNTOUCHED as u32);
        let (first, none, expiry) = (legs.as_ptr(), std::ptr::null(), TIME + 1_000);
        let place = id.as_mut_ptr();
        // SAFETY: as many legs as it says, 32 bytes for the id, and the handle is open.
        let status = unsafe {
            let count = legs.len();
            hb_coordinator_submit_bundle(
                self.0, first, count, none, 0, expiry, NOW, TIME, place, &mut leg,
            )
        };
        (status, id, leg)
    }

    /// Cancels by identity; returns what is told of whether it has ended.
    pub fn cancel(&self, id: &[u8; 32]) -> (hb_status, bool) {
        let mut has_ended = false;
        // SAFETY: the id has 32 bytes, and the handle is open.
        let status = unsafe { hb_coordinator_cancel(self.0, id.as_ptr(), &mut has_ended) };
        (status, has_ended)
    }

    pub fn roll_back(&self, height: u64) -> hb_status {
        // SAFETY: the handle is open.
        unsafe { hb_coordinator_roll_back(self.0, height, null_mut()) }
    }

    pub fn snapshot_len(&self) -> usize {
        let mut len = UNTOUCHED;
        // SAFETY: the handle is open.
        let status = unsafe { hb_coordinator_snapshot_len(self.0, &mut len) };
        assert_eq!(status, hb_status::Ok);
        len
    }

    pub fn snapshot(&self) -> Vec<u8> {
        let (mut bytes, mut len) = (vec![0xaa; self.snapshot_len()], 0);
        let place = bytes.as_mut_ptr();
        // SAFETY: the capacity is the buffer's, and the handle is open.
        let status = unsafe { hb_coordinator_snapshot(self.0, place, bytes.len(), &mut len) };
        assert_eq!((status, len), (hb_status::Ok, bytes.len()));
        bytes
    }

    pub fn restored(config: &hb_config, bytes: &[u8]) -> Self {
        let mut handle = null_mut();
        // SAFETY: the bytes are as many as it says, and the rest leads to what is wanted.
        let status =
            unsafe { hb_coordinator_restore(config, bytes.as_ptr(), bytes.len(), &mut handle) };
        assert_eq!(status, hb_status::Ok);
        Self(handle)
    }

    /// What the journal holds, drained in pieces of `capacity` bytes.
    pub fn journal(&self, capacity: usize) -> Vec<u8> {
        let mut journal = Vec::new();
        loop {
            let (mut piece, mut len) = (vec![0; capacity], UNTOUCHED);
            let place = piece.as_mut_ptr();
            // SAFETY: the capacity is the buffer's, and the handle is open.
            let status = unsafe { hb_coordinator_drain_journal(self.0, place, capacity, &mut len) };
            assert_eq!(status, hb_status::Ok);
            if len == 0 {
                return journal;
            }
            journal.extend_from_slice(&piece[..len]);
        }
    }

    pub fn replay(&self, journal: &[u8]) -> (hb_status, hb_replayed) {
        let mut replayed = hb_replayed {
            struct_size: size_of::<hb_replayed>() as u32,
            status: hb_status::Panicked,
            record_count: UNTOUCHED as u64,
            good_bytes: UNTOUCHED as u64,
        };
        let (bytes, len) = (journal.as_ptr(), journal.len());
        // SAFETY: the bytes are as many as it says, and the handle is open.
        let status = unsafe { hb_coordinator_replay(self.0, bytes, len, &mut replayed) };
        (status, replayed)
    }
}

/// A verifier as a C program holds it.
pub struct Follower(*mut hb_verifier);

impl Follower {
    pub fn with(config: &hb_config) -> Self {
        let mut handle = null_mut();
        // SAFETY: both lead to what the function wants.
        let status = unsafe { hb_verifier_open(config, &mut handle) };
        assert_eq!(status, hb_status::Ok);
        Self(handle)
    }

    pub fn verify(&self, bytes: &[u8]) -> hb_status {
        let mut slot = MaybeUninit::<hb_verified_slot>::zeroed();
        let place = slot.as_mut_ptr();
        // SAFETY: all of its fields may be 0, the bytes are as many as it says.
        unsafe {
            (*place).struct_size = size_of::<hb_verified_slot>() as u32;
            hb_verifier_verify(self.0, bytes.as_ptr(), bytes.len(), place, null_mut())
        }
    }

    /// Follows a slot in flight, and ends it.
    pub fn follow(&self, owner: &Owner, slot: &hb_slot) {
        let (status, len, bytes) = owner.slot_bytes(slot.height, slot.bytes_len as usize);
        assert_eq!((status, len), (hb_status::Ok, bytes.len()));
        assert_eq!(self.verify(&bytes), hb_status::Ok);
        assert_eq!(owner.acknowledge(slot.height), hb_status::Ok);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // SAFETY: it is open, and not used afterwards.
        unsafe { hb_verifier_close(self.0) }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: it is open, and not used afterwards.
        unsafe { hb_coordinator_close(self.0) }
    }
}
