//! Keeps what campaigns did and what their budgets came to, and tells a partner's figures.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use crate::domain::{Alert, Figures, PartnerId, PartnerStatus, SnapshotTrigger};
use crate::{events, store};

/// Takes in how a campaign did; what is older than what is known changes nothing.
pub async fn learn_figures(tx: &Tx, ids: &dyn Ids, figures: &Figures, cause: &Cause) -> Result<(), DbError> {
    if store::save_figures(tx, figures).await? {
        take_snapshot_of(tx, ids, &figures.partner, cause).await?;
    }
    Ok(())
}

/// Takes in that spend came to a share of a budget, once.
pub async fn learn_alert(tx: &Tx, ids: &dyn Ids, alert: &Alert, cause: &Cause) -> Result<(), DbError> {
    if store::insert_alert(tx, alert).await? {
        take_snapshot_of(tx, ids, &alert.partner, cause).await?;
    }
    Ok(())
}

/// Tells all of a partner's figures, and the status that it has.
pub async fn take_snapshot(
    tx: &Tx,
    ids: &dyn Ids,
    (of, status): (&PartnerId, PartnerStatus),
    trigger: SnapshotTrigger,
    cause: &Cause,
) -> Result<(), DbError> {
    let metrics = store::metrics_of(tx, of).await?;
    let is_last = status == PartnerStatus::Terminated;
    let revision = store::next_snapshot(tx, of, cause.at, is_last).await?;
    events::of_metrics(tx, ids, (of, status), &metrics, (revision, trigger), cause).await
}

/// As [`take_snapshot`], of a partner that something was told of; one that is not known waits until it is.
pub(super) async fn take_snapshot_of(
    tx: &Tx,
    ids: &dyn Ids,
    id: &PartnerId,
    cause: &Cause,
) -> Result<(), DbError> {
    match store::standing_of(tx, id).await? {
        Some((status, _)) => take_snapshot(tx, ids, (id, status), SnapshotTrigger::Change, cause).await,
        None => Ok(()),
    }
}
