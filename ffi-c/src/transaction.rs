//! Transactions on their way in, as flat records beside one block of payloads.

use hauptbuch_core::coordinator::Admission;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Submission, Transaction, TransactionKind, UnixNs,
};

use crate::boundary::Outcome;
use crate::status::hb_status;
use crate::trades::wide;

/// Bytes of a hash and of a transaction's identity.
pub const HB_HASH_LEN: usize = 32;
/// Bytes of an address.
pub const HB_ADDRESS_LEN: usize = 20;
/// Kind of transaction: one whose content everybody may read.
pub const HB_TRANSACTION_PLAIN: u8 = 0;

/// A transaction to submit: 128 bytes of fixed layout, its payload elsewhere.
///
/// An expiry of `UINT64_MAX` means never.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_transaction {
    /// The lower 64 bits of the value that it moves, in the rollup's smallest unit.
    pub amount_low: u64,
    /// The upper 64 bits of the value that it moves.
    pub amount_high: u64,
    /// The sender's running number on this rollup.
    pub nonce: u64,
    /// What the sender pays per unit of gas.
    pub fee: u64,
    /// The most gas that its execution may use.
    pub gas: u64,
    /// The agreed time from which on it must not be included, in nanoseconds since the Unix epoch.
    pub expiry_unix_ns: u64,
    /// The next nonce of the sender's account at the host, where `has_account_nonce` is 1.
    pub account_nonce: u64,
    /// Where its payload begins in the block of payloads, in bytes.
    pub payload_offset: u64,
    /// Bytes of its payload.
    pub payload_len: u32,
    /// The rollup that will execute it.
    pub rollup: u32,
    /// Who sends it. The host has checked the signature.
    pub sender: [u8; HB_ADDRESS_LEN],
    /// Who receives it; zero where it creates a contract.
    pub recipient: [u8; HB_ADDRESS_LEN],
    /// Where it came from, as the host numbers its peers; quotas hold for each origin.
    pub origin: u32,
    /// What it is for: `HB_TRANSACTION_PLAIN`.
    pub kind: u8,
    /// 1 where `account_nonce` is known, 0 where the first nonce included becomes the base.
    pub has_account_nonce: u8,
    /// Must be 0.
    pub reserved: [u8; 10],
}

const _: () = assert!(size_of::<hb_transaction>() == 128 && align_of::<hb_transaction>() == 8);

/// What became of one submitted transaction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_admission {
    /// Its identity: SHA3-256 of its canonical bytes; zero where the payload is over the limit.
    pub id: [u8; HB_HASH_LEN],
    /// `HB_STATUS_ADMITTED`, or why it was refused.
    pub status: hb_status,
    /// Always 0.
    pub reserved: u32,
}

const _: () = assert!(size_of::<hb_admission>() == 40 && align_of::<hb_admission>() == 4);

impl hb_transaction {
    /// Checks what the core's types can't hold.
    pub(crate) fn check(&self, payloads: &[u8]) -> Outcome {
        if TransactionKind::from_byte(self.kind).is_none() {
            return Err(hb_status::UnknownKind);
        }
        let is_plain = self.has_account_nonce <= 1 && self.reserved == [0; 10];
        if is_plain && self.payload_of(payloads).is_some() {
            Ok(())
        } else {
            Err(hb_status::InvalidArgument)
        }
    }

    /// What the core makes of a record that was checked.
    pub(crate) fn submission<'a>(&self, payloads: &'a [u8]) -> Submission<'a> {
        let envelope = Envelope {
            rollup: RollupId::new(self.rollup),
            sender: Address::new(self.sender),
            recipient: Address::new(self.recipient),
            amount: wide(self.amount_low, self.amount_high),
            nonce: Nonce::new(self.nonce),
            fee: Fee::new(self.fee),
            gas: Gas::new(self.gas),
            expiry: UnixNs::new(self.expiry_unix_ns),
            kind: TransactionKind::from_byte(self.kind).unwrap_or_default(),
        };
        let payload = self.payload_of(payloads).unwrap_or_default();
        let is_known = self.has_account_nonce == 1;
        Submission {
            transaction: Transaction { envelope, payload },
            origin: self.origin,
            hint: None,
            account_nonce: is_known.then_some(Nonce::new(self.account_nonce)),
        }
    }

    fn payload_of<'a>(&self, payloads: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.payload_offset).ok()?;
        let len = usize::try_from(self.payload_len).ok()?;
        payloads.get(start..start.checked_add(len)?)
    }
}

impl From<Admission> for hb_admission {
    fn from(admission: Admission) -> Self {
        Self {
            id: *admission.id.as_bytes(),
            status: admission
                .result
                .map_or_else(hb_status::from, |()| hb_status::Admitted),
            reserved: 0,
        }
    }
}
