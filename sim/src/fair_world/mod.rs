//! Seeded worlds in which order fairness runs over many slots.
//!
//! A committee of [`Member`]s signs logs, a proposer a slot decides a cut of them, and everybody
//! computes from the cuts what is drained. Up to f members are Byzantine ([`Attack`]), clients send
//! as they like ([`Clients`]), and each link has its own random delays. The committee may change
//! ([`Change`]). Everything follows from the seed. Signatures, gossip and consensus are not in this
//! world: a decided cut is one that every voter accepts, and the last cut is known to whoever
//! proposes.
//!
//! [`World::step`] decides one slot. [`Chronicle`] writes down what honest members logged first and
//! what left the queues, and judges the whole: whether a pair stands reversed that the definition
//! protects, and how many slots anything waited.

mod attacks;
mod chronicle;
mod clients;
mod config;
mod epochs;
mod network;
mod random;
mod rules;
pub mod shipped;
mod world;

pub use attacks::Attack;
pub use chronicle::{Chronicle, Verdict};
pub use clients::{Clients, Crowd, Sending};
pub use config::{Change, WorldConfig};
pub use random::Random;
pub use rules::{
    Book, Cut, Decided, End, Entry, Envelope, GraphImage, Image, Kind, LEAVERS, Member, Next,
    Number, Outcome, Refusal, RollupRules, Room, Rules,
};
pub use world::{Step, World};
