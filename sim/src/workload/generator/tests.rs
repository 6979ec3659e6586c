use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::tables::Quantiles;
use super::*;
use crate::write::canonical_sha256;

/// Parts in a thousand at which quantiles are compared.
const PARTS: [usize; 8] = [50, 250, 500, 750, 900, 950, 990, 999];
/// The real quantiles there: what the tables were fitted to.
const REAL_FEE_WEI: [u64; 8] = [
    4_347_441_428,
    10_000_000_000,
    15_698_506_086,
    22_585_918_002,
    35_732_334_000,
    41_026_069_746,
    64_563_636_216,
    313_000_000_000,
];
const REAL_GAS: [u64; 8] = [
    21_000, 21_000, 46_761, 134_857, 281_031, 418_997, 1_050_000, 8_000_000,
];
const REAL_AMOUNT_GWEI: [u64; 8] = [
    0,
    0,
    0,
    10_741_238,
    139_834_222,
    514_526_702,
    7_118_815_230,
    130_290_684_484,
];
const REAL_PAYLOAD_LEN: [u64; 8] = [32, 32, 68, 68, 548, 900, 2_212, 115_044];

fn default_workload() -> &'static Workload {
    static WORKLOAD: LazyLock<Workload> =
        LazyLock::new(|| generate(&GeneratorConfig::default()).unwrap());
    &WORKLOAD
}

/// Shows where the generated quantiles lie, and holds them to the real ones.
///
/// A quantile is far off where a distribution is steep, though hardly anything differs. So it is
/// shares that are compared: as many values lie below each real quantile, give or take 5 % of its
/// value and 0.5 % of all values (half of the rest where that is less).
fn assert_near(values: impl Iterator<Item = u64>, real: &[u64; 8], what: &str) {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    let found = PARTS.map(|part| values[(values.len() - 1) * part / 1_000]);
    println!("{what}: real {real:?}, generated {found:?}");
    for (part, real) in PARTS.into_iter().zip(real) {
        let part = part * 100;
        let allowed = 500.min((100_000 - part) / 2);
        let below = values.partition_point(|value| *value < real - real / 20);
        let up_to = values.partition_point(|value| *value <= real + real / 20);
        assert!(
            below <= part + allowed,
            "{what} of {real}: {below} of 100,000 below {part}"
        );
        assert!(
            up_to + allowed >= part,
            "{what} of {real}: {up_to} of 100,000 up to {part}"
        );
    }
}

#[test]
fn quantiles_are_those_of_real_blocks() {
    let workload = default_workload();
    let envelopes = workload.records().iter().map(|record| &record.envelope);
    assert_near(
        envelopes.clone().map(|envelope| envelope.fee.get()),
        &REAL_FEE_WEI,
        "fee",
    );
    assert_near(
        envelopes.clone().map(|envelope| envelope.gas.get()),
        &REAL_GAS,
        "gas",
    );
    let lens = workload
        .records()
        .iter()
        .map(|record| workload.payload(record).len() as u64);
    assert_near(lens, &REAL_PAYLOAD_LEN, "payload length");
    let gwei = |amount: u128| u64::try_from(amount / 1_000_000_000).unwrap();
    assert_near(
        envelopes.map(|envelope| gwei(envelope.amount)),
        &REAL_AMOUNT_GWEI,
        "amount",
    );
    let mean_len = workload.payload_bytes() as u64 / 100_000;
    assert!(
        (430..510).contains(&mean_len),
        "{mean_len} bytes in the mean, and real ones 469"
    );
}

#[test]
fn senders_repeat_as_in_real_blocks() {
    let workload = default_workload();
    let mut repeated = 0;
    // 255 transactions: the mean of the real blocks.
    for block in workload.records().chunks(255) {
        let senders: BTreeSet<_> = block.iter().map(|record| record.envelope.sender).collect();
        repeated += block.len() - senders.len();
    }
    println!("{repeated} of 100,000 from a sender of the same block");
    assert!(
        (7_300..9_300).contains(&repeated),
        "{repeated}, and real ones 8,346 of 100,000"
    );
    let all: BTreeSet<_> = workload
        .records()
        .iter()
        .map(|record| record.envelope.sender)
        .collect();
    println!("{} senders", all.len());
    assert!((20_000..25_061).contains(&all.len()));
}

