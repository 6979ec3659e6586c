//! Every choice of a network that is not a maximum.
//!
//! What every member and verifier must agree on is bound by [`Config::genesis_hash`], the parent
//! of the first slot.

use crate::codec::{EncodeError, Writer};
use crate::crypto::hash::{Domain, hash};
use crate::error::operation_error;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::types::{Fee, Hash, RollupId};

mod committee;
mod epochs;
mod policy;

pub use committee::{FairCommittee, FairCounted, FairRank, LogSizes, LoggedPart, MedianCommittee};
pub use epochs::EpochSizes;
pub use policy::{BUCKET_WIDTH_NS_DEFAULT, Policy};

/// What keeps a transaction from being included twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayProtection {
    /// The host's own nonces make a replay a no-op, as on an EVM rollup. Transactions need no
    /// expiry; the pool's cursors are a cache, and the least recently idle sender is forgotten
    /// when another one needs its place.
    #[default]
    ByHost,
    /// A transaction must expire at most `horizon_ns` after the agreed time at which it is
    /// admitted, and a sender's cursor is kept until everything included from it has expired at the
    /// time of a slot that was settled. So nothing is ever included twice, whatever the host does.
    /// Where another one needs its place, the cursor that may go earliest is forgotten; new senders
    /// are refused while none may.
    ByExpiry {
        /// Nanoseconds from the agreed time to the latest expiry.
        horizon_ns: u64,
    },
}

/// How a rollup's nonces work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NonceMode {
    /// One after another without a gap, as on an EVM rollup.
    #[default]
    Sequential,
    /// Each once, in any order, within a window of 128 that moves on with what is included.
    Window,
}

impl NonceMode {
    /// The byte that stands for it in every encoding.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Sequential => 0,
            Self::Window => 1,
        }
    }
}

/// A rollup that a network serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RollupConfig {
    /// Its number.
    pub id: RollupId,
    /// How its nonces work.
    pub nonce_mode: NonceMode,
}

impl From<RollupId> for RollupConfig {
    fn from(id: RollupId) -> Self {
        Self {
            id,
            nonce_mode: NonceMode::Sequential,
        }
    }
}

/// How the pool treats those who want in. A node's own choice: it never changes what is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// How many percent more a replacement must pay per gas.
    pub replacement_bump_percent: u32,
    /// A sender with fewer transactions in the pool than this is a quiet one.
    pub quiet_pending_count_max: u32,
    /// From how many percent of its places on the pool takes nothing that waits for a nonce.
    pub gap_refusal_percent: u32,
}

impl Default for PoolConfig {
    /// 10 percent more; quiet below 4; no gaps from 90 percent on.
    fn default() -> Self {
        Self {
            replacement_bump_percent: 10,
            quiet_pending_count_max: 4,
            gap_refusal_percent: 90,
        }
    }
}

/// How a slot's room (count, bytes and gas) is shared between its segments, in whole percent.
///
/// What neither side keeps for itself goes to forced inputs first, then to the pool segment, then
/// to bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentShares {
    /// What forced inputs and bundles can't take: it is the pool segment's.
    pub pool_percent: u8,
    /// What the pool segment can't take: it is kept for forced inputs and bundles.
    pub others_percent: u8,
}

