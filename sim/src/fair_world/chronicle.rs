//! What happened, and whether it was fair.

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_core::ordering::fair::Parameters;

use super::rules::{Book, Cut, End, Entry, Image, Kind, Number, Outcome};

/// Everything that a judgement needs.
#[derive(Clone, Debug)]
pub struct Chronicle {
    /// All epochs so far.
    epochs: Vec<Reign>,
    /// Of each node, whether its log is true.
    honest: Vec<bool>,
    clock: u64,
    /// For each honest node: when it logged an id first.
    first_logged: Vec<BTreeMap<Number, u64>>,
    /// For each honest node: when it knew of each slot.
    learned: Vec<BTreeMap<u64, u64>>,
    /// The slot in which the turn of an id was decided: from there on nobody logs it.
    turns: BTreeMap<Number, u64>,
    /// How many slots were decided when an honest member logged an id first.
    logged_slots: BTreeMap<Number, u64>,
    /// In the order of draining: what, how, and in which slot.
    output: Vec<(Number, End, u64)>,
    drained: BTreeMap<Number, u64>,
    /// Drained, and never included.
    no_ops: BTreeSet<Number>,
    /// Ids drained again, after their slot was forgotten.
    again_count: u64,
    /// Who had T lists before whom, in what some graph was made from.
    related: BTreeSet<(Number, Number)>,
    /// Every edge of a graph that was seen, by epoch.
    edges: BTreeSet<(usize, Number, Number)>,
    image: Image,
}

/// An epoch: its committee, and after which slot it began.
#[derive(Clone, Debug)]
struct Reign {
    parameters: Parameters,
    committee: Vec<u32>,
    begin: u64,
}

/// What became of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Pairs that the definition binds by what the committee logged which decided their order, and
    /// that left the queues the other way round outside every
    /// cycle: the id that should have come earlier, and the other.
    pub violations: Vec<(Number, Number)>,
    /// Such pairs where the one that should have come earlier is of a client that signed one nonce
    /// twice: members may log its next nonce after different ones, and then it has to wait until
    /// one of these has its turn. Also those where the other one is itself such a nonce, and with
    /// gamma below 1 of such a client: it may take the place of that next nonce, which those had
    /// earlier who had another one of it.
    pub moved_by_variants: Vec<(Number, Number)>,
    /// Edges against a pair that the definition binds.
    pub edges_against: Vec<(Number, Number)>,
    /// Bound pairs that stand reversed within a cycle, as the definition allows.
    pub reversed_in_cycles: u64,
    /// Pairs that an earlier committee's logs bind and not those of the committee that decided
    /// their order, and that left the queues the other way round: the promise is that of one
    /// committee.
    pub reversed_across_epochs: u64,
    /// How many pairs are bound.
    pub bound_pairs: u64,
    /// The most slots from the first entry in an honest log to draining.
    pub worst_wait_slots: u64,
    /// The same for those that stand in a slot.
    pub worst_included_wait_slots: u64,
    /// How many ids were drained.
    pub drained_count: u64,
    /// How many of them are in a slot.
    pub included_count: u64,
    /// How many ids were drained more than once.
    pub again_count: u64,
    /// Ids in honest logs that ended as no-ops although nobody else used their nonce.
    pub orphans: Vec<Number>,
}

impl Chronicle {
    /// An empty one; `honest` says of each node whether its log is true, and the first `members` of
    /// them are the first committee.
    #[must_use]
    pub fn new(parameters: Parameters, honest: Vec<bool>, members: u32) -> Self {
        let n = honest.len();
        let first = Reign {
            parameters,
            committee: (0..members).collect(),
            begin: 0,
        };
        Self {
            epochs: vec![first],
            turns: BTreeMap::new(),
            honest,
            clock: 0,
            first_logged: vec![BTreeMap::new(); n],
            learned: vec![BTreeMap::new(); n],
            logged_slots: BTreeMap::new(),
            output: Vec::new(),
            drained: BTreeMap::new(),
            no_ops: BTreeSet::new(),
            again_count: 0,
            related: BTreeSet::new(),
            edges: BTreeSet::new(),
            image: Image {
                counted: vec![Vec::new(); members as usize],
                ..Image::default()
            },
        }
    }

    /// Whether an id was drained.
    #[must_use]
    pub fn is_drained(&self, number: Number) -> bool {
        self.drained.contains_key(&number)
    }

