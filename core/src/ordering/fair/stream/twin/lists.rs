//! Lists that many values leave or join at once.

use super::Fixed;

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
