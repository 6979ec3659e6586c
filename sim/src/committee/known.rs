//! What lies outside of members: bodies that were let in, and the accounts of rollups.

use std::collections::HashMap;

use hauptbuch_core::ordering::fair::stream::{Accounts, Bodies, Facts, LoggedId};
use hauptbuch_core::types::{Address, Envelope, Nonce, RollupId, Submission, Transaction, TxId};

use super::facts_of;
use crate::run::Pools;
use crate::workload::Workload;

/// What members look at and nobody's state is.
#[derive(Clone, Copy, Debug)]
pub(super) struct World<'a> {
    /// The transactions that can reach them.
    pub(super) known: &'a Known,
    /// The rollups' accounts.
    pub(super) hosts: &'a Hosts,
    /// The transactions' bytes, which a run has in memory once.
    pub(super) workload: &'a Workload,
    /// What the pools hold that transactions trade with, as was heard last.
    pub(super) pools: &'a Pools,
    /// Where a slot's seed comes from.
    pub(super) seed: u64,
}

static NO_POOLS: Pools = Pools::new();

impl World<'_> {
    /// A transaction that was let in and has not ended, as it was submitted, with its sender's
    /// account as it stands now.
    pub(super) fn submission(&self, id: &TxId) -> Option<Submission<'_>> {
        self.submission_of(self.known.record_of(id)?)
    }

    /// The same by the number of its record.
    pub(super) fn submission_of(&self, record: u32) -> Option<Submission<'_>> {
        let record = self.workload.records().get(record as usize)?;
        let envelope = record.envelope;
        let account_nonce = record.account_nonce.map(|named| {
            let next = self.hosts.next_nonce(envelope.rollup, &envelope.sender);
            next.map_or(named, |next| named.max(next))
        });
        let transaction = Transaction {
            envelope,
            payload: self.workload.payload(record),
        };
        Some(Submission {
            account_nonce,
            hint: self.workload.trade(record).map(|trade| trade.hint),
            ..transaction.into()
        })
    }
}

/// What is outside of all members: bodies that were let in, and accounts.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) known: Known,
    hosts: Hosts,
}

impl Outside {
    pub(super) fn new(record_count: usize) -> Self {
        Self {
            known: Known::new(record_count),
            hosts: Hosts::default(),
        }
    }

    /// What members look at.
    pub(super) const fn world<'a>(&'a self, workload: &'a Workload) -> World<'a> {
        World {
            known: &self.known,
            hosts: &self.hosts,
            workload,
            pools: &NO_POOLS,
            seed: 0,
        }
    }

    /// A transaction was let in.
    pub(super) fn admit(
        &mut self,
        record: u32,
        id: TxId,
        body_bytes: u32,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
    ) {
        if let Some(nonce) = account_nonce {
            self.hosts.name(envelope.rollup, envelope.sender, nonce);
        }
        let id = LoggedId {
            rollup: envelope.rollup,
            id,
            body_bytes,
        };
        self.known.admit(record, id, facts_of(envelope));
    }

    /// A transaction ended; one that was included moves its sender's account on. What it was.
    pub(super) fn end(&mut self, id: &TxId, is_included: bool) -> Option<LoggedId> {
        let (id, facts) = self.known.end(id)?;
        if is_included {
            self.hosts.include(id.rollup, facts.sender, facts.nonce);
        }
        Some(id)
    }
}

/// The bodies of admitted transactions that have not ended. Only looked up, never walked.
#[derive(Debug, Default)]
pub struct Known {
    facts: HashMap<LoggedId, Facts>,
    /// By record of the workload; nothing before it is admitted and after it has ended.
    by_record: Vec<Option<LoggedId>>,
    records: HashMap<TxId, u32>,
}

impl Known {
    pub(super) fn new(record_count: usize) -> Self {
        Self {
            by_record: vec![None; record_count],
            ..Self::default()
        }
    }

    pub(super) fn admit(&mut self, record: u32, id: LoggedId, facts: Facts) {
        self.facts.insert(id, facts);
        self.records.insert(id.id, record);
        if let Some(place) = self.by_record.get_mut(record as usize) {
            *place = Some(id);
        }
    }

    /// Forgets a transaction that has ended; what it was.
    pub(super) fn end(&mut self, id: &TxId) -> Option<(LoggedId, Facts)> {
        let record = self.records.remove(id)?;
        let id = self.by_record.get_mut(record as usize)?.take()?;
        Some((id, self.facts.remove(&id)?))
    }

    /// The number of an admitted transaction's record, until it ends.
    #[must_use]
    pub fn record_of(&self, id: &TxId) -> Option<u32> {
        self.records.get(id).copied()
    }

    pub(super) fn body(&self, record: u32) -> Option<(LoggedId, Facts)> {
        let id = (*self.by_record.get(record as usize)?)?;
        Some((id, *self.facts.get(&id)?))
    }

    pub(super) fn facts_of(&self, id: &LoggedId) -> Option<Facts> {
        self.facts.get(id).copied()
    }
}

impl Bodies for Known {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        self.facts_of(id)
    }
}

/// The accounts of a run's host: each sender's next nonce, where its first record named one.
#[derive(Debug, Default)]
pub struct Hosts {
    next: HashMap<(RollupId, Address), Nonce>,
}

impl Hosts {
    /// A record says what its sender's account nonce is before the run.
    pub(super) fn name(&mut self, rollup: RollupId, sender: Address, nonce: Nonce) {
        self.next.entry((rollup, sender)).or_insert(nonce);
    }

    /// A slot included a transaction.
    pub(super) fn include(&mut self, rollup: RollupId, sender: Address, nonce: Nonce) {
        self.next.insert((rollup, sender), nonce.saturating_add(1));
    }
}

impl Accounts for Hosts {
    fn next_nonce(&self, rollup: RollupId, sender: &Address) -> Option<Nonce> {
        self.next.get(&(rollup, *sender)).copied()
    }
}
