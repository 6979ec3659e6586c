use hauptbuch_core::ordering::fair::{Graph, Rank, Workspace, majority_violations};

use hauptbuch_core::types::Tick;

use super::*;
use crate::arrivals::{ArrivalModel, Origin, Spread};
use crate::attack::committee;
use crate::workload::Random;

fn observed<'a>(received: &'a [Vec<u32>], output: &'a [u32], n: u32, f: u32) -> Observed<'a> {
    Observed {
        parameters: committee(n, f).unwrap(),
        arrivals: "modelled arrivals",
        transaction_count: output.len() as u32,
        received,
        evidence: &[],
        sent: None,
        output,
        component_sizes: &[],
        deferred_rounds: &[],
    }
}

fn shuffled(count: u32, random: &mut Random) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last as u64 + 1) as usize);
    }
    order
}

#[test]
fn one_order_is_perfectly_fair() {
    let order: Vec<u32> = vec![2, 0, 3, 1];
    let received = vec![order.clone(); 5];
    let mut observed = observed(&received, &order, 5, 1);
    observed.sent = Some(&order);
    let report = measure(&observed).unwrap();
    assert_eq!(report.kendall_max_ppm, 0);
    assert_eq!(report.kendall_sent, Some(Agreement::new(6, 0)));
    assert_eq!((report.pairs.compared.0, report.pairs.backward.0), (6, 0));
    assert_eq!(report.pairs.by_distance[5].0, 6);
    assert_eq!((report.gamma.bound.0, report.gamma.violations.0), (6, 0));
    assert_eq!(report.displacement.max, 0);
}

#[test]
fn the_opposite_order_is_perfectly_unfair() {
    let order: Vec<u32> = (0..10).collect();
    let received = vec![order; 5];
    let output: Vec<u32> = (0..10).rev().collect();
    let report = measure(&observed(&received, &output, 5, 1)).unwrap();
    assert_eq!(
        (report.kendall_mean_ppm, report.kendall_max_ppm),
        (1_000_000, 1_000_000)
    );
    assert_eq!(
        (report.pairs.backward.0, report.pairs.backward_weight.0),
        (45, 225)
    );
    assert_eq!(report.gamma.violations.0, 45);
    assert_eq!(
        (report.displacement.max, report.displacement.mean_permille.0),
        (9, 5_000)
    );
}

#[test]
fn pairs_are_counted_as_the_kernel_counts_them() {
    let mut random = Random::from_seed(b"hauptbuch/test/fairness\0", 1);
    for round in 0..20 {
        let count = 40;
        let received: Vec<Vec<u32>> = (0..5)
            .map(|_| {
                let mut order = shuffled(count, &mut random);
                order.truncate(count as usize - random.below(8) as usize);
                order
            })
            .collect();
        let output = shuffled(count, &mut random);
        let parameters = committee(5, 1).unwrap();
        let mut graph = Graph::new(parameters, count).unwrap();
        graph.begin(count).unwrap();
        for (log, order) in (0..).zip(&received) {
            for id in order {
                graph.append(log, *id).unwrap();
            }
        }
        graph
            .propose(&mut Workspace::new(parameters, count, 0))
            .unwrap();
        let expected = majority_violations(&graph, &output);
        let found = measure(&observed(&received, &output, 5, 1)).unwrap().pairs;
        assert_eq!(found.backward.0, expected.pair_count, "round {round}");
        assert_eq!(found.backward_weight.0, expected.weight, "round {round}");
    }
}

/// All saw a before b, b alone came out in time, and a cycle over two rounds excuses that.
#[test]
fn a_cycle_over_two_proposals_is_no_violation() {
    let (a, b, c) = (0, 1, 2);
    let received = vec![vec![a, b, c], vec![b, c], vec![c], vec![c]];
    // What they received in the end; the lists of the first round were shorter.
    let whole: Vec<Vec<u32>> = vec![
        vec![a, b, c],
        vec![a, b, c],
        vec![c, a, b],
        vec![c, a, b],
        vec![c, a, b],
    ];
    let output = [b, c, a];
    let mut observed = observed(&whole, &output, 5, 1);
    assert_eq!(measure(&observed).unwrap().gamma.violations.0, 1);
    let evidence = [received];
    observed.evidence = &evidence;
    let gamma = measure(&observed).unwrap().gamma;
    assert_eq!((gamma.violations.0, gamma.reversed_in_cycles.0), (0, 1));
}

