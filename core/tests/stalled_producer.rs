//! What a producer that the system stops in the middle of `push` does to everybody else.
//!
//! A thread pushes an element of some MiB and is held in a signal's handler until it is released.
//! On the shared lane the signal is sent once `len()` has moved, which is when the place is
//! claimed, and the place itself tells whether it was not filled yet; attempts go on until one
//! was caught so. On a lane of its own nothing shows before the end, so the place has a page that
//! cannot be written, and the producer stops there each time. No assertion depends on how fast
//! the machine is, beyond generous bounds.
#![cfg(all(unix, not(loom), not(miri)))]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::os::unix::thread::JoinHandleExt as _;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hauptbuch_core::ingress::lanes::{LaneProducer, LaneSet, SharedLane, lane};

/// 4 MiB, with the element's number at both ends and in the middle; see [`element`].
type Element = [u64; ELEMENT_WORDS];
const ELEMENT_WORDS: usize = 1 << 19;
/// Room for the copies of an element that an unoptimised build makes.
const STACK_BYTES: usize = 32 * size_of::<Element>();
/// How often a producer is stopped before the test gives up. A few dozen suffice in practice.
const ATTEMPT_COUNT_MAX: u64 = 20_000;
/// How long something that must not happen is given to happen.
const OBSERVED: Duration = Duration::from_millis(500);
/// How long something that must happen may take on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The signal's handler runs once at a time, so the tests do too.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static IS_CAUGHT: AtomicBool = AtomicBool::new(false);
static IS_RELEASED: AtomicBool = AtomicBool::new(false);
/// The newest allocation that can hold an element: the places of the newest lane.
static PLACES: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

/// Marks few words, so that a build without optimisation spends its time in `push`.
fn element(number: u64) -> Element {
    let mut element = [0; ELEMENT_WORDS];
    for at in [
        0,
        1,
        ELEMENT_WORDS / 2,
        ELEMENT_WORDS - 2,
        ELEMENT_WORDS - 1,
    ] {
        element[at] = number;
    }
    element
}

struct Recording;

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Recording {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, handed on.
        let pointer = unsafe { System.alloc(layout) };
        if layout.size() >= size_of::<Element>() {
            PLACES.store(pointer, Ordering::Release);
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Recording = Recording;

extern "C" fn hold_still(_signal: libc::c_int) {
    IS_CAUGHT.store(true, Ordering::SeqCst);
    let nap = libc::timespec {
        tv_sec: 0,
        tv_nsec: 200_000,
    };
    while !IS_RELEASED.load(Ordering::SeqCst) {
        // SAFETY: `nanosleep` may be called from a signal's handler; `nap` lives throughout.
        unsafe { libc::nanosleep(&raw const nap, std::ptr::null_mut()) };
    }
    IS_CAUGHT.store(false, Ordering::SeqCst);
}

fn start() -> MutexGuard<'static, ()> {
    let guard = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    // SAFETY: a zeroed `sigaction` is valid, and the handler does only what handlers may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = hold_still as extern "C" fn(libc::c_int) as libc::sighandler_t;
        for signal in [libc::SIGUSR1, libc::SIGSEGV, libc::SIGBUS] {
            let set = libc::sigaction(signal, &raw const action, std::ptr::null_mut());
            assert_eq!(set, 0);
        }
    }
    guard
}

fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < PATIENCE, "{what}: it never happened");
        thread::yield_now();
    }
}

fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(work)
        .unwrap()
}

