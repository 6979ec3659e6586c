//! What a world needs to know about the rules it runs under.

use core::fmt::Debug;

use hauptbuch_core::ordering::fair::Parameters;

/// A transaction's number; ids stand in the order of their numbers.
pub type Number = u32;

/// What its body says about a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The rollup that it is for.
    pub rollup: u32,
    /// Who signed it.
    pub sender: u32,
    /// Its place among the sender's transactions.
    pub nonce: u64,
    /// The gas that it may use.
    pub gas: u64,
    /// Length of its body in bytes.
    pub body_bytes: u32,
    /// The last agreed time, in nanoseconds, at which it may be included.
    pub expiry_ns: u64,
}

/// All transactions that were ever made up, by number.
pub type Book = [Envelope];

/// What an entry of a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A transaction became ready.
    Id(Number),
    /// What time it is, in nanoseconds.
    Stamp(u64),
    /// Its member knows the closing slot, and brings nothing new in this epoch.
    Closed,
}

/// One entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last decided slot that its signer knew.
    pub base: u64,
    /// What it says.
    pub kind: Kind,
}

/// By how much one slot moves each log: the entries between the last cut and this one.
pub type Cut = Vec<Vec<Entry>>;

/// What became of a transaction that was drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It stands in the slot.
    Included,
    /// A no-op: the agreed time is past its expiry.
    Expired,
    /// A no-op: its nonce was used by another one.
    Superseded,
    /// A no-op: it was included before.
    Duplicate,
    /// A no-op: a nonce before it is missing.
    Gap,
    /// A no-op: no slot can hold it.
    Unfit,
    /// A no-op: there is no room to remember its sender's nonce.
    NoCursor,
}

/// What one decided slot did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The slot's number, from 1.
    pub slot: u64,
    /// The agreed time in nanoseconds.
    pub time_ns: u64,
    /// What left the queues, in the order of rollups and then of the queue.
    pub drained: Vec<(Number, End)>,
    /// Transactions of which the last entry lapsed, in the order of ids.
    pub lapsed: Vec<Number>,
}

/// One graph that stands in line, as everybody can see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphImage {
    /// Its vertices, in the order of ids.
    pub kept: Vec<Number>,
    /// Pairs without an edge, smaller id first, in the order of ids.
    pub missing: Vec<(Number, Number)>,
    /// The edges, in the order of ids.
    pub edges: Vec<(Number, Number)>,
}

/// Who stands for all members that have left, where it says who is charged.
pub const LEAVERS: u32 = u32::MAX;

/// The committee of the epoch that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its thresholds.
    pub parameters: Parameters,
    /// For each member of the epoch that ended, its number in the next one; none if it leaves.
    pub seats: Vec<Option<u32>>,
}

/// A decided state, as everybody can see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The last decided slot.
    pub slot: u64,
    /// Its age: how many slots so far moved at least n − f logs.
    pub age: u64,
    /// Its agreed time in nanoseconds.
    pub time_ns: u64,
    /// Live ids, in their order.
    pub live: Vec<Number>,
    /// Which member is charged for which id, sorted; [`LEAVERS`] are those that have left.
    pub charges: Vec<(u32, Number)>,
    /// For each log the ids of which an entry counts: rollup by rollup, in the order of the log.
    pub counted: Vec<Vec<Number>>,
    /// For each rollup the graphs in line, oldest first.
    pub graphs: Vec<Vec<GraphImage>>,
    /// For each rollup the queue, its head first.
    pub queues: Vec<Vec<Number>>,
    /// The next nonce of each sender that has one: (rollup, sender, nonce), sorted.
    pub cursors: Vec<(u32, u32, u64)>,
}

/// Why a cut was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whose log the cut moves in a way that it may not.
    pub member: u32,
}

/// What everybody computes from decided cuts.
pub trait Decided: Debug {
    /// Whether the next slot may have this cut. Changes nothing.
    ///
    /// # Errors
    /// The member whose log it moves wrongly.
    fn check(&mut self, book: &Book, cut: &Cut) -> Result<(), Refusal>;

    /// Decides the next slot with a cut that [`Decided::check`] passed.
    fn apply(&mut self, book: &Book, cut: &Cut) -> Outcome;

    /// The state as everybody can see it.
    fn image(&self, book: &Book) -> Image;

    /// The last slot has decided which slot closes the epoch.
    fn close_at(&mut self, slot: u64);

    /// Whether the last slot was the last one of its epoch, and if so whether that ended at its
    /// bound.
    fn epoch_end(&self) -> Option<bool>;

    /// Begins the next epoch.
    fn begin_epoch(&mut self, next: &Next);
}

/// What a rollup's part of a slot can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Transactions, no-ops included.
    pub count: u32,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Gas.
    pub gas: u64,
}

