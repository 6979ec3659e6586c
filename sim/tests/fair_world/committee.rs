//! A committee in step: what a schedule says happens, slot after slot, without any delay.

use std::collections::BTreeSet;

use hauptbuch_core::ordering::fair::stream::Weakened;
use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters};
use hauptbuch_sim::fair_world::shipped::{ShippedMember, ShippedState};
use hauptbuch_sim::fair_world::{
    Cut, Decided, End, Entry, Envelope, Kind, Member, Next, Number, Refusal, Rules,
};

/// Rules for n members, one fault, gamma 1.
pub fn rules(n: u32, first_hand_count_max: u32) -> Rules {
    let parameters = Parameters::new(n, 1, Gamma::ONE, GammaMode::All).unwrap();
    let mut rules = Rules::new(parameters, first_hand_count_max, 64);
    rules.log_age_slots_max = 6;
    rules
}

/// The decided state and some honest members; what no member signs is written by the schedule.
pub struct Committee {
    pub book: Vec<Envelope>,
    pub state: ShippedState,
    /// Honest members by number; the others' logs are scripted.
    pub members: Vec<Option<ShippedMember>>,
    /// Honest nodes that are no members yet.
    bench: Vec<ShippedMember>,
    held: Vec<BTreeSet<Number>>,
    pub slot: u64,
    /// What was drained, in order.
    pub drained: Vec<(Number, End)>,
    /// Entries that lapsed.
    pub lost_count: u64,
    /// How often an honest log had to be cut short.
    pub refused: u64,
    /// Whether bodies that cuts show are fetched from whoever honest has them.
    pub fetches: bool,
}

impl Committee {
    /// Members `honest` follow the rules but for those left out.
    pub fn new(rules: &Rules, honest: &[u32], weakened: Weakened) -> Self {
        let n = rules.parameters.n();
        let mut state = ShippedState::new(rules);
        state.stream.weaken(weakened);
        let member = |me: u32| {
            honest.contains(&me).then(|| {
                let mut member = ShippedMember::new(rules, me);
                member.state.stream.weaken(weakened);
                member.member.weaken(weakened);
                member
            })
        };
        let mut bench = vec![];
        for _ in 0..2 {
            let mut node = ShippedMember::new(rules, 0);
            node.stand_aside();
            node.state.stream.weaken(weakened);
            bench.push(node);
        }
        Self {
            book: vec![],
            bench,
            state,
            members: (0..n).map(member).collect(),
            held: vec![BTreeSet::new(); n as usize],
            slot: 0,
            drained: vec![],
            lost_count: 0,
            refused: 0,
            fetches: true,
        }
    }

    /// A new transaction of a sender on a rollup.
    pub fn write(&mut self, rollup: u32, sender: u32, nonce: u64) -> Number {
        self.book.push(Envelope {
            rollup,
            sender,
            nonce,
            gas: 100,
            body_bytes: 100,
            expiry_ns: u64::MAX / 2,
        });
        self.book.len() as Number - 1
    }

    /// `count` first transactions, each of a sender of its own.
    pub fn several(&mut self, count: u32) -> Vec<Number> {
        let one = |_| {
            let sender = 1_000 + self.book.len() as u32;
            self.write(0, sender, 0)
        };
        (0..count).map(one).collect()
    }

    /// A client sends something to a member.
    pub fn send(&mut self, to: u32, numbers: &[Number]) {
        for number in numbers {
            self.held[to as usize].insert(*number);
            if let Some(member) = &mut self.members[to as usize] {
                member.handle_body(&self.book, *number, true);
            }
        }
    }

    /// A member fetches bodies that cuts have shown.
    pub fn learn(&mut self, by: u32, numbers: &[Number]) {
        for number in numbers {
            self.held[by as usize].insert(*number);
            if let Some(member) = &mut self.members[by as usize] {
                member.handle_body(&self.book, *number, false);
            }
        }
    }

    /// Pairs without an edge in graphs of the first rollup.
    pub fn missing_count(&self) -> usize {
        let graphs = self.state.image(&self.book).graphs.swap_remove(0);
        graphs.iter().map(|graph| graph.missing.len()).sum()
    }

    /// Entries that name ids, signed by somebody who knows the last slot.
    pub fn ids(&self, numbers: &[Number]) -> Vec<Entry> {
        self.ids_at(self.slot, numbers)
    }

    pub fn ids_at(&self, base: u64, numbers: &[Number]) -> Vec<Entry> {
        let entry = |number: &Number| Entry {
            base,
            kind: Kind::Id(*number),
        };
        numbers.iter().map(entry).collect()
    }

    pub fn check(&mut self, cut: &Cut) -> Result<(), Refusal> {
        self.state.check(&self.book, cut)
    }

    /// One slot that moves the logs of all members but the `stale` ones: honest logs by what their
    /// members sign, the others by `scripted`, which holds (member, entries), and a stamp.
    pub fn step(&mut self, stale: &[u32], scripted: &[(u32, &[Number])]) {
        self.step_at(self.slot, stale, scripted);
    }

