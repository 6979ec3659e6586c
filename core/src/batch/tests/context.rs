//! What slots carry beside transactions, and candidates that are judged one after another.

use super::*;
use crate::codec::Writer;
use crate::error::Code;
use crate::limits::CHANGES_BYTES_MAX;
use crate::sequencer::Change;
use crate::types::{Epoch, SequencerId};

/// A suspension of 3 and a weight of 9 for 4, written a second time.
const CHANGES: [u8; 20] = [1, 4, 3, 0, 0, 0, 1, 8, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];

fn network() -> Network {
    Network::new(Policy::Fcfs, None)
}

/// A slot that carries all there is.
fn full(chain: &PlainChain, rows: &[PlainRow]) -> PlainSlot {
    PlainSlot {
        next_membership: [7; 32],
        state_root: [9; 32],
        ..chain.slot(rows, TIME).with_changes(&CHANGES)
    }
}

#[test]
fn a_slot_carries_what_was_said_and_the_next_one_nothing() {
    let network = network();
    let (mut own, mut chain) = (network.coordinator(), network.chain());
    let mut follower = network.verifier();
    let context = SlotContext {
        changes: &CHANGES,
        next_membership: Hash::new([7; 32]),
        state_root: Hash::new([9; 32]),
    };
    own.set_slot_context(&context).unwrap();
    // A slot that is not taken leaves it where it is.
    let (now, time) = (Tick::new(10_000), UnixNs::new(TIME));
    assert!(own.take(now, time, WhenEmpty::NoSlot).unwrap().is_none());
    assert_eq!(own.slot_context(), context);
    let slot = own.take(now, time, WhenEmpty::EmptySlot).unwrap().unwrap();
    let expected = full(&chain, &[]);
    assert_eq!(slot.bytes, expected.encode());
    let verified = follower.verify(slot.bytes).unwrap();
    assert!(verified.header.ends_epoch());
    let reader = SlotReader::new(slot.bytes, &network.limits).unwrap();
    let both = [
        Change::Suspend(SequencerId::new(3)),
        Change::SetWeight(SequencerId::new(4), 9),
    ];
    assert!(reader.changes().eq(both.map(Ok)));
    assert_eq!(reader.changes_bytes(), CHANGES);
    assert_eq!(own.slot_context(), SlotContext::NONE);
    assert_eq!(own.tip().epoch, Epoch::new(1));
    chain.advance(&expected);
    let slot = own.take(now, time, WhenEmpty::EmptySlot).unwrap().unwrap();
    assert_eq!(slot.header.epoch, Epoch::new(1));
    assert_eq!(slot.bytes, chain.slot(&[], TIME).encode());
    follower.verify(slot.bytes).unwrap();
    // Given back, the epoch begins anew.
    own.roll_back(verified.header.height).unwrap();
    assert_eq!(own.tip().epoch, Epoch::ZERO);
}

#[test]
fn epochs_follow_from_the_slots_that_end_them() {
    let network = network();
    let mut chain = network.chain();
    let first = full(&chain, &rows());
    let after = |epoch: u64| {
        let mut follower = network.verifier();
        follower.verify(&first.encode()).unwrap();
        let mut next = chain.clone();
        next.advance(&first);
        next.epoch = epoch;
        let slot = next.slot(&[], TIME).encode();
        follower.verify(&slot).map(|slot| slot.header.epoch)
    };
    assert_eq!(after(1), Ok(Epoch::new(1)));
    for epoch in [0, 2] {
        assert_eq!(after(epoch).unwrap_err().code, Code::WrongSlotEpoch);
    }
    // Without a next membership the epoch goes on.
    let stays = PlainSlot {
        next_membership: [0; 32],
        ..first.clone()
    };
    let mut follower = network.verifier();
    follower.verify(&stays.encode()).unwrap();
    chain.advance(&stays);
    chain.epoch = 1;
    let refused = follower.verify(&chain.slot(&[], TIME).encode());
    assert_eq!(refused.unwrap_err().code, Code::WrongSlotEpoch);
}

#[test]
fn changes_are_bound_and_decode() {
    let network = network();
    let good = || network.chain().slot(&rows(), TIME);
    let code_of = |slot: PlainSlot| {
        let refused = network.verifier().verify(&slot.encode());
        refused.map_err(|error| error.code).map(|_| ())
    };
    assert_eq!(code_of(good().with_changes(&CHANGES)), Ok(()));
    let unknown = [1, 9, 3, 0, 0, 0];
    assert_eq!(
        code_of(good().with_changes(&unknown)),
        Err(Code::UnknownChange)
    );
    let other = [2, 4, 3, 0, 0, 0];
    assert_eq!(
        code_of(good().with_changes(&other)),
        Err(Code::UnsupportedVersion)
    );
    for len in (1..CHANGES.len()).filter(|len| *len != 6) {
        let cut = good().with_changes(&CHANGES[..len]);
        assert_eq!(code_of(cut), Err(Code::Truncated), "{len} bytes");
    }
    let mut swapped = good().with_changes(&CHANGES);
    swapped.changes = [&CHANGES[6..], &CHANGES[..6]].concat();
    assert_eq!(code_of(swapped), Err(Code::WrongChanges));
    let mut unbound = good().with_changes(&CHANGES);
    unbound.changes_hash = [0; 32];
    assert_eq!(code_of(unbound), Err(Code::WrongChanges));
    let most = vec![1; CHANGES_BYTES_MAX as usize + 1];
    assert_eq!(
        code_of(good().with_changes(&most)),
        Err(Code::LengthOverLimit)
    );
}

