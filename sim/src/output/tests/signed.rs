//! Outputs that a committee signed, and forgeries of them.

pub(super) mod forge;

use std::fs;
use std::path::Path;

use hauptbuch_core::certificate::CommitCertificate;
use hauptbuch_core::config::{FairCommittee, LogSizes, Policy};
use hauptbuch_core::crypto::signature::Suite;
use hauptbuch_core::types::Hash;

use super::super::format::{BATCHES, BOUND_FILES, CERTIFICATES, GENESIS, LOGS, MANIFEST, SUMMARY};
use super::super::members::MembershipSpelling;
use super::super::{VerifyReport, Written, run_to_directory, verify};
use super::edits::{edited, refit_manifest};
use super::{Scratch, go_on, reason};
use crate::committee::MemberKeys;
use crate::hex;
use crate::run::{RunConfig, log_sizes};
use crate::workload::{GeneratorConfig, Workload, generate};
use forge::{Forged, certificate, line};

const MEMBER_COUNT: u8 = 4;

fn config() -> RunConfig {
    RunConfig {
        policy: Policy::Fair(FairCommittee::of(MEMBER_COUNT)),
        logs: LogSizes {
            first_hand_count_max: 16,
            extent_entries_max: 64,
            drained_count_max: 1_024,
            cursor_count_max: 1_024,
            ..log_sizes(u32::from(MEMBER_COUNT))
        },
        seed: 3,
        ..RunConfig::default()
    }
}

fn workload() -> Workload {
    let config = GeneratorConfig {
        count: 12,
        ..GeneratorConfig::default()
    };
    generate(&config).unwrap()
}

fn written(scratch: &Scratch) -> Written {
    run_to_directory(&workload(), &config(), &scratch.out(), go_on).unwrap()
}

/// The keys of this run's members.
fn keys() -> MemberKeys {
    MemberKeys::new(Suite::MlDsa65, 3, u16::from(MEMBER_COUNT)).unwrap()
}

/// The genesis hash, and the hash of each slot.
fn hashes(out: &Path) -> (Hash, Vec<Hash>) {
    let digest = |value: &serde_json::Value| {
        let digits = value.as_str().unwrap();
        Hash::new(hex::decode_array(digits.as_bytes()).unwrap())
    };
    let genesis: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join(GENESIS)).unwrap()).unwrap();
    let slots = fs::read_to_string(out.join(BATCHES)).unwrap();
    let slots = slots.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        digest(&line["hash"])
    });
    (digest(&genesis["genesis_hash"]), slots.collect())
}

/// Puts another certificate in the place of the second line's, and says why it is refused.
fn with_second(out: &Path, forged: &[u8]) -> String {
    edited(out, CERTIFICATES, |text| {
        let lines = text.lines().enumerate();
        let lines = lines.map(|(at, own)| match at {
            1 => line(forged),
            _ => own.to_owned() + "\n",
        });
        lines.collect()
    })
}

#[test]
fn a_signed_output_holds() {
    let scratch = Scratch::new();
    let written = written(&scratch);
    let VerifyReport {
        is_signed,
        consensus,
        signatures,
        batches,
        ..
    } = verify(&scratch.out()).unwrap();
    let consensus = consensus.unwrap();
    assert!(is_signed && written.summary.signed && batches > 2);
    assert_eq!(Some(&consensus), written.summary.consensus.as_ref());
    assert_eq!(consensus.heights.0, batches);
    assert_eq!(
        (consensus.members, consensus.suite.as_str()),
        (4, "ml-dsa-65")
    );
    let signed: u64 = consensus.certificates_signed.iter().map(|it| it.0).sum();
    assert_eq!(signatures, signed + u64::from(MEMBER_COUNT));
    let decisions = written.timing.decision_ns.unwrap();
    assert_eq!(decisions.count.0, batches);
    assert!(decisions.min.0 > 0);
    let page = fs::read_to_string(scratch.out().join("report.html")).unwrap();
    assert!(page.contains("Who signed") && page.contains("The committee signed every slot."));
    let lines = fs::read_to_string(scratch.out().join(LOGS)).unwrap();
    let signed_lines = lines.lines().map(|line| line.contains("\"signatures\":["));
    let expected = (1..=batches).map(|height| height == batches);
    assert!(signed_lines.eq(expected), "the last line alone is signed");
}

