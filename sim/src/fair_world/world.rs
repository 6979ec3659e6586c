//! The world itself: ticks, logs and slots.

use std::collections::{BTreeMap, BTreeSet};

use super::attacks::Byzantine;
use super::chronicle::Chronicle;
use super::clients::Crowd;
use super::config::WorldConfig;
use super::epochs::Epochs;
use super::network::{Event, Network};
use super::random::Random;
use super::rules::{
    Book, Cut, Decided, Entry, Envelope, Image, Kind, Member, Next, Number, Outcome,
};

/// One slot, as it was decided.
#[derive(Clone, Debug)]
pub struct Step {
    /// Who proposed it.
    pub proposer: u32,
    /// Its cut.
    pub cut: Cut,
    /// What followed.
    pub outcome: Outcome,
}

/// A decided slot, as nodes come to know it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) cut: Cut,
    /// The closing slot that it decides.
    pub(super) closing: Option<u64>,
    /// The committee of the epoch that begins after it.
    pub(super) next: Option<(Next, Vec<u32>)>,
}

/// What one node has and does: a member of some epochs' committees.
#[derive(Debug)]
pub(super) struct Seat<M> {
    pub(super) member: M,
    /// The epoch that it lives in, as far as it knows slots, and whether it is a member then.
    pub(super) epoch: u64,
    pub(super) is_seated: bool,
    /// Whether it keeps to the rules all the time.
    pub(super) is_honest: bool,
    /// Up to which slot it is away.
    pub(super) away_until: u64,
    pub(super) bodies: BTreeSet<Number>,
    /// Those that clients sent it.
    pub(super) sent: BTreeSet<Number>,
    wanted: BTreeSet<Number>,
    /// How many decided slots it knows, and how many it was told of.
    known_count: usize,
    told_count: usize,
    /// Of each node's log of this epoch, the position that it has seen.
    pub(super) seen: Vec<usize>,
    pub(super) byzantine: Byzantine,
}

/// A committee, its clients and its network.
#[derive(Debug)]
pub struct World<D, M> {
    pub(super) config: WorldConfig,
    pub(super) random: Random,
    pub(super) book: Vec<Envelope>,
    crowd: Crowd,
    pub(super) network: Network,
    pub(super) now: u64,
    pub(super) decided: D,
    pub(super) image: Image,
    /// All nodes, and which of them are this epoch's members, in the order of their numbers.
    pub(super) seats: Vec<Seat<M>>,
    pub(super) committee: Vec<u32>,
    /// Everything that each node signed in this epoch, and how much of it is decided.
    pub(super) logs: Vec<Vec<Entry>>,
    pub(super) positions: Vec<usize>,
    pub(super) slots: Vec<Slot>,
    pub(super) chronicle: Chronicle,
    honest_refused_count: u64,
    pub(super) epochs: Epochs,
}

impl<D: Decided, M: Member> World<D, M> {
    /// A world at its beginning; `member` makes the members, by number.
    pub fn new(config: WorldConfig, decided: D, mut member: impl FnMut(u32) -> M) -> Self {
        let parameters = config.rules.parameters;
        let (n, nodes) = (parameters.n(), config.node_count());
        let mut random = Random::new(config.seed);
        let first_faulty = random.below(u64::from(n)) as u32;
        let is_faulty = |at: u32| match &config.faulty {
            Some(faulty) => faulty.contains(&at),
            None => (at + n - first_faulty) % n < parameters.f(),
        };
        let seat = |at| {
            let mut member = member(at);
            if at >= n {
                member.stand_aside();
            }
            Seat {
                member,
                epoch: 0,
                is_seated: at < n,
                is_honest: !is_faulty(at),
                away_until: 0,
                bodies: BTreeSet::new(),
                sent: BTreeSet::new(),
                wanted: BTreeSet::new(),
                known_count: 0,
                told_count: 0,
                seen: vec![0; nodes as usize],
                byzantine: Byzantine::default(),
            }
        };
        let seats: Vec<Seat<M>> = (0..nodes).map(seat).collect();
        let honest = seats.iter().map(|seat| seat.is_honest).collect();
        let crowd = Crowd::new(config.clients, config.rules.rollups.len() as u32);
        let network = Network::new(nodes, config.delay_ticks_max, &mut random);
        let image = decided.image(&[]);
        Self {
            chronicle: Chronicle::new(parameters, honest, n),
            config,
            random,
            book: Vec::new(),
            crowd,
            network,
            now: 0,
            decided,
            image,
            seats,
            committee: (0..n).collect(),
            logs: vec![Vec::new(); nodes as usize],
            positions: vec![0; nodes as usize],
            slots: Vec::new(),
            honest_refused_count: 0,
            epochs: Epochs::default(),
        }
    }

