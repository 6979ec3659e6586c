//! Signatures of members, as a test double.

use hauptbuch_core::types::MemberIndex;

use super::random::mix;

/// Bytes of a signature.
pub(super) const SIGNATURE_LEN: usize = 16;

/// The secret keys of all members of a world.
///
/// A signature is 128 bits of a keyed mix of what is signed. Within a world nobody makes one
/// without the key, since only the world holds keys and it does not search for collisions;
/// outside of one it protects nothing. It is some thousand times faster than what it stands for,
/// and lets a world check that a statement was really signed.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    seed: u64,
}

impl Keys {
    /// Keys for a world.
    pub const fn new(seed: u64) -> Self {
        Self { seed: mix(seed) }
    }

    /// A member's signature over some bytes.
    pub fn sign(&self, member: MemberIndex, bytes: &[u8]) -> [u8; SIGNATURE_LEN] {
        let mut low = mix(self.seed ^ (u64::from(member.get()) << 32));
        let mut high = mix(low);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (place, byte) in word.iter_mut().zip(chunk) {
                *place = *byte;
            }
            let word = u64::from_le_bytes(word);
            low = (low ^ word).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            low ^= low >> 29;
            high = (high.rotate_left(23) ^ word).wrapping_mul(0x94D0_49BB_1331_11EB);
        }
        let mut signature = [0; SIGNATURE_LEN];
        signature[..8].copy_from_slice(&mix(low ^ bytes.len() as u64).to_le_bytes());
        signature[8..].copy_from_slice(&mix(high ^ low).to_le_bytes());
        signature
    }

    /// Whether a signature is the member's.
    pub fn is_good(&self, member: MemberIndex, bytes: &[u8], signature: &[u8]) -> bool {
        signature == self.sign(member, bytes)
    }
}
