//! Damaged bytes: whatever is done to them, they are refused and the verifier stays where it was.

use super::*;
use crate::error::Code;

/// Where a slot's agreed time, its next membership and its state root stand. Nothing in a slot
/// repeats them, so a change there can be a slot that an honest sequencer could have built; it has
/// another hash then.
const FREE_BYTES: [core::ops::Range<usize>; 3] = [49..57, 93..125, 225..257];

fn is_free(at: usize) -> bool {
    FREE_BYTES.iter().any(|range| range.contains(&at))
}

/// A verifier, and the slots that it has to say yes to, one after another.
fn worlds() -> impl Iterator<Item = (Network, Vec<Vec<u8>>)> {
    POLICIES.iter().map(|policy| {
        let network = Network::new(*policy, Some(501));
        let slots = three_slots(&network)
            .iter()
            .map(PlainSlot::encode)
            .collect();
        (network, slots)
    })
}

#[test]
fn every_flipped_byte_is_noticed() {
    for (network, slots) in worlds() {
        let mut follower = network.verifier();
        for (number, slot) in slots.iter().enumerate() {
            let tip = follower.tip().clone();
            let mut damaged = slot.clone();
            for at in 0..slot.len() {
                for flip in [1, 0x80, 0xff] {
                    damaged[at] ^= flip;
                    match follower.verify(&damaged) {
                        Err(_) => assert_eq!(*follower.tip(), tip, "byte {at} ^ {flip}"),
                        Ok(_) => {
                            assert!(is_free(at), "slot {number}, byte {at} ^ {flip}");
                            another_header_is_another_slot(
                                &network,
                                &slots[..number],
                                slot,
                                &damaged,
                            );
                            follower = follower_after(&network, &slots[..number]);
                        }
                    }
                    damaged[at] ^= flip;
                }
            }
            follower.verify(slot).unwrap();
        }
    }
}

fn follower_after(network: &Network, slots: &[Vec<u8>]) -> SlotVerifier {
    let mut follower = network.verifier();
    for slot in slots {
        follower.verify(slot).unwrap();
    }
    follower
}

/// Two followers of the two slots part ways: neither takes what follows on the other's.
fn another_header_is_another_slot(
    network: &Network,
    before: &[Vec<u8>],
    good: &[u8],
    other: &[u8],
) {
    let time_before = follower_after(network, before).tip().time;
    let (mut a, mut b) = (
        follower_after(network, before),
        follower_after(network, before),
    );
    let (good, other) = (a.verify(good).unwrap(), b.verify(other).unwrap());
    assert_ne!(good.hash, other.hash);
    assert_ne!(other.header, good.header);
    assert!(
        other.header.time >= time_before,
        "the agreed time went back"
    );
}

#[test]
fn every_truncation_and_every_longer_slot_is_refused() {
    for (network, slots) in worlds() {
        let mut follower = network.verifier();
        for slot in &slots {
            let tip = follower.tip().clone();
            for len in 0..slot.len() {
                assert_eq!(
                    follower.verify(&slot[..len]).unwrap_err().code,
                    Code::Truncated
                );
                assert_eq!(*follower.tip(), tip, "{len} bytes");
            }
            for extra in [0_u8, 1, 0xff] {
                let longer = [slot.as_slice(), &[extra]].concat();
                assert_eq!(
                    follower.verify(&longer).unwrap_err().code,
                    Code::TrailingBytes
                );
                assert_eq!(*follower.tip(), tip);
            }
            follower.verify(slot).unwrap();
        }
    }
}

#[test]
fn slots_out_of_turn_are_refused() {
    for (network, slots) in worlds() {
        let mut follower = network.verifier();
        for turn in 0..slots.len() {
            for (number, slot) in slots
                .iter()
                .enumerate()
                .filter(|(number, _)| *number != turn)
            {
                let refused = follower.verify(slot).unwrap_err();
                assert_eq!(
                    refused.code,
                    Code::WrongHeight,
                    "slot {number} at turn {turn}"
                );
            }
            follower.verify(&slots[turn]).unwrap();
        }
        // Another network's first slot does not follow from this one's genesis.
        let mut other = Network::new(network.config.policy, Some(501));
        other.genesis.chain_id = 78;
        let foreign = other.chain().slot(&[], TIME).encode();
        assert_eq!(
            network.verifier().verify(&foreign).unwrap_err().code,
            Code::WrongParent
        );
    }
}

#[test]
fn random_bytes_end_in_an_error() {
    let network = Network::new(Policy::Fcfs, None);
    let (mut follower, mut seed) = (network.verifier(), 7_u64);
    let template = three_slots(&network)[0].encode();
    for _ in 0..3_000 {
        let mut bytes = template.clone();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % bytes.len();
            if !is_free(at) {
                bytes[at] = (seed >> 20) as u8;
            }
        }
        assert!(bytes == template || follower.verify(&bytes).is_err());
    }
    follower.verify(&template).unwrap();
}
