//! What others ask for, read into commands. Each body's schema for the document stands beside its parser.

#![allow(dead_code, reason = "the fields of a schema are read as a schema alone")]

use std::time::Duration;

use hexalpes_http::openapi::Percent;
use hexalpes_http::{Change, Fields, FromFields, Invalid, Raw, Said, said, values};
use hexalpes_kernel::{Currency, Email, Rate};
use utoipa::ToSchema;

use crate::domain::{
    AffiliateChanges, AffiliateCode, Attribution, CampaignId, CodeError, Destination, DestinationError,
    PayoutDetails, PayoutError, ProgramId, ProgramStatus, Rates, Terms, TermsChanges,
};

const NAME_CHARS_MAX: usize = 200;
const KIND_CHARS_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 500;
const ACCOUNT_CHARS_MAX: usize = 64;
/// Ten years: what is meant is days, not for ever.
const SECONDS_MAX: i64 = 10 * 365 * 24 * 3600;

const ATTRIBUTIONS: [(&str, Attribution); 3] = [
    ("ultimo_clic", Attribution::LastClick),
    ("primer_clic", Attribution::FirstClick),
    ("explicito", Attribution::Explicit),
];
const PROGRAM_STATES: [(&str, ProgramStatus); 2] =
    [("ACTIVO", ProgramStatus::Active), ("CERRADO", ProgramStatus::Closed)];

/// The word of this API for a model of attribution.
pub(crate) fn attribution_word(attribution: Attribution) -> &'static str {
    word(&ATTRIBUTIONS, attribution)
}

/// The word of this API for a program's state.
pub(crate) fn program_state_word(status: ProgramStatus) -> &'static str {
    word(&PROGRAM_STATES, status)
}

fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, one)| *one == value).expect("every value has its word").0
}

/// Percentages by type of affiliate; what is missing is the program's.
#[derive(ToSchema)]
#[schema(as = ConfiguracionComisiones)]
pub(crate) struct RatesBody {
    /// For every type but `premium`.
    comision_base: Option<Percent>,
    /// For the type `premium`.
    comision_premium: Option<Percent>,
}

fn rates(fields: &mut Fields) -> Option<Rates> {
    let base = fields.optional("comision_base", values::percent);
    let premium = fields.optional("comision_premium", values::percent);
    Some(Rates { base: base?, premium: premium? })
}

/// An affiliate that joins a program.
#[derive(ToSchema)]
#[schema(as = NuevoAfiliado)]
pub(crate) struct RegisterBody {
    #[schema(min_length = 1, max_length = 200, example = "Juan Pérez")]
    nombre: String,
    #[schema(example = "juan@email.com", format = Email)]
    email: String,
    /// `premium`, or whatever the program calls its kinds.
    #[schema(min_length = 1, max_length = 64, example = "premium")]
    tipo_afiliado: String,
    configuracion_comisiones: Option<RatesBody>,
    /// `default` if it is missing.
    #[schema(min_length = 1, max_length = 64)]
    programa_id: Option<String>,
    /// What customers name the affiliate by, unique in the program; made if it is missing.
    #[schema(pattern = "^[A-Za-z0-9_-]{3,32}$")]
    codigo: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Za-z]{2}$", example = "CO")]
    pais: Option<String>,
    datos_pago: Option<PayoutBody>,
}

#[derive(Clone, Debug)]
pub(crate) struct RegisterRequest {
    pub(crate) program: ProgramId,
    pub(crate) name: String,
    pub(crate) email: Email,
    pub(crate) kind: String,
    pub(crate) rates: Rates,
    pub(crate) code: Option<AffiliateCode>,
    pub(crate) country: Option<String>,
    pub(crate) payout: Option<PayoutDetails>,
}

