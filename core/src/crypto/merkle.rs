//! A Merkle tree with four children a node that binds the number of its leaves.
//!
//! - A node is SHA3-256 over [`Domain::MERKLE_NODE`] and its one to four children: one permutation
//!   of 135 bytes at most, a third of the hashes of a tree with two children.
//! - A level has ⌈n / 4⌉ nodes over the n below; the last of a level may have fewer children.
//! - The root is SHA3-256 over [`Domain::MERKLE_ROOT`], the leaf count (8 bytes, little-endian)
//!   and the top. The top of one leaf is that leaf; of none, 32 zero bytes.
//!
//! Leaves are digests of another domain, so no leaf can pass for a node. The count fixes the shape
//! of the tree, so no proof can be read against another shape.
//!
//! Cost: about n / 3 permutations for a root, and as many again for each proof that is made (it
//! folds the tree again rather than keep it). A proof for m leaves has at most 3 · ⌈log₄ m⌉
//! digests.

use super::hash::{Domain, MICRO_BATCH, hash_many, hash_parts};
use crate::types::Hash;

/// Children of a node.
pub const ARITY: usize = 4;

/// Levels of the largest tree that can be proven: 4^10 is more leaves than a slot can have.
pub const LEVEL_COUNT_MAX: usize = 10;

/// A node's children as one message.
type Children = [u8; ARITY * Hash::LEN];

/// The root over `leaves`, folded in place: their memory holds inner nodes afterwards.
///
/// ```
/// use hauptbuch_core::crypto::merkle;
/// use hauptbuch_core::types::Hash;
///
/// let leaves: Vec<Hash> = (0..21).map(|i| Hash::new([i; 32])).collect();
/// let root = merkle::root(&mut leaves.clone());
/// let proof = merkle::prove(&mut leaves.clone(), 7).unwrap();
/// assert!(proof.verify(root, leaves[7]));
/// assert!(!proof.verify(root, leaves[8]));
/// ```
pub fn root(leaves: &mut [Hash]) -> Hash {
    let count = leaves.len();
    let mut width = count;
    while width > 1 {
        width = fold_level(leaves, width);
    }
    bind_count(count as u64, leaves.first().copied().unwrap_or_default())
}

/// The proof that the leaf at `position` stands there; nothing if there is no such leaf.
///
/// Folds `leaves` in place, like [`root`].
pub fn prove(leaves: &mut [Hash], position: usize) -> Option<Proof> {
    let count = leaves.len();
    if position >= count {
        return None;
    }
    let mut siblings = heapless::Vec::new();
    let (mut width, mut at) = (count, position);
    while width > 1 {
        let first = at.wrapping_sub(at % ARITY);
        let end = first.saturating_add(ARITY).min(width);
        for sibling in (first..end).filter(|sibling| *sibling != at) {
            siblings.push(*leaves.get(sibling)?).ok()?;
        }
        width = fold_level(leaves, width);
        at /= ARITY;
    }
    Some(Proof {
        leaf_count: count as u64,
        position: position as u64,
        siblings,
    })
}

/// The root over leaves that come one after another, without memory for all of them.
///
/// ```
/// use hauptbuch_core::crypto::merkle;
/// use hauptbuch_core::types::Hash;
///
/// let mut leaves: Vec<Hash> = (0..21).map(|i| Hash::new([i; 32])).collect();
/// let mut folding = merkle::Folding::default();
/// leaves.iter().for_each(|leaf| folding.push(*leaf));
/// assert_eq!(folding.finish(), merkle::root(&mut leaves));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Folding {
    count: u64,
    /// Invariant: fewer than four children wait at each level between two leaves.
    levels: [Waiting; LEVEL_COUNT_MAX + 1],
}

/// Digests of one level whose node is not hashed yet.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    children: [Hash; ARITY],
    count: u8,
}

impl Waiting {
    /// Adds a child; true where it makes the node whole.
    fn push(&mut self, child: Hash) -> bool {
        if let Some(place) = self.children.get_mut(usize::from(self.count)) {
            *place = child;
            self.count = self.count.saturating_add(1);
        }
        usize::from(self.count) == ARITY
    }

    /// The node over the children that wait, which are gone then.
    fn fold(&mut self) -> Hash {
        let mut message: Children = [0; ARITY * Hash::LEN];
        let places = message.chunks_exact_mut(Hash::LEN);
        let children = self.children.iter().take(usize::from(self.count));
        for (child, place) in children.zip(places) {
            place.copy_from_slice(child.as_bytes());
        }
        let len = usize::from(self.count).saturating_mul(Hash::LEN);
        self.count = 0;
        let message = message.get(..len).unwrap_or_default();
        hash_parts(Domain::MERKLE_NODE, &[message])
    }
}