#[test]
fn the_same_seed_signs_the_same_bytes() {
    let scratches = [Scratch::new(), Scratch::new()];
    scratches.iter().for_each(|scratch| {
        written(scratch);
    });
    for name in BOUND_FILES.iter().chain(&[MANIFEST]) {
        let [one, two] = [0, 1].map(|at: usize| fs::read(scratches[at].out().join(name)).unwrap());
        assert!(one == two, "{name} differs");
    }
}

#[test]
fn changed_bytes_of_what_is_signed_are_found() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    for (name, step) in [(CERTIFICATES, 2_903), (GENESIS, 997), (LOGS, 1_999)] {
        let path = out.join(name);
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            let why = reason(&out);
            assert!(
                why.contains(&format!("{name}: its SHA-256")),
                "byte {at}: {why}"
            );
        }
        fs::write(&path, bytes).unwrap();
    }
    verify(&out).unwrap();
}

#[test]
fn no_byte_of_what_is_signed_can_be_edited_under_a_fitting_manifest() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let genesis = fs::read_to_string(out.join(GENESIS)).unwrap();
    let members = genesis.find("\"membership\"").unwrap()..genesis.find("\"rollups\"").unwrap();
    for (name, range, step) in [
        (CERTIFICATES, None, 4_801),
        (GENESIS, Some(members), 1_009),
        (LOGS, None, 2_503),
    ] {
        let path = out.join(name);
        let bytes = fs::read(&path).unwrap();
        for at in range.unwrap_or(0..bytes.len()).step_by(step) {
            // Another letter or digit, and the same letter in another case.
            for bit in [1, 0x20] {
                let mut changed = bytes.clone();
                changed[at] ^= bit;
                fs::write(&path, changed).unwrap();
                refit_manifest(&out);
                reason(&out);
            }
        }
        fs::write(&path, bytes).unwrap();
        refit_manifest(&out);
    }
    verify(&out).unwrap();
}

#[test]
fn forged_certificates_are_refused_each_for_its_reason() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let (genesis, slots) = hashes(&out);
    let keys = keys();
    let make = |forged: Forged| certificate(&keys, &genesis, &forged);
    // With the same signers it is the certificate that the run wrote, byte for byte.
    let text = fs::read_to_string(out.join(CERTIFICATES)).unwrap();
    let second = text.lines().nth(1).unwrap();
    let own = Forged::of(2, slots[1], &signers_of(second));
    assert_eq!(line(&make(own)).trim_end(), second);
    let honest = Forged::of(2, slots[1], &[0, 1, 2]);

    let signed_by = |signers: [u16; 3]| Forged {
        signed_by: signers.to_vec(),
        ..honest.clone()
    };
    for (forged, reason) in [
        (
            Forged::of(1, slots[0], &[0, 1, 2]),
            "line 2: its certificate decides slot 1, and not slot 2",
        ),
        (
            Forged::of(2, slots[0], &[0, 1, 2]),
            "line 2: its certificate decides another slot than batches.jsonl holds",
        ),
        (
            Forged::of(2, slots[1], &[0, 2]),
            "its signers weigh 2 of 4, and a slot takes more than two thirds",
        ),
        (
            signed_by([0, 1, 1]),
            "line 2: members 1 and 2 bear one signature",
        ),
        (
            signed_by([0, 1, 3]),
            "line 2: the signature of member 2 does not verify",
        ),
    ] {
        let why = with_second(&out, &make(forged));
        assert!(why.ends_with(reason), "{why}");
    }
}

