//! The parts of jobs, candidates and hires that are kept as JSON. The names here are the database's: they stay.

use hexalpes_db::DbError;
use hexalpes_kernel::{Currency, Money, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::domain::{
    Date, Document, Employment, EmploymentType, ExperienceLevel, HeldSkill, JobTerms, JobType, MoneyRange,
    Pay, PayRange, Period, Place, Profile, RequiredSkill, Shortlist, Skill, SkillLevel, Source, Stage,
    Urgency,
};

pub(super) fn written<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("names, texts and numbers are always JSON")
}

pub(super) fn read<T: DeserializeOwned>(column: &str, json: &str) -> Result<T, DbError> {
    serde_json::from_str(json).map_err(|_| DbError::column(column, "it is not the JSON that was written"))
}

#[derive(Serialize, Deserialize)]
struct SkillJson {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    years: Option<u8>,
}

impl SkillJson {
    fn of(skill: &Skill, level: Option<SkillLevel>, years: Option<u8>) -> Self {
        Self { name: skill.name().to_owned(), level: level.map(|level| level.name().to_owned()), years }
    }

    fn parts(&self) -> Option<(Skill, Option<SkillLevel>, Option<u8>)> {
        let level = all(self.level.as_deref(), SkillLevel::parse).ok()?;
        Some((Skill::parse(&self.name).ok()?, level, self.years))
    }
}

#[derive(Serialize, Deserialize)]
struct RangeJson {
    min: Option<i64>,
    max: Option<i64>,
    currency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<String>,
}

impl RangeJson {
    fn of(range: &MoneyRange, period: Option<Period>) -> Self {
        Self {
            min: range.min().map(Money::minor),
            max: range.max().map(Money::minor),
            currency: range.currency().to_string(),
            period: period.map(|period| period.name().to_owned()),
        }
    }

    fn range(&self) -> Option<MoneyRange> {
        MoneyRange::new(self.min, self.max, Currency::parse(&self.currency).ok()?).ok()
    }

    fn pay(&self) -> Option<PayRange> {
        Some(PayRange { range: self.range()?, period: Period::parse(self.period.as_deref()?)? })
    }
}

#[derive(Serialize, Deserialize)]
struct PayJson {
    minor: i64,
    currency: String,
    period: String,
}

impl PayJson {
    fn of(pay: Pay) -> Self {
        let (minor, currency) = (pay.money.minor(), pay.money.currency().to_string());
        Self { minor, currency, period: pay.period.name().to_owned() }
    }

    fn pay(&self) -> Option<Pay> {
        let money = Money::from_minor(self.minor, Currency::parse(&self.currency).ok()?);
        Some(Pay { money, period: Period::parse(&self.period)? })
    }
}

/// What a job asks for, less what has a column.
#[derive(Serialize, Deserialize)]
pub(super) struct TermsJson {
    title: String,
    department: Option<String>,
    description: Option<String>,
    responsibilities: Vec<String>,
    details: String,
    openings: u32,
    required: Vec<SkillJson>,
    nice: Vec<String>,
    remote: bool,
    locations: Vec<String>,
    salary: Option<RangeJson>,
    budget: Option<RangeJson>,
    start_by: Option<String>,
    fill_by: Option<String>,
    days_max: Option<u32>,
    sources: Vec<String>,
    screening: String,
    shortlist_size: u32,
    shortlist_minimum_bp: u32,
}

impl TermsJson {
    pub(super) fn of(terms: &JobTerms) -> Self {
        let skill = |it: &RequiredSkill| SkillJson::of(&it.skill, it.level, it.years);
        let date = |date: Option<Date>| date.map(|date| date.to_string());
        Self {
            title: terms.title.clone(),
            department: terms.department.clone(),
            description: terms.description.clone(),
            responsibilities: terms.responsibilities.clone(),
            details: terms.details.as_str().to_owned(),
            openings: terms.openings,
            required: terms.required_skills.iter().map(skill).collect(),
            nice: terms.nice_to_have_skills.iter().map(|skill| skill.name().to_owned()).collect(),
            remote: terms.remote_work_allowed,
            locations: names(&terms.locations),
            salary: terms.salary.as_ref().map(|pay| RangeJson::of(&pay.range, Some(pay.period))),
            budget: terms.budget.as_ref().map(|range| RangeJson::of(range, None)),
            start_by: date(terms.start_by),
            fill_by: date(terms.fill_by),
            days_max: terms.days_max,
            sources: terms.sources.iter().map(|source| source.name().to_owned()).collect(),
            screening: terms.screening.as_str().to_owned(),
            shortlist_size: terms.shortlist.size,
            shortlist_minimum_bp: terms.shortlist.minimum_bp,
        }
    }

