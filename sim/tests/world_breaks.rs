//! What each rule of consensus is for: without it, a world finds the harm.
#![cfg(feature = "weakened")]

use hauptbuch_core::consensus::{
    Breaks, CommitteeView, ConsensusEngine, Effect, Message, MessageBody, SignedVote,
    SigningContext, Statement, Validity, VoteKind, record_bytes_max,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round};
use hauptbuch_sim::world::twins;
use hauptbuch_sim::world::{FaultSet, RunReport, Settings, Violations, run};

/// Seeds that are tried until one shows the harm.
const SEED_COUNT: u64 = 3_000;

/// The first run of some seeds that shows the harm; with the rule in its place, the same seed
/// breaks nothing.
fn first_harm(faults: &str, breaks: Breaks, harm: fn(&Violations) -> u64) -> RunReport {
    let sound = Settings::new(4, 3, FaultSet::parse(faults).unwrap());
    let mut weak = sound.clone();
    weak.breaks = breaks;
    for seed in 0..SEED_COUNT {
        let report = run(&weak, seed, None);
        if harm(&report.violations) > 0 {
            println!("{breaks:?}: seed {seed}: {:?}", report.first);
            let with_rule = run(&sound, seed, None);
            assert_eq!(with_rule.violations.total(), 0, "{:?}", with_rule.first);
            return report;
        }
    }
    panic!("{SEED_COUNT} seeds with {faults} show no harm of {breaks:?}");
}

#[test]
fn a_forgotten_lock_is_seen_at_once() {
    let breaks = Breaks {
        forgets_lock: true,
        ..Breaks::default()
    };
    let faults = "twins,equivocate,loss,partition";
    first_harm(faults, breaks, |broken| broken.lock_violations);
}

#[test]
fn a_forgotten_signed_record_signs_twice() {
    let breaks = Breaks {
        forgets_signed: true,
        ..Breaks::default()
    };
    first_harm("crash,power-loss", breaks, |broken| {
        broken.double_signatures
    });
}

#[test]
fn without_claims_some_never_decide() {
    let breaks = Breaks {
        has_no_claims: true,
        ..Breaks::default()
    };
    first_harm("equivocate,twins,loss,partition", breaks, |broken| {
        broken.liveness_violations
    });
}

#[test]
fn with_votes_of_one_round_only_some_never_decide() {
    let breaks = Breaks {
        keeps_one_round: true,
        ..Breaks::default()
    };
    first_harm("crash,power-loss,loss,partition", breaks, |broken| {
        broken.liveness_violations
    });
}

#[test]
fn a_polka_that_ignores_its_value_frees_a_lock() {
    let breaks = Breaks {
        ignores_polka_value: true,
        ..Breaks::default()
    };
    first_harm("equivocate,loss", breaks, |broken| broken.lock_violations);
}

#[test]
fn a_single_polka_slot_loses_the_proof_of_a_lock() {
    let breaks = Breaks {
        has_single_polka_slot: true,
        ..Breaks::default()
    };
    first_harm("equivocate,crash,loss,partition", breaks, |broken| {
        broken.barrier_violations
    });
}

/// Enumerated twins find a forgotten lock without any chance.
#[test]
fn twins_find_a_forgotten_lock() {
    let sound = twins::settings();
    let mut weak = sound.clone();
    weak.breaks.forgets_lock = true;
    let mut by_step = twins::scenarios().filter(|scenario| scenario.is_by_step);
    let harmed = by_step.find(|scenario| {
        let report = twins::run(&weak, scenario);
        report.violations.lock_violations > 0
    });
    let harmed = harmed.expect("some scenario shows the harm");
    let with_rule = twins::run(&sound, &harmed);
    assert_eq!(with_rule.violations.total(), 0, "{:?}", with_rule.first);
}

/// What a forgotten lock leads to: two decisions in one height. That needs several things in a row,
/// so more seeds are tried, under several faults.
#[test]
fn a_forgotten_lock_breaks_agreement() {
    let lists = [
        "twins,partition,loss",
        "equivocate,partition",
        "twins,partition",
    ];
    let harmed = lists.iter().find_map(|faults| {
        let sound = Settings::new(4, 3, FaultSet::parse(faults).unwrap());
        let mut weak = sound.clone();
        weak.breaks.forgets_lock = true;
        let is_harmed = |seed: &u64| {
            let report = run(&weak, *seed, None);
            report.violations.agreement_violations > 0
        };
        Some((sound, (0..20_000).find(is_harmed)?))
    });
    let (sound, seed) = harmed.expect("some world shows the harm");
    println!("seed {seed} under {}", sound.faults);
    let with_rule = run(&sound, seed, None);
    assert_eq!(with_rule.violations.total(), 0, "{:?}", with_rule.first);
}

const V: Hash = Hash::new([1; 32]);
const W: Hash = Hash::new([2; 32]);

/// One engine among three that a test plays, through rounds in which nobody agrees.
struct Alone {
    engine: ConsensusEngine,
    others: Vec<u16>,
}

