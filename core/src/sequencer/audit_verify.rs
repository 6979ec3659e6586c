//! Checks an exported audit log without the registry.

use super::{AUDIT_RECORD_LEN, AuditError, AuditKind, AuditRecord, SequencerStatus, audit_start};
use crate::codec::Reader;
use crate::types::{Epoch, Hash, Height};

/// Checks records as they were exported, one after another, in fixed memory.
///
/// It finds every record that was changed, left out, put in or put elsewhere, as long as the hash
/// at the end is known from somewhere else: a state root, or somebody who kept it. A log that was
/// rewritten from some record to its end is consistent with itself; only [`AuditVerifier::hash`]
/// tells.
///
/// ```
/// use hauptbuch_core::sequencer::AuditVerifier;
/// use hauptbuch_core::types::Hash;
///
/// let mut verifier = AuditVerifier::new(Hash::ZERO);
/// let fault = verifier.verify(&[1, 2, 3]).unwrap_err();
/// assert_eq!(fault.record, 0);
/// ```
#[derive(Clone, Debug)]
pub struct AuditVerifier {
    hash: Hash,
    count: u64,
    epoch: Epoch,
    height: Height,
    /// Whether an epoch has begun: before it only first members are registered.
    has_begun: bool,
}

/// The first record that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// Its place in the log, from 0.
    pub record: u64,
    /// What is wrong with it.
    pub error: AuditError,
}

impl AuditVerifier {
    /// Starts at the front of a network's log.
    #[must_use]
    pub fn new(network: Hash) -> Self {
        Self {
            hash: audit_start(network),
            count: 0,
            epoch: Epoch::ZERO,
            height: Height::ZERO,
            has_begun: false,
        }
    }

    /// Goes on behind what it has checked, with whole records. O(bytes).
    ///
    /// # Errors
    /// The first record that is wrong; the verifier then stands right before it.
    pub fn verify(&mut self, bytes: &[u8]) -> Result<(), AuditFault> {
        let (records, rest) = bytes.as_chunks::<AUDIT_RECORD_LEN>();
        for record in records {
            self.step(record).map_err(|error| self.fault(error))?;
        }
        let is_whole = rest.is_empty();
        is_whole
            .then_some(())
            .ok_or_else(|| self.fault(AuditError::Truncated))
    }

    /// How many records were checked.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The running hash over them; to be compared with one that is known to be right.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    fn step(&mut self, bytes: &[u8; AUDIT_RECORD_LEN]) -> Result<(), AuditError> {
        let record = AuditRecord::decode(&mut Reader::new(bytes))?;
        let hash = record.hash_after(self.hash);
        if record.hash != hash {
            return Err(AuditError::WrongRunningHash);
        }
        // A new epoch announces itself before what takes effect with it.
        let begins = record.kind == AuditKind::EpochBegan;
        let steps = u64::from(begins && self.has_begun);
        let epoch = self.epoch.checked_add(steps);
        let is_in_order = record.number == self.count
            && Some(record.epoch) == epoch
            && record.height >= self.height;
        if !is_in_order {
            return Err(AuditError::AuditOutOfOrder);
        }
        if !is_allowed(&record) {
            return Err(AuditError::StatusChangeNotAllowed);
        }
        self.has_begun |= begins;
        self.epoch = record.epoch;
        self.height = record.height;
        self.hash = hash;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    const fn fault(&self, error: AuditError) -> AuditFault {
        AuditFault {
            record: self.count,
            error,
        }
    }
}

/// Whether a record can say this of a status.
fn is_allowed(record: &AuditRecord) -> bool {
    let AuditRecord { from, to, .. } = *record;
    match record.kind {
        AuditKind::Decided => from.may_become(to),
        // Several decisions can lie between, none of which leads away from a ban.
        AuditKind::Effective => from != SequencerStatus::Banned && from != to,
        AuditKind::Leaving | AuditKind::Removed => from != SequencerStatus::Banned,
        AuditKind::Held => from == SequencerStatus::Active,
        AuditKind::Evidence => to == SequencerStatus::Banned,
        AuditKind::Registered | AuditKind::Weighed | AuditKind::EpochBegan => true,
    }
}
