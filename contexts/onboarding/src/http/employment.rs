//! `/v1/employment-contracts`: drawn up when somebody was hired, once for each hiring, and signed as the others are.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, Reason, ReasonBody,
    values,
};

use super::App;
use super::documents::{Wanted, answer, signed_by};
use super::signing::{token, tokens};
use crate::commands::{self, ChangeEmployment, EmploymentChanged, EmploymentVerb};
use crate::domain::{CandidateId, EmploymentContract, EmploymentId, EmploymentState, HiringId, PartnerId};
use crate::problems::no_employment_contract;
use crate::requests::{EmployBody, EmployRequest, SignBody, SignRequest, TokenBody, TokenRequest};
use crate::store::{self, EmploymentFilter};
use crate::views::{self, AuditView, EmploymentView, SentEmploymentView, SignaturesView};

/// What a list may be narrowed by.
pub(super) struct Narrowed(EmploymentFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let candidate = fields.optional("candidate_id", |raw| values::id(raw, CandidateId::parse));
        let hiring = fields.optional("hiring_id", |raw| values::id(raw, HiringId::parse));
        let states = EmploymentState::NAMES.map(|name| (name, name));
        let status = fields.optional("status", |raw| values::one_of(raw, &states));
        Some(Self(EmploymentFilter {
            partner: partner?,
            candidate: candidate?,
            hiring: hiring?,
            status: status?,
        }))
    }
}

/// Lists contracts of employment by the time of their drafting.
#[utoipa::path(get, path = "/v1/employment-contracts", tag = "employment contracts",
    params(("partner_id" = Option<String>, Query), ("candidate_id" = Option<String>, Query),
        ("hiring_id" = Option<String>, Query),
        ("status" = Option<String>, Query, pattern = "^(DRAFT|SENT|SIGNED|TERMINATED)$"),
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
    let mut footer = vec![format!("SHA-256 (HTML): {}", contract.document.hash)];
    footer.extend(signed_by(&contract.signatories, contract.language));
    Ok(answer(&contract.document, shown, &footer, contract.language))
}

/// Asks those to sign whom the body names, the candidate among them. Each one's token is in the answer, and never shown
/// again.
#[utoipa::path(post, path = "/v1/employment-contracts/{id}/send", tag = "employment contracts",
    request_body = EmployBody, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract, and the tokens", body = SentEmploymentView),
        (status = 409, description = "It was sent already", content_type = "application/problem+json")))]
pub(super) async fn send(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<EmployRequest>,
) -> Result<Answer, Problem> {
    let EmployRequest(signatories) = body.value;
    let tokens = tokens(&*app.edge);
    shown(&app, &id, seen, asked, EmploymentVerb::Send { signatories, tokens }).await
}

/// Gives somebody who has still to sign another token; the old one is good for nothing then.
#[utoipa::path(post, path = "/v1/employment-contracts/{id}/tokens", tag = "employment contracts",
    request_body = TokenBody, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract, and the token", body = SentEmploymentView)))]
pub(super) async fn renew_token(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<TokenRequest>,
) -> Result<Answer, Problem> {
    let TokenRequest(position) = body.value;
    let token = token(&*app.edge);
    shown(&app, &id, seen, asked, EmploymentVerb::RenewToken { position, token }).await
}

/// Who has signed, and who is next.
#[utoipa::path(get, path = "/v1/employment-contracts/{id}/signatures", tag = "employment contracts",
    params(("id" = String, Path)),
    responses((status = 200, description = "The signatures", body = SignaturesView)))]
pub(super) async fn signatures(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &SignaturesView::from(&found(&app, &id).await?)))
}

/// Signs with a token, in the order of the signatories. The last signature signs the contract.
#[utoipa::path(post, path = "/v1/employment-contracts/{id}/signatures", tag = "employment contracts",
    request_body = SignBody, params(("id" = String, Path)),
    responses((status = 200, description = "The contract after the signature", body = EmploymentView),
        (status = 409, description = "The token was used or has expired, or somebody signs before", content_type = "application/problem+json")))]
pub(super) async fn sign(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<SignRequest>,
) -> Result<Answer, Problem> {
    let Body { value: SignRequest { token, signed_as, document_hash }, digest } = body;
    let verb = EmploymentVerb::Sign { token, signed_as, document_hash };
    done(&app, &id, IfMatch::default(), asked, ("sign employment contract", &digest), verb).await
}

/// Calls a contract of employment off, for good.
#[utoipa::path(post, path = "/v1/employment-contracts/{id}/terminate", tag = "employment contracts",
    request_body = ReasonBody, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract, terminated", body = EmploymentView)))]
pub(super) async fn terminate(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let Body { value: Reason(reason), digest } = body;
    let verb = EmploymentVerb::Terminate { reason };
    done(&app, &id, seen, asked, ("terminate employment contract", &digest), verb).await
}

/// What was done with a contract of employment, by whom and when, and whether the trail is whole.
#[utoipa::path(get, path = "/v1/employment-contracts/{id}/audit", tag = "employment contracts",
    params(("id" = String, Path)), responses((status = 200, description = "The trail", body = AuditView)))]
pub(super) async fn audit(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(parsed) = EmploymentId::parse(&id) else { return Err(no_employment_contract(id)) };
    let read = async move |tx: &Tx| -> Result<AuditView, Problem> {
        let found = store::load_employment(tx, &parsed).await?;
        let contract = found.ok_or_else(|| no_employment_contract(&parsed))?;
        let entries = store::trail(tx, &parsed.trail()).await?;
        Ok(AuditView::of(&parsed.trail(), entries, &contract.trail))
    };
    Ok(Answer::json(StatusCode::OK, &app.db.read(read).await?))
}

/// Does something, and shows the tokens that it gave.
async fn shown(
    app: &App,
    id: &str,
    seen: IfMatch,
    asked: Asked,
    verb: EmploymentVerb,
) -> Result<Answer, Problem> {
    let Ok(parsed) = EmploymentId::parse(id) else { return Err(no_employment_contract(id)) };
    let (cause, edge) = (asked.cause, Arc::clone(&app.edge));
    let command = ChangeEmployment { id: parsed, seen, verb };
    let change = async move |tx: &Tx| -> Result<EmploymentChanged, Problem> {
        Ok(commands::change_employment(tx, command.clone(), &*edge, &cause).await?)
    };
    let EmploymentChanged { contract, tokens } = app.db.write(change).await?;
    let signing_tokens = views::tokens(tokens, &contract.signatories);
    let view = SentEmploymentView { contract: EmploymentView::from(&contract), signing_tokens };
    Ok(Answer::json(StatusCode::OK, &view))
}

/// Does something with a contract and answers with it. `request` is the command's name and the body's digest.
async fn done(
    app: &App,
    id: &str,
    seen: IfMatch,
    asked: Asked,
    (scope, digest): (&'static str, &str),
    verb: EmploymentVerb,
) -> Result<Answer, Problem> {
    let Ok(parsed) = EmploymentId::parse(id) else { return Err(no_employment_contract(id)) };
    let (cause, request) = asked.keyed(scope, digest, id);
    let command = ChangeEmployment { id: parsed, seen, verb };
    let edge = Arc::clone(&app.edge);
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let changed = commands::change_employment(tx, command.clone(), &*edge, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &EmploymentView::from(&changed.contract)))
    };
    app.idempotency.write(&app.db, request, change).await
}

async fn found(app: &App, id: &str) -> Result<EmploymentContract, Problem> {
    let Ok(parsed) = EmploymentId::parse(id) else { return Err(no_employment_contract(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_employment(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_employment_contract(id))
}
