//! How much is enough, by arithmetic that shares nothing with the code's.

use super::*;
use crate::vote::MemberSet;
use proptest::prelude::*;

/// More than two thirds, by whole division of numbers too large to overflow.
fn is_enough(weights: &[u64], signers: u128) -> bool {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let signed: u128 = (0..weights.len())
        .filter(|at| signers >> at & 1 == 1)
        .map(|at| u128::from(weights[at]))
        .sum();
    // The fewest units that are more than two thirds of the total.
    signed > total * 2 / 3
}

fn verdict(weights: &[u64], signers: &[u32]) -> Result<u64, CertificateError> {
    let bytes = certificate(0, &precommit(1, 0, 1), signers);
    verify(&bytes, &electorate(0, weights)).map(|proof| proof.weight())
}

#[test]
fn exactly_two_thirds_are_insufficient() {
    let light = Err(CertificateError::CertificateTooLight);
    assert_eq!(verdict(&[1, 1, 1], &[0, 1]), light);
    assert_eq!(verdict(&[1, 1, 1], &[0, 1, 2]), Ok(3));
    assert_eq!(verdict(&[2, 2, 2], &[0, 1]), light);
    assert_eq!(verdict(&[1, 1, 1, 1], &[0, 1]), light);
    assert_eq!(verdict(&[1, 1, 1, 1], &[0, 1, 3]), Ok(3));
    assert_eq!(verdict(&[1; 6], &[0, 1, 2, 3]), light);
    assert_eq!(verdict(&[1; 6], &[0, 1, 2, 3, 4]), Ok(5));
    assert_eq!(verdict(&[1 << 32; 3], &[0, 1]), light);
    assert_eq!(
        verdict(&[1 << 32, (1 << 32) - 1, 1 << 32], &[0, 2]),
        Ok(1 << 33)
    );
    // One unit decides.
    assert_eq!(verdict(&[4, 2], &[0]), light);
    assert_eq!(verdict(&[5, 2], &[0]), Ok(5));
    assert_eq!(verdict(&[1], &[0]), Ok(1));
}

#[test]
fn nobody_proves_nothing() {
    assert_eq!(
        verdict(&[1, 1], &[]),
        Err(CertificateError::CertificateTooLight)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_threshold_is_that_of_plain_arithmetic(
        weights in prop::collection::vec(1_u64..=1 << 32, 1..11),
        small in prop::collection::vec(1_u64..4, 1..11),
        signers in any::<u16>(),
    ) {
        for weights in [weights, small] {
            let electorate = electorate(0, &weights);
            let signers = u128::from(signers) & MemberSet::first(weights.len() as u16).bits();
            let weight = electorate.weight_of(MemberSet::from_bits(signers));
            prop_assert_eq!(electorate.is_quorum(weight), is_enough(&weights, signers));
        }
    }
}
