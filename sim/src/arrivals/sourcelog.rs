//! Arrivals that nodes noted: a table of time, hash and source.

use std::collections::BTreeMap;
use std::path::Path;

use hauptbuch_core::crypto::hash::keccak256;
use hauptbuch_core::types::Tick;

use super::{Arrival, Arrivals, ArrivalsError, Origin};
use crate::error::{ColumnsError, Place, ReadError, counted};
use crate::read::cell::{Expected, HASH_EXPECTED, TIME_EXPECTED};
use crate::read::{Cell, Columns, Header, normal, read_columns, read_table_file};
use crate::workload::Workload;

/// A transaction's hash.
type TransactionHash = [u8; 32];

/// What several nodes noted: which transaction reached whom and when.
///
/// # Columns
/// `timestamp_ms` (also `_ns`, `_us`, `_s`), `hash` and `source`, in any order, as mempool-dumpster
/// writes them; `tx_hash` and `transaction_hash` are `hash` too. CSV, plain or as gzip, or Parquet
/// with the feature `parquet`. Another column is refused by name. Rows may stand in any order; of
/// a hash that a source noted twice the earlier time counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sourcelog {
    /// In order of name, as bytes.
    sources: Vec<String>,
    /// In ascending order.
    hashes: Vec<TransactionHash>,
    /// By source: the time in nanoseconds by the hash's number.
    entries: Vec<BTreeMap<u32, u64>>,
    unsorted_count: u64,
    repeated_count: u64,
}

impl Sourcelog {
    /// Reads one from a file.
    ///
    /// # Errors
    /// [`ArrivalsError::Read`], whose text is one line for the user.
    pub fn read_file(path: &Path) -> Result<Self, ArrivalsError> {
        Ok(Self::from_columns(&read_table_file(path)?)?)
    }

    /// Reads one from the bytes of a file.
    ///
    /// # Errors
    /// As [`Sourcelog::read_file`].
    pub fn read_bytes(bytes: Vec<u8>) -> Result<Self, ArrivalsError> {
        Ok(Self::from_columns(&read_columns(bytes)?)?)
    }

    /// The sources in order of name.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The different hashes in ascending order; [`Sourcelog::alone`] numbers transactions so.
    #[must_use]
    pub fn hashes(&self) -> &[TransactionHash] {
        &self.hashes
    }

    /// The log's arrivals without a workload: a transaction is a place in [`Sourcelog::hashes`].
    ///
    /// The first `sequencer_count` sources in order of name are the sequencers. Time starts with
    /// their earliest arrival.
    ///
    /// # Errors
    /// [`ArrivalsError::SequencerCount`], [`ArrivalsError::TooFewSources`].
    pub fn alone(&self, sequencer_count: u32) -> Result<Arrivals, ArrivalsError> {
        let own: Vec<Vec<u32>> = (0..self.hashes.len() as u32).map(|it| vec![it]).collect();
        self.arrivals(sequencer_count, &own, self.hashes.len() as u32, Vec::new())
    }

    /// The log's arrivals of a workload's transactions.
    ///
    /// A transaction is joined by the Keccak-256 of its payload, which for an EVM rollup is its own
    /// hash, or by the 32 bytes with which its payload begins, where the reader of a table without
    /// payloads puts the hash. What the log does not have reaches nobody, and a note says how many.
    ///
    /// # Errors
    /// As [`Sourcelog::alone`]; [`ArrivalsError::NothingJoined`].
    pub fn join(
        &self,
        workload: &Workload,
        sequencer_count: u32,
    ) -> Result<Arrivals, ArrivalsError> {
        let mut joined = vec![Vec::new(); self.hashes.len()];
        let mut missing_count = 0;
        for (transaction, record) in (0..).zip(workload.records()) {
            let payload = workload.payload(record);
            let number = self
                .number(keccak256(payload).as_bytes())
                .or_else(|| self.number(payload.first_chunk::<32>()?));
            match number {
                Some(number) => joined[number as usize].push(transaction),
                None => missing_count += 1,
            }
        }
        let count = workload.len() as u64;
        if missing_count == count {
            return Err(ArrivalsError::NothingJoined {
                transactions: count,
                hashes: self.hashes.len() as u64,
            });
        }
        let mut notes = Vec::new();
        if missing_count > 0 {
            let missing = counted(missing_count, "transaction");
            notes.push(format!("{missing} of the workload not in the log"));
        }
        let strange = joined.iter().filter(|own| own.is_empty()).count() as u64;
        if strange > 0 {
            let strange = counted(strange, "transaction");
            notes.push(format!("{strange} of the log not in the workload"));
        }
        self.arrivals(sequencer_count, &joined, workload.len() as u32, notes)
    }

