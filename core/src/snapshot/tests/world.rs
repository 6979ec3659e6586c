//! Small worlds, and random steps in them.

use std::vec::Vec;

use crate::batch::SlotContext;
use crate::config::{Config, NonceMode, Policy, PoolConfig, ReplayProtection, RollupConfig};
use crate::coordinator::{Pressure, Slot, TakeError, TransactionCoordinator, WhenEmpty};
use crate::event::Event;
use crate::limits::{Limits, Quota};
use crate::ordering::SlotRoom;
use crate::types::{
    Address, Envelope, Fee, Gas, Hash, Height, Nonce, PoolReserves, RollupId, Side, Submission,
    Tick, TradeHint, Transaction, UnixNs,
};

/// Numbers from a seed (SplitMix64).
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

const POLICIES: [Policy; 5] = [
    Policy::Fcfs,
    Policy::PriorityFee,
    Policy::TimeBucket { width_ns: 20 },
    Policy::Shuffle,
    Policy::Greedy,
];

/// Two rollups, one of each nonce mode; the policy and the protection by number.
pub fn config(number: u64) -> Config {
    config_with(POLICIES[number as usize % POLICIES.len()], number)
}

fn config_with(policy: Policy, number: u64) -> Config {
    let rollup = |id, nonce_mode| RollupConfig {
        id: RollupId::new(id),
        nonce_mode,
    };
    let replay_protection = match number & 2 {
        0 => ReplayProtection::ByHost,
        _ => ReplayProtection::ByExpiry { horizon_ns: 60 },
    };
    let config = Config {
        policy,
        replay_protection,
        pool: PoolConfig {
            quiet_pending_count_max: 2,
            ..PoolConfig::default()
        },
        index_key: [3, 4],
        ..Config::default()
    };
    let rollups = [
        rollup(1, NonceMode::Sequential),
        rollup(4, NonceMode::Window),
    ];
    config.with_rollups(&rollups).unwrap()
}

/// So small that every kind of fullness is common.
pub fn limits(journal_bytes_max: u32) -> Limits {
    let quota = Quota {
        count_max: 7,
        bytes_max: 900,
        gas_max: 1_000,
    };
    Limits {
        pending_count_max: 12,
        pending_bytes_max: 14 * 128,
        payload_bytes_max: 200,
        sender_count_max: 8,
        sender_gapped_count_max: 3,
        sender_quota: Quota {
            count_max: 3,
            ..quota
        },
        origin_quota: quota,
        origin_count_max: 3,
        rollup_reserved_count: 0,
        quiet_reserved_count: 4,
        seen_count_max: 6,
        cancel_count_max: 3,
        hint_count_max: 11,
        forced_count_max: 4,
        forced_bytes_max: 1_024,
        bundle_count_max: 2,
        bundle_leg_count_max: 2,
        bundle_bytes_max: 512,
        nonce_gap_max: 4,
        slot_count_max: 4,
        slot_bytes_max: 600,
        slot_gas_max: 100,
        set_aside_count_max: 2,
        in_flight_count_max: 3,
        event_count_max: 16,
        journal_bytes_max,
        producer_count_max: 1,
        lane_count_max: 8,
        shared_lane_count_max: 0,
        lane_buffer_counts: [4, 4, 4],
    }
}

/// One thing that a host does.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Submit(Sent),
    SubmitThroughLane([Sent; 3]),
    Take {
        is_empty_wanted: bool,
    },
    Acknowledge {
        ahead: u64,
    },
    RollBack {
        ahead: u64,
    },
    Cancel(Sent),
    CancelNonce(Sent),
    ExpireUnready,
    SetPressure(Pressure),
    ReadEvents {
        count: usize,
    },
    PassTime,
    SubmitForced {
        sent: Sent,
        ahead: u64,
    },
    SubmitBundle {
        legs: [Sent; 3],
        count: usize,
        lifetime: u64,
    },
    OpenSlot,
    AddSlice {
        room: SlotRoom,
    },
    Seal,
    FixSet {
        is_empty_wanted: bool,
    },
    SealWithSeed {
        seed: u8,
    },
    Adopt {
        sent: [Sent; 3],
    },
    SetContext {
        id: u8,
        change_count: usize,
        ends_epoch: bool,
    },
}

/// A transaction as a few numbers.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub rollup: u32,
    sender: u8,
    nonce: u64,
    fee: u64,
    gas: u64,
    lifetime: Option<u64>,
    account_nonce: Option<u64>,
    origin: u32,
    pub payload_len: usize,
}

