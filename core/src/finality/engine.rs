//! Levels, their events, and the way to final.

pub(super) mod state;

use alloc::boxed::Box;

use super::{
    FinalityConflict, FinalityError, FinalityEvent, FinalityEventKind, FinalityLimits,
    FinalitySetupError, Level, Link, Progress,
};
use crate::bounded::{Ring, fixed_slice, fixed_slice_bytes};
use crate::certificate::{CommitProof, Electorate};
use crate::sequencer::Membership;
use crate::types::{Epoch, Hash, Height};

/// Follows heights to finality: see the [module](super).
///
/// - *Inputs*: [`handle_progress`](Self::handle_progress),
///   [`handle_certificate`](Self::handle_certificate), [`handle_header`](Self::handle_header),
///   [`handle_settled`](Self::handle_settled);
/// - *verbs*: [`roll_back`](Self::roll_back), [`hand_over`](Self::hand_over);
/// - *outputs*: [`poll_event`](Self::poll_event);
/// - everything else looks and changes nothing.
#[derive(Debug)]
pub struct FinalityEngine {
    rows: Box<[Row]>,
    /// The last final slot.
    pub(super) tip: Link,
    tip_proof: Option<CommitProof>,
    settled: Height,
    pub(super) electorate: Electorate,
    /// The hash of the next membership, from the epoch's last slot to the hand-over.
    awaited: Option<Hash>,
    pub(super) conflict: Option<FinalityConflict>,
    events: Ring<FinalityEvent>,
    /// Newest first: the slot that `pending` proves, then its ancestors as they come.
    pub(super) chain: Box<[Link]>,
    pub(super) chain_len: usize,
    pub(super) pending: Option<CommitProof>,
}

/// What is known of a height.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    is_used: bool,
    link: Link,
    level: Level,
    /// Final ones: the membership that decided.
    membership: Hash,
    /// Final ones that have a certificate of their own.
    proof: Option<CommitProof>,
}

/// What a proof led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Heights became final, up to this one.
    Final(Height),
    /// The height was final with this value before.
    Known,
    /// The headers down to what is final here are wanted first; the next is of this height and has
    /// this hash.
    Wanted(Height, Hash),
}

impl FinalityEngine {
    /// Starts behind a slot that is final by agreement: the genesis, or a snapshot's slot.
    ///
    /// # Errors
    /// [`FinalitySetupError::LimitOutOfRange`] and [`FinalitySetupError::LimitsContradict`].
    pub fn new(
        limits: &FinalityLimits,
        height: Height,
        hash: Hash,
        electorate: Electorate,
    ) -> Result<Self, FinalitySetupError> {
        limits.check()?;
        let tip = Link {
            height,
            hash,
            epoch: electorate.epoch(),
            ..Link::default()
        };
        Ok(Self {
            rows: fixed_slice(limits.window_count_max as usize, Row::default()),
            tip,
            tip_proof: None,
            settled: Height::ZERO,
            electorate,
            awaited: None,
            conflict: None,
            events: Ring::new(limits.event_count_max),
            chain: fixed_slice(limits.catch_up_count_max as usize, Link::default()),
            chain_len: 0,
            pending: None,
        })
    }

    /// The bytes that [`FinalityEngine::new`] takes beside the electorate.
    #[must_use]
    pub const fn footprint_bytes(limits: &FinalityLimits) -> u64 {
        fixed_slice_bytes::<Row>(limits.window_count_max as usize)
            .saturating_add(Ring::<FinalityEvent>::footprint_bytes(
                limits.event_count_max,
            ))
            .saturating_add(fixed_slice_bytes::<Link>(
                limits.catch_up_count_max as usize,
            ))
    }

    /// Takes note that a candidate has come so far. A level that it had before changes nothing;
    /// another candidate of the height gives way, and what stood above it falls.
    ///
    /// # Errors
    /// - [`FinalityError::HeightBehind`] for a height that is final;
    /// - [`FinalityError::HeightOutOfWindow`] for one too far above;
    /// - [`FinalityError::WrongEpoch`], [`FinalityError::WrongParent`] where it does not fit what
    ///   is below it;
    /// - [`FinalityError::EventsFull`], [`FinalityError::FinalityHalted`].
    pub fn handle_progress(&mut self, link: &Link, to: Progress) -> Result<(), FinalityError> {
        self.go_on()?;
        self.check_place(link)?;
        let level = Level::from(to);
        match self.row(link.height).map(|row| (row.link, row.level)) {
            Some((held, before)) if held.hash == link.hash && before >= level => return Ok(()),
            Some((held, _)) if held.hash != link.hash => {
                self.need_room(self.candidates_from(link.height).saturating_add(1))?;
                self.drop_from(link.height);
            }
            _ => self.need_room(1)?,
        }
        self.set(Row {
            is_used: true,
            link: *link,
            level,
            ..Row::default()
        });
        self.tell(FinalityEventKind::Reached, level, link.height, link);
        Ok(())
    }

