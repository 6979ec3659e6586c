//! Limits by their names, for everybody who reads them from a file or a dictionary.

use hauptbuch_core::limits::Limits;

/// Every limit that is one number, by the name that [`set_limit`] takes. The parts of a quota stand
/// behind a dot; `lane_buffer_counts`, which is three numbers, is not among them.
pub const LIMIT_NAMES: &[&str] = &[
    "pending_count_max",
    "pending_bytes_max",
    "payload_bytes_max",
    "sender_count_max",
    "sender_gapped_count_max",
    "sender_quota.count_max",
    "sender_quota.bytes_max",
    "sender_quota.gas_max",
    "origin_quota.count_max",
    "origin_quota.bytes_max",
    "origin_quota.gas_max",
    "origin_count_max",
    "rollup_reserved_count",
    "quiet_reserved_count",
    "seen_count_max",
    "cancel_count_max",
    "hint_count_max",
    "forced_count_max",
    "forced_bytes_max",
    "bundle_count_max",
    "bundle_leg_count_max",
    "bundle_bytes_max",
    "nonce_gap_max",
    "slot_count_max",
    "slot_bytes_max",
    "slot_gas_max",
    "set_aside_count_max",
    "in_flight_count_max",
    "event_count_max",
    "producer_count_max",
    "lane_count_max",
    "shared_lane_count_max",
];

/// Why a limit was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// There is no limit of this name.
    Unknown,
    /// The number does not fit its type; this is the largest that does.
    TooLarge(u64),
}

/// Sets one limit by its name. Ranges are checked by [`Limits::check`], not here.
///
/// # Errors
/// A [`SettingError`]; nothing changes then.
pub fn set_limit(limits: &mut Limits, name: &str, value: u64) -> Result<(), SettingError> {
    match place_of(limits, name).ok_or(SettingError::Unknown)? {
        Place::Small(place) => {
            let small = u32::try_from(value);
            *place = small.map_err(|_| SettingError::TooLarge(u64::from(u32::MAX)))?;
        }
        Place::Large(place) => *place = value,
    }
    Ok(())
}

/// Shrinks the shares and searches that nobody chose so that they fit the limits that somebody did.
///
/// `is_set` says of a name whether somebody chose it. A pool with room for few reserves less, an
/// eighth of it for quiet senders and a sixteenth for each rollup, and a slot passes over no more
/// senders than there are.
pub fn fit_unset(limits: &mut Limits, is_set: impl Fn(&str) -> bool) {
    if !is_set("rollup_reserved_count") {
        let share = limits.pending_count_max / 16;
        limits.rollup_reserved_count = limits.rollup_reserved_count.min(share);
    }
    if !is_set("quiet_reserved_count") {
        let share = limits.pending_count_max / 8;
        limits.quiet_reserved_count = limits.quiet_reserved_count.min(share);
    }
    if !is_set("set_aside_count_max") {
        limits.set_aside_count_max = limits.set_aside_count_max.min(limits.sender_count_max);
    }
}

