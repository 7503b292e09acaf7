//! What others ask for, read into commands. Each body's schema for the document stands beside its parser.

#![allow(dead_code, reason = "the fields of a schema are read as a schema alone")]

use hexalpes_http::openapi::{Decimal, Positive};
use hexalpes_http::{Change, FieldError, Fields, FromFields, Invalid, Raw, Said, said, values};
use hexalpes_kernel::{Amount, Currency, Timestamp, Uuid};
use utoipa::ToSchema;

use crate::commands::{CreateCampaign, NewBudget, NewPlan, NewResult, NewSpend, NewTargets, RESERVED, Verb};
use crate::domain::report::{Granularity, Period};
use crate::domain::{
    BudgetKind, CampaignId, CampaignType, Day, PartnerId, PlanChanges, ResultId, SpendId, Targets,
    Thresholds, ThresholdsError,
};

/// So many spends or results in one request.
pub(crate) const BATCH_MAX: usize = 1_000;
const BUDGETS_MAX: usize = 3;
const NAME_CHARS_MAX: usize = 200;
const CHANNEL_CHARS_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 500;
/// A day of nobody's campaign has more.
const COUNT_MAX: i64 = 1_000_000_000_000;
const PERIOD_DAYS_MAX: i64 = 366;

pub(crate) const TYPES: [(&str, CampaignType); 10] = {
    let mut words = [("", CampaignType::Search); 10];
    let mut index = 0;
    while index < words.len() {
        words[index] = (WORDS_OF_TYPES[index], CampaignType::ALL[index]);
        index += 1;
    }
    words
};
const WORDS_OF_TYPES: [&str; 10] = [
    "SEARCH",
    "SOCIAL",
    "EMAIL",
    "DISPLAY",
    "AFFILIATE",
    "VIDEO",
    "INFLUENCER",
    "CONTENT",
    "MOBILE",
    "EVENT",
];
pub(crate) const KINDS: [(&str, BudgetKind); 3] =
    [("DAILY", BudgetKind::Daily), ("TOTAL", BudgetKind::Total), ("LIFETIME", BudgetKind::Lifetime)];
pub(crate) const GRANULARITIES: [(&str, Granularity); 4] = [
    ("DAILY", Granularity::Daily),
    ("WEEKLY", Granularity::Weekly),
    ("MONTHLY", Granularity::Monthly),
    ("CUSTOM", Granularity::Custom),
];

/// What a campaign is to reach, from its first day to its last.
#[derive(ToSchema)]
#[schema(as = NewTargets)]
pub(crate) struct TargetsBody {
    #[schema(minimum = 1)]
    impressions: Option<i64>,
    #[schema(minimum = 1)]
    clicks: Option<i64>,
    #[schema(minimum = 1)]
    leads: Option<i64>,
    #[schema(minimum = 1)]
    conversions: Option<i64>,
    revenue: Option<Positive>,
    /// Percent: (revenue − spend) / spend.
    roi: Option<Positive>,
    /// Percent: clicks / impressions.
    ctr: Option<Positive>,
}

/// Shares of the limit in percent, rising; 80, 95 and 100 where nothing is said.
#[derive(ToSchema)]
#[schema(as = NewThresholds)]
pub(crate) struct ThresholdsBody {
    warning: Option<Positive>,
    critical: Option<Positive>,
    exhausted: Option<Positive>,
}

#[derive(ToSchema)]
#[schema(as = NewBudget)]
pub(crate) struct BudgetItemBody {
    #[schema(pattern = "^(DAILY|TOTAL|LIFETIME)$")]
    kind: String,
    limit: Positive,
    thresholds: Option<ThresholdsBody>,
}

/// A campaign to be drafted.
#[derive(ToSchema)]
#[schema(as = NewCampaign)]
pub(crate) struct CampaignBody {
    #[schema(min_length = 1, max_length = 64)]
    partner_id: String,
    #[schema(min_length = 1, max_length = 200, example = "Verano 2025")]
    name: String,
    #[schema(pattern = "^(SEARCH|SOCIAL|EMAIL|DISPLAY|AFFILIATE|VIDEO|INFLUENCER|CONTENT|MOBILE|EVENT)$")]
    campaign_type: String,
    #[schema(min_length = 1, max_length = 64, example = "instagram")]
    channel: String,
    /// The first day in UTC.
    #[schema(format = Date)]
    start_date: String,
    /// The last day in UTC.
    #[schema(format = Date)]
    end_date: String,
    /// ISO 4217; that of the contract's limits if it is missing.
    #[schema(example = "USD")]
    currency: Option<String>,
    targets: Option<TargetsBody>,
    /// One of each kind at most.
    #[schema(min_items = 1, max_items = 3)]
    budgets: Option<Vec<BudgetItemBody>>,
}

