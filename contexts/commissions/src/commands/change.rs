//! Holds, releases, rejects, reverses and claws back. Again is no news: the same answer, and no event.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Money, Timestamp, Uuid};

use super::book::book;
use crate::domain::{Commission, CommissionId, Fact, Refusal};
use crate::store::{self, Kept};

/// What is to be done with a commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Approve,
    Hold { until: Option<Timestamp>, reason: Option<String> },
    Release { reason: Option<String> },
    Reject { reason: String },
    Reverse { reason: String },
    ClawBack { amount: Option<Money>, reason: String },
}

#[derive(Clone, Debug)]
pub struct ChangeCommission {
    pub commission: CommissionId,
    pub verb: Verb,
    /// The ids of the events that say so: a release may be followed by an approval.
    pub events: [Uuid; 2],
}

/// The commission, as it is now.
#[derive(Clone, Debug)]
pub struct Changed {
    pub(crate) kept: Kept,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("there is no commission {0}")]
    NotFound(CommissionId),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn change(tx: &Tx, command: ChangeCommission, cause: &Cause) -> Result<Changed, ChangeError> {
    let ChangeCommission { commission, verb, events } = command;
    let found = store::load(tx, &commission).await?;
    let mut kept = found.ok_or(ChangeError::NotFound(commission))?;
    let facts = done(&mut kept.commission, verb, cause.at)?;
    if !facts.is_empty() {
        store::save(tx, &kept.commission).await?;
        book(tx, events.into_iter().zip(facts).collect(), cause).await?;
    }
    Ok(Changed { kept })
}

/// What follows from a verb: two facts at most, none if it is no news.
pub(crate) fn done(commission: &mut Commission, verb: Verb, at: Timestamp) -> Result<Vec<Fact>, Refusal> {
    let fact = match verb {
        Verb::Approve => commission.approve(at)?.map(Fact::Approved),
        Verb::Hold { until, reason } => commission.hold(until, reason, at)?,
        Verb::Release { reason } => commission.release(reason, at)?,
        Verb::Reject { reason } => commission.reject(reason, at)?,
        Verb::Reverse { reason } => commission.reverse(reason, at)?,
        Verb::ClawBack { amount, reason } => commission.claw_back(amount, reason, at)?,
    };
    let mut facts = Vec::from_iter(fact);
    if let Some(Fact::Released { approves: true, .. }) = facts.first() {
        facts.extend(commission.approve(at)?.map(Fact::Approved));
    }
    Ok(facts)
}
