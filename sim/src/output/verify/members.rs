//! Who the members are from epoch to epoch: the first ones stand in `genesis.json`, and all others
//! follow from the changes that slots carry.

use hauptbuch_core::batch::{SlotReader, StateParts, VerifiedSlot};
use hauptbuch_core::config::Config;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::sequencer::{Membership, Standing, Succession};
use hauptbuch_core::types::{Hash, Height, Tick};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;

use crate::committee::{CommitteeError, first_succession};

/// The members of each epoch, as slots make them.
pub(super) struct Members {
    /// Nothing where they stay as they are.
    succession: Option<Succession>,
    /// Each epoch's first slot, and its members.
    pub(super) epochs: Vec<(Height, Membership)>,
}

/// Where the members stand behind a slot, and the changes in it.
#[derive(Debug, Default)]
pub(super) struct SlotStanding {
    pub(super) standing: Standing,
    changes: Vec<u8>,
}

/// The closing slot that a slot decided on, and the members on both sides where it ended an epoch.
type Consequences = (Option<Height>, Option<(Membership, Membership)>);

impl Members {
    pub(super) fn new(
        config: &Config,
        genesis: &Hash,
        first: &Membership,
    ) -> Result<Self, CommitteeError> {
        let can_change = config.epochs.is_changeable();
        let succession = can_change.then(|| first_succession(config, genesis, first));
        Ok(Self {
            succession: succession.transpose()?,
            epochs: vec![(Height::new(1), first.clone())],
        })
    }

    /// Whether the registry takes the changes of the next slot, and where the members stand behind
    /// them.
    pub(super) fn consider(
        &mut self,
        slot: &[u8],
        limits: &Limits,
    ) -> Result<SlotStanding, String> {
        let reader = SlotReader::new(slot, limits).map_err(|error| error.to_string())?;
        let header = *reader.header();
        let Some(succession) = &mut self.succession else {
            let is_fixed = reader.changes_bytes().is_empty() && !header.ends_epoch();
            return match is_fixed {
                true => Ok(SlotStanding::default()),
                false => Err("it changes the members of a network that has always the same".into()),
            };
        };
        let standing = succession.consider(header.height, reader.changes_bytes());
        let standing = standing.map_err(|error| format!("its changes to the members: {error}"))?;
        Ok(SlotStanding {
            standing,
            changes: reader.changes_bytes().to_vec(),
        })
    }

    /// Moves on behind a slot that was verified. Where logs give the order, what its header names
    /// has been compared with them.
    pub(super) fn move_on(
        &mut self,
        slot: &VerifiedSlot,
        considered: &SlotStanding,
        by_logs: bool,
    ) -> Result<Consequences, String> {
        let Some(succession) = &mut self.succession else {
            return Ok((None, None));
        };
        let (header, standing) = (&slot.header, considered.standing);
        if !by_logs {
            let parts = StateParts {
                registry: standing.registry,
                ..StateParts::default()
            };
            let is_last = standing.closes_with(header.height);
            if header.next_membership != standing.named_if(is_last) {
                return Err("it names another next membership than follows from the slots".into());
            }
            if header.state_root != parts.root() {
                return Err("it names another state of the registry than follows".into());
            }
        }
        let before = succession.standing().closing;
        let decided = succession.decide(header.height, &considered.changes);
        decided.map_err(|error| error.to_string())?;
        let closing = standing.closing.filter(|_| before.is_none());
        let mut next = None;
        if header.ends_epoch() {
            let mut members =
                Membership::with_room(MEMBER_COUNT_MAX, succession.registry().suite());
            let filled = succession.fill_next_membership(&mut members);
            filled.map_err(|error| error.to_string())?;
            let begun = succession.begin_epoch(header.height, Tick::ZERO);
            begun.map_err(|error| error.to_string())?;
            if members.members().iter().any(|it| it.id.get() >= NUMBER_MAX) {
                return Err("it admits a sequencer under a number that no run gives".into());
            }
            let old = self.epochs.last().map(|(_, members)| members.clone());
            next = old.map(|old| (old, members.clone()));
            self.epochs.push((header.height.next(), members));
        }
        while succession.poll_audit().is_some() {}
        Ok((closing, next))
    }
}

/// Sequencers of a run are numbered below this.
pub(super) const NUMBER_MAX: u32 = 256;