    /// All transactions so far.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The decided state that cuts were checked against.
    #[must_use]
    pub const fn decided(&self) -> &D {
        &self.decided
    }

    /// The same as everybody can see it.
    #[must_use]
    pub const fn image(&self) -> &Image {
        &self.image
    }

    /// Whether a member keeps to the rules all the time.
    #[must_use]
    pub fn is_honest(&self, member: u32) -> bool {
        self.seats[member as usize].is_honest
    }

    /// A member's side.
    #[must_use]
    pub fn member(&self, member: u32) -> &M {
        &self.seats[member as usize].member
    }

    /// How many decided slots a member knows.
    #[must_use]
    pub fn known_count(&self, member: u32) -> usize {
        self.seats[member as usize].known_count
    }

    /// What happened so far.
    #[must_use]
    pub const fn chronicle(&self) -> &Chronicle {
        &self.chronicle
    }

    /// How often an honest log had to be cut short for a cut to be valid; the rules say never.
    #[must_use]
    pub const fn honest_refused_count(&self) -> u64 {
        self.honest_refused_count
    }

    /// Whether an honest member holds the body of a transaction.
    #[must_use]
    pub fn is_held(&self, number: Number) -> bool {
        let holds = |seat: &Seat<M>| seat.is_honest && seat.bodies.contains(&number);
        self.seats.iter().any(holds)
    }

    /// What all honest members have received, and can be included with what else they have: not
    /// what has a used nonce, or waits for one that not all of them have.
    #[must_use]
    pub fn waiting(&self) -> Vec<Number> {
        let members = || {
            self.committee
                .iter()
                .map(|node| &self.seats[*node as usize])
        };
        let honest = || members().filter(|seat| seat.is_honest);
        let by_all = |number: &Number| honest().all(|seat| seat.bodies.contains(number));
        let Some(first) = honest().next() else {
            return Vec::new();
        };
        self.includible(first.bodies.iter().copied().filter(by_all).collect())
    }

    /// What clients sent to some honest node while it was a member, and can be included with what
    /// else they sent so: nothing of it may be lost, whoever leaves.
    #[must_use]
    pub fn owed(&self) -> Vec<Number> {
        let honest = self.seats.iter().filter(|seat| seat.is_honest);
        let sent: BTreeSet<Number> = honest.flat_map(|seat| seat.sent.iter().copied()).collect();
        self.includible(sent.into_iter().collect())
    }

    /// Those whose nonces follow one another from the sender's next one on.
    fn includible(&self, mut received: Vec<Number>) -> Vec<Number> {
        received.retain(|number| !self.chronicle.is_drained(*number));
        let account = |number: &Number| {
            let envelope = self.book[*number as usize];
            (envelope.rollup, envelope.sender, envelope.nonce)
        };
        received.sort_by_key(account);
        let cursors = self.image.cursors.iter();
        let mut next: BTreeMap<(u32, u32), u64> = cursors
            .map(|(rollup, sender, nonce)| ((*rollup, *sender), *nonce))
            .collect();
        received.retain(|number| {
            let (rollup, sender, nonce) = account(number);
            let own = next.entry((rollup, sender)).or_default();
            let can_go = nonce == *own;
            *own = if nonce == *own { nonce + 1 } else { *own };
            can_go
        });
        received.sort_unstable();
        received
    }

