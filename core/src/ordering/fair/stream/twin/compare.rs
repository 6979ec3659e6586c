//! Twin against stream.

use super::{Broken, FairStream, StreamTwin};

impl StreamTwin {
    /// Compares the last slot's outcome and the state with those of a stream.
    ///
    /// # Errors
    /// [`Broken`] with the first difference.
    pub fn compare(&mut self, stream: &FairStream) -> Result<(), Broken> {
        same(self.height == stream.height(), "the heights differ")?;
        same(self.time == stream.time(), "the agreed times differ")?;
        same(self.age == stream.age_slots(), "the ages differ")?;
        same(
            self.end == stream.epoch_end(),
            "the ends of the epoch differ",
        )?;
        same(
            self.closed.count_ones() == stream.closed_count(),
            "the closed logs differ",
        )?;
        same(
            self.drained.all() == stream.drained(),
            "what was drained differs",
        )?;
        same(
            self.lapsed.all() == stream.lapsed_ids(),
            "the ids that lapsed differ",
        )?;
        self.locate();
        self.compare_ids(stream)?;
        for rollup in 0..self.parts.len() {
            self.compare_rollup(stream, rollup)?;
        }
        self.compare_cursors(stream)
    }

    fn compare_ids(&self, stream: &FairStream) -> Result<(), Broken> {
        let known = self.known.all().iter();
        let live = known.clone().filter(|known| known.is_live());
        same(
            live.count() == stream.live_count() as usize,
            "the counts of live ids differ",
        )?;
        for known in known {
            let heads = if known.is_live() { known.heads } else { 0 };
            same(
                heads == stream.heads(&known.id),
                "the heads of an id differ",
            )?;
            let charged = stream.charged_set(&known.id);
            same(charged == known.charged, "the charges for an id differ")?;
            same(
                known.is_live() == stream.is_live(&known.id),
                "an id is live for one only",
            )?;
            for (log, own) in self.logs.iter().enumerate() {
                let stamp = stream.waiting_stamp(log, &known.id);
                let mut entries = own.all().iter();
                let own = entries.find(|entry| entry.id == known.id);
                let own = own.map(|entry| entry.stamp);
                let is_same = stamp.is_none_or(|stamp| Some(stamp) == own);
                same(is_same, "the stamp of an entry differs")?;
            }
        }
        Ok(())
    }

    fn compare_rollup(&mut self, stream: &FairStream, rollup: usize) -> Result<(), Broken> {
        let own = self.parts[rollup].rollup;
        for log in 0..self.parameters.n() {
            let charge = self.charge(log as usize, rollup);
            same(charge == stream.charge(log, own), "a charge differs")?;
            let entries = self.logs[log as usize].all().iter();
            let entries = entries.map(|entry| entry.id).filter(|id| id.rollup == own);
            same(entries.eq(stream.log(log, own)), "a log differs")?;
        }
        let queue = self.queues[rollup].all().iter().copied();
        same(queue.eq(stream.queue(own)), "a queue differs")?;
        let held = self.medians.held[rollup].all().iter().copied();
        same(held.eq(stream.held(own)), "the held ids differ")?;
        let (mut place, mut last) = (0, None);
        while let Some(formed) = self.formed_after(rollup, last) {
            self.gather(rollup, formed);
            let vertices = self.vertices.all().iter().map(|at| self.at(*at).id);
            same(
                vertices.eq(stream.graph(own, place)),
                "the vertices of a graph differ",
            )?;
            self.build(formed)?;
            let missing = stream.missing_count(own, place);
            same(
                missing == Some(self.graph.missing_count()),
                "the missing edges of a graph differ",
            )?;
            place += 1;
            last = Some(formed);
        }
        same(
            place == stream.graph_count(own),
            "the graphs that stand in line differ",
        )
    }

    fn compare_cursors(&self, stream: &FairStream) -> Result<(), Broken> {
        let free = self.limits.cursor_count_max as usize - self.nexts.all().len();
        same(
            free == stream.free_cursor_count() as usize,
            "the counts of cursors differ",
        )?;
        for next in self.nexts.all() {
            let own = self.parts[next.rollup as usize].rollup;
            same(
                stream.cursor(own, &next.sender) == Some(next.nonce),
                "a cursor differs",
            )?;
        }
        Ok(())
    }
}

fn same(is_same: bool, what: &'static str) -> Result<(), Broken> {
    if is_same { Ok(()) } else { Err(Broken(what)) }
}
