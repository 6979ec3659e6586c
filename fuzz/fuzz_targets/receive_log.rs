//! Receive logs: arbitrary bytes as extensions, cuts and evidence; and histories of honest members
//! and a liar, in which every fork is proved and no honest member is accused.
#![no_main]

use hauptbuch_core::receive_log::{
    Cut, Entry, Extension, Extents, LogId, LogMark, LogSigner, LogVerifier, Naming, OwnLog,
    OwnRecord, Point, ReceiveLogLimits, STATEMENT_LEN, verify_fork,
};
use hauptbuch_core::types::{Epoch, Hash, Height, LogPosition, RollupId, TxId, UnixNs};
use libfuzzer_sys::fuzz_target;

const LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 3,
    extent_entries_max: 8,
    signature_bytes_max: 74,
};
/// Whose log has a second version.
const LIAR: u16 = 2;

/// A signature is the statement itself: a fuzzer can't guess a hash.
struct Open;

impl LogSigner for Open {
    fn suite(&self) -> u8 {
        1
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        out.get_mut(..STATEMENT_LEN)?.copy_from_slice(statement);
        Some(STATEMENT_LEN)
    }
}

impl LogVerifier for Open {
    fn suite(&self) -> u8 {
        1
    }

    fn verify(&self, _: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        statement == signature
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    if *kind == 0 {
        read(data);
    } else {
        live(data);
    }
});

/// Takes bytes as they are.
fn read(data: &[u8]) {
    let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
    if let Ok(extension) = Extension::decode(data, &LIMITS) {
        assert_eq!(
            extension.entries().count(),
            extension.entry_count() as usize
        );
        // Signed as it should be, it must come out of the store as it went in.
        let mark = LogMark {
            at: Point {
                position: extension.first,
                running: extension.previous,
            },
            ..LogMark::default()
        };
        let LogId {
            chain_id, epoch, ..
        } = extension.log;
        let mut held = Extents::new(&LIMITS, chain_id, epoch, &[mark; 3]).unwrap();
        let _ = held.admit(data, &Open, &mut evidence);
        let statement = extension.statement().bytes(1);
        let signature_len = extension.signature.len();
        let mut signed = data[..data.len() - signature_len - 2].to_vec();
        signed.extend((STATEMENT_LEN as u16).to_le_bytes());
        signed.extend(statement);
        let member = extension.log.member;
        if held.admit(&signed, &Open, &mut evidence).is_ok() {
            let (end, _) = held.newest(member).unwrap();
            let mut again = vec![0; LIMITS.extension_bytes_max() as usize];
            let len = held.write_extension(member, extension.first, &end, &mut again);
            assert!(again[..len.unwrap()] == signed);
        }
    }
    let _ = verify_fork(data, &LIMITS, &Open);
    let mut cut = Cut::new(3);
    if cut.decode(data).is_ok() {
        let mut bytes = vec![0; cut.encoded_len()];
        let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
        cut.encode(&mut out).unwrap();
        assert!(bytes == data);
        let held = Extents::new(&LIMITS, 1, Epoch::ZERO, &marks()).unwrap();
        let _ = held.check_cut(&cut, Height::new(5));
        assert!(held.missing(&cut).count() <= 3);
    }
    if let Some(bytes) = data.first_chunk() {
        let _ = OwnRecord::decode(bytes).map(|record| assert!(record.encode() == *bytes));
    }
}

fn log(member: u16) -> LogId {
    LogId {
        chain_id: 1,
        epoch: Epoch::ZERO,
        member,
    }
}

fn start(member: u16) -> Point {
    Point {
        position: LogPosition::ZERO,
        running: log(member).start(&Hash::ZERO),
    }
}

fn marks() -> [LogMark; 3] {
    [0, 1, 2].map(|member| LogMark {
        at: start(member),
        ..LogMark::default()
    })
}

fn own(member: u16) -> OwnLog {
    let record = OwnRecord {
        log: log(member),
        end: start(member),
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
    };
    OwnLog::new(&LIMITS, &record, LogPosition::ZERO)
}

/// Reads a history: two bytes a step. Slots decide what the node proposes, or what it named.
fn live(data: &[u8]) {
    let mut held = Extents::new(&LIMITS, 1, Epoch::ZERO, &marks()).unwrap();
    let mut logs = [own(0), own(1), own(LIAR), own(LIAR)];
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
    let mut cut = Cut::new(3);
    let mut height = 1_u64;
    for step in data.chunks_exact(2) {
        let (what, how) = (step[0], step[1]);
        let own = &mut logs[usize::from(how % 4)];
        match what % 8 {
            0 => drop(own.append(Entry::Stamp(UnixNs::new(how.into())))),
            1 | 2 => {
                let _ = own.append(Entry::Id {
                    rollup: RollupId::new(1),
                    id: TxId::new([how; 32]),
                    sealed: what > 99,
                    body_bytes: 1,
                });
            }
            3 => {
                let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
                let len = own.extend(Height::new(height - 1), &mut Open, &mut out);
                out.truncate(len.unwrap());
                sent.push(out);
            }
            4 | 5 if !sent.is_empty() => {
                let bytes = &sent[usize::from(how) % sent.len()];
                if let Ok(admitted) = held.admit(bytes, &Open, &mut evidence)
                    && admitted.fork_bytes > 0
                {
                    let proof = &evidence[..admitted.fork_bytes];
                    let accused = verify_fork(proof, &LIMITS, &Open).unwrap().member;
                    assert_eq!(accused, LIAR);
                }
            }
            6 => {
                held.propose(Height::new(height), &mut cut).unwrap();
                cut.points_mut()[2] = logs[2 + usize::from(how % 2)].record().end;
                held.name(Naming::ALL[usize::from(how) / 2 % 3], &cut)
                    .unwrap();
                decide(&mut held, &cut, &mut height, &mut logs);
            }
            7 => {
                held.propose(Height::new(height), &mut cut).unwrap();
                held.check_cut(&cut, Height::new(height)).unwrap();
                decide(&mut held, &cut, &mut height, &mut logs);
            }
            _ => {}
        }
    }
}

/// Decides a cut if it is valid.
fn decide(held: &mut Extents, cut: &Cut, height: &mut u64, logs: &mut [OwnLog]) {
    if held.check_cut(cut, Height::new(*height)).is_err() {
        return;
    }
    let moved: u64 = (0..3)
        .zip(cut.points())
        .map(|(member, to)| to.position.get() - held.decided(member).unwrap().at.position.get())
        .sum();
    assert_eq!(held.entries(cut).unwrap().count() as u64, moved);
    held.decide(cut).unwrap();
    assert_eq!(held.entries(cut).unwrap().count(), 0);
    *height += 1;
    for own in logs {
        let at = cut.points()[usize::from(own.record().log.member)].position;
        own.handle_decided(at, UnixNs::ZERO);
    }
}
