//! Restarts at every step, and every way in which kept bytes can be damaged.

mod damage;
mod limits;
mod outside;
mod restart;
mod world;

/// How many seeds a test runs: what the environment says under this name, or else `usual`.
fn count(name: &str, usual: u64) -> u64 {
    let chosen = std::env::var(name).ok();
    chosen.and_then(|own| own.parse().ok()).unwrap_or(usual)
}
