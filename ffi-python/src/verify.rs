//! The check of a run's output.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{detached, output_error};
use crate::run::json;

/// Checks every byte of a run's output, and returns what it holds.
#[pyfunction]
pub(crate) fn verify(py: Python<'_>, directory: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let report = detached(py, || {
        hauptbuch_sim::output::verify(&directory).map_err(output_error)
    })?;
    let found = PyDict::new(py);
    found.set_item("genesis_hash", report.genesis_hash.to_string())?;
    found.set_item("final_batch_hash", report.final_batch_hash.to_string())?;
    found.set_item("batches", report.batches)?;
    found.set_item("rollups", report.rollups)?;
    found.set_item("submitted", report.submitted)?;
    found.set_item("included", report.included)?;
    found.set_item("bytes", report.bytes)?;
    found.set_item("is_signed", report.is_signed)?;
    found.set_item("signatures", report.signatures)?;
    let consensus = report.consensus.as_ref().map(json).transpose()?;
    found.set_item("consensus", consensus)?;
    Ok(found)
}
