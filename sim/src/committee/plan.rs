//! What a run's members have agreed to change about themselves, and when.
//!
//! A [`MembershipPlan`] stands for what operators agree on outside: from a slot on, whoever
//! proposes puts these changes into its slot, and members accept no others. Sequencers are numbered
//! from 0; those that join get the next numbers that nobody had.

use core::fmt;

use hauptbuch_core::config::{Config, ConfigError, EpochSizes};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;

/// Slots from the one that decides another membership to the closing one, where receive logs give
/// the order.
pub const LEAD_SLOTS: u16 = 4;

/// Sequencers that one slot can admit: what fits the most bytes that changes can have.
const ADMITTED_COUNT_MAX: usize = 3;

/// A planned change of the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipStep {
    /// The sequencer with this number leaves, and a new one comes in its place.
    Replace(u32),
    /// So many new ones join.
    Add(u32),
    /// The sequencer with this number leaves.
    Remove(u32),
}

/// A planned change, and the slot from which on it is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// The first slot that can carry it.
    pub slot: u64,
    /// What changes.
    pub step: MembershipStep,
}

/// A sequencer that neither logs nor votes for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// Its number.
    pub sequencer: u32,
    /// The first slot that it misses.
    pub from_slot: u64,
    /// The slot at which it comes back; nothing where it stays away.
    pub until_slot: Option<u64>,
}

impl Absence {
    /// Whether it is over at this slot.
    pub(super) fn is_over(&self, slot: u64) -> bool {
        self.until_slot.is_some_and(|until| until <= slot)
    }

    /// Whether the sequencer is away at this slot.
    pub(super) fn covers(&self, slot: u64) -> bool {
        self.from_slot <= slot && !self.is_over(slot)
    }
}

/// One of the changes that a slot carries, with the number of a sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Admit(u32),
    Remove(u32),
    Activate(u32),
}

/// What goes into one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bill {
    pub slot: u64,
    pub wishes: Vec<Wish>,
}

/// Why a plan can't be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// Slots are numbered from 1, and do not go back from one change to the next.
    SlotOutOfOrder {
        /// The slot.
        slot: u64,
    },
    /// Nobody is added.
    NobodyAdded {
        /// The slot.
        slot: u64,
    },
    /// The sequencer is no member then.
    NoMember {
        /// The slot.
        slot: u64,
        /// Its number.
        sequencer: u32,
    },
    /// There would be more sequencers than a network can have members.
    TooMany {
        /// The slot.
        slot: u64,
    },
    /// Too few members would be left for what the policy promises.
    TooFew {
        /// The slot.
        slot: u64,
        /// How many there would be.
        count: u32,
        /// The fewest.
        least: u32,
    },
    /// A sequencer is away that there never is, or comes back before it goes.
    Absence {
        /// Its number.
        sequencer: u32,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlotOutOfOrder { slot } => write!(
                f,
                "membership change at slot {slot}: slots begin with 1 and stand in order"
            ),
            Self::NobodyAdded { slot } => {
                write!(f, "membership change at slot {slot}: it adds nobody")
            }
            Self::NoMember { slot, sequencer } => write!(
                f,
                "membership change at slot {slot}: sequencer {sequencer} is no member then"
            ),
            Self::TooMany { slot } => write!(
                f,
                "membership change at slot {slot}: over all epochs there can be \
                 {MEMBER_COUNT_MAX} sequencers, less those that leave"
            ),
            Self::TooFew { slot, count, least } => write!(
                f,
                "membership change at slot {slot}: {count} members are too few for this policy, \
                 which takes {least}"
            ),
            Self::Absence { sequencer } => {
                write!(f, "the absence of sequencer {sequencer} makes no sense")
            }
        }
    }
}

impl core::error::Error for PlanError {}

/// What members have agreed to change about themselves. The default is nothing at all.
///
/// ```
/// use hauptbuch_sim::committee::{MembershipPlan, MembershipStep, PlannedChange};
///
/// let replace = PlannedChange { slot: 40, step: MembershipStep::Replace(2) };
/// let plan = MembershipPlan::new(5, &[replace]).unwrap();
/// assert_eq!((plan.sequencer_count(), plan.member_count_max()), (6, 5));
/// let nobody = PlannedChange { slot: 50, step: MembershipStep::Remove(2) };
/// assert!(MembershipPlan::new(5, &[replace, nobody]).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembershipPlan {
    changes: Vec<PlannedChange>,
    absences: Vec<Absence>,
    bills: Vec<Bill>,
    /// How many members there are behind each change.
    counts: Vec<u32>,
    sequencer_count: u32,
    member_count_max: u32,
    leaver_count: u32,
    /// Of a network whose changes are not known, only how far they can go.
    sizes: Option<EpochSizes>,
}