#[derive(Clone, Debug)]
pub(crate) struct CampaignRequest {
    partner: PartnerId,
    name: String,
    kind: CampaignType,
    channel: String,
    start: Day,
    end: Day,
    currency: Option<Currency>,
    targets: NewTargets,
    budgets: Vec<NewBudget>,
}

impl FromFields for CampaignRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.required("partner_id", |raw| values::id(raw, PartnerId::parse));
        let name = fields.required("name", |raw| values::text(raw, NAME_CHARS_MAX));
        let kind = fields.required("campaign_type", |raw| values::one_of(raw, &TYPES));
        let channel = fields.required("channel", |raw| values::text(raw, CHANNEL_CHARS_MAX));
        let start = fields.required("start_date", day);
        let end = fields.required("end_date", day);
        let currency = fields.optional("currency", values::currency);
        let targets = fields.object("targets", targets);
        let budgets = fields.objects("budgets", BUDGETS_MAX, |fields| {
            let kind = fields.required("kind", |raw| values::one_of(raw, &KINDS));
            let limit = fields.required("limit", values::positive);
            let thresholds = fields.object("thresholds", thresholds);
            Some(NewBudget { kind: kind?, limit: limit?, thresholds: thresholds?.unwrap_or_default() })
        });
        let budgets = budgets?.unwrap_or_default();
        for (index, budget) in budgets.iter().enumerate() {
            if budgets[..index].iter().any(|before| before.kind == budget.kind) {
                let why = said!("has two budgets of a kind", "tiene dos presupuestos del mismo tipo");
                fields.refuse("budgets", Invalid::new("duplicate_budget", why));
                return None;
            }
        }
        Some(Self {
            partner: partner?,
            name: name?,
            kind: kind?,
            channel: channel?,
            start: start?,
            end: end?,
            currency: currency?,
            targets: targets?.unwrap_or_default(),
            budgets,
        })
    }
}

impl CampaignRequest {
    pub(crate) fn into_command(self, id: Uuid) -> CreateCampaign {
        let Self { partner, name, kind, channel, start, end, currency, targets, budgets } = self;
        CreateCampaign { id, partner, kind, name, channel, currency, start, end, targets, budgets }
    }
}

fn targets(fields: &mut Fields) -> Option<NewTargets> {
    let count = |raw: &Raw| values::integer_within(raw, 1, COUNT_MAX);
    let impressions = fields.optional("impressions", count);
    let clicks = fields.optional("clicks", count);
    let leads = fields.optional("leads", count);
    let conversions = fields.optional("conversions", count);
    let revenue = fields.optional("revenue", values::positive);
    let roi = fields.optional("roi", percent);
    let ctr = fields.optional("ctr", percent);
    let targets = Targets {
        impressions: impressions?,
        clicks: clicks?,
        leads: leads?,
        conversions: conversions?,
        revenue: None,
        roi_percent: roi?,
        ctr_percent: ctr?,
    };
    Some(NewTargets { targets, revenue: revenue? })
}

/// A percentage above zero with four decimals at most; it may be more than a whole.
fn percent(raw: &Raw) -> Result<Amount, Invalid> {
    let amount = values::positive(raw)?;
    if amount.scale() > 4 {
        return Err(Invalid::new(
            "too_precise",
            said!("has more than 4 decimals", "tiene más de 4 decimales"),
        ));
    }
    if amount.mantissa() > 1_000_000 * 10_i128.pow(amount.scale()) {
        return Err(Invalid::new(
            "too_large",
            said!("must be at most 1000000 percent", "debe ser como máximo 1000000 por ciento"),
        ));
    }
    Ok(amount)
}

/// Percent with two decimals at most, in basis points.
fn basis_points(raw: &Raw) -> Result<i64, Invalid> {
    let amount = values::positive(raw)?;
    let bad = || {
        let why = said!(
            "must be a percentage above 0 and at most 1000, with 2 decimals at most",
            "debe ser un porcentaje mayor que 0 y como máximo 1000, con 2 decimales como máximo"
        );
        Invalid::new("invalid_threshold", why)
    };
    let missing = 2_u32.checked_sub(amount.scale()).ok_or_else(bad)?;
    let exact = amount.mantissa().checked_mul(10_i128.pow(missing)).ok_or_else(bad)?;
    i64::try_from(exact).map_err(|_| bad())
}

