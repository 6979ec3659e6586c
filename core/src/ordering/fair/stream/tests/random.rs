//! Honest members, one that says anything, random cuts: stream, twin and a stream that is restored
//! from bytes now and then must agree after every slot, and everything honest must drain.

use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

use super::super::*;
use super::world::{Library, entry, facts, id, parameters, small_limits};
use crate::ordering::fair::{Parameters, Rank};
use crate::types::{Address, Hash, Height, Nonce, RollupId, UnixNs};

/// Accounts of which nothing was ever used.
struct FromZero;

impl Accounts for FromZero {
    fn next_nonce(&self, _: RollupId, _: &Address) -> Option<Nonce> {
        Some(Nonce::ZERO)
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What a run is drawn from.
#[derive(Clone, Copy)]
struct Plan {
    n: u32,
    rollups: u32,
    transactions: u64,
    /// How many of a hundred bodies arrive in a slot.
    arrives: u64,
    replay: ReplayProtection,
    /// By median timestamps where there is none.
    rank: Option<Rank>,
    /// Whether the committee changes now and then.
    changes: bool,
    seed: u64,
}

struct Run {
    plan: Plan,
    random: Random,
    stream: FairStream,
    restored: FairStream,
    /// Tries other cuts before the one that is decided.
    trial: TrialStream,
    twin: StreamTwin,
    members: Vec<FairMember>,
    undecided: Vec<Vec<Entry>>,
    library: Library,
    /// Bodies that have not reached a member: (member, id).
    on_their_way: Vec<(usize, LoggedId)>,
    ended: BTreeMap<LoggedId, DrainOutcome>,
    /// Ids of which an honest log lost an entry before it was drained.
    lost: BTreeSet<LoggedId>,
    most_live: u32,
    encoded_len_max: u64,
    live_ids_max: u32,
    limits: FairLimits,
    parts: Vec<RollupPart>,
    /// How many epochs ended before their bound, and how many at it.
    ends: [u32; 2],
    /// The longest time from a closing slot to the end of its epoch.
    longest: u64,
}

/// The largest committee of a run that changes it.
const LARGEST: u32 = 9;

impl Run {
    fn new(plan: Plan) -> Self {
        let rank = plan.rank.unwrap_or(Rank::Copeland);
        let own = match plan.rank {
            Some(_) => parameters(plan.n, 1),
            None => Parameters::median(plan.n).unwrap(),
        };
        let limits = FairLimits {
            first_hand_count_max: 4 * plan.rollups,
            first_hand_bytes_max: 1_000 * u64::from(plan.rollups),
            member_count_max: if plan.changes { LARGEST } else { 0 },
            leaver_count_max: if plan.changes { 12 } else { 0 },
            cursor_count_max: if plan.changes { 400 } else { 100 },
            ..small_limits()
        };
        let parts: Vec<RollupPart> = (0..plan.rollups)
            .map(|rollup| RollupPart {
                rollup: RollupId::new(7 + rollup),
                first_hand_count_max: 4,
                first_hand_bytes_max: 1_000,
                room: Room {
                    count: 3,
                    bytes: 1_000,
                    gas: crate::types::Gas::new(3),
                },
                replay: plan.replay,
            })
            .collect();
        let stream = |key| FairStream::new(own, &limits, &parts, rank, key).unwrap();
        let member = |me| FairMember::new(own, &limits, &parts, me, [1, 2]).unwrap();
        Self {
            plan,
            random: Random(0x9e37_79b9_7f4a_7c15 ^ (plan.seed + 1) << 20),
            stream: stream([1, 2]),
            restored: stream([77, 99]),
            trial: TrialStream::new(stream([5, 6])),
            twin: StreamTwin::new(own, &limits, &parts, rank).unwrap(),
            members: (1..plan.n).map(member).collect(),
            undecided: vec![Vec::new(); plan.n as usize],
            library: Library::default(),
            on_their_way: Vec::new(),
            ended: BTreeMap::new(),
            lost: BTreeSet::new(),
            most_live: 0,
            encoded_len_max: FairStream::encoded_len_max(own, &limits, &parts),
            live_ids_max: limits.live_ids_max(own),
            limits,
            parts,
            ends: [0; 2],
            longest: 0,
        }
    }

    fn send(&mut self, count: u64) {
        for name in 0..count {
            let sender = self.random.below(1 + count / 4);
            let rollup = sender % u64::from(self.plan.rollups);
            let mut own = id(self.random.below(1 << 40) << 20 | name);
            own.rollup = RollupId::new(7 + rollup as u32);
            let before = self.library.0.iter().filter(|(known, facts)| {
                known.rollup == own.rollup && facts.sender == super::world::facts(sender, 0).sender
            });
            let nonce = before.count() as u64;
            self.library.0.insert(own, facts(sender, nonce));
            for member in 0..self.members.len() {
                self.on_their_way.push((member, own));
            }
        }
    }

    /// Delivers bodies, and lets members log.
    fn log(&mut self) {
        let mut waiting = Vec::new();
        for (member, own) in std::mem::take(&mut self.on_their_way) {
            let facts = self.library.0[&own];
            let arrives = self.random.chance(self.plan.arrives);
            let came = arrives.then(|| {
                self.members[member].handle_body(&self.stream, own, facts, BodySource::FirstHand)
            });
            if came.is_none_or(|came| came.is_err()) {
                waiting.push((member, own));
            }
        }
        self.on_their_way = waiting;
        for (at, member) in self.members.iter_mut().enumerate() {
            let missing: Vec<LoggedId> = member.bodies_missing(&self.stream).collect();
            for own in missing {
                if let Some(facts) = self.library.facts(&own)
                    && self.random.chance(60)
                {
                    let learned = BodySource::Learned;
                    member
                        .handle_body(&self.stream, own, facts, learned)
                        .unwrap();
                }
            }
            let mut out = [entry(Height::ZERO, id(0)); 24];
            let stamp = UnixNs::new(1_000 * self.stream.height().get() + at as u64);
            let count = member.poll_entries(&self.stream, &FromZero, Some(stamp), &mut out);
            self.undecided[at + 1].extend_from_slice(&out[..count]);
        }
        self.lie();
    }

    /// Log 0 says anything, and may start anew as long as nothing of it was decided.
    fn lie(&mut self) {
        let known: Vec<LoggedId> = self.library.0.keys().copied().collect();
        self.undecided[0].clear();
        for _ in 0..self.random.below(5) {
            let now = self.stream.height().get();
            let base = Height::new(now.saturating_sub(self.random.below(9)));
            let ghost = id(u64::MAX - self.random.below(30));
            let own = if known.is_empty() || self.random.chance(30) {
                ghost
            } else {
                known[self.random.below(known.len() as u64) as usize]
            };
            self.undecided[0].push(entry(base, own));
            if self.plan.rank.is_none() && self.random.chance(50) {
                let time = self.random.below(2 + 2_000 * now);
                let kind = EntryKind::Stamp(UnixNs::new(time));
                self.undecided[0].push(Entry { base, kind });
            }
        }
    }

    fn slot(&mut self) {
        self.log();
        let lengths: Vec<usize> = (0..self.undecided.len())
            .map(|log| match self.random.below(4) {
                0 => 0,
                1 => self.random.below(1 + self.undecided[log].len() as u64) as usize,
                _ => self.undecided[log].len().min(24),
            })
            .collect();
        let logs = self.undecided.clone();
        let mut extents: Vec<Extent<'_>> = logs
            .iter()
            .zip(&lengths)
            .map(|(log, length)| Extent {
                is_moved: *length > 0,
                entries: &log[..*length],
            })
            .collect();
        let height = self.stream.height().next();
        let check = |stream: &mut FairStream, extents: &[Extent<'_>]| {
            stream.check(&Cut { height, extents })
        };
        if let Err(refusal) = check(&mut self.stream, &extents) {
            // An honest log is never cut short.
            assert_eq!(refusal.member, Some(0), "seed {}", self.plan.seed);
            extents[0] = Extent::default();
        }
        let cut = Cut {
            height,
            extents: &extents,
        };
        let slots: Vec<RollupSlot> = (0..self.plan.rollups)
            .map(|_| RollupSlot {
                is_paused: self.random.chance(10),
                spare: Room::default(),
            })
            .collect();
        let seed = self.plan.seed;
        self.try_and_decide(&cut, &slots);
        self.stream.apply(&cut, &slots, &self.library).unwrap();
        self.restored.apply(&cut, &slots, &self.library).unwrap();
        self.twin.apply(&cut, &slots, &self.library).unwrap();
        assert_eq!(self.stream.verify(), Ok(()), "seed {seed} {height}");
        assert_eq!(self.twin.verify(), Ok(()), "seed {seed} {height}");
        assert_eq!(
            self.twin.compare(&self.stream),
            Ok(()),
            "seed {seed} height {height}"
        );
        assert_eq!(self.stream.state_hash(), self.restored.state_hash());
        assert_eq!(self.stream.drained(), self.restored.drained());
        assert_eq!(self.stream.lost_entries(), self.restored.lost_entries());
        assert_eq!(self.stream.state_hash(), self.trial.state_hash());
        let tried = self.trial.decided().unwrap();
        assert_eq!(self.stream.drained(), tried.drained());
        assert_eq!(self.stream.lost_entries(), tried.lost_entries());
        if self.random.chance(25) {
            self.restore();
        }
        self.settle(&extents);
        if self.plan.changes {
            self.change();
        }
    }

    /// Tries shorter cuts and one that no voter may accept before the one that is decided.
    fn try_and_decide(&mut self, cut: &Cut<'_>, slots: &[RollupSlot]) {
        let before = self.trial.state_hash();
        self.try_shorter(cut, slots);
        let early = Cut {
            height: cut.height.next(),
            extents: cut.extents,
        };
        let name = Hash::new([9; 32]);
        let refused = self.trial.try_candidate(name, &early, slots, &self.library);
        assert!(matches!(refused, Err(TrialError::Apply(_))));
        assert_eq!(
            self.trial.state_hash(),
            before,
            "a refusal leaves nothing behind"
        );
        assert_eq!(self.trial.decide(name).err(), Some(TrialError::NotTried));
        let needed = self.trial.bodies_needed(cut, &self.library, |_| {});
        assert_eq!(needed, Ok(()));
        let tried = self.trial.try_candidate(name, cut, slots, &self.library);
        tried.unwrap();
        self.trial.decide(name).unwrap();
    }

    fn try_shorter(&mut self, cut: &Cut<'_>, slots: &[RollupSlot]) {
        let shorter = |keep: usize| {
            let extents = cut.extents.iter().enumerate();
            extents.map(move |(log, extent)| match log < keep {
                true => *extent,
                false => Extent::default(),
            })
        };
        for name in 0..self.random.below(3) as u8 {
            let keep = self.random.below(cut.extents.len() as u64) as usize;
            let extents: Vec<Extent<'_>> = shorter(keep).collect();
            let other = Cut {
                height: cut.height,
                extents: &extents,
            };
            let name = Hash::new([1 + name; 32]);
            let tried = self.trial.try_candidate(name, &other, slots, &self.library);
            let is_tried = match tried {
                Ok(stream) => stream.height() == cut.height,
                // Where fewer logs move, less is void, so that the liar may go beyond its budget.
                Err(TrialError::Apply(ApplyError::Refused(refusal))) => {
                    assert_eq!(refusal.member, Some(0));
                    false
                }
                Err(other) => panic!("seed {}: {other}", self.plan.seed),
            };
            assert_eq!(self.trial.decided().is_none(), is_tried);
            assert_eq!(self.trial.tried(), is_tried.then_some(name));
        }
    }

    /// Closes the epoch now and then, and begins the next one once it has ended.
    fn change(&mut self) {
        let height = self.stream.height();
        if self.stream.closing().is_none() && self.random.chance(7) {
            let closing = Height::new(height.get() + 1 + self.random.below(3));
            self.stream.close_at(closing).unwrap();
            self.restored.close_at(closing).unwrap();
            self.twin.close_at(closing).unwrap();
            self.trial.close_at(closing).unwrap();
        }
        let Some(end) = self.stream.epoch_end() else {
            return;
        };
        let closing = self.stream.closing().unwrap();
        self.longest = self.longest.max(height.get() - closing.get());
        self.ends[usize::from(end.is_at_bound)] += 1;
        let n = 5 + self.random.below(u64::from(LARGEST) - 4) as u32;
        let own = match self.plan.rank {
            Some(_) => parameters(n, 1),
            None => Parameters::median(n).unwrap(),
        };
        // Who lies keeps its seat; the others draw one, and those that draw none leave.
        let mut free: Vec<u32> = (1..n).collect();
        let mut seats = vec![Some(0)];
        for _ in 0..self.members.len() {
            let stays = !free.is_empty() && self.random.chance(80);
            seats.push(stays.then(|| {
                let at = self.random.below(free.len() as u64) as usize;
                free.swap_remove(at)
            }));
        }
        self.seat(own, &seats);
        let next = NextEpoch {
            parameters: own,
            seats: &seats,
        };
        let bytes = self.bytes();
        for stream in [&mut self.stream, &mut self.restored] {
            stream.begin_epoch(&next).unwrap();
            assert_eq!(stream.verify(), Ok(()));
        }
        self.twin.begin_epoch(&next).unwrap();
        self.trial.begin_epoch(&next).unwrap();
        self.twin.compare(&self.stream).unwrap();
        // Both the end of an epoch and the beginning of the next one can be restored.
        let hash = self.stream.state_hash();
        self.restored.decode(&bytes).unwrap();
        self.restored.begin_epoch(&next).unwrap();
        assert_eq!(hash, self.restored.state_hash());
        self.restore();
    }

    /// Gives the members of the next epoch their sides; what waits with who leaves goes to who
    /// comes, and to all others where nobody does.
    fn seat(&mut self, own: Parameters, seats: &[Option<u32>]) {
        let mut next: Vec<Option<FairMember>> = (1..own.n()).map(|_| None).collect();
        let mut left: Vec<LoggedId> = Vec::new();
        let old = std::mem::take(&mut self.members);
        for (mut member, seat) in old.into_iter().zip(&seats[1..]) {
            match seat {
                Some(seat) => {
                    member.begin_epoch(&self.stream, *seat).unwrap();
                    next[*seat as usize - 1] = Some(member);
                }
                None => left.extend(member.waiting(&self.stream).map(|(id, _)| id)),
            }
        }
        for (member, own) in std::mem::take(&mut self.on_their_way) {
            match seats[member + 1] {
                Some(seat) => self.on_their_way.push((seat as usize - 1, own)),
                None => left.push(own),
            }
        }
        let (limits, parts) = (&self.limits, &self.parts);
        for (at, member) in (0..).zip(&mut next) {
            self.on_their_way
                .extend(left.iter().map(|own| (at as usize, *own)));
            member.get_or_insert_with(|| {
                FairMember::new(own, limits, parts, at + 1, [1, 2]).unwrap()
            });
        }
        self.members = next.into_iter().flatten().collect();
        self.undecided = vec![Vec::new(); own.n() as usize];
    }

    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.stream.encoded_len()];
        let len = self.stream.encode(&mut bytes).unwrap();
        assert_eq!(len, bytes.len());
        assert!(len as u64 <= self.encoded_len_max);
        bytes
    }

