//! The rules over many slots written down as plainly as possible: everything is remembered for
//! ever, everything is computed anew, and nothing is fast.

pub mod epochs;
pub mod graph;
pub mod member;

use std::collections::{BTreeMap, BTreeSet};

use graph::{Lists, PlainGraph};
use hauptbuch_sim::fair_world::{
    Book, Cut, Decided, End, Entry, GraphImage, Image, Kind, Next, Number, Outcome, Refusal, Rules,
};

/// An entry that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    id: Number,
    covered: u64,
}

#[derive(Clone, Debug, Default)]
struct Log {
    counted: Vec<Counted>,
    stamp: u64,
}

/// The next nonce of a sender, and how long it has to be known.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    next: u64,
    last_expiry_ns: u64,
}

/// The decided state.
#[derive(Clone, Debug)]
pub struct Model {
    pub rules: Rules,
    slot: u64,
    time_ns: u64,
    logs: Vec<Log>,
    /// After each slot, from 0: how many slots aged, and what was live.
    ages: Vec<u64>,
    live: Vec<BTreeSet<Number>>,
    charges: BTreeSet<(u32, Number)>,
    /// The slot in which the last entry of an id lapsed.
    lapsed: BTreeMap<Number, u64>,
    /// The slot that drained an id last, and how.
    drained: BTreeMap<Number, (u64, End)>,
    graphs: Vec<Vec<PlainGraph>>,
    queues: Vec<Vec<Number>>,
    cursors: BTreeMap<(u32, u32), Cursor>,
    /// What the last epochs carried over, and at which age.
    carried: BTreeMap<Number, u64>,
    closing: Option<u64>,
    closed: BTreeSet<usize>,
    /// What stayed outside graphs in the last slot without being held back.
    waiting: BTreeSet<Number>,
    /// Whether the last slot ended its epoch, and if so whether at its bound.
    end: Option<bool>,
}

impl Model {
    pub fn new(rules: &Rules) -> Self {
        let n = rules.parameters.n() as usize;
        let rollups = rules.rollups.len();
        Self {
            rules: rules.clone(),
            slot: 0,
            time_ns: 0,
            logs: vec![Log::default(); n],
            ages: vec![0],
            live: vec![BTreeSet::new()],
            charges: BTreeSet::new(),
            lapsed: BTreeMap::new(),
            drained: BTreeMap::new(),
            graphs: vec![vec![]; rollups],
            queues: vec![vec![]; rollups],
            cursors: BTreeMap::new(),
            carried: BTreeMap::new(),
            closing: None,
            closed: BTreeSet::new(),
            waiting: BTreeSet::new(),
            end: None,
        }
    }

    fn age(&self) -> u64 {
        self.ages[self.slot as usize]
    }

    /// The age of the slot that has this cut.
    fn next_age(&self, cut: &Cut) -> u64 {
        let moved = cut.iter().filter(|extent| !extent.is_empty()).count() as u32;
        let parameters = self.rules.parameters;
        self.age() + u64::from(moved >= parameters.n() - parameters.f())
    }

    /// The entries of one extent that will count in a slot of an age, and for which of their ids
    /// the member is charged.
    fn count(&self, member: usize, extent: &[Entry], age: u64) -> (Vec<Number>, BTreeSet<Number>) {
        let (mut counted, mut charged) = (vec![], BTreeSet::new());
        for entry in extent {
            let Kind::Id(id) = entry.kind else {
                continue;
            };
            let too_old = age - self.ages[entry.base as usize] > self.rules.log_age_slots_max;
            let drained_since = self
                .drained
                .get(&id)
                .is_some_and(|(slot, _)| entry.base < *slot);
            let held = self.logs[member].counted.iter().any(|own| own.id == id);
            let first_hand = !self.live[entry.base as usize].contains(&id);
            let late = first_hand && self.closing.is_some_and(|slot| entry.base >= slot);
            if too_old || drained_since || held || late || counted.contains(&id) {
                continue;
            }
            counted.push(id);
            if first_hand {
                charged.insert(id);
            }
        }
        (counted, charged)
    }

