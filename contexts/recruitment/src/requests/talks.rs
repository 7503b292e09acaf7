//! Applications and what they go through: stages, interviews, offers, hires.

use hexalpes_http::openapi::Positive;
use hexalpes_http::{Fields, FromFields, Raw, values};
use hexalpes_kernel::Timestamp;
use utoipa::ToSchema;

use super::{REASON_CHARS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX, count, date, list, object, period};
use crate::commands::Terms;
use crate::domain::{
    CandidateId, Document, EmploymentType, Feedback, InterviewMode, JobId, Pay, Source, Stage, Verdict,
};

const INTERVIEWERS_MAX: usize = 20;
const MINUTES_DEFAULT: u32 = 60;
const MINUTES_MAX: u32 = 24 * 60;
const PROBATION_DAYS_MAX: u32 = 3_650;

/// The stages that somebody may be sent to; an offer and a hire lead to the others.
const STAGES: [(&str, Stage); 4] = [
    ("SCREENING", Stage::Screening),
    ("INTERVIEW", Stage::Interview),
    ("REJECTED", Stage::Rejected),
    ("WITHDRAWN", Stage::Withdrawn),
];

/// A candidate applies for a job.
#[derive(ToSchema)]
#[schema(as = NewApplication)]
pub(crate) struct ApplicationBody {
    #[schema(min_length = 1, max_length = 64)]
    job_id: String,
    #[schema(min_length = 1, max_length = 64)]
    candidate_id: String,
    /// The candidate's if it is missing.
    #[schema(pattern = "^(INTERNAL|EXTERNAL|REFERRALS)$")]
    source: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ApplicationRequest {
    pub(crate) job: JobId,
    pub(crate) candidate: CandidateId,
    pub(crate) source: Option<Source>,
    pub(crate) reason: Option<String>,
}

impl FromFields for ApplicationRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let job = fields.required("job_id", |raw| values::id(raw, JobId::parse));
        let candidate = fields.required("candidate_id", |raw| values::id(raw, CandidateId::parse));
        let source = fields.optional("source", |raw| values::one_of(raw, Source::WORDS));
        let reason = fields.optional("reason", reason);
        Some(Self { job: job?, candidate: candidate?, source: source?, reason: reason? })
    }
}

/// Where an application goes.
#[derive(ToSchema)]
#[schema(as = NextStage)]
pub(crate) struct StageBody {
    #[schema(pattern = "^(SCREENING|INTERVIEW|REJECTED|WITHDRAWN)$")]
    stage: String,
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct StageRequest {
    pub(crate) to: Stage,
    pub(crate) reason: Option<String>,
}

impl FromFields for StageRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let to = fields.required("stage", |raw| values::one_of(raw, &STAGES));
        let reason = fields.optional("reason", reason);
        Some(Self { to: to?, reason: reason? })
    }
}

/// When people are to talk.
#[derive(ToSchema)]
#[schema(as = NewInterview)]
pub(crate) struct InterviewBody {
    #[schema(format = DateTime)]
    scheduled_at: String,
    /// 60 if it is missing.
    #[schema(minimum = 5, maximum = 1440)]
    duration_minutes: Option<i64>,
    /// `VIDEO` if it is missing.
    #[schema(pattern = "^(ONSITE|VIDEO|PHONE)$")]
    mode: Option<String>,
    /// Names.
    #[schema(max_items = 20)]
    interviewers: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
pub(crate) struct InterviewRequest {
    pub(crate) scheduled_at: Timestamp,
    pub(crate) minutes: u32,
    pub(crate) mode: InterviewMode,
    pub(crate) interviewers: Vec<String>,
}

impl FromFields for InterviewRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let scheduled_at = fields.required("scheduled_at", values::timestamp);
        let minutes = fields.optional("duration_minutes", |raw| count(raw, 5, MINUTES_MAX));
        let mode = fields.optional("mode", |raw| values::one_of(raw, InterviewMode::WORDS));
        let name = |raw: &Raw| values::text(raw, TITLE_CHARS_MAX);
        let interviewers = fields.optional("interviewers", |raw| list(raw, INTERVIEWERS_MAX, name));
        Some(Self {
            scheduled_at: scheduled_at?,
            minutes: minutes?.unwrap_or(MINUTES_DEFAULT),
            mode: mode?.unwrap_or(InterviewMode::Video),
            interviewers: interviewers?.unwrap_or_default(),
        })
    }
}

/// What came of an interview.
#[derive(ToSchema)]
#[schema(as = NewFeedback)]
pub(crate) struct FeedbackBody {
    #[schema(minimum = 1, maximum = 5)]
    rating: i64,
    #[schema(pattern = "^(STRONG_YES|YES|NO|STRONG_NO)$")]
    verdict: String,
    #[schema(min_length = 1, max_length = 4000)]
    notes: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct FeedbackRequest(pub(crate) Feedback);

impl FromFields for FeedbackRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let rating = fields.required("rating", |raw| count(raw, 1, 5));
        let verdict = fields.required("verdict", |raw| values::one_of(raw, Verdict::WORDS));
        let notes = fields.optional("notes", |raw| values::text(raw, TEXT_CHARS_MAX));
        let rating = u8::try_from(rating?).expect("a rating is 1 to 5");
        Some(Self(Feedback { rating, verdict: verdict?, notes: notes? }))
    }
}

