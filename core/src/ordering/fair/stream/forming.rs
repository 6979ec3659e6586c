//! Which candidates form a graph: rules 10 and 11.

use alloc::boxed::Box;

use super::decided::{FairStream, Sizes};
use super::outcome::GraphEvent;
use super::records::Place;
use crate::bounded::{NONE, fixed_slice, fixed_slice_bytes};
use crate::ordering::fair::Class;
use crate::types::{Address, Nonce, UnixNs};

/// An id of a sender, for questions about nonces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OfSender {
    pub(super) sender: Address,
    pub(super) nonce: Nonce,
    /// A vertex of the draft or [`NONE`]; at release, the place in the ranked order.
    pub(super) number: u32,
}

/// What forming, releasing and agreeing on time work with.
#[derive(Debug)]
pub(super) struct FormScratch {
    pub(super) stamps: Box<[UnixNs]>,
    /// The candidates' records in the order of ids, then by vertex.
    pub(super) records: Box<[u32]>,
    /// Of each record the vertex in the draft, or [`NONE`].
    pub(super) drafted: Box<[u32]>,
    pub(super) senders: Box<[OfSender]>,
    pub(super) places: Box<[OfSender]>,
    pub(super) held: Box<[u32]>,
}

impl FormScratch {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self {
            stamps: fixed_slice(sizes.logs, UnixNs::ZERO),
            records: fixed_slice(sizes.live, 0),
            drafted: fixed_slice(sizes.live, NONE),
            senders: fixed_slice(sizes.live, OfSender::default()),
            places: fixed_slice(sizes.live, OfSender::default()),
            held: fixed_slice(sizes.live, 0),
        }
    }

    pub(super) const fn footprint_bytes(sizes: Sizes) -> u64 {
        fixed_slice_bytes::<UnixNs>(sizes.logs)
            + 3 * fixed_slice_bytes::<u32>(sizes.live)
            + 2 * fixed_slice_bytes::<OfSender>(sizes.live)
    }
}

impl FairStream {
    /// Rule 10: forms at most one graph of a rollup, if a candidate is solid.
    pub(super) fn form(&mut self, number: usize) {
        if self.median.is_some() {
            return;
        }
        let (count, some_solid) = self.gather_candidates(number);
        if !some_solid {
            self.note_waiting(number, count, false);
            return;
        }
        let rollup = self.rollups[number].part.rollup;
        let Some(slot) = self.rollups[number].line.draft_slot() else {
            self.outcome.events.push(GraphEvent::LineFull { rollup });
            return;
        };
        self.draft(number, count);
        let held_back_count = self.hold_back(number, slot);
        self.note_waiting(number, count, true);
        self.stand(number, slot, count, held_back_count);
    }

    /// Puts the candidates outside graphs into scratch, in the order of ids; how many there are,
    /// and whether one of them is solid.
    fn gather_candidates(&mut self, number: usize) -> (usize, bool) {
        let (threshold, solid_min) = (self.parameters.threshold(), self.parameters.solid_min());
        let candidates = &mut self.form_scratch.records;
        let mut count = 0;
        let mut some_solid = false;
        for (at, record) in self.records.iter() {
            let heads = record.head_count();
            if record.rollup as usize == number && record.is_outside() && heads >= threshold {
                candidates[count] = at;
                count += 1;
                some_solid |= heads >= solid_min;
            }
        }
        let records = &self.records;
        candidates[..count].sort_unstable_by_key(|at| records.get(*at).id);
        // Only a stream without parts of its rollups can have more.
        let most = self.rollups[number].vertex_count_max;
        (count.min(most), some_solid)
    }

    /// While an epoch closes: notes the candidates that stay outside though rule 11 does not hold
    /// them back from the draft, if there is one.
    fn note_waiting(&mut self, number: usize, count: usize, is_drafted: bool) {
        if !self.is_closing_known() {
            return;
        }
        let own = &self.rollups[number];
        let draft = own.line.draft_slot().map(|slot| own.line.in_slot(slot));
        for (vertex, record) in (0..).zip(&self.form_scratch.records[..count]) {
            let has_its_place = draft
                .filter(|_| is_drafted)
                .is_some_and(|draft| draft.is_kept(vertex) || draft.is_held_back(vertex));
            if !has_its_place {
                self.waiting.push(*record);
            }
        }
    }

    /// Proposes the graph of the candidates from the logs.
    fn draft(&mut self, number: usize, count: usize) {
        let drafted = &mut self.form_scratch.drafted;
        for (vertex, record) in (0..).zip(&self.form_scratch.records[..count]) {
            drafted[*record as usize] = vertex;
        }
        let Ok(graph) = self.rollups[number].line.draft() else {
            return;
        };
        let begun = graph.begin(count as u32);
        debug_assert!(begun.is_ok(), "there are no more candidates than vertices");
        for log in 0..self.records.logs() {
            for record in self.records.log(log, number) {
                let vertex = drafted[record as usize];
                if vertex != NONE {
                    let appended = graph.append(log as u32, vertex);
                    debug_assert!(appended.is_ok(), "logs and vertices are known");
                }
            }
        }
        for record in &self.form_scratch.records[..count] {
            drafted[*record as usize] = NONE;
        }
        let proposed = graph.propose(&mut self.workspace);
        debug_assert!(proposed.is_ok(), "the workspace was made for these graphs");
    }

