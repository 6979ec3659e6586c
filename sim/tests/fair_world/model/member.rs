//! The rules of logging, written down as plainly.

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_sim::fair_world::{Book, Cut, Decided, Entry, Kind, Member, Next, Number};

use super::Model;

/// An honest member with a decided state of its own.
#[derive(Clone, Debug)]
pub struct PlainMember {
    pub me: u32,
    pub state: Model,
    bodies: BTreeSet<Number>,
    /// What clients sent, in the order of arrival.
    arrivals: Vec<Number>,
    /// What cuts showed and the sender's next nonce before that, in their order.
    learned: Vec<(Number, u64)>,
    /// Whose entry lapsed or was void, in order.
    lost: Vec<Number>,
    /// Signed, and not decided yet.
    tail: Vec<Entry>,
    /// What its log of the last epoch held, in that order.
    carried: Vec<Number>,
    is_closed: bool,
    is_member: bool,
}

impl PlainMember {
    pub fn new(me: u32, state: Model) -> Self {
        Self {
            me,
            state,
            bodies: BTreeSet::new(),
            arrivals: vec![],
            learned: vec![],
            lost: vec![],
            tail: vec![],
            carried: vec![],
            is_closed: false,
            is_member: true,
        }
    }

    fn cursor(&self, book: &Book, id: Number) -> u64 {
        let own = book[id as usize];
        let cursor = self.state.cursors.get(&(own.rollup, own.sender));
        cursor.map_or(0, |cursor| cursor.next)
    }

    /// What counts in its log, in that order.
    fn own_log(&self) -> Vec<Number> {
        let log = self.state.logs.get(self.me as usize);
        let counted = log.filter(|_| self.is_member).map(|log| &log.counted);
        let counted = counted.into_iter().flatten();
        counted.map(|own| own.id).collect()
    }

    fn in_tail(&self, id: Number) -> bool {
        self.tail.iter().any(|entry| entry.kind == Kind::Id(id))
    }

    fn counts(&self, id: Number) -> bool {
        let log = &self.state.logs[self.me as usize];
        log.counted.iter().any(|own| own.id == id)
    }

    fn is_live(&self, id: Number) -> bool {
        self.state.live[self.state.slot as usize].contains(&id)
    }

    /// Whether each nonce from the sender's next one up to this one's stands somewhere before it.
    fn is_ready(&self, book: &Book, id: Number) -> bool {
        let own = book[id as usize];
        let tail = self.tail.iter().filter_map(|entry| match entry.kind {
            Kind::Id(id) => Some(id),
            Kind::Stamp(_) | Kind::Closed => None,
        });
        let log = self.state.logs[self.me as usize]
            .counted
            .iter()
            .map(|own| own.id);
        let graphs = self
            .state
            .graphs
            .iter()
            .flatten()
            .flat_map(|graph| graph.kept.iter().copied());
        let queues = self.state.queues.iter().flatten().copied();
        let all = tail
            .chain(log)
            .chain(graphs)
            .chain(queues)
            .map(|id| book[id as usize]);
        let same = all.filter(|other| (other.rollup, other.sender) == (own.rollup, own.sender));
        let nonces: BTreeSet<u64> = same.map(|other| other.nonce).collect();
        (self.cursor(book, id)..own.nonce).all(|nonce| nonces.contains(&nonce))
    }

    /// Whether the member's budget allows to bring one more id; and if not, whether only the
    /// rollup's part is full.
    fn budget(&self, book: &Book, id: Number) -> Result<(), bool> {
        let (_, mut more) = self
            .state
            .count(self.me as usize, &self.tail, self.state.age());
        more.insert(id);
        let rules = &self.state.rules;
        let rollup = book[id as usize].rollup;
        let (count, bytes) = self.state.charged(book, self.me, &more, None);
        if count > rules.first_hand_count_max || bytes > rules.first_hand_bytes_max {
            return Err(false);
        }
        let part = rules.rollups[rollup as usize];
        let (count, bytes) = self.state.charged(book, self.me, &more, Some(rollup));
        let fits = count <= part.first_hand_count_max && bytes <= part.first_hand_bytes_max;
        if fits { Ok(()) } else { Err(true) }
    }

    fn is_new_sender_without_room(&self, book: &Book, id: Number) -> bool {
        let own = book[id as usize];
        let rules = &self.state.rules;
        let free = rules.cursor_count_max - self.state.cursors.len() as u32;
        let live_max = rules.live_ids_max();
        !self.state.cursors.contains_key(&(own.rollup, own.sender)) && free < live_max
    }

