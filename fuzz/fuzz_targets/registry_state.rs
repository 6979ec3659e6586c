//! States of the registry, of extents and of one's own log, from arbitrary bytes and from whole
//! states that were changed and sealed anew: every reader ends, and what it takes is written the
//! same again and goes on.
#![no_main]

use std::sync::OnceLock;

use hauptbuch_core::codec::StateError;
use hauptbuch_core::crypto::hash::{Domain, hash};
use hauptbuch_core::crypto::signature::{Provider, Randomness, SecretKey, Seed, Suite};
use hauptbuch_core::receive_log::{
    Cut, Entry, Extents, LogId, LogMark, LogSigner, LogVerifier, OwnLog, OwnRecord, Point,
    ReceiveLogLimits, STATEMENT_LEN,
};
use hauptbuch_core::sequencer::{
    Admission, BanReason, Change, SequencerLimits, SequencerManager, SequencerRules,
    SequencerSetup, possession_bytes,
};
use hauptbuch_core::types::{
    Epoch, Hash, Height, LogPosition, RollupId, SequencerId, Tick, TxId, UnixNs,
};
use libfuzzer_sys::fuzz_target;

const LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 3,
    extent_entries_max: 8,
    signature_bytes_max: 8,
};
const LOG: LogId = LogId {
    chain_id: 7,
    epoch: Epoch::new(3),
    member: 1,
};

fuzz_target!(|data: &[u8]| {
    let Some((kind, edits)) = data.split_first() else {
        return;
    };
    match kind % 4 {
        0 => {
            let _refused = SequencerManager::restore(setup(), edits);
            let _refused = Extents::restore(&LIMITS, LOG.chain_id, edits);
            let _refused = OwnLog::restore(&LIMITS, LOG, edits);
        }
        1 => registry(&edited(registry_sample(), edits, Domain::REGISTRY_STATE)),
        2 => extents(&edited(&extents_sample(), edits, Domain::EXTENTS_STATE)),
        _ => own_log(&edited(&own_sample(), edits, Domain::OWN_LOG_STATE)),
    }
});

/// Puts bytes into a state, each three of them a place and what stands there, and seals it.
fn edited(state: &[u8], edits: &[u8], domain: Domain) -> Vec<u8> {
    let mut state = state.to_vec();
    let body_len = state.len() - Hash::LEN;
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % body_len;
        state[at] = edit[2];
    }
    let checksum = hash(domain, &state[..body_len]);
    state[body_len..].copy_from_slice(checksum.as_bytes());
    state
}

fn setup() -> SequencerSetup {
    SequencerSetup {
        chain_id: 7,
        network: Hash::ZERO,
        provider: Provider::MlDsa65,
        limits: SequencerLimits {
            sequencer_count_max: 6,
            member_count_max: 4,
            audit_count_max: 40,
        },
        rules: SequencerRules {
            heads_min: 2,
            ..SequencerRules::default()
        },
    }
}

fn registry_sample() -> &'static [u8] {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let keys: Vec<SecretKey> = (1..=3)
            .map(|number| SecretKey::from_seed(Provider::MlDsa65, &Seed::new([number; 32])))
            .map(|key| key.expect("a seed makes a key"))
            .collect();
        let proofs: Vec<_> = (1..)
            .zip(&keys)
            .map(|(number, key)| {
                let id = SequencerId::new(number);
                let message =
                    possession_bytes(Suite::MlDsa65, 7, Epoch::ZERO, id, key.public_key());
                key.sign(&message, &Randomness::ZERO).expect("it signs")
            })
            .collect();
        let members: Vec<Admission<'_>> = (1..)
            .zip(keys.iter().zip(&proofs))
            .map(|(number, (key, proof))| Admission {
                id: SequencerId::new(number),
                weight: 1,
                public_key: key.public_key().as_bytes(),
                possession: proof.as_bytes(),
            })
            .collect();
        let made = SequencerManager::new(setup(), &members, Tick::ZERO);
        let mut manager = made.expect("three members");
        let ban = Change::Ban(SequencerId::new(2), BanReason::Checked(Hash::ZERO));
        manager.decide_change(Height::new(1), &ban).expect("a ban");
        let mut bytes = vec![0; manager.state_len()];
        manager.write_state(&mut bytes).expect("as long as it says");
        bytes
    })
}

fn registry(bytes: &[u8]) {
    let mut manager = match SequencerManager::restore(setup(), bytes) {
        Ok(manager) => manager,
        Err(why) => {
            assert_ne!(why, StateError::Corrupt, "it was sealed");
            return;
        }
    };
    let mut again = vec![0; manager.state_len()];
    manager.write_state(&mut again).expect("as long as it says");
    assert_eq!(again, bytes);
    // It goes on: whatever is decided next is taken or refused, and an epoch can end.
    let leave = Change::Deactivate(SequencerId::new(1));
    let _refused = manager.decide_change(Height::new(u64::MAX), &leave);
    while manager.poll_audit().is_some() {}
    let _refused = manager.advance_epoch(Height::new(u64::MAX), Tick::ZERO);
    assert!(manager.members().count() >= 2);
}

