//! How large things were, in fixed memory.

/// The most edges of one histogram.
pub const HISTOGRAM_EDGE_COUNT_MAX: usize = 20;

/// How many values lie at or below each of a few edges, and their sum.
///
/// The edges never change, so that histograms of several nodes can be added up. Counts and the sum
/// stop at their largest value.
///
/// ```
/// use hauptbuch_core::metrics::Histogram;
///
/// static EDGES: [u64; 3] = [10, 100, 1_000];
/// let mut histogram = Histogram::new(&EDGES);
/// for value in [7, 10, 11, 5_000] {
///     histogram.add(value);
/// }
/// let cumulative: Vec<_> = histogram.cumulative().collect();
/// assert_eq!(cumulative, [(10, 2), (100, 3), (1_000, 3)]);
/// assert_eq!((histogram.count(), histogram.sum()), (4, 5_028));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Invariant: ascending, at most [`HISTOGRAM_EDGE_COUNT_MAX`].
    edges: &'static [u64],
    /// Values above the edge before, up to and with the one of the same place; the last place is
    /// for those above every edge.
    counts: [u64; HISTOGRAM_EDGE_COUNT_MAX + 1],
    sum: u128,
}

impl Histogram {
    /// Makes an empty one. Edges past [`HISTOGRAM_EDGE_COUNT_MAX`] are not used.
    #[must_use]
    pub fn new(edges: &'static [u64]) -> Self {
        debug_assert!(edges.is_sorted(), "edges ascend");
        debug_assert!(
            edges.len() <= HISTOGRAM_EDGE_COUNT_MAX,
            "there is a place for each edge"
        );
        Self {
            edges: edges.get(..HISTOGRAM_EDGE_COUNT_MAX).unwrap_or(edges),
            counts: [0; HISTOGRAM_EDGE_COUNT_MAX + 1],
            sum: 0,
        }
    }

    /// Counts one value.
    pub fn add(&mut self, value: u64) {
        let place = self.edges.partition_point(|edge| *edge < value);
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(u128::from(value));
    }

    /// Each edge, and how many values are not above it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut below = 0_u64;
        self.edges
            .iter()
            .zip(self.counts)
            .map(move |(edge, count)| {
                below = below.saturating_add(count);
                (*edge, below)
            })
    }

    /// Each edge with how many values lie above the one before and not above it, and last, without
    /// an edge, how many lie above them all.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let edges = self.edges.iter().copied().map(Some);
        edges.chain([None]).zip(self.counts)
    }

    /// The places of those buckets that are not empty, each with its count.
    pub(crate) fn filled(&self) -> impl Iterator<Item = (u8, u64)> {
        (0..).zip(self.counts).filter(|(_, count)| *count > 0)
    }

    /// Sets the count of the bucket at a place; false where there is none.
    pub(crate) fn set_place(&mut self, place: u8, count: u64) -> bool {
        let place = usize::from(place);
        let is_one = place <= self.edges.len();
        if let Some(own) = self.counts.get_mut(place).filter(|_| is_one) {
            *own = count;
        }
        is_one
    }

    /// Sets what the values come to together.
    pub(crate) const fn set_sum(&mut self, sum: u128) {
        self.sum = sum;
    }

    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum: u64, count| sum.saturating_add(*count))
    }

    /// What they come to together.
    #[must_use]
    pub const fn sum(&self) -> u128 {
        self.sum
    }
}