#[test]
fn replays_keep_the_promise_and_windows_agree() {
    let mut model = ArrivalModel::new(5);
    let (seed, rank) = (1, Rank::Copeland);
    model.spread = Spread::Measured {
        scale_permille: 200,
    };
    let sent: Vec<Tick> = (0..1_100).map(|at| Tick::new(at * 4_000_000)).collect();
    let arrivals = model.of_times(&sent, Origin::Modelled, seed).unwrap();
    let replay = replay(&arrivals, committee(5, 1).unwrap(), rank, 300_000_000).unwrap();
    let sent: Vec<u32> = (0..1_100).collect();
    let mut observed = replay.observed(&arrivals);
    observed.sent = Some(&sent);
    let report = measure(&observed).unwrap();
    assert_eq!(report.ordered.0, 1_100);
    assert_eq!(report.gamma.violations.0, 0);
    assert!(report.gamma.bound.0 > 100_000);
    let sizes: u32 = replay.component_sizes.iter().sum();
    assert_eq!(sizes, 1_100);
    assert!(report.components.in_cycles.0 > 0);
    assert_eq!(report.deferred_rounds.count.0, 1_100);
    assert!(report.kendall_sent.unwrap().discordant_ppm < 200_000);
    let json = report.to_json();
    let back: FairnessReport = serde_json::from_str(&json).unwrap();
    assert_eq!(back, report);
    assert!(!json.contains('.'), "no fractions: {json}");
}

#[test]
fn the_default_ranking_goes_against_fewer_pairs_than_a_plain_path() {
    let model = ArrivalModel::new(5);
    let sent: Vec<Tick> = (0..600).map(|at| Tick::new(at * 4_000_000)).collect();
    let arrivals = model.of_times(&sent, Origin::Modelled, 5).unwrap();
    let backward = |rank| {
        let replay = replay(&arrivals, committee(5, 1).unwrap(), rank, 1_000_000_000).unwrap();
        measure(&replay.observed(&arrivals))
            .unwrap()
            .pairs
            .backward
            .0
    };
    assert!(backward(Rank::Path) > 3 * backward(Rank::Copeland));
}

#[test]
fn figures_of_sizes_and_quantities() {
    let figures = ComponentFigures::of(&[1, 1, 3, 8, 9]);
    assert_eq!(
        (figures.count.0, figures.largest, figures.in_cycles.0),
        (5, 9, 20)
    );
    assert_eq!(figures.in_cycles_ppm, 909_090);
    let sizes: Vec<_> = figures
        .sizes
        .iter()
        .map(|it| (it.from, it.batches.0, it.transactions.0))
        .collect();
    assert_eq!(sizes, [(1, 2, 2), (2, 1, 3), (8, 2, 17)]);
    let quantity = Quantity::of((1..=100).rev().collect());
    assert_eq!((quantity.p50, quantity.p95, quantity.max), (50, 95, 100));
    assert_eq!(quantity.mean_permille.0, 50_500);
    assert_eq!(Quantity::of(Vec::new()), Quantity::default());
}

#[test]
fn what_is_no_order_is_refused() {
    let received = vec![vec![0, 1]];
    let refused = |received: &[Vec<u32>], output: &[u32]| {
        let mut observed = observed(received, output, 5, 1);
        observed.transaction_count = 2;
        measure(&observed).unwrap_err()
    };
    assert_eq!(
        refused(&received, &[0, 2]),
        FairnessError::UnknownTransaction
    );
    assert_eq!(refused(&received, &[0, 0]), FairnessError::Repeated);
    assert_eq!(refused(&[vec![1, 1]], &[0, 1]), FairnessError::Repeated);
    assert_eq!(
        refused(&vec![vec![0]; 6], &[0, 1]),
        FairnessError::TooManyLists
    );
    let model = ArrivalModel::new(5);
    let parameters = committee(5, 1).unwrap();
    let sent: Vec<Tick> = (0..5_000).map(Tick::new).collect();
    let arrivals = model.of_times(&sent, Origin::Modelled, 0).unwrap();
    let refused = |round_ns| replay(&arrivals, parameters, Rank::Path, round_ns).unwrap_err();
    assert_eq!(
        refused(1),
        FairnessError::TooManyTransactions {
            max: REPLAY_COUNT_MAX
        }
    );
    assert_eq!(refused(0), FairnessError::NoRound);
}