/// A thread that pushes element after element, each when it is told to.
struct Victim {
    /// The number of the element to push; 0 to wait, `u64::MAX` to end.
    turn: Arc<AtomicU64>,
    /// The number of the last element whose push has begun, and of the last that has ended.
    begun: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Victim {
    fn new(mut push: impl FnMut(Element) + Send + 'static) -> Self {
        let [turn, begun, ended] = [const { AtomicU64::new(0) }; 3].map(Arc::new);
        let thread = {
            let (turn, begun, ended) = (turn.clone(), begun.clone(), ended.clone());
            spawn(move || {
                loop {
                    let number = turn.load(Ordering::SeqCst);
                    if number == u64::MAX {
                        return;
                    }
                    if number == ended.load(Ordering::SeqCst) {
                        std::hint::spin_loop();
                        continue;
                    }
                    let element = element(number);
                    begun.store(number, Ordering::SeqCst);
                    push(std::hint::black_box(element));
                    ended.store(number, Ordering::SeqCst);
                }
            })
        };
        Self {
            turn,
            begun,
            ended,
            thread,
        }
    }

    fn start_push(&self, number: u64) {
        self.turn.store(number, Ordering::SeqCst);
        wait_until("the push begins", || {
            self.begun.load(Ordering::SeqCst) == number
        });
    }

    fn has_ended(&self, number: u64) -> bool {
        self.ended.load(Ordering::SeqCst) == number
    }

    fn stop(&self) {
        IS_RELEASED.store(false, Ordering::SeqCst);
        // SAFETY: the thread has not been joined, so its id is valid.
        let sent = unsafe { libc::pthread_kill(self.thread.as_pthread_t(), libc::SIGUSR1) };
        assert_eq!(sent, 0);
        wait_until("the signal arrives", || IS_CAUGHT.load(Ordering::SeqCst));
    }

    fn release(&self, number: u64) {
        IS_RELEASED.store(true, Ordering::SeqCst);
        wait_until("the handler ends", || !IS_CAUGHT.load(Ordering::SeqCst));
        wait_until("the push ends", || self.has_ended(number));
    }

    fn end(self) {
        self.turn.store(u64::MAX, Ordering::SeqCst);
        self.thread.join().unwrap();
    }
}

/// Whether the stopped thread has filled all of the lane's only place with its element.
///
/// `places` is the lane's allocation. A stamp may stand on either side of the element, so the
/// words looked at are two that belong to it in either case, and that every element marks.
fn is_filled(places: *const u64, number: u64) -> bool {
    // SAFETY: the allocation holds at least an element, and these words belong to one: an earlier
    // push initialised them. The only thread that writes them stands still in the handler.
    let (first, last) = unsafe {
        (
            places.add(1).read_volatile(),
            places.add(ELEMENT_WORDS - 1).read_volatile(),
        )
    };
    first == number && last == number
}

/// Says what may be done with the page in the middle of the lane's only place.
fn protect_middle(places: usize, access: libc::c_int) {
    let middle = places + size_of::<Element>() / 2;
    // SAFETY: the page lies within one element's memory, with nothing else in it, and only the
    // victim touches it until the page is given back.
    unsafe {
        let page_bytes = libc::sysconf(libc::_SC_PAGESIZE) as usize;
        let page = (middle - middle % page_bytes) as *mut libc::c_void;
        assert_eq!(libc::mprotect(page, page_bytes, access), 0);
    }
}

/// Stops the victim again and again until it is caught between the two steps of its push, with
/// the lane's only place claimed and not filled; returns the number of the element that it was
/// caught with, and leaves it stopped.
fn catch_inside(victim: &Victim, shared: &SharedLane<Element>, places: *const u64) -> u64 {
    for number in 2..ATTEMPT_COUNT_MAX {
        victim.start_push(number);
        wait_until("the place is claimed", || shared.len() == 1);
        victim.stop();
        if !is_filled(places, number) {
            return number;
        }
        victim.release(number);
        assert!(shared.pop().is_some());
    }
    panic!("no attempt caught the producer inside its push");
}

#[test]
fn stopped_inside_the_shared_lane_it_stops_the_owner_and_every_lane() {
    let _guard = start();
    spawn(stop_inside_the_shared_lane).join().unwrap();
}

fn stop_inside_the_shared_lane() {
    // The lane of another producer, with small elements' worth of work for the owner.
    let (mut other_in, other_out) = lane::<Element>(3);
    let shared = SharedLane::<Element>::new(1).unwrap();
    let places = PLACES.load(Ordering::Acquire).cast_const().cast::<u64>();
    let victim = {
        let shared = shared.clone();
        Victim::new(move |element| assert!(shared.push(element).is_ok()))
    };
    // Both words that show a torn element get a value that a read can rely on.
    victim.start_push(1);
    wait_until("the first push ends", || victim.has_ended(1));
    assert!(shared.pop().is_some());
    let number = catch_inside(&victim, &shared, places);
    assert_eq!(shared.len(), 1, "the place is claimed");

    let popped_count = Arc::new(AtomicUsize::new(0));
    let owner = {
        let popped_count = Arc::clone(&popped_count);
        spawn(move || {
            for _ in 0..3 {
                assert!(other_in.push(element(0)).is_ok());
            }
            let mut lanes = LaneSet::new(vec![other_out], Some(shared));
            let mut order = Vec::new();
            while order.len() < 4 {
                if let Some((lane, element)) = lanes.pop() {
                    order.push((lane, element[1]));
                    popped_count.fetch_add(1, Ordering::SeqCst);
                }
            }
            order
        })
    };
    wait_until("the other lane has its turn", || {
        popped_count.load(Ordering::SeqCst) == 1
    });
    thread::sleep(OBSERVED);
    assert_eq!(popped_count.load(Ordering::SeqCst), 1, "the owner went on");
    assert!(IS_CAUGHT.load(Ordering::SeqCst));

    victim.release(number);
    wait_until("the owner goes on", || {
        popped_count.load(Ordering::SeqCst) == 4
    });
    assert_eq!(owner.join().unwrap(), [(0, 0), (1, number), (0, 0), (0, 0)]);
    victim.end();
}

#[test]
fn stopped_inside_its_own_lane_it_stops_nobody() {
    let _guard = start();
    let (mut victim_in, victim_out) = lane::<Element>(1);
    let places = PLACES.load(Ordering::Acquire) as usize;
    let (mut first_in, first_out) = lane::<Element>(2);
    let (mut second_in, second_out) = lane::<Element>(2);
    let victim = Victim::new(move |element| assert!(victim_in.push(element).is_ok()));
    let (to_watcher, watcher) = mpsc::channel();

    // All of the owner's work happens on a thread of its own, so that a call that does not return
    // shows as a message that does not come.
    let owner = spawn(move || {
        let mut lanes = LaneSet::new(vec![victim_out, first_out, second_out], None);
        victim.start_push(1);
        wait_until("the first push ends", || victim.has_ended(1));
        assert!(lanes.pop().is_some());
        // Nothing shows from outside when the place begins to fill. So the page in its middle is
        // taken away, and the producer stops at it, inside its push, by a signal of its own.
        let number = 2;
        IS_RELEASED.store(false, Ordering::SeqCst);
        protect_middle(places, libc::PROT_NONE);
        victim.start_push(number);
        wait_until("the producer stops", || IS_CAUGHT.load(Ordering::SeqCst));
        assert!(!victim.has_ended(number));
        assert!(!is_filled(places as *const u64, number));

        let push_both = |lane: &mut LaneProducer<Element>, number: u64| {
            assert!(lane.push(element(number)).is_ok());
        };
        for round in 0..10 {
            push_both(&mut first_in, 2 * round);
            push_both(&mut second_in, 2 * round + 1);
            let mut popped = [lanes.pop(), lanes.pop()].map(|popped| popped.map(|(_, e)| e[1]));
            popped.sort_unstable();
            assert_eq!(popped, [Some(2 * round), Some(2 * round + 1)]);
            assert!(lanes.pop().is_none() && lanes.is_empty());
        }
        to_watcher.send(IS_CAUGHT.load(Ordering::SeqCst)).unwrap();

        assert!(lanes.pop().is_none());
        protect_middle(places, libc::PROT_READ | libc::PROT_WRITE);
        victim.release(number);
        let (lane, element) = lanes.pop().unwrap();
        assert!(lane == 0 && element == self::element(number));
        victim.end();
    });
    let was_caught = watcher.recv_timeout(PATIENCE * 2);
    assert_eq!(
        was_caught,
        Ok(true),
        "the owner waited for the stopped producer"
    );
    owner.join().unwrap();
}
