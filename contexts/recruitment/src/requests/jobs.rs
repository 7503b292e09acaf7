//! Jobs, and what is spent on them.

use hexalpes_http::openapi::Positive;
use hexalpes_http::{Fields, FromFields, Invalid, Raw, said, values};
use hexalpes_kernel::{Amount, Currency, Edge, Timestamp};
use utoipa::ToSchema;

use super::{
    PLACES_MAX, PayRangeBody, REASON_CHARS_MAX, RangeBody, SkillBody, TEXT_CHARS_MAX, TITLE_CHARS_MAX, count,
    date, list, object, period, place, range, skill, skill_item,
};
use crate::commands::OpenJob;
use crate::domain::matcher::FULL;
use crate::domain::{
    CostKind, Date, Document, ExperienceLevel, JobId, JobTerms, JobType, MoneyRange, OPENINGS_MAX, PartnerId,
    PayRange, Place, RequestId, RequiredSkill, SHORTLIST_MAX, SKILLS_MAX, Shortlist, Skill, Source, Urgency,
};

const RESPONSIBILITIES_MAX: usize = 50;
const SOURCES_MAX: usize = 3;
const DAYS_MAX: u32 = 3_650;

/// What the work is.
#[derive(ToSchema)]
#[schema(as = NewJobRequirements)]
pub(crate) struct RequirementsBody {
    /// A new job must have one.
    #[schema(min_length = 1, max_length = 200, example = "Backend developer")]
    title: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    department: Option<String>,
    #[schema(min_length = 1, max_length = 4000)]
    description: Option<String>,
    /// How many people; one if it is missing.
    #[schema(minimum = 1, maximum = 1000)]
    openings: Option<i64>,
    #[schema(max_items = 50)]
    responsibilities: Option<Vec<String>>,
    #[schema(max_items = 50)]
    nice_to_have_skills: Option<Vec<String>>,
    /// Whatever else is to be said of the job; kept to the letter.
    #[schema(value_type = Option<Object>)]
    details: Option<()>,
}

/// When somebody is wanted.
#[derive(ToSchema)]
#[schema(as = NewHiringTimeline)]
pub(crate) struct TimelineBody {
    #[schema(format = Date)]
    start_by: Option<String>,
    #[schema(format = Date)]
    fill_by: Option<String>,
    #[schema(minimum = 1, maximum = 3650)]
    max_days: Option<i64>,
}

/// Whom the partner is told of.
#[derive(ToSchema)]
#[schema(as = NewShortlist)]
pub(crate) struct ShortlistBody {
    /// 10 if it is missing.
    #[schema(minimum = 1, maximum = 100)]
    size: Option<i64>,
    /// Basis points; 5,000 if it is missing.
    #[schema(minimum = 0, maximum = 10000)]
    minimum_score_bp: Option<i64>,
}

/// A job, with the fields of `RecruitmentRequested`.
#[derive(ToSchema)]
#[schema(as = NewJob)]
pub(crate) struct JobBody {
    #[schema(min_length = 1, max_length = 64)]
    partner_id: String,
    /// What the partner calls its wish: the same one twice is the same job.
    #[schema(min_length = 1, max_length = 64)]
    request_id: Option<String>,
    /// When the partner asked; now if it is missing.
    #[schema(format = DateTime)]
    requested_at: Option<String>,
    /// A new job must have them, for its title.
    job_requirements: Option<RequirementsBody>,
    /// Each an object, or a text.
    #[schema(max_items = 50)]
    required_skills: Option<Vec<SkillBody>>,
    #[schema(pattern = "^(JUNIOR|MID|SENIOR|EXPERT)$")]
    experience_level: String,
    #[schema(pattern = "^(FULL_TIME|PART_TIME|CONTRACT)$")]
    job_type: String,
    remote_work_allowed: Option<bool>,
    /// Cities (with their country behind a comma, if you like), regions or countries.
    #[schema(max_items = 20, example = json!(["Bogotá, Colombia"]))]
    location_preferences: Option<Vec<String>>,
    salary_range: Option<PayRangeBody>,
    /// What the search may cost.
    budget_range: Option<RangeBody>,
    hiring_timeline: Option<TimelineBody>,
    /// `NORMAL` if it is missing.
    #[schema(pattern = "^(LOW|NORMAL|HIGH|URGENT)$")]
    urgency_level: Option<String>,
    /// Of `INTERNAL`, `EXTERNAL`, `REFERRALS`; from anywhere if none is named.
    #[schema(max_items = 3)]
    candidate_sources: Option<Vec<String>>,
    /// Kept to the letter.
    #[schema(value_type = Option<Object>)]
    screening_criteria: Option<()>,
    shortlist: Option<ShortlistBody>,
}

