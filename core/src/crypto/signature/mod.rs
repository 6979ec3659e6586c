//! Signatures that no quantum computer is known to forge: suites, keys, and who computes them.
//!
//! # Suites and providers
//! A [`Suite`] says what a signature is; a [`Provider`] is code that computes one. Two providers of
//! one suite give the same keys and signatures, so that a host may take the fastest.
//!
//! | provider | suite | where | seed | sign, check on one core |
//! |---|---|---|---|---|
//! | [`Provider::MlDsa65`] | ML-DSA-65, FIPS 204 | everywhere | yes | about 1 ms, 0.1 ms |
//! | [`Provider::MlDsa65Fast`] | the same | feature `fast-signatures` | yes | 0.15 ms, 0.06 ms |
//! | [`Provider::Dilithium3`] | Dilithium3, round 3 | feature `dilithium` | no | 0.1 ms, 0.04 ms |
//!
//! ML-DSA-65 is used in its pure form with an empty context. With [`Randomness::ZERO`] it signs
//! deterministically; keys and signatures are then those of CometBFT's `ml_dsa_65`.
//!
//! Dilithium3 is what came before the standard. Its public keys and signatures are as long as those
//! of ML-DSA-65, and an ML-DSA-65 verifier accepts the key and refuses every signature: only the
//! suite's number tells the two apart. Its keys come from the operating system or are imported, so
//! no run with it repeats to the byte.
//!
//! # What is signed
//! A message begins with a [`Preamble`]: what kind of object it is, which suite signs it, and which
//! chain and epoch it belongs to. A signature can't be carried to another of any of these.
//!
//! # Memory and time
//! Keys take their memory when they are made ([`SecretKey::footprint_bytes`],
//! [`VerifyingKey::footprint_bytes`]); nothing allocates afterwards, and checking does not either.
//! Computing needs up to [`STACK_BYTES_MAX`] of stack, making a key up to
//! [`KEY_STACK_BYTES_MAX`]. Secrets are wiped when they are dropped, and no `Debug` shows them.
//!
//! ```
//! use hauptbuch_core::crypto::signature::{Provider, Randomness, SecretKey, Seed, VerifyingKey};
//!
//! let key = SecretKey::from_seed(Provider::MlDsa65, &Seed::new([7; 32])).unwrap();
//! let signature = key.sign(b"message", &Randomness::ZERO).unwrap();
//!
//! let public = VerifyingKey::new(Provider::MlDsa65, key.public_key()).unwrap();
//! assert!(public.verify(b"message", &signature));
//! assert!(!public.verify(b"another", &signature));
//! ```

#[cfg(feature = "dilithium")]
mod dilithium;
#[cfg(feature = "fast-signatures")]
mod fast;
mod key;
mod portable;
#[cfg(test)]
mod tests;

pub use key::{SecretKey, VerifyingKey};

use core::fmt;

use zeroize::Zeroize as _;

use crate::crypto::hash::Domain;
use crate::error::operation_error;
use crate::types::Epoch;

/// Bytes of a public key, in both suites.
pub const PUBLIC_KEY_BYTES: usize = 1_952;
/// Bytes of a signature, in both suites.
pub const SIGNATURE_BYTES: usize = 3_309;
/// Bytes of stack that signing or checking may take.
pub const STACK_BYTES_MAX: usize = 160 * 1024;
/// Bytes of stack that making a key may take.
pub const KEY_STACK_BYTES_MAX: usize = 448 * 1024;

/// What a signature is; its number stands inside of what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Suite {
    /// ML-DSA-65 of FIPS 204, pure, with an empty context.
    MlDsa65 = 1,
    /// Dilithium3 as it was before the standard.
    Dilithium3 = 2,
}

impl Suite {
    /// The number that stands in formats.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The suite with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::MlDsa65),
            2 => Some(Self::Dilithium3),
            _ => None,
        }
    }

    /// Its name in settings and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MlDsa65 => "ml-dsa-65",
            Self::Dilithium3 => "dilithium3",
        }
    }
}

