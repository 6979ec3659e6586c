//! Certificates: that a quorum of an epoch's members decided a slot, checked with nothing but their
//! public keys and weights.
//!
//! A [`CommitCertificate`] is the commit certificate as members send it to each other, byte for
//! byte, so that what decided a slot is what proves it. An [`Electorate`] holds an epoch's keys,
//! prepared, and weights. A check goes in two steps, so that its signatures can be verified on as
//! many threads as the host likes:
//!
//! 1. [`CommitCertificate::check`] looks at all that needs no signature: the epoch, that every
//!    signer is a member, that they weigh more than two thirds. What fails here costs nobody a
//!    signature.
//! 2. The [`SignatureJob`]s of the [`CertificateCheck`] are run, in any order, anywhere; each needs
//!    only shared references. [`CertificateCheck::conclude`] takes the members whose signatures
//!    were good and gives a [`CommitProof`], or refuses.
//!
//! # Guarantees
//! - 3w > 2W in whole numbers: exactly two thirds are too few. Weights are in 1 ..= 2^32, so no
//!   product overflows.
//! - Each signature counts: one that does not verify rejects the certificate, even where the others
//!   would be enough, so that there are no two opinions of one certificate.
//! - Each member counts once: signers are bits of a set.
//! - A signature binds network, epoch, suite, kind, height, round and value, so nothing that was
//!   signed for another of these counts.
//! - A [`CommitProof`] exists only behind a check, and names the membership that it was made with.
//!
//! # Cost
//! A signature check a signer: 0.04 to 0.12 ms each by provider. No allocation after
//! [`Electorate::new`], which takes about 31 KB a member with the portable provider and 2 KB with
//! the others.
//!
//! # What it does not do
//! It does not know whether an electorate is the right one: that follows from the certificate of
//! the epoch before it, which `finality` checks. It does not shrink: ML-DSA signatures can't be
//! merged.

mod commit;
mod electorate;
mod error;
#[cfg(test)]
pub(crate) mod tests;

pub use commit::{
    CERTIFICATE_ENTRY_LEN, CERTIFICATE_HEADER_LEN, CertificateCheck, CommitCertificate,
    CommitProof, SignatureJob, write_commit_certificate,
};
pub use electorate::Electorate;
pub use error::{CertificateError, ElectorateError};
