//! Terms that one side proposes and the other accepts or rejects; what was ever proposed stays.

use hexalpes_kernel::Timestamp;

use super::{Party, Terms};

/// Proposals that a contract has at most.
pub const PROPOSALS_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Counts from 1.
    pub number: u32,
    pub by: Party,
    pub actor: String,
    pub at: Timestamp,
    /// All of them, as they would be.
    pub terms: Terms,
    pub note: Option<String>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Who proposed it accepts it; the other side has not said.
    Open,
    Accepted {
        actor: String,
        at: Timestamp,
    },
    /// By the other side, or taken back by who proposed it.
    Rejected {
        actor: String,
        at: Timestamp,
    },
    /// The next proposal came before an answer.
    Superseded {
        at: Timestamp,
    },
}

impl Outcome {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Accepted { .. } => "ACCEPTED",
            Self::Rejected { .. } => "REJECTED",
            Self::Superseded { .. } => "SUPERSEDED",
        }
    }

    /// Who decided, and when.
    pub fn decided(&self) -> Option<(Option<&str>, Timestamp)> {
        match self {
            Self::Open => None,
            Self::Accepted { actor, at } | Self::Rejected { actor, at } => Some((Some(actor), *at)),
            Self::Superseded { at } => Some((None, *at)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NegotiateError {
    #[error("nothing is proposed that could be accepted or rejected")]
    NothingOpen,
    #[error("the other side has to accept what {} proposed", by.name())]
    OwnProposal { by: Party },
    #[error("the proposal changes nothing")]
    NoChange,
    #[error("a contract has at most {PROPOSALS_MAX} proposals: accept the last one, or terminate it")]
    TooMany,
}
