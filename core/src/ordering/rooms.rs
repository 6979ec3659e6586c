//! How a slot's room is shared between its segments.

use super::SlotRoom;
use crate::config::{Config, ConfigError, SegmentShares};
use crate::limits::Limits;

/// The most that each side of a slot can take, whatever the other takes.
///
/// Forced inputs take first, then the pool segment, then bundles; together they stay within the
/// slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentRooms {
    /// What the pool segment can take at most.
    pub pool: SlotRoom,
    /// What forced inputs and bundles can take together at most.
    pub others: SlotRoom,
}

impl SegmentRooms {
    /// What the configuration leaves to each: the slot's room without the other side's share,
    /// which is rounded down.
    #[must_use]
    pub fn of(config: &Config, limits: &Limits) -> Self {
        let slot = SlotRoom::of(limits);
        Self {
            pool: slot.minus(share(slot, config.shares.others_percent)),
            others: slot.minus(share(slot, config.shares.pool_percent)),
        }
    }

    /// Checks that configuration and limits leave room for each source.
    ///
    /// # Errors
    /// [`ConfigError::LimitOutOfRange`] where the shares are more than the whole, and
    /// [`ConfigError::LimitsContradict`] where the pool segment can't hold the longest
    /// transaction, or a rollup's part of the forced inputs is too small for one.
    pub fn check(config: &Config, limits: &Limits) -> Result<(), ConfigError> {
        let percent = u32::from(config.shares.pool_percent)
            .saturating_add(u32::from(config.shares.others_percent));
        if percent > 100 {
            return Err(ConfigError::LimitOutOfRange);
        }
        let rooms = Self::of(config, limits);
        let has_pool = rooms.pool.count > 0
            && rooms.pool.gas > 0
            && rooms.pool.bytes >= limits.transaction_bytes_max();
        let rollups = config.rollups.len() as u64;
        let forced_bytes = limits.forced_bytes_max.checked_div(rollups).unwrap_or(0);
        let has_forced = limits.forced_count_max == 0
            || (u64::from(limits.forced_count_max) >= rollups
                && forced_bytes
                    >= crate::bounded::rounded_bytes(limits.payload_bytes_max as usize));
        if has_pool && has_forced {
            Ok(())
        } else {
            Err(ConfigError::LimitsContradict)
        }
    }
}

/// A share of a slot, rounded down.
fn share(slot: SlotRoom, percent: u8) -> SlotRoom {
    let of = |amount: u64| SegmentShares::part(amount, percent);
    SlotRoom {
        count: of(slot.count.into()) as u32,
        bytes: of(slot.bytes.into()) as u32,
        gas: of(slot.gas),
    }
}
