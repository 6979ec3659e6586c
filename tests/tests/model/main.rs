//! x
mod bursts;
mod committee;
mod member;
mod words;

use committee::Committee;
use hauptbuch_core::consensus::Breaks;
use stateright::{Checker, Model};

#[test]
fn walk() {
    let states: usize = std::env::var("HAUPTBUCH_MODEL_STATES").map_or(50_000, |count| count.parse().unwrap());
    let (first, second) = (Committee::proposer(0), Committee::proposer(1));
    let other = (0..4).find(|member| *member != first && *member != second).unwrap();
    for byzantine in [first, second, other] {
        let begun = std::time::Instant::now();
        let checker = Committee::new(byzantine, Breaks::default())
            .checker()
            .threads(2)
            .target_state_count(states)
            .spawn_bfs()
            .join();
        println!("byz {byzantine} unique {} generated {} depth {} known {:?} done {} in {:?}", checker.unique_state_count(), checker.state_count(), checker.max_depth(), checker.model().known_counts(), checker.is_done(), begun.elapsed());
        for (name, path) in checker.discoveries() { println!("{name}: {}", path.into_actions().len()); }
    }
}
