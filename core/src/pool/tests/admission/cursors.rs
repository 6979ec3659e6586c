//! Which cursors are kept, and which are forgotten, under protection by expiry.

use super::*;

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
    // At equal times the smallest address went, and the others are still known.
    let next_of = |sender| {
        fixture
            .pool
            .next_nonce(RollupId::new(3), Address::new([sender; 20]))
    };
    assert_eq!(next_of(1), None);
    assert!((2..=5).all(|sender| next_of(sender) == Some(Nonce::new(1))));
    assert_eq!(fixture.pool.verify(), Ok(()));
}

/// One cursor that is needed long used to stand in the way of all that went idle after it.
#[test]
fn a_far_expiry_that_went_idle_first_keeps_no_place_but_its_own() {
    let mut fixture = Fixture::new(&tiny_limits());
    // The far one is included first, so it has been idle longest.
    for (sender, expiry) in [(1, 1_500), (2, 1_200), (3, 1_100), (4, 1_300), (5, 1_200)] {
        let expiry = UnixNs::new(expiry);
        fixture.admit(Envelope {
            expiry,
            ..plain(sender, 0)
        });
        fixture.include_all();
    }
    let mut known: Vec<u8> = vec![1, 2, 3, 4, 5];
    let new_at = |fixture: &mut Fixture, sender, time| {
        let expiry = UnixNs::new(time + 400);
        let envelope = Envelope {
            expiry,
            ..plain(sender, 0)
        };
        fixture.submit(envelope, b"", None, UnixNs::new(time))
    };
    let full = Err(AdmissionError::SenderTableFull);
    // Who goes is who may go earliest, and at equal times the smaller address.
    let mut decided = 0;
    for (new, time, gone) in [(6, 1_100, 3), (7, 1_200, 2), (8, 1_200, 5), (9, 1_300, 4)] {
        if decided < time {
            assert_eq!(new_at(&mut fixture, new, time - 1), full);
        }
        decided = time;
        new_at(&mut fixture, new, time).unwrap();
        known.retain(|sender| *sender != gone);
        known.push(new);
        let now_known: Vec<u8> = (1..=10)
            .filter(|sender| fixture.next_of(*sender).is_some())
            .collect();
        assert_eq!(now_known, known);
        assert_eq!(fixture.pool.verify(), Ok(()));
    }
    // What the far one protects from is still kept out, to the end of its time.
    let rewritten = fixture.submit(plain(1, 0), b"again", None, UnixNs::new(1_399));
    assert_eq!(rewritten, Err(AdmissionError::NonceUsed));
    assert_eq!(new_at(&mut fixture, 10, 1_499), full);
    new_at(&mut fixture, 10, 1_500).unwrap();
    assert_eq!(fixture.next_of(1), None);
}

/// The last that was included need not be the last to expire: the earlier one could come again.
#[test]
fn a_cursor_waits_for_the_latest_expiry_of_all_that_was_included() {
    let limits = Limits {
        sender_count_max: 1,
        ..tiny_limits()
    };
    let mut fixture = Fixture::new(&limits);
    for (nonce, expiry) in [(0, 1_400), (1, 1_100)] {
        let expiry = UnixNs::new(expiry);
        fixture.admit(Envelope {
            expiry,
            ..plain(1, nonce)
        });
    }
    fixture.include_all();
    let other = Envelope {
        expiry: UnixNs::new(1_500),
        ..plain(2, 0)
    };
    for time in [1_100, 1_399] {
        let refused = fixture.submit(other, b"", None, UnixNs::new(time));
        assert_eq!(refused, Err(AdmissionError::SenderTableFull));
        // The same transaction is remembered by its identity, another one stopped by its nonce.
        let replayed = fixture.submit(plain(1, 0), b"", None, UnixNs::new(time));
        assert_eq!(replayed, Err(AdmissionError::AlreadyEnded));
        let rewritten = fixture.submit(plain(1, 0), b"again", None, UnixNs::new(time));
        assert_eq!(rewritten, Err(AdmissionError::NonceUsed));
    }
    fixture
        .submit(other, b"", None, UnixNs::new(1_400))
        .unwrap();
}

/// A slot of another member may still be decided at an earlier time than a clock here shows, and
/// include again what only the cursor keeps out.
#[test]
fn a_cursor_stays_while_only_the_clock_here_has_passed_the_expiry() {
    let limits = Limits {
        sender_count_max: 1,
        ..tiny_limits()
    };
    let mut fixture = Fixture::new(&limits);
    fixture.admit(plain(1, 0));
    fixture.include_all();
    fixture.is_behind = true;
    let other = Envelope {
        expiry: UnixNs::new(1_800),
        ..plain(2, 0)
    };
    let (full, later) = (AdmissionError::SenderTableFull, UnixNs::new(1_500));
    assert_eq!(fixture.submit(other, b"", None, later), Err(full));
    fixture.pool.set_decided_time(UnixNs::new(1_399));
    assert_eq!(fixture.submit(other, b"", None, later), Err(full));
    fixture.pool.set_decided_time(UnixNs::new(1_400));
    fixture.submit(other, b"", None, later).unwrap();
    assert_eq!(fixture.next_of(1), None);
}
