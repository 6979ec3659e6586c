//! Receive logs: entries, extensions, cuts, and evidence of forks.

use hauptbuch_core::codec::{StateError, Writer};
use hauptbuch_core::crypto::hash::keccak256;
use hauptbuch_core::error::Code;
use hauptbuch_core::receive_log::{
    Cut, Entry, Extension, Extents, LogId, LogMark, LogSigner, LogVerifier, Naming, OwnLog,
    OwnRecord, Point, ReceiveLogLimits, STATEMENT_LEN, verify_fork,
};
use hauptbuch_core::types::{Epoch, Hash, Height, InboxIndex, LogPosition, RollupId, TxId, UnixNs};
use serde::{Deserialize, Serialize};

use super::outcome;
use crate::hex;

const SUITE: u8 = 250;
const LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 3,
    extent_entries_max: 8,
    signature_bytes_max: 32,
};

/// Receive logs: entries, extensions, cuts, and evidence of forks.
#[derive(Debug, Deserialize, Serialize)]
pub struct ReceiveLogFile {
    /// What the file holds.
    pub about: String,
    /// The network.
    pub chain_id: String,
    /// The epoch.
    pub epoch: String,
    /// The member whose log it is.
    pub member: u16,
    /// The number of the signature suite.
    pub suite: u8,
    /// The hash at the epoch's boundary.
    pub boundary: String,
    /// The running hash at position 0.
    pub start: String,
    /// The log's extensions, one after another.
    pub extensions: Vec<ExtensionVector>,
    /// One extension that holds all of them, as an answer to a pull.
    pub pulled: ExtensionVector,
    /// What the member keeps to start again.
    pub record: String,
    /// A cut through three logs.
    pub cut: CutVector,
    /// Evidence of forks.
    pub forks: Vec<String>,
    /// Extensions that do not decode.
    pub malformed: Vec<MalformedExtension>,
}

/// An extension.
#[derive(Debug, Deserialize, Serialize)]
pub struct ExtensionVector {
    /// Entries with the base that holds for each, in their order.
    pub entries: Vec<EntryVector>,
    /// The base under which it is signed.
    pub base: String,
    /// Its first position.
    pub first: String,
    /// The running hash before it.
    pub previous: String,
    /// The running hash behind each entry.
    pub running: Vec<String>,
    /// The bytes that are signed.
    pub statement: String,
    /// All of its bytes.
    pub bytes: String,
}

/// An entry; what a kind has not is absent.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct EntryVector {
    /// The base.
    pub base: String,
    /// `id`, `stamp`, `closed` or `inbox`.
    pub kind: String,
    /// Of an id and an inbox: the rollup.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rollup: Option<u32>,
    /// Of an id: its 32 bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Of an id: whether it is sealed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed: Option<bool>,
    /// Of an id: bytes of its body.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body_bytes: Option<u32>,
    /// Of a stamp: ns since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<String>,
    /// Of an inbox: the position.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<String>,
}

/// Bytes that are no extension.
#[derive(Debug, Deserialize, Serialize)]
pub struct MalformedExtension {
    /// What is wrong with them.
    pub name: String,
    /// The bytes.
    pub bytes: String,
    /// The name of the code that the decoder gives.
    pub error: String,
}

/// A cut.
#[derive(Debug, Deserialize, Serialize)]
pub struct CutVector {
    /// Position and running hash of each log.
    pub points: Vec<(String, String)>,
    /// Its bytes.
    pub bytes: String,
    /// Its hash.
    pub hash: String,
}

/// Signs with a hash that everybody can compute: vectors show bytes, and hide nothing.
struct OpenKey(u16);

impl LogSigner for OpenKey {
    fn suite(&self) -> u8 {
        SUITE
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        let signature = open_signature(self.0, statement);
        out.get_mut(..Hash::LEN)?
            .copy_from_slice(signature.as_bytes());
        Some(Hash::LEN)
    }
}

struct OpenKeys;

impl LogVerifier for OpenKeys {
    fn suite(&self) -> u8 {
        SUITE
    }

    fn verify(&self, member: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        open_signature(member, statement).as_bytes() == signature
    }
}

fn open_signature(member: u16, statement: &[u8; STATEMENT_LEN]) -> Hash {
    keccak256(&[&member.to_le_bytes()[..], statement].concat())
}

const LOG: LogId = LogId {
    chain_id: 7,
    epoch: Epoch::new(3),
    member: 2,
};

fn boundary() -> Hash {
    Hash::new([0xb0; 32])
}

fn own() -> OwnLog {
    let record = OwnRecord {
        log: LOG,
        end: Point {
            position: LogPosition::ZERO,
            running: LOG.start(&boundary()),
        },
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
    };
    OwnLog::new(&LIMITS, &record, LogPosition::ZERO)
}

