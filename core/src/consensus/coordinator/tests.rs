//! Committees with real signatures, message bytes between them, and disks that outlive a stop.

mod bodies;
mod deciding;
mod epochs;
mod kit;
mod late;
mod messages;
mod misuse;
mod random;
mod validator;
