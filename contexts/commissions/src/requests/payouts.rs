//! What is asked for about payouts.

use axum::http::Uri;
use hexalpes_http::openapi::Decimal;
use hexalpes_http::{Fields, FromFields, Invalid, Raw, said, values};
use hexalpes_kernel::{Amount, Currency, IdError, Timestamp};
use iban::{Iban, IbanLike as _};
use utoipa::ToSchema;

use crate::domain::{Method, ProgramId, Schedule};

const REASON_CHARS_MAX: usize = 500;
/// Lines that one request may name.
const LINES_MAX: usize = 1_000;

/// As the document tells of [`WhatRequest`].
#[derive(ToSchema)]
#[schema(as = WhatToPay, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct WhatBody {
    /// Else `default`.
    program_id: Option<String>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `file` or `webhook`; else as the terms say. Partners whose contract names the other one are paid with another
    /// payout.
    #[schema(pattern = "^(file|webhook)$")]
    method: Option<String>,
}

/// What is to be paid, or looked at.
#[derive(Clone, Debug)]
pub(crate) struct WhatRequest {
    pub(crate) program: ProgramId,
    pub(crate) currency: Currency,
    pub(crate) method: Option<Method>,
}

impl FromFields for WhatRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let program = fields.optional("programId", |raw| values::id(raw, ProgramId::parse));
        let currency = fields.required("currency", values::currency);
        let method = fields.optional("method", |raw| values::one_of(raw, &Method::ALL));
        Some(Self {
            program: program?.map_or_else(default_program, Ok).ok()?,
            currency: currency?,
            method: method?,
        })
    }
}

fn default_program() -> Result<ProgramId, IdError> {
    ProgramId::parse("default")
}

/// As the document tells of [`LinesRequest`].
#[derive(ToSchema)]
#[schema(as = Lines)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct LinesBody {
    /// The numbers of the lines; without them all that are open.
    #[schema(min_items = 1, max_items = 1000)]
    lines: Option<Vec<u32>>,
}

#[derive(Clone, Debug)]
pub(crate) struct LinesRequest(pub(crate) Option<Vec<u32>>);

impl FromFields for LinesRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("lines", lines).map(Self)
    }
}

fn lines(raw: &Raw) -> Result<Vec<u32>, Invalid> {
    let number = |raw: &Raw| values::integer_within(raw, 1, i64::from(u32::MAX));
    let numbers = raw.items(LINES_MAX)?;
    let numbers =
        numbers.iter().map(|raw| number(raw).map(|number| u32::try_from(number).unwrap_or(u32::MAX)));
    numbers.collect()
}

/// As the document tells of [`FailRequest`].
#[derive(ToSchema)]
#[schema(as = FailLines)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct FailBody {
    /// The numbers of the lines; without them all that are open.
    #[schema(min_items = 1, max_items = 1000)]
    lines: Option<Vec<u32>>,
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

#[derive(Clone, Debug)]
pub(crate) struct FailRequest {
    pub(crate) lines: Option<Vec<u32>>,
    pub(crate) reason: String,
}

impl FromFields for FailRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let numbers = fields.optional("lines", lines);
        let reason = fields.required("reason", |raw| values::text(raw, REASON_CHARS_MAX));
        Some(Self { lines: numbers?, reason: reason? })
    }
}

/// As the document tells of [`PayRequest`].
#[derive(ToSchema)]
#[schema(as = Pago)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct PayBody {
    /// `file` or `webhook`; else as the terms of the program say.
    #[schema(pattern = "^(file|webhook)$")]
    metodo: Option<String>,
    /// Whether the money has left already, so that nothing else is to be done.
    liquidar: Option<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct PayRequest {
    pub(crate) method: Option<Method>,
    pub(crate) is_done: bool,
}

impl FromFields for PayRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let method = fields.optional("metodo", |raw| values::one_of(raw, &Method::ALL));
        let is_done = fields.optional("liquidar", Raw::boolean);
        Some(Self { method: method?, is_done: is_done?.unwrap_or(false) })
    }
}

/// As the document tells of [`TermsRequest`].
#[derive(ToSchema)]
#[schema(as = PayoutTerms)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct TermsBody {
    /// No line is below it; else 0.
    minimum: Option<Decimal>,
    /// `file` or `webhook`.
    #[schema(pattern = "^(file|webhook)$")]
    method: Option<String>,
    /// `manual`, `weekly` or `monthly`.
    #[schema(pattern = "^(manual|weekly|monthly)$")]
    schedule: Option<String>,
    /// Of the week, 1 is Monday; or of the month, 1 to 28. In UTC.
    #[schema(minimum = 1, maximum = 28)]
    day: Option<i64>,
    /// Where lines are sent to: http or https.
    #[schema(max_length = 2000, example = "https://bank.example/payouts")]
    endpoint: Option<String>,
}