impl Sent {
    fn draw(random: &mut Seeded) -> Self {
        Self {
            rollup: [1, 1, 4, 4, 4, 9][random.below(6) as usize],
            sender: [0, 0, 1, 2, 3, 4, 5, 6][random.below(8) as usize],
            nonce: random.below(5),
            fee: random.below(6),
            gas: 1 + random.below(60),
            lifetime: (random.below(3) > 0).then(|| 1 + random.below(50)),
            account_nonce: (random.below(3) == 0).then(|| random.below(3)),
            origin: random.below(5) as u32,
            payload_len: [0, 1, 127, 128, 129, 200, 201][random.below(7) as usize],
        }
    }

    pub fn envelope(&self, time: UnixNs) -> Envelope {
        Envelope {
            rollup: RollupId::new(self.rollup),
            sender: Address::new([self.sender; 20]),
            nonce: Nonce::new(self.nonce),
            fee: Fee::new(self.fee),
            gas: Gas::new(self.gas),
            // Steps of ten, so that many expire at the same time.
            expiry: self.lifetime.map_or(UnixNs::NEVER, |own| {
                UnixNs::new((time.get() + own) / 10 * 10)
            }),
            ..Envelope::default()
        }
    }

    fn submission(&self, time: UnixNs) -> Submission<'static> {
        Submission {
            transaction: Transaction {
                envelope: self.envelope(time),
                payload: &[7; 201][..self.payload_len],
            },
            account_nonce: self.account_nonce.map(Nonce::new),
            origin: self.origin,
            hint: Some(TradeHint {
                pool: pool(self.sender % 2),
                side: [Side::Buy, Side::Sell][self.nonce as usize % 2],
                amount: 1 + u128::from(self.gas) * 3,
            }),
        }
    }
}

pub fn draw(random: &mut Seeded) -> Step {
    // A few transactions come again and again, also after their end.
    let mut sent = Sent::draw(random);
    if random.below(4) == 0 {
        sent = Sent {
            lifetime: None,
            ..Sent::draw(&mut Seeded(random.below(10)))
        };
    }
    match random.below(41) {
        0..=8 => Step::Submit(sent),
        9 => Step::SubmitThroughLane([sent, Sent::draw(random), Sent::draw(random)]),
        10..=12 => Step::Take {
            is_empty_wanted: random.below(4) == 0,
        },
        13..=14 => Step::Acknowledge {
            ahead: random.below(5) / 4,
        },
        15 => Step::RollBack {
            ahead: random.below(3),
        },
        16 => Step::Cancel(sent),
        17 => Step::CancelNonce(sent),
        18 => Step::ExpireUnready,
        19 => Step::SetPressure(Pressure {
            slot_count_max: 1 + random.below(5) as u32,
            slot_bytes_max: 300 + random.below(400) as u32,
            slot_gas_max: 60 + random.below(60),
            fee_floor: Fee::new(random.below(3)),
            refuses_gaps: random.below(2) == 0,
        }),
        20..=22 => Step::ReadEvents {
            count: random.below(5) as usize,
        },
        23 => Step::PassTime,
        24..=26 => Step::SubmitForced {
            sent,
            ahead: random.below(8) / 7,
        },
        27..=29 => Step::SubmitBundle {
            legs: [sent, Sent::draw(random), Sent::draw(random)],
            count: [1, 2, 2, 2, 2, 3, 0][random.below(7) as usize],
            lifetime: random.below(40),
        },
        40 => Step::Adopt {
            sent: [sent, Sent::draw(random), Sent::draw(random)],
        },
        kind => draw_open(kind, random),
    }
}

/// Something that is done to a slot that is open, or opens one.
fn draw_open(kind: u64, random: &mut Seeded) -> Step {
    match kind {
        30 => Step::OpenSlot,
        31..=33 => Step::AddSlice {
            room: match random.below(3) {
                0 => SlotRoom::UNLIMITED,
                _ => SlotRoom {
                    count: 1 + random.below(2) as u32,
                    bytes: 200 + random.below(300) as u32,
                    gas: 70,
                },
            },
        },
        34 => Step::Seal,
        35..=36 => Step::FixSet {
            is_empty_wanted: random.below(4) == 0,
        },
        37 => Step::SealWithSeed {
            seed: random.below(4) as u8,
        },
        _ => Step::SetContext {
            id: random.below(3) as u8,
            change_count: random.below(4) as usize,
            ends_epoch: random.below(3) == 0,
        },
    }
}

