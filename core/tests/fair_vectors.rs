//! Worked examples of order fairness, to the letter.
//!
//! Those of `tests/vectors` are in the form of the command line's `order`; a second set, with every
//! weight and edge, is used where it is present.

use std::collections::BTreeSet;
use std::path::PathBuf;

use hauptbuch_core::ordering::fair::{
    Class, Evidence, Gamma, GammaMode, Graph, Parameters, Rank, Rounds, Twin,
};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn strings(value: &Value) -> Vec<String> {
    let all = value.as_array().expect("a list").iter();
    all.map(|id| id.as_str().expect("an id").to_owned())
        .collect()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("a small number")
}

/// Lists of ids, or none where the field is absent.
fn lists(value: &Value) -> Vec<Vec<String>> {
    value
        .as_array()
        .map_or_else(Vec::new, |all| all.iter().map(strings).collect())
}

fn parameters(input: &Value) -> Parameters {
    let gamma = Gamma {
        numerator: number(&input["gamma"][0]),
        denominator: number(&input["gamma"][1]),
    };
    let mode = match input["mode"].as_str() {
        Some("all") => GammaMode::All,
        Some("honest") => GammaMode::Honest,
        other => panic!("mode {other:?}"),
    };
    Parameters::new(number(&input["n"]), number(&input["f"]), gamma, mode).expect("feasible")
}

fn rank(input: &Value) -> Rank {
    match input["rank"].as_str() {
        None | Some("copeland") => Rank::Copeland,
        Some("ranked-pairs") => Rank::RankedPairs,
        Some("path") => Rank::Path,
        other => panic!("rank {other:?}"),
    }
}

/// Numbers ids in the order of their bytes.
struct Ids(Vec<String>);

impl Ids {
    fn of<'a>(all: impl Iterator<Item = &'a Vec<Vec<String>>>) -> Self {
        let distinct: BTreeSet<&String> = all.flatten().flatten().collect();
        Self(distinct.into_iter().cloned().collect())
    }

    fn count(&self) -> u32 {
        u32::try_from(self.0.len()).expect("few ids")
    }

    fn numbers(&self, lists: &[Vec<String>]) -> Vec<Vec<u32>> {
        let number = |id: &String| self.0.binary_search(id).expect("known") as u32;
        lists
            .iter()
            .map(|list| list.iter().map(number).collect())
            .collect()
    }

    fn name(&self, number: u32) -> &str {
        &self.0[number as usize]
    }
}

/// What the command line prints about a graph; `name` turns a vertex into an id.
fn report<'a>(graph: &Graph, batches: &[Vec<u32>], name: &impl Fn(u32) -> &'a str) -> Value {
    let of = |class: Class| -> Vec<&str> {
        let all = (0..graph.vertex_count()).filter(|vertex| graph.class(*vertex) == class);
        all.map(name).collect()
    };
    let named = |batch: &Vec<u32>| batch.iter().map(|vertex| name(*vertex)).collect::<Vec<_>>();
    json!({
        "threshold": graph.parameters().threshold(),
        "solid_min": graph.parameters().solid_min(),
        "solid": of(Class::Solid),
        "shaded": of(Class::Shaded),
        "blank": of(Class::Blank),
        "dropped": graph.dropped().map(name).collect::<Vec<_>>(),
        "missing": graph.missing_pairs().map(|(a, b)| [name(a), name(b)]).collect::<Vec<_>>(),
        "batches": batches.iter().map(named).collect::<Vec<_>>(),
        "order": batches.iter().flat_map(named).collect::<Vec<_>>(),
    })
}

