//! Small chains of slots: every call that made them, and every byte that came out.

use hauptbuch_core::batch::{ChainTip, SlotContext};
use hauptbuch_core::codec::Writer;
use hauptbuch_core::config::{Config, NonceMode, Policy, ReplayProtection, RollupConfig};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::sequencer::{BanReason, Change};
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Hash, Height, InboxIndex, Nonce, RollupId, SequencerId,
    Submission, Tick, UnixNs,
};
use serde::{Deserialize, Serialize};

use super::transactions::{Owned, TransactionFields};
use super::{ConfigVector, outcome};
use crate::hex;

/// The agreed time at local time 0.
const START: u64 = 1_700_000_000_000_000_000;

/// Chains of slots.
#[derive(Debug, Deserialize, Serialize)]
pub struct ChainFile {
    /// What the file holds.
    pub about: String,
    /// One chain each.
    pub chains: Vec<ChainVector>,
}

/// One chain: its configuration, the calls in their order, and where it stands after them.
#[derive(Debug, Deserialize, Serialize)]
pub struct ChainVector {
    /// What is special about it.
    pub name: String,
    /// Its configuration; every limit that is not named here has its default.
    pub config: ConfigVector,
    /// The calls and what each gave.
    pub steps: Vec<Step>,
    /// Where it stands after them.
    pub tip: TipVector,
}

/// One call and what it gave.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Step {
    /// A transaction is submitted.
    Submit {
        /// The local clock in nanoseconds.
        now: String,
        /// The agreed time.
        time: String,
        /// The next nonce of the account, where the host knows it.
        account_nonce: Option<String>,
        /// The transaction.
        transaction: TransactionFields,
        /// `Ok` or the name of the refusal.
        outcome: String,
        /// Its id.
        id: String,
    },
    /// Another chain's inbox forces a transaction in.
    SubmitForced {
        /// The local clock in nanoseconds.
        now: String,
        /// The agreed time.
        time: String,
        /// Its running number in the inbox.
        index: String,
        /// After which agreed time no slot may leave it out.
        deadline: String,
        /// The transaction.
        transaction: TransactionFields,
        /// `Ok` or the name of the refusal.
        outcome: String,
        /// Its id.
        id: String,
    },
    /// A bundle is submitted.
    SubmitBundle {
        /// The local clock in nanoseconds.
        now: String,
        /// The agreed time.
        time: String,
        /// When it ends at the latest.
        expiry: String,
        /// Its legs in their order.
        legs: Vec<TransactionFields>,
        /// `Ok` or the name of the refusal.
        outcome: String,
        /// The leg that is to blame, if one is.
        blamed: Option<u32>,
        /// Its id, if it was admitted.
        id: Option<String>,
    },
    /// It is said what the next slot carries beside transactions.
    SetSlotContext {
        /// The bytes of its membership changes, one after another.
        changes: String,
        /// The hash of the next epoch's membership; zero where the slot ends none.
        next_membership: String,
        /// The state root.
        state_root: String,
        /// `Ok` or the name of the refusal.
        outcome: String,
    },
    /// A slot is taken.
    Take {
        /// The local clock in nanoseconds.
        now: String,
        /// The agreed time.
        time: String,
        /// Whether a slot without transactions is wanted where none is ready.
        empty_slot: bool,
        /// The slot, if one came out.
        slot: Option<SlotVector>,
    },
    /// The oldest slot in flight is acknowledged.
    Acknowledge {
        /// The local clock in nanoseconds.
        now: String,
        /// Which slot.
        height: String,
        /// `Ok` or the name of the refusal.
        outcome: String,
        /// The events that wait afterwards, all of them read.
        events: Vec<EventVector>,
    },
    /// A slot and all after it are given back.
    RollBack {
        /// Which slot.
        height: String,
        /// `Ok` or the name of the refusal.
        outcome: String,
    },
}

