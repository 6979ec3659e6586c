use super::*;
use crate::error::BuildError;
use crate::read::{ReadOptions, read_bytes};
use crate::workload::{Provenance, WorkloadBuilder};
use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Nonce, Tick, TransactionKind};

fn example() -> Result<Workload, BuildError> {
    let mut builder = WorkloadBuilder::default();
    let rollup = builder.rollup("a,\"b\"\n")?;
    let envelope = Envelope {
        rollup,
        sender: Address::new([0xab; 20]),
        recipient: Address::new([1; 20]),
        amount: u128::MAX,
        nonce: Nonce::new(u64::MAX),
        fee: Fee::new(30),
        gas: Gas::new(21_000),
        expiry: UnixNs::NEVER,
        kind: TransactionKind::Plain,
    };
    builder.push(Tick::new(7), envelope, None, |_| {})?;
    let expiring = Envelope {
        rollup: builder.rollup("7")?,
        expiry: UnixNs::new(9),
        ..Envelope::default()
    };
    builder.push(Tick::new(8), expiring, Some(Nonce::new(3)), |out| {
        out.extend_from_slice(b"\x00\xff");
    })?;
    Ok(builder.finish(Provenance::default()))
}

fn written(workload: &Workload, compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    write_records(workload, &mut out, compression).unwrap();
    out
}

#[test]
fn the_spelling_is_fixed() {
    let text = String::from_utf8(written(&example().unwrap(), Compression::None)).unwrap();
    let expected = "\
arrival_ns,rollup,sender,recipient,amount,nonce,fee,gas,expiry_ns,kind,account_nonce,payload
7,\"a,\"\"b\"\"
\",abababababababababababababababababababab,0101010101010101010101010101010101010101,\
340282366920938463463374607431768211455,18446744073709551615,30,21000,,0,,
8,7,0000000000000000000000000000000000000000,0000000000000000000000000000000000000000,\
0,0,0,0,9,0,3,00ff
";
    assert_eq!(text, expected);
}

#[test]
fn packed_or_plain_reads_back_the_same() {
    let workload = example().unwrap();
    for compression in [Compression::None, Compression::Gzip] {
        let bytes = written(&workload, compression);
        assert_eq!(bytes, written(&workload, compression));
        let back = read_bytes(bytes, "x", &ReadOptions::default()).unwrap();
        assert_eq!(back, workload);
    }
}

#[test]
fn the_hash_is_that_of_the_plain_file() {
    let workload = example().unwrap();
    let hash: [u8; 32] = Sha256::digest(written(&workload, Compression::None)).into();
    assert_eq!(canonical_sha256(&workload), hash);
}

#[test]
fn a_name_ending_in_gz_asks_for_gzip() {
    for (name, compression) in [
        ("a.csv.gz", Compression::Gzip),
        ("a.GZ", Compression::Gzip),
        ("a.csv", Compression::None),
        ("gz", Compression::None),
    ] {
        assert_eq!(Compression::of_path(Path::new(name)), compression, "{name}");
    }
}
