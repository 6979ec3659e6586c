//! Each refusal on its own: its code, whose fault it is, and that nothing changed.

mod cursors;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::error::Fault;

/// Every refusal with its number, and who has to change something.
pub const REFUSALS: [(AdmissionError, u16, Fault, bool); 22] = [
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
    (AdmissionError::NonceBeyondWindow, 115, Fault::Sender, true),
    (
        AdmissionError::ReplacementUnderpriced,
        116,
        Fault::Sender,
        false,
    ),
    (
        AdmissionError::SenderQuotaExceeded,
        117,
        Fault::Sender,
        true,
    ),
    (
        AdmissionError::OriginQuotaExceeded,
        118,
        Fault::Sender,
        true,
    ),
    (AdmissionError::AlreadyEnded, 119, Fault::Sender, false),
    (AdmissionError::CancelledBefore, 120, Fault::Sender, false),
    (AdmissionError::EventsFull, 203, Fault::Caller, true),
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

/// Quotas that nobody reaches.
fn roomy() -> Limits {
    let Limits {
        sender_quota,
        origin_quota,
        ..
    } = crowded_limits();
    Limits {
        sender_quota,
        origin_quota,
        ..tiny_limits()
    }
}

struct Fixture {
    pool: TransactionPool,
    events: EventQueue,
    metrics: Metrics,
    /// Whether no slot is decided at the time of a submission.
    is_behind: bool,
}

impl Fixture {
    fn new(limits: &Limits) -> Self {
        let horizon = ReplayProtection::ByExpiry {
            horizon_ns: HORIZON_NS,
        };
        let mut pool = TransactionPool::new(&config(Policy::Fcfs, horizon), limits);
        pool.set_decided_time(NOW);
        Self {
            pool,
            events: EventQueue::new(16),
            metrics: Metrics::default(),
            is_behind: false,
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
        if !self.is_behind {
            self.pool.set_decided_time(time);
        }
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        self.pool.admit(&arriving, &Policy::Fcfs, &mut ledger)
    }

    fn admit(&mut self, envelope: Envelope) -> Handle {
        self.submit(envelope, b"", None, NOW).unwrap()
    }

    fn next_of(&self, sender: u8) -> Option<Nonce> {
        let address = Address::new([sender; 20]);
        self.pool.next_nonce(RollupId::new(3), address)
    }

    fn id(&self, envelope: Envelope) -> TxId {
        let payload = b"";
        id_of(&Transaction { envelope, payload })
    }

    fn cancel(&mut self, id: TxId) -> Result<Cancelled, CancelError> {
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        self.pool.cancel(id, &mut ledger)
    }

    /// What ended since the last look.
    fn ended(&mut self) -> Vec<(Code, TxId)> {
        core::iter::from_fn(|| self.events.pop())
            .map(|event| (event.code, event.id))
            .collect()
    }

    /// What others would have to make room for waits until there is room to say so.
    fn refuses_without_events(&mut self, envelope: Envelope) {
        let events = core::mem::replace(&mut self.events, EventQueue::new(0));
        self.refuses(AdmissionError::EventsFull, envelope, b"");
        self.events = events;
    }

    /// Takes everything that is ready, and ends it as included.
    fn include_all(&mut self) {
        self.include_all_of(3);
    }

    fn include_all_of(&mut self, rollup: u32) {
        let mut taken = [Handle::default(); 8];
        let mut view = self.pool.ready(&Policy::Fcfs, &mut taken);
        while view.take_best(RollupId::new(rollup)) {}
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
        let code = expected.code();
        let row = REFUSALS.iter().find(|row| row.0.code() == code).unwrap();
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

#[test]
fn nonces_are_checked_against_the_line() {
    let mut fixture = Fixture::new(&roomy());
    let missing = |nonce| AdmissionError::MissingPredecessor {
        nonce: Nonce::new(nonce),
    };
    fixture.admit(plain(1, 5));
    fixture.refuses(AdmissionError::Duplicate, plain(1, 5), b"");
    let same_fee = Envelope {
        gas: Gas::new(11),
        ..plain(1, 5)
    };
    fixture.refuses(AdmissionError::ReplacementUnderpriced, same_fee, b"");
    // Too far above the next nonce, and too many behind a hole.
    fixture.refuses(missing(6), plain(1, 11), b"");
    fixture.admit(plain(1, 10));
    fixture.admit(plain(1, 8));
    fixture.refuses(missing(6), plain(1, 9), b"");
    // The base is not known yet, so it may fall, unless too much would wait for a nonce then.
    fixture.refuses(missing(4), plain(1, 3), b"");
    fixture.admit(plain(1, 4));
    fixture.include_all();
    assert_eq!(fixture.next_of(1), Some(Nonce::new(6)));
    fixture.refuses(AdmissionError::AlreadyEnded, plain(1, 5), b"");
    fixture.refuses(AdmissionError::NonceUsed, same_fee, b"");
    // The account's own nonce is the base of a sender that the pool does not know.
    fixture.refuses_with_account(AdmissionError::NonceUsed, plain(2, 6), b"", Some(7));
    fixture.refuses_with_account(missing(7), plain(2, 13), b"", Some(7));
    fixture.submit(plain(2, 10), b"", Some(7), NOW).unwrap();
    fixture.refuses(AdmissionError::NonceUsed, plain(2, 6), b"");
    // Under pressure nothing waits for a nonce.
    fixture.pool.set_pressure(Fee::ZERO, true);
    fixture.refuses(missing(7), plain(2, 9), b"");
    fixture.pool.set_pressure(Fee::new(6), false);
    fixture.refuses(AdmissionError::FeeTooLow, plain(2, 9), b"");
}

#[test]
fn windows_take_each_nonce_once() {
    let mut fixture = Fixture::new(&roomy());
    let at = |nonce, gas| Envelope {
        rollup: RollupId::new(8),
        gas: Gas::new(gas),
        ..plain(1, nonce)
    };
    fixture.submit(at(9, 1), b"", Some(0), NOW).unwrap();
    fixture.refuses(AdmissionError::NonceBeyondWindow, at(128, 1), b"");
    fixture.admit(at(127, 1));
    fixture.include_all_of(8);
    fixture.refuses(AdmissionError::NonceUsed, at(9, 2), b"");
    fixture.admit(at(0, 1));
    fixture.include_all_of(8);
    // The window moved on by one.
    fixture.refuses(AdmissionError::NonceUsed, at(0, 2), b"");
    fixture.admit(at(128, 1));
}

#[test]
fn a_full_pool_says_of_what_it_is_full() {
    let limits = Limits {
        sender_quota: Quota {
            count_max: 8,
            bytes_max: 1_000,
            gas_max: 1_000,
        },
        quiet_reserved_count: 0,
        ..roomy()
    };
    let mut fixture = Fixture::new(&limits);
    for nonce in 0..2 {
        let payload = [0; 300];
        fixture
            .submit(plain(1, nonce), &payload, None, NOW)
            .unwrap();
    }
    fixture.refuses(AdmissionError::PoolBytesFull, plain(2, 0), &[0; 1]);
    for nonce in 0..5 {
        fixture.admit(plain(2, nonce));
    }
    // One place is the other rollup's.
    fixture.refuses(AdmissionError::PoolFull, plain(3, 0), b"");
    let other = Envelope {
        rollup: RollupId::new(8),
        ..plain(3, 0)
    };
    fixture.admit(other);
    // Who pays more displaces the end of the cheapest line that came last, unless it has a share.
    let better = Envelope {
        fee: Fee::new(6),
        ..plain(3, 0)
    };
    fixture.refuses_without_events(better);
    let displaced = fixture.id(plain(2, 4));
    let gapped = Envelope {
        nonce: Nonce::new(1),
        ..better
    };
    let missing = AdmissionError::MissingPredecessor { nonce: Nonce::ZERO };
    fixture.refuses_with_account(missing, gapped, b"", Some(0));
    fixture.admit(better);
    assert_eq!(fixture.ended(), [(Code::Evicted, displaced)]);
    // Its own sender's cheapest would stand before it.
    let own = Envelope {
        fee: Fee::new(9),
        ..plain(2, 4)
    };
    fixture.refuses(AdmissionError::PoolFull, own, b"");
}

#[test]
fn quotas_hold_for_senders_and_origins() {
    let mut fixture = Fixture::new(&tiny_limits());
    for nonce in 0..3 {
        fixture.admit(plain(1, nonce));
    }
    fixture.refuses(AdmissionError::SenderQuotaExceeded, plain(1, 3), b"");
    for nonce in 0..2 {
        fixture
            .submit(plain(2, nonce), &[0; 200], None, NOW)
            .unwrap();
    }
    fixture.refuses(AdmissionError::SenderQuotaExceeded, plain(2, 2), &[0; 21]);
    fixture.refuses(AdmissionError::OriginQuotaExceeded, plain(3, 0), &[0; 211]);
    fixture.admit(plain(3, 0));
    fixture.refuses(AdmissionError::OriginQuotaExceeded, plain(4, 0), b"");
}

#[test]
fn what_is_cancelled_ends_now_or_on_arrival() {
    let mut fixture = Fixture::new(&roomy());
    fixture.admit(plain(1, 0));
    let (here, to_come) = (fixture.id(plain(1, 0)), fixture.id(plain(2, 0)));
    assert_eq!(fixture.cancel(here), Ok(Cancelled::Now(here)));
    assert_eq!(fixture.ended(), [(Code::Cancelled, here)]);
    assert_eq!(fixture.cancel(here), Err(CancelError::EndedAlready));
    fixture.refuses(AdmissionError::AlreadyEnded, plain(1, 0), b"");
    assert_eq!(fixture.cancel(to_come), Ok(Cancelled::OnArrival));
    let before = fixture.submit(plain(2, 0), b"", None, NOW);
    assert_eq!(before, Err(AdmissionError::CancelledBefore));
    fixture.refuses(AdmissionError::AlreadyEnded, plain(2, 0), b"");
    fixture.admit(plain(3, 0));
    let mut taken = [Handle::default()];
    assert!(
        fixture
            .pool
            .ready(&Policy::Fcfs, &mut taken)
            .take_best(RollupId::new(3))
    );
    let taken_one = fixture.id(plain(3, 0));
    assert_eq!(fixture.cancel(taken_one), Err(CancelError::TakenAlready));
    fixture.refuses(
        AdmissionError::NonceOccupied,
        Envelope {
            fee: Fee::new(90),
            ..plain(3, 0)
        },
        b"",
    );
}

#[test]
fn an_account_that_moved_on_supersedes_what_waits() {
    let mut fixture = Fixture::new(&roomy());
    for nonce in [0, 1, 3] {
        fixture.submit(plain(1, nonce), b"", Some(0), NOW).unwrap();
    }
    let superseded = [0, 1].map(|nonce| (Code::Superseded, fixture.id(plain(1, nonce))));
    fixture.submit(plain(1, 2), b"", Some(2), NOW).unwrap();
    assert_eq!(fixture.ended(), superseded);
    assert_eq!(fixture.next_of(1), Some(Nonce::new(2)));
    fixture.include_all();
    assert_eq!(fixture.next_of(1), Some(Nonce::new(4)));
}

#[test]
fn a_quiet_one_has_a_right_to_the_places_of_the_quiet() {
    let limits = Limits {
        rollup_reserved_count: 0,
        quiet_reserved_count: 4,
        ..roomy()
    };
    let mut fixture = Fixture::new(&limits);
    let dear = |sender, nonce| Envelope {
        fee: Fee::new(50),
        ..plain(sender, nonce)
    };
    // One quiet one and four loud ones: three places stay free for quiet ones.
    for nonce in 0..5 {
        fixture.admit(dear(1, nonce));
    }
    fixture.refuses(AdmissionError::PoolFull, dear(1, 5), b"");
    fixture.include_all();
    // Loud ones take all bytes; half of them is the quiet ones' part.
    fixture.admit(dear(1, 5));
    for nonce in [6, 7] {
        let payload = [0; 300];
        fixture.submit(dear(1, nonce), &payload, None, NOW).unwrap();
    }
    assert_eq!(fixture.pool.free_bytes(), 0);
    fixture.submit(plain(2, 0), b"x", None, NOW).unwrap();
    let went = fixture.ended();
    assert!(went.len() == 1 && went[0].0 == Code::Evicted, "{went:?}");
    // Exactly the quiet ones' part, and a byte more.
    fixture.submit(plain(3, 0), &[0; 200], None, NOW).unwrap();
    assert_eq!((fixture.ended(), fixture.pool.free_bytes()), (vec![], 0));
    fixture.refuses(AdmissionError::PoolBytesFull, plain(4, 0), b"x");
    assert_eq!(fixture.pool.verify(), Ok(()));
}

#[test]
fn the_quiet_ones_part_of_the_bytes_is_theirs_to_the_last() {
    let limits = Limits {
        rollup_reserved_count: 0,
        quiet_reserved_count: 4,
        ..roomy()
    };
    let mut fixture = Fixture::new(&limits);
    fixture.admit(plain(1, 0));
    for nonce in [1, 2] {
        let payload = [0; 300];
        fixture
            .submit(plain(1, nonce), &payload, None, NOW)
            .unwrap();
    }
    let payload = [1; 300];
    fixture.submit(plain(2, 0), &payload, None, NOW).unwrap();
    assert_eq!(fixture.ended().len(), 1);
}
