//! The committed header is the one that the sources give, and every compiler mode takes it.

mod generate;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hauptbuch::hb_status;
use hauptbuch_core::error::Code;

#[test]
fn the_committed_header_is_what_the_sources_give() {
    let path = generate::header_path();
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generate::header(),
        "include/hauptbuch.h has drifted; rewrite it with \
         `cargo run -p hauptbuch-ffi-c --example write-header`"
    );
}

#[test]
fn the_header_names_every_code_with_its_number_and_message() {
    let header = generate::header();
    for code in Code::ALL {
        let status = hb_status::of(*code);
        assert_eq!(status as i32, i32::from(code.number()));
        let variant = screaming(code.name());
        let entry = format!(
            "   * {}\n   */\n  HB_STATUS_{variant} = {},\n",
            code.message(),
            code.number()
        );
        assert!(header.contains(&entry), "the header lacks {entry}");
    }
}

/// `PoolFull` as `POOL_FULL`.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_uppercase());
    }
    out
}

#[test]
fn the_table_of_what_a_host_can_do_has_every_function_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = fs::read_to_string(&path).expect("the page stands beside the sources");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let names = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let mut listed: Vec<_> = names.filter(|name| name.starts_with("hb_")).collect();
    let header = generate::header();
    let opened = header.match_indices('(').map(|(at, _)| &header[..at]);
    let mut declared: Vec<_> = opened
        .filter_map(|before| before.rsplit([' ', '*', '\n']).next())
        .filter(|name| name.starts_with("hb_") && header.contains(&format!("{name}(")))
        .collect();
    listed.sort_unstable();
    declared.sort_unstable();
    declared.dedup();
    assert!(declared.len() > 40, "{declared:?}");
    assert_eq!(listed, declared);
}

#[test]
fn every_name_in_the_header_carries_the_prefix() {
    for line in generate::header().lines() {
        let name = line
            .strip_prefix("#define ")
            .or_else(|| line.strip_prefix("typedef struct "))
            .or_else(|| line.strip_prefix("enum "));
        if let Some(name) = name {
            let is_ours = name.starts_with("hb_") || name.starts_with("HB_");
            assert!(is_ours || name == "HAUPTBUCH_H", "{line}");
        }
    }
}

#[test]
fn the_header_compiles_clean_as_c_and_cpp() {
    let source = source_that_includes_it();
    let common = [
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-pedantic-errors",
        "-Wconversion",
    ];
    let both = [
        "-Wsign-conversion",
        "-Wundef",
        "-Wshadow",
        "-Wpadded",
        "-fsyntax-only",
    ];
    let only_c = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-x", "c"];
    let only_cpp = [
        "-Wold-style-cast",
        "-Wzero-as-null-pointer-constant",
        "-x",
        "c++",
    ];
    let modes = ["c99", "c11", "c17"].map(|standard| ("cc", standard, only_c));
    let cpp_modes =
        ["c++11", "c++14", "c++17", "c++20"].map(|standard| ("c++", standard, only_cpp));
    for (compiler, standard, own) in modes.into_iter().chain(cpp_modes) {
        let mut command = Command::new(compiler);
        command
            .arg(format!("-std={standard}"))
            .args(common)
            .args(both);
        command.arg("-I").arg(include_dir()).args(own).arg(&source);
        let done = command.output().unwrap_or_else(|error| {
            panic!("this test needs a C and C++ compiler; `{compiler}` can't be run: {error}")
        });
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "{compiler} -std={standard} refuses the header:\n{told}"
        );
    }
}

/// Includes the header twice, and checks the composed version number.
fn source_that_includes_it() -> PathBuf {
    let number = |part: &str| part.parse::<u64>().expect("a version's part is a number");
    let version = number(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + number(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + number(env!("CARGO_PKG_VERSION_PATCH"));
    let text = format!(
        "#include <hauptbuch.h>\n#include <hauptbuch.h>\n\
         HB_STATIC_ASSERT(HB_VERSION_NUMBER == {version}, composed_version);\n\
         HB_STATIC_ASSERT(sizeof(HB_VERSION) == {}, version_text);\n",
        env!("CARGO_PKG_VERSION").len() + 1
    );
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("includes_the_header.c");
    fs::write(&path, text).expect("the directory for a test's files can be written to");
    path
}

fn include_dir() -> PathBuf {
    generate::header_path()
        .parent()
        .expect("the header stands in a directory")
        .to_path_buf()
}
