//! Commissions and their history with the words of seed 4.

use hexalpes_http::Record;
use hexalpes_http::openapi::{Decimal, Percent};
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::commands::Calculation;
use crate::domain::State;
use crate::store::{Kept, history::Done};

/// Amounts are JSON numbers in major units, exact; `*_minor` beside them are whole minor units.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Comision)]
pub(crate) struct ComisionView {
    id: String,
    /// The same, by the name that other bodies have for it.
    comision_id: String,
    conversion_id: String,
    afiliado_id: String,
    programa_id: String,
    campana_id: Option<String>,
    /// What the customer paid.
    #[schema(value_type = Decimal)]
    valor_conversion: Box<RawValue>,
    valor_conversion_minor: i64,
    /// `porcentual` or `fija`; a tiered or capped one is `porcentual` only where it is a plain percentage.
    tipo_comision: &'static str,
    /// Null where it is no plain percentage.
    #[schema(value_type = Option<Percent>)]
    porcentaje: Option<Box<RawValue>>,
    /// As it was calculated.
    #[schema(value_type = Decimal)]
    monto: Box<RawValue>,
    monto_minor: i64,
    /// What of it was taken back.
    #[schema(value_type = Decimal)]
    monto_revertido: Box<RawValue>,
    monto_revertido_minor: i64,
    /// What is left of it.
    #[schema(value_type = Decimal)]
    monto_neto: Box<RawValue>,
    monto_neto_minor: i64,
    moneda: &'static str,
    /// `CALCULATED`, `HELD`, `APPROVED`, `IN_PAYOUT`, `PAID`, `REJECTED`, `REVERSED` or `CLAWED_BACK`.
    estado: &'static str,
    /// Why it was rejected, reversed or clawed back.
    motivo: Option<String>,
    /// Until when it is held; null also where somebody must release it.
    #[schema(value_type = Option<String>, format = DateTime)]
    retenida_hasta: Option<Timestamp>,
    pago_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    fecha_creacion: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    fecha_aprobacion: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    fecha_pago: Option<Timestamp>,
    /// Inputs, rule, steps and rounding.
    #[schema(value_type = Object)]
    explicacion: Box<RawValue>,
    /// Only in the answer to a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<bool>,
}

impl ComisionView {
    pub(crate) fn of(kept: Kept) -> Self {
        let Kept { commission, explanation } = kept;
        let (conversion, state) = (commission.conversion(), commission.state());
        let (amount, reversed, remaining) =
            (commission.amount(), commission.reversed(), commission.remaining());
        Self {
            id: commission.id().to_string(),
            comision_id: commission.id().to_string(),
            conversion_id: conversion.id.to_string(),
            afiliado_id: conversion.affiliate.to_string(),
            programa_id: commission.program().to_string(),
            campana_id: conversion.campaign.as_ref().map(ToString::to_string),
            valor_conversion: conversion.gross.amount().to_json(),
            valor_conversion_minor: conversion.gross.minor(),
            tipo_comision: if commission.rate().is_some() { "porcentual" } else { "fija" },
            porcentaje: commission.rate().map(|rate| rate.percent().to_json()),
            monto: amount.amount().to_json(),
            monto_minor: amount.minor(),
            monto_revertido: reversed.amount().to_json(),
            monto_revertido_minor: reversed.minor(),
            monto_neto: remaining.amount().to_json(),
            monto_neto_minor: remaining.minor(),
            moneda: amount.currency().code(),
            estado: state.name(),
            motivo: state.reason().map(str::to_owned),
            retenida_hasta: match state {
                State::Held { until, .. } => *until,
                _ => None,
            },
            pago_id: state.reservation().map(|reservation| reservation.payout.to_string()),
            fecha_creacion: commission.created_at(),
            fecha_aprobacion: state.approved_at(),
            fecha_pago: state.paid_at(),
            explicacion: explanation,
            duplicate: None,
        }
    }
}

/// 201 for a new commission, 200 for the one that was there.
impl From<Calculation> for ComisionView {
    fn from(Calculation { kept, duplicate }: Calculation) -> Self {
        Self { duplicate: duplicate.then_some(true), ..Self::of(kept) }
    }
}

impl Record for ComisionView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "conversion_id",
        "afiliado_id",
        "programa_id",
        "campana_id",
        "valor_conversion",
        "porcentaje",
        "monto",
        "monto_revertido",
        "monto_neto",
        "moneda",
        "estado",
        "motivo",
        "pago_id",
        "fecha_creacion",
        "fecha_aprobacion",
        "fecha_pago",
    ];

    fn cells(&self) -> Vec<String> {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        vec![
            self.id.clone(),
            self.conversion_id.clone(),
            self.afiliado_id.clone(),
            self.programa_id.clone(),
            self.campana_id.clone().unwrap_or_default(),
            self.valor_conversion.get().to_owned(),
            self.porcentaje.as_ref().map_or_else(String::new, |percent| percent.get().to_owned()),
            self.monto.get().to_owned(),
            self.monto_revertido.get().to_owned(),
            self.monto_neto.get().to_owned(),
            self.moneda.to_owned(),
            self.estado.to_owned(),
            self.motivo.clone().unwrap_or_default(),
            self.pago_id.clone().unwrap_or_default(),
            self.fecha_creacion.to_string(),
            time(self.fecha_aprobacion),
            time(self.fecha_pago),
        ]
    }
}

/// Something that was done with a commission.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Historia)]
pub(crate) struct HistoriaView {
    /// `calculate`, `approve`, `hold`, `release`, `reject`, `reverse`, `reserve`, `pay`, `return` or `claw_back`.
    accion: String,
    /// The state after it.
    estado: String,
    #[schema(value_type = String, format = DateTime)]
    fecha: Timestamp,
    /// Who did it.
    actor: String,
    motivo: Option<String>,
    /// The id of the command or the event that it followed from.
    causa_id: String,
    correlacion_id: String,
}

impl From<Done> for HistoriaView {
    fn from(done: Done) -> Self {
        let Done { verb, status, at, actor, reason, causation, correlation } = done;
        Self {
            accion: verb,
            estado: status,
            fecha: at,
            actor,
            motivo: reason,
            causa_id: causation,
            correlacion_id: correlation,
        }
    }
}
