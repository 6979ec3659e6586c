//! The C interface: `libhauptbuch`, described for C by `include/hauptbuch.h`.
//!
//! It translates and decides nothing: pointers become slices, numbers become the core's types, and
//! whatever the core answers becomes a status. The rules that hold for every function stand at the
//! top of the header; they come from `header/conventions.h` in this crate.
//!
//! # Pointers
//! The `// SAFETY:` comments rest on what the header asks of callers: a pointer is null, or it is
//! aligned and leads to as many initialised elements as the function says, which nobody else
//! changes during the call; outputs overlap nothing else; a handle came from its `open` function,
//! was not closed, and is used by one thread at a time. Null, misaligned and impossibly long
//! pointers are refused.
//!
//! # Cost
//! A call adds to the core's own cost a few comparisons and the entry of a panic boundary, and a
//! submission one more pass over its records, which are checked before any of them goes in.
//! Nothing allocates but the `open` functions and `hb_coordinator_restore`.
#![allow(unsafe_code, non_camel_case_types)]
#![allow(
    clippy::missing_safety_doc,
    reason = "one section above holds for every function"
)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod boundary;
mod config;
mod control;
mod coordinator;
mod open_slot;
mod output;
mod outside;
mod state;
mod status;
mod text;
mod trades;
mod transaction;
mod verifier;
mod version;

pub use config::*;
pub use control::*;
pub use coordinator::*;
pub use open_slot::*;
pub use output::*;
pub use outside::*;
pub use state::*;
pub use status::*;
pub use text::*;
pub use trades::*;
pub use transaction::*;
pub use verifier::*;
pub use version::*;
