//! Writes the header from the sources; shared by the test that compares and the example that
//! writes.

use std::path::{Path, PathBuf};

use cbindgen::{
    Bindings, Builder, Config, DocumentationStyle, EnumConfig, FunctionConfig, Language,
    RenameRule, SortKey, Style,
};

/// The sources, in the order in which the header describes what they declare.
const SOURCES: [&str; 13] = [
    "version",
    "status",
    "text",
    "config",
    "transaction",
    "output",
    "coordinator",
    "trades",
    "open_slot",
    "control",
    "outside",
    "state",
    "verifier",
];

/// Where the committed header stands.
pub fn header_path() -> PathBuf {
    crate_dir().join("../include/hauptbuch.h")
}

/// The header's text.
pub fn header() -> String {
    let mut text = Vec::new();
    bindings().write(&mut text);
    let text = String::from_utf8(text).expect("cbindgen writes UTF-8");
    // A trailer of cbindgen's would stand after the include guard.
    let (before, end) = text
        .rsplit_once("\n#endif")
        .expect("the include guard ends");
    format!("{before}\n{}\n\n#endif{end}", part("layout.h").trim_end())
}

fn bindings() -> Bindings {
    let builder = SOURCES
        .iter()
        .fold(Builder::new().with_config(config()), |builder, name| {
            builder.with_src(crate_dir().join(format!("src/{name}.rs")))
        });
    builder.generate().expect("the sources parse")
}

fn config() -> Config {
    Config {
        language: Language::C,
        header: Some(part("conventions.h").trim_end().to_owned()),
        include_guard: Some("HAUPTBUCH_H".to_owned()),
        autogen_warning: Some(
            "/* Generated; rewritten by `cargo run -p hauptbuch-ffi-c --example write-header`. */"
                .to_owned(),
        ),
        // A generator of another version that writes the same must not change the file.
        include_version: false,
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"]
            .map(str::to_owned)
            .to_vec(),
        after_includes: Some(macros()),
        cpp_compat: true,
        usize_is_size_t: true,
        style: Style::Both,
        documentation: true,
        documentation_style: DocumentationStyle::Doxy,
        line_length: 100,
        tab_width: 2,
        function: FunctionConfig {
            must_use: Some("HB_MUST_USE".to_owned()),
            postfix: Some("HB_NOEXCEPT".to_owned()),
            // The order of the sources reads like documentation.
            sort_by: Some(SortKey::None),
            ..FunctionConfig::default()
        },
        enumeration: EnumConfig {
            rename_variants: RenameRule::QualifiedScreamingSnakeCase,
            ..EnumConfig::default()
        },
        ..Config::default()
    }
}

/// The macros, with the package's version in them.
fn macros() -> String {
    part("macros.h")
        .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
        .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
        .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"))
        .trim_end()
        .to_owned()
}

fn part(name: &str) -> String {
    let path = crate_dir().join("header").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
