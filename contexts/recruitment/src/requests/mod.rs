//! What others ask for, read into commands. Each body's schema for the document stands beside its parser.

#![allow(dead_code, reason = "the fields of a schema are read as a schema alone")]

mod candidates;
mod jobs;
mod talks;

pub(crate) use candidates::{
    BatchBody, BatchRequest, CandidateBody, CandidateChangeBody, CandidateChangeRequest, CandidateRequest,
    MergeBody, MergeRequest, phone,
};
pub(crate) use jobs::{
    CostBody, CostRequest, JobBody, JobChangeBody, JobChangeRequest, JobRequest, ReasonBody, ReasonRequest,
    plain_terms,
};
pub(crate) use talks::{
    ApplicationBody, ApplicationRequest, FeedbackBody, FeedbackRequest, HireBody, HireRequest, InterviewBody,
    InterviewRequest, OfferBody, OfferRequest, StageBody, StageRequest,
};

use hexalpes_http::openapi::Decimal;
use hexalpes_http::{Fields, FromFields, Invalid, Problem, Raw, Said, said, values};
use hexalpes_kernel::Money;
use utoipa::ToSchema;

use crate::domain::{
    Date, DateError, Document, MoneyRange, Period, Place, RangeError, Skill, SkillLevel, WordError, YEARS_MAX,
};

const TITLE_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 4_000;
const REASON_CHARS_MAX: usize = 500;
const PLACES_MAX: usize = 20;
/// Objects whose content is the sender's.
const OBJECT_BYTES_MAX: usize = 16 * 1024;

/// A list that may be empty; what is wrong with one element is told with its index.
fn list<T>(
    raw: &Raw,
    items_max: usize,
    parse: impl Fn(&Raw) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    let text = raw.text();
    if text.starts_with('[') && text[1..text.len() - 1].trim().is_empty() {
        return Ok(Vec::new());
    }
    let items = raw.items(items_max)?;
    let parse = |(index, item): (usize, &Raw)| {
        parse(item).map_err(|invalid| Invalid {
            message: invalid.message.after(format_args!("[{index}]: ")),
            ..invalid
        })
    };
    items.iter().enumerate().map(parse).collect()
}

/// A skill, as an object; the text of its name alone will do.
#[derive(ToSchema)]
#[schema(as = NewSkill)]
pub(crate) struct SkillBody {
    #[schema(min_length = 1, max_length = 64, example = "Rust")]
    skill: String,
    #[schema(pattern = "^(BEGINNER|INTERMEDIATE|ADVANCED|EXPERT)$")]
    level: Option<String>,
    /// Of practice.
    #[schema(minimum = 0, maximum = 60)]
    years: Option<i64>,
}

struct SkillRequest {
    skill: Skill,
    level: Option<SkillLevel>,
    years: Option<u8>,
}

impl FromFields for SkillRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let skill = fields.required("skill", skill);
        let level = fields.optional("level", |raw| values::one_of(raw, SkillLevel::WORDS));
        let years = fields.optional("years", years);
        Some(Self { skill: skill?, level: level?, years: years? })
    }
}

fn skill_item(raw: &Raw) -> Result<SkillRequest, Invalid> {
    if !raw.text().starts_with('{') {
        return Ok(SkillRequest { skill: skill(raw)?, level: None, years: None });
    }
    hexalpes_http::parse(raw.text().as_bytes()).map_err(|problem: Problem| {
        let first = problem.errors.into_iter().next();
        first.map_or_else(
            || Invalid::new(problem.code, problem.detail),
            |error| Invalid::new(error.code, error.message.after(format_args!("{}: ", error.pointer))),
        )
    })
}

fn word(error: WordError) -> Invalid {
    Invalid::new("invalid_word", said!("{error}", "debe tener de 1 a 64 caracteres, con letras"))
}

fn skill(raw: &Raw) -> Result<Skill, Invalid> {
    Skill::parse(&raw.string()?).map_err(word)
}

