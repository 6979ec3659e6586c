//! The world itself: ticks, logs and slots.

use std::collections::{BTreeMap, BTreeSet};

use super::attacks::Byzantine;
use super::chronicle::Chronicle;
use super::clients::Crowd;
use super::config::WorldConfig;
use super::network::{Event, Network};
use super::random::Random;
use super::rules::{Book, Cut, Decided, Entry, Envelope, Image, Kind, Member, Number, Outcome};

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

/// What one member has and does.
#[derive(Debug)]
pub(super) struct Seat<M> {
    pub(super) member: M,
    /// Whether it keeps to the rules all the time.
    pub(super) is_honest: bool,
    /// Up to which slot it is away.
    pub(super) away_until: u64,
    pub(super) bodies: BTreeSet<Number>,
    wanted: BTreeSet<Number>,
    /// How many decided slots it knows, and how many it was told of.
    known_count: usize,
    told_count: usize,
    /// Of each log, the position that it has seen.
    seen: Vec<usize>,
    pub(super) byzantine: Byzantine,
}

/// A committee, its clients and its network.
#[derive(Debug)]
pub struct World<D, M> {
    pub(super) config: WorldConfig,
    pub(super) random: Random,
    pub(super) book: Vec<Envelope>,
    crowd: Crowd,
    network: Network,
    now: u64,
    pub(super) decided: D,
    pub(super) image: Image,
    pub(super) seats: Vec<Seat<M>>,
    /// Everything that each member signed, and how much of it is decided.
    pub(super) logs: Vec<Vec<Entry>>,
    pub(super) positions: Vec<usize>,
    cuts: Vec<Cut>,
    chronicle: Chronicle,
    honest_refused_count: u64,
}

impl<D: Decided, M: Member> World<D, M> {
    /// A world at its beginning; `member` makes the members, by number.
    pub fn new(config: WorldConfig, decided: D, mut member: impl FnMut(u32) -> M) -> Self {
        let parameters = config.rules.parameters;
        let n = parameters.n();
        let mut random = Random::new(config.seed);
        let first_faulty = random.below(u64::from(n)) as u32;
        let is_faulty = |at: u32| (at + n - first_faulty) % n < parameters.f();
        let seat = |at| Seat {
            member: member(at),
            is_honest: !is_faulty(at),
            away_until: 0,
            bodies: BTreeSet::new(),
            wanted: BTreeSet::new(),
            known_count: 0,
            told_count: 0,
            seen: vec![0; n as usize],
            byzantine: Byzantine::default(),
        };
        let seats: Vec<Seat<M>> = (0..n).map(seat).collect();
        let honest = seats.iter().map(|seat| seat.is_honest).collect();
        let crowd = Crowd::new(config.clients, config.rules.rollups.len() as u32);
        let network = Network::new(n, config.delay_ticks_max, &mut random);
        let image = decided.image(&[]);
        Self {
            chronicle: Chronicle::new(parameters, honest),
            config,
            random,
            book: Vec::new(),
            crowd,
            network,
            now: 0,
            decided,
            image,
            seats,
            logs: vec![Vec::new(); n as usize],
            positions: vec![0; n as usize],
            cuts: Vec::new(),
            honest_refused_count: 0,
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
        let honest = || self.seats.iter().filter(|seat| seat.is_honest);
        let by_all = |number: &Number| honest().all(|seat| seat.bodies.contains(number));
        let Some(first) = honest().next() else {
            return Vec::new();
        };
        let undrained = |number: &&Number| !self.chronicle.is_drained(**number);
        let mut received: Vec<Number> = (first.bodies.iter().filter(undrained).copied())
            .filter(by_all)
            .collect();
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
        (self.cuts.len() as u64) < self.config.busy_slot_count
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
        let n = self.seats.len() as u32;
        let mut turns = (0..n).map(|round| (self.cuts.len() as u32 + round) % n);
        let proposer = turns.find(|member| self.proposes(*member));
        let proposer = proposer.expect("a committee has honest members, who propose");
        self.act_all();
        self.catch_up(proposer);
        let cut = self.propose(proposer);
        let outcome = self.decided.apply(&self.book, &cut);
        for (position, extent) in self.positions.iter_mut().zip(&cut) {
            *position += extent.len();
        }
        self.image = self.decided.image(&self.book);
        self.chronicle
            .decided(&self.book, &cut, &outcome, &self.image);
        self.cuts.push(cut.clone());
        for member in 0..n {
            self.network
                .send(self.now, member, Event::Decided, &mut self.random);
        }
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
            self.honest_refused_count += u64::from(self.seats[member].is_honest);
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
            let n = self.seats.len() as u32;
            for sending in self.crowd.send(&mut self.book, n, &mut self.random) {
                let arrival = Event::Submitted(sending.number);
                match sending.timed {
                    Some(after) => self
                        .network
                        .send_at(self.now + after, sending.member, arrival),
                    None => self
                        .network
                        .send(self.now, sending.member, arrival, &mut self.random),
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
        for member in 0..self.seats.len() as u32 {
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
            Event::Log { of, position } => {
                let seen = &mut seat.seen[of as usize];
                *seen = position.max(*seen);
                false
            }
            Event::Submitted(number) | Event::Body(number) => {
                let is_new = seat.bodies.insert(number);
                seat.wanted.remove(&number);
                if is_new {
                    seat.byzantine.heard.push(number);
                    let first_hand = matches!(event, Event::Submitted(_));
                    seat.member.handle_body(&self.book, number, first_hand);
                }
                is_new
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
            let cut = &self.cuts[seat.known_count];
            seat.known_count += 1;
            if by_the_rules {
                seat.member.handle_decided(&self.book, cut);
                self.chronicle.learned(member, seat.known_count as u64);
            }
            for entry in cut.iter().flatten() {
                if let Kind::Id(number) = entry.kind
                    && !seat.bodies.contains(&number)
                {
                    seat.wanted.insert(number);
                }
            }
        }
    }

    /// Whoever proposes knows the last slot.
    fn catch_up(&mut self, member: u32) {
        let count = self.cuts.len();
        self.learn(member, count);
        for of in 0..self.seats.len() {
            let seen = &mut self.seats[member as usize].seen[of];
            *seen = self.positions[of].max(*seen);
        }
    }

    /// Asks for bodies that some honest member holds.
    fn fetch_bodies(&mut self) {
        for member in 0..self.seats.len() {
            if self.is_away(member as u32) {
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
        if entries.is_empty() {
            return;
        }
        let slot = self.cuts.len() as u64;
        self.chronicle.logged(member, &entries, slot);
        self.logs[member as usize].extend(entries);
        let position = self.logs[member as usize].len();
        seat.seen[member as usize] = position;
        for to in 0..self.seats.len() as u32 {
            let event = Event::Log {
                of: member,
                position,
            };
            self.network.send(self.now, to, event, &mut self.random);
        }
    }

    /// How many slots are decided.
    pub(super) const fn slot_count(&self) -> u64 {
        self.cuts.len() as u64
    }

    pub(super) fn is_away(&self, member: u32) -> bool {
        self.seats[member as usize].away_until > self.slot_count()
    }
}
