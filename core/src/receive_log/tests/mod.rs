mod admission;
mod bytes;
mod cuts;
mod forks;
mod own;
mod plain;
mod random;
mod world;
