//! Outputs of runs whose members change, and what is found that was changed in them.

use std::fs;
use std::path::Path;

use hauptbuch_core::batch::{SlotHeader, SlotReader};
use hauptbuch_core::codec::Writer;
use hauptbuch_core::config::{FairCommittee, LogSizes, Policy};
use hauptbuch_core::crypto::signature::{PUBLIC_KEY_BYTES, Suite};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::sequencer::changes_hash;
use hauptbuch_core::types::Hash;

use super::super::format::{BATCHES, BatchLine, CERTIFICATES, EncodedSlot, GENESIS, LOGS};
use super::super::json::push_line;
use super::super::{run_to_directory, verify};
use super::edits::edited;
use super::signed::forge::{Forged, certificate, line};
use super::{Scratch, go_on};
use crate::committee::{MemberKeys, MembershipPlan, MembershipStep, PlannedChange};
use crate::hex;
use crate::run::{ArrivalSource, RunConfig};
use crate::workload::{GeneratorConfig, generate};

fn config(policy: Policy) -> RunConfig {
    let replace = PlannedChange {
        slot: 2,
        step: MembershipStep::Replace(2),
    };
    RunConfig {
        policy,
        sequencers: 5,
        seed: 3,
        slot_interval_ns: 6_000_000,
        arrivals: ArrivalSource::Modelled {
            scale_permille: 100,
        },
        logs: LogSizes {
            first_hand_count_max: 16,
            extent_entries_max: 192,
            cursor_count_max: 1 << 10,
            drained_count_max: 1 << 12,
            ..LogSizes::default()
        },
        limits: Limits {
            pending_count_max: 1 << 10,
            sender_count_max: 1 << 9,
            slot_count_max: 1 << 6,
            rollup_reserved_count: 0,
            quiet_reserved_count: 0,
            ..RunConfig::default().limits
        },
        membership: MembershipPlan::new(5, &[replace]).unwrap(),
        ..RunConfig::default()
    }
}

/// Writes a run, and gives the numbers of the slot that changes the members, of the epoch's last
/// one, and of all.
fn written(scratch: &Scratch, policy: Policy) -> (usize, usize, usize) {
    let workload = GeneratorConfig {
        count: 30,
        seed: 3,
        rollup_count: 1,
    };
    let workload = generate(&workload).unwrap();
    let out = scratch.out();
    let written = run_to_directory(&workload, &config(policy), &out, go_on).unwrap();
    let report = verify(&out).unwrap();
    let consensus = report.consensus.unwrap();
    assert_eq!(Some(&consensus), written.summary.consensus.as_ref());
    let epochs = consensus.epochs.unwrap();
    let members: Vec<&[u32]> = epochs.iter().map(|it| &*it.sequencers).collect();
    assert_eq!(members, [[0, 1, 2, 3, 4], [0, 1, 3, 4, 5]]);
    assert_eq!(consensus.certificates_signed.len(), 6);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("<td>Epoch 1</td>") && page.contains("sequencers 0, 1, 3, 4, 5"));
    let last = epochs[1].first_height.0 as usize - 1;
    let count = report.batches as usize;
    assert!(last < count, "{count} slots, the epoch ends with {last}");
    (2, last, count)
}

/// Changes a slot's header and its changes, makes all fields of its line fit, and says why the
/// output holds no longer.
fn with_slot(
    out: &Path,
    number: usize,
    change: impl FnOnce(&mut SlotHeader, &mut Vec<u8>),
) -> String {
    edited(out, BATCHES, |text| {
        let mut lines: Vec<String> = text.lines().map(|line| line.to_owned() + "\n").collect();
        let parsed: EncodedSlot<'_> = serde_json::from_str(&lines[number - 1]).unwrap();
        let mut bytes = Vec::new();
        assert!(hex::decode(parsed.encoded.as_bytes(), &mut bytes));
        let limits = config(Policy::Fcfs).limits;
        let reader = SlotReader::new(&bytes, &limits).unwrap();
        let (mut header, mut changes) = (*reader.header(), reader.changes_bytes().to_vec());
        let tail = bytes[SlotHeader::LEN + changes.len()..].to_vec();
        change(&mut header, &mut changes);
        header.changes_len = changes.len() as u32;
        let mut head = vec![0; SlotHeader::LEN];
        header.encode(&mut Writer::new(&mut head)).unwrap();
        let forged = [head, changes, tail].concat();
        let digits = hex::text(&forged);
        let line = BatchLine::new(&forged, &digits, &limits, |_| ()).unwrap();
        let mut rendered = Vec::new();
        push_line(&line, &mut rendered);
        lines[number - 1] = String::from_utf8(rendered).unwrap();
        lines.concat()
    })
}

const FAIR: Policy = Policy::Fair(FairCommittee::FIVE);