impl SegmentShares {
    /// A share of `amount`, rounded down.
    #[must_use]
    pub fn part(amount: u64, percent: u8) -> u64 {
        let part = u128::from(amount).saturating_mul(u128::from(percent)) / 100;
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

impl Default for SegmentShares {
    /// Half of a slot is the pool segment's; the other half is whoever's comes first.
    fn default() -> Self {
        Self {
            pool_percent: 50,
            others_percent: 0,
        }
    }
}

/// Every choice of a network that is not a maximum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Names the network, so that nothing signed or hashed for one holds in another.
    pub chain_id: u64,
    /// The rollups that it serves; kept in ascending order by [`Config::with_rollups`].
    pub rollups: heapless::Vec<RollupConfig, ROLLUP_COUNT_MAX>,
    /// How transactions are put in order.
    pub policy: Policy,
    /// The lowest fee per gas that is admitted.
    pub fee_floor: Fee,
    /// The sizes of receive logs, under a policy that orders by them; nothing looks at them under
    /// any other.
    pub logs: LogSizes,
    /// How the committee may change.
    pub epochs: EpochSizes,
    /// What keeps a transaction from being included twice.
    pub replay_protection: ReplayProtection,
    /// How a slot's room is shared between its segments.
    pub shares: SegmentShares,
    /// How the pool treats those who want in.
    pub pool: PoolConfig,
    /// A secret of this node, drawn at random by the host: without it nobody can choose
    /// transactions that collide in the node's indexes. It never changes what is decided.
    pub index_key: [u64; 2],
}

impl Default for Config {
    /// One rollup with the number 0, first come, first served, no fee floor, replays by host.
    fn default() -> Self {
        let mut rollups = heapless::Vec::new();
        let pushed = rollups.push(RollupConfig::from(RollupId::ZERO));
        debug_assert!(pushed.is_ok(), "a network has room for one rollup");
        Self {
            chain_id: 0,
            rollups,
            policy: Policy::Fcfs,
            logs: LogSizes::default(),
            epochs: EpochSizes::FIXED,
            fee_floor: Fee::ZERO,
            replay_protection: ReplayProtection::ByHost,
            shares: SegmentShares::default(),
            pool: PoolConfig::default(),
            index_key: [0, 0],
        }
    }
}

operation_error! {
    /// Why a configuration can't be used.
    ConfigError {
        TooManyRollups,
        DuplicateRollup,
        NoRollup,
        LimitOutOfRange,
        LimitsContradict,
        PolicyParameterOutOfRange,
        CommitteeSizeOutOfRange,
        FaultCountOutOfRange,
        GammaOutOfRange,
        FairnessInfeasible,
        TooFewCursors,
        PartsOverWhole,
        TooManyLogs,
        WindowsNotOrdered,
        OutsideNeedsHostNonces,
        PoolBelowLogs,
    }
}

impl From<crate::limits::LimitsError> for ConfigError {
    fn from(error: crate::limits::LimitsError) -> Self {
        match error {
            crate::limits::LimitsError::LimitOutOfRange => Self::LimitOutOfRange,
            crate::limits::LimitsError::LimitsContradict => Self::LimitsContradict,
        }
    }
}

/// The version of the genesis encoding.
const VERSION: u8 = 5;
/// The most bytes that a genesis encoding can have.
const GENESIS_BYTES_MAX: usize = 74 + 5 * ROLLUP_COUNT_MAX + LogSizes::LEN + EpochSizes::LEN;

impl Config {
    /// The same with these rollups, put in order.
    ///
    /// # Errors
    /// [`ConfigError::TooManyRollups`], [`ConfigError::DuplicateRollup`] and
    /// [`ConfigError::NoRollup`].
    pub fn with_rollups<R>(mut self, rollups: &[R]) -> Result<Self, ConfigError>
    where
        R: Copy + Into<RollupConfig>,
    {
        self.rollups.clear();
        for rollup in rollups {
            let pushed = self.rollups.push((*rollup).into());
            pushed.map_err(|_| ConfigError::TooManyRollups)?;
        }
        self.rollups.sort_unstable();
        self.check()?;
        Ok(self)
    }

