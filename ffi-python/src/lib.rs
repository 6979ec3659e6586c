//! The native half of the Python package `hauptbuch`: workloads in, a run's columns out.
//!
//! Python code in front of it turns frames into columns and columns into frames; everything that
//! decides happens in the crates that the command line uses, so both give the same bytes. Columns
//! cross as `bytes` and `bytearray` of little-endian numbers, which numpy reads without a copy.
//!
//! Long work runs detached from the interpreter, so that other Python threads go on, and comes
//! back every 20 ms to look for signals and to report progress. A panic becomes an
//! `InternalError`, never a crash of the process.

mod columns;
mod errors;
mod run;
mod verify;
mod workload;

use pyo3::prelude::*;

/// The native module; its names are for the package `hauptbuch` alone.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::errors::_panic;
    #[pymodule_export]
    use super::run::{Run, run};
    #[pymodule_export]
    use super::verify::verify;
    #[pymodule_export]
    use super::workload::Workload;

    use hauptbuch_core::config::Policy;
    use hauptbuch_core::error::Code;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let policies: Vec<&str> = Policy::ALL.iter().map(|policy| policy.name()).collect();
        module.add("POLICIES", policies)?;
        let codes: Vec<(u16, &str, &str)> = Code::ALL
            .iter()
            .map(|code| (code.number(), code.name(), code.message()))
            .collect();
        module.add("CODES", codes)
    }
}
