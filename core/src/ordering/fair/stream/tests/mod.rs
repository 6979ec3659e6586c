//! The rules one by one, and everything together under random members and cuts.

mod random;
mod rules;
mod state;
mod world;
