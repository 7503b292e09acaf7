//! Whom a partner looks for.

use hexalpes_http::openapi::Decimal;
use hexalpes_http::{Fields, FromFields, Invalid, Raw, Said, said, values};
use hexalpes_kernel::{Amount, Money};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{NAME_CHARS_MAX, day, object, once, texts};
use crate::domain::{
    Asked, CandidateSource, ExperienceLevel, JobType, Json, MoneyRange, PayPeriod, RangeError, Timeline,
    Urgency,
};

const SKILLS_MAX: usize = 50;
const SKILL_CHARS_MAX: usize = 100;
const LOCATIONS_MAX: usize = 20;
const OPENINGS_MAX: u64 = 1000;
const DAYS_MAX: i64 = 3650;

/// A request for people.
#[derive(ToSchema)]
#[schema(as = NewRecruitmentRequest)]
pub(crate) struct RecruitmentBody {
    /// An object of 64 KiB at most with a `title`; `openings` are 1 if they are missing, 1000 at most. `description`,
    /// `department`, `responsibilities`, `nice_to_have_skills` and whatever else the job asks for.
    #[schema(value_type = Object, example = json!({ "title": "Backend engineer", "openings": 2 }))]
    job_requirements: (),
    #[schema(min_items = 1, max_items = 50)]
    required_skills: Vec<SkillBody>,
    #[schema(pattern = "^(JUNIOR|MID|SENIOR|EXPERT)$")]
    experience_level: String,
    #[schema(pattern = "^(FULL_TIME|PART_TIME|CONTRACT)$")]
    job_type: String,
    /// False if it is missing.
    remote_work_allowed: Option<bool>,
    /// Cities, regions or countries.
    #[schema(min_items = 1, max_items = 20)]
    location_preferences: Option<Vec<String>>,
    salary_range: Option<SalaryBody>,
    /// What the recruitment may cost.
    budget_range: Option<RangeBody>,
    hiring_timeline: Option<TimelineBody>,
    /// `NORMAL` if it is missing.
    #[schema(pattern = "^(LOW|NORMAL|HIGH|URGENT)$")]
    urgency_level: Option<String>,
    /// Of `INTERNAL`, `EXTERNAL`, `REFERRALS`; all of them if they are missing.
    #[schema(min_items = 1, max_items = 3)]
    candidate_sources: Option<Vec<String>>,
    /// Whatever candidates are sifted by, of 64 KiB at most: `min_years`, `languages`, `education`, `certifications`.
    #[schema(value_type = Option<Object>)]
    screening_criteria: Option<()>,
}

/// A skill by its name, or with how well it must be known.
#[derive(ToSchema)]
#[schema(as = Skill)]
#[serde(untagged)]
pub(crate) enum SkillBody {
    Name(String),
    Known {
        #[schema(min_length = 1, max_length = 100)]
        skill: String,
        level: Option<String>,
        #[schema(minimum = 0)]
        years: Option<u32>,
    },
}

/// From and to, one of them at least, in one currency.
#[derive(ToSchema)]
#[schema(as = AmountRange)]
pub(crate) struct RangeBody {
    min: Option<Decimal>,
    max: Option<Decimal>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
}

/// From and to, one of them at least, for a time.
#[derive(ToSchema)]
#[schema(as = SalaryRange)]
pub(crate) struct SalaryBody {
    min: Option<Decimal>,
    max: Option<Decimal>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `YEAR` if it is missing.
    #[schema(pattern = "^(YEAR|MONTH|HOUR)$")]
    period: Option<String>,
}

/// When somebody is to be found; the request expires by the earlier of `fill_by` and `max_days`.
#[derive(ToSchema)]
#[schema(as = HiringTimeline)]
pub(crate) struct TimelineBody {
    #[schema(format = Date)]
    start_by: Option<String>,
    #[schema(format = Date)]
    fill_by: Option<String>,
    #[schema(minimum = 1, maximum = 3650)]
    max_days: Option<u32>,
}

impl FromFields for Asked {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let job = fields.required("job_requirements", job);
        let skills = fields.required("required_skills", skills);
        let experience =
            fields.required("experience_level", |raw| values::one_of(raw, ExperienceLevel::WORDS));
        let job_type = fields.required("job_type", |raw| values::one_of(raw, JobType::WORDS));
        let remote = fields.optional("remote_work_allowed", Raw::boolean);
        let locations =
            fields.optional("location_preferences", |raw| texts(raw, LOCATIONS_MAX, NAME_CHARS_MAX));
        let salary = fields.object("salary_range", salary);
        let budget = fields.object("budget_range", range);
        let timeline = fields.object("hiring_timeline", timeline);
        let urgency = fields.optional("urgency_level", |raw| values::one_of(raw, Urgency::WORDS));
        let sources = fields.optional("candidate_sources", sources);
        let screening = fields.optional("screening_criteria", object);
        let (job_requirements, openings) = job?;
        Some(Self {
            job_requirements,
            openings,
            required_skills: skills?,
            experience: experience?,
            job_type: job_type?,
            remote: remote?.unwrap_or(false),
            locations: locations?.unwrap_or_default(),
            salary: salary?,
            budget: budget?,
            timeline: timeline?.unwrap_or_default(),
            urgency: urgency?.unwrap_or(Urgency::Normal),
            sources: sources?
                .unwrap_or_else(|| CandidateSource::WORDS.iter().map(|(_, source)| *source).collect()),
            screening: screening?.unwrap_or_else(|| Json::kept("{}")),
        })
    }
}

