//! Several sequencers under a policy that takes slots from the proposer's pool.
//!
//! Transactions reach every member's pool, each at its own time. Whoever's turn it is takes a slot
//! from its pool as one sequencer alone would; the others check its bytes by the policy's twin,
//! and that it repeats nothing that was decided, and prevote for nothing else; and what is decided
//! every one of them takes over, so that nothing of it comes again from any pool.
//!
//! A body that a pool refuses for now, because a nonce before it is still on its way or there is no
//! room, is offered again before the next slot. What is refused for good is nobody's loss: others
//! hold it.
//!
//! Members change as in a committee with logs, but nothing has to be finished: the epoch ends with
//! the slot that decides. Whoever joins, or was away, takes over all slots that it lacks, each with
//! its certificate.

mod epochs;
mod judge;
#[cfg(test)]
mod tests;

pub use judge::SlotRefusal;

use std::sync::Arc;

use hauptbuch_core::batch::{SlotReader, SlotVerifier, VerifiedSlot, slot_encoded_len_max};
use hauptbuch_core::consensus::{Validity, Verdict};
use hauptbuch_core::coordinator::{AdoptError, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Envelope, Hash, Height, Nonce, Round, SequencerId, Tick, TxId};
use rayon::iter::{
    IntoParallelIterator as _, IntoParallelRefMutIterator as _, ParallelIterator as _,
};

use super::agree::{Agreement, check_agreement};
use super::inbox::{Inbox, Unseated};
use super::known::{Known, Outside, World};
use super::registrar::Registrar;
use super::seat::{Mind, Parcel, Said, Seat, Table};
use super::trail::Trail;
use super::{CommitteeError, Parts};
use crate::arrivals::Arrivals;
use crate::run::{ConsensusReport, Pools, agreed_time, take};
use crate::workload::Workload;
use epochs::{Past, PoolKit};

/// One member: its pool, its chain of slots, and the twin by which it checks those of others.
#[derive(Debug)]
struct PoolMember {
    id: SequencerId,
    /// Where members change, what it knows of that.
    registrar: Option<Registrar>,
    node: TransactionCoordinator,
    verifier: SlotVerifier,
    /// What the verifier said of the slot that was settled last.
    verified: Option<VerifiedSlot>,
    inbox: Inbox,
    /// What its pool refused for now.
    waiting: Vec<u32>,
    /// The slot that it has taken and that is not settled.
    taken: Option<(Height, Hash)>,
    /// Why it refused a slot at this height, the last time that it did.
    refusal: Option<SlotRefusal>,
    /// In a first round it changes a byte of what it proposes.
    #[cfg(test)]
    lies_first: bool,
    /// In a first round it proposes what was decided before.
    #[cfg(test)]
    repeater: Option<tests::Repeater>,
}

impl PoolMember {
    /// Takes in what reaches it before `tick`.
    fn receive(&mut self, tick: Tick, world: &World<'_>) {
        for record in std::mem::take(&mut self.waiting) {
            self.offer(record, self.node.now(), world);
        }
        while let Some(arrival) = self.inbox.pop_before(tick) {
            self.offer(arrival.transaction, arrival.at, world);
        }
    }

    fn offer(&mut self, record: u32, at: Tick, world: &World<'_>) {
        // What has ended needs no place any more, and what the door refused has none.
        if world.known.body(record).is_none() {
            return;
        }
        let Some(submission) = world.submission_of(record) else {
            return;
        };
        let at = at.max(self.node.now());
        let submitted = self.node.submit(&submission, at, agreed_time(at));
        if submitted.is_err_and(Code::is_retryable) {
            self.waiting.push(record);
        }
        self.forget_events();
    }

    /// What became of transactions is heard of at the door.
    fn forget_events(&mut self) {
        while self.node.poll_event().is_some() {}
    }

    /// Gives back a slot that it has taken and that was not decided.
    fn give_back(&mut self) -> Result<(), CommitteeError> {
        if let Some((height, hash)) = self.taken.take() {
            let given = self.node.roll_back_slot(height, hash);
            given.map_err(|error| CommitteeError::Refused(error.code()))?;
        }
        Ok(())
    }

    /// Takes over a slot of another member.
    fn adopt(&mut self, body: &[u8], tick: Tick) -> Result<(), CommitteeError> {
        self.give_back()?;
        loop {
            match self.node.adopt(body, tick) {
                Ok(_) => return Ok(()),
                Err(AdoptError::EventsFull) if self.node.event_count() > 0 => self.forget_events(),
                Err(error) => return Err(CommitteeError::Refused(error.code())),
            }
        }
    }
}

impl Mind for PoolMember {
    fn id(&self) -> SequencerId {
        self.id
    }

    fn next_height(&self) -> Height {
        self.node.acknowledged_height().next()
    }

