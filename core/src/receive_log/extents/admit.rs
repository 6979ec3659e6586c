//! Taking an extension, the cheapest check first.

use super::super::extension::Extension;
use super::super::fork::{Signed, write_fork};
use super::super::{Entry, ExtensionError, LogVerifier, Point, Statement, next_running_hash};
use super::branch::{BranchView, Held, with_bases};
use super::{BRANCH_COUNT, Branch, Extents};
use crate::codec::Writer;
use crate::types::{Hash, LogPosition};

/// What became of an extension whose signature is its member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Whose log.
    pub member: u16,
    /// Entries that were not held before, on a branch of their own where it is a fork.
    pub entries: u32,
    /// Bytes of evidence that were written; 0 unless the extension contradicts another signature.
    pub fork_bytes: usize,
}

/// How an extension stands to the branches that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It goes on where this branch ends, or signs its end under a higher base.
    Extends(usize),
    /// It leaves this branch behind the first `common` of its entries.
    Leaves { branch: usize, common: usize },
    /// It starts from a hash that no branch has, and contradicts one that is signed.
    Foreign(usize),
}

/// An extension whose entries lie in `fresh`.
struct Incoming<'a> {
    extension: Extension<'a>,
    /// Where its entries begin to matter: its start, or the decided position if that is further.
    from: LogPosition,
    end: Point,
}

impl Extents {
    /// Takes an extension of any member's log.
    ///
    /// Checks go from the cheapest to the dearest, and the signature comes last. An extension that
    /// contradicts what the same member signed before gives evidence, written to the front of
    /// `evidence` (`fork_bytes_max` always suffice); its entries are kept only if they lead to a
    /// cut that is named.
    ///
    /// Cost: one permutation an entry, one signature check.
    ///
    /// # Errors
    /// See [`ExtensionError`]; nothing changes. [`ExtensionError::LogGap`] and
    /// [`ExtensionError::LogTooFar`] tell that this node lags behind: it has to pull first.
    pub fn admit(
        &mut self,
        bytes: &[u8],
        verifier: &impl LogVerifier,
        evidence: &mut [u8],
    ) -> Result<Admitted, ExtensionError> {
        let extension = Extension::decode(bytes, &self.limits)?;
        let member = usize::from(extension.log.member);
        let from = self.check_place(&extension)?;
        let incoming = Incoming {
            end: self.chain(&extension),
            extension,
            from,
        };
        let fit = self.fit(member, &incoming)?;
        self.check_clocks(member, &incoming, fit)?;
        let statement = Statement {
            log: extension.log,
            end: incoming.end.position,
            running: incoming.end.running,
            base: extension.base,
        };
        let statement = statement.bytes(verifier.suite());
        if !verifier.verify(extension.log.member, &statement, extension.signature) {
            return Err(ExtensionError::WrongSignature);
        }
        self.apply(member, &incoming, fit, evidence)
    }

    /// Whether it is a log of this epoch, and lies where its entries can matter.
    fn check_place(&self, extension: &Extension<'_>) -> Result<LogPosition, ExtensionError> {
        if (extension.log.chain_id, extension.log.epoch) != (self.chain_id, self.epoch) {
            return Err(ExtensionError::ForeignLog);
        }
        let member = usize::from(extension.log.member);
        let log = self.logs().get(member);
        let log = log.ok_or(ExtensionError::UnknownMember)?;
        if log.is_closed {
            return Err(ExtensionError::LogClosed);
        }
        let decided = log.decided.at.position;
        if extension.end() < decided {
            return Err(ExtensionError::ExtensionKnown);
        }
        if extension.end().saturating_distance(decided) > self.fresh.len() as u64 {
            return Err(ExtensionError::LogTooFar);
        }
        let from = extension.first.max(decided);
        if self.branches(member).all(|(_, held)| held.end() < from) {
            return Err(ExtensionError::LogGap);
        }
        Ok(from)
    }

    /// Computes the running hashes of its entries into `fresh`; where it ends.
    fn chain(&mut self, extension: &Extension<'_>) -> Point {
        let mut running = extension.previous;
        for (place, (base, entry)) in self.fresh.iter_mut().zip(extension.entries()) {
            running = next_running_hash(&running, base, &entry);
            *place = Held {
                entry,
                base,
                running,
            };
        }
        Point {
            position: extension.end(),
            running,
        }
    }

