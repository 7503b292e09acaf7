//! The terms of a contract as they are asked for, kept and answered: the same JSON.
//!
//! An amount stands beside its smallest units (`daily`, `daily_minor`), as it is answered; whoever gives both says the
//! same twice, or is refused.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_http::openapi::{Decimal, Percent, Positive};
use hexalpes_http::{Fields, FromFields, Invalid, Raw, Said, said, values};
use hexalpes_kernel::{Amount, Currency, Money, Rate};
use utoipa::ToSchema;

use crate::domain::{
    BudgetLimits, CommissionStructure, DURATION_DAYS_MAX, Formula, Frequency, HOLD_DAYS_MAX, Mode,
    PaymentMethod, PaymentTerms, Period, ServiceLevel, TIERS_MAX, Terms, TermsChanges, Tier, Tiers,
    TiersError,
};

const PERMISSIONS_MAX: usize = 50;
const FEATURES_MAX: usize = 50;
const WORD_CHARS_MAX: usize = 64;
const HOURS_MAX: i64 = 10_000;
const CAMPAIGNS_MAX: i64 = 1_000_000;

/// All terms of a contract.
#[derive(ToSchema)]
#[schema(as = NewContractTerms)]
pub(crate) struct TermsBody {
    /// Types of campaign: `SEARCH`, `SOCIAL`, `EMAIL`, `DISPLAY`, `AFFILIATE`, `VIDEO`, or `ALL`.
    #[schema(max_items = 50)]
    campaign_permissions: Vec<String>,
    budget_limits: BudgetBody,
    /// Names with true or false.
    feature_flags: BTreeMap<String, bool>,
    sla_terms: SlaBody,
    commission_structure: StructureBody,
    payment_terms: PaymentBody,
    #[schema(minimum = 1, maximum = 3650, example = 365)]
    duration_days: u32,
}

/// What is to become of the terms; what is missing stays.
#[derive(ToSchema)]
#[schema(as = ContractTermsChange)]
pub(crate) struct TermsChangesBody {
    #[schema(max_items = 50)]
    campaign_permissions: Option<Vec<String>>,
    budget_limits: Option<BudgetBody>,
    feature_flags: Option<BTreeMap<String, bool>>,
    sla_terms: Option<SlaBody>,
    commission_structure: Option<StructureBody>,
    payment_terms: Option<PaymentBody>,
    #[schema(minimum = 1, maximum = 3650)]
    duration_days: Option<u32>,
}

/// What campaigns may spend; what is missing is not limited.
#[derive(ToSchema)]
#[schema(as = NewBudgetLimits)]
pub(crate) struct BudgetBody {
    /// ISO 4217, of all amounts here.
    #[schema(example = "USD")]
    currency: String,
    #[schema(minimum = 0, maximum = 1_000_000)]
    max_campaigns: Option<u32>,
    max_campaign_budget: Option<Positive>,
    max_campaign_budget_minor: Option<i64>,
    max_daily_budget: Option<Positive>,
    max_daily_budget_minor: Option<i64>,
    max_total_budget: Option<Positive>,
    max_total_budget_minor: Option<i64>,
}

#[derive(ToSchema)]
#[schema(as = NewSlaTerms)]
pub(crate) struct SlaBody {
    #[schema(min_length = 1, max_length = 64, example = "8x5")]
    support: String,
    #[schema(minimum = 0, maximum = 10_000)]
    response_hours: u32,
    #[schema(minimum = 0, maximum = 10_000)]
    resolution_hours: u32,
    /// Of a month, in basis points.
    #[schema(minimum = 0, maximum = 10_000, example = 9950)]
    availability_bp: u32,
}

