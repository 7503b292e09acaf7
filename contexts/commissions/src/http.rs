//! Seed 3's HTTP face, to the letter: calculate, approve, by-conversion.
//!
//! Parse, do, answer; how a field is read is in `requests`, what an error becomes in `problems`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use hexalpes_db::{Db, Tx};
use hexalpes_http::{Answer, Body, Caused, Idempotency, IdempotencyKey, Problem};
use hexalpes_kernel::Edge;

use crate::commands::{self, ApproveCommission, CalculateCommission};
use crate::domain::{CommissionId, ConversionId, Program};
use crate::queries;
use crate::requests::{ApproveRequest, CalculateRequest};
use crate::views::CommissionView;

#[derive(Clone)]
struct App {
    db: Db,
    edge: Arc<dyn Edge>,
    program: Arc<Program>,
    idempotency: Idempotency,
}

/// The routes of this context under its default program. They need [`hexalpes_http::layers`] around them.
pub fn router(db: Db, edge: Arc<dyn Edge>) -> Router {
    let app = App { db, edge, program: Arc::default(), idempotency: Idempotency::default() };
    Router::new()
        .route("/commissions/calculate", post(calculate))
        .route("/commissions/approve", post(approve))
        .route("/commissions/by-conversion/{id}", get(by_conversion))
        .with_state(app)
}

/// 201 for a new commission, 200 for the one that was there.
async fn calculate(
    State(app): State<App>,
    Caused(cause): Caused,
    key: IdempotencyKey,
    body: Body<CalculateRequest>,
) -> Result<Answer, Problem> {
    let attempt = app.idempotency.begin("calculate", key, body.digest)?;
    let CalculateRequest { conversion, rate } = body.value;
    let id = CommissionId::new(app.edge.uuid());
    let command = CalculateCommission { id, event: app.edge.uuid(), conversion, rate };
    let program = app.program;
    let write = async move |tx: &Tx| -> Result<Answer, Problem> {
        let calculate = async || {
            let done = commands::calculate(tx, command.clone(), &program, &cause).await?;
            Ok(if done.duplicate {
                answer(StatusCode::OK, &CommissionView::of_duplicate(done.kept))
            } else {
                answer(StatusCode::CREATED, &CommissionView::of(done.kept))
            })
        };
        attempt.once(tx, cause.at, calculate).await
    };
    app.db.write(write).await
}

/// 200, also again.
async fn approve(
    State(app): State<App>,
    Caused(cause): Caused,
    key: IdempotencyKey,
    body: Body<ApproveRequest>,
) -> Result<Answer, Problem> {
    let attempt = app.idempotency.begin("approve", key, body.digest)?;
    let command = ApproveCommission { commission: body.value.commission, event: app.edge.uuid() };
    let write = async move |tx: &Tx| -> Result<Answer, Problem> {
        let approve = async || {
            let approval = commands::approve(tx, command.clone(), &cause).await?;
            Ok(answer(StatusCode::OK, &CommissionView::of(approval.kept)))
        };
        attempt.once(tx, cause.at, approve).await
    };
    app.db.write(write).await
}

/// What is no id names no commission.
async fn by_conversion(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let found = match ConversionId::parse(&id) {
        Ok(id) => queries::by_conversion(&app.db, id).await?,
        Err(_) => None,
    };
    let none = || Problem::not_found("commission_not_found", "the conversion has no commission");
    found.map(|view| answer(StatusCode::OK, &view)).ok_or_else(none)
}

fn answer(status: StatusCode, view: &CommissionView) -> Answer {
    Answer::new(status, serde_json::to_string(view).expect("a view is names and numbers"))
}
