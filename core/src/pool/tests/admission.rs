//! Each refusal on its own: its code, whose fault it is, and that nothing changed.

use std::format;
use std::string::String;
use std::vec;

use super::*;
use crate::error::Fault;

/// Every refusal with its number, and who has to change something.
pub const REFUSALS: [(AdmissionError, u16, Fault, bool); 15] = [
    (AdmissionError::PayloadTooLarge, 100, Fault::Sender, false),
    (AdmissionError::GasTooLarge, 101, Fault::Sender, false),
    (AdmissionError::FeeTooLow, 102, Fault::Sender, false),
    (AdmissionError::AlreadyExpired, 103, Fault::Sender, false),
    (AdmissionError::ExpiryMissing, 104, Fault::Sender, false),
    (AdmissionError::ExpiryTooFar, 105, Fault::Sender, false),
    (AdmissionError::UnknownRollup, 106, Fault::Sender, false),
    (AdmissionError::Duplicate, 107, Fault::Sender, false),
    (AdmissionError::NonceUsed, 108, Fault::Sender, false),
    (AdmissionError::NonceOccupied, 109, Fault::Sender, false),
    (MISSING, 110, Fault::Sender, true),
    (AdmissionError::PoolFull, 111, Fault::Operator, true),
    (AdmissionError::PoolBytesFull, 112, Fault::Operator, true),
    (AdmissionError::SenderTableFull, 113, Fault::Operator, true),
    (AdmissionError::NonceTooLarge, 114, Fault::Sender, false),
];

const MISSING: AdmissionError = AdmissionError::MissingPredecessor { nonce: Nonce::ZERO };
const NOW: UnixNs = UnixNs::new(1_000);
const HORIZON_NS: u64 = 500;

/// What every test starts from: admissible under either way of replay protection.
fn plain(sender: u8, nonce: u64) -> Envelope {
    Envelope {
        rollup: RollupId::new(3),
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(5),
        gas: Gas::new(10),
        expiry: UnixNs::new(1_400),
        ..Envelope::default()
    }
}

struct Fixture {
    pool: TransactionPool,
    events: EventQueue,
    metrics: Metrics,
}

impl Fixture {
    fn new(limits: &Limits) -> Self {
        let horizon = ReplayProtection::ByExpiry {
            horizon_ns: HORIZON_NS,
        };
        Self {
            pool: TransactionPool::new(&config(Policy::Fcfs, horizon), limits),
            events: EventQueue::new(16),
            metrics: Metrics::default(),
        }
    }

    fn submit(
        &mut self,
        envelope: Envelope,
        payload: &[u8],
        account_nonce: Option<u64>,
        time: UnixNs,
    ) -> Result<Handle, AdmissionError> {
        let transaction = Transaction { envelope, payload };
        let account_nonce = account_nonce.map(Nonce::new);
        let submission = Submission {
            transaction,
            account_nonce,
            origin: 0,
            hint: None,
        };
        let arriving = Arriving {
            id: id_of(&transaction),
            submission: &submission,
            tick: Tick::ZERO,
            time,
        };
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        self.pool.admit(&arriving, &Policy::Fcfs, &mut ledger)
    }

    fn admit(&mut self, envelope: Envelope) -> Handle {
        self.submit(envelope, b"", None, NOW).unwrap()
    }

    /// Takes everything that is ready, and ends it as included.
    fn include_all(&mut self) {
        let mut taken = [Handle::default(); 8];
        let mut view = self.pool.ready(&Policy::Fcfs, &mut taken);
        while view.take_best(RollupId::new(3)) {}
        let count = view.taken_count();
        drop(view);
        for handle in &taken[..count] {
            self.pool.acknowledge(*handle).unwrap();
        }
    }

    fn state(&self) -> String {
        format!("{:?}", self.pool)
    }

    /// The submission is refused with this code, and no byte of the pool changes.
    fn refuses(&mut self, expected: AdmissionError, envelope: Envelope, payload: &[u8]) {
        self.refuses_with_account(expected, envelope, payload, None);
    }

