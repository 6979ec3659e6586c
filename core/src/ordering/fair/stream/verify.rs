//! A walk over all structures.

use super::decided::FairStream;
use super::error::Broken;
use super::outcome::Charge;
use super::records::{Place, Record, members_of, only};
use crate::types::UnixNs;

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
        self.verify_memory()?;
        self.verify_epoch()
    }

    fn verify_epoch(&self) -> Result<(), Broken> {
        let logs = self.records.logs();
        expect(
            logs == self.parameters.n() as usize && logs <= self.records.logs_max(),
            "the logs are not those of the committee",
        )?;
        let is_known = self.closing.is_some_and(|closing| closing <= self.height);
        expect(
            self.closed == 0 || is_known,
            "a log is closed before the closing slot is known",
        )?;
        expect(
            members_of(self.closed).all(|log| log < logs),
            "a log is closed that is none",
        )?;
        expect(
            self.end
                .is_none_or(|end| is_known && end.height == self.height),
            "an epoch ended before its closing slot",
        )
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
                record.place == Place::Outside || (record.is_live() && record.facts.is_some()),
                "an id that is held, in a graph or a queue is not live or has no facts",
            )?;
            expect(
                record.is_live() || record.lapsed_age <= now,
                "an id lapsed in a slot to come",
            )?;
            expect(
                record.carried.is_none_or(|age| age <= now),
                "an epoch to come has carried an id over",
            )?;
        }
        expect(
            live_count == self.records.live_count(),
            "the count of live ids is wrong",
        )?;
        expect(
            live_count <= self.records.capacity(),
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
            let budgets = match Some(member) == self.records.leavers() {
                true => self.limits.leaver_count_max,
                false => 1,
            };
            let fits = u64::from(charge.count)
                <= u64::from(budgets) * u64::from(part.first_hand_count_max)
                && charge.bytes <= part.first_hand_bytes_max.saturating_mul(budgets.into());
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
        let (mut in_graphs, mut queued, mut held) = (0, 0, self.verify_median()?);
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
                Place::Held => held -= 1,
            }
            let leavers = self.records.leavers().map_or(0, only);
            expect(
                members_of(record.heads | record.charged & !leavers)
                    .all(|log| log < self.records.logs()),
                "a record names a log that is none",
            )?;
        }
        expect(
            in_graphs == 0,
            "a record names a graph that does not hold it",
        )?;
        expect(held == 0, "a record is held and in no list, or twice")?;
        expect(queued == 0, "a record is queued and in no queue, or twice")
    }

    /// Walks what median timestamps keep; returns how many records are held.
    fn verify_median(&self) -> Result<i64, Broken> {
        let Some(median) = &self.median else {
            return Ok(0);
        };
        let mut held_count = 0;
        for (number, (order, held)) in median.orders.iter().zip(&median.held).enumerate() {
            let own = |record: &Record| record.rollup as usize == number;
            for record in held.all() {
                held_count += 1;
                let record = self.records.get(*record);
                let fits = record.place == Place::Held && own(record);
                expect(fits, "a list of held ids names one that is not")?;
            }
            let mut followed = 0;
            for (_, record) in self.records.iter().filter(|(_, record)| own(record)) {
                followed += usize::from(record.is_live() && record.place == Place::Outside);
                for log in 0..self.records.logs() {
                    let stamp = order.stamp_of(log, &record.id);
                    let counts = record.heads & only(log) != 0 && record.place == Place::Outside;
                    let fits = if counts {
                        stamp <= order.last(log) || stamp == UnixNs::NEVER
                    } else {
                        stamp == UnixNs::NEVER
                    };
                    expect(fits, "an entry has a stamp that its log never had")?;
                }
            }
            let fits = order.followed_count() <= followed;
            expect(fits, "an id that nobody waits for is followed")?;
            let stamps = &self.stamps[..self.records.logs()];
            for (log, stamp) in stamps.iter().enumerate() {
                expect(*stamp <= order.last(log), "a clock went back")?;
            }
        }
        Ok(held_count)
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