    /// What was drained so far: what, how, and in which slot.
    #[must_use]
    pub fn output(&self) -> &[(Number, End, u64)] {
        &self.output
    }

    /// How many slots were decided when an honest member logged an id first.
    #[must_use]
    pub fn logged_slot(&self, number: Number) -> Option<u64> {
        self.logged_slots.get(&number).copied()
    }

    /// A member signs entries while `slot` slots are decided.
    pub fn logged(&mut self, member: u32, entries: &[Entry], slot: u64) {
        if !self.honest[member as usize] {
            return;
        }
        for entry in entries {
            if let Kind::Id(number) = entry.kind {
                self.clock += 1;
                let first = &mut self.first_logged[member as usize];
                first.entry(number).or_insert(self.clock);
                self.logged_slots.entry(number).or_insert(slot);
            }
        }
    }

    /// A member knows that a slot is decided.
    pub fn learned(&mut self, member: u32, slot: u64) {
        self.clock += 1;
        self.learned[member as usize].insert(slot, self.clock);
    }

    /// Another epoch begins with these nodes as its members; the state is as they find it.
    pub fn begin_epoch(&mut self, parameters: Parameters, committee: &[u32], image: &Image) {
        self.epochs.push(Reign {
            parameters,
            committee: committee.to_vec(),
            begin: image.slot,
        });
        self.image = image.clone();
    }

    fn parameters(&self) -> Parameters {
        self.epochs[self.epochs.len() - 1].parameters
    }

    /// The epoch of a slot.
    fn epoch_of(&self, slot: u64) -> usize {
        self.epochs
            .iter()
            .rposition(|epoch| epoch.begin < slot)
            .unwrap_or(0)
    }

    /// A slot is decided.
    pub fn decided(&mut self, book: &Book, cut: &Cut, outcome: &Outcome, image: &Image) {
        self.relate(book, cut, outcome, image);
        for (number, end) in &outcome.drained {
            self.output.push((*number, *end, outcome.slot));
            let again = self.drained.contains_key(number);
            self.again_count += u64::from(again);
            self.drained.entry(*number).or_insert(outcome.slot);
            if *end == End::Included {
                self.no_ops.remove(number);
            } else if !again {
                self.no_ops.insert(*number);
            }
        }
        let queued = image.queues.iter().flatten().copied();
        let drained = outcome.drained.iter().map(|(number, _)| *number);
        for number in queued.chain(drained) {
            self.turns.entry(number).or_insert(outcome.slot);
        }
        let epoch = self.epochs.len() - 1;
        for graph in image.graphs.iter().flatten() {
            let edges = graph.edges.iter();
            self.edges.extend(edges.map(|(a, b)| (epoch, *a, *b)));
        }
        self.image = image.clone();
    }

    /// Finds what this slot's graphs were made from: the lists as they were before it drained.
    fn relate(&mut self, book: &Book, cut: &Cut, outcome: &Outcome, image: &Image) {
        let old: BTreeSet<Number> = in_graphs(&self.image)
            .chain(self.image.queues.iter().flatten().copied())
            .collect();
        let new: BTreeSet<Number> = in_graphs(image)
            .chain(image.queues.iter().flatten().copied())
            .chain(outcome.drained.iter().map(|(number, _)| *number))
            .filter(|number| !old.contains(number))
            .collect();
        let missing: BTreeSet<(Number, Number)> = self
            .image
            .graphs
            .iter()
            .flatten()
            .flat_map(|graph| graph.missing.iter().copied())
            .collect();
        if new.is_empty() && missing.is_empty() {
            return;
        }
        let lists: Vec<BTreeMap<Number, usize>> = self
            .image
            .counted
            .iter()
            .zip(cut)
            .map(|(counted, extent)| {
                let more = extent.iter().filter_map(|entry| match entry.kind {
                    Kind::Id(number) => Some(number),
                    Kind::Stamp(_) | Kind::Closed => None,
                });
                let mut places = BTreeMap::new();
                for (at, number) in counted.iter().copied().chain(more).enumerate() {
                    places.entry(number).or_insert(at);
                }
                places
            })
            .collect();
        let candidates: BTreeSet<Number> = lists
            .iter()
            .flat_map(|list| list.keys().copied())
            .filter(|number| !old.contains(number))
            .collect();
        let mut pairs = missing;
        for a in &new {
            let same = |b: &&Number| book[*a as usize].rollup == book[**b as usize].rollup;
            pairs.extend(candidates.iter().filter(same).map(|b| (*a, *b)));
        }
        for (a, b) in pairs {
            for (from, to) in [(a, b), (b, a)] {
                if from != to && votes(&lists, from, to) >= self.parameters().threshold() {
                    self.related.insert((from, to));
                }
            }
        }
    }