    /// What a member is charged for in one rollup, or in all: how many ids and how many bytes.
    fn charged(
        &self,
        book: &Book,
        member: u32,
        more: &BTreeSet<Number>,
        rollup: Option<u32>,
    ) -> (u32, u64) {
        let own = self.charges.iter().filter(|(own, _)| *own == member);
        let ids: BTreeSet<Number> = own.map(|(_, id)| *id).chain(more.iter().copied()).collect();
        let here = |id: &&Number| rollup.is_none_or(|rollup| book[**id as usize].rollup == rollup);
        let bytes = |id: &Number| u64::from(book[*id as usize].body_bytes);
        let ids: Vec<Number> = ids.iter().filter(here).copied().collect();
        (ids.len() as u32, ids.iter().map(bytes).sum())
    }

    /// Whether an extent is as long as it may be, and names bases that are decided.
    fn is_formed(&self, extent: &[Entry]) -> bool {
        let known = |entry: &Entry| entry.base <= self.slot;
        extent.len() <= self.rules.extent_entries_max as usize && extent.iter().all(known)
    }

    fn allows(&self, book: &Book, member: u32, extent: &[Entry], age: u64) -> bool {
        let (_, more) = self.count(member as usize, extent, age);
        let (count, bytes) = self.charged(book, member, &more, None);
        let rules = &self.rules;
        if more.is_empty() {
            return true;
        }
        count <= rules.first_hand_count_max
            && bytes <= rules.first_hand_bytes_max
            && (0..).zip(&rules.rollups).all(|(rollup, limits)| {
                let (count, bytes) = self.charged(book, member, &more, Some(rollup));
                count <= limits.first_hand_count_max && bytes <= limits.first_hand_bytes_max
            })
    }

    /// The logs as lists of those ids that `of` lets through.
    fn lists(&self, of: impl Fn(Number) -> bool) -> Lists {
        let list = |log: &Log| {
            let ids = log.counted.iter().map(|own| own.id);
            ids.filter(|id| of(*id)).collect()
        };
        self.logs.iter().map(list).collect()
    }

    fn apply_entries(&mut self, cut: &Cut) {
        let age = self.next_age(cut);
        let counts: Vec<_> = (0..)
            .zip(cut)
            .map(|(at, extent)| self.count(at, extent, age))
            .collect();
        self.slot += 1;
        self.ages.push(age);
        for (at, (counted, charged)) in counts.into_iter().enumerate() {
            let covered = self.slot;
            let entries = counted.iter().map(|id| Counted { id: *id, covered });
            self.logs[at].counted.extend(entries);
            self.charges
                .extend(charged.iter().map(|id| (at as u32, *id)));
            let mut stamps = cut[at].iter().filter_map(|entry| match entry.kind {
                Kind::Stamp(ns) => Some(ns),
                Kind::Id(_) | Kind::Closed => None,
            });
            self.logs[at].stamp = stamps.next_back().unwrap_or(self.logs[at].stamp);
            let says_closed = |entry: &&Entry| {
                entry.kind == Kind::Closed && self.closing.is_some_and(|slot| entry.base >= slot)
            };
            if cut[at].iter().any(|entry| says_closed(&entry)) {
                self.closed.insert(at);
            }
        }
        let mut stamps: Vec<u64> = self.logs.iter().map(|log| log.stamp).collect();
        stamps.sort_unstable();
        self.time_ns = self.time_ns.max(stamps[(stamps.len() - 1) / 2]);
    }

    /// What logs hold, or an epoch carried over.
    fn held(&self) -> BTreeSet<Number> {
        let logged = self.lists(|_| true).into_iter().flatten();
        logged.chain(self.carried.keys().copied()).collect()
    }

