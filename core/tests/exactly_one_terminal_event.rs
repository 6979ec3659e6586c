//! Every admitted transaction ends in exactly one terminal event, and nothing else ends at all.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{ROLLUPS, Seeded, config, envelope, ids_of, submission, tiny_limits};
use hauptbuch_core::batch::SlotReader;
use hauptbuch_core::config::{Config, Policy, ReplayProtection};
use hauptbuch_core::coordinator::{SettleError, TakeError, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::pool::Cancelled;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Height, Nonce, RollupId, Submission, Tick, TxId, UnixNs,
};

/// A coordinator, and what a host would write down about it.
struct World {
    own: TransactionCoordinator,
    random: Seeded,
    now: u64,
    time: u64,
    /// How often each id was admitted: once more after each end.
    admitted: BTreeMap<TxId, u32>,
    ended: BTreeMap<TxId, u32>,
    refused: u64,
    in_flight: Vec<(Height, Vec<(RollupId, TxId)>)>,
    /// What acknowledged slots hold, for the events to agree with.
    included: BTreeMap<(Height, RollupId, u32), TxId>,
    included_events: BTreeMap<(Height, RollupId, u32), TxId>,
    last_tick: Tick,
    codes: BTreeSet<Code>,
}

impl World {
    fn new(config: &Config, limits: &Limits, seed: u64) -> Self {
        Self {
            own: TransactionCoordinator::new(config, limits).unwrap(),
            random: Seeded(seed),
            now: 0,
            time: 1_000,
            admitted: BTreeMap::new(),
            ended: BTreeMap::new(),
            refused: 0,
            in_flight: Vec::new(),
            included: BTreeMap::new(),
            included_events: BTreeMap::new(),
            last_tick: Tick::ZERO,
            codes: BTreeSet::new(),
        }
    }

    fn tick(&self) -> Tick {
        Tick::new(self.now)
    }

    fn step(&mut self) {
        match self.random.below(17) {
            0..=4 => self.submit(1),
            5 => {
                let count = self.random.below(6) as usize;
                self.submit(count);
            }
            6..=8 => self.take(),
            9..=10 => self.acknowledge(),
            11 => self.roll_back(),
            12..=13 => {
                let count = self.random.below(6);
                for _ in 0..count {
                    self.read_event();
                }
            }
            14 => {
                self.own.expire_unready();
            }
            15 => self.cancel(),
            _ => {
                self.now += self.random.below(3);
                self.time += self.random.below(30);
            }
        }
        assert_eq!(self.own.verify(), Ok(()));
    }

    /// Cancels something that was admitted at some time, or whatever has some nonce.
    fn cancel(&mut self) {
        let count = self.admitted.len().max(1) as u64;
        let pick = self.random.below(count) as usize;
        let (sender, nonce) = (self.random.below(6) as u8, self.random.below(9));
        let outcome = match self.admitted.keys().nth(pick) {
            Some(id) if nonce % 2 == 0 => self.own.cancel(*id),
            _ => {
                let (sender, nonce) = (Address::new([sender; 20]), Nonce::new(nonce));
                self.own.cancel_nonce(ROLLUPS[0], sender, nonce)
            }
        };
        if let Ok(Cancelled::Now(id)) = outcome {
            assert!(self.admitted.contains_key(&id));
        }
    }

    fn any_envelope(&mut self) -> Envelope {
        let random = &mut self.random;
        let rollup = random.one_of(&[ROLLUPS[0], ROLLUPS[1], ROLLUPS[0], RollupId::new(9)]);
        let lives_ns = random.one_of(&[0, 1, 20, 60]);
        Envelope {
            fee: Fee::new(random.below(6)),
            gas: Gas::new(random.one_of(&[1, 30, 60, 100, 101])),
            expiry: UnixNs::new(self.time + lives_ns),
            ..envelope(rollup, random.below(6) as u8, random.below(9))
        }
    }

