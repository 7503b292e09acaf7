//! Conversions, refunds, clicks and metrics as JSON, with the words of seed 4.

use axum::http::StatusCode;
use hexalpes_http::openapi::Decimal;
use hexalpes_http::{Answer, Record};
use hexalpes_kernel::{Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::commands::{Recording, RefundOutcome};
use crate::domain::{Attribution, Conversion, Found, Kind, Refund, State, Stored};
use crate::requests::KINDS;

/// How the affiliate was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Atribucion)]
pub(crate) struct AttributionView {
    /// `explicito`, `codigo`, `ultimo_clic` or `primer_clic`.
    modo: &'static str,
    /// The click that counted.
    clic_id: Option<String>,
    /// Of so many clicks within the program's window.
    clics_considerados: usize,
    /// The same as a sentence, in Spanish and in English.
    motivo: String,
    reason: String,
}

impl AttributionView {
    pub(crate) fn of(attribution: &Attribution) -> Self {
        let (modo, clic_id, clics_considerados, motivo, reason) = match &attribution.found {
            Found::Explicit => (
                "explicito",
                None,
                0,
                "la conversión nombra al afiliado".to_owned(),
                "the conversion names the affiliate".to_owned(),
            ),
            Found::Code => (
                "codigo",
                None,
                0,
                "el cliente dio el código del afiliado".to_owned(),
                "the customer gave the affiliate's code".to_owned(),
            ),
            Found::Click { model, click, of } => {
                let is_last = model.name() == "last_click";
                let (word, which, de) = if is_last {
                    ("ultimo_clic", "the last", "el último")
                } else {
                    ("primer_clic", "the first", "el primero")
                };
                (
                    word,
                    Some(click.to_string()),
                    *of,
                    format!("el clic {click} fue {de} de {of} dentro de la ventana del programa"),
                    format!("click {click} was {which} of {of} within the program's window"),
                )
            }
        };
        Self { modo, clic_id, clics_considerados, motivo, reason }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Linea)]
pub(crate) struct LineView {
    linea_id: String,
    producto_id: Option<String>,
    #[schema(value_type = Decimal)]
    importe: Box<RawValue>,
    importe_minor: i64,
    #[schema(value_type = Decimal)]
    reembolsado: Box<RawValue>,
    reembolsado_minor: i64,
}

/// Amounts are JSON numbers in major units, exact; `*_minor` beside them are whole minor units.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Conversion)]
pub(crate) struct ConversionView {
    id: String,
    /// The same, by the name that other bodies have for it.
    conversion_id: String,
    afiliado_id: String,
    programa_id: String,
    campana_id: Option<String>,
    #[schema(value_type = Decimal)]
    valor_conversion: Box<RawValue>,
    valor_conversion_minor: i64,
    moneda: &'static str,
    /// `venta`, `prospecto`, `registro` or `clic`.
    tipo_conversion: &'static str,
    /// `REGISTRADA`, `REEMBOLSADA_EN_PARTE` or `REEMBOLSADA`.
    estado: &'static str,
    #[schema(value_type = Decimal)]
    reembolsado: Box<RawValue>,
    reembolsado_minor: i64,
    producto_id: Option<String>,
    pais: Option<String>,
    cliente_nuevo: Option<bool>,
    referencia_externa: Option<String>,
    atribucion: AttributionView,
    /// Not told in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    lineas: Vec<LineView>,
    #[schema(value_type = String, format = DateTime)]
    ocurrido_en: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    registrado_en: Timestamp,
    /// Only in the answer to one that was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<bool>,
}

impl From<&Conversion> for ConversionView {
    fn from(conversion: &Conversion) -> Self {
        let Stored { id, program, affiliate, campaign, kind, gross, lines, .. } = conversion.parts();
        let Stored { product, country, new_customer, external, attribution, refunded, .. } =
            conversion.parts();
        let line = |line: &crate::domain::Line| LineView {
            linea_id: line.id.to_string(),
            producto_id: line.product.as_ref().map(ToString::to_string),
            importe: json(line.amount),
            importe_minor: line.amount.minor(),
            reembolsado: json(line.refunded),
            reembolsado_minor: line.refunded.minor(),
        };
        Self {
            id: id.to_string(),
            conversion_id: id.to_string(),
            afiliado_id: affiliate.to_string(),
            programa_id: program.to_string(),
            campana_id: campaign.as_ref().map(ToString::to_string),
            valor_conversion: json(*gross),
            valor_conversion_minor: gross.minor(),
            moneda: gross.currency().code(),
            tipo_conversion: kind_word(*kind),
            estado: match conversion.state() {
                State::Recorded => "REGISTRADA",
                State::PartlyRefunded => "REEMBOLSADA_EN_PARTE",
                State::Refunded => "REEMBOLSADA",
            },
            reembolsado: json(*refunded),
            reembolsado_minor: refunded.minor(),
            producto_id: product.as_ref().map(ToString::to_string),
            pais: country.clone(),
            cliente_nuevo: *new_customer,
            referencia_externa: external.as_ref().map(ToString::to_string),
            atribucion: AttributionView::of(attribution),
            lineas: lines.iter().map(line).collect(),
            ocurrido_en: conversion.parts().occurred_at,
            registrado_en: conversion.parts().recorded_at,
            duplicate: None,
        }
    }
}

impl ConversionView {
    /// 201 for a new conversion, 200 for the one that was there.
    pub(crate) fn of_recording(recording: &Recording) -> (StatusCode, Self) {
        let view = Self::from(&recording.conversion);
        if recording.duplicate {
            (StatusCode::OK, Self { duplicate: Some(true), ..view })
        } else {
            (StatusCode::CREATED, view)
        }
    }
}

impl From<Recording> for Answer {
    fn from(recording: Recording) -> Self {
        let (status, view) = ConversionView::of_recording(&recording);
        Self::json(status, &view)
    }
}

impl Record for ConversionView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "afiliado_id",
        "programa_id",
        "campana_id",
        "valor_conversion",
        "moneda",
        "tipo_conversion",
        "estado",
        "reembolsado",
        "referencia_externa",
        "atribucion",
        "ocurrido_en",
        "registrado_en",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.afiliado_id.clone(),
            self.programa_id.clone(),
            self.campana_id.clone().unwrap_or_default(),
            self.valor_conversion.get().to_owned(),
            self.moneda.to_owned(),
            self.tipo_conversion.to_owned(),
            self.estado.to_owned(),
            self.reembolsado.get().to_owned(),
            self.referencia_externa.clone().unwrap_or_default(),
            self.atribucion.modo.to_owned(),
            self.ocurrido_en.to_string(),
            self.registrado_en.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reembolso)]
