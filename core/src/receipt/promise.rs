//! What is signed, and what a client holds of it.

use super::ReceiptError;
use crate::batch::SliceReceipt;
use crate::codec::Writer;
use crate::config::Policy;
use crate::crypto::hash::Domain;
use crate::crypto::merkle::Proof;
use crate::crypto::signature::{SIGNATURE_BYTES, Signature, Suite, VerifyingKey};
use crate::receive_log::{Entry, next_running_hash};
use crate::types::{Epoch, Hash, Height, LogPosition, RollupId, Round, TxId, UnixNs};
use crate::vote::SigningContext;

/// Bytes that a signature is over.
pub const PROMISE_LEN: usize = 124;

/// Where a transaction is promised to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Counted from the first transaction of the rollup's sub-batch.
    Position(u32),
    /// Entries of the signer's receive log before it.
    LogIndex(LogPosition),
}

impl Place {
    /// The byte that stands for its kind.
    pub(super) const fn kind(self) -> u8 {
        match self {
            Self::Position(_) => 1,
            Self::LogIndex(_) => 2,
        }
    }

    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Position(position) => position as u64,
            Self::LogIndex(index) => index.get(),
        }
    }
}

/// What a sequencer signs: one slice of a slot, or its receive log up to one entry.
///
/// The running hash binds the transactions and their order. What it does not bind stands beside it:
/// the round, where the first of them stands, and until when the promise is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The rollup of what is promised.
    pub rollup: RollupId,
    /// How the network orders.
    pub policy: Policy,
    /// The epoch.
    pub epoch: Epoch,
    /// The slot's number; of an entry its base, the last decided slot that the signer knew.
    pub height: Height,
    /// The round whose proposal will hold it; 0 for an entry, and where one sequencer is alone.
    pub round: Round,
    /// The slice's number in the slot; 0 for an entry.
    pub slice: u16,
    /// Where the first transaction of the slice stands, or the entry's index.
    pub first: Place,
    /// The running hash behind the slice, or behind the entry.
    pub running_hash: Hash,
    /// Until which agreed time it is good; [`UnixNs::NEVER`] for good.
    pub deadline: UnixNs,
}

/// An entry of a receive log that is promised to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedPlace {
    /// The epoch of the log.
    pub epoch: Epoch,
    /// How many entries stand before it.
    pub index: LogPosition,
    /// The running hash before it.
    pub before: Hash,
    /// Its base.
    pub base: Height,
    /// The transaction's rollup.
    pub rollup: RollupId,
    /// The transaction.
    pub id: TxId,
    /// Whether its content is sealed.
    pub sealed: bool,
    /// Bytes of its body.
    pub body_bytes: u32,
}

impl LoggedPlace {
    /// The log's running hash behind it. Cost: one permutation.
    #[must_use]
    pub fn running_hash(&self) -> Hash {
        let entry = Entry::Id {
            rollup: self.rollup,
            id: self.id,
            sealed: self.sealed,
            body_bytes: self.body_bytes,
        };
        next_running_hash(&self.before, self.base, &entry)
    }
}

impl Promise {
    /// The promise of a slice, in the proposal of this round.
    #[must_use]
    pub const fn of_slice(slice: &SliceReceipt, round: Round, deadline: UnixNs) -> Self {
        Self {
            rollup: slice.rollup,
            policy: slice.policy,
            epoch: slice.epoch,
            height: slice.height,
            round,
            slice: slice.slice,
            first: Place::Position(slice.first_position),
            running_hash: slice.running_hash,
            deadline,
        }
    }

    /// The promise of a log's entry.
    #[must_use]
    pub fn of_entry(entry: &LoggedPlace, policy: Policy, deadline: UnixNs) -> Self {
        Self {
            rollup: entry.rollup,
            policy,
            epoch: entry.epoch,
            height: entry.base,
            round: Round::ZERO,
            slice: 0,
            first: Place::LogIndex(entry.index),
            running_hash: entry.running_hash(),
            deadline,
        }
    }

