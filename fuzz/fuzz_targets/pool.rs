//! Operations on the pool from arbitrary bytes: all structures agree after each, what ends is
//! written down once, and a refusal changes no count. Or operations on a coordinator, with forced
//! inputs, bundles, slices and seeds: each admission ends once.
#![no_main]

use std::collections::BTreeMap;

use hauptbuch_core::bounded::Handle;
use hauptbuch_core::config::{Config, NonceMode, Policy, PoolConfig, RollupConfig};
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::{EventQueue, Ledger};
use hauptbuch_core::limits::{Limits, Quota};
use hauptbuch_core::metrics::Metrics;
use hauptbuch_core::pool::{Arriving, TransactionPool};
use hauptbuch_core::types::{
    Address, CandidateSource, Envelope, Fee, Gas, Hash, Nonce, RollupId, Submission, Tick,
    Transaction, TxId, UnixNs,
};
use libfuzzer_sys::fuzz_target;

/// Limits so small that every one of them is reached.
fn limits(choice: u8) -> Limits {
    let quota = Quota {
        count_max: 4 + u32::from(choice & 8),
        bytes_max: 900,
        gas_max: 600,
    };
    Limits {
        pending_count_max: 16,
        pending_bytes_max: 16 * 128,
        payload_bytes_max: 500,
        sender_count_max: 6 + u32::from(choice & 4),
        sender_gapped_count_max: 3,
        sender_quota: quota,
        origin_quota: Quota {
            count_max: 9,
            ..quota
        },
        origin_count_max: 4,
        rollup_reserved_count: u32::from(choice & 1),
        quiet_reserved_count: u32::from(choice / 16 % 8),
        seen_count_max: 6,
        cancel_count_max: 3,
        nonce_gap_max: 8,
        slot_gas_max: 100,
        set_aside_count_max: 2,
        event_count_max: 40,
        ..Limits::default()
    }
}

fn config(choice: u8) -> Config {
    let rollups = [
        NonceMode::Sequential,
        NonceMode::Window,
        NonceMode::Sequential,
    ];
    let rollups: Vec<RollupConfig> = (0..)
        .zip(rollups)
        .map(|(id, nonce_mode)| RollupConfig {
            id: RollupId::new(id),
            nonce_mode,
        })
        .collect();
    let config = Config {
        policy: Policy::BY_POOL[usize::from(choice) % Policy::BY_POOL.len()],
        pool: PoolConfig {
            quiet_pending_count_max: 2,
            gap_refusal_percent: 110,
            ..PoolConfig::default()
        },
        ..Config::default()
    };
    config.with_rollups(&rollups).unwrap()
}

struct World {
    pool: TransactionPool,
    policy: Policy,
    events: EventQueue,
    metrics: Metrics,
    in_flight: Vec<Handle>,
    /// Admissions whose end was not read yet: what expired can come again before it is.
    open: BTreeMap<TxId, u32>,
    time: u64,
}

