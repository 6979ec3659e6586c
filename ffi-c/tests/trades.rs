//! The greedy sequencing rule as C hosts run it: trades beside records, reserves with each slot.
#![allow(unsafe_code)]

mod owner;

use std::ptr::{null, null_mut};

use hauptbuch::*;

use owner::{Follower, NOW, Owner, TIME, UNTOUCHED, config, empty_slot, transfer};

fn greedy() -> hb_config {
    hb_config {
        policy: HB_POLICY_GREEDY,
        reserves_count_max: 2,
        ..config()
    }
}

fn trade(pool: u8, side: u8, amount: u64) -> hb_trade {
    hb_trade {
        amount_low: amount,
        amount_high: 0,
        pool: [pool; 20],
        side,
        has_trade: 1,
        reserved: [0; 2],
    }
}

const NO_TRADE: hb_trade = hb_trade {
    amount_low: 0,
    amount_high: 0,
    pool: [0; 20],
    side: 0,
    has_trade: 0,
    reserved: [0; 2],
};

fn holding(pool: u8, reserve: u64) -> hb_pool_reserves {
    hb_pool_reserves {
        reserve0_low: reserve,
        reserve0_high: 0,
        reserve1_low: reserve,
        reserve1_high: 0,
        rollup: 0,
        pool: [pool; 20],
    }
}

fn submit(owner: &Owner, records: &[hb_transaction], trades: &[hb_trade]) -> (hb_status, usize) {
    assert_eq!(records.len(), trades.len());
    let (mut admitted, count) = (UNTOUCHED, records.len());
    let (records, trades) = (records.as_ptr(), trades.as_ptr());
    // SAFETY: as many of both as it says, and the handle is open.
    let status = unsafe {
        hb_coordinator_submit_with_trades(
            owner.0,
            records,
            trades,
            count,
            null(),
            0,
            NOW,
            TIME,
            null_mut(),
            &mut admitted,
        )
    };
    (status, admitted)
}

fn take(owner: &Owner, reserves: &[hb_pool_reserves]) -> (hb_status, hb_slot) {
    let (mut slot, first, count) = (empty_slot(), reserves.as_ptr(), reserves.len());
    // SAFETY: as many reserves as it says, and the handle is open.
    let status = unsafe {
        let no_slot = HB_WHEN_EMPTY_NO_SLOT;
        hb_coordinator_take_with_reserves(owner.0, NOW, TIME, no_slot, first, count, &mut slot)
    };
    (status, slot)
}

/// The senders of a slot's events, by their place.
fn senders(owner: &Owner, ids: &[[u8; 32]]) -> Vec<usize> {
    let mut events = owner.drain(64);
    events.sort_by_key(|event| event.position);
    let place = |event: &hb_event| ids.iter().position(|id| *id == event.id);
    events.iter().filter_map(place).collect()
}

#[test]
fn buys_and_sells_alternate_around_the_price_at_the_start() {
    let owner = Owner::with(&greedy());
    let follower = Follower::with(&greedy());
    // The sandwich as it arrives: buy, the victim's buy, and the sale behind it.
    let records = [transfer(0, 0), transfer(1, 0), transfer(2, 0)];
    let trades = [
        trade(7, HB_SIDE_BUY, 50),
        trade(7, HB_SIDE_BUY, 40),
        trade(7, HB_SIDE_SELL, 50),
    ];
    assert_eq!(submit(&owner, &records, &trades), (hb_status::Ok, 3));
    let plain = Owner::new();
    let ids = records.map(|record| plain.admit(record));
    let (status, slot) = take(&owner, &[holding(7, 1_000)]);
    assert_eq!((status, slot.transaction_count), (hb_status::Ok, 3));
    let (_, len, bytes) = owner.slot_bytes(1, 4_096);
    // Who orders by arrival follows another chain.
    let other = Follower::with(&config());
    assert_eq!(other.verify(&bytes[..len]), hb_status::WrongParent);
    follower.follow(&owner, &slot);
    assert_eq!(senders(&owner, &ids), [0, 2, 1], "the sale stands between");
}

#[test]
fn a_trade_waits_for_a_slot_that_names_its_pool() {
    let owner = Owner::with(&greedy());
    let records = [transfer(0, 0), transfer(1, 0)];
    let trades = [trade(1, HB_SIDE_BUY, 5), trade(2, HB_SIDE_SELL, 5)];
    assert_eq!(submit(&owner, &records, &trades), (hb_status::Ok, 2));
    assert_eq!(take(&owner, &[]).1.height, 0);
    assert_eq!(take(&owner, &[holding(2, 9)]).1.transaction_count, 1);
    assert_eq!(owner.counters().waiting_count, 1);
    let both = [holding(1, 9), holding(2, 9)];
    assert_eq!(take(&owner, &both).1.transaction_count, 1);
}

