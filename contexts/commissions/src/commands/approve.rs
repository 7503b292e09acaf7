//! Approves a commission. Again is no news: the same answer, and no event.

use hexalpes_db::Tx;
use hexalpes_kernel::{Cause, Uuid};

use super::change::{ChangeCommission, ChangeError, Verb, change};
use crate::domain::CommissionId;
use crate::store::Kept;

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

pub async fn approve(tx: &Tx, command: ApproveCommission, cause: &Cause) -> Result<Approval, ChangeError> {
    let ApproveCommission { commission, event } = command;
    // An approval has one fact.
    let change_to = ChangeCommission { commission, verb: Verb::Approve, events: [event; 2] };
    Ok(Approval { kept: change(tx, change_to, cause).await?.kept })
}
