//! The engine as bytes: restarts after every step, damage and contradictions.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::certificate::Electorate;
use crate::codec::StateError;
use crate::codec::tests::damage::{Forgery, every_byte_counts};
use crate::crypto::hash::Domain;
use crate::crypto::signature::Provider;
use crate::finality::engine::state::FORMAT;
use crate::sequencer::tests::kit::NETWORK;

fn bytes(engine: &FinalityEngine) -> Vec<u8> {
    let mut bytes = vec![0xEE; engine.state_len() + 1];
    let len = engine.write_state(&mut bytes).unwrap();
    assert_eq!(len, engine.state_len());
    assert_eq!(bytes.pop(), Some(0xEE), "no more than it says");
    let short = &mut vec![0xEE; len - 1][..];
    assert_eq!(engine.write_state(short), Err(StateError::BufferTooSmall));
    assert!(short.iter().all(|byte| *byte == 0xEE), "nothing is written");
    bytes
}

/// The one member of an epoch, with room for no other: to prepare a key takes a while.
fn alone(epoch: u64, weight: u64) -> Electorate {
    Electorate::new(NETWORK, Provider::MlDsa65, &membership(epoch, &[weight]), 1).unwrap()
}

/// So much in a release, and a part of it in debug, where keys take some twenty times as long.
const fn scaled(release: usize, debug: usize) -> usize {
    if cfg!(debug_assertions) {
        debug
    } else {
        release
    }
}

