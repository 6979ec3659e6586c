//! The replay once more, in Rust and on the core itself, to compare the C program with.

use std::collections::HashMap;
use std::fmt::Write as _;

use hauptbuch_core::batch::{SlotReader, SlotVerifier};
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Submission, Tick, Transaction, UnixNs,
};

const EPOCH_NS: u64 = 1_700_000_000_000_000_000;

/// One line of a workload.
#[derive(Clone)]
pub struct Record {
    pub arrival_ns: u64,
    pub envelope: Envelope,
    pub account_nonce: Option<Nonce>,
    pub payload: Vec<u8>,
}

/// The names of the rollups; one of them needs quotes.
pub const ROLLUPS: [&str; 3] = ["north", "east, \"old\"", "7"];

/// A workload with bursts, quiet time, gaps, repetitions, expiries and refusals.
pub fn workload(count: usize, seed: u64) -> Vec<Record> {
    let mut random = SplitMix(seed);
    let mut next_nonces = [0_u64; 40];
    let mut arrival_ns = 0_u64;
    let mut records: Vec<Record> = Vec::new();
    for at in 0..count {
        arrival_ns += match random.below(100) {
            0 => 3_000_000_000 + random.below(1_000_000_000),
            1..60 => 0,
            _ => random.below(20_000_000),
        };
        if at > 0 && random.below(50) == 0 {
            let again = records[random.below(at as u64) as usize].clone();
            records.push(Record {
                arrival_ns,
                ..again
            });
            continue;
        }
        let sender = random.below(40) as usize;
        let is_gap = random.below(200) == 0;
        next_nonces[sender] += u64::from(is_gap);
        let nonce = next_nonces[sender];
        next_nonces[sender] += 1;
        // Every rollup comes up among the first lines, in this order.
        let rollup = if at < ROLLUPS.len() {
            at
        } else {
            sender % ROLLUPS.len()
        };
        let is_huge = random.below(300) == 0;
        let expires = random.below(20) == 0;
        records.push(Record {
            arrival_ns,
            envelope: Envelope {
                rollup: RollupId::new(rollup as u32),
                sender: Address::new([sender as u8 + 1; 20]),
                recipient: Address::new([random.below(256) as u8; 20]),
                amount: u128::from(random.next()) << 64 | u128::from(random.next()),
                nonce: Nonce::new(nonce),
                fee: Fee::new(random.below(1_000)),
                gas: Gas::new(if is_huge {
                    300_000_000
                } else {
                    21_000 + random.below(2_000_000)
                }),
                expiry: if expires {
                    UnixNs::new(EPOCH_NS + arrival_ns + random.below(400_000_000))
                } else {
                    UnixNs::NEVER
                },
                ..Envelope::default()
            },
            account_nonce: (random.below(4) == 0).then_some(Nonce::ZERO),
            payload: (0..random.below(300))
                .map(|_| random.next() as u8)
                .collect(),
        });
    }
    records
}

/// More senders than the pool remembers, the first of whom come again with what was included.
pub fn workload_of_many_senders() -> Vec<Record> {
    let sender_count = Limits::default().sender_count_max + 10;
    let first_nonces = (0..sender_count).map(|sender| (sender, 0));
    let again = (0..10).flat_map(|sender| [(sender, 0), (sender, 1)]);
    first_nonces
        .chain(again)
        .enumerate()
        .map(|(at, (sender, nonce))| {
            let mut address = [9; 20];
            address[..4].copy_from_slice(&sender.to_be_bytes());
            Record {
                arrival_ns: at as u64 * 100_000,
                envelope: Envelope {
                    // Every rollup comes up among the first lines, in this order.
                    rollup: RollupId::new(sender.min(2)),
                    sender: Address::new(address),
                    nonce: Nonce::new(nonce),
                    // Those who come again send something new under a nonce that was used.
                    gas: Gas::new(21_000 + u64::from(at >= sender_count as usize)),
                    expiry: UnixNs::NEVER,
                    ..Envelope::default()
                },
                account_nonce: Some(Nonce::ZERO),
                payload: Vec::new(),
            }
        })
        .collect()
}

/// The workload as the file that the C program reads.
pub fn csv(records: &[Record]) -> String {
    let mut out = "arrival_ns,rollup,sender,recipient,amount,nonce,fee,gas,expiry_ns,kind,\
                   account_nonce,payload\n"
        .to_owned();
    for (at, record) in records.iter().enumerate() {
        let envelope = &record.envelope;
        let name = ROLLUPS[envelope.rollup.get() as usize];
        let rollup = if name.contains(',') {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            name.to_owned()
        };
        let prefix = if at % 2 == 0 { "" } else { "0x" };
        let expiry = match envelope.expiry {
            UnixNs::NEVER => String::new(),
            expiry => expiry.to_string(),
        };
        let account_nonce = record
            .account_nonce
            .map_or(String::new(), |nonce| nonce.to_string());
        let payload: String = record
            .payload
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        writeln!(
            out,
            "{},{rollup},{prefix}{},{prefix}{},{},{},{},{},{expiry},0,{account_nonce},{payload}",
            record.arrival_ns,
            envelope.sender,
            envelope.recipient,
            envelope.amount,
            envelope.nonce,
            envelope.fee,
            envelope.gas
        )
        .expect("a string takes everything");
    }
    out
}

