//! What others ask for, read into commands. Each body's schema for the document stands beside its parser.

#![allow(dead_code, reason = "the fields of a schema are read as a schema alone")]

use hexalpes_http::openapi::Positive;
use hexalpes_http::{Fields, FromFields, Invalid, Raw, said, values};
use hexalpes_kernel::{Amount, Currency, Edge, Timestamp};
use utoipa::ToSchema;

use crate::commands::{RecordConversion, RefundConversion, What, Who};
use crate::domain::{
    AffiliateCode, AffiliateId, CampaignId, ClickId, ConversionId, ExternalId, Kind, LineId, ProductId,
    ProgramId, RefundId, Slug, VisitorId,
};

/// So many conversions in one request.
pub(crate) const BATCH_MAX: usize = 1_000;
const LINES_MAX: usize = 200;
const REASON_CHARS_MAX: usize = 500;
/// What a shop's clock may be ahead.
const AHEAD_MAX: std::time::Duration = std::time::Duration::from_mins(5);

/// The words of this API for what a customer did (C-10).
pub(crate) const KINDS: [(&str, Kind); 4] =
    [("venta", Kind::Sale), ("prospecto", Kind::Lead), ("registro", Kind::Signup), ("clic", Kind::Click)];

/// A line of an order.
#[derive(ToSchema)]
#[schema(as = NuevaLinea)]
pub(crate) struct LineBody {
    #[schema(min_length = 1, max_length = 64)]
    linea_id: String,
    #[schema(min_length = 1, max_length = 64)]
    producto_id: Option<String>,
    importe: Positive,
}

/// What a customer did. Who brought them is `afiliado_id`, else whose `codigo` it is, else whose links were followed
/// by `visitante_id`, or by who did the click `clic_id`.
#[derive(ToSchema)]
#[schema(as = NuevaConversion)]
pub(crate) struct ConversionBody {
    #[schema(min_length = 1, max_length = 64)]
    afiliado_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    codigo: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    clic_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    visitante_id: Option<String>,
    /// `default` if it is missing.
    #[schema(min_length = 1, max_length = 64)]
    programa_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    campana_id: Option<String>,
    /// What the customer paid.
    valor_conversion: Positive,
    /// ISO 4217; the program's if it is missing.
    #[schema(example = "USD")]
    moneda: Option<String>,
    #[schema(pattern = "^(venta|prospecto|registro|clic)$", example = "venta")]
    tipo_conversion: String,
    /// What the shop calls it; the same one twice is the same conversion.
    #[schema(min_length = 1, max_length = 64)]
    referencia_externa: Option<String>,
    /// When it happened, if that is not now.
    #[schema(format = DateTime)]
    ocurrido_en: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    producto_id: Option<String>,
    /// ISO 3166-1 alpha-2, of the customer.
    #[schema(pattern = "^[A-Za-z]{2}$")]
    pais: Option<String>,
    /// Whether the customer bought for the first time.
    cliente_nuevo: Option<bool>,
    /// What the order consists of; the lines sum to the whole.
    #[schema(max_items = 200)]
    lineas: Option<Vec<LineBody>>,
}

#[derive(Clone, Debug)]
pub(crate) struct ConversionRequest {
    pub(crate) program: ProgramId,
    pub(crate) who: Who,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) kind: Kind,
    pub(crate) gross: Amount,
    pub(crate) currency: Option<Currency>,
    pub(crate) lines: Vec<(LineId, Option<ProductId>, Amount)>,
    pub(crate) product: Option<ProductId>,
    pub(crate) country: Option<String>,
    pub(crate) new_customer: Option<bool>,
    pub(crate) external: Option<ExternalId>,
    pub(crate) occurred_at: Option<Timestamp>,
}

impl FromFields for ConversionRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let affiliate = fields.optional("afiliado_id", |raw| values::id(raw, AffiliateId::parse));
        let code = fields.optional("codigo", code);
        let click = fields.optional("clic_id", |raw| values::id(raw, ClickId::parse));
        let visitor = fields.optional("visitante_id", |raw| values::id(raw, VisitorId::parse));
        let program = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let campaign = fields.optional("campana_id", |raw| values::id(raw, CampaignId::parse));
        let gross = fields.required("valor_conversion", values::positive);
        let currency = fields.optional("moneda", values::currency);
        let kind = fields.required("tipo_conversion", |raw| values::one_of(raw, &KINDS));
        let external = fields.optional("referencia_externa", |raw| values::id(raw, ExternalId::parse));
        let occurred_at = fields.optional("ocurrido_en", values::timestamp);
        let product = fields.optional("producto_id", |raw| values::id(raw, ProductId::parse));
        let country = fields.optional("pais", values::country);
        let new_customer = fields.optional("cliente_nuevo", Raw::boolean);
        let lines = fields.objects("lineas", LINES_MAX, line);
        let program = program?.unwrap_or(ProgramId::parse("default").expect("it is an id"));
        let who = Who { affiliate: affiliate?, code: code?, click: click?, visitor: visitor? };
        Some(Self {
            program,
            who,
            campaign: campaign?,
            kind: kind?,
            gross: gross?,
            currency: currency?,
            lines: lines?.unwrap_or_default(),
            product: product?,
            country: country?,
            new_customer: new_customer?,
            external: external?,
            occurred_at: occurred_at?,
        })
    }
}

fn line(fields: &mut Fields) -> Option<(LineId, Option<ProductId>, Amount)> {
    let id = fields.required("linea_id", |raw| values::id(raw, LineId::parse));
    let product = fields.optional("producto_id", |raw| values::id(raw, ProductId::parse));
    let amount = fields.required("importe", values::positive);
    Some((id?, product?, amount?))
}

