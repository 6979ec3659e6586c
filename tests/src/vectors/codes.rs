//! The table of codes.

use hauptbuch_core::error::Code;
use serde::{Deserialize, Serialize};

/// The table of codes.
#[derive(Debug, Deserialize, Serialize)]
pub struct CodesFile {
    /// What the file holds.
    pub about: String,
    /// Every code, in the order of their numbers.
    pub codes: Vec<CodeVector>,
}

/// One code.
#[derive(Debug, Deserialize, Serialize)]
pub struct CodeVector {
    /// The number, which never changes.
    pub number: u16,
    /// The name.
    pub name: String,
    /// Whose fault it is.
    pub fault: String,
    /// Whether the same call can succeed unchanged at another time.
    pub is_retryable: bool,
    /// Whether it ends a transaction's life.
    pub is_terminal: bool,
    /// What it means.
    pub message: String,
}

pub(super) fn compute() -> CodesFile {
    CodesFile {
        about: "Every code: what becomes of a transaction, and why a call is refused.".into(),
        codes: Code::ALL.iter().map(|code| vector(*code)).collect(),
    }
}

fn vector(code: Code) -> CodeVector {
    CodeVector {
        number: code.number(),
        name: code.name().into(),
        fault: format!("{:?}", code.fault()),
        is_retryable: code.is_retryable(),
        is_terminal: code.is_terminal(),
        message: code.message().into(),
    }
}
