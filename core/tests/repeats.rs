//! A slot that repeats what was decided: who has taken over every slot before knows it before the
//! vote, and knows nothing that an honest proposer might not.

mod common;
#[path = "common/logs.rs"]
mod logs;

use common::outside::envelope;
use common::{ROLLUPS, config, take_any};
use hauptbuch_core::batch::{SlotReader, SlotVerifier};
use hauptbuch_core::config::{Config, NonceMode, Policy, ReplayProtection, RollupConfig};
use hauptbuch_core::coordinator::{AdoptError, AdoptionCheck, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Envelope, Height, InboxIndex, Nonce, Submission, Tick, Transaction, TxId, UnixNs,
};

const NOW: Tick = Tick::new(1);
const TIME: UnixNs = UnixNs::new(1_000);
/// Rollups of nonces one after another, and of windows.
const LINE: usize = 0;
const WINDOW: usize = 1;
const BOTH: [ReplayProtection; 2] = [
    ReplayProtection::ByHost,
    ReplayProtection::ByExpiry { horizon_ns: 500 },
];

fn limits() -> Limits {
    Limits {
        slot_count_max: 16,
        slot_bytes_max: 4_000,
        slot_gas_max: 1_000,
        seen_count_max: 64,
        event_count_max: 64,
        ..common::outside::limits()
    }
}

/// An honest member, one that was told other transactions than were decided, and a follower.
struct World {
    config: Config,
    honest: TransactionCoordinator,
    liar: TransactionCoordinator,
    verifier: SlotVerifier,
    time: UnixNs,
}

impl World {
    fn new(replay_protection: ReplayProtection) -> Self {
        let windows = RollupConfig {
            id: ROLLUPS[WINDOW],
            nonce_mode: NonceMode::Window,
        };
        let config = Config {
            replay_protection,
            ..config(Policy::Fcfs)
        };
        let rollups = [RollupConfig::from(ROLLUPS[LINE]), windows];
        let config = config.with_rollups(&rollups).unwrap();
        let [honest, liar] =
            [(); 2].map(|()| TransactionCoordinator::new(&config, &limits()).unwrap());
        Self {
            honest,
            liar,
            verifier: SlotVerifier::new(&config, &limits()),
            config,
            time: TIME,
        }
    }

    /// The honest member's slot of these, decided; the liar does not hear what stands in it.
    fn decide(&mut self, transactions: &[Envelope]) {
        for envelope in transactions {
            submit(&mut self.honest, *envelope, b"", None, self.time).unwrap();
        }
        let slot = take(&mut self.honest, self.time);
        let verified = self.verifier.verify(&slot).unwrap();
        assert_eq!(verified.transaction_count as usize, transactions.len());
        let height = verified.header.height;
        self.honest.acknowledge(height, NOW).unwrap();
        self.liar.adopt(&disguised(&slot), NOW).unwrap();
        assert_eq!(self.honest.tip(), self.liar.tip());
        while self.honest.poll_event().is_some() {}
    }

    /// A slot of the liar's with this one, decided.
    fn decide_by_liar(&mut self, envelope: Envelope) {
        let mut liar = self.copy(&snapshot(&self.liar));
        submit(&mut liar, envelope, b"", None, self.time).unwrap();
        let slot = take(&mut liar, self.time);
        assert_eq!(self.verifier.verify(&slot).unwrap().transaction_count, 1);
        self.honest.adopt(&slot, NOW).unwrap();
        self.liar.adopt(&disguised(&slot), NOW).unwrap();
    }

