//! Approves a commission. Again is no news: the same answer, and no event.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};

use crate::domain::{self, CommissionId, Fact};
use crate::events;
use crate::store::{self, Kept};

#[derive(Clone, Debug)]
pub struct ApproveCommission {
    pub commission: CommissionId,
    /// The id of the event that says so.
    pub event: Uuid,
}

/// The commission, approved now or before.
#[derive(Clone, Debug)]
pub struct Approval {
    pub(crate) kept: Kept,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApproveError {
    #[error("there is no commission {0}")]
    NotFound(CommissionId),
    #[error(transparent)]
    Refused(#[from] domain::ApproveError),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn approve(tx: &Tx, command: ApproveCommission, cause: &Cause) -> Result<Approval, ApproveError> {
    let found = store::load(tx, &command.commission).await?;
    let mut kept = found.ok_or(ApproveError::NotFound(command.commission))?;
    if let Some(approved) = kept.commission.approve(cause.at)? {
        store::save(tx, &kept.commission).await?;
        events::append(tx, command.event, Fact::Approved(approved), cause).await?;
    }
    Ok(Approval { kept })
}
