//! What a member keeps of one height, in arrays of fixed size.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "members are checked against the committee before they come here, places are numbers \
              that these tables made themselves, and no sum of weights exceeds 2^61"
)]

mod bucket;
mod certificate;
mod evidence;
mod own;
mod pending;
mod proposals;
mod rows;
mod signatures;
mod values;

pub(super) use bucket::Buckets;
pub(super) use certificate::{CertificateSlot, Stage};
pub(super) use evidence::{Conflict, EvidenceTable};
pub(super) use own::OwnVotes;
pub(super) use pending::{Pending, PendingVote};
pub(super) use proposals::{Proposals, StoredProposal};
pub(super) use rows::VoteRows;
pub(super) use signatures::{SigRef, SignatureStore};
pub(super) use values::{ValueState, Values};
