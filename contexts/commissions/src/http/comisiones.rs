//! `/api/v1/comisiones`: commissions and what can be done with them, in the words of seed 4.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, FieldError, Fields, Filters, FromFields, Invalid, ListQuery, Page, Problem, Refused,
    said, values,
};
use hexalpes_kernel::Money;

use super::{App, seed};
use crate::commands::{self, CalculateError, ChangeCommission, Verb};
use crate::domain::{AffiliateId, CommissionId, ConversionId, ProgramId, State as Standing};
use crate::problems::SEED_4;
use crate::requests::{
    ClawBackBody, ClawBackRequest, ComisionBody, ComisionRequest, HoldBody, HoldRequest, ReasonBody,
    ReasonRequest, WhyBody, WhyRequest,
};
use crate::store::lists::{self, CommissionFilter, CommissionSort};
use crate::store::{self, Kept, history, known};
use crate::views::{ComisionView, ExplicadaView, HistoriaView, rated_anew};

/// For so long a conversion or a program that is not known yet is waited for: it may be on its way.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a list of commissions may be narrowed by.
pub(super) struct Narrowed(CommissionFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let affiliate = fields.optional("afiliado_id", |raw| values::id(raw, AffiliateId::parse));
        let conversion = fields.optional("conversion_id", |raw| values::id(raw, ConversionId::parse));
        let program = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let statuses = Standing::NAMES.map(|name| (name, name));
        let status = fields.optional("estado", |raw| values::one_of(raw, &statuses));
        let currency = fields.optional("moneda", values::currency);
        let from = fields.optional("desde", values::timestamp);
        let to = fields.optional("hasta", values::timestamp);
        Some(Self(CommissionFilter {
            affiliate: affiliate?,
            conversion: conversion?,
            program: program?,
            status: status?,
            currency: currency?,
            from: from?,
            to: to?,
        }))
    }
}

/// Lists commissions, by the time of their making or by their amount.
#[utoipa::path(get, path = "/api/v1/comisiones", tag = "comisiones",
    params(("afiliado_id" = Option<String>, Query), ("conversion_id" = Option<String>, Query),
        ("programa_id" = Option<String>, Query),
        ("estado" = Option<String>, Query, pattern = "^(CALCULATED|HELD|APPROVED|IN_PAYOUT|PAID|REJECTED|REVERSED|CLAWED_BACK)$"),
        ("moneda" = Option<String>, Query), ("desde" = Option<String>, Query, format = DateTime, description = "Made at this time or later"),
        ("hasta" = Option<String>, Query, format = DateTime, description = "Made before this time"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?(created_at|amount)$")),
    responses((status = 200, description = "A page", content((PageOf<ComisionView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at", "amount"])?;
    let by = if sort.field == "amount" { CommissionSort::Amount } else { CommissionSort::CreatedAt };
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Kept>, DbError> {
        lists::commissions(tx, filter.clone(), by, keyset.clone()).await
    };
    let commissions = app.db.read(read).await?;
    let page = Page::cut(commissions, query.limit, sort, |Kept { commission, .. }: &Kept| {
        let number = match by {
            CommissionSort::CreatedAt => commission.created_at().as_micros(),
            CommissionSort::Amount => commission.amount().minor(),
        };
        Page::<Kept>::position(number, commission.id())
    });
    Ok(page.map(ComisionView::of).into_answer(query.format))
}

/// Makes the commission of a conversion, or answers with the one that came by itself.
///
/// Without `valor_conversion` the conversion may be on its way: it is waited for, up to 2 s.
#[utoipa::path(post, path = "/api/v1/comisiones", tag = "comisiones", request_body = ComisionBody,
    responses((status = 201, description = "Calculated", body = ComisionView),
        (status = 200, description = "It was there: `duplicate` is true", body = ComisionView),
        (status = 404, description = "Nobody knows what the customer paid", content_type = "application/problem+json"),
        (status = 409, description = "It was calculated from other values", content_type = "application/problem+json")))]
pub(super) async fn create(
    State(app): State<App>,
    asked: Asked,
    body: Body<ComisionRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("create commission", &body.digest, "");
    let command = body.value.into_command(&*app.edge);
    let program = Arc::clone(&app.program);
    let calculate = async move |tx: &Tx| -> Result<Answer, Refused<CalculateError>> {
        let calculation = commands::calculate(tx, command.clone(), &program, &cause).await;
        let calculation = calculation.map_err(Refused::Command)?;
        let status = if calculation.duplicate { StatusCode::OK } else { StatusCode::CREATED };
        Ok(Answer::json(status, &ComisionView::from(calculation)))
    };
    let comes = async |missing: &CalculateError| becomes_known(&app, missing).await;
    let calculated = app.idempotency.write_patiently(&app.db, request, calculate, comes).await;
    calculated.map_err(|refused| refused.into_problem(|error| SEED_4.of(error)))
}

/// Waits for what a refusal misses, if that may be on its way; tells whether it came.
async fn becomes_known(app: &App, missing: &CalculateError) -> bool {
    let missing = missing.clone();
    if !matches!(missing, CalculateError::NoConversion(_) | CalculateError::NoProgram(_)) {
        return false;
    }
    let look = async move |tx: &Tx| -> Result<Option<()>, DbError> {
        Ok(match &missing {
            CalculateError::NoConversion(id) => store::load_by_conversion(tx, id).await?.map(|_| ()),
            CalculateError::NoProgram(id) => known::program(tx, id, None).await?.map(|_| ()),
            _ => None,
        })
    };
    matches!(app.db.read_until(PATIENCE, look).await, Ok(Some(())))
}

/// One commission.
#[utoipa::path(get, path = "/api/v1/comisiones/{id}", tag = "comisiones", params(("id" = String, Path)),
    responses((status = 200, description = "The commission", body = ComisionView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &ComisionView::of(found(&app, &id).await?)))
}

/// Why it is what it is: inputs, rule and version, each step, the rounding; and in one sentence.
#[utoipa::path(get, path = "/api/v1/comisiones/{id}/explicacion", tag = "comisiones", params(("id" = String, Path)),
    responses((status = 200, description = "The explanation", body = ExplicadaView)))]
