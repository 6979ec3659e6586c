use super::fields::NAMES;
use super::*;
use crate::workload::Format;

const SENDER: &str = "0x00000000000000000000000000000000000000aa";
const OTHER: &str = "0x00000000000000000000000000000000000000bb";

fn read(text: &str) -> Workload {
    read_bytes(text.into(), "table.csv", &ReadOptions::default()).unwrap()
}

fn nonces(workload: &Workload) -> Vec<(u64, Option<u64>)> {
    let of = |record: &crate::workload::Record| {
        (
            record.envelope.nonce.get(),
            record.account_nonce.map(|nonce| nonce.get()),
        )
    };
    workload.records().iter().map(of).collect()
}

#[test]
fn the_documentation_names_every_column() {
    let source = include_str!("mod.rs");
    let documentation: Vec<&str> = source
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect();
    let documentation = documentation.join("\n");
    let mut seen = Vec::new();
    for name in NAMES.iter().flat_map(|(_, names)| *names) {
        assert!(
            documentation.contains(&format!("`{name}`")),
            "{name} is not documented"
        );
        assert!(!seen.contains(name), "{name} stands for two fields");
        seen.push(name);
    }
    let accepted: Vec<&str> = documentation
        .lines()
        .filter(|line| line.starts_with("//! | ") && line.contains('`'))
        .flat_map(|line| {
            line.split('|')
                .nth(2)
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .collect();
    assert!(accepted.len() > 40);
    for name in accepted {
        assert!(
            seen.contains(&name),
            "{name} is documented and not understood"
        );
    }
}

#[test]
fn few_columns_are_enough() {
    let workload = read(&format!(
        "from,nonce,gas,gasPrice\n{SENDER},4,21000,30\n{OTHER},0,1,2\n{SENDER},6,21000,31\n"
    ));
    assert_eq!(workload.provenance().format, Format::Columns);
    assert_eq!(workload.rollups(), ["rollup-0"]);
    let arrivals: Vec<u64> = workload.iter().map(|(arrival, _)| arrival.get()).collect();
    assert_eq!(arrivals, [0, 500_000, 1_000_000]);
    assert_eq!(
        nonces(&workload),
        [(4, Some(4)), (0, Some(0)), (5, Some(4))]
    );
    assert_eq!(workload.provenance().nonce_gaps_closed, 1);
    let notes = workload.provenance().notes.join("; ");
    assert!(notes.contains("row i arrives at i times 0.5 ms"), "{notes}");
    assert!(notes.contains("1 gap in nonces closed"), "{notes}");
    let payloads: Vec<&[u8]> = workload
        .records()
        .iter()
        .map(|record| workload.payload(record))
        .collect();
    assert!(payloads.iter().all(|payload| payload.len() == 32));
    assert!(payloads[0] != payloads[1] && payloads[1] != payloads[2]);
}

#[test]
fn equal_nonces_keep_the_order_of_rows() {
    let text = format!(
        "sender,nonce,gas,fee,chain\n{SENDER},9,1,1,x\n{SENDER},7,1,2,x\n{SENDER},7,1,3,x\n\
         {SENDER},7,1,4,y\n{SENDER},12,1,5,x\n{SENDER},9,1,6,x\n"
    );
    let workload = read(&text);
    assert_eq!(
        nonces(&workload)
            .iter()
            .map(|nonce| nonce.0)
            .collect::<Vec<_>>(),
        [9, 7, 8, 7, 11, 10]
    );
    // 7 to 9 and 9 to 12; 7, 7 and 9, 9 are equal.
    assert_eq!(workload.provenance().nonce_gaps_closed, 2);
    let notes = workload.provenance().notes.join("; ");
    assert!(notes.contains("2 nonces equal to another"), "{notes}");
    let raw = ReadOptions {
        nonces: Nonces::Raw,
    };
    let workload = read_bytes(text.into_bytes(), "", &raw).unwrap();
    let plain = [9, 7, 7, 7, 12, 9].map(|nonce| (nonce, None));
    assert_eq!(nonces(&workload), plain);
    assert_eq!(workload.provenance().nonce_gaps_closed, 0);
}

#[test]
fn an_account_nonce_settles_the_nonces() {
    let workload = read(&format!(
        "sender,nonce,gas,fee,account_nonce\n{SENDER},9,1,1,3\n{SENDER},5,1,2,\n"
    ));
    assert_eq!(nonces(&workload), [(9, Some(3)), (5, None)]);
}

#[test]
fn blocks_arrive_12_s_apart_over_all_chains() {
    let hash = |digit: char| format!("0x{}", digit.to_string().repeat(64));
    let row = |chain, block, digit, len, to| {
        format!(
            "{chain},{block},{},{SENDER},{to},0,1,0,99,5,{len}\n",
            hash(digit)
        )
    };
    let workload = read(&[
        "chain,block_number,tx_hash,from,to,nonce,gas_limit,gas_price_wei,max_fee_wei,value_wei,\
             input_len\n"
            .to_owned(),
        row("x", 10, '1', 0, ""),
        row("x", 10, '2', 40, OTHER),
        row("x", 17, '3', 32, OTHER),
        row("y", 17, '4', 33, OTHER),
        row("y", 17, '5', 0, OTHER),
        row("x", 17, '6', 0, OTHER),
    ]
    .concat());
    assert_eq!(workload.provenance().format, Format::Blocks);
    assert_eq!(workload.rollups(), ["x", "y"]);
    let seconds: Vec<u64> = workload
        .iter()
        .map(|(arrival, _)| arrival.get() / 1_000_000_000)
        .collect();
    assert_eq!(seconds, [0, 0, 12, 24, 24, 36]);
    let records = workload.records();
    assert_eq!(records[0].envelope.recipient.as_bytes(), &[0; 20]);
    assert_eq!(
        (records[1].envelope.fee.get(), records[1].envelope.amount),
        (0, 5)
    );
    let lens: Vec<usize> = records
        .iter()
        .map(|record| workload.payload(record).len())
        .collect();
    assert_eq!(lens, [32, 40, 32, 33, 32, 32]);
    assert_eq!(workload.payload(&records[1])[..32], [0x22; 32]);
    let notes = workload.provenance().notes.join("; ");
    assert!(notes.contains("4 blocks arriving 12 s apart"), "{notes}");
    assert!(
        notes.contains("2 payloads completed with seeded filler"),
        "{notes}"
    );
}

#[test]
fn mempool_dumpster_is_understood() {
    let hash = |digit: char| format!("0x{}", digit.to_string().repeat(64));
    let workload = read(&format!(
        "timestamp_ms,hash,chain_id,from,to,value,nonce,gas,gas_price,gas_tip_cap,gas_fee_cap,\
         data_size,data_4bytes,sources\n\
         \"1700000000500\",\"{}\",1,{SENDER},{OTHER},7,3,21000,\"30\",1,40,0,,\"a b\"\n\
         1700000000000,{},1,{OTHER},,0,0,90000,,1,41,68,0xa9059cbb,a\n\
         1700000000700,{},1,{OTHER},,0,1,90000,0,1,42,4,0xa9059cbb,a\n",
        hash('a'),
        hash('b'),
        hash('c'),
    ));
    assert_eq!(workload.provenance().format, Format::MempoolDumpster);
    assert_eq!(workload.rollups(), ["1"]);
    let seen: Vec<(u64, u64, usize)> = workload
        .iter()
        .map(|(arrival, submission)| {
            let transaction = submission.transaction;
            let fee = transaction.envelope.fee.get();
            (arrival.get() / 1_000_000, fee, transaction.payload.len())
        })
        .collect();
    assert_eq!(seen, [(0, 41, 68), (500, 30, 32), (700, 42, 32)]);
    let notes = workload.provenance().notes.join("; ");
    assert!(
        notes.contains("1 row out of the order of arrival"),
        "{notes}"
    );
}

#[test]
fn a_table_in_memory_reads_as_its_file_does() {
    let text = format!(
        "arrival_us,rollup,sender,amount,nonce,fee,gas,data,id\n\
         3,5,{SENDER},340282366920938463463374607431768211455,1,2,3,0x0102,{a}\n\
         4,6,{OTHER},,1,2,3,,{b}\n",
        a = "11".repeat(32),
        b = "22".repeat(32),
    );
    let address = |last| [&[0; 19][..], &[last]].concat();
    let table = Table {
        columns: vec![
            Column::new("Arrival US", Values::I64(vec![3, 4])),
            Column::new("rollup", Values::U64(vec![5, 6])),
            Column::new(
                "sender",
                Values::Bytes([address(0xaa), address(0xbb)].iter().collect()),
            ),
            Column {
                present: Some(vec![true, false]),
                ..Column::new("amount", Values::U128(vec![u128::MAX, 1]))
            },
            Column::new("nonce", Values::U64(vec![1, 1])),
            Column::text("fee", ["2", "2"]),
            Column::new("gas", Values::U64(vec![3, 3])),
            Column::new("data", Values::Bytes([&[1, 2][..], &[]].iter().collect())),
            Column::new(
                "id",
                Values::Bytes([[0x11; 32], [0x22; 32]].iter().collect()),
            ),
            Column::new("miner", Values::U64(Vec::new())),
        ],
    };
    let from_table = read_table(&table, &ReadOptions::default()).unwrap();
    assert_eq!(from_table, read(&text));
    assert_eq!(from_table.provenance().sha256, None);
    assert_eq!(from_table.provenance().rows, 2);
    assert_eq!(from_table.records()[1].arrival.get(), 4_000);
}

#[test]
fn provenance_names_the_file_and_its_hash() {
    let text = format!("sender,nonce,gas,fee\n{SENDER},0,1,1\n");
    let workload = read(&text);
    let hash: [u8; 32] = Sha256::digest(&text).into();
    assert_eq!(workload.provenance().sha256, Some(hash));
    assert_eq!(workload.provenance().file_name, "table.csv");
}

#[test]
fn marks_of_windows_do_no_harm() {
    let plain = format!("sender,nonce,gas,fee\n{SENDER},0,1,1\n{SENDER},1,1,1\n");
    let marked = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
    assert_eq!(read(&plain), read(&marked));
    assert_eq!(read(&plain), read(plain.trim_end()));
}
