//! The rule against its vectors, and the generator against the rule's sentences, step by step.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::types::Address;

fn plain(deltas: &[i128]) -> Vec<PlainTrade> {
    let trade = |delta: &i128| PlainTrade {
        side: if *delta > 0 { Side::Buy } else { Side::Sell },
        quantity: delta.unsigned_abs(),
    };
    deltas.iter().map(trade).collect()
}

#[test]
fn the_published_vectors_hold() {
    for (deltas, holds) in [
        (&[5, 5, -5][..], false),
        (&[5, -5, 5], true),
        (&[-5, 5, 5], false),
        (&[5, -6, 5, 5], true),
        (&[5, -5, -5], true),
        (&[], true),
        (&[-5], true),
        (&[5, 5, 5], true),
        (&[-5, -5], true),
    ] {
        assert_eq!(satisfies_rule(100, &plain(deltas)), holds, "{deltas:?}");
    }
}

/// Pool of 75 A and 24 B, `x · y = 1800`: the attacker pays 6 B, the victim 10 B for the same 15 A,
/// and the attacker sells at a profit of 4 B. The rule does not let it through.
#[test]
fn the_sandwich_is_refused_and_the_generator_takes_it_apart() {
    let start = Reserves {
        first: 75,
        second: 24,
    };
    let bought = start.execute(Side::Buy, 6);
    assert_eq!((bought.first, bought.second), (60, 30));
    let victim = bought.execute(Side::Buy, 10);
    assert_eq!((victim.first, victim.second), (45, 40));
    let sold = victim.execute(Side::Sell, 15);
    assert_eq!((sold.first, sold.second), (60, 30));
    assert!(!satisfies_rule(75, &plain(&[15, 15, -15])));
    // The attacker's trades arrive around the victim's, by two accounts and by one.
    for attackers in [[1, 2], [1, 1]] {
        let row = |sender, nonce, arrival, side, amount| Row {
            sender,
            nonce,
            trade: (0, side, amount),
            arrival,
        };
        let rows = [
            row(attackers[0], 0, 0, Side::Buy, 6),
            row(9, 0, 1, Side::Buy, 10),
            row(attackers[1], 1, 2, Side::Sell, 15),
        ];
        let order = arranged(&rows, &[start], true);
        assert_eq!(order, [0, 2, 1]);
    }
}

#[test]
fn a_pool_never_runs_dry_or_over() {
    let huge = Reserves {
        first: u128::MAX,
        second: u128::MAX - 5,
    };
    assert_eq!(huge.execute(Side::Sell, 1), huge);
    assert_eq!(huge.execute(Side::Buy, 6), huge);
    let moved = huge.execute(Side::Buy, 5);
    assert_eq!(moved.second, u128::MAX);
    assert_eq!(moved.first, u128::MAX - 5);
    let tiny = Reserves {
        first: 1,
        second: 1,
    };
    let bought = tiny.execute(Side::Buy, u128::MAX - 1);
    assert_eq!((bought.first, bought.second), (1, u128::MAX));
}

/// A number of 256 bits as bits, the lowest first: slow and plain.
fn bits(value: u128) -> Vec<bool> {
    (0..128).map(|bit| value >> bit & 1 == 1).collect()
}

/// `a · b ≥ c · d`, by schoolbook multiplication of bits.
fn product_at_least(a: u128, b: u128, c: u128, d: u128) -> bool {
    let product = |x: u128, y: u128| {
        let mut sum = std::vec![0_u32; 256];
        for (i, own) in bits(x).iter().enumerate() {
            for (j, other) in bits(y).iter().enumerate() {
                sum[i + j] += u32::from(*own && *other);
            }
        }
        for at in 0..255 {
            sum[at + 1] += sum[at] / 2;
            sum[at] %= 2;
        }
        sum.reverse();
        sum
    };
    product(a, b) >= product(c, d)
}

/// A row of a set: small numbers for senders and pools.
#[derive(Clone, Copy, Debug)]
struct Row {
    sender: u8,
    nonce: u64,
    arrival: u64,
    trade: (u32, Side, u128),
}

fn arranged(rows: &[Row], pools: &[Reserves], has_lines: bool) -> Vec<u32> {
    let mut arranger = GreedyArranger::new(rows.len().max(pools.len()) as u32);
    // Twice, because what is left of one set must not show in the next.
    for _ in 0..2 {
        arranger.clear();
        for pool in pools {
            arranger.push_pool(*pool).unwrap();
        }
        for row in rows {
            let (pool, side, amount) = row.trade;
            let trade = Trade {
                sender: Address::new([row.sender; 20]),
                nonce: row.nonce,
                arrival: row.arrival,
                pool,
                side,
                amount,
            };
            arranger.push(trade).unwrap();
        }
        arranger.arrange(has_lines);
    }
    arranger.arrange(has_lines).to_vec()
}

