//! Rewrites `include/hauptbuch.h` from the sources: `cargo run -p hauptbuch-ffi-c --example
//! write-header`.

#[path = "../tests/generate/mod.rs"]
mod generate;

fn main() -> std::io::Result<()> {
    std::fs::write(generate::header_path(), generate::header())
}