/// What the C program must print for the workload.
pub fn expected(records: &[Record], policy: Policy, batch_ms: u64) -> String {
    let rollups: Vec<_> = (0..ROLLUPS.len() as u32).map(RollupId::new).collect();
    let config = Config {
        chain_id: 1,
        policy,
        ..Config::default()
    };
    let config = config.with_rollups(&rollups).expect("three rollups");
    let limits = Limits::default();
    let mut replay = Replay {
        coordinator: TransactionCoordinator::new(&config, &limits).expect("defaults"),
        verifier: SlotVerifier::new(&config, &limits),
        accounts: HashMap::new(),
        limits,
        slots: 0,
        out: String::new(),
    };
    let interval_ns = batch_ms * 1_000_000;
    let (mut boundary, mut next) = (1_u64, 0);
    loop {
        let now_ns = boundary * interval_ns;
        let due = records[next..]
            .iter()
            .take_while(|record| record.arrival_ns < now_ns);
        next += due.map(|record| replay.submit(record)).count();
        let was_taken = replay.take(now_ns);
        match records.get(next) {
            Some(record) if !was_taken || !replay.is_ready() => {
                boundary = record.arrival_ns / interval_ns + 1;
            }
            None if !was_taken => break,
            _ => boundary += 1,
        }
    }
    while !replay.coordinator.expire_unready().is_finished {
        replay.drain();
    }
    replay.print_totals();
    replay.out
}

struct Replay {
    coordinator: TransactionCoordinator,
    verifier: SlotVerifier,
    /// The nonce after the last included one of each sender.
    accounts: HashMap<(RollupId, Address), Nonce>,
    limits: Limits,
    slots: usize,
    out: String,
}

impl Replay {
    fn submit(&mut self, record: &Record) {
        let submission = Submission {
            transaction: Transaction {
                envelope: record.envelope,
                payload: &record.payload,
            },
            origin: 0,
            hint: None,
            account_nonce: record.account_nonce.map(|named| {
                let account = (record.envelope.rollup, record.envelope.sender);
                self.accounts
                    .get(&account)
                    .map_or(named, |next| named.max(*next))
            }),
        };
        let (now, time) = (record.arrival_ns, EPOCH_NS + record.arrival_ns);
        // Refusals are counted by the coordinator.
        let _ = self
            .coordinator
            .submit(&submission, Tick::new(now), UnixNs::new(time));
    }

    fn is_ready(&self) -> bool {
        self.coordinator.pool().ready_count() > 0
    }

    fn take(&mut self, now_ns: u64) -> bool {
        let (now, time) = (Tick::new(now_ns), UnixNs::new(EPOCH_NS + now_ns));
        let taken = self
            .coordinator
            .take(now, time, WhenEmpty::NoSlot)
            .expect("a slot or none");
        let Some(slot) = taken else {
            self.drain();
            return false;
        };
        let height = slot.header.height;
        writeln!(
            self.out,
            "{height} {} {}",
            slot.hash, slot.transaction_count
        )
        .expect("a string takes everything");
        self.verifier
            .verify(slot.bytes)
            .expect("what was built verifies");
        self.slots += 1;
        let mut reader = SlotReader::new(slot.bytes, &self.limits).expect("it verified");
        while let Some(sub_batch) = reader.next_sub_batch().expect("it verified") {
            for (_, Transaction { envelope, .. }, _) in sub_batch.iter() {
                let account = (envelope.rollup, envelope.sender);
                self.accounts
                    .insert(account, envelope.nonce.saturating_add(1));
            }
        }
        self.drain();
        self.coordinator
            .acknowledge(height, now)
            .expect("the slot is in flight");
        self.drain();
        true
    }

    fn drain(&mut self) {
        while self.coordinator.poll_event().is_some() {}
    }

    fn print_totals(&mut self) {
        let metrics = self.coordinator.metrics();
        let mut lines = vec![
            format!("submitted {}", metrics.submitted),
            format!("admitted {}", metrics.of(Code::Admitted)),
        ];
        lines.extend(
            metrics
                .counted()
                .filter(|(code, _)| (100..200).contains(&code.number()))
                .map(|(code, count)| format!("refused {} {count}", code.name())),
        );
        lines.push(format!("included {}", metrics.of(Code::Included)));
        lines.push(format!("expired {}", metrics.of(Code::Expired)));
        lines.push(format!("verified {} slots\n", self.slots));
        self.out += &lines.join("\n");
    }
}

/// A small generator of numbers that look random: [SplitMix64].
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
