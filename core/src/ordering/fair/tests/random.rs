//! Seeded instances.

use std::vec::Vec;

use crate::ordering::fair::{GammaMode, Parameters};

/// SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn shuffle(&mut self, list: &mut [u32]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    pub(super) fn parameters(&mut self) -> Parameters {
        let choices = [
            (1, 0, 1, GammaMode::All),
            (3, 0, 2, GammaMode::All),
            (5, 1, 5, GammaMode::All),
            (5, 0, 3, GammaMode::All),
            (6, 1, 6, GammaMode::All),
            (7, 1, 6, GammaMode::All),
            (7, 1, 5, GammaMode::Honest),
            (9, 2, 9, GammaMode::All),
            (10, 1, 8, GammaMode::All),
            (13, 2, 10, GammaMode::Honest),
            (21, 5, 21, GammaMode::All),
        ];
        let (n, f, quorum, mode) = choices[self.below(choices.len() as u64) as usize];
        Parameters::with_quorum(n, f, quorum, mode).unwrap()
    }

    /// Lists of `ids`, which mostly agree, contradict each other, or do anything; some end early.
    pub(super) fn lists(&mut self, parameters: Parameters, ids: &[u32]) -> Vec<Vec<u32>> {
        let spread = [0, 3, 10, 1_000][self.below(4) as usize] + 1;
        let cut_percent = [0, 30, 100][self.below(3) as usize];
        let skip_percent = [0, 5, 40, 60][self.below(4) as usize];
        // Ids that the same few members know, in no order at all, make graphs with missing edges.
        let sparse = self.chance(40);
        let few = parameters.threshold() + self.below(2) as u32 + u32::from(parameters.f() > 1);
        let missing = self.below(u64::from(parameters.f()) + 1) as u32;
        let one = |random: &mut Self, log: u32| {
            if sparse {
                let here = log + few >= parameters.n();
                let known = |id: &u32, random: &mut Self| {
                    random.chance(95) && (id.is_multiple_of(3) || here)
                };
                let mut list: Vec<u32> = ids.to_vec();
                list.retain(|id| known(id, random));
                random.shuffle(&mut list);
                return list;
            }
            let mut arrivals = Vec::new();
            for (at, id) in (0..).zip(ids) {
                if !random.chance(skip_percent) {
                    arrivals.push((at + random.below(spread), *id));
                }
            }
            arrivals.sort_unstable();
            let mut list: Vec<u32> = arrivals.into_iter().map(|(_, id)| id).collect();
            if random.chance(cut_percent) {
                list.truncate(random.below(list.len() as u64 + 1) as usize);
            }
            if random.chance(5) {
                list.reverse();
            }
            if random.chance(10) && !list.is_empty() {
                let again = list[random.below(list.len() as u64) as usize];
                list.push(again);
            }
            list
        };
        (missing..parameters.n())
            .map(|log| one(self, log))
            .collect()
    }
}