/// A slot that was taken.
#[derive(Debug, Deserialize, Serialize)]
pub struct SlotVector {
    /// Its number.
    pub height: String,
    /// Its hash.
    pub hash: String,
    /// How many transactions it holds.
    pub transaction_count: u32,
    /// All of its bytes.
    pub bytes: String,
}

/// What became of a transaction.
#[derive(Debug, Deserialize, Serialize)]
pub struct EventVector {
    /// The name of the code.
    pub code: String,
    /// Which transaction.
    pub id: String,
    /// Its rollup.
    pub rollup: u32,
    /// The slot that includes it; 0 for none.
    pub height: String,
    /// Its place in its rollup's sub-batch.
    pub position: u32,
}

/// Where a chain stands.
#[derive(Debug, Deserialize, Serialize)]
pub struct TipVector {
    /// The last slot's number.
    pub height: String,
    /// The last slot's hash.
    pub hash: String,
    /// The rollups' chains.
    pub rollups: Vec<RollupTipVector>,
}

/// Where one rollup's chain stands.
#[derive(Debug, Deserialize, Serialize)]
pub struct RollupTipVector {
    /// Whose.
    pub rollup: u32,
    /// The hash of its last sub-batch's header.
    pub sub_batch: String,
    /// Its running hash.
    pub running_hash: String,
}

pub(super) fn compute() -> ChainFile {
    ChainFile {
        about: "Small chains of slots: every call that made them, and every byte that came out. \
                A follower with the same configuration accepts each slot that was not rolled back."
            .into(),
        chains: vec![first_come(), priority(), outside(), carried()],
    }
}

/// One rollup, first come first served: nonce order, refusals, an empty slot, a roll-back.
fn first_come() -> ChainVector {
    let mut chain = Recorder::new(Config::default());
    let payment = |sender: u8, nonce: u64, payload: &[u8]| owned(0, sender, nonce, 1, payload);
    chain.submit(1, None, &payment(1, 0, b"one"));
    chain.submit(2, Some(0), &payment(2, 1, b"waits for the nonce before it"));
    chain.submit(3, None, &payment(1, 1, b""));
    chain.submit(3, None, &payment(1, 1, b"same nonce"));
    chain.submit(4, None, &owned(5, 1, 0, 1, b"no such rollup"));
    chain.take(10, false);
    chain.take(11, false);
    chain.take(12, true);
    chain.acknowledge(13, 1);
    chain.submit(14, Some(0), &payment(2, 0, &[0xab; 300]));
    chain.take(15, false);
    chain.roll_back(2);
    chain.take(16, false);
    chain.acknowledge(17, 2);
    chain.acknowledge(18, 2);
    chain.finish("one rollup, first come first served")
}

/// Two rollups by fee, with expiry: one transaction expires before it is taken.
fn priority() -> ChainVector {
    let config = Config {
        chain_id: 9,
        policy: Policy::PriorityFee,
        fee_floor: Fee::new(2),
        replay_protection: ReplayProtection::ByExpiry { horizon_ns: 1_000 },
        ..Config::default()
    };
    let rollups = [RollupId::new(300), RollupId::new(20)];
    let config = config.with_rollups(&rollups).expect("two rollups");
    let mut chain = Recorder::new(config);
    let until = |ns: u64, mut owned: Owned| {
        owned.envelope.expiry = UnixNs::new(START + ns);
        owned
    };
    chain.submit(1, None, &until(900, owned(20, 1, 7, 3, b"a")));
    chain.submit(2, None, &until(900, owned(20, 2, 0, 5, b"b")));
    chain.submit(3, None, &until(900, owned(300, 1, 0, 4, b"c")));
    chain.submit(4, None, &until(900, owned(20, 1, 8, 9, b"d")));
    chain.submit(5, None, &until(50, owned(300, 3, 0, 8, b"too late")));
    chain.submit(6, None, &until(900, owned(20, 4, 0, 1, b"under the floor")));
    chain.submit(7, None, &until(5_000, owned(20, 4, 0, 2, b"too far")));
    chain.submit(8, None, &owned(20, 4, 0, 2, b"never expires"));
    chain.take(100, false);
    chain.acknowledge(101, 1);
    chain.submit(102, None, &until(900, owned(300, 1, 1, 2, b"e")));
    chain.take(110, false);
    chain.acknowledge(111, 2);
    chain.finish("two rollups, highest fee first, replays kept out by expiry")
}

