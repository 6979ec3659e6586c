//! Graphs built anew from the logs.

use super::{Class, Height, NONE, Nonce, Standing, StreamTwin, retain};
use crate::ordering::fair::stream::error::Broken;

const LINE: Broken = Broken("a graph that stands in line can't be built again");

impl StreamTwin {
    /// Forms at most one graph of a rollup, again and again without the ids that are held back.
    pub(super) fn form(&mut self, rollup: usize) {
        let (threshold, solid_min) = (self.parameters.threshold(), self.parameters.solid_min());
        let in_line = self.formed_heights(rollup);
        if in_line >= self.limits.graph_count_max as usize {
            return;
        }
        self.vertices.clear();
        self.held.clear();
        let mut some_solid = false;
        for at in self.own(rollup) {
            let known = &mut self.known.all_mut()[at];
            known.is_marked = false;
            known.is_passed_over = false;
            if known.standing == Standing::Outside && known.heads >= threshold {
                some_solid |= known.heads >= solid_min;
                self.vertices.push(at as u32);
            }
        }
        if !some_solid {
            self.note_passed_over(|_, _| true);
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
            let known = self.known.all();
            retain(&mut self.vertices, |at| !known[*at as usize].is_marked);
            self.held.clear();
            if self.build(self.height).is_err() {
                return;
            }
        }
        self.note_passed_over(|twin, vertex| !twin.graph.is_kept(vertex));
        for (vertex, at) in (0..).zip(self.vertices.all()) {
            if self.graph.is_kept(vertex) {
                self.known.all_mut()[*at as usize].standing = Standing::Formed(self.height);
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
        let known = self.known.all()[self.own(rollup)].iter();
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
        self.vertices.clear();
        for at in self.own(rollup) {
            if self.known.all()[at].standing == Standing::Formed(formed) {
                self.vertices.push(at as u32);
            }
        }
    }

    /// Builds the graph over the listed vertices that was formed in a slot: its proposal from what
    /// the cuts covered by then, its missing edges slot after slot from what came since. Once none
    /// is missing, what came later says nothing.
    pub(super) fn build(&mut self, formed: Height) -> Result<(), Broken> {
        for known in self.known.all_mut() {
            known.vertex = NONE;
        }
        for (vertex, at) in (0..).zip(self.vertices.all()) {
            self.known.all_mut()[*at as usize].vertex = vertex;
        }
        let count = self.vertices.all().len() as u32;
        self.graph.begin(count).map_err(|_| LINE)?;
        self.append(|height| height <= formed)?;
        self.graph.propose(&mut self.workspace).map_err(|_| LINE)?;
        let mut last = formed;
        while !self.graph.is_complete() {
            let entries = self.logs.iter().flat_map(|log| log.all());
            let later = entries.filter(|entry| entry.height > last);
            let Some(next) = later.map(|entry| entry.height).min() else {
                return Ok(());
            };
            self.append(|height| height == next)?;
            self.graph.update().map_err(|_| LINE)?;
            last = next;
        }
        Ok(())
    }

    /// Appends the entries of some slots to the graph.
    fn append(&mut self, of: impl Fn(Height) -> bool) -> Result<(), Broken> {
        let known = self.known.all();
        for (log, list) in (0..).zip(&self.logs) {
            for entry in list.all().iter().filter(|entry| of(entry.height)) {
                let vertex = known[entry.at as usize].vertex;
                if vertex != NONE {
                    self.graph.append(log, vertex).map_err(|_| LINE)?;
                }
            }
        }
        Ok(())
    }

    /// Lists those vertices that are not solid and whose base nobody knows, and what has an edge
    /// from one that is listed, until there is no more.
    fn hold_back_unsure(&mut self, rollup: usize) {
        for vertex in 0..self.vertices.all().len() as u32 {
            let is_solid = self.graph.class(vertex) == Class::Solid;
            if !self.graph.is_kept(vertex) || is_solid {
                continue;
            }
            let at = self.vertices.all()[vertex as usize];
            if self.base_in_flight(rollup, at).is_none() {
                self.list(at);
            }
        }
        let mut looked_at = 0;
        while let Some(from) = self.held.all().get(looked_at) {
            let from = self.at(*from).vertex;
            looked_at += 1;
            for vertex in 0..self.vertices.all().len() {
                let at = self.vertices.all()[vertex];
                if !self.at(at).is_marked && self.graph.has_edge(from, vertex as u32) {
                    self.list(at);
                }
            }
        }
    }

    /// Lists those vertices that the graph keeps and before whom a nonce is missing.
    fn hold_back(&mut self, rollup: usize) {
        for vertex in 0..self.vertices.all().len() as u32 {
            if !self.graph.is_kept(vertex) {
                continue;
            }
            let at = self.vertices.all()[vertex as usize];
            let is_kept = |known: &super::Known| {
                known.standing == Standing::Outside
                    && known.vertex != NONE
                    && self.graph.is_kept(known.vertex)
            };
            let kept = self.siblings(at).filter(|known| is_kept(known));
            let base = self.base_in_flight(rollup, at);
            let base = base.or_else(|| kept.map(|known| known.facts.nonce).min());
            let base = base.unwrap_or(self.at(at).facts.nonce);
            let is_there =
                |known: &super::Known| known.standing != Standing::Outside || is_kept(known);
            if self.has_gap(at, base, is_there) {
                self.list(at);
            }
        }
    }

    /// Where a sender's nonces begin, as far as that is decided: its next nonce, or without one
    /// the least that it has in flight.
    fn base_in_flight(&self, rollup: usize, at: u32) -> Option<Nonce> {
        let next = self.next_nonce(rollup, &self.at(at).facts.sender);
        let siblings = self.siblings(at);
        let in_flight = siblings.filter(|known| known.standing != Standing::Outside);
        next.or_else(|| in_flight.map(|known| known.facts.nonce).min())
    }

    fn list(&mut self, at: u32) {
        self.at_mut(at).is_marked = true;
        self.held.push(at);
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
            self.queue_order(rollup);
        }
        Ok(())
    }

    /// Puts what is ordered at the end of a rollup's queue.
    pub(super) fn queue_order(&mut self, rollup: usize) {
        for at in self.order.all() {
            let known = &mut self.known.all_mut()[*at as usize];
            known.standing = Standing::Queued;
            self.queues[rollup].push(known.id);
        }
    }
}
