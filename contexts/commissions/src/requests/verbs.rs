//! What is to be done with a commission, in the words of seed 4.

use hexalpes_http::openapi::Positive;
use hexalpes_http::{Fields, FromFields, values};
use hexalpes_kernel::{Amount, Timestamp};
use utoipa::ToSchema;

const REASON_CHARS_MAX: usize = 500;

/// As the document tells of [`ReasonRequest`].
#[derive(ToSchema)]
#[schema(as = Motivo)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct ReasonBody {
    #[schema(min_length = 1, max_length = 500, example = "el pedido era falso")]
    motivo: String,
}

/// Why something is done that needs a reason.
#[derive(Clone, Debug)]
pub(crate) struct ReasonRequest(pub(crate) String);

impl FromFields for ReasonRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.required("motivo", |raw| values::text(raw, REASON_CHARS_MAX)).map(Self)
    }
}

/// As the document tells of [`WhyRequest`].
#[derive(ToSchema)]
#[schema(as = MotivoOpcional)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct WhyBody {
    #[schema(min_length = 1, max_length = 500)]
    motivo: Option<String>,
}

/// Why something is done that needs no reason.
#[derive(Clone, Debug)]
pub(crate) struct WhyRequest(pub(crate) Option<String>);

impl FromFields for WhyRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("motivo", |raw| values::text(raw, REASON_CHARS_MAX)).map(Self)
    }
}

/// As the document tells of [`HoldRequest`].
#[derive(ToSchema)]
#[schema(as = Retencion)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct HoldBody {
    /// Until when; without it until it is released.
    #[schema(format = DateTime)]
    hasta: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    motivo: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct HoldRequest {
    pub(crate) until: Option<Timestamp>,
    pub(crate) reason: Option<String>,
}

impl FromFields for HoldRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let until = fields.optional("hasta", values::timestamp);
        let reason = fields.optional("motivo", |raw| values::text(raw, REASON_CHARS_MAX));
        Some(Self { until: until?, reason: reason? })
    }
}

/// As the document tells of [`ClawBackRequest`].
#[derive(ToSchema)]
#[schema(as = Recuperacion)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct ClawBackBody {
    /// In the commission's currency; without it all that is left.
    monto: Option<Positive>,
    #[schema(min_length = 1, max_length = 500)]
    motivo: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ClawBackRequest {
    pub(crate) amount: Option<Amount>,
    pub(crate) reason: String,
}

impl FromFields for ClawBackRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let amount = fields.optional("monto", values::positive);
        let reason = fields.required("motivo", |raw| values::text(raw, REASON_CHARS_MAX));
        Some(Self { amount: amount?, reason: reason? })
    }
}
