//! Keys of any provider behind one type each, chosen at run time.

use core::fmt;

#[cfg(feature = "dilithium")]
use super::dilithium;
#[cfg(feature = "fast-signatures")]
use super::fast;
use super::{KeyError, Provider, PublicKey, Randomness, Seed, Signature, Suite, portable};

/// A secret key with its public key; signs.
///
/// Wiped when it is dropped. It can't be cloned, and `Debug` shows its public key only.
pub struct SecretKey {
    secret: Secret,
    public: PublicKey,
}

enum Secret {
    MlDsa65(portable::Secret),
    #[cfg(feature = "fast-signatures")]
    MlDsa65Fast(fast::Secret),
    #[cfg(feature = "dilithium")]
    Dilithium3(dilithium::Secret),
}

impl SecretKey {
    /// Makes the key that follows from a seed: the same from every provider of a suite.
    ///
    /// # Errors
    /// [`KeyError::ProviderMissing`] where this build lacks it; [`KeyError::SeedNotTaken`] for
    /// Dilithium3.
    pub fn from_seed(provider: Provider, seed: &Seed) -> Result<Self, KeyError> {
        match provider {
            Provider::MlDsa65 => {
                let (secret, public) = portable::key(seed);
                let secret = Secret::MlDsa65(secret);
                Ok(Self { secret, public })
            }
            #[cfg(feature = "fast-signatures")]
            Provider::MlDsa65Fast => {
                let (secret, public) = fast::key(seed);
                let secret = Secret::MlDsa65Fast(secret);
                Ok(Self { secret, public })
            }
            #[cfg(feature = "dilithium")]
            Provider::Dilithium3 => Err(KeyError::SeedNotTaken),
            #[allow(unreachable_patterns, reason = "not where every provider is built in")]
            _ => Err(KeyError::ProviderMissing),
        }
    }

    /// Makes a new key from the operating system's randomness: Dilithium3 only, whose package takes
    /// no seed.
    ///
    /// # Errors
    /// [`KeyError::SeedWanted`] for the other providers; [`KeyError::ProviderMissing`].
    pub fn from_system(provider: Provider) -> Result<Self, KeyError> {
        match provider {
            #[cfg(feature = "dilithium")]
            Provider::Dilithium3 => {
                let (secret, public) = dilithium::generate().ok_or(KeyError::SecretKeyInvalid)?;
                let secret = Secret::Dilithium3(secret);
                Ok(Self { secret, public })
            }
            Provider::MlDsa65 | Provider::MlDsa65Fast => Err(KeyError::SeedWanted),
            #[allow(unreachable_patterns, reason = "not where every provider is built in")]
            _ => Err(KeyError::ProviderMissing),
        }
    }

    /// Takes a key that was made elsewhere: Dilithium3 only, 4,032 bytes. That the two keys belong
    /// together is tried out.
    ///
    /// # Errors
    /// [`KeyError::SecretKeyInvalid`] where the bytes are not as many, or what they sign does not
    /// verify; [`KeyError::SeedWanted`] for the other providers; [`KeyError::ProviderMissing`].
    pub fn import(provider: Provider, secret: &[u8], public: &PublicKey) -> Result<Self, KeyError> {
        match provider {
            #[cfg(feature = "dilithium")]
            Provider::Dilithium3 => {
                let secret = dilithium::import(secret).ok_or(KeyError::SecretKeyInvalid)?;
                let trial = dilithium::sign(&secret, b"trial").ok_or(KeyError::SecretKeyInvalid)?;
                if !dilithium::verify(public, b"trial", &trial) {
                    return Err(KeyError::SecretKeyInvalid);
                }
                let (secret, public) = (Secret::Dilithium3(secret), public.clone());
                Ok(Self { secret, public })
            }
            Provider::MlDsa65 | Provider::MlDsa65Fast => {
                let _ = (secret, public);
                Err(KeyError::SeedWanted)
            }
            #[allow(unreachable_patterns, reason = "not where every provider is built in")]
            _ => Err(KeyError::ProviderMissing),
        }
    }

