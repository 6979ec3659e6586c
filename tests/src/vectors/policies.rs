//! A slot under every policy, one in slices, and the greedy rule's own examples.

use hauptbuch_core::batch::SlotVerifier;
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{Slot, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::ordering::greedy::{PlainTrade, satisfies_rule};
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Hash, Nonce, PoolReserves, RollupId, Side, Submission, Tick,
    TradeHint, Transaction, UnixNs,
};
use serde::{Deserialize, Serialize};

use super::ConfigVector;
use crate::hex;

/// A slot under every policy, and the greedy rule's own examples.
#[derive(Debug, Deserialize, Serialize)]
pub struct PoliciesFile {
    /// What the file holds.
    pub about: String,
    /// One slot each, the first of its network.
    pub slots: Vec<PolicySlot>,
    /// Trades on one pool, and whether they keep the greedy rule.
    pub rule: Vec<RuleVector>,
}

/// The first slot of a network.
#[derive(Debug, Deserialize, Serialize)]
pub struct PolicySlot {
    /// What is special about it.
    pub name: String,
    /// The network's configuration; every limit that is not named here has its default.
    pub config: ConfigVector,
    /// The slot's hash.
    pub hash: String,
    /// Under the shuffle, what binds the set of its transactions; otherwise zero.
    pub set_root: String,
    /// The running hash of the first rollup behind each slice, where it came in slices.
    pub promised: Vec<String>,
    /// Sender (its first byte) and nonce of the first rollup's transactions, in their order.
    pub order: Vec<(u8, u64)>,
    /// All of its bytes.
    pub bytes: String,
}

/// Trades on one pool.
#[derive(Debug, Deserialize, Serialize)]
pub struct RuleVector {
    /// What the pool holds of its first token at the start.
    pub reserve_start: String,
    /// For each trade `buy` or `sell`, and how much of the first token moves.
    pub trades: Vec<(String, String)>,
    /// Whether they keep the rule.
    pub holds: bool,
}

const NOW: Tick = Tick::new(100);
const TIME: UnixNs = UnixNs::new(1_700_000_000_000_000_000);

pub(super) fn compute() -> PoliciesFile {
    let buckets = Policy::TimeBucket { width_ns: 20 };
    PoliciesFile {
        about: "The first slot of a network under every policy, one that came in slices, and \
                trades on one pool with whether they keep the greedy sequencing rule."
            .into(),
        slots: vec![
            slot("first come, first served", Policy::Fcfs),
            slot("highest fee first", Policy::PriorityFee),
            slot("time buckets of 20 ns", buckets),
            slot("a shuffle by a seed", Policy::Shuffle),
            slot("the greedy rule over two pools", Policy::Greedy),
            slices(Policy::PriorityFee),
        ],
        rule: rule(),
    }
}

fn limits() -> Limits {
    Limits {
        payload_bytes_max: 1_024,
        slot_count_max: 8,
        slot_bytes_max: 8_192,
        slot_gas_max: 1_000_000,
        ..Limits::default()
    }
}

fn network(policy: Policy) -> (Config, TransactionCoordinator) {
    let config = Config {
        policy,
        ..Config::default()
    };
    let config = config
        .with_rollups(&[RollupId::new(3), RollupId::new(8)])
        .expect("two rollups");
    let coordinator = TransactionCoordinator::new(&config, &limits()).expect("a valid config");
    (config, coordinator)
}

/// Submits the transaction with this number; those with a number from 6 on go to the other rollup.
fn submit(coordinator: &mut TransactionCoordinator, number: u64) {
    let senders = [1, 2, 1, 3, 2, 4, 1, 5];
    let nonces = [0, 0, 1, 0, 1, 0, 0, 0];
    let fees = [5, 9, 9, 7, 30, 7, 4, 8];
    let at = number as usize % 8;
    let envelope = Envelope {
        rollup: RollupId::new(if at < 6 { 3 } else { 8 }),
        sender: Address::new([senders[at]; 20]),
        nonce: Nonce::new(nonces[at]),
        fee: Fee::new(fees[at]),
        gas: Gas::new(21_000),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    };
    let payload = [at as u8; 3];
    let transaction = Transaction {
        envelope,
        payload: &payload,
    };
    let submission = Submission {
        hint: Some(TradeHint {
            pool: Address::new([1 + (at == 3) as u8; 20]),
            side: [Side::Buy, Side::Buy, Side::Sell, Side::Buy][at % 4],
            amount: 6 + number as u128,
        }),
        ..Submission::from(transaction)
    };
    let submitted = coordinator.submit(&submission, Tick::new(number * 10), TIME);
    submitted.expect("it is admissible");
}

