//! What pairs of transactions say.

use super::report::PairFigures;

/// How many comparisons of two places the pairs may take.
pub const PAIR_WORK_MAX: u64 = 1 << 28;

/// Pairs are compared at least so many places apart.
const PLACES_MIN: u64 = 32;

/// Compares the pairs of an order, nearest ones first where there are too many for all.
pub(super) fn compare(output: &[u32], received: &[Vec<u32>], n: usize) -> PairFigures {
    let count = output.len() as u64;
    let each = (count * received.len() as u64).max(1);
    let places_max = (PAIR_WORK_MAX / each).max(PLACES_MIN);
    let places_max = places_max.min(count.saturating_sub(1));
    // By place in the output, so that the inner loop walks through memory in order.
    let rows: Vec<Vec<u32>> = received
        .iter()
        .map(|places| output.iter().map(|id| places[*id as usize]).collect())
        .collect();
    let mut by_distance = vec![0_u64; n + 1];
    let mut backward_by_distance = vec![0_u64; n + 1];
    for at in 0..output.len() {
        let end = (at + 1 + places_max as usize).min(output.len());
        for later in at + 1..end {
            let (mut with, mut against) = (0_usize, 0_usize);
            for row in &rows {
                // One that received neither has both at the same place, which is none.
                with += usize::from(row[at] < row[later]);
                against += usize::from(row[later] < row[at]);
            }
            let distance = with.abs_diff(against);
            by_distance[distance] += 1;
            backward_by_distance[distance] += u64::from(against > with);
        }
    }
    let weighted = (0_u64..).zip(&backward_by_distance);
    PairFigures {
        places_max: places_max as u32,
        compared: by_distance.iter().sum::<u64>().into(),
        backward: backward_by_distance.iter().sum::<u64>().into(),
        backward_weight: weighted.map(|(it, count)| it * count).sum::<u64>().into(),
        by_distance: by_distance.into_iter().map(Into::into).collect(),
        backward_by_distance: backward_by_distance.into_iter().map(Into::into).collect(),
    }
}