#[test]
fn what_was_changed_of_the_members_is_found() {
    for policy in [FAIR, Policy::Fcfs] {
        let scratch = Scratch::new();
        let (deciding, last, _) = written(&scratch, policy);
        let out = scratch.out();
        // Without logs the deciding slot is the epoch's last one, and names what follows too.
        let is_state = |why: &str| why.contains("state") || why.contains("next membership");
        // A byte of the proof of possession.
        let proof = 14 + PUBLIC_KEY_BYTES + 100;
        let why = with_slot(&out, deciding, |_, changes| changes[proof] ^= 1);
        assert!(why.contains("changes"), "{why}");
        let why = with_slot(&out, deciding, |header, changes| {
            changes[proof] ^= 1;
            header.changes_hash = changes_hash(changes);
        });
        assert!(why.contains("its changes to the members"), "{why}");
        // Another one is removed: the registry takes it, and the slot names another state.
        let why = with_slot(&out, deciding, |header, changes| {
            let removed = changes.len() - 12 + 2;
            assert_eq!(changes[removed..removed + 4], [2, 0, 0, 0]);
            changes[removed] = 3;
            header.changes_hash = changes_hash(changes);
        });
        assert!(is_state(&why), "{why}");
        // No changes at all.
        let why = with_slot(&out, deciding, |header, changes| {
            changes.clear();
            header.changes_hash = Hash::ZERO;
        });
        assert!(is_state(&why), "{why}");
        // The next membership, in the last slot and in one before.
        let why = with_slot(&out, last, |header, _| {
            header.next_membership = Hash::new([7; 32]);
        });
        assert!(why.contains("next membership"), "{why}");
        let why = with_slot(&out, last - 1, |header, _| {
            header.next_membership = Hash::new([7; 32]);
        });
        assert!(!why.is_empty(), "{why}");
        let why = with_slot(&out, last, |header, _| header.next_membership = Hash::ZERO);
        assert!(why.contains("next membership"), "{why}");
    }
}

#[test]
fn members_of_another_epoch_decide_nothing() {
    let scratch = Scratch::new();
    let (_, last, count) = written(&scratch, FAIR);
    let out = scratch.out();
    let text = fs::read_to_string(out.join(BATCHES)).unwrap();
    let hash_of = |number: usize| {
        let line: serde_json::Value =
            serde_json::from_str(text.lines().nth(number - 1).unwrap()).unwrap();
        let digits = line["hash"].as_str().unwrap().to_owned();
        Hash::new(hex::decode_array(digits.as_bytes()).unwrap())
    };
    let genesis: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join(GENESIS)).unwrap()).unwrap();
    let genesis = genesis["genesis_hash"].as_str().unwrap();
    let genesis = Hash::new(hex::decode_array(genesis.as_bytes()).unwrap());
    let keys = MemberKeys::with_later(Suite::MlDsa65, 3, 5, 1).unwrap();
    let with = |number: usize, epoch: u64, signed_by: [u16; 4]| {
        let forged = Forged {
            epoch,
            signed_by: signed_by.to_vec(),
            ..Forged::of(number as u64, hash_of(number), &[0, 1, 2, 3])
        };
        let forged = certificate(&keys, &genesis, &forged);
        edited(&out, CERTIFICATES, |text| {
            let lines = text.lines().enumerate();
            let lines = lines.map(|(at, own)| match at + 1 == number {
                true => line(&forged),
                false => own.to_owned() + "\n",
            });
            lines.collect()
        })
    };
    // The old members behind the end of their epoch, whatever they say of it.
    let why = with(last + 1, 0, [0, 1, 2, 3]);
    assert!(why.contains("its certificate"), "{why}");
    let why = with(count, 1, [0, 1, 2, 3]);
    assert!(why.contains("does not verify"), "{why}");
    // The new ones before it begins.
    let why = with(last, 0, [0, 1, 3, 4]);
    assert!(why.contains("does not verify"), "{why}");
    let why = with(last, 1, [0, 1, 3, 4]);
    assert!(why.contains("its certificate"), "{why}");
}

#[test]
fn the_rules_of_epochs_and_the_ends_of_logs_are_bound() {
    let scratch = Scratch::new();
    let (_, last, count) = written(&scratch, FAIR);
    let out = scratch.out();
    let why = edited(&out, GENESIS, |text| {
        text.replace("\"lead_slots\": 4", "\"lead_slots\": 3")
    });
    assert!(why.contains("genesis hash"), "{why}");
    let logs = fs::read_to_string(out.join(LOGS)).unwrap();
    let signed: Vec<usize> = (1..)
        .zip(logs.lines())
        .filter(|(_, line)| line.contains("\"signatures\":["))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(signed, [last, count], "the last lines of both epochs");
    let why = edited(&out, LOGS, |text| {
        let lines = text.lines().enumerate();
        let lines = lines.map(|(at, own)| {
            let cut = own.find(",\"signatures\"").filter(|_| at + 1 == last);
            match cut {
                Some(cut) => own[..cut].to_owned() + "}\n",
                None => own.to_owned() + "\n",
            }
        });
        lines.collect()
    });
    assert!(why.contains("the last one of an epoch"), "{why}");
}
