//! What is written reads back the same, and reading never panics.

use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Nonce, Tick, TransactionKind, UnixNs};
use hauptbuch_sim::read::{Nonces, ReadOptions, read_bytes, read_file};
use hauptbuch_sim::workload::{
    Format, GeneratorConfig, Provenance, Workload, WorkloadBuilder, generate,
};
use hauptbuch_sim::write::{Compression, write_file, write_records};
use proptest::collection::vec;
use proptest::prelude::*;

fn written(workload: &Workload, compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    write_records(workload, &mut out, compression).unwrap();
    out
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let numbers = (any::<u128>(), any::<[u64; 4]>(), any::<bool>());
    (any::<[u8; 20]>(), any::<[u8; 20]>(), numbers).prop_map(|(sender, recipient, numbers)| {
        let (amount, [nonce, fee, gas, expiry], expires) = numbers;
        Envelope {
            sender: Address::new(sender),
            recipient: Address::new(recipient),
            amount,
            nonce: Nonce::new(nonce),
            fee: Fee::new(fee),
            gas: Gas::new(gas),
            expiry: if expires {
                UnixNs::new(expiry)
            } else {
                UnixNs::NEVER
            },
            kind: TransactionKind::Plain,
            ..Envelope::default()
        }
    })
}

fn workload() -> impl Strategy<Value = Workload> {
    let names = vec(
        any::<String>().prop_filter("a name", |name| !name.is_empty()),
        1..=16,
    );
    let record = (
        0..1_000_u64,
        envelope(),
        any::<Option<u64>>(),
        any::<prop::sample::Index>(),
        vec(any::<u8>(), 0..100),
    );
    (names, vec(record, 1..40)).prop_map(|(names, mut records)| {
        records.sort_by_key(|record| record.0);
        let mut builder = WorkloadBuilder::default();
        for (arrival, envelope, account_nonce, name, payload) in records {
            let rollup = builder.rollup(&names[name.index(names.len())]).unwrap();
            let envelope = Envelope { rollup, ..envelope };
            builder
                .push(
                    Tick::new(arrival),
                    envelope,
                    account_nonce.map(Nonce::new),
                    |out| {
                        out.extend_from_slice(&payload);
                    },
                )
                .unwrap();
        }
        builder.finish(Provenance::default())
    })
}

proptest! {
    #[test]
    fn any_workload_survives(workload in workload()) {
        let plain = written(&workload, Compression::None);
        for nonces in [Nonces::Dense, Nonces::Raw] {
            for bytes in [plain.clone(), written(&workload, Compression::Gzip)] {
                let back = read_bytes(bytes, "", &ReadOptions { nonces }).unwrap();
                prop_assert_eq!(&back, &workload);
                prop_assert_eq!(back.provenance().format, Format::Records);
                prop_assert_eq!(written(&back, Compression::None), plain.clone());
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        workload in workload(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        compression in prop::sample::select(vec![Compression::None, Compression::Gzip]),
        len in any::<prop::sample::Index>(),
    ) {
        let mut bytes = written(&workload, compression);
        bytes.truncate(len.index(bytes.len()) + 1);
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Err(error) = read_bytes(bytes, "", &ReadOptions::default()) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}

#[test]
fn a_generated_workload_survives_a_file() {
    let config = GeneratorConfig {
        count: 5_000,
        seed: 3,
        rollup_count: 4,
    };
    let workload = generate(&config).unwrap();
    let directory = std::env::temp_dir().join(format!("hauptbuch-sim-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for name in ["workload.csv", "workload.csv.gz"] {
        let path = directory.join(name);
        write_file(&workload, &path).unwrap();
        let is_packed = std::fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]);
        assert_eq!(is_packed, name.ends_with(".gz"));
        let back = read_file(&path, &ReadOptions::default()).unwrap();
        assert_eq!(back, workload);
        assert_eq!(back.provenance().file_name, name);
        assert_eq!(back.provenance().rows, 5_000);
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
