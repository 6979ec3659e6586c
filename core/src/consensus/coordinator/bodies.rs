//! The bodies of the values that matter in the present height, and how far each has come.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "places are numbers that this table made itself, and a body's length was compared \
              with that of a place before it came here"
)]

use alloc::boxed::Box;

use super::{CoordinatorLimits, RefusedBody};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::consensus::Validity;
use crate::consensus::engine::Need;
use crate::types::{Hash, MemberIndex, Round, Tick};
use crate::vote::MemberSet;

/// Values that are followed at once: as many as the engine knows, and this member's own that is not
/// proposed yet. So where all places are taken, one holds a value that the engine does not know.
const ENTRY_COUNT: usize = 13;

/// Something that the host is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ask {
    /// Nothing is asked.
    #[default]
    No,
    /// It is to be asked.
    Due,
    /// It was asked.
    Asked,
    /// It has answered.
    Done,
}

/// What to ask for: of the host, or of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Its own disk's copy.
    Load(Hash),
    /// That it stores a body.
    Store(Hash),
    /// Whether a body may be decided.
    Validate(Hash),
    /// A peer's copy.
    Fetch(Hash, MemberIndex),
}

/// The search for a body among the peers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetch {
    /// Who was asked last, or is to be.
    pub peer: MemberIndex,
    /// Whether the question has yet to leave.
    pub is_to_send: bool,
    /// When another is asked.
    pub until: Tick,
    /// Who has been asked since all were.
    tried: MemberSet,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub value: Hash,
    /// Which place holds its body.
    place: Option<u8>,
    len: u32,
    /// Who sent the body; nothing where the host gave it.
    from: Option<MemberIndex>,
    /// Who sent a body that was not this value's.
    liars: MemberSet,
    pub fetch: Option<Fetch>,
    /// Whether the host has it on disk, asked before peers are.
    pub load: Ask,
    pub store: Ask,
    pub validate: Ask,
    pub verdict: Option<Validity>,
    /// This member proposes it in that round, with that extension.
    pub own: Option<(Round, Hash)>,
    /// The engine waits for the verdict.
    pub is_wanted: bool,
}

impl Entry {
    const fn new(value: Hash) -> Self {
        Self {
            value,
            place: None,
            len: 0,
            from: None,
            liars: MemberSet::EMPTY,
            fetch: None,
            load: Ask::No,
            store: Ask::No,
            validate: Ask::No,
            verdict: None,
            own: None,
            is_wanted: false,
        }
    }

    /// What the engine may be told: an invalid value need not be on disk, a valid one must be.
    pub fn settled(&self) -> Option<Validity> {
        match self.verdict {
            Some(Validity::Invalid) => Some(Validity::Invalid),
            verdict => verdict.filter(|_| self.store == Ask::Done),
        }
    }

    /// Whether the body is still looked for: it is not here, and the host has not taken it either
    /// for what is left to do with it.
    pub fn lacks_body(&self) -> bool {
        let is_with_host = match self.verdict {
            Some(Validity::Invalid) => true,
            Some(Validity::Valid { .. }) => matches!(self.store, Ask::Asked | Ask::Done),
            None => self.validate == Ask::Asked,
        };
        self.place.is_none() && !is_with_host
    }

    /// Asks the host for what comes next: first whether the body is valid, then to store it, so
    /// that what is not valid never reaches a disk.
    pub fn advance(&mut self) {
        if self.place.is_none() {
            return;
        }
        match self.verdict {
            None if self.validate == Ask::No => self.validate = Ask::Due,
            Some(Validity::Valid { .. }) if self.store == Ask::No => self.store = Ask::Due,
            _ => {}
        }
    }

    /// Whether this member sent something else than the value's body.
    pub fn is_liar(&self, member: MemberIndex) -> bool {
        self.liars.contains(member)
    }

    fn poll(&mut self) -> Option<Task> {
        let value = self.value;
        for (ask, task) in [
            (&mut self.load, Task::Load(value)),
            (&mut self.store, Task::Store(value)),
            (&mut self.validate, Task::Validate(value)),
        ] {
            if *ask == Ask::Due {
                *ask = Ask::Asked;
                return Some(task);
            }
        }
        let fetch = self.fetch.as_mut().filter(|fetch| fetch.is_to_send)?;
        fetch.is_to_send = false;
        Some(Task::Fetch(value, fetch.peer))
    }
}

/// The table and the bytes.
///
/// Invariant: a place belongs to at most one entry, and an entry to at most one place.
#[derive(Debug)]
pub(super) struct Bodies {
    entries: [Option<Entry>; ENTRY_COUNT],
    bytes: Box<[u8]>,
    bytes_max: usize,
    place_count: u8,
    /// Whether an entry may have something to ask.
    has_news: bool,
}

