//! What a run takes in: finished records in the order of their arrival.
//!
//! A [`Workload`] owns its records, one arena with all their payloads, and the names of its
//! rollups. It also says where it came from ([`Provenance`]), because a report without that is
//! worth little.
//!
//! Cost: 144 bytes a record beside its payload, and 96 more for one that trades.
//!
//! ```
//! use hauptbuch_sim::workload::{GeneratorConfig, generate};
//!
//! let config = GeneratorConfig { count: 100, ..GeneratorConfig::default() };
//! let workload = generate(&config).unwrap();
//! let (arrival, submission) = workload.iter().next().unwrap();
//! assert_eq!(workload.len(), 100);
//! assert!(arrival.get() > 0);
//! assert_eq!(submission.transaction.envelope.nonce.get(), 0);
//! ```

use hauptbuch_core::limits::ROLLUP_COUNT_MAX;
use hauptbuch_core::types::{Envelope, Nonce, RollupId, Submission, Tick, TradeHint, Transaction};

use crate::error::BuildError;

pub mod generator;

pub(crate) use generator::Random;
pub use generator::{GENERATED_COUNT_MAX, GenerateError, GeneratorConfig, generate};

/// The most records of one workload.
pub const RECORD_COUNT_MAX: usize = 1 << 24;

/// The most bytes of one payload: what the core's limits can be set to.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 24;

/// The most bytes of all payloads of one workload; a record finds its own by a 32-bit offset.
pub const PAYLOADS_BYTES_MAX: usize = u32::MAX as usize;

/// Finished records in the order of their arrival.
///
/// Two workloads are equal if their records, payloads and rollups are; where they came from does
/// not matter.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Invariant: arrivals never fall; payload ranges follow one another and fill `payloads`.
    records: Vec<Record>,
    payloads: Vec<u8>,
    /// In the order of the records that they belong to.
    trades: Vec<Trade>,
    /// Invariant: at most [`ROLLUP_COUNT_MAX`], none empty, none twice; indexed by `RollupId`.
    rollups: Vec<String>,
    /// By record, its place among those that were added; nothing where that is its own index.
    added_places: Option<Vec<u32>>,
    provenance: Provenance,
}

/// One transaction and when it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it arrives, in nanoseconds from the start of the run.
    pub arrival: Tick,
    /// Its numbers.
    pub envelope: Envelope,
    /// The next nonce of the sender's account before the run, where that is known.
    pub account_nonce: Option<Nonce>,
    payload_start: u32,
    payload_len: u32,
    /// Its trade's place; [`NO_TRADE`] where it has none.
    trade: u32,
}

/// What stands for no trade.
const NO_TRADE: u32 = u32::MAX;

/// The trade of a record, and what is known of its pool when it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Where, which way, and how much is paid.
    pub hint: TradeHint,
    /// What the pool holds of its first token.
    pub reserve0: u128,
    /// What the pool holds of its second token.
    pub reserve1: u128,
}

/// Where a workload came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// What its source looked like.
    pub format: Format,
    /// The file's name without its directories; empty where it was no file.
    pub file_name: String,
    /// SHA-256 of the file's bytes as they lie on the disk, still compressed.
    ///
    /// Without a file [`canonical_sha256`](crate::write::canonical_sha256) can stand in.
    pub sha256: Option<[u8; 32]>,
    /// Rows that the source had.
    pub rows: u64,
    /// Gaps between consecutive nonces of one sender that were closed.
    pub nonce_gaps_closed: u64,
    /// What a report should say about how records were made: whole sentences without a full stop.
    pub notes: Vec<String>,
}

/// What the source of a workload looked like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The built-in generator.
    #[default]
    Generated,
    /// Finished records, as this crate writes them.
    Records,
    /// Transactions of blocks, with `block_number` in place of an arrival.
    Blocks,
    /// The transaction table of mempool-dumpster.
    MempoolDumpster,
    /// Any other table with names that are understood.
    Columns,
}