/// Forced inputs of every outcome, and bundles over two rollups whose nonces work in both ways.
fn outside() -> ChainVector {
    let rollup = |id, nonce_mode| RollupConfig {
        id: RollupId::new(id),
        nonce_mode,
    };
    let rollups = [
        rollup(3, NonceMode::Sequential),
        rollup(8, NonceMode::Window),
    ];
    let config = Config::default().with_rollups(&rollups);
    let mut chain = Recorder::new(config.expect("two rollups"));
    let until = |ns: u64, mut owned: Owned| {
        owned.envelope.expiry = UnixNs::new(START + ns);
        owned
    };
    let leg = |rollup, sender, nonce| owned(rollup, sender, nonce, 1, b"a leg");
    chain.submit(1, Some(0), &owned(3, 1, 0, 1, b"loses its nonce"));
    chain.submit(1, Some(0), &owned(8, 1, 0, 1, b"stands between"));
    chain.submit_forced(2, 0, &owned(3, 1, 0, 1, b"uses the nonce"));
    chain.submit_forced(2, 2, &owned(3, 1, 1, 1, b"leaves an index out"));
    chain.submit_forced(3, 1, &owned(3, 1, 0, 1, b"comes too late"));
    chain.submit_forced(3, 2, &owned(3, 1, 9, 1, b"has a gap before it"));
    chain.submit_forced(4, 0, &until(5, owned(8, 2, 4, 1, b"expires")));
    chain.submit_bundle(4, 900, &[leg(3, 1, 1), leg(8, 1, 1), leg(3, 1, 2)]);
    chain.submit_bundle(5, 900, &[leg(3, 2, 0), leg(3, 1, 1)]);
    chain.submit_bundle(5, 20, &[leg(3, 4, 1)]);
    chain.submit_bundle(6, 900, &[leg(8, 1, 2), leg(8, 1, 2)]);
    chain.take(10, false);
    chain.roll_back(1);
    chain.submit_forced(11, 1, &owned(8, 1, 1, 1, b"overtakes the bundle"));
    chain.take(12, false);
    chain.acknowledge(13, 1);
    chain.submit_bundle(14, 900, &[leg(8, 5, 0), leg(3, 5, 0)]);
    chain.take(30, false);
    chain.acknowledge(31, 2);
    chain.finish("forced inputs and bundles over two rollups")
}

/// Slots that carry membership changes, end epochs, and name states.
fn carried() -> ChainVector {
    let suspended = Change::Suspend(SequencerId::new(3));
    let evidence = BanReason::Checked(Hash::new([0xe0; 32]));
    let banned = Change::Ban(SequencerId::new(4), evidence);
    let weighed = Change::SetWeight(SequencerId::new(5), 1 << 32);
    let (state, members) = (Hash::new([0xaa; 32]), Hash::new([0xbb; 32]));
    let mut chain = Recorder::new(Config::default());
    chain.submit(1, None, &owned(0, 1, 0, 1, b"beside changes"));
    chain.set_context(&changes(&[suspended, banned]), Hash::ZERO, state);
    chain.take(10, false);
    chain.acknowledge(11, 1);
    // What no change reads is refused, and nothing is carried.
    chain.set_context(&[1, 9, 0, 0, 0, 0], Hash::ZERO, state);
    chain.set_context(&changes(&[weighed]), members, Hash::ZERO);
    chain.take(11, true);
    chain.submit(12, None, &owned(0, 1, 1, 1, b"in the next epoch"));
    chain.take(13, false);
    chain.roll_back(2);
    chain.set_context(&[], members, state);
    chain.take(14, false);
    chain.take(15, true);
    chain.acknowledge(16, 2);
    chain.finish("membership changes, the end of an epoch, and state roots")
}