    /// Gives a candidate up, and with it everything above.
    ///
    /// # Errors
    /// [`FinalityError::AlreadyFinal`], [`FinalityError::UnknownSlot`] where the height has no
    /// candidate, [`FinalityError::EventsFull`], [`FinalityError::FinalityHalted`].
    pub fn roll_back(&mut self, height: Height) -> Result<(), FinalityError> {
        self.go_on()?;
        if height <= self.tip.height {
            return Err(FinalityError::AlreadyFinal);
        }
        if self.row(height).is_none() {
            return Err(FinalityError::UnknownSlot);
        }
        self.need_room(self.candidates_from(height))?;
        self.drop_from(height);
        Ok(())
    }

    /// Takes in a slot with the proof that it is decided.
    ///
    /// Right behind what is final it becomes final; further ahead its ancestors are wanted first. A
    /// proof of a greater height takes the place of one whose ancestors are still wanted.
    ///
    /// # Errors
    /// - [`FinalityError::CertificateOfOtherHeight`], [`FinalityError::CertificateOfOtherValue`]
    ///   where the proof is not of this slot;
    /// - [`FinalityError::CertificateOfOtherSet`] unless it was checked against the members of the
    ///   epoch; [`FinalityError::WrongEpoch`] where the slot claims another one;
    /// - [`FinalityError::EpochEnded`], [`FinalityError::HandOverMissing`] behind an epoch's last
    ///   slot;
    /// - [`FinalityError::HeightBehind`] below what is kept;
    /// - [`FinalityError::CertificateNotNeeded`] where a greater height waits for its ancestors;
    /// - [`FinalityError::CatchUpTooLong`] where there would be more of them than are kept;
    /// - [`FinalityError::FinalityConflict`] where another value is final or was proven: the engine
    ///   halts;
    /// - [`FinalityError::EventsFull`], [`FinalityError::FinalityHalted`].
    pub fn handle_certificate(
        &mut self,
        link: &Link,
        proof: &CommitProof,
    ) -> Result<Outcome, FinalityError> {
        self.go_on()?;
        self.need_room(self.event_room_wanted())?;
        let fits = proof.expect(link.height, link.hash);
        fits.map_err(FinalityError::of_mismatch)?;
        if link.epoch != proof.epoch() {
            return Err(FinalityError::WrongEpoch);
        }
        if link.height <= self.tip.height {
            return self.compare(link, proof);
        }
        if self.awaited.is_some() {
            let is_old = proof.epoch() <= self.electorate.epoch();
            return Err(if is_old {
                FinalityError::EpochEnded
            } else {
                FinalityError::HandOverMissing
            });
        }
        if proof.membership_hash() != self.electorate.membership_hash() {
            return Err(FinalityError::CertificateOfOtherSet);
        }
        self.begin_chain(link, proof)
    }

    /// Takes in the host's word that the base chain has everything up to a height.
    ///
    /// # Errors
    /// [`FinalityError::NotFinal`], [`FinalityError::EventsFull`],
    /// [`FinalityError::FinalityHalted`].
    pub fn handle_settled(&mut self, height: Height) -> Result<(), FinalityError> {
        self.go_on()?;
        if height > self.tip.height {
            return Err(FinalityError::NotFinal);
        }
        if height <= self.settled {
            return Ok(());
        }
        self.need_room(1)?;
        let first = self.settled.next();
        self.settled = height;
        let value = self.final_value(height).unwrap_or(Hash::ZERO);
        let link = Link {
            height,
            hash: value,
            epoch: self.electorate.epoch(),
            ..Link::default()
        };
        self.tell(FinalityEventKind::Settled, Level::Settled, first, &link);
        Ok(())
    }

