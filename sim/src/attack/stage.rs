//! One play's world: who claims to have received what when.

use hauptbuch_core::ordering::fair::Parameters;

use super::{
    Controls, Ordering, Outcome, PATIENCE_ROUNDS, RELAY_NS, ROUND_COUNT, ROUND_NS, Relay,
    SPACING_NS, SPREAD_PERMILLE, Scenario, VICTIM_ROUND, tactics,
};
use crate::arrivals::{ArrivalModel, Spread};
use crate::workload::Random;

/// Below and above these ids only an attacker finds one, by trying.
const HONEST_IDS: core::ops::Range<u64> = 1 << 32..u64::MAX - (1 << 32);

/// What a member claims of a transaction; nothing where it never logs it.
pub(super) type Claim = Option<u64>;

/// Transactions are numbers in the order in which they were thought of, members below n.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) n: usize,
    pub(super) f: usize,
    /// By transaction: what ties go by. All different.
    pub(super) ids: Vec<u64>,
    pub(super) sent: Vec<u64>,
    /// By transaction, by member: the stamp in its list.
    pub(super) claims: Vec<Vec<Claim>>,
    pub(super) is_malicious: Vec<bool>,
    /// The member that orders alone where one does, and that proposes cuts.
    pub(super) proposer: usize,
    pub(super) victim: usize,
    /// The attacker's transactions of which one is to overtake the victim.
    pub(super) own: Vec<usize>,
    /// Lists that a round's cut leaves where they were.
    pub(super) left_out: Option<(u64, Vec<bool>)>,
    /// When the attacker sees the victim.
    seen: u64,
    /// How many transactions are honest; they come first, the victim last among them.
    honest_count: usize,
    /// By honest transaction: when the last honest member really received it.
    everywhere: Vec<u64>,
}

/// When an ordering gave out each transaction: its place and its round.
pub(super) type Releases = Vec<Option<(usize, u64)>>;

