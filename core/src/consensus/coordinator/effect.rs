//! What a coordinator wants done.

use crate::consensus::{BatchId, ConsensusEngine, ConsensusValidator, Outgoing, SignTicket};
use crate::consensus::{Validity, VerifyItem};
use crate::types::{Hash, Height, MemberIndex, Round, SequencerId, Tick};
use crate::vote::{SignBytes, VoteKind};

/// Something that the host has to do. Effects are small and say what, not with which bytes: those
/// are read from the coordinator when the effect is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoordinatorEffect {
    /// Make [`write_record`](super::ConsensusCoordinator::write_record) durable, then call
    /// [`handle_persisted`](super::ConsensusCoordinator::handle_persisted).
    Persist {
        /// The number to answer with.
        seq: u64,
    },
    /// Sign these bytes with this node's key, and call
    /// [`handle_signed`](super::ConsensusCoordinator::handle_signed).
    Sign {
        /// What to answer with.
        ticket: SignTicket,
        /// The bytes.
        bytes: SignBytes,
    },
    /// Send a message, whose bytes
    /// [`write_message`](super::ConsensusCoordinator::write_message) gives.
    Send {
        /// To whom.
        to: Destination,
        /// Which one.
        message: CoordinatorMessage,
    },
    /// Verify the signatures of
    /// [`verify_batch`](super::ConsensusCoordinator::verify_batch) on any threads, and call
    /// [`handle_verified`](super::ConsensusCoordinator::handle_verified).
    Verify {
        /// What to answer with.
        batch: BatchId,
        /// How many signatures, at most 128.
        count: u8,
    },
    /// Make a value to propose and hand its body in by
    /// [`handle_value`](super::ConsensusCoordinator::handle_value). A host that has none by the
    /// deadline says nothing, and the round passes.
    GetValue {
        /// The height.
        height: Height,
        /// The round.
        round: Round,
        /// When others stop waiting.
        deadline: Tick,
    },
    /// Make [`body`](super::ConsensusCoordinator::body), which is this node's own or was found
    /// valid, durable, and then call [`handle_stored`](super::ConsensusCoordinator::handle_stored).
    /// Neither a proposal of the value nor a vote for it leaves before that.
    StoreBody {
        /// The height.
        height: Height,
        /// The value.
        value: Hash,
    },
    /// Hand in the body that this node stored before it stopped, by
    /// [`handle_loaded`](super::ConsensusCoordinator::handle_loaded).
    LoadBody {
        /// The height.
        height: Height,
        /// The value.
        value: Hash,
    },
    /// Say whether [`body`](super::ConsensusCoordinator::body) may be decided, by
    /// [`handle_validity`](super::ConsensusCoordinator::handle_validity). It stands there while
    /// this effect is the last one polled; whoever answers later copies it.
    Validate {
        /// The height.
        height: Height,
        /// The value.
        value: Hash,
    },
    /// Send a peer a body from disk, as [`write_put_body`](super::write_put_body) writes it; where
    /// there is none, do nothing.
    SendBody {
        /// To whom.
        to: SequencerId,
        /// The height.
        height: Height,
        /// The value.
        value: Hash,
    },
    /// Send a peer the certificate of a height from disk, which is a message as it is.
    SendDecided {
        /// To whom.
        to: SequencerId,
        /// The height.
        height: Height,
    },
    /// The value is decided. Make [`certificate`](super::ConsensusCoordinator::certificate)
    /// durable, beside the body that is so already, and begin the next height by
    /// [`start_next`](super::ConsensusCoordinator::start_next) or, where the slot ends the epoch,
    /// [`start_epoch`](super::ConsensusCoordinator::start_epoch).
    Decide {
        /// The height.
        height: Height,
        /// The round that decided.
        round: Round,
        /// The value.
        value: Hash,
    },
    /// A member contradicted itself: [`evidence`](super::ConsensusCoordinator::evidence) gives both
    /// statements until the next effect is polled.
    Evidence {
        /// Who.
        member: SequencerId,
        /// In what.
        kind: VoteKind,
    },
    /// A member sent a body that is not that of its value. There is no signature on it, so that it
    /// proves nothing to others; a host may part with such a peer. Told once a height.
    WrongBody {
        /// Who.
        member: SequencerId,
        /// The height.
        height: Height,
    },
    /// Nothing was decided for as long as the configuration allows. Nothing follows from it here;
    /// told again each time that as much has passed.
    Stalled {
        /// The height that is not decided.
        height: Height,
        /// The round that it has come to.
        round: Round,
        /// Since when nothing was decided.
        since: Tick,
    },
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Every other member of the epoch.
    Members,
    /// One sequencer, who need be no member.
    One(SequencerId),
}

/// Which message to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoordinatorMessage {
    /// One of the engine's.
    Consensus(Outgoing),
    /// The certificate of a height before this one.
    Decided {
        /// The height.
        height: Height,
    },
    /// A body is asked for.
    GetBody {
        /// The value.
        value: Hash,
    },
    /// A body that is held here.
    PutBody {
        /// The value.
        value: Hash,
    },
}

/// What the host found out about a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be decided, or must not be.
    Known(Validity),
    /// The bytes are not the body that the value names, which says nothing about the value: whoever
    /// sent them is blamed, and another peer is asked.
    WrongBody,
}

/// Signatures of one batch with the keys to check them: borrowed, and shared by any threads.
#[derive(Clone, Copy, Debug)]
pub struct VerifyBatch<'a> {
    pub(super) validator: &'a ConsensusValidator,
    pub(super) engine: &'a ConsensusEngine,
    pub(super) batch: BatchId,
    pub(super) count: u8,
}

impl<'a> VerifyBatch<'a> {
    /// How many signatures there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is none: the batch is over.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One signature, to be checked by other means.
    #[must_use]
    pub fn item(&self, position: usize) -> Option<VerifyItem<'a>> {
        self.engine.verify_item(self.batch, position)
    }

    /// Whether the signature with this position verifies.
    #[must_use]
    pub fn is_good(&self, position: usize) -> bool {
        let item = self.item(position);
        item.is_some_and(|item| self.validator.is_good(&item))
    }

    /// Checks them all on this thread; the first one in the lowest bit.
    #[must_use]
    pub fn verify(&self) -> u128 {
        let items = (0..self.len()).filter_map(|position| self.item(position));
        self.validator.verify(items)
    }
}

/// Something that waits to be sent to one peer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// The certificate of a height.
    Decided(SequencerId, Height),
    /// A body.
    Body(SequencerId, Height, Hash),
    /// The question for the certificate of the present height.
    AskDecided(SequencerId),
}

impl Default for Answer {
    fn default() -> Self {
        Self::AskDecided(SequencerId::ZERO)
    }
}

/// A member, or the bucket that all others share.
pub(super) type BucketIndex = MemberIndex;
