//! The pool and its plain model, driven by the same steps and compared after each.

mod adopt;

use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::model::{PlainPool, PlainTransaction};
use super::*;

/// So few that a step often finds no room to say what it would end.
const EVENT_COUNT_MAX: u32 = 12;

struct Pair {
    pool: TransactionPool,
    plain: PlainPool,
    policy: Policy,
    events: EventQueue,
    metrics: Metrics,
    /// Of what the model holds, by arrival.
    handles: BTreeMap<u64, Handle>,
    stale: Vec<Handle>,
    /// What was admitted, to be sent again.
    admitted: Vec<(Envelope, Vec<u8>)>,
    /// What was refused while a step cancelled ahead, and other ids that never came.
    ids: Vec<TxId>,
    /// What was taken and has not been settled, in the order of taking.
    in_flight: Vec<u64>,
    tick: u64,
    time: u64,
    refusals: BTreeMap<&'static str, u32>,
    ends: BTreeMap<&'static str, u32>,
    repeats: BTreeMap<&'static str, u32>,
}

impl Pair {
    fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            pool: TransactionPool::new(config, limits),
            plain: PlainPool::new(config, limits),
            policy: config.policy,
            events: EventQueue::new(EVENT_COUNT_MAX),
            metrics: Metrics::default(),
            handles: BTreeMap::new(),
            stale: Vec::new(),
            admitted: Vec::new(),
            ids: Vec::new(),
            in_flight: Vec::new(),
            tick: 0,
            time: 1_000,
            refusals: BTreeMap::new(),
            ends: BTreeMap::new(),
            repeats: BTreeMap::new(),
        }
    }

    /// One step from ten random bytes.
    fn step(&mut self, step: [u8; 10]) {
        match step[0] % 32 {
            0..=14 => self.admit(step),
            15..=18 => self.look(step),
            19..=20 => self.acknowledge_oldest(1 + usize::from(step[1] % 3)),
            21..=22 => self.roll_back_newest(1 + usize::from(step[1] % 3)),
            23 => self.cancel(step),
            24 => self.cancel_nonce(step),
            25 => self.use_stale_handles(),
            26 => self.expire(),
            27 if step[1] < 96 => self.expire_unready(),
            28 => self.press(step),
            29 => self.adopt_any(step),
            31 if step[1] < 64 => self.decide_time(),
            _ => self.time += u64::from(step[2] % 12),
        }
        if step[9] < 200 {
            self.read_events();
        }
        self.compare();
    }

    fn room(&self) -> usize {
        self.events.room()
    }

    /// What the step's bytes stand for, and what the host says of the account.
    fn transaction(&self, step: [u8; 10]) -> (Envelope, Vec<u8>, Option<Nonce>) {
        let [_, sender, nonce, fee, gas, expiry, len, account, _, again] = step;
        let base = match sender % 16 {
            // At the end of the range, where sums overflow.
            7 => u64::MAX - 5,
            _ => 200,
        };
        // Beyond a window now and then.
        let nonce = base.saturating_add(match nonce {
            0..=3 => 70,
            _ => u64::from(nonce % 9),
        });
        let envelope = Envelope {
            rollup: RollupId::new([3, 8, 3, 8, 3, 8, 3, 3][usize::from(sender / 32)]),
            sender: Address::new([sender % 8; 20]),
            nonce: Nonce::new(nonce),
            fee: Fee::new(match fee {
                255 => u64::MAX,
                254 => 1,
                _ => 2 + u64::from(fee / 8),
            }),
            gas: Gas::new(u64::from(gas % 104)),
            expiry: match expiry % 8 {
                0 => UnixNs::NEVER,
                _ => UnixNs::new(self.time - 1 + u64::from(expiry / 4)),
            },
            ..Envelope::default()
        };
        let rollup = match again {
            250.. => RollupId::new(4),
            _ => envelope.rollup,
        };
        let payload = vec![gas; [0, 1, 128, 129, 0, 2, 300, 301][usize::from(len % 8)]];
        let account_nonce = match account % 8 {
            0 => Some(Nonce::new(base + u64::from(account / 8 % 4))),
            1 | 2 => Some(envelope.nonce),
            _ => None,
        };
        let earlier = self.admitted.iter().rev().nth(usize::from(account / 16));
        match earlier.filter(|_| again % 16 == 9) {
            Some((envelope, payload)) => (*envelope, payload.clone(), account_nonce),
            None => (Envelope { rollup, ..envelope }, payload, account_nonce),
        }
    }

    fn admit(&mut self, step: [u8; 10]) {
        let (envelope, payload, account_nonce) = self.transaction(step);
        let transaction = Transaction {
            envelope,
            payload: &payload,
        };
        self.tick += u64::from(step[7] % 2);
        let submission = Submission {
            transaction,
            account_nonce,
            origin: u32::from(step[8] % 7),
            hint: None,
        };
        let arriving = Arriving {
            id: id_of(&transaction),
            submission: &submission,
            tick: Tick::new(self.tick),
            time: UnixNs::new(self.time),
        };
        let (id, tick, time) = (arriving.id, arriving.tick, arriving.time);
        // Sometimes the caller keeps places for itself.
        let kept = usize::from(step[9] % 8 == 1) * 11;
        let room = self.room().saturating_sub(kept);
        let plain = self.plain.admit(id, &submission, tick, time, room);
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, tick).keeping(kept);
        let real = self.pool.admit(&arriving, &self.policy, &mut ledger);
        assert_eq!(real.err(), plain.err());
        match (real, plain) {
            (Ok(handle), Ok(index)) => {
                self.handles.insert(index, handle);
                self.admitted.push((envelope, payload));
            }
            (Err(refusal), _) => {
                *self.refusals.entry(refusal.code().name()).or_default() += 1;
                self.ids.push(id);
            }
            _ => unreachable!("compared above"),
        }
    }

    /// One slot's view: looks, takes, puts aside and lets expire, as the step's bytes say.
    fn look(&mut self, step: [u8; 10]) {
        let mut taken = [Handle::default(); 3];
        let room = self.room();
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        let mut view = self.pool.ready(&self.policy, &mut taken);
        let (mut taken_now, mut expired) = (Vec::new(), 0);
        for turn in step[1..].iter().take(usize::from(step[1] % 9)) {
            // The last is not configured: nothing is ever ready there.
            let rollup = RollupId::new([3, 8, 3, 5][usize::from(turn % 4)]);
            let best = self.plain.best(rollup);
            assert_eq!(view.best(rollup), best.map(|own| own.candidate()));
            let key = best.map(|own| self.policy.key(&own.candidate()));
            assert_eq!(view.best_key(rollup), key);
            match (turn / 16 % 4, best) {
                (0, Some(best)) if self.plain.aside.len() < 2 => {
                    assert!(view.set_aside_best(rollup));
                    self.plain.aside.insert(best.arrival.index);
                }
                (0, _) => assert!(!view.set_aside_best(rollup)),
                (1, Some(best)) if turn & 4 == 0 && expired < room => {
                    assert!(view.expire_best(rollup, &mut ledger));
                    self.plain.end(best.arrival.index, Code::Expired);
                    expired += 1;
                }
                (1, _) if turn & 4 == 0 => assert!(!view.expire_best(rollup, &mut ledger)),
                (_, Some(best)) if taken_now.len() < 3 => {
                    assert!(view.take_best(rollup));
                    self.plain.take(best.arrival.index);
                    taken_now.push(best.arrival.index);
                }
                _ => assert!(!view.take_best(rollup)),
            }
            assert_eq!(view.taken_count(), taken_now.len());
        }
        drop(view);
        self.plain.aside.clear();
        for (index, handle) in taken_now.iter().zip(taken) {
            assert_eq!(self.handles[index], handle);
        }
        self.in_flight.extend(taken_now);
    }

    /// The time of a slot: what had expired by then may be forgotten.
    fn decide_time(&mut self) {
        let time = UnixNs::new(self.time);
        self.pool.set_decided_time(time);
        self.plain.decided_time = time;
    }

    fn acknowledge_oldest(&mut self, count: usize) {
        self.decide_time();
        for index in self.in_flight.drain(..count.min(self.in_flight.len())) {
            let handle = self.handles[&index];
            let candidate = self.plain.held[&index].candidate();
            self.plain.acknowledge(index);
            let included = self.pool.acknowledge(handle).unwrap();
            assert_eq!(included.candidate, candidate);
        }
    }

    fn roll_back_newest(&mut self, count: usize) {
        for _ in 0..count {
            let Some(index) = self.in_flight.pop() else {
                break;
            };
            self.plain.roll_back(index);
            let rolled_back = self.pool.roll_back(self.handles[&index], &self.policy);
            assert_eq!(rolled_back, Ok(()));
        }
    }

    /// Cancels one that is held, one that ended or was refused, or one that will never come.
    fn cancel(&mut self, step: [u8; 10]) {
        let pick = usize::from(step[2]);
        let held = self.plain.held.values().nth(pick % 8).map(|own| own.id);
        let id = match step[1] % 4 {
            0 => held,
            1 => self.ids.iter().rev().nth(pick % 8).copied(),
            2 => {
                let (envelope, payload, _) = self.transaction(step);
                self.admitted.push((envelope, payload.clone()));
                let payload = &payload;
                Some(id_of(&Transaction { envelope, payload }))
            }
            _ => self
                .admitted
                .iter()
                .rev()
                .nth(pick % 8)
                .map(|(envelope, payload)| {
                    let envelope = *envelope;
                    id_of(&Transaction { envelope, payload })
                }),
        };
        let Some(id) = id else { return };
        let expected = self.plain.cancel(id, self.events.room());
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        assert_eq!(self.pool.cancel(id, &mut ledger), expected);
    }

    fn cancel_nonce(&mut self, step: [u8; 10]) {
        let (
            Envelope {
                rollup,
                sender,
                nonce,
                ..
            },
            ..,
        ) = self.transaction(step);
        let room = self.room();
        let expected = self.plain.cancel_nonce((rollup, sender), nonce.get(), room);
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        let cancelled = self.pool.cancel_nonce(rollup, sender, nonce, &mut ledger);
        assert_eq!(cancelled, expected);
    }

    fn press(&mut self, step: [u8; 10]) {
        let floor = Fee::new(u64::from(step[1] % 8));
        // The configured floor holds whatever is said at run time.
        self.plain.fee_floor = floor.max(Fee::new(2));
        self.plain.refuses_gaps = step[2].is_multiple_of(4);
        self.pool.set_pressure(floor, self.plain.refuses_gaps);
    }

    fn use_stale_handles(&mut self) {
        for handle in &self.stale {
            let stale = HandleError::StaleHandle;
            assert_eq!(self.pool.get(*handle), None);
            assert_eq!(self.pool.acknowledge(*handle).err(), Some(stale));
            assert_eq!(self.pool.roll_back(*handle, &self.policy), Err(stale));
        }
        let waiting = self.plain.held.iter().filter(|(_, own)| !own.is_taken);
        for (index, _) in waiting {
            let handle = self.handles[index];
            let stale = HandleError::StaleHandle;
            assert_eq!(self.pool.acknowledge(handle).err(), Some(stale));
            assert_eq!(self.pool.roll_back(handle, &self.policy), Err(stale));
        }
    }

    fn expire(&mut self) {
        let mut expired = self.plain.expired(self.time);
        let expiry = |index: &u64| self.plain.held[index].envelope.expiry;
        expired.sort_by_key(|index| (expiry(index), self.handles[index].index));
        for index in expired.iter().take(self.room()) {
            self.plain.end(*index, Code::Expired);
        }
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        self.pool.expire(UnixNs::new(self.time), &mut ledger);
    }

    fn expire_unready(&mut self) {
        let mut unready = self.plain.unready();
        unready.sort_by_key(|index| self.handles[index].index);
        let rest = unready
            .get(self.room())
            .map(|index| self.handles[index].index);
        for index in unready.iter().take(self.room()) {
            self.plain.end(*index, Code::Expired);
        }
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        assert_eq!(self.pool.expire_unready(0, &mut ledger), rest);
    }

    fn read_events(&mut self) {
        while let Some(event) = self.events.pop() {
            *self.ends.entry(event.code.name()).or_default() += 1;
            let expected = self.plain.ended.remove(0);
            assert_eq!((event.code, event.id, event.related), expected);
        }
    }

    fn compare(&mut self) {
        assert_eq!(self.pool.verify(), Ok(()));
        assert_eq!(self.events.len(), self.plain.ended.len());
        let ended: BTreeSet<u64> = self.handles.keys().copied().collect();
        for index in ended {
            if !self.plain.held.contains_key(&index) {
                self.stale.extend(self.handles.remove(&index));
            }
        }
        let held = self.plain.held.len();
        let taken = self.plain.held.values().filter(|own| own.is_taken).count();
        let ready = self
            .plain
            .held
            .values()
            .filter(|own| self.plain.is_ready(own));
        assert_eq!((self.pool.len(), self.pool.is_empty()), (held, held == 0));
        assert_eq!(self.pool.waiting_count(), held - taken);
        assert_eq!(self.pool.ready_count(), ready.count());
        assert_eq!(self.pool.free_bytes(), self.plain.free_bytes());
        for (index, own) in &self.plain.held {
            self.compare_one(self.handles[index], own);
        }
        for rollup in ROLLUPS.map(RollupId::new) {
            for sender in (0..8).map(|sender| Address::new([sender; 20])) {
                let next = self.plain.lines.get(&(rollup, sender));
                let next = next.map(|own| Nonce::new(own.next));
                assert_eq!(self.pool.next_nonce(rollup, sender), next);
            }
        }
    }

    fn compare_one(&self, handle: Handle, own: &PlainTransaction) {
        let found = self.pool.find(own.id).unwrap();
        assert_eq!(self.pool.get(handle), Some(found));
        assert_eq!((found.handle, found.is_taken), (handle, own.is_taken));
        assert_eq!(found.candidate, own.candidate());
        let parts = self.pool.payload_parts(found.payload).flatten();
        let payload: Vec<u8> = parts.copied().collect();
        assert_eq!(payload.len(), own.payload_len);
        let filled = own.envelope.gas.get();
        assert!(payload.iter().all(|byte| u64::from(*byte) % 104 == filled));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_pool_is_its_plain_model(
        steps in proptest::collection::vec(any::<[u8; 10]>(), 0..240),
        by_fee in any::<bool>(),
        by_expiry in any::<bool>(),
        is_crowded in any::<bool>(),
    ) {
        let policy = if by_fee { Policy::PriorityFee } else { Policy::Fcfs };
        let replay = match by_expiry {
            true => ReplayProtection::ByExpiry { horizon_ns: 50 },
            false => ReplayProtection::ByHost,
        };
        let limits = if is_crowded { crowded_limits() } else { tiny_limits() };
        let mut pair = Pair::new(&config(policy, replay), &limits);
        for step in steps {
            pair.step(step);
        }
    }
}