#[test]
fn what_no_slot_can_carry_is_refused_and_nothing_changes() {
    let mut own = network().coordinator();
    let good = SlotContext {
        changes: &CHANGES,
        ..SlotContext::NONE
    };
    own.set_slot_context(&good).unwrap();
    let mut many = vec![0; CHANGES_BYTES_MAX as usize + 6];
    let mut out = Writer::new(&mut many);
    while out.room() > 0 {
        let change = Change::Remove(SequencerId::new(1));
        change.encode(&mut out).unwrap_or_default();
        if out.room() < 6 {
            break;
        }
    }
    let len = out.len();
    let refusals = [
        (&many[..len], ContextError::LengthOverLimit),
        (&CHANGES[..7], ContextError::Truncated),
        (&[1, 9, 3, 0, 0, 0], ContextError::UnknownChange),
        (&[2, 4, 3, 0, 0, 0], ContextError::UnsupportedVersion),
    ];
    for (changes, why) in refusals {
        let context = SlotContext {
            changes,
            ..SlotContext::NONE
        };
        assert_eq!(own.set_slot_context(&context), Err(why));
        assert_eq!(own.slot_context(), good);
    }
    // As many as fit are carried.
    let whole = CHANGES_BYTES_MAX as usize / 6 * 6;
    let most = SlotContext {
        changes: &many[..whole],
        ..SlotContext::NONE
    };
    own.set_slot_context(&most).unwrap();
    let (now, time) = (Tick::new(1), UnixNs::new(1));
    let slot = own.take(now, time, WhenEmpty::EmptySlot).unwrap().unwrap();
    assert_eq!(slot.header.changes_len as usize, whole);
    network().verifier().verify(slot.bytes).unwrap();
}

#[test]
fn candidates_are_judged_without_moving_on() {
    for policy in POLICIES {
        let network = Network::new(policy, Some(501));
        let mut follower = network.verifier();
        let genesis = follower.tip().clone();
        let slots = three_slots(&network);
        let good = &slots[0];
        let other = PlainSlot {
            time: good.time + 1,
            ..good.clone()
        };
        let bad = PlainSlot {
            parent: [1; 32],
            ..good.clone()
        };
        let judged = follower.check(&good.encode()).unwrap();
        let also = follower.check(&other.encode()).unwrap();
        assert_ne!(judged.hash, also.hash);
        let refused = follower.check(&bad.encode()).unwrap_err();
        assert_eq!(refused.code, Code::WrongParent);
        assert_eq!(*follower.tip(), genesis);
        // The one that is decided is moved on to, whichever was looked at last.
        follower.advance(&good.encode(), judged.hash).unwrap();
        let mut verified = network.verifier();
        verified.verify(&good.encode()).unwrap();
        assert_eq!(follower.tip(), verified.tip());
        for slot in &slots[1..] {
            let slot = slot.encode();
            let judged = follower.check(&slot).unwrap();
            follower.advance(&slot, judged.hash).unwrap();
            verified.verify(&slot).unwrap();
            assert_eq!(follower.tip(), verified.tip());
        }
    }
}

#[test]
fn another_slot_than_the_decided_one_is_not_moved_on_to() {
    let network = network();
    let mut follower = network.verifier();
    let genesis = follower.tip().clone();
    let slot = network.chain().slot(&rows(), TIME).with_changes(&CHANGES);
    let bytes = slot.encode();
    let hash = network.verifier().verify(&bytes).unwrap().hash;
    let mut refuse = |bytes: &[u8], hash: Hash, code: Code| {
        assert_eq!(follower.advance(bytes, hash).unwrap_err().code, code);
        assert_eq!(*follower.tip(), genesis);
    };
    refuse(&bytes, Hash::ZERO, Code::OtherSlot);
    let mut later = bytes.clone();
    later[49] ^= 1;
    refuse(&later, hash, Code::OtherSlot);
    let mut swapped = bytes.clone();
    swapped[257 + 2] ^= 1;
    refuse(&swapped, hash, Code::WrongChanges);
    // The first sub-batch's running hash: the root above it does not hold then.
    let mut promised = bytes.clone();
    promised[257 + CHANGES.len() + 182] ^= 1;
    refuse(&promised, hash, Code::WrongRoot);
    let mut arrival = bytes.clone();
    let last = arrival.len() - 1;
    arrival[last] ^= 1;
    refuse(&arrival, hash, Code::WrongRoot);
    refuse(&bytes[..last], hash, Code::Truncated);
    refuse(&[&bytes[..], &[0]].concat(), hash, Code::TrailingBytes);
    let mut behind = network.chain();
    behind.height = 3;
    let behind = behind.slot(&[], TIME).encode();
    let own = SlotReader::new(&behind, &network.limits).unwrap();
    refuse(&behind, own.header().hash(), Code::WrongHeight);
    follower.advance(&bytes, hash).unwrap();
    assert_eq!(follower.tip().hash, hash);
}
