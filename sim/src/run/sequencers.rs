//! Who agrees on the slots of a run.

use hauptbuch_core::config::Config;

use super::{Observer, RunConfig, RunError};
use crate::committee::{Committee, MemberKeys, Parts, PoolCommittee, Setup};
use crate::workload::Workload;

/// Who agrees on the slots of a run.
pub(super) enum Sequencers {
    /// One alone, which agrees with itself and signs nothing.
    One,
    /// Members that write receive logs.
    Logged(Box<Committee>),
    /// Members that take slots from their pools.
    Pooled(Box<PoolCommittee>),
}

/// Makes the committee of a run, if it has one, and tells the observer who signs.
pub(super) fn committee_of(
    workload: &Workload,
    config: &RunConfig,
    core_config: &Config,
    observer: &mut impl Observer,
) -> Result<Sequencers, RunError> {
    let by_logs = config.policy.orders_by_logs();
    let count = config.sequencer_count();
    if !by_logs && count <= 1 && config.membership.is_empty() {
        return Ok(Sequencers::One);
    }
    let arrivals = config.arrivals(workload);
    let arrivals = arrivals.map_err(|error| RunError::Arrivals(error.to_string()))?;
    // A committee has 128 members at most.
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    let plan = &config.membership;
    if plan.is_changeable() {
        plan.check(core_config, count.into())?;
    }
    // A plan has 128 sequencers at most.
    let later = (plan.sequencer_count() as u16).saturating_sub(count);
    let keys = MemberKeys::with_later(config.suite, config.seed, count, later)?;
    observer.on_members(keys.membership());
    let parts = Parts {
        config: core_config,
        limits: &config.limits,
        keys: &keys,
        plan,
    };
    if by_logs {
        let setup = Setup::of(core_config, &config.limits)?;
        let committee = Committee::new(&setup, &parts, &arrivals)?;
        return Ok(Sequencers::Logged(Box::new(committee)));
    }
    let committee = PoolCommittee::new(&parts, config.seed, &arrivals)?;
    Ok(Sequencers::Pooled(Box::new(committee)))
}