impl MembershipPlan {
    /// A plan for a network that begins with the sequencers 0 .. `first_count`.
    ///
    /// # Errors
    /// A [`PlanError`], but [`PlanError::TooFew`]: see [`MembershipPlan::check`].
    pub fn new(first_count: u32, changes: &[PlannedChange]) -> Result<Self, PlanError> {
        let mut plan = Self {
            changes: changes.to_vec(),
            sequencer_count: first_count,
            member_count_max: first_count,
            ..Self::default()
        };
        let mut members: Vec<u32> = (0..first_count).collect();
        let mut last = 1;
        for PlannedChange { slot, step } in changes.iter().copied() {
            if slot < last {
                return Err(PlanError::SlotOutOfOrder { slot });
            }
            last = slot;
            let (leaver, added) = match step {
                MembershipStep::Replace(leaver) => (Some(leaver), 1),
                MembershipStep::Add(0) => return Err(PlanError::NobodyAdded { slot }),
                MembershipStep::Add(count) => (None, count),
                MembershipStep::Remove(leaver) => (Some(leaver), 0),
            };
            if let Some(sequencer) = leaver {
                let place = members.iter().position(|member| *member == sequencer);
                members.remove(place.ok_or(PlanError::NoMember { slot, sequencer })?);
                plan.leaver_count += 1;
            }
            let next = plan.sequencer_count.saturating_add(added);
            if next.saturating_add(plan.leaver_count) > u32::from(MEMBER_COUNT_MAX) {
                return Err(PlanError::TooMany { slot });
            }
            let newcomers: Vec<u32> = (plan.sequencer_count..next).collect();
            plan.sequencer_count = next;
            members.extend(&newcomers);
            plan.member_count_max = plan.member_count_max.max(members.len() as u32);
            plan.counts.push(members.len() as u32);
            plan.bills.extend(bills_of(slot, leaver, &newcomers));
        }
        Ok(plan)
    }

    /// What somebody knows of a network who has its genesis alone: how far its members can change,
    /// and none of the changes.
    #[must_use]
    pub fn of_sizes(sizes: EpochSizes) -> Self {
        Self {
            sizes: Some(sizes),
            ..Self::default()
        }
    }

    /// The same with sequencers that are away for a while.
    ///
    /// # Errors
    /// [`PlanError::Absence`].
    pub fn with_absences(mut self, absences: &[Absence]) -> Result<Self, PlanError> {
        for absence in absences {
            let Absence {
                sequencer,
                from_slot,
                until_slot,
            } = *absence;
            let is_known = sequencer < self.sequencer_count && from_slot > 0;
            if !is_known || until_slot.is_some_and(|until| until <= from_slot) {
                return Err(PlanError::Absence { sequencer });
            }
        }
        self.absences = absences.to_vec();
        Ok(self)
    }

    /// Whether every epoch has as many members as the network's policy takes.
    ///
    /// # Errors
    /// [`PlanError::TooFew`].
    pub fn check(&self, config: &Config, first_count: u32) -> Result<(), PlanError> {
        let first_count = u8::try_from(first_count).unwrap_or(u8::MAX);
        let least = u32::from(config.heads_min(first_count));
        let too_few = self.changes.iter().zip(&self.counts);
        let mut too_few = too_few.filter(|(_, count)| **count < least);
        match too_few.next() {
            None => Ok(()),
            Some((change, count)) => Err(PlanError::TooFew {
                slot: change.slot,
                count: *count,
                least,
            }),
        }
    }

    /// Whether nothing changes and nobody is ever away.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_changeable() && self.absences.is_empty()
    }

    /// Whether members can change.
    #[must_use]
    pub fn is_changeable(&self) -> bool {
        !self.changes.is_empty() || self.sizes.is_some_and(|sizes| sizes.is_changeable())
    }

    /// What changes.
    #[must_use]
    pub fn changes(&self) -> &[PlannedChange] {
        &self.changes
    }

    /// Who is away, and when.
    #[must_use]
    pub fn absences(&self) -> &[Absence] {
        &self.absences
    }

    /// How many sequencers there are over all epochs.
    #[must_use]
    pub const fn sequencer_count(&self) -> u32 {
        self.sequencer_count
    }

    /// The most members of any epoch.
    #[must_use]
    pub const fn member_count_max(&self) -> u32 {
        self.member_count_max
    }

    /// How many members' budgets can be charged at once in a network that begins with so many: of
    /// the largest committee, and of those that have left.
    #[must_use]
    pub fn budget_count(&self, first_count: u32) -> u32 {
        first_count.max(self.member_count_max) + self.leaver_count
    }

    /// The sizes that its genesis binds: nothing without changes.
    ///
    /// # Errors
    /// [`ConfigError::CommitteeSizeOutOfRange`] for more members than a network can have.
    pub fn epoch_sizes(&self, by_logs: bool) -> Result<EpochSizes, ConfigError> {
        if let Some(sizes) = self.sizes {
            return Ok(sizes);
        }
        if self.changes.is_empty() {
            return Ok(EpochSizes::FIXED);
        }
        let byte = |count: u32| {
            let byte = u8::try_from(count);
            byte.map_err(|_| ConfigError::CommitteeSizeOutOfRange)
        };
        Ok(EpochSizes {
            member_count_max: byte(self.member_count_max)?,
            leaver_count_max: byte(self.leaver_count)?,
            lead_slots: if by_logs { LEAD_SLOTS } else { 0 },
            closing_slots_max: 0,
        })
    }

    /// What goes into slots, one after another.
    pub(super) fn bills(&self) -> &[Bill] {
        &self.bills
    }
}

