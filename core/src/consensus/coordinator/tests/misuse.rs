//! Calls that don't fit, limits that don't hold, and peers that ask for too much.

use std::vec;

use super::kit::{MS, Net, limits};
use crate::consensus::*;
use crate::crypto::signature::Provider;
use crate::error::Code;
use crate::sequencer::tests::kit::{NETWORK, membership};
use crate::types::{Hash, Height, Round, SequencerId, Tick};

fn made(limits: &CoordinatorLimits, config: &CoordinatorConfig) -> Result<(), CoordinatorError> {
    let setup = CoordinatorSetup {
        limits,
        config,
        network: NETWORK,
        provider: Provider::MlDsa65,
        membership: &membership(0, &[1; 4]),
        me: None,
        identify: body_hash,
    };
    ConsensusCoordinator::new(&setup).map(|_| ())
}

#[test]
fn limits_and_choices_out_of_range_are_refused() {
    let (good, config) = (limits(), CoordinatorConfig::default());
    made(&good, &config).unwrap();
    let mut wrong = vec![good.clone(); 7];
    wrong[0].value_bytes_max = 0;
    wrong[1].body_count_max = 3;
    wrong[2].certificate_count_max = 0;
    wrong[3].answer_count_max = 7;
    wrong[4].consensus.signature_bytes_max = 3_308;
    wrong[5].consensus.validator_count_max = 0;
    wrong[6].body_count_max = 13;
    for limits in &wrong {
        let refused = made(limits, &config).map_err(CoordinatorError::code);
        assert_eq!(refused, Err(Code::LimitOutOfRange), "{limits:?}");
    }
    let mut few = good.clone();
    few.consensus.validator_count_max = 3;
    let refused = made(&few, &config).map_err(CoordinatorError::code);
    assert_eq!(refused, Err(Code::MemberCountOutOfRange));
    for times in [(0, 1), (1, 0)] {
        let config = CoordinatorConfig {
            fetch_ns: times.0,
            stall_ns: times.1,
            ..CoordinatorConfig::default()
        };
        let refused = made(&good, &config).map_err(CoordinatorError::code);
        assert_eq!(refused, Err(Code::TimeoutOutOfRange));
    }
}

#[test]
fn calls_that_do_not_fit_change_nothing() {
    let mut net = Net::new(4, 4);
    net.start_all();
    let mut node = net.nodes[0].coordinator.take().unwrap();
    let (now, height) = (node.now(), node.height());
    assert_eq!(node.start_next(), Err(CoordinatorMisuse::NotDecided));
    assert_eq!(node.start(height), Err(CoordinatorMisuse::HeightNotNext));
    assert_eq!(
        node.handle_now(Tick::ZERO),
        Err(CoordinatorMisuse::TimeWentBack)
    );
    assert_eq!(
        node.handle_persisted(99),
        Err(CoordinatorMisuse::UnknownPersist)
    );
    let value = Hash::new([9; 32]);
    assert!(!node.handle_stored(height, value));
    assert!(!node.handle_validity(height, value, Verdict::WrongBody));
    assert_eq!(node.handle_loaded(height, value, None), Ok(false));
    assert_eq!(
        node.handle_value(height, Round::new(5), b"late", Hash::ZERO),
        Ok(false)
    );
    let large = vec![0; 5_000];
    for body in [large.as_slice(), &[]] {
        let refused = node.handle_value(height, Round::ZERO, body, Hash::ZERO);
        assert_eq!(refused, Err(CoordinatorMisuse::BodyTooLarge));
    }
    node.verify().unwrap();
    assert_eq!((node.now(), node.height()), (now, height));
}

#[test]
fn peers_are_refused_what_is_not_theirs() {
    let mut net = Net::new(4, 4);
    net.start_all();
    net.run_to(2);
    let mut node = net.nodes[0].coordinator.take().unwrap();
    let (me, peer, stranger) = (0, 1, 77);
    let name = |height: u64, value: Hash| BodyName {
        epoch: node.epoch(),
        height: Height::new(height),
        value,
    };
    let decided = net.nodes[0].disk.decided[&1].0;
    let get = |name| {
        let mut bytes = vec![0; 50];
        PeerMessage::GetBody(name).encode(&mut bytes).unwrap();
        bytes
    };
    let put = |name, body: &[u8]| {
        let mut bytes = vec![0; 54 + body.len()];
        PeerMessage::PutBody(name, body).encode(&mut bytes).unwrap();
        bytes
    };
    let cases = [
        (me, get(name(1, decided)), RefusedBody::OwnMessage),
        (peer, get(name(9, decided)), RefusedBody::HeightAhead),
        (peer, get(name(1, Hash::ZERO)), RefusedBody::BodyNotHeld),
        (peer, get(name(2, Hash::ZERO)), RefusedBody::BodyNotHeld),
        (
            peer,
            put(name(2, Hash::ZERO), b"?"),
            RefusedBody::BodyNotWanted,
        ),
        (
            stranger,
            put(name(2, decided), b"?"),
            RefusedBody::BodyNotWanted,
        ),
    ];
    let asked = get(name(1, decided));
    for (from, bytes, refusal) in cases {
        let result = node.handle_message(SequencerId::new(from), &bytes);
        assert_eq!(result, Err(RefusedInput::Body(refusal)), "{from}");
    }
    // Strangers are served, within one allowance for all of them.
    let burst = u32::from(CoordinatorConfig::default().serve_rate.burst_count);
    for number in 0..burst {
        let from = SequencerId::new(stranger + number);
        node.handle_message(from, &asked).unwrap();
    }
    let result = node.handle_message(SequencerId::new(stranger), &asked);
    assert_eq!(result, Err(RefusedInput::Body(RefusedBody::RateExceeded)));
    // Members have allowances of their own.
    node.handle_message(SequencerId::new(peer), &asked).unwrap();
    node.verify().unwrap();
    let refused = node.metrics().messages_refused;
    assert!(refused >= 7, "{refused}");
    let garbage = node.handle_message(SequencerId::new(peer), &[1, 2, 3]);
    assert!(matches!(garbage, Err(RefusedInput::Undecodable(_))));
}

#[test]
fn deadlines_are_those_of_whatever_comes_first() {
    let mut net = Net::new(4, 4);
    net.config.stall_ns = 10 * MS;
    net.start_all();
    let node = net.node(0);
    let stall = node.now().saturating_add(10 * MS);
    assert_eq!(
        node.next_deadline(),
        Some(stall),
        "before any step times out"
    );
}
