//! The fixed parts of a slot.

use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::config::Policy;
use crate::crypto::hash::{Domain, hash};
use crate::limits::{CHANGES_BYTES_MAX, SLICE_COUNT_MAX};
use crate::types::{Epoch, Hash, Height, RollupId, UnixNs};

/// The version of a slot's header.
const SLOT_VERSION: u8 = 3;
/// The version of a sub-batch's header.
const SUB_BATCH_VERSION: u8 = 2;

/// What a slot says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotHeader {
    /// Its number; the first slot has 1.
    pub height: Height,
    /// The stretch of slots with one membership that it belongs to.
    pub epoch: Epoch,
    /// The hash of the slot before it, or of the genesis.
    pub parent: Hash,
    /// The agreed time, never before the parent's.
    pub time: UnixNs,
    /// The hash of the membership changes behind this header, as
    /// [`changes_hash`](crate::sequencer::changes_hash) gives it; zero where there are none.
    pub changes_hash: Hash,
    /// Bytes of the membership changes: 0 to [`CHANGES_BYTES_MAX`].
    pub changes_len: u32,
    /// In the last slot of an epoch the hash of the next one's membership; zero in every other.
    pub next_membership: Hash,
    /// How many sub-batches follow: one for every configured rollup.
    pub sub_batch_count: u16,
    /// How many slices each of them has: 1 to [`SLICE_COUNT_MAX`].
    pub slice_count: u16,
    /// The Merkle root over the hashes of the sub-batches' headers.
    pub sub_batch_root: Hash,
    /// The Merkle root over the ids of its bundles; zero where it has none.
    pub bundle_root: Hash,
    /// What follows from the chain up to and with this slot: [`StateParts::root`]. Zero where
    /// whoever made it keeps none of the parts.
    ///
    /// [`StateParts::root`]: super::StateParts::root
    pub state_root: Hash,
}

impl SlotHeader {
    /// Bytes of its encoding.
    pub const LEN: usize = 257;

    /// The slot's hash: what the next slot names as its parent.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut bytes = [0; Self::LEN];
        let encoded = self.encode(&mut Writer::new(&mut bytes));
        debug_assert!(encoded.is_ok(), "LEN is the encoding's length");
        hash(Domain::SLOT, &bytes)
    }

    /// Whether it is the last slot of its epoch.
    #[must_use]
    pub fn ends_epoch(&self) -> bool {
        self.next_membership != Hash::ZERO
    }

    /// The epoch of the slot behind it.
    #[must_use]
    pub fn epoch_after(&self) -> Epoch {
        self.epoch.saturating_add(u64::from(self.ends_epoch()))
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(SLOT_VERSION)?;
        out.u64(self.height.get())?;
        out.u64(self.epoch.get())?;
        out.bytes(self.parent.as_bytes())?;
        out.u64(self.time.get())?;
        out.bytes(self.changes_hash.as_bytes())?;
        out.u32(self.changes_len)?;
        out.bytes(self.next_membership.as_bytes())?;
        // Openings: none in this version.
        out.bytes(Hash::ZERO.as_bytes())?;
        out.u16(self.sub_batch_count)?;
        out.u16(self.slice_count)?;
        out.bytes(self.sub_batch_root.as_bytes())?;
        out.bytes(self.bundle_root.as_bytes())?;
        out.bytes(self.state_root.as_bytes())
    }

    /// Reads its bytes off the front of `input`.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong with the bytes.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(SLOT_VERSION)?;
        let height = Height::new(input.u64()?);
        let epoch = Epoch::new(input.u64()?);
        let parent = Hash::new(input.array()?);
        let time = UnixNs::new(input.u64()?);
        let changes_hash = Hash::new(input.array()?);
        let changes_len = input.u32()?;
        if changes_len > CHANGES_BYTES_MAX {
            return Err(DecodeError::LengthOverLimit);
        }
        let next_membership = Hash::new(input.array()?);
        expect_zero(input)?;
        let sub_batch_count = input.u16()?;
        let slice_count = input.u16()?;
        if !(1..=SLICE_COUNT_MAX).contains(&usize::from(slice_count)) {
            return Err(DecodeError::LengthOverLimit);
        }
        let sub_batch_root = Hash::new(input.array()?);
        let bundle_root = Hash::new(input.array()?);
        let state_root = Hash::new(input.array()?);
        Ok(Self {
            height,
            epoch,
            parent,
            time,
            changes_hash,
            changes_len,
            next_membership,
            sub_batch_count,
            slice_count,
            sub_batch_root,
            bundle_root,
            state_root,
        })
    }
}

