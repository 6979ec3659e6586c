//! States that were damaged, by accident or on purpose: what every kind of state has to notice.

use std::vec::Vec;

use crate::codec::StateError;
use crate::crypto::hash::{Domain, hash};
use crate::types::Hash;

/// Bytes before the content.
const HEAD_LEN: usize = 9;

/// Changes one byte after another, and cuts the bytes off before each: the checksum or the head
/// tells. `refusal` says why bytes are refused.
pub(crate) fn every_byte_counts(good: &[u8], refusal: impl Fn(&[u8]) -> StateError) {
    let mut bad = good.to_vec();
    for at in 0..good.len() {
        bad[at] ^= 1 << (at % 8);
        let why = refusal(&bad);
        let is_expected = match at {
            0 => why == StateError::UnsupportedVersion,
            1..HEAD_LEN => matches!(why, StateError::Truncated | StateError::TrailingBytes),
            _ => why == StateError::Corrupt,
        };
        assert!(is_expected, "byte {at}: {why:?}");
        bad[at] = good[at];
        assert_eq!(refusal(&good[..at]), StateError::Truncated, "{at} bytes");
    }
    bad.push(0);
    assert_eq!(refusal(&bad), StateError::TrailingBytes);
}

/// Puts a checksum under bytes that were changed on purpose.
pub(crate) fn seal(bytes: &mut [u8], domain: Domain) {
    let (body, place) = bytes.split_at_mut(bytes.len() - Hash::LEN);
    place.copy_from_slice(hash(domain, body).as_bytes());
}

/// A state whose content is changed under a checksum that fits.
pub(crate) struct Forgery<'a> {
    pub good: &'a [u8],
    pub domain: Domain,
    /// What is turned over in a byte, one after another.
    pub flips: &'a [u8],
}

/// How many changed states were refused, and how many are states of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForgeryCounts {
    pub refused: u32,
    pub taken: u32,
}

impl Forgery<'_> {
    /// Where the content stands.
    pub fn places(&self) -> core::ops::Range<usize> {
        HEAD_LEN..self.good.len() - Hash::LEN
    }

    /// Changes the content at each of these places. What is refused has the code that `expected`
    /// names for its place; what `restore` takes, it writes again as the same bytes, so that no
    /// state has two spellings.
    pub fn try_at(
        &self,
        places: impl Iterator<Item = usize>,
        restore: impl Fn(&[u8]) -> Result<Vec<u8>, StateError>,
        expected: impl Fn(usize) -> StateError,
    ) -> ForgeryCounts {
        let mut counts = ForgeryCounts {
            refused: 0,
            taken: 0,
        };
        for at in places {
            for flip in self.flips {
                let mut bad = self.good.to_vec();
                bad[at] ^= flip;
                seal(&mut bad, self.domain);
                match restore(&bad) {
                    Ok(again) => {
                        counts.taken += 1;
                        assert!(again == bad, "byte {at} has two spellings");
                    }
                    Err(why) => {
                        counts.refused += 1;
                        assert_eq!(why, expected(at), "byte {at}");
                    }
                }
            }
        }
        counts
    }
}
