//! Heights one after another, with members that stop, come back and are far behind.

use super::kit::{Disk, MS, Net};
use crate::consensus::*;

#[test]
fn four_decide_and_their_certificates_need_public_keys_only() {
    let mut net = Net::new(4, 4);
    net.start_all();
    net.run_to(3);
    net.assert_agreement();
    for node in &net.nodes {
        for (height, (value, certificate)) in &node.disk.decided {
            let proof = net.check(*height, certificate);
            assert!((proof.value(), proof.height().get()) == (*value, *height));
            assert!(proof.weight() >= 3);
            assert!(node.disk.bodies.contains_key(value));
        }
    }
    let metrics = *net.node(0).metrics();
    assert_eq!(
        (
            metrics.heights_decided,
            metrics.rounds_failed,
            metrics.signatures_wrong
        ),
        (3, 0, 0)
    );
    assert!(metrics.statements_signed >= 6 && metrics.signatures_checked >= 3 * 3);
}

#[test]
fn five_decide_with_one_that_is_down() {
    let mut net = Net::new(5, 5);
    for at in 0..4 {
        net.start(at);
    }
    net.run_to(6);
    net.assert_agreement();
    assert_eq!(net.nodes[3].disk.decided.len(), 6);
}

#[test]
fn one_that_restarts_says_what_it_said_before() {
    let mut net = Net::new(4, 4);
    net.start_all();
    net.last = 2;
    net.run_to(1);
    // Height 2 has begun; one stops as soon as it has said something in it.
    let has_spoken = |net: &Net| {
        let own = net.nodes[2]
            .disk
            .places
            .iter()
            .any(|place| place.len() > 300);
        own && net.node(2).height().get() == 2
    };
    net.run_until(10_000 * MS, has_spoken);
    net.stop(2);
    net.start(2);
    net.run_to(3);
    net.assert_agreement();
    let is_evidence =
        |effect: &CoordinatorEffect| matches!(effect, CoordinatorEffect::Evidence { .. });
    for node in &net.nodes {
        assert!(
            !node.effects.iter().any(is_evidence),
            "it contradicted itself"
        );
    }
}

#[test]
fn one_far_behind_catches_up_by_certificates_from_memory_and_from_disk() {
    let mut net = Net::new(4, 4);
    for at in 0..3 {
        net.start(at);
    }
    net.run_to(9);
    net.start(3);
    net.run_to(10);
    net.assert_agreement();
    let sent = |what: fn(&CoordinatorEffect) -> bool| {
        let effects = net.nodes.iter().flat_map(|node| &node.effects);
        effects.filter(|effect| what(effect)).count()
    };
    let from_disk = sent(|effect| matches!(effect, CoordinatorEffect::SendDecided { .. }));
    let bodies = sent(|effect| matches!(effect, CoordinatorEffect::SendBody { .. }));
    let from_memory = sent(|effect| {
        let decided =
            |message: &CoordinatorMessage| matches!(message, CoordinatorMessage::Decided { .. });
        matches!(effect, CoordinatorEffect::Send { message, .. } if decided(message))
    });
    assert!(
        from_disk >= 5 && from_memory >= 3 && bodies >= 8,
        "{from_disk} {from_memory} {bodies}"
    );
}

#[test]
fn silence_of_too_many_is_told_and_ends() {
    let mut net = Net::new(4, 4);
    for at in 0..2 {
        net.start(at);
    }
    net.last = 1;
    let is_stall = |effect: &CoordinatorEffect| matches!(effect, CoordinatorEffect::Stalled { .. });
    net.run_until(200_000 * MS, |net| {
        net.nodes[0].effects.iter().filter(|e| is_stall(e)).count() == 2
    });
    assert!(net.now.get() >= 120_000 * MS && net.now.get() < 121_000 * MS);
    assert_eq!(net.node(0).metrics().stalls, 2);
    net.start(2);
    net.run_to(1);
    net.assert_agreement();
}

#[test]
fn a_batch_is_verified_on_many_threads() {
    let mut net = Net::new(4, 4);
    net.start_all();
    net.run_to(1);
    let (_, certificate) = net.nodes[1].disk.decided[&1].clone();
    // A node that missed the height is given its certificate.
    net.stop(0);
    net.nodes[0].disk = Disk::default();
    net.start(0);
    let mut node = net.nodes[0].coordinator.take().unwrap();
    node.handle_message(net.nodes[1].id, &certificate).unwrap();
    let batch = core::iter::from_fn(|| node.poll_effect()).find_map(|effect| match effect {
        CoordinatorEffect::Verify { batch, .. } => Some(batch),
        _ => None,
    });
    let batch = batch.unwrap();
    let work = node.verify_batch(batch);
    assert!(work.len() >= 3 && !work.is_empty());
    let good = std::thread::scope(|scope| {
        let started: std::vec::Vec<_> = (0..work.len())
            .map(|position| scope.spawn(move || u128::from(work.is_good(position)) << position))
            .collect();
        let ended = started.into_iter().map(|thread| thread.join().unwrap());
        ended.fold(0, |all, one| all | one)
    });
    assert_eq!(good, work.verify());
    assert_eq!(good.count_ones() as usize, work.len());
    // One signature less, and the certificate proves nothing.
    assert_eq!(node.handle_verified(batch, good >> 1), Ok(true));
    assert!(node.verify_batch(batch).is_empty(), "it is over");
    assert_eq!(node.handle_verified(batch, good), Ok(false));
    assert_eq!((node.metrics().signatures_wrong, node.decided()), (1, None));
}
