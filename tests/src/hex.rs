//! Bytes as lower-case hexadecimal digits.

use std::fmt::Write as _;

/// Two digits a byte, without a prefix.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes behind the digits; nothing where `text` is not pairs of digits.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| match pair {
            [high, low] => {
                let value = |digit: &u8| char::from(*digit).to_digit(16);
                u8::try_from(value(high)? * 16 + value(low)?).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn digits_go_both_ways_and_nonsense_is_refused() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Some(all));
        assert_eq!(encode(&[0, 10, 255]), "000aff");
        assert_eq!(decode("0"), None);
        assert_eq!(decode("0g"), None);
    }
}