impl FromFields for RegisterRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("nombre", |raw| values::text(raw, NAME_CHARS_MAX));
        let email = fields.required("email", values::email);
        let kind = fields.required("tipo_afiliado", |raw| values::text(raw, KIND_CHARS_MAX));
        let rates = fields.object("configuracion_comisiones", rates);
        let program = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let code = fields.optional("codigo", code);
        let country = fields.optional("pais", values::country);
        let payout = fields.object("datos_pago", payout_details);
        Some(Self {
            program: program?.unwrap_or_else(ProgramId::default_program),
            name: name?,
            email: email?,
            kind: kind?,
            rates: rates?.unwrap_or_default(),
            code: code?,
            country: country?,
            payout: payout?,
        })
    }
}

/// What is to become of an affiliate; what is missing stays.
#[derive(ToSchema)]
#[schema(as = CambioAfiliado)]
pub(crate) struct ChangeAffiliateBody {
    #[schema(min_length = 1, max_length = 200)]
    nombre: Option<String>,
    #[schema(format = Email)]
    email: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    tipo_afiliado: Option<String>,
    /// Replaces both percentages, from now on.
    configuracion_comisiones: Option<RatesBody>,
    /// Null takes it away.
    #[schema(pattern = "^[A-Za-z]{2}$")]
    pais: Option<String>,
}

impl FromFields for AffiliateChanges {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("nombre", |raw| values::text(raw, NAME_CHARS_MAX));
        let email = fields.optional("email", values::email);
        let kind = fields.optional("tipo_afiliado", |raw| values::text(raw, KIND_CHARS_MAX));
        let rates = fields.object("configuracion_comisiones", rates);
        let country = fields.change("pais", values::country);
        let country = match country? {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(country) => Some(Some(country)),
        };
        Some(Self { name: name?, email: email?, kind: kind?, rates: rates?, country })
    }
}

/// Why something is done.
#[derive(ToSchema)]
#[schema(as = Motivo)]
pub(crate) struct ReasonBody {
    #[schema(min_length = 1, max_length = 500, example = "fraude en revisión")]
    motivo: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ReasonRequest(pub(crate) String);

impl FromFields for ReasonRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.required("motivo", |raw| values::text(raw, REASON_CHARS_MAX)).map(Self)
    }
}

/// Where to pay to: `iban` with `titular`, `iban` and perhaps `bic`; `cuenta` with `titular`, `banco`, `cuenta` and
/// `pais`; or `monedero` with `direccion`.
#[derive(ToSchema)]
#[schema(as = DatosPago)]
pub(crate) struct PayoutBody {
    #[schema(pattern = "^(iban|cuenta|monedero)$", example = "iban")]
    metodo: String,
    #[schema(min_length = 1, max_length = 200)]
    titular: Option<String>,
    #[schema(example = "ES9121000418450200051332")]
    iban: Option<String>,
    bic: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    banco: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    cuenta: Option<String>,
    #[schema(pattern = "^[A-Za-z]{2}$")]
    pais: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    direccion: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct PayoutRequest(pub(crate) PayoutDetails);

impl FromFields for PayoutRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        payout_details(fields).map(Self)
    }
}

#[derive(Clone, Copy)]
enum Method {
    Iban,
    Account,
    Wallet,
}

