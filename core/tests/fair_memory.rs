//! Order fairness takes from the allocator what its footprints say, and nothing afterwards.

#[path = "common/counting.rs"]
mod counting;

use hauptbuch_core::ordering::fair::{
    Condensation, Gamma, GammaChecker, GammaMode, Graph, KendallTau, Line, Parameters, Rank,
    Rounds, Twin, Workspace,
};

fn taken<T>(make: impl FnOnce() -> T) -> u64 {
    let before = counting::given_bytes();
    let made = make();
    let bytes = counting::given_bytes() - before;
    drop(made);
    bytes
}

fn parameters(n: u32) -> Parameters {
    Parameters::new(n, (n - 1) / 4, Gamma::ONE, GammaMode::All).expect("n is at least 4f + 1")
}

#[test]
fn footprints_are_exact() {
    for n in [1, 5, 21, 100] {
        let own = parameters(n);
        for count in [1, 63, 64, 65, 129, 300] {
            for pairs in [0, 1, 50, 1_000] {
                let bytes = taken(|| Workspace::new(own, count, pairs));
                assert_eq!(bytes, Workspace::footprint_bytes(own, count, pairs));
                let bytes = taken(|| Twin::new(own, count, pairs).expect("within limits"));
                assert_eq!(bytes, Twin::footprint_bytes(own, count, pairs));
                let bytes =
                    taken(|| Rounds::new(own, Rank::Path, count, 2, pairs).expect("within limits"));
                assert_eq!(bytes, Rounds::footprint_bytes(own, count, 2, pairs));
            }
            let bytes = taken(|| Graph::new(own, count).expect("within limits"));
            assert_eq!(bytes, Graph::footprint_bytes(own, count));
            let bytes = taken(|| Line::new(own, count, 3).expect("within limits"));
            assert_eq!(bytes, Line::footprint_bytes(own, count, 3));
            let bytes = taken(|| GammaChecker::new(own, count).expect("within limits"));
            assert_eq!(bytes, GammaChecker::footprint_bytes(own, count));
            assert_eq!(
                taken(|| KendallTau::new(count)),
                KendallTau::footprint_bytes(count)
            );
            assert_eq!(
                taken(|| Condensation::new(count)),
                Condensation::footprint_bytes(count)
            );
        }
    }
}

#[test]
fn nothing_is_taken_after_construction() {
    const COUNT: u32 = 150;
    let own = parameters(5);
    let turned = |log: u32, place: u32| (place + 37 * log) % COUNT;
    let lists: Vec<Vec<u32>> = (0..4)
        .map(|log| (0..COUNT).map(|place| turned(log, place)).collect())
        .collect();
    // Two shaded ids without an edge, so that the update has work to do.
    let open = [vec![0, 1, 2], vec![1, 0, 2], vec![2], vec![2], vec![]];
    let updates = [vec![0, 1], vec![1, 0], vec![0], vec![], vec![]];
    let mut rounds = Rounds::new(own, Rank::RankedPairs, COUNT, 3, COUNT).expect("within limits");
    let mut checker = GammaChecker::new(own, COUNT).expect("within limits");
    let mut tau = KendallTau::new(COUNT);
    let before = counting::calls();
    rounds.round(&open, &[]).expect("known ids");
    assert!(rounds.released().is_empty());
    rounds.round(&lists, &[]).expect("known ids");
    assert!(rounds.order().expect("complete").kemeny_excess() > 0);
    rounds.round(&[], &updates).expect("known ids");
    assert_eq!(rounds.released().len(), COUNT as usize);
    checker.begin(COUNT, &lists).expect("known ids");
    checker.add_evidence(&lists).expect("known ids");
    checker.check(rounds.released()).expect("distinct ids");
    tau.distance(&lists[0], rounds.released())
        .expect("the same ids");
    assert_eq!(counting::calls(), before, "the allocator was called");
}
