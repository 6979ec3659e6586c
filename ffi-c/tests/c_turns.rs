//! A C program whose members take turns says what the core says of the same turns.

mod toolchain;

use std::fmt::Write as _;
use std::process::Command;

use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Nonce, Submission, Tick, Transaction, UnixNs,
};

use toolchain::{compile, run, text, valgrind};

const TIME_NS: u64 = 1_700_000_000_000_000_000;

#[test]
fn members_take_turns_in_c_as_they_do_in_the_core() {
    let done = run(&mut Command::new(compile("turns", "turns", &[])));
    assert!(done.status.success(), "{}", text(&done.stderr));
    let expected = expected();
    for sign in [" Included ", " Superseded ", "slot 6 1 "] {
        assert!(
            expected.contains(sign),
            "the turns try too little:\n{expected}"
        );
    }
    assert_eq!(text(&done.stdout), expected);
}

#[test]
fn the_program_leaks_nothing_and_touches_nothing_it_should_not() {
    let done = run(&mut valgrind(&compile("turns", "turns_valgrind", &[])));
    assert!(done.status.success(), "{}", text(&done.stderr));
}

/// The program's turns once more.
fn expected() -> String {
    let config = Config {
        policy: Policy::PriorityFee,
        ..Config::default()
    };
    let mut members = [(); 2].map(|()| {
        let own = TransactionCoordinator::new(&config, &Limits::default());
        own.expect("the defaults hold")
    });
    let mut said = String::new();
    for turn in 0..6 {
        let (now, time) = (Tick::new(turn + 1), UnixNs::new(TIME_NS + turn + 1));
        for sender in 1..=3_u8 {
            for (at, member) in (0..).zip(&mut members) {
                if (u64::from(sender) + turn + at) % 3 != 0 {
                    let record = transfer(sender, turn, sender.into());
                    let _refused = member.submit(&record, now, time);
                }
            }
        }
        for (at, member) in (0..).zip(&mut members) {
            let _refused = member.submit(&transfer(9, turn, 5 + at), now, time);
        }
        let proposer = turn as usize % 2;
        let [first, second] = &mut members;
        let (own, other) = match proposer {
            0 => (first, second),
            _ => (second, first),
        };
        let slot = own.take(now, time, WhenEmpty::EmptySlot);
        let slot = slot.expect("nothing is in flight");
        let slot = slot.expect("an empty one is wanted");
        let (height, hash, count) = (slot.header.height, slot.hash, slot.transaction_count);
        let bytes = slot.bytes.to_vec();
        own.acknowledge(height, now).expect("it is the oldest");
        let adopted = other.adopt(&bytes, now).expect("it continues the chain");
        writeln!(said, "slot {height} {proposer} {hash} {count}").expect("a string");
        let (included, ended) = (adopted.included_count, adopted.ended_count);
        writeln!(said, "adopted {included} {ended}").expect("a string");
        for (at, member) in members.iter_mut().enumerate() {
            while let Some(event) = member.poll_event() {
                let (height, position) = (event.height, event.position);
                let (name, id) = (event.code.name(), event.id);
                writeln!(said, "{at} {height}/{position} {name} {id}").expect("a string");
            }
        }
    }
    said
}

fn transfer(sender: u8, nonce: u64, fee: u64) -> Submission<'static> {
    let envelope = Envelope {
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(fee),
        gas: Gas::new(21_000),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    };
    Submission {
        account_nonce: Some(Nonce::ZERO),
        ..Submission::from(Transaction {
            envelope,
            payload: &[],
        })
    }
}