fn reserves() -> Vec<PoolReserves> {
    let pool = |rollup, pool| PoolReserves {
        rollup: RollupId::new(rollup),
        pool: Address::new([pool; 20]),
        reserve0: 75,
        reserve1: 24,
    };
    vec![pool(3, 1), pool(3, 2), pool(8, 1)]
}

fn slot(name: &str, policy: Policy) -> PolicySlot {
    let (config, mut coordinator) = network(policy);
    (0..8).for_each(|number| submit(&mut coordinator, number));
    let slot = if policy == Policy::Shuffle {
        let set = coordinator.fix_set(NOW, TIME, WhenEmpty::NoSlot);
        set.expect("the clock goes on").expect("something is ready");
        coordinator
            .seal_with_seed(Hash::new([0x5e; 32]))
            .expect("a set is fixed")
    } else {
        coordinator
            .take_with_reserves(NOW, TIME, WhenEmpty::NoSlot, &reserves())
            .expect("the clock goes on")
            .expect("something is ready")
    };
    written(name, &config, &slot, Vec::new())
}

fn slices(policy: Policy) -> PolicySlot {
    let (config, mut coordinator) = network(policy);
    coordinator.open_slot(NOW, TIME).expect("nothing is open");
    let mut promised = Vec::new();
    for number in 0..8 {
        submit(&mut coordinator, number + 16);
        if number % 3 == 2 || number == 7 {
            let now = Tick::new((number + 16) * 10);
            let slice = coordinator.add_slice(now, SlotRoom::UNLIMITED);
            let slice = slice.expect("a slot is open").expect("something is ready");
            promised.push(slice.receipts[0].running_hash.to_string());
        }
    }
    let slot = coordinator.seal().expect("a slot is open");
    written(
        "highest fee first, in three slices",
        &config,
        &slot,
        promised,
    )
}

fn written(name: &str, config: &Config, slot: &Slot<'_>, promised: Vec<String>) -> PolicySlot {
    let verified = SlotVerifier::new(config, &limits()).verify(slot.bytes);
    let verified = verified.expect("the follower agrees");
    let mut reader = hauptbuch_core::batch::SlotReader::new(slot.bytes, &limits())
        .expect("a slot that was just written");
    let first = reader.next_sub_batch().ok().flatten();
    let first = first.expect("there are two rollups");
    let order = first.iter().map(|(_, transaction, _)| {
        let envelope = transaction.envelope;
        (envelope.sender.as_bytes()[0], envelope.nonce.get())
    });
    PolicySlot {
        name: name.into(),
        config: ConfigVector::of(config, &limits()),
        hash: slot.hash.to_string(),
        set_root: verified.set_root.to_string(),
        promised,
        order: order.collect(),
        bytes: hex::encode(slot.bytes),
    }
}

fn rule() -> Vec<RuleVector> {
    let cases: [(u128, &[i64]); 7] = [
        (100, &[5, 5, -5]),
        (100, &[5, -5, 5]),
        (100, &[-5, 5, 5]),
        (100, &[5, -6, 5, 5]),
        (100, &[5, -5, -5]),
        (75, &[15, 15, -15]),
        (75, &[15, -15, 15]),
    ];
    let vector = |(reserve_start, deltas): (u128, &[i64])| {
        let trade = |delta: &i64| PlainTrade {
            side: if *delta > 0 { Side::Buy } else { Side::Sell },
            quantity: u128::from(delta.unsigned_abs()),
        };
        let trades: Vec<PlainTrade> = deltas.iter().map(trade).collect();
        let name = |own: &PlainTrade| (own.side.name().into(), own.quantity.to_string());
        RuleVector {
            reserve_start: reserve_start.to_string(),
            trades: trades.iter().map(name).collect(),
            holds: satisfies_rule(reserve_start, &trades),
        }
    };
    cases.map(vector).into()
}