/// All that a host sees of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub outcomes: Vec<std::string::String>,
    pub events: Vec<Event>,
    pub slot: Option<Vec<u8>>,
}

/// Does one step at this time.
pub fn apply(own: &mut TransactionCoordinator, step: Step, at: u64) -> Seen {
    let (now, time) = (Tick::new(at), UnixNs::new(at));
    let mut seen = Seen::default();
    let next = own.acknowledged_height().get() + 1;
    let outcome = match step {
        Step::Submit(sent) => std::format!("{:?}", own.submit(&sent.submission(time), now, time)),
        Step::SubmitThroughLane(all) => {
            through_lane(own, all, at, &mut seen);
            return seen;
        }
        Step::Take { is_empty_wanted } => {
            let taken = take(own, now, time, when_empty(is_empty_wanted));
            seen.slot = taken.ok().flatten().map(|slot| slot.bytes.to_vec());
            std::format!("{:?}", taken.map(|slot| slot.map(|slot| slot.hash)))
        }
        Step::Acknowledge { ahead } => {
            std::format!("{:?}", own.acknowledge(Height::new(next + ahead), now))
        }
        Step::RollBack { ahead } => {
            std::format!("{:?}", own.roll_back(Height::new(next + ahead)))
        }
        Step::Cancel(sent) => {
            let mut bytes = [0; 400];
            let mut out = crate::codec::Writer::new(&mut bytes);
            let submission = sent.submission(time);
            submission.transaction.encode(&mut out).unwrap();
            let id = crate::crypto::hash::transaction_id(out.written());
            std::format!("{:?}", own.cancel(id))
        }
        Step::CancelNonce(sent) => {
            let Envelope {
                rollup,
                sender,
                nonce,
                ..
            } = sent.envelope(time);
            std::format!("{:?}", own.cancel_nonce(rollup, sender, nonce))
        }
        Step::ExpireUnready => std::format!("{:?}", own.expire_unready()),
        Step::SetPressure(pressure) => std::format!("{:?}", own.set_pressure(pressure)),
        Step::ReadEvents { count } => {
            seen.events
                .extend((0..count).map_while(|_| own.poll_event()));
            std::string::String::new()
        }
        Step::PassTime => {
            let nothing: [Submission<'_>; 0] = [];
            let passed = own.submit_batch(nothing, now, time, |_| {});
            std::format!("{passed:?}")
        }
        step => apply_outside_or_open(own, step, at, &mut seen),
    };
    seen.outcomes.push(outcome);
    seen
}

/// The same for what stands outside the pool's lines, and for a slot that is open.
fn apply_outside_or_open(
    own: &mut TransactionCoordinator,
    step: Step,
    at: u64,
    seen: &mut Seen,
) -> std::string::String {
    let (now, time) = (Tick::new(at), UnixNs::new(at));
    match step {
        Step::SubmitForced { sent, ahead } => {
            let next = own.pool().next_inbox_index(RollupId::new(sent.rollup));
            let index = next.unwrap_or_default().saturating_add(ahead);
            let deadline = UnixNs::new(at + u64::from(sent.origin));
            let forced = own.submit_forced(&sent.submission(time), index, deadline, now, time);
            std::format!("{forced:?}")
        }
        Step::SubmitBundle {
            legs,
            count,
            lifetime,
        } => {
            let legs = legs.map(|leg| leg.submission(time));
            let expiry = UnixNs::new(at + lifetime);
            let bundle = own.submit_bundle(&legs[..count], expiry, now, time);
            std::format!("{bundle:?}")
        }
        Step::OpenSlot => std::format!("{:?}", own.open_slot(now, time)),
        Step::AddSlice { room } => {
            let slice = own.add_slice(now, room);
            // Handles end with the process.
            let slice = slice.map(|slice| {
                slice.map(|slice| (slice.slice, slice.transactions.len(), slice.receipts))
            });
            std::format!("{slice:?}")
        }
        Step::FixSet { is_empty_wanted } => {
            let when_empty = when_empty(is_empty_wanted);
            std::format!("{:?}", own.fix_set(now, time, when_empty))
        }
        Step::Seal | Step::SealWithSeed { .. } => {
            let sealed = match step {
                Step::SealWithSeed { seed } => own.seal_with_seed(Hash::new([seed; 32])),
                _ => own.seal(),
            };
            seen.slot = sealed.ok().map(|slot| slot.bytes.to_vec());
            std::format!("{:?}", sealed.map(|slot| slot.hash))
        }
        Step::SetContext {
            id,
            change_count,
            ends_epoch,
        } => {
            let change = [1, 2, id, 0, 0, 0];
            let changes = [change; 3];
            let context = SlotContext {
                changes: &changes.as_flattened()[..6 * change_count],
                next_membership: Hash::new([u8::from(ends_epoch); 32]),
                state_root: Hash::new([id; 32]),
            };
            std::format!("{:?}", own.set_slot_context(&context))
        }
        Step::Adopt { sent } => adopt(own, sent, at),
        _ => panic!("every step has its place"),
    }
}

/// Takes a slot over that another member could propose here: one who knows what this one knows,
/// has nothing in flight, and heard of more.
fn adopt(own: &mut TransactionCoordinator, sent: [Sent; 3], at: u64) -> std::string::String {
    let (now, time) = (Tick::new(at), UnixNs::new(at));
    let limits = Limits {
        journal_bytes_max: 0,
        ..own.limits().clone()
    };
    let bytes = snapshot(own);
    let configs = [0, 2].map(|number| config_with(own.policy(), number));
    let other = configs
        .iter()
        .find_map(|config| TransactionCoordinator::restore(config, &limits, &bytes).ok());
    let Some(mut other) = other else {
        return std::string::String::new();
    };
    let next = own.acknowledged_height().next();
    let _nothing_in_flight = other.roll_back(next);
    for sent in sent {
        let _refused = other.submit(&sent.submission(time), now, time);
    }
    let slot = take(&mut other, now, time, WhenEmpty::EmptySlot);
    let slot = slot.unwrap().unwrap().bytes.to_vec();
    let _nothing_in_flight = own.roll_back(next);
    std::format!("{:?}", own.adopt(&slot, now))
}

fn when_empty(is_empty_wanted: bool) -> WhenEmpty {
    if is_empty_wanted {
        WhenEmpty::EmptySlot
    } else {
        WhenEmpty::NoSlot
    }
}

fn pool(number: u8) -> Address {
    Address::new([0xa0 | number; 20])
}

/// Takes a slot in the way that the policy wants.
fn take(
    own: &mut TransactionCoordinator,
    now: Tick,
    time: UnixNs,
    when_empty: WhenEmpty,
) -> Result<Option<Slot<'_>>, TakeError> {
    if own.policy().needs_seed() {
        let set = own.fix_set(now, time, when_empty)?;
        // A journal can be full in between; then the set stays fixed.
        return Ok(set.and_then(|set| own.seal_with_seed(set.root).ok()));
    }
    let reserves = [(1, 0), (1, 1), (4, 0)].map(|(rollup, number)| PoolReserves {
        rollup: RollupId::new(rollup),
        pool: pool(number),
        reserve0: 1_000,
        reserve1: 2_000,
    });
    own.take_with_reserves(now, time, when_empty, &reserves)
}

