//! Cursors beside a map: whatever came and went since the last time, they stand sorted.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use crate::ordering::fair::stream::cursors::Cursors;
use crate::types::{Address, Nonce, UnixNs};

const CAPACITY: u32 = 12;

fn address(number: u8) -> Address {
    Address::new([number.wrapping_mul(89); 20])
}

proptest! {
    #[test]
    fn what_came_and_went_since_stands_sorted(
        steps in proptest::collection::vec((0..8_u8, 0..3_usize, 0..9_u8, 0..6_u64), 0..200),
    ) {
        let mut cursors = Cursors::new(CAPACITY, [1, 2]);
        let mut plain = BTreeMap::new();
        for (now, (kind, rollup, sender, lives)) in (0..).zip(steps) {
            match kind {
                0..=4 => {
                    let expiry = UnixNs::new(now + lives);
                    let line = (rollup, address(sender));
                    let has_room = plain.contains_key(&line) || plain.len() < CAPACITY as usize;
                    let is_moved = cursors.advance(line, Nonce::new(now), expiry, false);
                    prop_assert_eq!(is_moved, has_room);
                    if has_room {
                        let (next, latest) = plain.entry(line).or_insert((0, UnixNs::ZERO));
                        (*next, *latest) = (now, expiry.max(*latest));
                    }
                }
                5 => {
                    let time = UnixNs::new(now);
                    cursors.free(time, 0);
                    plain.retain(|_, (_, expiry)| *expiry > time);
                }
                6 => {
                    let count = cursors.use_count();
                    cursors.restore_use(count);
                }
                _ => {
                    let count = cursors.sort();
                    let sorted: Vec<_> = (0..count)
                        .map(|place| {
                            let own = cursors.sorted(place);
                            ((own.rollup as usize, own.sender), (own.next.get(), own.expiry))
                        })
                        .collect();
                    prop_assert!(sorted.iter().copied().eq(plain.iter().map(|(key, own)| (*key, *own))));
                }
            }
        }
    }
}