pub(super) async fn explain(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(commission) = CommissionId::parse(&id) else { return Err(none(&id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> {
        let found = store::load(tx, &commission).await?;
        seed::explained(tx, found).await
    };
    let (kept, anew) = app.db.read(read).await?.ok_or_else(|| none(&id))?;
    Ok(Answer::json(StatusCode::OK, &ExplicadaView::of(kept, rated_anew(anew))))
}

/// Who did what with it, when and why, the oldest first.
#[utoipa::path(get, path = "/api/v1/comisiones/{id}/historial", tag = "comisiones", params(("id" = String, Path)),
    responses((status = 200, description = "All that happened to it", body = Vec<HistoriaView>)))]
pub(super) async fn history(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = found(&app, &id).await?.commission.id().clone();
    let read = async move |tx: &Tx| -> Result<_, DbError> { history::of(tx, &id).await };
    let history: Vec<HistoriaView> = app.db.read(read).await?.into_iter().map(Into::into).collect();
    Ok(Answer::json(StatusCode::OK, &history))
}

/// Approves it; again, it is no news.
#[utoipa::path(post, path = "/api/v1/comisiones/{id}/aprobar", tag = "comisiones", params(("id" = String, Path)),
    responses((status = 200, description = "Approved, now or before", body = ComisionView)))]
pub(super) async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    done(&app, &id, asked, "approve commission", "", Verb::Approve).await
}

/// Holds it back until a time, or until it is released.
#[utoipa::path(post, path = "/api/v1/comisiones/{id}/retener", tag = "comisiones", params(("id" = String, Path)),
    request_body = HoldBody,
    responses((status = 200, description = "Held", body = ComisionView)))]
pub(super) async fn hold(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<HoldRequest>,
) -> Result<Answer, Problem> {
    let HoldRequest { until, reason } = body.value;
    done(&app, &id, asked, "hold commission", &body.digest, Verb::Hold { until, reason }).await
}

/// Ends a hold, whether or not its time has come.
#[utoipa::path(post, path = "/api/v1/comisiones/{id}/liberar", tag = "comisiones", params(("id" = String, Path)),
    request_body = WhyBody,
    responses((status = 200, description = "Not held any more", body = ComisionView)))]
pub(super) async fn release(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<WhyRequest>,
) -> Result<Answer, Problem> {
    let WhyRequest(reason) = body.value;
    done(&app, &id, asked, "release commission", &body.digest, Verb::Release { reason }).await
}

/// Says, before its approval, that it is not owed.
#[utoipa::path(post, path = "/api/v1/comisiones/{id}/rechazar", tag = "comisiones", params(("id" = String, Path)),
    request_body = ReasonBody,
    responses((status = 200, description = "Rejected, now or before", body = ComisionView)))]
pub(super) async fn reject(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    let ReasonRequest(reason) = body.value;
    done(&app, &id, asked, "reject commission", &body.digest, Verb::Reject { reason }).await
}

/// Takes all of it back before it is paid.
#[utoipa::path(post, path = "/api/v1/comisiones/{id}/revertir", tag = "comisiones", params(("id" = String, Path)),
    request_body = ReasonBody,
    responses((status = 200, description = "Reversed, now or before", body = ComisionView)))]
pub(super) async fn reverse(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    let ReasonRequest(reason) = body.value;
    done(&app, &id, asked, "reverse commission", &body.digest, Verb::Reverse { reason }).await
}

/// Asks back, after it was paid, all that is left of it or a part.
#[utoipa::path(post, path = "/api/v1/comisiones/{id}/recuperar", tag = "comisiones", params(("id" = String, Path)),
    request_body = ClawBackBody,
    responses((status = 200, description = "Clawed back", body = ComisionView)))]
pub(super) async fn claw_back(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ClawBackRequest>,
) -> Result<Answer, Problem> {
    let ClawBackRequest { amount, reason } = body.value;
    let currency = found(&app, &id).await?.commission.amount().currency();
    let amount = amount.map(|amount| values::money(amount, currency)).transpose();
    let amount: Option<Money> = amount.map_err(|Invalid { code, message }| {
        Problem::invalid(vec![FieldError { pointer: "/monto".to_owned(), code, message }])
    })?;
    done(&app, &id, asked, "claw back commission", &body.digest, Verb::ClawBack { amount, reason }).await
}

pub(super) fn none(id: &str) -> Problem {
    Problem::not_found(
        "commission_not_found",
        said!("there is no commission {id}", "no hay ninguna comisión {id}"),
    )
}

/// What is no id names no commission.
pub(super) async fn found(app: &App, id: &str) -> Result<Kept, Problem> {
    let Ok(parsed) = CommissionId::parse(id) else { return Err(none(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| none(id))
}

/// Does something with a commission and answers with it.
async fn done(
    app: &App,
    id: &str,
    asked: Asked,
    scope: &'static str,
    digest: &str,
    verb: Verb,
) -> Result<Answer, Problem> {
    let Ok(commission) = CommissionId::parse(id) else { return Err(none(id)) };
    let (cause, request) = asked.keyed(scope, digest, id);
    let events = std::array::from_fn(|_| app.edge.uuid());
    let command = ChangeCommission { commission, verb, events };
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let changed = commands::change(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &ComisionView::of(changed.kept)))
    };
    app.idempotency.write(&app.db, request, change).await
}