fn order_one(input: &Value) -> Value {
    let (first, updates) = (lists(&input["lists"]), lists(&input["updates"]));
    let ids = Ids::of([&first, &updates].into_iter());
    let (first, updates) = (ids.numbers(&first), ids.numbers(&updates));
    let updates = [&updates[..]];
    let evidence = Evidence {
        vertex_count: ids.count(),
        lists: &first[..],
        updates: if input.get("updates").is_some() {
            &updates[..]
        } else {
            &[]
        },
    };
    let count_max = ids.count().max(1);
    let mut twin = Twin::new(parameters(input), count_max, count_max).expect("within limits");
    twin.build(&evidence).expect("known ids");
    let batches: Vec<Vec<u32>> = match twin.order(rank(input)) {
        Ok(order) => order.components().map(<[u32]>::to_vec).collect(),
        Err(_) => vec![],
    };
    let output = report(twin.graph(), &batches, &|vertex| ids.name(vertex));
    if twin.graph().is_complete() {
        assert_eq!(
            twin.verify(&evidence, rank(input), &batches.concat()),
            Ok(())
        );
    }
    output
}

fn order_rounds(input: &Value) -> Value {
    let all = input["rounds"].as_array().expect("a list");
    let both: Vec<[Vec<Vec<String>>; 2]> = all
        .iter()
        .map(|round| [lists(&round["lists"]), lists(&round["updates"])])
        .collect();
    let ids = Ids::of(both.iter().flatten());
    let count_max = ids.count().max(1);
    let graph_count_max = all.len() as u32;
    let mut rounds = Rounds::new(
        parameters(input),
        rank(input),
        count_max,
        graph_count_max,
        count_max,
    )
    .expect("within limits");
    let (mut outputs, mut order) = (vec![], vec![]);
    for [first, updates] in &both {
        rounds
            .round(&ids.numbers(first), &ids.numbers(updates))
            .expect("known ids");
        let batches: Vec<Vec<u32>> = match rounds.order() {
            Ok(order) => order.components().map(<[u32]>::to_vec).collect(),
            Err(_) => vec![],
        };
        let name = |vertex| ids.name(rounds.id(vertex).expect("a vertex"));
        let mut output = report(rounds.graph().expect("a round"), &batches, &name);
        let released: Vec<&str> = rounds.released().iter().map(|id| ids.name(*id)).collect();
        output["released"] = json!(released);
        order.extend(released);
        outputs.push(output);
    }
    json!({ "rounds": outputs, "order": order })
}

#[test]
fn the_examples_of_every_language() {
    let path = root().join("tests/vectors/order_fairness.json");
    let text = std::fs::read_to_string(path).expect("the examples are part of the project");
    let examples: Value = serde_json::from_str(&text).expect("JSON");
    let examples = examples.as_array().expect("a list");
    assert!(examples.len() >= 30);
    for example in examples {
        let input = &example["input"];
        let rounds = input.get("rounds").is_some();
        let output = if rounds {
            order_rounds(input)
        } else {
            order_one(input)
        };
        assert_eq!(output, example["output"], "{}", example["name"]);
    }
}

