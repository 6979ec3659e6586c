//! What can be said of messages with keys and weights alone.

use std::vec;

use crate::certificate::CertificateError;
use crate::consensus::*;
use crate::crypto::signature::{Provider, Randomness};
use crate::error::Code;
use crate::sequencer::tests::kit::{NETWORK, key, membership, precommit};
use crate::types::{Epoch, Hash, Height, MemberIndex, Round};
use crate::vote::NO_ROUND;

fn validator() -> ConsensusValidator {
    let limits = ConsensusLimits::default();
    ConsensusValidator::new(&limits, NETWORK, Provider::MlDsa65, &membership(2, &[1; 4])).unwrap()
}

fn proposal(by: MemberIndex, signature: &[u8]) -> Message<'_> {
    let statement = Statement {
        kind: VoteKind::Proposal,
        height: Height::new(5),
        round: Round::ZERO,
        value: Some(Hash::new([1; 32])),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    };
    Message {
        epoch: Epoch::new(2),
        height: Height::new(5),
        body: MessageBody::Vote(SignedVote {
            statement,
            member: by,
            signature,
        }),
    }
}

#[test]
fn form_schedule_and_weight_are_checked_without_a_signature() {
    let validator = validator();
    let turn = validator.proposer(Height::new(5), Round::ZERO);
    let signature = [1; 9];
    assert_eq!(validator.check(&proposal(turn, &signature)), Ok(()));
    let another = MemberIndex::new((turn.get() + 1) % 4);
    let refused = validator.check(&proposal(another, &signature));
    assert_eq!(refused, Err(RefusedMessage::InvalidVote));
    let stranger = proposal(MemberIndex::new(4), &signature);
    assert_eq!(
        validator.check(&stranger),
        Err(RefusedMessage::UnknownMember)
    );
    let other_epoch = Message {
        epoch: Epoch::new(3),
        ..proposal(turn, &signature)
    };
    assert_eq!(
        validator.check(&other_epoch),
        Err(RefusedMessage::WrongEpoch)
    );

    for (signers, verdict) in [
        (&[0, 1, 3][..], Ok(())),
        (&[0, 1], Err(RefusedMessage::CertificateTooLight)),
        (&[0, 1, 2, 5], Err(RefusedMessage::UnknownMember)),
    ] {
        let statement = precommit(5, 0, 1);
        let bytes = crate::certificate::tests::certificate(2, &statement, signers);
        let message = validator.decode(&bytes).unwrap();
        assert_eq!(validator.check(&message), verdict, "{signers:?}");
        let checked = validator
            .verify_certificate(&bytes)
            .map(|proof| proof.weight());
        assert_eq!(checked.is_ok(), verdict.is_ok());
        assert_eq!(validator.check_certificate(&bytes).is_ok(), verdict.is_ok());
    }
    let garbage = validator.verify_certificate(&[1, 6]);
    assert_eq!(garbage, Err(CertificateError::Truncated));
}

#[test]
fn signatures_are_told_one_by_one() {
    let validator = validator();
    let statement = precommit(5, 0, 1);
    let bytes = statement.sign_bytes(validator.context());
    let signatures: std::vec::Vec<_> = (0..4)
        .map(|number| key(number).sign(&bytes, &Randomness::ZERO).unwrap())
        .collect();
    let item = |member: u16, signature| VerifyItem {
        member: MemberIndex::new(member),
        bytes,
        signature,
    };
    let items = vec![
        item(0, signatures[0].as_bytes().as_slice()),
        item(1, signatures[0].as_bytes()),
        item(2, signatures[2].as_bytes()),
        item(3, &signatures[3].as_bytes()[1..]),
        item(9, signatures[0].as_bytes()),
    ];
    assert_eq!(validator.verify(items), 0b00101);
    assert_eq!(validator.verify([]), 0);
}

#[test]
fn another_epochs_members_take_the_same_places() {
    let mut validator = validator();
    let many = validator.replace(&membership(3, &[1; 12]));
    assert_eq!(
        many.map_err(CoordinatorError::code),
        Err(Code::MemberCountOutOfRange)
    );
    assert_eq!(
        validator.electorate().epoch(),
        Epoch::new(2),
        "nothing has changed"
    );
    validator.replace(&membership(3, &[1, 1, 7])).unwrap();
    let made = ConsensusValidator::new(
        &ConsensusLimits::default(),
        NETWORK,
        Provider::MlDsa65,
        &membership(3, &[1, 1, 7]),
    )
    .unwrap();
    for height in 1..40 {
        let (height, round) = (Height::new(height), Round::new(height as u32 % 3));
        assert_eq!(
            validator.proposer(height, round),
            made.proposer(height, round)
        );
    }
    assert_eq!(validator.context(), made.context());
}

#[test]
fn it_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<ConsensusValidator>();
    shared::<ConsensusCoordinator>();
    shared::<VerifyBatch<'_>>();
}
