//! Messages as bytes.

use super::kit::{Bench, context, limits, member, round, value};
use crate::consensus::*;
use crate::types::{Hash, Height};
use crate::vote::NO_ROUND;
use std::vec;
use std::vec::Vec;

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = vec![0; 4_096];
    let len = message.encode(&mut out).unwrap();
    let small = message.encode(&mut out[..len - 1]);
    assert_eq!(small, Err(crate::codec::EncodeError::BufferTooSmall));
    out.truncate(len);
    out
}

fn message(body: MessageBody<'_>) -> Message<'_> {
    Message {
        epoch: context().epoch,
        height: Height::new(1),
        body,
    }
}

fn vote() -> SignedVote<'static> {
    SignedVote {
        statement: Statement {
            kind: VoteKind::Prevote,
            height: Height::new(1),
            round: round(4),
            value: Some(value(1)),
            valid_round: 2,
            extension_hash: Hash::ZERO,
        },
        member: member(3),
        signature: &[5; 16],
    }
}

fn status() -> Status {
    let claim = Claim {
        kind: VoteKind::Precommit,
        round: round(2),
        value: value(8),
    };
    Status {
        round: round(4),
        step: Step::Precommit,
        has_proposal: true,
        prevotes: MemberSet::first(4),
        precommits: MemberSet::from_bits(5),
        claims: [Some(claim), None],
    }
}

/// One of each kind.
fn samples() -> Vec<Vec<u8>> {
    let bench = Bench::new(3);
    let mut votes = encoded(&message(MessageBody::Vote(vote())));
    let body = votes.split_off(18);
    votes[1] = 2;
    votes.push(2);
    votes.extend_from_slice(&body);
    votes.extend_from_slice(&body);
    let polka = Request::Polka {
        round: round(1),
        value: value(2),
    };
    vec![
        encoded(&message(MessageBody::Vote(vote()))),
        votes,
        encoded(&message(MessageBody::Status(status()))),
        encoded(&message(MessageBody::Request(polka))),
        encoded(&message(MessageBody::Request(Request::Commit))),
        bench.polka_bytes(&[0, 2, 3], 5, value(1), 2),
        bench.certificate_bytes(VoteKind::Precommit, &[0, 1, 3], 5, value(1), NO_ROUND),
    ]
}

#[test]
fn every_message_has_one_spelling() {
    for bytes in samples() {
        let decoded = Message::decode(&bytes, &limits(4)).unwrap();
        assert_eq!(encoded(&decoded), bytes);
        assert!(bytes.len() <= message_bytes_max(&limits(4)));
    }
}

#[test]
fn no_beginning_of_a_message_is_one() {
    for bytes in samples() {
        for len in 0..bytes.len() {
            let refused = Message::decode(&bytes[..len], &limits(4));
            assert_eq!(
                refused,
                Err(MessageError::Truncated),
                "{len} of {}",
                bytes.len()
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let refused = Message::decode(&longer, &limits(4));
        assert_eq!(refused, Err(MessageError::TrailingBytes));
    }
}

#[test]
fn changed_bytes_are_refused_or_mean_something_else() {
    for bytes in samples() {
        let original = Message::decode(&bytes, &limits(4)).unwrap();
        for at in 0..bytes.len() {
            for change in [1, 2, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                if let Ok(message) = Message::decode(&changed, &limits(4)) {
                    assert_ne!(message, original, "byte {at}");
                    assert_eq!(encoded(&message), changed, "byte {at}");
                }
            }
        }
    }
}

#[test]
fn each_way_to_be_no_message_has_its_error() {
    let refused = |at: usize, with: &[u8], sample: usize| {
        let mut bytes = samples().swap_remove(sample);
        bytes[at..at + with.len()].copy_from_slice(with);
        Message::decode(&bytes, &limits(4)).map(|_| ())
    };
    use MessageError as E;
    assert_eq!(refused(0, &[9], 0), Err(E::UnsupportedVersion));
    assert_eq!(refused(1, &[0], 0), Err(E::UnknownMessage));
    assert_eq!(refused(1, &[7], 0), Err(E::UnknownMessage));
    assert_eq!(
        refused(18, &[3], 0),
        Err(E::UnknownMessage),
        "kind of statement"
    );
    assert_eq!(refused(19, &[0xFF; 4], 0), Err(E::InvalidVote), "round");
    assert_eq!(refused(23, &[4, 0], 0), Err(E::UnknownMember));
    assert_eq!(refused(25, &[2], 0), Err(E::UnknownMessage), "flag");
    assert_eq!(
        refused(25, &[0], 0),
        Err(E::FieldNotEmpty),
        "nil with a value"
    );
    assert_eq!(
        refused(58, &4_i32.to_le_bytes(), 0),
        Err(E::InvalidVote),
        "valid round"
    );
    assert_eq!(refused(94, &[0, 0], 0), Err(E::WrongSignatureLength));
    assert_eq!(refused(94, &[17, 0], 0), Err(E::Truncated));
    assert_eq!(refused(18, &[0], 1), Err(E::LengthOverLimit), "no votes");
    assert_eq!(
        refused(18, &[9], 1),
        Err(E::LengthOverLimit),
        "too many votes"
    );
    assert_eq!(refused(22, &[4], 2), Err(E::UnknownMessage), "step");
    assert_eq!(refused(24, &[0xFF], 2), Err(E::UnknownMember), "bitmap");
    assert_eq!(refused(56, &[3], 2), Err(E::LengthOverLimit), "claims");
    assert_eq!(
        refused(57, &[0], 2),
        Err(E::UnknownMessage),
        "a claim of proposals"
    );
    assert_eq!(refused(18, &[3], 3), Err(E::UnknownMessage), "request");
    assert_eq!(
        refused(54, &5_i32.to_le_bytes(), 5),
        Err(E::InvalidVote),
        "polka"
    );
    assert_eq!(refused(58, &[0xFF], 5), Err(E::UnknownMember), "signers");
    assert_eq!(
        refused(54, &1_i32.to_le_bytes(), 6),
        Err(E::InvalidVote),
        "commit"
    );
}

#[test]
fn extensions_travel_only_where_there_are_some() {
    let bench = Bench::new(3);
    let plain = bench.certificate_bytes(VoteKind::Precommit, &[0, 1], 5, value(1), NO_ROUND);
    let mut out = vec![0; 4_096];
    let fields = message::CertificateFields {
        epoch: context().epoch,
        height: Height::new(1),
        is_polka: false,
        round: round(5),
        value: value(1),
        valid_round: NO_ROUND,
        signers: MemberSet::first(2),
    };
    let mut writer = crate::codec::Writer::new(&mut out);
    let entries = [(Hash::ZERO, &[1_u8; 16][..]), (value(7), &[2; 16])];
    message::write_certificate(&mut writer, &fields, entries.into_iter()).unwrap();
    let len = writer.len();
    out.truncate(len);
    assert_eq!(len, plain.len() + 64);
    let decoded = Message::decode(&out, &limits(4)).unwrap();
    let MessageBody::CommitCertificate(certificate) = decoded.body else {
        panic!("{decoded:?}");
    };
    let found: Vec<Hash> = certificate
        .iter()
        .map(|entry| entry.extension_hash)
        .collect();
    assert_eq!(found, [Hash::ZERO, value(7)]);
    assert_eq!(encoded(&decoded), out);
    // All of them zero, and yet there: a second spelling.
    let second = out.len() - 18 - 32;
    out[second..second + 32].fill(0);
    let refused = Message::decode(&out, &limits(4)).map(|_| ());
    assert_eq!(refused, Err(MessageError::FieldNotEmpty));
}
