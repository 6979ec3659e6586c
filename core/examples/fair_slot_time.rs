//! How long one slot of order fairness takes with as many ids live as five members can bring:
//! applied at once, tried before it is decided, and tried after another candidate.
//!
//! `cargo run --release -p hauptbuch-core --example fair_slot_time`

use std::hint::black_box;
use std::time::Instant;

use hauptbuch_core::ordering::fair::stream::{
    Bodies, Cut, Entry, EntryKind, Extent, Facts, FairLimits, FairStream, LoggedId, RollupPart,
    RollupSlot, TrialStream,
};
use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters, Rank};
use hauptbuch_core::types::{Address, Gas, Hash, Height, Nonce, RollupId, TxId, UnixNs};

const ROLLUP: RollupId = RollupId::new(1);
const SLOTS: u64 = 101;

fn id(name: u64) -> LoggedId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&name.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..16].copy_from_slice(&name.to_be_bytes());
    LoggedId {
        rollup: ROLLUP,
        id: TxId::new(bytes),
        body_bytes: 200,
    }
}

/// Every body, read from its id: each from a sender of its own, for a while.
struct All;

impl Bodies for All {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        let mut sender = [0; 20];
        sender[..8].copy_from_slice(&id.id.as_bytes()[8..16]);
        Some(Facts {
            sender: Address::new(sender),
            nonce: Nonce::ZERO,
            gas: Gas::new(1),
            expiry: UnixNs::new(1_000_000),
        })
    }
}

/// Each log's extent: its own ids first-hand, then those of the others that the slot before showed.
fn entries(slot: u64, log: u64, share: u64, spread: u64) -> Vec<Entry> {
    let base = Height::new(slot);
    let entry = |name| Entry {
        base,
        kind: EntryKind::Id(id(name)),
    };
    let stamp = Entry {
        base,
        kind: EntryKind::Stamp(UnixNs::new((slot + 1) * 500_000)),
    };
    let count = 5 * share;
    let mut names: Vec<(u64, u64)> = (0..count)
        .map(|place| {
            let delay = (place * 7_919 + log * 104_729) % (spread + 1);
            (place + delay, slot * count + place)
        })
        .collect();
    names.sort_unstable();
    let mut list = vec![stamp];
    // Each brings a fifth in one slot, and what the others brought in the next one.
    let own = names.iter().filter(|(_, name)| name % 5 == log);
    list.extend(own.map(|(_, name)| entry(*name)));
    if let Some(before) = slot.checked_sub(1) {
        let learned = names.iter().filter(|(_, name)| name % 5 != log);
        list.extend(learned.map(|(_, name)| entry(name - count * (slot - before))));
    }
    list
}

/// What one slot took, in three ways.
#[derive(Default)]
struct Times {
    applied: Vec<f64>,
    tried: Vec<f64>,
    again: Vec<f64>,
}

fn main() {
    let parameters = Parameters::new(5, 1, Gamma::ONE, GammaMode::All).expect("n is 4f + 1");
    println!("| ids a slot | live ids | apply ms | try ms | go back and try ms |");
    println!("|---|---|---|---|---|");
    for (share, spread) in [(32, 50), (128, 50), (128, 400), (128, 10_000)] {
        let limits = FairLimits {
            extent_entries_max: 2_000,
            ..FairLimits::default()
        };
        let part = RollupPart::whole(ROLLUP, &limits);
        let make = || {
            let stream = FairStream::new(parameters, &limits, &[part], Rank::Copeland, [7, 9]);
            stream.expect("the defaults are valid")
        };
        let (mut stream, mut trial) = (make(), TrialStream::new(make()));
        let mut times = Times::default();
        let mut live_max = 0;
        for slot in 0..SLOTS {
            let logs: Vec<Vec<Entry>> = (0..5)
                .map(|log| entries(slot, log, share, spread))
                .collect();
            let extents: Vec<Extent<'_>> = logs.iter().map(|log| Extent::moved(log)).collect();
            let height = Height::new(slot + 1);
            let cut = Cut {
                height,
                extents: &extents,
            };
            let blank = Cut {
                height,
                extents: &[Extent::default(); 5],
            };
            let slots = [RollupSlot::default()];
            let start = Instant::now();
            stream
                .apply(black_box(&cut), &slots, &All)
                .expect("a valid cut");
            times.applied.push(start.elapsed().as_secs_f64());
            let mut try_it = |name: u8, cut: &Cut<'_>| {
                let start = Instant::now();
                let tried = trial.try_candidate(Hash::new([name; 32]), cut, &slots, &All);
                tried.expect("a valid cut");
                start.elapsed().as_secs_f64()
            };
            times.tried.push(try_it(1, black_box(&cut)));
            try_it(2, &blank);
            times.again.push(try_it(1, black_box(&cut)));
            trial.decide(Hash::new([1; 32])).expect("it was tried last");
            live_max = live_max.max(stream.live_count() + stream.drained().len() as u32);
        }
        let [applied, tried, again] = [times.applied, times.tried, times.again].map(median_ms);
        let ids = 5 * share;
        println!(
            "| {ids} (spread {spread}) | {live_max} | {applied:.2} | {tried:.2} | {again:.2} |"
        );
    }
}

fn median_ms(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_unstable_by(f64::total_cmp);
    seconds[seconds.len() / 2] * 1e3
}