pub(crate) struct RefundView {
    id: String,
    conversion_id: String,
    #[schema(value_type = Decimal)]
    monto: Box<RawValue>,
    monto_minor: i64,
    /// What was given back until then, this included.
    #[schema(value_type = Decimal)]
    total_reembolsado: Box<RawValue>,
    total_reembolsado_minor: i64,
    moneda: &'static str,
    lineas: Vec<RefundLineView>,
    motivo: Option<String>,
    referencia_externa: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    reembolsado_en: Timestamp,
    /// Only in the answer to one that was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<bool>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LineaDeReembolso)]
pub(crate) struct RefundLineView {
    linea_id: String,
    #[schema(value_type = Decimal)]
    importe: Box<RawValue>,
    importe_minor: i64,
}

impl From<&Refund> for RefundView {
    fn from(refund: &Refund) -> Self {
        let line = |(id, amount): &(crate::domain::LineId, Money)| RefundLineView {
            linea_id: id.to_string(),
            importe: json(*amount),
            importe_minor: amount.minor(),
        };
        Self {
            id: refund.id.to_string(),
            conversion_id: refund.conversion.to_string(),
            monto: json(refund.amount),
            monto_minor: refund.amount.minor(),
            total_reembolsado: json(refund.total),
            total_reembolsado_minor: refund.total.minor(),
            moneda: refund.amount.currency().code(),
            lineas: refund.lines.iter().map(line).collect(),
            motivo: refund.reason.clone(),
            referencia_externa: refund.external.as_ref().map(ToString::to_string),
            reembolsado_en: refund.at,
            duplicate: None,
        }
    }
}

impl From<RefundOutcome> for Answer {
    fn from(outcome: RefundOutcome) -> Self {
        let view = RefundView::from(&outcome.refund);
        if outcome.duplicate {
            Self::json(StatusCode::OK, &RefundView { duplicate: Some(true), ..view })
        } else {
            Self::json(StatusCode::CREATED, &view)
        }
    }
}

/// A click that was remembered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Clic)]
pub(crate) struct ClickView {
    pub(crate) clic_id: String,
    pub(crate) visitante_id: String,
    pub(crate) afiliado_id: String,
    pub(crate) programa_id: String,
    pub(crate) campana_id: Option<String>,
    pub(crate) destino: String,
}

pub(crate) fn kind_word(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, one)| *one == kind).expect("every kind has its word").0
}

pub(crate) fn json(money: Money) -> Box<RawValue> {
    money.amount().to_json()
}
