//! States of the finality engine, from arbitrary bytes and from whole states that were changed and
//! sealed anew: the reader ends, and what it takes is written the same again and goes on.
#![no_main]

use std::cell::RefCell;

use hauptbuch_core::certificate::Electorate;
use hauptbuch_core::codec::StateError;
use hauptbuch_core::crypto::hash::{Domain, hash};
use hauptbuch_core::crypto::signature::{Provider, SecretKey, Seed, Suite};
use hauptbuch_core::finality::{FinalityEngine, FinalityLimits, Link, Progress};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash, Height, SequencerId};
use libfuzzer_sys::fuzz_target;

const LIMITS: FinalityLimits = FinalityLimits {
    window_count_max: 8,
    catch_up_count_max: 4,
    event_count_max: 16,
};
/// Bytes of a header in a state, and of a proof.
const LINK_LEN: usize = 112;
const PROOF_LEN: usize = 108;
/// Bytes up to the flag that a next membership is awaited.
const HEAD_LEN: usize = 9 + 45 + 40 + LINK_LEN + 8;

fn membership() -> Membership {
    let key = SecretKey::from_seed(Provider::MlDsa65, &Seed::new([1; 32]));
    let key = key.expect("a seed makes a key").public_key().clone();
    let mut membership = Membership::with_room(1, Suite::MlDsa65);
    let row = (SequencerId::new(1), 1, &key);
    let filled = membership.fill(Epoch::ZERO, Suite::MlDsa65, [row].into_iter());
    filled.expect("one member");
    membership
}

fn electorate() -> Electorate {
    thread_local! {
        static MEMBERSHIP: RefCell<Membership> = RefCell::new(membership());
    }
    MEMBERSHIP.with_borrow(|membership| {
        let made = Electorate::new(Hash::ZERO, Provider::MlDsa65, membership, 1);
        made.expect("it is built in")
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, edits)) = data.split_first() else {
        return;
    };
    let sealed = match kind % 3 {
        0 => {
            let _refused = FinalityEngine::restore(&LIMITS, electorate(), edits);
            return;
        }
        1 => edited(&sample(), edits),
        _ => with_content(edits),
    };
    let Ok(mut engine) = FinalityEngine::restore(&LIMITS, electorate(), &sealed)
        .inspect_err(|why| assert_ne!(*why, StateError::Corrupt, "it was sealed"))
    else {
        return;
    };
    let mut again = vec![0; engine.state_len()];
    engine.write_state(&mut again).expect("as long as it says");
    assert_eq!(again, sealed);
    let tip = *engine.tip();
    let next = Link {
        height: tip.height.next(),
        parent: tip.hash,
        hash: Hash::new([9; 32]),
        epoch: engine.epoch(),
        ..Link::default()
    };
    let _refused = engine.handle_progress(&next, Progress::Proposed);
    let _refused = engine.handle_header(&next);
    let _refused = engine.handle_settled(tip.height);
    let _refused = engine.roll_back(next.height);
    while engine.poll_event().is_some() {}
    assert!(engine.settled() <= engine.tip().height);
});

fn seal(mut state: Vec<u8>) -> Vec<u8> {
    let body_len = state.len() - Hash::LEN;
    let checksum = hash(Domain::FINALITY_STATE, &state[..body_len]);
    state[body_len..].copy_from_slice(checksum.as_bytes());
    state
}

/// Puts bytes into a state, each three of them a place and what stands there.
fn edited(state: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut state = state.to_vec();
    let body_len = state.len() - Hash::LEN;
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % body_len;
        state[at] = edit[2];
    }
    seal(state)
}

/// The head of a good state and any content behind it.
fn with_content(content: &[u8]) -> Vec<u8> {
    let mut state = sample();
    state.truncate(HEAD_LEN);
    state.extend_from_slice(&content[..content.len().min(20 * (LINK_LEN + PROOF_LEN))]);
    state.extend_from_slice(&[0; Hash::LEN]);
    let len = state.len() as u64;
    state[1..9].copy_from_slice(&len.to_le_bytes());
    seal(state)
}

fn sample() -> Vec<u8> {
    let made = FinalityEngine::new(&LIMITS, Height::new(5), Hash::new([5; 32]), electorate());
    let mut engine = made.expect("in range");
    for height in 6..9 {
        let link = Link {
            height: Height::new(height),
            parent: Hash::new([height as u8 - 1; 32]),
            hash: Hash::new([height as u8; 32]),
            ..Link::default()
        };
        let reached = engine.handle_progress(&link, Progress::Sequenced);
        reached.expect("it fits");
    }
    let mut bytes = vec![0; engine.state_len()];
    engine.write_state(&mut bytes).expect("as long as it says");
    bytes
}
