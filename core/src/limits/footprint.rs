//! How many bytes the constructors take, part by part.

use core::fmt;

/// One part of a [`Footprint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FootprintPart {
    /// What the memory is for.
    pub name: &'static str,
    /// How many bytes it takes from the allocator.
    pub bytes: u64,
}

/// The memory that a set of limits leads to: a readable sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    parts: heapless::Vec<FootprintPart, 24>,
}

impl Footprint {
    /// The same with one part more.
    #[must_use]
    pub fn with(mut self, name: &'static str, bytes: u64) -> Self {
        let pushed = self.parts.push(FootprintPart { name, bytes });
        debug_assert!(pushed.is_ok(), "more parts than a footprint can list");
        self
    }

    /// The parts, in the order of the layers.
    #[must_use]
    pub fn parts(&self) -> &[FootprintPart] {
        &self.parts
    }

    /// The sum over all parts.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts
            .iter()
            .fold(0, |sum, part| sum.saturating_add(part.bytes))
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            writeln!(f, "{:>14}  {}", part.bytes, part.name)?;
        }
        write!(f, "{:>14}  in all", self.bytes())
    }
}
