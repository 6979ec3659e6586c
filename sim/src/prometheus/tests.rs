//! A reader that knows only the format's description reads what was written.

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Nonce, Tick, Transaction, UnixNs};

use super::{coordinator_text, escaped, text};

/// What a text says: kinds by family, and values by name and labels.
#[derive(Default)]
struct Exposition {
    kinds: BTreeMap<String, String>,
    helps: BTreeSet<String>,
    samples: BTreeMap<(String, Vec<(String, String)>), u128>,
}

impl Exposition {
    /// Reads a text by the rules of version 0.0.4, and panics where one is broken.
    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends too");
        let mut read = Self::default();
        let mut current = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, _) = rest.split_once(' ').expect("a help has words");
                assert!(read.helps.insert(name.into()), "{name} has one help");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type has a kind");
                assert!(["counter", "gauge", "histogram"].contains(&kind));
                let before = read.kinds.insert(name.into(), kind.into());
                assert!(before.is_none(), "{name} stands together");
                current = name.into();
            } else {
                read.sample(line, &current);
            }
        }
        read
    }

    fn sample(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
            None => (series, ""),
        };
        let mut chars = name.chars();
        let first = chars.next().expect("a name has a letter");
        assert!(first.is_ascii_alphabetic() || first == '_');
        assert!(chars.all(|c| c.is_ascii_alphanumeric() || c == '_'));
        let is_histogram = self
            .kinds
            .get(family)
            .is_some_and(|kind| kind == "histogram");
        let suffix = name
            .strip_prefix(family)
            .expect("a sample follows its head");
        let allowed: &[&str] = if is_histogram {
            &["_bucket", "_sum", "_count"]
        } else {
            &[""]
        };
        assert!(allowed.contains(&suffix), "{line}");
        let labels = labels
            .split(',')
            .filter(|label| !label.is_empty())
            .map(|label| {
                let (name, value) = label.split_once('=').expect("a label has a value");
                let value = value
                    .strip_prefix('"')
                    .and_then(|value| value.strip_suffix('"'));
                (
                    name.to_owned(),
                    value.expect("a value stands in quotes").to_owned(),
                )
            });
        let key = (name.to_owned(), labels.collect());
        let value = value.parse().expect("a whole number");
        assert!(
            self.samples.insert(key, value).is_none(),
            "{line} stands once"
        );
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> u128 {
        let labels = labels
            .iter()
            .map(|(a, b)| ((*a).into(), (*b).into()))
            .collect();
        self.samples[&(format!("hauptbuch_{name}"), labels)]
    }

    /// The cumulative counts of a histogram by edge; the last edge is infinite.
    fn buckets(&self, name: &str) -> Vec<(u128, u128)> {
        let name = format!("hauptbuch_{name}_bucket");
        let own = self.samples.iter().filter(|((other, _), _)| *other == name);
        let mut buckets: Vec<_> = own
            .map(|((_, labels), count)| {
                let [(label, edge)] = labels.as_slice() else {
                    panic!("a bucket has one label")
                };
                assert_eq!(label, "le");
                (edge.parse().unwrap_or(u128::MAX), *count)
            })
            .collect();
        buckets.sort_unstable();
        buckets
    }
}

