//! Applications and what they go through: interviews, offers, hires.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{cell, kept};
use crate::domain::{Application, Employment, Hire, Interview, InterviewState, Offer, OfferState};

/// A step of an application's way.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Step)]
struct StepView {
    stage: &'static str,
    #[schema(value_type = String, format = DateTime)]
    entered_at: Timestamp,
    by: String,
    reason: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Application)]
pub(crate) struct ApplicationView {
    id: String,
    /// The same, by the name that other bodies have for it.
    application_id: String,
    job_id: String,
    candidate_id: String,
    partner_id: String,
    source: &'static str,
    /// `APPLIED`, `SCREENING`, `INTERVIEW`, `OFFER`, `HIRED`, `REJECTED` or `WITHDRAWN`.
    stage: &'static str,
    /// The stages that may follow.
    allowed_transitions: Vec<&'static str>,
    revision: u32,
    history: Vec<StepView>,
    #[schema(value_type = String, format = DateTime)]
    applied_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&Application> for ApplicationView {
    fn from(application: &Application) -> Self {
        let history = application.steps().iter().map(|step| StepView {
            stage: step.to.name(),
            entered_at: step.at,
            by: step.by.to_string(),
            reason: step.reason.clone(),
        });
        Self {
            id: application.id().to_string(),
            application_id: application.id().to_string(),
            job_id: application.job().to_string(),
            candidate_id: application.candidate().to_string(),
            partner_id: application.partner().to_string(),
            source: application.source().name(),
            stage: application.stage().name(),
            allowed_transitions: application.stage().allowed().iter().map(|stage| stage.name()).collect(),
            revision: application.revision(),
            history: history.collect(),
            applied_at: application.applied_at(),
            changed_at: application.changed_at(),
        }
    }
}

impl Record for ApplicationView {
    const COLUMNS: &'static [&'static str] =
        &["id", "job_id", "candidate_id", "partner_id", "source", "stage", "applied_at", "changed_at"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.job_id.clone(),
            self.candidate_id.clone(),
            self.partner_id.clone(),
            self.source.to_owned(),
            self.stage.to_owned(),
            self.applied_at.to_string(),
            self.changed_at.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Feedback)]
struct FeedbackView {
    rating: u8,
    verdict: &'static str,
    notes: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Interview)]
pub(crate) struct InterviewView {
    id: String,
    /// The same, by the name that other bodies have for it.
    interview_id: String,
    application_id: String,
    #[schema(value_type = String, format = DateTime)]
    scheduled_at: Timestamp,
    duration_minutes: u32,
    mode: &'static str,
    interviewers: Vec<String>,
    /// `SCHEDULED`, `HELD` or `CANCELLED`.
    status: &'static str,
    allowed_transitions: Vec<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    held_at: Option<Timestamp>,
    feedback: Option<FeedbackView>,
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Interview> for InterviewView {
    fn from(interview: &Interview) -> Self {
        let (held_at, feedback, reason) = match &interview.state {
            InterviewState::Scheduled => (None, None, None),
            InterviewState::Held { at, feedback } => {
                let (rating, verdict) = (feedback.rating, feedback.verdict.name());
                (Some(*at), Some(FeedbackView { rating, verdict, notes: feedback.notes.clone() }), None)
            }
            InterviewState::Cancelled { reason } => (None, None, reason.clone()),
        };
        Self {
            id: interview.id.to_string(),
            interview_id: interview.id.to_string(),
            application_id: interview.application.to_string(),
            scheduled_at: interview.scheduled_at,
            duration_minutes: interview.minutes,
            mode: interview.mode.name(),
            interviewers: interview.interviewers.clone(),
            status: interview.state.name(),
            allowed_transitions: interview.state.allowed().to_vec(),
            held_at,
            feedback,
            reason,
            created_at: interview.created_at,
        }
    }
}

impl Record for InterviewView {
    const COLUMNS: &'static [&'static str] =
        &["id", "application_id", "scheduled_at", "duration_minutes", "mode", "status", "rating", "verdict"];

    fn cells(&self) -> Vec<String> {
        let feedback = self.feedback.as_ref();
        vec![
            self.id.clone(),
            self.application_id.clone(),
            self.scheduled_at.to_string(),
            self.duration_minutes.to_string(),
            self.mode.to_owned(),
            self.status.to_owned(),
            cell(feedback.map(|feedback| feedback.rating)),
            cell(feedback.map(|feedback| feedback.verdict)),
        ]
    }
}

/// What was offered or agreed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Employment)]
struct EmploymentView {
    job_title: String,
    department: Option<String>,
    employment_type: &'static str,
    start_date: String,
    #[schema(value_type = Decimal)]
    agreed_salary: Box<RawValue>,
    agreed_salary_minor: i64,
    currency: &'static str,
    salary_period: &'static str,
    #[schema(value_type = Object)]
    benefits_package: Box<RawValue>,
    location: Option<String>,
    remote_work: bool,
    probation_days: Option<u32>,
    end_date: Option<String>,
}

