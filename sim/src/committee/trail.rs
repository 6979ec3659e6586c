//! How each epoch handed over to the next: what a node that joins needs to believe the present
//! members, if it believes the first ones.

use hauptbuch_core::batch::SlotHeader;
use hauptbuch_core::certificate::{CommitCertificate, Electorate};
use hauptbuch_core::crypto::signature::Provider;
use hauptbuch_core::error::Code;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::Hash;

use super::CommitteeError;

/// The last slot of an epoch, its certificate by the members of that epoch, and those of the next.
#[derive(Clone, Debug)]
struct Step {
    header: SlotHeader,
    certificate: Vec<u8>,
    next: Membership,
}

/// The ends of all epochs so far.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    network: Hash,
    first: Membership,
    member_count_max: u16,
    steps: Vec<Step>,
}

impl Trail {
    pub fn new(network: Hash, first: &Membership, member_count_max: u16) -> Self {
        Self {
            network,
            first: first.clone(),
            member_count_max,
            steps: Vec::new(),
        }
    }

    /// An epoch has ended with a slot that names the next members.
    pub fn push(&mut self, header: SlotHeader, certificate: &[u8], next: &Membership) {
        self.steps.push(Step {
            header,
            certificate: certificate.to_vec(),
            next: next.clone(),
        });
    }

    /// The members of the first epoch, and those that each end of an epoch authorised so far.
    ///
    /// # Errors
    /// [`CommitteeError::Refused`] where an end does not lead from one to the next.
    pub fn electorates(&self) -> Result<Vec<Electorate>, CommitteeError> {
        let mut all = vec![self.electorate_of(&self.first)?];
        for Step {
            header,
            certificate,
            next,
        } in &self.steps
        {
            let refused = |code| Err(CommitteeError::Refused(code));
            let before = all.last().ok_or(CommitteeError::Undecided)?;
            let decoded = CommitCertificate::decode(certificate);
            let proof = decoded.and_then(|certificate| certificate.verify(before));
            let fits = proof.and_then(|proof| proof.expect(header.height, header.hash()));
            if let Err(error) = fits {
                return refused(error.code());
            }
            let follows = header.epoch == before.epoch() && header.next_membership == next.hash();
            if !follows || next.epoch() != header.epoch_after() {
                return refused(Code::WrongMembership);
            }
            all.push(self.electorate_of(next)?);
        }
        Ok(all)
    }

    fn electorate_of(&self, members: &Membership) -> Result<Electorate, CommitteeError> {
        let provider = Provider::fastest(members.suite());
        let provider = provider.ok_or(CommitteeError::Refused(Code::ProviderMissing))?;
        let made = Electorate::new(self.network, provider, members, self.member_count_max);
        made.map_err(CommitteeError::Electorate)
    }
}
