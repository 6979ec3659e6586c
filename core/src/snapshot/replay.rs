//! Does again what a journal recorded.

use super::{JournalError, JournalFault};
use crate::batch::SlotContext;
use crate::coordinator::{AdoptError, KnownPools, Pressure, TransactionCoordinator, WhenEmpty};
use crate::error::Code;
use crate::ingress::IngressItem;
use crate::journal::{
    Clocks, HEADER_LEN, Header, Record, SliceRoom, Stamped, VERSION, chained, decode_stamped,
};
use crate::ordering::SlotRoom;
use crate::pool::{Cancelled, ForcedError};
use crate::types::{Envelope, Hash, Height, Submission, Tick, Transaction, TxId, UnixNs};

/// How much of a journal was replayed: all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Records, the header left out.
    pub records: u64,
    /// Bytes, the header included.
    pub bytes_used: usize,
}

/// Does again what the journal `bytes` recorded, and checks that each input has the outcome that it
/// had then. Records that are replayed are not recorded again: what
/// [`poll_journal`](TransactionCoordinator::poll_journal) gives afterwards goes behind `bytes`.
///
/// The coordinator stands where the journal starts, as
/// [`restore`](TransactionCoordinator::restore) left it. Cost: that of the inputs, and the hash of
/// the state once.
///
/// # Errors
/// A [`JournalError`]: its offset says up to where all is good, and the coordinator stands there.
/// What is wrong with a record is found before it is done, but for
/// [`JournalFault::OutcomeDiffers`]: then the coordinator refuses further work. With an error in
/// the header, nothing changes.
pub fn replay(
    coordinator: &mut TransactionCoordinator,
    bytes: &[u8],
) -> Result<Replayed, JournalError> {
    let at_start = |why| JournalError {
        at: 0,
        records: 0,
        why,
    };
    if coordinator.is_poisoned() {
        return Err(at_start(JournalFault::Poisoned));
    }
    let mut chain = check_header(coordinator, bytes).map_err(at_start)?;
    coordinator.journal_mut().pause();
    let (mut at, mut records) = (HEADER_LEN, 0_u64);
    let result = loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            break Ok(());
        }
        match replay_record(coordinator, rest, chain) {
            Ok((len, checksum)) => {
                at = at.saturating_add(len);
                records = records.saturating_add(1);
                chain = checksum;
            }
            Err(why) => break Err(JournalError { at, records, why }),
        }
    };
    let clocks = Clocks {
        now: coordinator.now(),
        time: coordinator.time(),
    };
    coordinator.journal_mut().go_on(chain, clocks);
    result.map(|()| Replayed {
        records,
        bytes_used: at,
    })
}

/// Whether the journal belongs to this coordinator as it stands; returns the header's checksum.
fn check_header(coordinator: &TransactionCoordinator, bytes: &[u8]) -> Result<Hash, JournalFault> {
    match bytes.first() {
        None => return Err(JournalFault::Truncated),
        Some(version) if *version != VERSION => return Err(JournalFault::UnsupportedVersion),
        Some(_) => {}
    }
    let bytes = bytes
        .first_chunk::<HEADER_LEN>()
        .ok_or(JournalFault::Truncated)?;
    let header = Header::decode(bytes).ok_or(JournalFault::UnsupportedVersion)?;
    if header.encode() != *bytes {
        return Err(JournalFault::Corrupt);
    }
    let own = coordinator.identity();
    if header.identity.genesis != own.genesis {
        Err(JournalFault::WrongNetwork)
    } else if header.identity.settings != own.settings {
        Err(JournalFault::WrongSettings)
    } else if header.snapshot != coordinator.state_hash() {
        Err(JournalFault::WrongSnapshot)
    } else {
        Ok(header.checksum())
    }
}

/// Replays the record at the front of `bytes`; returns its length and its checksum.
fn replay_record(
    coordinator: &mut TransactionCoordinator,
    bytes: &[u8],
    chain: Hash,
) -> Result<(usize, Hash), JournalFault> {
    let (length, _) = bytes
        .split_first_chunk::<LENGTH_LEN>()
        .ok_or(JournalFault::Truncated)?;
    let length = u32::from_le_bytes(*length);
    if u64::from(length) > coordinator.journal_record_bytes_max() || (length as usize) < Hash::LEN {
        return Err(JournalFault::Corrupt);
    }
    let len = LENGTH_LEN.saturating_add(length as usize);
    let record = bytes.get(..len).ok_or(JournalFault::Truncated)?;
    let (content, checksum) = record
        .split_last_chunk::<{ Hash::LEN }>()
        .ok_or(JournalFault::Truncated)?;
    let checksum = Hash::new(*checksum);
    if chained(chain, content) != checksum {
        return Err(JournalFault::Corrupt);
    }
    let fields = content.get(LENGTH_LEN..).unwrap_or_default();
    let stamped = decode_stamped(fields).map_err(|error| match error.code() {
        Code::UnknownKind => JournalFault::UnknownKind,
        _ => JournalFault::Inconsistent,
    })?;
    check_possible(coordinator, &stamped)?;
    if do_again(coordinator, &stamped) == Some(()) {
        Ok((len, checksum))
    } else {
        coordinator.poison();
        Err(JournalFault::OutcomeDiffers)
    }
}

