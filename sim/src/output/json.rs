//! JSON with one spelling for every value.
//!
//! Keys stand in the order of the struct's fields. A line has no spaces; a document has two spaces
//! an indentation level. Both end with one line feed.

use std::fmt;

use hauptbuch_core::types::Hash;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex;

/// The largest number that every JSON reader keeps exactly: 2^53.
pub const EXACT_NUMBER_MAX: u64 = 1 << 53;

/// A whole number: a JSON number up to [`EXACT_NUMBER_MAX`], beyond that a string of its digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 <= EXACT_NUMBER_MAX {
            serializer.serialize_u64(self.0)
        } else {
            serializer.collect_str(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number below 2^64")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: de::Error>(self, digits: &str) -> Result<Number, E> {
                let number = digits.parse().map_err(|_| E::custom("not a number"))?;
                Ok(Number(number))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// 32 bytes as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl From<Hash> for Digest {
    fn from(hash: Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hash::new(self.0), f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = Vec::with_capacity(64);
        hex::encode(&self.0, &mut digits);
        serializer.serialize_str(&String::from_utf8_lossy(&digits))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let bytes = hex::decode_array(digits.as_bytes());
        bytes
            .map(Self)
            .ok_or_else(|| de::Error::custom("expected 64 hexadecimal digits"))
    }
}

/// Appends the value as one line.
pub(super) fn push_line(value: &impl Serialize, out: &mut Vec<u8>) {
    // Neither memory nor these types, whose keys are all strings, can refuse.
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "a value of this module has a spelling");
    out.push(b'\n');
}

/// The value as an indented document.
pub(super) fn document(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let written = serde_json::to_writer_pretty(&mut out, value);
    debug_assert!(written.is_ok(), "a value of this module has a spelling");
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_exact_for_every_reader() {
        let spelled = |number| serde_json::to_string(&Number(number)).unwrap();
        assert_eq!(spelled(0), "0");
        assert_eq!(spelled(1 << 53), "9007199254740992");
        assert_eq!(spelled((1 << 53) + 1), "\"9007199254740993\"");
        assert_eq!(spelled(u64::MAX), "\"18446744073709551615\"");
        for number in [0, 1 << 53, (1 << 53) + 1, u64::MAX] {
            let back: Number = serde_json::from_str(&spelled(number)).unwrap();
            assert_eq!(back, Number(number));
        }
        for bad in ["-1", "1.5", "\"x\"", "null", "\"18446744073709551616\""] {
            assert!(serde_json::from_str::<Number>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_are_64_digits() {
        let digest = Digest([0xab; 32]);
        let spelled = serde_json::to_string(&digest).unwrap();
        assert_eq!(spelled, format!("\"{}\"", "ab".repeat(32)));
        assert_eq!(serde_json::from_str::<Digest>(&spelled).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"ab\"").is_err());
    }
}
