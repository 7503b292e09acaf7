//! `/v1/reratings`: a period rated anew, because a rule was wrong. First what it would owe, then in the books.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, Fields, Filters, FromFields, ListQuery, Page, Problem, values};

use super::App;
use crate::commands::{self, ReratingError, Selection};
use crate::domain::{AffiliateId, ProgramId, ReratingId};
use crate::problems::no_rerating;
use crate::requests::{ReratingBody, ReratingRequest};
use crate::store::reratings::{self, Line, LineFilter, Outcome, Rerating, ReratingFilter};
use crate::views::{ReratingLineView, ReratingSummaryView, ReratingView};

/// What a list of re-ratings may be narrowed by.
pub(super) struct Narrowed(ReratingFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let program = fields.optional("programId", |raw| values::id(raw, ProgramId::parse));
        let statuses = [("DRAFT", "DRAFT"), ("APPLIED", "APPLIED")];
        let status = fields.optional("status", |raw| values::one_of(raw, &statuses));
        Some(Self(ReratingFilter { program: program?, status: status? }))
    }
}

/// What a list of lines may be narrowed by.
pub(super) struct Lines(LineFilter);

impl FromFields for Lines {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let affiliate = fields.optional("affiliateId", |raw| values::id(raw, AffiliateId::parse));
        let outcome = fields.optional("outcome", |raw| values::one_of(raw, &Outcome::ALL));
        Some(Self(LineFilter { affiliate: affiliate?, outcome: outcome? }))
    }
}

/// Drafts a re-rating: works out what each conversion of a period owes by the rules as they stand, or with a version of
/// a rule that is named, and what the books would get. Nothing is booked.
#[utoipa::path(post, path = "/v1/reratings", tag = "reratings", request_body = ReratingBody,
    responses((status = 201, description = "Drafted", body = ReratingView)))]
pub(super) async fn draft(
    State(app): State<App>,
    asked: Asked,
    body: Body<ReratingRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("draft rerating", &body.digest, "");
    // A draft is worked out outside of the command, and only for the first who asks with the key.
    if let Some(answer) = request.kept::<Problem>(&app.db).await? {
        return Ok(answer);
    }
    let ReratingRequest { program, from, until, affiliate, campaign, rule, reason } = body.value;
    let built_in = app.program.id();
    let selection = Selection {
        program: program.unwrap_or_else(|| built_in.clone()),
        from,
        until: until.unwrap_or(cause.at),
        affiliate,
        campaign,
        rule,
    };
    let id = ReratingId::new(app.edge.uuid());
    let drafted = commands::try_rerating(&app.db, id, selection, reason, &built_in, &cause).await?;
    let draft = async move |tx: &Tx| -> Result<Answer, Problem> {
        let rerating = commands::draft_rerating(tx, drafted.clone()).await?;
        Ok(Answer::json(StatusCode::CREATED, &view(tx, rerating).await?))
    };
    app.idempotency.write(&app.db, request, draft).await
}

/// Lists re-ratings by the time of their drafting.
#[utoipa::path(get, path = "/v1/reratings", tag = "reratings",
    params(("programId" = Option<String>, Query),
        ("status" = Option<String>, Query, pattern = "^(DRAFT|APPLIED)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?createdAt$")),
    responses((status = 200, description = "A page", content((PageOf<ReratingSummaryView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["createdAt"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Rerating>, DbError> {
        reratings::page(tx, filter.clone(), keyset.clone()).await
    };
    let found = app.db.read(read).await?;
    let page = Page::cut(found, query.limit, sort, |last: &Rerating| {
        Page::<Rerating>::position(last.created_at.as_micros(), &last.id)
    });
    Ok(page.map(ReratingSummaryView::from).into_answer(query.format))
}

/// One re-rating: what it comes to, and per affiliate.
#[utoipa::path(get, path = "/v1/reratings/{id}", tag = "reratings", params(("id" = String, Path)),
    responses((status = 200, description = "The re-rating", body = ReratingView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let id = parse(&id)?;
    let read = async move |tx: &Tx| -> Result<ReratingView, Problem> {
        let found = reratings::load(tx, &id).await?;
        let rerating = found.ok_or_else(|| ReratingError::NotFound(id.clone()))?;
        Ok(view(tx, rerating).await?)
    };
    Ok(Answer::json(StatusCode::OK, &app.db.read(read).await?))
}

/// The conversions that change, each with what it owed, what it owes and why.
#[utoipa::path(get, path = "/v1/reratings/{id}/lines", tag = "reratings",
    params(("id" = String, Path), ("affiliateId" = Option<String>, Query),
        ("outcome" = Option<String>, Query, pattern = "^(ADJUSTED|ADDED|OWED_BACK|COUNTED|REFUNDED|DECIDED)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?number$")),
    responses((status = 200, description = "A page", content((PageOf<ReratingLineView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn lines(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(Lines(filter)): Filters<Lines>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let sort = query.sort(&["number"])?;
    let keyset = query.keyset_by_numbers(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Line>, Problem> {
        reratings::load(tx, &id).await?.ok_or_else(|| ReratingError::NotFound(id.clone()))?;
        Ok(reratings::lines(tx, &id, &filter, keyset.clone()).await?)
    };
    let lines = app.db.read(read).await?;
    let page =
        Page::cut(lines, query.limit, sort, |last: &Line| Page::<Line>::position(last.number, &last.number));
    Ok(page.map(ReratingLineView::from).into_answer(query.format))
}

/// Books a draft; again, it is no news. It is refused where the books would not move as the draft says.
#[utoipa::path(post, path = "/v1/reratings/{id}/apply", tag = "reratings", params(("id" = String, Path)),
    responses((status = 200, description = "Applied, now or before", body = ReratingView),
        (status = 409, description = "Rules or commissions have changed since: draft it again", content_type = "application/problem+json")))]
pub(super) async fn apply(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let rerating = parse(&id)?;
    let (cause, request) = asked.keyed("apply rerating", "", &id);
    let edge = app.edge.clone();
    let apply = async move |tx: &Tx| -> Result<Answer, Problem> {
        let applied = commands::apply_rerating(tx, &rerating, &*edge, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &view(tx, applied).await?))
    };
    app.idempotency.write(&app.db, request, apply).await
}

async fn view(tx: &Tx, rerating: Rerating) -> Result<ReratingView, DbError> {
    let sums = reratings::sums(tx, &rerating.id).await?;
    Ok(ReratingView::of(rerating, &sums))
}

fn parse(id: &str) -> Result<ReratingId, Problem> {
    ReratingId::parse(id).map_err(|_| no_rerating(id))
}