    /// Checks that the rollups are there, distinct and in order, the policy's parameter, and that
    /// something can be admitted.
    ///
    /// # Errors
    /// [`ConfigError::NoRollup`], [`ConfigError::DuplicateRollup`],
    /// [`ConfigError::PolicyParameterOutOfRange`], and [`ConfigError::LimitOutOfRange`] for a
    /// horizon of no time at all or for sizes of epochs out of their ranges.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.replay_protection == (ReplayProtection::ByExpiry { horizon_ns: 0 }) {
            return Err(ConfigError::LimitOutOfRange);
        }
        if self
            .policy
            .with_parameter(self.policy.parameter())
            .is_none()
        {
            return Err(ConfigError::PolicyParameterOutOfRange);
        }
        if !self.epochs.is_in_range(self.policy) {
            return Err(ConfigError::LimitOutOfRange);
        }
        if self.rollups.is_empty() {
            return Err(ConfigError::NoRollup);
        }
        let ascending = self.rollups.windows(2).all(|pair| match pair {
            [before, after] => before.id < after.id,
            _ => true,
        });
        if ascending {
            Ok(())
        } else {
            Err(ConfigError::DuplicateRollup)
        }
    }

    /// The place of a rollup among the configured ones, if it is one.
    #[must_use]
    pub fn rollup_position(&self, rollup: RollupId) -> Option<usize> {
        self.rollups
            .iter()
            .position(|configured| configured.id == rollup)
    }

    /// How a rollup's nonces work.
    #[must_use]
    pub fn nonce_mode(&self, rollup: RollupId) -> NonceMode {
        let own = self
            .rollups
            .iter()
            .find(|configured| configured.id == rollup);
        own.map_or(NonceMode::Sequential, |own| own.nonce_mode)
    }

    /// Binds all that members and verifiers must agree on; the parent of the first slot.
    #[must_use]
    pub fn genesis_hash(&self, limits: &Limits) -> Hash {
        let mut bytes = [0; GENESIS_BYTES_MAX];
        let mut out = Writer::new(&mut bytes);
        let encoded = self.encode_genesis(limits, &mut out);
        debug_assert!(encoded.is_ok(), "GENESIS_BYTES_MAX is too small");
        hash(Domain::GENESIS, out.written())
    }

    fn encode_genesis(&self, limits: &Limits, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(VERSION)?;
        out.u64(self.chain_id)?;
        out.u8(self.policy.byte())?;
        out.u64(self.policy.parameter())?;
        out.u64(self.fee_floor.get())?;
        match self.replay_protection {
            ReplayProtection::ByHost => out.u64(0)?,
            ReplayProtection::ByExpiry { horizon_ns } => out.u64(horizon_ns)?,
        }
        out.u32(limits.payload_bytes_max)?;
        out.u32(limits.slot_count_max)?;
        out.u32(limits.slot_bytes_max)?;
        out.u64(limits.slot_gas_max)?;
        out.u8(self.shares.pool_percent)?;
        out.u8(self.shares.others_percent)?;
        let count = u16::try_from(self.rollups.len()).map_err(|_| EncodeError::BufferTooSmall)?;
        out.u16(count)?;
        self.rollups.iter().try_for_each(|rollup| {
            out.u32(rollup.id.get())?;
            out.u8(rollup.nonce_mode.byte())
        })?;
        if self.policy.orders_by_logs() {
            self.logs.encode(out)?;
        }
        // Whoever has no such sizes has the genesis of a committee that stays as it is. No two
        // networks share their bytes, because all before has a length that the policy says.
        if self.epochs.is_changeable() {
            self.epochs.encode(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn rollups_are_put_in_order_and_checked() {
        let ids = |numbers: &[u32]| {
            numbers
                .iter()
                .map(|n| RollupId::new(*n))
                .collect::<Vec<_>>()
        };
        let config = Config::default().with_rollups(&ids(&[7, 2])).unwrap();
        assert_eq!(config.rollup_position(RollupId::new(2)), Some(0));
        assert_eq!(config.rollup_position(RollupId::new(3)), None);
        let refusal = |numbers: &[u32]| Config::default().with_rollups(&ids(numbers)).unwrap_err();
        assert_eq!(refusal(&[]), ConfigError::NoRollup);
        assert_eq!(refusal(&[1, 2, 1]), ConfigError::DuplicateRollup);
        let replay_protection = ReplayProtection::ByExpiry { horizon_ns: 0 };
        let no_time = Config {
            replay_protection,
            ..Config::default()
        };
        assert_eq!(no_time.check(), Err(ConfigError::LimitOutOfRange));
        assert_eq!(
            refusal(&(0..17).collect::<Vec<_>>()),
            ConfigError::TooManyRollups
        );
    }

    #[test]
    fn the_genesis_binds_every_choice_but_the_secret() {
        let (config, limits) = (Config::default(), Limits::default());
        let genesis = config.genesis_hash(&limits);
        let changed = [
            Config {
                chain_id: 1,
                ..config.clone()
            }
            .genesis_hash(&limits),
            Config {
                policy: Policy::PriorityFee,
                ..config.clone()
            }
            .genesis_hash(&limits),
            Config {
                policy: Policy::TimeBucket { width_ns: 7 },
                ..config.clone()
            }
            .genesis_hash(&limits),
            Config {
                policy: Policy::TimeBucket { width_ns: 8 },
                ..config.clone()
            }
            .genesis_hash(&limits),
            Config {
                fee_floor: Fee::new(1),
                ..config.clone()
            }
            .genesis_hash(&limits),
            config
                .clone()
                .with_rollups(&[RollupId::new(1)])
                .unwrap()
                .genesis_hash(&limits),
            Config {
                replay_protection: ReplayProtection::ByExpiry { horizon_ns: 9 },
                ..config.clone()
            }
            .genesis_hash(&limits),
            config.genesis_hash(&Limits {
                slot_gas_max: 1,
                ..limits.clone()
            }),
            Config {
                epochs: EpochSizes {
                    member_count_max: 5,
                    ..EpochSizes::FIXED
                },
                ..config.clone()
            }
            .genesis_hash(&limits),
        ];
        assert!(changed.iter().all(|other| *other != genesis));
        assert_ne!(changed[2], changed[3]);
        let secret = Config {
            index_key: [1, 2],
            ..config
        };
        assert_eq!(secret.genesis_hash(&limits), genesis);
    }

    #[test]
    fn policies_have_names_and_bytes() {
        for policy in Policy::ALL {
            assert_eq!(Policy::from_byte(policy.byte()), Some(*policy));
            assert_eq!(Policy::from_name(policy.name()), Some(*policy));
            assert_eq!(policy.with_parameter(policy.parameter()), Some(*policy));
            let has_parameter = policy.parameter() > 0;
            assert_eq!(policy.with_parameter(0).is_none(), has_parameter);
            assert_eq!(policy.with_parameter(7).is_some(), has_parameter);
        }
        assert_eq!(Policy::from_byte(0), None);
        assert_eq!(Policy::from_name("time"), None);
        let endless = Config {
            policy: Policy::TimeBucket { width_ns: 0 },
            ..Config::default()
        };
        let refused = endless.check().unwrap_err();
        assert_eq!(refused, ConfigError::PolicyParameterOutOfRange);
    }
}
