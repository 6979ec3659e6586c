//! Rules for the text of any file.

use super::source::{Breach, File, Tree};

const FILE_LINES_MAX: usize = 600;
const LINE_COLUMNS_MAX: usize = 100;
const FILE_BYTES_MAX: usize = 256 << 10;

/// Written by a program, so that no person has to read them in one go.
const GENERATED: &[&str] = &["include/hauptbuch.h"];

/// Files of more than 600 lines, which usually hold two things, and lines of Rust past column 100.
pub fn too_long(file: &File) -> Vec<Breach> {
    if !file.has_extension(&["rs", "go", "py", "c", "h", "hpp"])
        || GENERATED.contains(&file.path.as_str())
    {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    let count = file.text.lines().count();
    if count > FILE_LINES_MAX {
        breaches.push(file.breach(count, format!("{count} lines, over {FILE_LINES_MAX}")));
    }
    if file.has_extension(&["rs"]) {
        let long = file.lines().filter_map(|(number, line)| {
            let columns = line.chars().count();
            (columns > LINE_COLUMNS_MAX && !is_table_row(line))
                .then(|| file.breach(number, format!("{columns} columns")))
        });
        breaches.extend(long);
    }
    breaches
}

/// Rows of a table in a doc comment cannot be broken.
fn is_table_row(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//! |") || line.starts_with("/// |")
}

/// Files of more than 256 KiB: data belongs elsewhere, or is made where it is needed.
pub fn too_large(tree: &Tree) -> Vec<Breach> {
    let large = tree.files.iter().filter(|file| file.len > FILE_BYTES_MAX);
    large
        .map(|file| file.breach(1, format!("{} bytes, over {FILE_BYTES_MAX}", file.len)))
        .collect()
}

/// Marks of work that was left for another day. Put together here, so that this file has none.
const UNFINISHED: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
];

/// Marks of work that was left for another day.
pub fn unfinished(file: &File) -> Vec<Breach> {
    let marks = |line: &str| UNFINISHED.iter().copied().find(|mark| line.contains(*mark));
    file.lines()
        .filter_map(|(number, line)| Some(file.breach(number, marks(line)?)))
        .collect()
}

/// Folders of one machine, as absolute paths. Put together here, as above.
const MACHINE_FOLDERS: &[&str] = &[
    concat!("/wo", "rk"),
    concat!("/ro", "ot"),
    concat!("/ho", "me"),
];

/// Hosts that one set-up may use to fetch packages; a clone must not depend on them.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("sparse", "+http"),
    concat!("proxy.", "golang.org"),
    concat!("files.", "pythonhosted.org"),
];

/// Absolute paths of one machine, and hosts that packages are fetched from.
pub fn machine_specific(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (number, line) in file.lines() {
        let folder = MACHINE_FOLDERS
            .iter()
            .find(|folder| has_folder(line, folder));
        let host = REGISTRY_HOSTS.iter().find(|host| line.contains(**host));
        breaches.extend(
            folder
                .or(host)
                .map(|found| file.breach(number, format!("{found} belongs to one machine"))),
        );
    }
    breaches
}

/// Whether `folder` stands in the line as the start of an absolute path.
fn has_folder(line: &str, folder: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        // A path goes on with `/` or ends; `}`, `)` or a name before it make it a relative one.
        !before.is_some_and(|c| is_name(c) || "/})".contains(c)) && !after.is_some_and(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_and_lines_are_found() {
        let lines = |count: usize| "x\n".repeat(count);
        assert!(too_long(&File::new("a.rs", &lines(600))).is_empty());
        assert_eq!(too_long(&File::new("a.rs", &lines(601))).len(), 1);
        assert_eq!(too_long(&File::new("a.py", &lines(601))).len(), 1);
        assert!(too_long(&File::new("a.json", &lines(601))).is_empty());
        assert!(too_long(&File::new("a.rs", &"é".repeat(100))).is_empty());
        assert_eq!(too_long(&File::new("a.rs", &"x".repeat(101))).len(), 1);
        let row = |start: &str| File::new("a.rs", &format!("{start}{}", "x".repeat(100)));
        assert_eq!(too_long(&row("/// ")).len(), 1);
        assert!(too_long(&row("    /// | ")).is_empty());
    }

    #[test]
    fn large_files_are_found() {
        let of = |len: usize| Tree {
            files: vec![File::new("data.bin", &"x".repeat(len))],
        };
        assert!(too_large(&of(256 << 10)).is_empty());
        assert_eq!(too_large(&of((256 << 10) + 1)).len(), 1);
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        for mark in UNFINISHED {
            let text = format!("fine\n// {mark})\n");
            let found = unfinished(&File::new("a.md", &text));
            assert_eq!(found.len(), 1, "{mark}");
            assert!(found[0].to_string().starts_with("a.md:2:"));
        }
        assert!(unfinished(&File::new("a.rs", "assert!(todos)")).is_empty());
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        for folder in MACHINE_FOLDERS {
            for line in [
                format!("in {folder}/x"),
                format!("`{folder}`"),
                format!("\"{folder}\""),
            ] {
                let found = machine_specific(&File::new("a.md", &line));
                assert_eq!(found.len(), 1, "{line}");
            }
            for line in [
                format!("target{folder}/x"),
                format!("{folder}flow"),
                format!("..{folder}"),
            ] {
                let found = machine_specific(&File::new("a.md", &line));
                assert!(found.is_empty(), "{line}");
            }
        }
        for host in REGISTRY_HOSTS {
            let line = format!("https://{host}/x");
            assert_eq!(machine_specific(&File::new("a.toml", &line)).len(), 1);
        }
    }
}