/// What a conversion earns: `percentage` with `rate`, `flat` with `amount`, or `tiered` with `tiers`, `mode`, `period`.
#[derive(ToSchema)]
#[schema(as = NewCommissionStructure)]
pub(crate) struct StructureBody {
    #[schema(pattern = "^(percentage|flat|tiered)$", example = "percentage")]
    kind: String,
    rate: Option<Percent>,
    amount: Option<Positive>,
    amount_minor: Option<i64>,
    /// ISO 4217: needed where there is an amount; it holds for conversions in it alone.
    currency: Option<String>,
    #[schema(min_items = 1, max_items = 20)]
    tiers: Option<Vec<TierBody>>,
    #[schema(pattern = "^(marginal|retroactive)$")]
    mode: Option<String>,
    #[schema(pattern = "^(day|month|quarter|all)$")]
    period: Option<String>,
    /// The most that a conversion earns.
    cap: Option<Positive>,
    cap_minor: Option<i64>,
    /// The least.
    floor: Option<Positive>,
    floor_minor: Option<i64>,
}

#[derive(ToSchema)]
#[schema(as = NewCommissionTier)]
pub(crate) struct TierBody {
    /// From which gross amount of the period on; 0 for the first.
    from: Decimal,
    from_minor: Option<i64>,
    rate: Percent,
}

#[derive(ToSchema)]
#[schema(as = NewPaymentTerms)]
pub(crate) struct PaymentBody {
    #[schema(example = "USD")]
    currency: String,
    /// How long a commission is held before it may be approved.
    #[schema(minimum = 0, maximum = 366)]
    hold_days: u32,
    /// After which what was approved is due.
    #[schema(minimum = 0, maximum = 366)]
    net_days: u32,
    #[schema(pattern = "^(file|webhook)$", example = "file")]
    method: String,
    #[schema(pattern = "^(MANUAL|WEEKLY|MONTHLY)$", example = "MONTHLY")]
    frequency: String,
}

/// All terms.
#[derive(Clone, Debug)]
pub(crate) struct TermsRequest(pub(crate) Terms);

impl FromFields for TermsRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let permissions = fields.required("campaign_permissions", permissions);
        let budget = fields.required_object("budget_limits", budget);
        let features = fields.required("feature_flags", features);
        let sla = fields.required_object("sla_terms", sla);
        let commission = fields.required_object("commission_structure", structure);
        let payment = fields.required_object("payment_terms", payment);
        let duration_days = fields.required("duration_days", |raw| whole(raw, 1, DURATION_DAYS_MAX.into()));
        Some(Self(Terms {
            permissions: permissions?,
            budget: budget?,
            features: features?,
            sla: sla?,
            commission: commission?,
            payment: payment?,
            duration_days: duration_days?,
        }))
    }
}

impl FromFields for TermsChanges {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let permissions = fields.optional("campaign_permissions", permissions);
        let budget = fields.object("budget_limits", budget);
        let features = fields.optional("feature_flags", features);
        let sla = fields.object("sla_terms", sla);
        let commission = fields.object("commission_structure", structure);
        let payment = fields.object("payment_terms", payment);
        let duration_days = fields.optional("duration_days", |raw| whole(raw, 1, DURATION_DAYS_MAX.into()));
        Some(Self {
            permissions: permissions?,
            budget: budget?,
            features: features?,
            sla: sla?,
            commission: commission?,
            payment: payment?,
            duration_days: duration_days?,
        })
    }
}

/// The terms as they are kept.
pub(crate) fn kept_terms(json: &str) -> Option<Terms> {
    hexalpes_http::parse::<TermsRequest>(json.as_bytes()).ok().map(|request| request.0)
}

fn whole(raw: &Raw, least: i64, most: i64) -> Result<u32, Invalid> {
    let number = values::integer_within(raw, least, most)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Capitals, digits and `_`.
fn word(raw: &Raw) -> Result<String, Invalid> {
    let word = values::text(raw, WORD_CHARS_MAX)?;
    if word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_') {
        return Ok(word);
    }
    let why = said!(
        "must be words in capitals of ASCII, such as SOCIAL",
        "debe contener palabras en mayúsculas de ASCII, como SOCIAL"
    );
    Err(Invalid::new("invalid_word", why))
}

