//! `/v1/contracts`: drafting, negotiating, activating, renewing, terminating.

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
use crate::commands::{self, ChangeContract, CreateContract, Renew, Verb};
use crate::domain::{Contract, ContractId, ContractType, Origin, PartnerId, Speaker, State as ContractState};
use crate::problems::no_contract;
use crate::requests::{
    ActivateBody, ActivateRequest, ChangeBody, ChangeRequest, ContractBody, ContractRequest, NegotiateBody,
    NegotiateRequest, Negotiation, RenewBody, RenewRequest,
};
use crate::store::{self, ContractFilter};
use crate::views::{ContractView, ProposalView};

/// Drafts a contract. That of a partner who registers is drafted by itself.
#[utoipa::path(post, path = "/v1/contracts", tag = "contracts", request_body = ContractBody,
    responses((status = 201, description = "Drafted", body = ContractView),
        (status = 409, description = "The partner has an open contract", content_type = "application/problem+json")))]
pub(super) async fn create(
    State(app): State<App>,
    asked: Asked,
    body: Body<ContractRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("create contract", &body.digest, "");
    let ContractRequest {
        partner,
        contract_type,
        template,
        language,
        terms,
        initial_data,
        signatories,
        effective_date,
    } = body.value;
    let command = CreateContract {
        id: ContractId::new(app.edge.uuid()),
        partner,
        contract_type,
        template,
        language,
        terms,
        initial_data,
        origin: Origin::Request,
        signatories,
        effective_date,
    };
    let create = async move |tx: &Tx| -> Result<Answer, Problem> {
        let contract = commands::create_contract(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &ContractView::from(&contract)))
    };
    app.idempotency.write(&app.db, request, create).await
}

/// What a list of contracts may be narrowed by.
pub(super) struct Narrowed(ContractFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let states = ContractState::NAMES.map(|name| (name, name));
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let contract_type = fields.optional("contract_type", |raw| values::one_of(raw, &ContractType::ALL));
        let status = fields.optional("status", |raw| values::one_of(raw, &states));
        Some(Self(ContractFilter { partner: partner?, contract_type: contract_type?, status: status? }))
    }
}

/// Lists contracts by the time of their drafting.
#[utoipa::path(get, path = "/v1/contracts", tag = "contracts",
    params(("partner_id" = Option<String>, Query),
        ("contract_type" = Option<String>, Query, pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$"),
        ("status" = Option<String>, Query, pattern = "^(DRAFT|NEGOTIATION|SENT|SIGNED|ACTIVE|EXPIRED|RENEWED|TERMINATED)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<ContractView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Contract>, DbError> {
        store::page(tx, filter.clone(), keyset.clone()).await
    };
    let contracts = app.db.read(read).await?;
    let place = |last: &Contract| Page::<Contract>::position(last.parts().created_at.as_micros(), last.id());
    let page = Page::cut(contracts, query.limit, sort, place);
    Ok(page.map(|contract| ContractView::from(&contract)).into_answer(query.format))
}

/// One contract.
#[utoipa::path(get, path = "/v1/contracts/{id}", tag = "contracts", params(("id" = String, Path)),
    responses((status = 200, description = "The contract", body = ContractView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &ContractView::from(&found(&app, &id).await?)))
}

/// Changes what is given, until the contract is sent. Terms are negotiated.
#[utoipa::path(patch, path = "/v1/contracts/{id}", tag = "contracts", request_body = ChangeBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract after the change", body = ContractView)))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<ChangeRequest>,
) -> Result<Answer, Problem> {
    let Body { value: ChangeRequest(changes), digest } = body;
    done(&app, &id, seen, asked, ("change contract", &digest), Verb::Change(changes)).await
}

/// What was ever proposed, the oldest first.
#[utoipa::path(get, path = "/v1/contracts/{id}/negotiation", tag = "contracts", params(("id" = String, Path)),
    responses((status = 200, description = "The proposals", body = Vec<ProposalView>)))]
