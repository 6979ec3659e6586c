//! A C program that stops twice and goes on says what the core would have said without a stop.

mod toolchain;

use std::fmt::Write as _;
use std::process::Command;

use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::pool::Cancelled;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, InboxIndex, Nonce, RollupId, Submission, Tick, Transaction, TxId,
    UnixNs,
};

use toolchain::{compile, run, text, valgrind};

const TIME_NS: u64 = 1_700_000_000_000_000_000;
const LATER: UnixNs = UnixNs::new(TIME_NS + 60_000_000_000);

#[test]
fn the_program_goes_on_as_if_it_had_never_stopped() {
    let done = run(&mut Command::new(compile("restart", "restart", &[])));
    assert!(done.status.success(), "{}", text(&done.stderr));
    // What only the program knows: how much was torn, and how large its state is.
    let (own, said): (Vec<_>, Vec<_>) = text(&done.stdout)
        .lines()
        .map(str::to_owned)
        .partition(|line| line.starts_with("replayed") || line.starts_with("the "));
    assert_eq!(said.join("\n"), expected());
    assert_eq!(own.len(), 4, "{own:?}");
    assert!(own[0].ends_with(" torn bytes") && !own[0].ends_with(" 0 torn bytes"));
    assert_eq!(own[1], "the clock stands at 5");
    assert!(own[2].ends_with(" 0 torn bytes"), "{own:?}");
}

#[test]
fn the_program_leaks_nothing_and_touches_nothing_it_should_not() {
    let done = run(&mut valgrind(&compile("restart", "restart_valgrind", &[])));
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn the_sanitizers_of_the_compiler_find_nothing() {
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let program = compile("restart", "restart_sanitized", &flags);
    // Leaks are valgrind's, which needs no permission to look at the process.
    let done = run(Command::new(program).env("ASAN_OPTIONS", "detect_leaks=0"));
    assert!(done.status.success(), "{}", text(&done.stderr));
}

/// The program's inputs once more, on one coordinator that lives through all of them.
fn expected() -> String {
    let coordinator = TransactionCoordinator::new(&Config::default(), &Limits::default());
    let mut life = Life {
        own: coordinator.expect("the defaults hold"),
        said: String::new(),
    };
    life.submit(1, 0, 1);
    let second = life.submit(2, 0, 1);
    let cancelled = life.own.cancel(second);
    life.say_cancelled(cancelled.expect("it waits"));
    life.force((3, 0), 0, 2);
    life.force((3, 7), 1, 2);
    life.bundle([(1, 1), (4, 0)], 2);
    life.decide_slot(3);
    let (rollup, sender) = (RollupId::ZERO, Address::new([5; 20]));
    let cancelled = life.own.cancel_nonce(rollup, sender, Nonce::ZERO);
    life.say_cancelled(cancelled.expect("it is not there yet"));
    life.submit(5, 0, 4);
    life.submit(1, 2, 4);
    life.force((3, 1), 2, 4);
    life.bundle([(4, 1), (7, 0)], 4);
    life.decide_slot(5);
    life.force((3, 2), 3, 5);
    life.bundle([(7, 1), (8, 0)], 5);
    // What is torn off the journal was said all the same, and is done again.
    life.said += "submitted Admitted\n";
    life.submit(6, 0, 6);
    life.decide_slot(7);
    life.said.trim_end().to_owned()
}

struct Life {
    own: TransactionCoordinator,
    said: String,
}

impl Life {
    fn say(&mut self, line: &str) {
        writeln!(self.said, "{line}").expect("a string takes everything");
    }

    fn submit(&mut self, sender: u8, nonce: u64, now: u64) -> TxId {
        let result = self
            .own
            .submit(&transfer(sender, nonce), tick(now), time(now));
        let code = result.err().unwrap_or(Code::Admitted);
        self.say(&format!("submitted {}", code.name()));
        result.unwrap_or_default()
    }

    fn say_cancelled(&mut self, cancelled: Cancelled) {
        let has_ended = matches!(cancelled, Cancelled::Now(_));
        self.say(if has_ended {
            "cancelled now"
        } else {
            "cancelled on arrival"
        });
    }

    fn force(&mut self, (sender, nonce): (u8, u64), index: u64, now: u64) {
        let (input, index) = (transfer(sender, nonce), InboxIndex::new(index));
        let forced = self
            .own
            .submit_forced(&input, index, LATER, tick(now), time(now));
        forced.expect("there is room for it");
    }

    fn bundle(&mut self, legs: [(u8, u64); 2], now: u64) {
        let legs = legs.map(|(sender, nonce)| transfer(sender, nonce));
        let bundled = self.own.submit_bundle(&legs, LATER, tick(now), time(now));
        bundled.expect("there is room for it");
    }

    fn decide_slot(&mut self, now: u64) {
        let slot = self.own.take(tick(now), time(now), WhenEmpty::EmptySlot);
        let slot = slot
            .expect("nothing is in flight")
            .expect("an empty one is wanted");
        let (height, hash, count) = (slot.header.height, slot.hash, slot.transaction_count);
        let settled = self.own.acknowledge(height, tick(now));
        settled.expect("it is the oldest");
        self.say(&format!("slot {height} {hash} {count}"));
        while let Some(event) = self.own.poll_event() {
            let (height, position) = (event.height, event.position);
            self.say(&format!(
                "{height}/{position} {} {}",
                event.code.name(),
                event.id
            ));
        }
    }
}

fn transfer(sender: u8, nonce: u64) -> Submission<'static> {
    let envelope = Envelope {
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(1),
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

const fn tick(now: u64) -> Tick {
    Tick::new(now)
}

const fn time(now: u64) -> UnixNs {
    UnixNs::new(TIME_NS + now)
}
