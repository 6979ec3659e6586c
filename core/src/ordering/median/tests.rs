//! Median timestamps: the rules by their figures, and a model that computes from the definition.

mod model;
mod rules;
