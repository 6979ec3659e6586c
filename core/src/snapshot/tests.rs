//! Restarts at every step, and every way in which kept bytes can be damaged.

mod damage;
mod limits;
mod restart;
mod world;