fn thresholds(fields: &mut Fields) -> Option<Thresholds> {
    let warning = fields.optional("warning", basis_points);
    let critical = fields.optional("critical", basis_points);
    let exhausted = fields.optional("exhausted", basis_points);
    let thresholds =
        Thresholds::of(warning?.unwrap_or(8_000), critical?.unwrap_or(9_500), exhausted?.unwrap_or(10_000));
    thresholds
        .map_err(|error| {
            let spanish = match error {
                ThresholdsError::OutOfRange => "deben ser mayores que 0 y como máximo 1000 por ciento",
                ThresholdsError::NotRising => "deben crecer de warning a critical y a exhausted",
            };
            fields.refuse(
                "warning",
                Invalid::new("invalid_thresholds", Said::both(error.to_string(), spanish)),
            );
        })
        .ok()
}

/// A day as in 2025-01-15, of the years 2000 to 2200.
pub(crate) fn day(raw: &Raw) -> Result<Day, Invalid> {
    let text = raw.string()?;
    let day = Day::parse(&text).ok().filter(|day| text.len() == 10 && (2000..=2200).contains(&day.month().0));
    day.ok_or_else(|| {
        let why = said!(
            "must be a day such as 2025-01-15, from 2000 to 2200",
            "debe ser un día como 2025-01-15, de 2000 a 2200"
        );
        Invalid::new("invalid_day", why)
    })
}

/// What is to become of a campaign; what is missing stays.
#[derive(ToSchema)]
#[schema(as = CampaignChanges)]
pub(crate) struct ChangeCampaignBody {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    channel: Option<String>,
    /// Until it has begun.
    #[schema(format = Date)]
    start_date: Option<String>,
    #[schema(format = Date)]
    end_date: Option<String>,
    /// All of them at once.
    targets: Option<TargetsBody>,
}

#[derive(Clone, Debug)]
pub(crate) struct ChangeRequest(pub(crate) Verb);

impl FromFields for ChangeRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.change("name", |raw| values::text(raw, NAME_CHARS_MAX));
        let channel = fields.change("channel", |raw| values::text(raw, CHANNEL_CHARS_MAX));
        let start = fields.change("start_date", day);
        let end = fields.change("end_date", day);
        let targets = fields.object("targets", targets);
        let name = kept(fields, "name", name?);
        let channel = kept(fields, "channel", channel?);
        let start = kept(fields, "start_date", start?);
        let end = kept(fields, "end_date", end?);
        let plan = PlanChanges { name: name?, channel: channel?, start: start?, end: end?, targets: None };
        Some(Self(Verb::Change(Box::new(NewPlan { plan, targets: targets? }))))
    }
}

/// A value that may be changed and not taken away.
#[expect(clippy::option_option, reason = "as the fields of a body: none after an error")]
fn kept<T>(fields: &mut Fields, name: &'static str, change: Change<T>) -> Option<Option<T>> {
    match change {
        Change::Keep => Some(None),
        Change::Set(value) => Some(Some(value)),
        Change::Clear => {
            let why = said!("cannot be taken away", "no se puede quitar");
            fields.refuse(name, Invalid::new("required", why));
            None
        }
    }
}

/// A budget of a campaign: made, or its next version.
#[derive(ToSchema)]
#[schema(as = SetBudget)]
pub(crate) struct SetBudgetBody {
    /// What is counted against it.
    #[schema(pattern = "^(DAILY|TOTAL|LIFETIME)$")]
    kind: String,
    limit: Positive,
    thresholds: Option<ThresholdsBody>,
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SetBudgetRequest {
    pub(crate) kind: BudgetKind,
    pub(crate) limit: Amount,
    pub(crate) thresholds: Option<Thresholds>,
    pub(crate) reason: Option<String>,
}

impl FromFields for SetBudgetRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let kind = fields.required("kind", |raw| values::one_of(raw, &KINDS));
        let limit = fields.required("limit", values::positive);
        let thresholds = fields.object("thresholds", thresholds);
        let reason = fields.optional("reason", |raw| values::text(raw, REASON_CHARS_MAX));
        Some(Self { kind: kind?, limit: limit?, thresholds: thresholds?, reason: reason? })
    }
}

