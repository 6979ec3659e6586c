//! Graphs built anew from the logs.

use super::{Class, Facts, Height, LoggedId, Nonce, Standing, StreamTwin, retain};
use crate::ordering::fair::stream::error::Broken;

const LINE: Broken = Broken("a graph that stands in line can't be built again");

impl StreamTwin {
    /// Forms at most one graph of a rollup, again and again without the ids that are held back.
    pub(super) fn form(&mut self, rollup: usize) {
        let own = self.parts[rollup].rollup;
        let (threshold, solid_min) = (self.parameters.threshold(), self.parameters.solid_min());
        let in_line = self.formed_heights(rollup);
        if in_line >= self.limits.graph_count_max as usize {
            return;
        }
        self.vertices.clear();
        self.held.clear();
        let mut some_solid = false;
        for known in self.known.all() {
            let is_outside = known.standing == Standing::Outside && known.id.rollup == own;
            if is_outside && known.heads >= threshold {
                self.vertices.push(known.id);
                some_solid |= known.heads >= solid_min;
            }
        }
        if !some_solid {
            self.note_waiting(|_, _| true);
            return;
        }
        if self.build(self.height).is_err() {
            return;
        }
        self.hold_back_unsure(rollup);
        loop {
            if self.held.all().is_empty() {
                self.hold_back(rollup);
            }
            if self.held.all().is_empty() {
                break;
            }
            let held = &self.held;
            retain(&mut self.vertices, |id| !held.all().contains(id));
            self.held.clear();
            if self.build(self.height).is_err() {
                return;
            }
        }
        self.note_waiting(|twin, vertex| !twin.graph.is_kept(vertex));
        let graph = &self.graph;
        let mut vertex = 0;
        retain(&mut self.vertices, |_| {
            vertex += 1;
            graph.is_kept(vertex - 1)
        });
        for place in 0..self.vertices.all().len() {
            let id = self.vertices.all()[place];
            if let Some(at) = self.find(&id) {
                self.known.all_mut()[at].standing = Standing::Formed(self.height);
            }
        }
    }

    /// How many graphs of a rollup stand in line.
    pub(super) fn formed_heights(&self, rollup: usize) -> usize {
        let mut count = 0;
        let mut last = None;
        while let Some(height) = self.formed_after(rollup, last) {
            count += 1;
            last = Some(height);
        }
        count
    }

    /// The first slot after `last` that formed a graph which stands in line.
    pub(super) fn formed_after(&self, rollup: usize, last: Option<Height>) -> Option<Height> {
        let own = self.parts[rollup].rollup;
        let known = self
            .known
            .all()
            .iter()
            .filter(|known| known.id.rollup == own);
        let formed = known.filter_map(|known| match known.standing {
            Standing::Formed(height) => Some(height),
            _ => None,
        });
        formed
            .filter(|height| last.is_none_or(|last| *height > last))
            .min()
    }

    /// Puts the vertices of a graph in line into the list.
    pub(super) fn gather(&mut self, rollup: usize, formed: Height) {
        let own = self.parts[rollup].rollup;
        self.vertices.clear();
        for known in self.known.all() {
            if known.id.rollup == own && known.standing == Standing::Formed(formed) {
                self.vertices.push(known.id);
            }
        }
    }

    /// Builds the graph over the listed vertices that was formed in a slot: its proposal from what
    /// the cuts covered by then, its missing edges slot after slot from what came since.
    pub(super) fn build(&mut self, formed: Height) -> Result<(), Broken> {
        let vertices = self.vertices.all();
        self.graph.begin(vertices.len() as u32).map_err(|_| LINE)?;
        self.append(|height| height <= formed)?;
        self.graph.propose(&mut self.workspace).map_err(|_| LINE)?;
        let mut last = formed;
        loop {
            let entries = self.logs.iter().flat_map(|log| log.all());
            let later = entries.filter(|entry| entry.height > last);
            let Some(next) = later.map(|entry| entry.height).min() else {
                return Ok(());
            };
            self.append(|height| height == next)?;
            self.graph.update().map_err(|_| LINE)?;
            last = next;
        }
    }

    /// Appends the entries of some slots to the graph.
    fn append(&mut self, of: impl Fn(Height) -> bool) -> Result<(), Broken> {
        let vertices = self.vertices.all();
        for (log, list) in (0..).zip(&self.logs) {
            for entry in list.all().iter().filter(|entry| of(entry.height)) {
                if let Ok(vertex) = vertices.binary_search(&entry.id) {
                    let appended = self.graph.append(log, vertex as u32);
                    appended.map_err(|_| LINE)?;
                }
            }
        }
        Ok(())
    }

    /// Lists those vertices that are not solid and whose base nobody knows, and what has an edge
    /// from one that is listed, until there is no more.
    fn hold_back_unsure(&mut self, rollup: usize) {
        for vertex in 0..self.vertices.all().len() {
            let id = self.vertices.all()[vertex];
            let Some(facts) = self.find(&id).map(|at| self.known.all()[at].facts) else {
                continue;
            };
            let is_solid = self.graph.class(vertex as u32) == Class::Solid;
            let has_base = self.next_nonce(rollup, &facts.sender).is_some()
                || self.least_nonce(rollup, &facts, false).is_some();
            if self.graph.is_kept(vertex as u32) && !is_solid && !has_base {
                self.held.push(id);
            }
        }
        let mut looked_at = 0;
        while looked_at < self.held.all().len() {
            let from = self
                .vertices
                .all()
                .binary_search(&self.held.all()[looked_at]);
            let from = from.unwrap_or(0) as u32;
            looked_at += 1;
            for vertex in 0..self.vertices.all().len() {
                let id = self.vertices.all()[vertex];
                let follows = self.graph.has_edge(from, vertex as u32);
                if follows && !self.held.all().contains(&id) {
                    self.held.push(id);
                }
            }
        }
    }