/// The limits of one rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupRules {
    /// For how many of its ids one member can be charged.
    pub first_hand_count_max: u32,
    /// And for how many bytes of bodies.
    pub first_hand_bytes_max: u64,
    /// What a slot holds of it.
    pub slot: Room,
}

/// The limits of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The first committee's thresholds.
    pub parameters: Parameters,
    /// The most members of any epoch.
    pub member_count_max: u32,
    /// How many budgets may be charged to members that have left.
    pub leaver_count_max: u32,
    /// How many slots after its closing slot an epoch ends at the latest.
    pub closing_slots_max: u64,
    /// For how many ids one member can be charged.
    pub first_hand_count_max: u32,
    /// For how many bytes of bodies.
    pub first_hand_bytes_max: u64,
    /// How many entries a cut may move one log by.
    pub extent_entries_max: u32,
    /// After how many slots an entry lapses.
    pub log_age_slots_max: u64,
    /// How many graphs can stand in the line of a rollup.
    pub graph_count_max: u32,
    /// How many senders' nonces are remembered.
    pub cursor_count_max: u32,
    /// The rollups, by number.
    pub rollups: Vec<RollupRules>,
}

impl Rules {
    /// One rollup, whose slots hold `slot_count` transactions, and first-hand budgets of
    /// `first_hand_count_max` ids.
    #[must_use]
    pub fn new(parameters: Parameters, first_hand_count_max: u32, slot_count: u32) -> Self {
        let live_count_max = parameters.n() * first_hand_count_max;
        Self {
            parameters,
            member_count_max: parameters.n(),
            leaver_count_max: 0,
            closing_slots_max: 40,
            first_hand_count_max,
            first_hand_bytes_max: u64::from(first_hand_count_max) * 1_000,
            extent_entries_max: 8 * first_hand_count_max,
            log_age_slots_max: 12,
            graph_count_max: 8,
            cursor_count_max: live_count_max + 2_048,
            rollups: vec![RollupRules {
                first_hand_count_max,
                first_hand_bytes_max: u64::from(first_hand_count_max) * 1_000,
                slot: Room {
                    count: slot_count,
                    bytes: u64::from(slot_count) * 1_000,
                    gas: u64::from(slot_count) * 1_000,
                },
            }],
        }
    }

    /// Makes room for committees of up to `member_count_max` members, and for what as many that
    /// have left are charged with.
    pub const fn make_room_for(&mut self, member_count_max: u32) {
        let senders = self.cursor_count_max - self.live_ids_max();
        self.member_count_max = member_count_max;
        self.leaver_count_max = member_count_max;
        self.cursor_count_max = self.live_ids_max() + senders;
    }

    /// How many ids can be live: a budget for each member and for each that has left.
    #[must_use]
    pub const fn live_ids_max(&self) -> u32 {
        (self.member_count_max + self.leaver_count_max) * self.first_hand_count_max
    }

    /// Divides budgets and slots between two rollups, the first one getting what is left over.
    pub fn split_into_two_rollups(&mut self) {
        let whole = self.rollups[0];
        let second = RollupRules {
            first_hand_count_max: whole.first_hand_count_max / 2,
            first_hand_bytes_max: whole.first_hand_bytes_max / 2,
            slot: Room {
                count: whole.slot.count / 2,
                bytes: whole.slot.bytes / 2,
                gas: whole.slot.gas / 2,
            },
        };
        let first = RollupRules {
            first_hand_count_max: whole.first_hand_count_max - second.first_hand_count_max,
            first_hand_bytes_max: whole.first_hand_bytes_max - second.first_hand_bytes_max,
            slot: Room {
                count: whole.slot.count - second.slot.count,
                bytes: whole.slot.bytes - second.slot.bytes,
                gas: whole.slot.gas - second.slot.gas,
            },
        };
        self.rollups = vec![first, second];
    }
}

/// An honest member: what it has received, what it knows of decided slots, and what it logs.
pub trait Member: Debug {
    /// The body of a transaction arrives; `first_hand` if its client sent it here.
    fn handle_body(&mut self, book: &Book, number: Number, first_hand: bool);

    /// The next slot is known to be decided with this cut.
    fn handle_decided(&mut self, book: &Book, cut: &Cut);

    /// What it signs now: the entries that its log grows by, a stamp first if one is asked for.
    fn poll_entries(&mut self, book: &Book, stamp_ns: Option<u64>) -> Vec<Entry>;

    /// From now on it follows what is decided, and signs nothing.
    fn stand_aside(&mut self);

    /// The last slot that it knows has decided which slot closes the epoch.
    fn close_at(&mut self, slot: u64);

    /// The last slot that it knows ended its epoch; in the next one it is member `me`, or none.
    fn begin_epoch(&mut self, book: &Book, next: &Next, me: Option<u32>);

    /// What clients sent it and whose turn no slot that it knows has decided, in the order of
    /// arrival.
    fn waiting(&self) -> Vec<Number>;
}
