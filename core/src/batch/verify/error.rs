//! What is wrong with a slot, and where.

use core::fmt;

use crate::codec::DecodeError;
use crate::error::Code;
use crate::types::RollupId;

/// What is wrong with a slot, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// What is wrong.
    pub code: Code,
    /// In which rollup's sub-batch, where it is one.
    pub rollup: Option<RollupId>,
    /// At which transaction of it, where it is one.
    pub position: Option<u32>,
}

impl VerifyError {
    pub(in crate::batch) const fn slot(code: Code) -> Self {
        Self {
            code,
            rollup: None,
            position: None,
        }
    }

    pub(in crate::batch) const fn sub_batch(code: Code, rollup: RollupId) -> Self {
        Self {
            code,
            rollup: Some(rollup),
            position: None,
        }
    }

    pub(in crate::batch) const fn transaction(code: Code, rollup: RollupId, position: u32) -> Self {
        Self {
            code,
            rollup: Some(rollup),
            position: Some(position),
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.message())?;
        if let Some(rollup) = self.rollup {
            write!(f, " (rollup {rollup}")?;
            match self.position {
                Some(position) => write!(f, ", transaction {position})")?,
                None => f.write_str(")")?,
            }
        }
        Ok(())
    }
}

impl core::error::Error for VerifyError {}

impl From<DecodeError> for VerifyError {
    fn from(error: DecodeError) -> Self {
        Self::slot(error.code())
    }
}
