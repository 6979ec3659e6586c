//! What an order is worth: distances, violations, sizes.

use alloc::boxed::Box;

use super::bits::{BitMatrix, ones};
use super::condense::Condensation;
use super::graph::{Graph, GraphError};
use super::lists::Lists;
use super::parameters::{Parameters, VERTEX_COUNT_MAX};
use super::rank::RankedOrder;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::error::operation_error;

operation_error! {
    /// Why orders could not be compared.
    MeasureError { NotAPermutation, UnknownVertex, UnknownLog, TooManyVertices }
}

/// Pairs of an order against which more lists vote than for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MajorityViolations {
    /// How many such pairs there are.
    pub pair_count: u64,
    /// By how many votes in all: over the whole order the Kemeny excess.
    pub weight: u64,
}

/// Counts the pairs of `order` that the majority of a graph's lists has the other way round.
///
/// `order` may hold any vertices of the graph, in any order. O(k²·n) for k of them.
#[must_use]
pub fn majority_violations(graph: &Graph, order: &[u32]) -> MajorityViolations {
    let mut violations = MajorityViolations::default();
    for (at, earlier) in order.iter().enumerate() {
        for later in &order[at + 1..] {
            let (with, against) = graph.weights(*earlier, *later);
            violations.pair_count += u64::from(against > with);
            violations.weight += u64::from(against.saturating_sub(with));
        }
    }
    violations
}

/// How large the components of an order are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ComponentSizes {
    /// How many components there are.
    pub component_count: u32,
    /// How many vertices the largest one has.
    pub largest: u32,
    /// How many vertices stand in components of more than one.
    pub in_cycles: u32,
}

/// The sizes of the components of an order: where fairness alone decides, and where the ranking.
#[must_use]
pub fn component_sizes(order: &RankedOrder<'_>) -> ComponentSizes {
    let mut sizes = ComponentSizes::default();
    for component in order.components() {
        let size = component.len() as u32;
        sizes.component_count += 1;
        sizes.largest = sizes.largest.max(size);
        sizes.in_cycles += if size > 1 { size } else { 0 };
    }
    sizes
}

/// Counts the pairs that two orders of the same numbers have the other way round.
///
/// Memory: 12 bytes for each number below the limit.
#[derive(Debug)]
pub struct KendallTau {
    /// One more than the place of a number in the first order; 0 where it is in none.
    places: Box<[u32]>,
    sorted: Box<[u32]>,
    merged: Box<[u32]>,
}

impl KendallTau {
    /// Makes room for orders of numbers below `count_max`.
    #[must_use]
    pub fn new(count_max: u32) -> Self {
        Self {
            places: fixed_slice(count_max as usize, 0),
            sorted: fixed_slice(count_max as usize, 0),
            merged: fixed_slice(count_max as usize, 0),
        }
    }

    /// The bytes that [`KendallTau::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(count_max: u32) -> u64 {
        3 * fixed_slice_bytes::<u32>(count_max as usize)
    }

    /// The Kendall tau distance: 0 for equal orders, m·(m−1)/2 for opposite ones. O(m log m).
    ///
    /// # Errors
    /// [`MeasureError::NotAPermutation`] unless both hold the same numbers, each once;
    /// [`MeasureError::UnknownVertex`] for a number that is not below the limit.
    pub fn distance(&mut self, first: &[u32], second: &[u32]) -> Result<u64, MeasureError> {
        if first
            .iter()
            .chain(second)
            .any(|number| *number as usize >= self.places.len())
        {
            return Err(MeasureError::UnknownVertex);
        }
        if first.len() != second.len() || first.len() > self.places.len() {
            return Err(MeasureError::NotAPermutation);
        }
        self.places.fill(0);
        for (place, number) in (1..).zip(first) {
            let own = &mut self.places[*number as usize];
            if *own != 0 {
                return Err(MeasureError::NotAPermutation);
            }
            *own = place;
        }
        for (sorted, number) in self.sorted.iter_mut().zip(second) {
            // Taking the place away refuses a number that comes twice.
            *sorted = core::mem::take(&mut self.places[*number as usize]);
            if *sorted == 0 {
                return Err(MeasureError::NotAPermutation);
            }
        }
        Ok(self.count_inversions(second.len()))
    }

    /// Sorts by merging, and counts how many pairs stood the wrong way round.
    fn count_inversions(&mut self, count: usize) -> u64 {
        let mut inversions = 0;
        let mut width = 1;
        while width < count {
            for start in (0..count).step_by(2 * width) {
                let (middle, end) = ((start + width).min(count), (start + 2 * width).min(count));
                let (mut left, mut right) = (start, middle);
                for place in start..end {
                    let take_left =
                        left < middle && (right >= end || self.sorted[left] < self.sorted[right]);
                    let from = if take_left { &mut left } else { &mut right };
                    self.merged[place] = self.sorted[*from];
                    *from += 1;
                    if !take_left {
                        inversions += (middle - left) as u64;
                    }
                }
            }
            core::mem::swap(&mut self.sorted, &mut self.merged);
            width *= 2;
        }
        inversions
    }
}

/// What the checker found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GammaReport {
    /// Pairs whose order at least q members bind, and that stand the other way round outside any
    /// cycle that excuses it. The definition allows none.
    pub violations: u64,
    /// Such pairs within a cycle: allowed, and what a good ranking keeps rare.
    pub reversed_in_cycles: u64,
    /// How many pairs are bound.
    pub bound_pairs: u64,
    /// The first violation in the order of ids: the id that should stand earlier, and the other.
    pub first_violation: Option<(u32, u32)>,
}

