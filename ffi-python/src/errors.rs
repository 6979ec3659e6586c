//! How failures of the crates below become Python exceptions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hauptbuch_core::error::Code;
use hauptbuch_sim::error::ReadError;
use hauptbuch_sim::output::OutputError;
use hauptbuch_sim::run::RunError;
use hauptbuch_sim::workload::GenerateError;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

pyo3::import_exception!(hauptbuch._errors, InputError);
pyo3::import_exception!(hauptbuch._errors, InternalError);
pyo3::import_exception!(hauptbuch._errors, VerifyError);

/// An exception for what the caller handed in.
pub(crate) fn input_error(message: impl Into<String>, code: Code) -> PyErr {
    InputError::new_err((message.into(), code.number()))
}

/// An exception for a defect of this library.
pub(crate) fn internal_error(message: impl Into<String>, code: Code) -> PyErr {
    InternalError::new_err((message.into(), code.number()))
}

pub(crate) fn read_error(error: ReadError) -> PyErr {
    match error {
        ReadError::Io { path, error } => os_error(path, error),
        other => input_error(other.to_string(), Code::InvalidArgument),
    }
}

pub(crate) fn output_error(error: OutputError) -> PyErr {
    let message = error.to_string();
    match error {
        OutputError::Io { path, error } => os_error(path, error),
        OutputError::Run(cause) => run_error(cause),
        OutputError::NotOurs { .. } => input_error(message, Code::InvalidArgument),
        OutputError::Invalid { file, line, .. } => {
            VerifyError::new_err((message, Code::InvalidArgument.number(), file, line))
        }
        _ => internal_error(message, Code::Poisoned),
    }
}

pub(crate) fn generate_error(error: GenerateError) -> PyErr {
    input_error(error.to_string(), Code::InvalidArgument)
}

pub(crate) fn run_error(error: RunError) -> PyErr {
    match error {
        RunError::Config(cause) => input_error(cause.to_string(), cause.code()),
        RunError::ZeroInterval | RunError::TooLong => {
            input_error(error.to_string(), Code::InvalidArgument)
        }
        RunError::Interrupted => PyKeyboardInterrupt::new_err(()),
        RunError::Refused(code) => internal_error(error.to_string(), code),
        RunError::Arrivals(reason) => input_error(reason, Code::InvalidArgument),
        RunError::Plan(cause) => input_error(cause.to_string(), Code::InvalidArgument),
        other => internal_error(other.to_string(), Code::Poisoned),
    }
}

/// Does work detached from the interpreter, and makes an exception of a panic in it.
///
/// A panic that crossed into Python would be a `BaseException`, which `except Exception` lets
/// through. Whatever the work changed goes with the panic, because all of it is its own.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> PyResult<T> + Send,
) -> PyResult<T> {
    let caught = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    caught.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(internal_error(
            format!("a defect in hauptbuch: {text}"),
            Code::Poisoned,
        ))
    })
}

/// Panics, so that a test can see what becomes of a panic.
#[pyfunction]
pub(crate) fn _panic(py: Python<'_>) -> PyResult<()> {
    detached(py, || {
        std::panic::resume_unwind(Box::new("a panic on purpose"));
    })
}

/// What the system refused. The interpreter picks the class by the number: FileNotFoundError, ….
fn os_error(path: String, error: std::io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(number) => {
            pyo3::exceptions::PyOSError::new_err((number, system_message(&error), path))
        }
        None => PyErr::from(error),
    }
}

/// What the system says, without the number that Python adds itself.
fn system_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
