//! From four members to five, with those who come, go, stay behind and look on.

use std::vec;

use super::kit::{MS, Net};
use crate::certificate::{CertificateError, CommitCertificate, Electorate};
use crate::consensus::*;
use crate::crypto::signature::Provider;
use crate::sequencer::tests::kit::{NETWORK, membership};
use crate::types::Epoch;

/// Five nodes: the fifth looks on in epoch 0, and is a member of epoch 1, which begins with
/// height 4.
fn net() -> Net {
    let mut net = Net::new(5, 4);
    net.epochs = vec![
        (membership(0, &[1; 4]), 3),
        (membership(1, &[1; 5]), u64::MAX),
    ];
    net
}

#[test]
fn four_hand_over_to_five() {
    let mut net = net();
    net.start_all();
    assert!(!net.node(4).is_member(), "it looks on");
    net.run_to(7);
    net.assert_agreement();
    for node in &net.nodes {
        assert_eq!(node.disk.decided.len(), 7, "who looks on follows too");
    }
    assert!(net.node(4).is_member());
    assert_eq!(
        (net.node(0).epoch(), net.node(0).metrics().epochs_started),
        (Epoch::new(1), 1)
    );
    // The certificates of each epoch are those of its own members.
    let (old, new) = (&net.epochs[0].0, &net.epochs[1].0);
    let old = Electorate::new(NETWORK, Provider::MlDsa65, old, 16).unwrap();
    let new = Electorate::new(NETWORK, Provider::MlDsa65, new, 16).unwrap();
    for (height, (_, certificate)) in &net.nodes[0].disk.decided {
        let certificate = CommitCertificate::decode(certificate).unwrap();
        let (own, other) = if *height <= 3 {
            (&old, &new)
        } else {
            (&new, &old)
        };
        certificate.verify(own).unwrap();
        assert_eq!(certificate.verify(other), Err(CertificateError::WrongEpoch));
    }
}

#[test]
fn who_stayed_behind_in_the_old_epoch_gets_its_certificates_and_goes_on() {
    let mut net = net();
    for at in [0, 1, 2, 4] {
        net.start(at);
    }
    net.run_to(6);
    net.start(3);
    net.run_to(7);
    net.assert_agreement();
    assert_eq!(net.nodes[3].disk.decided.len(), 7);
    assert_eq!(net.node(3).epoch(), Epoch::new(1));
}

#[test]
fn one_that_restarts_after_the_hand_over_goes_on_from_a_record_of_the_old_epoch() {
    let mut net = net();
    net.start_all();
    net.run_to(3);
    net.stop(1);
    net.start(1);
    assert_eq!(net.node(1).epoch(), Epoch::new(1));
    net.run_to(5);
    net.assert_agreement();
}

#[test]
fn an_epoch_begins_only_after_a_decision_and_only_a_later_one() {
    let mut net = net();
    net.start_all();
    let mut node = net.nodes[0].coordinator.take().unwrap();
    let next = membership(1, &[1; 5]);
    let undecided = node.start_epoch(&next);
    assert_eq!(undecided, Err(CoordinatorMisuse::NotDecided.into()));
    net.nodes[0].coordinator = Some(node);
    net.last = 1;
    net.run_until(10_000 * MS, |net| net.nodes[0].disk.decided.len() == 1);
    let node = net.nodes[0].coordinator.as_mut().unwrap();
    let same = node.start_epoch(&membership(0, &[1; 5]));
    assert_eq!(same, Err(CoordinatorMisuse::InvalidArgument.into()));
    let many = node.start_epoch(&membership(1, &[1; 10]));
    assert!(
        matches!(many, Err(CoordinatorError::Electorate(_))),
        "{many:?}"
    );
    node.verify().unwrap();
    assert_eq!(node.epoch(), Epoch::ZERO, "nothing has changed");
    node.start_epoch(&next).unwrap();
    assert_eq!((node.epoch(), node.height().get()), (Epoch::new(1), 2));
    node.verify().unwrap();
}
