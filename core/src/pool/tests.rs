//! The pool against a plain model without bounds, and every refusal on its own.

mod admission;
mod model;
mod pair;

use std::vec;

use super::*;
use crate::codec::Writer;
use crate::config::Policy;
use crate::crypto::hash::transaction_id;
use crate::event::EventQueue;
use crate::metrics::Metrics;
use crate::types::{CandidateSource, Envelope, Submission, Tick};

/// The second one's nonces come in windows.
const ROLLUPS: [u32; 2] = [3, 8];

/// So small that every kind of fullness is common.
fn tiny_limits() -> Limits {
    Limits {
        pending_count_max: 8,
        pending_bytes_max: 6 * 128,
        payload_bytes_max: 300,
        sender_count_max: 5,
        sender_gapped_count_max: 2,
        sender_quota: Quota {
            count_max: 3,
            bytes_max: 420,
            gas_max: 250,
        },
        origin_quota: Quota {
            count_max: 6,
            bytes_max: 610,
            gas_max: 400,
        },
        origin_count_max: 3,
        rollup_reserved_count: 1,
        quiet_reserved_count: 2,
        seen_count_max: 4,
        cancel_count_max: 2,
        nonce_gap_max: 5,
        slot_gas_max: 100,
        set_aside_count_max: 2,
        ..Limits::default()
    }
}

/// So that displacing is common: by count, and by bytes several at once.
fn crowded_limits() -> Limits {
    let wide = Quota {
        count_max: 100,
        bytes_max: 1 << 20,
        gas_max: 1 << 20,
    };
    Limits {
        pending_count_max: 13,
        pending_bytes_max: 18 * 128,
        sender_count_max: 14,
        sender_gapped_count_max: 4,
        sender_quota: wide,
        origin_quota: wide,
        rollup_reserved_count: 2,
        quiet_reserved_count: 5,
        seen_count_max: 12,
        ..tiny_limits()
    }
}

fn config(policy: Policy, replay_protection: ReplayProtection) -> Config {
    let base = Config {
        policy,
        replay_protection,
        fee_floor: Fee::new(2),
        pool: PoolConfig {
            quiet_pending_count_max: 1,
            gap_refusal_percent: 80,
            ..PoolConfig::default()
        },
        index_key: [11, 12],
        ..Config::default()
    };
    let [one_by_one, windows] = ROLLUPS.map(RollupId::new);
    let rollups = [
        RollupConfig::from(one_by_one),
        RollupConfig {
            id: windows,
            nonce_mode: crate::config::NonceMode::Window,
        },
    ];
    base.with_rollups(&rollups).unwrap()
}

fn id_of(transaction: &Transaction<'_>) -> TxId {
    let mut bytes = vec![0; transaction.encoded_len()];
    transaction.encode(&mut Writer::new(&mut bytes)).unwrap();
    transaction_id(&bytes)
}
