//! The committee's memory: what the constructors take is what their footprints say, and nothing
//! allocates afterwards.
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hauptbuch_core::certificate::{CommitCertificate, Electorate, write_commit_certificate};
use hauptbuch_core::codec::Writer;
use hauptbuch_core::crypto::signature::{Provider, Randomness, SecretKey, Seed, Suite};
use hauptbuch_core::finality::{FinalityEngine, FinalityLimits, Link, Outcome, Progress};
use hauptbuch_core::sequencer::{
    Admission, BanReason, Change, Membership, SequencerLimits, SequencerManager, SequencerRules,
    SequencerSetup, Succession, SuccessionRules, possession_bytes,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId, Tick};
use hauptbuch_core::vote::{NO_ROUND, Statement, VoteKind};

thread_local! {
    static BYTES: Cell<i64> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: i64) {
    CALLS.set(CALLS.get() + 1);
    BYTES.set(BYTES.get() + bytes);
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `make` takes and keeps.
fn taken<T>(make: impl FnOnce() -> T) -> (T, u64) {
    let before = BYTES.get();
    let made = make();
    (
        made,
        u64::try_from(BYTES.get() - before).expect("memory was kept, not given back"),
    )
}

/// Fails where `work` allocates.
fn without_allocating<T>(work: impl FnOnce() -> T) -> T {
    let before = CALLS.get();
    let result = work();
    assert_eq!(CALLS.get(), before, "an allocation after construction");
    result
}

const NETWORK: Hash = Hash::new([5; 32]);

fn setup() -> SequencerSetup {
    SequencerSetup {
        chain_id: 7,
        network: NETWORK,
        provider: Provider::MlDsa65,
        limits: SequencerLimits::default(),
        rules: SequencerRules::default(),
    }
}

fn key(number: u32) -> SecretKey {
    let seed = Seed::new([number as u8; 32]);
    SecretKey::from_seed(Provider::MlDsa65, &seed).expect("a seed makes a key")
}

fn possession(key: &SecretKey, number: u32, epoch: u64) -> Box<[u8; 3_309]> {
    let (epoch, id) = (Epoch::new(epoch), SequencerId::new(number));
    let message = possession_bytes(Suite::MlDsa65, 7, epoch, id, key.public_key());
    let signature = key.sign(&message, &Randomness::ZERO).expect("it signs");
    Box::new(*signature.as_bytes())
}

/// A sequencer that may be admitted in epoch 0.
struct Candidate {
    number: u32,
    key: SecretKey,
    proof: Box<[u8; 3_309]>,
}

impl Candidate {
    fn admission(&self) -> Admission<'_> {
        Admission {
            id: SequencerId::new(self.number),
            weight: 1,
            public_key: self.key.public_key().as_bytes(),
            possession: &self.proof,
        }
    }
}

fn candidates() -> Vec<Candidate> {
    let candidate = |number| {
        let key = key(number);
        let proof = possession(&key, number, 0);
        Candidate { number, key, proof }
    };
    (0..5).map(candidate).collect()
}

#[test]
fn an_epoch_with_everything_in_it_stays_within_its_memory() {
    let candidates = candidates();
    let admission = |number: usize| candidates[number].admission();
    let (first, setup) = ([0, 1, 2, 3].map(admission), setup());
    let (mut manager, bytes) =
        taken(|| SequencerManager::new(setup, &first, Tick::ZERO).expect("they are members"));
    assert_eq!(bytes, SequencerManager::footprint_bytes(&setup));
    let (mut membership, bytes) = taken(|| Membership::with_room(9, Suite::MlDsa65));
    assert_eq!(bytes, Membership::footprint_bytes(9));
    manager
        .fill_membership(&mut membership)
        .expect("there is room");
    let (electorate, bytes) = taken(|| {
        Electorate::new(NETWORK, Provider::MlDsa65, &membership, 9).expect("it is built in")
    });
    assert_eq!(bytes, Electorate::footprint_bytes(Provider::MlDsa65, 9));
    let limits = FinalityLimits::default();
    let (mut finality, bytes) = taken(|| {
        FinalityEngine::new(&limits, Height::ZERO, Hash::ZERO, electorate).expect("in range")
    });
    assert_eq!(bytes, FinalityEngine::footprint_bytes(&limits));

    without_allocating(|| {
        for change in [
            Change::Admit(admission(4)),
            Change::Activate(SequencerId::new(4)),
            Change::Ban(SequencerId::new(2), BanReason::Checked(NETWORK)),
            Change::Remove(SequencerId::new(3)),
        ] {
            manager
                .decide_change(Height::new(1), &change)
                .expect("allowed");
        }
    });
    let last = Link {
        height: Height::new(1),
        hash: Hash::new([1; 32]),
        next_membership: manager.next_membership_hash(),
        ..Link::default()
    };
    let certificate = signed(&candidates[..3], &last);
    without_allocating(|| {
        finality
            .handle_progress(&last, Progress::Proposed)
            .expect("it fits");
        let decoded = CommitCertificate::decode(&certificate).expect("it decodes");
        let proof = decoded.verify(finality.electorate()).expect("it verifies");
        let outcome = finality.handle_certificate(&last, &proof);
        assert_eq!(outcome, Ok(Outcome::Final(last.height)));
        manager
            .advance_epoch(last.height, Tick::ZERO)
            .expect("there is room");
        manager
            .fill_membership(&mut membership)
            .expect("there is room");
        finality.hand_over(&membership).expect("they are named");
        while manager.poll_audit().is_some() || finality.poll_event().is_some() {}
    });
    assert_eq!(membership.members().len(), 3);
    assert_eq!(finality.epoch(), Epoch::new(1));
    check_states(&manager, &finality, &membership);
}

