//! From signed bytes to an order: five members log, cuts are decided, and ids come out by their
//! median stamps.

use hauptbuch_core::ordering::median::{MedianLimits, MedianOrder, MedianTwin};
use hauptbuch_core::receive_log::{
    Cut, Entry, Extents, LogId, LogMark, LogSigner, LogVerifier, OwnLog, OwnRecord, Point,
    ReceiveLogLimits, STATEMENT_LEN,
};
use hauptbuch_core::types::{Epoch, Hash, Height, LogPosition, RollupId, TxId, UnixNs};

const LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 5,
    extent_entries_max: 16,
    signature_bytes_max: STATEMENT_LEN as u32,
};
const A: TxId = TxId::new([1; 32]);
const B: TxId = TxId::new([2; 32]);

/// A signature that shows what was signed.
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

struct World {
    held: Extents,
    logs: Vec<OwnLog>,
    order: MedianOrder,
    twin: MedianTwin,
    height: u64,
}

impl World {
    fn new() -> Self {
        let log = |member| LogId {
            chain_id: 1,
            epoch: Epoch::ZERO,
            member,
        };
        let start = |member| Point {
            position: LogPosition::ZERO,
            running: log(member).start(&Hash::ZERO),
        };
        let own = |member| {
            let record = OwnRecord {
                log: log(member),
                end: start(member),
                base: Height::ZERO,
                stamp: UnixNs::ZERO,
            };
            OwnLog::new(&LIMITS, &record, LogPosition::ZERO)
        };
        let mark = |member| LogMark {
            at: start(member),
            ..LogMark::default()
        };
        let marks: Vec<LogMark> = (0..5).map(mark).collect();
        let limits = MedianLimits {
            log_count: 5,
            id_count_max: 16,
        };
        Self {
            held: Extents::new(&LIMITS, 1, Epoch::ZERO, &marks).unwrap(),
            logs: (0..5).map(own).collect(),
            order: MedianOrder::new(&limits, [1, 2]).unwrap(),
            twin: MedianTwin::new(&limits, [3, 4]).unwrap(),
            height: 1,
        }
    }

    /// A member signs a stamp, an id behind it if there is one, and sends them.
    fn log(&mut self, member: usize, time: u64, id: Option<&TxId>) {
        let own = &mut self.logs[member];
        own.append(Entry::Stamp(UnixNs::new(time))).unwrap();
        if let Some(id) = id {
            let entry = Entry::Id {
                rollup: RollupId::new(1),
                id: *id,
                sealed: false,
                body_bytes: 10,
            };
            own.append(entry).unwrap();
        }
        let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
        let base = Height::new(self.height - 1);
        let len = own.extend(base, &mut Open, &mut out).unwrap();
        self.held.admit(&out[..len], &Open, &mut []).unwrap();
    }

    /// A slot decides all that is held; which ids it releases.
    fn decide(&mut self) -> Vec<TxId> {
        let mut cut = Cut::new(5);
        let height = Height::new(self.height);
        self.held.propose(height, &mut cut).unwrap();
        self.held.check_cut(&cut, height).unwrap();
        for entry in self.held.entries(&cut).unwrap() {
            self.order.handle_entry(&entry).unwrap();
            self.twin.handle_entry(&entry).unwrap();
        }
        self.held.decide(&cut).unwrap();
        self.height += 1;
        let released: Vec<TxId> = self.order.release().iter().map(|one| one.id).collect();
        self.twin.check(released.iter()).unwrap();
        released
    }
}

#[test]
fn ids_come_out_by_their_median_stamps() {
    let mut world = World::new();
    for (member, time) in [(0, 10), (1, 20), (2, 30)] {
        world.log(member, time, Some(&A));
    }
    assert_eq!(world.decide(), []);
    for (member, time) in [(0, 11), (1, 21), (2, 31), (3, 15), (4, 16)] {
        world.log(member, time, Some(&B));
    }
    world.log(3, 40, None);
    world.log(4, 40, None);
    assert_eq!(world.decide(), [B, A]);
    assert_eq!(world.decide(), []);
}
