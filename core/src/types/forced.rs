//! Inputs that another chain forces in.

use super::{Gas, InboxIndex, RollupId, TxId, UnixNs};

/// What a forced input does at its place in a slot. Its bytes stand there whatever it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ForcedOutcome {
    /// It used its sender's next nonce.
    #[default]
    Applied = 0,
    /// A no-op: its nonce was used before.
    Superseded = 1,
    /// A no-op: a nonce before its own is missing.
    Gap = 2,
    /// A no-op: it had expired at the slot's time.
    Expired = 3,
}

impl ForcedOutcome {
    /// The byte that stands for it in every encoding.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The outcome that a byte stands for, if any.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Applied),
            1 => Some(Self::Superseded),
            2 => Some(Self::Gap),
            3 => Some(Self::Expired),
            _ => None,
        }
    }
}

/// What the other chain shows of one input in a rollup's inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// Whose inbox.
    pub rollup: RollupId,
    /// Its running number there.
    pub index: InboxIndex,
    /// The hash of its canonical bytes.
    pub id: TxId,
    /// The agreed time after which no slot may leave it out.
    pub deadline: UnixNs,
    /// The length of its canonical bytes.
    pub encoded_len: u32,
    /// Its gas.
    pub gas: Gas,
}
