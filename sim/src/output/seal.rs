//! Files that end with a checksum of their own bytes.
//!
//! `body ++ 64 lower-case hexadecimal digits ++ ending`, where the digits are SHA-256 of the body
//! and the ending is fixed for the file. Every byte is bound: the body by the digits, the digits
//! by the body, the ending by its one spelling.

use sha2::{Digest as _, Sha256};

use super::json::Digest;

/// How `timing.json` ends.
pub(super) const TIMING_ENDING: &str = "\"\n}\n";
/// How `report.html` ends.
pub(super) const REPORT_ENDING: &str = " -->\n";

/// Appends the checksum and the ending.
pub(super) fn seal(mut body: Vec<u8>, ending: &str) -> Vec<u8> {
    let digest = Digest(Sha256::digest(&body).into());
    body.extend_from_slice(digest.to_string().as_bytes());
    body.extend_from_slice(ending.as_bytes());
    body
}

/// The body, if the checksum is right.
pub(super) fn unseal<'a>(bytes: &'a [u8], ending: &str) -> Option<&'a [u8]> {
    let rest = bytes.strip_suffix(ending.as_bytes())?;
    let (body, digits) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
    let digest = Digest(Sha256::digest(body).into());
    (digest.to_string().as_bytes() == digits).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_bound() {
        let sealed = seal(b"body".to_vec(), TIMING_ENDING);
        assert_eq!(unseal(&sealed, TIMING_ENDING), Some(&b"body"[..]));
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(unseal(&changed, TIMING_ENDING), None);
            }
            assert_eq!(unseal(&sealed[..at], TIMING_ENDING), None);
        }
        assert_eq!(unseal(&sealed, REPORT_ENDING), None);
    }
}