/// A checksum for a signature: it holds nobody back, and costs nothing.
struct Sum;

fn sum(statement: &[u8; STATEMENT_LEN]) -> [u8; 8] {
    let folded = statement.iter().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    folded.to_le_bytes()
}

impl LogSigner for Sum {
    fn suite(&self) -> u8 {
        9
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        out.get_mut(..8)?.copy_from_slice(&sum(statement));
        Some(8)
    }
}

impl LogVerifier for Sum {
    fn suite(&self) -> u8 {
        9
    }

    fn verify(&self, _: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        sum(statement) == signature
    }
}

fn begin() -> OwnLog {
    let record = OwnRecord {
        log: LOG,
        end: Point {
            position: LogPosition::ZERO,
            running: LOG.start(&Hash::ZERO),
        },
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
    };
    OwnLog::new(&LIMITS, &record, LogPosition::ZERO)
}

fn id(number: u8) -> Entry {
    Entry::Id {
        rollup: RollupId::ZERO,
        id: TxId::new([number; 32]),
        sealed: false,
        body_bytes: 1,
    }
}

fn signed(log: &mut OwnLog, entries: &[Entry]) -> Vec<u8> {
    for entry in entries {
        log.append(*entry).expect("there is room");
    }
    let mut bytes = vec![0; LIMITS.extension_bytes_max() as usize];
    let len = log.extend(Height::new(2), &mut Sum, &mut bytes);
    bytes.truncate(len.expect("there is room"));
    bytes
}

fn own_sample() -> Vec<u8> {
    let mut log = begin();
    signed(&mut log, &[id(1), Entry::Stamp(UnixNs::new(5))]);
    log.append(Entry::Stamp(UnixNs::new(6))).expect("room");
    log.append(id(2)).expect("room");
    let mut bytes = vec![0; log.state_len()];
    log.write_state(&mut bytes).expect("as long as it says");
    bytes
}

fn own_log(bytes: &[u8]) {
    let Ok(mut log) = OwnLog::restore(&LIMITS, LOG, bytes) else {
        return;
    };
    let mut again = vec![0; log.state_len()];
    log.write_state(&mut again).expect("as long as it says");
    assert_eq!(again, bytes);
    let _full = log.append(id(3));
    let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
    let _refused = log.extend(Height::new(9), &mut Sum, &mut out);
}

/// A log with two branches, of which a name keeps the second.
fn extents_sample() -> Vec<u8> {
    let marks = [0, 1, 2].map(|member| LogMark {
        at: Point {
            position: LogPosition::ZERO,
            running: LogId { member, ..LOG }.start(&Hash::ZERO),
        },
        ..LogMark::default()
    });
    let made = Extents::new(&LIMITS, LOG.chain_id, LOG.epoch, &marks);
    let mut held = made.expect("in range");
    let mut proof = vec![0; LIMITS.fork_bytes_max() as usize];
    let (mut one, mut other) = (begin(), begin());
    let first = signed(&mut one, &[id(1), Entry::Stamp(UnixNs::new(5))]);
    held.admit(&first, &Sum, &mut proof).expect("it fits");
    let second = signed(&mut other, &[id(2), id(3)]);
    let mut cut = Cut::new(3);
    for (place, mark) in cut.points_mut().iter_mut().zip(&marks) {
        *place = mark.at;
    }
    cut.points_mut()[1] = other.record().end;
    held.name(hauptbuch_core::receive_log::Naming::Valid, &cut)
        .expect("three logs");
    held.admit(&second, &Sum, &mut proof).expect("it is named");
    held.close(2);
    let mut bytes = vec![0; held.state_len()];
    held.write_state(&mut bytes).expect("as long as it says");
    bytes
}

fn extents(bytes: &[u8]) {
    let Ok(mut held) = Extents::restore(&LIMITS, LOG.chain_id, bytes) else {
        return;
    };
    let mut again = vec![0; held.state_len()];
    held.write_state(&mut again).expect("as long as it says");
    assert_eq!(again, bytes);
    // It goes on: what comes is taken or refused, and a cut can be proposed and decided.
    let mut proof = vec![0; LIMITS.fork_bytes_max() as usize];
    let fresh = signed(&mut begin(), &[id(9)]);
    let _refused = held.admit(&fresh, &Sum, &mut proof);
    let mut cut = Cut::new(3);
    held.propose(Height::new(9), &mut cut).expect("three logs");
    if held.check_cut(&cut, Height::new(9)).is_ok() {
        held.decide(&cut).expect("it is held");
    }
}
