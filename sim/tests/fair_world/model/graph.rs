//! One proposal in sets and maps, straight from the definition.

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_core::ordering::fair::Parameters;
use hauptbuch_sim::fair_world::Number;

/// The ids that each log holds, in the order of the log; each once.
pub type Lists = Vec<Vec<Number>>;

#[derive(Clone, Debug, Default)]
pub struct PlainGraph {
    pub solid: BTreeSet<Number>,
    pub kept: BTreeSet<Number>,
    /// From whom to whom.
    pub edges: BTreeSet<(Number, Number)>,
    /// Pairs with the smaller id first.
    pub missing: BTreeSet<(Number, Number)>,
}

pub fn heads(lists: &Lists, id: Number) -> u32 {
    lists.iter().filter(|list| list.contains(&id)).count() as u32
}

/// How many lists have a before b, or a and not b.
pub fn votes(lists: &Lists, a: Number, b: Number) -> u32 {
    let place = |list: &[Number], id| list.iter().position(|own| *own == id);
    let before = |list: &&Vec<Number>| match (place(list, a), place(list, b)) {
        (Some(first), Some(second)) => first < second,
        (first, None) => first.is_some(),
        (None, Some(_)) => false,
    };
    lists.iter().filter(before).count() as u32
}

impl PlainGraph {
    /// FairPropose over everything in the lists but `held`.
    pub fn propose(parameters: Parameters, lists: &Lists, held: &BTreeSet<Number>) -> Self {
        let mut graph = Self::default();
        let all: BTreeSet<Number> = lists.iter().flatten().copied().collect();
        let with_heads = |min| {
            let enough = move |id: &&Number| heads(lists, **id) >= min && !held.contains(id);
            all.iter().filter(enough).copied().collect::<BTreeSet<_>>()
        };
        let members = with_heads(parameters.threshold());
        graph.solid = with_heads(parameters.solid_min());
        for a in &members {
            for b in members.range(a + 1..) {
                let (forth, back) = (votes(lists, *a, *b), votes(lists, *b, *a));
                if forth.max(back) < parameters.threshold() {
                    graph.missing.insert((*a, *b));
                } else {
                    let edge = if forth >= back { (*a, *b) } else { (*b, *a) };
                    graph.edges.insert(edge);
                }
            }
        }
        graph.kept = graph.solid.clone();
        loop {
            let leads = |(from, to): &&(Number, Number)| {
                !graph.kept.contains(from) && graph.kept.contains(to)
            };
            let Some((from, _)) = graph.edges.iter().find(leads).copied() else {
                break;
            };
            graph.kept.insert(from);
        }
        let kept = graph.kept.clone();
        let inside = |(a, b): &(Number, Number)| kept.contains(a) && kept.contains(b);
        graph.missing.retain(inside);
        graph.edges.retain(inside);
        graph
    }

    /// FairUpdate from what the logs hold by now.
    pub fn update(&mut self, parameters: Parameters, lists: &Lists) {
        for (a, b) in self.missing.clone() {
            let (forth, back) = (votes(lists, a, b), votes(lists, b, a));
            let can = |from, own: u32, other: u32| {
                own >= parameters.threshold()
                    && own >= other
                    && heads(lists, from) >= parameters.solid_min()
            };
            let edge = match (can(a, forth, back), can(b, back, forth)) {
                (true, _) => (a, b),
                (false, true) => (b, a),
                (false, false) => continue,
            };
            self.edges.insert(edge);
            self.missing.remove(&(a, b));
        }
    }

    fn beats(&self, a: Number, b: Number) -> bool {
        self.edges.contains(&(a, b))
    }

    /// FairFinalize: components in order, each ranked, the last one ending in a solid id.
    pub fn order(&self) -> Vec<Number> {
        assert!(self.missing.is_empty());
        let mut components: Vec<Vec<Number>> = self.components();
        for component in &mut components {
            *component = self.copeland(component);
        }
        if let Some(last) = components.last_mut() {
            *last = self.end_in_solid(last);
        }
        components.concat()
    }

    /// Some ids and all that can be reached from them.
    pub fn descendants(&self, ids: impl Iterator<Item = Number>) -> BTreeSet<Number> {
        let mut reached: BTreeSet<Number> = ids.collect();
        loop {
            let new =
                |(from, to): &&(Number, Number)| reached.contains(from) && !reached.contains(to);
            let Some((_, to)) = self.edges.iter().find(new).copied() else {
                return reached;
            };
            reached.insert(to);
        }
    }

    /// Components by who reaches whom: an earlier one reaches more.
    fn components(&self) -> Vec<Vec<Number>> {
        let mut groups = BTreeMap::<usize, Vec<Number>>::new();
        for id in &self.kept {
            let reached = self.descendants(core::iter::once(*id));
            let unreached = self.kept.len() - reached.len();
            groups.entry(unreached).or_default().push(*id);
        }
        groups.into_values().collect()
    }

    fn copeland(&self, component: &[Number]) -> Vec<Number> {
        let wins = |id: Number| {
            component
                .iter()
                .filter(|other| self.beats(id, **other))
                .count()
        };
        let mut order = component.to_vec();
        order.sort_by_key(|id| (usize::MAX - wins(*id), *id));
        for at in 1..order.len() {
            let mut place = at;
            while place > 0 && self.beats(order[place], order[place - 1]) {
                order.swap(place, place - 1);
                place -= 1;
            }
        }
        order
    }

    fn end_in_solid(&self, component: &[Number]) -> Vec<Number> {
        let solid = |id: &Number| self.solid.contains(id);
        let mut order = component.to_vec();
        let anchor = *order.iter().rfind(|id| solid(id)).unwrap();
        while order.last() != Some(&anchor) {
            let moving = order.pop().unwrap();
            let end = order.iter().position(|id| *id == anchor).unwrap();
            let fits = |place: &usize| {
                self.beats(moving, order[*place])
                    && (*place == 0 || self.beats(order[place - 1], moving))
            };
            match (0..=end).rev().find(fits) {
                Some(place) => order.insert(place, moving),
                None => {
                    order.push(moving);
                    let mut cycle = self.close_cycle(&order);
                    let at = cycle.iter().position(|id| *id == anchor).unwrap();
                    let count = cycle.len();
                    cycle.rotate_left((at + 1) % count);
                    return cycle;
                }
            }
        }
        order
    }

    /// A Hamiltonian cycle of a strong tournament from a path of it.
    ///
    /// The path up to the last id that beats its first one is a cycle. The next stretch of the path
    /// that ends in an id which beats somebody in the cycle goes in before the first it beats.
    fn close_cycle(&self, path: &[Number]) -> Vec<Number> {
        let closing = path
            .iter()
            .rposition(|id| self.beats(*id, path[0]))
            .unwrap();
        let mut cycle = path[..=closing].to_vec();
        let mut rest = path[closing + 1..].to_vec();
        while !rest.is_empty() {
            let beaten = |id: &Number| cycle.iter().position(|own| self.beats(*id, *own));
            let (last, place) = rest
                .iter()
                .enumerate()
                .find_map(|(at, id)| Some((at, beaten(id)?)))
                .unwrap();
            let piece: Vec<Number> = rest.drain(..=last).collect();
            cycle.splice(place..place, piece);
        }
        cycle
    }
}
