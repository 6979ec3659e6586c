//! A member from one epoch to the next, and one that takes part for the first time or again.

use hauptbuch_core::batch::{SlotHeader, SlotReader, StateParts};
use hauptbuch_core::certificate::{CommitCertificate, Electorate};
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::crypto::merkle;
use hauptbuch_core::error::Code;
use hauptbuch_core::ordering::fair::Parameters;
use hauptbuch_core::ordering::fair::stream::{FairMember, NextEpoch, TrialStream};
use hauptbuch_core::receive_log::{Cut, LogId, LogMark, OwnLog, OwnRecord};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash, Height, LogPosition, SequencerId, Tick, UnixNs};

use super::super::inbox::Inbox;
use super::super::known::{Known, World};
use super::super::registrar::{Registrar, RegistrarState};
use super::super::{CommitteeError, Kit, PublicKeys};
use super::{Member, pool_of};
use crate::run::index_key;

/// What a node that joins gets of a peer: the last decided slot with its certificate, and the
/// states behind it as bytes. Nothing of it is believed without the slot.
#[derive(Clone, Debug)]
pub(in crate::committee) struct Offer {
    pub(super) slot: Vec<u8>,
    pub(super) certificate: Vec<u8>,
    pub(super) stream: Vec<u8>,
    pub(super) registrar: RegistrarState,
    pub(super) node: Vec<u8>,
    pub(super) marks: Vec<LogMark>,
}

impl Member {
    /// The number of its place among the members of the epoch.
    pub(in crate::committee) fn members(&self) -> &[SequencerId] {
        &self.members
    }

    /// Whether the slot that was settled last ended the epoch.
    pub(in crate::committee) const fn is_epoch_over(&self) -> bool {
        self.trial.stream().epoch_end().is_some()
    }

    /// Whether what it offers follows from the slot that was settled last: not where that slot
    /// decided on a closing one, which the next one shows.
    pub(in crate::committee) const fn can_offer(&self) -> bool {
        !self.settled.slot.is_empty() && !self.settled.has_decided_closing
    }

    fn stream_bytes(&mut self) -> Result<Vec<u8>, CommitteeError> {
        let bytes = self.trial.decided_bytes();
        bytes
            .map(<[u8]>::to_vec)
            .map_err(|error| CommitteeError::Refused(error.code()))
    }

    /// The members of the epoch that follows, as its registry says.
    pub(in crate::committee) fn next_membership(&self) -> Result<Membership, CommitteeError> {
        let registrar = self.registrar.as_ref();
        registrar
            .ok_or(CommitteeError::Refused(Code::EpochNotEnded))?
            .next_membership()
    }

    /// The members of the epoch, as its registry says.
    pub(in crate::committee) fn membership(&self) -> Result<Membership, CommitteeError> {
        let registrar = self.registrar.as_ref();
        registrar
            .ok_or(CommitteeError::Refused(Code::EpochNotEnded))?
            .membership()
    }

    /// The bodies that wait in its lines [rule 24], by their records.
    pub(in crate::committee) fn waiting_records(&self, known: &Known) -> Vec<u32> {
        let waiting = self.side.waiting(self.trial.stream());
        let in_lines = waiting.filter_map(|(id, _)| known.record_of(&id.id));
        in_lines.chain(self.waiting.iter().copied()).collect()
    }

    /// Takes a body from another member, as if a client had brought it.
    pub(in crate::committee) fn take_over(&mut self, record: u32, world: &World<'_>) {
        self.offer(record, world);
    }

    /// What a node that joins gets of this one.
    pub(in crate::committee) fn give_state(
        &mut self,
        certificate: &[u8],
    ) -> Result<Offer, CommitteeError> {
        let refused = CommitteeError::Refused;
        let registrar = self.registrar.as_ref();
        let registrar = registrar.ok_or(refused(Code::EpochNotEnded))?.state()?;
        let mut node = vec![0; self.node.snapshot_len()];
        let written = self.node.snapshot(&mut node);
        written.map_err(|error| refused(error.code()))?;
        let stream = self.stream_bytes()?;
        let marks = (0..self.members.len() as u16).filter_map(|log| self.extents.decided(log));
        Ok(Offer {
            slot: self.settled.slot.clone(),
            certificate: certificate.to_vec(),
            stream,
            registrar,
            node,
            marks: marks.copied().collect(),
        })
    }