    /// The bytes to sign.
    ///
    /// ```text
    ///   0  domain        7   "hb/rc/1"
    ///   7  network      32   the genesis hash
    ///  39  epoch         8
    ///  47  suite         1
    ///  48  kind          1   1 = a slice, 2 = an entry
    ///  49  rollup        4
    ///  53  policy        1
    ///  54  parameter     8
    ///  62  height        8
    ///  70  round         4
    ///  74  slice         2
    ///  76  first         8   position of the slice's first transaction, or index
    ///  84  running hash 32
    /// 116  deadline      8
    /// 124
    /// ```
    #[must_use]
    pub fn sign_bytes(&self, network: Hash, suite: Suite) -> [u8; PROMISE_LEN] {
        let context = SigningContext {
            chain_id: network,
            epoch: self.epoch,
            suite_id: suite.number(),
        };
        let mut bytes = [0; PROMISE_LEN];
        let mut out = Writer::new(&mut bytes);
        let written = (out.bytes(Domain::RECEIPT.as_bytes()))
            .and_then(|()| out.bytes(context.chain_id.as_bytes()))
            .and_then(|()| out.u64(context.epoch.get()))
            .and_then(|()| out.u8(context.suite_id))
            .and_then(|()| out.u8(self.first.kind()))
            .and_then(|()| out.u32(self.rollup.get()))
            .and_then(|()| out.u8(self.policy.byte()))
            .and_then(|()| out.u64(self.policy.parameter()))
            .and_then(|()| out.u64(self.height.get()))
            .and_then(|()| out.u32(self.round.get()))
            .and_then(|()| out.u16(self.slice))
            .and_then(|()| out.u64(self.first.number()))
            .and_then(|()| out.bytes(self.running_hash.as_bytes()))
            .and_then(|()| out.u64(self.deadline.get()));
        debug_assert!(written.is_ok() && out.room() == 0, "124 bytes");
        bytes
    }
}

/// What ties a transaction and its place to a running hash.
#[allow(
    clippy::large_enum_variant,
    reason = "nothing allocates, and receipts are looked at one at a time"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A slice of a slot.
    Slice {
        /// The running hash before it.
        before: Hash,
        /// Its number in the slot.
        slice: u16,
        /// That the transaction stands in it, and where.
        proof: Proof,
    },
    /// An entry of a receive log, whose base is the receipt's height.
    Entry {
        /// The running hash before it.
        before: Hash,
        /// Whether the transaction's content is sealed.
        sealed: bool,
        /// Bytes of its body.
        body_bytes: u32,
    },
}

/// What a client holds: one transaction, its place, and the signature that binds both.
///
/// It names no signer: whose key the signature verifies with has promised. Memory: about 1.2 KB,
/// most of it for the Merkle proof, and the signature, which is borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// What the signature is of.
    pub suite: Suite,
    /// The transaction's rollup.
    pub rollup: RollupId,
    /// How the network orders.
    pub policy: Policy,
    /// The epoch.
    pub epoch: Epoch,
    /// The slot's number; of an entry its base.
    pub height: Height,
    /// The round whose proposal will hold it; 0 for an entry.
    pub round: Round,
    /// Where it stands.
    pub place: Place,
    /// The transaction.
    pub id: TxId,
    /// The running hash behind its slice, or behind its entry.
    pub running_hash: Hash,
    /// Until which agreed time the promise is good.
    pub deadline: UnixNs,
    /// What ties transaction and place to the running hash.
    pub opening: Opening,
    /// Over [`Promise::sign_bytes`].
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

impl<'a> Receipt<'a> {
    /// The receipt of a transaction in a slice that was signed. `before` is the rollup's running
    /// hash before the slice, `proof` that the transaction stands in it.
    #[must_use]
    pub fn of_slice(
        promise: &Promise,
        before: Hash,
        (id, proof): (TxId, Proof),
        suite: Suite,
        signature: &'a Signature,
    ) -> Self {
        let offset = u32::try_from(proof.position).unwrap_or(u32::MAX);
        let first = u32::try_from(promise.first.number()).unwrap_or(u32::MAX);
        let opening = Opening::Slice {
            before,
            slice: promise.slice,
            proof,
        };
        let place = Place::Position(first.saturating_add(offset));
        Self::of(promise, (id, place), opening, suite, signature)
    }