enum Place<'a> {
    Small(&'a mut u32),
    Large(&'a mut u64),
}

fn place_of<'a>(limits: &'a mut Limits, name: &str) -> Option<Place<'a>> {
    use Place::{Large, Small};
    Some(match name {
        "pending_count_max" => Small(&mut limits.pending_count_max),
        "pending_bytes_max" => Large(&mut limits.pending_bytes_max),
        "payload_bytes_max" => Small(&mut limits.payload_bytes_max),
        "sender_count_max" => Small(&mut limits.sender_count_max),
        "sender_gapped_count_max" => Small(&mut limits.sender_gapped_count_max),
        "sender_quota.count_max" => Small(&mut limits.sender_quota.count_max),
        "sender_quota.bytes_max" => Large(&mut limits.sender_quota.bytes_max),
        "sender_quota.gas_max" => Large(&mut limits.sender_quota.gas_max),
        "origin_quota.count_max" => Small(&mut limits.origin_quota.count_max),
        "origin_quota.bytes_max" => Large(&mut limits.origin_quota.bytes_max),
        "origin_quota.gas_max" => Large(&mut limits.origin_quota.gas_max),
        "origin_count_max" => Small(&mut limits.origin_count_max),
        "rollup_reserved_count" => Small(&mut limits.rollup_reserved_count),
        "quiet_reserved_count" => Small(&mut limits.quiet_reserved_count),
        "seen_count_max" => Small(&mut limits.seen_count_max),
        "cancel_count_max" => Small(&mut limits.cancel_count_max),
        "hint_count_max" => Small(&mut limits.hint_count_max),
        "forced_count_max" => Small(&mut limits.forced_count_max),
        "forced_bytes_max" => Large(&mut limits.forced_bytes_max),
        "bundle_count_max" => Small(&mut limits.bundle_count_max),
        "bundle_leg_count_max" => Small(&mut limits.bundle_leg_count_max),
        "bundle_bytes_max" => Large(&mut limits.bundle_bytes_max),
        "nonce_gap_max" => Small(&mut limits.nonce_gap_max),
        "slot_count_max" => Small(&mut limits.slot_count_max),
        "slot_bytes_max" => Small(&mut limits.slot_bytes_max),
        "slot_gas_max" => Large(&mut limits.slot_gas_max),
        "set_aside_count_max" => Small(&mut limits.set_aside_count_max),
        "in_flight_count_max" => Small(&mut limits.in_flight_count_max),
        "event_count_max" => Small(&mut limits.event_count_max),
        "producer_count_max" => Small(&mut limits.producer_count_max),
        "lane_count_max" => Small(&mut limits.lane_count_max),
        "shared_lane_count_max" => Small(&mut limits.shared_lane_count_max),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_sets_a_limit_of_its_own() {
        let mut limits = Limits::default();
        for (value, name) in (1_000..).zip(LIMIT_NAMES) {
            set_limit(&mut limits, name, value).unwrap();
        }
        for (value, name) in (1_000..).zip(LIMIT_NAMES) {
            let found = match place_of(&mut limits, name).unwrap() {
                Place::Small(place) => u64::from(*place),
                Place::Large(place) => *place,
            };
            assert_eq!(found, value, "{name}");
        }
        // Every limit that prints as one number has a name here, and the lanes' buffers are three.
        let numbers = format!("{limits:?}").matches(char::is_whitespace).count();
        assert!(numbers > 0);
        let shown = format!("{limits:?}");
        let values = shown.split(|c: char| !c.is_ascii_digit());
        let set = values.filter(|word| word.parse().is_ok_and(|n: u64| n >= 1_000));
        assert_eq!(set.count(), LIMIT_NAMES.len());
        let fields = shown.matches(": ").count();
        // Two quotas and the buffers print as one field more each; a run keeps no journal.
        assert_eq!(fields, LIMIT_NAMES.len() + 4);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut limits = Limits::default();
        let refused = set_limit(&mut limits, "slot_count_max", 1 << 32);
        assert_eq!(refused, Err(SettingError::TooLarge(u64::from(u32::MAX))));
        let refused = set_limit(&mut limits, "speed", 1);
        assert_eq!(refused, Err(SettingError::Unknown));
        assert_eq!(limits, Limits::default());
    }

    #[test]
    fn a_small_pool_gets_small_shares_unless_they_were_chosen() {
        let small = Limits {
            pending_count_max: 64,
            sender_count_max: 32,
            ..Limits::default()
        };
        assert!(small.check().is_err());
        let mut fitted = small.clone();
        fit_unset(&mut fitted, |_| false);
        fitted.check().unwrap();
        let mut chosen = small.clone();
        fit_unset(&mut chosen, |_| true);
        assert_eq!(chosen, small);
        let mut default = Limits::default();
        fit_unset(&mut default, |_| false);
        assert_eq!(default, Limits::default());
    }
}