impl From<&Employment> for EmploymentView {
    fn from(employment: &Employment) -> Self {
        let salary = employment.salary;
        Self {
            job_title: employment.job_title.clone(),
            department: employment.department.clone(),
            employment_type: employment.employment_type.name(),
            start_date: employment.start.to_string(),
            agreed_salary: salary.money.amount().to_json(),
            agreed_salary_minor: salary.money.minor(),
            currency: salary.money.currency().code(),
            salary_period: salary.period.name(),
            benefits_package: kept(&employment.benefits),
            location: employment.location.clone(),
            remote_work: employment.remote,
            probation_days: employment.probation_days,
            end_date: employment.end.map(|date| date.to_string()),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
pub(crate) struct OfferView {
    id: String,
    /// The same, by the name that other bodies have for it.
    offer_id: String,
    application_id: String,
    /// `OPEN`, `ACCEPTED`, `DECLINED` or `EXPIRED`.
    status: &'static str,
    allowed_transitions: Vec<&'static str>,
    #[serde(flatten)]
    employment: EmploymentView,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    answered_at: Option<Timestamp>,
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl OfferView {
    pub(crate) fn of(offer: &Offer, now: Timestamp) -> Self {
        let (answered_at, reason) = match &offer.state {
            OfferState::Open | OfferState::Expired => (None, None),
            OfferState::Accepted { at } => (Some(*at), None),
            OfferState::Declined { at, reason } => (Some(*at), reason.clone()),
        };
        Self {
            id: offer.id.to_string(),
            offer_id: offer.id.to_string(),
            application_id: offer.application.to_string(),
            status: offer.status(now),
            allowed_transitions: offer.allowed(now).to_vec(),
            employment: EmploymentView::from(&offer.employment),
            expires_at: offer.expires_at,
            answered_at,
            reason,
            created_at: offer.created_at,
        }
    }
}

impl Record for OfferView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "application_id",
        "status",
        "job_title",
        "employment_type",
        "start_date",
        "agreed_salary",
        "currency",
        "salary_period",
        "expires_at",
    ];

    fn cells(&self) -> Vec<String> {
        let employment = &self.employment;
        vec![
            self.id.clone(),
            self.application_id.clone(),
            self.status.to_owned(),
            employment.job_title.clone(),
            employment.employment_type.to_owned(),
            employment.start_date.clone(),
            employment.agreed_salary.get().to_owned(),
            employment.currency.to_owned(),
            employment.salary_period.to_owned(),
            self.expires_at.to_string(),
        ]
    }
}

/// When a stage was entered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EnteredStage)]
struct EnteredView {
    stage: &'static str,
    #[schema(value_type = String, format = DateTime)]
    entered_at: Timestamp,
}

/// What the way to a hire took.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HiringProcessMetrics)]
struct ProcessView {
    applications: u32,
    interviews: u32,
    offers: u32,
    stages: Vec<EnteredView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Hire)]
pub(crate) struct HireView {
    id: String,
    /// The same, by the name that events have for it.
    hiring_id: String,
    partner_id: String,
    candidate_id: String,
    job_id: String,
    application_id: String,
    request_id: Option<String>,
    offer_id: Option<String>,
    #[serde(flatten)]
    employment: EmploymentView,
    hiring_process_metrics: ProcessView,
    /// Days from the partner's request.
    time_to_hire: i64,
    /// The same.
    time_to_fill: i64,
    /// Days from when the candidate applied.
    candidate_time_to_hire: i64,
    #[schema(value_type = Decimal)]
    recruitment_cost: Box<RawValue>,
    recruitment_cost_minor: i64,
    recruitment_cost_currency: &'static str,
    #[schema(value_type = String, format = DateTime)]
    hired_at: Timestamp,
}

impl From<&Hire> for HireView {
    fn from(hire: &Hire) -> Self {
        let stages = hire.stages.iter();
        let stages = stages.map(|(stage, at)| EnteredView { stage: stage.name(), entered_at: *at });
        Self {
            id: hire.id.to_string(),
            hiring_id: hire.id.to_string(),
            partner_id: hire.partner.to_string(),
            candidate_id: hire.candidate.to_string(),
            job_id: hire.job.to_string(),
            application_id: hire.application.to_string(),
            request_id: hire.request.as_ref().map(ToString::to_string),
            offer_id: hire.offer.as_ref().map(ToString::to_string),
            employment: EmploymentView::from(&hire.employment),
            hiring_process_metrics: ProcessView {
                applications: hire.effort.applications,
                interviews: hire.effort.interviews,
                offers: hire.effort.offers,
                stages: stages.collect(),
            },
            time_to_hire: hire.time_to_hire,
            time_to_fill: hire.time_to_hire,
            candidate_time_to_hire: hire.candidate_time_to_hire,
            recruitment_cost: hire.cost.amount().to_json(),
            recruitment_cost_minor: hire.cost.minor(),
            recruitment_cost_currency: hire.cost.currency().code(),
            hired_at: hire.hired_at,
        }
    }
}

impl Record for HireView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "partner_id",
        "candidate_id",
        "job_id",
        "request_id",
        "job_title",
        "department",
        "employment_type",
        "start_date",
        "agreed_salary",
        "currency",
        "salary_period",
        "time_to_hire",
        "candidate_time_to_hire",
        "recruitment_cost",
        "recruitment_cost_currency",
        "hired_at",
    ];

    fn cells(&self) -> Vec<String> {
        let employment = &self.employment;
        vec![
            self.id.clone(),
            self.partner_id.clone(),
            self.candidate_id.clone(),
            self.job_id.clone(),
            cell(self.request_id.as_ref()),
            employment.job_title.clone(),
            cell(employment.department.as_ref()),
            employment.employment_type.to_owned(),
            employment.start_date.clone(),
            employment.agreed_salary.get().to_owned(),
            employment.currency.to_owned(),
            employment.salary_period.to_owned(),
            self.time_to_hire.to_string(),
            self.candidate_time_to_hire.to_string(),
            self.recruitment_cost.get().to_owned(),
            self.recruitment_cost_currency.to_owned(),
            self.hired_at.to_string(),
        ]
    }
}