/// How many transactions each segment of a sub-batch has, in the order in which they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentCounts {
    /// Inputs that another chain forced in.
    pub forced: u32,
    /// Messages from other rollups.
    pub messages: u32,
    /// Transactions from the pool.
    pub pool: u32,
    /// Legs of bundles.
    pub bundles: u32,
}

impl SegmentCounts {
    /// Transactions of all segments.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.forced
            .saturating_add(self.messages)
            .saturating_add(self.pool)
            .saturating_add(self.bundles)
    }
}

/// What a sub-batch says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubBatchHeader {
    /// Whose transactions it holds.
    pub rollup: RollupId,
    /// The number of its slot.
    pub height: Height,
    /// The hash of the rollup's sub-batch header before this one, or of the genesis.
    pub parent: Hash,
    /// How its pool segment is ordered, parameter included.
    pub policy: Policy,
    /// The seed that the shuffle used; zero under every other policy.
    pub seed: Hash,
    /// The hash of the evidence that the policy's verifier needs.
    pub evidence_root: Hash,
    /// The Merkle root over its transactions' ids.
    pub transaction_root: Hash,
    /// How many transactions it holds; messages are none in this version.
    pub counts: SegmentCounts,
    /// Bytes of its transactions in their canonical encoding.
    pub bytes: u64,
    /// Gas of its transactions.
    pub gas: u64,
    /// The chain over all that was promised for this rollup, this sub-batch included.
    pub running_hash: Hash,
}

impl SubBatchHeader {
    /// Bytes of its encoding.
    pub const LEN: usize = 246;

    /// The sub-batch's hash: what the rollup's next one names as its parent.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut bytes = [0; Self::LEN];
        let encoded = self.encode(&mut Writer::new(&mut bytes));
        debug_assert!(encoded.is_ok(), "LEN is the encoding's length");
        hash(Domain::SUB_BATCH, &bytes)
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(SUB_BATCH_VERSION)?;
        out.u32(self.rollup.get())?;
        out.u64(self.height.get())?;
        out.bytes(self.parent.as_bytes())?;
        out.u8(self.policy.byte())?;
        out.u64(self.policy.parameter())?;
        out.bytes(self.seed.as_bytes())?;
        out.bytes(self.evidence_root.as_bytes())?;
        out.bytes(self.transaction_root.as_bytes())?;
        let SegmentCounts {
            forced,
            messages,
            pool,
            bundles,
        } = self.counts;
        for count in [forced, messages, pool, bundles] {
            out.u32(count)?;
        }
        out.u64(self.bytes)?;
        out.u64(self.gas)?;
        out.bytes(self.running_hash.as_bytes())?;
        // Messages to other rollups: none in this version.
        out.bytes(Hash::ZERO.as_bytes())
    }

    /// Reads its bytes off the front of `input`.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong with the bytes.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(SUB_BATCH_VERSION)?;
        let rollup = RollupId::new(input.u32()?);
        let height = Height::new(input.u64()?);
        let parent = Hash::new(input.array()?);
        let policy = Policy::from_byte(input.u8()?).ok_or(DecodeError::UnknownPolicy)?;
        let policy = decode_parameter(policy, input.u64()?)?;
        let seed = Hash::new(input.array()?);
        if !policy.needs_seed() && seed != Hash::ZERO {
            return Err(DecodeError::FieldNotEmpty);
        }
        let evidence_root = Hash::new(input.array()?);
        let transaction_root = Hash::new(input.array()?);
        let [forced, messages, pool, bundles] =
            [input.u32()?, input.u32()?, input.u32()?, input.u32()?];
        if messages != 0 {
            return Err(DecodeError::FieldNotEmpty);
        }
        let header = Self {
            rollup,
            height,
            parent,
            policy,
            seed,
            evidence_root,
            transaction_root,
            counts: SegmentCounts {
                forced,
                messages,
                pool,
                bundles,
            },
            bytes: input.u64()?,
            gas: input.u64()?,
            running_hash: Hash::new(input.array()?),
        };
        expect_zero(input)?;
        Ok(header)
    }
}

/// The policy with the parameter that stands behind it.
fn decode_parameter(policy: Policy, parameter: u64) -> Result<Policy, DecodeError> {
    let wrong = if policy.parameter() == 0 {
        DecodeError::FieldNotEmpty
    } else {
        DecodeError::ParameterOutOfRange
    };
    policy.with_parameter(parameter).ok_or(wrong)
}

/// Reads a root that must be zero in this version.
fn expect_zero(input: &mut Reader<'_>) -> Result<(), DecodeError> {
    let root: [u8; 32] = input.array()?;
    if root == [0; 32] {
        Ok(())
    } else {
        Err(DecodeError::FieldNotEmpty)
    }
}