    /// Its entries from `position` on, which lies within it.
    fn fresh_from(&self, incoming: &Incoming<'_>, position: LogPosition) -> &[Held] {
        let extension = &incoming.extension;
        let skipped = position.saturating_distance(extension.first) as usize;
        &self.fresh[skipped..extension.entry_count() as usize]
    }

    /// The running hash that it has at `position`, which lies within it.
    fn fresh_running_at(&self, incoming: &Incoming<'_>, position: LogPosition) -> Hash {
        let count = position.saturating_distance(incoming.extension.first) as usize;
        match count.checked_sub(1) {
            None => incoming.extension.previous,
            Some(last) => self.fresh[last].running,
        }
    }

    fn fit(&self, member: usize, incoming: &Incoming<'_>) -> Result<Fit, ExtensionError> {
        let running = |position| Some(self.fresh_running_at(incoming, position));
        let connects =
            |branch: &BranchView<'_>| branch.running_at(incoming.from) == running(incoming.from);
        let mut left = None;
        for (number, branch) in self.branches(member).filter(|(_, branch)| connects(branch)) {
            let shared_end = branch.end().min(incoming.end.position);
            if branch.running_at(shared_end) == running(shared_end) {
                let is_newer =
                    !branch.state.is_signed || incoming.extension.base > branch.state.base;
                let extends = incoming.end.position > branch.end()
                    || (incoming.end.position == branch.end() && is_newer);
                return if extends {
                    Ok(Fit::Extends(number))
                } else {
                    Err(ExtensionError::ExtensionKnown)
                };
            }
            // Equal hashes come before all unequal ones, because each binds those before it.
            let start = branch.count_to(incoming.from).unwrap_or(0);
            let pairs = self.fresh_from(incoming, incoming.from).iter();
            let equal = pairs
                .zip(&branch.held[start..])
                .take_while(|(fresh, held)| fresh.running == held.running);
            let common = start + equal.count();
            left = Some(match left {
                Some(Fit::Leaves { common: most, .. }) if most >= common => continue,
                _ => Fit::Leaves {
                    branch: number,
                    common,
                },
            });
        }
        let mut branches = self.branches(member);
        let signed =
            branches.find(|(_, branch)| branch.state.is_signed && branch.end() >= incoming.from);
        left.or(signed.map(|(number, _)| Fit::Foreign(number)))
            .ok_or(ExtensionError::NotDescended)
    }

    /// Whether neither base nor stamp goes back, in the entries that were not held before.
    fn check_clocks(
        &self,
        member: usize,
        incoming: &Incoming<'_>,
        fit: Fit,
    ) -> Result<(), ExtensionError> {
        let (branch, count) = match fit {
            Fit::Extends(branch) => (branch, self.branch(member, branch).held.len()),
            Fit::Leaves { branch, common } => (branch, common),
            // It is not kept, and two signatures are evidence whatever they are over.
            Fit::Foreign(_) => return Ok(()),
        };
        let (mut base, mut stamp) = self.branch(member, branch).clocks_at(count);
        let decided = self.logs[member].decided.at.position;
        let start = decided.saturating_add(count as u64);
        for held in self.fresh_from(incoming, start) {
            if held.base < base {
                return Err(ExtensionError::BaseWentBack);
            }
            base = held.base;
            if let Entry::Stamp(time) = held.entry {
                if time < stamp {
                    return Err(ExtensionError::StampWentBack);
                }
                stamp = time;
            }
        }
        Ok(())
    }

    fn apply(
        &mut self,
        member: usize,
        incoming: &Incoming<'_>,
        fit: Fit,
        evidence: &mut [u8],
    ) -> Result<Admitted, ExtensionError> {
        let mut admitted = Admitted {
            member: incoming.extension.log.member,
            entries: 0,
            fork_bytes: 0,
        };
        match fit {
            Fit::Extends(branch) => {
                let common = self.branch(member, branch).held.len();
                admitted.entries = self.append(member, branch, common, incoming);
            }
            Fit::Leaves { branch, common } => {
                admitted.fork_bytes = self.write_evidence(member, branch, incoming, evidence)?;
                if let Some(place) = self.place_for(member, incoming, common) {
                    self.copy_branch(member, branch, place, common);
                    admitted.entries = self.append(member, place, common, incoming);
                }
            }
            Fit::Foreign(branch) => {
                admitted.fork_bytes = self.write_evidence(member, branch, incoming, evidence)?;
            }
        }
        Ok(admitted)
    }

