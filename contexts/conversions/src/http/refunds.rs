//! `/api/v1/conversiones/{id}/reembolsos`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::{Answer, Asked, Body, Problem};

use super::App;
use crate::commands;
use crate::domain::ConversionId;
use crate::problems::no_conversion;
use crate::requests::{RefundBody, RefundRequest};
use crate::store;
use crate::views::RefundView;

/// Gives money back: an amount, lines, or all that is left.
#[utoipa::path(post, path = "/api/v1/conversiones/{id}/reembolsos", tag = "conversiones", request_body = RefundBody,
    params(("id" = String, Path)),
    responses((status = 201, description = "Given back", body = RefundView),
        (status = 200, description = "It was given back already, in the same words", body = RefundView)))]
pub(super) async fn refund(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<RefundRequest>,
) -> Result<Answer, Problem> {
    let Ok(conversion) = ConversionId::parse(&id) else { return Err(no_conversion(id)) };
    let (cause, request) = asked.keyed("refund conversion", &body.digest, &id);
    let command = body.value.into_command(conversion, &*app.edge);
    let refund = async move |tx: &Tx| -> Result<Answer, Problem> {
        Ok(commands::refund(tx, command.clone(), &cause).await?.into())
    };
    app.idempotency.write(&app.db, request, refund).await
}

/// All that was given back for a conversion, the oldest first.
#[utoipa::path(get, path = "/api/v1/conversiones/{id}/reembolsos", tag = "conversiones", params(("id" = String, Path)),
    responses((status = 200, description = "All refunds", body = Vec<RefundView>)))]
pub(super) async fn list(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(parsed) = ConversionId::parse(&id) else { return Err(no_conversion(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> {
        if store::load_conversion(tx, &parsed).await?.is_none() {
            return Ok(None);
        }
        store::refunds_of(tx, &parsed).await.map(Some)
    };
    let refunds = app.db.read(read).await?.ok_or_else(|| no_conversion(id))?;
    let refunds: Vec<RefundView> = refunds.iter().map(RefundView::from).collect();
    Ok(Answer::json(StatusCode::OK, &refunds))
}