#[test]
fn certificates_of_another_committee_or_epoch_are_refused() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let (genesis, slots) = hashes(&out);
    let keys = keys();
    let make = |forged: Forged| certificate(&keys, &genesis, &forged);
    let honest = Forged::of(2, slots[1], &[0, 1, 2]);
    let of_no_member = Forged {
        signers: vec![0, 1, 4],
        ..honest.clone()
    };
    let of_another_epoch = Forged {
        epoch: 1,
        ..honest.clone()
    };
    let told_as_another_round = Forged {
        told_round: 1,
        ..honest.clone()
    };
    // Signatures over a network with other members.
    let other = MemberKeys::new(Suite::MlDsa65, 3, 5).unwrap();
    for (forged, reason) in [
        (
            make(of_no_member),
            "line 2: its certificate: no member of the committee",
        ),
        (
            make(of_another_epoch),
            "line 2: its certificate: the message belongs to another epoch",
        ),
        (
            make(told_as_another_round),
            "line 2: the signature of member 0 does not verify",
        ),
        (
            certificate(&other, &genesis, &honest),
            "line 2: the signature of member 0 does not verify",
        ),
    ] {
        let why = with_second(&out, &forged);
        assert!(why.contains(reason), "{why}");
    }
    // A signer that is named once and signs twice.
    let mut twice = make(honest.clone());
    let entry = twice[twice.len() - 3_311..].to_vec();
    twice.extend(entry);
    let why = with_second(&out, &twice);
    assert!(
        why.contains("line 2: its certificate: bytes follow after the end"),
        "{why}"
    );
}

/// The members that a line's certificate names.
fn signers_of(line: &str) -> Vec<u16> {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let mut bytes = Vec::new();
    let digits = line["certificate"].as_str().unwrap();
    assert!(hex::decode(digits.as_bytes(), &mut bytes));
    let certificate = CommitCertificate::decode(&bytes).unwrap();
    certificate.signers.iter().map(|it| it.get()).collect()
}

#[test]
fn certificates_are_complete_and_in_their_order() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let (_, slots) = hashes(&out);
    let lines = |text: &str, keep: &dyn Fn(usize) -> bool| -> String {
        let kept = text.lines().enumerate().filter(|(at, _)| keep(*at));
        kept.map(|(_, line)| line.to_owned() + "\n").collect()
    };
    let why = edited(&out, CERTIFICATES, |text| lines(&text, &|at| at != 0));
    assert!(
        why.ends_with("line 1: its certificate decides slot 2, and not slot 1"),
        "{why}"
    );
    let last = slots.len();
    let why = edited(&out, CERTIFICATES, |text| {
        lines(&text, &|at| at + 1 != last)
    });
    assert!(why.ends_with(&format!(
        "certificates.jsonl: slot {last} has no certificate"
    )));
    let why = edited(&out, CERTIFICATES, |_| String::new());
    assert!(
        why.ends_with("certificates.jsonl: slot 1 has no certificate"),
        "{why}"
    );
    let why = edited(&out, CERTIFICATES, |text| {
        let first = lines(&text, &|at| at == 0);
        text + &first
    });
    assert!(
        why.ends_with(&format!(
            "line {}: it goes on after the last slot",
            last + 1
        )),
        "{why}"
    );
    let why = edited(&out, CERTIFICATES, |text| {
        text.replacen("\"round\":0", "\"round\":1", 1)
    });
    assert!(
        why.ends_with("line 1: its fields are not those of its certificate"),
        "{why}"
    );
    let why = edited(&out, CERTIFICATES, |text| {
        text.replacen("\"certificate\":\"", "\"certificate\":\"x", 1)
    });
    assert!(
        why.ends_with("line 1: the certificate's bytes are not hexadecimal digits"),
        "{why}"
    );
    let why = edited(&out, CERTIFICATES, |text| "{}\n".to_owned() + &text);
    assert!(
        why.ends_with("line 1: it is no line of this version"),
        "{why}"
    );
}

