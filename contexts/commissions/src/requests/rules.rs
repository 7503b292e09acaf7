//! Rules as they are drafted, and as they are kept: the same JSON.

use hexalpes_http::openapi::{Decimal, Percent, Positive};
use hexalpes_http::{Fields, FromFields, Invalid, Said, said, values};
use hexalpes_kernel::{Amount, Currency, Money, Rate};
use utoipa::ToSchema;

use crate::domain::{
    BANDS_MAX, Band, Basis, CampaignId, Conditions, Earns, Formula, Mode, Period, Program, ProgramId,
    RuleTerms, Tiers, TiersError,
};

const NAME_CHARS_MAX: usize = 100;
const WORD_CHARS_MAX: usize = 64;

/// As the document tells of [`RuleRequest`].
#[derive(ToSchema)]
#[schema(as = NewRule, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct RuleBody {
    #[schema(min_length = 1, max_length = 100, example = "Summer")]
    name: String,
    /// Else `default`.
    #[schema(max_length = 64)]
    program_id: Option<String>,
    /// `percentage`, `flat` or `tiered`.
    #[schema(rename = "type", pattern = "^(percentage|flat|tiered)$", example = "percentage")]
    kind: String,
    /// Of `percentage`.
    rate: Option<Percent>,
    /// Of `flat`.
    amount: Option<Positive>,
    /// Of `tiered`.
    tiers: Option<TiersBody>,
    /// ISO 4217: what amounts are in; the rule holds in it alone. Needed where there is an amount.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// The most that a conversion owes.
    cap: Option<Positive>,
    /// The least.
    floor: Option<Positive>,
    /// When the customer did it: from.
    #[schema(format = DateTime)]
    valid_from: Option<String>,
    /// Before.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    affiliate_type: Option<String>,
    #[schema(max_length = 64)]
    campaign_id: Option<String>,
    #[schema(max_length = 64)]
    product_id: Option<String>,
    /// ISO 3166-1 alpha-2, of the customer.
    country: Option<String>,
    new_customer: Option<bool>,
    /// `sale`, `lead`, `click` or `signup`.
    #[schema(pattern = "^(sale|lead|click|signup)$")]
    conversion_type: Option<String>,
}

/// As the document tells of [`TermsOfRuleRequest`]: a rule without its name and program.
#[derive(ToSchema)]
#[schema(as = RuleTerms, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct TermsOfRuleBody {
    #[schema(rename = "type", pattern = "^(percentage|flat|tiered)$", example = "percentage")]
    kind: String,
    rate: Option<Percent>,
    amount: Option<Positive>,
    tiers: Option<TiersBody>,
    currency: Option<String>,
    cap: Option<Positive>,
    floor: Option<Positive>,
    #[schema(format = DateTime)]
    valid_from: Option<String>,
    #[schema(format = DateTime)]
    valid_until: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    affiliate_type: Option<String>,
    #[schema(max_length = 64)]
    campaign_id: Option<String>,
    #[schema(max_length = 64)]
    product_id: Option<String>,
    country: Option<String>,
    new_customer: Option<bool>,
    #[schema(pattern = "^(sale|lead|click|signup)$")]
    conversion_type: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = Tiers, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct TiersBody {
    /// What is counted: `count` of sales, or their `amount`.
    #[schema(pattern = "^(count|amount)$")]
    basis: String,
    /// Whether a tier is for what lies in it (`marginal`), or the one that is reached for all (`retroactive`).
    #[schema(pattern = "^(marginal|retroactive)$")]
    mode: String,
    /// In UTC.
    #[schema(pattern = "^(day|month|quarter|all)$")]
    period: String,
    #[schema(min_items = 1, max_items = 20)]
    bands: Vec<BandBody>,
}

#[derive(ToSchema)]
#[schema(as = Tier, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct BandBody {
    /// The sale, or the amount in major units, from which it counts; 0 for the first.
    from: Decimal,
    rate: Option<Percent>,
    /// For each sale, by count alone.
    amount: Option<Positive>,
}

/// A rule to be drafted.
#[derive(Clone, Debug)]
pub(crate) struct RuleRequest {
    pub(crate) name: String,
    pub(crate) program: ProgramId,
    pub(crate) terms: RuleTerms,
}

impl FromFields for RuleRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name", |raw| values::text(raw, NAME_CHARS_MAX));
        let program = fields.optional("programId", |raw| values::id(raw, ProgramId::parse));
        let terms = terms(fields);
        let program = program?.unwrap_or_else(|| Program::default().id());
        Some(Self { name: name?, program, terms: terms? })
    }
}