    fn submit(&mut self, count: usize) {
        let envelopes: Vec<Envelope> = (0..count).map(|_| self.any_envelope()).collect();
        let payloads: Vec<Vec<u8>> = envelopes
            .iter()
            .map(|own| vec![1; own.gas.get() as usize * 2])
            .collect();
        let knows_accounts = self.random.below(2) == 0;
        let account_nonce = self.random.one_of(&[0, 0, 0, 1, 2]);
        let submissions: Vec<Submission<'_>> = envelopes
            .iter()
            .zip(&payloads)
            .map(|(envelope, payload)| {
                let all = submission(*envelope, payload);
                Submission {
                    account_nonce: Some(Nonce::new(account_nonce)).filter(|_| knows_accounts),
                    ..all
                }
            })
            .collect();
        let (tick, time) = (self.tick(), UnixNs::new(self.time));
        let mut outcomes = Vec::new();
        if count == 1 {
            outcomes.push(self.own.submit(&submissions[0], tick, time).ok());
        } else {
            let report = |one: hauptbuch_core::coordinator::Admission| {
                outcomes.push(one.result.ok().map(|()| one.id));
            };
            self.own
                .submit_batch(submissions, tick, time, report)
                .unwrap();
        }
        assert_eq!(outcomes.len(), count);
        for outcome in outcomes {
            match outcome {
                Some(id) => *self.admitted.entry(id).or_default() += 1,
                None => self.refused += 1,
            }
        }
    }

    fn take(&mut self) {
        let when_empty = self
            .random
            .one_of(&[WhenEmpty::NoSlot, WhenEmpty::EmptySlot]);
        match self
            .own
            .take(self.tick(), UnixNs::new(self.time), when_empty)
        {
            Ok(Some(slot)) => {
                let ids = ids_of(slot.bytes, &tiny_limits());
                assert_eq!(ids.len(), slot.transaction_count as usize);
                self.in_flight.push((slot.header.height, ids));
            }
            Ok(None) => assert_eq!(when_empty, WhenEmpty::NoSlot),
            Err(error) => {
                assert_eq!(
                    (error, self.in_flight.len()),
                    (TakeError::TooManyInFlight, 3)
                );
            }
        }
    }

    fn acknowledge(&mut self) {
        let Some((height, ids)) = self.in_flight.first().cloned() else {
            return;
        };
        let room = tiny_limits().event_count_max as usize - self.own.event_count();
        let result = self.own.acknowledge(height, self.tick());
        if room < ids.len() {
            assert_eq!(result, Err(SettleError::EventsFull));
            return;
        }
        assert_eq!(result, Ok(()));
        assert_eq!(
            self.own.acknowledge(height, self.tick()),
            Err(SettleError::AlreadyAcknowledged)
        );
        self.in_flight.remove(0);
        for rollup in ROLLUPS {
            let of_rollup = ids.iter().filter(|(own, _)| *own == rollup);
            for (position, (_, id)) in (0..).zip(of_rollup) {
                self.included.insert((height, rollup, position), *id);
            }
        }
    }

    fn roll_back(&mut self) {
        let Some(place) = self.random.below(4).checked_sub(1) else {
            return;
        };
        let Some((height, _)) = self.in_flight.get(place as usize) else {
            return;
        };
        let slots = self.in_flight.len() - place as usize;
        assert_eq!(self.own.roll_back(*height), Ok(slots));
        self.in_flight.truncate(place as usize);
    }

    fn read_event(&mut self) -> Option<Event> {
        let event = self.own.poll_event()?;
        assert!(event.code.is_terminal(), "{event:?}");
        assert!(
            event.tick >= self.last_tick,
            "events are in the order of time"
        );
        self.last_tick = event.tick;
        self.codes.insert(event.code);
        let ended = self.ended.entry(event.id).or_default();
        *ended += 1;
        let admitted = self.admitted.get(&event.id).copied().unwrap_or(0);
        assert!(*ended <= admitted, "{event:?} ends what was not there");
        if event.code == Code::Included {
            let place = (event.height, event.rollup, event.position);
            assert_eq!(self.included_events.insert(place, event.id), None);
        } else {
            assert_eq!((event.height, event.position), (Height::ZERO, 0));
        }
        Some(event)
    }