    /// What the honest member finds in the liar's slot of these, which verifies; it stays out.
    fn check(&mut self, transactions: &[(Envelope, &[u8])]) -> AdoptionCheck {
        let mut liar = self.copy(&snapshot(&self.liar));
        for (envelope, payload) in transactions {
            submit(&mut liar, *envelope, payload, None, self.time).unwrap();
        }
        let slot = take(&mut liar, self.time);
        let verified = self.verifier.check(&slot).unwrap();
        let before = snapshot(&self.honest);
        let checked = self.honest.check_adoption(&slot).unwrap();
        assert!(before == snapshot(&self.honest), "a check changes nothing");
        assert_eq!(checked.hash, verified.hash);
        assert_eq!(checked.transaction_count, verified.transaction_count);
        // Another member that has seen the same and takes it over finds as many.
        let mut other = self.copy(&before);
        while other.slot(checked.header.height).is_some() {
            other.roll_back(checked.header.height).unwrap();
        }
        let adopted = other.adopt(&slot, NOW).unwrap();
        assert_eq!(adopted.repeated_count, checked.repeated_count);
        let [counted, before] = [&other, &self.honest].map(|own| {
            let metrics = own.metrics();
            (metrics.slots_adopted, metrics.adopted_repeated)
        });
        let repeated = u64::from(checked.repeated_count);
        assert_eq!(counted, (before.0 + 1, before.1 + repeated));
        checked
    }

    fn copy(&self, state: &[u8]) -> TransactionCoordinator {
        TransactionCoordinator::restore(&self.config, &limits(), state).unwrap()
    }

    /// What is wrong with the first that repeats something, and how many do.
    fn found(&mut self, transactions: &[(Envelope, &[u8])]) -> (Option<Code>, u32) {
        let checked = self.check(transactions);
        if let Some(first) = checked.first {
            let number = transactions
                .iter()
                .filter(|(own, _)| own.rollup == first.rollup)
                .nth(first.position as usize);
            let (envelope, payload) = number.unwrap();
            assert_eq!(first.id, id_of(*envelope, payload));
        }
        (
            checked.first.map(|first| first.code),
            checked.repeated_count,
        )
    }
}

fn submit(
    own: &mut TransactionCoordinator,
    envelope: Envelope,
    payload: &[u8],
    account: Option<u64>,
    time: UnixNs,
) -> Result<(), Code> {
    let submission = Submission {
        account_nonce: account.map(Nonce::new),
        ..Submission::from(Transaction { envelope, payload })
    };
    own.submit(&submission, NOW, time).map(|_| ())
}

fn take(own: &mut TransactionCoordinator, time: UnixNs) -> Vec<u8> {
    let slot = take_any(own, NOW, time, WhenEmpty::EmptySlot);
    slot.unwrap().unwrap().bytes.to_vec()
}

fn snapshot(own: &TransactionCoordinator) -> Vec<u8> {
    let mut bytes = vec![0; own.snapshot_len()];
    own.snapshot(&mut bytes).unwrap();
    bytes
}

fn id_of(envelope: Envelope, payload: &[u8]) -> TxId {
    let transaction = Transaction { envelope, payload };
    let mut bytes = vec![0; transaction.encoded_len()];
    let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
    transaction.encode(&mut out).unwrap();
    hauptbuch_core::crypto::hash::transaction_id(&bytes)
}

/// The slot with other senders: whoever takes it over without verifying it stands on the same
/// chain, and does not know what was included.
fn disguised(slot: &[u8]) -> Vec<u8> {
    const SENDER_AT: usize = 6;
    let mut bytes = slot.to_vec();
    let mut reader = SlotReader::new(slot, &limits()).unwrap();
    while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
        for (transaction, _) in sub_batch.all() {
            let at = transaction.as_ptr() as usize - slot.as_ptr() as usize;
            bytes[at + SENDER_AT] ^= 0xff;
        }
    }
    bytes
}

fn expiring(rollup: usize, sender: u8, nonce: u64, expiry: u64) -> Envelope {
    Envelope {
        expiry: UnixNs::new(expiry),
        ..envelope(rollup, sender, nonce)
    }
}