    /// The receipt of a transaction in a log, by a promise of its entry that was signed.
    #[must_use]
    pub fn of_entry(
        promise: &Promise,
        entry: &LoggedPlace,
        suite: Suite,
        signature: &'a Signature,
    ) -> Self {
        let opening = Opening::Entry {
            before: entry.before,
            sealed: entry.sealed,
            body_bytes: entry.body_bytes,
        };
        let place = Place::LogIndex(entry.index);
        Self::of(promise, (entry.id, place), opening, suite, signature)
    }

    fn of(
        promise: &Promise,
        (id, place): (TxId, Place),
        opening: Opening,
        suite: Suite,
        signature: &'a Signature,
    ) -> Self {
        Self {
            suite,
            rollup: promise.rollup,
            policy: promise.policy,
            epoch: promise.epoch,
            height: promise.height,
            round: promise.round,
            place,
            id,
            running_hash: promise.running_hash,
            deadline: promise.deadline,
            opening,
            signature: signature.as_bytes(),
        }
    }

    /// What its signature has to be over.
    ///
    /// # Errors
    /// [`ReceiptError::WrongPromise`] where place, transaction and running hash do not belong
    /// together. Cost: a hash a level of the Merkle tree.
    pub fn promise(&self) -> Result<Promise, ReceiptError> {
        let (slice, first) = match (&self.opening, self.place) {
            (
                Opening::Slice {
                    before,
                    slice,
                    proof,
                },
                Place::Position(position),
            ) => {
                let first = self.first_of(*before, *slice, proof, position);
                (*slice, Place::Position(first?))
            }
            (
                Opening::Entry {
                    before,
                    sealed,
                    body_bytes,
                },
                Place::LogIndex(index),
            ) => {
                let entry = LoggedPlace {
                    epoch: self.epoch,
                    index,
                    before: *before,
                    base: self.height,
                    rollup: self.rollup,
                    id: self.id,
                    sealed: *sealed,
                    body_bytes: *body_bytes,
                };
                let fits = self.policy.orders_by_logs()
                    && self.round == Round::ZERO
                    && entry.running_hash() == self.running_hash;
                fits.then_some((0, self.place))
                    .ok_or(ReceiptError::WrongPromise)?
            }
            _ => return Err(ReceiptError::WrongPromise),
        };
        Ok(Promise {
            rollup: self.rollup,
            policy: self.policy,
            epoch: self.epoch,
            height: self.height,
            round: self.round,
            slice,
            first,
            running_hash: self.running_hash,
            deadline: self.deadline,
        })
    }

    /// The position of the slice's first transaction, where the receipt fits its slice.
    fn first_of(
        &self,
        before: Hash,
        slice: u16,
        proof: &Proof,
        position: u32,
    ) -> Result<u32, ReceiptError> {
        let wrong = ReceiptError::WrongPromise;
        let offset = u32::try_from(proof.position).map_err(|_| wrong)?;
        let first_position = position.checked_sub(offset).ok_or(wrong)?;
        let transaction_count = u32::try_from(proof.leaf_count).map_err(|_| wrong)?;
        let leaf = Hash::new(*self.id.as_bytes());
        let promised = SliceReceipt {
            rollup: self.rollup,
            policy: self.policy,
            epoch: self.epoch,
            height: self.height,
            slice,
            first_position,
            transaction_count,
            transaction_root: proof.expected_root(leaf).ok_or(wrong)?,
            running_hash: self.running_hash,
        };
        let fits = !self.policy.orders_by_logs() && promised.follows(before);
        fits.then_some(first_position).ok_or(wrong)
    }

    /// Checks that the owner of this key promised it, in this network. One signature check.
    ///
    /// # Errors
    /// [`ReceiptError::WrongPromise`] as of [`Receipt::promise`], and
    /// [`ReceiptError::SignatureInvalid`] where the signature does not verify, or the key is of
    /// another suite.
    pub fn verify(&self, network: Hash, key: &VerifyingKey) -> Result<(), ReceiptError> {
        let message = self.promise()?.sign_bytes(network, self.suite);
        let is_good =
            key.suite() == self.suite && key.verify(&message, &Signature::new(*self.signature));
        is_good.then_some(()).ok_or(ReceiptError::SignatureInvalid)
    }
}
