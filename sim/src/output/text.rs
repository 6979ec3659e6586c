//! Numbers as people read them: grouped, and with a unit that fits their size.

pub use crate::error::{counted, grouped};

/// Nanoseconds with three digits and a unit, as in `1.25 ms`.
#[must_use]
pub fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => scaled(ns, 1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(ns, 1_000_000, "ms"),
        1_000_000_000..120_000_000_000 => scaled(ns, 1_000_000_000, "s"),
        _ => scaled(ns, 60_000_000_000, "min"),
    }
}

/// Bytes with three digits and a unit, as in `97.7 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => scaled(count, 1 << 10, "KiB"),
        1_048_576..1_073_741_824 => scaled(count, 1 << 20, "MiB"),
        _ => scaled(count, 1 << 30, "GiB"),
    }
}

/// A share of a whole with one digit after the point, as in `12.5 %`; a share of nothing is `–`.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    let per_mille = (u128::from(part) * 1_000 + u128::from(whole) / 2).checked_div(whole.into());
    per_mille.map_or_else(|| "–".into(), |it| format!("{}.{} %", it / 10, it % 10))
}

/// Somebody else's text as content or attribute of HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Rounded to three digits, and grouped where there are more before the point.
fn scaled(value: u64, unit: u64, name: &str) -> String {
    let rounded = |parts: u64| {
        (u128::from(value) * u128::from(parts) + u128::from(unit) / 2) / u128::from(unit)
    };
    let (hundredths, tenths) = (rounded(100), rounded(10));
    if hundredths < 1_000 {
        format!("{}.{:02} {name}", hundredths / 100, hundredths % 100)
    } else if tenths < 1_000 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", grouped(rounded(1) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (999_499, "999 µs"),
            (1_250_000, "1.25 ms"),
            (119_000_000_000, "119 s"),
            (120_000_000_000, "2.00 min"),
            (u64::MAX, "307,445,735 min"),
        ];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(102_400), "100 KiB");
        assert_eq!(bytes(u64::MAX), "17,179,869,184 GiB");
        assert_eq!(escape("<a b=\"c\">&"), "&lt;a b=&quot;c&quot;&gt;&amp;");
        assert_eq!(percent(1, 8), "12.5 %");
        assert_eq!(percent(0, 0), "–");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0 %");
    }
}
