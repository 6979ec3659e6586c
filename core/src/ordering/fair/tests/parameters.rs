//! Thresholds, and what is infeasible.

use crate::ordering::fair::{Gamma, GammaMode, Graph, GraphError, Parameters, ParametersError};

const fn gamma(numerator: u32, denominator: u32) -> Gamma {
    Gamma {
        numerator,
        denominator,
    }
}

#[test]
fn thresholds_are_the_published_ones() {
    let all = [
        (5, 1, gamma(1, 1), 2, 3),
        (7, 1, gamma(9, 10), 2, 5),
        (6, 1, gamma(9, 10), 2, 4),
        (5, 1, gamma(9, 10), 2, 3),
        (20, 4, gamma(1, 1), 5, 12),
        (21, 5, gamma(1, 1), 6, 11),
        (21, 2, gamma(3, 4), 8, 17),
        (100, 24, gamma(1, 1), 25, 52),
        (101, 25, gamma(1, 1), 26, 51),
        (1, 0, gamma(1, 1), 1, 1),
    ];
    for (n, f, gamma, threshold, solid_min) in all {
        let parameters = Parameters::new(n, f, gamma, GammaMode::All).unwrap();
        assert_eq!(
            (parameters.threshold(), parameters.solid_min()),
            (threshold, solid_min)
        );
    }
    let honest = Parameters::new(21, 2, gamma(3, 4), GammaMode::Honest).unwrap();
    assert_eq!(
        (honest.threshold(), honest.quorum(), honest.solid_min()),
        (7, 15, 17)
    );
}

#[test]
fn the_infeasible_is_refused() {
    let refused = |n, f, share, mode| Parameters::new(n, f, share, mode).unwrap_err();
    for mode in [GammaMode::All, GammaMode::Honest] {
        assert_eq!(
            refused(4, 1, Gamma::ONE, mode),
            ParametersError::FairnessInfeasible
        );
        assert_eq!(
            refused(0, 0, Gamma::ONE, mode),
            ParametersError::CommitteeSizeOutOfRange
        );
        assert_eq!(
            refused(256, 0, Gamma::ONE, mode),
            ParametersError::CommitteeSizeOutOfRange
        );
        assert_eq!(
            refused(3, 3, Gamma::ONE, mode),
            ParametersError::FaultCountOutOfRange
        );
        assert_eq!(
            refused(3, u32::MAX, Gamma::ONE, mode),
            ParametersError::FaultCountOutOfRange
        );
        for share in [
            gamma(1, 2),
            gamma(0, 1),
            gamma(1, 0),
            gamma(0, 0),
            gamma(4, 3),
        ] {
            assert_eq!(refused(5, 0, share, mode), ParametersError::GammaOutOfRange);
        }
        let largest = gamma(u32::MAX, u32::MAX);
        assert!(Parameters::new(255, 63, largest, mode).is_ok());
    }
    assert_eq!(
        refused(100, 9, gamma(3, 5), GammaMode::All),
        ParametersError::FairnessInfeasible
    );
    let quorum = Parameters::with_quorum(5, 1, 6, GammaMode::All);
    assert_eq!(quorum.unwrap_err(), ParametersError::GammaOutOfRange);
    let quorum = Parameters::with_quorum(5, 1, u32::MAX, GammaMode::All);
    assert_eq!(quorum.unwrap_err(), ParametersError::GammaOutOfRange);
}

/// Feasible means exactly: a pair with a solid vertex has T votes on one side, however they fall.
#[test]
fn feasible_is_complete_and_no_more() {
    for n in 1_u32..=40 {
        for f in 0..n {
            for quorum in 0..=n {
                for (mode, liars) in [(GammaMode::All, f), (GammaMode::Honest, 0)] {
                    let threshold = n + liars + 1 - quorum;
                    let votes = n.checked_sub(2 * f).filter(|votes| *votes > 0);
                    let complete = votes.is_some_and(|votes| votes.div_ceil(2) >= threshold);
                    let found = Parameters::with_quorum(n, f, quorum, mode);
                    let in_range = mode == GammaMode::All || quorum <= n - f;
                    assert_eq!(
                        found.is_ok(),
                        complete && in_range,
                        "{n} {f} {quorum} {mode:?}"
                    );
                    if let Ok(parameters) = found {
                        assert_eq!(parameters.threshold(), threshold);
                        assert!(threshold >= 1 && threshold <= parameters.solid_min());
                    }
                }
            }
        }
    }
}

#[test]
fn a_graph_has_its_limits() {
    let parameters = Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap();
    for vertex_count_max in [0, 32_767, u32::MAX] {
        let refused = Graph::new(parameters, vertex_count_max).map(|_| ());
        assert_eq!(refused, Err(GraphError::LimitOutOfRange));
    }
}
