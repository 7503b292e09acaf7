//! Changes a partner. What changes nothing is no news: the same answer, and no event.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Ids};

use super::take_snapshot;
use crate::domain::{
    ChangeError, Changed, DocumentDetails, DocumentId, Partner, PartnerChanges, PartnerId, PartnerStatus,
    SnapshotTrigger,
};
use crate::events;
use crate::store::{self, EmailTaken};

/// What is to be done with a partner.
#[derive(Clone, Debug)]
pub enum Verb {
    Change(PartnerChanges),
    Suspend { reason: String },
    Reactivate,
    Terminate { reason: String },
    AddDocument { id: DocumentId, details: DocumentDetails },
    VerifyDocument { id: DocumentId },
    RejectDocument { id: DocumentId, reason: String },
}

#[derive(Clone, Debug)]
pub struct ChangePartner {
    pub id: PartnerId,
    /// What the client saw.
    pub seen: IfMatch,
    pub verb: Verb,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    #[error("there is no partner {0}")]
    NotFound(PartnerId),
    #[error(transparent)]
    Refused(#[from] ChangeError),
    #[error("partner {by} has this e-mail")]
    EmailTaken { by: PartnerId },
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn change_partner(
    tx: &Tx,
    ids: &dyn Ids,
    command: ChangePartner,
    cause: &Cause,
) -> Result<Partner, NotChanged> {
    let ChangePartner { id, seen, verb } = command;
    let mut partner = store::load_partner(tx, &id).await?.ok_or(NotChanged::NotFound(id))?;
    seen.check(partner.revision())?;
    let before = partner.clone();
    let (by, at) = (&cause.actor, cause.at);
    let changed = match verb {
        Verb::Change(changes) => partner.change(changes, at)?,
        Verb::Suspend { reason } => partner.suspend(&reason, at)?,
        Verb::Reactivate => partner.reactivate(at)?,
        Verb::Terminate { reason } => partner.terminate(&reason, at),
        Verb::AddDocument { id, details } => Some(partner.add_document(id, details, by, at)?),
        Verb::VerifyDocument { id } => partner.verify_document(&id, by, at)?,
        Verb::RejectDocument { id, reason } => partner.reject_document(&id, &reason, by, at)?,
    };
    let Some(changed) = changed else { return Ok(partner) };
    if let Some(EmailTaken { by }) = store::save_partner(tx, &before, &partner).await? {
        return Err(NotChanged::EmailTaken { by });
    }
    tell(tx, ids, &partner, changed, cause).await?;
    Ok(partner)
}

/// Ends the documents of a partner that are no longer valid; tells whether there were any.
pub async fn expire_documents(
    tx: &Tx,
    ids: &dyn Ids,
    id: &PartnerId,
    cause: &Cause,
) -> Result<bool, DbError> {
    let Some(mut partner) = store::load_partner(tx, id).await? else { return Ok(false) };
    let before = partner.clone();
    let Some(changed) = partner.expire_documents(cause.at) else { return Ok(false) };
    store::save_partner(tx, &before, &partner).await?;
    tell(tx, ids, &partner, changed, cause).await?;
    Ok(true)
}

/// Notes a move of the status, and tells others what they care for.
pub(super) async fn tell(
    tx: &Tx,
    ids: &dyn Ids,
    partner: &Partner,
    changed: Changed,
    cause: &Cause,
) -> Result<(), DbError> {
    if let Some(from) = changed.from {
        store::insert_move(tx, partner, Some(from), cause).await?;
    }
    // Whoever lets a partner do something must hear when somebody stopped it, and when that is over.
    let stopped = [PartnerStatus::Suspended, PartnerStatus::Terminated];
    let is_stop =
        changed.from.is_some_and(|from| stopped.contains(&from) || stopped.contains(&partner.status()));
    if changed.checks || is_stop {
        events::of_validation(tx, ids.uuid(), partner, cause).await?;
    }
    if changed.activated || is_stop {
        take_snapshot(tx, ids, (partner.id(), partner.status()), SnapshotTrigger::Change, cause).await?;
    }
    Ok(())
}
