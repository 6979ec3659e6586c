//! What the program does, in words that need only the core: the test runs it under the standard
//! library too, and compares.

use hauptbuch_core::batch::SlotVerifier;
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Hash, Nonce, Submission, Tick, Transaction, UnixNs,
};

/// How many slots the scenario takes.
pub const SLOT_COUNT: usize = 4;

/// Limits small enough for a program with 1 MiB of memory.
fn limits() -> Limits {
    Limits {
        pending_count_max: 64,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        origin_count_max: 1,
        seen_count_max: 16,
        cancel_count_max: 4,
        hint_count_max: 0,
        pending_bytes_max: 64 << 10,
        payload_bytes_max: 1_024,
        sender_count_max: 16,
        slot_count_max: 8,
        slot_bytes_max: 4_096,
        set_aside_count_max: 4,
        event_count_max: 64,
        producer_count_max: 1,
        lane_count_max: 8,
        shared_lane_count_max: 0,
        lane_buffer_counts: [8, 1, 1],
        forced_count_max: 0,
        bundle_count_max: 0,
        ..Limits::default()
    }
}

/// Submits, takes, verifies and acknowledges; returns the hashes of the slots.
pub fn run() -> Result<[Hash; SLOT_COUNT], Code> {
    let config = Config {
        policy: Policy::PriorityFee,
        ..Config::default()
    };
    let limits = limits();
    let mut coordinator =
        TransactionCoordinator::new(&config, &limits).map_err(|error| error.code())?;
    let mut verifier = SlotVerifier::new(&config, &limits);
    let mut hashes = [Hash::ZERO; SLOT_COUNT];
    for (at, hash) in (0..).zip(&mut hashes) {
        let now = Tick::new(at);
        let time = UnixNs::new(1_700_000_000_000_000_000 + at);
        submit(&mut coordinator, at, now, time)?;
        let slot = coordinator
            .take(now, time, WhenEmpty::EmptySlot)
            .map_err(|error| error.code())?
            .ok_or(Code::UnknownSlot)?;
        let height = slot.header.height;
        *hash = slot.hash;
        let verified = verifier.verify(slot.bytes).map_err(|error| error.code)?;
        if verified.hash != *hash {
            return Err(Code::WrongParent);
        }
        coordinator
            .acknowledge(height, now)
            .map_err(|error| error.code())?;
        while coordinator.poll_event().is_some() {}
    }
    Ok(hashes)
}

/// Ten transactions of five senders, so that some wait for the next slot.
fn submit(
    coordinator: &mut TransactionCoordinator,
    slot: u64,
    now: Tick,
    time: UnixNs,
) -> Result<(), Code> {
    for number in 0..10_u64 {
        let envelope = Envelope {
            sender: Address::new([(number % 5) as u8; 20]),
            nonce: Nonce::new(slot * 2 + number / 5),
            fee: Fee::new(1 + number * 7 % 4),
            gas: Gas::new(21_000),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let transaction = Transaction {
            envelope,
            payload: &[number as u8; 100],
        };
        coordinator.submit(&Submission::from(transaction), now, time)?;
    }
    Ok(())
}
