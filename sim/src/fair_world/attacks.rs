//! What Byzantine members do.

use super::rules::{Cut, Decided, Entry, Envelope, Kind, Member, Number};
use super::world::World;

/// What the f faulty members of a world do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// Nothing at all.
    Silent,
    /// They log what they received in a slot backwards.
    ReversedLog,
    /// Their proposals move their own log only.
    OwnLogOnly,
    /// Their proposals move random logs by random lengths.
    RandomCuts,
    /// They fill their budgets with ids whose bodies nobody has.
    BlankFlood,
    /// The same, but bodies are handed out just before, at or after the lapse.
    LateBodies,
    /// They log anything with any base, and propose any cut.
    Random,
    /// They crash and return.
    CrashAndReturn,
}

impl Attack {
    /// Every attack.
    pub const ALL: [Self; 8] = [
        Self::Silent,
        Self::ReversedLog,
        Self::OwnLogOnly,
        Self::RandomCuts,
        Self::BlankFlood,
        Self::LateBodies,
        Self::Random,
        Self::CrashAndReturn,
    ];

    /// Whether logs are as the rules want them.
    const fn keeps_log(self) -> bool {
        matches!(
            self,
            Self::OwnLogOnly | Self::RandomCuts | Self::CrashAndReturn
        )
    }
}

/// What a Byzantine member remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Byzantine {
    /// What it received, in order.
    pub(super) heard: Vec<Number>,
    /// Ids made up, and the age at which their bodies go out.
    hidden: Vec<(Number, u64)>,
}

impl<D: Decided, M: Member> World<D, M> {
    /// Whether a member logs as the rules want it, now.
    pub(super) fn logs_by_the_rules(&self, member: u32) -> bool {
        let seat = &self.seats[member as usize];
        (seat.is_honest || self.config.attack.keeps_log()) && !self.is_away(member)
    }

    /// Whether a member makes proposals, now.
    pub(super) fn proposes(&self, member: u32) -> bool {
        let is_silent = self.config.attack == Attack::Silent && !self.is_honest(member);
        !is_silent && !self.is_away(member)
    }

    /// Members that crash and return do so between slots.
    pub(super) fn come_and_go(&mut self) {
        if self.config.attack != Attack::CrashAndReturn {
            return;
        }
        for member in self.committee.clone() {
            let at_home = !self.is_honest(member) && !self.is_away(member);
            if at_home && self.random.chance(15) {
                let length = 1 + self.random.below(25);
                self.seats[member as usize].away_until = self.slot_count() + length;
            }
        }
    }

    /// Byzantine members sign what they want before the slot is proposed.
    pub(super) fn act_all(&mut self) {
        for member in self.committee.clone() {
            if self.is_honest(member) {
                continue;
            }
            match self.config.attack {
                Attack::ReversedLog => self.log_backwards(member),
                Attack::BlankFlood => self.flood(member, false),
                Attack::LateBodies => self.flood(member, true),
                Attack::Random => self.log_anything(member),
                _ => {}
            }
        }
    }

    /// The cut that a proposer names.
    pub(super) fn propose(&mut self, proposer: u32) -> Cut {
        let committee = self.committee.clone();
        let extents = committee.iter().map(|of| self.extent(proposer, *of));
        let mut cut: Cut = extents.collect();
        if !self.is_honest(proposer) {
            let own_only = self.config.attack == Attack::OwnLogOnly;
            let at_random = matches!(self.config.attack, Attack::RandomCuts | Attack::Random);
            for (of, extent) in committee.into_iter().zip(&mut cut) {
                if own_only && of != proposer {
                    extent.clear();
                }
                if at_random {
                    let length = self.random.below(extent.len() as u64 + 1) as usize;
                    extent.truncate(if self.random.chance(50) { length } else { 0 });
                }
            }
        }
        self.make_valid(cut)
    }

    /// For how many more ids a member can be charged by now, with what it signed already.
    fn room(&self, member: u32) -> usize {
        let me = self.committee.iter().position(|node| *node == member);
        let me = me.map(|me| me as u32);
        let charges = self.image.charges.iter();
        let charged = charges.filter(|(own, _)| Some(*own) == me);
        let open = self.logs[member as usize].len() - self.positions[member as usize];
        let limit = self.config.rules.first_hand_count_max as usize;
        limit.saturating_sub(charged.count() + open)
    }

    fn entry(&self, number: Number) -> Entry {
        Entry {
            base: self.slot_count(),
            kind: Kind::Id(number),
        }
    }

    /// A number whose body nobody has, unless it is handed out.
    fn make_up(&mut self) -> Number {
        let rollups = self.config.rules.rollups.len() as u64;
        let number = self.book.len() as Number;
        self.book.push(Envelope {
            rollup: self.random.below(rollups) as u32,
            sender: 1_000_000 + number,
            nonce: 0,
            gas: 100,
            body_bytes: 200,
            expiry_ns: u64::MAX / 2,
        });
        number
    }

    fn log_backwards(&mut self, member: u32) {
        let heard = core::mem::take(&mut self.seats[member as usize].byzantine.heard);
        let room = self.room(member);
        let is_live = |number: &Number| self.image.live.binary_search(number).is_ok();
        let (live, fresh): (Vec<Number>, Vec<Number>) = heard.into_iter().partition(is_live);
        let (now, then) = fresh.split_at(room.min(fresh.len()));
        self.seats[member as usize].byzantine.heard = then.to_vec();
        let entries: Vec<Entry> = (live.iter().chain(now).rev())
            .map(|number| self.entry(*number))
            .collect();
        self.sign(member, entries);
    }

    fn flood(&mut self, member: u32, hands_out: bool) {
        let lapse = self.config.rules.log_age_slots_max;
        for _ in 0..self.room(member) {
            let number = self.make_up();
            let entry = self.entry(number);
            self.sign(member, [entry]);
            let due = self.image.age + lapse + self.random.below(5) - 2;
            self.seats[member as usize]
                .byzantine
                .hidden
                .push((number, due));
        }
        let age = self.image.age;
        let hidden = core::mem::take(&mut self.seats[member as usize].byzantine.hidden);
        let (due, rest) = hidden
            .into_iter()
            .partition(|(_, due)| *due <= age && hands_out);
        self.seats[member as usize].byzantine.hidden = rest;
        let to_all = self.random.chance(50);
        for (number, _) in due {
            for to in self.committee.clone() {
                if to_all || self.random.chance(30) {
                    self.submit(to, number);
                }
            }
        }
    }

    fn log_anything(&mut self, member: u32) {
        let back = self.config.rules.log_age_slots_max + 3;
        for _ in 0..self.random.below(5) {
            let count = self.book.len() as u64;
            let number = if count == 0 || self.random.chance(20) {
                self.make_up()
            } else {
                (count - 1 - self.random.below(count.min(40))) as Number
            };
            let base = self.slot_count() - self.random.below(back.min(self.slot_count() + 1));
            let base = if self.random.chance(60) {
                self.slot_count()
            } else {
                base
            };
            let says_closed = !self.config.changes.is_empty() && self.random.chance(10);
            let kind = if says_closed {
                Kind::Closed
            } else if self.random.chance(10) {
                Kind::Stamp(self.random.below(u64::MAX / 4))
            } else {
                Kind::Id(number)
            };
            self.sign(member, [Entry { base, kind }]);
        }
    }
}
