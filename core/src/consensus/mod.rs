//! How a committee decides one slot after another, whoever of less than a third lies.
//!
//! A host embeds [`ConsensusCoordinator`]: the engine with the epoch's keys, the bodies of values,
//! the newest certificates and the hand-over between epochs. Whoever has all of that can drive the
//! engine alone.
//!
//! [`ConsensusEngine`] is one member's state machine: bounded Tendermint (arXiv 1807.04938) with
//! valid rounds in prevotes, certificates that are pulled by whoever needs them, and a barrier
//! between what is on disk and what leaves. It sees digests, votes and certificates; what a value
//! means it asks the floor above. It does no I/O and reads no clock, its memory is fixed by
//! [`ConsensusLimits`], and nothing that a peer sends makes it panic, grow or contradict itself.
//!
//! Rules, deviations from the paper, the arguments for safety and liveness, and what must be on
//! disk before what, stand in `docs/consensus.md`. The numbers R0 to R10, S1 to S3, E1 and E2 in
//! comments are of that page.
//!
//! # The engine's four kinds of method
//! - *Commands*: [`start_height`](ConsensusEngine::start_height).
//! - *Inputs*: [`handle_now`](ConsensusEngine::handle_now),
//!   [`handle_timer`](ConsensusEngine::handle_timer),
//!   [`handle_message`](ConsensusEngine::handle_message),
//!   and the answers to effects: [`handle_persisted`](ConsensusEngine::handle_persisted),
//!   [`handle_signed`](ConsensusEngine::handle_signed),
//!   [`handle_verified`](ConsensusEngine::handle_verified),
//!   [`handle_value`](ConsensusEngine::handle_value),
//!   [`handle_validity`](ConsensusEngine::handle_validity). Answers that come too late are ignored.
//! - *Outputs*: [`poll_effect`](ConsensusEngine::poll_effect), until it gives nothing; for the
//!   bytes [`write_message`](ConsensusEngine::write_message),
//!   [`write_record`](ConsensusEngine::write_record),
//!   [`verify_item`](ConsensusEngine::verify_item) and [`evidence`](ConsensusEngine::evidence).
//! - *Getters*: [`next_deadline`](ConsensusEngine::next_deadline), and where the member stands.
//!
//! A host calls `handle_now`, hands in what has come, polls effects until there is none, and sleeps
//! until a message, an answer, or `next_deadline`.
//!
//! # Cost
//! A vote costs O(1) beside the copy of its signature: a bit in a set and a running sum, no scan
//! over members. A change of round and a certificate cost O(members), a skip of rounds O(members²).
//! A whole height over the votes of all members, with signatures of 3,309 bytes and without their
//! check, median of 9 runs in ns a vote; and the memory of one engine with the default limits and
//! so many members; one core of an Intel Xeon, shared, 2026-11-22
//! (`cargo test --release -p hauptbuch-core --test consensus_memory -- --nocapture`):
//!
//! | members | ns a vote | KiB |
//! |---|---|---|
//! | 4 | 142 | 338 |
//! | 31 | 130 | 1,959 |
//! | 100 | 126 | 6,100 |
//!
//! # What the engine does not do
//! It checks no signature and no value, and keeps no decided value.

mod committee;
mod config;
mod coordinator;
mod effect;
mod engine;
mod error;
mod limits;
mod message;
mod record;
mod schedule;
mod tables;
#[cfg(test)]
mod tests;
mod validator;

pub use crate::vote::{MemberSet, SigningContext, Statement, VoteKind};
pub use committee::{Committee, CommitteeError, CommitteeView, WEIGHT_MAX, WEIGHT_SUM_MAX};
#[cfg(any(test, feature = "weakened"))]
pub use config::Breaks;
pub use config::{ConsensusConfig, ConsensusConfigError, PrevoteRule, Rate, Timeout};
pub use coordinator::{
    BodyName, ConsensusCoordinator, ConsensusMetrics, CoordinatorConfig, CoordinatorEffect,
    CoordinatorError, CoordinatorLimits, CoordinatorMessage, CoordinatorMisuse, CoordinatorSetup,
    Destination, Identify, PeerMessage, RefusedBody, RefusedInput, Verdict, VerifyBatch, body_hash,
    write_put_body,
};
pub use effect::{
    BatchId, Effect, EvidencePair, Outgoing, Recipient, SignTicket, TimerKind, TimerTag, Validity,
    VerifyItem,
};
pub use engine::{ConsensusEngine, Restored};
pub use error::{
    ConsensusBroken, ConsensusError, ConsensusMisuse, MessageError, RecordError, RefusedMessage,
};
pub use limits::{ConsensusLimits, ConsensusLimitsError};
pub use message::{
    CLAIM_COUNT_MAX, CertificateEntry, CertificateMessage, Claim, MESSAGE_VERSION, Message,
    MessageBody, Request, SignedVote, Status, Step, VoteList, message_bytes_max,
};
pub use record::{newest_record, record_bytes_max};
pub use schedule::Schedule;
pub use validator::ConsensusValidator;
