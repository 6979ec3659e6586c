//! Checking a cut, reading what it covers, and dropping that once it is decided.

use super::super::{Cut, CutError, Entry};
use super::branch::Held;
use super::{BRANCH_COUNT, Branch, Extents, LogMark, Naming};
use crate::types::{Height, LogPosition};

/// An entry that a cut covers and no earlier one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutEntry<'a> {
    /// Whose log.
    pub member: u16,
    /// How many entries of the log stand before it.
    pub position: LogPosition,
    /// The last decided slot that its signer knew.
    pub base: Height,
    /// What it says.
    pub entry: &'a Entry,
}

/// The entries of a cut, in the order of members, each log's in its own order.
#[derive(Clone, Debug)]
pub struct CutEntries<'a> {
    extents: &'a Extents,
    cut: &'a Cut,
    member: usize,
    position: LogPosition,
    rest: &'a [Held],
}

impl<'a> Iterator for CutEntries<'a> {
    type Item = CutEntry<'a>;

    fn next(&mut self) -> Option<CutEntry<'a>> {
        loop {
            if let Some((held, rest)) = self.rest.split_first() {
                let position = self.position;
                self.rest = rest;
                self.position = position.saturating_add(1);
                return Some(CutEntry {
                    member: (self.member - 1) as u16,
                    position,
                    base: held.base,
                    entry: &held.entry,
                });
            }
            let to = self.cut.points().get(self.member)?;
            let decided = self.extents.logs[self.member].decided.at;
            if let Some(branch) = self.extents.branch_through(self.member, to) {
                let branch = self.extents.branch(self.member, branch);
                let count = branch.count_to(to.position).unwrap_or(0);
                self.rest = &branch.held[..count];
            }
            self.position = decided.position;
            self.member += 1;
        }
    }
}

impl Extents {
    /// Checks a cut for the slot `height`: whether all that it covers is held and descends from
    /// what is decided, and whether it may cover it.
    ///
    /// # Errors
    /// [`CutError::WrongLogCount`], [`CutError::CutWentBack`], [`CutError::LogTooFar`],
    /// [`CutError::NotDescended`] (another hash where a log does not move),
    /// [`CutError::CutMovesClosedLog`], [`CutError::BaseNotDecided`] (a base not below `height`):
    /// the cut is invalid for everybody. [`CutError::CutNotHeld`]: see [`Extents::missing`]. An
    /// invalid place is reported before one that is not held.
    pub fn check_cut(&self, cut: &Cut, height: Height) -> Result<(), CutError> {
        if cut.points().len() != self.log_count {
            return Err(CutError::WrongLogCount);
        }
        let mut is_held = true;
        for (member, (log, to)) in self.logs().iter().zip(cut.points()).enumerate() {
            let decided = log.decided.at;
            let count = to.position.get().checked_sub(decided.position.get());
            match count.ok_or(CutError::CutWentBack)? {
                0 if to.running != decided.running => return Err(CutError::NotDescended),
                0 => continue,
                _ if log.is_closed => return Err(CutError::CutMovesClosedLog),
                count if count > u64::from(self.limits.extent_entries_max) => {
                    return Err(CutError::LogTooFar);
                }
                _ => {}
            }
            let Some(branch) = self.branch_through(member, to) else {
                is_held = false;
                continue;
            };
            let branch = self.branch(member, branch);
            let count = branch.count_to(to.position).unwrap_or(0);
            // Bases never fall within a log, so the last one is the highest.
            if branch.clocks_at(count).0 >= height {
                return Err(CutError::BaseNotDecided);
            }
        }
        if is_held {
            Ok(())
        } else {
            Err(CutError::CutNotHeld)
        }
    }

    /// Whether all extents up to `cut` are held and descend from the decided one.
    #[must_use]
    pub fn covers(&self, cut: &Cut) -> bool {
        let is_through = |member: usize| {
            let point = cut.points().get(member);
            point.is_some_and(|to| self.branch_through(member, to).is_some())
        };
        cut.points().len() == self.log_count && (0..self.log_count).all(is_through)
    }

    /// The entries that `cut` covers beyond what is decided.
    ///
    /// # Errors
    /// [`CutError::CutNotHeld`] unless [`Extents::covers`] it.
    pub fn entries<'a>(&'a self, cut: &'a Cut) -> Result<CutEntries<'a>, CutError> {
        if !self.covers(cut) {
            return Err(CutError::CutNotHeld);
        }
        Ok(CutEntries {
            extents: self,
            cut,
            member: 0,
            position: LogPosition::ZERO,
            rest: &[],
        })
    }

    /// `cut` was decided: drops what it covers, all branches that contradict it, and all names.
    ///
    /// A host that serves those who lag behind keeps what [`Extents::write_extension`] gives
    /// before.
    ///
    /// Cost: O(entries held).
    ///
    /// # Errors
    /// [`CutError::CutNotHeld`] unless [`Extents::covers`] it; nothing changes then.
    pub fn decide(&mut self, cut: &Cut) -> Result<(), CutError> {
        if !self.covers(cut) {
            return Err(CutError::CutNotHeld);
        }
        for (member, to) in cut.points().iter().enumerate() {
            // Where a log does not move, this is the branch that came first.
            let Some(kept) = self.branch_through(member, to) else {
                continue;
            };
            let branch = self.branch(member, kept);
            let count = branch.count_to(to.position).unwrap_or(0);
            let (base, stamp) = branch.clocks_at(count);
            let len = branch.held.len();
            self.places(member, kept).copy_within(count..len, 0);
            let log = &mut self.logs[member];
            log.decided = LogMark {
                at: *to,
                base,
                stamp,
            };
            log.gossip = kept;
            for number in 0..BRANCH_COUNT {
                if number == kept {
                    log.branches[number].len -= count as u32;
                } else {
                    log.branches[number] = Branch::default();
                }
            }
        }
        self.is_named = [false; Naming::ALL.len()];
        Ok(())
    }
}