impl World {
    fn submit(&mut self, call: &[u8]) {
        let payload = vec![call[5]; usize::from(call[5]) * 2];
        let envelope = Envelope {
            rollup: RollupId::new(u32::from(call[1] / 64)),
            sender: Address::new([call[1] % 12; 20]),
            nonce: Nonce::new(u64::from(call[2] % 24)),
            fee: Fee::new(u64::from(call[3])),
            gas: Gas::new(u64::from(call[4] % 104)),
            expiry: match call[6] % 4 {
                0 => UnixNs::NEVER,
                _ => UnixNs::new(self.time + u64::from(call[6] / 4)),
            },
            ..Envelope::default()
        };
        let submission = Submission {
            transaction: Transaction {
                envelope,
                payload: &payload,
            },
            account_nonce: (call[7] % 3 == 0).then(|| Nonce::new(u64::from(call[7] / 16))),
            origin: u32::from(call[7] % 7),
            hint: None,
        };
        let (id, now) = (id_of(&call[1..7]), Tick::ZERO);
        let arriving = Arriving {
            id,
            submission: &submission,
            tick: now,
            time: UnixNs::new(self.time),
        };
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, now);
        let was_there = self.pool.find(id).is_some();
        if self
            .pool
            .admit(&arriving, &self.policy, &mut ledger)
            .is_ok()
        {
            assert!(!was_there, "admitted while it is there");
            *self.open.entry(id).or_default() += 1;
        }
    }

    fn take(&mut self, call: &[u8]) {
        let mut taken = [Handle::default(); 4];
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        let mut view = self.pool.ready(&self.policy, &mut taken);
        for turn in &call[1..] {
            let rollup = RollupId::new(u32::from(turn % 4));
            match turn / 4 % 4 {
                0 => drop(view.set_aside_best(rollup)),
                1 => drop(view.expire_best(rollup, &mut ledger)),
                _ => drop(view.take_best(rollup)),
            }
        }
        let count = view.taken_count();
        drop(view);
        self.in_flight.extend(&taken[..count]);
    }

    fn step(&mut self, call: &[u8]) {
        let room = self.events.room();
        match call[0] % 16 {
            0..=6 => self.submit(call),
            7..=8 => self.take(call),
            9 if !self.in_flight.is_empty() => {
                let included = self.pool.acknowledge(self.in_flight.remove(0)).unwrap();
                self.close(included.candidate.id);
            }
            10 => {
                if let Some(handle) = self.in_flight.pop() {
                    self.pool.roll_back(handle, &self.policy).unwrap();
                }
            }
            11 => {
                let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
                let _outcome = self.pool.cancel(id_of(&call[1..7]), &mut ledger);
            }
            12 => {
                let (rollup, sender) = (u32::from(call[1] / 64), call[1] % 12);
                let nonce = Nonce::new(u64::from(call[2] % 24));
                let sender = Address::new([sender; 20]);
                let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
                let rollup = RollupId::new(rollup);
                let _outcome = self.pool.cancel_nonce(rollup, sender, nonce, &mut ledger);
            }
            13 => {
                self.time += u64::from(call[1] % 32);
                let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
                self.pool.expire(UnixNs::new(self.time), &mut ledger);
            }
            14 if call[1] % 4 == 0 => {
                let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
                let rest = self.pool.expire_unready(0, &mut ledger);
                assert!(rest.is_none() || self.events.room() == 0);
            }
            _ => self
                .pool
                .set_pressure(Fee::new(u64::from(call[1] % 64)), call[2] % 2 == 0),
        }
        assert!(self.events.room() <= room);
        if call[7] % 4 > 0 {
            self.read_events();
        }
        assert_eq!(self.pool.verify(), Ok(()));
    }

    /// Notes the end of an admission.
    fn close(&mut self, id: TxId) {
        let open = self.open.get_mut(&id).expect("ended, but was not there");
        *open = open.checked_sub(1).expect("ended twice");
    }

    fn read_events(&mut self) {
        while let Some(event) = self.events.pop() {
            assert!(event.code.is_terminal());
            self.close(event.id);
        }
        let open: u32 = self.open.values().sum();
        assert_eq!(open as usize, self.pool.len());
    }
}

fn id_of(bytes: &[u8]) -> TxId {
    let mut id = [0; 32];
    id[..bytes.len()].copy_from_slice(bytes);
    TxId::from_hash(Hash::new(id))
}

/// The same promises for all that a coordinator does.
fn coordinate(choice: u8, calls: &[u8]) {
    let (config, limits) = (hauptbuch_fuzz::config(choice), hauptbuch_fuzz::limits(0));
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    for call in calls.chunks_exact(3) {
        let number = u64::from(u16::from_le_bytes([call[1], call[2]]));
        hauptbuch_fuzz::step(&mut own, call[0], number);
        assert_eq!(own.verify(), Ok(()));
    }
    hauptbuch_fuzz::drain(&mut own);
    let ends = Code::ALL.iter().filter(|code| code.is_terminal());
    let ended: u64 = ends.map(|code| own.metrics().of(*code)).sum();
    assert_eq!(ended, own.metrics().of(Code::Admitted));
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, calls)) = data.split_first() else {
        return;
    };
    if choice % 2 == 1 {
        return coordinate(choice / 2, calls);
    }
    let config = config(*choice / 2);
    let mut world = World {
        pool: TransactionPool::new(&config, &limits(*choice / 2)),
        policy: config.policy,
        events: EventQueue::new(40),
        metrics: Metrics::default(),
        in_flight: Vec::new(),
        open: BTreeMap::new(),
        time: 1_000,
    };
    calls.chunks_exact(8).for_each(|call| world.step(call));
});