fn changes(all: &[Change<'_>]) -> Vec<u8> {
    let mut bytes = vec![0; 1_024];
    let mut out = Writer::new(&mut bytes);
    for change in all {
        change.encode(&mut out).expect("there is room");
    }
    out.written().to_vec()
}

fn owned(rollup: u32, sender: u8, nonce: u64, fee: u64, payload: &[u8]) -> Owned {
    Owned {
        envelope: Envelope {
            rollup: RollupId::new(rollup),
            sender: Address::new([sender; 20]),
            recipient: Address::new([0xee; 20]),
            amount: u128::from(nonce) + 1,
            nonce: Nonce::new(nonce),
            fee: Fee::new(fee),
            gas: Gas::new(21_000),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        },
        payload: payload.to_vec(),
    }
}

/// Makes the calls and writes down what each gave.
struct Recorder {
    config: Config,
    limits: Limits,
    coordinator: TransactionCoordinator,
    steps: Vec<Step>,
}

impl Recorder {
    fn new(config: Config) -> Self {
        let limits = Limits {
            payload_bytes_max: 1_024,
            slot_count_max: 8,
            slot_bytes_max: 8_192,
            slot_gas_max: 1_000_000,
            ..Limits::default()
        };
        let coordinator = TransactionCoordinator::new(&config, &limits).expect("a valid config");
        Self {
            config,
            limits,
            coordinator,
            steps: Vec::new(),
        }
    }

    fn submit(&mut self, now: u64, account_nonce: Option<u64>, owned: &Owned) {
        let submission = Submission {
            transaction: owned.borrow(),
            account_nonce: account_nonce.map(Nonce::new),
            origin: 0,
            hint: None,
        };
        let (tick, time) = (Tick::new(now), UnixNs::new(START + now));
        let result = self.coordinator.submit(&submission, tick, time);
        let id = hauptbuch_core::crypto::hash::transaction_id(&owned.canonical());
        self.steps.push(Step::Submit {
            now: now.to_string(),
            time: time.to_string(),
            account_nonce: account_nonce.map(|nonce| nonce.to_string()),
            transaction: owned.fields(),
            outcome: outcome(result.map(|_| ())),
            id: id.to_string(),
        });
    }

    fn submit_forced(&mut self, now: u64, index: u64, owned: &Owned) {
        let submission = Submission::from(owned.borrow());
        let (tick, time) = (Tick::new(now), UnixNs::new(START + now));
        let deadline = UnixNs::new(START + now + 100);
        let result = self.coordinator.submit_forced(
            &submission,
            InboxIndex::new(index),
            deadline,
            tick,
            time,
        );
        let id = hauptbuch_core::crypto::hash::transaction_id(&owned.canonical());
        self.steps.push(Step::SubmitForced {
            now: now.to_string(),
            time: time.to_string(),
            index: index.to_string(),
            deadline: deadline.to_string(),
            transaction: owned.fields(),
            outcome: outcome(result.map(|_| ()).map_err(Into::into)),
            id: id.to_string(),
        });
    }

    fn submit_bundle(&mut self, now: u64, lasts: u64, legs: &[Owned]) {
        let (tick, time) = (Tick::new(now), UnixNs::new(START + now));
        let expiry = UnixNs::new(START + lasts);
        let submissions: Vec<Submission<'_>> = legs
            .iter()
            .map(|leg| Submission::from(leg.borrow()))
            .collect();
        let result = self
            .coordinator
            .submit_bundle(&submissions, expiry, tick, time);
        self.steps.push(Step::SubmitBundle {
            now: now.to_string(),
            time: time.to_string(),
            expiry: expiry.to_string(),
            legs: legs.iter().map(Owned::fields).collect(),
            outcome: outcome(result.map(|_| ()).map_err(|refusal| refusal.code)),
            blamed: result.err().and_then(|refusal| refusal.leg),
            id: result.ok().map(|id| hex::encode(id.as_bytes())),
        });
    }

    fn set_context(&mut self, changes: &[u8], next_membership: Hash, state_root: Hash) {
        let result = self.coordinator.set_slot_context(&SlotContext {
            changes,
            next_membership,
            state_root,
        });
        self.steps.push(Step::SetSlotContext {
            changes: hex::encode(changes),
            next_membership: next_membership.to_string(),
            state_root: state_root.to_string(),
            outcome: outcome(result.map_err(Into::into)),
        });
    }

    fn take(&mut self, now: u64, empty_slot: bool) {
        let (tick, time) = (Tick::new(now), UnixNs::new(START + now));
        let when_empty = if empty_slot {
            WhenEmpty::EmptySlot
        } else {
            WhenEmpty::NoSlot
        };
        let taken = self.coordinator.take(tick, time, when_empty);
        let slot = taken.expect("the clock goes on and there is room");
        let slot = slot.map(|slot| SlotVector {
            height: slot.header.height.to_string(),
            hash: slot.hash.to_string(),
            transaction_count: slot.transaction_count,
            bytes: hex::encode(slot.bytes),
        });
        self.steps.push(Step::Take {
            now: now.to_string(),
            time: time.to_string(),
            empty_slot,
            slot,
        });
    }

    fn acknowledge(&mut self, now: u64, height: u64) {
        let result = self
            .coordinator
            .acknowledge(Height::new(height), Tick::new(now));
        let events = std::iter::from_fn(|| self.coordinator.poll_event());
        let events = events.map(|event| EventVector {
            code: event.code.name().into(),
            id: event.id.to_string(),
            rollup: event.rollup.get(),
            height: event.height.to_string(),
            position: event.position,
        });
        let events = events.collect();
        self.steps.push(Step::Acknowledge {
            now: now.to_string(),
            height: height.to_string(),
            outcome: outcome(result.map_err(Into::into)),
            events,
        });
    }

    fn roll_back(&mut self, height: u64) {
        let result = self.coordinator.roll_back(Height::new(height));
        self.steps.push(Step::RollBack {
            height: height.to_string(),
            outcome: outcome(result.map(|_| ()).map_err(Into::into)),
        });
    }

    fn finish(self, name: &str) -> ChainVector {
        let tip = tip(self.coordinator.tip());
        ChainVector {
            name: name.into(),
            config: ConfigVector::of(&self.config, &self.limits),
            steps: self.steps,
            tip,
        }
    }
}

pub(super) fn tip(tip: &ChainTip) -> TipVector {
    TipVector {
        height: tip.height.to_string(),
        hash: tip.hash.to_string(),
        rollups: tip
            .rollups
            .iter()
            .map(|own| RollupTipVector {
                rollup: own.rollup.get(),
                sub_batch: own.sub_batch.to_string(),
                running_hash: own.running_hash.to_string(),
            })
            .collect(),
    }
}

impl ChainVector {
    /// The bytes of the slots that the chain consists of in the end, in their order.
    ///
    /// # Panics
    /// Where a slot's bytes are not hex or a height is not a number.
    #[must_use]
    pub fn standing_slots(&self) -> Vec<Vec<u8>> {
        let mut slots = Vec::<(u64, Vec<u8>)>::new();
        for step in &self.steps {
            match step {
                Step::Take {
                    slot: Some(slot), ..
                } => slots.push((
                    slot.height.parse().expect("a height is a number"),
                    hex::decode(&slot.bytes).expect("bytes are hex"),
                )),
                Step::RollBack { height, outcome } if outcome == "Ok" => {
                    let height: u64 = height.parse().expect("a height is a number");
                    slots.retain(|(own, _)| *own < height);
                }
                _ => {}
            }
        }
        slots.into_iter().map(|(_, bytes)| bytes).collect()
    }
}