fn restored(engine: &FinalityEngine) -> FinalityEngine {
    let before = bytes(engine);
    let members = alone(engine.epoch().get(), 1);
    let again = FinalityEngine::restore(&LIMITS, members, &before).unwrap();
    assert!(bytes(&again) == before, "one spelling");
    assert_eq!(again.tip_proof(), engine.tip_proof());
    again
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

const EPOCH_END: u64 = 9;

/// The slot of a height in the one true chain, which changes its epoch behind [`EPOCH_END`].
fn true_link(height: u64) -> Link {
    Link {
        epoch: Epoch::new(u64::from(height > EPOCH_END)),
        next_membership: if height == EPOCH_END {
            membership(1, &[1]).hash()
        } else {
            Hash::ZERO
        },
        ..link(height, height as u8 - 1, height as u8)
    }
}

/// The proof of a slot; signing and checking take a while, so one serves all histories.
fn known_proof(link: &Link) -> CommitProof {
    static PROOFS: Mutex<BTreeMap<(u64, u64, u8), CommitProof>> = Mutex::new(BTreeMap::new());
    let (epoch, height, value) = (link.epoch.get(), link.height.get(), link.hash.as_bytes()[0]);
    let mut proofs = PROOFS.lock().unwrap();
    let proof = proofs.entry((epoch, height, value));
    *proof.or_insert_with(|| proof_by(epoch, &[1], &[0], height, value))
}

fn fresh() -> FinalityEngine {
    FinalityEngine::new(&LIMITS, Height::ZERO, Hash::ZERO, alone(0, 1)).unwrap()
}

/// One step by chance, the same for both engines; what came of it.
fn act(engine: &mut FinalityEngine, kind: u64, pick: u64) -> std::string::String {
    let tip = engine.tip().height.get();
    let height = tip + 1 + pick % 5;
    let slot = true_link(height);
    let other = Link {
        hash: Hash::new([200 + pick as u8 % 3; 32]),
        ..slot
    };
    let progress = [Progress::Received, Progress::Sequenced, Progress::Proposed];
    let progress = progress[(pick % 3) as usize];
    match kind {
        0..5 => std::format!("{:?}", engine.handle_progress(&slot, progress)),
        5 => std::format!("{:?}", engine.handle_progress(&other, progress)),
        6 => std::format!("{:?}", engine.roll_back(Height::new(height))),
        7..10 => {
            let slot = true_link(tip + 1 + pick % 3);
            let proof = known_proof(&slot);
            std::format!("{:?}", engine.handle_certificate(&slot, &proof))
        }
        10..16 => {
            let wanted = engine.wanted().map_or(height, |(height, _)| height.get());
            std::format!("{:?}", engine.handle_header(&true_link(wanted)))
        }
        16 => std::format!("{:?}", engine.handle_settled(Height::new(tip))),
        17 => std::format!("{:?}", engine.hand_over(&membership(1, &[1]))),
        18 if pick == 0 => {
            let proof = known_proof(&other);
            std::format!("{:?}", engine.handle_certificate(&other, &proof))
        }
        19 if pick == 0 => {
            engine.abandon_catch_up();
            std::string::String::new()
        }
        _ => std::format!("{:?}", engine.poll_event()),
    }
}

#[test]
fn a_restart_after_any_step_changes_nothing() {
    let (mut final_count, mut halted_count, mut ended_count) = (0, 0, 0);
    let seed_count = scaled(200, 20) as u64;
    for seed in 0..seed_count {
        let mut random = Random(seed);
        let mut alive = fresh();
        let mut other = restored(&alive);
        for step in 0..60 {
            let (kind, pick) = (random.below(26), random.below(15));
            let told = act(&mut alive, kind, pick);
            assert_eq!(
                told,
                act(&mut other, kind, pick),
                "seed {seed}, step {step}"
            );
            if step % scaled(1, 3) == 0 {
                other = restored(&other);
            }
            assert!(bytes(&alive) == bytes(&other), "seed {seed}, step {step}");
        }
        final_count += alive.tip().height.get();
        halted_count += u64::from(alive.conflict().is_some());
        ended_count += u64::from(alive.epoch() == Epoch::new(1));
    }
    let least = seed_count / 20;
    assert!(
        final_count > 40 * least && halted_count >= least && ended_count >= least,
        "{final_count}, {halted_count}, {ended_count}"
    );
}

/// Final slots with and without a proof of their own, candidates, a catch-up and events.
fn sample() -> FinalityEngine {
    let mut engine = fresh();
    advance(&mut engine, 1);
    engine
        .handle_certificate(&link(3, 2, 3), &proof(3, 3))
        .unwrap();
    engine.handle_header(&link(2, 1, 2)).unwrap();
    for height in [4, 5] {
        let slot = link(height, height as u8 - 1, height as u8);
        engine.handle_progress(&slot, Progress::Sequenced).unwrap();
    }
    engine.handle_settled(Height::new(2)).unwrap();
    engine
        .handle_certificate(&link(6, 5, 6), &proof(6, 6))
        .unwrap();
    engine
}

#[test]
fn every_byte_that_is_changed_or_missing_is_noticed() {
    let good = bytes(&sample());
    // What every restore asks first, before it looks at anything else.
    let refused = |bytes: &[u8]| FORMAT.open(bytes).unwrap_err();
    every_byte_counts(&good, refused);
    for at in [0, 1, 40, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let whole = FinalityEngine::restore(&LIMITS, alone(0, 1), &bad);
        assert_eq!(whole.unwrap_err(), refused(&bad));
    }
}

/// Whoever recomputes the checksum meets the other checks: what passes has one spelling.
#[test]
fn a_state_that_contradicts_itself_is_refused() {
    let good = bytes(&sample());
    let forgery = Forgery {
        good: &good,
        domain: Domain::FINALITY_STATE,
        flips: &[1, 0x40],
    };
    let counts = forgery.try_at(
        forgery.places().step_by(scaled(1, 4)),
        |bad| FinalityEngine::restore(&LIMITS, alone(0, 1), bad).map(|again| bytes(&again)),
        |at| match at {
            9..42 => StateError::WrongNetwork,
            42..54 => StateError::WrongSettings,
            54..94 => StateError::WrongMembership,
            _ => StateError::Inconsistent,
        },
    );
    assert!(counts.refused > 150 && counts.taken > 25, "{counts:?}");
}

#[test]
fn a_state_belongs_to_its_limits_and_members() {
    let good = bytes(&sample());
    let refused = |limits: &FinalityLimits, members| {
        FinalityEngine::restore(limits, members, &good).unwrap_err()
    };
    let other = FinalityLimits {
        event_count_max: 17,
        ..LIMITS
    };
    assert_eq!(refused(&other, alone(0, 1)), StateError::WrongSettings);
    assert_eq!(refused(&LIMITS, alone(0, 2)), StateError::WrongMembership);
    assert_eq!(refused(&LIMITS, alone(1, 1)), StateError::WrongMembership);
    let bad = FinalityLimits {
        window_count_max: 1,
        ..LIMITS
    };
    assert_eq!(refused(&bad, alone(0, 1)), StateError::LimitOutOfRange);
}
