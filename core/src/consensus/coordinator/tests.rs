//! Committees with real signatures, message bytes between them, and disks that outlive a stop.

mod bodies;
mod deciding;
mod epochs;
mod kit;
mod messages;
mod misuse;
