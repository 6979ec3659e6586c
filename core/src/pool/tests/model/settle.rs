//! Slots of its own: what is taken, and what becomes of it.

use super::PlainPool;
use crate::error::Code;

impl PlainPool {
    pub fn take(&mut self, index: u64) {
        let own = self.held.get_mut(&index).unwrap();
        own.is_taken = true;
        let own = *own;
        if self.is_sequential(own.line()) {
            self.lines.get_mut(&own.line()).unwrap().next = own.nonce() + 1;
        }
    }

    pub fn acknowledge(&mut self, index: u64) {
        let own = self.held[&index];
        assert!(own.is_taken);
        let is_sequential = self.is_sequential(own.line());
        self.note_decided(own.line(), own.envelope.expiry);
        let line = self.lines.get_mut(&own.line()).unwrap();
        line.is_base_fixed = true;
        line.decided.push(own.nonce());
        if !is_sequential {
            line.included.insert(own.nonce());
            while line.included.remove(&line.next) {
                line.next += 1;
            }
        }
        self.see(own.id, Code::Included);
        self.forget(index);
    }

    pub fn roll_back(&mut self, index: u64) {
        let own = self.held.get_mut(&index).unwrap();
        assert!(own.is_taken);
        own.is_taken = false;
        let own = *own;
        if self.is_sequential(own.line()) {
            self.lines.get_mut(&own.line()).unwrap().next = own.nonce();
        }
    }
}
