//! Checking the certificate of a decision, by provider and size of the committee.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hauptbuch_core::certificate::{CommitCertificate, Electorate, write_commit_certificate};
use hauptbuch_core::codec::Writer;
use hauptbuch_core::crypto::signature::{Provider, Randomness, SecretKey, Seed};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId};
use hauptbuch_core::vote::{NO_ROUND, SigningContext, Statement, VoteKind};

/// Committees of the default size's kind, of a network's, and of the reference's largest.
const MEMBER_COUNTS: [u16; 3] = [4, 31, 100];

fn key(provider: Provider, number: u16) -> SecretKey {
    SecretKey::from_seed(provider, &Seed::new([number as u8; 32]))
        .or_else(|_| SecretKey::from_system(provider))
        .expect("the provider is built in")
}

/// The members' keys, ready to check, and a certificate by the fewest that are enough.
fn world(provider: Provider, member_count: u16) -> (Electorate, Vec<u8>) {
    let keys: Vec<SecretKey> = (0..member_count).map(|n| key(provider, n)).collect();
    let mut membership = Membership::with_room(member_count, provider.suite());
    let rows = keys.iter().enumerate();
    let rows = rows.map(|(at, key)| (SequencerId::new(at as u32), 1, key.public_key()));
    let filled = membership.fill(Epoch::ZERO, provider.suite(), rows);
    filled.expect("the keys differ");
    let electorate = Electorate::new(Hash::ZERO, provider, &membership, member_count);
    let statement = Statement {
        kind: VoteKind::Precommit,
        height: Height::new(1),
        round: Round::ZERO,
        value: Some(Hash::new([1; 32])),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    };
    let context = SigningContext {
        chain_id: Hash::ZERO,
        epoch: Epoch::ZERO,
        suite_id: provider.suite().number(),
    };
    let message = statement.sign_bytes(&context);
    let quorum = usize::from(member_count) * 2 / 3 + 1;
    let signatures: Vec<_> = keys[..quorum]
        .iter()
        .map(|key| key.sign(&message, &Randomness::ZERO).expect("it signs"))
        .collect();
    let entries = signatures.iter().enumerate();
    let entries = entries.map(|(at, by)| (MemberIndex::new(at as u16), Hash::ZERO, by));
    let mut bytes = vec![0; 100 + quorum * 3_400];
    let mut out = Writer::new(&mut bytes);
    write_commit_certificate(&mut out, Epoch::ZERO, &statement, entries).expect("it fits");
    let bytes = out.written().to_vec();
    (electorate.expect("it is built in"), bytes)
}

fn certificates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("certificate");
    group.sample_size(10);
    for member_count in MEMBER_COUNTS {
        let built_in = Provider::ALL.into_iter().filter(|one| one.is_built_in());
        for (at, provider) in built_in.enumerate() {
            let (electorate, bytes) = world(provider, member_count);
            let decode = |bytes| CommitCertificate::decode(bytes).expect("it decodes");
            if at == 0 {
                group.bench_function(format!("form/{member_count}"), |bencher| {
                    bencher.iter(|| decode(black_box(&bytes)).check(&electorate).is_ok());
                });
            }
            group.bench_function(format!("verify/{member_count}/{provider:?}"), |bencher| {
                bencher.iter(|| decode(black_box(&bytes)).verify(&electorate).is_ok());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, certificates);
criterion_main!(benches);
