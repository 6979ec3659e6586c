//! Roots and proofs of the Merkle tree.

use hauptbuch_core::crypto::hash::{Domain, hash};
use hauptbuch_core::crypto::merkle;
use hauptbuch_core::types::Hash;
use serde::{Deserialize, Serialize};

/// Trees around every change of shape up to three levels.
const LEAF_COUNTS: [usize; 12] = [0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 21, 65];

/// Roots and proofs of the Merkle tree.
#[derive(Debug, Deserialize, Serialize)]
pub struct MerkleFile {
    /// What the file holds.
    pub about: String,
    /// One tree each.
    pub trees: Vec<MerkleVector>,
}

/// One tree.
#[derive(Debug, Deserialize, Serialize)]
pub struct MerkleVector {
    /// Its leaves, 32 bytes each.
    pub leaves: Vec<String>,
    /// Its root.
    pub root: String,
    /// Proofs of its first, middle and last leaf.
    pub proofs: Vec<ProofVector>,
}

/// That a leaf stands at a position.
#[derive(Debug, Deserialize, Serialize)]
pub struct ProofVector {
    /// The position.
    pub position: String,
    /// How many leaves the tree has.
    pub leaf_count: String,
    /// The leaf.
    pub leaf: String,
    /// The other children on the way up, level by level, left to right.
    pub siblings: Vec<String>,
}

pub(super) fn compute() -> MerkleFile {
    MerkleFile {
        about: "4-ary SHA3-256 Merkle trees that bind their leaf count. \
                Leaf i is SHA3-256(\"hb/tx/1\" || u64 little-endian i)."
            .into(),
        trees: LEAF_COUNTS.iter().map(|count| tree(*count)).collect(),
    }
}

fn tree(count: usize) -> MerkleVector {
    let leaves: Vec<Hash> = (0..count as u64)
        .map(|i| hash(Domain::TRANSACTION, &i.to_le_bytes()))
        .collect();
    let mut positions = match count {
        0 => vec![],
        _ => vec![0, count / 2, count - 1],
    };
    positions.dedup();
    MerkleVector {
        root: merkle::root(&mut leaves.clone()).to_string(),
        proofs: positions.iter().map(|at| proof(&leaves, *at)).collect(),
        leaves: leaves.iter().map(ToString::to_string).collect(),
    }
}

fn proof(leaves: &[Hash], position: usize) -> ProofVector {
    let proof = merkle::prove(&mut leaves.to_vec(), position).expect("the leaf is there");
    ProofVector {
        position: proof.position.to_string(),
        leaf_count: proof.leaf_count.to_string(),
        leaf: leaves[position].to_string(),
        siblings: proof.siblings.iter().map(ToString::to_string).collect(),
    }
}
