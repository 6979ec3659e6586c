use std::path::PathBuf;

use super::skew::{QUANTILES, spread_ns};
use super::*;
use crate::read::{ReadOptions, read_bytes};
use crate::workload::{GeneratorConfig, Random, Workload, generate};

fn workload(count: u32) -> Workload {
    let config = GeneratorConfig {
        count,
        ..GeneratorConfig::default()
    };
    generate(&config).unwrap()
}

fn spreads_ms(arrivals: &Arrivals) -> Vec<u64> {
    let mut bounds = vec![(u64::MAX, 0); arrivals.transaction_count() as usize];
    for arrival in arrivals.lists().flatten() {
        let own = &mut bounds[arrival.transaction as usize];
        *own = (own.0.min(arrival.at.get()), own.1.max(arrival.at.get()));
    }
    let mut spreads: Vec<u64> = bounds.iter().map(|it| (it.1 - it.0) / 1_000_000).collect();
    spreads.sort_unstable();
    spreads
}

#[test]
fn the_table_follows_from_the_data() {
    let path = "../../shared/data/arrival-skew/prop_time_lower_bound.csv.gz";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    let Ok(bytes) = std::fs::read(path) else {
        println!("skipped: the data are not at hand");
        return;
    };
    let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(bytes.as_slice()));
    let mut spreads = Vec::new();
    let mut row_count = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let [spread_ms, node_count]: [u64; 2] = [1, 2].map(|at| row[at].parse().unwrap());
        row_count += 1;
        if (2..=4).contains(&node_count) && spread_ms <= 60_000 {
            spreads.push(spread_ms);
        }
    }
    assert_eq!((row_count, spreads.len()), (191_596, 102_430));
    spreads.sort_unstable();
    for (permille, spread_ms) in QUANTILES {
        let at = permille as usize * spreads.len() / 1_000;
        let found = spreads[at.min(spreads.len() - 1)];
        assert_eq!(found, u64::from(spread_ms), "at {permille} thousandths");
    }
}

#[test]
fn the_spread_meets_the_table_at_its_points() {
    for (permille, spread_ms) in QUANTILES {
        // The first share at or above the point; the last one has no such share.
        let share = (u64::from(permille) << 32).div_ceil(1_000);
        let spread = spread_ns(u32::try_from(share).unwrap_or(u32::MAX));
        let distance = spread.abs_diff(u64::from(spread_ms) * 1_000_000);
        assert!(distance < 1_000_000, "{permille}: {spread}");
    }
    let mut last = 0;
    for share in (0..=u32::MAX).step_by(1 << 20) {
        assert!(spread_ns(share) >= last);
        last = spread_ns(share);
    }
}

#[test]
fn drawn_spreads_are_those_of_the_table() {
    for sequencers in [2, 4, 21] {
        let arrivals = ArrivalModel::new(sequencers);
        let arrivals = arrivals.of_workload(&workload(20_000), 3).unwrap();
        let spreads = spreads_ms(&arrivals);
        for (permille, tolerance_percent) in [(50, 10), (250, 5), (500, 5), (750, 5), (900, 10)] {
            let (_, wanted) = QUANTILES[QUANTILES.partition_point(|it| it.0 < permille)];
            let found = spreads[permille as usize * spreads.len() / 1_000];
            let distance = found.abs_diff(u64::from(wanted)) * 100;
            assert!(
                distance <= u64::from(wanted) * tolerance_percent,
                "{sequencers} sequencers, {permille}: {found} for {wanted}"
            );
        }
    }
}

#[test]
fn a_seed_and_a_model_give_one_result() {
    let workload = workload(500);
    let model = ArrivalModel::new(5);
    let arrivals = model.of_workload(&workload, 7).unwrap();
    assert_eq!(arrivals, model.of_workload(&workload, 7).unwrap());
    assert_ne!(arrivals, model.of_workload(&workload, 8).unwrap());
    let by_time = arrivals.by_time();
    assert_eq!(by_time.len(), 2_500);
    assert!(by_time.is_sorted());
    assert!(arrivals.orders().iter().all(|order| {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.iter().copied().eq(0..500)
    }));
    // Frozen, because outputs depend on it.
    let sum = by_time.iter().fold(0_u64, |sum, it| {
        sum.wrapping_mul(31)
            .wrapping_add(it.at.get() ^ u64::from(it.transaction))
    });
    assert_eq!(sum, FROZEN_SUM);
}

