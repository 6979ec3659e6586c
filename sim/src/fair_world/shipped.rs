//! The library's own state and member, as a world sees them.

use std::collections::BTreeSet;

use hauptbuch_core::ordering::fair::Rank;
use hauptbuch_core::ordering::fair::stream as core_stream;
use hauptbuch_core::ordering::fair::stream::{
    Accounts, Bodies, BodySource, DrainOutcome, EntryKind, Extent, Facts, FairLimits, FairMember,
    FairStream, LoggedId, NextEpoch, ReplayProtection, RollupPart, RollupSlot,
};
use hauptbuch_core::types::{Address, Gas, Height, Nonce, RollupId, TxId, UnixNs};

use super::rules::{
    Book, Cut, Decided, End, Entry, GraphImage, Image, Kind, LEAVERS, Member, Next, Number,
    Outcome, Refusal, Rules,
};

/// The keys of tables, which change nothing but their layout.
const KEY: [u64; 2] = [0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210];

/// The limits of the library that stand for a world's rules.
#[must_use]
pub fn fair_limits(rules: &Rules) -> (FairLimits, Vec<RollupPart>) {
    let sum = |part: fn(&core_stream::Room) -> u64, rooms: &[core_stream::Room]| -> u64 {
        rooms.iter().map(part).sum()
    };
    let room = |room: &super::rules::Room| core_stream::Room {
        count: room.count,
        bytes: room.bytes,
        gas: Gas::new(room.gas),
    };
    let parts: Vec<RollupPart> = (0..)
        .zip(&rules.rollups)
        .map(|(rollup, own)| RollupPart {
            rollup: RollupId::new(rollup),
            first_hand_count_max: own.first_hand_count_max,
            first_hand_bytes_max: own.first_hand_bytes_max,
            room: room(&own.slot),
            replay: ReplayProtection::ByExpiry,
        })
        .collect();
    let rooms: Vec<core_stream::Room> = parts.iter().map(|part| part.room).collect();
    let limits = FairLimits {
        member_count_max: rules.member_count_max,
        leaver_count_max: rules.leaver_count_max,
        closing_slots_max: rules.closing_slots_max as u32,
        first_hand_count_max: rules.first_hand_count_max,
        first_hand_bytes_max: rules.first_hand_bytes_max,
        extent_entries_max: rules.extent_entries_max,
        log_age_slots_max: rules.log_age_slots_max as u32,
        graph_count_max: rules.graph_count_max,
        cursor_count_max: rules.cursor_count_max,
        drained_count_max: 1 << 13,
        arrival_count_max: 1 << 11,
        ranked_pairs_max: 0,
        slot_room: core_stream::Room {
            count: rooms.iter().map(|room| room.count).sum(),
            bytes: sum(|room| room.bytes, &rooms),
            gas: Gas::new(sum(|room| room.gas.get(), &rooms)),
        },
    };
    (limits, parts)
}

/// The id of a transaction: in the order of numbers.
#[must_use]
pub fn logged_id(book: &Book, number: Number) -> LoggedId {
    let envelope = book[number as usize];
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    LoggedId {
        rollup: RollupId::new(envelope.rollup),
        id: TxId::new(bytes),
        body_bytes: envelope.body_bytes,
    }
}

/// The transaction of an id.
#[must_use]
pub fn number_of(id: &LoggedId) -> Number {
    let bytes = id.id.as_bytes();
    Number::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The address of a sender.
#[must_use]
pub fn address(sender: u32) -> Address {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&sender.to_be_bytes());
    Address::new(bytes)
}

/// What the body of a transaction says.
#[must_use]
pub fn facts(book: &Book, number: Number) -> Facts {
    let envelope = book[number as usize];
    Facts {
        sender: address(envelope.sender),
        nonce: Nonce::new(envelope.nonce),
        gas: Gas::new(envelope.gas),
        expiry: UnixNs::new(envelope.expiry_ns),
    }
}

/// Every body, as those hold them who vote.
#[derive(Clone, Copy, Debug)]
pub struct Library<'a>(pub &'a Book);

impl Bodies for Library<'_> {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        let number = number_of(id);
        let is_known = (number as usize) < self.0.len() && logged_id(self.0, number) == *id;
        is_known.then(|| facts(self.0, number))
    }
}

