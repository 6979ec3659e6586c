//! From a table with a known schema to a workload.

use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Side, Tick, TradeHint, TransactionKind, UnixNs,
};

use super::cell::{self, Expected};
use super::fields::Schema;
use super::nonces::close_gaps;
use super::table::{Cell, Table};
use super::{Nonces, ReadError, ReadOptions};
use crate::error::{BuildError, Place, counted};
use crate::workload::{
    Format, PAYLOAD_BYTES_MAX, Provenance, Random, Record, Trade, Workload, WorkloadBuilder,
};

/// How far blocks lie apart.
const BLOCK_INTERVAL_NS: u64 = 12_000_000_000;
/// How far rows lie apart that say nothing of their arrival: 2,000 a second.
const ROW_INTERVAL_NS: u64 = 500_000;
/// Bytes of a payload that is made here, at least.
const HASH_LEN: usize = 32;

/// Makes a workload of the rows, in their order.
pub(super) fn build(
    table: &Table,
    schema: &Schema,
    lines: Option<&[u64]>,
    mut provenance: Provenance,
    options: &ReadOptions,
) -> Result<Workload, ReadError> {
    let rows = Rows {
        table,
        schema,
        lines,
    };
    let count = rows.count();
    if count == 0 {
        return Err(ReadError::NoRows);
    }
    let mut builder = WorkloadBuilder::with_capacity(count);
    let mut blocks = Blocks::default();
    let mut hashes = Vec::new();
    let mut filled_count = 0_u64;
    for row in 0..count {
        let rollup = rows.rollup(row, &mut builder)?;
        let arrival = rows.arrival(row, rollup, &mut blocks)?;
        let envelope = rows.envelope(row, rollup)?;
        let account_nonce = rows.cell(schema.account_nonce, row).u64();
        let account_nonce = rows.check(account_nonce, schema.account_nonce, row)?;
        let hash = rows.hash(row)?;
        hashes.extend(hash.map(|hash| (rollup, hash, row as u32)));
        let payload_len = rows.payload_len(row)?;
        let mut payload_result = Ok(());
        let pushed = builder.push(arrival, envelope, account_nonce.map(Nonce::new), |out| {
            if schema.payload.is_some() {
                payload_result = rows.cell(schema.payload, row).append_bytes(out);
            } else {
                filled_count += u64::from(fill(hash, row, payload_len, out));
            }
        });
        rows.check(payload_result, schema.payload, row)?;
        pushed.map_err(|error| rows.too_large(row, error))?;
        if let Some(trade) = rows.trade(row)? {
            builder.set_trade(trade);
        }
    }
    rows.check_duplicates(hashes)?;
    provenance.format = schema.format;
    provenance.rows = count as u64;
    rows.note_arrivals(&blocks, &mut builder, &mut provenance.notes);
    rows.settle_nonces(&mut builder, options, &mut provenance)?;
    if filled_count > 0 {
        provenance.notes.push(format!(
            "{} completed with seeded filler up to the length given",
            counted(filled_count, "payload")
        ));
    }
    Ok(builder.finish(provenance))
}

/// Appends the hash and then filler up to `len` bytes; whether there was any filler.
fn fill(hash: Option<[u8; HASH_LEN]>, row: usize, len: usize, out: &mut Vec<u8>) -> bool {
    let Some(hash) = hash else {
        Random::from_seed(b"hauptbuch/read/filler/1\0", row as u64).fill(len.max(HASH_LEN), out);
        return true;
    };
    out.extend_from_slice(&hash);
    Random::from_key(hash).fill(len.saturating_sub(HASH_LEN), out);
    len > HASH_LEN
}

/// The block that the row before was in, and how many came before that.
#[derive(Debug, Default)]
struct Blocks {
    current: Option<(RollupId, u64)>,
    index: u64,
}

impl Blocks {
    /// The index of the row's block.
    fn enter(&mut self, block: (RollupId, u64)) -> u64 {
        let is_new = self
            .current
            .replace(block)
            .is_some_and(|before| before != block);
        self.index += u64::from(is_new);
        self.index
    }
}

/// The rows of a table.
struct Rows<'a> {
    table: &'a Table,
    schema: &'a Schema,
    lines: Option<&'a [u64]>,
}

impl<'a> Rows<'a> {
    fn count(&self) -> usize {
        // Sender columns are required, and a column without use may have no values.
        self.schema
            .sender
            .map_or(0, |index| self.table.columns[index].values.len())
    }