/// The random steps above are worth something only if they get everywhere.
#[test]
fn random_steps_reach_every_refusal_and_every_end() {
    let horizon = ReplayProtection::ByExpiry { horizon_ns: 50 };
    let [mut refusals, mut ends, mut repeats] = [(); 3].map(|()| BTreeMap::new());
    let add = |sums: &mut BTreeMap<_, u32>, more: BTreeMap<&'static str, u32>| {
        more.iter()
            .for_each(|(name, count)| *sums.entry(*name).or_default() += count);
    };
    let mut seed = 1_u64;
    for (replay, limits) in [
        (ReplayProtection::ByHost, tiny_limits()),
        (horizon, tiny_limits()),
        (ReplayProtection::ByHost, crowded_limits()),
        (horizon, crowded_limits()),
    ] {
        let mut pair = Pair::new(&config(Policy::PriorityFee, replay), &limits);
        for _ in 0..6_000 {
            let mut bytes = [0; 10];
            for byte in &mut bytes {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (seed >> 56) as u8;
            }
            pair.step(bytes);
        }
        add(&mut refusals, pair.refusals);
        add(&mut ends, pair.ends);
        add(&mut repeats, pair.repeats);
    }
    assert_eq!(refusals.len(), admission::REFUSALS.len(), "{refusals:?}");
    assert_eq!(repeats.len(), 3, "{repeats:?}");
    let all = refusals.values().chain(ends.values());
    let rarest = all.chain(repeats.values()).min();
    assert!(
        rarest.is_some_and(|count| *count >= 5),
        "{refusals:?} {ends:?} {repeats:?}"
    );
    let names: Vec<_> = ends.keys().copied().collect();
    let all = [
        "Cancelled",
        "Evicted",
        "Expired",
        "Included",
        "Replaced",
        "Superseded",
    ];
    assert_eq!(names, all);
}