    /// Ends the run as a host would, and closes the books.
    fn drain(&mut self) {
        for _ in 0..1_000 {
            while self.read_event().is_some() {}
            if !self.in_flight.is_empty() {
                self.acknowledge();
                continue;
            }
            let slot = self
                .own
                .take(self.tick(), UnixNs::new(self.time), WhenEmpty::NoSlot);
            if let Some(slot) = slot.unwrap() {
                let ids = ids_of(slot.bytes, &tiny_limits());
                self.in_flight.push((slot.header.height, ids));
            } else if self.own.event_count() == 0 && self.own.expire_unready().is_finished {
                while self.read_event().is_some() {}
                break;
            }
        }
        assert!(self.own.pool().is_empty(), "the run did not end");
        assert_eq!(self.own.verify(), Ok(()));
        assert_eq!(self.ended, self.admitted);
        assert_eq!(self.included_events, self.included);
        let metrics = self.own.metrics();
        let admitted: u64 = self.admitted.values().map(|count| u64::from(*count)).sum();
        let sum_of = |choose: fn(&Code) -> bool| -> u64 {
            metrics
                .counted()
                .filter(|(code, _)| choose(code))
                .map(|(_, count)| count)
                .sum()
        };
        assert_eq!(metrics.of(Code::Admitted), admitted);
        assert_eq!(sum_of(|code| code.is_terminal()), admitted);
        assert_eq!(
            sum_of(|code| (100..200).contains(&code.number()) || *code == Code::EventsFull),
            self.refused
        );
        assert_eq!(metrics.submitted, admitted + self.refused);
        assert_eq!(metrics.of(Code::Included), self.included.len() as u64);
        let settled = metrics.slots_acknowledged + metrics.slots_rolled_back;
        assert_eq!(metrics.slots_taken, settled);
        assert_eq!(sum_of(|_| true), 2 * admitted + self.refused);
    }
}

#[test]
fn random_histories_end_every_admission_once() {
    let mut codes = BTreeSet::new();
    let (mut admitted, mut refused, mut rolled_back) = (0, 0, 0);
    for seed in 0..160 {
        let policy = Policy::BY_POOL[seed as usize % 2];
        let replay_protection = match seed % 4 {
            0 | 1 => ReplayProtection::ByHost,
            _ => ReplayProtection::ByExpiry { horizon_ns: 50 },
        };
        let config = Config {
            replay_protection,
            ..config(policy)
        };
        let mut world = World::new(&config, &tiny_limits(), seed);
        (0..250).for_each(|_| world.step());
        world.drain();
        admitted += world.own.metrics().of(Code::Admitted);
        rolled_back += world.own.metrics().slots_rolled_back;
        refused += world.refused;
        codes.extend(world.codes);
    }
    assert!(
        admitted > 3_000 && refused > 3_000 && rolled_back > 300,
        "the histories are tame"
    );
    let all = [
        Code::Included,
        Code::Expired,
        Code::Evicted,
        Code::Replaced,
        Code::Cancelled,
        Code::Superseded,
    ];
    assert_eq!(codes, BTreeSet::from(all));
}

/// Steps of a history that is always the same.
#[derive(Clone, Copy)]
enum Step {
    Submit(u64),
    Take,
    Acknowledge,
}

/// A history with lines that fill out of order, slots in flight and refusals.
fn history(is_interleaved: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 0..12 {
        steps.extend([round * 2, round * 2 + 1].map(Step::Submit));
        if is_interleaved {
            steps.extend(
                [Step::Take, Step::Acknowledge]
                    .iter()
                    .take(1 + round as usize % 2),
            );
        }
    }
    for _ in 0..20 {
        steps.extend([Step::Take, Step::Take, Step::Acknowledge, Step::Acknowledge]);
    }
    steps
}

/// A coordinator that plays a history, all of it at one time.
struct Player {
    own: TransactionCoordinator,
    limits: Limits,
    heights: Vec<Height>,
    included: Vec<(RollupId, TxId)>,
}

