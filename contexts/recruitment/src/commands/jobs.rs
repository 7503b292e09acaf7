//! Opens jobs, changes what they ask for, and ends their search.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Timestamp, Uuid};

use crate::domain::{Job, JobError, JobId, JobStatus, JobTerms, PartnerId, RequestId};
use crate::store::RequestEnd;
use crate::{events, store};

#[derive(Clone, Debug)]
pub struct OpenJob {
    pub id: JobId,
    pub partner: PartnerId,
    /// What the partner calls its wish: the same one twice is the same job.
    pub request: Option<RequestId>,
    pub terms: JobTerms,
    /// When the partner asked; now where nobody says.
    pub requested_at: Option<Timestamp>,
}

/// A job, opened now or found.
#[derive(Clone, Debug)]
pub struct Opened {
    pub job: Job,
    /// It was there already, for the same request.
    pub duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobNotOpened {
    #[error("job {existing} was opened for this request, by another partner")]
    OtherPartner { existing: JobId },
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn open_job(tx: &Tx, command: OpenJob, cause: &Cause) -> Result<Opened, JobNotOpened> {
    let OpenJob { id, partner, request, terms, requested_at } = command;
    let requested_at = requested_at.map_or(cause.at, |at| at.min(cause.at));
    let job = Job::open(id, partner, request, terms, requested_at, cause.at);
    if store::insert_job(tx, &job).await? {
        return Ok(Opened { job, duplicate: false });
    }
    let Some(request) = job.request() else {
        return Err(DbError::Conflict("the id was given a moment ago".to_owned()).into());
    };
    let found = store::load_by_request(tx, request).await?;
    let found = found.ok_or_else(|| DbError::Conflict("it was opened a moment ago".to_owned()))?;
    if found.partner() != job.partner() {
        return Err(JobNotOpened::OtherPartner { existing: found.id().clone() });
    }
    Ok(Opened { job: found, duplicate: true })
}

/// What else a job is to ask for, made of what it asks for now.
#[derive(Clone, Debug)]
pub struct ChangeJob<F> {
    pub id: JobId,
    pub seen: IfMatch,
    pub change: F,
}

#[derive(Clone, Debug)]
pub struct EndJob {
    pub id: JobId,
    pub seen: IfMatch,
    /// `Closed` or `Cancelled`.
    pub status: JobStatus,
    pub reason: Option<String>,
    /// The id of the event that says so.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobNotChanged {
    #[error("there is no job {0}")]
    NotFound(JobId),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Refused(#[from] JobError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A change that changes nothing is none. A job that is matched is so again, for there is another version of it.
pub async fn change_job<E: From<JobNotChanged> + From<DbError>>(
    tx: &Tx,
    command: ChangeJob<impl Fn(&JobTerms) -> Result<JobTerms, E>>,
    cause: &Cause,
) -> Result<Job, E> {
    let ChangeJob { id, seen, change } = command;
    let mut job = load(tx, id, &seen).await?;
    let terms = change(job.terms())?;
    let before = job.revision();
    if job.change(terms, cause.at).map_err(JobNotChanged::from)? {
        store::save_job(tx, &job, before).await?;
        if job.status() == JobStatus::Matching {
            super::matching::is_due(tx, &job, cause).await?;
        }
    }
    Ok(job)
}

pub async fn end_job(tx: &Tx, command: EndJob, cause: &Cause) -> Result<Job, JobNotChanged> {
    let EndJob { id, seen, status, reason, event } = command;
    let job = load(tx, id, &seen).await?;
    end(tx, job, status, reason, event, cause).await
}

async fn end(
    tx: &Tx,
    mut job: Job,
    status: JobStatus,
    reason: Option<String>,
    event: Uuid,
    cause: &Cause,
) -> Result<Job, JobNotChanged> {
    let before = job.revision();
    if job.end(status, reason, cause.at)? {
        store::save_job(tx, &job, before).await?;
        let reason = job.ending().and_then(|ending| ending.reason.as_deref());
        store::end_applications(tx, job.id(), reason, cause).await?;
        events::of_completed(tx, event, &job, cause).await?;
    }
    Ok(job)
}

/// The partner who asked for it looks for nobody any longer.
#[derive(Clone, Debug)]
pub struct EndRequest {
    pub request: RequestId,
    pub partner: PartnerId,
    /// `Cancelled` where the partner called it off, `Closed` where its time is over.
    pub status: JobStatus,
    pub reason: String,
    /// The id of the event that says that its job is over.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestNotEnded {
    #[error("job {existing} was opened for this request, by another partner")]
    OtherPartner { existing: JobId },
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The job of the request ends; one that is over stays as it is. What ends before its job is opened is kept for
/// [`refuse_ended`].
pub async fn end_request(tx: &Tx, command: EndRequest, cause: &Cause) -> Result<(), RequestNotEnded> {
    let EndRequest { request, partner, status, reason, event } = command;
    let Some(job) = store::load_by_request(tx, &request).await? else {
        let end = RequestEnd { status, reason };
        return Ok(store::insert_request_end(tx, &request, &partner, &end, cause.at).await?);
    };
    if *job.partner() != partner {
        return Err(RequestNotEnded::OtherPartner { existing: job.id().clone() });
    }
    Ok(end_with(tx, job, RequestEnd { status, reason }, event, cause).await?)
}

/// Ends a job that was opened for a request that had ended before; tells whether it had.
pub(crate) async fn refuse_ended(tx: &Tx, job: &Job, event: Uuid, cause: &Cause) -> Result<bool, DbError> {
    let Some(request) = job.request() else { return Ok(false) };
    let Some(end) = store::request_end_of(tx, request, job.partner()).await? else { return Ok(false) };
    end_with(tx, job.clone(), end, event, cause).await?;
    Ok(true)
}

async fn end_with(tx: &Tx, job: Job, with: RequestEnd, event: Uuid, cause: &Cause) -> Result<(), DbError> {
    match end(tx, job, with.status, Some(with.reason), event, cause).await {
        Err(JobNotChanged::Database(error)) => Err(error),
        // It was over before.
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn load(tx: &Tx, id: JobId, seen: &IfMatch) -> Result<Job, JobNotChanged> {
    let job = store::load_job(tx, &id).await?.ok_or(JobNotChanged::NotFound(id))?;
    seen.check(job.revision())?;
    Ok(job)
}