/// Sends through a lane until it is empty, and reads all events: what stays in a lane would not
/// outlive a restart.
fn through_lane(own: &mut TransactionCoordinator, all: [Sent; 3], at: u64, seen: &mut Seen) {
    let (now, time) = (Tick::new(at), UnixNs::new(at));
    let mut producer = own.ingress().register().unwrap();
    for sent in all {
        let sent = producer.submit(&sent.submission(time));
        seen.outcomes.push(std::format!("{sent:?}"));
    }
    drop(producer);
    for _ in 0..20 {
        let progress = own.handle_ingress(now, time);
        seen.outcomes.push(std::format!("{progress:?}"));
        if progress.unwrap().is_finished {
            return;
        }
        seen.events.extend(core::iter::from_fn(|| own.poll_event()));
    }
    // Without room in its journal a coordinator handles nothing.
    assert!(
        own.limits().journal_bytes_max > 0,
        "a lane never becomes empty"
    );
}

pub fn snapshot(own: &TransactionCoordinator) -> Vec<u8> {
    let mut bytes = std::vec![0; own.snapshot_len()];
    assert_eq!(own.snapshot(&mut bytes), Ok(bytes.len()));
    bytes
}

/// Moves the journal, in parts of odd lengths, behind `file`.
pub fn drain(own: &mut TransactionCoordinator, file: &mut Vec<u8>) {
    let mut part = [0; 37];
    loop {
        let len = own.poll_journal(&mut part);
        file.extend_from_slice(&part[..len]);
        if len == 0 {
            return;
        }
    }
}
