//! The integers that order fairness runs on.

use crate::error::operation_error;

/// The most logs that a graph can count; the classes of a vertex are kept in a byte.
pub const LOG_COUNT_MAX: u32 = 255;

/// The most vertices that a graph can have.
pub const VERTEX_COUNT_MAX: u32 = 32_766;

/// Over which members the share gamma is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GammaMode {
    /// A share of all n members received one before the other.
    All,
    /// A share of the n − f correct members did.
    Honest,
}

/// A share between one half (exclusive) and one (inclusive), as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gamma {
    /// Above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}

impl Gamma {
    /// Every member that counts received one before the other.
    pub const ONE: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// The smallest whole number of members that is at least this share of `members`.
    const fn quorum(self, members: u32) -> u32 {
        let product = self.numerator as u64 * members as u64;
        product.div_ceil(self.denominator as u64) as u32
    }
}

operation_error! {
    /// Why a committee cannot promise an order.
    ParametersError {
        CommitteeSizeOutOfRange, FaultCountOutOfRange, GammaOutOfRange, FairnessInfeasible,
    }
}

/// A committee's size, its faults, and the thresholds that follow.
///
/// | name | over all n | over the correct n − f |
/// |---|---|---|
/// | quorum q | ⌈γ·n⌉ | ⌈γ·(n − f)⌉ |
/// | threshold T | n + f + 1 − q | n + 1 − q |
/// | feasible if | 2q ≥ n + 4f + 1 | 2q ≥ n + 2f + 1 |
///
/// In both columns the last line says 2T − 1 ≤ n − 2f: of any two ids one of which stands in n − 2f
/// lists, one has T votes before the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    n: u32,
    f: u32,
    quorum: u32,
    threshold: u32,
    by_median: bool,
}

impl Parameters {
    /// Derives the thresholds from a share gamma.
    ///
    /// # Errors
    /// - [`ParametersError::CommitteeSizeOutOfRange`] unless 1 ≤ n ≤ [`LOG_COUNT_MAX`];
    /// - [`ParametersError::FaultCountOutOfRange`] unless f < n;
    /// - [`ParametersError::GammaOutOfRange`] unless ½ < γ ≤ 1;
    /// - [`ParametersError::FairnessInfeasible`] where two solid ids could be left without an edge,
    ///   as with n = 4 and f = 1.
    pub const fn new(
        n: u32,
        f: u32,
        gamma: Gamma,
        mode: GammaMode,
    ) -> Result<Self, ParametersError> {
        if n == 0 || n > LOG_COUNT_MAX {
            return Err(ParametersError::CommitteeSizeOutOfRange);
        }
        if f >= n {
            return Err(ParametersError::FaultCountOutOfRange);
        }
        let twice = gamma.numerator as u64 * 2;
        if gamma.numerator > gamma.denominator || twice <= gamma.denominator as u64 {
            return Err(ParametersError::GammaOutOfRange);
        }
        let members = match mode {
            GammaMode::All => n,
            GammaMode::Honest => n - f,
        };
        Self::with_quorum(n, f, gamma.quorum(members), mode)
    }

    /// The same from the quorum itself: how many members it takes to bind the order of two ids.
    ///
    /// # Errors
    /// As [`Parameters::new`]; a quorum of more members than count is out of gamma's range.
    pub const fn with_quorum(
        n: u32,
        f: u32,
        quorum: u32,
        mode: GammaMode,
    ) -> Result<Self, ParametersError> {
        if n == 0 || n > LOG_COUNT_MAX {
            return Err(ParametersError::CommitteeSizeOutOfRange);
        }
        if f >= n {
            return Err(ParametersError::FaultCountOutOfRange);
        }
        let (members, liars) = match mode {
            GammaMode::All => (n, f),
            GammaMode::Honest => (n - f, 0),
        };
        if quorum > members {
            return Err(ParametersError::GammaOutOfRange);
        }
        if 2 * quorum < n + 2 * f + 2 * liars + 1 {
            return Err(ParametersError::FairnessInfeasible);
        }
        let threshold = n + liars + 1 - quorum;
        Ok(Self {
            n,
            f,
            quorum,
            threshold,
            by_median: false,
        })
    }

    /// The committee of median timestamps, whose streams form no graphs: f = ⌊(n − 1)/2⌋ may lie or
    /// be silent, and T = ⌈n/2⌉ = f + 1 logs that hold an id give it a key; one of them is honest.
    ///
    /// # Errors
    /// [`ParametersError::CommitteeSizeOutOfRange`] unless 1 ≤ n ≤ [`LOG_COUNT_MAX`].
    pub const fn median(n: u32) -> Result<Self, ParametersError> {
        if n == 0 || n > LOG_COUNT_MAX {
            return Err(ParametersError::CommitteeSizeOutOfRange);
        }
        let f = (n - 1) / 2;
        Ok(Self {
            n,
            f,
            quorum: n - f,
            threshold: n.div_ceil(2),
            by_median: true,
        })
    }

    /// A committee of n in which nobody lies: for sizes, which depend on n alone.
    pub(super) const fn of_size(n: u32) -> Self {
        Self {
            n,
            f: 0,
            quorum: n,
            threshold: 1,
            by_median: false,
        }
    }

    /// The committee that has these thresholds, if one does.
    pub(super) fn from_thresholds(
        (n, f): (u32, u32),
        quorum: u32,
        threshold: u32,
        by_median: bool,
    ) -> Option<Self> {
        let own = match by_median {
            true => [Self::median(n).ok(), None],
            false => [GammaMode::All, GammaMode::Honest]
                .map(|mode| Self::with_quorum(n, f, quorum, mode).ok()),
        };
        let fits = |own: &Self| (own.f, own.quorum, own.threshold) == (f, quorum, threshold);
        own.into_iter().flatten().find(fits)
    }

    /// Whether streams order by median timestamps, and not by graphs.
    #[must_use]
    pub const fn orders_by_median(self) -> bool {
        self.by_median
    }

    /// How many members there are, and so the most lists that a graph counts.
    #[must_use]
    pub const fn n(self) -> u32 {
        self.n
    }

    /// How many of them may lie.
    #[must_use]
    pub const fn f(self) -> u32 {
        self.f
    }

    /// How many members must have received one id before another to bind their order.
    #[must_use]
    pub const fn quorum(self) -> u32 {
        self.quorum
    }

    /// How many lists an edge needs, and how many an id needs to stand in a graph.
    #[must_use]
    pub const fn threshold(self) -> u32 {
        self.threshold
    }

    /// How many lists make an id solid: n − 2f.
    #[must_use]
    pub const fn solid_min(self) -> u32 {
        self.n - 2 * self.f
    }
}
