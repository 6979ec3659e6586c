//! One world's choices.

use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters};

use super::attacks::Attack;
use super::clients::Clients;
use super::random::Random;
use super::rules::Rules;

/// Everything that tells one world from another.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// From which everything random follows.
    pub seed: u64,
    /// Limits and committee.
    pub rules: Rules,
    /// What the f Byzantine members do.
    pub attack: Attack,
    /// How clients send.
    pub clients: Clients,
    /// The longest delay of a link, in ticks; [`WorldConfig::SLOT_TICKS`] of them are a slot.
    pub delay_ticks_max: u64,
    /// For how many slots clients send.
    pub busy_slot_count: u64,
    /// How often clients send within a slot, in percent a tick.
    pub send_percent: u64,
}

impl WorldConfig {
    /// How many ticks pass from one slot to the next.
    pub const SLOT_TICKS: u64 = 4;

    /// Committees: n, f, and gamma over all members as a fraction.
    pub const COMMITTEES: [(u32, u32, u32, u32); 7] = [
        (5, 1, 1, 1),
        (6, 1, 1, 1),
        (7, 1, 1, 1),
        (8, 1, 1, 1),
        (8, 1, 7, 8),
        (9, 1, 7, 8),
        (9, 2, 1, 1),
    ];

    /// The world of a seed: committee, attack, clients and network are drawn from it.
    ///
    /// # Panics
    /// Never: all committees of the table are feasible.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5EED);
        let (n, f, numerator, denominator) = random.pick(&Self::COMMITTEES);
        let gamma = Gamma {
            numerator,
            denominator,
        };
        let parameters = Parameters::new(n, f, gamma, GammaMode::All);
        let parameters = parameters.expect("the table holds feasible committees only");
        let first_hand_count_max = 3 + random.below(2) as u32;
        let slot_count = random.pick(&[2, 8, 64]);
        let mut rules = Rules::new(parameters, first_hand_count_max, slot_count);
        rules.log_age_slots_max = 12 + random.below(9);
        if random.chance(25) {
            rules.split_into_two_rollups();
        }
        Self {
            seed,
            rules,
            attack: random.pick(&Attack::ALL),
            clients: random.pick(&Clients::ALL),
            delay_ticks_max: random.pick(&[1, 3, 6]),
            busy_slot_count: 20 + random.below(20),
            send_percent: random.pick(&[10, 30, 60]),
        }
    }
}
