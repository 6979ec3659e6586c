//! ML-DSA-65 with vector instructions, where the processor has them. Keys are kept as bytes.

use alloc::boxed::Box;

use libcrux_ml_dsa::ml_dsa_65::{
    self, MLDSA65Signature, MLDSA65SigningKey, MLDSA65VerificationKey,
};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::{PublicKey, Randomness, Seed, Signature};

/// Bytes of a secret key.
pub(super) const SECRET_BYTES: u64 = size_of::<MLDSA65SigningKey>() as u64;

/// A secret key, wiped when it is dropped.
pub(super) struct Secret(Box<MLDSA65SigningKey>);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

#[inline(never)]
pub(super) fn key(seed: &Seed) -> (Secret, PublicKey) {
    let mut pair = ml_dsa_65::generate_key_pair(seed.0);
    let mut secret = Secret(Box::new(MLDSA65SigningKey::zero()));
    secret
        .0
        .as_mut_slice()
        .copy_from_slice(pair.signing_key.as_slice());
    pair.signing_key.as_mut_slice().zeroize();
    (secret, PublicKey(*pair.verification_key.as_ref()))
}

#[inline(never)]
pub(super) fn sign(secret: &Secret, message: &[u8], randomness: &Randomness) -> Option<Signature> {
    let signature = ml_dsa_65::sign(&secret.0, message, &[], randomness.0);
    signature.ok().map(|own| Signature(*own.as_ref()))
}

#[inline(never)]
pub(super) fn verify(public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let public = MLDSA65VerificationKey::new(public.0);
    let signature = MLDSA65Signature::new(signature.0);
    ml_dsa_65::verify(&public, message, &[], &signature).is_ok()
}