/// What is to become of a budget; what is missing stays.
#[derive(ToSchema)]
#[schema(as = BudgetChanges)]
pub(crate) struct ChangeBudgetBody {
    limit: Option<Positive>,
    thresholds: Option<ThresholdsBody>,
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ChangeBudgetRequest {
    pub(crate) limit: Option<Amount>,
    pub(crate) thresholds: Option<Thresholds>,
    pub(crate) reason: Option<String>,
}

impl FromFields for ChangeBudgetRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let limit = fields.optional("limit", values::positive);
        let thresholds = fields.object("thresholds", thresholds);
        let reason = fields.optional("reason", |raw| values::text(raw, REASON_CHARS_MAX));
        Some(Self { limit: limit?, thresholds: thresholds?, reason: reason? })
    }
}

/// Money that was spent, or with `corrects` what an earlier spend really came to.
#[derive(ToSchema)]
#[schema(as = NewSpend)]
pub(crate) struct SpendBody {
    /// What whoever sends it calls it: the same one twice is the same spend.
    #[schema(min_length = 1, max_length = 64)]
    spend_id: String,
    /// More than zero; a correction may be zero.
    amount: Decimal,
    /// ISO 4217: the campaign's.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// When it was spent, if that is not now; the day in UTC is that to which it is counted.
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    /// The spend that this corrects.
    #[schema(min_length = 1, max_length = 64)]
    corrects: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    note: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SpendRequest(pub(crate) NewSpend);

impl FromFields for SpendRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.required("spend_id", |raw| values::id(raw, SpendId::parse));
        let amount = fields.required("amount", |raw| values::amount(raw.number()?));
        let currency = fields.optional("currency", values::currency);
        let occurred_at: Option<Option<Timestamp>> = fields.optional("occurred_at", values::timestamp);
        let corrects = fields.optional("corrects", |raw| values::id(raw, SpendId::parse));
        let note = fields.optional("note", |raw| values::text(raw, REASON_CHARS_MAX));
        Some(Self(NewSpend {
            id: id?,
            amount: amount?,
            currency: currency?,
            occurred_at: occurred_at?,
            corrects: corrects?,
            note: note?,
        }))
    }
}

/// Spend that is recorded together, each for itself.
#[derive(ToSchema)]
#[schema(as = SpendBatch)]
pub(crate) struct SpendBatchBody {
    #[schema(min_items = 1, max_items = 1000)]
    spend: Vec<SpendBody>,
}

/// Each spend, or what is wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct SpendBatchRequest(pub(crate) Vec<Result<SpendRequest, Vec<FieldError>>>);

impl FromFields for SpendBatchRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.each("spend", BATCH_MAX, SpendRequest::from_fields).map(Self)
    }
}

/// What happened on a day, more than what was told until now.
#[derive(ToSchema)]
#[schema(as = NewResult)]
pub(crate) struct ResultBody {
    /// What whoever sends it calls it: the same one twice are the same results.
    #[schema(min_length = 1, max_length = 64)]
    result_id: String,
    /// The day in UTC.
    #[schema(format = Date)]
    date: String,
    #[schema(minimum = 0)]
    impressions: Option<i64>,
    #[schema(minimum = 0)]
    clicks: Option<i64>,
    #[schema(minimum = 0)]
    leads: Option<i64>,
    #[schema(minimum = 0)]
    conversions: Option<i64>,
    revenue: Option<Decimal>,
    /// ISO 4217: the campaign's.
    #[schema(example = "USD")]
    currency: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ResultRequest(pub(crate) NewResult);

impl FromFields for ResultRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let count = |raw: &Raw| values::integer_within(raw, 0, COUNT_MAX);
        let id = fields.required("result_id", result_id);
        let day = fields.required("date", day);
        let impressions = fields.optional("impressions", count);
        let clicks = fields.optional("clicks", count);
        let leads = fields.optional("leads", count);
        let conversions = fields.optional("conversions", count);
        let revenue = fields.optional("revenue", |raw| {
            let amount = values::amount(raw.number()?)?;
            if amount.is_negative() {
                let why = said!("must not be below zero", "no debe ser menor que cero");
                return Err(Invalid::new("negative", why));
            }
            Ok(amount)
        });
        let currency = fields.optional("currency", values::currency);
        Some(Self(NewResult {
            id: id?,
            day: day?,
            impressions: impressions?.unwrap_or(0),
            clicks: clicks?.unwrap_or(0),
            leads: leads?.unwrap_or(0),
            conversions: conversions?.unwrap_or(0),
            revenue: revenue?,
            currency: currency?,
        }))
    }
}