    /// The key that others check its signatures with.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Who computes.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        match self.secret {
            Secret::MlDsa65(_) => Provider::MlDsa65,
            #[cfg(feature = "fast-signatures")]
            Secret::MlDsa65Fast(_) => Provider::MlDsa65Fast,
            #[cfg(feature = "dilithium")]
            Secret::Dilithium3(_) => Provider::Dilithium3,
        }
    }

    /// What it signs with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.provider().suite()
    }

    /// Signs a message, which begins with a [`Preamble`](super::Preamble).
    ///
    /// Cost: 0.1 to 1 ms by provider, and up to
    /// [`STACK_BYTES_MAX`](super::STACK_BYTES_MAX) of stack. The time depends on the message.
    ///
    /// # Errors
    /// [`KeyError::SigningGaveUp`] where no attempt of hundreds led to a signature, which happens
    /// less often than hardware fails.
    pub fn sign(&self, message: &[u8], randomness: &Randomness) -> Result<Signature, KeyError> {
        let signature = match &self.secret {
            Secret::MlDsa65(secret) => portable::sign(secret, message, randomness),
            #[cfg(feature = "fast-signatures")]
            Secret::MlDsa65Fast(secret) => fast::sign(secret, message, randomness),
            #[cfg(feature = "dilithium")]
            Secret::Dilithium3(secret) => dilithium::sign(secret, message),
        };
        signature.ok_or(KeyError::SigningGaveUp)
    }

    /// Bytes that a key takes beside its own place.
    #[must_use]
    pub const fn footprint_bytes(provider: Provider) -> u64 {
        match provider {
            Provider::MlDsa65 => portable::SECRET_BYTES,
            #[cfg(feature = "fast-signatures")]
            Provider::MlDsa65Fast => fast::SECRET_BYTES,
            #[cfg(feature = "dilithium")]
            Provider::Dilithium3 => dilithium::SECRET_BYTES,
            #[allow(unreachable_patterns, reason = "not where every provider is built in")]
            _ => 0,
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey")
            .field("provider", &self.provider())
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// A public key, prepared to check many signatures.
#[derive(Clone)]
pub struct VerifyingKey {
    prepared: Prepared,
    public: PublicKey,
}

#[derive(Clone)]
enum Prepared {
    MlDsa65(portable::Public),
    #[cfg(feature = "fast-signatures")]
    MlDsa65Fast,
    #[cfg(feature = "dilithium")]
    Dilithium3,
}

impl VerifyingKey {
    /// Prepares a public key. Any bytes are taken: a key that nobody made verifies nothing.
    ///
    /// # Errors
    /// [`KeyError::ProviderMissing`] where this build lacks it.
    pub fn new(provider: Provider, public: &PublicKey) -> Result<Self, KeyError> {
        let prepared = match provider {
            Provider::MlDsa65 => Prepared::MlDsa65(portable::public(public)),
            #[cfg(feature = "fast-signatures")]
            Provider::MlDsa65Fast => Prepared::MlDsa65Fast,
            #[cfg(feature = "dilithium")]
            Provider::Dilithium3 => Prepared::Dilithium3,
            #[allow(unreachable_patterns, reason = "not where every provider is built in")]
            _ => return Err(KeyError::ProviderMissing),
        };
        let public = public.clone();
        Ok(Self { prepared, public })
    }

    /// Prepares another public key in the place of this one, without allocating.
    pub fn replace(&mut self, public: &PublicKey) {
        match &mut self.prepared {
            Prepared::MlDsa65(place) => portable::replace(place, public),
            #[cfg(feature = "fast-signatures")]
            Prepared::MlDsa65Fast => {}
            #[cfg(feature = "dilithium")]
            Prepared::Dilithium3 => {}
        }
        self.public.0.copy_from_slice(&public.0);
    }

    /// The key itself.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Who computes.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        match self.prepared {
            Prepared::MlDsa65(_) => Provider::MlDsa65,
            #[cfg(feature = "fast-signatures")]
            Prepared::MlDsa65Fast => Provider::MlDsa65Fast,
            #[cfg(feature = "dilithium")]
            Prepared::Dilithium3 => Provider::Dilithium3,
        }
    }

    /// What it checks.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.provider().suite()
    }

    /// Whether this key's owner signed the message. Ends for every input.
    ///
    /// Cost: 0.04 to 0.12 ms by provider, and up to
    /// [`STACK_BYTES_MAX`](super::STACK_BYTES_MAX) of stack.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        match &self.prepared {
            Prepared::MlDsa65(public) => portable::verify(public, message, signature),
            #[cfg(feature = "fast-signatures")]
            Prepared::MlDsa65Fast => fast::verify(&self.public, message, signature),
            #[cfg(feature = "dilithium")]
            Prepared::Dilithium3 => dilithium::verify(&self.public, message, signature),
        }
    }

    /// Bytes that a prepared key takes beside its own place.
    #[must_use]
    pub const fn footprint_bytes(provider: Provider) -> u64 {
        match provider {
            Provider::MlDsa65 => portable::PUBLIC_BYTES,
            _ => 0,
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("provider", &self.provider())
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
