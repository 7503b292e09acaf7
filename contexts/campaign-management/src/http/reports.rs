//! `/v1/reports`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, Fields, Filters, FromFields, ListQuery, Page, Problem, said, values,
};

use super::App;
use crate::commands::{self, MakeReport};
use crate::domain::{CampaignId, Day, PartnerId, ReportId};
use crate::problems::{invalid, no_report};
use crate::requests::{GRANULARITIES, ReportBody, ReportRequest};
use crate::store::{self, ReportFilter, ReportRow};
use crate::views::{ReportItemView, ReportView};

/// Makes a report, and tells it on its topic, with its insights and suggestions on theirs.
#[utoipa::path(post, path = "/v1/reports", tag = "reports", request_body = ReportBody,
    responses((status = 201, description = "Made", body = ReportView)))]
pub(super) async fn make(
    State(app): State<App>,
    asked: Asked,
    body: Body<ReportRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("make report", &body.digest, "");
    let ReportRequest { campaign, granularity, period } = body.value;
    let today = Day::of(cause.at);
    let period = period.or_else(|| granularity.last_before(today)).expect("a custom period was given");
    if period.start > today {
        let why =
            said!("must not be in the future: it is {today}", "no debe estar en el futuro: es el {today}");
        return Err(invalid("/start", "in_the_future", why));
    }
    let command = MakeReport { campaign, granularity, period, is_scheduled: false };
    let ids = app.edge.clone();
    let make = async move |tx: &Tx| -> Result<Answer, Problem> {
        let made = commands::make_report(tx, command.clone(), &*ids, &cause).await?;
        let made = made.expect("one that somebody asks for is made each time");
        Ok(Answer::new(StatusCode::CREATED, made.0))
    };
    app.idempotency.write(&app.db, request, make).await
}

/// What a list of reports may be narrowed by.
pub(super) struct Narrowed(ReportFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let campaign = fields.optional("campaign_id", |raw| values::id(raw, CampaignId::parse));
        let partner = fields.optional("partner_id", |raw| values::id(raw, PartnerId::parse));
        let granularity = fields.optional("granularity", |raw| values::one_of(raw, &GRANULARITIES));
        let words = [("true", true), ("false", false)];
        let replaced = fields.optional("replaced", |raw| values::one_of(raw, &words));
        Some(Self(ReportFilter {
            campaign: campaign?,
            partner: partner?,
            granularity: granularity?,
            replaced: replaced?,
        }))
    }
}

/// Lists reports by the time at which they were made.
#[utoipa::path(get, path = "/v1/reports", tag = "reports",
    params(("campaign_id" = Option<String>, Query), ("partner_id" = Option<String>, Query),
        ("granularity" = Option<String>, Query, pattern = "^(DAILY|WEEKLY|MONTHLY|CUSTOM)$"),
        ("replaced" = Option<bool>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?generated_at$")),
    responses((status = 200, description = "A page", content((PageOf<ReportView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["generated_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<ReportRow>, DbError> {
        store::page_of_reports(tx, filter.clone(), keyset.clone()).await
    };
    let reports = app.db.read(read).await?;
    let place = |last: &ReportRow| Page::<ReportRow>::position(last.generated_at.as_micros(), &last.id);
    let page = Page::cut(reports, query.limit, sort, place);
    Ok(page.map(ReportItemView::from).into_answer(query.format))
}

/// One report.
#[utoipa::path(get, path = "/v1/reports/{id}", tag = "reports", params(("id" = String, Path)),
    responses((status = 200, description = "The report", body = ReportView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let parsed = ReportId::parse(&id).map_err(|_| no_report(&id))?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_report(tx, &parsed).await };
    let report = app.db.read(read).await?.ok_or_else(|| no_report(&id))?;
    Ok(Answer::new(StatusCode::OK, report.told()))
}
