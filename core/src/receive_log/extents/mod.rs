//! What all members wrote and no slot has decided yet.

mod admit;
mod branch;
mod decide;
mod named;
mod state;

use alloc::boxed::Box;

use self::branch::{Branch, BranchView, Held, with_bases};
use super::extension::{Parts, write_extension};
use super::{Cut, CutError, LogId, Point, ReceiveLogLimits};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::codec::{EncodeError, Writer};
use crate::limits::LimitsError;
use crate::types::{Epoch, Height, LogPosition, UnixNs};

pub use admit::Admitted;
pub use decide::{CutEntries, CutEntry};
pub use named::{Missing, Naming};

/// Branches of one log that can be held while a height is undecided: the one that came first, and
/// one for each [`Naming`].
pub const BRANCH_COUNT: usize = 1 + Naming::ALL.len();

/// Where decided cuts stand in a log, with what has to hold beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogMark {
    /// The place.
    pub at: Point,
    /// The base of the last entry before it; entries beyond have none below.
    pub base: Height,
    /// The last stamp before it; stamps beyond are none below.
    pub stamp: UnixNs,
}

/// One log: what is decided of it, and its branches.
#[derive(Clone, Copy, Debug, Default)]
struct Log {
    decided: LogMark,
    branches: [Branch; BRANCH_COUNT],
    /// The branch that came first, which a proposal of one's own follows.
    gossip: usize,
    is_closed: bool,
}

/// The undecided extents of all logs of an epoch.
///
/// A branch holds all its entries from the decided position on, so that branches share nothing and
/// none can tear another. Memory: [`Extents::footprint_bytes`], some 4 · 88 bytes an entry.
#[derive(Debug)]
pub struct Extents {
    limits: ReceiveLogLimits,
    chain_id: u64,
    epoch: Epoch,
    /// A place for each log that there can be.
    logs: Box<[Log]>,
    /// How many logs the epoch has.
    log_count: usize,
    /// `extent_entries_max` for each branch of each log.
    held: Box<[Held]>,
    /// `signature_bytes_max` for each branch of each log.
    signatures: Box<[u8]>,
    /// The cuts that are named, one after another, a point for each log.
    named: Box<[Point]>,
    is_named: [bool; Naming::ALL.len()],
    /// The entries of the extension that is being admitted.
    fresh: Box<[Held]>,
    #[cfg(any(test, feature = "weakened"))]
    weakened: ExtentsBreaks,
}

/// Rules left out, so that a test can show what each is for. All off unless a test turns one on.
#[cfg(any(test, feature = "weakened"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtentsBreaks {
    /// Rule 17: what the lock and the valid value name is not kept, only what the proposal names.
    pub forgets_what_binds: bool,
}

impl Extents {
    /// Begins an epoch with logs of which `marks` is decided: position 0 and [`LogId::start`] in a
    /// new epoch, or what a snapshot says.
    ///
    /// # Errors
    /// [`LimitsError::LimitOutOfRange`] for the limits' ranges, and as [`Extents::begin`].
    pub fn new(
        limits: &ReceiveLogLimits,
        chain_id: u64,
        epoch: Epoch,
        marks: &[LogMark],
    ) -> Result<Self, LimitsError> {
        let mut made = Self::vacant(limits, chain_id)?;
        made.begin(epoch, marks)?;
        Ok(made)
    }

    /// Memory for extents, and nothing in it.
    fn vacant(limits: &ReceiveLogLimits, chain_id: u64) -> Result<Self, LimitsError> {
        limits.check()?;
        let logs = limits.log_count_max as usize;
        let branches = logs * BRANCH_COUNT;
        let entries = limits.extent_entries_max as usize;
        Ok(Self {
            limits: *limits,
            chain_id,
            epoch: Epoch::ZERO,
            logs: fixed_slice(logs, Log::default()),
            log_count: logs,
            held: fixed_slice(branches * entries, Held::NONE),
            signatures: fixed_slice(branches * limits.signature_bytes_max as usize, 0),
            named: fixed_slice(Naming::ALL.len() * logs, Point::default()),
            is_named: [false; Naming::ALL.len()],
            fresh: fixed_slice(entries, Held::NONE),
            #[cfg(any(test, feature = "weakened"))]
            weakened: ExtentsBreaks::default(),
        })
    }