impl Stage {
    pub(super) fn new(
        scenario: &Scenario,
        parameters: Parameters,
        seed: u64,
        is_attacked: bool,
    ) -> Self {
        let n = parameters.n() as usize;
        let mut random = Random::from_seed(b"hauptbuch/sim/attack/01\0", seed);
        let mut model = ArrivalModel::new(parameters.n());
        model.spread = Spread::Measured {
            scale_permille: SPREAD_PERMILLE,
        };
        let mut members: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            members.swap(last, random.below(last as u64 + 1) as usize);
        }
        let drawn_proposer = random.below(n as u64) as usize;
        let mut stage = Self {
            n,
            f: parameters.f() as usize,
            ids: Vec::new(),
            sent: Vec::new(),
            claims: Vec::new(),
            is_malicious: vec![false; n],
            proposer: drawn_proposer,
            victim: 0,
            own: Vec::new(),
            left_out: None,
            seen: 0,
            honest_count: 0,
            everywhere: Vec::new(),
        };
        for slot in 0..ROUND_COUNT * ROUND_NS / SPACING_NS {
            let sent = slot * SPACING_NS + random.below(SPACING_NS);
            stage.send(sent, &model, &mut random);
        }
        let sent = VICTIM_ROUND * ROUND_NS + random.below(ROUND_NS);
        stage.victim = stage.send(sent, &model, &mut random);
        stage.honest_count = stage.ids.len();
        // The attacker sees the same with and without the attack, so that it sends at one time.
        let watched: &[usize] = match scenario.controls {
            Controls::Client => &members,
            Controls::Members if stage.f > 0 => &members[..stage.f],
            Controls::Members => &members,
            Controls::Proposer => &[drawn_proposer],
        };
        if is_attacked && scenario.controls != Controls::Client && stage.f > 0 {
            for member in watched {
                stage.is_malicious[*member] = true;
            }
        }
        stage.everywhere = (0..stage.honest_count)
            .map(|transaction| stage.last_honest(transaction))
            .collect();
        let victim = &stage.claims[stage.victim];
        let seen = watched.iter().filter_map(|member| victim[*member]).min();
        stage.seen = seen.unwrap_or(sent);
        let reaction_ns = scenario.reaction_ms * 1_000_000;
        let reaction = stage.seen.saturating_add(reaction_ns);
        let own = stage.send(reaction, &model, &mut random);
        stage.own.push(own);
        if is_attacked {
            tactics::apply(&mut stage, scenario, &model, &mut random);
        }
        if scenario.relay == Relay::Receipt {
            stage.pass_on();
        }
        stage
    }

    /// Adds a transaction that reaches members as the model has it.
    pub(super) fn send(&mut self, sent: u64, model: &ArrivalModel, random: &mut Random) -> usize {
        let mut delays = vec![0; self.n];
        model.draw(random, &mut delays);
        let claims = delays.iter().map(|delay| Some(sent.saturating_add(*delay)));
        let id = HONEST_IDS.start + random.below(HONEST_IDS.end - HONEST_IDS.start);
        self.add(id, sent, claims.collect())
    }

    /// Adds a transaction of the attacker's, who chose its id and when it reaches whom.
    pub(super) fn add(&mut self, id: u64, sent: u64, claims: Vec<Claim>) -> usize {
        self.ids.push(id);
        self.sent.push(sent);
        self.claims.push(claims);
        self.ids.len() - 1
    }

    /// Honest members pass on at once what they receive.
    fn pass_on(&mut self) {
        for claims in &mut self.claims {
            let honest = || (0..self.n).filter(|member| !self.is_malicious[*member]);
            let Some(first) = honest().filter_map(|member| claims[member]).min() else {
                continue;
            };
            for member in honest() {
                let at = claims[member].unwrap_or(u64::MAX);
                claims[member] = Some(at.min(first.saturating_add(RELAY_NS)));
            }
        }
    }

    fn last_honest(&self, transaction: usize) -> u64 {
        let members = self.claims[transaction].iter().zip(&self.is_malicious);
        let times = members.filter(|(_, is_malicious)| !**is_malicious);
        times
            .map(|(at, _)| at.unwrap_or(u64::MAX))
            .max()
            .unwrap_or(0)
    }

    /// When a round's cut is made.
    pub(super) const fn cut(round: u64) -> u64 {
        (round + 1) * ROUND_NS
    }

    /// The first round whose cut is not before a time.
    pub(super) const fn round_of(time: u64) -> u64 {
        time.saturating_sub(1) / ROUND_NS
    }

    /// Whether a transaction was sure to be ordered before the attacker saw the victim.
    fn was_bound(&self, transaction: usize, ordering: Ordering) -> bool {
        let is_early = |claim: &Claim| claim.is_some_and(|at| at < self.seen);
        let claims = &self.claims[transaction];
        let early = claims.iter().filter(|claim| is_early(claim)).count();
        match ordering {
            Ordering::Fcfs | Ordering::Shuffle => is_early(&claims[self.proposer]),
            Ordering::Median => early > (self.n - 1) / 2,
            Ordering::Fair(_) => early >= self.n - 2 * self.f,
        }
    }

    /// What a play came to.
    pub(super) fn judge(&self, releases: &Releases, ordering: Ordering) -> Outcome {
        let first_round = Self::round_of(self.seen);
        let victim = releases[self.victim].map_or(usize::MAX, |(place, _)| place);
        let overtook = self.own.iter().any(|own| {
            releases[*own].is_some_and(|(place, round)| place < victim && round >= first_round)
                && !self.was_bound(*own, ordering)
        });
        let stalled = (0..self.honest_count).any(|transaction| {
            let due = Self::round_of(self.everywhere[transaction]) + PATIENCE_ROUNDS;
            let released = releases[transaction].map_or(u64::MAX, |(_, round)| round);
            due < ROUND_COUNT && released > due
        });
        Outcome { overtook, stalled }
    }
}
