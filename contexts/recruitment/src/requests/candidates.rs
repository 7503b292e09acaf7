//! Candidates: new, changed, in batches, merged.

use hexalpes_http::openapi::Positive;
use hexalpes_http::{Change, FieldError, Fields, FromFields, Invalid, Raw, Said, said, values};
use hexalpes_kernel::{Email, Money};
use utoipa::ToSchema;

use super::{
    PLACES_MAX, SkillBody, TEXT_CHARS_MAX, TITLE_CHARS_MAX, date, list, period, place, skill_item, years,
};
use crate::domain::{
    CandidateId, Date, HeldSkill, JobType, Pay, Phone, PhoneError, Place, Profile, SKILLS_MAX, Source,
};

/// So many candidates in one request.
const BATCH_MAX: usize = 1_000;
const JOB_TYPES_MAX: usize = 3;

/// What somebody wants to earn.
#[derive(ToSchema)]
#[schema(as = NewPay)]
pub(crate) struct PayBody {
    amount: Positive,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `YEAR` if it is missing.
    #[schema(pattern = "^(YEAR|MONTH|HOUR)$")]
    period: Option<String>,
}

/// A candidate: an e-mail or a telephone at least.
#[derive(ToSchema)]
#[schema(as = NewCandidate)]
pub(crate) struct CandidateBody {
    #[schema(min_length = 1, max_length = 200, example = "Ana Gil")]
    name: String,
    /// Belongs to one candidate.
    #[schema(format = Email, example = "ana@email.com")]
    email: Option<String>,
    /// With its country's number; belongs to one candidate.
    #[schema(example = "+57 300 123 4567")]
    phone: Option<String>,
    /// Each an object, or a text.
    #[schema(max_items = 50)]
    skills: Option<Vec<SkillBody>>,
    /// Of work; those of the longest skill if it is missing.
    #[schema(minimum = 0, maximum = 60)]
    experience_years: Option<i64>,
    #[schema(max_items = 20, example = json!(["Bogotá, Colombia"]))]
    locations: Option<Vec<String>>,
    /// Whether remote work will do.
    remote_work: Option<bool>,
    /// Whether moving will do.
    relocation: Option<bool>,
    salary_expectation: Option<PayBody>,
    /// Of `FULL_TIME`, `PART_TIME`, `CONTRACT`.
    #[schema(max_items = 3)]
    job_types: Option<Vec<String>>,
    #[schema(format = Date)]
    available_from: Option<String>,
    /// `EXTERNAL` if it is missing.
    #[schema(pattern = "^(INTERNAL|EXTERNAL|REFERRALS)$")]
    source: Option<String>,
    #[schema(min_length = 1, max_length = 4000)]
    summary: Option<String>,
}

/// What else is to be said of a candidate; what is missing stays, and a list replaces the one before.
#[derive(ToSchema)]
#[schema(as = CandidateChange)]
pub(crate) struct CandidateChangeBody {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null takes it away.
    #[schema(format = Email)]
    email: Option<String>,
    /// Null takes it away.
    phone: Option<String>,
    #[schema(max_items = 50)]
    skills: Option<Vec<SkillBody>>,
    #[schema(minimum = 0, maximum = 60)]
    experience_years: Option<i64>,
    #[schema(max_items = 20)]
    locations: Option<Vec<String>>,
    remote_work: Option<bool>,
    relocation: Option<bool>,
    salary_expectation: Option<PayBody>,
    #[schema(max_items = 3)]
    job_types: Option<Vec<String>>,
    /// Null takes it away.
    #[schema(format = Date)]
    available_from: Option<String>,
    #[schema(pattern = "^(INTERNAL|EXTERNAL|REFERRALS)$")]
    source: Option<String>,
    /// Null takes it away.
    #[schema(min_length = 1, max_length = 4000)]
    summary: Option<String>,
}

/// What is said; `None` stays as it is.
#[derive(Clone, Debug)]
struct Told {
    name: Option<String>,
    email: Change<Email>,
    phone: Change<Phone>,
    skills: Option<Vec<HeldSkill>>,
    experience_years: Option<u8>,
    locations: Option<Vec<Place>>,
    remote: Option<bool>,
    relocation: Option<bool>,
    salary: Option<Pay>,
    job_types: Option<Vec<JobType>>,
    available_from: Change<Date>,
    source: Option<Source>,
    summary: Change<String>,
}

impl Told {
    fn read(fields: &mut Fields, is_new: bool) -> Option<Self> {
        let text = |raw: &Raw| values::text(raw, TITLE_CHARS_MAX);
        let name =
            if is_new { fields.required("name", text).map(Some) } else { fields.optional("name", text) };
        let email = fields.change("email", values::email);
        let phone = fields.change("phone", phone);
        let skills = fields.optional("skills", |raw| list(raw, SKILLS_MAX, skill_item));
        let experience_years = fields.optional("experience_years", years);
        let locations = fields.optional("locations", |raw| list(raw, PLACES_MAX, place));
        let remote = fields.optional("remote_work", Raw::boolean);
        let relocation = fields.optional("relocation", Raw::boolean);
        let salary = fields.object("salary_expectation", pay);
        let kind = |raw: &Raw| values::one_of(raw, JobType::WORDS);
        let job_types = fields.optional("job_types", |raw| list(raw, JOB_TYPES_MAX, kind));
        let available_from = fields.change("available_from", date);
        let source = fields.optional("source", |raw| values::one_of(raw, Source::WORDS));
        let summary = fields.change("summary", |raw| values::text(raw, TEXT_CHARS_MAX));
        Some(Self {
            name: name?,
            email: email?,
            phone: phone?,
            skills: skills?.map(|skills| {
                let mut held: Vec<HeldSkill> = Vec::with_capacity(skills.len());
                for it in skills {
                    if !held.iter().any(|known| known.skill == it.skill) {
                        held.push(HeldSkill { skill: it.skill, years: it.years, level: it.level });
                    }
                }
                held
            }),
            experience_years: experience_years?,
            locations: locations?,
            remote: remote?,
            relocation: relocation?,
            salary: salary?,
            job_types: job_types?,
            available_from: available_from?,
            source: source?,
            summary: summary?,
        })
    }

