//! The rules one by one, and everything together under random members and cuts.

mod cursors;
mod epochs;
mod median;
mod member;
mod random;
mod rules;
mod state;
mod world;
