//! What a policy's verifier needs beside the transactions.

use super::SubBatchHeader;
use super::logged::{NO_OP_LEN, NoOpRow};
use super::segments::{FORCED_LEN, ForcedRow, LEG_LEN, LegRow};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::error::Code;
use crate::receive_log::Cut;
use crate::types::{Address, Arrival, PoolReserves, RollupId, Side, Tick, TradeHint};

/// Bytes of evidence beside each transaction under every policy: its arrival index and tick.
pub const ARRIVAL_LEN: usize = 16;
/// Bytes that the greedy rule adds: the number of the pool, the side, what is paid.
pub const TRADE_LEN: usize = 21;
/// Bytes of a pool that a sub-batch under the greedy rule trades with.
pub const POOL_LEN: usize = 52;
/// Bytes that say where a slice ends.
pub const SLICE_END_LEN: usize = 4;

/// The evidence of a sub-batch, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// All of its bytes, which the header's evidence root binds.
    pub bytes: &'a [u8],
    slice_ends: &'a [u8],
    pools: &'a [u8],
    rows: &'a [u8],
    forced: &'a [u8],
    legs: &'a [u8],
    cut: &'a [u8],
    cut_log_count: u16,
    no_ops: &'a [u8],
    row_count: u32,
    has_trades: bool,
    /// Whether receive logs gave the order, so that no arrivals are recorded.
    is_logged: bool,
    rollup: RollupId,
}

impl<'a> Evidence<'a> {
    /// Reads the evidence of a sub-batch of `slice_count` slices off the front of `input`.
    ///
    /// `no_op_count_max` bounds its no-ops. Only the first sub-batch of a slot holds its cut.
    pub(super) fn decode(
        input: &mut Reader<'a>,
        header: &SubBatchHeader,
        slice_count: u16,
        is_first: bool,
        no_op_count_max: u32,
    ) -> Result<Self, DecodeError> {
        let is_logged = header.policy.orders_by_logs();
        let before = input.rest();
        let slice_ends = input.bytes(usize::from(slice_count).saturating_mul(SLICE_END_LEN))?;
        let has_trades = header.policy.needs_hints();
        let pools = if has_trades {
            let count = input.u32()?;
            // Each pool is used, so there are no more of them than transactions.
            if count > header.counts.pool {
                return Err(DecodeError::LengthOverLimit);
            }
            input.bytes((count as usize).saturating_mul(POOL_LEN))?
        } else {
            &[]
        };
        let (cut_log_count, cut) = if is_logged && is_first {
            Cut::split_off(input)?
        } else {
            (0, &[][..])
        };
        let no_ops = if is_logged {
            decode_no_ops(input, no_op_count_max)?
        } else {
            &[]
        };
        let row_len = row_len(has_trades);
        let rows_len = if is_logged {
            0
        } else {
            (header.counts.pool as usize).saturating_mul(row_len)
        };
        let rows = input.bytes(rows_len)?;
        for row in rows.chunks_exact(row_len).filter(|_| has_trades) {
            let side = row.get(ARRIVAL_LEN.saturating_add(4)).copied();
            side.and_then(Side::from_byte)
                .ok_or(DecodeError::UnknownSide)?;
        }
        let forced_len = (header.counts.forced as usize).saturating_mul(FORCED_LEN);
        let forced = input.bytes(forced_len)?;
        for row in forced.chunks_exact(FORCED_LEN) {
            ForcedRow::decode(&mut Reader::new(row))?;
        }
        let legs = input.bytes((header.counts.bundles as usize).saturating_mul(LEG_LEN))?;
        let len = before.len().saturating_sub(input.rest().len());
        Ok(Self {
            bytes: before.get(..len).ok_or(DecodeError::Truncated)?,
            slice_ends,
            pools,
            rows,
            forced,
            legs,
            cut,
            cut_log_count,
            no_ops,
            row_count: header.counts.pool,
            has_trades,
            is_logged,
            rollup: header.rollup,
        })
    }

    /// Where each slice ends: the position of the first transaction behind it.
    pub fn slice_ends(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        let (ends, _) = self.slice_ends.as_chunks::<SLICE_END_LEN>();
        ends.iter().map(|end| u32::from_le_bytes(*end))
    }

