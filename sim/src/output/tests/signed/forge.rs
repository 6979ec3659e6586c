//! Runs whose slots honest members sign, and certificates that nobody should believe.

use core::ops::ControlFlow;
use std::path::Path;

use hauptbuch_core::certificate::{CommitCertificate, write_commit_certificate};
use hauptbuch_core::codec::Writer;
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::crypto::signature::{SIGNATURE_BYTES, Signature};
use hauptbuch_core::event::Event;
use hauptbuch_core::receive_log::{Extension, LogSigner, ReceiveLogLimits};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId};
use hauptbuch_core::vote::{MEMBER_COUNT_MAX, NO_ROUND, SigningContext, Statement, VoteKind};

use crate::committee::{Decided, MemberKeys, network_hash};
use crate::output::members::CertificateLine;
use crate::output::{OutputWriter, Written};
use crate::run::{ConsensusReport, Observer, RunConfig, Step, run};
use crate::workload::Workload;

/// What a certificate says, and who signed what in it.
#[derive(Clone)]
pub(super) struct Forged {
    pub(super) epoch: u64,
    pub(super) height: u64,
    pub(super) round: u32,
    /// The round that the certificate names.
    pub(super) told_round: u32,
    pub(super) value: Hash,
    /// Whose bits are set.
    pub(super) signers: Vec<u16>,
    /// Whose keys signed, in the order of the bits.
    pub(super) signed_by: Vec<u16>,
}

impl Forged {
    /// What these members sign of a slot.
    pub(super) fn of(height: u64, value: Hash, signers: &[u16]) -> Self {
        Self {
            epoch: 0,
            height,
            round: 0,
            told_round: 0,
            value,
            signers: signers.to_vec(),
            signed_by: signers.to_vec(),
        }
    }
}

/// The bytes of a certificate.
pub(super) fn certificate(keys: &MemberKeys, genesis: &Hash, forged: &Forged) -> Vec<u8> {
    let context = SigningContext {
        chain_id: network_hash(genesis, keys.membership()),
        epoch: Epoch::new(forged.epoch),
        suite_id: keys.membership().suite().number(),
    };
    let mut decided = Statement {
        kind: VoteKind::Precommit,
        height: Height::new(forged.height),
        round: Round::new(forged.round),
        value: Some(forged.value),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    };
    let message = decided.sign_bytes(&context);
    let signed = forged.signed_by.iter().map(|member| {
        let signer = keys.signer(*member).unwrap();
        signer.sign(&message).unwrap()
    });
    let signed: Vec<Signature> = signed.collect();
    let entries = forged.signers.iter().zip(&signed);
    let entries = entries.map(|(member, own)| (MemberIndex::new(*member), Hash::ZERO, own));
    decided.round = Round::new(forged.told_round);
    let mut bytes = vec![0; 1 << 16];
    let mut out = Writer::new(&mut bytes);
    write_commit_certificate(&mut out, context.epoch, &decided, entries).unwrap();
    let len = out.len();
    bytes.truncate(len);
    bytes
}

/// The line of a certificate, whatever it says.
pub(super) fn line(bytes: &[u8]) -> String {
    let digits = crate::hex::text(bytes);
    match CommitCertificate::decode(bytes) {
        Ok(read) => serde_json::to_string(&CertificateLine::new(&read, &digits)).unwrap() + "\n",
        Err(_) => format!("{{\"certificate\":\"{digits}\"}}\n"),
    }
}

/// The members with one key of another membership.
pub(super) fn with_key(own: &Membership, place: usize, other: &Membership) -> Membership {
    let rows = own.members().iter().zip(other.members()).enumerate();
    let rows = rows.map(|(at, (own, other))| {
        let key = if at == place { other } else { own };
        (own.id, own.weight, &key.public_key)
    });
    let mut made = Membership::with_room(MEMBER_COUNT_MAX, own.suite());
    made.fill(own.epoch(), own.suite(), rows).unwrap();
    made
}

/// The members with higher numbers and other weights.
pub(super) fn with_numbers(own: &Membership, more: u32, weight: u64) -> Membership {
    let rows = own.members().iter();
    let rows = rows.map(|it| (SequencerId::new(it.id.get() + more), weight, &it.public_key));
    let mut made = Membership::with_room(MEMBER_COUNT_MAX, own.suite());
    made.fill(own.epoch(), own.suite(), rows).unwrap();
    made
}

/// Hands a run to a writer, and signs what it decides as the members would: the first three sign
/// each slot, and everybody its log.
struct Signing<'a, O> {
    inner: O,
    keys: &'a MemberKeys,
    genesis: Hash,
    report: ConsensusReport,
}

impl<O: Observer> Observer for Signing<'_, O> {
    fn on_slot(&mut self, slot: &Slot<'_>) {
        self.inner.on_slot(slot);
        let height = slot.header.height;
        let forged = Forged::of(height.get(), slot.hash, &[0, 1, 2]);
        let bytes = certificate(self.keys, &self.genesis, &forged);
        self.inner.on_final(height, &bytes);
        self.report.heights += 1;
        self.report.rounds_max = 1;
        self.report.certificate_bytes += bytes.len() as u64;
    }

    fn on_decided(&mut self, decided: &Decided<'_>) {
        let limits = ReceiveLogLimits {
            extent_entries_max: 1 << 16,
            ..ReceiveLogLimits::default()
        };
        let signed = (0..).zip(decided.extensions).map(|(member, bytes)| {
            let read = Extension::decode(bytes, &limits).unwrap();
            let mut signer = self.keys.signer(member).unwrap();
            let statement = read.statement().bytes(signer.suite());
            let mut signature = vec![0; SIGNATURE_BYTES];
            LogSigner::sign(&mut signer, &statement, &mut signature);
            let plain = &bytes[..bytes.len() - read.signature.len() - 2];
            let len = (SIGNATURE_BYTES as u16).to_le_bytes();
            [plain, &len, &signature].concat()
        });
        let signed: Vec<Vec<u8>> = signed.collect();
        let extensions = &signed;
        self.inner.on_decided(&Decided {
            extensions,
            ..*decided
        });
    }

    fn on_event(&mut self, event: &Event) {
        self.inner.on_event(event);
    }

    fn on_progress(&mut self, submitted: usize) -> ControlFlow<()> {
        self.inner.on_progress(submitted)
    }

    fn step_begins(&mut self, step: Step) {
        self.inner.step_begins(step);
    }

    fn step_ends(&mut self, step: Step, count: usize) {
        self.inner.step_ends(step, count);
    }
}

/// A run that its members sign.
pub(super) fn signed_run(workload: &Workload, config: &RunConfig, out: &Path) -> Written {
    let members = config.sequencer_count() as u16;
    let keys = MemberKeys::new(config.suite, config.seed, members).unwrap();
    let sized = config.for_workload(workload);
    let core_config = sized.core_config(workload.rollups().len()).unwrap();
    let go_on = |_: usize| ControlFlow::Continue(());
    let mut inner = OutputWriter::create(workload, config, out, go_on).unwrap();
    inner.on_members(keys.membership());
    let mut signing = Signing {
        inner,
        keys: &keys,
        genesis: core_config.genesis_hash(&sized.limits),
        report: ConsensusReport::default(),
    };
    let mut report = run(workload, config, &mut signing).unwrap();
    report.consensus = Some(signing.report);
    signing.inner.finish(&report).unwrap()
}
