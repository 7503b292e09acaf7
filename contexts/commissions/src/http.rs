//! Seed 3's HTTP face, to the letter: calculate, approve, by-conversion.
//!
//! Parse, do, answer; how a field is read is in `requests`, what an error becomes in `problems`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use hexalpes_db::{Db, Tx};
use hexalpes_http::{Answer, Body, Caused, Idempotency, IdempotencyKey, KeyedRequest, Problem};
use hexalpes_kernel::Edge;

use crate::commands;
use crate::domain::{ConversionId, Program};
use crate::queries;
use crate::requests::{ApproveRequest, CalculateRequest, Scope};

#[derive(Clone)]
struct App {
    db: Db,
    edge: Arc<dyn Edge>,
    program: Arc<Program>,
    idempotency: Idempotency,
}

/// The routes of this context under its default program. They need [`hexalpes_http::layers`] around them.
pub fn router(db: Db, edge: Arc<dyn Edge>) -> Router {
    router_under(Program::default(), db, edge)
}

/// As [`router`], under another program.
pub fn router_under(program: Program, db: Db, edge: Arc<dyn Edge>) -> Router {
    let app = App { db, edge, program: Arc::new(program), idempotency: Idempotency::default() };
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
    let request = KeyedRequest { scope: Scope::Calculate.name(), key, digest: body.digest, at: cause.at };
    let (command, program) = (body.value.into_command(&*app.edge), app.program);
    let calculate = async move |tx: &Tx| -> Result<Answer, Problem> {
        Ok(commands::calculate(tx, command.clone(), &program, &cause).await?.into())
    };
    app.idempotency.write(&app.db, request, calculate).await
}

/// 200, also again.
async fn approve(
    State(app): State<App>,
    Caused(cause): Caused,
    key: IdempotencyKey,
    body: Body<ApproveRequest>,
) -> Result<Answer, Problem> {
    let request = KeyedRequest { scope: Scope::Approve.name(), key, digest: body.digest, at: cause.at };
    let command = body.value.into_command(&*app.edge);
    let approve = async move |tx: &Tx| -> Result<Answer, Problem> {
        Ok(commands::approve(tx, command.clone(), &cause).await?.into())
    };
    app.idempotency.write(&app.db, request, approve).await
}

/// What is no id names no commission.
async fn by_conversion(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let found = match ConversionId::parse(&id) {
        Ok(id) => queries::by_conversion(&app.db, id).await?,
        Err(_) => None,
    };
    let none = || Problem::not_found("commission_not_found", "the conversion has no commission");
    found.map(|view| view.answer(StatusCode::OK)).ok_or_else(none)
}