    fn in_graph(&self, id: Number) -> bool {
        self.graphs
            .iter()
            .flatten()
            .any(|graph| graph.kept.contains(&id))
    }

    fn in_queue(&self, id: Number) -> bool {
        self.queues.iter().flatten().any(|own| *own == id)
    }

    fn update(&mut self) {
        for rollup in 0..self.graphs.len() {
            for at in 0..self.graphs[rollup].len() {
                let kept = self.graphs[rollup][at].kept.clone();
                let lists = self.lists(|id| kept.contains(&id));
                self.graphs[rollup][at].update(self.rules.parameters, &lists);
            }
        }
    }

    fn form(&mut self, book: &Book, rollup: usize) {
        if self.graphs[rollup].len() >= self.rules.graph_count_max as usize {
            return;
        }
        let lists = self.lists(|id| {
            let own = book[id as usize].rollup as usize == rollup;
            own && !self.in_graph(id) && !self.in_queue(id)
        });
        let mut held = BTreeSet::new();
        loop {
            let graph = PlainGraph::propose(self.rules.parameters, &lists, &held);
            if graph.kept.is_empty() {
                self.note_waiting(&lists, &held, &graph.kept);
                return;
            }
            let new = graph
                .kept
                .iter()
                .filter(|id| self.is_base_unsure(book, &graph, **id));
            let mut more = graph.descendants(new.copied());
            if more.is_empty() {
                let gaps = graph
                    .kept
                    .iter()
                    .filter(|id| self.has_gap(book, &graph, **id));
                more.extend(gaps);
            }
            if more.is_empty() {
                self.note_waiting(&lists, &held, &graph.kept);
                self.graphs[rollup].push(graph);
                return;
            }
            held.extend(more);
        }
    }

    /// The nonces of an id's sender that are in earlier graphs and the queue.
    fn in_flight(&self, book: &Book, id: Number) -> BTreeSet<u64> {
        let rollup = book[id as usize].rollup as usize;
        let earlier = self.graphs[rollup].iter().flat_map(|graph| &graph.kept);
        let ids = earlier.chain(&self.queues[rollup]).copied();
        ids.filter_map(|other| nonce_if_of(book, id, other))
            .collect()
    }

    fn cursor(&self, book: &Book, id: Number) -> Option<u64> {
        let own = book[id as usize];
        let cursor = self.cursors.get(&(own.rollup, own.sender));
        cursor.map(|cursor| cursor.next)
    }

    /// Rule 11: an id that nothing tells the base of, and that is not solid. What it has an edge
    /// to, directly or by way of others, waits with it.
    fn is_base_unsure(&self, book: &Book, graph: &PlainGraph, id: Number) -> bool {
        let known = self.cursor(book, id).is_some() || !self.in_flight(book, id).is_empty();
        !known && !graph.solid.contains(&id)
    }

    /// Rule 11: a nonce between the sender's cursor and the id's is nowhere.
    fn has_gap(&self, book: &Book, graph: &PlainGraph, id: Number) -> bool {
        let in_flight = self.in_flight(book, id);
        let nonce = |other: &Number| nonce_if_of(book, id, *other);
        let here = graph.kept.iter().filter_map(nonce);
        let all: BTreeSet<u64> = in_flight.iter().copied().chain(here).collect();
        let solid = graph.solid.intersection(&graph.kept).filter_map(nonce);
        let own = book[id as usize].nonce;
        let first = self
            .cursor(book, id)
            .or(in_flight.first().copied())
            .or(solid.min());
        (first.unwrap_or(own)..own).any(|nonce| !all.contains(&nonce))
    }

    fn release(&mut self, book: &Book, rollup: usize) {
        while self.graphs[rollup]
            .first()
            .is_some_and(|graph| graph.missing.is_empty())
        {
            let order = self.graphs[rollup].remove(0).order();
            let order = self.nonce_places(book, order);
            self.queues[rollup].extend(order);
        }
    }