impl Format {
    /// The name that reports print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Records => "records",
            Self::Blocks => "blocks",
            Self::MempoolDumpster => "mempool-dumpster",
            Self::Columns => "columns",
        }
    }
}

impl Workload {
    /// How many records it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, by arrival.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The payload of one of this workload's own records; empty for a stranger's.
    #[must_use]
    pub fn payload(&self, record: &Record) -> &[u8] {
        let start = record.payload_start as usize;
        self.payloads
            .get(start..start + record.payload_len as usize)
            .unwrap_or_default()
    }

    /// How many bytes the canonical encoding of one of this workload's own records has.
    #[must_use]
    pub fn encoded_len(&self, record: &Record) -> u32 {
        let (envelope, payload) = (record.envelope, self.payload(record));
        Transaction { envelope, payload }.encoded_len() as u32
    }

    /// The trade of one of this workload's own records, if it has one.
    #[must_use]
    pub fn trade(&self, record: &Record) -> Option<&Trade> {
        self.trades.get(record.trade as usize)
    }

    /// Whether any record trades.
    #[must_use]
    pub fn has_trades(&self) -> bool {
        !self.trades.is_empty()
    }

    /// The row of the source, counted from 0, that the record at `index` came from.
    ///
    /// It differs from `index` where rows did not stand in the order of their arrival.
    #[must_use]
    pub fn source_row(&self, index: usize) -> usize {
        let places = self.added_places.as_ref();
        let place = places.and_then(|places| places.get(index));
        place.map_or(index, |place| *place as usize)
    }

    /// Bytes of all payloads.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.payloads.len()
    }

    /// The names of the rollups; a `RollupId` is an index.
    #[must_use]
    pub fn rollups(&self) -> &[String] {
        &self.rollups
    }

    /// Where it came from.
    #[must_use]
    pub const fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// When the last record arrives; 0 where there is none.
    #[must_use]
    pub fn last_arrival(&self) -> Tick {
        self.records.last().map_or(Tick::ZERO, |last| last.arrival)
    }

    /// What a sequencer is given, and when, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Tick, Submission<'_>)> + Clone {
        self.records.iter().map(|record| {
            let transaction = Transaction {
                envelope: record.envelope,
                payload: self.payload(record),
            };
            let account_nonce = record.account_nonce;
            (
                record.arrival,
                Submission {
                    transaction,
                    account_nonce,
                    origin: 0,
                    hint: self.trade(record).map(|trade| trade.hint),
                },
            )
        })
    }
}

impl PartialEq for Workload {
    fn eq(&self, other: &Self) -> bool {
        self.records == other.records
            && self.payloads == other.payloads
            && self.rollups == other.rollups
            && self.trades == other.trades
    }
}

impl Eq for Workload {}

/// Collects records in any order and makes a [`Workload`] of them.
#[derive(Clone, Debug, Default)]
pub struct WorkloadBuilder {
    records: Vec<Record>,
    payloads: Vec<u8>,
    rollups: Vec<String>,
    trades: Vec<Trade>,
}

impl WorkloadBuilder {
    /// Starts with nothing, but room for `record_count` records.
    #[must_use]
    pub fn with_capacity(record_count: usize) -> Self {
        Self {
            records: Vec::with_capacity(record_count.min(RECORD_COUNT_MAX)),
            ..Self::default()
        }
    }

    /// The number of the rollup of that name, which is new to the workload if it has not come up.
    ///
    /// # Errors
    /// [`BuildError::RollupName`] for an empty name, [`BuildError::TooManyRollups`] for one more
    /// than [`ROLLUP_COUNT_MAX`].
    pub fn rollup(&mut self, name: &str) -> Result<RollupId, BuildError> {
        let known = self.rollups.iter().position(|other| other == name);
        let index = match known {
            Some(index) => index,
            None if name.is_empty() => return Err(BuildError::RollupName),
            None if self.rollups.len() == ROLLUP_COUNT_MAX => {
                return Err(BuildError::TooManyRollups);
            }
            None => {
                self.rollups.push(name.to_owned());
                self.rollups.len() - 1
            }
        };
        Ok(RollupId::new(index as u32))
    }

