//! Lists that many values leave or join at once.

use super::{Broken, Fixed, Known, Next, Standing, StreamTwin};

/// Keeps what a question holds for, in its order; each value is asked about once, in turn.
pub(super) fn retain<T: Copy>(list: &mut Fixed<T>, mut keep: impl FnMut(&T) -> bool) {
    let all = list.all_mut();
    // What stands before the first one to go stays where it is.
    let Some(first) = all.iter().position(|value| !keep(value)) else {
        return;
    };
    let mut kept = first;
    for at in first + 1..all.len() {
        if keep(&all[at]) {
            all[kept] = all[at];
            kept += 1;
        }
    }
    list.truncate(kept);
}

/// Puts values into a sorted list that has room for them; they are sorted as it is. From the end,
/// so that each value moves once.
pub(super) fn merge<T: Copy, New>(
    list: &mut Fixed<T>,
    new: &[New],
    make: impl Fn(&New) -> T,
    is_before: impl Fn(&T, &T) -> bool,
) {
    let mut left = list.all().len();
    for one in new {
        list.push(make(one));
    }
    let all = list.all_mut();
    let mut place = all.len();
    for one in new.iter().rev() {
        let one = make(one);
        while left > 0 && is_before(&one, &all[left - 1]) {
            left -= 1;
            place -= 1;
            all[place] = all[left];
        }
        place -= 1;
        all[place] = one;
    }
}

/// Whether each value comes before the next.
fn is_rising<T: Copy, K: Ord>(list: &Fixed<T>, key: impl Fn(&T) -> K) -> bool {
    list.all()
        .windows(2)
        .all(|pair| key(&pair[0]) < key(&pair[1]))
}

impl StreamTwin {
    /// Checks that what it keeps from slot to slot is what its logs and a plain sort give: for
    /// tests, after any slot.
    ///
    /// # Errors
    /// [`Broken`] with the list that is wrong.
    pub fn verify(&self) -> Result<(), Broken> {
        let expect = |holds: bool, what| if holds { Ok(()) } else { Err(Broken(what)) };
        expect(
            is_rising(&self.known, |known| known.id),
            "the twin's ids are not sorted",
        )?;
        expect(
            is_rising(&self.ended, |ended| (ended.id, ended.height)),
            "the twin's drained ids are not sorted",
        )?;
        expect(
            is_rising(&self.nexts, Next::key),
            "the twin's cursors are not sorted",
        )?;
        for known in self.known.all() {
            let holding = self.logs.iter().map(|log| {
                let entries = log.all().iter();
                entries.filter(|entry| entry.id == known.id).count()
            });
            let (heads, most) =
                holding.fold((0, 0), |(sum, most), count| (sum + count, count.max(most)));
            expect(most < 2, "a log of the twin holds an id twice")?;
            expect(
                heads == known.heads as usize,
                "the twin's heads are not those of its logs",
            )?;
        }
        let mut entries = self.logs.iter().flat_map(|log| log.all());
        expect(
            entries.all(|entry| self.find(&entry.id).is_some()),
            "the twin's logs hold an id that it does not know",
        )?;
        let mut queued = self.queues.iter().flat_map(|queue| queue.all());
        let is_queued = |known: &Known| known.standing == Standing::Queued;
        expect(
            queued.all(|id| {
                let found = self.find(id);
                found.is_some_and(|at| is_queued(&self.known.all()[at]))
            }),
            "the twin's queue holds an id that stands elsewhere",
        )
    }
}
