//! The bytes of a certificate, which are those of a message between members.

use super::*;
use crate::consensus::{ConsensusLimits, Message, MessageBody};
use proptest::prelude::*;

fn extended() -> Statement {
    Statement {
        extension_hash: Hash::new([6; 32]),
        ..precommit(9, 1, 7)
    }
}

#[test]
fn members_and_verifiers_read_the_same_bytes() {
    for statement in [precommit(9, 1, 7), extended()] {
        let bytes = certificate(2, &statement, &[0, 2, 3]);
        let ours = CommitCertificate::decode(&bytes).unwrap();
        let message = Message::decode(&bytes, &ConsensusLimits::default()).unwrap();
        let MessageBody::CommitCertificate(theirs) = message.body else {
            panic!("another message");
        };
        assert_eq!((ours.epoch, ours.height), (message.epoch, message.height));
        assert_eq!((ours.round, ours.value), (theirs.round, theirs.value));
        assert_eq!(ours.signers, theirs.signers);
        for (ours, theirs) in ours.entries().zip(theirs.iter()) {
            assert_eq!((ours.0, ours.1), (theirs.member, theirs.extension_hash));
            assert_eq!(ours.2.as_slice(), theirs.signature);
        }
        let mut written = std::vec![0; bytes.len()];
        assert_eq!(message.encode(&mut written), Ok(bytes.len()));
        assert_eq!(written, bytes);
    }
    assert_eq!(
        crate::sequencer::SEQUENCER_WEIGHT_MAX,
        crate::consensus::WEIGHT_MAX
    );
    assert_eq!(
        crate::sequencer::SEQUENCER_WEIGHT_SUM_MAX,
        crate::consensus::WEIGHT_SUM_MAX
    );
}

#[test]
fn bytes_that_are_no_certificate_say_why() {
    let bytes = certificate(2, &precommit(9, 1, 7), &[0, 1, 2]);
    let refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut wrong = bytes.clone();
        change(&mut wrong);
        CommitCertificate::decode(&wrong).unwrap_err()
    };
    use CertificateError as E;
    assert_eq!(refusal(&|b| b[0] = 2), E::UnsupportedVersion);
    assert_eq!(refusal(&|b| b[1] = 5), E::UnknownMessage);
    assert_eq!(refusal(&|b| b[18..22].fill(0xff)), E::InvalidVote);
    assert_eq!(refusal(&|b| b[54..58].fill(0)), E::InvalidVote);
    assert_eq!(refusal(&|b| b[74] = 2), E::UnknownMessage);
    assert_eq!(refusal(&|b| b[75] = 0), E::WrongSignatureLength);
    assert_eq!(refusal(&|b| b.push(0)), E::TrailingBytes);
    assert_eq!(refusal(&|b| b[58] |= 8), E::Truncated);
    assert_eq!(refusal(&|b| b[58] = 3), E::TrailingBytes);
    for len in (0..bytes.len()).step_by(97) {
        assert_eq!(refusal(&|b| b.truncate(len)), E::Truncated, "{len} bytes");
    }
    // Extensions stand there only where one of them says something.
    let bytes = certificate(2, &extended(), &[0, 1]);
    let mut empty = bytes;
    for signer in 0..2 {
        let start = CERTIFICATE_HEADER_LEN + signer * (CERTIFICATE_ENTRY_LEN + 32);
        empty[start..start + 32].fill(0);
    }
    let refused = CommitCertificate::decode(&empty);
    assert_eq!(refused, Err(E::FieldNotEmpty));
}

#[test]
fn every_byte_counts() {
    let electorate = electorate(2, &[1; 4]);
    let bytes = certificate(2, &precommit(9, 1, 7), &[0, 1, 2]);
    let header = 0..CERTIFICATE_HEADER_LEN;
    let some = (CERTIFICATE_HEADER_LEN..bytes.len()).step_by(331);
    for byte in header.chain(some) {
        for bit in [0, 7] {
            let mut wrong = bytes.clone();
            wrong[byte] ^= 1 << bit;
            assert!(
                verify(&wrong, &electorate).is_err(),
                "byte {byte}, bit {bit}"
            );
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = CommitCertificate::decode(&bytes);
        if let [version, kind, ..] = bytes.as_mut_slice() {
            (*version, *kind) = (1, 6);
        }
        let _ = CommitCertificate::decode(&bytes);
    }
}
