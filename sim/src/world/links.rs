//! Who hears whom at the moment.

use hauptbuch_core::types::Height;

use super::instance::Instance;
use super::plan::{Plan, Script};
use super::random::Random;
use super::settings::Fault;

/// The links between instances, redrawn from time to time.
#[derive(Debug)]
pub(super) struct Links {
    count: usize,
    /// From one to another, row by row.
    is_blocked: Vec<bool>,
    /// Which twins an instance hears and is heard by: the first ones, the second ones, or both.
    side: Vec<u8>,
    /// To whom a member that withholds says nothing, and which kinds of messages it says nobody.
    withheld: Vec<(u64, u8)>,
    script: Option<Script>,
    /// Whether each instance hears one of two twins at a time, as chance has it.
    has_sides: bool,
}

impl Links {
    pub fn new(count: usize, plan: &Plan) -> Self {
        Self {
            count,
            is_blocked: vec![false; count * count],
            side: vec![2; count],
            withheld: vec![(0, 0); count],
            script: plan.script.clone(),
            has_sides: plan.script.is_none(),
        }
    }

    /// Draws anew what depends on the weather.
    pub fn redraw(&mut self, plan: &Plan, is_calm: bool, random: &mut Random) {
        self.is_blocked.fill(false);
        if plan.faults.has(Fault::Partition) && !is_calm {
            self.part(random);
        }
        if is_calm {
            self.script = None;
        }
        if self.has_sides {
            for side in &mut self.side {
                *side = random.below(20).min(18) as u8 / 9;
            }
        }
        for (silent, kinds) in &mut self.withheld {
            *silent = random.next() & random.next();
            *kinds = if random.one_in(2) {
                (random.next() & random.next()) as u8
            } else {
                0
            };
        }
    }

    fn part(&mut self, random: &mut Random) {
        let kind = random.below(5);
        let lone = random.below(self.count as u64) as usize;
        let groups: Vec<bool> = (0..self.count)
            .map(|at| match kind {
                0 | 1 => random.one_in(2),
                _ => at == lone,
            })
            .collect();
        for from in 0..self.count {
            for to in 0..self.count {
                let is_cut = match kind {
                    // Both ways.
                    0 | 2 => groups[from] != groups[to],
                    // One side is heard and hears nothing.
                    1 | 3 => groups[from] && !groups[to],
                    _ => false,
                };
                self.is_blocked[from * self.count + to] = is_cut;
            }
        }
    }

    /// Whether what one instance sends has a way to another at all.
    pub fn is_open(&self, sender: usize, to: usize, instances: &[Instance]) -> bool {
        if let Some(script) = &self.script {
            let groups = match instances[sender].reached {
                (height, round, has_precommitted) if height == Height::new(1) => {
                    script.groups(round, has_precommitted)
                }
                _ => 0,
            };
            return groups >> sender & 1 == groups >> to & 1;
        }
        let is_twin = |at: usize| instances[at].lie == Some(Fault::Twins);
        let is_seen = |twin: usize, by: usize| {
            let half = u8::from(is_second(twin, instances));
            self.side[by] == 2 || self.side[by] == half
        };
        let is_shown =
            (!is_twin(sender) || is_seen(sender, to)) && (!is_twin(to) || is_seen(to, sender));
        is_shown && !self.is_blocked[sender * self.count + to]
    }

    /// Whether a member that withholds keeps this message to itself.
    pub fn is_withheld(&self, sender: &Instance, at: usize, to: usize, kind: u8) -> bool {
        let (silent, kinds) = self.withheld[at];
        sender.lie == Some(Fault::Withhold)
            && (silent >> (to % 64) & 1 == 1 || kinds >> (kind % 8) & 1 == 1)
    }
}

/// Whether an instance is the second of two twins: those stand behind all members.
fn is_second(at: usize, instances: &[Instance]) -> bool {
    usize::from(instances[at].member.get()) != at
}
