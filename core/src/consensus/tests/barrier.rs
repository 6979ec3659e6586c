//! Nothing that this member signs leaves before it is on disk.

use super::kit::{Bench, context, engine, limits, member, round, sign, value};
use crate::consensus::*;
use crate::types::{Hash, Height};
use crate::vote::NO_ROUND;
use std::vec;
use std::vec::Vec;

const V: Hash = Hash::new([1; 32]);

fn bystander() -> (Bench, [u16; 3]) {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let me = (0..4)
        .find(|me| probe.proposer(Height::new(1), round(0)).get() != *me)
        .unwrap();
    let bench = Bench::new(me);
    let others = bench.others().try_into().unwrap();
    (bench, others)
}

fn signs(effects: &[Effect]) -> usize {
    let is_sign = |effect: &&Effect| matches!(effect, Effect::Sign { .. });
    effects.iter().filter(is_sign).count()
}

#[test]
fn a_vote_waits_for_its_record() {
    let (mut bench, _) = bystander();
    bench.auto_persist = false;
    bench.propose(0, V, NO_ROUND);
    assert_eq!(bench.engine.step(), Step::Prevote, "it is decided on");
    assert_eq!(signs(&bench.effects), 0, "and neither signed");
    assert_eq!(bench.own_statements(), [], "nor sent");
    bench.engine.handle_persisted(0).unwrap();
    bench.drain();
    assert_eq!(signs(&bench.effects), 0, "an older record does not help");
    bench.engine.handle_persisted(1).unwrap();
    bench.drain();
    assert_eq!(bench.said(VoteKind::Prevote, 0), Some((Some(V), NO_ROUND)));
}

#[test]
fn a_precommit_waits_for_lock_and_polka() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.auto_persist = false;
    bench.prevote(&others[..2], 0, Some(V), NO_ROUND);
    assert_eq!(bench.said(VoteKind::Precommit, 0), None);
    let record = record::Record::decode(&bench.record, bench.engine.limits()).unwrap();
    assert_eq!(record.locked, Some((round(0), V)));
    assert_eq!(record.valid, Some((round(0), V)));
    assert_eq!(
        record.polka.unwrap().iter().count(),
        3,
        "with the signatures of a quorum"
    );
    assert_eq!(record.votes().count(), 2);
}

#[test]
fn one_record_is_written_at_a_time() {
    let (mut bench, others) = bystander();
    bench.auto_persist = false;
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, None, NO_ROUND);
    bench.precommit(&others, 0, None);
    let persists = |bench: &Bench| -> Vec<u64> {
        let of = |effect: &Effect| match effect {
            Effect::Persist { seq } => Some(*seq),
            _ => None,
        };
        bench.effects.iter().filter_map(of).collect()
    };
    assert_eq!(persists(&bench), [1]);
    bench.engine.handle_persisted(1).unwrap();
    bench.drain();
    assert_eq!(
        persists(&bench),
        [1, 2],
        "all that came meanwhile goes into one"
    );
    bench.engine.handle_persisted(2).unwrap();
    bench.drain();
    assert_eq!(bench.said(VoteKind::Prevote, 0), Some((Some(V), NO_ROUND)));
    assert_eq!(bench.said(VoteKind::Precommit, 0), Some((None, NO_ROUND)));
}

#[test]
fn answers_to_nothing_are_refused_or_ignored() {
    let (mut bench, _) = bystander();
    bench.propose(0, V, NO_ROUND);
    let misuse = Err(ConsensusMisuse::UnknownPersist);
    assert_eq!(bench.engine.handle_persisted(99), misuse);
    let statement = bench.statement(VoteKind::Prevote, 0, Some(V), NO_ROUND);
    let ticket = SignTicket { statement };
    let signature = sign(member(0), &statement.sign_bytes(&context()));
    assert_eq!(
        bench.engine.handle_signed(&ticket, &signature),
        Ok(false),
        "it was answered"
    );
    let invalid = Err(ConsensusMisuse::InvalidArgument);
    assert_eq!(bench.engine.handle_signed(&ticket, &[]), invalid);
    assert_eq!(bench.engine.handle_signed(&ticket, &[0; 17]), invalid);
    assert_eq!(
        bench.engine.handle_verified(BatchId::new(77 << 2), 0),
        Ok(false)
    );
    assert_eq!(bench.engine.handle_verified(BatchId::new(3), 0), Ok(false));
    assert_eq!(
        bench.engine.handle_verified(BatchId::new(u64::MAX), 0),
        Ok(false)
    );
    bench.engine.verify().unwrap();
}

#[test]
fn a_batch_is_answered_once_and_within_its_bits() {
    let (mut bench, others) = bystander();
    bench.auto_verify = false;
    bench.prevote(&others[..2], 0, None, NO_ROUND);
    let batches: Vec<(BatchId, u8)> = bench
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Verify { batch, count } => Some((*batch, *count)),
            _ => None,
        })
        .collect();
    let [(first, 1), (second, 1)] = batches[..] else {
        panic!("{batches:?}");
    };
    let invalid = Err(ConsensusMisuse::InvalidArgument);
    assert_eq!(bench.engine.handle_verified(first, 0b10), invalid);
    // In any order.
    assert_eq!(bench.engine.handle_verified(second, 1), Ok(true));
    assert_eq!(bench.engine.handle_verified(second, 1), Ok(false));
    assert_eq!(bench.engine.handle_verified(first, 1), Ok(true));
    assert!(bench.engine.verify_item(first, 0).is_none());
    bench.engine.verify().unwrap();
}