impl ConversionRequest {
    pub(crate) fn into_command(self, edge: &dyn Edge) -> RecordConversion {
        let Self { program, who, campaign, kind, gross, currency, lines, .. } = self;
        let Self { product, country, new_customer, external, occurred_at, .. } = self;
        RecordConversion {
            id: ConversionId::new(edge.uuid()),
            program,
            who,
            campaign,
            kind,
            gross,
            currency,
            lines,
            product,
            country,
            new_customer,
            external,
            occurred_at,
            event: edge.uuid(),
        }
    }

    /// A conversion that has not happened yet is a shop's clock that is wrong.
    pub(crate) fn is_ahead_of(&self, now: Timestamp) -> Option<Invalid> {
        let latest = now.after(AHEAD_MAX);
        self.occurred_at.filter(|at| *at > latest).map(|_| {
            let why =
                said!("must not be in the future: it is {now}", "no debe estar en el futuro: son las {now}");
            Invalid::new("in_the_future", why)
        })
    }
}

/// Conversions that are recorded together, each for itself.
#[derive(ToSchema)]
#[schema(as = LoteConversiones)]
pub(crate) struct BatchBody {
    #[schema(min_items = 1, max_items = 1000)]
    conversiones: Vec<ConversionBody>,
}

/// Each conversion, or what is wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct BatchRequest(pub(crate) Vec<Result<ConversionRequest, Vec<hexalpes_http::FieldError>>>);

impl FromFields for BatchRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.each("conversiones", BATCH_MAX, ConversionRequest::from_fields).map(Self)
    }
}

/// A line of which money is given back; all that is left of it if no amount is said.
#[derive(ToSchema)]
#[schema(as = LineaReembolsada)]
pub(crate) struct RefundLineBody {
    #[schema(min_length = 1, max_length = 64)]
    linea_id: String,
    importe: Option<Positive>,
}

/// What is given back: `monto`, or `lineas`, or all that is left if neither is said.
#[derive(ToSchema)]
#[schema(as = NuevoReembolso)]
pub(crate) struct RefundBody {
    monto: Option<Positive>,
    #[schema(min_items = 1, max_items = 200)]
    lineas: Option<Vec<RefundLineBody>>,
    #[schema(min_length = 1, max_length = 500)]
    motivo: Option<String>,
    /// What the shop calls it; the same one twice is the same refund.
    #[schema(min_length = 1, max_length = 64)]
    referencia_externa: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct RefundRequest {
    pub(crate) what: What,
    pub(crate) reason: Option<String>,
    pub(crate) external: Option<ExternalId>,
}

impl FromFields for RefundRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let amount = fields.optional("monto", values::positive);
        let lines = fields.objects("lineas", LINES_MAX, |fields| {
            let id = fields.required("linea_id", |raw| values::id(raw, LineId::parse));
            let amount = fields.optional("importe", values::positive);
            Some((id?, amount?))
        });
        let reason = fields.optional("motivo", |raw| values::text(raw, REASON_CHARS_MAX));
        let external = fields.optional("referencia_externa", |raw| values::id(raw, ExternalId::parse));
        let what = match (amount?, lines?) {
            (None, None) => What::Rest,
            (Some(amount), None) => What::Amount(amount),
            (None, Some(lines)) => What::Lines(lines),
            (Some(_), Some(_)) => {
                let why = said!("give monto or lineas, not both", "indique monto o lineas, no ambos");
                fields.refuse("monto", Invalid::new("contradiction", why));
                return None;
            }
        };
        Some(Self { what, reason: reason?, external: external? })
    }
}

impl RefundRequest {
    pub(crate) fn into_command(self, conversion: ConversionId, edge: &dyn Edge) -> RefundConversion {
        let Self { what, reason, external } = self;
        RefundConversion {
            conversion,
            id: RefundId::new(edge.uuid()),
            what,
            reason,
            external,
            event: edge.uuid(),
        }
    }
}

/// Somebody followed a link, as a server tells it that does so itself.
#[derive(ToSchema)]
#[schema(as = NuevoClic)]
pub(crate) struct ClickBody {
    /// The last part of the link's address.
    #[schema(min_length = 1, max_length = 64)]
    codigo_enlace: String,
    /// Who clicks, if they came before; made if it is missing.
    #[schema(min_length = 1, max_length = 64)]
    visitante_id: Option<String>,
    #[schema(format = DateTime)]
    ocurrido_en: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ClickRequest {
    pub(crate) slug: Slug,
    pub(crate) visitor: Option<VisitorId>,
    pub(crate) occurred_at: Option<Timestamp>,
}

impl FromFields for ClickRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let slug = fields.required("codigo_enlace", |raw| values::id(raw, Slug::parse));
        let visitor = fields.optional("visitante_id", |raw| values::id(raw, VisitorId::parse));
        let occurred_at = fields.optional("ocurrido_en", values::timestamp);
        Some(Self { slug: slug?, visitor: visitor?, occurred_at: occurred_at? })
    }
}

/// Codes are the same in either case.
fn code(raw: &Raw) -> Result<AffiliateCode, Invalid> {
    values::opaque(&raw.string()?.to_ascii_uppercase(), AffiliateCode::parse)
}

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::*;

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<ConversionRequest, ConversionBody>(),
            differences::<BatchRequest, BatchBody>(),
            differences::<RefundRequest, RefundBody>(),
            differences::<ClickRequest, ClickBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }
}
