//! From what stands in a field to what it means, or to what should have stood there.

use std::borrow::Cow;

use super::table::Cell;
use crate::hex;

/// What a field should have held.
pub(crate) type Expected = &'static str;

impl<'a> Cell<'a> {
    /// A number up to `max`; nothing where nothing stands.
    pub(super) fn number(self, max: u128, expected: Expected) -> Result<Option<u128>, Expected> {
        let number = match self {
            Self::Missing => return Ok(None),
            Self::Number(number) => Some(number),
            Self::Text(text) => decimal(text),
            Self::Negative(_) | Self::Bytes(_) => None,
        };
        match number {
            Some(number) if number <= max => Ok(Some(number)),
            _ => Err(expected),
        }
    }

    /// A number of 64 bits; nothing where nothing stands.
    pub(crate) fn u64(self) -> Result<Option<u64>, Expected> {
        let number = self.number(u128::from(u64::MAX), U64_EXPECTED)?;
        Ok(number.map(|number| number as u64))
    }

    /// Exactly `N` bytes; nothing where nothing stands.
    pub(crate) fn array<const N: usize>(
        self,
        expected: Expected,
    ) -> Result<Option<[u8; N]>, Expected> {
        let bytes = match self {
            Self::Missing => return Ok(None),
            Self::Bytes(bytes) => bytes.try_into().ok(),
            Self::Text(text) => hex::decode_array(hex::strip_prefix(text)),
            Self::Number(_) | Self::Negative(_) => None,
        };
        bytes.map(Some).ok_or(expected)
    }

    /// Appends any number of bytes; none where nothing stands.
    pub(super) fn append_bytes(self, out: &mut Vec<u8>) -> Result<(), Expected> {
        let is_good = match self {
            Self::Missing => true,
            Self::Bytes(bytes) => {
                out.extend_from_slice(bytes);
                true
            }
            Self::Text(text) => hex::decode(hex::strip_prefix(text), out),
            Self::Number(_) | Self::Negative(_) => false,
        };
        is_good.then_some(()).ok_or(BYTES_EXPECTED)
    }

    /// A name: text, or a number as its digits; nothing where nothing stands.
    pub(super) fn name(self) -> Result<Option<Cow<'a, str>>, Expected> {
        match self {
            Self::Missing => Ok(None),
            Self::Text(text) => Ok(Some(Cow::Borrowed(text))),
            Self::Number(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Self::Negative(_) | Self::Bytes(_) => Err(NAME_EXPECTED),
        }
    }

    /// What a message shows of it.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Number(number) => number.to_string(),
            Self::Negative(number) => number.to_string(),
            Self::Text(text) => crate::error::shown(text),
            Self::Bytes(bytes) => {
                let mut digits = b"0x".to_vec();
                hex::encode(&bytes[..bytes.len().min(19)], &mut digits);
                format!(
                    "{} ({} bytes)",
                    String::from_utf8_lossy(&digits),
                    bytes.len()
                )
            }
        }
    }
}

/// The number that decimal digits and nothing else stand for.
fn decimal(text: &str) -> Option<u128> {
    // The standard parser would take a sign.
    let is_plain = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

pub(super) const U64_EXPECTED: Expected = "a whole number from 0 to 18446744073709551615";
pub(super) const U128_EXPECTED: Expected = "a whole number from 0 to 2^128 - 1";
pub(super) const ADDRESS_EXPECTED: Expected = "an address of 20 bytes in hexadecimal digits";
pub(super) const SIDE_EXPECTED: Expected = "`buy` or `sell`, seen from the pool's first token";
pub(super) const POSITIVE_EXPECTED: Expected = "a whole number from 1 to 2^128 - 1";
pub(crate) const HASH_EXPECTED: Expected = "a hash of 32 bytes in hexadecimal digits";
pub(super) const BYTES_EXPECTED: Expected = "bytes in hexadecimal digits, two for each";
pub(super) const NAME_EXPECTED: Expected = "the name or number of a rollup";
pub(super) const KIND_EXPECTED: Expected =
    "the number of a kind of transaction (0 for a plain one)";
pub(super) const LEN_EXPECTED: Expected = "a length from 0 to 16777216 bytes";
pub(crate) const TIME_EXPECTED: Expected =
    "a time as a whole number of its unit, at most 18446744073709551615 ns";
pub(super) const NONCE_ROOM_EXPECTED: Expected =
    "a nonce that leaves room for the others of its sender below 2^64";
