//! Receive logs: bytes, admission, cuts, forks and restarts, by name and at random.

mod admission;
mod bytes;
mod cuts;
mod forks;
mod own;
mod plain;
mod random;
mod state;
mod world;