#[test]
fn epochs_follow_from_slots_without_further_memory() {
    let candidates = candidates();
    let admission = |number: usize| candidates[number].admission();
    let (first, setup) = ([0, 1, 2, 3].map(admission), setup());
    let rules = SuccessionRules {
        lead_slots: 1,
        leaver_count_max: 1,
    };
    let (mut succession, bytes) = taken(|| {
        let registry = SequencerManager::new(setup, &first, Tick::ZERO).expect("they are members");
        Succession::new(rules, registry, None).expect("it is built in")
    });
    assert_eq!(bytes, Succession::footprint_bytes(&setup));
    let mut changes = vec![0; 16_384];
    let mut out = Writer::new(&mut changes);
    for change in [
        Change::Admit(admission(4)),
        Change::Remove(SequencerId::new(3)),
        Change::Activate(SequencerId::new(4)),
    ] {
        change.encode(&mut out).expect("it fits");
    }
    let changes = out.written().to_vec();
    let mut next = Membership::with_room(9, Suite::MlDsa65);
    without_allocating(|| {
        let height = Height::new(1);
        let considered = succession.consider(height, &changes).expect("allowed");
        assert!(succession.consider(height, &changes[..5_000]).is_err());
        let decided = succession.decide(height, &changes).expect("allowed");
        assert_eq!(considered, decided);
        succession.fill_next_membership(&mut next).expect("room");
        let begun = succession.begin_epoch(height.next(), Tick::ZERO);
        assert_eq!(
            begun.expect("it closed").membership,
            decided.next_membership
        );
        while succession.poll_audit().is_some() {}
    });
    assert_eq!(next.members().len(), 4);
}

/// What a node keeps of both is written without memory, and comes back in the same.
fn check_states(manager: &SequencerManager, finality: &FinalityEngine, members: &Membership) {
    let mut registry = vec![0; manager.state_len()];
    let mut levels = vec![0; finality.state_len()];
    without_allocating(|| {
        let written = manager.write_state(&mut registry);
        assert_eq!(written, Ok(manager.state_len()));
        let written = finality.write_state(&mut levels);
        assert_eq!(written, Ok(finality.state_len()));
        manager.state_hash()
    });
    let (setup, limits) = (setup(), FinalityLimits::default());
    let (again, bytes) = taken(|| SequencerManager::restore(setup, &registry));
    assert_eq!(bytes, SequencerManager::footprint_bytes(&setup));
    let again = again.expect("it was written");
    assert_eq!(again.state_hash(), manager.state_hash());
    let electorate = Electorate::new(NETWORK, Provider::MlDsa65, members, 9);
    let electorate = electorate.expect("it is built in");
    let (again, bytes) = taken(|| FinalityEngine::restore(&limits, electorate, &levels));
    assert_eq!(bytes, FinalityEngine::footprint_bytes(&limits));
    assert_eq!(again.expect("it was written").tip(), finality.tip());
}

/// A certificate of the first epoch, by these.
fn signed(signers: &[Candidate], link: &Link) -> Vec<u8> {
    let statement = Statement {
        kind: VoteKind::Precommit,
        height: link.height,
        round: Round::ZERO,
        value: Some(link.hash),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    };
    let context = hauptbuch_core::vote::SigningContext {
        chain_id: NETWORK,
        epoch: Epoch::ZERO,
        suite_id: Suite::MlDsa65.number(),
    };
    let message = statement.sign_bytes(&context);
    let signatures = signers.iter();
    let signatures = signatures.map(|one| one.key.sign(&message, &Randomness::ZERO));
    let signatures: Vec<_> = signatures
        .map(|signature| signature.expect("it signs"))
        .collect();
    let entries = signatures.iter().enumerate();
    let entries = entries.map(|(at, by)| (MemberIndex::new(at as u16), Hash::ZERO, by));
    let mut bytes = vec![0; 4_096 * signers.len()];
    let mut out = Writer::new(&mut bytes);
    write_commit_certificate(&mut out, Epoch::ZERO, &statement, entries).expect("it fits");
    out.written().to_vec()
}
