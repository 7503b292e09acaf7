//! A hire: who begins to work for a partner, on which terms, and what the way there took.

use hexalpes_kernel::{Money, Timestamp};

use super::{
    Application, ApplicationId, CandidateId, Employment, HiringId, Job, JobId, JobType, OfferId, PartnerId,
    RequestId, Stage, whole_days,
};

/// How many of each the application took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Of all candidates for the job.
    pub applications: u32,
    pub interviews: u32,
    pub offers: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hire {
    pub id: HiringId,
    pub application: ApplicationId,
    pub job: JobId,
    pub partner: PartnerId,
    pub candidate: CandidateId,
    pub request: Option<RequestId>,
    pub offer: Option<OfferId>,
    pub employment: Employment,
    pub job_type: JobType,
    /// When each stage was entered.
    pub stages: Vec<(Stage, Timestamp)>,
    pub effort: Effort,
    /// Its share of what was spent on the job.
    pub cost: Money,
    /// Days from the partner's request.
    pub time_to_hire: i64,
    /// Days from when the candidate applied.
    pub candidate_time_to_hire: i64,
    pub hired_at: Timestamp,
}

impl Hire {
    /// `application` has arrived at `Hired`, at the time of the hire.
    pub fn of(
        id: HiringId,
        job: &Job,
        application: &Application,
        offer: Option<OfferId>,
        employment: Employment,
        effort: Effort,
        cost: Money,
    ) -> Self {
        let hired_at = application.changed_at();
        Self {
            id,
            application: application.id().clone(),
            job: job.id().clone(),
            partner: job.partner().clone(),
            candidate: application.candidate().clone(),
            request: job.request().cloned(),
            offer,
            employment,
            job_type: job.terms().job_type,
            stages: application.steps().iter().map(|step| (step.to, step.at)).collect(),
            effort,
            cost,
            time_to_hire: whole_days(job.requested_at(), hired_at),
            candidate_time_to_hire: whole_days(application.applied_at(), hired_at),
            hired_at,
        }
    }
}
