//! Seed 3's HTTP face, to the letter: calculate, approve, by-conversion.
//!
//! Parse, do, answer; how a field is read is in `requests`, what an error becomes in `problems`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::{Answer, Asked, Body, Problem};

use super::App;
use crate::commands;
use crate::domain::{CommissionId, ConversionId};
use crate::queries;
use crate::requests::{ApproveBody, ApproveRequest, CalculateBody, CalculateRequest, Scope};
use crate::store::reratings::{self, RatedAnew};
use crate::store::{self, Kept};
use crate::views::{CommissionView, ExplainedView, rated_anew};

/// Calculates the commission of a conversion, once.
#[utoipa::path(post, path = "/commissions/calculate", tag = "commissions", request_body = CalculateBody,
    responses((status = 201, description = "Calculated", body = CommissionView),
        (status = 200, description = "It was there: `duplicate` is true", body = CommissionView),
        (status = 409, description = "It was calculated from other values", content_type = "application/problem+json")))]
pub(super) async fn calculate(
    State(app): State<App>,
    asked: Asked,
    body: Body<CalculateRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed(Scope::Calculate.name(), &body.digest, "");
    let (command, program) = (body.value.into_command(&*app.edge), app.program);
    let calculate = async move |tx: &Tx| -> Result<Answer, Problem> {
        Ok(commands::calculate(tx, command.clone(), &program, &cause).await?.into())
    };
    app.idempotency.write(&app.db, request, calculate).await
}

/// Approves a commission; again, it is answered with what it is.
#[utoipa::path(post, path = "/commissions/approve", tag = "commissions", request_body = ApproveBody,
    responses((status = 200, description = "Approved, now or before", body = CommissionView)))]
pub(super) async fn approve(
    State(app): State<App>,
    asked: Asked,
    body: Body<ApproveRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed(Scope::Approve.name(), &body.digest, "");
    let command = body.value.into_command(&*app.edge);
    let approve = async move |tx: &Tx| -> Result<Answer, Problem> {
        Ok(commands::approve(tx, command.clone(), &cause).await?.into())
    };
    app.idempotency.write(&app.db, request, approve).await
}

/// The commission of a conversion. What is no id names no commission.
#[utoipa::path(get, path = "/commissions/by-conversion/{id}", tag = "commissions",
    params(("id" = String, Path, description = "The conversion's id")),
    responses((status = 200, description = "The commission", body = CommissionView)))]
pub(super) async fn by_conversion(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let found = match ConversionId::parse(&id) {
        Ok(id) => queries::by_conversion(&app.db, id).await?,
        Err(_) => None,
    };
    let none = || Problem::not_found("commission_not_found", "the conversion has no commission");
    found.map(|view| view.answer(StatusCode::OK)).ok_or_else(none)
}

/// Why a commission is what it is: inputs, rule and version, each step, the rounding; and in one sentence.
#[utoipa::path(get, path = "/commissions/{id}/explanation", tag = "commissions",
    params(("id" = String, Path, description = "The commission's id")),
    responses((status = 200, description = "The explanation", body = ExplainedView)))]
pub(super) async fn explain(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let none = || super::none_of("commission_not_found", "commission", "comisión", &id);
    let commission = CommissionId::parse(&id).map_err(|_| none())?;
    let read = async move |tx: &Tx| -> Result<_, DbError> {
        let found = store::load(tx, &commission).await?;
        explained(tx, found).await
    };
    let (kept, anew) = app.db.read(read).await?.ok_or_else(none)?;
    Ok(Answer::json(StatusCode::OK, &ExplainedView::of(kept, rated_anew(anew))))
}

/// The same, of a conversion's commission.
#[utoipa::path(get, path = "/commissions/by-conversion/{id}/explanation", tag = "commissions",
    params(("id" = String, Path, description = "The conversion's id")),
    responses((status = 200, description = "The explanation", body = ExplainedView)))]
pub(super) async fn explain_by_conversion(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let none = || Problem::not_found("commission_not_found", "the conversion has no commission");
    let conversion = ConversionId::parse(&id).map_err(|_| none())?;
    let read = async move |tx: &Tx| -> Result<_, DbError> {
        let found = store::load_by_conversion(tx, &conversion).await?;
        explained(tx, found).await
    };
    let (kept, anew) = app.db.read(read).await?.ok_or_else(none)?;
    Ok(Answer::json(StatusCode::OK, &ExplainedView::of(kept, rated_anew(anew))))
}

/// A commission, and what its conversion was rated anew by.
pub(super) async fn explained(
    tx: &Tx,
    found: Option<Kept>,
) -> Result<Option<(Kept, Vec<RatedAnew>)>, DbError> {
    let Some(kept) = found else { return Ok(None) };
    let anew = reratings::of(tx, &kept.commission.conversion().id).await?;
    Ok(Some((kept, anew)))
}
