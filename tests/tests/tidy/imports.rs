//! The import rule: a module of the core imports from floors below, or from its own floor where the
//! table says why; never upward, never in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::rust::{closing_brace, code_only, word_starts};
use super::source::{Breach, File, Tree};

/// The floor of each module of the core. A new module gets its place here before it gets users.
const FLOORS: &[(&str, u8)] = &[
    ("types", 0),
    ("error", 0),
    ("limits", 0),
    ("bounded", 1),
    ("codec", 1),
    ("crypto", 1),
    ("event", 1),
    ("metrics", 1),
    // A word of the ground floor that stands on the first: a genesis is canonical bytes and a hash.
    ("config", 1),
    ("vote", 1),
    ("ingress", 2),
    ("journal", 2),
    ("pool", 2),
    ("receive_log", 2),
    ("sequencer", 2),
    ("certificate", 2),
    ("ordering", 3),
    ("mev", 3),
    ("batch", 3),
    ("consensus", 4),
    ("finality", 4),
    ("receipt", 4),
    ("cross_rollup", 4),
    ("coordinator", 5),
    ("snapshot", 5),
    ("network", 5),
];

/// Imports within one floor that are meant, and why.
const SAME_FLOOR: &[(&str, &str, &str)] = &[
    (
        "limits",
        "types",
        "the longest transaction follows from its header's length",
    ),
    (
        "limits",
        "error",
        "limits that contradict each other are an error with a code",
    ),
    ("event", "bounded", "events wait in a ring"),
    (
        "event",
        "metrics",
        "the end of a transaction is written down and counted as one",
    ),
    ("codec", "crypto", "a state is hashed as it is encoded"),
    ("config", "codec", "the genesis has canonical bytes"),
    ("config", "crypto", "the genesis has a hash"),
    (
        "crypto",
        "bounded",
        "keys take their memory as everything else does",
    ),
    (
        "vote",
        "crypto",
        "what a member signs begins with a domain, as what is hashed does",
    ),
    (
        "certificate",
        "sequencer",
        "a certificate is checked against an epoch's members",
    ),
    (
        "batch",
        "ordering",
        "a slot's verifier runs the policy's twin",
    ),
    (
        "snapshot",
        "coordinator",
        "a snapshot is a coordinator's state, and replaying drives one",
    ),
    (
        "network",
        "coordinator",
        "the network wires the coordinator",
    ),
    (
        "network",
        "snapshot",
        "the network restores from a snapshot",
    ),
];

/// Imports that the floors would allow and the design does not, and why.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    (
        "ordering",
        "pool",
        "ordering sees a read-only view of candidates, never the pool",
    ),
    (
        "consensus",
        "pool",
        "consensus sees digests and certificates, never transactions",
    ),
    (
        "consensus",
        "ordering",
        "the floor above answers whether a proposal's order is right",
    ),
];

/// Where one module of the core imports another: (from, to) and the first place.
type Imports = BTreeMap<(String, String), (File, usize)>;

/// Every import that the rule does not allow, and every circle.
pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let imports = all_imports(tree);
    let mut breaches = Vec::new();
    for ((from, to), (file, line)) in &imports {
        if let Some(what) = fault(from, to) {
            breaches.push(file.breach(*line, what));
        }
        if reaches(&imports, to, from) {
            breaches.push(file.breach(*line, format!("{from} imports {to}, which imports it")));
        }
    }
    breaches
}

fn floor(module: &str) -> Option<u8> {
    let found = FLOORS.iter().find(|(name, _)| *name == module);
    found.map(|(_, floor)| *floor)
}

/// What is wrong with an import, if something is.
fn fault(from: &str, to: &str) -> Option<String> {
    let stands_in = |table: &[(&str, &str, &'static str)]| {
        let found = table.iter().find(|(a, b, _)| (*a, *b) == (from, to));
        found.map(|(_, _, why)| *why)
    };
    if let Some(why) = stands_in(FORBIDDEN) {
        return Some(format!("{from} imports {to}, but {why}"));
    }
    match (floor(from), floor(to)) {
        (None, _) => Some(format!("{from} has no floor in the table of this test")),
        (_, None) => Some(format!("{to} has no floor in the table of this test")),
        (Some(own), Some(other)) if own > other => None,
        (Some(own), Some(other)) if own < other => Some(format!(
            "{from} (floor {own}) imports {to} (floor {other}) above it"
        )),
        _ if stands_in(SAME_FLOOR).is_some() => None,
        _ => Some(format!(
            "{from} imports {to} of its own floor, and the table has no reason"
        )),
    }
}

/// Whether `from` imports `to`, directly or by way of others.
fn reaches(imports: &Imports, from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        if module == to {
            return true;
        }
        if seen.insert(module) {
            let own = imports.keys().filter(|(from, _)| from == module);
            next.extend(own.map(|(_, to)| to.as_str()));
        }
    }
    false
}