/// Checks an output against what was received, over all proposals of a history at once.
///
/// An id u binds v if at least q members received u before v. An output that has v first is still
/// fair if a cycle joins the two, made of such pairs and of pairs that at least T lists of some
/// evidence had that way; a cycle may span several proposals.
///
/// Memory: see [`GammaChecker::footprint_bytes`].
#[derive(Debug)]
pub struct GammaChecker {
    parameters: Parameters,
    id_count: usize,
    lists: Lists,
    /// Who binds whom.
    bound: BitMatrix,
    /// The same, and who had T lists before whom.
    related: BitMatrix,
    condensation: Condensation,
    places: Box<[u32]>,
}

impl GammaChecker {
    /// Makes a checker for up to `id_count_max` ids, at most [`VERTEX_COUNT_MAX`].
    ///
    /// # Errors
    /// [`GraphError::LimitOutOfRange`] for another number of ids.
    pub fn new(parameters: Parameters, id_count_max: u32) -> Result<Self, GraphError> {
        if id_count_max == 0 || id_count_max > VERTEX_COUNT_MAX {
            return Err(GraphError::LimitOutOfRange);
        }
        let ids = id_count_max as usize;
        Ok(Self {
            parameters,
            id_count: 0,
            lists: Lists::new(parameters.n() as usize, ids),
            bound: BitMatrix::new(ids),
            related: BitMatrix::new(ids),
            condensation: Condensation::new(id_count_max),
            places: fixed_slice(ids, 0),
        })
    }

    /// The bytes that [`GammaChecker::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(parameters: Parameters, id_count_max: u32) -> u64 {
        let ids = id_count_max as usize;
        Lists::footprint_bytes(parameters.n() as usize, ids)
            + 2 * BitMatrix::footprint_bytes(ids)
            + Condensation::footprint_bytes(id_count_max)
            + fixed_slice_bytes::<u32>(ids)
    }

    /// Starts with the true receive orders of the members, over the ids below `id_count`. O(n·m²).
    ///
    /// Orders that a faulty member merely claims have no place here: leave its order empty.
    ///
    /// # Errors
    /// [`MeasureError::UnknownLog`] for more orders than members, [`MeasureError::UnknownVertex`],
    /// [`MeasureError::TooManyVertices`].
    pub fn begin<List: AsRef<[u32]>>(
        &mut self,
        id_count: u32,
        received: &[List],
    ) -> Result<(), MeasureError> {
        if id_count as usize > self.places.len() {
            return Err(MeasureError::TooManyVertices);
        }
        self.id_count = id_count as usize;
        self.bound.begin(self.id_count);
        self.related.begin(self.id_count);
        self.relate(received, self.parameters.quorum(), true)
    }

    /// Adds the lists that one proposal or update was made from. O(n·m²).
    ///
    /// # Errors
    /// As [`GammaChecker::begin`].
    pub fn add_evidence<List: AsRef<[u32]>>(&mut self, lists: &[List]) -> Result<(), MeasureError> {
        self.relate(lists, self.parameters.threshold(), false)
    }

    /// Checks an output of distinct ids; ids that are not in it come after all that are. O(m²).
    ///
    /// # Errors
    /// [`MeasureError::NotAPermutation`] for an id twice, [`MeasureError::UnknownVertex`].
    pub fn check(&mut self, output: &[u32]) -> Result<GammaReport, MeasureError> {
        let places = &mut self.places[..self.id_count];
        places.fill(u32::MAX);
        for (place, id) in (0..).zip(output) {
            let own = places
                .get_mut(*id as usize)
                .ok_or(MeasureError::UnknownVertex)?;
            if *own != u32::MAX {
                return Err(MeasureError::NotAPermutation);
            }
            *own = place;
        }
        let related = &self.related;
        self.condensation.run(self.id_count as u32, |id, from| {
            let row = related.row(id as usize);
            let first = from as usize / 64;
            let words = row.iter().enumerate().skip(first).map(|(at, word)| {
                let below = if at == first {
                    (1_u64 << (from % 64)) - 1
                } else {
                    0
                };
                word & !below
            });
            ones(words).next().map(|at| (first * 64 + at) as u32)
        });
        let mut report = GammaReport::default();
        for id in 0..self.id_count {
            for other in ones(self.bound.row(id).iter().copied()) {
                report.bound_pairs += 1;
                if self.places[id] <= self.places[other] {
                    continue;
                }
                let component = |id: usize| self.condensation.component(id as u32);
                if component(id) == component(other) {
                    report.reversed_in_cycles += 1;
                } else {
                    report.violations += 1;
                    report
                        .first_violation
                        .get_or_insert((id as u32, other as u32));
                }
            }
        }
        Ok(report)
    }

    fn relate<List: AsRef<[u32]>>(
        &mut self,
        lists: &[List],
        weight_min: u32,
        binds: bool,
    ) -> Result<(), MeasureError> {
        if lists.len() > self.lists.log_count() {
            return Err(MeasureError::UnknownLog);
        }
        let mut all = lists.iter().flat_map(AsRef::as_ref);
        if all.any(|id| *id as usize >= self.id_count) {
            return Err(MeasureError::UnknownVertex);
        }
        self.lists.begin(self.id_count);
        for (log, list) in lists.iter().enumerate() {
            for id in list.as_ref() {
                self.lists.append(log, *id as usize);
            }
        }
        for a in 0..self.id_count {
            for b in a + 1..self.id_count {
                let (forth, back) = self.lists.weights(a, b);
                for (from, to, weight) in [(a, b, forth), (b, a, back)] {
                    if weight >= weight_min {
                        self.related.set(from, to);
                        if binds {
                            self.bound.set(from, to);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
