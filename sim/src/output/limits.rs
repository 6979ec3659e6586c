//! The limits as `genesis.json` spells them.

use hauptbuch_core::limits::{BUFFER_CLASS_COUNT, Limits, Quota};
use serde::{Deserialize, Serialize};

use super::json::Number;

/// Every field of [`Limits`], in its order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LimitsSpelling {
    pending_count_max: u32,
    pending_bytes_max: Number,
    payload_bytes_max: u32,
    sender_count_max: u32,
    sender_gapped_count_max: u32,
    sender_quota: QuotaSpelling,
    origin_quota: QuotaSpelling,
    origin_count_max: u32,
    rollup_reserved_count: u32,
    quiet_reserved_count: u32,
    seen_count_max: u32,
    cancel_count_max: u32,
    hint_count_max: u32,
    forced_count_max: u32,
    forced_bytes_max: Number,
    bundle_count_max: u32,
    bundle_leg_count_max: u32,
    bundle_bytes_max: Number,
    nonce_gap_max: u32,
    slot_count_max: u32,
    slot_bytes_max: u32,
    slot_gas_max: Number,
    set_aside_count_max: u32,
    in_flight_count_max: u32,
    event_count_max: u32,
    producer_count_max: u32,
    lane_count_max: u32,
    shared_lane_count_max: u32,
    lane_buffer_counts: [u32; BUFFER_CLASS_COUNT],
}

/// Every field of [`Quota`], in its order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct QuotaSpelling {
    count_max: u32,
    bytes_max: Number,
    gas_max: Number,
}

impl QuotaSpelling {
    const fn new(quota: &Quota) -> Self {
        Self {
            count_max: quota.count_max,
            bytes_max: Number(quota.bytes_max),
            gas_max: Number(quota.gas_max),
        }
    }

    const fn quota(&self) -> Quota {
        Quota {
            count_max: self.count_max,
            bytes_max: self.bytes_max.0,
            gas_max: self.gas_max.0,
        }
    }
}

impl LimitsSpelling {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            pending_count_max: limits.pending_count_max,
            pending_bytes_max: Number(limits.pending_bytes_max),
            payload_bytes_max: limits.payload_bytes_max,
            sender_count_max: limits.sender_count_max,
            sender_gapped_count_max: limits.sender_gapped_count_max,
            sender_quota: QuotaSpelling::new(&limits.sender_quota),
            origin_quota: QuotaSpelling::new(&limits.origin_quota),
            origin_count_max: limits.origin_count_max,
            rollup_reserved_count: limits.rollup_reserved_count,
            quiet_reserved_count: limits.quiet_reserved_count,
            seen_count_max: limits.seen_count_max,
            cancel_count_max: limits.cancel_count_max,
            hint_count_max: limits.hint_count_max,
            forced_count_max: limits.forced_count_max,
            forced_bytes_max: Number(limits.forced_bytes_max),
            bundle_count_max: limits.bundle_count_max,
            bundle_leg_count_max: limits.bundle_leg_count_max,
            bundle_bytes_max: Number(limits.bundle_bytes_max),
            nonce_gap_max: limits.nonce_gap_max,
            slot_count_max: limits.slot_count_max,
            slot_bytes_max: limits.slot_bytes_max,
            slot_gas_max: Number(limits.slot_gas_max),
            set_aside_count_max: limits.set_aside_count_max,
            in_flight_count_max: limits.in_flight_count_max,
            event_count_max: limits.event_count_max,
            producer_count_max: limits.producer_count_max,
            lane_count_max: limits.lane_count_max,
            shared_lane_count_max: limits.shared_lane_count_max,
            lane_buffer_counts: limits.lane_buffer_counts,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            pending_count_max: self.pending_count_max,
            pending_bytes_max: self.pending_bytes_max.0,
            payload_bytes_max: self.payload_bytes_max,
            sender_count_max: self.sender_count_max,
            sender_gapped_count_max: self.sender_gapped_count_max,
            sender_quota: self.sender_quota.quota(),
            origin_quota: self.origin_quota.quota(),
            origin_count_max: self.origin_count_max,
            rollup_reserved_count: self.rollup_reserved_count,
            quiet_reserved_count: self.quiet_reserved_count,
            seen_count_max: self.seen_count_max,
            cancel_count_max: self.cancel_count_max,
            hint_count_max: self.hint_count_max,
            forced_count_max: self.forced_count_max,
            forced_bytes_max: self.forced_bytes_max.0,
            bundle_count_max: self.bundle_count_max,
            bundle_leg_count_max: self.bundle_leg_count_max,
            bundle_bytes_max: self.bundle_bytes_max.0,
            nonce_gap_max: self.nonce_gap_max,
            slot_count_max: self.slot_count_max,
            slot_bytes_max: self.slot_bytes_max,
            slot_gas_max: self.slot_gas_max.0,
            set_aside_count_max: self.set_aside_count_max,
            in_flight_count_max: self.in_flight_count_max,
            event_count_max: self.event_count_max,
            // A run keeps no journal, which would decide nothing.
            journal_bytes_max: 0,
            producer_count_max: self.producer_count_max,
            lane_count_max: self.lane_count_max,
            shared_lane_count_max: self.shared_lane_count_max,
            lane_buffer_counts: self.lane_buffer_counts,
        }
    }
}