    fn restore(&mut self) {
        let bytes = self.bytes();
        self.restored.decode(&bytes).unwrap();
        assert_eq!(self.stream.state_hash(), self.restored.state_hash());
    }

    fn settle(&mut self, extents: &[Extent<'_>]) {
        self.most_live = self.most_live.max(self.stream.live_count());
        let honest =
            |lost: &&LostEntry| lost.reason != LossReason::DrainedSince && lost.members & !1 != 0;
        let lost = self.stream.lost_entries().iter().filter(honest);
        self.lost.extend(lost.map(|lost| lost.id));
        for drained in self.stream.drained() {
            let before = self.ended.insert(drained.id, drained.outcome);
            let twice =
                before == Some(DrainOutcome::Included) && drained.outcome == DrainOutcome::Included;
            assert!(!twice, "seed {}: included twice", self.plan.seed);
        }
        for (log, extent) in extents.iter().enumerate() {
            self.undecided[log].drain(..extent.entries.len());
            if log > 0 {
                let member = &mut self.members[log - 1];
                let covered = extent.entries.len() as u32;
                member.handle_decided(&self.stream, covered).unwrap();
                assert!(member.tail().eq(self.undecided[log].iter().copied()));
            }
        }
    }

    /// Whether nothing of the sender that stands before an id was included.
    fn is_before_base(&self, own: &LoggedId) -> bool {
        let facts = self.library.0[own];
        let before = self.library.0.iter().filter(|(id, other)| {
            id.rollup == own.rollup && other.sender == facts.sender && other.nonce < facts.nonce
        });
        let ends = before.map(|(id, _)| self.ended.get(id));
        ends.into_iter()
            .all(|end| end != Some(&DrainOutcome::Included))
    }

    fn run(&mut self) {
        for _ in 0..12 {
            self.send(self.plan.transactions / 12);
            for _ in 0..4 {
                self.slot();
            }
        }
        let sent: BTreeSet<LoggedId> = self.library.0.keys().copied().collect();
        for _ in 0..400 {
            if sent.iter().all(|own| self.ended.contains_key(own)) {
                break;
            }
            self.slot();
        }
        let left = sent.iter().filter(|own| !self.ended.contains_key(own));
        assert_eq!(left.count(), 0, "seed {}: not drained", self.plan.seed);
        assert!(self.most_live > 0 && self.most_live <= self.live_ids_max);
        // Whose entry lapsed or was void in an honest log may have been passed by its successor.
        for own in sent.difference(&self.lost) {
            let end = self.ended.get(own);
            let (included, seed) = (Some(&DrainOutcome::Included), self.plan.seed);
            // Where nobody knows a sender's first nonce, a liar's head can let a later one be it.
            if self.plan.rank.is_none() && end == Some(&DrainOutcome::Superseded) {
                assert!(self.is_before_base(own), "seed {seed} {own:?}");
                continue;
            }
            assert_eq!(end, included, "seed {seed} {own:?}");
        }
        assert!(
            self.lost.len() < sent.len(),
            "seed {}: all lost",
            self.plan.seed
        );
    }
}

#[test]
fn stream_twin_and_restored_stream_agree() {
    let seeds = std::env::var("HAUPTBUCH_SEEDS").map_or(24, |text| text.parse().unwrap());
    for seed in 0..seeds {
        let plan = Plan {
            n: 5 + (seed % 3) as u32,
            rollups: 1 + (seed % 2) as u32,
            transactions: 48,
            arrives: [15, 50, 90][seed as usize % 3],
            replay: match seed % 4 {
                3 => ReplayProtection::ByHost,
                _ => ReplayProtection::ByExpiry,
            },
            rank: [Rank::Copeland, Rank::Path, Rank::RankedPairs]
                .get(seed as usize / 3 % 4)
                .copied(),
            changes: false,
            seed,
        };
        Run::new(plan).run();
    }
}

#[test]
fn all_agree_across_epochs() {
    let seeds = std::env::var("HAUPTBUCH_SEEDS").map_or(24, |text| text.parse().unwrap());
    let (mut ends, mut longest) = ([0; 2], 0);
    for seed in 0..seeds {
        let plan = Plan {
            n: 5 + (seed % 4) as u32,
            rollups: 1 + (seed % 2) as u32,
            transactions: 48,
            arrives: [15, 50, 90][seed as usize % 3],
            replay: ReplayProtection::ByExpiry,
            rank: [Rank::Copeland, Rank::Path]
                .get(seed as usize / 2 % 3)
                .copied(),
            changes: true,
            seed: seed + 1_000,
        };
        let mut run = Run::new(plan);
        run.run();
        ends = [ends[0] + run.ends[0], ends[1] + run.ends[1]];
        longest = longest.max(run.longest);
    }
    std::println!("{ends:?} epochs ended before and at their bound, in {longest} slots at most");
    assert!(u64::from(ends[0]) > seeds, "{ends:?}");
}
