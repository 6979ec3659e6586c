//! A member's disk: what was acknowledged stays, and the write under way may be torn.

use std::rc::Rc;

use hauptbuch_core::consensus::{ConsensusLimits, RecordError, newest_record};

use super::random::Random;

/// A decided height as its host stores it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// The message that proves it.
    pub certificate: Rc<[u8]>,
}

/// Two places for records, and the decided heights.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    places: [Vec<u8>; 2],
    /// The place of the newest record that was acknowledged.
    newest: Option<usize>,
    record: Option<(u64, Vec<u8>)>,
    decided: Vec<Stored>,
    decision: Option<Stored>,
}

impl Disk {
    /// Begins to write a record; false while another is being written.
    pub fn begin_record(&mut self, seq: u64, bytes: Vec<u8>) -> bool {
        let is_free = self.record.is_none();
        self.record = Some((seq, bytes));
        is_free
    }

    /// The record is whole on disk; gives its number.
    pub fn finish_record(&mut self) -> Option<u64> {
        let (seq, bytes) = self.record.take()?;
        let place = (seq % 2) as usize;
        self.places[place] = bytes;
        self.newest = Some(place);
        Some(seq)
    }

    /// Begins to write a decision.
    pub fn begin_decision(&mut self, stored: Stored) {
        self.decision = Some(stored);
    }

    /// The decision is on disk; false where none was being written.
    pub fn finish_decision(&mut self) -> bool {
        let decision = self.decision.take();
        let is_any = decision.is_some();
        self.decided.extend(decision);
        is_any
    }

    /// What was under way is lost, or torn, or has just made it.
    pub fn stop(&mut self, random: &mut Random) {
        if let Some((seq, bytes)) = self.record.take() {
            let place = &mut self.places[(seq % 2) as usize];
            match random.below(3) {
                0 => {}
                1 => {
                    // The front is new and what lies behind it old.
                    let len = random.below(bytes.len() as u64) as usize;
                    if place.len() < len {
                        place.resize(len, 0);
                    }
                    place[..len].copy_from_slice(&bytes[..len]);
                }
                _ => *place = bytes,
            }
        }
        let decision = self.decision.take();
        if random.one_in(2) {
            self.decided.extend(decision);
        }
    }

    /// Looks at both places after a stop: what is whole there counts as acknowledged.
    ///
    /// # Errors
    /// [`RecordError`] where the disk lost what it had acknowledged, which it never does.
    pub fn recover(&mut self, limits: &ConsensusLimits) -> Result<(), RecordError> {
        let record = newest_record([&self.places[0], &self.places[1]], limits)?;
        self.newest = record.and_then(|record| {
            let is_it = |place: &Vec<u8>| core::ptr::eq(place.as_slice(), record);
            self.places.iter().position(is_it)
        });
        Ok(())
    }

    /// The newest record that was acknowledged.
    pub fn acknowledged(&self) -> Option<&[u8]> {
        self.newest.map(|place| self.places[place].as_slice())
    }

    /// The decided heights, the first one first.
    pub fn decided(&self) -> &[Stored] {
        &self.decided
    }
}