/// A cut in the library's words.
#[derive(Clone, Debug)]
pub struct CoreCut {
    height: Height,
    extents: Vec<Vec<core_stream::Entry>>,
}

impl CoreCut {
    /// Translates the cut of the slot at `height`.
    #[must_use]
    pub fn new(book: &Book, cut: &Cut, height: u64) -> Self {
        let entry = |entry: &Entry| core_stream::Entry {
            base: Height::new(entry.base),
            kind: match entry.kind {
                Kind::Id(number) => EntryKind::Id(logged_id(book, number)),
                Kind::Stamp(ns) => EntryKind::Stamp(UnixNs::new(ns)),
                Kind::Closed => EntryKind::Closed,
            },
        };
        let extent = |extent: &Vec<Entry>| extent.iter().map(entry).collect();
        Self {
            height: Height::new(height),
            extents: cut.iter().map(extent).collect(),
        }
    }

    /// Gives the cut to `with`; a log without entries has not moved.
    pub fn with<T>(&self, with: impl FnOnce(&core_stream::Cut<'_>) -> T) -> T {
        let extent = |entries: &Vec<core_stream::Entry>| !entries.is_empty();
        let extents: Vec<Extent<'_>> = self
            .extents
            .iter()
            .map(|entries| Extent {
                is_moved: extent(entries),
                entries,
            })
            .collect();
        with(&core_stream::Cut {
            height: self.height,
            extents: &extents,
        })
    }
}

/// The library's decided state.
#[derive(Debug)]
pub struct ShippedState {
    /// The state itself.
    pub stream: FairStream,
    rollup_count: usize,
    /// For each rollup, whether it drains nothing.
    pub paused: Vec<bool>,
}

impl ShippedState {
    /// The state before the first slot.
    ///
    /// # Panics
    /// If the rules are out of the library's ranges.
    #[must_use]
    pub fn new(rules: &Rules) -> Self {
        let (limits, parts) = fair_limits(rules);
        let stream = FairStream::new(rules.parameters, &limits, &parts, Rank::Copeland, KEY);
        Self {
            stream: stream.expect("a world's rules are in range"),
            rollup_count: parts.len(),
            paused: vec![false; parts.len()],
        }
    }

    /// What this slot says of the rollups.
    #[must_use]
    pub fn slots(&self) -> Vec<RollupSlot> {
        let slot = |is_paused: &bool| RollupSlot {
            is_paused: *is_paused,
            ..RollupSlot::default()
        };
        self.paused.iter().map(slot).collect()
    }

    /// A cut for the next slot.
    #[must_use]
    pub fn cut(&self, book: &Book, cut: &Cut) -> CoreCut {
        CoreCut::new(book, cut, self.stream.height().get() + 1)
    }

    fn graph(&self, rollup: RollupId, place: u32) -> GraphImage {
        let pair = |(a, b): (LoggedId, LoggedId)| (number_of(&a), number_of(&b));
        GraphImage {
            kept: self
                .stream
                .graph(rollup, place)
                .map(|id| number_of(&id))
                .collect(),
            missing: self.stream.missing_pairs(rollup, place).map(pair).collect(),
            edges: self.stream.edges(rollup, place).map(pair).collect(),
        }
    }
}

impl Decided for ShippedState {
    fn check(&mut self, book: &Book, cut: &Cut) -> Result<(), Refusal> {
        let cut = self.cut(book, cut);
        let checked = cut.with(|cut| self.stream.check(cut));
        checked.map_err(|refusal| Refusal {
            member: refusal
                .member
                .expect("worlds make cuts of the right height and width"),
        })
    }

