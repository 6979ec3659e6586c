//! How hard the node pushes back at the moment: a choice at run time, within the limits.
//!
//! Pressure never changes what is valid, only what this node admits and how much it takes into one
//! slot. The host decides on it, by its load or by a fixed level:
//!
//! | level | slots | fee floor | what waits for a missing nonce |
//! |---|---|---|---|
//! | 0 | all that the limits allow | the configured one | admitted |
//! | 1 | three quarters | twice that, at least 1 | admitted |
//! | 2 | half | four times that, at least 2 | refused |
//! | 3 | a quarter | sixteen times that, at least 8 | refused |

use super::TransactionCoordinator;
use crate::error::operation_error;
use crate::journal::Record;
use crate::limits::Limits;
use crate::ordering::SlotRoom;
use crate::types::Fee;

operation_error! {
    /// Why the pressure was not set.
    PressureError { JournalFull }
}

/// How hard the node pushes back at the moment.
///
/// Values above a limit, and a fee below the configured floor, have no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// Transactions in one slot, over all rollups.
    pub slot_count_max: u32,
    /// Bytes of transactions in one slot, in their canonical encoding.
    pub slot_bytes_max: u32,
    /// Gas of the transactions in one slot.
    pub slot_gas_max: u64,
    /// The lowest fee per gas that is admitted.
    pub fee_floor: Fee,
    /// Whether nothing is admitted that would wait for a missing nonce.
    pub refuses_gaps: bool,
}

impl Pressure {
    /// No pressure at all.
    pub const NONE: Self = Self {
        slot_count_max: u32::MAX,
        slot_bytes_max: u32::MAX,
        slot_gas_max: u64::MAX,
        fee_floor: Fee::ZERO,
        refuses_gaps: false,
    };

    /// The most levels: 0 to 3.
    pub const LEVEL_MAX: u8 = 3;

    /// A level of the module's table; those above [`Pressure::LEVEL_MAX`] are the same as that.
    ///
    /// A slot keeps room for one transaction of the largest size whatever the level, because what
    /// was admitted must be able to go.
    #[must_use]
    pub fn level(level: u8, limits: &Limits, fee_floor: Fee) -> Self {
        let (quarters, factor, fee_min) = match level {
            0 => return Self::NONE,
            1 => (3, 2, 1),
            2 => (2, 4, 2),
            _ => (1, 16, 8),
        };
        let part = |of: u64| (of / 4).saturating_mul(quarters).max(1);
        let bytes = part(u64::from(limits.slot_bytes_max));
        Self {
            slot_count_max: part(u64::from(limits.slot_count_max)) as u32,
            slot_bytes_max: (bytes as u32).max(limits.transaction_bytes_max()),
            // A transaction may declare all the gas of a slot, so gas is not cut.
            slot_gas_max: limits.slot_gas_max,
            fee_floor: Fee::new(fee_floor.get().saturating_mul(factor).max(fee_min)),
            refuses_gaps: level >= 2,
        }
    }

    /// What a slot can hold under it, before the limits.
    pub(super) const fn room(&self) -> SlotRoom {
        SlotRoom {
            count: self.slot_count_max,
            bytes: self.slot_bytes_max,
            gas: self.slot_gas_max,
        }
    }
}

impl Default for Pressure {
    fn default() -> Self {
        Self::NONE
    }
}

impl TransactionCoordinator {
    /// Sets how hard the node pushes back from the next submission and the next slot on.
    ///
    /// A slot that is open keeps the room that it had. What is in the pool stays there. Cost: O(1).
    ///
    /// # Errors
    /// [`PressureError::JournalFull`]; nothing changes then.
    pub fn set_pressure(&mut self, pressure: Pressure) -> Result<(), PressureError> {
        let Pressure {
            slot_count_max,
            slot_bytes_max,
            slot_gas_max,
            fee_floor,
            refuses_gaps,
        } = pressure;
        let record = Record::PressureSet {
            slot_count_max,
            slot_bytes_max,
            slot_gas_max,
            fee_floor,
            refuses_gaps,
        };
        if !self.journal.has_room(&record) {
            return Err(PressureError::JournalFull);
        }
        self.apply_pressure(pressure);
        self.journal.write(&record, self.clocks());
        Ok(())
    }

    pub(super) fn apply_pressure(&mut self, pressure: Pressure) {
        self.pressure = pressure;
        self.pool
            .set_pressure(pressure.fee_floor, pressure.refuses_gaps);
    }

    /// The pressure of the moment.
    #[must_use]
    pub const fn pressure(&self) -> &Pressure {
        &self.pressure
    }
}
