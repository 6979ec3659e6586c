//! The rule for links in Markdown.

use std::collections::BTreeSet;

use super::source::{Breach, File, Tree};

/// Links to files that are not there. Addresses and places within a page are not followed.
pub fn broken(tree: &Tree) -> Vec<Breach> {
    let mut known = BTreeSet::new();
    for file in &tree.files {
        let mut path = file.path.as_str();
        known.insert(path);
        while let Some((folder, _)) = path.rsplit_once('/') {
            known.insert(folder);
            path = folder;
        }
    }
    let pages = tree.files.iter().filter(|file| file.has_extension(&["md"]));
    pages.flat_map(|page| broken_in(page, &known)).collect()
}

/// Tests that a page names as `path.rs::name` and that are not there: a promise without its proof.
pub fn missing_tests(tree: &Tree) -> Vec<Breach> {
    let exists = |path: &str, name: &str| {
        let file = tree.files.iter().find(|file| file.path == path);
        let signature = format!("fn {name}(");
        file.is_some_and(|file| file.text.contains(&signature))
    };
    let pages = tree.files.iter().filter(|file| file.has_extension(&["md"]));
    let mut breaches = Vec::new();
    for page in pages {
        for (number, line) in page.lines() {
            // Every second part between backticks is code.
            for code in line.split('`').skip(1).step_by(2) {
                let Some((path, name)) = code.split_once(".rs::") else {
                    continue;
                };
                if !exists(&format!("{path}.rs"), name) {
                    breaches.push(page.breach(number, format!("{code} is not there")));
                }
            }
        }
    }
    breaches
}

fn broken_in(page: &File, known: &BTreeSet<&str>) -> Vec<Breach> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut breaches = Vec::new();
    let mut is_code = false;
    for (number, line) in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for target in targets(line) {
            let (path, _) = target.split_once('#').unwrap_or((target, ""));
            let is_elsewhere = path.is_empty() || path.contains("://") || path.contains("mailto:");
            let is_known =
                resolve(folder, path).is_some_and(|p| p.is_empty() || known.contains(&*p));
            if !is_elsewhere && !is_known {
                breaches.push(page.breach(number, format!("{target} is not there")));
            }
        }
    }
    breaches
}

/// The targets of `[text](target)` in a line, code spans left out.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(['`', ']'])?;
            let (before, after) = rest.split_at(at);
            debug_assert!(before.len() < line.len());
            if let Some(code) = after.strip_prefix('`') {
                rest = code.split_once('`').map_or("", |(_, rest)| rest);
            } else if let Some(target) = after.strip_prefix("](") {
                let (target, after) = target.split_once(')')?;
                rest = after;
                return Some(target);
            } else {
                rest = &after[1..];
            }
        }
    })
}

/// The path from the top; nothing where it leaves the project.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_links(text: &str) -> usize {
        let page = File::new("docs/page.md", text);
        let others = ["docs/other.md", "core/src/lib.rs", "TOP.md"].map(|path| File::new(path, ""));
        let files = others.into_iter().chain([page]).collect();
        broken(&Tree { files }).len()
    }

    #[test]
    fn links_to_nothing_are_found() {
        assert_eq!(broken_links("[a](gone.md)"), 1);
        assert_eq!(broken_links("[a](other.md) and [b](gone.md#place)"), 1);
        assert_eq!(broken_links("`code` [a](../gone/)"), 1);
        assert_eq!(broken_links("[out](../../elsewhere.md)"), 1);
        assert_eq!(broken_links("```\n[a](gone.md)\n```\n[a](gone.md)"), 1);
    }

    #[test]
    fn tests_that_are_named_and_missing_are_found() {
        let code = File::new("a/tests.rs", "#[test]\nfn it_works() {}");
        let found = |text: &str| {
            let files = vec![code.clone(), File::new("a.md", text)];
            missing_tests(&Tree { files }).len()
        };
        assert_eq!(found("see `a/tests.rs::it_works` and `x`"), 0);
        assert_eq!(
            found("see `a/tests.rs::it_work` and `b/tests.rs::it_works`"),
            2
        );
    }

    #[test]
    fn links_to_something_are_not() {
        let good = "[a](other.md) [b](#place) [c](../TOP.md#x) [d](../core) [e](https://x.org/y) \
                    `[f](gone.md)` [g](../core/src/lib.rs) [h](..)";
        assert_eq!(broken_links(good), 0);
    }
}