fn id(number: u8, sealed: bool) -> Entry {
    Entry::Id {
        rollup: RollupId::new(u32::from(number)),
        id: TxId::new([number; 32]),
        sealed,
        body_bytes: 1_000 + u32::from(number),
    }
}

fn extend(own: &mut OwnLog, base: u64, entries: &[Entry]) -> Vec<u8> {
    for entry in entries {
        own.append(*entry).expect("the log has room");
    }
    let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
    let len = own.extend(Height::new(base), &mut OpenKey(LOG.member), &mut out);
    out.truncate(len.expect("it fits"));
    out
}

fn extents() -> Extents {
    let mark = |member| LogMark {
        at: Point {
            position: LogPosition::ZERO,
            running: LogId { member, ..LOG }.start(&boundary()),
        },
        ..LogMark::default()
    };
    let marks = [0, 1, 2].map(mark);
    Extents::new(&LIMITS, LOG.chain_id, LOG.epoch, &marks).expect("limits are in range")
}

pub(super) fn compute() -> ReceiveLogFile {
    let mut log = own();
    let inbox = Entry::Inbox {
        rollup: RollupId::new(4),
        position: InboxIndex::new(12),
    };
    let stamp = |time| Entry::Stamp(UnixNs::new(time));
    let pieces = [
        extend(
            &mut log,
            5,
            &[stamp(1_700_000_000_000_000_000), id(1, false)],
        ),
        extend(&mut log, 5, &[inbox, id(2, true)]),
        extend(&mut log, 8, &[]),
        extend(&mut log, 9, &[Entry::Closed]),
    ];
    let mut held = extents();
    let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
    for piece in &pieces {
        held.admit(piece, &OpenKeys, &mut evidence)
            .expect("the log is honest");
    }
    let mut pulled = vec![0; LIMITS.extension_bytes_max() as usize];
    let end = log.record().end;
    let len = held.write_extension(LOG.member, LogPosition::ZERO, &end, &mut pulled);
    pulled.truncate(len.expect("it is held"));
    let mut cut = Cut::new(LIMITS.log_count_max);
    held.propose(Height::new(9), &mut cut)
        .expect("as many logs");
    ReceiveLogFile {
        about: "A member's receive log: extensions, one that answers a pull, a cut, evidence. \
                A signature here is Keccak-256(u16 member || statement), which hides nothing."
            .into(),
        chain_id: LOG.chain_id.to_string(),
        epoch: LOG.epoch.to_string(),
        member: LOG.member,
        suite: SUITE,
        boundary: boundary().to_string(),
        start: LOG.start(&boundary()).to_string(),
        extensions: pieces.iter().map(|piece| extension(piece)).collect(),
        pulled: extension(&pulled),
        record: hex::encode(&log.record().encode()),
        cut: cut_vector(&cut),
        forks: forks(&held),
        malformed: malformed(&pieces[1]),
    }
}

fn extension(bytes: &[u8]) -> ExtensionVector {
    let read = Extension::decode(bytes, &LIMITS).expect("it was written by the core");
    let mut running = read.previous;
    let entries: Vec<(Height, Entry)> = read.entries().collect();
    let hashes = entries.iter().map(|(base, entry)| {
        running = hauptbuch_core::receive_log::next_running_hash(&running, *base, entry);
        running.to_string()
    });
    ExtensionVector {
        running: hashes.collect(),
        entries: entries
            .iter()
            .map(|(base, entry)| entry_vector(*base, entry))
            .collect(),
        base: read.base.to_string(),
        first: read.first.to_string(),
        previous: read.previous.to_string(),
        statement: hex::encode(&read.statement().bytes(SUITE)),
        bytes: hex::encode(bytes),
    }
}

fn entry_vector(base: Height, entry: &Entry) -> EntryVector {
    let mut vector = EntryVector {
        base: base.to_string(),
        ..EntryVector::default()
    };
    match entry {
        Entry::Id {
            rollup,
            id,
            sealed,
            body_bytes,
        } => {
            vector.kind = "id".into();
            vector.rollup = Some(rollup.get());
            vector.id = Some(id.to_string());
            vector.sealed = Some(*sealed);
            vector.body_bytes = Some(*body_bytes);
        }
        Entry::Stamp(time) => {
            vector.kind = "stamp".into();
            vector.time = Some(time.to_string());
        }
        Entry::Closed => vector.kind = "closed".into(),
        Entry::Inbox { rollup, position } => {
            vector.kind = "inbox".into();
            vector.rollup = Some(rollup.get());
            vector.position = Some(position.to_string());
        }
        _ => unreachable!("the vectors have no other kind"),
    }
    vector
}

