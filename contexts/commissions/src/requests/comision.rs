//! `POST /api/v1/comisiones`, in the words of seed 4.

use hexalpes_http::openapi::{Percent, Positive};
use hexalpes_http::{Fields, FromFields, Invalid, said, values};
use hexalpes_kernel::Edge;
use utoipa::ToSchema;

use crate::commands::{About, Agreement, CalculateCommission, Wanted};
use crate::domain::{AffiliateId, CampaignId, ConversionId, Origin, ProgramId, Told};

/// As the document tells of [`ComisionRequest`].
#[derive(ToSchema)]
#[schema(as = NuevaComision)]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct ComisionBody {
    #[schema(max_length = 64, example = "af_123")]
    afiliado_id: String,
    #[schema(max_length = 64, example = "conv_456")]
    conversion_id: String,
    /// `porcentual` or `fija`.
    #[schema(pattern = "^(porcentual|fija)$", example = "porcentual")]
    tipo_comision: String,
    /// Of `porcentual`; else what the rules, the affiliate or the program say.
    porcentaje: Option<Percent>,
    /// Of `fija`, which needs it.
    monto_fijo: Option<Positive>,
    /// What the customer paid; without it the conversion is to be known already, or soon.
    valor_conversion: Option<Positive>,
    /// ISO 4217; else the program's.
    #[schema(example = "USD")]
    moneda: Option<String>,
    #[schema(max_length = 64)]
    campana_id: Option<String>,
    /// Else the affiliate's.
    #[schema(max_length = 64)]
    programa_id: Option<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    Percentage,
    Flat,
}

#[derive(Clone, Debug)]
pub(crate) struct ComisionRequest {
    pub(crate) conversion: Told,
    pub(crate) program: Option<ProgramId>,
    pub(crate) wanted: Option<Wanted>,
}

impl FromFields for ComisionRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let affiliate = fields.required("afiliado_id", |raw| values::id(raw, AffiliateId::parse));
        let conversion = fields.required("conversion_id", |raw| values::id(raw, ConversionId::parse));
        let kinds = [("porcentual", Kind::Percentage), ("fija", Kind::Flat)];
        let kind = fields.required("tipo_comision", |raw| values::one_of(raw, &kinds));
        let rate = fields.optional("porcentaje", values::percent);
        let flat = fields.optional("monto_fijo", values::positive);
        let gross = fields.optional("valor_conversion", values::positive);
        let currency = fields.optional("moneda", values::currency);
        let campaign = fields.optional("campana_id", |raw| values::id(raw, CampaignId::parse));
        let program = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let wanted = match (kind?, rate?, flat?) {
            (Kind::Percentage, rate, None) => Some(rate.map(Wanted::Percentage)),
            (Kind::Flat, None, Some(amount)) => Some(Some(Wanted::Flat(amount))),
            (Kind::Flat, None, None) => {
                let why = said!("is missing: tipo_comision is fija", "falta: tipo_comision es fija");
                fields.refuse("monto_fijo", Invalid::new("missing_field", why));
                None
            }
            (Kind::Percentage, _, Some(_)) => {
                let why = said!("is for tipo_comision fija alone", "es solo para tipo_comision fija");
                fields.refuse("monto_fijo", Invalid::new("contradiction", why));
                None
            }
            (Kind::Flat, Some(_), _) => {
                let why =
                    said!("is for tipo_comision porcentual alone", "es solo para tipo_comision porcentual");
                fields.refuse("porcentaje", Invalid::new("contradiction", why));
                None
            }
        };
        let (gross, currency) = (gross?, currency?);
        if let (Some(gross), Some(currency)) = (gross, currency) {
            values::money(gross, currency)
                .map_err(|invalid| fields.refuse("valor_conversion", invalid))
                .ok()?;
        }
        let conversion =
            Told { id: conversion?, affiliate: affiliate?, campaign: campaign?, gross, currency };
        Some(Self { conversion, program: program?, wanted: wanted? })
    }
}

impl ComisionRequest {
    pub(crate) fn into_command(self, edge: &dyn Edge) -> CalculateCommission {
        let Self { conversion, program, wanted } = self;
        let agreement = Agreement::Newest { program };
        super::calculate(conversion, agreement, About::default(), wanted, Origin::Request, edge)
    }
}