fn permissions(raw: &Raw) -> Result<BTreeSet<String>, Invalid> {
    // Nothing may be allowed.
    if raw.text().starts_with('[') && raw.text()[1..].trim_start().starts_with(']') {
        return Ok(BTreeSet::new());
    }
    raw.items(PERMISSIONS_MAX)?.iter().map(word).collect()
}

fn features(raw: &Raw) -> Result<BTreeMap<String, bool>, Invalid> {
    let text = raw.object(usize::MAX)?;
    let flags: BTreeMap<String, bool> = serde_json::from_str(text).map_err(|_| {
        let why = said!("must be names with true or false", "debe contener nombres con true o false");
        Invalid::new("wrong_type", why)
    })?;
    let is_name = |name: &String| {
        (1..=WORD_CHARS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if flags.len() > FEATURES_MAX || !flags.keys().all(is_name) {
        let why = said!(
            "must have at most {FEATURES_MAX} names of 1 to {WORD_CHARS_MAX} visible ASCII characters",
            "debe tener a lo sumo {FEATURES_MAX} nombres de 1 a {WORD_CHARS_MAX} caracteres ASCII visibles"
        );
        return Err(Invalid::new("invalid_name", why));
    }
    Ok(flags)
}

/// An amount, and the same in smallest units, as they stand in the body.
struct Twice(Option<Amount>, Option<i64>);

fn twice(fields: &mut Fields, name: &'static str, minor: &'static str) -> Option<Twice> {
    let amount = fields.optional(name, values::positive);
    let minor = fields.optional(minor, Raw::integer);
    Some(Twice(amount?, minor?))
}

/// The amount in its currency, if there is one; none after an error.
#[expect(clippy::option_option, reason = "as the fields of a body are: wrong, missing, or there")]
fn money(
    fields: &mut Fields,
    name: &'static str,
    Twice(amount, minor): Twice,
    currency: Option<Currency>,
) -> Option<Option<Money>> {
    let Some(amount) = amount else {
        if minor.is_some() {
            fields.refuse(name, Invalid::new("missing_field", said!("is missing", "falta")));
            return None;
        }
        return Some(None);
    };
    let Some(currency) = currency else {
        let why = said!("is missing: there are amounts", "falta: hay importes");
        fields.refuse("currency", Invalid::new("missing_field", why));
        return None;
    };
    let money = values::money(amount, currency).map_err(|invalid| fields.refuse(name, invalid)).ok()?;
    if minor.is_some_and(|minor| minor != money.minor()) {
        fields.refuse(name, other_minor());
        return None;
    }
    Some(Some(money))
}

fn other_minor() -> Invalid {
    let why = said!("is another amount than its smallest units", "es otro importe que sus unidades mínimas");
    Invalid::new("contradiction", why)
}

fn budget(fields: &mut Fields) -> Option<BudgetLimits> {
    let currency = fields.required("currency", values::currency);
    let campaigns_max = fields.optional("max_campaigns", |raw| whole(raw, 0, CAMPAIGNS_MAX));
    let campaign = twice(fields, "max_campaign_budget", "max_campaign_budget_minor");
    let daily = twice(fields, "max_daily_budget", "max_daily_budget_minor");
    let total = twice(fields, "max_total_budget", "max_total_budget_minor");
    let currency = currency?;
    let campaign = money(fields, "max_campaign_budget", campaign?, Some(currency));
    let daily = money(fields, "max_daily_budget", daily?, Some(currency));
    let total = money(fields, "max_total_budget", total?, Some(currency));
    Some(BudgetLimits {
        currency,
        campaigns_max: campaigns_max?,
        campaign: campaign?,
        daily: daily?,
        total: total?,
    })
}

fn sla(fields: &mut Fields) -> Option<ServiceLevel> {
    let support = fields.required("support", |raw| values::text(raw, WORD_CHARS_MAX));
    let response_hours = fields.required("response_hours", |raw| whole(raw, 0, HOURS_MAX));
    let resolution_hours = fields.required("resolution_hours", |raw| whole(raw, 0, HOURS_MAX));
    let availability_bp = fields.required("availability_bp", |raw| whole(raw, 0, 10_000));
    Some(ServiceLevel {
        support: support?,
        response_hours: response_hours?,
        resolution_hours: resolution_hours?,
        availability_bp: availability_bp?,
    })
}

fn payment(fields: &mut Fields) -> Option<PaymentTerms> {
    let currency = fields.required("currency", values::currency);
    let hold_days = fields.required("hold_days", |raw| whole(raw, 0, HOLD_DAYS_MAX.into()));
    let net_days = fields.required("net_days", |raw| whole(raw, 0, HOLD_DAYS_MAX.into()));
    let method = fields.required("method", |raw| values::one_of(raw, &PaymentMethod::ALL));
    let frequency = fields.required("frequency", |raw| values::one_of(raw, &Frequency::ALL));
    Some(PaymentTerms {
        currency: currency?,
        hold_days: hold_days?,
        net_days: net_days?,
        method: method?,
        frequency: frequency?,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Percentage,
    Flat,
    Tiered,
}

const KINDS: [(&str, Kind); 3] =
    [("percentage", Kind::Percentage), ("flat", Kind::Flat), ("tiered", Kind::Tiered)];

fn structure(fields: &mut Fields) -> Option<CommissionStructure> {
    let kind = fields.required("kind", |raw| values::one_of(raw, &KINDS));
    let rate = fields.optional("rate", values::percent);
    let amount = twice(fields, "amount", "amount_minor");
    let currency = fields.optional("currency", values::currency);
    let tiers = fields.objects("tiers", TIERS_MAX, |tier| {
        let from = tier.required("from", |raw| values::amount(raw.number()?));
        let from_minor = tier.optional("from_minor", Raw::integer);
        let rate = tier.required("rate", values::percent);
        Some((Twice(Some(from?), from_minor?), rate?))
    });
    let mode = fields.optional("mode", |raw| values::one_of(raw, &Mode::ALL));
    let period = fields.optional("period", |raw| values::one_of(raw, &Period::ALL));
    let cap = twice(fields, "cap", "cap_minor");
    let floor = twice(fields, "floor", "floor_minor");
    let (kind, rate, currency, tiers, mode, period) = (kind?, rate?, currency?, tiers?, mode?, period?);
    let amount = money(fields, "amount", amount?, currency);
    let cap = money(fields, "cap", cap?, currency);
    let floor = money(fields, "floor", floor?, currency);
    let (amount, cap, floor) = (amount?, cap?, floor?);
    for (name, owner, is_given) in [
        ("rate", Kind::Percentage, rate.is_some()),
        ("amount", Kind::Flat, amount.is_some()),
        ("tiers", Kind::Tiered, tiers.is_some()),
        ("mode", Kind::Tiered, mode.is_some()),
        ("period", Kind::Tiered, period.is_some()),
    ] {
        if (owner == kind) != is_given {
            let (code, why) = if is_given {
                ("contradiction", said!("is not for this kind", "no es para este tipo"))
            } else {
                ("missing_field", said!("is missing for this kind", "falta para este tipo"))
            };
            fields.refuse(name, Invalid::new(code, why));
            return None;
        }
    }
    if let (Some(cap), Some(floor)) = (cap, floor)
        && floor.minor() > cap.minor()
    {
        let why = said!("must not be more than cap", "no debe ser mayor que cap");
        fields.refuse("floor", Invalid::new("contradiction", why));
        return None;
    }
    let formula = match kind {
        Kind::Percentage => Formula::Percentage(rate?),
        Kind::Flat => Formula::Flat(amount?),
        Kind::Tiered => Formula::Tiered(tiered(fields, mode?, period?, tiers?, currency)?),
    };
    Some(CommissionStructure { formula, currency, cap, floor })
}

fn tiered(
    fields: &mut Fields,
    mode: Mode,
    period: Period,
    raw: Vec<(Twice, Rate)>,
    currency: Option<Currency>,
) -> Option<Tiers> {
    let mut tiers = Vec::with_capacity(raw.len());
    for (from, rate) in raw {
        let from = money(fields, "tiers", from, currency)??;
        tiers.push(Tier { from, rate });
    }
    Tiers::new(mode, period, tiers)
        .map_err(|error| fields.refuse("tiers", Invalid::new("invalid_tiers", error)))
        .ok()
}

impl From<TiersError> for Said {
    fn from(error: TiersError) -> Self {
        let spanish = match error {
            TiersError::Count => "debe tener de 1 a 20 tramos",
            TiersError::Beginning => "el primer tramo debe empezar en 0",
            TiersError::Order => "cada tramo debe empezar por encima del anterior",
            TiersError::Falling => "un tramo retroactivo no debe dar menos que el anterior",
        };
        Self::both(error.to_string(), spanish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContractType, PartnerType};
    use crate::views::terms_json;

    #[test]
    fn terms_come_back_from_their_json_as_they_were() {
        for (_, contract) in ContractType::ALL {
            for (_, partner) in PartnerType::ALL {
                let terms = Terms::built_in(contract, partner);
                assert_eq!(kept_terms(terms_json(&terms).get()), Some(terms));
            }
        }
        let mut terms = Terms::built_in(ContractType::Standard, PartnerType::Empresa);
        terms.permissions.clear();
        terms.budget = BudgetLimits {
            currency: Currency::JPY,
            campaigns_max: None,
            campaign: None,
            daily: None,
            total: Some(Money::from_minor(7, Currency::JPY)),
        };
        terms.commission = CommissionStructure {
            formula: Formula::Flat(Money::from_minor(1_005, Currency::parse("KWD").unwrap())),
            currency: Some(Currency::parse("KWD").unwrap()),
            cap: Some(Money::from_minor(9_000, Currency::parse("KWD").unwrap())),
            floor: Some(Money::from_minor(1, Currency::parse("KWD").unwrap())),
        };
        assert_eq!(kept_terms(terms_json(&terms).get()), Some(terms));
    }

    #[test]
    fn a_structure_is_one_of_three_kinds_and_amounts_agree_with_themselves() {
        let of = |structure: &str| {
            let body = format!("{{\"commission_structure\":{structure}}}");
            let parsed = hexalpes_http::parse::<TermsChanges>(body.as_bytes());
            parsed.map_err(|problem| (problem.errors[0].pointer.clone(), problem.errors[0].code)).map(|_| ())
        };
        let at = |field: &str, code| Err((format!("/commission_structure/{field}"), code));
        assert_eq!(of(r#"{"kind":"percentage","rate":12.5}"#), Ok(()));
        assert_eq!(of(r#"{"kind":"percentage","amount":1,"currency":"USD"}"#), at("rate", "missing_field"));
        assert_eq!(of(r#"{"kind":"flat","amount":1}"#), at("currency", "missing_field"));
        assert_eq!(
            of(r#"{"kind":"flat","amount":1,"amount_minor":99,"currency":"USD"}"#),
            at("amount", "contradiction")
        );
        assert_eq!(of(r#"{"kind":"percentage","rate":101}"#), at("rate", "invalid_rate"));
        let tiers = r#"{"kind":"tiered","mode":"marginal","period":"month","currency":"USD","tiers":[{"from":5,"rate":1}]}"#;
        assert_eq!(of(tiers), at("tiers", "invalid_tiers"));
    }
}