fn payout_details(fields: &mut Fields) -> Option<PayoutDetails> {
    let words = [("iban", Method::Iban), ("cuenta", Method::Account), ("monedero", Method::Wallet)];
    let method = fields.required("metodo", |raw| values::one_of(raw, &words));
    let text = |raw: &Raw| values::text(raw, NAME_CHARS_MAX);
    let holder = fields.optional("titular", text);
    let iban = fields.optional("iban", Raw::string);
    let bic = fields.optional("bic", Raw::string);
    let bank = fields.optional("banco", text);
    let account = fields.optional("cuenta", |raw| values::text(raw, ACCOUNT_CHARS_MAX));
    let country = fields.optional("pais", values::country);
    let address = fields.optional("direccion", text);
    let (method, holder, iban, bic) = (method?, holder?, iban?, bic?);
    let (bank, account, country, address) = (bank?, account?, country?, address?);
    let mut needed = |name: &'static str, value: Option<String>| {
        if value.is_none() {
            fields.refuse(name, Invalid::new("missing_field", said!("is missing", "falta")));
        }
        value
    };
    match method {
        Method::Iban => {
            let (holder, iban) = (needed("titular", holder), needed("iban", iban));
            let details = PayoutDetails::iban(holder?, &iban?, bic.as_deref());
            details.map_err(|error| fields.refuse(place_of(error), payout_refusal(error))).ok()
        }
        Method::Account => {
            let (holder, bank) = (needed("titular", holder), needed("banco", bank));
            let (account, country) = (needed("cuenta", account), needed("pais", country));
            Some(PayoutDetails::Account {
                holder: holder?,
                bank: bank?,
                account: account?,
                country: country?,
            })
        }
        Method::Wallet => needed("direccion", address).map(|address| PayoutDetails::Wallet { address }),
    }
}

fn place_of(error: PayoutError) -> &'static str {
    match error {
        PayoutError::Iban => "iban",
        PayoutError::Bic => "bic",
    }
}

fn payout_refusal(error: PayoutError) -> Invalid {
    match error {
        PayoutError::Iban => Invalid::new(
            "invalid_iban",
            said!("{error}", "no es un IBAN: su país, su longitud o sus dígitos de control no son correctos"),
        ),
        PayoutError::Bic => Invalid::new(
            "invalid_bic",
            said!("{error}", "debe ser un BIC de 8 u 11 letras y cifras (ISO 9362)"),
        ),
    }
}

/// A link to be made.
#[derive(ToSchema)]
#[schema(as = NuevoEnlace)]
pub(crate) struct LinkBody {
    /// Where it leads: http or https.
    #[schema(example = "https://example.com/zapatos")]
    destino: String,
    #[schema(min_length = 1, max_length = 64)]
    campana_id: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct LinkRequest {
    pub(crate) destination: Destination,
    pub(crate) campaign: Option<CampaignId>,
}

impl FromFields for LinkRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let destination = fields.required("destino", |raw| {
            Destination::parse(&raw.string()?).map_err(|error: DestinationError| {
                let spanish = "debe ser una dirección como https://example.com/pagina, con http o https, de a lo \
                               sumo 2000 caracteres";
                Invalid::new("invalid_destination", Said::both(error.to_string(), spanish))
            })
        });
        let campaign = fields.optional("campana_id", |raw| values::id(raw, CampaignId::parse));
        Some(Self { destination: destination?, campaign: campaign? })
    }
}

/// A program; what is missing is as in the program `default`.
#[derive(ToSchema)]
#[schema(as = NuevoPrograma)]
pub(crate) struct CreateProgramBody {
    /// Made if it is missing.
    #[schema(min_length = 1, max_length = 64)]
    programa_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, example = "Zapatos de verano")]
    nombre: String,
    /// ISO 4217; it cannot be changed later.
    #[schema(example = "USD")]
    moneda: Option<String>,
    /// Percent.
    comision_por_defecto: Option<Percent>,
    /// How long a commission is held before it may be approved.
    #[schema(minimum = 0, maximum = 315_360_000)]
    retencion_segundos: Option<i64>,
    aprobacion_automatica: Option<bool>,
    #[schema(pattern = "^(ultimo_clic|primer_clic|explicito)$")]
    atribucion: Option<String>,
    /// For how long a click counts.
    #[schema(minimum = 0, maximum = 315_360_000)]
    ventana_atribucion_segundos: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct CreateProgramRequest {
    pub(crate) id: Option<ProgramId>,
    pub(crate) terms: Terms,
}