    /// The pools that the sub-batch trades with, as they were before the slot.
    pub fn pools(&self) -> impl Iterator<Item = PoolReserves> + 'a {
        let rollup = self.rollup;
        let (pools, _) = self.pools.as_chunks::<POOL_LEN>();
        pools.iter().filter_map(move |bytes| {
            let mut input = Reader::new(bytes);
            Some(PoolReserves {
                rollup,
                pool: Address::new(input.array().ok()?),
                reserve0: input.u128().ok()?,
                reserve1: input.u128().ok()?,
            })
        })
    }

    /// What is recorded of the forced inputs, in their order.
    pub fn forced(&self) -> impl Iterator<Item = ForcedRow> + use<'a> {
        let rows = self.forced.chunks_exact(FORCED_LEN);
        rows.filter_map(|row| ForcedRow::decode(&mut Reader::new(row)).ok())
    }

    /// What is recorded of the legs of bundles, in their order.
    pub fn legs(&self) -> impl Iterator<Item = LegRow> + use<'a> {
        let rows = self.legs.chunks_exact(LEG_LEN);
        rows.filter_map(|row| LegRow::decode(&mut Reader::new(row)).ok())
    }

    /// The canonical bytes of the slot's cut, in its first sub-batch; empty in any other, and under
    /// a policy that does not order by receive logs.
    #[must_use]
    pub const fn cut(&self) -> &'a [u8] {
        self.cut
    }

    /// How many logs the cut goes through.
    #[must_use]
    pub const fn cut_log_count(&self) -> u16 {
        self.cut_log_count
    }

    /// What was drained and does nothing, in its order.
    pub fn no_ops(&self) -> impl Iterator<Item = NoOpRow> + use<'a> {
        let rows = self.no_ops.chunks_exact(NO_OP_LEN);
        rows.filter_map(|row| NoOpRow::decode(&mut Reader::new(row)).ok())
    }

    /// The arrivals, in the order of the transactions; zero where receive logs gave the order.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + 'a {
        self.rows().map(|row| row.arrival)
    }

    /// The trades, in the order of the transactions; nothing where the policy needs none, or where
    /// the number of the pool stands for none.
    pub fn trades(&self) -> impl Iterator<Item = Option<TradeHint>> + 'a {
        let pools = self.pools;
        self.rows().map(move |row| {
            let trade = row.trade?;
            let first = (trade.pool as usize).checked_mul(POOL_LEN)?;
            let pool = pools.get(first..)?.first_chunk()?;
            Some(TradeHint {
                pool: Address::new(*pool),
                side: trade.side,
                amount: trade.amount,
            })
        })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = EvidenceRow> + use<'a> {
        let (has_trades, count) = (self.has_trades, self.row_count as usize);
        let rows = self.rows.chunks_exact(row_len(has_trades));
        let recorded =
            rows.filter_map(move |bytes| EvidenceRow::decode(&mut Reader::new(bytes), has_trades));
        let unrecorded = if self.is_logged { count } else { 0 };
        recorded.chain(core::iter::repeat_n(EvidenceRow::UNRECORDED, unrecorded))
    }
}

const fn row_len(has_trades: bool) -> usize {
    if has_trades {
        ARRIVAL_LEN.saturating_add(TRADE_LEN)
    } else {
        ARRIVAL_LEN
    }
}

/// A trade as evidence records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordedTrade {
    /// The place of its pool among those of the sub-batch.
    pub pool: u32,
    pub side: Side,
    pub amount: u128,
}

/// The evidence of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EvidenceRow {
    pub arrival: Arrival,
    pub trade: Option<RecordedTrade>,
}

impl EvidenceRow {
    /// Stands for a transaction whose arrival nobody recorded.
    const UNRECORDED: Self = Self {
        arrival: Arrival {
            index: 0,
            tick: Tick::ZERO,
        },
        trade: None,
    };

    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u64(self.arrival.index)?;
        out.u64(self.arrival.tick.get())?;
        let Some(trade) = self.trade else {
            return Ok(());
        };
        out.u32(trade.pool)?;
        out.u8(trade.side.byte())?;
        out.u128(trade.amount)
    }

    fn decode(input: &mut Reader<'_>, has_trades: bool) -> Option<Self> {
        let arrival = Arrival {
            index: input.u64().ok()?,
            tick: Tick::new(input.u64().ok()?),
        };
        let trade = if has_trades {
            Some(RecordedTrade {
                pool: input.u32().ok()?,
                side: Side::from_byte(input.u8().ok()?)?,
                amount: input.u128().ok()?,
            })
        } else {
            None
        };
        Some(Self { arrival, trade })
    }
}

/// Reads a count of no-ops and the no-ops; returns their bytes.
fn decode_no_ops<'a>(input: &mut Reader<'a>, count_max: u32) -> Result<&'a [u8], DecodeError> {
    let count = input.u32()?;
    if count > count_max {
        return Err(DecodeError::LengthOverLimit);
    }
    let bytes = input.bytes((count as usize).saturating_mul(NO_OP_LEN))?;
    for row in bytes.chunks_exact(NO_OP_LEN) {
        NoOpRow::decode(&mut Reader::new(row))?;
    }
    Ok(bytes)
}

/// Writes a pool as evidence records it.
pub(super) fn encode_pool(pool: &PoolReserves, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    out.bytes(pool.pool.as_bytes())?;
    out.u128(pool.reserve0)?;
    out.u128(pool.reserve1)
}

/// Checks that slices divide `count` transactions, and returns a bit for each that holds one.
pub(super) fn check_slices(evidence: &Evidence<'_>, count: u32) -> Result<u64, Code> {
    let (mut start, mut filled) = (0, 0_u64);
    for (slice, end) in (0_u32..).zip(evidence.slice_ends()) {
        if end < start {
            return Err(Code::WrongSlices);
        }
        filled |= u64::from(end > start).wrapping_shl(slice);
        start = end;
    }
    if start == count {
        Ok(filled)
    } else {
        Err(Code::WrongSlices)
    }
}