/// What a change takes of slots: whoever joins is admitted first, and the last slot of it changes
/// the members.
fn bills_of(slot: u64, leaver: Option<u32>, newcomers: &[u32]) -> Vec<Bill> {
    let groups = newcomers.chunks(ADMITTED_COUNT_MAX);
    let admitted = groups.map(|group| Bill {
        slot,
        wishes: group.iter().map(|own| Wish::Admit(*own)).collect(),
    });
    let mut bills: Vec<Bill> = admitted.collect();
    if bills.is_empty() {
        let wishes = Vec::new();
        bills.push(Bill { slot, wishes });
    }
    if let Some(last) = bills.last_mut() {
        let leave = leaver.into_iter().map(Wish::Remove);
        let join = newcomers.iter().map(|own| Wish::Activate(*own));
        last.wishes.extend(leave.chain(join));
    }
    bills
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauptbuch_core::config::{FairCommittee, Policy};

    fn at(slot: u64, step: MembershipStep) -> PlannedChange {
        PlannedChange { slot, step }
    }

    #[test]
    fn newcomers_get_numbers_that_nobody_had() {
        let changes = [
            at(3, MembershipStep::Replace(1)),
            at(7, MembershipStep::Add(4)),
            at(7, MembershipStep::Remove(5)),
        ];
        let plan = MembershipPlan::new(5, &changes).unwrap();
        assert_eq!((plan.sequencer_count(), plan.member_count_max()), (10, 9));
        let sizes = plan.epoch_sizes(true).unwrap();
        assert_eq!((sizes.member_count_max, sizes.leaver_count_max), (9, 2));
        assert_eq!(plan.counts, [5, 9, 8]);
        let slots: Vec<u64> = plan.bills().iter().map(|bill| bill.slot).collect();
        assert_eq!(slots, [3, 7, 7, 7], "four are admitted in two slots");
        assert_eq!(
            plan.bills()[0].wishes,
            [Wish::Admit(5), Wish::Remove(1), Wish::Activate(5)]
        );
        assert_eq!(plan.bills()[1].wishes.len(), 3);
        assert_eq!(plan.bills()[2].wishes.len(), 5);
        let none = MembershipPlan::new(5, &[]).unwrap();
        assert_eq!(none.epoch_sizes(true), Ok(EpochSizes::FIXED));
    }

    #[test]
    fn nonsense_is_told_apart() {
        let refused = |changes: &[PlannedChange]| MembershipPlan::new(5, changes).unwrap_err();
        let slot = 4;
        assert_eq!(
            refused(&[at(0, MembershipStep::Add(1))]),
            PlanError::SlotOutOfOrder { slot: 0 }
        );
        assert_eq!(
            refused(&[at(4, MembershipStep::Add(1)), at(3, MembershipStep::Add(1))]),
            PlanError::SlotOutOfOrder { slot: 3 }
        );
        assert_eq!(
            refused(&[at(slot, MembershipStep::Add(0))]),
            PlanError::NobodyAdded { slot }
        );
        assert_eq!(
            refused(&[at(slot, MembershipStep::Remove(5))]),
            PlanError::NoMember { slot, sequencer: 5 }
        );
        assert_eq!(
            refused(&[at(slot, MembershipStep::Add(124))]),
            PlanError::TooMany { slot }
        );
        let config = Config {
            policy: Policy::Fair(FairCommittee::FIVE),
            ..Config::default()
        };
        let fewer = MembershipPlan::new(5, &[at(slot, MembershipStep::Remove(0))]).unwrap();
        let error = PlanError::TooFew {
            slot,
            count: 4,
            least: 5,
        };
        assert_eq!(fewer.check(&config, 5), Err(error));
        assert!(error.to_string().contains("slot 4: 4 members are too few"));
        let absence = Absence {
            sequencer: 5,
            from_slot: 3,
            until_slot: Some(3),
        };
        for absence in [
            absence,
            Absence {
                sequencer: 1,
                ..absence
            },
        ] {
            let plan = MembershipPlan::new(5, &[]).unwrap();
            assert!(plan.with_absences(&[absence]).is_err());
        }
    }
}
