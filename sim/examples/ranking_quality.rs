//! How many majority pairs each ranking goes against, beside the figures of a study of rankings.
//!
//! `cargo run --release -p hauptbuch-sim --example ranking_quality`
//!
//! 200 transactions are sent at exponential intervals of mean 1, and reach each of n members after
//! an exponential delay of mean r. All lists count, an edge goes with the majority, and equal
//! weights go to the smaller id, which was sent earlier. A cell is the mean over five seeds of the
//! pairs that the order has against the majority, and of the votes by which it is.

use hauptbuch_core::ordering::fair::{
    Gamma, GammaMode, Graph, MajorityViolations, Parameters, Rank, Workspace, majority_violations,
};

const COUNT: u32 = 200;
const SEEDS: u64 = 5;

/// Pairs and votes of the four rankings.
type Cells = [(u64, u64); 4];

/// What the study has for path, Copeland, Copeland with local Kemenization, and ranked pairs: pairs
/// and votes.
const REFERENCE: [(u32, u32, Cells); 5] = [
    (4, 25, [(175, 366), (174, 352), (142, 288), (42, 84)]),
    (21, 25, [(613, 3_148), (212, 388), (153, 269), (178, 232)]),
    (
        21,
        100,
        [
            (14_374, 141_713),
            (1_022, 1_838),
            (898, 1_590),
            (993, 1_544),
        ],
    ),
    (
        101,
        100,
        [(4_110, 109_340), (434, 1_683), (342, 1_307), (396, 1_147)],
    ),
    (
        101,
        400,
        [
            (14_625, 269_335),
            (1_576, 5_942),
            (1_422, 5_256),
            (1_547, 5_148),
        ],
    ),
];

/// SplitMix64, and exponential numbers made of it.
struct Random(u64);

impl Random {
    fn exponential(&mut self, mean: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        let uniform = ((mixed ^ mixed >> 31) >> 11) as f64 / (1_u64 << 53) as f64;
        -mean * (1.0 - uniform).ln()
    }
}

fn fill(graph: &mut Graph, n: u32, r: u32, random: &mut Random) {
    graph.begin(COUNT).expect("within the limit");
    let mut time = 0.0;
    let sent: Vec<f64> = (0..COUNT)
        .map(|_| {
            time += random.exponential(1.0);
            time
        })
        .collect();
    for member in 0..n {
        let mut arrivals: Vec<(f64, u32)> = (0..)
            .zip(&sent)
            .map(|(id, sent)| (sent + random.exponential(f64::from(r)), id))
            .collect();
        arrivals.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        for (_, id) in arrivals {
            graph.append(member, id).expect("a member and an id");
        }
    }
}

/// By how many others each beats, ties by id, and nothing more.
fn copeland(graph: &Graph) -> Vec<u32> {
    let score = |id: u32| (0..COUNT).filter(|it| graph.has_edge(id, *it)).count();
    let mut order: Vec<(usize, u32)> = (0..COUNT).map(|id| (score(id), id)).collect();
    order.sort_unstable_by_key(|(score, id)| (core::cmp::Reverse(*score), *id));
    order.into_iter().map(|(_, id)| id).collect()
}

fn main() {
    println!("| n, r | | path | Copeland | Copeland+LK (the default) | ranked pairs |");
    println!("|---|---|---|---|---|---|");
    for (n, r, reference) in REFERENCE {
        let parameters =
            Parameters::new(n, 0, Gamma::ONE, GammaMode::All).expect("nobody lies here");
        let mut graph = Graph::new(parameters, COUNT).expect("within the limit");
        let mut workspace = Workspace::new(parameters, COUNT, COUNT);
        let mut sums = [(0, 0); 4];
        for seed in 0..SEEDS {
            let mut random = Random(seed << 32 | u64::from(n * 1_000 + r));
            fill(&mut graph, n, r, &mut random);
            graph.propose(&mut workspace).expect("collecting");
            let mut ranked = |rank| {
                let order = workspace.finalize(&graph, rank).expect("complete");
                order.vertices().to_vec()
            };
            let orders = [
                ranked(Rank::Path),
                copeland(&graph),
                ranked(Rank::Copeland),
                ranked(Rank::RankedPairs),
            ];
            for (sum, order) in sums.iter_mut().zip(&orders) {
                let MajorityViolations { pair_count, weight } = majority_violations(&graph, order);
                *sum = (sum.0 + pair_count, sum.1 + weight);
            }
        }
        let row = |name: &str, cells: Cells| {
            let cells = cells.map(|(pairs, votes)| format!("{pairs} ({votes})"));
            println!("| {n}, {r} | {name} | {} |", cells.join(" | "));
        };
        let mean = |sum: u64| (sum + SEEDS / 2) / SEEDS;
        row(
            "ours",
            sums.map(|(pairs, votes)| (mean(pairs), mean(votes))),
        );
        row("reference", reference);
    }
}
