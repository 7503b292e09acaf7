//! `/v1/employment-contracts`: drawn up when somebody was hired, once for each hiring.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Fields, Filters, FromFields, ListQuery, Page, Problem, values};

use super::App;
use super::documents::{Wanted, answer};
use crate::domain::{CandidateId, EmploymentContract, EmploymentId, HiringId, Language, PartnerId};
use crate::problems::no_employment_contract;
use crate::store::{self, EmploymentFilter};
use crate::views::EmploymentView;

/// What a list may be narrowed by.
pub(super) struct Narrowed(EmploymentFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let candidate = fields.optional("candidate_id", |raw| values::id(raw, CandidateId::parse));
        let hiring = fields.optional("hiring_id", |raw| values::id(raw, HiringId::parse));
        Some(Self(EmploymentFilter { partner: partner?, candidate: candidate?, hiring: hiring? }))
    }
}

/// Lists contracts of employment by the time of their drafting.
#[utoipa::path(get, path = "/v1/employment-contracts", tag = "employment contracts",
    params(("partner_id" = Option<String>, Query), ("candidate_id" = Option<String>, Query),
        ("hiring_id" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<EmploymentView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<EmploymentContract>, DbError> {
        store::page_of_employment(tx, filter.clone(), keyset.clone()).await
    };
    let contracts = app.db.read(read).await?;
    let place = |last: &EmploymentContract| {
        Page::<EmploymentContract>::position(last.created_at.as_micros(), &last.terms.id)
    };
    let page = Page::cut(contracts, query.limit, sort, place);
    Ok(page.map(|contract| EmploymentView::from(&contract)).into_answer(query.format))
}

/// One contract of employment.
#[utoipa::path(get, path = "/v1/employment-contracts/{id}", tag = "employment contracts", params(("id" = String, Path)),
    responses((status = 200, description = "The contract", body = EmploymentView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &EmploymentView::from(&found(&app, &id).await?)))
}

/// What it says.
#[utoipa::path(get, path = "/v1/employment-contracts/{id}/document", tag = "employment contracts",
    params(("id" = String, Path), ("format" = Option<String>, Query, pattern = "^(html|pdf|text)$")),
    responses((status = 200, description = "By `format`, or by `Accept`",
        content((String = "text/html"), (Vec<u8> = "application/pdf"), (String = "text/plain")))))]
pub(super) async fn document(
    State(app): State<App>,
    Path(id): Path<String>,
    Wanted(shown): Wanted,
) -> Result<Response, Problem> {
    let contract = found(&app, &id).await?;
    let footer = vec![format!("SHA-256 (HTML): {}", contract.document.hash)];
    Ok(answer(&contract.document, shown, &footer, Language::Spanish))
}

async fn found(app: &App, id: &str) -> Result<EmploymentContract, Problem> {
    let Ok(parsed) = EmploymentId::parse(id) else { return Err(no_employment_contract(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_employment(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_employment_contract(id))
}
