//! The built-in workload: a seeded market of senders, fitted to real blocks.
//!
//! Fees, gas limits, payload lengths and amounts follow tables of quantiles, most by class:
//!
//! | class | share | data | gas limit |
//! |---|---|---|---|
//! | plain transfer | 31.9 % | none | 21,000 |
//! | call without data | 8.7 % | none | 21,033 ..= 500,000 |
//! | token transfer | 34.1 % | 68 bytes | 21,762 ..= 20,023,633 |
//! | call | 21.5 % | 1 ..= 998 bytes | 21,032 ..= 18,500,000 |
//! | large call | 3.8 % | 1,028 ..= 128,370 bytes | 43,332 ..= 11,000,000 |
//!
//! A payload has at least 32 bytes, the place of a transaction's hash in the workloads that are
//! read; all of it is filler drawn for that transaction, so that no two begin alike.
//!
//! How near 100,000 generated transactions (seed 1) come to the 7,153 real ones:
//!
//! | quantile | 5 % | 25 % | 50 % | 75 % | 90 % | 95 % | 99 % | 99.9 % |
//! |---|---|---|---|---|---|---|---|---|
//! | fee, 10^9 wei, real | 4.347 | 10.00 | 15.70 | 22.59 | 35.73 | 41.03 | 64.56 | 313.0 |
//! | generated | 4.348 | 9.93 | 15.68 | 22.31 | 33.34 | 40.59 | 64.91 | 316.6 |
//! | gas, 10^3, real | 21 | 21 | 46.8 | 134.9 | 281.0 | 419.0 | 1,050 | 8,000 |
//! | generated | 21 | 21 | 47.2 | 133.9 | 277.0 | 416.9 | 1,045 | 8,000 |
//! | payload bytes, real | 32 | 32 | 68 | 68 | 548 | 900 | 2,212 | 115,044 |
//! | generated | 32 | 32 | 68 | 68 | 545 | 880 | 2,323 | 113,254 |
//! | amount, 10^15 wei, real | 0 | 0 | 0 | 10.74 | 139.8 | 514.5 | 7,119 | 130,291 |
//! | generated | 0 | 0 | 0 | 10.20 | 131.3 | 496.4 | 6,855 | 116,785 |
//!
//! (Real payload lengths count a transaction without data as the 32 bytes of its hash.)
//!
//! **Senders.** 8.3 % of a real block's transactions come from a sender who already has one in it.
//! Here 13 in 100 repeat the sender of one of the last 256, which makes 8.2 % in a stretch of a
//! block's length; 6 in 100 come from 60 heavy senders, as many as were seen in four real blocks or
//! more; the others from light senders, one for every four transactions and at most 50,000. Each
//! sender lives on one rollup, and its nonces start at 0 and have no gaps. **Recipients**: plain
//! transfers go to light senders, calls to 1,543 contracts whose popularity is that of the real
//! ones.
//!
//! **Arrivals.** The blocks hold no arrival times, so these are modelled: exponential waits, 500 µs
//! in the mean, in bursts of 64 transactions in the mean at 8,000 a second that hold half of all
//! transactions, and calm stretches at 1,143 a second between them.
//!
//! All of it is integer arithmetic on the words of ChaCha8 streams that follow from the seed.
//! 100,000 transactions take 0.11 s (November 2026, one core of a virtual machine).
//!
//! What it leaves out: fees do not follow the load, a transaction's fee says nothing about its
//! class, and nobody creates a contract, replaces, cancels or leaves a gap.

use core::fmt;

use hauptbuch_core::crypto::hash::keccak256;
use hauptbuch_core::limits::ROLLUP_COUNT_MAX;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Tick, TransactionKind, UnixNs,
};

use super::{Format, Provenance, Workload, WorkloadBuilder};
use crate::error::BuildError;

mod random;
mod tables;

pub(crate) use random::Random;

/// The most transactions that one call generates; their payloads have some 2.4 GB.
pub const GENERATED_COUNT_MAX: u32 = 5_000_000;

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorConfig {
    /// How many transactions.
    ///
    /// Range: `rollup_count` ..= [`GENERATED_COUNT_MAX`]. Why: each rollup gets one at least.
    pub count: u32,
    /// What everything random follows from.
    pub seed: u64,
    /// How many rollups the senders live on.
    ///
    /// Range: 1 ..= [`ROLLUP_COUNT_MAX`]. Why: no network serves more.
    pub rollup_count: u32,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self {
            count: 100_000,
            seed: 1,
            rollup_count: 2,
        }
    }
}

/// Why nothing was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateError {
    /// The count is out of its range.
    CountOutOfRange,
    /// The number of rollups is out of its range.
    RollupCountOutOfRange,
    /// The payloads drawn are too long together.
    Build(BuildError),
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CountOutOfRange => write!(
                f,
                "the count must be at least the number of rollups and at most {GENERATED_COUNT_MAX}"
            ),
            Self::RollupCountOutOfRange => {
                write!(f, "the number of rollups must be 1 to {ROLLUP_COUNT_MAX}")
            }
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for GenerateError {}

