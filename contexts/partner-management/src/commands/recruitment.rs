//! A partner looks for people, and hears what the recruiters found.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Ids};

use super::figures::{take_snapshot, take_snapshot_of};
use crate::domain::{
    Asked, Hire, JobId, Match, Outcome, PartnerId, PartnerStatus, RecruitmentRequest, RequestId, RequestOver,
    SnapshotTrigger,
};
use crate::{events, store};

#[derive(Clone, Debug)]
pub struct RequestRecruitment {
    pub id: RequestId,
    pub partner: PartnerId,
    pub asked: Asked,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRequested {
    #[error("there is no partner {0}")]
    NoPartner(PartnerId),
    #[error("the partner is {0}")]
    NotValidated(PartnerStatus),
    #[error("no contract of the partner is in force any longer")]
    NoContract,
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Only a partner with a contract in force may ask.
pub async fn request_recruitment(
    tx: &Tx,
    ids: &dyn Ids,
    command: RequestRecruitment,
    cause: &Cause,
) -> Result<RecruitmentRequest, NotRequested> {
    let RequestRecruitment { id, partner: of, asked } = command;
    let partner = store::load_partner(tx, &of).await?.ok_or_else(|| NotRequested::NoPartner(of.clone()))?;
    if partner.status() != PartnerStatus::Validated {
        return Err(NotRequested::NotValidated(partner.status()));
    }
    if !partner.has_active_contract(cause.at) {
        return Err(NotRequested::NoContract);
    }
    let progress = store::progress_of(tx, &id).await?;
    let request = RecruitmentRequest::make(id, of, asked, progress, cause.actor.clone(), cause.at);
    store::insert_request(tx, &request).await?;
    events::of_request(tx, ids.uuid(), &request, cause).await?;
    take_snapshot(tx, ids, (partner.id(), partner.status()), SnapshotTrigger::Change, cause).await?;
    Ok(request)
}

#[derive(Clone, Debug)]
pub struct CancelRequest {
    pub partner: PartnerId,
    pub id: RequestId,
    /// What the client saw.
    pub seen: IfMatch,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCancelled {
    #[error("there is no recruitment request {0} of the partner")]
    NotFound(RequestId),
    #[error(transparent)]
    Over(#[from] RequestOver),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Cancelling again is no news.
pub async fn cancel_request(
    tx: &Tx,
    ids: &dyn Ids,
    command: CancelRequest,
    cause: &Cause,
) -> Result<RecruitmentRequest, NotCancelled> {
    let CancelRequest { partner, id, seen, reason } = command;
    let request = store::load_request(tx, &id).await?.filter(|request| request.partner == partner);
    let mut request = request.ok_or(NotCancelled::NotFound(id))?;
    seen.check(request.revision)?;
    if request.cancel(&reason, cause.at)? {
        store::save_request(tx, &request).await?;
        events::of_cancelled(tx, ids.uuid(), &request, cause).await?;
        take_snapshot_of(tx, ids, &request.partner, cause).await?;
    }
    Ok(request)
}

/// Ends a request whose time is over; tells whether it did.
pub async fn expire_request(tx: &Tx, ids: &dyn Ids, id: &RequestId, cause: &Cause) -> Result<bool, DbError> {
    let Some(mut request) = store::load_request(tx, id).await? else { return Ok(false) };
    let ends = request.expire(cause.at);
    if ends {
        store::save_request(tx, &request).await?;
        events::of_expired(tx, ids.uuid(), &request, cause).await?;
        take_snapshot_of(tx, ids, &request.partner, cause).await?;
    }
    Ok(ends)
}

/// Takes in that a candidate fits, once. Only the first of a request moves its state.
pub async fn learn_match(tx: &Tx, ids: &dyn Ids, found: &Match, cause: &Cause) -> Result<(), DbError> {
    if store::insert_match(tx, found).await? && observe(tx, found.request.as_ref(), cause).await? {
        take_snapshot_of(tx, ids, &found.partner, cause).await?;
    }
    Ok(())
}

/// Takes in that somebody was hired, once (C-15).
pub async fn learn_hire(tx: &Tx, ids: &dyn Ids, hire: &Hire, cause: &Cause) -> Result<(), DbError> {
    if store::insert_hire(tx, hire).await? {
        observe(tx, hire.request.as_ref(), cause).await?;
        take_snapshot_of(tx, ids, &hire.partner, cause).await?;
    }
    Ok(())
}

/// Takes in what the recruiters say in the end of a job, once.
pub async fn complete_recruitment(
    tx: &Tx,
    ids: &dyn Ids,
    of: &PartnerId,
    (job, request): (&JobId, &RequestId),
    outcome: Outcome,
    cause: &Cause,
) -> Result<(), DbError> {
    if store::insert_outcome(tx, job, request, outcome).await? && observe(tx, Some(request), cause).await? {
        take_snapshot_of(tx, ids, of, cause).await?;
    }
    Ok(())
}

/// Counts anew what followed a request, if it is known; tells whether its state is another now.
async fn observe(tx: &Tx, id: Option<&RequestId>, cause: &Cause) -> Result<bool, DbError> {
    let Some(id) = id else { return Ok(false) };
    let Some(mut request) = store::load_request(tx, id).await? else { return Ok(false) };
    let before = request.status();
    if request.observe(store::progress_of(tx, id).await?, cause.at) {
        store::save_request(tx, &request).await?;
    }
    Ok(request.status() != before)
}
