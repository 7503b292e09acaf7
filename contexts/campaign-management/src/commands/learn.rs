//! Keeps what contracts grant to partners until they end, and how far partners were validated. What runs by it is looked
//! at in the same transaction.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use super::review::review_partner;
use crate::domain::{End, Grant, Validated};
use crate::store;

/// Lets a partner run campaigns as its contract says (the seeds' `EnableCampaignCreation`). The same again, or an older
/// revision, changes nothing.
pub async fn enable_campaigns(tx: &Tx, grant: &Grant, ids: &dyn Ids, cause: &Cause) -> Result<(), DbError> {
    if store::learn_grant(tx, grant).await? {
        review_partner(tx, &grant.partner, ids, cause).await?;
    }
    Ok(())
}

/// What a contract granted is granted no more. It may be told before what it granted.
pub async fn end_contract(tx: &Tx, end: &End, ids: &dyn Ids, cause: &Cause) -> Result<(), DbError> {
    if store::learn_end(tx, end).await? {
        review_partner(tx, &end.partner, ids, cause).await?;
    }
    Ok(())
}

/// What is not newer than what is known changes nothing.
pub async fn learn_validation(
    tx: &Tx,
    told: &Validated,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<(), DbError> {
    if store::learn_validated(tx, told).await? {
        review_partner(tx, &told.partner, ids, cause).await?;
    }
    Ok(())
}