    /// Rule 12: a sender's ids fill the places that they hold in nonce order. What was used or has
    /// expired keeps its own, and so does each id whose nonce one before it has that may move.
    fn nonce_places(&self, book: &Book, order: Vec<Number>) -> Vec<Number> {
        let account = |id: Number| (book[id as usize].sender, book[id as usize].nonce);
        let is_fresh = |id: Number| {
            let own = book[id as usize];
            own.expiry_ns > self.time_ns
                && self.cursor(book, id).is_none_or(|next| own.nonce >= next)
        };
        let moves = |at: &usize| {
            let id = order[*at];
            let queue = &self.queues[book[id as usize].rollup as usize];
            let earlier = order[..*at].iter().filter(|other| is_fresh(**other));
            let mut before = queue.iter().chain(earlier);
            is_fresh(id) && before.all(|other| account(*other) != account(id))
        };
        let mut filled = order.clone();
        let senders: BTreeSet<u32> = order.iter().map(|id| book[*id as usize].sender).collect();
        for sender in senders {
            let of_sender = |at: &usize| book[order[*at] as usize].sender == sender;
            let places: Vec<usize> = (0..order.len()).filter(of_sender).filter(moves).collect();
            let mut ids: Vec<Number> = places.iter().map(|at| order[*at]).collect();
            ids.sort_by_key(|id| book[*id as usize].nonce);
            for (at, id) in places.into_iter().zip(ids) {
                filled[at] = id;
            }
        }
        filled
    }

    fn drain(&mut self, book: &Book, rollup: usize) -> Vec<(Number, End)> {
        let room = self.rules.rollups[rollup].slot;
        let (mut count, mut bytes, mut gas) = (0, 0, 0);
        let mut ended = vec![];
        while let Some(id) = self.queues[rollup].first().copied() {
            let own = book[id as usize];
            let key = (own.rollup, own.sender);
            let next = self
                .cursors
                .get(&key)
                .map_or(own.nonce, |cursor| cursor.next);
            let included = |(slot, end): &&(u64, End)| {
                // What is remembered was forgotten last at the end of the slot before.
                let age = self.ages[self.slot as usize - 1] - self.ages[*slot as usize];
                *end == End::Included && age <= self.rules.log_age_slots_max
            };
            let end = if own.expiry_ns <= self.time_ns {
                End::Expired
            } else if own.nonce < next {
                let before = self.drained.get(&id).filter(included);
                before.map_or(End::Superseded, |_| End::Duplicate)
            } else if own.nonce > next {
                End::Gap
            } else if own.gas > room.gas || u64::from(own.body_bytes) > room.bytes {
                End::Unfit
            } else if !self.cursors.contains_key(&key)
                && self.cursors.len() >= self.rules.cursor_count_max as usize
            {
                End::NoCursor
            } else {
                End::Included
            };
            if count == room.count {
                break;
            }
            let fits = gas + own.gas <= room.gas && bytes + u64::from(own.body_bytes) <= room.bytes;
            if matches!(end, End::Included | End::NoCursor) && !fits {
                break;
            }
            if end == End::Included {
                (bytes, gas) = (bytes + u64::from(own.body_bytes), gas + own.gas);
                let last = self
                    .cursors
                    .get(&key)
                    .map_or(0, |cursor| cursor.last_expiry_ns);
                let last_expiry_ns = last.max(own.expiry_ns);
                self.cursors.insert(
                    key,
                    Cursor {
                        next: own.nonce + 1,
                        last_expiry_ns,
                    },
                );
            }
            count += 1;
            self.queues[rollup].remove(0);
            ended.push((id, end));
        }
        for (id, end) in &ended {
            self.drained.insert(*id, (self.slot, *end));
            self.charges.retain(|(_, own)| own != id);
            self.carried.remove(id);
            for log in &mut self.logs {
                log.counted.retain(|own| own.id != *id);
            }
        }
        ended
    }