/// What else a job is to ask for; what is missing stays, and a list replaces the one before.
#[derive(ToSchema)]
#[schema(as = JobChange)]
pub(crate) struct JobChangeBody {
    job_requirements: Option<RequirementsBody>,
    #[schema(max_items = 50)]
    required_skills: Option<Vec<SkillBody>>,
    #[schema(pattern = "^(JUNIOR|MID|SENIOR|EXPERT)$")]
    experience_level: Option<String>,
    #[schema(pattern = "^(FULL_TIME|PART_TIME|CONTRACT)$")]
    job_type: Option<String>,
    remote_work_allowed: Option<bool>,
    #[schema(max_items = 20)]
    location_preferences: Option<Vec<String>>,
    salary_range: Option<PayRangeBody>,
    budget_range: Option<RangeBody>,
    hiring_timeline: Option<TimelineBody>,
    #[schema(pattern = "^(LOW|NORMAL|HIGH|URGENT)$")]
    urgency_level: Option<String>,
    #[schema(max_items = 3)]
    candidate_sources: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    screening_criteria: Option<()>,
    shortlist: Option<ShortlistBody>,
}

#[derive(Clone, Debug, Default)]
struct Requirements {
    title: Option<String>,
    department: Option<String>,
    description: Option<String>,
    openings: Option<u32>,
    responsibilities: Option<Vec<String>>,
    nice_to_have_skills: Option<Vec<Skill>>,
    details: Option<Document>,
}

/// What is said of a job; `None` stays as it is.
#[derive(Clone, Debug)]
struct TermsFields {
    requirements: Requirements,
    required_skills: Option<Vec<RequiredSkill>>,
    experience_level: Option<ExperienceLevel>,
    job_type: Option<JobType>,
    remote: Option<bool>,
    locations: Option<Vec<Place>>,
    salary: Option<PayRange>,
    budget: Option<MoneyRange>,
    timeline: (Option<Date>, Option<Date>, Option<u32>),
    urgency: Option<Urgency>,
    sources: Option<Vec<Source>>,
    screening: Option<Document>,
    shortlist: (Option<u32>, Option<u32>),
}

impl TermsFields {
    fn read(fields: &mut Fields, is_new: bool) -> Option<Self> {
        let level = |raw: &Raw| values::one_of(raw, ExperienceLevel::WORDS);
        let kind = |raw: &Raw| values::one_of(raw, JobType::WORDS);
        let requirements = fields.object("job_requirements", requirements);
        let skills = fields.optional("required_skills", |raw| list(raw, SKILLS_MAX, skill_item));
        let (level, kind) = if is_new {
            (
                fields.required("experience_level", level).map(Some),
                fields.required("job_type", kind).map(Some),
            )
        } else {
            (fields.optional("experience_level", level), fields.optional("job_type", kind))
        };
        let remote = fields.optional("remote_work_allowed", Raw::boolean);
        let locations = fields.optional("location_preferences", |raw| list(raw, PLACES_MAX, place));
        let salary = fields.object("salary_range", |fields| {
            let (range, period) = (range(fields), period(fields, "period"));
            Some(PayRange { range: range?, period: period? })
        });
        let budget = fields.object("budget_range", range);
        let timeline = fields.object("hiring_timeline", timeline);
        let urgency = fields.optional("urgency_level", |raw| values::one_of(raw, Urgency::WORDS));
        let source = |raw: &Raw| values::one_of(raw, Source::WORDS);
        let sources = fields.optional("candidate_sources", |raw| list(raw, SOURCES_MAX, source));
        let screening = fields.optional("screening_criteria", object);
        let shortlist = fields.object("shortlist", shortlist);
        let requirements = requirements?.unwrap_or_default();
        if is_new && requirements.title.is_none() {
            let why = said!("needs a title", "necesita un título (title)");
            fields.refuse("job_requirements", Invalid::new("missing_field", why));
            return None;
        }
        Some(Self {
            requirements,
            required_skills: skills?.map(|skills| {
                let mut required: Vec<RequiredSkill> = Vec::with_capacity(skills.len());
                for it in skills {
                    if !required.iter().any(|known| known.skill == it.skill) {
                        required.push(RequiredSkill { skill: it.skill, level: it.level, years: it.years });
                    }
                }
                required
            }),
            experience_level: level?,
            job_type: kind?,
            remote: remote?,
            locations: locations?,
            salary: salary?,
            budget: budget?,
            timeline: timeline?.unwrap_or_default(),
            urgency: urgency?,
            sources: sources?,
            screening: screening?,
            shortlist: shortlist?.unwrap_or_default(),
        })
    }