impl FromFields for CreateProgramRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let name = fields.required("nombre", |raw| values::text(raw, NAME_CHARS_MAX));
        let currency: Option<Option<Currency>> = fields.optional("moneda", values::currency);
        let TermsFields { rate, hold, auto_approve, attribution, window } = terms_fields(fields)?;
        let built_in = Terms::default();
        let terms = Terms {
            name: name?,
            currency: currency?.unwrap_or(built_in.currency),
            default_rate: rate.unwrap_or(built_in.default_rate),
            hold: hold.unwrap_or(built_in.hold),
            auto_approve: auto_approve.unwrap_or(built_in.auto_approve),
            attribution: attribution.unwrap_or(built_in.attribution),
            attribution_window: window.unwrap_or(built_in.attribution_window),
        };
        Some(Self { id: id?, terms })
    }
}

/// What is to become of a program; what is missing stays. The currency cannot be changed.
#[derive(ToSchema)]
#[schema(as = CambioPrograma)]
pub(crate) struct ChangeProgramBody {
    #[schema(min_length = 1, max_length = 200)]
    nombre: Option<String>,
    comision_por_defecto: Option<Percent>,
    #[schema(minimum = 0, maximum = 315_360_000)]
    retencion_segundos: Option<i64>,
    aprobacion_automatica: Option<bool>,
    #[schema(pattern = "^(ultimo_clic|primer_clic|explicito)$")]
    atribucion: Option<String>,
    #[schema(minimum = 0, maximum = 315_360_000)]
    ventana_atribucion_segundos: Option<i64>,
    #[schema(pattern = "^(ACTIVO|CERRADO)$")]
    estado: Option<String>,
}

impl FromFields for TermsChanges {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("nombre", |raw| values::text(raw, NAME_CHARS_MAX));
        let terms = terms_fields(fields);
        let status = fields.optional("estado", |raw| values::one_of(raw, &PROGRAM_STATES));
        let TermsFields { rate, hold, auto_approve, attribution, window } = terms?;
        Some(Self {
            name: name?,
            default_rate: rate,
            hold,
            auto_approve,
            attribution,
            attribution_window: window,
            status: status?,
        })
    }
}

struct TermsFields {
    rate: Option<Rate>,
    hold: Option<Duration>,
    auto_approve: Option<bool>,
    attribution: Option<Attribution>,
    window: Option<Duration>,
}

fn terms_fields(fields: &mut Fields) -> Option<TermsFields> {
    let rate = fields.optional("comision_por_defecto", values::percent);
    let hold = fields.optional("retencion_segundos", seconds);
    let auto_approve = fields.optional("aprobacion_automatica", Raw::boolean);
    let attribution = fields.optional("atribucion", |raw| values::one_of(raw, &ATTRIBUTIONS));
    let window = fields.optional("ventana_atribucion_segundos", seconds);
    Some(TermsFields {
        rate: rate?,
        hold: hold?,
        auto_approve: auto_approve?,
        attribution: attribution?,
        window: window?,
    })
}

fn seconds(raw: &Raw) -> Result<Duration, Invalid> {
    let seconds = values::integer_within(raw, 0, SECONDS_MAX)?;
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}

pub(crate) fn code(raw: &Raw) -> Result<AffiliateCode, Invalid> {
    AffiliateCode::parse(&raw.string()?).map_err(|error: CodeError| {
        let spanish = "debe tener de 3 a 32 letras, cifras, - o _ de ASCII";
        Invalid::new("invalid_code", Said::both(error.to_string(), spanish))
    })
}

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::*;

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<RegisterRequest, RegisterBody>(),
            differences::<AffiliateChanges, ChangeAffiliateBody>(),
            differences::<ReasonRequest, ReasonBody>(),
            differences::<PayoutRequest, PayoutBody>(),
            differences::<LinkRequest, LinkBody>(),
            differences::<CreateProgramRequest, CreateProgramBody>(),
            differences::<TermsChanges, ChangeProgramBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }
}