    /// A node that takes part from the slot of the offer on. It believes the electorates, each of
    /// which the one before authorised, and what the slot names of the states behind it. `record`
    /// is what it knows of a log that it wrote before in the same epoch.
    pub(in crate::committee) fn join(
        id: SequencerId,
        kit: &Kit,
        offer: &Offer,
        trusted: &[Electorate],
        inbox: Inbox,
        record: Option<&OwnRecord>,
    ) -> Result<Self, CommitteeError> {
        let refused = CommitteeError::Refused;
        let header = certified(offer, trusted, kit)?;
        let cut = cut_of(offer, kit)?;
        let mut joined = Self::new(0, kit, inbox)?;
        joined.id = id;
        let signer = kit.keys.signer(id.get() as u16);
        joined.signer = signer.ok_or(CommitteeError::WrongSequencerCount)?;
        let mut stream = kit.setup.stream()?;
        let decoded = stream.decode(&offer.stream);
        decoded.map_err(|error| refused(error.code()))?;
        let registrar =
            Registrar::resume(&kit.config, &kit.genesis(), &kit.keys, &offer.registrar)?;
        let parts = StateParts {
            order: stream.state_hash(),
            cut: cut.hash(),
            registry: registrar.standing().registry,
        };
        let marks = offer.marks.iter().map(|mark| &mark.at);
        if parts.root() != header.state_root || !marks.eq(cut.points()) {
            return Err(refused(Code::WrongStateRoot));
        }
        joined.node = node_of(offer, &header, kit)?;
        let is_over = stream.epoch_end().is_some();
        let members = match is_over {
            true => registrar.next_membership()?,
            false => registrar.membership()?,
        };
        joined.trial = TrialStream::new(stream);
        joined.registrar = Some(registrar);
        joined.settled.slot.clone_from(&offer.slot);
        joined.settled.state_root = header.state_root;
        joined.settled.next_membership = header.next_membership;
        joined.is_new = true;
        joined.take_seat(&members)?;
        if !is_over {
            joined.go_on_logging(header.epoch, &offer.marks, record, &cut)?;
        }
        Ok(joined)
    }

    /// What it knows of its own log.
    pub(in crate::committee) const fn record(&self) -> &OwnRecord {
        self.log.record()
    }

    /// Bodies that reached it while it took no part wait in line.
    pub(in crate::committee) fn catch_up(&mut self, now: Tick) {
        while let Some(arrival) = self.inbox.pop_before(now) {
            self.waiting.push_back(arrival.transaction);
        }
    }

    /// Whether it took a peer's state, and the epoch for which it did has not begun.
    pub(in crate::committee) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// The slot that was settled last ended its epoch: goes on as a member of the next.
    pub(in crate::committee) fn begin_epoch(
        &mut self,
        members: &Membership,
        now: Tick,
    ) -> Result<(), CommitteeError> {
        let refused = CommitteeError::Refused;
        let ids: Vec<SequencerId> = members.members().iter().map(|member| member.id).collect();
        let before = match self.is_new {
            // Its own seat is one of the next epoch already.
            true => self.members_before()?,
            false => self.members.clone(),
        };
        let seat = |own: &SequencerId| ids.iter().position(|id| id == own).map(|at| at as u32);
        let seats: Vec<Option<u32>> = before.iter().map(seat).collect();
        let parameters = self.parameters_of(ids.len())?;
        let me = seat(&self.id).ok_or(CommitteeError::WrongSequencerCount)?;
        if !self.is_new {
            self.side.begin_epoch(self.trial.stream(), me)?;
        }
        let next = NextEpoch {
            parameters,
            seats: &seats,
        };
        let begun = self.trial.begin_epoch(&next);
        begun.map_err(|error| refused(error.code()))?;
        let height = self.trial.stream().height();
        let registrar = self.registrar.as_mut();
        let registrar = registrar.ok_or(refused(Code::EpochNotEnded))?;
        registrar.begin_epoch(height, now)?;
        self.take_seat(members)?;
        let (epoch, boundary) = (members.epoch(), self.node.tip().hash);
        let logs = 0..ids.len() as u16;
        let starts = logs.map(|log| self.setup.new_log(epoch, &boundary, log));
        let marks: Vec<LogMark> = starts
            .map(|record| LogMark {
                at: record.end,
                ..LogMark::default()
            })
            .collect();
        self.extents.begin(epoch, &marks)?;
        let record = self.setup.new_log(epoch, &boundary, self.number);
        self.log = OwnLog::new(&self.setup.log_limits(), &record, LogPosition::ZERO);
        self.is_new = false;
        Ok(())
    }

    /// Goes on with the log of an epoch that has begun.
    fn go_on_logging(
        &mut self,
        epoch: Epoch,
        marks: &[LogMark],
        record: Option<&OwnRecord>,
        cut: &Cut,
    ) -> Result<(), CommitteeError> {
        self.extents.begin(epoch, marks)?;
        let log = LogId {
            chain_id: self.setup.chain_id,
            epoch,
            member: self.number,
        };
        let decided = cut.points().get(usize::from(self.number));
        let decided = decided.ok_or(CommitteeError::WrongSequencerCount)?;
        let limits = self.setup.log_limits();
        // Who was away since before the epoch began has signed nothing of it.
        let fresh = OwnRecord {
            log,
            end: *decided,
            base: Height::ZERO,
            stamp: UnixNs::ZERO,
        };
        let is_fresh = record.is_some_and(|own| own.log.epoch < epoch);
        let record = match is_fresh && decided.position == LogPosition::ZERO {
            true => Some(&fresh),
            false => record,
        };
        self.log = OwnLog::resume(&limits, log, record, decided);
        let time = self.trial.stream().time();
        self.log.handle_decided(decided.position, time);
        self.is_new = false;
        Ok(())
    }

