//! Drives `hauptbuch order` as a user would.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Asks by standard input.
fn ask(words: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hauptbuch"));
    command.args(["order", "--input", "-"]).args(words);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn ok(words: &[&str], input: &Value) -> String {
    let output = ask(words, input.to_string().as_bytes());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{input}: {stderr}");
    assert_eq!(stderr, "", "{input}");
    String::from_utf8(output.stdout).unwrap()
}

fn answer(input: &Value) -> Value {
    let text = ok(&["--json"], input);
    assert_eq!(text.lines().count(), 1, "one object on one line");
    serde_json::from_str(&text).unwrap()
}

fn refused(output: Output) -> String {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let line = stderr.trim_end().strip_prefix("hauptbuch: ");
    line.expect(&stderr).to_owned()
}

fn examples() -> Vec<Value> {
    let path = root().join("tests/vectors/order_fairness.json");
    let text = fs::read_to_string(path).unwrap();
    let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(examples.len() >= 30);
    examples
}

fn ids(value: &Value) -> Vec<&str> {
    let all = value.as_array().unwrap().iter();
    all.map(|id| id.as_str().unwrap()).collect()
}

#[test]
fn the_examples_of_every_language() {
    for example in examples() {
        let output = answer(&example["input"]);
        assert_eq!(output, example["output"], "{}", example["name"]);
    }
}

#[test]
fn a_file_is_read_like_standard_input() {
    let name = format!("hauptbuch-order-{}.json", std::process::id());
    let path = std::env::temp_dir().join(name);
    for example in examples().iter().take(3) {
        let input = example["input"].to_string();
        fs::write(&path, &input).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hauptbuch"));
        let output = command
            .args(["--json", "order", "--input"])
            .arg(&path)
            .output();
        assert_eq!(output.unwrap(), ask(&["--json"], input.as_bytes()));
    }
    fs::remove_file(&path).unwrap();
}

/// One example of the set with every weight and edge, under each ranking.
fn check_shared(example: &Value) {
    let name = &example["id"];
    // A share of q of n has the quorum q.
    let mut input = json!({
        "n": example["n"], "f": example["f"], "gamma": [example["q_all"], example["n"]],
        "mode": "all", "lists": example["lists"],
    });
    for rank in ["copeland", "ranked-pairs", "path"] {
        input["rank"] = rank.into();
        let output = answer(&input);
        for (ours, theirs) in [
            ("threshold", "T"),
            ("solid_min", "solid_min"),
            ("solid", "solid"),
            ("shaded", "shaded"),
            ("blank", "blank"),
            ("dropped", "shaded_tail_dropped"),
            ("missing", "missing"),
        ] {
            assert_eq!(output[ours], example[theirs], "{name} {ours}");
        }
        if example["tournament"] == json!(false) {
            assert_eq!(
                (&output["batches"], &output["order"]),
                (&json!([]), &json!([]))
            );
            continue;
        }
        let mut sets = vec![];
        for batch in output["batches"].as_array().unwrap() {
            let ranked = ids(batch);
            let mut sorted = ranked.clone();
            sorted.sort_unstable();
            if rank == "ranked-pairs" && ranked.len() > 1 {
                let known = &example["ranked_pairs"][&sorted.concat()]["order"];
                assert_eq!(known, &json!(ranked.concat()), "{name}");
            }
            sets.push(sorted);
        }
        assert_eq!(json!(sets), example["scc_order"], "{name} {rank}");
    }
}

#[test]
fn the_second_set_where_it_is_present() {
    let Ok(text) = fs::read_to_string(root().join("../shared/vectors/fair_ordering.json")) else {
        return;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let examples = all["vectors"].as_array().unwrap();
    assert_eq!(examples.len(), 15);
    examples.iter().for_each(check_shared);
}

/// The lines of the section under a title.
fn section<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with(title))
        .skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(!lines.is_empty(), "{title}: {text}");
    lines
}

/// The words of a line.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn the_table_says_what_the_object_says() {
    for example in examples() {
        let (input, output) = (&example["input"], &example["output"]);
        let text = ok(&[], input);
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
        let lines = section(&text, "Order");
        let order = ids(&output["order"]);
        if order.is_empty() {
            let none = if input["rounds"].is_null() {
                "none"
            } else {
                "nothing was released"
            };
            assert_eq!(lines, [format!("  {none}")]);
        } else {
            let placed: Vec<&str> = lines.iter().map(|line| words(line)[1]).collect();
            assert_eq!(placed, order);
        }
        let threshold = if input["rounds"].is_null() {
            &output["threshold"]
        } else {
            &output["rounds"][0]["threshold"]
        };
        let line = text
            .lines()
            .find(|line| line.starts_with("  threshold"))
            .unwrap();
        assert_eq!(words(line)[1], threshold.to_string());
        if input["rounds"].is_null() {
            let classes = section(&text, "Classes");
            for (line, class) in classes.iter().zip(["solid", "shaded", "dropped", "blank"]) {
                let expected = ids(&output[class]);
                let count = expected.len().to_string();
                assert_eq!(
                    words(line),
                    [&[class, &count], &expected[..]].concat(),
                    "{text}"
                );
            }
        } else {
            for (number, round) in (1..).zip(output["rounds"].as_array().unwrap()) {
                let lines = section(&text, &format!("Round {number}"));
                let released = ids(&round["released"]);
                let count = released.len().to_string();
                let expected = [&["released", &count], &released[..]].concat();
                assert_eq!(words(lines.last().unwrap()), expected);
            }
        }
    }
}