    pub(super) fn terms(
        self,
        experience_level: ExperienceLevel,
        job_type: JobType,
        urgency: Urgency,
    ) -> Option<JobTerms> {
        let required = |json: &SkillJson| {
            let (skill, level, years) = json.parts()?;
            Some(RequiredSkill { skill, level, years })
        };
        let nice = self.nice.iter().map(|name| Skill::parse(name).ok());
        let sources = self.sources.iter().map(|word| Source::parse(word));
        Some(JobTerms {
            required_skills: self.required.iter().map(required).collect::<Option<_>>()?,
            nice_to_have_skills: nice.collect::<Option<_>>()?,
            locations: places(&self.locations)?,
            salary: all(self.salary, |json| json.pay()).ok()?,
            budget: all(self.budget, |json| json.range()).ok()?,
            start_by: all(self.start_by, |date| Date::parse(&date).ok()).ok()?,
            fill_by: all(self.fill_by, |date| Date::parse(&date).ok()).ok()?,
            sources: sources.collect::<Option<_>>()?,
            shortlist: Shortlist { size: self.shortlist_size, minimum_bp: self.shortlist_minimum_bp },
            title: self.title,
            department: self.department,
            description: self.description,
            responsibilities: self.responsibilities,
            details: Document::new(self.details),
            openings: self.openings,
            experience_level,
            job_type,
            remote_work_allowed: self.remote,
            days_max: self.days_max,
            urgency,
            screening: Document::new(self.screening),
        })
    }
}

/// What is said of a candidate, less what has a column.
#[derive(Serialize, Deserialize)]
pub(super) struct ProfileJson {
    skills: Vec<SkillJson>,
    years: Option<u8>,
    locations: Vec<String>,
    remote: bool,
    relocation: bool,
    pay: Option<PayJson>,
    job_types: Vec<String>,
    available_from: Option<String>,
    summary: Option<String>,
}

impl ProfileJson {
    pub(super) fn of(profile: &Profile) -> Self {
        let skill = |it: &HeldSkill| SkillJson::of(&it.skill, it.level, it.years);
        Self {
            skills: profile.skills.iter().map(skill).collect(),
            years: profile.experience_years,
            locations: names(&profile.locations),
            remote: profile.remote,
            relocation: profile.relocation,
            pay: profile.salary_expectation.map(PayJson::of),
            job_types: profile.job_types.iter().map(|kind| kind.name().to_owned()).collect(),
            available_from: profile.available_from.map(|date| date.to_string()),
            summary: profile.summary.clone(),
        }
    }

    /// Name, e-mail, phone and source are the columns'; here they are empty.
    pub(super) fn profile(self) -> Option<Profile> {
        let held = |json: &SkillJson| {
            let (skill, level, years) = json.parts()?;
            Some(HeldSkill { skill, years, level })
        };
        let job_types = self.job_types.iter().map(|word| JobType::parse(word));
        Some(Profile {
            name: String::new(),
            email: None,
            phone: None,
            skills: self.skills.iter().map(held).collect::<Option<_>>()?,
            experience_years: self.years,
            locations: places(&self.locations)?,
            remote: self.remote,
            relocation: self.relocation,
            salary_expectation: all(self.pay, |pay| pay.pay()).ok()?,
            job_types: job_types.collect::<Option<_>>()?,
            available_from: all(self.available_from, |date| Date::parse(&date).ok()).ok()?,
            source: Source::External,
            summary: self.summary,
        })
    }
}

/// What was offered or agreed.
#[derive(Serialize, Deserialize)]
pub(super) struct EmploymentJson {
    title: String,
    department: Option<String>,
    kind: String,
    start: String,
    salary: PayJson,
    benefits: String,
    location: Option<String>,
    remote: bool,
    probation_days: Option<u32>,
    end: Option<String>,
}

impl EmploymentJson {
    pub(super) fn of(employment: &Employment) -> Self {
        Self {
            title: employment.job_title.clone(),
            department: employment.department.clone(),
            kind: employment.employment_type.name().to_owned(),
            start: employment.start.to_string(),
            salary: PayJson::of(employment.salary),
            benefits: employment.benefits.as_str().to_owned(),
            location: employment.location.clone(),
            remote: employment.remote,
            probation_days: employment.probation_days,
            end: employment.end.map(|date| date.to_string()),
        }
    }

    pub(super) fn employment(self) -> Option<Employment> {
        Some(Employment {
            employment_type: EmploymentType::parse(&self.kind)?,
            start: Date::parse(&self.start).ok()?,
            salary: self.salary.pay()?,
            end: all(self.end, |date| Date::parse(&date).ok()).ok()?,
            job_title: self.title,
            department: self.department,
            benefits: Document::new(self.benefits),
            location: self.location,
            remote: self.remote,
            probation_days: self.probation_days,
        })
    }
}

/// A stage and when it was entered, in microseconds.
#[derive(Serialize, Deserialize)]
pub(super) struct StageJson(String, i64);

impl StageJson {
    pub(super) fn of(&(stage, at): &(Stage, Timestamp)) -> Self {
        Self(stage.name().to_owned(), at.as_micros())
    }

    pub(super) fn stage(&self) -> Option<(Stage, Timestamp)> {
        Some((Stage::parse(&self.0)?, Timestamp::from_micros(self.1)?))
    }
}

/// What is there does not parse.
struct Unreadable;

/// Nothing of nothing.
fn all<T, U>(value: Option<T>, parse: impl FnOnce(T) -> Option<U>) -> Result<Option<U>, Unreadable> {
    value.map(|value| parse(value).ok_or(Unreadable)).transpose()
}

fn names(places: &[Place]) -> Vec<String> {
    places.iter().map(|place| place.name().to_owned()).collect()
}

fn places(names: &[String]) -> Option<Vec<Place>> {
    names.iter().map(|name| Place::parse(name).ok()).collect()
}
