//! Transactions to measure with.

use hauptbuch_core::codec::Writer;
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, Submission, Transaction, TxId, UnixNs,
};

/// Canonical bytes of an ordinary transaction here: a token transfer with its signature.
pub const TRANSACTION_BYTES: usize = 200;

/// The agreed time of every call; it plays no part in what is measured.
pub const TIME: UnixNs = UnixNs::new(1_700_000_000_000_000_000);

/// Transactions of as many senders, one each.
#[derive(Clone, Debug)]
pub struct Transactions {
    envelopes: Vec<Envelope>,
    payload: Vec<u8>,
}

impl Transactions {
    /// `count` transactions of [`TRANSACTION_BYTES`], by senders from the number `first` on.
    #[must_use]
    pub fn new(first: u64, count: usize) -> Self {
        let envelopes = (0..count as u64).map(|index| envelope(first + index));
        Self {
            envelopes: envelopes.collect(),
            payload: vec![0x5a; TRANSACTION_BYTES - Transaction::HEADER_LEN as usize],
        }
    }

    /// Fees lie below this, as long as nothing else is asked for.
    pub const FEE_END: u64 = 1 << 24;

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.envelopes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.envelopes.is_empty()
    }

    /// `count` of them from `first` on.
    #[must_use]
    pub fn part(&self, first: usize, count: usize) -> Self {
        Self {
            envelopes: self.envelopes[first..first + count].to_vec(),
            payload: self.payload.clone(),
        }
    }

    /// The same with fees that lie as far above `floor` as they are high.
    #[must_use]
    pub fn paying_above(self, floor: u64) -> Self {
        self.with(|envelope| envelope.fee = Fee::new(envelope.fee.get() + floor))
    }

    /// The same for twice the fee, which is enough to replace them.
    #[must_use]
    pub fn for_twice(self) -> Self {
        self.with(|envelope| envelope.fee = Fee::new(2 * envelope.fee.get() + 1))
    }

    /// The same, which expire right after [`TIME`].
    #[must_use]
    pub fn expiring_next(self) -> Self {
        self.with(|envelope| envelope.expiry = TIME.saturating_add(1))
    }

    /// The same, which have expired at [`TIME`].
    #[must_use]
    pub fn expired(self) -> Self {
        self.with(|envelope| envelope.expiry = TIME)
    }

    fn with(mut self, change: impl FnMut(&mut Envelope)) -> Self {
        self.envelopes.iter_mut().for_each(change);
        self
    }

    /// The same without a fee, so that nobody has to go for them.
    #[must_use]
    pub fn for_nothing(self) -> Self {
        self.with(|envelope| envelope.fee = Fee::ZERO)
    }

    /// What a host would submit.
    pub fn submissions(&self) -> impl ExactSizeIterator<Item = Submission<'_>> {
        self.envelopes.iter().map(|envelope| Submission {
            transaction: Transaction {
                envelope: *envelope,
                payload: &self.payload,
            },
            account_nonce: None,
            origin: 0,
            hint: None,
        })
    }

    /// What a host would submit, with the id that admission needs.
    #[must_use]
    pub fn with_ids(&self) -> Vec<(TxId, Submission<'_>)> {
        let submissions = self.submissions();
        submissions
            .map(|submission| (id_of(&submission.transaction), submission))
            .collect()
    }

    /// Gives every sender's transaction its next nonce, which makes new transactions of all.
    pub fn advance(&mut self) {
        for envelope in &mut self.envelopes {
            envelope.nonce = envelope.nonce.saturating_add(1);
        }
    }
}

/// The id that follows from a transaction's canonical bytes.
#[must_use]
pub fn id_of(transaction: &Transaction<'_>) -> TxId {
    let mut canonical = vec![0; transaction.encoded_len()];
    let written = transaction.encode(&mut Writer::new(&mut canonical));
    assert!(written.is_ok(), "the buffer has the encoding's length");
    transaction_id(&canonical)
}

/// Limits of a node that holds this many transactions, each with a sender of its own, and remembers
/// a quarter more senders.
#[must_use]
pub fn limits_of(pending_count: u32) -> Limits {
    Limits {
        pending_count_max: pending_count,
        sender_count_max: pending_count + pending_count / 4,
        pending_bytes_max: u64::from(pending_count) * 256 + (1 << 18),
        slot_gas_max: 1 << 40,
        quiet_reserved_count: pending_count / 8,
        rollup_reserved_count: pending_count / 64,
        // Less than what the benchmarks let go before they bring it back.
        seen_count_max: 1 << 11,
        set_aside_count_max: 256.min(pending_count),
        producer_count_max: 1,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

fn envelope(number: u64) -> Envelope {
    // Fees in no order, so that a queue by fee has something to do.
    let fee = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    debug_assert!(fee < Transactions::FEE_END, "24 bits are left");
    let mut sender = [0x11; Address::LEN];
    sender[..8].copy_from_slice(&number.wrapping_mul(0xd6e8_feb8_6659_fd93).to_le_bytes());
    Envelope {
        sender: Address::new(sender),
        recipient: Address::new([0x22; Address::LEN]),
        amount: 1_000_000_007,
        nonce: Nonce::ZERO,
        fee: Fee::new(fee),
        gas: Gas::new(21_000),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    }
}