    /// The same, where those whose logs are scripted knew of no slot after `base`.
    pub fn step_at(&mut self, base: u64, stale: &[u32], scripted: &[(u32, &[Number])]) {
        let now_ns = (self.slot + 1) * 1_000_000_000;
        let mut cut: Cut = vec![vec![]; self.members.len()];
        for member in self.members.iter_mut().flatten() {
            member.poll_entries(&self.book, Some(now_ns));
        }
        for at in (0..self.members.len()).filter(|at| !stale.contains(&(*at as u32))) {
            cut[at] = match &self.members[at] {
                Some(member) => member.tail(),
                None => {
                    let stamp = Entry {
                        base,
                        kind: Kind::Stamp(now_ns),
                    };
                    let own = scripted.iter().filter(|(member, _)| *member as usize == at);
                    let ids = own.flat_map(|(_, ids)| self.ids_at(base, ids));
                    core::iter::once(stamp).chain(ids).collect()
                }
            };
        }
        self.decide(cut);
    }

    /// Several slots in which nobody but honest members has anything to say.
    pub fn steps(&mut self, count: u64) {
        for _ in 0..count {
            self.step(&[], &[]);
        }
    }

    /// Decides a slot, after cutting short what no cut may contain.
    pub fn decide(&mut self, mut cut: Cut) {
        while let Err(refusal) = self.state.check(&self.book, &cut) {
            let at = refusal.member as usize;
            self.refused += u64::from(self.members[at].is_some());
            let shorter = cut[at].len() / 2;
            cut[at].truncate(shorter);
        }
        let outcome = self.state.apply(&self.book, &cut);
        self.slot += 1;
        self.drained.extend(outcome.drained);
        self.lost_count += self.state.stream.lost_entries().len() as u64;
        for at in 0..self.members.len() {
            let Some(member) = &mut self.members[at] else {
                continue;
            };
            member.state.paused.clone_from(&self.state.paused);
            member.handle_decided(&self.book, &cut);
        }
        for node in &mut self.bench {
            node.handle_decided(&self.book, &cut);
        }
        if self.fetches {
            self.fetch(&cut);
        }
    }

    /// The last slot has decided which slot closes the epoch.
    pub fn close_at(&mut self, slot: u64) {
        self.state.close_at(slot);
        for node in self.members.iter_mut().flatten().chain(&mut self.bench) {
            node.close_at(slot);
        }
    }

    /// Begins the next epoch, with as many members: old member i takes seat `seats[i]`, or leaves.
    /// Nodes that follow the rules join at the seats `joining`, and ask everybody for what waits;
    /// those that leave give it away. At seats that are left schedules say what logs hold.
    pub fn begin(&mut self, seats: &[Option<u32>], joining: &[u32], weakened: Weakened) {
        let next = Next {
            parameters: self.state.stream.parameters(),
            seats: seats.to_vec(),
        };
        let n = next.parameters.n() as usize;
        let (mut given, mut asked) = (vec![], vec![]);
        let mut members: Vec<Option<ShippedMember>> = (0..n).map(|_| None).collect();
        let mut held = vec![BTreeSet::new(); n];
        let old = self.members.drain(..).zip(self.held.drain(..)).zip(seats);
        for ((member, own), seat) in old {
            let Some(mut member) = member else {
                continue;
            };
            let waiting = member.waiting();
            if let Some(seat) = seat {
                asked.extend(waiting);
                member.begin_epoch(&self.book, &next, Some(*seat));
                members[*seat as usize] = Some(member);
                held[*seat as usize] = own;
            } else {
                given.extend(waiting);
            }
        }
        for seat in joining {
            let mut node = self.bench.pop().expect("as many wait as join");
            node.begin_epoch(&self.book, &next, Some(*seat));
            node.member.weaken(weakened);
            members[*seat as usize] = Some(node);
        }
        for node in &mut self.bench {
            node.begin_epoch(&self.book, &next, None);
        }
        self.state.begin_epoch(&next);
        (self.members, self.held) = (members, held);
        for seat in 0..n as u32 {
            self.send(seat, &given);
            if joining.contains(&seat) {
                self.send(seat, &asked);
            }
        }
    }

    fn fetch(&mut self, cut: &Cut) {
        for entry in cut.iter().flatten() {
            let Kind::Id(number) = entry.kind else {
                continue;
            };
            let holders = self.members.iter().zip(&self.held);
            let mut honest = holders.filter(|(member, _)| member.is_some());
            if !honest.any(|(_, held)| held.contains(&number)) {
                continue;
            }
            for (member, held) in self.members.iter_mut().zip(&mut self.held) {
                if let Some(member) = member
                    && held.insert(number)
                {
                    member.handle_body(&self.book, number, false);
                }
            }
        }
    }

    pub fn outcome(&self, number: Number) -> Option<End> {
        let found = self.drained.iter().find(|(own, _)| *own == number);
        found.map(|(_, end)| *end)
    }

    /// In which order these were drained.
    pub fn order_of(&self, numbers: &[Number]) -> Vec<Number> {
        let drained = self.drained.iter().map(|(number, _)| *number);
        drained.filter(|number| numbers.contains(number)).collect()
    }

    pub fn included_count(&self) -> usize {
        let included = self.drained.iter().filter(|(_, end)| *end == End::Included);
        included.count()
    }
}
