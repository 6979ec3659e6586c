use hauptbuch_core::ordering::fair::{Gamma, GammaMode};

use super::json::{Answer, Question};
use super::*;

fn five() -> Parameters {
    Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap()
}

/// Lists of ids of one character each.
fn lists(all: &[&str]) -> Vec<Vec<String>> {
    let list = |ids: &&str| ids.chars().map(String::from).collect();
    all.iter().map(list).collect()
}

fn round(first: &[&str], updates: &[&str]) -> Round<String> {
    Round {
        lists: lists(first),
        updates: lists(updates),
    }
}

/// An answer in the text that the command line prints.
fn answer(text: &str) -> Result<String, String> {
    let question = Question::read(text.as_bytes()).map_err(|error| error.to_string())?;
    let answer = question.answer().map_err(|error| error.to_string())?;
    Ok(serde_json::to_string(&answer).unwrap())
}

/// A question in which some text takes another's place.
fn question(what: &str, with: &str) -> String {
    let text = r#"{"n":5,"f":1,"gamma":[1,1],"mode":"all","lists":[["a","b"],["a"],["b","a"]]}"#;
    assert!(text.contains(what), "{what}");
    text.replacen(what, with, 1)
}

#[test]
fn the_spelling_is_fixed() {
    let one = answer(&question("", "")).unwrap();
    let report = [
        r#""threshold":2,"solid_min":3,"solid":["a"],"shaded":["b"],"blank":[],"#,
        r#""dropped":["b"],"missing":[],"batches":[["a"]],"order":["a"]"#,
    ]
    .concat();
    assert_eq!(one, format!("{{{report}}}"));
    let rounds = question(r#""lists":"#, r#""rounds":[{"lists":"#).replace("]]}", "]]}]}");
    assert_eq!(
        answer(&rounds).unwrap(),
        format!(r#"{{"rounds":[{{{report},"released":["a"]}}],"order":["a"]}}"#)
    );
}

#[test]
fn a_proposal_is_a_history_of_one_round() {
    for all in [
        &["abz", "baz", "z", "z"][..],
        &["ab", "abc", "cab", "bca", "a"],
        &["abcabc", "cba", "", "b"],
        &[],
    ] {
        let round = round(all, &[]);
        for rank in [Rank::Copeland, Rank::RankedPairs, Rank::Path] {
            let alone = order(five(), rank, &round).unwrap();
            let history = order_rounds(five(), rank, std::slice::from_ref(&round)).unwrap();
            assert_eq!(history.order, alone.order);
            assert_eq!(history.rounds[0].released, alone.order);
            assert_eq!(history.rounds[0].report, alone);
        }
    }
}

#[test]
fn ids_in_updates_alone_are_no_part_of_it() {
    let open = ["abz", "baz", "z", "z"];
    let alone = round(&open, &["xab", "bxa", "axx", ""]);
    let report = order(five(), Rank::Copeland, &alone).unwrap();
    assert_eq!(report.order, ["a", "b", "z"]);
    assert!(report.blank.is_empty());
    let history = [round(&open, &[]), round(&[], &["xab", "bxa", "axx", ""])];
    let all = order_rounds(five(), Rank::Copeland, &history).unwrap();
    assert_eq!(all.rounds[1].released, report.order);
    assert!(all.rounds[1].report.blank.is_empty());
}

#[test]
fn a_line_grows_until_all_waiting_graphs_fit() {
    // Nine rounds wait behind the first one, whose last edge the last round brings.
    let mut history = vec![round(&["abz", "baz", "z", "z"], &[])];
    for id in "cdefghijk".chars() {
        let list = id.to_string();
        history.push(round(&[&list, &list, &list], &[]));
    }
    let waiting = order_rounds(five(), Rank::Copeland, &history).unwrap();
    assert!(waiting.order.is_empty());
    assert!(history.len() > 2 * FIRST_LINE_LEN as usize);
    history.push(round(&[], &["ab", "ba", "a"]));
    let all = order_rounds(five(), Rank::Copeland, &history).unwrap();
    assert_eq!(all.order.concat(), "abzcdefghijk");
    assert_eq!(all.rounds.last().unwrap().released, all.order);
}

#[test]
fn fields_that_may_be_left_out_may_be_null() {
    let plain = answer(&question("", "")).unwrap();
    let null = question("}", r#","updates":null,"rank":null,"rounds":null}"#);
    assert_eq!(answer(&null).unwrap(), plain);
    let spelled = question(r#"["a"]"#, r#"["\u0061"]"#);
    assert_eq!(
        answer(&spelled).unwrap(),
        plain,
        "escapes spell the same id"
    );
}

#[test]
fn another_form_is_refused_with_its_place() {
    for (what, with, reason) in [
        ("{", "", "line 1, column 3: invalid type: string \"n\""),
        ("}", "", "EOF while parsing"),
        ("}", "} 1", "line 1, column 78: trailing characters"),
        (r#""f":1,"#, "", "missing field `f`"),
        (r#""f":1"#, r#""f":1,"f":1"#, "duplicate field `f`"),
        (r#""f":1"#, r#""f":1,"g":1"#, "unknown field `g`"),
        (
            r#""n":5"#,
            r#""n":"5""#,
            "expected a whole number below 2^32",
        ),
        (
            r#""n":5"#,
            r#""n":5.0"#,
            "expected a whole number below 2^32",
        ),
        (
            r#""n":5"#,
            r#""n":-5"#,
            "expected a whole number below 2^32",
        ),
        (
            r#""n":5"#,
            r#""n":4294967296"#,
            "expected a whole number below 2^32",
        ),
        ("[1,1]", "[1]", "gamma is a pair"),
        ("[1,1]", "[1,1,1]", "gamma is a pair"),
        ("[1,1]", "1", "expected a sequence"),
        ("all", "most", "mode `most`: there are `all` and `honest`"),
        (
            "}",
            r#","rank":"best"}"#,
            "rank `best`: there are `copeland`",
        ),
        (r#"["a"]"#, "[1]", "expected a string"),
        (r#"["a"]"#, "[null]", "expected a string"),
        (r#"["a"]"#, r#""a""#, "expected a sequence"),
        (r#"["a"]"#, r#"["\ud800"]"#, "unexpected end of hex escape"),
        (
            "lists",
            "updates",
            "`lists` is missing, or `rounds` in its place",
        ),
        (
            "}",
            r#","rounds":[]}"#,
            "`lists` and `rounds` exclude each other",
        ),
        ("lists", "rounds", "expected an object"),
    ] {
        let told = answer(&question(what, with)).unwrap_err();
        assert!(told.contains(reason), "{what} {with}: {told}");
    }
}

#[test]
fn rounds_of_another_form_are_refused_and_so_is_other_text() {
    let head = r#"{"n":5,"f":1,"gamma":[1,1],"mode":"all","rounds":["#;
    for (tail, reason) in [
        ("{}]}", "missing field `lists`"),
        (r#"{"lists":[],"rounds":[]}]}"#, "unknown field `rounds`"),
        (r#"],"updates":[]}"#, "`updates` stands beside `rounds`"),
    ] {
        let told = answer(&format!("{head}{tail}")).unwrap_err();
        assert!(told.contains(reason), "{tail}: {told}");
    }
    for text in ["", "[]", "null", "[5,1,[1,1],\"all\",null,[]]"] {
        assert!(
            answer(text).unwrap_err().starts_with("line 1, column "),
            "{text}"
        );
    }
    let long = answer(&question("mode", &"m".repeat(10_000))).unwrap_err();
    assert!(long.ends_with('…') && long.len() < 200, "{long}");
    assert!(Question::read(b"{\"n\xff\":5}").is_err());
}

#[test]
fn parameters_that_promise_nothing_are_refused() {
    for (what, with, reason) in [
        (
            "5",
            "4",
            "it takes at least 4f + 1 = 5, and that at gamma 1",
        ),
        ("5", "0", "1 to 255"),
        ("5", "256", "1 to 255"),
        (r#""f":1"#, r#""f":5"#, "not every sequencer can be faulty"),
        ("[1,1]", "[1,2]", "more than one half"),
        ("[1,1]", "[5,4]", "more than one half and at most one"),
        ("[1,1]", "[0,0]", "more than one half"),
        ("[1,1]", "[3,5]", "a larger gamma could do"),
    ] {
        let told = answer(&question(what, with)).unwrap_err();
        assert!(
            told.starts_with("n = ") && told.contains(reason),
            "{what} {with}: {told}"
        );
    }
}

#[test]
fn limits_are_held() {
    let ids = |count: u32| Round {
        lists: vec![(0..count).map(|id| id.to_string()).collect::<Vec<_>>()],
        updates: vec![],
    };
    let alone = Parameters::new(1, 0, Gamma::ONE, GammaMode::All).unwrap();
    let full = ids(ID_COUNT_MAX);
    let report = order(alone, Rank::Copeland, &full).unwrap();
    assert!(report.order.iter().zip(&full.lists[0]).all(|(a, b)| a == b));
    let more = ids(ID_COUNT_MAX + 1);
    let told = order(alone, Rank::Copeland, &more).unwrap_err();
    assert_eq!(told, OrderError::TooManyIds);
    let count = RANKED_PAIRS_ID_COUNT_MAX + 1;
    let pairs = ids(count);
    let told = order(alone, Rank::RankedPairs, &pairs).unwrap_err();
    assert_eq!(told, OrderError::TooManyForRankedPairs { count });
    let count = ROUND_COUNT_MAX + 1;
    let rounds = vec![round(&[], &[]); count];
    let told = order_rounds(alone, Rank::Path, &rounds).unwrap_err();
    assert_eq!(told, OrderError::TooManyRounds { count });
    let told = order(alone, Rank::Path, &round(&["a", "b"], &[])).unwrap_err();
    assert_eq!(
        told.to_string(),
        "lists: 2 lists, but n = 1 members have one each at most"
    );
    let late = [round(&["a"], &[]), round(&["a"], &["a", "b"])];
    let told = order_rounds(alone, Rank::Path, &late).unwrap_err();
    assert!(
        told.to_string().starts_with("round 2: updates: 2 lists"),
        "{told}"
    );
}

#[test]
fn a_report_names_no_more_missing_pairs_than_it_may() {
    // Of 1,500 shaded ids each pair stands in four lists one way round and in four the other.
    let parameters = Parameters::new(20, 4, Gamma::ONE, GammaMode::All).unwrap();
    let ids: Vec<String> = (0..1_500).map(|id| format!("{id:04}")).collect();
    let solid = ["z".to_owned()];
    let list = |turn: usize| match turn {
        0..4 => [&ids[..], &solid].concat(),
        4..8 => [&ids.iter().rev().cloned().collect::<Vec<_>>()[..], &solid].concat(),
        _ => solid.to_vec(),
    };
    let round = Round {
        lists: (0..12).map(list).collect(),
        updates: vec![],
    };
    let error = order(parameters, Rank::Copeland, &round).unwrap_err();
    assert_eq!(
        error,
        OrderError::TooManyMissing {
            count: 1_500 * 1_499 / 2
        }
    );
}

#[test]
fn graphs_beyond_the_memory_are_refused_before_they_are_made() {
    // Each round waits for an edge of its own, and all graphs have room for all ids.
    let parameters = Parameters::new(20, 4, Gamma::ONE, GammaMode::All).unwrap();
    let mut filler: Vec<String> = (0..ID_COUNT_MAX - 60).map(|id| format!("id{id}")).collect();
    let mut history = Vec::new();
    for at in 0..20 {
        let (a, b, z) = (format!("a{at}"), format!("b{at}"), format!("z{at}"));
        let forth = vec![a.clone(), b.clone(), z.clone()];
        let back = vec![b, a, z.clone()];
        let mut lists: Vec<Vec<String>> = vec![];
        lists.extend((0..4).map(|_| forth.clone()));
        lists.extend((0..4).map(|_| back.clone()));
        lists.extend((0..4).map(|_| vec![z.clone()]));
        lists.push(std::mem::take(&mut filler));
        history.push(Round {
            lists,
            updates: vec![],
        });
    }
    let error = order_rounds(parameters, Rank::Path, &history).unwrap_err();
    assert!(matches!(error, OrderError::TooMuchMemory { bytes } if bytes > MEMORY_BYTES_MAX));
    assert!(error.to_string().contains("more than 2.00 GiB"), "{error}");
}

#[test]
fn an_answer_has_the_form_of_its_question() {
    let one = question("", "");
    let read = Question::read(one.as_bytes()).unwrap();
    assert!(matches!(read.answer().unwrap(), Answer::One(_)));
    let none = question("lists", "rounds").replace(r#"[["a","b"],["a"],["b","a"]]"#, "[]");
    assert_eq!(answer(&none).unwrap(), r#"{"rounds":[],"order":[]}"#);
}
