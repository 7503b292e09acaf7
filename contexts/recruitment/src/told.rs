//! What the partner-management context tells, read into a command. What it does not say is as in a job that is opened
//! here; what it says in other words than those that are known is refused, for a job that asks for less would find the
//! wrong people.

use std::fmt::Display;

use hexalpes_contracts::partners::{
    AmountRange, RecruitmentCancelled, RecruitmentExpired, RecruitmentRequested,
};
use hexalpes_contracts::{Dict, List};
use hexalpes_kernel::{Amount, Currency, Edge, Money, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::commands::{EndRequest, OpenJob};
use crate::domain::{
    Date, Document, ExperienceLevel, JobId, JobStatus, JobTerms, JobType, MoneyRange, OPENINGS_MAX,
    PartnerId, PayRange, Period, Place, RequestId, RequiredSkill, SKILLS_MAX, Skill, SkillLevel, Source,
    Urgency, YEARS_MAX,
};
use crate::requests::plain_terms;

/// What is known of `job_requirements`; all of it is kept besides.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Requirements {
    title: Option<String>,
    description: Option<String>,
    department: Option<String>,
    openings: Option<u32>,
    responsibilities: Vec<String>,
    nice_to_have_skills: Vec<String>,
}

/// A skill alone, or with what is asked of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum SkillAsked {
    Name(String),
    Object {
        skill: String,
        #[serde(default)]
        level: Option<String>,
        #[serde(default)]
        years: Option<u32>,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Timeline {
    start_by: Option<String>,
    fill_by: Option<String>,
    max_days: Option<u32>,
}

/// The command, or what is wrong with the event. Times that it does not say are its envelope's.
pub(crate) fn of_requested(
    requested: &RecruitmentRequested,
    told_at: Option<Timestamp>,
    edge: &dyn Edge,
) -> Result<OpenJob, String> {
    let partner = named("partner_id", PartnerId::parse(&requested.partner_id))?;
    let request = named("request_id", RequestId::parse(&requested.request_id))?;
    let requested_at = match requested.requested_at.as_str() {
        "" => told_at,
        text => Some(named("requested_at", Timestamp::parse(text))?),
    };
    let terms = terms(requested)?;
    let id = JobId::new(edge.uuid());
    Ok(OpenJob { id, partner, request: Some(request), terms, requested_at })
}

/// The command, or what is wrong with the event.
pub(crate) fn of_cancelled(told: &RecruitmentCancelled, edge: &dyn Edge) -> Result<EndRequest, String> {
    let reason = told.reason.clone();
    ended((&told.request_id, &told.partner_id), JobStatus::Cancelled, reason, edge)
}

/// The command, or what is wrong with the event.
pub(crate) fn of_expired(told: &RecruitmentExpired, edge: &dyn Edge) -> Result<EndRequest, String> {
    let reason =
        format!("the request expired at {}", named("expired_at", Timestamp::parse(&told.expired_at))?);
    ended((&told.request_id, &told.partner_id), JobStatus::Closed, reason, edge)
}

fn ended(
    (request, partner): (&str, &str),
    status: JobStatus,
    reason: String,
    edge: &dyn Edge,
) -> Result<EndRequest, String> {
    Ok(EndRequest {
        request: named("request_id", RequestId::parse(request))?,
        partner: named("partner_id", PartnerId::parse(partner))?,
        status,
        reason,
        event: edge.uuid(),
    })
}

fn terms(requested: &RecruitmentRequested) -> Result<JobTerms, String> {
    let requirements: Requirements = dict("job_requirements", &requested.job_requirements)?;
    let timeline: Timeline = dict("hiring_timeline", &requested.hiring_timeline)?;
    let level = word("experience_level", ExperienceLevel::WORDS, &requested.experience_level)?;
    let job_type = word("job_type", JobType::WORDS, &requested.job_type)?;
    let skills: Vec<SkillAsked> = list("required_skills", &requested.required_skills)?;
    let places: Vec<String> = list("location_preferences", &requested.location_preferences)?;
    let sources: Vec<String> = list("candidate_sources", &requested.candidate_sources)?;
    let nice = requirements.nice_to_have_skills.iter().take(SKILLS_MAX);
    let date = |name, date: Option<String>| date.map(|date| named(name, Date::parse(&date))).transpose();
    let title = requirements.title.map(|title| title.trim().to_owned()).filter(|title| !title.is_empty());
    let openings = requirements.openings.unwrap_or(1);
    if !(1..=OPENINGS_MAX).contains(&openings) {
        return Err(format!("job_requirements.openings: {openings} is not 1 to {OPENINGS_MAX}"));
    }
    let plain = plain_terms(title.unwrap_or_else(|| "—".to_owned()), level, job_type);
    Ok(JobTerms {
        department: requirements.department,
        description: requirements.description,
        responsibilities: requirements.responsibilities,
        details: Document::new(requested.job_requirements.get().to_owned()),
        openings,
        required_skills: required(skills)?,
        nice_to_have_skills: nice
            .map(|name| named("nice_to_have_skills", Skill::parse(name)))
            .collect::<Result<_, _>>()?,
        remote_work_allowed: requested.remote_work_allowed,
        locations: places
            .iter()
            .map(|name| named("location_preferences", Place::parse(name)))
            .collect::<Result<_, _>>()?,
        salary: pay("salary_range", &requested.salary_range)?,
        budget: range("budget_range", &requested.budget_range)?.map(|(range, _)| range),
        start_by: date("start_by", timeline.start_by)?,
        fill_by: date("fill_by", timeline.fill_by)?,
        days_max: timeline.max_days,
        urgency: word("urgency_level", Urgency::WORDS, &requested.urgency_level)?,
        sources: sources
            .iter()
            .map(|source| word("candidate_sources", Source::WORDS, source))
            .collect::<Result<_, _>>()?,
        screening: Document::new(requested.screening_criteria.get().to_owned()),
        ..plain
    })
}

/// Each once; of more than can be matched, the first.
fn required(asked: Vec<SkillAsked>) -> Result<Vec<RequiredSkill>, String> {
    let mut required: Vec<RequiredSkill> = Vec::new();
    for one in asked {
        let (name, level, years) = match one {
            SkillAsked::Name(skill) => (skill, None, None),
            SkillAsked::Object { skill, level, years } => (skill, level, years),
        };
        let skill = named("required_skills", Skill::parse(&name))?;
        let level = level.map(|level| word("required_skills", SkillLevel::WORDS, &level)).transpose()?;
        let years = years.map(|years| u8::try_from(years).unwrap_or(YEARS_MAX).min(YEARS_MAX));
        if required.len() < SKILLS_MAX && !required.iter().any(|known| known.skill == skill) {
            required.push(RequiredSkill { skill, level, years });
        }
    }
    Ok(required)
}

fn pay(name: &str, told: &Dict) -> Result<Option<PayRange>, String> {
    let Some((range, period)) = range(name, told)? else { return Ok(None) };
    let period = period.map_or(Ok(Period::Year), |period| word(name, Period::WORDS, &period))?;
    Ok(Some(PayRange { range, period }))
}

/// Minor units count; a number alone is read as an exact decimal.
fn range(name: &str, told: &Dict) -> Result<Option<(MoneyRange, Option<String>)>, String> {
    let AmountRange { min, min_minor, max, max_minor, currency, period } = dict(name, told)?;
    if min.is_none() && min_minor.is_none() && max.is_none() && max_minor.is_none() {
        return Ok(None);
    }
    let currency = currency.map_or(Ok(Currency::USD), |code| named(name, Currency::parse(&code)))?;
    let minor = |minor: Option<i64>, number: Option<Box<RawValue>>| match (minor, number) {
        (Some(minor), _) => Ok(Some(minor)),
        (None, None) => Ok(None),
        (None, Some(number)) => {
            let amount = named(name, Amount::parse(number.get()))?;
            named(name, Money::from_amount(amount, currency)).map(|money| Some(money.minor()))
        }
    };
    let range = MoneyRange::new(minor(min_minor, min)?, minor(max_minor, max)?, currency);
    Ok(Some((named(name, range)?, period)))
}

fn named<T, E: Display>(name: &str, value: Result<T, E>) -> Result<T, String> {
    value.map_err(|error| format!("{name}: {error}"))
}

fn word<T: Copy>(name: &str, words: &[(&str, T)], told: &str) -> Result<T, String> {
    let found = words.iter().find(|(known, _)| *known == told).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let known = words.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        format!("{name}: {told} is none of {known}")
    })
}

fn dict<T: DeserializeOwned>(name: &str, told: &Dict) -> Result<T, String> {
    named(name, told.read())
}

fn list<T: DeserializeOwned>(name: &str, told: &List) -> Result<T, String> {
    named(name, told.read())
}
