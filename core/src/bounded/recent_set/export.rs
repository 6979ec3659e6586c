//! A memory of recent keys, the oldest first.

use super::{GONE, RecentSet};

impl RecentSet {
    /// How many keys it can hold.
    pub(crate) const fn capacity(&self) -> usize {
        self.keys.len()
    }

    /// How many places lie between the oldest key and the newest, both included.
    pub(crate) fn span(&self) -> usize {
        let gone = self.in_order().take_while(|(_, note)| *note == GONE);
        self.keys.len().saturating_sub(gone.count())
    }

    /// The places of the span, the oldest first: a key with its note, or nothing for a place whose
    /// key was taken out.
    pub(crate) fn export(&self) -> impl Iterator<Item = Option<(&[u8; 32], u16)>> {
        let gone = self.keys.len().saturating_sub(self.span());
        let own = self.in_order().skip(gone);
        own.map(|(key, note)| (note != GONE).then_some((key, note)))
    }

    /// Appends a place to a set that is being filled again and is made for as many; false where the
    /// key stands there already.
    pub(crate) fn restore_next(&mut self, place: Option<(&[u8; 32], u16)>) -> bool {
        let Some((key, note)) = place else {
            self.skip_place();
            return true;
        };
        if note == GONE || self.get(key).is_some() {
            return false;
        }
        self.insert(key, note);
        true
    }

    /// Leaves the next place empty.
    fn skip_place(&mut self) {
        let after = self.next.saturating_add(1);
        self.next = after.checked_rem(self.keys.len()).unwrap_or(0);
    }

    fn in_order(&self) -> impl Iterator<Item = (&[u8; 32], u16)> {
        let places = self.keys.iter().zip(self.notes.iter().copied());
        let newer = places.clone().take(self.next);
        places.skip(self.next).chain(newer)
    }
}
