//! Bodies: withheld, wrong, too many, and those that the host finds bad.

use super::kit::{Fault, MS, Net};
use crate::consensus::*;
use crate::types::{Hash, SequencerId};
use crate::vote::VoteKind;

#[test]
fn a_proposer_that_withholds_its_body_wastes_its_turns_only() {
    let mut net = Net::new(4, 4);
    net.nodes[1].fault = Some(Fault::Withholds);
    net.start_all();
    net.run_to(5);
    net.assert_agreement();
    // Its heights took another round, and nothing that only it has was decided.
    assert!(net.node(0).metrics().rounds_failed >= 1);
    for (value, _) in net.nodes[0].disk.decided.values() {
        let body = &net.nodes[0].disk.bodies[value];
        let text = std::str::from_utf8(body).unwrap();
        assert!(!text.contains(" of 1 in"), "{text}");
    }
}

#[test]
fn a_wrong_body_is_refused_and_blamed_and_another_peer_is_asked() {
    let mut net = Net::new(5, 5);
    net.nodes[2].fault = Some(Fault::SendsWrongBodies);
    net.start_all();
    net.run_to(6);
    net.assert_agreement();
    let wrong = |effect: &CoordinatorEffect| match effect {
        CoordinatorEffect::WrongBody { member, .. } => Some(*member),
        _ => None,
    };
    let named: std::vec::Vec<_> = net
        .nodes
        .iter()
        .flat_map(|node| node.effects.iter().filter_map(wrong))
        .collect();
    assert!(!named.is_empty(), "somebody asked it");
    assert!(
        named.iter().all(|id| *id == SequencerId::new(2)),
        "{named:?}"
    );
    let refusal = RefusedInput::Body(RefusedBody::BodyNotOfValue);
    assert!(net.nodes.iter().any(|node| node.refused.contains(&refusal)));
    let blamed: u64 = [0, 1, 3, 4]
        .map(|at| net.node(at).metrics().bodies_wrong)
        .iter()
        .sum();
    assert_eq!(blamed as usize, named.len(), "each told once a height");
}

#[test]
fn what_the_host_finds_bad_gets_no_vote_and_is_not_stored() {
    let mut net = Net::new(4, 4);
    net.is_bad = |body| std::str::from_utf8(body).unwrap().contains(" of 3 in");
    net.start_all();
    net.run_to(5);
    net.assert_agreement();
    let bad = |body: &&std::vec::Vec<u8>| std::str::from_utf8(body).unwrap().contains(" of 3 in");
    for at in [0, 1, 2] {
        assert_eq!(net.nodes[at].disk.bodies.values().filter(bad).count(), 0);
    }
    for (value, _) in net.nodes[0].disk.decided.values() {
        assert!(!bad(&&net.nodes[0].disk.bodies[value]));
    }
    assert!(
        net.nodes[3].disk.bodies.values().filter(bad).count() > 0,
        "it did propose"
    );
}

#[test]
fn nothing_is_signed_for_a_value_before_its_body_is_stored() {
    let mut net = Net::new(4, 4);
    net.start_all();
    net.run_to(4);
    for node in &net.nodes {
        let mut stored = std::collections::BTreeSet::new();
        for effect in &node.effects {
            match effect {
                CoordinatorEffect::StoreBody { value, .. } => {
                    stored.insert(*value);
                }
                CoordinatorEffect::Sign { ticket, .. } => {
                    if let Some(value) = ticket.statement.value {
                        assert!(stored.contains(&value), "{:?}", ticket.statement);
                    }
                }
                _ => {}
            }
        }
        let votes = node.effects.iter().filter(|effect| {
            matches!(effect, CoordinatorEffect::Sign { ticket, .. }
                if ticket.statement.kind == VoteKind::Precommit)
        });
        assert!(votes.count() >= 4);
    }
}

#[test]
fn a_body_that_the_host_finds_wrong_blames_its_sender_and_is_fetched_again() {
    let mut net = Net::new(4, 4);
    net.start_all();
    net.last = 1;
    // The others go on without node 0, which is then given the certificate.
    let mut node = net.nodes[0].coordinator.take().unwrap();
    net.run_until(5_000 * MS, |net| net.nodes[1].disk.decided.len() == 1);
    let (value, certificate) = net.nodes[1].disk.decided[&1].clone();
    let body = net.nodes[1].disk.bodies[&value].clone();
    node.handle_message(net.nodes[1].id, &certificate).unwrap();
    let mut asked = std::vec::Vec::new();
    let (mut verdicts, mut blamed) = (0, 0);
    while let Some(effect) = node.poll_effect() {
        match effect {
            CoordinatorEffect::Verify { batch, .. } => {
                let good = node.verify_batch(batch).verify();
                node.handle_verified(batch, good).unwrap();
            }
            CoordinatorEffect::Send {
                to: Destination::One(peer),
                message: CoordinatorMessage::GetBody { value },
            } => {
                asked.push(peer);
                give(&mut node, peer, value, &body);
            }
            CoordinatorEffect::Validate { height, value } => {
                verdicts += 1;
                let extension_hash = Hash::ZERO;
                let valid = Verdict::Known(Validity::Valid { extension_hash });
                let verdict = if verdicts == 1 {
                    Verdict::WrongBody
                } else {
                    valid
                };
                assert!(node.handle_validity(height, value, verdict));
            }
            CoordinatorEffect::StoreBody { height, value } => {
                assert!(node.handle_stored(height, value));
            }
            CoordinatorEffect::WrongBody { member, .. } => {
                blamed += 1;
                assert_eq!(member, asked[0]);
            }
            _ => {}
        }
        node.verify().unwrap();
    }
    assert_eq!(node.decided().map(|(_, value)| value), Some(value));
    assert_eq!((asked.len(), verdicts, blamed), (2, 2, 1));
    assert_ne!(asked[0], asked[1], "the first one is not asked again");
    assert_eq!(node.metrics().bodies_wrong, 1);
}

fn give(node: &mut ConsensusCoordinator, from: SequencerId, value: Hash, body: &[u8]) {
    let name = BodyName {
        epoch: node.epoch(),
        height: node.height(),
        value,
    };
    let mut bytes = [0; 256];
    let len = write_put_body(&mut bytes, &name, body).unwrap();
    node.handle_message(from, &bytes[..len]).unwrap();
}
