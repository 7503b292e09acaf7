//! `/v1/partners`.

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

use super::{App, Wanted, done, found, partner_id, status_of};
use crate::commands::{self, RegisterPartner, Verb};
use crate::domain::{
    ContractType, PartnerChanges, PartnerId, PartnerStatus, PartnerType, RegistrationSource, ValidationStatus,
};
use crate::requests::{ChangePartnerBody, RegisterBody, RegisterRequest};
use crate::store::{self, Listed, Moved, PartnerFilter};
use crate::views::{MoveView, PartnerSummaryView, PartnerView, ValidationView};

/// Registers a partner, which leads to the draft of a contract.
#[utoipa::path(post, path = "/v1/partners", tag = "partners", request_body = RegisterBody,
    responses((status = 201, description = "Registered", body = PartnerView),
        (status = 409, description = "A partner has the e-mail", content_type = "application/problem+json")))]
pub(super) async fn register(
    State(app): State<App>,
    asked: Asked,
    body: Body<RegisterRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("register partner", &body.digest, "");
    let RegisterRequest { registration, documents } = body.value;
    let command = RegisterPartner { id: PartnerId::new(app.edge.uuid()), registration, documents };
    let ids = Arc::clone(&app.edge);
    let register = async move |tx: &Tx| -> Result<Answer, Problem> {
        let partner = commands::register(tx, &*ids, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &PartnerView::from(&partner)))
    };
    app.idempotency.write(&app.db, request, register).await
}

/// What a list of partners may be narrowed by.
pub(super) struct Narrowed(PartnerFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", |raw| values::one_of(raw, PartnerStatus::WORDS));
        let kind = fields.optional("partner_type", |raw| values::one_of(raw, PartnerType::WORDS));
        let validation =
            fields.optional("validation_status", |raw| values::one_of(raw, ValidationStatus::WORDS));
        let contract =
            fields.optional("preferred_contract_type", |raw| values::one_of(raw, ContractType::WORDS));
        let source =
            fields.optional("registration_source", |raw| values::one_of(raw, RegistrationSource::WORDS));
        let email = fields.optional("email", values::email);
        Some(Self(PartnerFilter {
            status: status?,
            kind: kind?,
            validation: validation?,
            contract: contract?,
            source: source?,
            email: email?,
        }))
    }
}

/// Lists partners by the time of their registration, or of their last change.
#[utoipa::path(get, path = "/v1/partners", tag = "partners",
    params(("status" = Option<String>, Query, pattern = "^(REGISTERED|CONTRACTED|VALIDATED|SUSPENDED|TERMINATED)$"),
        ("partner_type" = Option<String>, Query, pattern = "^(INDIVIDUAL|EMPRESA|STARTUP)$"),
        ("validation_status" = Option<String>, Query, pattern = "^(PENDING|PARTIAL|COMPLETE)$"),
        ("preferred_contract_type" = Option<String>, Query, pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$"),
        ("registration_source" = Option<String>, Query, pattern = "^(WEB|API|REFERRAL)$"),
        ("email" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?(registered_at|changed_at)$")),
    responses((status = 200, description = "A page", content((PageOf<PartnerSummaryView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["registered_at", "changed_at"])?;
    let keyset = query.keyset(sort)?;
    let by_change = sort.field == "changed_at";
    let read = async move |tx: &Tx| -> Result<Vec<Listed>, DbError> {
        store::page_of_partners(tx, filter.clone(), by_change, keyset.clone()).await
    };
    let partners = app.db.read(read).await?;
    let place = |last: &Listed| {
        let at = if by_change { last.changed_at } else { last.registered_at };
        Page::<Listed>::position(at.as_micros(), &last.id)
    };
    let page = Page::cut(partners, query.limit, sort, place);
    Ok(page.map(|listed| PartnerSummaryView::from(&listed)).into_answer(query.format))
}

/// A partner: its status and what may follow, its checks, contracts and documents.
#[utoipa::path(get, path = "/v1/partners/{id}", tag = "partners", params(("id" = String, Path)),
    responses((status = 200, description = "The partner, with its revision as ETag", body = PartnerView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &PartnerView::from(&found(&app, &id).await?)))
}

/// Changes what is given.
#[utoipa::path(patch, path = "/v1/partners/{id}", tag = "partners", request_body = ChangePartnerBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 200, description = "The partner after the change", body = PartnerView),
        (status = 409, description = "Another has the e-mail, or it is terminated", content_type = "application/problem+json"),
        (status = 412, description = "Somebody changed it meanwhile", content_type = "application/problem+json")))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    seen: IfMatch,
    body: Body<PartnerChanges>,
) -> Result<Answer, Problem> {
    let (id, digest) = (id.as_str(), body.digest.as_str());
    let wanted = Wanted { scope: "change partner", id, digest, seen, status: StatusCode::OK };
    done(&app, asked, wanted, Verb::Change(body.value)).await
}

/// Suspends a partner, until it is reactivated.
#[utoipa::path(post, path = "/v1/partners/{id}/suspend", tag = "partners", request_body = ReasonBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 200, description = "The partner, suspended", body = PartnerView),
        (status = 409, description = "Not in this state", content_type = "application/problem+json")))]
pub(super) async fn suspend(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    seen: IfMatch,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let (id, digest) = (id.as_str(), body.digest.as_str());
    let wanted = Wanted { scope: "suspend partner", id, digest, seen, status: StatusCode::OK };
    let Reason(reason) = body.value;
    done(&app, asked, wanted, Verb::Suspend { reason }).await
}

/// Brings a suspended partner back to where its contracts are.
#[utoipa::path(post, path = "/v1/partners/{id}/reactivate", tag = "partners",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 200, description = "The partner, active", body = PartnerView),
        (status = 409, description = "Not in this state", content_type = "application/problem+json")))]
pub(super) async fn reactivate(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    seen: IfMatch,
) -> Result<Answer, Problem> {
    let wanted = Wanted { scope: "reactivate partner", id: &id, digest: "", seen, status: StatusCode::OK };
    done(&app, asked, wanted, Verb::Reactivate).await
}

/// Ends the work with a partner, for good.
#[utoipa::path(post, path = "/v1/partners/{id}/terminate", tag = "partners", request_body = ReasonBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 200, description = "The partner, terminated", body = PartnerView)))]
pub(super) async fn terminate(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    seen: IfMatch,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let (id, digest) = (id.as_str(), body.digest.as_str());
    let wanted = Wanted { scope: "terminate partner", id, digest, seen, status: StatusCode::OK };
    let Reason(reason) = body.value;
    done(&app, asked, wanted, Verb::Terminate { reason }).await
}

/// Each move of the status, the oldest first.
#[utoipa::path(get, path = "/v1/partners/{id}/history", tag = "partners", params(("id" = String, Path)),
    responses((status = 200, description = "Who, when, why and because of what", body = Vec<MoveView>)))]
pub(super) async fn history(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let partner = partner_id(&id)?;
    let read = async move |tx: &Tx| -> Result<Vec<Moved>, Problem> {
        status_of(tx, &partner).await?;
        Ok(store::moves_of(tx, &partner).await?)
    };
    let moves: Vec<MoveView> = app.db.read(read).await?.into_iter().map(MoveView::from).collect();
    Ok(Answer::json(StatusCode::OK, &moves))
}

/// What was checked of a partner, and what it comes to.
#[utoipa::path(get, path = "/v1/partners/{id}/validation", tag = "partners", params(("id" = String, Path)),
    responses((status = 200, description = "The checks that its type asks for", body = ValidationView)))]
pub(super) async fn validation(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &ValidationView::from(&found(&app, &id).await?)))
}