#[test]
fn what_was_decided_is_found_again_in_lines_and_windows() {
    for replay in BOTH {
        let mut world = World::new(replay);
        let own = |rollup, nonce| expiring(rollup, 1, nonce, 1_400);
        world.decide(&[own(LINE, 5), own(LINE, 6), own(WINDOW, 3), own(WINDOW, 70)]);
        world.decide(&[own(LINE, 7)]);
        let used = (Some(Code::NonceUsed), 1);
        for (rollup, nonce) in [(LINE, 5), (LINE, 6), (LINE, 7), (WINDOW, 3), (WINDOW, 70)] {
            let again = (Some(Code::AlreadyEnded), 1);
            assert_eq!(world.found(&[(own(rollup, nonce), b"")]), again);
            assert_eq!(world.found(&[(own(rollup, nonce), b"other")]), used);
        }
        // Below the first that was ever used, in a line too; in a window that is free.
        assert_eq!(world.found(&[(own(LINE, 4), b"")]), used);
        for (rollup, nonce) in [(LINE, 8), (WINDOW, 2), (WINDOW, 69), (WINDOW, 71)] {
            assert_eq!(world.found(&[(own(rollup, nonce), b"")]), (None, 0));
        }
        // Several, and which of them is the first.
        let several: [(Envelope, &[u8]); 4] = [
            (own(LINE, 6), b"x"),
            (own(LINE, 7), b""),
            (own(LINE, 8), b""),
            (own(WINDOW, 3), b""),
        ];
        assert_eq!(world.found(&several), (Some(Code::NonceUsed), 3));
        // A window moves on for a nonce, and leaves behind what lies 128 below it.
        world.decide_by_liar(own(WINDOW, 150));
        assert_eq!(world.found(&[(own(WINDOW, 22), b"")]), used);
        assert_eq!(world.found(&[(own(WINDOW, 23), b"")]), (None, 0));
    }
}

/// What one's own host or pool says binds nobody else.
#[test]
fn only_what_was_decided_counts() {
    for replay in BOTH {
        let mut world = World::new(replay);
        let own = |sender, nonce| expiring(LINE, sender, nonce, 1_400);
        let windowed = |sender, nonce| expiring(WINDOW, sender, nonce, 1_400);
        world.decide(&[own(1, 5)]);
        // The host says that all below 9 is used, and then something of 9 is in flight.
        submit(&mut world.honest, own(1, 9), b"", Some(9), TIME).unwrap();
        // New ones: an account that stands at 7, a base that is guessed, a window that begins high.
        submit(&mut world.honest, own(2, 7), b"", Some(7), TIME).unwrap();
        submit(&mut world.honest, own(3, 7), b"", None, TIME).unwrap();
        submit(&mut world.honest, windowed(2, 300), b"", None, TIME).unwrap();
        take(&mut world.honest, TIME);
        let free = [
            own(1, 6),
            own(1, 9),
            own(2, 3),
            own(2, 7),
            own(3, 6),
            own(3, 7),
        ];
        for envelope in free.into_iter().chain([windowed(2, 180), windowed(2, 300)]) {
            assert_eq!(world.found(&[(envelope, b"")]), (None, 0), "{envelope:?}");
        }
        assert_eq!(
            world.found(&[(own(1, 5), b"x")]),
            (Some(Code::NonceUsed), 1)
        );
    }
}

/// Where expiry keeps replays out, a cursor that others may have forgotten binds nobody.
#[test]
fn a_sender_whose_transactions_have_expired_begins_anew() {
    let mut world = World::new(BOTH[1]);
    let own = |rollup, nonce, expiry| expiring(rollup, 1, nonce, expiry);
    world.decide(&[
        own(LINE, 5, 1_200),
        own(WINDOW, 5, 1_200),
        own(WINDOW, 6, 1_100),
    ]);
    let [used, free] = [(Some(Code::NonceUsed), 1), (None, 0)];
    world.time = UnixNs::new(1_199);
    for rollup in [LINE, WINDOW] {
        assert_eq!(world.found(&[(own(rollup, 5, 1_500), b"")]), used);
    }
    world.time = UnixNs::new(1_200);
    for rollup in [LINE, WINDOW] {
        assert_eq!(world.found(&[(own(rollup, 5, 1_500), b"")]), free);
    }
    // The next that is used makes it bind again, and what lies before it stays forgotten.
    world.decide(&[own(LINE, 6, 1_500), own(WINDOW, 8, 1_500)]);
    assert_eq!(world.found(&[(own(LINE, 6, 1_600), b"")]), used);
    assert_eq!(world.found(&[(own(WINDOW, 8, 1_600), b"")]), used);
    for nonce in [5, 6, 7] {
        assert_eq!(world.found(&[(own(WINDOW, nonce, 1_600), b"")]), free);
    }
    // By host nothing that is remembered is forgotten by time.
    let mut world = World::new(BOTH[0]);
    world.decide(&[own(LINE, 5, 1_200), own(WINDOW, 5, 1_200)]);
    world.time = UnixNs::new(9_000);
    for rollup in [LINE, WINDOW] {
        assert_eq!(world.found(&[(own(rollup, 5, 9_500), b"")]), used);
    }
}

