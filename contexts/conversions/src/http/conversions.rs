//! `/api/v1/conversiones`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, FieldError, Fields, Filters, FromFields, ListQuery, Page, Problem, Refused, values,
};

use super::App;
use crate::commands::{self, NotRecorded};
use crate::domain::{AffiliateId, CampaignId, Conversion, ConversionId, ExternalId, ProgramId};
use crate::problems::no_conversion;
use crate::requests::{ConversionBody, ConversionRequest, KINDS};
use crate::store::{self, ConversionFilter};
use crate::views::ConversionView;

/// Records what a customer did.
///
/// What it says of an affiliate or a program that is not known here yet is waited for, up to 2 s.
#[utoipa::path(post, path = "/api/v1/conversiones", tag = "conversiones", request_body = ConversionBody,
    responses((status = 201, description = "Recorded", body = ConversionView),
        (status = 200, description = "It was there already, told in the same words", body = ConversionView)))]
pub(super) async fn record(
    State(app): State<App>,
    asked: Asked,
    body: Body<ConversionRequest>,
) -> Result<Answer, Problem> {
    if let Some(invalid) = body.value.is_ahead_of(asked.cause.at) {
        let pointer = "/ocurrido_en".to_owned();
        return Err(Problem::invalid(vec![FieldError {
            pointer,
            code: invalid.code,
            message: invalid.message,
        }]));
    }
    let (cause, request) = asked.keyed("record conversion", &body.digest, "");
    let program = body.value.program.clone();
    let command = body.value.into_command(&*app.edge);
    let record = async move |tx: &Tx| -> Result<Answer, Refused<NotRecorded>> {
        commands::record(tx, command.clone(), &cause).await.map(Into::into).map_err(Refused::Command)
    };
    let comes =
        async |missing: &NotRecorded| missing.may_pass() && app.becomes_known(missing, &program).await;
    let recorded = app.idempotency.write_patiently(&app.db, request, record, comes).await;
    recorded.map_err(|refused| refused.into_problem(Problem::from))
}

/// What a list of conversions may be narrowed by.
pub(super) struct Narrowed(ConversionFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let affiliate = fields.optional("afiliado_id", |raw| values::id(raw, AffiliateId::parse));
        let program = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let campaign = fields.optional("campana_id", |raw| values::id(raw, CampaignId::parse));
        let kind = fields.optional("tipo_conversion", |raw| values::one_of(raw, &KINDS));
        let currency = fields.optional("moneda", values::currency);
        let external = fields.optional("referencia_externa", |raw| values::id(raw, ExternalId::parse));
        let from = fields.optional("desde", values::timestamp);
        let until = fields.optional("hasta", values::timestamp);
        Some(Self(ConversionFilter {
            affiliate: affiliate?,
            program: program?,
            campaign: campaign?,
            kind: kind?,
            currency: currency?,
            external: external?,
            from: from?,
            until: until?,
        }))
    }
}

/// Lists conversions, without their lines.
#[utoipa::path(get, path = "/api/v1/conversiones", tag = "conversiones",
    params(("afiliado_id" = Option<String>, Query), ("programa_id" = Option<String>, Query),
        ("campana_id" = Option<String>, Query), ("moneda" = Option<String>, Query),
        ("tipo_conversion" = Option<String>, Query, pattern = "^(venta|prospecto|registro|clic)$"),
        ("referencia_externa" = Option<String>, Query),
        ("desde" = Option<String>, Query, description = "When it happened: from", format = DateTime),
        ("hasta" = Option<String>, Query, description = "When it happened: before", format = DateTime),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?(recorded_at|occurred_at)$")),
    responses((status = 200, description = "A page", content((PageOf<ConversionView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["recorded_at", "occurred_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Conversion>, DbError> {
        store::page_of_conversions(tx, filter.clone(), sort.field, keyset.clone()).await
    };
    let conversions = app.db.read(read).await?;
    let place = |last: &Conversion| {
        let parts = last.parts();
        let at = if sort.field == "occurred_at" { parts.occurred_at } else { parts.recorded_at };
        Page::<Conversion>::position(at.as_micros(), &parts.id)
    };
    let page = Page::cut(conversions, query.limit, sort, place);
    Ok(page.map(|conversion| ConversionView::from(&conversion)).into_answer(query.format))
}

/// One conversion, with its lines.
#[utoipa::path(get, path = "/api/v1/conversiones/{id}", tag = "conversiones", params(("id" = String, Path)),
    responses((status = 200, description = "The conversion", body = ConversionView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(parsed) = ConversionId::parse(&id) else { return Err(no_conversion(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_conversion(tx, &parsed).await };
    let conversion = app.db.read(read).await?.ok_or_else(|| no_conversion(id))?;
    Ok(Answer::json(StatusCode::OK, &ConversionView::from(&conversion)))
}