#[test]
fn what_is_no_trade_or_no_reserve_is_refused() {
    let owner = Owner::with(&greedy());
    let one = [transfer(0, 0)];
    let unread = [
        (
            hb_trade {
                side: 2,
                ..trade(1, HB_SIDE_BUY, 5)
            },
            hb_status::UnknownSide,
        ),
        (
            hb_trade {
                has_trade: 2,
                ..NO_TRADE
            },
            hb_status::InvalidArgument,
        ),
        (
            hb_trade {
                amount_high: 1,
                ..NO_TRADE
            },
            hb_status::InvalidArgument,
        ),
        (
            hb_trade {
                reserved: [0, 1],
                ..trade(1, HB_SIDE_BUY, 5)
            },
            hb_status::InvalidArgument,
        ),
    ];
    for (trade, expected) in unread {
        assert_eq!(submit(&owner, &one, &[trade]), (expected, UNTOUCHED));
    }
    assert_eq!(owner.counters().submitted_count, 0);
    // Those can be read, and the policy refuses them.
    assert_eq!(submit(&owner, &one, &[NO_TRADE]), (hb_status::Ok, 0));
    let of_nothing = trade(1, HB_SIDE_BUY, 0);
    assert_eq!(submit(&owner, &one, &[of_nothing]), (hb_status::Ok, 0));
    assert_eq!(owner.submit(&one, &[]), (hb_status::Ok, 0));
    for (status, expected) in [(hb_status::HintMissing, 2), (hb_status::HintInvalid, 1)] {
        let mut count = 0;
        // SAFETY: the handle is open.
        let read = unsafe { hb_coordinator_metric(owner.0, status as i32, &mut count) };
        assert_eq!((read, count), (hb_status::Ok, expected));
    }
    assert_eq!(submit(&owner, &[], &[]), (hb_status::Ok, 0));

    let twice = [holding(1, 9), holding(1, 9)];
    let descending = [holding(2, 9), holding(1, 9)];
    let three = [1, 2, 3].map(|pool| holding(pool, 9));
    let refused = |reserves: &[hb_pool_reserves]| {
        let (status, slot) = take(&owner, reserves);
        assert_eq!(slot.height, UNTOUCHED as u64);
        status
    };
    let invalid = hb_status::ReservesInvalid;
    assert_eq!([refused(&twice), refused(&descending)], [invalid; 2]);
    assert_eq!(refused(&[holding(1, 0)]), invalid);
    assert_eq!(refused(&three), hb_status::TooManyReserves);
    // Every other policy does not look at them, however many they are.
    let fcfs = Owner::new();
    assert_eq!(submit(&fcfs, &one, &[NO_TRADE]), (hb_status::Ok, 1));
    assert_eq!(take(&fcfs, &three).1.transaction_count, 1);
}

#[test]
fn amounts_have_128_bits() {
    let owner = Owner::with(&greedy());
    let follower = Follower::with(&greedy());
    let huge = hb_trade {
        amount_high: 1 << 40,
        ..trade(3, HB_SIDE_BUY, 1)
    };
    let records = [transfer(0, 0), transfer(1, 0), transfer(2, 0)];
    let ids = records.map(|record| Owner::new().admit(record));
    let sell = trade(3, HB_SIDE_SELL, 1);
    assert_eq!(
        submit(&owner, &records, &[sell, huge, huge]),
        (hb_status::Ok, 3)
    );
    let reserves = hb_pool_reserves {
        reserve0_high: 1 << 50,
        reserve1_high: 1 << 60,
        ..holding(3, 0)
    };
    let (status, slot) = take(&owner, &[reserves]);
    assert_eq!((status, slot.transaction_count), (hb_status::Ok, 3));
    follower.follow(&owner, &slot);
    assert_eq!(senders(&owner, &ids), [1, 0, 2]);
}

#[test]
fn null_and_wrong_sizes_are_refused() {
    let owner = Owner::with(&greedy());
    let (record, trade, reserves) = (transfer(0, 0), NO_TRADE, holding(1, 1));
    let submit = |handle, records, trades| {
        let (heard, count) = (null_mut(), null_mut());
        // SAFETY: what is not null is one of each, and an open handle.
        unsafe {
            hb_coordinator_submit_with_trades(
                handle,
                records,
                trades,
                1,
                null(),
                0,
                NOW,
                TIME,
                heard,
                count,
            )
        }
    };
    let take = |handle, reserves, slot| {
        // SAFETY: what is not null is one of each, and an open handle.
        unsafe { hb_coordinator_take_with_reserves(handle, NOW, TIME, 0, reserves, 1, slot) }
    };
    let mut slot = empty_slot();
    let statuses = [
        submit(null_mut(), &record, &trade),
        submit(owner.0, null(), &trade),
        submit(owner.0, &record, null()),
        take(null_mut(), &reserves, &mut slot),
        take(owner.0, null(), &mut slot),
        take(owner.0, &reserves, null_mut()),
    ];
    assert_eq!(statuses, [hb_status::NullPointer; 6]);
    slot.struct_size = 5;
    assert_eq!(
        take(owner.0, &reserves, &mut slot),
        hb_status::InvalidStructSize
    );
    assert_eq!(owner.counters().submitted_count, 0);
}