    /// The next id to log, if there is one.
    fn next(&self, book: &Book) -> Option<Number> {
        let absent = |id: &Number| !self.counts(*id) && !self.in_tail(*id);
        let held = |id: &Number| absent(id) && self.bodies.contains(id);
        let affordable = |id: &Number| {
            let may_bring = !self.state.is_closing() && self.budget(book, *id).is_ok();
            self.is_live(*id) || may_bring
        };
        let first = |id: &&Number| {
            held(id)
                && affordable(id)
                && !self.state.has_its_turn(**id)
                && book[**id as usize].nonce >= self.cursor(book, **id)
        };
        if let Some(id) = self.carried.iter().find(first) {
            return Some(*id);
        }
        let open = self
            .state
            .graphs
            .iter()
            .flatten()
            .filter(|graph| !graph.missing.is_empty());
        let vertices: BTreeSet<Number> =
            open.flat_map(|graph| graph.kept.iter().copied()).collect();
        if let Some(id) = vertices.iter().find(|id| absent(id)) {
            return Some(*id);
        }
        let lost = |id: &&Number| {
            let unused = book[**id as usize].nonce >= self.cursor(book, **id);
            held(id) && unused && affordable(id) && self.is_ready(book, **id)
        };
        if let Some(id) = self.lost.iter().find(lost) {
            return Some(*id);
        }
        for (id, nonce_before) in &self.learned {
            let unused = book[*id as usize].nonce >= *nonce_before;
            let room = !self.is_new_sender_without_room(book, *id);
            if held(id) && unused && self.is_live(*id) && room && self.is_ready(book, *id) {
                return Some(*id);
            }
        }
        for id in self
            .arrivals
            .iter()
            .filter(|id| held(id) && !self.is_live(**id) && !self.state.is_closing())
        {
            let used = book[*id as usize].nonce < self.cursor(book, *id);
            let waits = used || !self.is_ready(book, *id);
            if waits || self.is_new_sender_without_room(book, *id) {
                continue;
            }
            match self.budget(book, *id) {
                Ok(()) => return Some(*id),
                Err(true) => {}
                Err(false) => return None,
            }
        }
        None
    }
}

impl Member for PlainMember {
    fn handle_body(&mut self, _: &Book, number: Number, first_hand: bool) {
        self.bodies.insert(number);
        let is_known = self.arrivals.contains(&number);
        if first_hand && !is_known && !self.state.drained.contains_key(&number) {
            self.arrivals.push(number);
        }
    }

    fn handle_decided(&mut self, book: &Book, cut: &Cut) {
        let own: Vec<Entry> = match self.is_member {
            true => cut[self.me as usize].clone(),
            false => vec![],
        };
        self.tail.drain(..own.len());
        let before: BTreeMap<Number, u64> = (cut.iter().flatten())
            .filter_map(|entry| match entry.kind {
                Kind::Id(id) => Some((id, self.cursor(book, id))),
                Kind::Stamp(_) | Kind::Closed => None,
            })
            .collect();
        let held = self.own_log();
        let outcome = self.state.apply(book, cut);
        for entry in cut.iter().flatten() {
            if let Kind::Id(id) = entry.kind
                && self.learned.iter().all(|(own, _)| *own != id)
            {
                self.learned.push((id, before[&id]));
            }
        }
        for id in held.into_iter().chain(ids(&own)) {
            if !self.counts(id) && !self.lost.contains(&id) {
                self.lost.push(id);
            }
        }
        let gone: BTreeSet<Number> = outcome.drained.iter().map(|(id, _)| *id).collect();
        self.lost
            .retain(|id| !gone.contains(id) && !self.state.drained.contains_key(id));
        self.arrivals.retain(|id| !gone.contains(id));
        self.learned.retain(|(id, _)| !gone.contains(id));
        let log = self.own_log();
        self.lost.retain(|id| !log.contains(id));
        self.carried
            .retain(|id| !log.contains(id) && !gone.contains(id));
    }

    fn poll_entries(&mut self, book: &Book, stamp_ns: Option<u64>) -> Vec<Entry> {
        let (room, start) = (
            self.state.rules.extent_entries_max as usize,
            self.tail.len(),
        );
        let base = self.state.slot;
        if !self.is_member || self.state.epoch_end().is_some() {
            return vec![];
        }
        if let Some(ns) = stamp_ns.filter(|_| start < room) {
            self.tail.push(Entry {
                base,
                kind: Kind::Stamp(ns),
            });
        }
        if self.state.is_closing() && !self.is_closed && self.tail.len() < room {
            self.is_closed = true;
            self.tail.push(Entry {
                base,
                kind: Kind::Closed,
            });
        }
        while self.tail.len() < room {
            let Some(id) = self.next(book) else {
                break;
            };
            self.tail.push(Entry {
                base,
                kind: Kind::Id(id),
            });
        }
        self.tail[start..].to_vec()
    }

    fn stand_aside(&mut self) {
        self.is_member = false;
    }

    fn close_at(&mut self, slot: u64) {
        self.state.close_at(slot);
    }

    fn begin_epoch(&mut self, _: &Book, next: &Next, me: Option<u32>) {
        self.carried = self.own_log();
        let tail = std::mem::take(&mut self.tail);
        self.carried.extend(ids(&tail));
        self.state.begin_epoch(next);
        self.is_closed = false;
        self.is_member = me.is_some();
        self.me = me.unwrap_or(0);
    }

    fn waiting(&self) -> Vec<Number> {
        let waits = |id: &&Number| !self.state.has_its_turn(**id);
        self.arrivals.iter().filter(waits).copied().collect()
    }
}

/// The ids that entries name.
fn ids(entries: &[Entry]) -> impl Iterator<Item = Number> {
    entries.iter().filter_map(|entry| match entry.kind {
        Kind::Id(id) => Some(id),
        Kind::Stamp(_) | Kind::Closed => None,
    })
}
