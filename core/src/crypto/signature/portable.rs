//! ML-DSA-65 in plain Rust. Keys stay expanded, which saves two thirds of a check's time.

use alloc::boxed::Box;
use core::convert::Infallible;

use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng};
use ml_dsa::{ExpandedSigningKey, MlDsa65};

use super::{PublicKey, Randomness, Seed, Signature};

pub(super) type Secret = Box<ExpandedSigningKey<MlDsa65>>;
pub(super) type Public = Box<ml_dsa::VerifyingKey<MlDsa65>>;

/// Bytes behind an expanded secret key.
pub(super) const SECRET_BYTES: u64 = size_of::<ExpandedSigningKey<MlDsa65>>() as u64;
/// Bytes behind an expanded public key.
pub(super) const PUBLIC_BYTES: u64 = size_of::<ml_dsa::VerifyingKey<MlDsa65>>() as u64;

// Building happens in a frame of its own, so that its stack is free again when the key is used.
#[inline(never)]
pub(super) fn key(seed: &Seed) -> (Secret, PublicKey) {
    let secret = Box::new(ExpandedSigningKey::from_seed(&seed.0.into()));
    let public = public_of(&secret);
    (secret, public)
}

#[inline(never)]
fn public_of(secret: &ExpandedSigningKey<MlDsa65>) -> PublicKey {
    PublicKey(secret.verifying_key().encode().into())
}

#[inline(never)]
pub(super) fn public(key: &PublicKey) -> Public {
    Box::new(ml_dsa::VerifyingKey::decode(&key.0.into()))
}

#[inline(never)]
pub(super) fn replace(place: &mut Public, key: &PublicKey) {
    **place = ml_dsa::VerifyingKey::decode(&key.0.into());
}

#[inline(never)]
pub(super) fn sign(
    secret: &ExpandedSigningKey<MlDsa65>,
    message: &[u8],
    randomness: &Randomness,
) -> Option<Signature> {
    let signature = secret.sign_randomized(message, &[], &mut Given(&randomness.0));
    signature.ok().map(|own| Signature(own.encode().into()))
}

#[inline(never)]
pub(super) fn verify(
    public: &ml_dsa::VerifyingKey<MlDsa65>,
    message: &[u8],
    signature: &Signature,
) -> bool {
    ml_dsa::Signature::decode(&signature.0.into())
        .is_some_and(|signature| public.verify_with_context(message, &[], &signature))
}

/// Hands the caller's bytes to a signer that asks a source of randomness for 32 bytes, once.
struct Given<'a>(&'a [u8; 32]);

impl TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        rand_bytes(self).map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_bytes(self).map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for (byte, given) in out.iter_mut().zip(self.0.iter().cycle()) {
            *byte = *given;
        }
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

fn rand_bytes<const N: usize>(given: &mut Given<'_>) -> Result<[u8; N], Infallible> {
    let mut bytes = [0; N];
    given.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}