/// What stands between two marks, first of all behind `start`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect(start);
    rest.split_once(end).expect(end).0
}

#[test]
fn the_examples_in_the_documents_run() {
    let page = fs::read_to_string(root().join("docs/fair-ordering.md")).unwrap();
    let input = between(&page, "<<'END'\n", "END\n");
    let output = ask(&[], input.as_bytes());
    let shown = between(&page, "```text\n", "```");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), shown);
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let input: Value = serde_json::from_str(between(&readme, "<<'END'\n", "END\n")).unwrap();
    assert_eq!(ids(&answer(&input)["order"]), ["deposit", "swap", "mint"]);
}

#[test]
fn a_long_order_is_cut_in_the_table_only() {
    let list: Vec<String> = (0..1_000).map(|id| format!("{id:04}")).collect();
    let input = json!({"n": 1, "f": 0, "gamma": [1, 1], "mode": "all", "lists": [list]});
    assert_eq!(ids(&answer(&input)["order"]), list);
    let text = ok(&[], &input);
    assert!(text.lines().count() < 120, "{text}");
    assert!(text.contains("960  more; --json prints all"), "{text}");
}

#[test]
fn ids_of_any_text_come_back_as_they_were() {
    let odd = [
        "",
        " ",
        "\u{1b}[2J",
        "a\nb",
        "\"",
        "\u{0}",
        "é",
        "e\u{301}",
        "\u{10ffff}",
    ];
    let lists = [odd; 4];
    let input = json!({"n": 5, "f": 1, "gamma": [1, 1], "mode": "all", "lists": lists});
    assert_eq!(ids(&answer(&input)["order"]), odd);
    let text = ok(&[], &input);
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
    assert_eq!(
        section(&text, "Order").len(),
        odd.len(),
        "each id on its line: {text}"
    );
}

#[test]
fn bad_input_leaves_one_line() {
    let good = r#"{"n":5,"f":1,"gamma":[1,1],"mode":"all","lists":[["a"]]}"#;
    assert_eq!(ask(&[], good.as_bytes()).status.code(), Some(0));
    for (what, with, reason) in [
        (
            r#""n":5"#,
            r#""n":4"#,
            "n = 4, f = 1, gamma = 1/1, mode all: too few sequencers",
        ),
        (r#""n":5"#, r#""n":0"#, "a committee has 1 to 255"),
        (r#""f":1"#, r#""f":-1"#, "whole number"),
        ("[1,1]", "[1,2]", "more than one half"),
        ("[1,1]", "[1,1,1]", "gamma is a pair"),
        ("all", "some", "`all` and `honest`"),
        ("[[", "[[],[],[],[],[],[", "6 lists, but n = 5"),
        (r#"["a"]"#, r#"["a",7]"#, "expected a string"),
        ("lists", "lost", "unknown field `lost`"),
        ("}", r#","lists":[]}"#, "duplicate field `lists`"),
        ("}", r#","rank":"borda"}"#, "rank `borda`"),
        ("}", r#","rounds":[]}"#, "exclude each other"),
        ("}", "}}", "trailing characters"),
        ("}", "", "EOF"),
    ] {
        let text = good.replacen(what, with, 1);
        for words in [&["--json"][..], &[]] {
            let line = refused(ask(words, text.as_bytes()));
            assert!(line.starts_with("standard input: "), "{line}");
            assert!(line.contains(reason), "{text}: {line}");
        }
    }
    let esc = good.replacen("lists", "\\u001b[2J\\n", 1);
    assert!(!refused(ask(&[], esc.as_bytes())).contains('\u{1b}'));
    for bytes in [&b""[..], b"\xff", b"[]", b"null", b"\xef\xbb\xbf{}"] {
        refused(ask(&[], bytes));
    }
    for (words, reason) in [
        (&["order"][..], "--input"),
        (&["order", "--input", "none.json"], "none.json"),
        (&["order", "--input", "."], ".: "),
        (&["order", "--input", "-", "--rank", "path"], "--rank"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hauptbuch"));
        let line = refused(command.args(words).output().unwrap());
        assert!(line.contains(reason), "{words:?}: {line}");
    }
}

#[cfg(unix)]
#[test]
fn an_input_without_end_is_refused() {
    if !Path::new("/dev/zero").exists() {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_hauptbuch"));
    let output = command
        .args(["order", "--input", "/dev/zero"])
        .output()
        .unwrap();
    let line = refused(output);
    assert!(line.contains("larger than 256 MiB"), "{line}");
}