    /// Rule 8, and the end of charges.
    fn lapse(&mut self) -> Vec<Number> {
        let (age, ages) = (self.age(), self.ages.clone());
        let old = self.rules.log_age_slots_max;
        let stays: BTreeSet<Number> = (self.graphs.iter().flatten().flat_map(|graph| &graph.kept))
            .chain(self.queues.iter().flatten())
            .copied()
            .collect();
        let before = self.held();
        for log in &mut self.logs {
            log.counted
                .retain(|own| stays.contains(&own.id) || age - ages[own.covered as usize] < old);
        }
        self.carried
            .retain(|id, at| stays.contains(id) || age - *at < old);
        let live = self.held();
        let lapsed: Vec<Number> = before.difference(&live).copied().collect();
        self.lapsed.extend(lapsed.iter().map(|id| (*id, self.slot)));
        let lapsed_at = self.lapsed.clone();
        self.charges.retain(|(_, id)| {
            live.contains(id)
                || lapsed_at
                    .get(id)
                    .is_some_and(|at| age - ages[*at as usize] <= old)
        });
        self.live.push(live);
        lapsed
    }
}

/// The nonce of `other` if it has the rollup and sender of `id`.
fn nonce_if_of(book: &Book, id: Number, other: Number) -> Option<u64> {
    let (own, other) = (book[id as usize], book[other as usize]);
    ((own.rollup, own.sender) == (other.rollup, other.sender)).then_some(other.nonce)
}

impl Decided for Model {
    fn check(&mut self, book: &Book, cut: &Cut) -> Result<(), Refusal> {
        let age = self.next_age(cut);
        let members = || (0..).zip(cut);
        let unformed = members().find(|(_, extent)| !self.is_formed(extent));
        let refused = unformed.or_else(|| {
            members().find(|(member, extent)| !self.allows(book, *member, extent, age))
        });
        refused.map_or(Ok(()), |(member, _)| Err(Refusal { member }))
    }

    fn apply(&mut self, book: &Book, cut: &Cut) -> Outcome {
        self.apply_entries(cut);
        self.update();
        self.waiting.clear();
        let mut drained = vec![];
        for rollup in 0..self.graphs.len() {
            self.form(book, rollup);
            self.release(book, rollup);
            drained.extend(self.drain(book, rollup));
        }
        let time = self.time_ns;
        self.cursors
            .retain(|_, cursor| cursor.last_expiry_ns > time);
        let lapsed = self.lapse();
        self.find_end(book);
        Outcome {
            slot: self.slot,
            time_ns: self.time_ns,
            drained,
            lapsed,
        }
    }

    fn image(&self, book: &Book) -> Image {
        let graph = |graph: &PlainGraph| GraphImage {
            kept: graph.kept.iter().copied().collect(),
            missing: graph.missing.iter().copied().collect(),
            edges: graph.edges.iter().copied().collect(),
        };
        let mut counted = self.lists(|_| true);
        for log in &mut counted {
            log.sort_by_key(|id| book[*id as usize].rollup);
        }
        let cursors = self
            .cursors
            .iter()
            .map(|((rollup, sender), own)| (*rollup, *sender, own.next));
        Image {
            slot: self.slot,
            age: self.age(),
            time_ns: self.time_ns,
            live: self.live[self.slot as usize].iter().copied().collect(),
            charges: self.charges.iter().copied().collect(),
            counted,
            graphs: self
                .graphs
                .iter()
                .map(|line| line.iter().map(graph).collect())
                .collect(),
            queues: self.queues.clone(),
            cursors: cursors.collect(),
        }
    }

    fn close_at(&mut self, slot: u64) {
        assert!(self.closing.is_none() && slot > self.slot);
        self.closing = Some(slot);
    }

    fn epoch_end(&self) -> Option<bool> {
        self.end
    }

    fn begin_epoch(&mut self, next: &Next) {
        self.turn_over(next);
    }
}