    /// The bytes that [`Extents::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &ReceiveLogLimits) -> u64 {
        let logs = limits.log_count_max as usize;
        let branches = logs * BRANCH_COUNT;
        let entries = limits.extent_entries_max as usize;
        fixed_slice_bytes::<Log>(logs)
            + fixed_slice_bytes::<Held>((branches + 1) * entries)
            + fixed_slice_bytes::<u8>(branches * limits.signature_bytes_max as usize)
            + fixed_slice_bytes::<Point>(Naming::ALL.len() * logs)
    }

    /// Begins another epoch, with a log for each of its members, or goes on from a snapshot:
    /// forgets all extents and names, and opens every log; whoever comes from a snapshot closes
    /// again what is closed there.
    ///
    /// # Errors
    /// [`LimitsError::LimitOutOfRange`] for no mark, or more than there can be logs.
    pub fn begin(&mut self, epoch: Epoch, marks: &[LogMark]) -> Result<(), LimitsError> {
        if marks.is_empty() || marks.len() > self.logs.len() {
            return Err(LimitsError::LimitOutOfRange);
        }
        self.log_count = marks.len();
        self.logs.fill(Log::default());
        self.epoch = epoch;
        self.is_named = [false; Naming::ALL.len()];
        for (log, mark) in self.logs.iter_mut().zip(marks) {
            *log = Log {
                decided: *mark,
                ..Log::default()
            };
            log.branches[0].is_used = true;
        }
        Ok(())
    }

    /// Leaves rules out, to show what they are for.
    #[cfg(any(test, feature = "weakened"))]
    pub const fn weaken(&mut self, breaks: ExtentsBreaks) {
        self.weakened = breaks;
    }

    /// How many logs there are.
    #[must_use]
    pub const fn log_count(&self) -> u32 {
        self.log_count as u32
    }

    /// The logs of the epoch.
    fn logs(&self) -> &[Log] {
        &self.logs[..self.log_count]
    }

    /// What is decided of a member's log; nothing for an unknown member.
    #[must_use]
    pub fn decided(&self, member: u16) -> Option<&LogMark> {
        self.logs().get(usize::from(member)).map(|log| &log.decided)
    }

    /// Where the branch that came first ends, and the base under which that was signed last; the
    /// zero base where no signature is held. Nothing for an unknown member.
    #[must_use]
    pub fn newest(&self, member: u16) -> Option<(Point, Height)> {
        let log = self.logs().get(usize::from(member))?;
        let branch = self.branch(usize::from(member), log.gossip);
        let at = Point {
            position: branch.end(),
            running: branch.running_at(branch.end())?,
        };
        Some((at, branch.state.base))
    }

    /// Whether decided evidence has closed a member's log; so is that of an unknown member.
    #[must_use]
    pub fn is_closed(&self, member: u16) -> bool {
        let log = self.logs().get(usize::from(member));
        log.is_none_or(|log| log.is_closed)
    }

    /// Closes a member's log, because a slot decided evidence against it: from now on no cut moves
    /// it, and no extension of it is taken. Says whether there is such a member.
    pub fn close(&mut self, member: u16) -> bool {
        let logs = &mut self.logs[..self.log_count];
        let log = logs.get_mut(usize::from(member));
        log.map(|log| log.is_closed = true).is_some()
    }

    /// Fills `cut` with what a proposer of slot `height` can propose: each log as far as the branch
    /// that came first is held, closed logs where they are.
    ///
    /// An entry whose base is not decided before `height` ends the extent of its log.
    ///
    /// # Errors
    /// [`CutError::WrongLogCount`] where `cut` has not one place for each log.
    pub fn propose(&self, height: Height, cut: &mut Cut) -> Result<(), CutError> {
        if cut.points().len() != self.log_count {
            return Err(CutError::WrongLogCount);
        }
        for (member, (log, point)) in self.logs().iter().zip(cut.points_mut()).enumerate() {
            *point = log.decided.at;
            if log.is_closed {
                continue;
            }
            let held = self.branch(member, log.gossip).held;
            let count = held.partition_point(|held| held.base < height);
            if let Some(last) = held[..count].last() {
                *point = Point {
                    position: point.position.saturating_add(count as u64),
                    running: last.running,
                };
            }
        }
        Ok(())
    }

    /// Writes an extension of a member's log that goes through `to`, from `from` on, for somebody
    /// who misses it; returns its length. It ends at the newest signature, which may be further.
    ///
    /// # Errors
    /// [`CutError::CutNotHeld`] where no signed branch from `from` through `to` is held;
    /// [`CutError::CutWentBack`] where `from` lies before what is decided and was dropped. Where
    /// `out` is too small, [`CutError::Truncated`]: `extension_bytes_max` always suffice.
    pub fn write_extension(
        &self,
        member: u16,
        from: LogPosition,
        to: &Point,
        out: &mut [u8],
    ) -> Result<usize, CutError> {
        let log = self.logs().get(usize::from(member));
        let log = log.ok_or(CutError::WrongLogCount)?;
        if from < log.decided.at.position {
            return Err(CutError::CutWentBack);
        }
        let found = (0..BRANCH_COUNT)
            .map(|branch| self.branch(usize::from(member), branch))
            .find(|branch| branch.state.is_signed && branch.holds(to))
            .ok_or(CutError::CutNotHeld)?;
        let skipped = found.count_to(from).ok_or(CutError::CutNotHeld)?;
        let parts = Parts {
            log: self.log_id(member),
            first: from,
            previous: found.running_at(from).ok_or(CutError::CutNotHeld)?,
            base: found.state.base,
            signature: found.signature,
        };
        let mut out = Writer::new(out);
        let written = write_extension(&mut out, &parts, with_bases(&found.held[skipped..]));
        written.map_err(|EncodeError::BufferTooSmall| CutError::Truncated)?;
        Ok(out.len())
    }

    const fn log_id(&self, member: u16) -> LogId {
        LogId {
            chain_id: self.chain_id,
            epoch: self.epoch,
            member,
        }
    }

    /// A branch with its entries; one that is not in use is empty and unsigned.
    fn branch(&self, member: usize, branch: usize) -> BranchView<'_> {
        let log = &self.logs[member];
        let state = log.branches[branch];
        let place = member * BRANCH_COUNT + branch;
        let first = place * self.limits.extent_entries_max as usize;
        let first_byte = place * self.limits.signature_bytes_max as usize;
        BranchView {
            decided: log.decided,
            state,
            held: &self.held[first..first + state.len as usize],
            signature: &self.signatures[first_byte..first_byte + state.signature_len as usize],
        }
    }

    /// The branches of a log that are in use, with their numbers.
    fn branches(&self, member: usize) -> impl Iterator<Item = (usize, BranchView<'_>)> + Clone {
        (0..BRANCH_COUNT)
            .map(move |branch| (branch, self.branch(member, branch)))
            .filter(|(_, branch)| branch.state.is_used)
    }

    /// All places for entries of a branch.
    fn places(&mut self, member: usize, branch: usize) -> &mut [Held] {
        let entries = self.limits.extent_entries_max as usize;
        let first = (member * BRANCH_COUNT + branch) * entries;
        &mut self.held[first..first + entries]
    }

    /// A branch in use that goes through a place, the one that came first before others.
    fn branch_through(&self, member: usize, at: &Point) -> Option<usize> {
        let gossip = self.logs[member].gossip;
        if self.branch(member, gossip).holds(at) {
            return Some(gossip);
        }
        let mut branches = self.branches(member);
        branches
            .find(|(_, branch)| branch.holds(at))
            .map(|(number, _)| number)
    }
}