/// Bytes of a record's length.
const LENGTH_LEN: usize = size_of::<u32>();

/// Whether a record can follow here at all.
fn check_possible(
    coordinator: &TransactionCoordinator,
    stamped: &Stamped<'_>,
) -> Result<(), JournalFault> {
    let Clocks { now, time } = stamped.clocks;
    let goes_on = now >= coordinator.now() && time >= coordinator.time();
    let is_possible = match stamped.record {
        Record::Gathered { read_count } => read_count as usize <= coordinator.event_count(),
        Record::BundleMisshapen { outcome } => matches!(
            outcome,
            Code::BundleEmpty | Code::BundleTooLong | Code::BundleTooLarge | Code::PayloadTooLarge
        ),
        _ => true,
    };
    if goes_on && is_possible {
        Ok(())
    } else {
        Err(JournalFault::Inconsistent)
    }
}

/// Does an input again; nothing where it has another outcome.
fn do_again(coordinator: &mut TransactionCoordinator, stamped: &Stamped<'_>) -> Option<()> {
    let Clocks { now, time } = stamped.clocks;
    coordinator.replay_clocks(stamped.clocks);
    let is_same = match stamped.record {
        Record::Gathered { read_count } => {
            (0..read_count).all(|_| coordinator.poll_event().is_some())
        }
        Record::Submitted {
            is_from_lane,
            is_logged,
            account_nonce,
            origin,
            hint,
            outcome,
            canonical,
        } => {
            let item = IngressItem {
                canonical,
                account_nonce,
                origin,
                lane: 0,
                hint,
            };
            coordinator.replay_submitted(is_from_lane, is_logged, &item) == Some(outcome)
        }
        Record::TooLong => {
            coordinator.replay_too_long();
            true
        }
        Record::Taken {
            is_empty_wanted,
            outcome,
            pools,
            last_pool,
        } => {
            let when_empty = when_empty(is_empty_wanted);
            let known = KnownPools {
                pools,
                last: last_pool,
            };
            let taken = coordinator.take_knowing(now, time, when_empty, known);
            taken.ok()?.map(|slot| (slot.header.height, slot.hash)) == outcome
        }
        Record::Drained {
            time,
            outcome,
            bytes,
        } => {
            let height = coordinator.take_recorded(now, time, bytes).ok()?;
            (height, coordinator.tip().hash) == outcome
        }
        Record::Adopted { outcome, bytes } => adopt_again(coordinator, now, outcome, bytes),
        Record::Acknowledged { height } => coordinator.acknowledge(height, now).is_ok(),
        Record::RolledBack { height, slot_count } => {
            coordinator.roll_back(height) == Ok(slot_count as usize)
        }
        Record::UnreadyExpired { .. }
        | Record::Cancelled { .. }
        | Record::NonceCancelled { .. }
        | Record::LogMarked { .. }
        | Record::ContextSet { .. }
        | Record::PressureSet { .. } => do_verb_again(coordinator, &stamped.record)?,
        Record::SlotOpened { .. }
        | Record::SliceAdded { .. }
        | Record::SetFixed { .. }
        | Record::Sealed { .. } => do_open_again(coordinator, stamped)?,
        ref outside => do_outside_again(coordinator, outside, stamped.clocks)?,
    };
    is_same.then_some(())
}

/// The same for a slot of somebody else; whether it came to the same.
fn adopt_again(
    coordinator: &mut TransactionCoordinator,
    now: Tick,
    outcome: Option<(Height, Hash)>,
    bytes: &[u8],
) -> bool {
    match coordinator.adopt(bytes, now) {
        Ok(adopted) => Some((adopted.header.height, adopted.hash)) == outcome,
        Err(error) => error == AdoptError::EventsFull && outcome.is_none(),
    }
}