#[test]
fn answers_of_another_height_are_ignored() {
    let (mut bench, others) = bystander();
    bench.auto_verify = false;
    bench.prevote(&others[..1], 0, None, NO_ROUND);
    let Some(Effect::Verify { batch, .. }) = bench.effects.last().copied() else {
        panic!("a batch is out");
    };
    bench.engine.start_height(Height::new(2)).unwrap();
    bench.drain();
    assert_eq!(bench.engine.handle_verified(batch, 1), Ok(true));
    bench.engine.verify().unwrap();
    let row = bench.engine.status();
    assert!(
        row.prevotes.is_empty(),
        "votes of height 1 count for nothing in height 2"
    );
}

#[test]
fn the_newest_whole_record_counts() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    let first = bench.record.clone();
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let second = bench.record.clone();
    assert_ne!(first, second);
    let limits = limits(4);
    let newest =
        |a: &[u8], b: &[u8]| newest_record([a, b], &limits).map(|found| found.map(<[u8]>::to_vec));
    assert_eq!(newest(&first, &second), Ok(Some(second.clone())));
    assert_eq!(newest(&second, &first), Ok(Some(second.clone())));
    assert_eq!(newest(&[], &[]), Ok(None));
    assert_eq!(newest(&[0; 64], &[]), Ok(None));
    for torn_at in 0..second.len() {
        let mut torn = second.clone();
        torn[torn_at..].fill(0xEE);
        if torn == second {
            continue;
        }
        assert_eq!(
            newest(&first, &torn),
            Ok(Some(first.clone())),
            "torn at {torn_at}"
        );
        assert_eq!(newest(&torn, &[]), Ok(None), "nothing was acknowledged yet");
        assert_eq!(newest(&torn, &torn), Err(RecordError::Corrupt));
        // The end of a longer record behind a shorter one does no harm.
        let mut shorter = second.clone();
        shorter[..first.len()].copy_from_slice(&first);
        assert_eq!(
            newest(&shorter, &[]).unwrap().map(|found| found.len()),
            Some(second.len())
        );
    }
}

#[test]
fn every_bit_of_a_record_is_covered() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let good = bench.record.clone();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let me = bench.engine.committee().me().unwrap().get();
        let mut engine = engine(&[1; 4], Some(me), &ConsensusConfig::default());
        let refused = engine.resume_height(Height::new(1), &bad);
        assert_eq!(refused, Err(RecordError::Corrupt), "byte {at}");
        assert_eq!(engine.height(), Height::ZERO, "nothing changed");
    }
    for len in 0..good.len() {
        let mut engine = engine(&[1; 4], Some(0), &ConsensusConfig::default());
        assert!(engine.resume_height(Height::new(1), &good[..len]).is_err());
    }
}

#[test]
fn a_record_goes_back_only_where_it_belongs() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let me = bench.engine.committee().me().unwrap().get();
    let resume = |context: SigningContext, me: u16, height: u64| {
        let view = CommitteeView {
            weights: &[1; 4],
            me: Some(member(me)),
        };
        let config = ConsensusConfig::default();
        let mut engine = ConsensusEngine::new(&limits(4), &config, context, view).unwrap();
        engine.resume_height(Height::new(height), &bench.record)
    };
    assert_eq!(resume(context(), me, 1), Ok(Restored::SameHeight));
    assert_eq!(resume(context(), me, 2), Ok(Restored::FreshHeight));
    assert_eq!(
        resume(context(), (me + 1) % 4, 1),
        Err(RecordError::WrongSettings)
    );
    let other = SigningContext {
        chain_id: value(9),
        ..context()
    };
    assert_eq!(resume(other, me, 2), Err(RecordError::WrongNetwork));
    let other = SigningContext {
        suite_id: 2,
        ..context()
    };
    assert_eq!(resume(other, me, 1), Err(RecordError::WrongSettings));
    bench.precommit(&others, 0, Some(V));
    bench.engine.start_height(Height::new(2)).unwrap();
    bench.drain();
    bench.pass(300);
    let later = bench.record.clone();
    let mut engine = engine(&[1; 4], Some(me), &ConsensusConfig::default());
    let ahead = engine.resume_height(Height::new(1), &later);
    assert_eq!(ahead, Err(RecordError::RecordAhead));
}

#[test]
fn a_record_needs_its_room() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let mut out = vec![0; bench.record.len() - 1];
    let small = Err(ConsensusMisuse::BufferTooSmall);
    assert_eq!(bench.engine.write_record(&mut out), small);
    let mut out = vec![0; bench.record.len()];
    assert_eq!(bench.engine.write_record(&mut out), Ok(bench.record.len()));
    assert!(bench.record.len() <= record_bytes_max(&limits(4)));
}
