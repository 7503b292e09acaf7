//! Applies for jobs, goes through the stages, and talks on the way.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Timestamp};

use crate::domain::{
    Application, ApplicationId, CandidateError, CandidateId, Feedback, Interview, InterviewId, InterviewMode,
    InterviewState, JobError, JobId, Source, Stage, StageError, StateError, Step,
};
use crate::store;

#[derive(Clone, Debug)]
pub struct Apply {
    pub id: ApplicationId,
    pub job: JobId,
    pub candidate: CandidateId,
    /// The candidate's where nobody says.
    pub source: Option<Source>,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    #[error("there is no job {0}")]
    NoJob(JobId),
    #[error("there is no candidate {0}")]
    NoCandidate(CandidateId),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Candidate(#[from] CandidateError),
    #[error("the candidate has applied for it: {existing}")]
    Applied { existing: ApplicationId },
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn apply(tx: &Tx, command: Apply, cause: &Cause) -> Result<Application, NotApplied> {
    let Apply { id, job, candidate, source, reason } = command;
    let job = store::load_job(tx, &job).await?.ok_or(NotApplied::NoJob(job))?;
    let candidate = store::load_candidate(tx, &candidate).await?.ok_or(NotApplied::NoCandidate(candidate))?;
    if let Some(existing) = store::application_of(tx, job.id(), candidate.id()).await? {
        return Err(NotApplied::Applied { existing: existing.id().clone() });
    }
    job.may_go_on()?;
    candidate.must_be_active()?;
    let source = source.unwrap_or(candidate.profile().source);
    let first = Step { to: Stage::Applied, at: cause.at, by: cause.actor.clone(), reason };
    let (candidate, partner) = (candidate.id().clone(), job.partner().clone());
    let application = Application::new(id, job.id().clone(), candidate, partner, source, first);
    if !store::insert_application(tx, &application).await? {
        return Err(DbError::Conflict("the candidate applied a moment ago".to_owned()).into());
    }
    Ok(application)
}

#[derive(Clone, Debug)]
pub struct MoveApplication {
    pub id: ApplicationId,
    pub seen: IfMatch,
    /// Not `Offer` and not `Hired`: an offer and a hire lead there.
    pub to: Stage,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    #[error("there is no application {0}")]
    NotFound(ApplicationId),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Goes to a stage; offers that are open end where the stage is no longer theirs.
pub async fn move_application(
    tx: &Tx,
    command: MoveApplication,
    cause: &Cause,
) -> Result<Application, NotMoved> {
    let MoveApplication { id, seen, to, reason } = command;
    let mut application = store::load_application(tx, &id).await?.ok_or(NotMoved::NotFound(id))?;
    seen.check(application.revision())?;
    let before = application.revision();
    if application.go(Step { to, at: cause.at, by: cause.actor.clone(), reason })? {
        super::offers::close_offers(tx, application.id(), cause.at).await?;
        store::save_application(tx, &application, before).await?;
    }
    Ok(application)
}

#[derive(Clone, Debug)]
pub struct ScheduleInterview {
    pub id: InterviewId,
    pub application: ApplicationId,
    pub scheduled_at: Timestamp,
    pub minutes: u32,
    pub mode: InterviewMode,
    pub interviewers: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct HoldInterview {
    pub id: InterviewId,
    pub feedback: Feedback,
}

#[derive(Clone, Debug)]
pub struct CancelInterview {
    pub id: InterviewId,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterviewNotDone {
    #[error("there is no application {0}")]
    NoApplication(ApplicationId),
    #[error("there is no interview {0}")]
    NotFound(InterviewId),
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Arranges an interview; who was screened is at that stage now.
pub async fn schedule_interview(
    tx: &Tx,
    command: ScheduleInterview,
    cause: &Cause,
) -> Result<Interview, InterviewNotDone> {
    let ScheduleInterview { id, application, scheduled_at, minutes, mode, interviewers } = command;
    let found = store::load_application(tx, &application).await?;
    let mut application = found.ok_or(InterviewNotDone::NoApplication(application))?;
    let before = application.revision();
    let step = Step { to: Stage::Interview, at: cause.at, by: cause.actor.clone(), reason: None };
    // While an offer is out, people still talk.
    if application.stage() != Stage::Offer && application.go(step)? {
        store::save_application(tx, &application, before).await?;
    }
    let interview = Interview {
        id,
        application: application.id().clone(),
        scheduled_at,
        minutes,
        mode,
        interviewers,
        state: InterviewState::Scheduled,
        created_at: cause.at,
    };
    store::insert_interview(tx, &interview).await?;
    Ok(interview)
}

pub async fn hold_interview(
    tx: &Tx,
    command: HoldInterview,
    cause: &Cause,
) -> Result<Interview, InterviewNotDone> {
    let HoldInterview { id, feedback } = command;
    let mut interview = store::load_interview(tx, &id).await?.ok_or(InterviewNotDone::NotFound(id))?;
    if interview.hold(feedback, cause.at)? {
        store::save_interview(tx, &interview).await?;
    }
    Ok(interview)
}

pub async fn cancel_interview(tx: &Tx, command: CancelInterview) -> Result<Interview, InterviewNotDone> {
    let CancelInterview { id, reason } = command;
    let mut interview = store::load_interview(tx, &id).await?.ok_or(InterviewNotDone::NotFound(id))?;
    if interview.cancel(reason)? {
        store::save_interview(tx, &interview).await?;
    }
    Ok(interview)
}
