//! Fixtures and peers of the benchmarks.
