//! Messages of a committee from arbitrary bytes: decoding ends, what decodes has one spelling, and
//! no sequence of messages, answers and ticks breaks an engine's invariants or grows its memory.
#![no_main]

use hauptbuch_core::consensus::{
    CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Effect, Message, MessageBody,
    SignedVote, SigningContext, Statement, TimerKind, Validity, VoteKind, message_bytes_max,
    newest_record, record_bytes_max,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, Tick};
use libfuzzer_sys::fuzz_target;

const EPOCH: Epoch = Epoch::new(1);

fn limits() -> ConsensusLimits {
    ConsensusLimits {
        validator_count_max: 4,
        signature_bytes_max: 8,
        pending_per_peer_max: 4,
        votes_per_message_max: 4,
        reply_count_max: 8,
        evidence_count_max: 1,
        schedule_count_max: 16,
    }
}

fn engine(me: Option<u16>) -> ConsensusEngine {
    let view = CommitteeView {
        weights: &[3, 1, 2, 2],
        me: me.map(MemberIndex::new),
    };
    let context = SigningContext {
        chain_id: Hash::new([5; 32]),
        epoch: EPOCH,
        suite_id: 1,
    };
    ConsensusEngine::new(&limits(), &ConsensusConfig::default(), context, view)
        .expect("a good committee")
}

/// What the host has and does.
struct Host {
    engine: ConsensusEngine,
    places: [Vec<u8>; 2],
    /// Which answers come: bits of the input.
    mood: u8,
}

impl Host {
    fn drain(&mut self) {
        let mut out = vec![0; message_bytes_max(&limits())];
        let mut record = vec![0; record_bytes_max(&limits())];
        let mut count = 0;
        while let Some(effect) = self.engine.poll_effect() {
            count += 1;
            assert!(
                count < 4_096,
                "an input ends in a bounded number of effects"
            );
            match effect {
                Effect::Persist { seq } => {
                    let len = self.engine.write_record(&mut record).expect("it fits");
                    self.places[(seq % 2) as usize] = record[..len].to_vec();
                    if self.mood & 1 == 0 {
                        self.engine.handle_persisted(seq).expect("it was asked for");
                    }
                }
                Effect::Sign { ticket, .. } => {
                    self.engine
                        .handle_signed(&ticket, &[1; 8])
                        .expect("a good length");
                }
                Effect::Send { message, .. } => {
                    let len = self
                        .engine
                        .write_message(&message, &mut out)
                        .expect("it fits");
                    if len > 0 {
                        let decoded = Message::decode(&out[..len], &limits()).expect("own bytes");
                        let mut again = vec![0; len];
                        assert_eq!(decoded.encode(&mut again), Ok(len));
                        assert_eq!(again, out[..len]);
                    }
                }
                Effect::Verify { batch, count } => {
                    for at in 0..usize::from(count) {
                        assert!(self.engine.verify_item(batch, at).is_some());
                    }
                    let all = u128::MAX >> (128 - u32::from(count));
                    let good = if self.mood & 2 == 0 { all } else { all >> 1 };
                    assert_eq!(self.engine.handle_verified(batch, good), Ok(true));
                }
                Effect::GetValue { height, round, .. } if self.mood & 4 == 0 => {
                    let value = Hash::new([round.get() as u8; 32]);
                    self.engine.handle_value(height, round, value, Hash::ZERO);
                }
                Effect::Validate { height, value, .. } => {
                    let validity = if value.as_bytes()[0] & 0x80 == 0 {
                        Validity::Valid {
                            extension_hash: Hash::ZERO,
                        }
                    } else {
                        Validity::Invalid
                    };
                    self.engine.handle_validity(height, value, validity);
                }
                Effect::Decide { height, .. } if self.mood & 8 == 0 => {
                    self.engine.start_height(height.next()).expect("the next");
                }
                Effect::Evidence { .. } => assert!(self.engine.evidence().is_some()),
                _ => {}
            }
        }
        self.engine.verify().expect("all tables agree");
    }

    /// A vote that could be meant, from a few bytes.
    fn vote(&mut self, bytes: [u8; 6]) {
        let [from, by, kind, round, value, valid_round] = bytes;
        let round = self
            .engine
            .round()
            .get()
            .saturating_add(u32::from(round % 5));
        let statement = Statement {
            kind: VoteKind::ALL[usize::from(kind % 3)],
            height: self.engine.height(),
            round: Round::new(round.saturating_sub(2)),
            value: (value % 4 > 0).then(|| Hash::new([value; 32])),
            valid_round: i32::from(valid_round % 6) - 1,
            extension_hash: Hash::ZERO,
        };
        let body = MessageBody::Vote(SignedVote {
            statement,
            member: MemberIndex::new(u16::from(by % 5)),
            signature: &[value; 4],
        });
        let message = Message {
            epoch: EPOCH,
            height: self.engine.height(),
            body,
        };
        let _refused = self
            .engine
            .handle_message(MemberIndex::new(u16::from(from % 5)), &message);
    }

    fn restart(&mut self, me: Option<u16>) {
        let height = self.engine.height();
        let now = self.engine.now();
        let newest = newest_record([&self.places[0], &self.places[1]], &limits());
        let Ok(Some(record)) = newest.map(|found| found.map(<[u8]>::to_vec)) else {
            return;
        };
        self.engine = engine(me);
        self.engine.handle_now(now).expect("it does not go back");
        self.engine
            .resume_height(height, &record)
            .expect("its own record");
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(message) = Message::decode(data, &limits()) {
        let mut again = vec![0; data.len()];
        assert_eq!(message.encode(&mut again), Ok(data.len()));
        assert_eq!(again, data);
    }
    let _record = newest_record([data, &[]], &limits());
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let me = (first % 5 < 4).then_some(u16::from(first % 5));
    let mut host = Host {
        engine: engine(me),
        places: [Vec::new(), Vec::new()],
        mood: 0,
    };
    host.engine.start_height(Height::new(1)).expect("the first");
    host.drain();
    for _ in 0..400 {
        let Some((operation, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match operation % 8 {
            0..=3 => {
                let Some((bytes, after)) = rest.split_first_chunk::<6>() else {
                    break;
                };
                rest = after;
                host.vote(*bytes);
            }
            4 => {
                // A whole message, from wherever the bytes lead.
                let len = rest.len().min(usize::from(operation >> 3) * 8);
                let (bytes, after) = rest.split_at(len);
                rest = after;
                if let Ok(message) = Message::decode(bytes, &limits()) {
                    let _refused = host.engine.handle_message(MemberIndex::new(1), &message);
                }
            }
            5 => host.mood = operation >> 3,
            6 => {
                let later = host
                    .engine
                    .now()
                    .saturating_add(u64::from(operation >> 3) << 24);
                host.engine.handle_now(later).expect("it goes on");
                let kind = TimerKind::ALL[usize::from(operation >> 3) % TimerKind::ALL.len()];
                if let Some((tag, _)) = host.engine.timer(kind) {
                    host.engine.handle_timer(tag);
                }
            }
            _ if me.is_some() => host.restart(me),
            _ => assert_eq!(host.engine.handle_now(Tick::MAX), Ok(())),
        }
        host.drain();
    }
});