#[test]
fn members_can_not_be_edited_under_a_fitting_manifest() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let with_members = |text: String, members: &MembershipSpelling| {
        let start = text.find("  \"membership\": ").unwrap();
        let end = text.find("  \"rollups\": ").unwrap();
        let spelled = serde_json::to_string_pretty(members)
            .unwrap()
            .replace('\n', "\n  ");
        format!(
            "{}  \"membership\": {spelled},\n{}",
            &text[..start],
            &text[end..]
        )
    };
    // One key of another seed: the hash of the members says so, or else every signature does.
    let other = MemberKeys::new(Suite::MlDsa65, 4, 4).unwrap();
    let swapped = forge::with_key(keys().membership(), 2, other.membership());
    let why = edited(&out, GENESIS, |text| {
        let key = |of: &MemberKeys| hex::text(of.membership().members()[2].public_key.as_bytes());
        text.replacen(&key(&keys()), &key(&other), 1)
    });
    assert!(why.ends_with("genesis.json: the membership's hash is not that of its members"));
    let why = edited(&out, GENESIS, |text| {
        with_members(text, &MembershipSpelling::of(&swapped))
    });
    assert!(why.contains("logs.jsonl, line"), "{why}");
    assert!(
        why.ends_with("the signature over the log of member 2 does not verify"),
        "{why}"
    );
    // Where a member's log bears no weight, its number and all weights are still bound.
    let renumbered = forge::with_numbers(keys().membership(), 7, 1);
    let why = edited(&out, GENESIS, |text| {
        with_members(text, &MembershipSpelling::of(&renumbered))
    });
    assert!(why.ends_with("certificates.jsonl, line 1: the signature of member 0 does not verify"));
    let heavier = forge::with_numbers(keys().membership(), 0, 2);
    let why = edited(&out, GENESIS, |text| {
        with_members(text, &MembershipSpelling::of(&heavier))
    });
    assert!(why.ends_with("certificates.jsonl, line 1: the signature of member 0 does not verify"));
    let fewer = MemberKeys::new(Suite::MlDsa65, 3, 3).unwrap();
    let why = edited(&out, GENESIS, |text| {
        with_members(text, &MembershipSpelling::of(fewer.membership()))
    });
    assert!(
        why.ends_with("genesis.json: there are not as many members as sequencers"),
        "{why}"
    );
    let why = edited(&out, GENESIS, |text| {
        text.replacen("ml-dsa-65", "rsa-4096", 1)
    });
    assert!(
        why.ends_with("genesis.json: the suite of signatures is unknown"),
        "{why}"
    );
    // Logs give the order, so there is somebody who wrote them.
    let why = edited(&out, GENESIS, |text| {
        let start = text.find("  \"membership\": ").unwrap();
        let end = text.find("  \"rollups\": ").unwrap();
        format!("{}{}", &text[..start], &text[end..])
    });
    assert!(
        why.ends_with("genesis.json: it names no members, whose logs give the order"),
        "{why}"
    );
}

#[test]
fn the_ends_of_logs_bear_their_own_members_signatures() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let count = hashes(&out).1.len();
    let signatures = |text: &str| -> Vec<String> {
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let list = last["signatures"].as_array().unwrap();
        list.iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect()
    };
    let why = edited(&out, LOGS, |text| {
        let own = signatures(&text);
        text.replacen(&own[2], &own[1], 1)
    });
    let expected =
        format!("logs.jsonl, line {count}: the signature over the log of member 2 does not verify");
    assert!(why.ends_with(&expected), "{why}");
    let why = edited(&out, LOGS, |text| {
        let own = signatures(&text);
        text.replacen(&format!(",\"{}\"", own[3]), "", 1)
    });
    assert!(
        why.ends_with("it has not a signature for each log"),
        "{why}"
    );
    let why = edited(&out, LOGS, |text| {
        let start = text.find(",\"signatures\"").unwrap();
        format!("{}}}\n", &text[..start])
    });
    assert!(why.ends_with("the last line bears no signatures"), "{why}");
    let why = edited(&out, LOGS, |text| {
        let start = text.find(",\"signatures\"").unwrap();
        let signatures = text[start..].trim_end().to_owned();
        text.replacen("}\n", &format!("{signatures}\n"), 1)
    });
    assert!(
        why.contains("follows one with signatures, which only the last one bears"),
        "{why}"
    );
}

#[test]
fn figures_of_consensus_follow_from_certificates() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    for (from, to) in [
        ("\"rounds_max\": 1", "\"rounds_max\": 2"),
        ("\"round_changes\": 0", "\"round_changes\": 1"),
        ("\"certificate_bytes\": ", "\"certificate_bytes\": 1"),
        ("\"members\": 4", "\"members\": 5"),
        ("\"signed\": true", "\"signed\": false"),
    ] {
        let why = edited(&out, SUMMARY, |text| text.replacen(from, to, 1));
        assert!(
            why.contains("summary.json: it does not say what follows"),
            "{from}: {why}"
        );
    }
}
