//! Members that contradicted themselves.

use super::{SigRef, SignatureStore};
use crate::bounded::Ring;
use crate::types::MemberIndex;
use crate::vote::{MemberSet, Statement, VoteKind};

/// Two statements of one member, with their signatures.
#[derive(Clone, Copy, Debug)]
pub(in crate::consensus) struct Conflict {
    pub member: MemberIndex,
    pub statements: [Statement; 2],
    pub signatures: [SigRef; 2],
}

/// At most one pair for each member and kind of statement in a height, until the host has read it.
#[derive(Clone, Debug)]
pub(in crate::consensus) struct EvidenceTable {
    known: [MemberSet; 3],
    queue: Ring<Option<Conflict>>,
    is_shown: bool,
}

impl EvidenceTable {
    /// Makes room for as many pairs.
    pub fn new(count_max: u16) -> Self {
        Self {
            known: [MemberSet::EMPTY; 3],
            queue: Ring::new(u32::from(count_max)),
            is_shown: false,
        }
    }

    /// The bytes that [`EvidenceTable::new`] takes.
    pub const fn footprint_bytes(count_max: u16) -> u64 {
        Ring::<Option<Conflict>>::footprint_bytes(count_max as u32)
    }

    /// Whether a conflict of the member in this kind is on record.
    pub fn is_known(&self, member: MemberIndex, kind: VoteKind) -> bool {
        self.known[kind as usize].contains(member)
    }

    /// Records a pair, whose signatures are held twice from here on; where there is no room, it is
    /// taken up when the member is seen to do it again.
    pub fn record(&mut self, conflict: Conflict, signatures: &mut SignatureStore) {
        let [first, _] = conflict.statements;
        if self.is_known(conflict.member, first.kind) || self.queue.room() == 0 {
            return;
        }
        for signature in conflict.signatures {
            signatures.share(signature);
        }
        if self.queue.push(Some(conflict)).is_ok() {
            self.known[first.kind as usize].insert(conflict.member);
        }
    }

    /// Lets go of the pair that was shown, and shows the next.
    pub fn show_next(&mut self) -> Option<&Conflict> {
        self.is_shown = !self.queue.is_empty();
        self.shown()
    }

    /// Lets go of the pair that was shown.
    pub fn dismiss(&mut self, signatures: &mut SignatureStore) {
        if !self.is_shown {
            return;
        }
        self.is_shown = false;
        if let Some(mut conflict) = self.queue.pop().flatten() {
            for signature in &mut conflict.signatures {
                signatures.release(signature);
            }
        }
    }

    /// Forgets all pairs, read or not.
    pub fn clear(&mut self, signatures: &mut SignatureStore) {
        while self.show_next().is_some() {
            self.dismiss(signatures);
        }
        self.known = [MemberSet::EMPTY; 3];
    }

    /// The pair that is shown.
    pub fn shown(&self) -> Option<&Conflict> {
        let front = self.is_shown.then(|| self.queue.front()).flatten();
        front.and_then(Option::as_ref)
    }

    /// How many signatures are held.
    pub fn held_count(&self) -> usize {
        self.queue.len() * 2
    }

    /// Begins a height: pairs of the one before stay until they are read.
    pub fn start_height(&mut self) {
        self.known = [MemberSet::EMPTY; 3];
    }
}
