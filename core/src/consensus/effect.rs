//! What the engine wants done.

use super::{Request, VoteKind};
use crate::types::{Hash, Height, MemberIndex, Round, Tick};
use crate::vote::{MemberSet, SignBytes, Statement};

/// Something that the host has to do. Effects are small and say what, not with which bytes: those
/// are read from the engine when the effect is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make [`write_record`](super::ConsensusEngine::write_record) durable, then call
    /// [`handle_persisted`](super::ConsensusEngine::handle_persisted).
    Persist {
        /// The number to answer with.
        seq: u64,
    },
    /// Sign these bytes and call [`handle_signed`](super::ConsensusEngine::handle_signed).
    Sign {
        /// What to answer with.
        ticket: SignTicket,
        /// The bytes.
        bytes: SignBytes,
    },
    /// Send a message, whose bytes [`write_message`](super::ConsensusEngine::write_message) gives.
    Send {
        /// To whom.
        to: Recipient,
        /// Which one.
        message: Outgoing,
    },
    /// Verify signatures, which [`verify_item`](super::ConsensusEngine::verify_item) gives, and
    /// call [`handle_verified`](super::ConsensusEngine::handle_verified).
    Verify {
        /// What to answer with.
        batch: BatchId,
        /// How many signatures, at most 128.
        count: u8,
    },
    /// Name a value to propose by [`handle_value`](super::ConsensusEngine::handle_value). A host
    /// that has none by the deadline says nothing, and the round passes.
    GetValue {
        /// The slot.
        height: Height,
        /// The attempt.
        round: Round,
        /// When others stop waiting.
        deadline: Tick,
    },
    /// Get hold of a value, store it, check it, and call
    /// [`handle_validity`](super::ConsensusEngine::handle_validity).
    Validate {
        /// The slot.
        height: Height,
        /// The value.
        value: Hash,
        /// Who is likely to have it.
        source: MemberIndex,
    },
    /// The value is decided. Make it durable together with its certificate (the message
    /// [`Outgoing::CommitCertificate`]) before the next height is started.
    Decide {
        /// The slot.
        height: Height,
        /// The attempt that decided.
        round: Round,
        /// The value.
        value: Hash,
    },
    /// Send a peer the stored certificate of a height before this one, and its value.
    SendDecided {
        /// To whom.
        to: MemberIndex,
        /// Which height it waits for.
        height: Height,
    },
    /// A member contradicted itself: [`evidence`](super::ConsensusEngine::evidence) gives both
    /// statements until the next effect is polled.
    Evidence {
        /// Who.
        member: MemberIndex,
        /// In what.
        kind: VoteKind,
    },
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Every other member.
    All,
    /// One member.
    One(MemberIndex),
}

/// Which message to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// This member's own statement.
    Own {
        /// Which kind.
        kind: VoteKind,
        /// Of which round.
        round: Round,
    },
    /// The proposal of a round that this member holds.
    Proposal {
        /// The round.
        round: Round,
    },
    /// Votes of others and of this member.
    Votes {
        /// Of which kind.
        kind: VoteKind,
        /// Of which round.
        round: Round,
        /// Whose.
        members: MemberSet,
    },
    /// Where this member stands.
    Status,
    /// Ask for a certificate.
    Request(Request),
    /// A polka that this member can prove.
    PolkaCertificate {
        /// The round.
        round: Round,
        /// The value.
        value: Hash,
    },
    /// The certificate of this height.
    CommitCertificate,
}

/// Which statement a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignTicket {
    /// What is signed.
    pub statement: Statement,
}

/// Names a batch of signatures to verify. None is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub(super) u64);

impl BatchId {
    /// The plain number, to pass through other languages.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The batch with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// One signature to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyItem<'a> {
    /// Whose key.
    pub member: MemberIndex,
    /// What was signed.
    pub bytes: SignBytes,
    /// The signature.
    pub signature: &'a [u8],
}

/// What the host found out about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It may be decided, and is stored durably.
    Valid {
        /// What the host adds to this member's precommit of the value; zero for nothing. The host
        /// stores what it stands for, and always answers the same.
        extension_hash: Hash,
    },
    /// It must not be decided.
    Invalid,
}

/// Two statements of one member that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidencePair<'a> {
    /// Who signed both.
    pub member: MemberIndex,
    /// The statements, in the order in which they came.
    pub statements: [Statement; 2],
    /// Their signatures.
    pub signatures: [&'a [u8]; 2],
}

/// Which timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TimerKind {
    /// For the round's proposal.
    Propose = 0,
    /// For prevotes to agree.
    Prevote = 1,
    /// For precommits to agree.
    Precommit = 2,
    /// For what others know, before proposing again.
    Claims = 3,
    /// Until peers are told where this member stands.
    Status = 4,
}

impl TimerKind {
    /// All timers, in the order in which they are looked at.
    pub const ALL: [Self; 5] = [
        Self::Propose,
        Self::Prevote,
        Self::Precommit,
        Self::Claims,
        Self::Status,
    ];
}

/// Names one setting of a timer; that of another height or round is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerTag {
    /// The height that it was set in.
    pub height: Height,
    /// The round.
    pub round: Round,
    /// Which timer.
    pub kind: TimerKind,
}