impl From<BuildError> for GenerateError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

/// Generates a workload; the same configuration gives the same bytes on every machine.
///
/// 100,000 transactions take some 47 MB of payloads.
///
/// # Errors
/// A [`GenerateError`] where the configuration is out of range.
pub fn generate(config: &GeneratorConfig) -> Result<Workload, GenerateError> {
    if !(1..=ROLLUP_COUNT_MAX as u32).contains(&config.rollup_count) {
        return Err(GenerateError::RollupCountOutOfRange);
    }
    if !(config.rollup_count..=GENERATED_COUNT_MAX).contains(&config.count) {
        return Err(GenerateError::CountOutOfRange);
    }
    let mut builder = WorkloadBuilder::with_capacity(config.count as usize);
    for index in 0..config.rollup_count {
        builder.rollup(&format!("rollup-{index}"))?;
    }
    let mut market = Market::new(config);
    for index in 0..config.count {
        let arrival = market.arrivals.next();
        let (envelope, payload_len) = market.transaction(index);
        let filler = &mut market.filler;
        builder.push(arrival, envelope, Some(Nonce::ZERO), |out| {
            filler.fill(payload_len, out);
        })?;
    }
    Ok(builder.finish(Provenance {
        format: Format::Generated,
        rows: u64::from(config.count),
        notes: vec![format!(
            "generated with seed {}: fees, gas, lengths and amounts follow \
             7,153 real transactions, arrivals are modelled",
            config.seed
        )],
        ..Provenance::default()
    }))
}

/// What a transaction does, as far as its numbers show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Transfer,
    EmptyCall,
    TokenTransfer,
    Call,
    LargeCall,
}

impl Class {
    /// Cumulative shares in 1/65,536, in the order of the classes.
    const SHARES: [(u64, Self); 5] = [
        (20_935, Self::Transfer),
        (26_615, Self::EmptyCall),
        (48_943, Self::TokenTransfer),
        (63_025, Self::Call),
        (65_536, Self::LargeCall),
    ];

    fn draw(random: &mut Random) -> Self {
        let share = random.below(1 << 16);
        let found = Self::SHARES.iter().find(|(end, _)| share < *end);
        found.map_or(Self::LargeCall, |(_, class)| *class)
    }

    fn gas(self, random: &mut Random) -> u64 {
        match self {
            Self::Transfer => 21_000,
            Self::EmptyCall => tables::GAS_EMPTY_CALL.at(random.next_u32()),
            Self::TokenTransfer => tables::GAS_TOKEN.at(random.next_u32()),
            Self::Call => tables::GAS_CALL.at(random.next_u32()),
            Self::LargeCall => tables::GAS_LARGE.at(random.next_u32()),
        }
    }

    fn payload_len(self, random: &mut Random) -> usize {
        let data_len = match self {
            Self::Transfer | Self::EmptyCall => 0,
            Self::TokenTransfer => 68,
            Self::Call => tables::LEN_CALL.at(random.next_u32()),
            Self::LargeCall => tables::LEN_LARGE.at(random.next_u32()),
        };
        (data_len as usize).max(PAYLOAD_LEN_MIN)
    }

    fn amount(self, random: &mut Random) -> u128 {
        let gwei = match self {
            Self::Transfer => tables::AMOUNT_TRANSFER_GWEI.at(random.next_u32()),
            Self::EmptyCall => tables::AMOUNT_EMPTY_CALL_GWEI.at(random.next_u32()),
            Self::Call => tables::AMOUNT_CALL_GWEI.at(random.next_u32()),
            // 99 % of token transfers and 86 % of large calls carry no value.
            Self::TokenTransfer | Self::LargeCall => 0,
        };
        if gwei == 0 {
            return 0;
        }
        u128::from(gwei) * 1_000_000_000 + u128::from(random.below(1_000_000_000))
    }
}

/// Who trades with whom, and how far everyone's nonces have come.
#[derive(Debug)]
struct Market {
    draws: Random,
    filler: Random,
    arrivals: Arrivals,
    /// Heavy senders first, light ones after them.
    senders: Vec<Address>,
    next_nonces: Vec<u64>,
    contracts: Vec<Address>,
    recent: [u32; RECENT_COUNT],
    rollup_count: u32,
}

