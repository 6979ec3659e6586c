//! What peers send and is refused: by which check, and that it costs others nothing.

use super::kit::{Bench, context, engine, member, round, sign, value};
use crate::consensus::*;
use crate::types::{Epoch, Hash, Height};
use crate::vote::NO_ROUND;

const V: Hash = Hash::new([1; 32]);
const W: Hash = Hash::new([2; 32]);

fn bystander() -> (Bench, [u16; 3]) {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let me = (0..4)
        .find(|me| probe.proposer(Height::new(1), round(0)).get() != *me)
        .unwrap();
    let bench = Bench::new(me);
    let others = bench.others().try_into().unwrap();
    (bench, others)
}

fn with_signature(bench: &mut Bench, by: u16, signature: &[u8]) -> Result<(), RefusedMessage> {
    let statement = bench.statement(VoteKind::Prevote, 0, Some(V), NO_ROUND);
    let vote = SignedVote {
        statement,
        member: member(by),
        signature,
    };
    let result = bench.body(by, MessageBody::Vote(vote));
    bench.drain();
    result
}

#[test]
fn strangers_and_other_epochs_are_refused() {
    let (mut bench, others) = bystander();
    let me = bench.engine.committee().me().unwrap().get();
    let request = MessageBody::Request(Request::Commit);
    assert_eq!(bench.body(4, request), Err(RefusedMessage::UnknownMember));
    assert_eq!(bench.body(me, request), Err(RefusedMessage::OwnMessage));
    let message = Message {
        epoch: Epoch::new(2),
        height: Height::new(1),
        body: request,
    };
    let refused = bench.engine.handle_message(member(others[0]), &message);
    assert_eq!(refused, Err(RefusedMessage::WrongEpoch));
    let statement = bench.statement(VoteKind::Prevote, 0, None, NO_ROUND);
    assert_eq!(
        bench.relay(others[0], 4, statement),
        Err(RefusedMessage::UnknownMember)
    );
    assert_eq!(
        bench.relay(others[0], me, statement),
        Err(RefusedMessage::OwnMessage)
    );
}

#[test]
fn nothing_is_taken_before_the_first_height() {
    let engine = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let mut bench = Bench::idle(engine);
    for height in [0, 1, 9] {
        let message = Message {
            epoch: context().epoch,
            height: Height::new(height),
            body: MessageBody::Request(Request::Commit),
        };
        let refused = bench.engine.handle_message(member(1), &message);
        assert_eq!(refused, Err(RefusedMessage::HeightAhead));
    }
    assert_eq!(bench.engine.next_deadline(), None);
    assert_eq!(bench.engine.poll_effect(), None);
}

#[test]
fn signatures_of_a_wrong_length_are_refused() {
    let (mut bench, others) = bystander();
    for signature in [&[][..], &[0; 17]] {
        let refused = with_signature(&mut bench, others[0], signature);
        assert_eq!(refused, Err(RefusedMessage::WrongSignatureLength));
    }
}

#[test]
fn votes_that_contradict_themselves_are_refused() {
    let (mut bench, others) = bystander();
    let good = bench.statement(VoteKind::Prevote, 0, Some(V), NO_ROUND);
    for bad in [
        Statement {
            valid_round: 0,
            ..good
        },
        Statement {
            extension_hash: value(1),
            ..good
        },
        Statement {
            height: Height::new(2),
            ..good
        },
    ] {
        assert_eq!(bench.say(others[0], bad), Err(RefusedMessage::InvalidVote));
    }
    let config = ConsensusConfig::classic();
    let me = bench.engine.committee().me().unwrap().get();
    let mut classic = Bench::with(me, &config);
    let modern = classic.statement(VoteKind::Prevote, 1, Some(V), 0);
    assert_eq!(
        classic.say(others[0], modern),
        Err(RefusedMessage::InvalidVote)
    );
}

#[test]
fn rounds_that_are_over_are_refused() {
    let (mut bench, others) = bystander();
    bench.prevote(&others[..2], 5, None, NO_ROUND);
    assert_eq!(bench.engine.round(), round(5));
    for kind in VoteKind::ALL {
        let at = 3;
        let by = bench.engine.proposer(Height::new(1), round(at)).get();
        let statement = bench.statement(kind, at, Some(V), NO_ROUND);
        let by = if Some(member(by)) == bench.engine.committee().me() {
            continue;
        } else {
            by
        };
        assert_eq!(
            bench.say(by, statement),
            Err(RefusedMessage::RoundBehind),
            "{kind:?}"
        );
    }
    bench.prevote(&others[2..], 4, None, NO_ROUND);
}