#[test]
fn arrivals_come_in_bursts_and_at_2_000_a_second() {
    let workload = default_workload();
    let seconds = workload.last_arrival().get() / 1_000_000_000;
    println!("{seconds} s");
    assert!((47..=53).contains(&seconds), "{seconds} s for 100,000");
    let arrivals: Vec<u64> = workload
        .records()
        .iter()
        .map(|record| record.arrival.get())
        .collect();
    assert!(arrivals.is_sorted_by(|before, after| before < after));
    let mut by_window = BTreeMap::<u64, u64>::new();
    for arrival in arrivals {
        *by_window.entry(arrival / 10_000_000).or_default() += 1;
    }
    let mut counts: Vec<u64> = by_window.into_values().collect();
    counts.sort_unstable();
    let busiest = counts[counts.len() * 95 / 100];
    println!(
        "10 ms windows: median {}, 95 % {busiest}",
        counts[counts.len() / 2]
    );
    assert!(
        busiest >= 50,
        "{busiest} in a busy window of 10 ms, where 20 is the mean"
    );
}

#[test]
fn nonces_are_dense_from_zero_and_senders_have_one_home() {
    let config = GeneratorConfig {
        count: 20_000,
        seed: 7,
        rollup_count: 3,
    };
    let workload = generate(&config).unwrap();
    let mut accounts = BTreeMap::new();
    for record in workload.records() {
        let envelope = &record.envelope;
        let (home, next) = accounts
            .entry(envelope.sender)
            .or_insert((envelope.rollup, 0));
        assert_eq!(record.account_nonce, Some(Nonce::ZERO));
        assert_eq!((envelope.rollup, envelope.nonce.get()), (*home, *next));
        *next += 1;
    }
    let prefixes: BTreeSet<&[u8]> = workload
        .records()
        .iter()
        .map(|record| &workload.payload(record)[..32])
        .collect();
    assert_eq!(prefixes.len(), workload.len());
    assert_eq!(workload.rollups(), ["rollup-0", "rollup-1", "rollup-2"]);
    let first = workload.records()[..3]
        .iter()
        .map(|record| record.envelope.rollup.get());
    assert!(first.eq(0..3));
}

#[test]
fn the_same_seed_gives_the_same_bytes_everywhere() {
    let config = |seed| GeneratorConfig {
        count: 1_000,
        seed,
        rollup_count: 2,
    };
    let workload = generate(&config(1)).unwrap();
    assert_eq!(workload, generate(&config(1)).unwrap());
    assert_ne!(workload, generate(&config(2)).unwrap());
    let mut digits = Vec::new();
    crate::hex::encode(&canonical_sha256(&workload), &mut digits);
    assert_eq!(
        String::from_utf8(digits).unwrap(),
        "7d409731111900490bbf967019171d4f6bf8627576ae03ec16d807ee1d19dabb",
        "the built-in workload changed: every run without an input changes with it"
    );
}

#[test]
fn what_is_out_of_range_is_refused() {
    let with = |count, rollup_count| {
        generate(&GeneratorConfig {
            count,
            seed: 0,
            rollup_count,
        })
    };
    assert_eq!(with(0, 1).unwrap_err(), GenerateError::CountOutOfRange);
    assert_eq!(with(1, 2).unwrap_err(), GenerateError::CountOutOfRange);
    assert_eq!(
        with(GENERATED_COUNT_MAX + 1, 1).unwrap_err(),
        GenerateError::CountOutOfRange
    );
    assert_eq!(
        with(10, 0).unwrap_err(),
        GenerateError::RollupCountOutOfRange
    );
    assert_eq!(
        with(100, 17).unwrap_err(),
        GenerateError::RollupCountOutOfRange
    );
    assert_eq!(with(1, 1).unwrap().len(), 1);
    assert_eq!(with(16, 16).unwrap().rollups().len(), 16);
    assert_eq!(
        GenerateError::RollupCountOutOfRange.to_string(),
        "the number of rollups must be 1 to 16"
    );
}

#[test]
fn tables_rise_and_reach_their_ends() {
    let all = [
        tables::FEE_WEI,
        tables::GAS_EMPTY_CALL,
        tables::GAS_TOKEN,
        tables::GAS_CALL,
        tables::GAS_LARGE,
        tables::AMOUNT_TRANSFER_GWEI,
        tables::AMOUNT_EMPTY_CALL_GWEI,
        tables::AMOUNT_CALL_GWEI,
        tables::LEN_CALL,
        tables::LEN_LARGE,
        tables::CONTRACT_RANK,
        tables::WAIT,
    ];
    for Quantiles(entries) in all {
        assert!(entries.is_sorted_by(|before, after| before.0 < after.0 && before.1 <= after.1));
        assert_eq!((entries[0].0, entries[entries.len() - 1].0), (0, 65_536));
        let table = Quantiles(entries);
        assert_eq!(table.at(0), entries[0].1);
        assert!(table.at(u32::MAX) <= entries[entries.len() - 1].1);
        for (share, value) in &entries[..entries.len() - 1] {
            assert_eq!(table.at(share << 16), *value);
        }
    }
    let half = Quantiles(&[(0, 10), (32_768, 20), (65_536, 220)]);
    assert_eq!([half.at(1 << 30), half.at(3 << 30)], [15, 120]);
}