/// The same for what is done to a slot that is open.
fn do_open_again(coordinator: &mut TransactionCoordinator, stamped: &Stamped<'_>) -> Option<bool> {
    let Clocks { now, time } = stamped.clocks;
    Some(match stamped.record {
        Record::SlotOpened { height } => coordinator.open_slot(now, time) == Ok(height),
        Record::SliceAdded {
            room: SliceRoom { count, bytes, gas },
            count: added,
            running_hash,
        } => {
            let slice = coordinator.add_slice(now, SlotRoom { count, bytes, gas });
            let slice = slice.ok()?;
            let hashes = slice.as_ref().and_then(|slice| {
                let mut newest = slice.receipts.iter().rev();
                newest.find(|own| own.transaction_count > 0)
            });
            hashes.map_or(Hash::ZERO, |own| own.running_hash) == running_hash
                && slice.map_or(0, |slice| slice.transactions.len()) == added as usize
        }
        Record::SetFixed {
            is_empty_wanted,
            outcome,
        } => {
            let set = coordinator.fix_set(now, time, when_empty(is_empty_wanted));
            set.ok()?.map(|set| (set.height, set.root)) == outcome
        }
        Record::Sealed { seed, hash } => {
            let sealed = match seed {
                Some(seed) => coordinator.seal_with_seed(seed),
                None => coordinator.seal(),
            };
            sealed.ok()?.hash == hash
        }
        _ => false,
    })
}

/// The same for forced inputs and bundles.
fn do_outside_again(
    coordinator: &mut TransactionCoordinator,
    outside: &Record<'_>,
    Clocks { now, time }: Clocks,
) -> Option<bool> {
    Some(match *outside {
        Record::ForcedSubmitted {
            index,
            deadline,
            account_nonce,
            outcome,
            canonical,
        } => {
            let transaction = Transaction::decode(canonical, u32::MAX).ok()?;
            let submission = Submission {
                account_nonce,
                ..Submission::from(transaction)
            };
            let result = coordinator.submit_forced(&submission, index, deadline, now, time);
            result.err().map_or(Code::Admitted, ForcedError::code) == outcome
        }
        Record::ForcedTooLarge {
            rollup,
            id,
            index,
            outcome,
        } => {
            let envelope = Envelope {
                rollup,
                ..Envelope::default()
            };
            let payload = &[];
            let submission = Submission::from(Transaction { envelope, payload });
            let result = coordinator.admit_forced(id, &submission, index, UnixNs::ZERO, false);
            result.err().map_or(Code::Admitted, ForcedError::code) == outcome
        }
        Record::BundleSubmitted {
            expiry,
            outcome,
            blamed,
            legs,
        } => {
            let legs = legs.decoded().ok()?;
            let refusal = coordinator.submit_bundle(&legs, expiry, now, time).err();
            refusal.map_or(Code::Admitted, |refusal| refusal.code) == outcome
                && refusal.and_then(|refusal| refusal.leg) == blamed
        }
        Record::BundleMisshapen { outcome } => {
            coordinator.count_submitted(1, outcome);
            true
        }
        _ => false,
    })
}

const fn when_empty(is_empty_wanted: bool) -> WhenEmpty {
    if is_empty_wanted {
        WhenEmpty::EmptySlot
    } else {
        WhenEmpty::NoSlot
    }
}

/// The same for verbs that no slot is part of.
fn do_verb_again(coordinator: &mut TransactionCoordinator, verb: &Record<'_>) -> Option<bool> {
    Some(match *verb {
        Record::UnreadyExpired {
            ended_count,
            is_finished,
        } => {
            let progress = coordinator.expire_unready();
            progress.ended == ended_count as usize && progress.is_finished == is_finished
        }
        Record::Cancelled { id, has_ended } => {
            let cancelled = coordinator.cancel(id).ok()?;
            matches!(cancelled, Cancelled::Now(_)) == has_ended
        }
        Record::LogMarked { id, is_logged } => coordinator.mark_logged(id, is_logged).is_ok(),
        Record::ContextSet {
            next_membership,
            state_root,
            changes,
        } => {
            let context = SlotContext {
                changes,
                next_membership,
                state_root,
            };
            coordinator.set_slot_context(&context).is_ok()
        }
        Record::NonceCancelled {
            rollup,
            sender,
            nonce,
            ended,
        } => {
            let cancelled = coordinator.cancel_nonce(rollup, sender, nonce).ok()?;
            let now = match cancelled {
                Cancelled::Now(id) => id,
                Cancelled::OnArrival => TxId::ZERO,
            };
            now == ended
        }
        Record::PressureSet {
            slot_count_max,
            slot_bytes_max,
            slot_gas_max,
            fee_floor,
            refuses_gaps,
        } => {
            let pressure = Pressure {
                slot_count_max,
                slot_bytes_max,
                slot_gas_max,
                fee_floor,
                refuses_gaps,
            };
            coordinator.set_pressure(pressure).is_ok()
        }
        _ => false,
    })
}