    fn apply(&mut self, book: &Book, cut: &Cut) -> Outcome {
        let (cut, slots) = (self.cut(book, cut), self.slots());
        let applied = cut.with(|cut| self.stream.apply(cut, &slots, &Library(book)));
        applied.expect("the cut was checked, and the library is whole");
        let end = |outcome| match outcome {
            DrainOutcome::Included => End::Included,
            DrainOutcome::Expired => End::Expired,
            DrainOutcome::Duplicate => End::Duplicate,
            DrainOutcome::Gap => End::Gap,
            DrainOutcome::Unfit => End::Unfit,
            DrainOutcome::NoCursor => End::NoCursor,
            _ => End::Superseded,
        };
        let drained = self.stream.drained().iter();
        let mut lapsed: Vec<Number> = self.stream.lapsed_ids().iter().map(number_of).collect();
        lapsed.sort_unstable();
        Outcome {
            slot: self.stream.height().get(),
            time_ns: self.stream.time().get(),
            drained: drained
                .map(|own| (number_of(&own.id), end(own.outcome)))
                .collect(),
            lapsed,
        }
    }

    fn image(&self, book: &Book) -> Image {
        let stream = &self.stream;
        let n = stream.parameters().n();
        let rollups = || (0..self.rollup_count as u32).map(RollupId::new);
        let log = |member| {
            let of_one = |rollup| stream.log(member, rollup);
            rollups()
                .flat_map(of_one)
                .map(|id| number_of(&id))
                .collect::<Vec<Number>>()
        };
        let counted: Vec<Vec<Number>> = (0..n).map(log).collect();
        let live = (0..book.len() as Number)
            .filter(|number| stream.is_live(&logged_id(book, *number)))
            .collect();
        let charged = (0..book.len() as Number).flat_map(|number| {
            let id = logged_id(book, number);
            let members = stream.charged_members(&id);
            let has_left = stream.is_charged_to_leavers(&id).then_some(LEAVERS);
            members.chain(has_left).map(move |member| (member, number))
        });
        let mut charges: Vec<(u32, Number)> = charged.collect();
        charges.sort_unstable();
        let line = |rollup| (0..stream.graph_count(rollup)).map(move |at| self.graph(rollup, at));
        let senders: BTreeSet<(u32, u32)> = book
            .iter()
            .map(|envelope| (envelope.rollup, envelope.sender))
            .collect();
        let cursors = senders.into_iter().filter_map(|(rollup, sender)| {
            let next = stream.cursor(RollupId::new(rollup), &address(sender));
            next.map(|next| (rollup, sender, next.get()))
        });
        Image {
            slot: stream.height().get(),
            age: stream.age_slots(),
            time_ns: stream.time().get(),
            live,
            charges,
            counted,
            graphs: rollups().map(|rollup| line(rollup).collect()).collect(),
            queues: rollups()
                .map(|rollup| stream.queue(rollup).map(|id| number_of(&id)).collect())
                .collect(),
            cursors: cursors.collect(),
        }
    }

    fn close_at(&mut self, slot: u64) {
        let closed = self.stream.close_at(Height::new(slot));
        closed.expect("a world closes an epoch once, and ahead");
    }

    fn epoch_end(&self) -> Option<bool> {
        self.stream.epoch_end().map(|end| end.is_at_bound)
    }

    fn begin_epoch(&mut self, next: &Next) {
        let begun = self.stream.begin_epoch(&NextEpoch {
            parameters: next.parameters,
            seats: &next.seats,
        });
        begun.expect("a world's committees are within its limits");
    }
}

/// Accounts that have never sent anything.
struct NewAccounts;

impl Accounts for NewAccounts {
    fn next_nonce(&self, _: RollupId, _: &Address) -> Option<Nonce> {
        Some(Nonce::ZERO)
    }
}

/// The library's honest member, with a decided state of its own.
#[derive(Debug)]
pub struct ShippedMember {
    /// Its number in this epoch, if it is a member.
    me: Option<u32>,
    rules: Rules,
    /// What it knows of decided slots.
    pub state: ShippedState,
    /// What decides what it logs.
    pub member: FairMember,
    /// The bodies in its store, and those that were sent to it before it knew that it is a member.
    store: BTreeSet<Number>,
    sent: Vec<Number>,
    out: Vec<core_stream::Entry>,
}

impl ShippedMember {
    /// Member `me` at the beginning, or one who may become a member and stands aside so far.
    ///
    /// # Panics
    /// If the rules are out of the library's ranges.
    #[must_use]
    pub fn new(rules: &Rules, me: u32) -> Self {
        let (limits, parts) = fair_limits(rules);
        let seat = me.min(rules.parameters.n() - 1);
        let member = FairMember::new(rules.parameters, &limits, &parts, seat, KEY);
        let stamp = core_stream::Entry {
            base: Height::ZERO,
            kind: EntryKind::Stamp(UnixNs::ZERO),
        };
        Self {
            me: Some(me),
            rules: rules.clone(),
            state: ShippedState::new(rules),
            member: member.expect("a world's rules are in range"),
            store: BTreeSet::new(),
            sent: vec![],
            out: vec![stamp; limits.extent_entries_max as usize],
        }
    }

