//! Writing snapshots and journals, and replaying, allocates nothing.

mod common;
#[path = "common/counting.rs"]
mod counting;

use common::{ROLLUPS, config, envelope, submission, tiny_limits};
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::snapshot::replay;
use hauptbuch_core::types::{Tick, UnixNs};

/// Submissions, slots, reads, and in the middle a checkpoint, with the journal behind `journal`.
fn work(
    own: &mut TransactionCoordinator,
    snapshot: &mut [u8],
    journal: &mut [u8],
    steps: u64,
) -> usize {
    let mut len = own.poll_journal(journal);
    for at in 1..steps {
        let (now, time) = (Tick::new(at), UnixNs::new(at));
        let rollup = ROLLUPS[at as usize % 2];
        let own_envelope = envelope(rollup, (at % 5) as u8, at / 10);
        let _ = own.submit(&submission(own_envelope, &[1; 90]), now, time);
        let legs = [envelope(ROLLUPS[0], 9, at), envelope(ROLLUPS[1], 9, at)];
        let legs = legs.map(|leg| submission(leg, b"leg"));
        let _ = own.submit_bundle(&legs, UnixNs::new(at + 9), now, time);
        if at % 3 == 0 {
            let next = own.pool().next_inbox_index(rollup).unwrap();
            let _ = own.submit_forced(&legs[at as usize % 2], next, time, now, time);
        }
        if at % 5 == 0 {
            let _ = own.open_slot(now, time);
            let _ = own.add_slice(now, SlotRoom::UNLIMITED);
            own.snapshot(snapshot).unwrap();
            let _ = own.seal();
        }
        if at % 4 == 0 {
            let _ = own.take(now, time, WhenEmpty::EmptySlot);
            let _ = own.acknowledge(own.acknowledged_height().next(), now);
            while own.poll_event().is_some() {}
        }
        len += own.poll_journal(&mut journal[len..]);
        own.snapshot(snapshot).unwrap();
        if at == 20 {
            own.checkpoint(snapshot).unwrap();
            len = own.poll_journal(journal);
        }
    }
    len
}

#[test]
fn nothing_allocates_but_constructors() {
    let config = config(Policy::Fcfs);
    let limits = Limits {
        journal_bytes_max: 2_048,
        ..tiny_limits()
    };
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let (mut snapshot, mut journal) = (vec![0; 65_536], vec![0; 65_536]);
    let before = counting::growths();
    let len = work(&mut own, &mut snapshot, &mut journal, 40);
    assert_eq!(counting::growths(), before, "writing allocates");
    assert!(len > 3_000, "{len}");

    let mut base = TransactionCoordinator::new(&config, &limits).unwrap();
    let len = work(&mut base, &mut snapshot, &mut journal, 20);
    let mut again = TransactionCoordinator::new(&config, &limits).unwrap();
    let before = counting::growths();
    let replayed = replay(&mut again, &journal[..len]).unwrap();
    assert!(replayed.records > 40, "{}", replayed.records);
    assert_eq!(counting::growths(), before, "replaying allocates");
    assert_eq!(again.tip(), base.tip());
}
