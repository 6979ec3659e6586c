//! Distances against their definitions.

use std::vec;
use std::vec::Vec;

use super::model::append_all;
use super::random::Random;
use crate::ordering::fair::{
    Gamma, GammaChecker, GammaMode, Graph, KendallTau, MajorityViolations, MeasureError,
    Parameters, Rank, Workspace, majority_violations,
};

fn five() -> Parameters {
    Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap()
}

#[test]
fn kendall_tau_counts_pairs() {
    let mut tau = KendallTau::new(40);
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut first: Vec<u32> = (0..40).filter(|_| random.chance(50)).collect();
        random.shuffle(&mut first);
        let mut second = first.clone();
        random.shuffle(&mut second);
        let place = |order: &[u32], id| order.iter().position(|own| *own == id).unwrap();
        let pairs = (0..first.len()).flat_map(|a| (a + 1..first.len()).map(move |b| (a, b)));
        let reversed = pairs
            .filter(|(a, b)| place(&second, first[*a]) > place(&second, first[*b]))
            .count();
        assert_eq!(
            tau.distance(&first, &second),
            Ok(reversed as u64),
            "seed {seed}"
        );
    }
    let rising: Vec<u32> = (0..40).collect();
    let falling: Vec<u32> = (0..40).rev().collect();
    assert_eq!(tau.distance(&rising, &falling), Ok(780));
    assert_eq!(tau.distance(&[], &[]), Ok(0));
    assert_eq!(tau.distance(&[1], &[2]), Err(MeasureError::NotAPermutation));
    assert_eq!(
        tau.distance(&[1, 1], &[1, 1]),
        Err(MeasureError::NotAPermutation)
    );
    assert_eq!(
        tau.distance(&[1, 2], &[1, 1]),
        Err(MeasureError::NotAPermutation)
    );
    assert_eq!(
        tau.distance(&[1, 2], &[1]),
        Err(MeasureError::NotAPermutation)
    );
    assert_eq!(tau.distance(&[40], &[40]), Err(MeasureError::UnknownVertex));
}

/// Two of four lists have 0 1 2, one 1 2 0, one 2 0 1: weights 3:1, 3:1, and 2:2.
#[test]
fn majority_violations_are_weighed() {
    let mut graph = Graph::new(five(), 3).unwrap();
    let mut workspace = Workspace::new(five(), 3, 0);
    graph.begin(3).unwrap();
    append_all(
        &mut graph,
        &[vec![0, 1, 2], vec![1, 2, 0], vec![2, 0, 1], vec![0, 1, 2]],
    );
    graph.propose(&mut workspace).unwrap();
    assert_eq!(
        majority_violations(&graph, &[0, 1, 2]),
        MajorityViolations::default()
    );
    let turned = majority_violations(&graph, &[2, 1, 0]);
    assert_eq!((turned.pair_count, turned.weight), (2, 4));
    assert_eq!(
        workspace
            .finalize(&graph, Rank::Path)
            .unwrap()
            .kemeny_excess(),
        0
    );
}

/// All five receive a before b before c. a is blank when b and c are formed, and follows them; the
/// cycle a → b → c → a spans two proposals and excuses it. Without that evidence it is a violation.
#[test]
fn a_cycle_over_two_proposals_excuses_a_reversed_pair() {
    let received = [[0, 1, 2]; 5];
    let mut checker = GammaChecker::new(five(), 3).unwrap();
    checker.begin(3, &received).unwrap();
    let report = checker.check(&[1, 2, 0]).unwrap();
    assert_eq!((report.violations, report.bound_pairs), (2, 3));
    assert_eq!(report.first_violation, Some((0, 1)));
    checker
        .add_evidence(&[vec![0, 1, 2], vec![1, 2], vec![2], vec![2]])
        .unwrap();
    let report = checker.check(&[1, 2, 0]).unwrap();
    assert_eq!((report.violations, report.reversed_in_cycles), (0, 2));
    assert_eq!(report.first_violation, None);
    let report = checker.check(&[0, 1, 2]).unwrap();
    assert_eq!((report.violations, report.reversed_in_cycles), (0, 0));
    // An id that is left out stands after the others.
    checker.begin(3, &received).unwrap();
    assert_eq!(checker.check(&[1]).unwrap().violations, 1);
    assert_eq!(checker.check(&[0]).unwrap().violations, 0);
}

#[test]
fn the_checker_refuses_what_is_no_history() {
    let mut checker = GammaChecker::new(five(), 3).unwrap();
    assert_eq!(checker.begin(4, &[[0]]), Err(MeasureError::TooManyVertices));
    assert_eq!(checker.begin(3, &[[3]]), Err(MeasureError::UnknownVertex));
    assert_eq!(checker.begin(3, &[[0]; 6]), Err(MeasureError::UnknownLog));
    checker.begin(3, &[[0]; 5]).unwrap();
    assert_eq!(
        checker.add_evidence(&[[u32::MAX]]),
        Err(MeasureError::UnknownVertex)
    );
    assert_eq!(checker.check(&[0, 0]), Err(MeasureError::NotAPermutation));
    assert_eq!(checker.check(&[3]), Err(MeasureError::UnknownVertex));
    assert!(GammaChecker::new(five(), 0).is_err());
    assert!(GammaChecker::new(five(), 40_000).is_err());
}
