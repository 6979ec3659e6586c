//! Bodies: withheld, wrong, too many, and those that the host finds bad.

use super::kit::{Fault, MS, Net};
use crate::consensus::*;
use crate::types::{Hash, Height, SequencerId};
use crate::vote::VoteKind;

fn count(net: &Net, what: impl Fn(&CoordinatorEffect) -> bool) -> usize {
    let effects = net.nodes.iter().flat_map(|node| &node.effects);
    effects.filter(|effect| what(effect)).count()
}

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
    // Deliver the proposal to node 0 by hand, up to the question about its body.
    let proposer = net
        .node(0)
        .engine()
        .proposer(Height::new(1), Default::default());
    assert_ne!(proposer.get(), 0, "the first proposer is another");
    let mut coordinator = net.nodes[0].coordinator.take().unwrap();
    // The others go on without it; what they send it is read from the queue by the kit.
    net.nodes[0].coordinator = None;
    net.run_until(5_000 * MS, |net| net.nodes[1].disk.decided.len() == 1);
    let (value, certificate) = net.nodes[1].disk.decided[&1].clone();
    let body = net.nodes[1].disk.bodies[&value].clone();
    let from = net.nodes[1].id;
    coordinator.handle_message(from, &certificate).unwrap();
    let mut asked = std::vec::Vec::new();
    let mut verdicts = 0;
    for _ in 0..40 {
        let Some(effect) = coordinator.poll_effect() else {
            break;
        };
        match effect {
            CoordinatorEffect::Verify { batch, .. } => {
                let good = coordinator.verify_batch(batch).verify();
                coordinator.handle_verified(batch, good).unwrap();
            }
            CoordinatorEffect::Send {
                to: Destination::One(peer),
                message: CoordinatorMessage::GetBody { value },
            } => {
                asked.push(peer);
                let name = BodyName {
                    epoch: coordinator.epoch(),
                    height: Height::new(1),
                    value,
                };
                let mut bytes = [0; 256];
                let len = write_put_body(&mut bytes, &name, &body).unwrap();
                coordinator.handle_message(peer, &bytes[..len]).unwrap();
            }
            CoordinatorEffect::Validate { height, value } => {
                verdicts += 1;
                let valid = Verdict::Known(Validity::Valid {
                    extension_hash: Hash::ZERO,
                });
                let verdict = if verdicts == 1 {
                    Verdict::WrongBody
                } else {
                    valid
                };
                assert!(coordinator.handle_validity(height, value, verdict));
            }
            CoordinatorEffect::StoreBody { height, value } => {
                assert!(coordinator.handle_stored(height, value));
            }
            CoordinatorEffect::Decide { .. } => break,
            _ => {}
        }
        coordinator.verify().unwrap();
    }
    assert_eq!(coordinator.decided().map(|(_, value)| value), Some(value));
    assert_eq!((asked.len(), verdicts), (2, 2));
    assert_ne!(asked[0], asked[1], "the first one is not asked again");
    assert_eq!(coordinator.metrics().bodies_wrong, 1);
    assert_eq!(
        count(&net, |effect| matches!(
            effect,
            CoordinatorEffect::WrongBody { .. }
        )),
        0
    );
}
