//! What never entered the pool, and what ended there without a slot: why, and by which rule.

use core::fmt::Write as _;

use hauptbuch_core::config::ReplayProtection;
use hauptbuch_core::error::{Code, Fault};

use super::super::text::{bytes, duration, grouped, percent};
use super::Page;
use crate::run::RunConfig;

impl Page<'_> {
    /// Refusals by reason.
    pub(super) fn rejections(&self) -> String {
        let counts = &self.summary.transactions;
        if counts.rejected.0.is_empty() {
            return "<p class=\"none\">Nothing was rejected.</p>\n".into();
        }
        let mut html = head("Reason", "Who can change it");
        for (code, count) in &counts.rejected.0 {
            let retry = if code.is_retryable() {
                "a later try can succeed"
            } else {
                "final"
            };
            let who = format!("{}; {retry}", fault_text(*code));
            self.row(&mut html, *code, *count, code.message(), &who);
        }
        html.push_str("</table>\n");
        html
    }

    /// Ends outside of slots by reason.
    pub(super) fn other_ends(&self) -> String {
        let counts = &self.summary.transactions;
        let ends = [
            (Code::Expired, counts.expired, EXPIRED),
            (Code::Evicted, counts.evicted, EVICTED),
            (Code::Replaced, counts.replaced, REPLACED),
            (Code::Cancelled, counts.cancelled, CANCELLED),
            (Code::Revoked, counts.revoked, REVOKED),
            (Code::Superseded, counts.superseded, SUPERSEDED),
        ];
        let ends: Vec<_> = ends
            .into_iter()
            .filter(|(_, count, _)| count.0 > 0)
            .collect();
        if ends.is_empty() {
            return "<p class=\"none\">All that was admitted was included.</p>\n".into();
        }
        let mut html = head("End", "When that happens");
        for (code, count, when) in ends {
            self.row(&mut html, code, count.0, code.message(), when);
        }
        html.push_str("</table>\n");
        html
    }

    fn row(&self, html: &mut String, code: Code, count: u64, message: &str, last: &str) {
        let rule = rule_text(code, self.config);
        let rule = if rule.is_empty() {
            String::new()
        } else {
            format!(" <span class=\"rule\">({rule})</span>")
        };
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code> {}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td>{message}{rule}</td><td>{last}</td></tr>",
            code.name(),
            code.number(),
            grouped(count),
            percent(count, self.summary.transactions.submitted.0),
        );
    }
}

fn head(first: &str, last: &str) -> String {
    format!(
        "<table>\n<tr><th>{first}</th><th class=\"n\">Count</th><th class=\"n\">Share</th>\
         <th>What it means</th><th>{last}</th></tr>\n"
    )
}

/// The limit or choice that a code follows from, with its value in this run; nothing where the
/// message says it all.
fn rule_text(code: Code, config: &RunConfig) -> String {
    let limits = &config.limits;
    let quota = |quota: &hauptbuch_core::limits::Quota| {
        let gas = match quota.gas_max {
            u64::MAX => "any gas".to_owned(),
            gas_max => format!("{} gas", grouped(gas_max)),
        };
        let count = grouped(u64::from(quota.count_max));
        format!(
            "at most {count} transactions, {}, {gas}",
            bytes(quota.bytes_max)
        )
    };
    let count = |count: u32| grouped(u64::from(count));
    match code {
        Code::PayloadTooLarge => {
            let max = bytes(u64::from(limits.payload_bytes_max));
            format!("payload_bytes_max: {max}")
        }
        Code::GasTooLarge => format!("slot_gas_max: {}", grouped(limits.slot_gas_max)),
        Code::FeeTooLow => format!("fee_floor: {} per gas", grouped(config.fee_floor.get())),
        Code::ExpiryMissing | Code::ExpiryTooFar => match config.replay_protection {
            ReplayProtection::ByExpiry { horizon_ns } => {
                format!("within {} of its admission", duration(horizon_ns))
            }
            _ => String::new(),
        },
        Code::MissingPredecessor => format!(
            "sender_gapped_count_max: {}; nonce_gap_max: {}; none from {} % of the pool on",
            count(limits.sender_gapped_count_max),
            count(limits.nonce_gap_max),
            config.pool.gap_refusal_percent
        ),
        Code::PoolFull => format!(
            "pending_count_max: {}, of them {} for senders with fewer than {} in the pool",
            count(limits.pending_count_max),
            count(limits.quiet_reserved_count),
            config.pool.quiet_pending_count_max
        ),
        Code::PoolBytesFull => format!("pending_bytes_max: {}", bytes(limits.pending_bytes_max)),
        Code::SenderTableFull => format!("sender_count_max: {}", count(limits.sender_count_max)),
        Code::ReplacementUnderpriced => format!(
            "replacement_bump_percent: {} % more per gas",
            config.pool.replacement_bump_percent
        ),
        Code::SenderQuotaExceeded => quota(&limits.sender_quota),
        Code::OriginQuotaExceeded => quota(&limits.origin_quota),
        Code::AlreadyEnded => format!("seen_count_max: the last {}", count(limits.seen_count_max)),
        Code::HintTableFull => format!("hint_count_max: {}", count(limits.hint_count_max)),
        _ => String::new(),
    }
}

const fn fault_text(code: Code) -> &'static str {
    match code.fault() {
        Fault::Sender => "the sender",
        Fault::Operator => "the operator, with larger limits",
        Fault::Caller => "the program that submits",
        _ => "nobody",
    }
}

const EXPIRED: &str = "its expiry came before its turn, or the run ended while a nonce before it \
                       was missing";
const EVICTED: &str = "the pool was full, and one that pays more per gas, or a quiet sender's, \
                       took its place";
const REPLACED: &str = "its sender sent another one with the same nonce that pays enough more";
const CANCELLED: &str = "its sender withdrew it before a slot took it";
const REVOKED: &str = "a slot that it depended on was given back";
const SUPERSEDED: &str = "the host's account moved past its nonce";