    /// Takes its place among the members of an epoch.
    fn take_seat(&mut self, members: &Membership) -> Result<(), CommitteeError> {
        self.members = members.members().iter().map(|member| member.id).collect();
        let number = self.members.iter().position(|own| *own == self.id);
        let number = number.ok_or(CommitteeError::WrongSequencerCount)?;
        self.number = number as u16;
        self.public = PublicKeys::of(members)?;
        self.cut = Cut::new(self.members.len() as u32);
        self.entries = vec![Vec::new(); self.members.len()];
        if self.is_new {
            let fair = &self.setup.fair;
            let parameters = self.parameters_of(self.members.len())?;
            let key = index_key(self.id.get().into());
            let made = FairMember::new(parameters, &fair.limits, &fair.parts, number as u32, key);
            self.side = made.map_err(|error| CommitteeError::Refused(error.code()))?;
        }
        Ok(())
    }

    fn members_before(&self) -> Result<Vec<SequencerId>, CommitteeError> {
        let registrar = self.registrar.as_ref();
        let registrar = registrar.ok_or(CommitteeError::Refused(Code::EpochNotEnded))?;
        let members = registrar.membership()?;
        Ok(members.members().iter().map(|member| member.id).collect())
    }

    fn parameters_of(&self, member_count: usize) -> Result<Parameters, CommitteeError> {
        let parameters = self.setup.fair.parameters_of_epoch(member_count as u32);
        Ok(parameters?)
    }
}

/// The header of the slot of an offer, if the electorate decided it.
fn certified(
    offer: &Offer,
    trusted: &[Electorate],
    kit: &Kit,
) -> Result<SlotHeader, CommitteeError> {
    let refused = CommitteeError::Refused;
    let reader = SlotReader::new(&offer.slot, &kit.limits);
    let header = *reader.map_err(|error| refused(error.code()))?.header();
    let trusted = trusted.iter().find(|it| it.epoch() == header.epoch);
    let trusted = trusted.ok_or(refused(Code::WrongSlotEpoch))?;
    let certificate = CommitCertificate::decode(&offer.certificate);
    let proof = certificate.and_then(|certificate| certificate.verify(trusted));
    let fits = proof.and_then(|proof| proof.expect(header.height, header.hash()));
    fits.map_err(|error| refused(error.code()))?;
    Ok(header)
}

/// The cut of the slot of an offer.
fn cut_of(offer: &Offer, kit: &Kit) -> Result<Cut, CommitteeError> {
    let refused = CommitteeError::Refused;
    let mut reader =
        SlotReader::new(&offer.slot, &kit.limits).map_err(|error| refused(error.code()))?;
    let first = reader.next_sub_batch();
    let first = first.map_err(|error| refused(error.code()))?;
    let evidence = first.ok_or(refused(Code::WrongCut))?.evidence;
    let mut cut = Cut::new(evidence.cut_log_count().into());
    cut.decode(evidence.cut())?;
    Ok(cut)
}

/// A node that stands where the slot of an offer leaves it.
fn node_of(
    offer: &Offer,
    header: &SlotHeader,
    kit: &Kit,
) -> Result<TransactionCoordinator, CommitteeError> {
    let refused = CommitteeError::Refused;
    let limits = pool_of(&kit.setup, &kit.limits);
    let node = TransactionCoordinator::restore(&kit.config, &limits, &offer.node);
    let node = node.map_err(|error| refused(error.code()))?;
    let tip = node.tip();
    let mut reader =
        SlotReader::new(&offer.slot, &kit.limits).map_err(|error| refused(error.code()))?;
    let mut hashes: Vec<Hash> = Vec::new();
    let mut is_same = (tip.hash, tip.time) == (header.hash(), header.time);
    while let Some(own) = reader
        .next_sub_batch()
        .map_err(|error| refused(error.code()))?
    {
        let hash = own.header.hash();
        let at = tip.rollups.get(hashes.len());
        is_same &=
            at.is_some_and(|at| (at.sub_batch, at.running_hash) == (hash, own.header.running_hash));
        hashes.push(hash);
    }
    is_same &= hashes.len() == tip.rollups.len();
    is_same &= merkle::root(&mut hashes) == header.sub_batch_root;
    is_same.then_some(node).ok_or(refused(Code::WrongStateRoot))
}
