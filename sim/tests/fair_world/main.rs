//! Order fairness over many slots: worlds from seeds, a plain model beside them, and every schedule
//! that breaks a weaker rule.

mod committee;
mod model;
mod random;
mod schedules;
mod worlds;
