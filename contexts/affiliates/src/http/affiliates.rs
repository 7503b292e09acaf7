//! `/api/v1/afiliados`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, Fields, Filters, FromFields, ListQuery, Page, Problem, values};

use super::{App, payout};
use crate::commands::{self, ChangeAffiliate, RegisterAffiliate, Verb};
use crate::domain::{Affiliate, AffiliateChanges, AffiliateCode, AffiliateId, ProgramId, Registration};
use crate::problems::no_affiliate;
use crate::requests::{self, ChangeAffiliateBody, ReasonBody, ReasonRequest, RegisterBody, RegisterRequest};
use crate::store::{self, AffiliateFilter};
use crate::views::{AffiliateView, RatesFromView, STANDINGS};

const KIND_CHARS_MAX: usize = 64;

/// Registers an affiliate in a program.
#[utoipa::path(post, path = "/api/v1/afiliados", tag = "afiliados", request_body = RegisterBody,
    responses((status = 201, description = "Registered", body = AffiliateView),
        (status = 409, description = "An affiliate of the program has the e-mail or the code", content_type = "application/problem+json")))]
pub(super) async fn register(
    State(app): State<App>,
    asked: Asked,
    body: Body<RegisterRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("register affiliate", &body.digest, "");
    let RegisterRequest { program, name, email, kind, rates, code, country, payout } = body.value;
    let id = AffiliateId::new(app.edge.uuid());
    let code = code.unwrap_or_else(|| AffiliateCode::of(app.edge.uuid()));
    let payout_sealed = payout.map(|details| payout::seal(&app.vault, &id, &details));
    let registration = Registration { program, name, email, kind, rates, code, country };
    let command = RegisterAffiliate { id, registration, payout_sealed, event: app.edge.uuid() };
    let register = async move |tx: &Tx| -> Result<Answer, Problem> {
        let affiliate = commands::register(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &AffiliateView::from(&affiliate)))
    };
    app.idempotency.write(&app.db, request, register).await
}

/// What a list of affiliates may be narrowed by.
pub(super) struct Narrowed(AffiliateFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let program = fields.optional("programa_id", |raw| values::id(raw, ProgramId::parse));
        let email = fields.optional("email", values::email);
        let kind = fields.optional("tipo_afiliado", |raw| values::text(raw, KIND_CHARS_MAX));
        let code = fields.optional("codigo", requests::code);
        let status = fields.optional("estado", |raw| values::one_of(raw, &STANDINGS));
        Some(Self(AffiliateFilter {
            program: program?,
            email: email?,
            kind: kind?,
            code: code?,
            status: status?,
        }))
    }
}

/// Lists affiliates by the time of their registration.
#[utoipa::path(get, path = "/api/v1/afiliados", tag = "afiliados",
    params(("programa_id" = Option<String>, Query), ("email" = Option<String>, Query),
        ("tipo_afiliado" = Option<String>, Query), ("codigo" = Option<String>, Query),
        ("estado" = Option<String>, Query, pattern = "^(ACTIVO|SUSPENDIDO|TERMINADO)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<AffiliateView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Affiliate>, DbError> {
        store::page_of_affiliates(tx, filter.clone(), keyset.clone()).await
    };
    let affiliates = app.db.read(read).await?;
    let place = |last: &Affiliate| Page::<Affiliate>::position(last.registered_at().as_micros(), last.id());
    let page = Page::cut(affiliates, query.limit, sort, place);
    Ok(page.map(|affiliate| AffiliateView::from(&affiliate)).into_answer(query.format))
}

/// One affiliate.
#[utoipa::path(get, path = "/api/v1/afiliados/{id}", tag = "afiliados", params(("id" = String, Path)),
    responses((status = 200, description = "The affiliate", body = AffiliateView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &AffiliateView::from(&found(&app, &id).await?)))
}

/// Changes what is given. Type and rates hold from now on.
#[utoipa::path(patch, path = "/api/v1/afiliados/{id}", tag = "afiliados", request_body = ChangeAffiliateBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The affiliate after the change", body = AffiliateView)))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<AffiliateChanges>,
) -> Result<Answer, Problem> {
    done(&app, &id, asked, "change affiliate", &body.digest, Verb::Change(body.value)).await
}

/// Suspends an affiliate: it earns nothing until it is reactivated.
#[utoipa::path(post, path = "/api/v1/afiliados/{id}/suspender", tag = "afiliados", request_body = ReasonBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The affiliate, suspended", body = AffiliateView)))]
pub(super) async fn suspend(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    let ReasonRequest(reason) = body.value;
    done(&app, &id, asked, "suspend affiliate", &body.digest, Verb::Suspend { reason }).await
}

/// Reactivates an affiliate that is suspended.
#[utoipa::path(post, path = "/api/v1/afiliados/{id}/reactivar", tag = "afiliados",
    params(("id" = String, Path)),
    responses((status = 200, description = "The affiliate, active", body = AffiliateView)))]
pub(super) async fn reactivate(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    done(&app, &id, asked, "reactivate affiliate", "", Verb::Reactivate).await
}

/// Ends the work with an affiliate, for good. What it earned stays owed.
#[utoipa::path(post, path = "/api/v1/afiliados/{id}/terminar", tag = "afiliados", request_body = ReasonBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The affiliate, terminated", body = AffiliateView)))]
pub(super) async fn terminate(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<ReasonRequest>,
) -> Result<Answer, Problem> {
    let ReasonRequest(reason) = body.value;
    done(&app, &id, asked, "terminate affiliate", &body.digest, Verb::Terminate { reason }).await
}

/// Which rates were valid when, the oldest first.
#[utoipa::path(get, path = "/api/v1/afiliados/{id}/comisiones", tag = "afiliados", params(("id" = String, Path)),
    responses((status = 200, description = "All that ever held", body = Vec<RatesFromView>)))]
pub(super) async fn history(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = found(&app, &id).await?.id().clone();
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::history(tx, &id).await };
    let history: Vec<RatesFromView> = app.db.read(read).await?.into_iter().map(Into::into).collect();
    Ok(Answer::json(StatusCode::OK, &history))
}

/// What is no id names no affiliate.
pub(super) async fn found(app: &App, id: &str) -> Result<Affiliate, Problem> {
    let Ok(parsed) = AffiliateId::parse(id) else { return Err(no_affiliate(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_affiliate(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_affiliate(id))
}

/// Does something with an affiliate and answers with it.
pub(super) async fn done(
    app: &App,
    id: &str,
    asked: Asked,
    scope: &'static str,
    digest: &str,
    verb: Verb,
) -> Result<Answer, Problem> {
    let Ok(parsed) = AffiliateId::parse(id) else { return Err(no_affiliate(id)) };
    let (cause, request) = asked.keyed(scope, digest, id);
    let command = ChangeAffiliate { id: parsed, verb, event: app.edge.uuid() };
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let affiliate = commands::change_affiliate(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::OK, &AffiliateView::from(&affiliate)))
    };
    app.idempotency.write(&app.db, request, change).await
}
