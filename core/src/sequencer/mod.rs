//! Who the sequencers are, who of them votes in which epoch, and why.
//!
//! [`SequencerManager`] keeps a registry: each [`Sequencer`] has a number, a key that it has shown
//! to hold, an address that follows from the key, a weight, a [`SequencerStatus`] and counters. The
//! active ones are the members of the epoch. A [`Change`] is decided in a slot and takes effect
//! with the next epoch, so that one set of keys and weights decides all slots of an epoch. Every
//! node that sees the same decided slots holds the same registry; nothing here reads a clock or
//! trusts a count of its own for what is decided.
//!
//! # Guarantees
//! - Nobody is registered without proof of possession of its key, nor under a number, key or
//!   address that another one has. A banned sequencer stays registered, so that it can't return.
//! - An epoch has `heads_min` members or more: a loss that would leave fewer waits for whoever
//!   comes in its place, and the audit log says so.
//! - What happened stands in a chain of records ([`AuditRecord`]) that anybody can check
//!   ([`AuditVerifier`]) and nobody can edit without changing every hash after it.
//! - A change that is refused changes nothing.
//! - When an epoch closes, and whose the next one is, follows from decided slots alone
//!   ([`Succession`]).
//! - Its bytes ([`SequencerManager::write_state`]) give it back as it was, and
//!   [`SequencerManager::state_hash`] is the same at every node.
//!
//! # Cost
//! About 2.1 KB a sequencer, allocated at construction. A change costs O(sequencers), one that
//! brings a signature two checks of it at most; the end of an epoch O(sequencers²) comparisons of
//! numbers. `docs/committee.md` has the rules, the formats and what can go wrong.
//!
//! # What it does not do
//! It takes no stake and pays nobody; what a weight means is the network's business. It never
//! changes a key: a new key is a new sequencer.

mod audit;
mod audit_verify;
mod change;
mod conflict;
mod epoch;
mod error;
mod genesis;
mod limits;
mod manager;
mod member;
mod membership;
mod state;
mod status;
mod succession;
#[cfg(test)]
pub(crate) mod tests;

pub use audit::{AUDIT_RECORD_LEN, AuditKind, AuditRecord, audit_start};
pub use audit_verify::{AuditFault, AuditVerifier};
pub use change::{Admission, BanReason, Change, changes_hash, possession_bytes};
pub use conflict::ConflictProof;
pub use epoch::EpochSummary;
pub use error::{AuditError, ChangeError, EvidenceError, MembershipError, SequencerSetupError};
pub use limits::{SequencerLimits, SequencerRules, SequencerSetup};
pub use manager::{SequencerManager, SlotTurn};
pub use member::{Sequencer, SequencerMetrics, sequencer_address};
pub use membership::{Member, Membership};
pub use status::SequencerStatus;
pub use succession::{Standing, Succession, SuccessionRules};

use crate::vote::MEMBER_COUNT_MAX;

/// The largest weight of one sequencer.
pub const SEQUENCER_WEIGHT_MAX: u64 = 1 << 32;

/// The largest sum of weights: three times as much still fits 64 bits.
pub const SEQUENCER_WEIGHT_SUM_MAX: u64 = 1 << 61;

// No committee can come near the largest sum, so its weights need no check as a whole.
const _: () = assert!(MEMBER_COUNT_MAX as u64 <= SEQUENCER_WEIGHT_SUM_MAX / SEQUENCER_WEIGHT_MAX);