    fn propose(
        &mut self,
        round: Round,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Vec<u8>, CommitteeError> {
        self.give_back()?;
        #[cfg(test)]
        if let Some(repeater) = self.repeater.as_mut().filter(|_| round == Round::ZERO) {
            return Ok(repeater.propose(tick));
        }
        self.prepare_context()?;
        // Where nothing has reached it yet, the slot is empty, and the time goes on.
        let empty = WhenEmpty::EmptySlot;
        let taken = take(&mut self.node, world.pools, world.seed, tick, empty);
        let slot = taken.map_err(CommitteeError::Refused)?;
        let slot = slot.ok_or(CommitteeError::Refused(Code::UnknownSlot))?;
        self.taken = Some((slot.header.height, slot.hash));
        let bytes = slot.bytes.to_vec();
        self.forget_events();
        #[cfg(test)]
        if self.lies_first && round == Round::ZERO {
            return Ok(tests::changed(bytes));
        }
        let _ = round;
        Ok(bytes)
    }

    fn judge(
        &mut self,
        value: Hash,
        body: &[u8],
        _: Tick,
        _: &World<'_>,
    ) -> Result<Verdict, CommitteeError> {
        let is_own = self.taken.is_some_and(|(_, hash)| hash == value);
        #[cfg(test)]
        let is_own = is_own || self.repeater.as_ref().is_some_and(|own| own.made(value));
        let found = match is_own {
            true => Ok(()),
            false => self.check(value, body)?,
        };
        self.refusal = found.err().or(self.refusal);
        Ok(match found {
            Ok(()) => Verdict::Known(Validity::Valid {
                extension_hash: Hash::ZERO,
            }),
            // The bytes are those of the hash, so that no others make it better.
            Err(SlotRefusal::Repeats { .. } | SlotRefusal::Members(_)) => {
                Verdict::Known(Validity::Invalid)
            }
            // The hash is that of a header: bytes that do not fit it may be somebody else's fault.
            Err(_) => Verdict::WrongBody,
        })
    }

    fn settle(
        &mut self,
        value: Hash,
        body: &[u8],
        tick: Tick,
        _: &World<'_>,
    ) -> Result<(), CommitteeError> {
        let own = self.taken.take_if(|(_, hash)| *hash == value);
        let own_slot = own.and_then(|(height, _)| self.node.slot(height));
        let verified = self
            .verifier
            .verify(own_slot.map_or(body, |slot| slot.bytes));
        let verified = verified.map_err(|error| CommitteeError::Refused(error.code))?;
        self.verified = Some(verified);
        self.note_changes(verified.header.height, body)?;
        #[cfg(test)]
        if let Some(repeater) = &mut self.repeater {
            repeater.follow(body, tick);
        }
        match own {
            Some((height, hash)) => {
                let settled = self.node.acknowledge_slot(height, hash, tick);
                settled.map_err(|error| CommitteeError::Refused(error.code()))?;
            }
            None => self.adopt(body, tick)?,
        }
        self.forget_events();
        Ok(())
    }

    fn signed(&self) -> Said {
        Said::default()
    }

    fn state(&mut self) -> (Hash, Hash) {
        (self.verifier.tip().hash, self.node.tip().hash)
    }
}

/// A slot that members with pools agreed on.
#[derive(Clone, Copy, Debug)]
pub struct Adoptable<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What every follower finds in them.
    pub verified: VerifiedSlot,
    /// The commit certificate.
    pub certificate: &'a [u8],
    /// The transactions that were admitted and have not ended.
    pub known: &'a Known,
}

/// Members with pools, and what lies between them.
#[derive(Debug)]
pub struct PoolCommittee {
    kit: PoolKit,
    table: Table,
    /// How each epoch handed over to the next, and all slots so far with their certificates: for
    /// whoever joins or was away. Nothing where members stay as they are.
    trail: Trail,
    history: Vec<Past>,
    unseated: Unseated,
    /// In the order of the members of the epoch.
    seats: Vec<Seat<PoolMember>>,
    outside: Outside,
    agreement: Agreement,
    /// Slots in a row without a transaction, after all have arrived.
    still_count: u32,
    seed: u64,
}