    fn number(&self, hash: &TransactionHash) -> Option<u32> {
        let found = self.hashes.binary_search(hash);
        found.ok().map(|number| number as u32)
    }

    /// `joined` has the transactions of each hash.
    fn arrivals(
        &self,
        sequencer_count: u32,
        joined: &[Vec<u32>],
        transaction_count: u32,
        mut notes: Vec<String>,
    ) -> Result<Arrivals, ArrivalsError> {
        if sequencer_count == 0 || sequencer_count > hauptbuch_core::ordering::fair::LOG_COUNT_MAX {
            return Err(ArrivalsError::SequencerCount {
                wanted: sequencer_count,
            });
        }
        let count = sequencer_count as usize;
        if self.sources.len() < count {
            return Err(ArrivalsError::TooFewSources {
                wanted: sequencer_count,
                found: self.sources.clone(),
            });
        }
        if self.sources.len() > count {
            notes.push(format!(
                "the first {sequencer_count} of {} in order of name",
                counted(self.sources.len() as u64, "source")
            ));
        }
        let entries = &self.entries[..count];
        let of_workload = |hash: &u32| !joined[*hash as usize].is_empty();
        let times = entries.iter().flatten();
        let start = times
            .filter(|(hash, _)| of_workload(hash))
            .map(|(_, time)| *time)
            .min()
            .unwrap_or(0);
        let list = |(sequencer, entries): (u32, &BTreeMap<u32, u64>)| {
            let rows = entries.iter().filter(|(hash, _)| of_workload(hash));
            rows.flat_map(|(hash, time)| {
                let at = Tick::new(time - start);
                joined[*hash as usize]
                    .iter()
                    .map(move |transaction| Arrival {
                        at,
                        transaction: *transaction,
                        sequencer,
                    })
            })
            .collect()
        };
        let lists = (0..).zip(entries).map(list).collect();
        if self.unsorted_count > 0 {
            let rows = counted(self.unsorted_count, "row");
            notes.push(format!(
                "{rows} of the log out of the order of time, now sorted"
            ));
        }
        if self.repeated_count > 0 {
            let rows = counted(self.repeated_count, "row");
            notes.push(format!(
                "{rows} of the log repeated by their source, the earliest counts"
            ));
        }
        Ok(Arrivals::new(
            Origin::Recorded,
            self.sources[..count].to_vec(),
            lists,
            transaction_count,
            notes,
        ))
    }