impl Alone {
    /// A member that proposes in none of the first rounds.
    fn new(breaks: Breaks, rounds: u32) -> Self {
        let settings = Settings::new(4, 1, FaultSet::NONE);
        let make = |me: u16| {
            let view = CommitteeView {
                weights: &[1; 4],
                me: Some(MemberIndex::new(me)),
            };
            let config = settings.config();
            ConsensusEngine::new(&settings.limits(), &config, context(), view).unwrap()
        };
        let (one, height) = (make(0), Height::new(1));
        let me = (0..4).find(|me| {
            let mut turns = (0..rounds).map(|round| one.proposer(height, Round::new(round)));
            turns.all(|turn| turn.get() != *me)
        });
        let me = me.unwrap_or(3);
        let mut engine = make(me);
        engine.weaken(breaks);
        engine.start_height(height).unwrap();
        let mut alone = Self {
            engine,
            others: (0..4).filter(|other| *other != me).collect(),
        };
        alone.drain();
        alone
    }

    fn drain(&mut self) {
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Persist { seq } => self.engine.handle_persisted(seq).unwrap(),
                Effect::Sign { ticket, .. } => {
                    let round = ticket.statement.round.get() as u8;
                    let signed = self.engine.handle_signed(&ticket, &[round; 16]);
                    assert!(signed.unwrap());
                }
                Effect::Verify { batch, count } => {
                    let good = (1 << count) - 1;
                    assert!(self.engine.handle_verified(batch, good).unwrap());
                }
                Effect::Validate { height, value, .. } => {
                    let extension_hash = Hash::ZERO;
                    let valid = Validity::Valid { extension_hash };
                    self.engine.handle_validity(height, value, valid);
                }
                Effect::GetValue { height, round, .. } => {
                    let own = Hash::new([9; 32]);
                    self.engine.handle_value(height, round, own, Hash::ZERO);
                }
                _ => {}
            }
        }
    }

    fn say(&mut self, by: u16, kind: VoteKind, round: u32, value: Option<Hash>, valid_round: i32) {
        let vote = SignedVote {
            statement: Statement {
                kind,
                height: Height::new(1),
                round: Round::new(round),
                value,
                valid_round,
                extension_hash: Hash::ZERO,
            },
            member: MemberIndex::new(by),
            signature: &[round as u8; 16],
        };
        let message = Message {
            epoch: context().epoch,
            height: Height::new(1),
            body: MessageBody::Vote(vote),
        };
        let _refused = self.engine.handle_message(MemberIndex::new(by), &message);
        self.drain();
    }

    fn propose(&mut self, round: u32, value: Hash, valid_round: i32) {
        let by = self.engine.proposer(Height::new(1), Round::new(round));
        self.say(
            by.get(),
            VoteKind::Proposal,
            round,
            Some(value),
            valid_round,
        );
    }

    fn all(&mut self, kind: VoteKind, round: u32, value: Option<Hash>) {
        for by in self.others.clone() {
            self.say(by, kind, round, value, -1);
        }
    }

    /// Whether its record ends with a signature of this round's polka.
    fn can_prove(&self, round: u32) -> bool {
        let mut record = vec![0; record_bytes_max(self.engine.limits())];
        let len = self.engine.write_record(&mut record).unwrap();
        record[..len].ends_with(&[round as u8; 16])
    }
}

fn context() -> SigningContext {
    SigningContext {
        chain_id: Hash::new([3; 32]),
        epoch: Epoch::new(1),
        suite_id: 1,
    }
}

/// A polka certificate of the three others, as its layout says.
fn polka(others: &[u16], round: u32, value: Hash) -> Vec<u8> {
    let mut bytes = vec![1, 5];
    bytes.extend_from_slice(&context().epoch.get().to_le_bytes());
    bytes.extend_from_slice(&1_u64.to_le_bytes());
    bytes.extend_from_slice(&round.to_le_bytes());
    bytes.extend_from_slice(value.as_bytes());
    bytes.extend_from_slice(&(-1_i32).to_le_bytes());
    let signers = others.iter().fold(0_u128, |set, at| set | 1 << at);
    bytes.extend_from_slice(&signers.to_le_bytes());
    bytes.push(0);
    for _ in others {
        bytes.extend_from_slice(&16_u16.to_le_bytes());
        bytes.extend_from_slice(&[round as u8; 16]);
    }
    bytes
}

/// Locked on (5, V); then an old polka, of W in round 3, is installed because a proposal needs it.
#[test]
fn an_old_polka_must_not_replace_that_of_a_later_lock() {
    for (has_single_polka_slot, can_prove) in [(false, true), (true, false)] {
        let breaks = Breaks {
            has_single_polka_slot,
            ..Breaks::default()
        };
        let mut member = Alone::new(breaks, 3);
        for round in 0..5 {
            member.all(VoteKind::Precommit, round, None);
        }
        assert_eq!(member.engine.round(), Round::new(5));
        member.propose(5, V, -1);
        member.all(VoteKind::Prevote, 5, Some(V));
        assert_eq!(member.engine.locked(), Some((Round::new(5), V)));
        let two = member.others[..2].to_vec();
        for by in two {
            member.say(by, VoteKind::Precommit, 5, None, -1);
        }
        assert_eq!(member.engine.round(), Round::new(6));
        member.propose(6, W, 3);
        let bytes = polka(&member.others, 3, W);
        let from = MemberIndex::new(member.others[0]);
        let limits = member.engine.limits().clone();
        let message = Message::decode(&bytes, &limits).unwrap();
        member.engine.handle_message(from, &message).unwrap();
        member.drain();
        assert_eq!(
            member.engine.locked(),
            Some((Round::new(5), V)),
            "the lock holds"
        );
        for round in 6..8 {
            member.all(VoteKind::Precommit, round, None);
        }
        assert_eq!(member.can_prove(5), can_prove);
    }
}