fn busy() -> TransactionCoordinator {
    let mut coordinator =
        TransactionCoordinator::new(&Config::default(), &Limits::default()).unwrap();
    for (sender, fee) in [(1, 5), (2, 0), (3, 1_000)] {
        let envelope = Envelope {
            sender: Address::new([sender; 20]),
            fee: Fee::new(fee),
            gas: Gas::new(21_000),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let transfer = Transaction {
            envelope,
            payload: b"transfer",
        };
        let (now, time) = (Tick::new(u64::from(sender)), UnixNs::new(9));
        coordinator.submit(&transfer.into(), now, time).unwrap();
        let again = coordinator.submit(&transfer.into(), now, time);
        assert_eq!(again.unwrap_err(), Code::Duplicate);
    }
    let now = Tick::new(3_000_003);
    let slot = coordinator.take(now, UnixNs::new(9), WhenEmpty::NoSlot);
    let height = slot.unwrap().unwrap().header.height;
    coordinator.acknowledge(height, now).unwrap();
    coordinator
}

#[test]
fn another_reader_finds_every_figure() {
    let coordinator = busy();
    let read = Exposition::read(&coordinator_text(&coordinator));
    assert!(read.kinds.keys().eq(read.helps.iter()));
    assert_eq!(read.value("submitted_total", &[]), 6);
    let outcome = |outcome| read.value("transactions_total", &[("outcome", outcome)]);
    assert_eq!(
        (outcome("Admitted"), outcome("Included"), outcome("Evicted")),
        (3, 3, 0)
    );
    let refused = |reason| read.value("refused_total", &[("reason", reason)]);
    assert_eq!((refused("Duplicate"), refused("PoolFull")), (3, 0));
    assert_eq!(read.value("slots_acknowledged_total", &[]), 1);
    assert_eq!(read.value("pool_pending", &[]), 0);
    let free = u128::from(coordinator.pool().free_bytes());
    assert_eq!(read.value("pool_free_bytes", &[]), free);
    assert_eq!(read.value("acknowledged_height", &[]), 1);
}

#[test]
fn the_share_of_quiet_senders_can_be_watched() {
    let config = Config::default();
    let few = config.pool.quiet_pending_count_max;
    let limits = Limits::default();
    let mut coordinator = TransactionCoordinator::new(&config, &limits).unwrap();
    let read = |own: &TransactionCoordinator| {
        let read = Exposition::read(&coordinator_text(own));
        ["pool_pending", "pool_quiet", "pool_quiet_bytes"].map(|name| read.value(name, &[]))
    };
    assert_eq!(read(&coordinator), [0; 3]);
    // One sender past what counts as few, and another one with a payload of two chunks.
    let long = [7; 129];
    let first = (0..=few).map(|nonce| (1, nonce, &b"x"[..]));
    for (sender, nonce, payload) in first.chain([(2, 0, &long[..])]) {
        let envelope = Envelope {
            sender: Address::new([sender; 20]),
            nonce: Nonce::new(u64::from(nonce)),
            gas: Gas::new(21_000),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let transfer = Transaction { envelope, payload };
        let now = (Tick::new(1), UnixNs::new(9));
        coordinator.submit(&transfer.into(), now.0, now.1).unwrap();
    }
    let few = u128::from(few);
    assert_eq!(read(&coordinator), [few + 2, few + 1, (few + 2) * 128]);
    let exposed = Exposition::read(&coordinator_text(&coordinator));
    let reserved = exposed.value("pool_quiet_reserved", &[]);
    assert_eq!(reserved, u128::from(limits.quiet_reserved_count));
    let now = Tick::new(2);
    let slot = coordinator.take(now, UnixNs::new(9), WhenEmpty::NoSlot);
    let height = slot.unwrap().unwrap().header.height;
    coordinator.acknowledge(height, now).unwrap();
    assert_eq!(read(&coordinator), [0; 3]);
}

#[test]
fn histograms_add_up() {
    let read = Exposition::read(&coordinator_text(&busy()));
    let mut histograms = 0;
    for (name, _) in read.kinds.iter().filter(|(_, kind)| *kind == "histogram") {
        let name = name.strip_prefix("hauptbuch_").unwrap();
        let buckets = read.buckets(name);
        assert!(
            buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1),
            "{name}"
        );
        let (edge, all) = buckets[buckets.len() - 1];
        assert_eq!(edge, u128::MAX);
        assert_eq!(all, read.value(&format!("{name}_count"), &[]), "{name}");
        histograms += 1;
    }
    assert_eq!(histograms, 5);
    // Waits of 3,000,002, 3,000,001 and 3,000,000 ns lie between 2 and 4 ms.
    let waits = read.buckets("time_to_batch_ns");
    assert_eq!(waits[1], (2_000_000, 0));
    assert_eq!(waits[2], (4_000_000, 3));
    assert_eq!(read.value("time_to_batch_ns_sum", &[]), 9_000_003);
    assert_eq!(read.value("included_fee_sum", &[]), 1_005);
    assert_eq!(read.value("slot_transactions_sum", &[]), 3);
}

#[test]
fn the_same_metrics_give_the_same_bytes() {
    assert_eq!(coordinator_text(&busy()), coordinator_text(&busy()));
    let without = text(busy().metrics(), &[]);
    assert!(coordinator_text(&busy()).starts_with(&without));
}

#[test]
fn what_would_end_a_value_is_escaped() {
    assert_eq!(escaped("a\\b\n\"c\"", true), "a\\\\b\\n\\\"c\\\"");
    assert_eq!(escaped("a\\b\n\"c\"", false), "a\\\\b\\n\"c\"");
}