impl Folding {
    /// Adds the next leaf. Leaves beyond 4^[`LEVEL_COUNT_MAX`], more than a slot can have, have no
    /// place in the tree; the root is no longer theirs then.
    pub fn push(&mut self, leaf: Hash) {
        self.count = self.count.saturating_add(1);
        let mut child = leaf;
        for level in &mut self.levels {
            if !level.push(child) {
                return;
            }
            child = level.fold();
        }
    }

    /// How many leaves there are.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is no leaf.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The root over all leaves.
    #[must_use]
    pub fn finish(mut self) -> Hash {
        let mut width = self.count;
        let mut child = None;
        for level in &mut self.levels {
            if let Some(child) = child.take() {
                level.push(child);
            }
            if width <= 1 {
                let [top, ..] = level.children;
                let top = if level.count == 0 { Hash::ZERO } else { top };
                return bind_count(self.count, top);
            }
            if level.count > 0 {
                child = Some(level.fold());
            }
            width = width.div_ceil(ARITY as u64);
        }
        bind_count(self.count, Hash::ZERO)
    }
}

/// That one leaf stands at one position of a tree with a certain number of leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How many leaves the tree has.
    pub leaf_count: u64,
    /// Where the leaf stands.
    pub position: u64,
    /// The other children on the way up, level by level, left to right.
    pub siblings: heapless::Vec<Hash, { LEVEL_COUNT_MAX * (ARITY - 1) }>,
}

impl Proof {
    /// How many siblings a proof has by its shape: the one number that fits its leaf count and
    /// position. Nothing where there is no such leaf, or more leaves than can be proven.
    #[must_use]
    pub fn sibling_count(leaf_count: u64, position: u64) -> Option<usize> {
        const ARITY: u64 = self::ARITY as u64;
        let most = 1_u64 << (2 * LEVEL_COUNT_MAX);
        if position >= leaf_count || leaf_count > most {
            return None;
        }
        let (mut width, mut at, mut siblings) = (leaf_count, position, 0_u64);
        while width > 1 {
            let first = at.wrapping_sub(at % ARITY);
            let children = width.saturating_sub(first).min(ARITY);
            siblings = siblings.saturating_add(children.saturating_sub(1));
            width = width.div_ceil(ARITY);
            at /= ARITY;
        }
        usize::try_from(siblings).ok()
    }

    /// Whether the tree with this root has `leaf` at the proof's position.
    #[must_use]
    pub fn verify(&self, root: Hash, leaf: Hash) -> bool {
        self.expected_root(leaf) == Some(root)
    }

    /// The root that follows if `leaf` stands where the proof says; nothing for a malformed proof.
    #[must_use]
    pub fn expected_root(&self, leaf: Hash) -> Option<Hash> {
        const ARITY: u64 = self::ARITY as u64;
        if self.position >= self.leaf_count {
            return None;
        }
        let mut siblings = self.siblings.iter();
        let (mut width, mut at, mut node) = (self.leaf_count, self.position, leaf);
        while width > 1 {
            let first = at.wrapping_sub(at % ARITY);
            let children = width.saturating_sub(first).min(ARITY);
            let mut message: Children = [0; ARITY as usize * Hash::LEN];
            let mut message_len = 0_usize;
            for (child, place) in (0..children).zip(message.chunks_exact_mut(Hash::LEN)) {
                let is_own = first.wrapping_add(child) == at;
                let value = if is_own { &node } else { siblings.next()? };
                place.copy_from_slice(value.as_bytes());
                message_len = message_len.saturating_add(Hash::LEN);
            }
            node = hash_parts(Domain::MERKLE_NODE, &[message.get(..message_len)?]);
            width = width.div_ceil(ARITY);
            at /= ARITY;
        }
        siblings
            .next()
            .is_none()
            .then(|| bind_count(self.leaf_count, node))
    }
}

fn bind_count(count: u64, top: Hash) -> Hash {
    hash_parts(Domain::MERKLE_ROOT, &[&count.to_le_bytes(), top.as_bytes()])
}

