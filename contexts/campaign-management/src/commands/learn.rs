//! Keeps what contracts grant to partners, and how far partners were validated.

use hexalpes_db::{DbError, Tx};

use crate::domain::{Grant, Validated};
use crate::store;

/// Lets a partner run campaigns as its contract says (the seeds' `EnableCampaignCreation`). The same again, or an older
/// revision, changes nothing.
pub async fn enable_campaigns(tx: &Tx, grant: &Grant) -> Result<(), DbError> {
    store::learn_grant(tx, grant).await
}

/// What is not newer than what is known changes nothing.
pub async fn learn_validation(tx: &Tx, told: &Validated) -> Result<(), DbError> {
    store::learn_validated(tx, told).await
}