    fn refuses_with_account(
        &mut self,
        expected: AdmissionError,
        envelope: Envelope,
        payload: &[u8],
        account_nonce: Option<u64>,
    ) {
        let before = self.state();
        assert_eq!(
            self.submit(envelope, payload, account_nonce, NOW),
            Err(expected)
        );
        assert_eq!(self.state(), before, "{expected} changed the pool");
        let row = REFUSALS.iter().find(|row| row.0 == expected).unwrap();
        let code = expected.code();
        assert_eq!(
            (code.number(), code.fault(), code.is_retryable()),
            (row.1, row.2, row.3)
        );
        assert_eq!(
            (Code::from(expected), format!("{expected}").is_empty()),
            (code, false)
        );
    }
}

#[test]
fn what_a_transaction_says_of_itself_is_checked_at_its_bounds() {
    let mut fixture = Fixture::new(&tiny_limits());
    let base = plain(1, 0);
    fixture.refuses(AdmissionError::PayloadTooLarge, base, &[0; 301]);
    fixture.refuses(
        AdmissionError::GasTooLarge,
        Envelope {
            gas: Gas::new(101),
            ..base
        },
        b"",
    );
    fixture.refuses(
        AdmissionError::FeeTooLow,
        Envelope {
            fee: Fee::new(1),
            ..base
        },
        b"",
    );
    let expired = Envelope {
        expiry: NOW,
        ..base
    };
    fixture.refuses(AdmissionError::AlreadyExpired, expired, b"");
    let without = Envelope {
        expiry: UnixNs::NEVER,
        ..base
    };
    fixture.refuses(AdmissionError::ExpiryMissing, without, b"");
    let far = Envelope {
        expiry: UnixNs::new(1_000 + HORIZON_NS + 1),
        ..base
    };
    fixture.refuses(AdmissionError::ExpiryTooFar, far, b"");
    let foreign = Envelope {
        rollup: RollupId::new(4),
        ..base
    };
    fixture.refuses(AdmissionError::UnknownRollup, foreign, b"");
    let last = Envelope {
        nonce: Nonce::MAX,
        ..base
    };
    fixture.refuses(AdmissionError::NonceTooLarge, last, b"");
    // Exactly at every bound at once it is welcome.
    let at_the_bounds = Envelope {
        gas: Gas::new(100),
        fee: Fee::new(2),
        expiry: UnixNs::new(1_000 + HORIZON_NS),
        nonce: Nonce::new(u64::MAX - 1),
        ..base
    };
    fixture.submit(at_the_bounds, &[0; 300], None, NOW).unwrap();
    let soon = Envelope {
        expiry: UnixNs::new(1_001),
        ..plain(2, 0)
    };
    fixture.admit(soon);
    assert_eq!(fixture.pool.verify(), Ok(()));
}

#[test]
fn a_cursor_stays_until_all_that_was_included_has_expired() {
    let mut fixture = Fixture::new(&tiny_limits());
    for sender in 1..=5 {
        fixture.admit(plain(sender, 0));
    }
    fixture.refuses(AdmissionError::SenderTableFull, plain(6, 0), b"");
    fixture.include_all();
    assert!(fixture.pool.is_empty());
    fixture.refuses(AdmissionError::SenderTableFull, plain(6, 0), b"");
    let later = Envelope {
        expiry: UnixNs::new(1_800),
        ..plain(6, 0)
    };
    let too_early = fixture.submit(later, b"", None, UnixNs::new(1_399));
    assert_eq!(too_early, Err(AdmissionError::SenderTableFull));
    fixture
        .submit(later, b"", None, UnixNs::new(1_400))
        .unwrap();
    // The first that became idle went, and the others are still known.
    let next_of = |sender| {
        fixture
            .pool
            .next_nonce(RollupId::new(3), Address::new([sender; 20]))
    };
    assert_eq!(next_of(1), None);
    assert!((2..=5).all(|sender| next_of(sender) == Some(Nonce::new(1))));
    assert_eq!(fixture.pool.verify(), Ok(()));
}

#[test]
fn the_cheapest_check_speaks_first() {
    let mut fixture = Fixture::new(&tiny_limits());
    let all_wrong = Envelope {
        rollup: RollupId::new(4),
        nonce: Nonce::MAX,
        fee: Fee::ZERO,
        gas: Gas::MAX,
        expiry: UnixNs::ZERO,
        ..plain(1, 0)
    };
    fixture.refuses(AdmissionError::PayloadTooLarge, all_wrong, &vec![0; 400]);
    fixture.refuses(AdmissionError::GasTooLarge, all_wrong, b"");
}
