//! Committees whose links lose and delay, whose members stop between any two effects, and of whom
//! one does not give its bodies, or wrong ones, over a change of epoch.

use std::vec;

use super::kit::{Chance, Fault, MS, Net};
use crate::consensus::CoordinatorEffect;
use crate::sequencer::tests::kit::membership;
use crate::types::Tick;

/// How long things go wrong, and how long after that everybody must be done.
const TROUBLE_NS: u64 = 3_000 * MS;
const CALM_NS: u64 = 20_000 * MS;

/// Lets a committee of four, and then of five, decide this many heights; gives how often a member
/// stopped and came back, and how many heights were decided while things went wrong.
fn run(seed: u64, heights: u64) -> (u64, usize) {
    let mut net = Net::new(5, 4);
    let mut chance = Chance::new(seed, Tick::new(TROUBLE_NS));
    let first_end = 1 + chance.below(heights - 1);
    net.epochs = vec![
        (membership(0, &[1; 4]), first_end),
        (membership(1, &[1; 5]), u64::MAX),
    ];
    let at = chance.below(5) as usize;
    net.nodes[at].fault = match chance.below(3) {
        0 => None,
        1 => Some(Fault::Withholds),
        _ => Some(Fault::SendsWrongBodies),
    };
    net.chance = Some(chance);
    net.last = heights;
    net.start_all();
    let end = Tick::new(TROUBLE_NS + CALM_NS);
    let is_done = |net: &Net| {
        let mut nodes = net.nodes.iter();
        nodes.all(|node| node.disk.decided.len() as u64 == heights)
    };
    let mut early = 0;
    while !is_done(&net) {
        let decided = net.nodes.iter().map(|node| node.disk.decided.len());
        let decided: vec::Vec<_> = decided.collect();
        assert!(net.now < end, "seed {seed}: {decided:?} of {heights}");
        net.step();
        if net.now < Tick::new(TROUBLE_NS) {
            early = decided.iter().max().copied().unwrap_or(0);
        }
    }
    net.assert_agreement();
    for node in &net.nodes {
        let evidence = node.effects.iter().filter(|effect| {
            // Nobody signs two statements in one place here, whatever it does with bodies.
            matches!(effect, CoordinatorEffect::Evidence { .. })
        });
        assert_eq!(evidence.count(), 0, "seed {seed}");
        let blamed = |effect: &CoordinatorEffect| match effect {
            CoordinatorEffect::WrongBody { member, .. } => Some(member.get() as usize),
            _ => None,
        };
        let mut blamed = node.effects.iter().filter_map(blamed);
        let is_liar = |at: usize| net.nodes[at].fault == Some(Fault::SendsWrongBodies);
        assert!(blamed.all(is_liar), "seed {seed}");
    }
    (net.restart_count, early)
}

#[test]
fn trouble_ends_and_all_have_decided_the_same() {
    let seeds = std::env::var("CONSENSUS_SEEDS").ok();
    let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(1_u64) * 8;
    let (mut restarts, mut early) = (0, 0);
    for seed in 1..=seeds {
        let (restarted, decided) = run(seed, 10);
        restarts += restarted;
        early += decided;
    }
    // Things did go wrong, and did not only stand still.
    assert!(
        restarts > seeds && early as u64 > seeds,
        "{restarts} {early}"
    );
}