    fn cell(&self, column: Option<usize>, row: usize) -> Cell<'a> {
        column.map_or(Cell::Missing, |index| self.table.columns[index].cell(row))
    }

    fn place(&self, row: usize) -> Place {
        let line = self.lines.and_then(|lines| lines.get(row));
        line.map_or(Place::Row(row as u64), |line| Place::Line(*line))
    }

    fn column_name(&self, column: Option<usize>) -> String {
        column.map_or_else(String::new, |index| self.table.columns[index].name.clone())
    }

    fn bad_cell(&self, column: Option<usize>, row: usize, expected: Expected) -> ReadError {
        ReadError::Cell {
            place: self.place(row),
            column: self.column_name(column),
            expected,
            found: self.cell(column, row).shown(),
        }
    }

    fn check<T>(
        &self,
        result: Result<T, Expected>,
        column: Option<usize>,
        row: usize,
    ) -> Result<T, ReadError> {
        result.map_err(|expected| self.bad_cell(column, row, expected))
    }

    /// A number that must be there.
    fn u64(&self, column: Option<usize>, row: usize) -> Result<u64, ReadError> {
        let number = self.cell(column, row).u64();
        let number = number.and_then(|number| number.ok_or(cell::U64_EXPECTED));
        self.check(number, column, row)
    }

    fn too_large(&self, row: usize, error: BuildError) -> ReadError {
        ReadError::TooLarge {
            place: self.place(row),
            error,
        }
    }

    fn rollup(&self, row: usize, builder: &mut WorkloadBuilder) -> Result<RollupId, ReadError> {
        let column = self.schema.rollup;
        if column.is_none() {
            return builder
                .rollup("rollup-0")
                .map_err(|error| self.too_large(row, error));
        }
        let name = self.cell(column, row).name();
        let name = name.and_then(|name| name.ok_or(cell::NAME_EXPECTED));
        let name = self.check(name, column, row)?;
        builder
            .rollup(&name)
            .map_err(|error| self.too_large(row, error))
    }

    /// When the row arrives; times of the world are not yet counted from the earliest.
    fn arrival(
        &self,
        row: usize,
        rollup: RollupId,
        blocks: &mut Blocks,
    ) -> Result<Tick, ReadError> {
        if let Some((index, unit_ns)) = self.schema.arrival {
            let column = Some(index);
            let time = self.cell(column, row).u64();
            let time = time
                .ok()
                .flatten()
                .and_then(|time| time.checked_mul(unit_ns));
            let time = self.check(time.ok_or(cell::TIME_EXPECTED), column, row)?;
            return Ok(Tick::new(time));
        }
        if self.schema.block.is_some() {
            let number = self.u64(self.schema.block, row)?;
            return Ok(Tick::new(
                blocks.enter((rollup, number)) * BLOCK_INTERVAL_NS,
            ));
        }
        Ok(Tick::new(row as u64 * ROW_INTERVAL_NS))
    }

    fn envelope(&self, row: usize, rollup: RollupId) -> Result<Envelope, ReadError> {
        let schema = self.schema;
        let sender = self.cell(schema.sender, row).array(cell::ADDRESS_EXPECTED);
        let sender = sender.and_then(|sender| sender.ok_or(cell::ADDRESS_EXPECTED));
        let recipient = self
            .cell(schema.recipient, row)
            .array(cell::ADDRESS_EXPECTED);
        let amount = self
            .cell(schema.amount, row)
            .number(u128::MAX, cell::U128_EXPECTED);
        let expiry = self.cell(schema.expiry, row).u64();
        Ok(Envelope {
            rollup,
            sender: Address::new(self.check(sender, schema.sender, row)?),
            recipient: Address::new(
                self.check(recipient, schema.recipient, row)?
                    .unwrap_or_default(),
            ),
            amount: self.check(amount, schema.amount, row)?.unwrap_or(0),
            nonce: Nonce::new(self.u64(schema.nonce, row)?),
            fee: self.fee(row)?,
            gas: Gas::new(self.u64(schema.gas, row)?),
            expiry: self
                .check(expiry, schema.expiry, row)?
                .map_or(UnixNs::NEVER, UnixNs::new),
            kind: self.kind(row)?,
        })
    }

    fn fee(&self, row: usize) -> Result<Fee, ReadError> {
        let schema = self.schema;
        let cap = self.cell(schema.fee_cap, row);
        let is_plain = schema.format == Format::Blocks || cap == Cell::Missing;
        if schema.fee.is_some() {
            let fee = self.cell(schema.fee, row).u64();
            let fee = self.check(fee, schema.fee, row)?;
            if let Some(fee) = fee.filter(|fee| *fee > 0 || is_plain) {
                return Ok(Fee::new(fee));
            }
            if is_plain {
                return Err(self.bad_cell(schema.fee, row, cell::U64_EXPECTED));
            }
        }
        self.u64(schema.fee_cap, row).map(Fee::new)
    }

    fn kind(&self, row: usize) -> Result<TransactionKind, ReadError> {
        let column = self.schema.kind;
        let byte = self
            .cell(column, row)
            .number(u128::from(u8::MAX), cell::KIND_EXPECTED);
        let byte = self.check(byte, column, row)?.unwrap_or(0) as u8;
        let kind = TransactionKind::from_byte(byte).ok_or(cell::KIND_EXPECTED);
        self.check(kind, column, row)
    }

    /// The trade of a row that names a pool.
    fn trade(&self, row: usize) -> Result<Option<Trade>, ReadError> {
        let schema = self.schema;
        let pool = self.cell(schema.pool, row).array(cell::ADDRESS_EXPECTED);
        let Some(pool) = self.check(pool, schema.pool, row)? else {
            return Ok(None);
        };
        let side = match self.cell(schema.side, row) {
            Cell::Text(name) => Side::from_name(name),
            _ => None,
        };
        let side = self.check(side.ok_or(cell::SIDE_EXPECTED), schema.side, row)?;
        let amount = self.positive(schema.amount, row)?;
        Ok(Some(Trade {
            hint: TradeHint {
                pool: Address::new(pool),
                side,
                amount,
            },
            reserve0: self.positive(schema.reserve0, row)?,
            reserve1: self.positive(schema.reserve1, row)?,
        }))
    }

    /// A number over 0 that must be there.
    fn positive(&self, column: Option<usize>, row: usize) -> Result<u128, ReadError> {
        let number = self.cell(column, row);
        let number = number.number(u128::MAX, cell::POSITIVE_EXPECTED);
        let number = number.map(|number| number.filter(|number| *number > 0));
        let number = number.and_then(|number| number.ok_or(cell::POSITIVE_EXPECTED));
        self.check(number, column, row)
    }

    fn hash(&self, row: usize) -> Result<Option<[u8; HASH_LEN]>, ReadError> {
        let column = self.schema.hash;
        if column.is_none() {
            return Ok(None);
        }
        let hash = self.cell(column, row).array(cell::HASH_EXPECTED);
        let hash = hash.and_then(|hash| hash.ok_or(cell::HASH_EXPECTED));
        self.check(hash, column, row).map(Some)
    }

    fn payload_len(&self, row: usize) -> Result<usize, ReadError> {
        let column = self.schema.payload_len;
        let len = self
            .cell(column, row)
            .number(PAYLOAD_BYTES_MAX as u128, cell::LEN_EXPECTED);
        Ok(self.check(len, column, row)?.unwrap_or(0) as usize)
    }

    /// Refuses two rows of one rollup with the same hash; the earliest second one is reported.
    fn check_duplicates(
        &self,
        mut hashes: Vec<(RollupId, [u8; HASH_LEN], u32)>,
    ) -> Result<(), ReadError> {
        hashes.sort_unstable();
        let pairs = hashes.windows(2).filter(|pair| {
            let [(rollup, hash, _), (next_rollup, next_hash, _)] = pair else {
                return false;
            };
            rollup == next_rollup && hash == next_hash
        });
        let Some([(_, hash, first), (_, _, second)]) = pairs.min_by_key(|pair| pair[1].2) else {
            return Ok(());
        };
        let mut digits = b"0x".to_vec();
        crate::hex::encode(hash, &mut digits);
        Err(ReadError::DuplicateHash {
            first: self.place(*first as usize),
            second: self.place(*second as usize),
            column: self.column_name(self.schema.hash),
            hash: String::from_utf8_lossy(&digits).into_owned(),
        })
    }

    /// Counts times of the world from the earliest, and says how arrivals came about.
    fn note_arrivals(
        &self,
        blocks: &Blocks,
        builder: &mut WorkloadBuilder,
        notes: &mut Vec<String>,
    ) {
        if self.schema.is_timestamp {
            let records = builder.records_mut();
            let earliest = records
                .iter()
                .map(|record| record.arrival)
                .min()
                .unwrap_or_default();
            for record in records {
                record.arrival = Tick::new(record.arrival.saturating_distance(earliest));
            }
        } else if self.schema.arrival.is_none() {
            notes.push(match blocks.current {
                Some(_) => format!(
                    "{} arriving 12 s apart, the transactions of each at once",
                    counted(blocks.index + 1, "block")
                ),
                None => "the input has no arrival times: row i arrives at i times 0.5 ms".into(),
            });
        }
        let late_count = builder.late_count();
        if late_count > 0 {
            notes.push(format!(
                "{} out of the order of arrival, now sorted",
                counted(late_count, "row")
            ));
        }
    }

    fn settle_nonces(
        &self,
        builder: &mut WorkloadBuilder,
        options: &ReadOptions,
        provenance: &mut Provenance,
    ) -> Result<(), ReadError> {
        if options.nonces == Nonces::Raw || self.schema.account_nonce.is_some() {
            return Ok(());
        }
        let records: &mut [Record] = builder.records_mut();
        let done = close_gaps(records)
            .map_err(|row| self.bad_cell(self.schema.nonce, row, cell::NONCE_ROOM_EXPECTED))?;
        provenance.nonce_gaps_closed = done.gap_count;
        if done.gap_count > 0 {
            provenance.notes.push(format!(
                "{} in nonces closed: each sender's nonces renumbered densely",
                counted(done.gap_count, "gap")
            ));
        }
        if done.equal_count > 0 {
            provenance.notes.push(format!(
                "{} equal to another of the same sender, renumbered in the order of rows",
                counted(done.equal_count, "nonce")
            ));
        }
        Ok(())
    }
}