#[test]
fn far_rounds_are_verified_only_if_they_are_news() {
    let (mut bench, others) = bystander();
    bench.prevote(&others[..1], 9, None, NO_ROUND);
    let nearer = bench.statement(VoteKind::Prevote, 8, None, NO_ROUND);
    assert_eq!(
        bench.say(others[0], nearer),
        Err(RefusedMessage::RoundAhead)
    );
    assert_eq!(bench.engine.round(), round(0));
}

#[test]
fn a_false_vote_in_a_members_name_does_not_keep_its_own_out() {
    let (mut bench, others) = bystander();
    bench.auto_verify = false;
    let statement = bench.statement(VoteKind::Prevote, 0, Some(V), NO_ROUND);
    let forged = SignedVote {
        statement,
        member: member(others[0]),
        signature: &[7; 16],
    };
    bench.body(others[1], MessageBody::Vote(forged)).unwrap();
    let again = bench.body(others[2], MessageBody::Vote(forged));
    assert_eq!(
        again,
        Err(RefusedMessage::DuplicateMessage),
        "one relayed vote at a time"
    );
    bench.auto_verify = true;
    bench.say(others[0], statement).unwrap();
    assert!(bench.engine.status().prevotes.contains(member(others[0])));
}

#[test]
fn who_sends_false_signatures_is_not_listened_to_for_a_while() {
    let (mut bench, others) = bystander();
    let burst = bench.engine.config().verify_rate.burst_count;
    for fill in 0..burst {
        let refused = with_signature(&mut bench, others[0], &[fill as u8; 16]);
        assert_eq!(refused, Ok(()), "it is verified and found false");
    }
    let refused = with_signature(&mut bench, others[0], &[99; 16]);
    assert_eq!(refused, Err(RefusedMessage::RateExceeded));
    assert!(bench.engine.status().prevotes.len() <= 1);
    bench.prevote(&others[1..], 0, None, NO_ROUND);
    bench.pass(100);
    bench.prevote(&others[..1], 0, None, NO_ROUND);
}

#[test]
fn a_peer_fills_its_own_places_only() {
    let (mut bench, others) = bystander();
    bench.auto_verify = false;
    let mut refused = 0;
    // Votes of everybody, relayed by one.
    for at in 0..2 {
        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
            for by in &others[1..] {
                let statement = bench.statement(kind, at, None, NO_ROUND);
                refused += usize::from(bench.relay(others[0], *by, statement).is_err());
            }
        }
    }
    assert_eq!(refused, 0);
    for at in 2..60 {
        let statement = bench.statement(VoteKind::Prevote, at, None, NO_ROUND);
        let result = bench.relay(others[0], others[1], statement);
        refused += usize::from(result == Err(RefusedMessage::VerificationFull));
    }
    assert!(refused > 0);
    bench.prevote(&others[1..], 0, Some(V), NO_ROUND);
}

#[test]
fn light_and_useless_certificates_are_refused_unseen() {
    let (mut bench, others) = bystander();
    let light = bench.polka_bytes(&others[..2], 0, V, NO_ROUND);
    assert_eq!(
        bench.bytes(others[0], &light),
        Err(RefusedMessage::CertificateTooLight)
    );
    let light = bench.certificate_bytes(VoteKind::Precommit, &others[..2], 0, V, NO_ROUND);
    assert_eq!(
        bench.bytes(others[0], &light),
        Err(RefusedMessage::CertificateTooLight)
    );
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let known = bench.polka_bytes(&others, 0, V, NO_ROUND);
    assert_eq!(
        bench.bytes(others[0], &known),
        Err(RefusedMessage::CertificateNotNeeded)
    );
    bench.precommit(&others, 0, Some(V));
    let known = bench.certificate_bytes(VoteKind::Precommit, &others, 0, V, NO_ROUND);
    assert_eq!(
        bench.bytes(others[0], &known),
        Err(RefusedMessage::CertificateNotNeeded)
    );
}

#[test]
fn a_member_that_votes_twice_counts_once() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others[..1], 0, Some(W), NO_ROUND);
    bench.prevote(&others[..1], 0, Some(V), NO_ROUND);
    assert_eq!(bench.evidence.len(), 1);
    let [first, second] = bench.evidence[0].1;
    assert_eq!((first.value, second.value), (Some(W), Some(V)));
    bench.prevote(&others[1..2], 0, Some(V), NO_ROUND);
    assert_eq!(
        bench.engine.locked(),
        None,
        "its first vote was for another value"
    );
    bench.engine.verify().unwrap();
}

#[test]
fn the_signature_is_checked_over_what_was_said() {
    let (mut bench, others) = bystander();
    let said = bench.statement(VoteKind::Prevote, 0, None, NO_ROUND);
    let signature = sign(member(others[0]), &said.sign_bytes(&context()));
    with_signature(&mut bench, others[0], &signature).unwrap();
    assert!(
        bench.engine.status().prevotes.is_empty(),
        "it was signed for nil"
    );
}
