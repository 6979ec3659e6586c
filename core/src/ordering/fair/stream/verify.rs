//! A walk over all structures.

use super::decided::FairStream;
use super::error::Broken;
use super::outcome::Charge;
use super::records::{Place, members_of, only};

impl FairStream {
    /// Walks all structures. O(n · live ids + cursors + drained ids).
    ///
    /// # Errors
    /// [`Broken`] with the first contradiction.
    pub fn verify(&self) -> Result<(), Broken> {
        self.verify_records()?;
        self.verify_charges()?;
        self.verify_logs()?;
        self.verify_lines()?;
        self.verify_memory()
    }

    fn verify_records(&self) -> Result<(), Broken> {
        let (threshold, now) = (self.parameters.threshold(), self.age.now());
        let mut live_count = 0;
        for (number, record) in self.records.iter() {
            live_count += u32::from(record.is_live());
            expect(
                self.records.find(&record.id) == Some(number),
                "a record is not in the index",
            )?;
            expect(record.charged != 0, "a record is charged to nobody")?;
            expect(
                record.is_live() == (record.periods[0].until > self.height),
                "a record's period does not say whether it is live",
            )?;
            expect(
                record.facts.is_some() || record.head_count() < threshold,
                "enough logs hold an id whose facts are not known",
            )?;
            expect(
                record.is_outside() || (record.is_live() && record.facts.is_some()),
                "an id in a graph or a queue is not live or has no facts",
            )?;
            expect(
                record.is_live() || record.lapsed_age <= now,
                "an id lapsed in a slot to come",
            )?;
        }
        expect(
            live_count == self.records.live_count(),
            "the count of live ids is wrong",
        )?;
        expect(
            live_count <= self.limits.live_ids_max(self.parameters),
            "more ids are live than can be",
        )
    }

    fn verify_charges(&self) -> Result<(), Broken> {
        for (at, charge) in self.records.charges().iter().enumerate() {
            let (member, rollup) = (at / self.rollups.len(), at % self.rollups.len());
            let mut sum = Charge::default();
            for (_, record) in self.records.iter() {
                if record.rollup as usize == rollup && record.charged & only(member) != 0 {
                    sum.count += 1;
                    sum.bytes += u64::from(record.id.body_bytes);
                }
            }
            expect(sum == *charge, "a charge is not the sum of its ids")?;
            let part = &self.rollups[rollup].part;
            let fits = charge.count <= part.first_hand_count_max
                && charge.bytes <= part.first_hand_bytes_max;
            expect(
                fits || self.weakened.one_budget_for_all_rollups(),
                "a member is charged above a rollup's part",
            )?;
        }
        Ok(())
    }

    fn verify_logs(&self) -> Result<(), Broken> {
        for log in 0..self.records.logs() {
            let heads = self.records.iter();
            let head_count = heads.filter(|(_, record)| record.heads & only(log) != 0);
            let mut entry_count = 0;
            for rollup in 0..self.rollups.len() {
                let mut age = 0;
                for number in self.records.log(log, rollup) {
                    let record = self.records.get(number);
                    let covered = self.records.covered_age(number, log);
                    entry_count += 1;
                    expect(
                        record.heads & only(log) != 0 && record.rollup as usize == rollup,
                        "a log's list holds an entry that does not count",
                    )?;
                    expect(
                        age <= covered && covered <= self.age.now(),
                        "a log's entries are not in the order of their slots",
                    )?;
                    age = covered;
                }
            }
            expect(
                head_count.count() == entry_count,
                "a log's list does not hold every entry that counts",
            )?;
        }
        Ok(())
    }

    fn verify_lines(&self) -> Result<(), Broken> {
        let (mut in_graphs, mut queued) = (0, 0);
        for (number, own) in self.rollups.iter().enumerate() {
            for place in 0..own.line.len() {
                let slot = own.line.slot(place);
                let graph = own.line.in_slot(slot);
                expect(
                    place > 0 || !graph.is_complete(),
                    "a complete graph stands at the front",
                )?;
                for vertex in graph.kept() {
                    let record = own.vertices[slot * own.vertex_count_max + vertex as usize];
                    let slot = slot as u32;
                    in_graphs += 1;
                    expect(
                        self.records.get(record).place == Place::Graph { slot, vertex }
                            && self.records.get(record).rollup as usize == number,
                        "a vertex and its record do not name each other",
                    )?;
                }
            }
            for record in own.queue.iter() {
                queued += 1;
                expect(
                    self.records.get(*record).place == Place::Queued,
                    "a queue holds an id whose record does not say so",
                )?;
            }
        }
        for (_, record) in self.records.iter() {
            match record.place {
                Place::Outside => {}
                Place::Graph { .. } => in_graphs -= 1,
                Place::Queued => queued -= 1,
            }
            expect(
                members_of(record.heads | record.charged).all(|log| log < self.records.logs()),
                "a record names a log that is none",
            )?;
        }
        expect(
            in_graphs == 0,
            "a record names a graph that does not hold it",
        )?;
        expect(queued == 0, "a record is queued and in no queue, or twice")
    }

    fn verify_memory(&self) -> Result<(), Broken> {
        let mut age = 0;
        for past in self.past.iter() {
            expect(
                age <= past.age && past.age <= self.age.now(),
                "the drained ids are not in the order of their slots",
            )?;
            age = past.age;
            let newest = self.past.find(&past.id);
            expect(
                past.is_outdated || newest == Some(past),
                "a drained id is not in the index",
            )?;
        }
        for (_, cursor) in self.cursors.iter() {
            let next = self.cursors.next(cursor.rollup as usize, &cursor.sender);
            expect(
                next == Some(cursor.next) && cursor.used <= self.cursors.use_count(),
                "a cursor is not in the index",
            )?;
        }
        Ok(())
    }
}

fn expect(holds: bool, what: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(what)) }
}