    fn from_columns(columns: &Columns<LogHeader>) -> Result<Self, ReadError> {
        let (table, header, lines) = columns;
        let row_count = table.columns[header.time].values.len();
        if row_count == 0 {
            return Err(ReadError::NoRows);
        }
        let cell = |column: usize, row: usize| table.columns[column].cell(row);
        let bad = |column: usize, row: usize, expected: Expected| ReadError::Cell {
            place: match lines.as_ref().and_then(|lines| lines.get(row)) {
                Some(line) => Place::Line(*line),
                None => Place::Row(row as u64),
            },
            column: table.columns[column].name.clone(),
            expected,
            found: cell(column, row).shown(),
        };
        let mut by_source: BTreeMap<&str, BTreeMap<TransactionHash, u64>> = BTreeMap::new();
        let mut log = Self::default();
        let mut latest = 0;
        for row in 0..row_count {
            let time = cell(header.time, row).u64().ok().flatten();
            let time = time
                .and_then(|time| time.checked_mul(header.unit_ns))
                .ok_or_else(|| bad(header.time, row, TIME_EXPECTED))?;
            let hash = cell(header.hash, row).array::<32>(HASH_EXPECTED);
            let hash = hash.and_then(|hash| hash.ok_or(HASH_EXPECTED));
            let hash = hash.map_err(|expected| bad(header.hash, row, expected))?;
            let Cell::Text(source) = cell(header.source, row) else {
                return Err(bad(header.source, row, "the name of a source"));
            };
            log.unsorted_count += u64::from(time < latest);
            latest = latest.max(time);
            let entries = by_source.entry(source).or_default();
            let known = entries.entry(hash).or_insert(u64::MAX);
            log.repeated_count += u64::from(*known != u64::MAX);
            *known = time.min(*known);
        }
        log.hashes = by_source
            .values()
            .flat_map(BTreeMap::keys)
            .copied()
            .collect();
        log.hashes.sort_unstable();
        log.hashes.dedup();
        log.sources = by_source.keys().map(|name| (*name).to_owned()).collect();
        let numbered = |entries: BTreeMap<TransactionHash, u64>| {
            let numbers = entries.iter().map(|(hash, time)| (log.number(hash), *time));
            numbers
                .filter_map(|(number, time)| Some((number?, time)))
                .collect()
        };
        log.entries = by_source.into_values().map(numbered).collect();
        Ok(log)
    }
}

/// Where each field of a log stands.
struct LogHeader {
    time: usize,
    unit_ns: u64,
    hash: usize,
    source: usize,
    is_used: Vec<bool>,
}

/// What gives each field.
const FIELDS: [(&str, &[&str]); 3] = [
    (
        "arrival",
        &[
            "timestamp_ms",
            "timestamp_ns",
            "timestamp_us",
            "timestamp_s",
        ],
    ),
    ("hash", &["hash", "tx_hash", "transaction_hash"]),
    ("source", &["source"]),
];

impl Header for LogHeader {
    fn resolve(names: &[&str]) -> Result<Self, ColumnsError> {
        let mut error = ColumnsError::default();
        let mut places: [Vec<usize>; 3] = Default::default();
        for (index, name) in names.iter().enumerate() {
            let own = normal(name);
            let is_known = |known: &&str| normal(known) == own;
            match FIELDS
                .iter()
                .position(|(_, known)| known.iter().any(is_known))
            {
                Some(field) => places[field].push(index),
                None => error.unknown.push((*name).to_owned()),
            }
        }
        for ((field, known), places) in FIELDS.iter().zip(&places) {
            match places.as_slice() {
                [_] => {}
                [] => error.missing.push((field, known.to_vec())),
                more => {
                    let columns = more.iter().map(|index| names[*index].to_owned());
                    error.repeated.push((field, columns.collect()));
                }
            }
        }
        if !(error.missing.is_empty() && error.unknown.is_empty() && error.repeated.is_empty()) {
            error.known = FIELDS
                .iter()
                .flat_map(|(_, known)| known.iter().copied())
                .collect();
            return Err(error);
        }
        let [time, hash, source] = places.map(|places| places[0]);
        let unit_ns = match normal(names[time]).as_str() {
            "timestampns" => 1,
            "timestampus" => 1_000,
            "timestampms" => 1_000_000,
            _ => 1_000_000_000,
        };
        Ok(Self {
            time,
            unit_ns,
            hash,
            source,
            is_used: vec![true; names.len()],
        })
    }

    fn is_used(&self) -> &[bool] {
        &self.is_used
    }
}
