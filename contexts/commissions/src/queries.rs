//! What can be asked about commissions and the books. The store answers, never the broker.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Money, Timestamp};

use crate::domain::{AffiliateId, ConversionId};
use crate::store::{self, journal::Ledger, snapshots};
use crate::views::CommissionView;

pub use crate::store::snapshots::{TrialLine, WrongSnapshot};

/// The commission of a conversion, if it has one.
pub(crate) async fn by_conversion(db: &Db, id: ConversionId) -> Result<Option<CommissionView>, DbError> {
    let kept = db.read(async move |tx: &Tx| store::load_by_conversion(tx, &id).await).await?;
    Ok(kept.map(CommissionView::of))
}

/// What stands in each account of a partner, debits less credits.
pub(crate) async fn balances(
    tx: &Tx,
    partner: &AffiliateId,
    as_of: Option<Timestamp>,
) -> Result<Vec<(Ledger, Money)>, DbError> {
    let mut found = Vec::new();
    for ledger in snapshots::ledgers_of(tx, partner).await? {
        let balance = snapshots::balance(tx, &ledger, as_of).await?;
        found.push((ledger, balance));
    }
    Ok(found)
}

/// Every kind of account in each currency, over all partners, as of a moment. It reads all entries.
pub async fn trial_balance(tx: &Tx, as_of: Option<Timestamp>) -> Result<Vec<TrialLine>, DbError> {
    snapshots::trial(tx, as_of).await
}

/// The snapshots that are not the sum of their entries; empty is good. It reads all entries.
pub async fn wrong_snapshots(tx: &Tx) -> Result<Vec<WrongSnapshot>, DbError> {
    snapshots::check(tx).await
}
