//! `GET /api/v1/conversiones/metricas`: how many conversions and how much, by affiliate, campaign or day.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::Decimal;
use hexalpes_http::{
    Fields, Filters, FromFields, Invalid, ListQuery, Page, Problem, Raw, Record, Said, values,
};
use hexalpes_kernel::{Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::App;
use crate::domain::{AffiliateId, CampaignId, ProgramId};
use crate::store::{self, Grouping, MetricsFilter, Total};
use crate::views::json;

/// So many groups are told; who has more asks for a narrower view.
const GROUPS_MAX: u64 = 10_000;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;
const GROUPINGS: [(&str, Grouping); 3] =
    [("afiliado", Grouping::Affiliate), ("campana", Grouping::Campaign), ("dia", Grouping::Day)];

/// Sums of one group in one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Metrica)]
pub(super) struct MetricView {
    /// An affiliate, a campaign (null: of none) or a day in UTC.
    grupo: Option<String>,
    moneda: &'static str,
    conversiones: i64,
    #[schema(value_type = Decimal)]
    valor: Box<RawValue>,
    valor_minor: i64,
    #[schema(value_type = Decimal)]
    reembolsado: Box<RawValue>,
    reembolsado_minor: i64,
    /// What is left after refunds.
    #[schema(value_type = Decimal)]
    neto: Box<RawValue>,
    neto_minor: i64,
}

impl Record for MetricView {
    const COLUMNS: &'static [&'static str] =
        &["grupo", "moneda", "conversiones", "valor", "reembolsado", "neto"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.grupo.clone().unwrap_or_default(),
            self.moneda.to_owned(),
            self.conversiones.to_string(),
            self.valor.get().to_owned(),
            self.reembolsado.get().to_owned(),
            self.neto.get().to_owned(),
        ]
    }
}

/// What is summed, and by what.
pub(super) struct Narrowed {
    grouping: Grouping,
    filter: MetricsFilter,
}

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let grouping = fields.optional("agrupar", |raw| values::one_of(raw, &GROUPINGS));
        let program = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let affiliate = fields.optional("afiliado_id", |raw| values::id(raw, AffiliateId::parse));
        let campaign = fields.optional("campana_id", |raw| values::id(raw, CampaignId::parse));
        let from_day = fields.optional("desde", day);
        let to_day = fields.optional("hasta", day);
        let filter = MetricsFilter {
            program: program?,
            affiliate: affiliate?,
            campaign: campaign?,
            from_day: from_day?,
            to_day: to_day?,
        };
        Some(Self { grouping: grouping?.unwrap_or(Grouping::Day), filter })
    }
}

/// A day as in 2025-01-15, as days since 1970.
fn day(raw: &Raw) -> Result<i64, Invalid> {
    let text = raw.string()?;
    let midnight = Timestamp::parse(&format!("{text}T00:00:00Z")).map_err(|_| {
        let why = Said::both("must be a day such as 2025-01-15", "debe ser un día como 2025-01-15");
        Invalid::new("invalid_day", why)
    })?;
    Ok(midnight.as_micros().div_euclid(DAY_MICROS))
}

/// How many conversions and how much, per group and currency: `agrupar` is `afiliado`, `campana` or `dia`.
#[utoipa::path(get, path = "/api/v1/conversiones/metricas", tag = "conversiones",
    params(("agrupar" = Option<String>, Query, pattern = "^(afiliado|campana|dia)$"),
        ("programa_id" = Option<String>, Query), ("afiliado_id" = Option<String>, Query),
        ("campana_id" = Option<String>, Query), ("desde" = Option<String>, Query, description = "First day in UTC"),
        ("hasta" = Option<String>, Query, description = "Last day in UTC")),
    responses((status = 200, description = "The sums, at most 10,000 groups", content((Vec<MetricView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn metrics(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed { grouping, filter }): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let read = async move |tx: &Tx| -> Result<Vec<Total>, DbError> {
        store::totals(tx, grouping, filter.clone(), GROUPS_MAX).await
    };
    let views = app.db.read(read).await?.into_iter().map(|total| view(grouping, total));
    let views: Vec<MetricView> = views.collect();
    match query.format {
        hexalpes_http::Format::Json => Ok(axum::Json(views).into_response()),
        csv @ hexalpes_http::Format::Csv => Ok(Page { items: views, next_cursor: None }.into_answer(csv)),
    }
}

fn view(grouping: Grouping, total: Total) -> MetricView {
    let Total { group, conversions, gross, refunded } = total;
    let group = match grouping {
        Grouping::Affiliate | Grouping::Campaign => group,
        Grouping::Day => group.and_then(|days| name_of_day(&days)),
    };
    let net = gross.checked_sub(refunded).unwrap_or(Money::zero(gross.currency()));
    MetricView {
        grupo: group,
        moneda: gross.currency().code(),
        conversiones: conversions,
        valor: json(gross),
        valor_minor: gross.minor(),
        reembolsado: json(refunded),
        reembolsado_minor: refunded.minor(),
        neto: json(net),
        neto_minor: net.minor(),
    }
}

fn name_of_day(days: &str) -> Option<String> {
    let micros = days.parse::<i64>().ok()?.checked_mul(DAY_MICROS)?;
    let midnight = Timestamp::from_micros(micros)?.to_string();
    midnight.split_once('T').map(|(day, _)| day.to_owned())
}
