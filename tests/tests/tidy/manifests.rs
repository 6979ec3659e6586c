//! Rules for what comes from elsewhere.

use super::source::{Breach, File};

/// Where every package comes from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Dependencies without a comment right above that says why they are worth it.
///
/// The project's own crates need none, nor does what the workspace's table explains.
pub fn unexplained_dependencies(file: &File) -> Vec<Breach> {
    if !file.path.ends_with("Cargo.toml") {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    let (mut is_table, mut depth, mut is_explained) = (false, 0_i32, false);
    for (number, line) in file.lines() {
        let line = line.trim();
        let starts_entry = depth == 0 && !line.starts_with('#') && !line.is_empty();
        if starts_entry && line.starts_with('[') {
            let table = line.trim_matches(['[', ']']);
            is_table = table.ends_with("dependencies");
            // `[dependencies.name]` is one dependency with a table of its own.
            if table.contains("dependencies.") && !is_explained {
                breaches.push(file.breach(number, format!("no reason stands above {table}")));
            }
        } else if starts_entry && is_table {
            let is_own = line.contains("path = \"") || line.contains("workspace = true");
            if !is_explained && !is_own {
                let name = line.split(['=', '.']).next().unwrap_or_default().trim();
                breaches.push(file.breach(number, format!("no reason stands above {name}")));
            }
        }
        if !line.starts_with('#') && !line.starts_with('[') {
            let count = |open: char| line.matches(open).count() as i32;
            depth += count('[') + count('{') - count(']') - count('}');
        }
        is_explained = line.starts_with('#');
    }
    breaches
}

/// Packages of a lock file that come from anywhere but the public registry.
pub fn foreign_sources(file: &File) -> Vec<Breach> {
    if !file.path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    file.lines()
        .filter_map(|(number, line)| {
            let source = line.strip_prefix("source = ")?.trim_matches('"');
            (source != REGISTRY).then(|| file.breach(number, format!("comes from {source}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unexplained(text: &str) -> usize {
        unexplained_dependencies(&File::new("a/Cargo.toml", text)).len()
    }

    #[test]
    fn dependencies_without_a_reason_are_found() {
        assert_eq!(unexplained("[dependencies]\nx = \"1\"\n"), 1);
        assert_eq!(
            unexplained("[dependencies]\n# Why.\nx = \"1\"\ny = \"1\"\n"),
            1
        );
        assert_eq!(unexplained("[dev-dependencies]\n# Why.\n\nx = \"1\"\n"), 1);
        assert_eq!(
            unexplained("[target.'cfg(loom)'.dependencies]\nloom = \"1\"\n"),
            1
        );
        assert_eq!(unexplained("[workspace.dependencies]\nx = \"1\"\n"), 1);
        assert_eq!(unexplained("[dependencies.x]\nversion = \"1\"\n"), 1);
        let many_lines = "# Why.\nx = { version = \"1\", features = [\n  \"a\",\n] }\ny = \"1\"\n";
        assert_eq!(unexplained(&format!("[dependencies]\n{many_lines}")), 1);
    }

    #[test]
    fn dependencies_with_a_reason_are_not() {
        assert_eq!(unexplained("[package]\nname = \"x\"\n"), 0);
        assert_eq!(unexplained("[dependencies]\n# Why.\nx = \"1\"\n"), 0);
        assert_eq!(unexplained("[dependencies]\nx = { path = \"../x\" }\n"), 0);
        assert_eq!(unexplained("[dependencies]\nx.workspace = true\n"), 0);
        assert_eq!(
            unexplained("# Why.\n[dependencies.x]\nversion = \"1\"\n"),
            0
        );
    }

    #[test]
    fn packages_from_elsewhere_are_found() {
        let lock = |source: &str| File::new("Cargo.lock", &format!("source = \"{source}\"\n"));
        assert!(foreign_sources(&lock(REGISTRY)).is_empty());
        assert_eq!(
            foreign_sources(&lock("git+https://example.org/x#1")).len(),
            1
        );
    }
}