/// The requirements, and how many are looked for.
fn job(raw: &Raw) -> Result<(Json, u32), Invalid> {
    #[derive(Deserialize)]
    struct Head {
        title: Option<Value>,
        openings: Option<Value>,
    }
    let json = object(raw)?;
    let refused =
        |english: &str, spanish: &str| Invalid::new("invalid_job_requirements", Said::both(english, spanish));
    let head: Head = serde_json::from_str(json.as_str())
        .map_err(|_| refused("has a name twice", "tiene un nombre dos veces"))?;
    let title = head.title.as_ref().and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if title.is_empty() || title.chars().nth(NAME_CHARS_MAX).is_some() {
        return Err(refused(
            "must have a title: a text of 1 to 200 characters",
            "debe tener un title: un texto de 1 a 200 caracteres",
        ));
    }
    let openings = match head.openings {
        None | Some(Value::Null) => Some(1),
        Some(number) => number.as_u64().filter(|number| (1..=OPENINGS_MAX).contains(number)),
    };
    let openings = openings.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
        refused("its openings must be 1 to 1000", "sus openings deben estar entre 1 y 1000")
    })?;
    Ok((json, openings))
}

fn skills(raw: &Raw) -> Result<Json, Invalid> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Known {
        skill: String,
        #[serde(default, rename = "level")]
        _level: Option<String>,
        #[serde(default, rename = "years")]
        _years: Option<u32>,
    }
    let name = |item: &Raw| {
        if item.text().starts_with('"') {
            return item.string();
        }
        let known = serde_json::from_str::<Known>(item.text());
        known.map(|known| known.skill).map_err(|_| {
            let why = said!(
                "each must be a text, or an object with skill, level and years",
                "cada uno debe ser un texto, o un objeto con skill, level y years"
            );
            Invalid::new("invalid_skill", why)
        })
    };
    let items = raw.items(SKILLS_MAX)?;
    let names = items.iter().map(name).collect::<Result<Vec<_>, Invalid>>()?;
    if names.iter().any(|name| name.trim().is_empty() || name.chars().nth(SKILL_CHARS_MAX).is_some()) {
        let why = said!(
            "each must have a name of 1 to {SKILL_CHARS_MAX} characters",
            "cada uno debe tener un nombre de 1 a {SKILL_CHARS_MAX} caracteres"
        );
        return Err(Invalid::new("invalid_skill", why));
    }
    once(names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>())?;
    Ok(Json::kept(raw.text()))
}

fn sources(raw: &Raw) -> Result<Vec<CandidateSource>, Invalid> {
    let items = raw.items(CandidateSource::WORDS.len())?;
    let sources = items.iter().map(|item| values::one_of(item, CandidateSource::WORDS));
    once(sources.collect::<Result<Vec<_>, Invalid>>()?)
}

fn salary(fields: &mut Fields) -> Option<(MoneyRange, PayPeriod)> {
    let range = range(fields);
    let period = fields.optional("period", |raw| values::one_of(raw, PayPeriod::WORDS));
    Some((range?, period?.unwrap_or(PayPeriod::Year)))
}

fn range(fields: &mut Fields) -> Option<MoneyRange> {
    let number = |raw: &Raw| values::amount(raw.number()?);
    let min = fields.optional("min", number);
    let max = fields.optional("max", number);
    let currency = fields.required("currency", values::currency);
    let (min, max, currency) = (min?, max?, currency?);
    let mut minor = |name: &str, amount: Option<Amount>| {
        let money = amount.map(|amount| values::money(amount, currency)).transpose();
        money.map(|money| money.map(Money::minor)).map_err(|invalid| fields.refuse(name, invalid)).ok()
    };
    let (min, max) = (minor("min", min), minor("max", max));
    MoneyRange::new(min?, max?, currency).map_err(|error| fields.refuse(place(error), refusal(error))).ok()
}

fn place(error: RangeError) -> &'static str {
    match error {
        RangeError::Empty | RangeError::Negative => "min",
        RangeError::Reversed => "max",
    }
}

fn refusal(error: RangeError) -> Invalid {
    let (code, spanish) = match error {
        RangeError::Empty => ("missing_field", "debe tener un min o un max"),
        RangeError::Reversed => ("less_than_min", "su max es menor que su min"),
        RangeError::Negative => ("negative", "no debe ser negativo"),
    };
    Invalid::new(code, Said::both(error.to_string(), spanish))
}

fn timeline(fields: &mut Fields) -> Option<Timeline> {
    let start_by = fields.optional("start_by", day);
    let fill_by = fields.optional("fill_by", day);
    let max_days = fields.optional("max_days", |raw| values::integer_within(raw, 1, DAYS_MAX));
    let max_days = max_days?.and_then(|days| u32::try_from(days).ok());
    Some(Timeline { start_by: start_by?, fill_by: fill_by?, max_days })
}