/// The terms, without what the path says.
#[derive(Clone, Debug)]
pub(crate) struct TermsRequest {
    pub(crate) minimum: Option<Amount>,
    pub(crate) method: Method,
    pub(crate) schedule: Schedule,
    pub(crate) endpoint: Option<String>,
}

impl FromFields for TermsRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let minimum = fields.optional("minimum", |raw| {
            let amount = values::amount(raw.number()?)?;
            if amount.is_negative() {
                let why = said!("must not be negative", "no debe ser negativo");
                return Err(Invalid::new("negative", why));
            }
            Ok(amount)
        });
        let method = fields.optional("method", |raw| values::one_of(raw, &Method::ALL));
        let names = ["manual", "weekly", "monthly"].map(|name| (name, name));
        let schedule = fields.optional("schedule", |raw| values::one_of(raw, &names));
        let day = fields.optional("day", |raw| values::integer_within(raw, 1, 28));
        let endpoint = fields.optional("endpoint", endpoint);
        let (schedule, day) = (schedule?.unwrap_or("manual"), day?);
        let schedule = Schedule::of(schedule, day.and_then(|day| u8::try_from(day).ok()));
        if schedule.is_none() {
            let why = said!(
                "must be 1 to 7 for weekly (1 is Monday), 1 to 28 for monthly",
                "debe ser de 1 a 7 para weekly (1 es lunes), de 1 a 28 para monthly"
            );
            fields.refuse("day", Invalid::new("no_day", why));
        }
        let method = method?.unwrap_or(Method::File);
        let endpoint = endpoint?;
        if method == Method::Webhook && endpoint.is_none() {
            let why =
                said!("is missing: a webhook is sent somewhere", "falta: un webhook se envía a algún lugar");
            fields.refuse("endpoint", Invalid::new("missing_field", why));
            return None;
        }
        Some(Self { minimum: minimum?, method, schedule: schedule?, endpoint })
    }
}

fn endpoint(raw: &Raw) -> Result<String, Invalid> {
    let text = values::text(raw, 2_000)?;
    let parsed = text.parse::<Uri>().ok();
    let is_fine =
        parsed.is_some_and(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")));
    if is_fine {
        return Ok(text);
    }
    let why = said!("must be an address with http or https", "debe ser una dirección con http o https");
    Err(Invalid::new("invalid_url", why))
}

/// Whose account an ISO 20022 file takes the money from, and when.
#[derive(Clone, Debug)]
pub(crate) struct Debtor {
    pub(crate) name: String,
    pub(crate) iban: String,
    pub(crate) bic: Option<String>,
    /// Else the day on which the file is asked for.
    pub(crate) on: Option<Timestamp>,
}

impl FromFields for Debtor {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("debtorName", |raw| values::text(raw, 70));
        let iban = fields.required("debtorIban", iban);
        let bic = fields.optional("debtorBic", bic);
        let on = fields.optional("executionDate", |raw| {
            let day = raw.string()?;
            Timestamp::parse(&format!("{day}T00:00:00Z")).map_err(|_| {
                Invalid::new(
                    "invalid_day",
                    said!("must be a day such as 2025-01-15", "debe ser un día como 2025-01-15"),
                )
            })
        });
        Some(Self { name: name?, iban: iban?, bic: bic?, on: on? })
    }
}

fn iban(raw: &Raw) -> Result<String, Invalid> {
    let text: String = raw.string()?.chars().filter(|one| *one != ' ').collect();
    match text.parse::<Iban>() {
        Ok(iban) => Ok(iban.electronic_str().to_owned()),
        Err(_) => Err(Invalid::new(
            "invalid_iban",
            said!(
                "is no IBAN: its country, length or check digits are wrong",
                "no es un IBAN: su país, su longitud o sus dígitos de control no son correctos"
            ),
        )),
    }
}

/// As ISO 20022 writes it: who, the country, where, and perhaps the branch.
fn bic(raw: &Raw) -> Result<String, Invalid> {
    let text: String = raw.string()?.chars().filter(|one| *one != ' ').collect();
    let is_plain = text.bytes().all(|one| one.is_ascii_uppercase() || one.is_ascii_digit());
    let has_country = text.bytes().skip(4).take(2).all(|one| one.is_ascii_uppercase());
    if is_plain && has_country && matches!(text.len(), 8 | 11) {
        return Ok(text);
    }
    let why = said!(
        "must be a BIC of 8 or 11 capital letters and digits (ISO 9362)",
        "debe ser un BIC de 8 u 11 letras mayúsculas y cifras (ISO 9362)"
    );
    Err(Invalid::new("invalid_bic", why))
}
