//! A committee alone.

use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::ordering::fair::stream::{FairLimits, ReplayProtection, RollupPart, RollupSlot, Room};
use hauptbuch_core::ordering::fair::Rank;
use hauptbuch_core::types::{Gas, Hash, RollupId, Tick};

use super::{Committee, Setup};
use crate::arrivals::ArrivalModel;
use crate::attack::committee;
use crate::run::agreed_time;
use crate::workload::{GeneratorConfig, generate};

#[test]
#[ignore = "measures"]
fn speed() {
    let env = |n: &str, d: u32| std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    let count = env("COUNT", 100_000);
    let workload = generate(&GeneratorConfig { count, ..GeneratorConfig::default() }).unwrap();
    let n = env("N", 5);
    let arrivals = ArrivalModel::new(n).of_workload(&workload, 1).unwrap();
    let limits = FairLimits {
        first_hand_count_max: env("FH", 256),
        extent_entries_max: env("E", 576),
        cursor_count_max: 1 << 17,
        drained_count_max: 1 << 15,
        arrival_count_max: env("ARR", 4096),
        slot_room: Room { count: 2_500, bytes: 1 << 20, gas: Gas::new(200_000_000) },
        ..FairLimits::default()
    };
    let parts: Vec<RollupPart> = (0..2).map(|it| RollupPart {
        rollup: RollupId::new(it),
        first_hand_count_max: limits.first_hand_count_max / 2,
        first_hand_bytes_max: limits.first_hand_bytes_max / 2,
        room: Room { count: 1_250, bytes: 1 << 19, gas: Gas::new(100_000_000) },
        replay: ReplayProtection::ByHost,
    }).collect();
    let setup = Setup {
        parameters: committee(n, (n - 1) / 4).unwrap(),
        limits, parts, rank: Rank::Copeland, chain_id: 1, boundary: Hash::ZERO,
    };
    println!("footprint {} MiB", setup.footprint_bytes() >> 20);
    let mut world = Committee::new(&setup, &arrivals).unwrap();
    let start = std::time::Instant::now();
    let mut next = 0;
    let (mut included, mut noop) = (0_u64, 0);
    let d = env("D", 200) as u64 * 1_000_000;
    let mut slot = 0;
    let mut canonical = Vec::new();
    let mut arr = std::collections::HashMap::new();
    let mut delays = Vec::new();
    let mut maxdrain = 0;
    loop {
        slot += 1;
        let tick = Tick::new(slot * d);
        while let Some(record) = workload.records().get(next).filter(|it| it.arrival < tick) {
            let transaction = hauptbuch_core::types::Transaction { envelope: record.envelope, payload: workload.payload(record) };
            canonical.resize(transaction.encoded_len(), 0);
            transaction.encode(&mut hauptbuch_core::codec::Writer::new(&mut canonical)).unwrap();
            let id = transaction_id(&canonical);
            arr.insert(id, record.arrival);
            world.admit(next as u32, id, canonical.len() as u32, &record.envelope, record.account_nonce);
            next += 1;
        }
        let decided = world.decide(tick, agreed_time(tick), &[RollupSlot::default(); 2]).unwrap();
        let drained = decided.stream.drained().to_vec();
        maxdrain = maxdrain.max(drained.len());
        for it in &drained {
            let is = it.outcome == super::DrainOutcome::Included;
            if is { included += 1; delays.push(tick.saturating_distance(arr[&it.id.id])) } else { noop += 1; println!("{:?}", it.outcome) }
            world.end(&it.id.id, is);
        }
        world.settle().unwrap();
        if next == workload.len() && world.next_arrival().is_none() && !world.is_busy() { break; }
    }
    delays.sort_unstable();
    println!("slots {slot} included {included} noop {noop} live_max {} pushed {:?} time {:?} p50 {} ms p99 {} ms maxdrain {maxdrain}",
        world.live_max(), world.pushed_back_max(), start.elapsed(), delays[delays.len()/2]/1000000, delays[delays.len()*99/100]/1000000);
}
