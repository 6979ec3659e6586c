//! Dilithium3 by a C library. Keys are kept as bytes; the operating system makes new ones.
//!
//! The key kept here is wiped when it is dropped. The library signs from a copy on the stack that
//! nobody can wipe, since its type hides it: one more reason to prefer the standard's suite.

use alloc::boxed::Box;

use pqcrypto_dilithium::dilithium3;
use pqcrypto_traits::sign::{DetachedSignature as _, PublicKey as _, SecretKey as _};
use zeroize::Zeroizing;

use super::{PublicKey, Signature};
use crate::bounded::fixed_slice;

/// Bytes of a secret key.
pub(super) const SECRET_BYTES: u64 = 4_032;

pub(super) type Secret = Zeroizing<Box<[u8]>>;

pub(super) fn generate() -> Option<(Secret, PublicKey)> {
    let (public, secret) = dilithium3::keypair();
    let key = import(secret.as_bytes())?;
    Some((key, PublicKey::from_slice(public.as_bytes())?))
}

/// A secret key from its bytes, where they are as many as a key has.
pub(super) fn import(bytes: &[u8]) -> Option<Secret> {
    let mut secret = Zeroizing::new(fixed_slice(SECRET_BYTES as usize, 0));
    (bytes.len() == secret.len()).then(|| secret.copy_from_slice(bytes))?;
    Some(secret)
}

pub(super) fn sign(secret: &[u8], message: &[u8]) -> Option<Signature> {
    let secret = dilithium3::SecretKey::from_bytes(secret).ok()?;
    let signature = dilithium3::detached_sign(message, &secret);
    Signature::from_slice(signature.as_bytes())
}

pub(super) fn verify(public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let (Ok(public), Ok(signature)) = (
        dilithium3::PublicKey::from_bytes(&public.0),
        dilithium3::DetachedSignature::from_bytes(&signature.0),
    ) else {
        return false;
    };
    dilithium3::verify_detached_signature(&signature, message, &public).is_ok()
}