/// Replaces the first `width` digests by the ⌈width / 4⌉ nodes above them, and returns how many.
fn fold_level(digests: &mut [Hash], width: usize) -> usize {
    let mut written = 0_usize;
    let mut read = 0_usize;
    while read < width {
        // Inner nodes land before what is still to be read: 64 nodes take up 256 children.
        let mut messages = [[0_u8; ARITY * Hash::LEN]; MICRO_BATCH];
        let mut lens = [0_usize; MICRO_BATCH];
        let mut nodes = 0_usize;
        for (message, len) in messages.iter_mut().zip(&mut lens) {
            let end = read.saturating_add(ARITY).min(width);
            let Some(children) = digests
                .get(read..end)
                .filter(|children| !children.is_empty())
            else {
                break;
            };
            for (child, place) in children.iter().zip(message.chunks_exact_mut(Hash::LEN)) {
                place.copy_from_slice(child.as_bytes());
            }
            *len = children.len().saturating_mul(Hash::LEN);
            read = end;
            nodes = nodes.saturating_add(1);
        }
        let mut inputs: [&[u8]; MICRO_BATCH] = [&[]; MICRO_BATCH];
        for ((input, message), len) in inputs.iter_mut().zip(&messages).zip(&lens) {
            *input = message.get(..*len).unwrap_or_default();
        }
        let end = written.saturating_add(nodes);
        let (Some(inputs), Some(out)) = (inputs.get(..nodes), digests.get_mut(written..end)) else {
            return written;
        };
        hash_many(Domain::MERKLE_NODE, inputs, out);
        written = end;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The definition, level by level, with nothing shared with the code above.
    fn plain_root(leaves: &[Hash]) -> Hash {
        use sha3::{Digest as _, Sha3_256};
        let mut level: Vec<Vec<u8>> = leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).collect();
        while level.len() > 1 {
            level = level
                .chunks(4)
                .map(|children| {
                    let mut hasher = Sha3_256::new();
                    hasher.update(b"hb/mn/1");
                    children.iter().for_each(|child| hasher.update(child));
                    hasher.finalize().to_vec()
                })
                .collect();
        }
        let mut hasher = Sha3_256::new();
        hasher.update(b"hb/mr/1");
        hasher.update((leaves.len() as u64).to_le_bytes());
        hasher.update(level.first().cloned().unwrap_or(std::vec![0; 32]));
        Hash::new(hasher.finalize().into())
    }

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count)
            .map(|i| super::super::hash::hash(Domain::TRANSACTION, &[i as u8, (i >> 8) as u8]))
            .collect()
    }

    #[test]
    fn roots_follow_the_definition() {
        for count in (0..=70).chain([255, 256, 257, 1_023, 1_025, 4_097]) {
            let leaves = leaves(count);
            assert_eq!(
                root(&mut leaves.clone()),
                plain_root(&leaves),
                "{count} leaves"
            );
        }
    }

    #[test]
    fn leaves_one_after_another_have_the_same_root() {
        for count in (0..=70).chain([255, 256, 257, 1_023, 1_024, 1_025, 4_097]) {
            let mut folding = Folding::default();
            let leaves = leaves(count);
            leaves.iter().for_each(|leaf| folding.push(*leaf));
            assert_eq!(folding.len(), count as u64);
            assert_eq!(folding.finish(), plain_root(&leaves), "{count} leaves");
        }
    }

    #[test]
    fn every_leaf_can_be_proven_and_nothing_else() {
        for count in [1, 2, 3, 4, 5, 15, 16, 17, 63, 65, 257] {
            let leaves = leaves(count);
            let root = root(&mut leaves.clone());
            for (position, leaf) in leaves.iter().enumerate() {
                let proof = prove(&mut leaves.clone(), position).unwrap();
                assert!(proof.verify(root, *leaf));
                let siblings = Proof::sibling_count(count as u64, position as u64);
                assert_eq!(siblings, Some(proof.siblings.len()));
                assert!(!proof.verify(root, Hash::new([1; 32])));
                let moved = Proof {
                    position: (position as u64) ^ 1,
                    ..proof.clone()
                };
                assert!(!moved.verify(root, *leaf));
                let longer = Proof {
                    leaf_count: proof.leaf_count + 1,
                    ..proof.clone()
                };
                assert!(!longer.verify(root, *leaf));
                for at in 0..proof.siblings.len() {
                    let mut wrong = proof.clone();
                    wrong.siblings[at] = Hash::new([2; 32]);
                    assert!(!wrong.verify(root, *leaf));
                    let mut shorter = proof.clone();
                    shorter.siblings.remove(at);
                    assert!(!shorter.verify(root, *leaf));
                }
            }
            assert_eq!(prove(&mut leaves.clone(), count), None);
        }
    }

    #[test]
    fn a_hostile_proof_ends() {
        let proof = Proof {
            leaf_count: u64::MAX,
            position: 3,
            siblings: heapless::Vec::new(),
        };
        assert!(!proof.verify(Hash::ZERO, Hash::ZERO));
    }
}
