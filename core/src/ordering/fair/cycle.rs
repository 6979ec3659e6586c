//! A Hamiltonian cycle of a strong tournament.

use super::graph::Graph;
use super::rank::beats;

/// Turns a Hamiltonian path of a strong tournament of at least three vertices into a cycle, in
/// which the last vertex beats the first. `spare` is at least as long as `path`. O(k²).
///
/// The path up to the last vertex that beats the first one is a cycle. Each later vertex goes into
/// the first gap whose ends agree to it. A vertex that beats nothing in the cycle is followed on
/// the path up to the first one that does; that stretch goes in as one piece.
pub(super) fn close_cycle(graph: &Graph, path: &mut [u16], spare: &mut [u16]) {
    let count = path.len();
    let rest = &mut spare[..count];
    rest.copy_from_slice(path);
    let closing = rest
        .iter()
        .rposition(|position| beats(graph, *position, path[0]));
    let mut cycle_len = closing.map_or(count, |at| at + 1);
    let mut next = cycle_len;
    while next < count {
        let beaten = |position: u16, cycle: &[u16]| {
            cycle
                .iter()
                .position(|resident| beats(graph, position, *resident))
        };
        // The first vertex of the path from here on that beats one of the cycle, and which.
        let found = (next..count).find_map(|at| Some((at, beaten(rest[at], &path[..cycle_len])?)));
        // A strong tournament has one; were it none, the rest would follow as it stands.
        let (last, place) = found.unwrap_or((count - 1, cycle_len));
        let piece = &rest[next..=last];
        path.copy_within(place..cycle_len, place + piece.len());
        path[place..place + piece.len()].copy_from_slice(piece);
        cycle_len += piece.len();
        next = last + 1;
    }
}