impl PoolCommittee {
    /// Makes one for transactions that reach its members at these arrivals; a transaction is the
    /// number of its record.
    ///
    /// # Errors
    /// [`CommitteeError`] where there are not as many keys as arrivals have sequencers, or the
    /// configuration gives no sequencer.
    pub fn new(parts: &Parts<'_>, seed: u64, arrivals: &Arrivals) -> Result<Self, CommitteeError> {
        let kit = PoolKit {
            config: parts.config.clone(),
            limits: parts.limits.clone(),
            keys: parts.keys.clone(),
            plan: Arc::new(parts.plan.clone()),
        };
        let first = parts.keys.membership();
        let member_count = first.members().len();
        let sequencer_count = parts.plan.sequencer_count().max(member_count as u32);
        let parcel = Parcel {
            bytes_max: u32::try_from(slot_encoded_len_max(&kit.limits)).unwrap_or(u32::MAX),
            identify: slot_hash,
        };
        if arrivals.sequencer_count() != sequencer_count {
            return Err(CommitteeError::WrongSequencerCount);
        }
        let most = kit.config.epochs.member_count_max.into();
        let table = Table::new(&kit.keys, &kit.genesis(), most, parcel);
        let mut unseated = Unseated::new(arrivals);
        let ids = (0..member_count as u32).map(SequencerId::new);
        let inboxes: Vec<_> = ids.map(|id| (id, unseated.take(id))).collect();
        let seats = inboxes.into_par_iter().map(|(id, inbox)| {
            let mind = PoolMember::new(id, &kit, inbox)?;
            Seat::new(mind, &table, first)
        });
        Ok(Self {
            seats: seats.collect::<Result<_, CommitteeError>>()?,
            trail: Trail::new(table.network, first, table.member_count_max),
            history: Vec::new(),
            unseated,
            outside: Outside::new(arrivals.transaction_count() as usize),
            agreement: Agreement::default(),
            still_count: 0,
            seed,
            kit,
            table,
        })
    }

    /// A transaction was let in: from now on it can reach members.
    pub fn admit(
        &mut self,
        record: u32,
        id: TxId,
        body_bytes: u32,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
    ) {
        self.outside
            .admit(record, id, body_bytes, envelope, account_nonce);
    }

    /// A transaction ended; one that was included moves its sender's account on.
    pub fn end(&mut self, id: &TxId, is_included: bool) {
        self.outside.end(id, is_included);
    }

    /// Lets what arrives before `tick` into the members' pools, agrees on the slot at it, and lets
    /// every member take it over.
    ///
    /// # Errors
    /// A [`CommitteeError`] that says what was refused: honest members give no reason for any.
    pub fn decide(
        &mut self,
        tick: Tick,
        workload: &Workload,
        pools: &Pools,
    ) -> Result<Adoptable<'_>, CommitteeError> {
        self.change_members(tick)?;
        let world = World {
            pools,
            seed: self.seed,
            ..self.outside.world(workload)
        };
        let inboxes = self.seats.iter_mut().map(|seat| &mut seat.mind.inbox);
        self.unseated.pass_on(tick, inboxes);
        let present = self.seats.par_iter_mut().filter(|seat| seat.is_up);
        present.for_each(|seat| {
            seat.mind.refusal = None;
            seat.mind.receive(tick, &world);
        });
        let hash = self.agreement.agree(&mut self.seats, tick, &world)?;
        let is_over = self.next_arrival().is_none();
        let first = self.seats.iter().find(|seat| seat.is_up);
        let first = first.ok_or(CommitteeError::WrongSequencerCount)?;
        let verified = first.mind.verified.filter(|slot| slot.hash == hash);
        let verified = verified.ok_or(CommitteeError::Diverged)?;
        let is_still = is_over && verified.transaction_count == 0;
        self.still_count = if is_still { self.still_count + 1 } else { 0 };
        let bytes = first.body(hash).ok_or(CommitteeError::Undecided)?;
        if !self.kit.plan.is_empty() {
            self.history.push(Past {
                slot: bytes.to_vec(),
                certificate: first.certificate().to_vec(),
            });
        }
        Ok(Adoptable {
            bytes,
            verified,
            certificate: first.certificate(),
            known: &self.outside.known,
        })
    }

    /// When the next transaction reaches a member; nothing once all have.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Tick> {
        let present = self.seats.iter().filter(|seat| seat.is_up);
        let next = present.filter_map(|seat| seat.mind.inbox.next_tick());
        next.chain(self.unseated.next_tick()).min()
    }

    /// Whether slots go by and bring nothing, though nothing is on its way any more.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        self.still_count >= STILL_COUNT_MAX
    }

    /// Which members refused a slot at the height that was decided last, and why the last time.
    pub fn refusals(&self) -> impl Iterator<Item = (SequencerId, SlotRefusal)> {
        let minds = self.seats.iter().map(|seat| &seat.mind);
        minds.filter_map(|mind| Some((mind.id, mind.refusal?)))
    }

    /// What agreeing came to so far.
    #[must_use]
    pub fn consensus_report(&self) -> ConsensusReport {
        self.agreement.report(&self.seats)
    }

    /// Whether all members have come to the same chain.
    ///
    /// # Errors
    /// [`CommitteeError::Diverged`].
    pub fn check_agreement(&mut self) -> Result<(), CommitteeError> {
        check_agreement(&mut self.seats)
    }
}

/// The hash that the slot's header has. It binds the rest by roots, which whoever votes compares.
fn slot_hash(body: &[u8]) -> Option<Hash> {
    // Only the header is read, whatever a network's limits are.
    let reader = SlotReader::new(body, &Limits::default()).ok()?;
    Some(reader.header().hash())
}

/// Slots in a row without a transaction, after which nothing is waited for any more.
const STILL_COUNT_MAX: u32 = 64;
