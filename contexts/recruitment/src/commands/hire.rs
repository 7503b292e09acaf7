//! Hires a candidate: by an accepted offer, or at once.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, MoneyError, Uuid};

use crate::domain::{
    Application, ApplicationId, CandidateError, CandidateId, Date, Document, Effort, Employment,
    EmploymentType, Hire, HiringId, Job, JobError, JobId, OfferId, Pay, Stage, StageError, StateError, Step,
    cost_of_hire,
};
use crate::{events, store};

/// What somebody would work for; what is not said is the job's.
#[derive(Clone, Debug)]
pub struct Terms {
    pub job_title: Option<String>,
    pub department: Option<String>,
    pub employment_type: EmploymentType,
    pub start: Date,
    pub salary: Pay,
    pub benefits: Document,
    pub location: Option<String>,
    pub remote: Option<bool>,
    pub probation_days: Option<u32>,
    pub end: Option<Date>,
}

impl Terms {
    pub(super) fn of(self, job: &Job) -> Employment {
        let terms = job.terms();
        let only_place = || match terms.locations.as_slice() {
            [place] => Some(place.name().to_owned()),
            _ => None,
        };
        Employment {
            job_title: self.job_title.unwrap_or_else(|| terms.title.clone()),
            department: self.department.or_else(|| terms.department.clone()),
            employment_type: self.employment_type,
            start: self.start,
            salary: self.salary,
            benefits: self.benefits,
            location: self.location.or_else(only_place),
            remote: self.remote.unwrap_or(terms.remote_work_allowed),
            probation_days: self.probation_days,
            end: self.end,
        }
    }
}

/// The ids of a hire and of what says so.
#[derive(Clone, Debug)]
pub struct NewHire {
    pub id: HiringId,
    pub hired_event: Uuid,
    pub completed_event: Uuid,
}

#[derive(Clone, Debug)]
pub struct HireCandidate {
    pub new: NewHire,
    pub job: JobId,
    pub candidate: CandidateId,
    pub terms: Terms,
    /// Of the application that is made where there is none.
    pub application: ApplicationId,
}

#[derive(Clone, Debug)]
pub struct AcceptOffer {
    pub new: NewHire,
    pub offer: OfferId,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHired {
    #[error("there is no job {0}")]
    NoJob(JobId),
    #[error("there is no candidate {0}")]
    NoCandidate(CandidateId),
    #[error("there is no offer {0}")]
    NoOffer(OfferId),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Candidate(#[from] CandidateError),
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Offer(#[from] StateError),
    #[error("the candidate was hired for it: {existing}")]
    Hired { existing: HiringId },
    #[error("what it cost {0}")]
    Cost(#[from] MoneyError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Hires a candidate for a job without an offer; who has not applied does so now.
pub async fn hire_candidate(tx: &Tx, command: HireCandidate, cause: &Cause) -> Result<Hire, NotHired> {
    let HireCandidate { new, job, candidate, terms, application } = command;
    let job = store::load_job(tx, &job).await?.ok_or(NotHired::NoJob(job))?;
    let candidate = store::load_candidate(tx, &candidate).await?.ok_or(NotHired::NoCandidate(candidate))?;
    let found = store::application_of(tx, job.id(), candidate.id()).await?;
    if let Some(found) = &found {
        refuse_twice(tx, found.id()).await?;
    }
    job.may_go_on()?;
    candidate.must_be_active()?;
    let application = if let Some(found) = found {
        found
    } else {
        let first = step(Stage::Applied, cause);
        let (of, partner) = (candidate.id().clone(), job.partner().clone());
        let source = candidate.profile().source;
        let made = Application::new(application, job.id().clone(), of, partner, source, first);
        if !store::insert_application(tx, &made).await? {
            return Err(DbError::Conflict("the candidate applied a moment ago".to_owned()).into());
        }
        made
    };
    let employment = terms.of(&job);
    super::offers::close_offers(tx, application.id(), cause.at).await?;
    hire(tx, new, job, application, None, employment, cause).await
}

/// The candidate said yes.
pub async fn accept_offer(tx: &Tx, command: AcceptOffer, cause: &Cause) -> Result<Hire, NotHired> {
    let AcceptOffer { new, offer: id } = command;
    let mut offer = store::load_offer(tx, &id).await?.ok_or(NotHired::NoOffer(id))?;
    refuse_twice(tx, &offer.application).await?;
    offer.accept(cause.at)?;
    store::save_offer(tx, &offer).await?;
    let application = store::load_application(tx, &offer.application).await?.ok_or(DbError::NoRow)?;
    let job = store::load_job(tx, application.job()).await?.ok_or(DbError::NoRow)?;
    hire(tx, new, job, application, Some(offer.id), offer.employment, cause).await
}

async fn refuse_twice(tx: &Tx, application: &ApplicationId) -> Result<(), NotHired> {
    match store::hire_of_application(tx, application).await? {
        Some(existing) => Err(NotHired::Hired { existing: existing.id }),
        None => Ok(()),
    }
}

async fn hire(
    tx: &Tx,
    new: NewHire,
    mut job: Job,
    mut application: Application,
    offer: Option<OfferId>,
    employment: Employment,
    cause: &Cause,
) -> Result<Hire, NotHired> {
    let (job_before, openings_left) = (job.revision(), job.openings_left());
    let application_before = application.revision();
    let is_last = job.hire(cause.at)?;
    application.go(step(Stage::Hired, cause))?;
    let spent = store::spent(tx, job.id(), job.currency()).await?;
    let cost = cost_of_hire(spent.total, spent.attributed, openings_left)?;
    let effort = Effort {
        applications: store::applications_for(tx, job.id()).await?,
        interviews: store::count_interviews(tx, application.id()).await?,
        offers: store::count_offers(tx, application.id()).await?,
    };
    let hire = Hire::of(new.id, &job, &application, offer, employment, effort, cost);
    store::save_application(tx, &application, application_before).await?;
    store::save_job(tx, &job, job_before).await?;
    if !store::insert_hire(tx, &hire).await? {
        return Err(DbError::Conflict("the candidate was hired a moment ago".to_owned()).into());
    }
    events::of_hired(tx, new.hired_event, &hire, cause).await?;
    if is_last {
        store::end_applications(tx, job.id(), None, cause).await?;
        events::of_completed(tx, new.completed_event, &job, cause).await?;
    }
    Ok(hire)
}

fn step(to: Stage, cause: &Cause) -> Step {
    Step { to, at: cause.at, by: cause.actor.clone(), reason: None }
}