    /// Rule 11: forms the graph again without those whose base nobody knows, and what follows them;
    /// then without those before whom a nonce is missing, until there is none; returns how many.
    ///
    /// One with a missing nonce may go alone: had every honest log held it before another id, they
    /// would hold the missing one before both. One whose base nobody knows may come first with good
    /// reason, and what is held back alone would be passed by what it came before. At most as many
    /// rounds as candidates, of O(m log m + m² / 64) each.
    fn hold_back(&mut self, number: usize, slot: usize) -> u32 {
        let mut held_back_count = 0;
        if self.weakened.no_holding_back() {
            return 0;
        }
        let count = self.gather_senders(number, slot);
        let unsure = self.find_unsure(number, slot, count);
        if unsure > 0
            && let Ok(graph) = self.rollups[number].line.draft()
        {
            let before = graph.kept_count();
            let done = graph.hold_back_with_followers(&self.form_scratch.held[..unsure]);
            debug_assert!(done.is_ok(), "the graph has just been proposed");
            held_back_count += before - graph.kept_count();
        }
        loop {
            let count = self.gather_senders(number, slot);
            let held = self.find_gaps(number, count);
            if held == 0 {
                return held_back_count;
            }
            held_back_count += held as u32;
            let Ok(graph) = self.rollups[number].line.draft() else {
                return held_back_count;
            };
            let done = graph.hold_back(&self.form_scratch.held[..held]);
            debug_assert!(done.is_ok(), "the graph has just been proposed");
        }
    }

    /// Finds the vertices that are not solid and whose sender has neither a cursor nor anything in
    /// flight, so that nobody knows which nonce comes first; returns how many.
    fn find_unsure(&mut self, number: usize, slot: usize, count: usize) -> usize {
        if self.weakened.base_by_anyone() {
            return 0;
        }
        let graph = self.rollups[number].line.in_slot(slot);
        let held = &mut self.form_scratch.held;
        let mut held_count = 0;
        let senders = &self.form_scratch.senders[..count];
        for ids in senders.chunk_by(|a, b| a.sender == b.sender) {
            let has_cursor = self.cursors.next(number, &ids[0].sender).is_some();
            if has_cursor || ids.iter().any(|id| id.number == NONE) {
                continue;
            }
            for id in ids {
                if graph.class(id.number) != Class::Solid {
                    held[held_count] = id.number;
                    held_count += 1;
                }
            }
        }
        held_count
    }

    /// Sorts what the draft keeps and what is in flight by sender and nonce; returns how many.
    fn gather_senders(&mut self, number: usize, slot: usize) -> usize {
        let own = &self.rollups[number];
        let graph = own.line.in_slot(slot);
        let senders = &mut self.form_scratch.senders;
        let kept = graph
            .kept()
            .map(|vertex| (self.form_scratch.records[vertex as usize], vertex));
        let in_flight = self.records.iter().filter(|(_, record)| {
            record.rollup as usize == number && record.is_live() && !record.is_outside()
        });
        let in_flight = in_flight.map(|(at, _)| (at, NONE));
        let mut count = 0;
        for (record, vertex) in kept.chain(in_flight) {
            if let Some(facts) = self.records.get(record).facts {
                senders[count] = OfSender {
                    sender: facts.sender,
                    nonce: facts.nonce,
                    number: vertex,
                };
                count += 1;
            }
        }
        senders[..count].sort_unstable();
        count
    }

    /// Finds, sender by sender, which vertices have a missing nonce before them; returns how many.
    fn find_gaps(&mut self, number: usize, count: usize) -> usize {
        let mut held_count = 0;
        let held = &mut self.form_scratch.held;
        let mut hold = |vertex: u32| {
            held[held_count] = vertex;
            held_count += 1;
        };
        let senders = &self.form_scratch.senders[..count];
        for ids in senders.chunk_by(|a, b| a.sender == b.sender) {
            let sender = &ids[0].sender;
            let cursor = self.cursors.next(number, sender);
            let in_flight = ids.iter().find(|id| id.number == NONE);
            // Without a cursor the smallest nonce in flight, or the smallest kept one, is the base.
            let first = in_flight.or(ids.first());
            let mut next = cursor.or(first.map(|id| id.nonce));
            for id in ids {
                match next {
                    Some(expected) if id.nonce > expected && id.number != NONE => {
                        hold(id.number);
                    }
                    Some(expected) if id.nonce == expected => next = expected.checked_add(1),
                    // A used nonce, or no nonce can follow.
                    _ => {}
                }
            }
        }
        held_count
    }

    /// Lets the draft stand in line if it keeps a vertex.
    fn stand(&mut self, number: usize, slot: usize, count: usize, held_back_count: u32) {
        let own = &mut self.rollups[number];
        if own.line.stand().is_err() {
            return;
        }
        let graph = own.line.in_slot(slot);
        let vertices = &mut own.vertices[slot * own.vertex_count_max..][..count];
        vertices.copy_from_slice(&self.form_scratch.records[..count]);
        for vertex in graph.kept() {
            let record = self.records.get_mut(vertices[vertex as usize]);
            record.place = Place::Graph {
                slot: slot as u32,
                vertex,
            };
        }
        self.outcome.events.push(GraphEvent::Formed {
            rollup: own.part.rollup,
            vertex_count: graph.kept_count(),
            missing_count: graph.missing_count(),
            held_back_count,
        });
    }
}