impl Bodies {
    /// Makes room for the bodies that the limits name.
    pub fn new(limits: &CoordinatorLimits) -> Self {
        Self {
            entries: [None; ENTRY_COUNT],
            bytes: fixed_slice(Self::len(limits), 0),
            bytes_max: limits.value_bytes_max as usize,
            place_count: limits.body_count_max,
            has_news: false,
        }
    }

    /// The bytes that [`Bodies::new`] takes.
    pub const fn footprint_bytes(limits: &CoordinatorLimits) -> u64 {
        fixed_slice_bytes::<u8>(Self::len(limits))
    }

    const fn len(limits: &CoordinatorLimits) -> usize {
        (limits.value_bytes_max as usize).saturating_mul(limits.body_count_max as usize)
    }

    /// Begins a height: nothing of the one before matters.
    pub fn clear(&mut self) {
        self.entries = [None; ENTRY_COUNT];
        self.has_news = false;
    }

    /// What is known of a value.
    pub fn entry(&self, value: Hash) -> Option<&Entry> {
        self.entries.iter().flatten().find(|e| e.value == value)
    }

    /// The same, to be changed; whoever does may make news.
    pub fn entry_mut(&mut self, value: Hash) -> Option<&mut Entry> {
        self.has_news = true;
        self.entries.iter_mut().flatten().find(|e| e.value == value)
    }

