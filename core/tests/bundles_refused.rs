//! Every refusal of a bundle on its own.

mod common;

use common::config;
use common::outside::{coordinator, envelope, known, limits};
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::pool::BundleRefusal;
use hauptbuch_core::types::{Envelope, Fee, Gas, Nonce, Submission, Tick, UnixNs};

const TIME: UnixNs = UnixNs::new(1_000);
const NOW: Tick = Tick::new(1);
const LATE: UnixNs = UnixNs::new(9_000);

fn whole(code: Code) -> Result<(), BundleRefusal> {
    Err(BundleRefusal { leg: None, code })
}

fn leg(number: u32, code: Code) -> Result<(), BundleRefusal> {
    let leg = Some(number);
    Err(BundleRefusal { leg, code })
}

#[test]
fn every_refusal_of_a_bundle_has_its_code() {
    let mut own = coordinator();
    let mut submit = |legs: &[Submission<'_>], expiry| {
        let result = own.submit_bundle(legs, expiry, NOW, TIME);
        own.verify().unwrap();
        result.map(|_| ())
    };
    let good = |sender, nonce| known(envelope(0, sender, nonce), b"");
    assert_eq!(submit(&[], LATE), whole(Code::BundleEmpty));
    assert_eq!(submit(&[good(1, 0); 4], LATE), whole(Code::BundleTooLong));
    let heavy = known(
        Envelope {
            gas: Gas::new(26),
            ..envelope(0, 1, 0)
        },
        b"",
    );
    let heavy_too = known(
        Envelope {
            gas: Gas::new(26),
            ..envelope(0, 2, 0)
        },
        b"",
    );
    assert_eq!(
        submit(&[heavy, heavy_too], LATE),
        whole(Code::BundleTooLarge)
    );
    assert_eq!(submit(&[good(1, 0)], TIME), whole(Code::AlreadyExpired));
    assert_eq!(
        submit(&[good(1, 0), good(1, 0)], LATE),
        leg(1, Code::Duplicate)
    );
    let twin = known(envelope(0, 1, 0), b"twin");
    assert_eq!(
        submit(&[good(1, 0), twin], LATE),
        leg(1, Code::NonceOccupied)
    );
    let cheap = known(
        Envelope {
            fee: Fee::ZERO,
            ..envelope(0, 1, 0)
        },
        b"",
    );
    assert_eq!(submit(&[good(2, 0), cheap], LATE), leg(1, Code::FeeTooLow));
    let used = Submission {
        account_nonce: Some(Nonce::new(4)),
        ..good(1, 3)
    };
    assert_eq!(submit(&[used], LATE), leg(0, Code::NonceUsed));
}

#[test]
fn bundles_are_refused_where_there_is_no_room() {
    let mut own = coordinator();
    let mut submit = |legs: &[Submission<'_>], expiry| {
        let result = own.submit_bundle(legs, expiry, NOW, TIME);
        own.verify().unwrap();
        result.map(|_| ())
    };
    let good = |sender, nonce| known(envelope(0, sender, nonce), b"");
    let payload = [1; 200];
    for sender in 1..3 {
        submit(&[known(envelope(1, sender, 9), &payload)], LATE).unwrap();
    }
    let again = known(envelope(1, 1, 9), &payload);
    assert_eq!(submit(&[again], LATE), leg(0, Code::Duplicate));
    let large = |sender, nonce| known(envelope(1, sender, nonce), &payload);
    assert_eq!(
        submit(&[large(3, 0), large(3, 1), large(3, 2)], LATE),
        whole(Code::BundleTooLarge)
    );
    let half = |sender, nonce| known(envelope(1, sender, nonce), &payload[..140]);
    submit(&[half(3, 0)], LATE).unwrap();
    assert_eq!(submit(&[good(4, 0)], LATE), whole(Code::BundlesFull));
    let back = own.submit_bundle(&[good(5, 0)], LATE, Tick::ZERO, TIME);
    assert_eq!(back.map(|_| ()), whole(Code::TimeWentBack));
}

#[test]
fn bundles_have_only_their_own_bytes() {
    let limits = Limits {
        bundle_bytes_max: 256,
        ..limits()
    };
    let mut own = TransactionCoordinator::new(&config(Policy::Fcfs), &limits).unwrap();
    let payload = [1; 130];
    own.submit_bundle(&[known(envelope(0, 1, 0), &payload)], LATE, NOW, TIME)
        .unwrap();
    let refused = own.submit_bundle(&[known(envelope(0, 2, 0), b"x")], LATE, NOW, TIME);
    assert_eq!(
        refused,
        Err(BundleRefusal {
            leg: None,
            code: Code::BundleBytesFull
        })
    );
    own.verify().unwrap();
}
