//! Rules for Rust.

use super::source::{Breach, File};

const FUNCTION_LINES_MAX: usize = 70;

/// Functions of more than 70 lines, signature and braces included.
pub fn long_functions(file: &File) -> Vec<Breach> {
    if !file.has_extension(&["rs"]) {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let mut breaches = Vec::new();
    for at in word_starts(&code, "fn") {
        let rest = &code[at..];
        // A function without a body ends at its semicolon, which stands outside all brackets.
        let Some(open) = body_start(rest) else {
            continue;
        };
        let Some(end) = closing_brace(&rest[open..]) else {
            continue;
        };
        let count = rest[..open + end].lines().count();
        if count > FUNCTION_LINES_MAX {
            let line = code[..at].matches('\n').count() + 1;
            breaches.push(file.breach(line, format!("a function of {count} lines")));
        }
    }
    breaches
}

/// Files of the core that do not open with what they are for.
pub fn missing_header(file: &File) -> Vec<Breach> {
    if file.is_core() && !file.text.starts_with("//! ") {
        vec![file.breach(1, "no `//!` says what this file is for")]
    } else {
        Vec::new()
    }
}

/// Public fields of structs called `...Limits` whose doc lacks `Range:` or `Why:`.
pub fn unexplained_limits(file: &File) -> Vec<Breach> {
    if !file.path.contains("/src/") || !file.has_extension(&["rs"]) {
        return Vec::new();
    }
    let (mut is_limits, mut doc) = (false, String::new());
    let mut breaches = Vec::new();
    for (number, line) in file.lines() {
        let words = line.trim();
        if let Some(rest) = words.strip_prefix("pub struct ") {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            is_limits = name.ends_with("Limits") && rest.ends_with('{');
        } else if line == "}" {
            is_limits = false;
        } else if is_limits && words.starts_with("pub ") {
            for part in ["Range: ", "Why: "] {
                if !doc.contains(part) {
                    breaches.push(file.breach(number, format!("no `{part}`above {words}")));
                }
            }
        }
        if let Some(text) = words.strip_prefix("///") {
            doc.push_str(text);
        } else {
            doc.clear();
        }
    }
    breaches
}

/// The text with comments, strings and characters blanked, so that what is left is code. Lines and
/// byte positions stay.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + blank_len(&bytes[at..], at > 0 && is_word(bytes[at - 1]));
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(code).expect("whole characters are blanked")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes at the front are a comment, a string or a character; 0 for code.
fn blank_len(bytes: &[u8], follows_word: bool) -> usize {
    let until = |needle: &[u8], from: usize| {
        let mut windows = bytes[from..].windows(needle.len());
        let found = windows.position(|window| window == needle);
        found.map_or(bytes.len(), |at| from + at + needle.len())
    };
    match bytes {
        [b'/', b'/', ..] => until(b"\n", 0).saturating_sub(1).max(2),
        [b'/', b'*', ..] => block_comment_len(bytes),
        [b'"', ..] => string_len(bytes),
        [b'r', rest @ ..] if !follows_word => {
            let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
            if rest.get(hashes) != Some(&b'"') {
                return 0;
            }
            let end = [&b"\""[..], &vec![b'#'; hashes]].concat();
            until(&end, hashes + 2)
        }
        [b'\'', b'\\', _, ..] => until(b"'", 3),
        // `'a'` is a character and `'a` a lifetime; a character of several bytes is no lifetime.
        [b'\'', first, ..] if *first >= 0x80 => until(b"'", 1),
        [b'\'', _, b'\'', ..] => 3,
        _ => 0,
    }
}

fn block_comment_len(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_len(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Where `word` stands as a word of its own.
pub fn word_starts<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).filter_map(move |(at, _)| {
        let before = at.checked_sub(1).is_some_and(|at| is_word(bytes[at]));
        let after = bytes
            .get(at + word.len())
            .is_some_and(|byte| is_word(*byte));
        (!before && !after).then_some(at)
    })
}

/// Where the body of the function at the front begins.
fn body_start(code: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' | b'}' if depth == 0 => return None,
            _ => {}
        }
        if depth < 0 {
            // A pointer type such as `fn(u8)` inside somebody else's brackets.
            return None;
        }
    }
    None
}

/// The length up to the brace that closes the one at the front.
pub fn closing_brace(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        let text = "a /* b /* c */ d */ e // f\n\"g\\\"h\" r#\"i\"j\"# 'k' '\\'' 'l: b\"m\" for";
        let code = code_only(text);
        assert_eq!(code.len(), text.len());
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "e", "'l:", "b", "for"]);
        assert_eq!(code_only("'é' x /"), "     x /");
    }

    #[test]
    fn long_functions_are_found() {
        let function = |lines: usize| {
            let body = "    x();\n".repeat(lines - 2);
            File::new(
                "a.rs",
                &format!("struct A;\nfn a(b: [u8; 2]) {{\n{body}}}\nfn c();\n"),
            )
        };
        assert!(long_functions(&function(70)).is_empty());
        let found = long_functions(&function(71));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "a.rs:2: a function of 71 lines");
    }

    #[test]
    fn braces_in_strings_do_not_end_a_function() {
        let body = "    x(\"}\"); // }\n".repeat(70);
        let file = File::new("a.rs", &format!("fn a() {{\n{body}}}\n"));
        assert_eq!(long_functions(&file).len(), 1);
    }

    #[test]
    fn core_files_without_a_header_are_found() {
        let of = |path: &str, text: &str| missing_header(&File::new(path, text)).len();
        assert_eq!(of("core/src/a.rs", "//! Why.\n"), 0);
        assert_eq!(of("core/src/a.rs", "use b;\n"), 1);
        assert_eq!(of("core/src/a.rs", "// Why.\n"), 1);
        assert_eq!(of("cli/src/a.rs", "use b;\n"), 0);
    }

    #[test]
    fn limits_without_a_range_or_a_reason_are_found() {
        let of = |name: &str, doc: &str| {
            let text = format!("pub struct {name} {{\n{doc}    pub count_max: u32,\n}}\n");
            unexplained_limits(&File::new("core/src/limits.rs", &text)).len()
        };
        let whole = "    /// How many.\n    ///\n    /// Range: 1 ..= 2. Why: so.\n";
        assert_eq!(of("Limits", whole), 0);
        assert_eq!(of("PoolLimits", "    /// Range: 1 ..= 2.\n"), 1);
        assert_eq!(of("Limits", "    /// How many.\n"), 2);
        assert_eq!(of("Room", "    /// How many.\n"), 0);
    }
}