const FROZEN_SUM: u64 = 4_786_960_125_989_409_410;

#[test]
fn spreads_can_be_switched_and_scaled() {
    let workload = workload(2_000);
    let mut model = ArrivalModel::new(3);
    model.spread = Spread::None;
    model.base_ns = vec![1_000_000, 0, 5_000_000];
    let arrivals = model.of_workload(&workload, 1).unwrap();
    assert!(spreads_ms(&arrivals).iter().all(|spread| *spread == 5));
    let late = arrivals.lists().nth(2).unwrap()[0];
    assert_eq!(
        late.at.get(),
        workload.records()[late.transaction as usize].arrival.get() + 5_000_000
    );
    model.base_ns.clear();
    model.spread = Spread::Uniform { ns_max: 10_000_000 };
    let spreads = spreads_ms(&model.of_workload(&workload, 1).unwrap());
    assert!(spreads[spreads.len() - 1] <= 10 && spreads[spreads.len() / 2] >= 4);
    let mut medians = [100, 1_000].map(|scale_permille| {
        model.spread = Spread::Measured { scale_permille };
        let spreads = spreads_ms(&model.of_workload(&workload, 1).unwrap());
        spreads[spreads.len() / 2]
    });
    medians[0] *= 10;
    assert!(medians[0].abs_diff(medians[1]) <= 10, "{medians:?}");
    let mut random = Random::from_seed(b"hauptbuch/sim/arrivals/1", 1);
    let mut alone = [9];
    ArrivalModel::new(1).draw(&mut random, &mut alone);
    assert_eq!(alone, [0], "one sequencer alone is the first");
}

#[test]
fn models_out_of_range_are_refused() {
    let refused = |model: &ArrivalModel| {
        model
            .of_workload(&workload(500), 0)
            .unwrap_err()
            .to_string()
    };
    for sequencers in [0, 256] {
        let line = refused(&ArrivalModel::new(sequencers));
        assert!(line.contains("between 1 and 255"), "{line}");
    }
    let mut model = ArrivalModel::new(3);
    model.base_ns = vec![1, 2];
    assert!(refused(&model).contains("2 base latencies for 3 sequencers"));
    model.base_ns.clear();
    model.spread = Spread::Measured {
        scale_permille: 1_000_001,
    };
    assert!(refused(&model).contains("at most 1,000,000"));
}

fn hash(byte: u8) -> String {
    format!("0x{}", format!("{byte:02x}").repeat(32))
}

fn log_of(rows: &[(u64, u8, &str)]) -> Result<Sourcelog, ArrivalsError> {
    let mut text = "timestamp_ms,hash,source\n".to_owned();
    for (time, byte, source) in rows {
        text.push_str(&format!("{time},{},{source}\n", hash(*byte)));
    }
    Sourcelog::read_bytes(text.into_bytes())
}

#[test]
fn sources_become_sequencers_in_order_of_name() {
    let rows = [
        (1_005, 2, "tokyo"),
        (1_000, 1, "london"),
        (1_010, 1, "tokyo"),
        (1_003, 2, "london"),
        (1_004, 2, "tokyo"),
        (1_001, 3, "aachen"),
    ];
    let log = log_of(&rows).unwrap();
    assert_eq!(log.sources(), ["aachen", "london", "tokyo"]);
    let arrivals = log.alone(3).unwrap();
    assert_eq!(arrivals.description(), "recorded arrivals");
    assert_eq!(arrivals.orders(), [vec![2], vec![0, 1], vec![1, 0]]);
    let tokyo: Vec<u64> = arrivals
        .lists()
        .nth(2)
        .unwrap()
        .iter()
        .map(|it| it.at.get())
        .collect();
    assert_eq!(
        tokyo,
        [4_000_000, 10_000_000],
        "from the earliest, and the earlier of two"
    );
    assert_eq!(arrivals.notes().len(), 2, "{:?}", arrivals.notes());
    let fewer = log.alone(2).unwrap();
    assert_eq!(fewer.sequencers(), ["aachen", "london"]);
    let line = log.alone(4).unwrap_err().to_string();
    assert_eq!(
        line,
        "4 sequencers, and the log has 3 sources (`aachen`, `london`, `tokyo`)"
    );
}