fn cut_vector(cut: &Cut) -> CutVector {
    let mut bytes = vec![0; cut.encoded_len()];
    cut.encode(&mut Writer::new(&mut bytes)).expect("it fits");
    CutVector {
        points: cut
            .points()
            .iter()
            .map(|point| (point.position.to_string(), point.running.to_string()))
            .collect(),
        bytes: hex::encode(&bytes),
        hash: cut.hash().to_string(),
    }
}

/// Extents of three logs with one that is held, in part decided, named by a cut and closed
/// elsewhere; and the log itself, with entries that wait.
pub(super) fn states() -> [Vec<u8>; 2] {
    let mut log = own();
    let mut held = extents();
    let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
    let mut cut = Cut::new(LIMITS.log_count_max);
    for (base, numbers) in [(5, [1, 2]), (6, [3, 4])] {
        let time = UnixNs::new(1_700_000_000_000_000_000 + base);
        let entries = numbers.map(|number| id(number, number % 2 == 0));
        let piece = extend(
            &mut log,
            base,
            &[Entry::Stamp(time), entries[0], entries[1]],
        );
        held.admit(&piece, &OpenKeys, &mut evidence)
            .expect("the log is honest");
        let proposed = held.propose(Height::new(base), &mut cut);
        proposed.expect("as many logs");
        held.name(Naming::Current, &cut).expect("as many logs");
        if base == 5 {
            held.decide(&cut).expect("all of it is held");
            log.handle_decided(log.record().end.position, time);
        }
    }
    held.name(Naming::Locked, &cut).expect("as many logs");
    held.close(1);
    for entry in [
        Entry::Stamp(UnixNs::new(1_800_000_000_000_000_000)),
        id(5, true),
    ] {
        log.append(entry).expect("the log has room");
    }
    let mut states = [vec![0; held.state_len()], vec![0; log.state_len()]];
    let [of_extents, of_log] = &mut states;
    held.write_state(of_extents).expect("it has room");
    log.write_state(of_log).expect("it has room");
    states
}

/// Reads a state of extents, and writes it again.
pub(super) fn rewritten_extents(state: &[u8]) -> Result<Vec<u8>, Code> {
    let held = Extents::restore(&LIMITS, LOG.chain_id, state).map_err(StateError::code)?;
    let mut again = vec![0; held.state_len()];
    held.write_state(&mut again).map_err(StateError::code)?;
    Ok(again)
}

/// Reads a state of the member's own log, and writes it again.
pub(super) fn rewritten_log(state: &[u8]) -> Result<Vec<u8>, Code> {
    let log = OwnLog::restore(&LIMITS, LOG, state).map_err(StateError::code)?;
    let mut again = vec![0; log.state_len()];
    log.write_state(&mut again).map_err(StateError::code)?;
    Ok(again)
}

/// A shorter and a longer log that contradict the one held.
fn forks(held: &Extents) -> Vec<String> {
    let stamps =
        |count: u64| -> Vec<Entry> { (1..=count).map(|n| Entry::Stamp(UnixNs::new(n))).collect() };
    let prove = |count| {
        let mut liar = own();
        let bytes = extend(&mut liar, 9, &stamps(count));
        let mut held = extents_like(held);
        let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
        let admitted = held.admit(&bytes, &OpenKeys, &mut evidence);
        evidence.truncate(admitted.expect("a fork has its signature").fork_bytes);
        verify_fork(&evidence, &LIMITS, &OpenKeys).expect("it is a fork");
        hex::encode(&evidence)
    };
    [1, 7].map(prove).to_vec()
}

/// Extents that hold the same log.
fn extents_like(held: &Extents) -> Extents {
    let (end, _) = held.newest(LOG.member).expect("there is such a member");
    let mut bytes = vec![0; LIMITS.extension_bytes_max() as usize];
    let len = held.write_extension(LOG.member, LogPosition::ZERO, &end, &mut bytes);
    let mut made = extents();
    let whole = &bytes[..len.expect("it is held")];
    made.admit(whole, &OpenKeys, &mut []).expect("it is honest");
    made
}

fn malformed(good: &[u8]) -> Vec<MalformedExtension> {
    let with = |at: usize, value: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = value;
        bytes
    };
    let cases = [
        ("ends early", good[..good.len() - 1].to_vec()),
        ("goes on", [good, &[0]].concat()),
        ("another version", with(0, 2)),
        ("no run", with(59, 0)),
        ("more entries than the limit of 8", with(71, 9)),
        ("an unknown kind of entry", with(75, 5)),
        (
            "a signature over the limit of 32 bytes",
            with(good.len() - 34, 33),
        ),
    ];
    let vector = |(why, bytes): (&str, Vec<u8>)| MalformedExtension {
        name: why.into(),
        bytes: hex::encode(&bytes),
        error: outcome(
            Extension::decode(&bytes, &LIMITS)
                .map(|_| ())
                .map_err(Into::into),
        ),
    };
    cases.map(vector).into()
}