fn place(raw: &Raw) -> Result<Place, Invalid> {
    Place::parse(&raw.string()?).map_err(word)
}

fn years(raw: &Raw) -> Result<u8, Invalid> {
    let years = values::integer_within(raw, 0, i64::from(YEARS_MAX))?;
    Ok(u8::try_from(years).expect("the range is within a byte"))
}

fn date(raw: &Raw) -> Result<Date, Invalid> {
    Date::parse(&raw.string()?).map_err(|error: DateError| {
        let spanish = "debe ser un día como en ISO 8601, por ejemplo 2025-02-01";
        Invalid::new("invalid_date", Said::both(error.to_string(), spanish))
    })
}

fn object(raw: &Raw) -> Result<Document, Invalid> {
    raw.object(OBJECT_BYTES_MAX).map(|json| Document::new(json.to_owned()))
}

fn count(raw: &Raw, least: u32, most: u32) -> Result<u32, Invalid> {
    let number = values::integer_within(raw, i64::from(least), i64::from(most))?;
    Ok(u32::try_from(number).expect("the range is within the type"))
}

/// From and to, in one currency.
#[derive(ToSchema)]
#[schema(as = NewRange)]
pub(crate) struct RangeBody {
    #[schema(value_type = Option<Decimal>)]
    min: Option<Decimal>,
    #[schema(value_type = Option<Decimal>)]
    max: Option<Decimal>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
}

/// As a range, for a time.
#[derive(ToSchema)]
#[schema(as = NewPayRange)]
pub(crate) struct PayRangeBody {
    min: Option<Decimal>,
    max: Option<Decimal>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `YEAR` if it is missing.
    #[schema(pattern = "^(YEAR|MONTH|HOUR)$")]
    period: Option<String>,
}

fn range(fields: &mut Fields) -> Option<MoneyRange> {
    let number = |raw: &Raw| values::amount(raw.number()?);
    let (min, max) = (fields.optional("min", number), fields.optional("max", number));
    let currency = fields.required("currency", values::currency);
    let (min, max, currency) = (min?, max?, currency?);
    let mut minor = |name: &'static str, amount: Option<_>| match amount {
        None => Some(None),
        Some(amount) => {
            let money = values::money(amount, currency).map_err(|invalid| fields.refuse(name, invalid));
            money.ok().map(Money::minor).map(Some)
        }
    };
    let (min, max) = (minor("min", min), minor("max", max));
    MoneyRange::new(min?, max?, currency).map_err(|error| fields.refuse("min", range_refusal(error))).ok()
}

fn range_refusal(error: RangeError) -> Invalid {
    match error {
        RangeError::Reversed => Invalid::new("reversed_range", said!("{error}", "min es mayor que max")),
        RangeError::Negative => {
            Invalid::new("negative_amount", said!("{error}", "uno de sus importes es negativo"))
        }
    }
}

fn period(fields: &mut Fields, name: &'static str) -> Option<Period> {
    let period = fields.optional(name, |raw| values::one_of(raw, Period::WORDS));
    Some(period?.unwrap_or(Period::Year))
}

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::*;

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<JobRequest, JobBody>(),
            differences::<JobChangeRequest, JobChangeBody>(),
            differences::<ReasonRequest, ReasonBody>(),
            differences::<CostRequest, CostBody>(),
            differences::<CandidateRequest, CandidateBody>(),
            differences::<CandidateChangeRequest, CandidateChangeBody>(),
            differences::<BatchRequest, BatchBody>(),
            differences::<MergeRequest, MergeBody>(),
            differences::<ApplicationRequest, ApplicationBody>(),
            differences::<StageRequest, StageBody>(),
            differences::<InterviewRequest, InterviewBody>(),
            differences::<FeedbackRequest, FeedbackBody>(),
            differences::<OfferRequest, OfferBody>(),
            differences::<HireRequest, HireBody>(),
            differences::<SkillRequest, SkillBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }
}