    /// Lists those vertices that the graph keeps and before whom a nonce is missing.
    fn hold_back(&mut self, rollup: usize) {
        for vertex in 0..self.vertices.all().len() {
            if !self.graph.is_kept(vertex as u32) {
                continue;
            }
            let id = self.vertices.all()[vertex];
            let Some(facts) = self.find(&id).map(|at| self.known.all()[at].facts) else {
                continue;
            };
            let known = self.next_nonce(rollup, &facts.sender);
            let known = known.or_else(|| self.least_nonce(rollup, &facts, false));
            let base = known.or_else(|| self.least_nonce(rollup, &facts, true));
            let mut nonce = base.unwrap_or(facts.nonce);
            while nonce < facts.nonce && self.is_present(rollup, &facts, nonce) {
                nonce = nonce.saturating_add(1);
            }
            if nonce < facts.nonce {
                self.held.push(id);
            }
        }
    }

    /// A sender's least nonce in flight, or among the vertices that are kept.
    fn least_nonce(&self, rollup: usize, facts: &Facts, in_draft: bool) -> Option<Nonce> {
        let own = self.parts[rollup].rollup;
        let known = self.known.all().iter().filter(|known| {
            known.id.rollup == own && known.has_facts && known.facts.sender == facts.sender
        });
        let counted = known.filter(|known| {
            if in_draft {
                known.standing == Standing::Outside && self.is_kept(&known.id)
            } else {
                known.standing != Standing::Outside
            }
        });
        counted.map(|known| known.facts.nonce).min()
    }

    /// Whether a nonce of a sender is in flight, or in the draft by right.
    fn is_present(&self, rollup: usize, facts: &Facts, nonce: Nonce) -> bool {
        let own = self.parts[rollup].rollup;
        self.known.all().iter().any(|known| {
            known.id.rollup == own
                && known.has_facts
                && known.facts.sender == facts.sender
                && known.facts.nonce == nonce
                && (known.standing != Standing::Outside || self.is_kept(&known.id))
        })
    }

    fn is_kept(&self, id: &LoggedId) -> bool {
        let vertex = self.vertices.all().binary_search(id);
        vertex.is_ok_and(|vertex| self.graph.is_kept(vertex as u32))
    }

    /// Releases from the front while the first graph has no missing edge.
    pub(super) fn release(&mut self, rollup: usize) -> Result<(), Broken> {
        while let Some(formed) = self.formed_after(rollup, None) {
            self.gather(rollup, formed);
            self.build(formed)?;
            if !self.graph.is_complete() {
                return Ok(());
            }
            let order = self.workspace.finalize(&self.graph, self.rank);
            let order = order.map_err(|_| LINE)?;
            self.order.clear();
            for vertex in order.vertices() {
                self.order.push(self.vertices.all()[*vertex as usize]);
            }
            self.place_nonces(rollup);
            for place in 0..self.order.all().len() {
                let id = self.order.all()[place];
                self.queues[rollup].push(id);
                if let Some(at) = self.find(&id) {
                    self.known.all_mut()[at].standing = Standing::Queued;
                }
            }
        }
        Ok(())
    }

    /// Each place, from the front, takes the smallest nonce of its sender from here on. Ids whose
    /// nonce was used or that have expired stay, and so do variants of what is before them.
    pub(super) fn place_nonces(&mut self, rollup: usize) {
        let count = self.order.all().len();
        self.held.clear();
        for place in 0..count {
            if !self.may_move(rollup, place) {
                let id = self.order.all()[place];
                self.held.push(id);
            }
        }
        for place in 0..count {
            let Some(own) = self.moving(place) else {
                continue;
            };
            let mut least = (own.nonce, place);
            for later in place + 1..count {
                if let Some(other) = self.moving(later)
                    && other.sender == own.sender
                    && other.nonce < least.0
                {
                    least = (other.nonce, later);
                }
            }
            let mut carried = self.order.all()[least.1];
            for at in place..=least.1 {
                let moves = self.moving(at);
                if moves.is_some_and(|other| other.sender == own.sender) {
                    core::mem::swap(&mut carried, &mut self.order.all_mut()[at]);
                }
            }
        }
    }

    fn may_move(&self, rollup: usize, place: usize) -> bool {
        let Some(facts) = self.facts_of(&self.order.all()[place]) else {
            return false;
        };
        let is_variant = |other: &LoggedId| {
            self.facts_of(other)
                .is_some_and(|other| (other.sender, other.nonce) == (facts.sender, facts.nonce))
        };
        let earlier = self.order.all()[..place].iter();
        let mut earlier = earlier.filter(|id| !self.held.all().contains(id));
        let next = self.next_nonce(rollup, &facts.sender);
        next.is_none_or(|next| facts.nonce >= next)
            && facts.expiry > self.time
            && !self.queues[rollup].all().iter().any(is_variant)
            && !earlier.any(is_variant)
    }

    fn moving(&self, place: usize) -> Option<Facts> {
        let id = self.order.all()[place];
        let stays = self.held.all().contains(&id);
        self.facts_of(&id).filter(|_| !stays)
    }

    pub(super) fn facts_of(&self, id: &LoggedId) -> Option<Facts> {
        Some(self.known.all()[self.find(id)?].facts)
    }
}