/// A version to be drafted.
#[derive(Clone, Debug)]
pub(crate) struct TermsOfRuleRequest(pub(crate) RuleTerms);

impl FromFields for TermsOfRuleRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        terms(fields).map(Self)
    }
}

/// The terms as they are kept.
pub(crate) fn rule_terms(json: &str) -> Option<RuleTerms> {
    hexalpes_http::parse::<TermsOfRuleRequest>(json.as_bytes()).ok().map(|request| request.0)
}

/// As the document tells of [`ActivateRequest`].
#[derive(ToSchema)]
#[schema(as = ActivateRule, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct ActivateBody {
    /// Else the newest.
    #[schema(minimum = 1)]
    version: Option<u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct ActivateRequest(pub(crate) Option<u32>);

impl FromFields for ActivateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("version", version).map(Self)
    }
}

pub(crate) fn version(raw: &hexalpes_http::Raw) -> Result<u32, Invalid> {
    let version = values::integer_within(raw, 1, i64::from(u32::MAX))?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

#[derive(Clone, Copy)]
enum Kind {
    Percentage,
    Flat,
    Tiered,
}

const KINDS: [(&str, Kind); 3] =
    [("percentage", Kind::Percentage), ("flat", Kind::Flat), ("tiered", Kind::Tiered)];
const CONVERSIONS: [(&str, &str); 4] =
    [("sale", "sale"), ("lead", "lead"), ("click", "click"), ("signup", "signup")];

fn terms(fields: &mut Fields) -> Option<RuleTerms> {
    let kind = fields.required("type", |raw| values::one_of(raw, &KINDS));
    let rate = fields.optional("rate", values::percent);
    let amount = fields.optional("amount", values::positive);
    let tiers = fields.object("tiers", raw_tiers);
    let currency = fields.optional("currency", values::currency);
    let cap = fields.optional("cap", values::positive);
    let floor = fields.optional("floor", values::positive);
    let valid_from = fields.optional("validFrom", values::timestamp);
    let valid_until = fields.optional("validUntil", values::timestamp);
    let conditions = conditions(fields);
    let (kind, rate, amount, tiers) = (kind?, rate?, amount?, tiers?);
    let (currency, valid_from, valid_until) = (currency?, valid_from?, valid_until?);
    if let (Some(from), Some(until)) = (valid_from, valid_until)
        && until <= from
    {
        let why = said!("must be after validFrom", "debe ser posterior a validFrom");
        fields.refuse("validUntil", Invalid::new("contradiction", why));
        return None;
    }
    let formula = formula(fields, kind, rate, amount, tiers, currency)?;
    let (cap, floor) = (cap?, floor?);
    let cap = match cap {
        Some(cap) => Some(money(fields, "cap", cap, currency)?),
        None => None,
    };
    let floor = match floor {
        Some(floor) => Some(money(fields, "floor", floor, currency)?),
        None => None,
    };
    if let (Some(cap), Some(floor)) = (cap, floor)
        && floor.minor() > cap.minor()
    {
        let why = said!("must not be more than cap", "no debe ser mayor que cap");
        fields.refuse("floor", Invalid::new("contradiction", why));
        return None;
    }
    Some(RuleTerms { formula, currency, cap, floor, valid_from, valid_until, conditions: conditions? })
}

fn conditions(fields: &mut Fields) -> Option<Conditions> {
    let affiliate_type = fields.optional("affiliateType", |raw| values::text(raw, WORD_CHARS_MAX));
    let campaign = fields.optional("campaignId", |raw| values::id(raw, CampaignId::parse));
    let product = fields.optional("productId", |raw| values::text(raw, WORD_CHARS_MAX));
    let country = fields.optional("country", values::country);
    let new_customer = fields.optional("newCustomer", hexalpes_http::Raw::boolean);
    let kind = fields.optional("conversionType", |raw| values::one_of(raw, &CONVERSIONS));
    Some(Conditions {
        affiliate_type: affiliate_type?,
        campaign: campaign?,
        product: product?,
        country: country?,
        new_customer: new_customer?,
        kind: kind?.map(str::to_owned),
    })
}

fn formula(
    fields: &mut Fields,
    kind: Kind,
    rate: Option<Rate>,
    amount: Option<Amount>,
    tiers: Option<RawTiers>,
    currency: Option<Currency>,
) -> Option<Formula> {
    let given = [("rate", rate.is_some()), ("amount", amount.is_some()), ("tiers", tiers.is_some())];
    let wanted = match kind {
        Kind::Percentage => "rate",
        Kind::Flat => "amount",
        Kind::Tiered => "tiers",
    };
    for (name, is_given) in given {
        if name == wanted && !is_given {
            let why = said!("is missing for this type", "falta para este tipo");
            fields.refuse(name, Invalid::new("missing_field", why));
            return None;
        }
        if name != wanted && is_given {
            let why = said!("is not for this type", "no es para este tipo");
            fields.refuse(name, Invalid::new("contradiction", why));
            return None;
        }
    }
    match kind {
        Kind::Percentage => rate.map(Formula::Percentage),
        Kind::Flat => money(fields, "amount", amount?, currency).map(Formula::Flat),
        Kind::Tiered => tiered(fields, tiers?, currency).map(Formula::Tiered),
    }
}

/// An amount in the rule's currency, which must be said.
fn money(
    fields: &mut Fields,
    name: &'static str,
    amount: Amount,
    currency: Option<Currency>,
) -> Option<Money> {
    let Some(currency) = currency else {
        let why = said!("is missing: the rule has amounts", "falta: la regla tiene importes");
        fields.refuse("currency", Invalid::new("missing_field", why));
        return None;
    };
    values::money(amount, currency).map_err(|invalid| fields.refuse(name, invalid)).ok()
}

/// Tiers as they were read, before it is known in which currency.
struct RawTiers {
    basis: Basis,
    mode: Mode,
    period: Period,
    bands: Vec<(Amount, Option<Rate>, Option<Amount>)>,
}

fn raw_tiers(fields: &mut Fields) -> Option<RawTiers> {
    let bases = [("count", Basis::Count), ("amount", Basis::Amount)];
    let basis = fields.required("basis", |raw| values::one_of(raw, &bases));
    let modes = [("marginal", Mode::Marginal), ("retroactive", Mode::Retroactive)];
    let mode = fields.required("mode", |raw| values::one_of(raw, &modes));
    let period = fields.required("period", |raw| values::one_of(raw, &Period::ALL));
    let bands = fields.objects("bands", BANDS_MAX, |band| {
        let from = band.required("from", |raw| values::amount(raw.number()?));
        let rate = band.optional("rate", values::percent);
        let amount = band.optional("amount", values::positive);
        Some((from?, rate?, amount?))
    });
    let bands = bands?.or_else(|| {
        fields.refuse("bands", Invalid::new("missing_field", said!("is missing", "falta")));
        None
    });
    Some(RawTiers { basis: basis?, mode: mode?, period: period?, bands: bands? })
}

fn tiered(fields: &mut Fields, raw: RawTiers, currency: Option<Currency>) -> Option<Tiers> {
    let RawTiers { basis, mode, period, bands } = raw;
    let mut parsed = Vec::with_capacity(bands.len());
    for (from, rate, amount) in bands {
        let from = match basis {
            Basis::Amount => money(fields, "tiers", from, currency)?.minor(),
            Basis::Count if from.scale() == 0 => i64::try_from(from.mantissa()).ok().or_else(|| {
                fields.refuse("tiers", Invalid::new("too_large", TiersError::Order));
                None
            })?,
            Basis::Count => {
                let why = said!("begins between two sales", "empieza entre dos ventas");
                fields.refuse("tiers", Invalid::new("invalid_tiers", why));
                return None;
            }
        };
        let earns = match (rate, amount) {
            (Some(rate), None) => Earns::Rate(rate),
            (None, Some(amount)) => Earns::Flat(money(fields, "tiers", amount, currency)?),
            _ => {
                fields.refuse("tiers", Invalid::new("invalid_tiers", TiersError::Mixed));
                return None;
            }
        };
        parsed.push(Band { from, earns });
    }
    Tiers::new(basis, mode, period, parsed)
        .map_err(|error| fields.refuse("tiers", Invalid::new("invalid_tiers", error)))
        .ok()
}

impl From<TiersError> for Said {
    fn from(error: TiersError) -> Self {
        let spanish = match error {
            TiersError::Count => "debe tener de 1 a 20 tramos",
            TiersError::Beginning => "el primer tramo debe empezar en 0",
            TiersError::Order => "cada tramo debe empezar por encima del anterior",
            TiersError::Mixed => "o todos los tramos tienen rate, o todos tienen amount",
            TiersError::FlatByAmount => "los tramos por importe tienen rate",
            TiersError::Falling => "un tramo retroactivo no debe dar menos que el anterior",
        };
        Self::both(error.to_string(), spanish)
    }
}