    /// What it signed and no decided cut covers.
    #[must_use]
    pub fn tail(&self) -> Vec<Entry> {
        self.member.tail().map(|entry| plain(&entry)).collect()
    }

    /// Gives it the bodies of its store that it lacks.
    fn fetch(&mut self, book: &Book) {
        let missing: BTreeSet<Number> = (self.member.bodies_missing(&self.state.stream))
            .map(|id| number_of(&id))
            .collect();
        for number in missing.intersection(&self.store.clone()) {
            self.give(book, *number, BodySource::Learned);
        }
    }

    fn give(&mut self, book: &Book, number: Number, source: BodySource) {
        let (id, facts) = (logged_id(book, number), facts(book, number));
        let given = self
            .member
            .handle_body(&self.state.stream, id, facts, source);
        given.expect("a world sends no more than a member can hold");
    }
}

impl Member for ShippedMember {
    fn handle_body(&mut self, book: &Book, number: Number, first_hand: bool) {
        self.store.insert(number);
        if self.me.is_none() {
            self.sent.extend(first_hand.then_some(number));
            return;
        }
        let source = if first_hand {
            BodySource::FirstHand
        } else {
            BodySource::Learned
        };
        self.give(book, number, source);
    }

    fn handle_decided(&mut self, book: &Book, cut: &Cut) {
        self.state.apply(book, cut);
        let Some(me) = self.me else {
            return;
        };
        let covered = cut[me as usize].len() as u32;
        let told = self.member.handle_decided(&self.state.stream, covered);
        told.expect("a log holds what its member signed");
        self.fetch(book);
    }

    fn poll_entries(&mut self, book: &Book, stamp_ns: Option<u64>) -> Vec<Entry> {
        let _ = book;
        if self.me.is_none() {
            return vec![];
        }
        let stamp = stamp_ns.map(UnixNs::new);
        let stream = &self.state.stream;
        let count = self
            .member
            .poll_entries(stream, &NewAccounts, stamp, &mut self.out);
        self.out[..count].iter().map(plain).collect()
    }

    fn stand_aside(&mut self) {
        self.me = None;
    }

    fn close_at(&mut self, slot: u64) {
        self.state.close_at(slot);
    }

    fn begin_epoch(&mut self, book: &Book, next: &Next, me: Option<u32>) {
        let joins = self.me.is_none();
        match (self.me, me) {
            (Some(_), Some(me)) => {
                let begun = self.member.begin_epoch(&self.state.stream, me);
                begun.expect("the epoch has ended, and the seat is one of the next one");
            }
            (None, Some(me)) => {
                let (limits, parts) = fair_limits(&self.rules);
                let member = FairMember::new(next.parameters, &limits, &parts, me, KEY);
                self.member = member.expect("a world's rules are in range");
            }
            _ => {}
        }
        self.state.begin_epoch(next);
        self.me = me;
        if joins && me.is_some() {
            self.fetch(book);
            for number in core::mem::take(&mut self.sent) {
                self.give(book, number, BodySource::FirstHand);
            }
        }
    }

    fn waiting(&self) -> Vec<Number> {
        let waiting = self.member.waiting(&self.state.stream);
        waiting.map(|(id, _)| number_of(&id)).collect()
    }
}

/// An entry in the world's words.
fn plain(entry: &core_stream::Entry) -> Entry {
    let kind = match entry.kind {
        EntryKind::Stamp(ns) => Kind::Stamp(ns.get()),
        EntryKind::Id(id) => Kind::Id(number_of(&id)),
        EntryKind::Closed => Kind::Closed,
        _ => unreachable!("the world knows all kinds of entries"),
    };
    Entry {
        base: entry.base.get(),
        kind,
    }
}
