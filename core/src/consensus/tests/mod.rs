//! Rules one by one, mistakes that others made, and a small world that tries to break agreement.

mod admission;
mod barrier;
mod directed;
mod host;
mod kit;
mod messages;
mod network;
mod parts;
mod regressions;
mod restart;
mod rules;
mod sync;
mod world;