    /// Judges everything so far.
    #[must_use]
    pub fn judge(&self, book: &Book) -> Verdict {
        let mut verdict = Verdict {
            drained_count: self.drained.len() as u64,
            again_count: self.again_count,
            ..Verdict::default()
        };
        let included = |(_, end, _): &&(Number, End, u64)| *end == End::Included;
        verdict.included_count = self.output.iter().filter(included).count() as u64;
        let waits = self.waits();
        verdict.worst_wait_slots = waits.map(|(_, slots)| slots).max().unwrap_or(0);
        let included = self.waits().filter(|(number, _)| !self.is_no_op(*number));
        let longest = included.map(|(_, slots)| slots).max();
        verdict.worst_included_wait_slots = longest.unwrap_or(0);
        let mut places = BTreeMap::new();
        for (place, (number, _, _)) in self.output.iter().enumerate() {
            places.entry(*number).or_insert(place);
        }
        verdict.orphans = self.orphans(book);
        let bound: Vec<BTreeSet<(Number, Number)>> = (0..self.epochs.len())
            .map(|epoch| self.bound_pairs(book, epoch))
            .collect();
        let mut after = BTreeMap::<Number, Vec<Number>>::new();
        for (from, to) in self.related.iter().chain(bound.iter().flatten()) {
            after.entry(*from).or_default().push(*to);
        }
        let place = |number: &Number| places.get(number).copied().unwrap_or(usize::MAX);
        let is_reversed = |(first, second): &(Number, Number)| {
            // A no-op has no place that is worth anything; where it should have been in the slot,
            // it is among the orphans.
            let counts = !self.is_no_op(*first) && !self.is_no_op(*second);
            counts && place(first) > place(second)
        };
        let (signed, variants) = (signed_nonces(book), twice_signed(book));
        for (epoch, pairs) in bound.iter().enumerate() {
            let parameters = self.epochs[epoch].parameters;
            let below_one = parameters.quorum() < parameters.n();
            for (first, second) in pairs {
                let pair = (*first, *second);
                if self.deciding(*second) != epoch {
                    let moved = is_reversed(&pair)
                        && self.is_another_committees(&bound, epoch, pair)
                        && !reaches(&after, *second, *first);
                    verdict.reversed_across_epochs += u64::from(moved);
                    continue;
                }
                verdict.bound_pairs += 1;
                if self.is_no_op(*first) || self.is_no_op(*second) {
                    continue;
                }
                if is_reversed(&pair) {
                    let has_variants = |number: &Number| variants.contains(&sender(book, *number));
                    if reaches(&after, *second, *first) {
                        verdict.reversed_in_cycles += 1;
                    } else if has_variants(first)
                        || signed[&account(book, *second)] > 1
                        || (below_one && has_variants(second))
                    {
                        verdict.moved_by_variants.push(pair);
                    } else {
                        verdict.violations.push(pair);
                    }
                }
                if self.edges.contains(&(epoch, *second, *first)) {
                    verdict.edges_against.push(pair);
                }
            }
        }
        verdict
    }