const NOW: (Tick, UnixNs) = (Tick::new(1), UnixNs::new(1));

impl Player {
    fn new(policy: Policy) -> Self {
        let limits = Limits {
            pending_count_max: 64,
            sender_count_max: 16,
            nonce_gap_max: 20,
            pending_bytes_max: 64 << 10,
            ..tiny_limits()
        };
        Self {
            own: TransactionCoordinator::new(&config(policy), &limits).unwrap(),
            limits,
            heights: Vec::new(),
            included: Vec::new(),
        }
    }

    /// Gives all slots in flight back, and takes up to as many again.
    fn crash(&mut self) {
        let before = core::mem::take(&mut self.heights);
        let Some(oldest) = before.first() else {
            return;
        };
        assert_eq!(self.own.roll_back(*oldest), Ok(before.len()));
        before.iter().for_each(|_| self.take());
        // What arrived in between can share a slot now, so there may be fewer.
        assert!(before.starts_with(&self.heights) && !self.heights.is_empty());
    }

    fn submit(&mut self, number: u64) {
        // Each sender's nonces come in pairs, the higher one first.
        let (sender, nonce) = (number / 2 % 4, number / 8 * 2 + (1 - number % 2));
        let one = Envelope {
            fee: Fee::new(1 + number * 5 % 7),
            gas: Gas::new(10 + number * 13 % 50),
            ..envelope(ROLLUPS[(sender % 2) as usize], sender as u8, nonce)
        };
        let submission = submission(one, b"x");
        self.own.submit(&submission, NOW.0, NOW.1).unwrap();
    }

    fn take(&mut self) {
        if self.heights.len() < 3 {
            let slot = self.own.take(NOW.0, NOW.1, WhenEmpty::NoSlot).unwrap();
            self.heights.extend(slot.map(|slot| slot.header.height));
        }
    }

    /// Ends the oldest slot; its events are what its bytes say.
    fn acknowledge(&mut self) {
        let Some(height) = self.heights.first().copied() else {
            return;
        };
        let slot = self.own.slot(height).unwrap();
        let reader = SlotReader::new(slot.bytes, &self.limits).unwrap();
        assert_eq!(reader.header(), &slot.header);
        let expected = BTreeSet::from_iter(ids_of(slot.bytes, &self.limits));
        self.own.acknowledge(height, NOW.0).unwrap();
        self.heights.remove(0);
        let mut events = Vec::new();
        while let Some(event) = self.own.poll_event() {
            assert_eq!((event.code, event.height), (Code::Included, height));
            events.push((event.rollup, event.id));
        }
        assert_eq!(BTreeSet::from_iter(events.iter().copied()), expected);
        self.included.extend(events);
    }
}

/// Plays the history, crashing before the step `crash_at`. Returns what was included, in order.
fn play(policy: Policy, steps: &[Step], crash_at: usize) -> Vec<(RollupId, TxId)> {
    let mut player = Player::new(policy);
    for (at, step) in steps.iter().enumerate() {
        if at == crash_at {
            player.crash();
        }
        match step {
            Step::Submit(number) => player.submit(*number),
            Step::Take => player.take(),
            Step::Acknowledge => player.acknowledge(),
        }
    }
    assert!(player.own.pool().is_empty() && player.heights.is_empty());
    player.included
}

#[test]
fn a_crash_at_any_step_includes_the_same_in_the_same_order() {
    // What arrives after a slot was taken may pass others under fees, so a crash can rightly let it
    // in earlier; under first come, first served it can't, and there steps come in any order.
    for (policy, is_interleaved) in [
        (Policy::Fcfs, true),
        (Policy::Fcfs, false),
        (Policy::PriorityFee, false),
    ] {
        let steps = history(is_interleaved);
        let expected = play(policy, &steps, usize::MAX);
        assert_eq!(expected.len(), 24);
        for crash_at in 0..steps.len() {
            let included = play(policy, &steps, crash_at);
            assert_eq!(
                included, expected,
                "{policy:?}, crash before step {crash_at}"
            );
        }
    }
}
