//! Schedules that break weaker rules: each test has two halves, with the rule and without it.

mod epochs;
mod logging;
mod order;
mod slots;