/// A forced input is included whatever was used; it repeats something only if it claims to count.
#[test]
fn forced_inputs_repeat_only_what_they_are_said_to_do() {
    let force = |own: &mut TransactionCoordinator, envelope: Envelope| {
        let submission = Submission::from(Transaction {
            envelope,
            payload: b"forced",
        });
        let (index, deadline) = (InboxIndex::ZERO, UnixNs::new(5_000));
        own.submit_forced(&submission, index, deadline, NOW, TIME)
            .unwrap();
    };
    for replay in BOTH {
        let mut world = World::new(replay);
        world.decide(&[expiring(LINE, 1, 5, 1_400)]);
        // The liar's slot says that it applies; that of whoever knows says that it does not.
        force(&mut world.liar, expiring(LINE, 1, 5, 1_400));
        let slot = take(&mut world.liar, TIME);
        let checked = world.honest.check_adoption(&slot).unwrap();
        let first = checked.first.unwrap();
        assert_eq!((first.code, first.position), (Code::NonceUsed, 0));
        let mut knows = world.copy(&snapshot(&world.honest));
        force(&mut knows, expiring(LINE, 1, 5, 1_400));
        let slot = take(&mut knows, TIME);
        let checked = world.honest.check_adoption(&slot).unwrap();
        assert_eq!((checked.transaction_count, checked.repeated_count), (1, 0));
    }
}

#[test]
fn what_cannot_be_the_next_slot_is_refused() {
    let mut world = World::new(BOTH[0]);
    let first = take(&mut world.liar, TIME);
    world.liar.roll_back(Height::new(1)).unwrap();
    world.decide(&[]);
    let decided = take(&mut world.honest, TIME);
    let refused = |own: &mut TransactionCoordinator, bytes: &[u8]| own.check_adoption(bytes);
    assert_eq!(
        refused(&mut world.honest, &first),
        Err(AdoptError::AlreadyAdopted)
    );
    world.decide_taken(&decided);
    assert_eq!(
        refused(&mut world.honest, &first),
        Err(AdoptError::SlotBehind)
    );
    let next = take(&mut world.liar, TIME);
    let cut = refused(&mut world.honest, &next[..next.len() - 1]).unwrap_err();
    assert_eq!(Code::from(cut), Code::Truncated);
    let mut other = next.clone();
    other[40] ^= 1;
    assert!(matches!(
        refused(&mut world.honest, &other),
        Err(AdoptError::Invalid(_))
    ));
    world.honest.check_adoption(&next).unwrap();
    let by_logs = logs::config(ReplayProtection::ByHost);
    let mut by_logs = TransactionCoordinator::new(&by_logs, &logs::limits()).unwrap();
    assert_eq!(refused(&mut by_logs, &next), Err(AdoptError::OrderedByLogs));
}

impl World {
    /// The slot that the honest member has in flight is decided.
    fn decide_taken(&mut self, slot: &[u8]) {
        let header = self.verifier.verify(slot).unwrap().header;
        self.honest.acknowledge(header.height, NOW).unwrap();
        self.liar.adopt(&disguised(slot), NOW).unwrap();
    }
}