    fn over(self, terms: JobTerms) -> JobTerms {
        let Requirements { title, department, description, openings, responsibilities, .. } =
            self.requirements.clone();
        let Requirements { nice_to_have_skills, details, .. } = self.requirements;
        let (start_by, fill_by, days_max) = self.timeline;
        let (size, minimum_bp) = self.shortlist;
        JobTerms {
            title: title.unwrap_or(terms.title),
            department: department.or(terms.department),
            description: description.or(terms.description),
            responsibilities: responsibilities.unwrap_or(terms.responsibilities),
            details: details.unwrap_or(terms.details),
            openings: openings.unwrap_or(terms.openings),
            required_skills: self.required_skills.unwrap_or(terms.required_skills),
            nice_to_have_skills: nice_to_have_skills.unwrap_or(terms.nice_to_have_skills),
            experience_level: self.experience_level.unwrap_or(terms.experience_level),
            job_type: self.job_type.unwrap_or(terms.job_type),
            remote_work_allowed: self.remote.unwrap_or(terms.remote_work_allowed),
            locations: self.locations.unwrap_or(terms.locations),
            salary: self.salary.or(terms.salary),
            budget: self.budget.or(terms.budget),
            start_by: start_by.or(terms.start_by),
            fill_by: fill_by.or(terms.fill_by),
            days_max: days_max.or(terms.days_max),
            urgency: self.urgency.unwrap_or(terms.urgency),
            sources: self.sources.unwrap_or(terms.sources),
            screening: self.screening.unwrap_or(terms.screening),
            shortlist: Shortlist {
                size: size.unwrap_or(terms.shortlist.size),
                minimum_bp: minimum_bp.unwrap_or(terms.shortlist.minimum_bp),
            },
        }
    }
}

fn requirements(fields: &mut Fields) -> Option<Requirements> {
    let title = fields.optional("title", |raw| values::text(raw, TITLE_CHARS_MAX));
    let department = fields.optional("department", |raw| values::text(raw, TITLE_CHARS_MAX));
    let description = fields.optional("description", |raw| values::text(raw, TEXT_CHARS_MAX));
    let openings = fields.optional("openings", |raw| count(raw, 1, OPENINGS_MAX));
    let line = |raw: &Raw| values::text(raw, REASON_CHARS_MAX);
    let responsibilities = fields.optional("responsibilities", |raw| list(raw, RESPONSIBILITIES_MAX, line));
    let nice = fields.optional("nice_to_have_skills", |raw| list(raw, SKILLS_MAX, skill));
    let details = fields.optional("details", object);
    Some(Requirements {
        title: title?,
        department: department?,
        description: description?,
        openings: openings?,
        responsibilities: responsibilities?,
        nice_to_have_skills: nice?,
        details: details?,
    })
}

fn timeline(fields: &mut Fields) -> Option<(Option<Date>, Option<Date>, Option<u32>)> {
    let (start_by, fill_by) = (fields.optional("start_by", date), fields.optional("fill_by", date));
    let days_max = fields.optional("max_days", |raw| count(raw, 1, DAYS_MAX));
    Some((start_by?, fill_by?, days_max?))
}

