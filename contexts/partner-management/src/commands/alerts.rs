//! Acknowledges an alert: somebody saw it, and it is no longer open.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use super::figures::take_snapshot_of;
use crate::domain::{AlertId, PartnerId};
use crate::store::{self, KnownAlert};

#[derive(Clone, Debug)]
pub struct AcknowledgeAlert {
    pub partner: PartnerId,
    pub alert: AlertId,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAcknowledged {
    #[error("there is no budget alert {0} of the partner")]
    NotFound(AlertId),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Acknowledging again is no news.
pub(crate) async fn acknowledge_alert(
    tx: &Tx,
    ids: &dyn Ids,
    command: AcknowledgeAlert,
    cause: &Cause,
) -> Result<KnownAlert, NotAcknowledged> {
    let AcknowledgeAlert { partner, alert: id } = command;
    let known = store::alert_of(tx, &partner, &id).await?;
    let was_open = known.ok_or_else(|| NotAcknowledged::NotFound(id.clone()))?.is_open();
    if store::acknowledge(tx, &id, &cause.actor, cause.at).await? && was_open {
        take_snapshot_of(tx, ids, &partner, cause).await?;
    }
    store::alert_of(tx, &partner, &id).await?.ok_or(NotAcknowledged::NotFound(id))
}