    /// Adds a record whose payload `write_payload` appends to the bytes that it is given.
    ///
    /// `envelope.rollup` must have come from [`rollup`](Self::rollup).
    ///
    /// # Errors
    /// A [`BuildError`] where the record is one too many, its rollup is unknown, or its payload or
    /// all payloads together are too long. The builder is then as before.
    pub fn push(
        &mut self,
        arrival: Tick,
        envelope: Envelope,
        account_nonce: Option<Nonce>,
        write_payload: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), BuildError> {
        if self.records.len() == RECORD_COUNT_MAX {
            return Err(BuildError::TooManyRecords);
        }
        if envelope.rollup.get() as usize >= self.rollups.len() {
            return Err(BuildError::UnknownRollup);
        }
        let start = self.payloads.len();
        write_payload(&mut self.payloads);
        let payload_len = self.payloads.len().saturating_sub(start);
        let too_long = if payload_len > PAYLOAD_BYTES_MAX {
            Some(BuildError::PayloadTooLarge)
        } else if self.payloads.len() > PAYLOADS_BYTES_MAX {
            Some(BuildError::PayloadsTooLarge)
        } else {
            None
        };
        if let Some(error) = too_long {
            self.payloads.truncate(start);
            return Err(error);
        }
        self.records.push(Record {
            arrival,
            envelope,
            account_nonce,
            payload_start: start as u32,
            payload_len: payload_len as u32,
            trade: NO_TRADE,
        });
        Ok(())
    }

    /// Gives the record that was added last its trade; in place of another one, if it had one.
    pub fn set_trade(&mut self, trade: Trade) {
        let Some(record) = self.records.last_mut() else {
            return;
        };
        match self.trades.get_mut(record.trade as usize) {
            Some(place) => *place = trade,
            None => {
                record.trade = self.trades.len() as u32;
                self.trades.push(trade);
            }
        }
    }

    /// How many records lie below the arrival of one that was added before them.
    #[must_use]
    pub fn late_count(&self) -> u64 {
        let mut latest = Tick::ZERO;
        let late = self.records.iter().filter(|record| {
            let is_late = record.arrival < latest;
            latest = latest.max(record.arrival);
            is_late
        });
        late.count() as u64
    }

    /// The records so far, for changes to their numbers; payloads stay as they are.
    pub(crate) fn records_mut(&mut self) -> &mut [Record] {
        &mut self.records
    }

    /// The workload: records by arrival, those that arrive together as they were added.
    ///
    /// O(n log n) where they were not added in that order; the payloads are copied then.
    #[must_use]
    pub fn finish(mut self, provenance: Provenance) -> Workload {
        let mut added_places = None;
        if self.late_count() > 0 {
            let mut places: Vec<u32> = (0..self.records.len() as u32).collect();
            places.sort_by_key(|place| self.records[*place as usize].arrival);
            self.records = places
                .iter()
                .map(|place| self.records[*place as usize])
                .collect();
            added_places = Some(places);
            let mut payloads = Vec::with_capacity(self.payloads.len());
            let mut trades = Vec::with_capacity(self.trades.len());
            for record in &mut self.records {
                let start = record.payload_start as usize;
                record.payload_start = payloads.len() as u32;
                if let Some(trade) = self.trades.get(record.trade as usize) {
                    record.trade = trades.len() as u32;
                    trades.push(*trade);
                }
                payloads
                    .extend_from_slice(&self.payloads[start..start + record.payload_len as usize]);
            }
            self.payloads = payloads;
            self.trades = trades;
        }
        Workload {
            records: self.records,
            payloads: self.payloads,
            trades: self.trades,
            rollups: self.rollups,
            added_places,
            provenance,
        }
    }
}

#[cfg(test)]
mod tests;
