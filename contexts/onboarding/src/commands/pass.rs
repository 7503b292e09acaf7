//! Does what time brings about: activations, reminders, expirations; and reminders of missing signatures.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use super::change::settle;
use super::employ::settle_employment;
use crate::store;

/// Looks at `limit` contracts at most, and tells how many they were: when there are as many, there may be more.
pub async fn pass_due(tx: &Tx, ids: &dyn Ids, cause: &Cause, limit: u64) -> Result<u64, DbError> {
    let mut passed = 0;
    for id in store::due(tx, cause.at, limit).await? {
        let Some(mut contract) = store::load(tx, &id).await? else { continue };
        let before = contract.revision();
        // A renewal that was activated a moment ago, in this round, may have ended it.
        let Some(fact) = contract.pass(cause.at) else { continue };
        settle(tx, &mut contract, before, &[fact], ids, cause).await?;
        passed += 1;
    }
    Ok(passed)
}

/// As [`pass_due`], of contracts of employment that wait for signatures.
pub async fn remind_due(tx: &Tx, ids: &dyn Ids, cause: &Cause, limit: u64) -> Result<u64, DbError> {
    let mut reminded = 0;
    for id in store::due_employment(tx, cause.at, limit).await? {
        let Some(mut contract) = store::load_employment(tx, &id).await? else { continue };
        let before = contract.revision;
        let Some(fact) = contract.pass(cause.at) else { continue };
        settle_employment(tx, &mut contract, before, &[fact], ids, cause).await?;
        reminded += 1;
    }
    Ok(reminded)
}