    /// All values that are followed.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.entries.iter().flatten()
    }

    /// The body of a value, where it is held.
    pub fn body(&self, value: Hash) -> Option<&[u8]> {
        let entry = self.entry(value)?;
        let start = usize::from(entry.place?) * self.bytes_max;
        self.bytes.get(start..start + entry.len as usize)
    }

    /// Follows a value; where all places are taken, in place of the one that matters least.
    pub fn follow(&mut self, value: Hash, need: impl Fn(&Entry) -> Need) -> &mut Entry {
        self.has_news = true;
        let held = self
            .entries
            .iter()
            .position(|e| e.is_some_and(|e| e.value == value));
        let free = || self.entries.iter().position(Option::is_none);
        let at = held.or_else(free).unwrap_or_else(|| {
            let least = (0..ENTRY_COUNT).min_by_key(|at| self.entries[*at].as_ref().map(&need));
            least.unwrap_or(0)
        });
        if held.is_none() {
            self.entries[at] = None;
        }
        self.entries[at].get_or_insert(Entry::new(value))
    }

    /// Takes a body in. Whoever calls has computed that it is this value's.
    ///
    /// # Errors
    /// [`RefusedBody::BodyNotWanted`] where nobody follows the value or its body is there;
    /// [`RefusedBody::BodiesFull`] where all places hold what matters as much.
    pub fn put(
        &mut self,
        value: Hash,
        from: Option<MemberIndex>,
        body: &[u8],
        need: impl Fn(&Entry) -> Need,
    ) -> Result<&mut Entry, RefusedBody> {
        let at = self
            .entries
            .iter()
            .position(|e| e.is_some_and(|e| e.value == value));
        let entry = at.and_then(|at| self.entries[at].as_ref());
        let wanted = entry.filter(|entry| entry.place.is_none() && body.len() <= self.bytes_max);
        let (Some(at), Some(own_need)) = (at, wanted.map(&need)) else {
            return Err(RefusedBody::BodyNotWanted);
        };
        let place = match self.free_place() {
            Some(place) => place,
            None => self.evict(own_need, need).ok_or(RefusedBody::BodiesFull)?,
        };
        let start = usize::from(place) * self.bytes_max;
        self.bytes[start..start + body.len()].copy_from_slice(body);
        self.has_news = true;
        let entry = self.entries[at].get_or_insert(Entry::new(value));
        entry.place = Some(place);
        entry.len = body.len() as u32;
        entry.from = from;
        entry.fetch = None;
        entry.load = Ask::Done;
        entry.advance();
        Ok(entry)
    }

    fn free_place(&self) -> Option<u8> {
        let is_taken = |place: u8| self.iter().any(|entry| entry.place == Some(place));
        (0..self.place_count).find(|place| !is_taken(*place))
    }

    /// Takes the place of what matters least, if it matters less than this.
    fn evict(&mut self, than: Need, need: impl Fn(&Entry) -> Need) -> Option<u8> {
        let placed = self
            .entries
            .iter_mut()
            .flatten()
            .filter(|e| e.place.is_some());
        let least = placed.min_by_key(|entry| need(entry))?;
        if need(least) >= than {
            return None;
        }
        let place = least.place.take();
        // What the host has not been told of is to be fetched again; what it was told of, it has.
        for ask in [&mut least.store, &mut least.validate] {
            if *ask == Ask::Due {
                *ask = Ask::No;
            }
        }
        place
    }

    /// The body that came was not this value's after all: it goes, and gives who sent it.
    pub fn drop_body(&mut self, value: Hash) -> Option<MemberIndex> {
        let entry = self.entry_mut(value)?;
        let from = entry.from.take();
        entry.place = None;
        entry.len = 0;
        entry.store = Ask::No;
        entry.validate = Ask::No;
        entry.load = Ask::Done;
        if let Some(from) = from {
            entry.liars.insert(from);
        }
        from
    }

    /// Notes that a peer sent something else than this value's body.
    pub fn note_liar(&mut self, value: Hash, from: MemberIndex) {
        if let Some(entry) = self.entry_mut(value) {
            entry.liars.insert(from);
        }
    }

    /// Asks a peer for the body of a value: `first`, or whoever comes after the last one.
    pub fn fetch(
        &mut self,
        value: Hash,
        first: Option<MemberIndex>,
        others: MemberSet,
        until: Tick,
    ) {
        let Some(entry) = self.entry_mut(value).filter(|entry| entry.lacks_body()) else {
            return;
        };
        let honest = others.without(entry.liars);
        let tried = entry.fetch.map_or(MemberSet::EMPTY, |fetch| fetch.tried);
        let last = entry.fetch.map(|fetch| fetch.peer);
        let wanted = first.filter(|peer| honest.contains(*peer));
        // Once all have been asked, it starts over: who had it not may have it now.
        let fresh = [honest.without(tried), honest];
        let chosen = wanted.map(|peer| (peer, tried)).or_else(|| {
            let round = fresh.iter().find(|set| !set.is_empty())?;
            let after = round.iter().find(|peer| Some(*peer) > last);
            let peer = after.or_else(|| round.iter().next())?;
            let is_over = honest.without(tried).is_empty();
            Some((peer, if is_over { MemberSet::EMPTY } else { tried }))
        });
        entry.fetch = chosen.map(|(peer, mut tried)| {
            tried.insert(peer);
            Fetch {
                peer,
                is_to_send: true,
                until,
                tried,
            }
        });
    }

    /// When the next peer is to be asked.
    pub fn next_deadline(&self) -> Option<Tick> {
        let searched = self.iter().filter(|entry| entry.lacks_body());
        searched
            .filter_map(|e| e.fetch)
            .map(|fetch| fetch.until)
            .min()
    }

    /// A value whose search is due.
    pub fn due(&self, now: Tick) -> Option<Hash> {
        let mut searched = self.iter().filter(|entry| entry.lacks_body());
        let is_due = |entry: &&Entry| entry.fetch.is_some_and(|fetch| fetch.until <= now);
        searched.find(is_due).map(|entry| entry.value)
    }

    /// Ends all searches: the height is decided.
    pub fn stop(&mut self) {
        for entry in self.entries.iter_mut().flatten() {
            entry.fetch = None;
        }
    }

    /// Stops following a value.
    pub fn forget(&mut self, value: Hash) {
        for place in &mut self.entries {
            if place.is_some_and(|entry| entry.value == value) {
                *place = None;
            }
        }
    }

    /// A value whose body gave way, or never came, and which nobody is asked for.
    pub fn starving(&self, others: MemberSet) -> Option<Hash> {
        if !self.has_news {
            return None;
        }
        let mut searched = self.iter().filter(|e| e.is_wanted && e.lacks_body());
        let is_idle = |entry: &&Entry| {
            let is_loading = matches!(entry.load, Ask::Due | Ask::Asked);
            entry.fetch.is_none() && !is_loading && !others.without(entry.liars).is_empty()
        };
        searched.find(is_idle).map(|entry| entry.value)
    }

    /// The next thing to ask for.
    pub fn poll(&mut self) -> Option<Task> {
        if !self.has_news {
            return None;
        }
        let task = self.entries.iter_mut().flatten().find_map(Entry::poll);
        self.has_news = task.is_some();
        task
    }

    /// Whether places and entries agree.
    pub fn is_consistent(&self) -> bool {
        let places = self.iter().filter_map(|entry| entry.place);
        let is_single = |place: &u8| self.iter().filter(|e| e.place == Some(*place)).count() == 1;
        let is_known = |entry: &Entry| {
            self.iter().filter(|e| e.value == entry.value).count() == 1
                && entry.len as usize <= self.bytes_max
                && (entry.verdict != Some(Validity::Invalid) || entry.own.is_none())
        };
        places.clone().all(|place| place < self.place_count)
            && places.clone().all(|place| is_single(&place))
            && self.iter().all(is_known)
    }
}