    /// Puts the next epoch's members in place: those that the last slot of this one names.
    ///
    /// # Errors
    /// - [`FinalityError::EpochNotNext`] unless the epoch has ended and the members are of the
    ///   next;
    /// - [`FinalityError::WrongMembership`] unless they have the hash that the last slot names;
    /// - [`FinalityError::UnknownSuite`], [`FinalityError::MemberCountOutOfRange`] where their keys
    ///   can't be prepared here;
    /// - [`FinalityError::EventsFull`], [`FinalityError::FinalityHalted`].
    pub fn hand_over(&mut self, membership: &Membership) -> Result<(), FinalityError> {
        self.go_on()?;
        let Some(awaited) = self.awaited else {
            return Err(FinalityError::EpochNotNext);
        };
        if Some(membership.epoch()) != self.electorate.epoch().checked_add(1) {
            return Err(FinalityError::EpochNotNext);
        }
        if membership.hash() != awaited {
            return Err(FinalityError::WrongMembership);
        }
        self.need_room(1)?;
        self.electorate.replace(membership)?;
        self.awaited = None;
        let link = Link {
            epoch: membership.epoch(),
            ..self.tip
        };
        self.tell(
            FinalityEventKind::EpochBegan,
            Level::Final,
            link.height,
            &link,
        );
        Ok(())
    }

    /// Reads the oldest event.
    pub fn poll_event(&mut self) -> Option<FinalityEvent> {
        self.events.pop()
    }

    /// How far a height has come; nothing where nothing is known of it.
    #[must_use]
    pub fn level(&self, height: Height) -> Option<Level> {
        if height <= self.settled {
            Some(Level::Settled)
        } else if height <= self.tip.height {
            Some(Level::Final)
        } else {
            self.row(height).map(|row| row.level)
        }
    }

    /// What is final at a height that is kept.
    #[must_use]
    pub fn final_value(&self, height: Height) -> Option<Hash> {
        if height == self.tip.height {
            return Some(self.tip.hash);
        }
        let row = self.row(height)?;
        (row.level == Level::Final).then_some(row.link.hash)
    }

    /// The last final slot.
    #[must_use]
    pub const fn tip(&self) -> &Link {
        &self.tip
    }

    /// The proof of the last final slot; nothing at the start.
    #[must_use]
    pub const fn tip_proof(&self) -> Option<&CommitProof> {
        self.tip_proof.as_ref()
    }

    /// The last settled height.
    #[must_use]
    pub const fn settled(&self) -> Height {
        self.settled
    }

