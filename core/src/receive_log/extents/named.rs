//! Cuts that a height's consensus names while it is undecided.

use super::super::{Cut, CutError, Point};
use super::Extents;
use crate::types::LogPosition;

/// Who names a cut: each keeps the branches that its cut goes through.
///
/// What a lock or a valid value names has to be durable before the vote that binds to it: the host
/// writes it with [`Extents::write_extension`], and after a restart names the cut and admits the
/// same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The value that this member is locked on.
    Locked,
    /// Its valid value.
    Valid,
    /// The value of the current round's proposal.
    Current,
}

impl Naming {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Locked, Self::Valid, Self::Current];
}

/// An extent to pull: of one log, from what is decided up to a place of a named cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whose log.
    pub member: u16,
    /// From where on.
    pub from: LogPosition,
    /// Through where.
    pub to: Point,
}

impl Extents {
    /// Names a cut, in place of the one that had the name before. From now on extensions that lead
    /// to it are taken even where they contradict what came first.
    ///
    /// # Errors
    /// [`CutError::WrongLogCount`].
    pub fn name(&mut self, naming: Naming, cut: &Cut) -> Result<(), CutError> {
        let count = self.log_count;
        if cut.points().len() != count {
            return Err(CutError::WrongLogCount);
        }
        #[cfg(any(test, feature = "weakened"))]
        if self.weakened.forgets_what_binds && naming != Naming::Current {
            return Ok(());
        }
        let first = naming as usize * count;
        self.named[first..first + count].copy_from_slice(cut.points());
        self.is_named[naming as usize] = true;
        Ok(())
    }

    /// Takes a name away; branches that nothing else names make room when it is needed.
    pub const fn unname(&mut self, naming: Naming) {
        self.is_named[naming as usize] = false;
    }

    /// What has to be pulled before all extents up to `cut` are held, in the order of the members.
    ///
    /// Places that no extension can reach (before the decided one, or too far beyond it) are left
    /// out: [`Extents::check_cut`] refuses them.
    pub fn missing<'a>(&'a self, cut: &'a Cut) -> impl Iterator<Item = Missing> + 'a {
        let logs = self.logs().iter().zip(cut.points()).enumerate();
        logs.filter_map(|(member, (log, to))| {
            let from = log.decided.at.position;
            let count = to.position.get().checked_sub(from.get())?;
            let can_be_held =
                count > 0 && count <= u64::from(self.limits.extent_entries_max) && !log.is_closed;
            let is_missing = can_be_held && self.branch_through(member, to).is_none();
            is_missing.then_some(Missing {
                member: member as u16,
                from,
                to: *to,
            })
        })
    }

    /// The places that named cuts have in a log.
    pub(super) fn named_points(&self, member: usize) -> impl Iterator<Item = &Point> + Clone {
        let cuts = self.named.chunks_exact(self.log_count);
        cuts.zip(self.is_named)
            .filter(|(_, is_named)| *is_named)
            .map(move |(points, _)| &points[member])
    }
}
