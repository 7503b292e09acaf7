//! `/api/v1/programas`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, ListQuery, Page, Problem};

use super::App;
use crate::commands::{self, ChangeProgram, CreateProgram};
use crate::domain::{Program, ProgramId, TermsChanges};
use crate::problems::no_program;
use crate::requests::{ChangeProgramBody, CreateProgramBody, CreateProgramRequest};
use crate::store;
use crate::views::ProgramView;

/// Creates a program.
#[utoipa::path(post, path = "/api/v1/programas", tag = "programas", request_body = CreateProgramBody,
    responses((status = 201, description = "Created", body = ProgramView)))]
pub(super) async fn create(
    State(app): State<App>,
    asked: Asked,
    body: Body<CreateProgramRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("create program", &body.digest, "");
    let CreateProgramRequest { id, terms } = body.value;
    let id = id.unwrap_or_else(|| ProgramId::new(app.edge.uuid()));
    let command = CreateProgram { id, terms, event: app.edge.uuid() };
    let create = async move |tx: &Tx| -> Result<Answer, Problem> {
        let program = commands::create_program(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &ProgramView::from(&program)))
    };
    app.idempotency.write(&app.db, request, create).await
}

/// Lists programs by the time of their creation.
#[utoipa::path(get, path = "/api/v1/programas", tag = "programas",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<ProgramView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(State(app): State<App>, query: ListQuery) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Program>, DbError> {
        store::page_of_programs(tx, keyset.clone()).await
    };
    let programs = app.db.read(read).await?;
    let page = Page::cut(programs, query.limit, sort, |last| {
        Page::<Program>::position(last.created_at().as_micros(), last.id())
    });
    Ok(page.map(|program| ProgramView::from(&program)).into_answer(query.format))
}

/// One program.
#[utoipa::path(get, path = "/api/v1/programas/{id}", tag = "programas", params(("id" = String, Path)),
    responses((status = 200, description = "The program", body = ProgramView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(parsed) = ProgramId::parse(&id) else { return Err(no_program(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_program(tx, &parsed).await };
    let program = app.db.read(read).await?.ok_or_else(|| no_program(id))?;
    Ok(Answer::json(StatusCode::OK, &ProgramView::from(&program)))
}

/// Changes what is given, from now on. The currency stays.
#[utoipa::path(patch, path = "/api/v1/programas/{id}", tag = "programas", request_body = ChangeProgramBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The program after the change", body = ProgramView)))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<TermsChanges>,
) -> Result<Answer, Problem> {
    let Ok(parsed) = ProgramId::parse(&id) else { return Err(no_program(id)) };
    let (cause, request) = asked.keyed("change program", &body.digest, &id);
    let command = ChangeProgram { id: parsed, changes: body.value, event: app.edge.uuid() };
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let program = commands::change_program(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &ProgramView::from(&program)))
    };
    app.idempotency.write(&app.db, request, change).await
}
