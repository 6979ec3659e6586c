//! Bytes that are no state, or another one's.

use std::vec;
use std::vec::Vec;

use super::super::*;
use super::world::{ROLLUP, World, small_limits};

/// A world with an open graph, a queue, live ids outside, cursors and remembered ids.
fn busy() -> World {
    let mut world = World::small(5, 1);
    for name in 0..14 {
        world.body(name, name, 0);
    }
    // Their senders have cursors, so that they may be shaded.
    world.body(3, 0, 1);
    world.body(4, 1, 1);
    world.everywhere(&[0, 1]).unwrap();
    world.rollups[0].is_paused = true;
    world.everywhere(&[6]).unwrap();
    // 3 and 4 are shaded and have no edge; 5 is solid and comes after both.
    let open: [&[u64]; 5] = [&[3, 4, 5], &[4, 3, 5], &[5], &[], &[9]];
    world.slot(&open).unwrap();
    assert_eq!(world.stream.graph_count(ROLLUP), 1);
    assert_eq!(world.stream.missing_count(ROLLUP, 0), Some(1));
    world
}

fn bytes_of(world: &mut World) -> Vec<u8> {
    let mut bytes = vec![0; world.stream.encoded_len()];
    world.stream.encode(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_graph_with_a_missing_edge_goes_on_after_a_restart() {
    let mut world = busy();
    let bytes = bytes_of(&mut world);
    let mut other = World::small(5, 1);
    other.stream.decode(&bytes).unwrap();
    other.bodies = world.bodies.clone();
    world.rollups[0].is_paused = false;
    for own in [&mut world, &mut other] {
        own.slot(&[&[], &[], &[3], &[3, 4], &[3, 4]]).unwrap();
        let order = [6, 3, 4, 5].map(|name| (super::world::id(name), DrainOutcome::Included));
        assert_eq!(own.drained(), order);
    }
    assert_eq!(world.stream.state_hash(), other.stream.state_hash());
}

#[test]
fn a_buffer_that_is_too_small_is_not_written_to() {
    let mut world = busy();
    let len = world.stream.encoded_len();
    let mut short = vec![7; len - 1];
    assert_eq!(
        world.stream.encode(&mut short),
        Err(StateError::BufferTooSmall)
    );
    assert!(short.iter().all(|byte| *byte == 7));
}

#[test]
fn other_limits_and_versions_are_told_apart() {
    let bytes = bytes_of(&mut busy());
    let limits = FairLimits {
        log_age_slots_max: 7,
        ..small_limits()
    };
    let mut other = World::new(5, 1, &limits, &[RollupPart::whole(ROLLUP, &limits)]);
    assert_eq!(other.stream.decode(&bytes), Err(StateError::WrongSettings));
    let mut newer = bytes.clone();
    newer[0] += 1;
    let mut own = World::small(5, 1);
    assert_eq!(
        own.stream.decode(&newer),
        Err(StateError::UnsupportedVersion)
    );
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(own.stream.decode(&longer), Err(StateError::TrailingBytes));
}

#[test]
fn damaged_bytes_are_refused_or_are_a_whole_state() {
    let bytes = bytes_of(&mut busy());
    let mut own = World::small(5, 1);
    let empty = own.stream.state_hash();
    let mut refused = 0;
    for at in 0..bytes.len() {
        assert!(own.stream.decode(&bytes[..at]).is_err());
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if own.stream.decode(&damaged).is_ok() {
                // Another state, such as one with another nonce: whole, and read as it was written.
                assert_eq!(own.stream.verify(), Ok(()));
                assert_eq!(bytes_of(&mut own), damaged);
            } else {
                refused += 1;
                assert_eq!(own.stream.state_hash(), empty);
            }
        }
    }
    assert!(refused > bytes.len() / 4, "{refused} of {}", bytes.len());
}