/// What is offered, and until when.
#[derive(ToSchema)]
#[schema(as = NewOffer)]
pub(crate) struct OfferBody {
    /// The job's title if it is missing.
    #[schema(min_length = 1, max_length = 200)]
    job_title: Option<String>,
    /// The job's if it is missing.
    #[schema(min_length = 1, max_length = 200)]
    department: Option<String>,
    #[schema(pattern = "^(PERMANENT|CONTRACT|INTERNSHIP)$")]
    employment_type: String,
    #[schema(format = Date)]
    start_date: String,
    agreed_salary: Positive,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `YEAR` if it is missing.
    #[schema(pattern = "^(YEAR|MONTH|HOUR)$")]
    salary_period: Option<String>,
    /// Kept to the letter.
    #[schema(value_type = Option<Object>)]
    benefits_package: Option<()>,
    /// The job's if it is missing and the job has one.
    #[schema(min_length = 1, max_length = 200)]
    location: Option<String>,
    remote_work: Option<bool>,
    #[schema(minimum = 0, maximum = 3650)]
    probation_days: Option<i64>,
    #[schema(format = Date)]
    end_date: Option<String>,
    /// From when on nobody can accept it.
    #[schema(format = DateTime)]
    expires_at: String,
}

#[derive(Clone, Debug)]
pub(crate) struct OfferRequest {
    pub(crate) terms: Terms,
    pub(crate) expires_at: Timestamp,
}

impl FromFields for OfferRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let terms = terms(fields);
        let expires_at = fields.required("expires_at", values::timestamp);
        Some(Self { terms: terms?, expires_at: expires_at? })
    }
}

/// Somebody is hired without an offer having been made here.
#[derive(ToSchema)]
#[schema(as = NewHire)]
pub(crate) struct HireBody {
    #[schema(min_length = 1, max_length = 64)]
    job_id: String,
    #[schema(min_length = 1, max_length = 64)]
    candidate_id: String,
    /// The job's title if it is missing.
    #[schema(min_length = 1, max_length = 200)]
    job_title: Option<String>,
    /// The job's if it is missing.
    #[schema(min_length = 1, max_length = 200)]
    department: Option<String>,
    #[schema(pattern = "^(PERMANENT|CONTRACT|INTERNSHIP)$")]
    employment_type: String,
    #[schema(format = Date)]
    start_date: String,
    agreed_salary: Positive,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `YEAR` if it is missing.
    #[schema(pattern = "^(YEAR|MONTH|HOUR)$")]
    salary_period: Option<String>,
    /// Kept to the letter.
    #[schema(value_type = Option<Object>)]
    benefits_package: Option<()>,
    /// The job's if it is missing and the job has one.
    #[schema(min_length = 1, max_length = 200)]
    location: Option<String>,
    remote_work: Option<bool>,
    #[schema(minimum = 0, maximum = 3650)]
    probation_days: Option<i64>,
    #[schema(format = Date)]
    end_date: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct HireRequest {
    pub(crate) job: JobId,
    pub(crate) candidate: CandidateId,
    pub(crate) terms: Terms,
}

impl FromFields for HireRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let job = fields.required("job_id", |raw| values::id(raw, JobId::parse));
        let candidate = fields.required("candidate_id", |raw| values::id(raw, CandidateId::parse));
        let terms = terms(fields);
        Some(Self { job: job?, candidate: candidate?, terms: terms? })
    }
}

fn terms(fields: &mut Fields) -> Option<Terms> {
    let text = |raw: &Raw| values::text(raw, TITLE_CHARS_MAX);
    let (job_title, department) = (fields.optional("job_title", text), fields.optional("department", text));
    let employment_type =
        fields.required("employment_type", |raw| values::one_of(raw, EmploymentType::WORDS));
    let start = fields.required("start_date", date);
    let salary = fields.required("agreed_salary", values::positive);
    let currency = fields.required("currency", values::currency);
    let period = period(fields, "salary_period");
    let benefits = fields.optional("benefits_package", object);
    let location = fields.optional("location", text);
    let remote = fields.optional("remote_work", Raw::boolean);
    let probation_days = fields.optional("probation_days", |raw| count(raw, 0, PROBATION_DAYS_MAX));
    let end = fields.optional("end_date", date);
    let (salary, currency, period, start, end) = (salary?, currency?, period?, start?, end?);
    let money = values::money(salary, currency).map_err(|invalid| fields.refuse("agreed_salary", invalid));
    if end.is_some_and(|end| end < start) {
        let why = hexalpes_http::said!("is before start_date", "es anterior a start_date");
        fields.refuse("end_date", hexalpes_http::Invalid::new("before_start", why));
        return None;
    }
    Some(Terms {
        job_title: job_title?,
        department: department?,
        employment_type: employment_type?,
        start,
        salary: Pay { money: money.ok()?, period },
        benefits: benefits?.unwrap_or_else(Document::default),
        location: location?,
        remote: remote?,
        probation_days: probation_days?,
        end,
    })
}

fn reason(raw: &Raw) -> Result<String, hexalpes_http::Invalid> {
    values::text(raw, REASON_CHARS_MAX)
}
