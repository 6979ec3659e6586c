//! What a vote costs.
fn main(){}
