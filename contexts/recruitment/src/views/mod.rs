//! Jobs, candidates and what becomes of them as JSON and CSV, with the seeds' field names.

mod candidates;
mod jobs;
mod talks;

pub(crate) use candidates::{CandidateView, RegisteredView};
pub(crate) use jobs::{CostView, JobView, MatchView, MatchedView};
pub(crate) use talks::{ApplicationView, HireView, InterviewView, OfferView};

use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::Money;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::{Document, MoneyRange, Pay, Period, Place, Skill, SkillLevel};

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Skill)]
pub(crate) struct SkillView {
    skill: String,
    level: Option<&'static str>,
    years: Option<u8>,
}

impl SkillView {
    fn of(skill: &Skill, level: Option<SkillLevel>, years: Option<u8>) -> Self {
        Self { skill: skill.name().to_owned(), level: level.map(SkillLevel::name), years }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Range)]
pub(crate) struct RangeView {
    #[schema(value_type = Option<Decimal>)]
    min: Option<Box<RawValue>>,
    min_minor: Option<i64>,
    #[schema(value_type = Option<Decimal>)]
    max: Option<Box<RawValue>>,
    max_minor: Option<i64>,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<&'static str>,
}

impl RangeView {
    fn of(range: &MoneyRange, period: Option<Period>) -> Self {
        let json = |money: Option<Money>| money.map(|money| money.amount().to_json());
        Self {
            min: json(range.min()),
            min_minor: range.min().map(Money::minor),
            max: json(range.max()),
            max_minor: range.max().map(Money::minor),
            currency: range.currency().code(),
            period: period.map(Period::name),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Pay)]
pub(crate) struct PayView {
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    currency: &'static str,
    period: &'static str,
}

impl From<Pay> for PayView {
    fn from(Pay { money, period }: Pay) -> Self {
        Self {
            amount: money.amount().to_json(),
            amount_minor: money.minor(),
            currency: money.currency().code(),
            period: period.name(),
        }
    }
}

/// An object as its sender wrote it.
fn kept(document: &Document) -> Box<RawValue> {
    let json = RawValue::from_string(document.as_str().to_owned());
    json.expect("only what was read as JSON is kept as a document")
}

fn names(places: &[Place]) -> Vec<String> {
    places.iter().map(|place| place.name().to_owned()).collect()
}

/// A cell of CSV.
fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