impl Market {
    fn new(config: &GeneratorConfig) -> Self {
        let light_count = (config.count / 4).clamp(LIGHT_COUNT_MIN, LIGHT_COUNT_MAX);
        let sender_count = HEAVY_COUNT + light_count;
        let address = |role: u8, index: u32| {
            let mut name = [0; 13];
            name[0] = role;
            name[1..9].copy_from_slice(&config.seed.to_le_bytes());
            name[9..].copy_from_slice(&index.to_le_bytes());
            let mut bytes = [0; Address::LEN];
            // As on an EVM rollup, an address is the tail of a hash.
            bytes.copy_from_slice(&keccak256(&name).as_bytes()[12..]);
            Address::new(bytes)
        };
        let contract_count = tables::CONTRACT_RANK.at(u32::MAX) as u32 + 1;
        Self {
            draws: Random::from_seed(b"hauptbuch/generate/draw\0", config.seed),
            filler: Random::from_seed(b"hauptbuch/generate/fill\0", config.seed),
            arrivals: Arrivals::new(config.seed),
            senders: (0..sender_count).map(|index| address(0, index)).collect(),
            next_nonces: vec![0; sender_count as usize],
            contracts: (0..contract_count).map(|index| address(1, index)).collect(),
            recent: [0; RECENT_COUNT],
            rollup_count: config.rollup_count,
        }
    }

    /// The transaction of that index, counted from 0, and the length of its payload.
    fn transaction(&mut self, index: u32) -> (Envelope, usize) {
        let sender = self.sender(index);
        self.recent[index as usize % RECENT_COUNT] = sender;
        let class = Class::draw(&mut self.draws);
        let nonce = &mut self.next_nonces[sender as usize];
        let envelope = Envelope {
            rollup: RollupId::new(sender % self.rollup_count),
            sender: self.senders[sender as usize],
            nonce: Nonce::new(*nonce),
            fee: Fee::new(tables::FEE_WEI.at(self.draws.next_u32())),
            gas: Gas::new(class.gas(&mut self.draws)),
            amount: class.amount(&mut self.draws),
            recipient: self.recipient(class),
            expiry: UnixNs::NEVER,
            kind: TransactionKind::Plain,
        };
        self.next_nonces[sender as usize] += 1;
        (envelope, class.payload_len(&mut self.draws))
    }

    fn sender(&mut self, index: u32) -> u32 {
        if index < self.rollup_count {
            // Every rollup comes up, and in the order of its number.
            return index;
        }
        let kind = self.draws.below(1 << 16) as u32;
        if kind < AGAIN_SHARE {
            let window = RECENT_COUNT.min(index as usize) as u64;
            self.recent[self.draws.below(window) as usize]
        } else if kind < AGAIN_SHARE + HEAVY_SHARE {
            // The smaller of two draws: the first of the heavy senders are the heaviest.
            let first = self.draws.below(u64::from(HEAVY_COUNT));
            first.min(self.draws.below(u64::from(HEAVY_COUNT))) as u32
        } else {
            self.light()
        }
    }

    fn light(&mut self) -> u32 {
        let light_count = self.senders.len() as u64 - u64::from(HEAVY_COUNT);
        HEAVY_COUNT + self.draws.below(light_count) as u32
    }

    fn recipient(&mut self, class: Class) -> Address {
        if class == Class::Transfer {
            let sender = self.light();
            return self.senders[sender as usize];
        }
        let rank = tables::CONTRACT_RANK.at(self.draws.next_u32());
        self.contracts[rank as usize]
    }
}

/// When transactions arrive: exponential waits whose mean depends on whether a burst is on.
#[derive(Debug)]
struct Arrivals {
    draws: Random,
    in_burst: bool,
    now_ns: u64,
}

impl Arrivals {
    fn new(seed: u64) -> Self {
        Self {
            draws: Random::from_seed(b"hauptbuch/generate/time\0", seed),
            in_burst: false,
            now_ns: 0,
        }
    }

    fn next(&mut self) -> Tick {
        if self.draws.chance(TURN_SHARE) {
            self.in_burst = !self.in_burst;
        }
        let mean_ns = if self.in_burst {
            BURST_WAIT_NS
        } else {
            CALM_WAIT_NS
        };
        let wait = tables::WAIT.at(self.draws.next_u32());
        // At least one nanosecond, so that no two arrive together.
        self.now_ns += (wait * mean_ns / 1_000).max(1);
        Tick::new(self.now_ns)
    }
}

/// Bytes of the shortest payload: those of a hash.
const PAYLOAD_LEN_MIN: usize = 32;

const HEAVY_COUNT: u32 = 60;
const LIGHT_COUNT_MIN: u32 = 16;
/// With the heavy senders, fewer than the core remembers by default.
const LIGHT_COUNT_MAX: u32 = 50_000;
const RECENT_COUNT: usize = 256;

/// Shares in 1/65,536.
const AGAIN_SHARE: u32 = 8_520;
const HEAVY_SHARE: u32 = 3_958;
const TURN_SHARE: u32 = 1_024;

const BURST_WAIT_NS: u64 = 125_000;
/// Half of the transactions wait 125 µs in the mean, half 875 µs, so all of them 500 µs.
const CALM_WAIT_NS: u64 = 875_000;

const _: () = assert!(BURST_WAIT_NS + CALM_WAIT_NS == 1_000_000);
const _: () = assert!(LIGHT_COUNT_MIN + HEAVY_COUNT >= ROLLUP_COUNT_MAX as u32);

#[cfg(test)]
mod tests;
