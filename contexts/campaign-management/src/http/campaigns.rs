//! `/v1/campaigns`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, IfMatch, ListQuery, Page, Problem, Reason, ReasonBody,
    values,
};

use super::{App, campaign_id, found};
use crate::commands::{self, CampaignNotCreated, ChangeCampaign, Verb};
use crate::domain::{Campaign, PartnerId, Status};
use crate::requests::{CampaignBody, CampaignRequest, ChangeCampaignBody, ChangeRequest, TYPES};
use crate::store::{self, CampaignFilter};
use crate::views::{CampaignView, ChangeView};

const STATES: [(&str, Status); 6] = [
    ("DRAFT", Status::Draft),
    ("SCHEDULED", Status::Scheduled),
    ("ACTIVE", Status::Active),
    ("PAUSED", Status::Paused),
    ("COMPLETED", Status::Completed),
    ("CANCELLED", Status::Cancelled),
];

/// Drafts a campaign for a partner whose contract allows it, within the contract's limits.
#[utoipa::path(post, path = "/v1/campaigns", tag = "campaigns", request_body = CampaignBody,
    responses((status = 201, description = "Drafted", body = CampaignView),
        (status = 403, description = "The partner may not: `code` and `detail` say why, and what to do", content_type = "application/problem+json"),
        (status = 409, description = "More than the contract allows", content_type = "application/problem+json")))]
pub(super) async fn create(
    State(app): State<App>,
    asked: Asked,
    body: Body<CampaignRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("create campaign", &body.digest, "");
    let ids = app.edge.clone();
    let command = body.value.into_command(app.edge.uuid());
    let create = async move |tx: &Tx| -> Result<Answer, Problem> {
        let created: Result<Campaign, CampaignNotCreated> =
            commands::create_campaign(tx, command.clone(), &*ids, &cause).await;
        Ok(Answer::json(StatusCode::CREATED, &CampaignView::from(&created?)))
    };
    app.idempotency.write(&app.db, request, create).await
}

/// What a list of campaigns may be narrowed by.
pub(super) struct Narrowed(CampaignFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let status = fields.optional("status", |raw| values::one_of(raw, &STATES));
        let kind = fields.optional("campaign_type", |raw| values::one_of(raw, &TYPES));
        let channel = fields.optional("channel", |raw| values::text(raw, 64));
        let currency = fields.optional("currency", values::currency);
        Some(Self(CampaignFilter {
            partner: partner?,
            status: status?,
            kind: kind?,
            channel: channel?,
            currency: currency?,
        }))
    }
}

/// Lists campaigns by the time of their creation.
#[utoipa::path(get, path = "/v1/campaigns", tag = "campaigns",
    params(("partner_id" = Option<String>, Query), ("channel" = Option<String>, Query),
        ("status" = Option<String>, Query, pattern = "^(DRAFT|SCHEDULED|ACTIVE|PAUSED|COMPLETED|CANCELLED)$"),
        ("campaign_type" = Option<String>, Query), ("currency" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<CampaignView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Campaign>, DbError> {
        store::page_of_campaigns(tx, filter.clone(), keyset.clone()).await
    };
    let campaigns = app.db.read(read).await?;
    let place = |last: &Campaign| Page::<Campaign>::position(last.parts().created_at.as_micros(), last.id());
    let page = Page::cut(campaigns, query.limit, sort, place);
    Ok(page.map(|campaign| CampaignView::from(&campaign)).into_answer(query.format))
}

/// One campaign. Its `ETag` is its revision.
#[utoipa::path(get, path = "/v1/campaigns/{id}", tag = "campaigns", params(("id" = String, Path)),
    responses((status = 200, description = "The campaign", body = CampaignView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &CampaignView::from(&found(&app, &id).await?)))
}

/// Changes what is given.
#[utoipa::path(patch, path = "/v1/campaigns/{id}", tag = "campaigns", request_body = ChangeCampaignBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was seen")),
    responses((status = 200, description = "The campaign after the change", body = CampaignView),
        (status = 412, description = "It was changed meanwhile", content_type = "application/problem+json")))]
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<ChangeRequest>,
) -> Result<Answer, Problem> {
    let ChangeRequest(verb) = body.value;
    done(&app, &id, seen, asked, "change campaign", &body.digest, verb).await
}

/// Lets a draft begin, on its first day or at once. It has a budget, and a contract that allows it.
#[utoipa::path(post, path = "/v1/campaigns/{id}/activate", tag = "campaigns",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was seen")),
    responses((status = 200, description = "Active or scheduled", body = CampaignView),
        (status = 409, description = "Not now: `allowed_transitions` says what can be done", content_type = "application/problem+json")))]
pub(super) async fn activate(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
) -> Result<Answer, Problem> {
    done(&app, &id, seen, asked, "activate campaign", "", Verb::Activate).await
}

/// Pauses a campaign until somebody resumes it.
#[utoipa::path(post, path = "/v1/campaigns/{id}/pause", tag = "campaigns", request_body = ReasonBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was seen")),
    responses((status = 200, description = "Paused", body = CampaignView)))]
pub(super) async fn pause(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let Reason(reason) = body.value;
    done(&app, &id, seen, asked, "pause campaign", &body.digest, Verb::Pause { reason }).await
}

/// Resumes a campaign that a person paused. What a budget paused goes on when the budget is raised.
#[utoipa::path(post, path = "/v1/campaigns/{id}/resume", tag = "campaigns",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was seen")),
    responses((status = 200, description = "Active", body = CampaignView)))]
pub(super) async fn resume(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
) -> Result<Answer, Problem> {
    done(&app, &id, seen, asked, "resume campaign", "", Verb::Resume).await
}

/// Ends a campaign before its last day has passed.
#[utoipa::path(post, path = "/v1/campaigns/{id}/complete", tag = "campaigns",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was seen")),
    responses((status = 200, description = "Completed", body = CampaignView)))]
pub(super) async fn complete(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
) -> Result<Answer, Problem> {
    done(&app, &id, seen, asked, "complete campaign", "", Verb::Complete).await
}

/// Cancels a campaign for good.
#[utoipa::path(post, path = "/v1/campaigns/{id}/cancel", tag = "campaigns", request_body = ReasonBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was seen")),
    responses((status = 200, description = "Cancelled", body = CampaignView)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let Reason(reason) = body.value;
    done(&app, &id, seen, asked, "cancel campaign", &body.digest, Verb::Cancel { reason }).await
}

/// What became of a campaign, the oldest first: what, by whom, and what it followed from.
#[utoipa::path(get, path = "/v1/campaigns/{id}/history", tag = "campaigns", params(("id" = String, Path)),
    responses((status = 200, description = "All that ever happened to it", body = Vec<ChangeView>)))]
pub(super) async fn history(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = found(&app, &id).await?.id().clone();
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::history(tx, &id).await };
    let history: Vec<ChangeView> = app.db.read(read).await?.into_iter().map(Into::into).collect();
    Ok(Answer::json(StatusCode::OK, &history))
}

/// Does something with a campaign and answers with it.
async fn done(
    app: &App,
    id: &str,
    seen: IfMatch,
    asked: Asked,
    scope: &'static str,
    digest: &str,
    verb: Verb,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed(scope, digest, id);
    let command = ChangeCampaign { id: campaign_id(id)?, verb, seen };
    let ids = app.edge.clone();
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let campaign = commands::change_campaign(tx, command.clone(), &*ids, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &CampaignView::from(&campaign)))
    };
    app.idempotency.write(&app.db, request, change).await
}