/// Checks one example of the second set: classes, weights, edges, components, rankings.
fn check_example(example: &Value) {
    let name = example["id"].as_str().expect("an id");
    let (n, f) = (number(&example["n"]), number(&example["f"]));
    let parameters =
        Parameters::with_quorum(n, f, number(&example["q_all"]), GammaMode::All).expect("feasible");
    assert_eq!(parameters.threshold(), number(&example["T"]), "{name}");
    assert_eq!(
        parameters.solid_min(),
        number(&example["solid_min"]),
        "{name}"
    );
    let lists = lists(&example["lists"]);
    let ids = Ids::of([&lists].into_iter());
    let numbers = ids.numbers(&lists);
    let evidence = Evidence {
        vertex_count: ids.count(),
        lists: &numbers[..],
        updates: &[],
    };
    let mut twin = Twin::new(parameters, ids.count(), ids.count()).expect("within limits");
    let graph = twin.build(&evidence).expect("known ids");
    let of = |class| -> Vec<&str> {
        let all = (0..ids.count()).filter(|vertex| graph.class(*vertex) == class);
        all.map(|vertex| ids.name(vertex)).collect()
    };
    assert_eq!(json!(of(Class::Solid)), example["solid"], "{name}");
    assert_eq!(json!(of(Class::Shaded)), example["shaded"], "{name}");
    assert_eq!(json!(of(Class::Blank)), example["blank"], "{name}");
    let kept: Vec<&str> = graph.kept().map(|vertex| ids.name(vertex)).collect();
    assert_eq!(json!(kept), example["kept"], "{name}");
    let dropped: Vec<&str> = graph.dropped().map(|vertex| ids.name(vertex)).collect();
    assert_eq!(json!(dropped), example["shaded_tail_dropped"], "{name}");
    let missing: Vec<[&str; 2]> = graph
        .missing_pairs()
        .map(|(a, b)| [ids.name(a), ids.name(b)])
        .collect();
    assert_eq!(json!(missing), example["missing"], "{name}");
    let vertex = |id: &Value| ids.numbers(&[vec![id.as_str().expect("an id").to_owned()]])[0][0];
    for row in example["weights"].as_array().expect("a list") {
        let found = graph.weights(vertex(&row[0]), vertex(&row[1]));
        assert_eq!(found, (number(&row[2]), number(&row[3])), "{name} {row}");
    }
    let mut edges = vec![];
    for a in graph.kept() {
        edges.extend(
            graph
                .kept()
                .filter(|b| graph.has_edge(a, *b))
                .map(|b| [a, b]),
        );
    }
    let named: Vec<[&str; 2]> = edges
        .iter()
        .map(|[a, b]| [ids.name(*a), ids.name(*b)])
        .collect();
    assert_eq!(json!(named), example["edges"], "{name}");
    if example["tournament"] == json!(false) {
        assert!(!graph.is_complete(), "{name}");
        return;
    }
    check_rankings(name, example, &ids, &mut twin);
}

fn check_rankings(name: &str, example: &Value, ids: &Ids, twin: &mut Twin) {
    for rank in [Rank::Copeland, Rank::RankedPairs, Rank::Path] {
        let order = twin.order(rank).expect("complete");
        let components: Vec<Vec<u32>> = order.components().map(<[u32]>::to_vec).collect();
        let graph = twin.graph();
        let mut sets = vec![];
        for component in &components {
            let ranked: String = component.iter().map(|id| ids.name(*id)).collect();
            let mut sorted: Vec<&str> = component.iter().map(|id| ids.name(*id)).collect();
            sorted.sort_unstable();
            let key = sorted.concat();
            if rank == Rank::RankedPairs && component.len() > 1 {
                assert_eq!(
                    example["ranked_pairs"][&key]["order"],
                    json!(ranked),
                    "{name}"
                );
            }
            check_kemeny(name, &example["kemeny"][&key], component, &ranked, graph);
            sets.push(sorted);
        }
        assert_eq!(json!(sets), example["scc_order"], "{name} {rank:?}");
    }
}

/// The votes that an order goes against are never fewer than the known minimum, and as many where
/// the order is one of the known best.
fn check_kemeny(name: &str, known: &Value, component: &[u32], ranked: &str, graph: &Graph) {
    let Some(cost_min) = known["cost"].as_u64() else {
        assert_eq!(component.len(), 1, "{name}");
        return;
    };
    let pairs =
        (0..component.len()).flat_map(|at| component[at + 1..].iter().map(move |b| (at, *b)));
    let cost: u64 = pairs
        .map(|(at, later)| u64::from(graph.weights(later, component[at]).0))
        .sum();
    let best = known["orders"]
        .as_array()
        .expect("a list")
        .contains(&json!(ranked));
    assert!(
        cost >= cost_min && (cost == cost_min) == best,
        "{name} {ranked} {cost}"
    );
}

#[test]
fn the_second_set_where_it_is_present() {
    let path = root().join("../shared/vectors/fair_ordering.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        return;
    };
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let examples = all["vectors"].as_array().expect("a list");
    assert_eq!(examples.len(), 15);
    examples.iter().for_each(check_example);
}
