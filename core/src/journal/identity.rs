//! What snapshots and journals belong to.

use crate::codec::Sink;
use crate::config::{Config, PoolConfig};
use crate::crypto::hash::{Domain, Hasher};
use crate::limits::{Limits, Quota};
use crate::types::Hash;

/// What snapshots and journals belong to: a network, and all that decides what becomes of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The genesis hash.
    pub genesis: Hash,
    /// The hash of the limits and of the pool's choices.
    pub settings: Hash,
}

impl Identity {
    /// Hashes both.
    pub fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            genesis: config.genesis_hash(limits),
            settings: settings_hash(&config.pool, limits),
        }
    }
}

/// Hashes every limit and choice that decides what becomes of an input.
///
/// Lanes and the journal's buffer decide nothing of that kind, so they can change from run to run,
/// and so can the secret key of the indexes.
fn settings_hash(choices: &PoolConfig, limits: &Limits) -> Hash {
    let mut out = Hasher::new(Domain::SETTINGS);
    counts(choices, limits)
        .into_iter()
        .for_each(|number| out.u32(number));
    for sum in [
        limits.pending_bytes_max,
        limits.slot_gas_max,
        limits.forced_bytes_max,
        limits.bundle_bytes_max,
    ] {
        out.u64(sum);
    }
    for quota in [&limits.sender_quota, &limits.origin_quota] {
        let Quota {
            count_max,
            bytes_max,
            gas_max,
        } = quota;
        out.u32(*count_max);
        out.u64(*bytes_max);
        out.u64(*gas_max);
    }
    out.finish()
}

/// The numbers of 32 bits in the order in which they are hashed.
fn counts(choices: &PoolConfig, limits: &Limits) -> [u32; 22] {
    // Without `..`, so that a new limit or choice has to find its place here.
    let PoolConfig {
        replacement_bump_percent,
        quiet_pending_count_max,
        gap_refusal_percent,
    } = choices;
    let Limits {
        pending_count_max,
        pending_bytes_max: _,
        payload_bytes_max,
        sender_count_max,
        sender_gapped_count_max,
        sender_quota: _,
        origin_quota: _,
        origin_count_max,
        rollup_reserved_count,
        quiet_reserved_count,
        seen_count_max,
        cancel_count_max,
        hint_count_max,
        forced_count_max,
        forced_bytes_max: _,
        bundle_count_max,
        bundle_leg_count_max,
        bundle_bytes_max: _,
        nonce_gap_max,
        slot_count_max,
        slot_bytes_max,
        slot_gas_max: _,
        set_aside_count_max,
        in_flight_count_max,
        event_count_max,
        journal_bytes_max: _,
        producer_count_max: _,
        lane_count_max: _,
        shared_lane_count_max: _,
        lane_buffer_counts: _,
    } = limits;
    [
        *replacement_bump_percent,
        *quiet_pending_count_max,
        *gap_refusal_percent,
        *pending_count_max,
        *payload_bytes_max,
        *sender_count_max,
        *sender_gapped_count_max,
        *origin_count_max,
        *rollup_reserved_count,
        *quiet_reserved_count,
        *seen_count_max,
        *cancel_count_max,
        *hint_count_max,
        *forced_count_max,
        *bundle_count_max,
        *bundle_leg_count_max,
        *nonce_gap_max,
        *slot_count_max,
        *slot_bytes_max,
        *set_aside_count_max,
        *in_flight_count_max,
        *event_count_max,
    ]
}