fn all_imports(tree: &Tree) -> Imports {
    let modules: BTreeSet<String> = tree.files.iter().filter_map(module_of).collect();
    let mut imports = Imports::new();
    for file in &tree.files {
        let Some(own) = module_of(file) else {
            continue;
        };
        for (module, line) in crate_paths(&file.text) {
            // `crate::Name` would be an item of the root, which has none.
            if module != own && modules.contains(&module) {
                let key = (own.clone(), module);
                imports.entry(key).or_insert_with(|| (file.clone(), line));
            }
        }
    }
    imports
}

/// The module of the core that a file belongs to; nothing for the root and for tests, which may
/// look at whatever they need.
fn module_of(file: &File) -> Option<String> {
    let path = file.path.strip_prefix("core/src/")?.strip_suffix(".rs")?;
    let is_test = path.ends_with("/tests") || path.contains("/tests/");
    let module = path.split('/').next()?;
    (module != "lib" && !is_test).then(|| module.to_owned())
}

/// The first words after `crate::` in code, with their lines; `crate::{a, b}` counts for both.
fn crate_paths(text: &str) -> Vec<(String, usize)> {
    let code = without_tests(&code_only(text));
    let mut found = Vec::new();
    for at in word_starts(&code, "crate") {
        let Some(rest) = code[at..].strip_prefix("crate::") else {
            continue;
        };
        let line = code[..at].matches('\n').count() + 1;
        let names = match closing_brace(rest).filter(|_| rest.starts_with('{')) {
            Some(end) => group_heads(&rest[1..end - 1]),
            None => vec![head(rest)],
        };
        found.extend(names.into_iter().map(|name| (name, line)));
    }
    found
}

/// The word at the front.
fn head(code: &str) -> String {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    code.trim_start().chars().take_while(is_name).collect()
}

/// The first word of each path in a group, groups within it left out.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                heads.push(head(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    heads.push(head(&group[start..]));
    heads.retain(|head| !head.is_empty());
    heads
}

/// The code with modules under `#[cfg(test)]` blanked; lines stay.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut left = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        left.push_str(before);
        rest = after;
        let is_module = after.trim_start().starts_with("mod ");
        let open = after
            .find(['{', ';'])
            .filter(|at| after[*at..].starts_with('{'));
        if let Some(open) = open.filter(|_| is_module) {
            let end = open + closing_brace(&after[open..]).unwrap_or(after.len() - open);
            left.extend(after[..end].matches('\n'));
            rest = &after[end..];
        }
    }
    left + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| File::new(path, text));
        let tree = Tree {
            files: files.collect(),
        };
        breaches(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn upward_imports_are_found() {
        let upper = ("core/src/coordinator/mod.rs", "");
        let pool = |text| found(&[("core/src/pool/mod.rs", text), upper]);
        assert_eq!(pool("use crate::coordinator::Slot;").len(), 1);
        assert_eq!(
            pool("\nfn a(b: crate::coordinator::Slot) {}")[0][..23],
            *"core/src/pool/mod.rs:2:"
        );
        assert_eq!(pool("use crate::{coordinator::{a, b}};").len(), 1);
        assert!(pool("/// See [`crate::coordinator`].\nfn a() {}").is_empty());
        assert!(pool("#[cfg(test)]\nmod tests {\n use crate::coordinator::a;\n}").is_empty());
        assert_eq!(
            pool("#[cfg(test)]\nmod tests;\nuse crate::coordinator::a;").len(),
            1
        );
    }

    #[test]
    fn imports_within_a_floor_need_a_reason() {
        let ground = [
            ("core/src/ordering/mod.rs", ""),
            ("core/src/mev/mod.rs", ""),
        ];
        let batch = |text| found(&[("core/src/batch/mod.rs", text), ground[0], ground[1]]);
        assert!(batch("use crate::ordering::a;").is_empty());
        assert_eq!(batch("use crate::mev::a;").len(), 1);
    }

    #[test]
    fn what_the_design_forbids_is_found_below_too() {
        let files = [
            ("core/src/ordering/mod.rs", "use crate::pool::a;"),
            ("core/src/pool/mod.rs", ""),
        ];
        assert!(found(&files)[0].contains("never the pool"));
    }

    #[test]
    fn modules_without_a_floor_are_found() {
        let files = [
            ("core/src/extra.rs", "use crate::types::a;"),
            ("core/src/types/mod.rs", ""),
        ];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn circles_are_found() {
        let files = [
            ("core/src/config.rs", "use crate::codec::a;"),
            ("core/src/codec/mod.rs", "use crate::crypto::a;"),
            ("core/src/crypto/mod.rs", "use crate::config::a;"),
        ];
        let circles = found(&files);
        let circles = circles
            .iter()
            .filter(|line| line.contains("which imports it"));
        assert_eq!(circles.count(), 3);
    }
}