    /// Whether clients still send.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.slot_count() < self.config.busy_slot_count
    }

    /// Lets the time of one slot pass, and decides it.
    ///
    /// # Panics
    /// If nobody is there to propose; at most f members ever are away.
    pub fn step(&mut self) -> Step {
        self.come_and_go();
        for tick in 0..WorldConfig::SLOT_TICKS {
            self.tick(tick == 0);
        }
        let n = self.committee.len() as u32;
        let first = self.slots.len() as u32;
        let mut turns = (0..n).map(|round| self.committee[((first + round) % n) as usize]);
        let proposer = turns.find(|member| self.proposes(*member));
        let proposer = proposer.expect("a committee has honest members, who propose");
        self.act_all();
        self.catch_up(proposer);
        let cut = self.propose(proposer);
        let outcome = self.decided.apply(&self.book, &cut);
        for (node, extent) in self.committee.iter().zip(&cut) {
            self.positions[*node as usize] += extent.len();
        }
        self.image = self.decided.image(&self.book);
        self.chronicle
            .decided(&self.book, &cut, &outcome, &self.image);
        self.slots.push(Slot {
            cut: cut.clone(),
            closing: None,
            next: None,
        });
        for node in 0..self.seats.len() as u32 {
            self.network
                .send(self.now, node, Event::Decided, &mut self.random);
        }
        self.change();
        Step {
            proposer,
            cut,
            outcome,
        }
    }

    /// The log entries between what is decided and what a member has seen, as far as a cut reaches.
    pub(super) fn extent(&self, proposer: u32, of: u32) -> Vec<Entry> {
        let of = of as usize;
        let start = self.positions[of];
        let longest = start + self.config.rules.extent_entries_max as usize;
        let seen = self.seats[proposer as usize].seen[of];
        self.logs[of][start..seen.clamp(start, longest)].to_vec()
    }

    /// Cuts logs short until the cut is valid.
    pub(super) fn make_valid(&mut self, mut cut: Cut) -> Cut {
        while let Err(refusal) = self.decided.check(&self.book, &cut) {
            let member = refusal.member as usize;
            let node = self.committee[member] as usize;
            self.honest_refused_count += u64::from(self.seats[node].is_honest);
            let shorter = cut[member].len() / 2;
            cut[member].truncate(shorter);
        }
        cut
    }

    /// Appends to a log that its member tampers with, for everybody to see at once.
    pub(super) fn sign(&mut self, member: u32, entries: impl IntoIterator<Item = Entry>) {
        self.logs[member as usize].extend(entries);
        let position = self.logs[member as usize].len();
        for seat in &mut self.seats {
            seat.seen[member as usize] = position;
        }
    }

    /// Gives a body to a member as if its client had sent it there.
    pub(super) fn submit(&mut self, member: u32, number: Number) {
        let arrival = Event::Submitted(number);
        self.network
            .send(self.now, member, arrival, &mut self.random);
    }

    fn tick(&mut self, begins_slot: bool) {
        self.now += 1;
        if self.is_busy() && self.random.chance(self.config.send_percent) {
            let n = self.committee.len() as u32;
            for sending in self.crowd.send(&mut self.book, n, &mut self.random) {
                let arrival = Event::Submitted(sending.number);
                let to = self.committee[sending.member as usize];
                match sending.timed {
                    Some(after) => self.network.send_at(self.now + after, to, arrival),
                    None => self.network.send(self.now, to, arrival, &mut self.random),
                }
            }
        }
        let mut stirred = BTreeSet::new();
        while let Some((member, event)) = self.network.poll(self.now) {
            if self.handle(member, event) {
                stirred.insert(member);
            }
        }
        self.fetch_bodies();
        for member in self.committee.clone() {
            if self.logs_by_the_rules(member) && (begins_slot || stirred.contains(&member)) {
                self.log(member, begins_slot);
            }
        }
    }

    /// Whether what arrived can make the member log something.
    fn handle(&mut self, to: u32, event: Event) -> bool {
        let is_away = self.is_away(to);
        let seat = &mut self.seats[to as usize];
        match event {
            Event::Submitted(_) | Event::Body(_) | Event::Log { .. } if is_away => false,
            Event::Log {
                of,
                epoch,
                position,
            } => {
                if epoch == self.epochs.now {
                    let seen = &mut seat.seen[of as usize];
                    *seen = position.max(*seen);
                }
                false
            }
            Event::Submitted(number) if !self.committee.contains(&to) => {
                self.pass_on(to, number);
                false
            }
            Event::Submitted(number) | Event::Body(number) => {
                let first_hand = matches!(event, Event::Submitted(_));
                let is_handed_on =
                    first_hand && seat.sent.insert(number) && !self.config.changes.is_empty();
                let is_new = seat.bodies.insert(number);
                seat.wanted.remove(&number);
                if is_new {
                    seat.byzantine.heard.push(number);
                }
                if is_new || is_handed_on {
                    seat.member.handle_body(&self.book, number, first_hand);
                }
                is_new || is_handed_on
            }
            Event::Decided => {
                seat.told_count += 1;
                if !is_away {
                    let told = seat.told_count;
                    self.learn(to, told);
                }
                !is_away
            }
        }
    }

    /// Tells a member of the decided slots below `count`.
    fn learn(&mut self, member: u32, count: usize) {
        let by_the_rules = self.logs_by_the_rules(member);
        let seat = &mut self.seats[member as usize];
        while seat.known_count < count {
            let slot = &self.slots[seat.known_count];
            seat.known_count += 1;
            if by_the_rules {
                seat.member.handle_decided(&self.book, &slot.cut);
                self.chronicle.learned(member, seat.known_count as u64);
            }
            for entry in slot.cut.iter().flatten() {
                if let Kind::Id(number) = entry.kind
                    && !seat.bodies.contains(&number)
                {
                    seat.wanted.insert(number);
                }
            }
            if let Some(closing) = slot.closing.filter(|_| by_the_rules) {
                seat.member.close_at(closing);
            }
            if let Some((next, committee)) = &slot.next {
                let me = committee.iter().position(|node| *node == member);
                seat.epoch += 1;
                seat.is_seated = me.is_some();
                if by_the_rules {
                    let me = me.map(|me| me as u32);
                    seat.member.begin_epoch(&self.book, next, me);
                }
            }
        }
    }

    /// Whoever proposes knows the last slot.
    fn catch_up(&mut self, member: u32) {
        let count = self.slots.len();
        self.learn(member, count);
        for of in 0..self.seats.len() {
            let seen = &mut self.seats[member as usize].seen[of];
            *seen = self.positions[of].max(*seen);
        }
    }

    /// Asks for bodies that some honest member holds.
    fn fetch_bodies(&mut self) {
        for member in 0..self.seats.len() {
            if self.is_away(member as u32) || !self.committee.contains(&(member as u32)) {
                continue;
            }
            let wanted = core::mem::take(&mut self.seats[member].wanted);
            for number in wanted {
                let holds = |other: &Seat<M>| other.bodies.contains(&number) && other.is_honest;
                if self.seats.iter().any(holds) {
                    let answer = Event::Body(number);
                    self.network
                        .send(self.now, member as u32, answer, &mut self.random);
                } else {
                    self.seats[member].wanted.insert(number);
                }
            }
        }
    }

    /// Lets a member that keeps to the rules of logging sign what it has.
    fn log(&mut self, member: u32, with_stamp: bool) {
        let stamp_ns = with_stamp.then_some(self.now * 1_000_000);
        let seat = &mut self.seats[member as usize];
        let entries = seat.member.poll_entries(&self.book, stamp_ns);
        // What a member signs that does not know of its epoch's end is in no log any more.
        if entries.is_empty() || seat.epoch != self.epochs.now {
            return;
        }
        let slot = self.slots.len() as u64;
        self.chronicle.logged(member, &entries, slot);
        self.logs[member as usize].extend(entries);
        let position = self.logs[member as usize].len();
        seat.seen[member as usize] = position;
        for to in 0..self.seats.len() as u32 {
            let event = Event::Log {
                of: member,
                epoch: self.epochs.now,
                position,
            };
            self.network.send(self.now, to, event, &mut self.random);
        }
    }

    /// How many slots are decided.
    pub(super) const fn slot_count(&self) -> u64 {
        self.slots.len() as u64
    }

    pub(super) fn is_away(&self, member: u32) -> bool {
        self.seats[member as usize].away_until > self.slot_count()
    }
}
