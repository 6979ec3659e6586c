//! How long the order of 1,000 transactions takes, from counting to the final order.
//!
//! `cargo run --release -p hauptbuch-core --example order_time`
//!
//! Lists come from a seeded generator: each member receives each transaction at its sending time,
//! one unit after the one before, plus a delay that is the same for all (unanimous), or that lies
//! between nothing and a spread (skew), or each list is a permutation of its own (random).

use std::time::Instant;

use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Graph, Parameters, Rank, Workspace};

const VERTEX_COUNT: u32 = 1_000;
const RUNS: usize = 101;

/// SplitMix64: enough to spread arrivals.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % bound
    }
}

fn lists(log_count: u32, spread: u64, random: &mut Random) -> Vec<Vec<u32>> {
    // Ids say nothing about when a transaction was sent.
    let mut sent: Vec<u32> = (0..VERTEX_COUNT).collect();
    for last in (1..sent.len()).rev() {
        sent.swap(last, random.below(last as u64 + 1) as usize);
    }
    let one_list = |_| {
        let mut arrivals: Vec<(u64, u32)> = (0..)
            .zip(&sent)
            .map(|(at, id)| (at * 1_000 + random.below(spread * 1_000 + 1), *id))
            .collect();
        arrivals.sort_unstable();
        arrivals.into_iter().map(|(_, id)| id).collect()
    };
    (0..log_count).map(one_list).collect()
}

fn measure(name: &str, n: u32, spread: u64, every_list: bool) {
    let f = (n - 1) / 4;
    let parameters =
        Parameters::new(n, f, Gamma::ONE, GammaMode::All).expect("n is at least 4f + 1");
    let mut graph = Graph::new(parameters, VERTEX_COUNT).expect("within the limit");
    let mut workspace = Workspace::new(parameters, VERTEX_COUNT, 0);
    let log_count = if every_list { n } else { n - f };
    let lists = lists(log_count, spread, &mut Random(u64::from(n)));
    let mut times = [[0; 3]; RUNS];
    let mut shape = (0, 0);
    for time in &mut times {
        let start = Instant::now();
        graph.begin(VERTEX_COUNT).expect("within the limit");
        for (log, list) in (0..).zip(&lists) {
            for vertex in list {
                graph.append(log, *vertex).expect("a vertex and a log");
            }
        }
        let appended = Instant::now();
        graph.propose(&mut workspace).expect("collecting");
        let proposed = Instant::now();
        let order = workspace
            .finalize(&graph, Rank::Copeland)
            .expect("complete");
        shape = (
            order.components().count(),
            order.components().map(<[u32]>::len).max().unwrap_or(0),
        );
        assert_eq!(order.vertices().len(), VERTEX_COUNT as usize);
        let ranked = Instant::now();
        *time = [start, appended, proposed].map(|from| (ranked - from).as_nanos() as u64);
        time[0] -= time[1];
        time[1] -= time[2];
    }
    let median = |part: usize| {
        let mut all: Vec<u64> = times.iter().map(|time| time[part]).collect();
        all.sort_unstable();
        all[RUNS / 2] as f64 / 1e6
    };
    let [append, propose, rank] = [median(0), median(1), median(2)];
    let both = propose + rank;
    println!(
        "{name:>9} {n:>4} {log_count:>5} {append:>8.3} {propose:>8.3} {rank:>8.3} {both:>8.3} \
         {:>6} {:>6}",
        shape.0, shape.1
    );
}

fn main() {
    println!("    lists    n lists   append  propose     rank   ms both  comps  max");
    for n in [5, 21, 100] {
        for every_list in [true, false] {
            for (name, spread) in [
                ("unanimous", 0),
                ("skew 25", 25),
                ("skew 100", 100),
                ("random", 1_000_000),
            ] {
                measure(name, n, spread, every_list);
            }
        }
    }
}
