//! The kernel against a plain model, against the definition, and against hostile callers.

mod condense;
mod hostile;
mod measure;
mod model;
mod parameters;
mod promise;
mod random;
mod ranking;
mod streams;