fn result_id(raw: &Raw) -> Result<ResultId, Invalid> {
    let id = values::id(raw, ResultId::parse)?;
    if id.as_str().starts_with(RESERVED) {
        let why = said!("must not begin with {RESERVED}", "no debe empezar por {RESERVED}");
        return Err(Invalid::new("reserved", why));
    }
    Ok(id)
}

/// Results that are recorded together, each for itself.
#[derive(ToSchema)]
#[schema(as = ResultBatch)]
pub(crate) struct ResultBatchBody {
    #[schema(min_items = 1, max_items = 1000)]
    results: Vec<ResultBody>,
}

/// Each result, or what is wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct ResultBatchRequest(pub(crate) Vec<Result<ResultRequest, Vec<FieldError>>>);

impl FromFields for ResultBatchRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.each("results", BATCH_MAX, ResultRequest::from_fields).map(Self)
    }
}

/// A report to be made: of the last day, week or month that is over, or of the days from `start` until before `end`.
#[derive(ToSchema)]
#[schema(as = NewReport)]
pub(crate) struct ReportBody {
    #[schema(min_length = 1, max_length = 64)]
    campaign_id: String,
    /// `CUSTOM` if it is missing.
    #[schema(pattern = "^(DAILY|WEEKLY|MONTHLY|CUSTOM)$")]
    granularity: Option<String>,
    /// The first day in UTC, of `CUSTOM` alone.
    #[schema(format = Date)]
    start: Option<String>,
    /// The first day that is not in it, of `CUSTOM` alone.
    #[schema(format = Date)]
    end: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ReportRequest {
    pub(crate) campaign: CampaignId,
    pub(crate) granularity: Granularity,
    /// Where it does not follow from the calendar.
    pub(crate) period: Option<Period>,
}

impl FromFields for ReportRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let campaign = fields.required("campaign_id", |raw| values::id(raw, CampaignId::parse));
        let granularity = fields.optional("granularity", |raw| values::one_of(raw, &GRANULARITIES));
        let start = fields.optional("start", day);
        let end = fields.optional("end", day);
        let granularity = granularity?.unwrap_or(Granularity::Custom);
        let period = match (granularity, start?, end?) {
            (Granularity::Custom, Some(start), Some(end)) => {
                let period = Period { start, end };
                if !(1..=PERIOD_DAYS_MAX).contains(&period.days()) {
                    let why = said!(
                        "must be 1 to {PERIOD_DAYS_MAX} days after start",
                        "debe ser de 1 a {PERIOD_DAYS_MAX} días después de start"
                    );
                    fields.refuse("end", Invalid::new("invalid_period", why));
                    return None;
                }
                Some(period)
            }
            (Granularity::Custom, start, _) => {
                let missing = if start.is_none() { "start" } else { "end" };
                let why = said!(
                    "is missing: give start and end, or another granularity",
                    "falta: indique start y end, u otra granularity"
                );
                fields.refuse(missing, Invalid::new("missing_field", why));
                return None;
            }
            (_, None, None) => None,
            (_, start, _) => {
                let given = if start.is_some() { "start" } else { "end" };
                let why = said!("is for the granularity CUSTOM alone", "es solo para la granularity CUSTOM");
                fields.refuse(given, Invalid::new("contradiction", why));
                return None;
            }
        };
        Some(Self { campaign: campaign?, granularity, period })
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::*;

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<CampaignRequest, CampaignBody>(),
            differences::<ChangeRequest, ChangeCampaignBody>(),
            differences::<SetBudgetRequest, SetBudgetBody>(),
            differences::<ChangeBudgetRequest, ChangeBudgetBody>(),
            differences::<SpendRequest, SpendBody>(),
            differences::<SpendBatchRequest, SpendBatchBody>(),
            differences::<ResultRequest, ResultBody>(),
            differences::<ResultBatchRequest, ResultBatchBody>(),
            differences::<ReportRequest, ReportBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }

    #[test]
    fn words_and_types_stand_in_one_order() {
        assert!(TYPES.iter().all(|(word, kind)| *word == kind.name()));
    }
}
