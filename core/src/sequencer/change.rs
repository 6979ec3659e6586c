//! Changes to the membership, as slots decide them.

use super::{ChangeError, ConflictProof};
use crate::codec::{EncodeError, Reader, Writer};
use crate::crypto::hash::{Domain, Hasher};
use crate::crypto::signature::{PUBLIC_KEY_BYTES, Preamble, PublicKey, SIGNATURE_BYTES, Suite};
use crate::types::{Epoch, Hash, SequencerId};

/// The version of the encoding.
const VERSION: u8 = 1;

/// Bytes of what a sequencer signs to show that it holds its key.
pub const POSSESSION_LEN: usize = Preamble::LEN + 4 + PUBLIC_KEY_BYTES;

/// A change to the membership; decided in a slot, effective with the next epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A new sequencer is registered, at once and inactive; to activate it is another change.
    Admit(Admission<'a>),
    /// An inactive or suspended one becomes a member. Takes back a suspension or a step back that
    /// has not taken effect.
    Activate(SequencerId),
    /// A member leaves and stays registered; a suspended one steps back.
    Deactivate(SequencerId),
    /// A member that is silent is no longer one.
    Suspend(SequencerId),
    /// A sequencer that contradicted itself is never a member again.
    Ban(SequencerId, BanReason<'a>),
    /// A sequencer leaves the registry; a banned one can't.
    Remove(SequencerId),
    /// A sequencer's weight changes.
    SetWeight(SequencerId, u64),
}

/// A sequencer that wants to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission<'a> {
    /// Its number.
    pub id: SequencerId,
    /// Its weight, 1 ..= 2^32.
    pub weight: u64,
    /// Its public key.
    pub public_key: &'a [u8; PUBLIC_KEY_BYTES],
    /// Its signature over [`possession_bytes`] of the epoch in which the change is decided.
    pub possession: &'a [u8; SIGNATURE_BYTES],
}

/// Why a sequencer is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanReason<'a> {
    /// It signed two votes that contradict each other. Checked here.
    Votes(ConflictProof<'a>),
    /// Evidence of another kind, by its hash: a forked log, or promises that contradict each
    /// other. Whoever decides the change has checked it; the registry only writes the hash down.
    Checked(Hash),
}

impl<'a> Change<'a> {
    /// Whom it is about.
    #[must_use]
    pub const fn id(&self) -> SequencerId {
        match self {
            Self::Admit(admission) => admission.id,
            Self::Activate(id)
            | Self::Deactivate(id)
            | Self::Suspend(id)
            | Self::Ban(id, _)
            | Self::Remove(id)
            | Self::SetWeight(id, _) => *id,
        }
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(VERSION)?;
        out.u8(self.kind())?;
        out.u32(self.id().get())?;
        match self {
            Self::Admit(admission) => {
                out.u64(admission.weight)?;
                out.bytes(admission.public_key)?;
                out.bytes(admission.possession)
            }
            Self::Ban(_, BanReason::Votes(proof)) => proof.encode(out),
            Self::Ban(_, BanReason::Checked(evidence)) => out.bytes(evidence.as_bytes()),
            Self::SetWeight(_, weight) => out.u64(*weight),
            Self::Activate(_) | Self::Deactivate(_) | Self::Suspend(_) | Self::Remove(_) => Ok(()),
        }
    }

    /// Reads a change off the front of `input`.
    ///
    /// ```text
    /// 0  version  1   1
    /// 1  kind     1   1 = admit, 2 = activate, 3 = deactivate, 4 = suspend, 5 = ban by votes,
    ///                 6 = ban by other evidence, 7 = remove, 8 = set weight
    /// 2  id       4
    /// 6  body         1: weight 8, public key 1,952, signature 3,309; 5: a proof; 6: hash 32;
    ///                 8: weight 8; otherwise nothing
    /// ```
    ///
    /// # Errors
    /// [`ChangeError::Truncated`], [`ChangeError::UnsupportedVersion`],
    /// [`ChangeError::UnknownChange`], and what a proof can fail with.
    pub fn decode(input: &mut Reader<'a>) -> Result<Self, ChangeError> {
        input.version(VERSION)?;
        let kind = input.u8()?;
        let id = SequencerId::new(input.u32()?);
        Ok(match kind {
            1 => {
                let weight = input.u64()?;
                let public_key = input.bytes(PUBLIC_KEY_BYTES)?.first_chunk();
                let possession = input.bytes(SIGNATURE_BYTES)?.first_chunk();
                Self::Admit(Admission {
                    id,
                    weight,
                    public_key: public_key.ok_or(ChangeError::Truncated)?,
                    possession: possession.ok_or(ChangeError::Truncated)?,
                })
            }
            2 => Self::Activate(id),
            3 => Self::Deactivate(id),
            4 => Self::Suspend(id),
            5 => Self::Ban(id, BanReason::Votes(ConflictProof::decode(input)?)),
            6 => Self::Ban(id, BanReason::Checked(Hash::new(input.array()?))),
            7 => Self::Remove(id),
            8 => Self::SetWeight(id, input.u64()?),
            _ => return Err(ChangeError::UnknownChange),
        })
    }

    /// The changes that these bytes hold one after another; nothing follows one that does not
    /// decode.
    pub fn all_in(bytes: &'a [u8]) -> impl Iterator<Item = Result<Self, ChangeError>> + use<'a> {
        let mut input = Reader::new(bytes);
        core::iter::from_fn(move || {
            if input.rest().is_empty() {
                return None;
            }
            let change = Self::decode(&mut input);
            if change.is_err() {
                input = Reader::new(&[]);
            }
            Some(change)
        })
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Admit(_) => 1,
            Self::Activate(_) => 2,
            Self::Deactivate(_) => 3,
            Self::Suspend(_) => 4,
            Self::Ban(_, BanReason::Votes(_)) => 5,
            Self::Ban(_, BanReason::Checked(_)) => 6,
            Self::Remove(_) => 7,
            Self::SetWeight(..) => 8,
        }
    }
}

/// What binds a slot to its changes: SHA3-256 of a domain, how many bytes they have (8) and the
/// bytes, one change after another; zero where there is none.
#[must_use]
pub fn changes_hash(changes: &[u8]) -> Hash {
    if changes.is_empty() {
        return Hash::ZERO;
    }
    let mut hasher = Hasher::new(Domain::MEMBERSHIP_CHANGES);
    hasher.update(&(changes.len() as u64).to_le_bytes());
    hasher.update(changes);
    hasher.finish()
}

/// What a sequencer signs to show that it holds the key that it wants to be known by.
///
/// ```text
///  0  preamble     24   domain "hb/pp/1", suite, chain id, epoch
/// 24  id            4
/// 28  public key 1,952
/// ```
///
/// The epoch is the one in which the change is decided, so that an old proof brings back nobody who
/// left; the number keeps others from registering a key that is not theirs under their own.
#[must_use]
pub fn possession_bytes(
    suite: Suite,
    chain_id: u64,
    epoch: Epoch,
    id: SequencerId,
    public_key: &PublicKey,
) -> [u8; POSSESSION_LEN] {
    let mut bytes = [0; POSSESSION_LEN];
    let mut out = Writer::new(&mut bytes);
    let preamble = Preamble {
        domain: Domain::POSSESSION,
        suite,
        chain_id,
        epoch,
    };
    let written = out
        .bytes(&preamble.to_bytes())
        .and_then(|()| out.u32(id.get()))
        .and_then(|()| out.bytes(public_key.as_bytes()));
    debug_assert!(written.is_ok(), "24 + 4 + 1,952");
    bytes
}