/// The rules as they are written, looking at everything in each step.
fn by_the_rules(rows: &[Row], pools: &[Reserves], has_lines: bool) -> Vec<u32> {
    let mut now = pools.to_vec();
    let mut left: Vec<u32> = (0..rows.len() as u32).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let row = |number: &u32| rows[*number as usize];
        // [Rule 2]
        let wanted = |pool: u32| {
            let at = pool as usize;
            let side = if now[at].first >= pools[at].first {
                Side::Buy
            } else {
                Side::Sell
            };
            let is_left = left
                .iter()
                .any(|own| row(own).trade.0 == pool && row(own).trade.1 == side);
            if is_left { side } else { side.other() }
        };
        // [Rule 3]
        let head_of = |number: &u32| {
            let same = left
                .iter()
                .filter(|own| has_lines && row(own).sender == row(number).sender);
            *same.min_by_key(|own| row(own).nonce).unwrap_or(number)
        };
        let wants = |number: &&u32| wanted(row(number).trade.0) == row(number).trade.1;
        let first = |numbers: Vec<u32>| numbers.into_iter().min_by_key(|own| row(own).arrival);
        let all_wanted: Vec<u32> = left.iter().filter(wants).copied().collect();
        let heads = all_wanted.iter().filter(|own| head_of(own) == **own);
        // [Rule 4], else [Rule 5]
        let next = first(heads.copied().collect())
            .unwrap_or_else(|| head_of(&first(all_wanted.clone()).unwrap()));
        let (pool, side, amount) = row(&next).trade;
        now[pool as usize] = now[pool as usize].execute(side, amount);
        left.retain(|own| *own != next);
        order.push(next);
    }
    order
}

fn sets() -> impl Strategy<Value = (Vec<Row>, Vec<Reserves>)> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let row = (0_u8..5, 0_u32..3, side, 1_u128..60, any::<u16>());
    let pool = (1_u128..200, 1_u128..200).prop_map(|(first, second)| Reserves { first, second });
    let rows = proptest::collection::vec(row, 0..14);
    (rows, proptest::collection::vec(pool, 3)).prop_map(|(rows, pools)| {
        let mut nonces = [0_u64; 5];
        let make = |(at, (sender, pool, side, amount, arrival)): (usize, (u8, _, _, _, u16))| {
            let nonce = nonces[sender as usize];
            nonces[sender as usize] += 1;
            Row {
                sender,
                nonce,
                // Distinct, and in no relation to the nonces.
                arrival: u64::from(arrival) << 8 | at as u64,
                trade: (pool, side, amount),
            }
        };
        (rows.into_iter().enumerate().map(make).collect(), pools)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_generator_does_what_the_rules_say((rows, pools) in sets(), has_lines in any::<bool>()) {
        let order = arranged(&rows, &pools, has_lines);
        prop_assert_eq!(&order, &by_the_rules(&rows, &pools, has_lines));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert!(sorted.into_iter().eq(0..rows.len() as u32));
        if has_lines {
            for (at, own) in order.iter().enumerate() {
                let follows = order[at..].iter().all(|other| {
                    let (own, other) = (rows[*own as usize], rows[*other as usize]);
                    own.sender != other.sender || own.nonce <= other.nonce
                });
                prop_assert!(follows);
            }
        }
    }

    /// Where no nonce stands in the way, each pool's trades keep the published rule; and any order
    /// that sandwiches, with the pool moved by it, does not.
    #[test]
    fn without_lines_each_pool_keeps_the_published_rule((rows, pools) in sets()) {
        let order = arranged(&rows, &pools, false);
        for (number, start) in (0..).zip(&pools) {
            let mut now = *start;
            let mut trades = Vec::new();
            for own in order.iter().map(|own| rows[*own as usize].trade) {
                let (pool, side, amount) = own;
                if pool == number {
                    let after = now.execute(side, amount);
                    let quantity = now.first.abs_diff(after.first);
                    trades.push(PlainTrade { side, quantity });
                    now = after;
                }
            }
            prop_assert!(satisfies_rule(start.first, &trades));
        }
    }

    #[test]
    fn execution_rounds_down_and_keeps_the_product(
        first in 1_u128.., second in 1_u128.., amount in 1_u128.., buys in any::<bool>(),
        shift in 0_u32..128,
    ) {
        let amount = (amount >> shift).max(1);
        let before = Reserves { first, second };
        let side = if buys { Side::Buy } else { Side::Sell };
        let after = before.execute(side, amount);
        let (paid_in, paid_out) = if buys { (second, first) } else { (first, second) };
        let Some(now_in) = paid_in.checked_add(amount) else {
            prop_assert_eq!(after, before);
            return Ok(());
        };
        let now_out = if buys { after.first } else { after.second };
        prop_assert_eq!(now_in, if buys { after.second } else { after.first });
        let output = paid_out - now_out;
        // output · now_in ≤ paid_out · amount < (output + 1) · now_in
        prop_assert!(product_at_least(paid_out, amount, output, now_in));
        prop_assert!(!product_at_least(paid_out, amount, output + 1, now_in));
        prop_assert!(now_out > 0);
    }
}
