//! One world's choices.

use std::collections::BTreeSet;

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
    /// How the committee changes, in turn.
    pub changes: Vec<Change>,
    /// Who is Byzantine, of the nodes by number; where nothing is said, f of the only committee.
    pub faulty: Option<BTreeSet<u32>>,
}

/// A change of the committee. Nodes have numbers: first the members of the first committee in
/// their order, then all others.
#[derive(Clone, Debug)]
pub struct Change {
    /// The first slot that may decide it; one change waits for the one before.
    pub slot: u64,
    /// How many slots later the epoch is closed.
    pub lead_slots: u64,
    /// The thresholds of the next committee.
    pub parameters: Parameters,
    /// Its members, in the order of their seats.
    pub committee: Vec<u32>,
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
        let parameters = committee(random.pick(&Self::COMMITTEES));
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
            changes: vec![],
            faulty: None,
        }
    }

    /// The world of a seed in which the committee changes two or three times: a seat is replaced,
    /// five members become nine or nine five, or anything between; Byzantine members leave, stay
    /// and come, never more at once than the committee allows. One world in five has a bound so
    /// close that some epochs end at it.
    #[must_use]
    pub fn changing(seed: u64) -> Self {
        let mut config = Self::from_seed(seed);
        let mut random = Random::new(seed ^ 0xE90C);
        if random.chance(50) {
            config.rules.parameters = committee(random.pick(&[(5, 1, 1, 1), (9, 2, 1, 1)]));
        }
        let (n, f) = (config.rules.parameters.n(), config.rules.parameters.f());
        config.rules.member_count_max = n;
        config.rules.make_room_for(9);
        if random.chance(20) {
            config.rules.closing_slots_max = 5 + random.below(4);
        }
        config.busy_slot_count += 15;
        let mut faulty = BTreeSet::new();
        let first_faulty = random.below(u64::from(n)) as u32;
        faulty.extend((0..f).map(|at| (first_faulty + at) % n));
        let mut present: Vec<u32> = (0..n).collect();
        let (mut node_count, mut slot) = (n, 3);
        for _ in 0..2 + random.below(2) {
            slot += random.below(10);
            let parameters = match random.below(4) {
                0 | 1 => committee_of(present.len() as u32, &mut random),
                2 => committee((9, 2, 1, 1)),
                _ => committee((5, 1, 1, 1)),
            };
            let next = next_committee(
                &present,
                parameters,
                &mut faulty,
                &mut node_count,
                &mut random,
            );
            config.changes.push(Change {
                slot,
                lead_slots: 1 + random.below(3),
                parameters,
                committee: next.clone(),
            });
            present = next;
            slot += 8;
        }
        config.faulty = Some(faulty);
        config
    }

    /// How many nodes there are, members and those that become so.
    #[must_use]
    pub fn node_count(&self) -> u32 {
        let joining = self.changes.iter().flat_map(|change| &change.committee);
        let last = joining.copied().max().map_or(0, |last| last + 1);
        last.max(self.rules.parameters.n())
    }
}

fn committee((n, f, numerator, denominator): (u32, u32, u32, u32)) -> Parameters {
    let gamma = Gamma {
        numerator,
        denominator,
    };
    Parameters::new(n, f, gamma, GammaMode::All).expect("the table holds feasible committees only")
}

/// One of the committees with this many members.
fn committee_of(n: u32, random: &mut Random) -> Parameters {
    let same = WorldConfig::COMMITTEES.into_iter().filter(|own| own.0 == n);
    let same: Vec<_> = same.collect();
    committee(random.pick(&same))
}

/// Draws who stays, who leaves and who joins; one seat at least is another's.
fn next_committee(
    present: &[u32],
    parameters: Parameters,
    faulty: &mut BTreeSet<u32>,
    node_count: &mut u32,
    random: &mut Random,
) -> Vec<u32> {
    let (n, f) = (parameters.n() as usize, parameters.f() as usize);
    let mut staying = present.to_vec();
    let leaves = random.below(staying.len() as u64) as usize;
    if staying.len() >= n || random.chance(50) {
        staying.remove(leaves);
    }
    while staying.len() > n {
        let leaves = random.below(staying.len() as u64) as usize;
        staying.remove(leaves);
    }
    let is_faulty = |node: &u32, faulty: &BTreeSet<u32>| faulty.contains(node);
    while staying
        .iter()
        .filter(|node| is_faulty(node, faulty))
        .count()
        > f
    {
        let at = staying.iter().position(|node| is_faulty(node, faulty));
        staying.remove(at.unwrap_or(0));
    }
    let mut next = staying;
    while next.len() < n {
        let byzantine = next.iter().filter(|node| is_faulty(node, faulty)).count();
        if byzantine < f && random.chance(60) {
            faulty.insert(*node_count);
        }
        // Who comes takes a seat anywhere, so that the seats of others move.
        let at = match random.chance(50) {
            true => next.len(),
            false => random.below(next.len() as u64 + 1) as usize,
        };
        next.insert(at, *node_count);
        *node_count += 1;
    }
    next
}