    /// The epoch whose members decide the next slot.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.electorate.epoch()
    }

    /// The members whose certificates count.
    #[must_use]
    pub const fn electorate(&self) -> &Electorate {
        &self.electorate
    }

    /// The hash of the members that are to be handed over to, where the epoch has ended.
    #[must_use]
    pub const fn awaited_membership(&self) -> Option<Hash> {
        self.awaited
    }

    /// The two values for which the engine halted.
    #[must_use]
    pub const fn conflict(&self) -> Option<&FinalityConflict> {
        self.conflict.as_ref()
    }

    /// Refuses everything once two values were final.
    pub(super) const fn go_on(&self) -> Result<(), FinalityError> {
        match self.conflict {
            Some(_) => Err(FinalityError::FinalityHalted),
            None => Ok(()),
        }
    }

    /// Makes a chain final, oldest first; `at` gives its links by height.
    pub(super) fn finalize(&mut self, proof: &CommitProof) -> Outcome {
        let first = self.tip.height.next();
        for position in (0..self.chain_len).rev() {
            let Some(link) = self.chain.get(position).copied() else {
                break;
            };
            let differs = self
                .row(link.height)
                .is_some_and(|row| row.link.hash != link.hash);
            if differs {
                self.drop_from(link.height);
            }
            self.set(Row {
                is_used: true,
                link,
                level: Level::Final,
                membership: proof.membership_hash(),
                proof: (position == 0).then_some(*proof),
            });
            self.tip = link;
        }
        self.tip_proof = Some(*proof);
        self.chain_len = 0;
        self.pending = None;
        let tip = self.tip;
        let above = tip.height.next();
        let falls = self
            .row(above)
            .is_some_and(|row| row.link.parent != tip.hash);
        if falls || tip.next_membership != Hash::ZERO {
            self.drop_from(above);
        }
        self.tell(FinalityEventKind::Final, Level::Final, first, &tip);
        if tip.next_membership != Hash::ZERO {
            self.awaited = Some(tip.next_membership);
            let link = Link {
                hash: tip.next_membership,
                ..tip
            };
            self.tell(
                FinalityEventKind::EpochEnded,
                Level::Final,
                tip.height,
                &link,
            );
        }
        Outcome::Final(tip.height)
    }

    /// Halts: two values have a quorum behind them.
    pub(super) fn halt(
        &mut self,
        height: Height,
        theirs: Hash,
        proof: &CommitProof,
    ) -> FinalityError {
        let pending = self.pending.filter(|pending| pending.height() == height);
        let our_proof = match pending {
            Some(pending) => Some(pending),
            None if height == self.tip.height => self.tip_proof,
            None => self.row(height).and_then(|row| row.proof),
        };
        let known = self.final_value(height);
        let ours = known.or_else(|| our_proof.map(|proof| proof.value()));
        self.conflict = Some(FinalityConflict {
            height,
            ours: ours.unwrap_or(Hash::ZERO),
            theirs,
            our_proof,
            their_proof: *proof,
        });
        let link = Link {
            height,
            hash: theirs,
            epoch: proof.epoch(),
            ..Link::default()
        };
        self.tell(FinalityEventKind::Halted, Level::Final, height, &link);
        FinalityError::FinalityConflict
    }

    /// The most events that one certificate or header can lead to.
    pub(super) fn event_room_wanted(&self) -> usize {
        self.candidates_from(self.tip.height.next())
            .saturating_add(2)
    }

    pub(super) const fn need_room(&self, count: usize) -> Result<(), FinalityError> {
        if self.events.room() < count {
            return Err(FinalityError::EventsFull);
        }
        Ok(())
    }

    /// A proof of a height that is final: either it says the same, or there are two truths.
    fn compare(&mut self, link: &Link, proof: &CommitProof) -> Result<Outcome, FinalityError> {
        let row = self.row(link.height).ok_or(FinalityError::HeightBehind)?;
        if row.membership != proof.membership_hash() {
            return Err(FinalityError::CertificateOfOtherSet);
        }
        if row.link.hash == link.hash {
            return Ok(Outcome::Known);
        }
        Err(self.halt(link.height, link.hash, proof))
    }

    /// Whether a candidate may stand where it wants to.
    fn check_place(&self, link: &Link) -> Result<(), FinalityError> {
        if link.height <= self.tip.height {
            return Err(FinalityError::HeightBehind);
        }
        let above = link.height.saturating_distance(self.tip.height);
        if above > self.half() {
            return Err(FinalityError::HeightOutOfWindow);
        }
        let epoch = self.electorate.epoch();
        let epoch = epoch.saturating_add(u64::from(self.awaited.is_some()));
        if link.epoch != epoch {
            return Err(FinalityError::WrongEpoch);
        }
        let below = link.height.get().saturating_sub(1);
        let below = match self.row(Height::new(below)) {
            _ if above == 1 => Some(&self.tip),
            row => row.map(|row| &row.link),
        };
        if below.is_some_and(|below| below.hash != link.parent) {
            return Err(FinalityError::WrongParent);
        }
        Ok(())
    }

    /// Takes out all candidates from a height on, newest first.
    fn drop_from(&mut self, height: Height) {
        let top = self.tip.height.saturating_add(self.half());
        for above in (height.get()..=top.get()).rev() {
            let above = Height::new(above);
            let Some(row) = self.row(above).copied() else {
                continue;
            };
            let kind = if above == height {
                FinalityEventKind::RolledBack
            } else {
                FinalityEventKind::Revoked
            };
            self.tell(kind, row.level, above, &row.link);
            if let Some(place) = self.place(above) {
                *place = Row::default();
            }
        }
    }

    /// How many candidates stand from a height on.
    fn candidates_from(&self, height: Height) -> usize {
        let top = self.tip.height.saturating_add(self.half());
        (height.get()..=top.get())
            .filter(|height| self.row(Height::new(*height)).is_some())
            .count()
    }

    fn tell(&mut self, kind: FinalityEventKind, level: Level, first: Height, link: &Link) {
        let event = FinalityEvent {
            kind,
            level,
            first,
            height: link.height,
            value: link.hash,
            epoch: link.epoch,
        };
        let pushed = self.events.push(event);
        debug_assert!(pushed.is_ok(), "something happened without room to say so");
    }

    /// Heights that are kept on either side of the last final one.
    const fn half(&self) -> u64 {
        (self.rows.len() as u64) >> 1
    }

    fn row(&self, height: Height) -> Option<&Row> {
        let at = height.get().checked_rem(self.rows.len() as u64)?;
        let row = self.rows.get(at as usize)?;
        (row.is_used && row.link.height == height).then_some(row)
    }

    fn place(&mut self, height: Height) -> Option<&mut Row> {
        let at = height.get().checked_rem(self.rows.len() as u64)?;
        self.rows.get_mut(at as usize)
    }

    fn set(&mut self, row: Row) {
        if let Some(place) = self.place(row.link.height) {
            *place = row;
        }
    }
}