#[test]
fn logs_are_joined_by_hash() {
    let mut text = "hash,sender,nonce,gas,fee\n".to_owned();
    for byte in [7, 9, 5] {
        text.push_str(&format!("{},0x{},0,1,1\n", hash(byte), "11".repeat(20)));
    }
    let workload = read_bytes(text.into_bytes(), "", &ReadOptions::default()).unwrap();
    let modelled = ArrivalModel::new(2).of_workload(&workload, 0).unwrap();
    assert_eq!(
        modelled.description(),
        "real transactions, modelled arrivals"
    );
    let log = log_of(&[(5, 9, "a"), (6, 7, "a"), (7, 7, "b"), (8, 1, "b")]).unwrap();
    let arrivals = log.join(&workload, 2).unwrap();
    assert_eq!(arrivals.orders(), [vec![1, 0], vec![0]]);
    assert_eq!(
        arrivals.notes(),
        [
            "1 transaction of the workload not in the log",
            "1 transaction of the log not in the workload"
        ]
    );
    // The alias, where payloads are whole.
    let payload = b"\x02 as it was signed";
    let digits = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let text = format!(
        "sender,nonce,gas,fee,payload\n0x{},0,1,1,0x{}\n",
        "11".repeat(20),
        digits(payload)
    );
    let workload = read_bytes(text.into_bytes(), "", &ReadOptions::default()).unwrap();
    let alias = hauptbuch_core::crypto::hash::keccak256(payload);
    let text = format!(
        "source,tx_hash,timestamp_s\nx,{},3\n",
        digits(alias.as_bytes())
    );
    let log = Sourcelog::read_bytes(text.into_bytes()).unwrap();
    assert_eq!(log.join(&workload, 1).unwrap().orders(), [vec![0]]);
    let strange = log_of(&[(1, 1, "a")]).unwrap().join(&workload, 1);
    assert!(
        matches!(strange, Err(ArrivalsError::NothingJoined { .. })),
        "{strange:?}"
    );
}

#[test]
fn what_is_no_log_is_refused_by_line_and_column() {
    let refused = |text: &str| {
        Sourcelog::read_bytes(text.as_bytes().to_vec())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(""), "the input is empty");
    assert!(refused("timestamp_ms,hash,source\n").contains("no rows"));
    let line = refused("timestamp_ms,hash,node\n1,2,3\n");
    assert!(
        line.contains("no column for the source (one of source)"),
        "{line}"
    );
    assert!(line.contains("unknown columns: `node`"), "{line}");
    let line = refused("timestamp_ms,timestamp_s,hash,source\n1,2,3,4\n");
    assert!(line.contains("several columns for the arrival"), "{line}");
    for (row, place) in [
        (format!("x,{},a", hash(1)), "line 3, column `timestamp_ms`"),
        ("1,0x12,a".into(), "line 3, column `hash`"),
        (
            format!("1,{},", hash(1)),
            "line 3, column `source`: expected the name of a source",
        ),
        (
            format!("99999999999999,{},a", hash(1)),
            "line 3, column `timestamp_ms`",
        ),
        (format!("1,{}", hash(1)), "line 3 has 2 fields"),
    ] {
        let line = refused(&format!(
            "timestamp_ms,hash,source\n1,{},a\n{row}\n",
            hash(2)
        ));
        assert!(line.starts_with(place), "{line}");
    }
}
