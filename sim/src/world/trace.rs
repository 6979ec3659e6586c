//! What happens, in words.

use core::fmt::Write as _;

use hauptbuch_core::consensus::{ConsensusLimits, Message, MessageBody, Statement};

/// A statement in a few words.
pub(super) fn statement(statement: &Statement) -> String {
    let kind = format!("{:?}", statement.kind).to_lowercase();
    let mut words = format!("{kind} h{} r{} ", statement.height, statement.round);
    match statement.value {
        Some(value) => words.push_str(&value.to_string()[..8]),
        None => words.push_str("nil"),
    }
    if statement.valid_round >= 0 {
        let _infallible = write!(words, " by the polka of r{}", statement.valid_round);
    }
    words
}

/// A message in a few words.
pub(super) fn message(bytes: &[u8], limits: &ConsensusLimits) -> String {
    let Ok(message) = Message::decode(bytes, limits) else {
        return "what is no message".to_owned();
    };
    let height = message.height;
    match message.body {
        MessageBody::Vote(vote) => {
            format!("the {} of {}", statement(&vote.statement), vote.member)
        }
        MessageBody::Votes(votes) => {
            let votes: Vec<String> = votes
                .iter()
                .map(|vote| format!("{} of {}", statement(&vote.statement), vote.member))
                .collect();
            format!("votes [{}]", votes.join(", "))
        }
        MessageBody::Status(status) => format!(
            "status h{height} r{} {:?} with claims {:?}",
            status.round,
            status.step,
            status.claims.iter().flatten().count()
        ),
        MessageBody::Request(request) => format!("request h{height} {request:?}"),
        MessageBody::PolkaCertificate(certificate) => format!(
            "polka h{height} r{} {}",
            certificate.round,
            &certificate.value.to_string()[..8]
        ),
        MessageBody::CommitCertificate(certificate) => format!(
            "commit h{height} r{} {}",
            certificate.round,
            &certificate.value.to_string()[..8]
        ),
    }
}