fn shortlist(fields: &mut Fields) -> Option<(Option<u32>, Option<u32>)> {
    let size = fields.optional("size", |raw| count(raw, 1, SHORTLIST_MAX));
    let minimum = fields.optional("minimum_score_bp", |raw| count(raw, 0, FULL));
    Some((size?, minimum?))
}

/// What is asked for where nobody says.
pub(crate) fn plain_terms(title: String, experience_level: ExperienceLevel, job_type: JobType) -> JobTerms {
    JobTerms {
        title,
        department: None,
        description: None,
        responsibilities: Vec::new(),
        details: Document::default(),
        openings: 1,
        required_skills: Vec::new(),
        nice_to_have_skills: Vec::new(),
        experience_level,
        job_type,
        remote_work_allowed: false,
        locations: Vec::new(),
        salary: None,
        budget: None,
        start_by: None,
        fill_by: None,
        days_max: None,
        urgency: Urgency::Normal,
        sources: Vec::new(),
        screening: Document::default(),
        shortlist: Shortlist::default(),
    }
}

#[derive(Clone, Debug)]
pub(crate) struct JobRequest {
    partner: PartnerId,
    request: Option<RequestId>,
    requested_at: Option<Timestamp>,
    terms: JobTerms,
}

impl FromFields for JobRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.required("partner_id", |raw| values::id(raw, PartnerId::parse));
        let request = fields.optional("request_id", |raw| values::id(raw, RequestId::parse));
        let requested_at = fields.optional("requested_at", values::timestamp);
        let said = TermsFields::read(fields, true)?;
        let (level, kind) = (said.experience_level?, said.job_type?);
        let terms = said.over(plain_terms(String::new(), level, kind));
        Some(Self { partner: partner?, request: request?, requested_at: requested_at?, terms })
    }
}

impl JobRequest {
    pub(crate) fn into_command(self, edge: &dyn Edge) -> OpenJob {
        let Self { partner, request, requested_at, terms } = self;
        OpenJob { id: JobId::new(edge.uuid()), partner, request, terms, requested_at }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct JobChangeRequest(TermsFields);

impl FromFields for JobChangeRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        TermsFields::read(fields, false).map(Self)
    }
}

impl JobChangeRequest {
    pub(crate) fn over(&self, terms: &JobTerms) -> JobTerms {
        self.0.clone().over(terms.clone())
    }
}

/// Why something is done.
#[derive(ToSchema)]
#[schema(as = Reason)]
pub(crate) struct ReasonBody {
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ReasonRequest(pub(crate) Option<String>);

impl FromFields for ReasonRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("reason", |raw| values::text(raw, REASON_CHARS_MAX)).map(Self)
    }
}

/// What was spent on a job.
#[derive(ToSchema)]
#[schema(as = NewCost)]
pub(crate) struct CostBody {
    #[schema(pattern = "^(ADVERTISING|AGENCY|REFERRAL|ASSESSMENT|TRAVEL|OTHER)$")]
    kind: String,
    amount: Positive,
    /// ISO 4217; the job's if it is missing.
    currency: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    note: Option<String>,
    /// What the spender calls it: the same one twice is the same cost.
    #[schema(min_length = 1, max_length = 64)]
    reference: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct CostRequest {
    pub(crate) kind: CostKind,
    pub(crate) amount: Amount,
    pub(crate) currency: Option<Currency>,
    pub(crate) note: Option<String>,
    pub(crate) reference: Option<String>,
}

impl FromFields for CostRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let kind = fields.required("kind", |raw| values::one_of(raw, CostKind::WORDS));
        let amount = fields.required("amount", values::positive);
        let currency = fields.optional("currency", values::currency);
        let note = fields.optional("note", |raw| values::text(raw, REASON_CHARS_MAX));
        let reference = fields.optional("reference", |raw| values::id(raw, hexalpes_kernel::parse_opaque));
        Some(Self { kind: kind?, amount: amount?, currency: currency?, note: note?, reference: reference? })
    }
}
