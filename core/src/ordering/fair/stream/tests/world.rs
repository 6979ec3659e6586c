//! A committee in one process: honest members, a cut each slot, everything checked after it.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::super::*;
use crate::ordering::fair::{Gamma, GammaMode, Parameters, Rank};
use crate::types::{Address, Gas, Height, Nonce, RollupId, TxId, UnixNs};

/// Bodies by id.
#[derive(Clone, Debug, Default)]
pub struct Library(pub BTreeMap<LoggedId, Facts>);

impl Bodies for Library {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        self.0.get(id).copied()
    }
}

pub const ROLLUP: RollupId = RollupId::new(7);

pub fn id(name: u64) -> LoggedId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&name.to_be_bytes());
    LoggedId {
        rollup: ROLLUP,
        id: TxId::new(bytes),
        body_bytes: 100,
    }
}

pub fn facts(sender: u64, nonce: u64) -> Facts {
    let mut address = [0; 20];
    address[..8].copy_from_slice(&sender.to_be_bytes());
    Facts {
        sender: Address::new(address),
        nonce: Nonce::new(nonce),
        gas: Gas::new(1),
        expiry: UnixNs::NEVER,
    }
}

pub fn small_limits() -> FairLimits {
    FairLimits {
        member_count_max: 0,
        leaver_count_max: 0,
        closing_slots_max: 20,
        first_hand_count_max: 4,
        first_hand_bytes_max: 10_000,
        extent_entries_max: 24,
        log_age_slots_max: 6,
        graph_count_max: 3,
        cursor_count_max: 100,
        drained_count_max: 400,
        arrival_count_max: 64,
        ranked_pairs_max: 0,
        slot_room: Room {
            count: 8,
            bytes: 10_000,
            gas: Gas::new(100),
        },
    }
}

pub fn parameters(n: u32, f: u32) -> Parameters {
    Parameters::new(n, f, Gamma::ONE, GammaMode::All).unwrap()
}

/// A stream, its twin, and the logs that cuts are taken from.
pub struct World {
    pub stream: FairStream,
    pub bodies: Library,
    pub rollups: Vec<RollupSlot>,
    pub n: usize,
}

impl World {
    pub fn new(n: u32, f: u32, limits: &FairLimits, parts: &[RollupPart]) -> Self {
        let own = parameters(n, f);
        let key = [3, 5];
        Self {
            stream: FairStream::new(own, limits, parts, Rank::Copeland, key).unwrap(),
            bodies: Library::default(),
            rollups: std::vec![RollupSlot::default(); parts.len()],
            n: n as usize,
        }
    }

    /// A world with one rollup and small limits.
    pub fn small(n: u32, f: u32) -> Self {
        let limits = small_limits();
        Self::new(n, f, &limits, &[RollupPart::whole(ROLLUP, &limits)])
    }

    pub fn body(&mut self, name: u64, sender: u64, nonce: u64) -> LoggedId {
        self.bodies.0.insert(id(name), facts(sender, nonce));
        id(name)
    }

    /// Applies a cut of these ids, each with the last decided slot as its base; all logs move.
    pub fn slot(&mut self, logs: &[&[u64]]) -> Result<(), ApplyError> {
        let base = self.stream.height();
        let entries: Vec<Vec<Entry>> = (0..self.n)
            .map(|log| {
                let names = logs.get(log).copied().unwrap_or_default();
                names.iter().map(|name| entry(base, id(*name))).collect()
            })
            .collect();
        let extents: Vec<Extent<'_>> = entries.iter().map(|list| Extent::moved(list)).collect();
        self.cut(&extents)
    }

    /// The same entries in every log.
    pub fn everywhere(&mut self, names: &[u64]) -> Result<(), ApplyError> {
        let logs: Vec<&[u64]> = (0..self.n).map(|_| names).collect();
        self.slot(&logs)
    }

    pub fn cut(&mut self, extents: &[Extent<'_>]) -> Result<(), ApplyError> {
        let cut = Cut {
            height: self.stream.height().next(),
            extents,
        };
        let checked = self.stream.check(&cut);
        let applied = self.stream.apply(&cut, &self.rollups, &self.bodies);
        if let Err(refusal) = checked {
            assert_eq!(applied, Err(ApplyError::Refused(refusal)));
        }
        applied
    }

    pub fn drained(&self) -> Vec<(LoggedId, DrainOutcome)> {
        let drained = self.stream.drained().iter();
        drained.map(|one| (one.id, one.outcome)).collect()
    }
}

pub fn entry(base: Height, id: LoggedId) -> Entry {
    Entry {
        base,
        kind: EntryKind::Id(id),
    }
}