    /// Puts its entries behind the first `common` of a branch, with its signature.
    fn append(
        &mut self,
        member: usize,
        branch: usize,
        common: usize,
        incoming: &Incoming<'_>,
    ) -> u32 {
        let decided = self.logs[member].decided.at.position;
        let start = decided.saturating_add(common as u64);
        let skipped = start.saturating_distance(incoming.extension.first) as usize;
        let count = incoming.extension.entry_count() as usize;
        let entries = self.limits.extent_entries_max as usize;
        let place = (member * BRANCH_COUNT + branch) * entries + common;
        let fresh = &self.fresh[skipped..count];
        self.held[place..place + fresh.len()].copy_from_slice(fresh);
        let added = fresh.len();
        let signature = incoming.extension.signature;
        let bytes = self.limits.signature_bytes_max as usize;
        let place = (member * BRANCH_COUNT + branch) * bytes;
        self.signatures[place..place + signature.len()].copy_from_slice(signature);
        self.logs[member].branches[branch] = Branch {
            is_used: true,
            is_signed: true,
            len: (common + added) as u32,
            signature_len: signature.len() as u32,
            base: incoming.extension.base,
        };
        added as u32
    }

    /// Where a branch can go that shares `common` entries with another, and no more with any, and
    /// leads beyond them to a named cut; nothing where it leads to none.
    ///
    /// There always is a place: each of the three names needs at most one branch, and the one that
    /// it leads to has none yet.
    fn place_for(&self, member: usize, incoming: &Incoming<'_>, common: usize) -> Option<usize> {
        let decided = self.logs[member].decided.at.position;
        let start = decided.saturating_add(common as u64);
        let is_wanted = self.named_points(member).any(|to| {
            let lies_within = start < to.position && to.position <= incoming.end.position;
            lies_within && self.fresh_running_at(incoming, to.position) == to.running
        });
        let log = &self.logs[member];
        let is_free = |branch: &usize| {
            let view = self.branch(member, *branch);
            let is_named = || self.named_points(member).any(|to| view.holds(to));
            *branch != log.gossip && (!view.state.is_used || !is_named())
        };
        (0..BRANCH_COUNT).find(is_free).filter(|_| is_wanted)
    }

    /// Copies the first `count` entries of a branch to another.
    fn copy_branch(&mut self, member: usize, from: usize, to: usize, count: usize) {
        let entries = self.limits.extent_entries_max as usize;
        let first = (member * BRANCH_COUNT + from) * entries;
        let place = (member * BRANCH_COUNT + to) * entries;
        self.held.copy_within(first..first + count, place);
    }

    /// Writes evidence of the extension against a signed branch; 0 bytes where the branch has no
    /// signature, which only a decided position without further entries can lack.
    fn write_evidence(
        &self,
        member: usize,
        branch: usize,
        incoming: &Incoming<'_>,
        evidence: &mut [u8],
    ) -> Result<usize, ExtensionError> {
        let held = self.branch(member, branch);
        let Some(running) = held.running_at(held.end()).filter(|_| held.state.is_signed) else {
            return Ok(0);
        };
        let own = Signed {
            end: Point {
                position: held.end(),
                running,
            },
            base: held.state.base,
            signature: held.signature,
        };
        let other = Signed {
            end: incoming.end,
            base: incoming.extension.base,
            signature: incoming.extension.signature,
        };
        let log = incoming.extension.log;
        let mut out = Writer::new(evidence);
        let written = if other.end.position <= own.end.position {
            let count = held.count_to(other.end.position).unwrap_or(0);
            let previous = held.running_at(other.end.position).unwrap_or_default();
            let entries = with_bases(&held.held[count..]);
            write_fork(&mut out, log, &other, &own, previous, entries)
        } else {
            let at = own.end.position;
            let previous = self.fresh_running_at(incoming, at);
            let entries = with_bases(self.fresh_from(incoming, at));
            write_fork(&mut out, log, &own, &other, previous, entries)
        };
        written.map_err(|_| ExtensionError::BufferTooSmall)?;
        Ok(out.len())
    }
}
