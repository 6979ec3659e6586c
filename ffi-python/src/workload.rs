//! A workload that Python holds.

use std::path::PathBuf;

use hauptbuch_core::error::Code;
use hauptbuch_sim::read::{Nonces, ReadOptions, Table, read_file, read_table};
use hauptbuch_sim::workload::{GeneratorConfig, generate};
use hauptbuch_sim::write::canonical_sha256;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::columns::{ColumnIn, fixed, read_column, u64s};
use crate::errors::{detached, generate_error, input_error, read_error};

/// Transactions in the order of their arrival, checked and ready to run.
#[pyclass(frozen, module = "hauptbuch._native")]
pub(crate) struct Workload {
    pub(crate) inner: hauptbuch_sim::workload::Workload,
}

#[pymethods]
impl Workload {
    /// Makes a workload of columns in memory.
    #[staticmethod]
    fn from_columns(py: Python<'_>, columns: Vec<ColumnIn>, nonces: &str) -> PyResult<Self> {
        let options = read_options(nonces)?;
        let inner = detached(py, || {
            let columns = columns.iter().map(read_column).collect::<PyResult<_>>()?;
            read_table(&Table { columns }, &options).map_err(read_error)
        })?;
        Ok(Self { inner })
    }

    /// Reads a workload from a file: CSV, plain or gzip, or Parquet.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf, nonces: &str) -> PyResult<Self> {
        let options = read_options(nonces)?;
        let inner = detached(py, || read_file(&path, &options).map_err(read_error))?;
        Ok(Self { inner })
    }

    /// Draws a workload from the built-in generator.
    #[staticmethod]
    fn generated(py: Python<'_>, count: u32, seed: u64, rollup_count: u32) -> PyResult<Self> {
        let config = GeneratorConfig {
            count,
            seed,
            rollup_count,
        };
        let inner = detached(py, || generate(&config).map_err(generate_error))?;
        Ok(Self { inner })
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __repr__(&self) -> String {
        let rollups = self.inner.rollups().len();
        format!(
            "<Workload of {} transactions on {rollups} rollups>",
            self.inner.len()
        )
    }

    /// The names of the rollups; a rollup's number is its place.
    #[getter]
    fn rollups(&self) -> Vec<String> {
        self.inner.rollups().to_vec()
    }

    /// What a report should say about how the records were made.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.inner.provenance().notes.clone()
    }

    /// How often consecutive nonces of one sender did not follow each other.
    #[getter]
    fn nonce_gaps_closed(&self) -> u64 {
        self.inner.provenance().nonce_gaps_closed
    }

    /// The file's name without its directories; empty where it was no file.
    #[getter]
    fn file_name(&self) -> String {
        self.inner.provenance().file_name.clone()
    }

    /// What the source looked like.
    #[getter]
    fn format(&self) -> &'static str {
        self.inner.provenance().format.name()
    }

    /// SHA-256 of the file, or of the canonical file that the records would be, in hexadecimal.
    fn sha256(&self, py: Python<'_>) -> PyResult<String> {
        let digest = detached(py, || {
            let of_file = self.inner.provenance().sha256;
            Ok(of_file.unwrap_or_else(|| canonical_sha256(&self.inner)))
        })?;
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The records as columns: raw bytes by name, and the payloads as a list.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let records = self.inner.records();
        let envelopes = records.iter().map(|record| &record.envelope);
        let columns = PyDict::new(py);
        let numbers =
            |of: fn(&hauptbuch_sim::workload::Record) -> u64| u64s(py, records.iter().map(of));
        columns.set_item("arrival_ns", numbers(|record| record.arrival.get())?)?;
        let rollup = numbers(|record| u64::from(record.envelope.rollup.get()))?;
        columns.set_item("rollup", rollup)?;
        let sender = fixed(py, envelopes.clone().map(|own| *own.sender.as_bytes()))?;
        columns.set_item("sender", sender)?;
        let recipient = fixed(py, envelopes.clone().map(|own| *own.recipient.as_bytes()))?;
        columns.set_item("recipient", recipient)?;
        columns.set_item(
            "amount",
            fixed(py, envelopes.map(|own| own.amount.to_le_bytes()))?,
        )?;
        columns.set_item("nonce", numbers(|record| record.envelope.nonce.get())?)?;
        columns.set_item("fee", numbers(|record| record.envelope.fee.get())?)?;
        columns.set_item("gas", numbers(|record| record.envelope.gas.get())?)?;
        columns.set_item("expiry_ns", numbers(|record| record.envelope.expiry.get())?)?;
        let kind = numbers(|record| u64::from(record.envelope.kind.byte()))?;
        columns.set_item("kind", kind)?;
        let known: Option<Vec<u64>> = records
            .iter()
            .map(|record| record.account_nonce.map(|nonce| nonce.get()))
            .collect();
        if let Some(known) = known {
            columns.set_item("account_nonce", u64s(py, known.into_iter())?)?;
        }
        let payloads: Vec<Bound<'py, PyBytes>> = records
            .iter()
            .map(|record| PyBytes::new(py, self.inner.payload(record)))
            .collect();
        columns.set_item("payload", payloads)?;
        Ok(columns)
    }
}

fn read_options(nonces: &str) -> PyResult<ReadOptions> {
    let nonces = match nonces {
        "dense" => Nonces::Dense,
        "raw" => Nonces::Raw,
        other => {
            let message = format!("nonces must be `dense` or `raw`, not `{other}`");
            return Err(input_error(message, Code::InvalidArgument));
        }
    };
    Ok(ReadOptions { nonces })
}
