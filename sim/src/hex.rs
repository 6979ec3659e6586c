//! Bytes as hexadecimal digits.

/// Appends the lower-case digits of `bytes`.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// The lower-case digits of `bytes`.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut digits = Vec::new();
    encode(bytes, &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

/// The digits without a leading `0x`.
pub(crate) fn strip_prefix(text: &str) -> &[u8] {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.unwrap_or(text).as_bytes()
}

/// Appends the bytes that the digits stand for; false, with `out` as it was, where they stand for
/// none.
pub(crate) fn decode(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return false;
    }
    let start = out.len();
    let mut seen = 0;
    out.extend(pairs.iter().map(|[high, low]| {
        let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
        seen |= high | low;
        high << 4 | low
    }));
    let is_whole = seen < 16;
    if !is_whole {
        out.truncate(start);
    }
    is_whole
}

/// The `N` bytes that exactly `2 * N` digits stand for.
pub(crate) fn decode_array<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    Some(VALUES[usize::from(digit)]).filter(|value| *value < 16)
}

/// What each byte stands for as a digit; more than 15 for any that is none. Digits are as good as
/// random, so that a look-up takes a fraction of what comparisons take.
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        let spelled = b"0123456789abcdef"[digit];
        values[spelled as usize] = digit as u8;
        values[spelled.to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        let bytes: Vec<u8> = (0..=255).collect();
        let (mut digits, mut back) = (Vec::new(), vec![9]);
        encode(&bytes, &mut digits);
        assert_eq!(&digits[..6], b"000102");
        assert!(decode(&digits.to_ascii_uppercase(), &mut back));
        assert_eq!(back[1..], bytes);
        assert_eq!(decode_array::<256>(&digits).map(Vec::from), Some(bytes));
    }

    #[test]
    fn anything_else_is_refused_and_leaves_no_trace() {
        let mut out = vec![1];
        for bad in ["0", "0g", "00 1", "éé", "000"] {
            assert!(!decode(bad.as_bytes(), &mut out), "{bad}");
            assert_eq!(out, [1]);
            assert_eq!(decode_array::<1>(bad.as_bytes()), None);
        }
        assert_eq!(decode_array::<2>(b"00"), None);
        assert_eq!(strip_prefix("0x12"), b"12");
        assert_eq!(strip_prefix("12"), b"12");
    }
}