    /// For how many slots each id waited from its first entry in an honest log to draining.
    fn waits(&self) -> impl Iterator<Item = (Number, u64)> + '_ {
        let drained = self.drained.iter();
        drained.filter_map(|(number, slot)| Some((*number, slot - self.logged_slots.get(number)?)))
    }

    /// Whether the turn of a pair's second id was decided in a later epoch, whose committee's logs
    /// do not bind the pair.
    fn is_another_committees(
        &self,
        bound: &[BTreeSet<(Number, Number)>],
        epoch: usize,
        pair: (Number, Number),
    ) -> bool {
        let deciding = self.deciding(pair.1);
        epoch < deciding && !bound[deciding].contains(&pair)
    }

    /// The epoch that decided the turn of an id, or the last one.
    fn deciding(&self, number: Number) -> usize {
        let turn = self.turns.get(&number).copied();
        turn.map_or(self.epochs.len() - 1, |slot| self.epoch_of(slot))
    }

    fn is_no_op(&self, number: Number) -> bool {
        self.no_ops.contains(&number)
    }

    fn orphans(&self, book: &Book) -> Vec<Number> {
        let signed = signed_nonces(book);
        let included = self
            .output
            .iter()
            .filter(|(_, end, _)| *end == End::Included);
        let used: BTreeSet<_> = included
            .map(|(number, _, _)| account(book, *number))
            .collect();
        let lost = |(number, end, _): &&(Number, End, u64)| {
            let by_nonce = matches!(
                end,
                End::Superseded | End::Duplicate | End::Gap | End::NoCursor
            );
            by_nonce
                && self.logged_slots.contains_key(number)
                && signed[&account(book, *number)] == 1
                && !used.contains(&account(book, *number))
        };
        let lost = self.output.iter().filter(lost);
        lost.map(|(number, _, _)| *number).collect()
    }

    /// Pairs of one rollup whose order binds an epoch's committee, whatever the f others may have
    /// received. Where an id's turn was decided before a member's epoch began, it has no say.
    fn bound_pairs(&self, book: &Book, epoch: usize) -> BTreeSet<(Number, Number)> {
        let Reign {
            parameters,
            committee,
            begin,
        } = &self.epochs[epoch];
        let quorum = (parameters.quorum() - parameters.f()) as usize;
        let count = book.len();
        let mut firsts = Vec::new();
        let mut ends = Vec::new();
        let honest = committee.iter().map(|node| *node as usize);
        for at in honest.filter(|node| self.honest[*node]) {
            let mut first = vec![u64::MAX; count];
            let mut end = vec![u64::MAX; count];
            for (number, clock) in &self.first_logged[at] {
                first[*number as usize] = *clock;
            }
            for (number, slot) in &self.drained {
                let known = self.learned[at].get(slot).copied();
                end[*number as usize] = known.unwrap_or(u64::MAX);
            }
            for (number, slot) in &self.turns {
                if slot <= begin {
                    end[*number as usize] = 0;
                }
            }
            firsts.push(first);
            ends.push(end);
        }
        let seen: Vec<usize> = (self.logged_slots.keys())
            .map(|number| *number as usize)
            .collect();
        let mut bound = BTreeSet::new();
        for a in &seen {
            for b in seen
                .iter()
                .filter(|b| a != *b && book[*a].rollup == book[**b].rollup)
            {
                let before =
                    |(first, end): &(&Vec<u64>, &Vec<u64>)| first[*a] < first[*b].min(end[*b]);
                if firsts.iter().zip(&ends).filter(before).count() >= quorum {
                    bound.insert((*a as Number, *b as Number));
                }
            }
        }
        bound
    }
}

/// Rollup, sender and nonce.
fn account(book: &Book, number: Number) -> (u32, u32, u64) {
    let envelope = book[number as usize];
    (envelope.rollup, envelope.sender, envelope.nonce)
}

fn sender(book: &Book, number: Number) -> (u32, u32) {
    let (rollup, sender, _) = account(book, number);
    (rollup, sender)
}

/// Who signed a nonce twice.
fn twice_signed(book: &Book) -> BTreeSet<(u32, u32)> {
    let signed = signed_nonces(book).into_iter();
    let twice = signed.filter(|(_, count)| *count > 1);
    twice.map(|((rollup, from, _), _)| (rollup, from)).collect()
}

/// How many transactions have each nonce.
fn signed_nonces(book: &Book) -> BTreeMap<(u32, u32, u64), u32> {
    let mut signed = BTreeMap::new();
    for number in 0..book.len() as Number {
        *signed.entry(account(book, number)).or_default() += 1;
    }
    signed
}

fn in_graphs(image: &Image) -> impl Iterator<Item = Number> {
    let graphs = image.graphs.iter().flatten();
    graphs.flat_map(|graph| graph.kept.iter().copied())
}

fn votes(lists: &[BTreeMap<Number, usize>], a: Number, b: Number) -> u32 {
    let before = |list: &&BTreeMap<Number, usize>| match (list.get(&a), list.get(&b)) {
        (Some(first), Some(second)) => first < second,
        (first, _) => first.is_some(),
    };
    lists.iter().filter(before).count() as u32
}

fn reaches(after: &BTreeMap<Number, Vec<Number>>, from: Number, to: Number) -> bool {
    let (mut seen, mut next) = (BTreeSet::from([from]), vec![from]);
    while let Some(number) = next.pop() {
        if number == to {
            return true;
        }
        let more = after.get(&number).into_iter().flatten();
        next.extend(more.filter(|number| seen.insert(**number)));
    }
    false
}
