//! The rules of the house, held by an ordinary test over every file that git tracks.
//!
//! Each rule is a pure function from files to breaches, with a test beside it that feeds it
//! something bad, so that no rule can fall silent unnoticed. CONTRIBUTING.md lists them for people.

mod imports;
mod links;
mod manifests;
mod rust;
mod source;
mod text;

use source::{Breach, Tree};

/// Fails with every breach, a line each.
fn expect_none(breaches: &[Breach]) {
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn the_tree_is_whole() {
    let tree = Tree::tracked();
    let core = tree.files.iter().filter(|file| file.is_core());
    assert!(core.count() > 20, "the walk over the files finds the core");
}

#[test]
fn modules_import_only_from_below() {
    expect_none(&imports::breaches(&Tree::tracked()));
}

#[test]
fn files_and_lines_are_short() {
    expect_none(&Tree::tracked().each(text::too_long));
}

#[test]
fn functions_are_short() {
    expect_none(&Tree::tracked().each(rust::long_functions));
}

#[test]
fn core_files_say_what_they_are() {
    expect_none(&Tree::tracked().each(rust::missing_header));
}

#[test]
fn limits_have_a_range_and_a_reason() {
    expect_none(&Tree::tracked().each(rust::unexplained_limits));
}

#[test]
fn nothing_is_left_unfinished() {
    expect_none(&Tree::tracked().each(text::unfinished));
}

#[test]
fn nothing_depends_on_one_machine() {
    expect_none(&Tree::tracked().each(text::machine_specific));
}

#[test]
fn dependencies_have_a_reason() {
    expect_none(&Tree::tracked().each(manifests::unexplained_dependencies));
}

#[test]
fn packages_come_from_the_usual_place() {
    expect_none(&Tree::tracked().each(manifests::foreign_sources));
}

#[test]
fn tracked_files_are_small() {
    expect_none(&text::too_large(&Tree::tracked()));
}

#[test]
fn links_lead_somewhere() {
    expect_none(&links::broken(&Tree::tracked()));
}

#[test]
fn tests_that_pages_name_are_there() {
    expect_none(&links::missing_tests(&Tree::tracked()));
}