/// Code that computes a suite's signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// ML-DSA-65 in plain Rust; runs everywhere.
    MlDsa65,
    /// ML-DSA-65 with vector instructions where the processor has them.
    MlDsa65Fast,
    /// Dilithium3 in C.
    Dilithium3,
}

impl Provider {
    /// Every provider, built in or not.
    pub const ALL: [Self; 3] = [Self::MlDsa65, Self::MlDsa65Fast, Self::Dilithium3];

    /// What it computes.
    #[must_use]
    pub const fn suite(self) -> Suite {
        match self {
            Self::MlDsa65 | Self::MlDsa65Fast => Suite::MlDsa65,
            Self::Dilithium3 => Suite::Dilithium3,
        }
    }

    /// Whether this build has it.
    #[must_use]
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::MlDsa65 => true,
            Self::MlDsa65Fast => cfg!(feature = "fast-signatures"),
            Self::Dilithium3 => cfg!(feature = "dilithium"),
        }
    }

    /// The fastest one of a suite that this build has.
    #[must_use]
    pub const fn fastest(suite: Suite) -> Option<Self> {
        match suite {
            Suite::MlDsa65 if Self::MlDsa65Fast.is_built_in() => Some(Self::MlDsa65Fast),
            Suite::MlDsa65 => Some(Self::MlDsa65),
            Suite::Dilithium3 if Self::Dilithium3.is_built_in() => Some(Self::Dilithium3),
            Suite::Dilithium3 => None,
        }
    }
}

operation_error! {
    /// Why there is no key, or no signature.
    KeyError {
        ProviderMissing,
        SeedNotTaken,
        SeedWanted,
        SecretKeyInvalid,
        SigningGaveUp,
    }
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $length:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name([u8; $length]);

        impl $name {
            /// From its bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// From a slice of exactly its length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "("))?;
                for byte in self.0.iter().take(8) {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str("…)")
            }
        }
    };
}

fixed_bytes! {
    /// Whom a signature is by; whether the bytes are a key shows when it is used.
    PublicKey, PUBLIC_KEY_BYTES
}
fixed_bytes! {
    /// A signature, of either suite.
    Signature, SIGNATURE_BYTES
}

/// 32 secret bytes from which a key is made; wiped when dropped.
#[derive(Clone)]
pub struct Seed([u8; 32]);

/// 32 bytes that hedge a signature against faults of the machine; all zero signs
/// deterministically. Dilithium3 is deterministic whatever they are.
#[derive(Clone)]
pub struct Randomness([u8; 32]);

impl Seed {
    /// From bytes that nobody else knows or can guess.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Randomness {
    /// Signs deterministically: one message, one signature.
    pub const ZERO: Self = Self([0; 32]);

    /// From bytes of the caller's source of randomness.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for Randomness {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Randomness(secret)")
    }
}

/// What every signed message begins with: 24 bytes.
///
/// ```text
/// 0  domain    7   what kind of object, and which version
/// 7  suite     1   the suite's number
/// 8  chain id  8   little-endian
/// 16 epoch     8   little-endian
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preamble {
    /// What kind of object is signed, and in which version.
    pub domain: Domain,
    /// What signs it.
    pub suite: Suite,
    /// The network that it belongs to.
    pub chain_id: u64,
    /// The epoch that it belongs to.
    pub epoch: Epoch,
}

impl Preamble {
    /// Bytes of its encoding.
    pub const LEN: usize = 24;

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let chain_id = self.chain_id.to_le_bytes();
        let epoch = self.epoch.get().to_le_bytes();
        let suite = [self.suite.number()];
        let fields = self.domain.as_bytes().iter().chain(&suite);
        let fields = fields.chain(&chain_id).chain(&epoch);
        for (place, byte) in bytes.iter_mut().zip(fields) {
            *place = *byte;
        }
        bytes
    }
}