pub(super) async fn proposals(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let contract = found(&app, &id).await?;
    let proposals: Vec<ProposalView> = contract.parts().proposals.iter().map(Into::into).collect();
    Ok(Answer::json(StatusCode::OK, &proposals))
}

/// Proposes other terms, accepts what the other side proposed, or rejects it.
#[utoipa::path(post, path = "/v1/contracts/{id}/negotiation", tag = "contracts", request_body = NegotiateBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract after that", body = ContractView),
        (status = 409, description = "Nothing is proposed, or it is the own proposal", content_type = "application/problem+json")))]
pub(super) async fn negotiate(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<NegotiateRequest>,
) -> Result<Answer, Problem> {
    let Body { value: NegotiateRequest { party, step }, digest } = body;
    let speaker = Speaker { party, actor: asked.cause.actor.to_string() };
    let verb = match step {
        Negotiation::Propose { terms, note } => Verb::Propose { speaker, changes: terms, note },
        Negotiation::Accept => Verb::Accept(speaker),
        Negotiation::Reject => Verb::Reject(speaker),
    };
    done(&app, &id, seen, asked, ("negotiate contract", &digest), verb).await
}

/// Lets a contract hold that all have signed; a day that is to come is waited for.
#[utoipa::path(post, path = "/v1/contracts/{id}/activate", tag = "contracts", request_body = ActivateBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract after that", body = ContractView),
        (status = 409, description = "Not all have signed", content_type = "application/problem+json")))]
pub(super) async fn activate(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<ActivateRequest>,
) -> Result<Answer, Problem> {
    let Body { value: ActivateRequest(effective_date), digest } = body;
    done(&app, &id, seen, asked, ("activate contract", &digest), Verb::Activate { effective_date }).await
}

/// Drafts a contract that follows this one, which ends when the new one is activated.
#[utoipa::path(post, path = "/v1/contracts/{id}/renew", tag = "contracts", request_body = RenewBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 201, description = "The new contract", body = ContractView),
        (status = 409, description = "Neither active nor expired, or another contract is open", content_type = "application/problem+json")))]
pub(super) async fn renew(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<RenewRequest>,
) -> Result<Answer, Problem> {
    let Ok(of) = ContractId::parse(&id) else { return Err(no_contract(id)) };
    let (cause, request) = asked.keyed("renew contract", &body.digest, &id);
    let RenewRequest { contract_type, terms, effective_date } = body.value;
    let new = ContractId::new(app.edge.uuid());
    let command = Renew { of, seen, id: new, contract_type, terms, effective_date };
    let renew = async move |tx: &Tx| -> Result<Answer, Problem> {
        let contract = commands::renew_contract(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &ContractView::from(&contract)))
    };
    app.idempotency.write(&app.db, request, renew).await
}

/// Ends a contract, for good.
#[utoipa::path(post, path = "/v1/contracts/{id}/terminate", tag = "contracts", request_body = ReasonBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract, terminated", body = ContractView)))]
pub(super) async fn terminate(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let Body { value: Reason(reason), digest } = body;
    done(&app, &id, seen, asked, ("terminate contract", &digest), Verb::Terminate { reason }).await
}

/// What is no id names no contract.
pub(super) async fn found(app: &App, id: &str) -> Result<Contract, Problem> {
    let Ok(parsed) = ContractId::parse(id) else { return Err(no_contract(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_contract(id))
}

/// Does something with a contract and answers with it. `request` is the command's name and the body's digest.
pub(super) async fn done(
    app: &App,
    id: &str,
    seen: IfMatch,
    asked: Asked,
    (scope, digest): (&'static str, &str),
    verb: Verb,
) -> Result<Answer, Problem> {
    let Ok(parsed) = ContractId::parse(id) else { return Err(no_contract(id)) };
    let (cause, request) = asked.keyed(scope, digest, id);
    let command = ChangeContract { id: parsed, seen, verb };
    let edge = std::sync::Arc::clone(&app.edge);
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let changed = commands::change_contract(tx, command.clone(), &*edge, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &ContractView::from(&changed.contract)))
    };
    app.idempotency.write(&app.db, request, change).await
}