    fn over(self, profile: Profile) -> Profile {
        Profile {
            name: self.name.unwrap_or(profile.name),
            email: changed(self.email, profile.email),
            phone: changed(self.phone, profile.phone),
            skills: self.skills.unwrap_or(profile.skills),
            experience_years: self.experience_years.or(profile.experience_years),
            locations: self.locations.unwrap_or(profile.locations),
            remote: self.remote.unwrap_or(profile.remote),
            relocation: self.relocation.unwrap_or(profile.relocation),
            salary_expectation: self.salary.or(profile.salary_expectation),
            job_types: self.job_types.unwrap_or(profile.job_types),
            available_from: changed(self.available_from, profile.available_from),
            source: self.source.unwrap_or(profile.source),
            summary: changed(self.summary, profile.summary),
        }
    }
}

fn changed<T>(change: Change<T>, before: Option<T>) -> Option<T> {
    match change {
        Change::Keep => before,
        Change::Clear => None,
        Change::Set(value) => Some(value),
    }
}

fn pay(fields: &mut Fields) -> Option<Pay> {
    let amount = fields.required("amount", values::positive);
    let currency = fields.required("currency", values::currency);
    let period = period(fields, "period");
    let (amount, currency, period) = (amount?, currency?, period?);
    let money: Option<Money> =
        values::money(amount, currency).map_err(|invalid| fields.refuse("amount", invalid)).ok();
    Some(Pay { money: money?, period })
}

#[derive(Clone, Debug)]
pub(crate) struct CandidateRequest(pub(crate) Profile);

impl FromFields for CandidateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let said = Told::read(fields, true)?;
        let nothing = Profile {
            name: String::new(),
            email: None,
            phone: None,
            skills: Vec::new(),
            experience_years: None,
            locations: Vec::new(),
            remote: false,
            relocation: false,
            salary_expectation: None,
            job_types: Vec::new(),
            available_from: None,
            source: Source::External,
            summary: None,
        };
        let profile = said.over(nothing);
        if let Some(invalid) = unreachable_by(&profile) {
            fields.refuse("email", invalid);
            return None;
        }
        Some(Self(profile))
    }
}

/// Somebody whom nobody can write to or call is no candidate.
fn unreachable_by(profile: &Profile) -> Option<Invalid> {
    (profile.email.is_none() && profile.phone.is_none()).then(|| {
        let why = said!("give an e-mail or a telephone", "indique un correo o un teléfono");
        Invalid::new("missing_field", why)
    })
}

#[derive(Clone, Debug)]
pub(crate) struct CandidateChangeRequest(Told);

impl FromFields for CandidateChangeRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Told::read(fields, false).map(Self)
    }
}

impl CandidateChangeRequest {
    /// What would be said then, or what would be wrong with it.
    pub(crate) fn over(&self, profile: &Profile) -> Result<Profile, FieldError> {
        let profile = self.0.clone().over(profile.clone());
        match unreachable_by(&profile) {
            None => Ok(profile),
            Some(Invalid { code, message }) => {
                Err(FieldError { pointer: "/email".to_owned(), code, message })
            }
        }
    }
}

/// Candidates that are registered together, each for itself.
#[derive(ToSchema)]
#[schema(as = CandidateBatch)]
pub(crate) struct BatchBody {
    #[schema(min_items = 1, max_items = 1000)]
    candidates: Vec<CandidateBody>,
}

/// Each candidate, or what is wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct BatchRequest(pub(crate) Vec<Result<CandidateRequest, Vec<FieldError>>>);

impl FromFields for BatchRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.each("candidates", BATCH_MAX, CandidateRequest::from_fields).map(Self)
    }
}

/// Another candidate is the same person.
#[derive(ToSchema)]
#[schema(as = Merge)]
pub(crate) struct MergeBody {
    /// Who goes.
    #[schema(min_length = 1, max_length = 64)]
    duplicate_id: String,
}

#[derive(Clone, Debug)]
pub(crate) struct MergeRequest(pub(crate) CandidateId);

impl FromFields for MergeRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.required("duplicate_id", |raw| values::id(raw, CandidateId::parse)).map(Self)
    }
}

pub(crate) fn phone(raw: &Raw) -> Result<Phone, Invalid> {
    Phone::parse(&raw.string()?).map_err(|error: PhoneError| {
        let spanish = "debe ser un número con el de su país, como +57 300 123 4567";
        Invalid::new("invalid_phone", Said::both(error.to_string(), spanish))
    })
}
