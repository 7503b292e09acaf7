//! `/v1/analytics/campaigns`.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Filters, Format, ListQuery, Page, Problem};

use super::App;
use super::lists::{self, Campaigns, Periods, SORTS};
use crate::domain::{CampaignId, Period};
use crate::problems::{no_campaign, no_report};
use crate::queries::{self, Known};
use crate::store::{self, Column, Filter, Line, Whole, Whose};
use crate::views::{CampaignPeriodsView, LineView, ReportView, TotalView};

/// Amounts of one currency say nothing of those of another, so each currency is in an order of its own.
fn columns(field: &str) -> &'static [Column] {
    match field {
        "spend" => &[Column::Currency, Column::SpendMinor, Column::CampaignId],
        "revenue" => &[Column::Currency, Column::RevenueMinor, Column::CampaignId],
        "profit" => &[Column::Currency, Column::ProfitMinor, Column::CampaignId],
        "roi" => &[Column::RoiRank, Column::CampaignId],
        "conversions" => &[Column::Conversions, Column::CampaignId],
        "leads" => &[Column::Leads, Column::CampaignId],
        "clicks" => &[Column::Clicks, Column::CampaignId],
        "impressions" => &[Column::Impressions, Column::CampaignId],
        _ => &[Column::EndDay, Column::StartDay, Column::CampaignId],
    }
}

/// Lists campaigns, each with the figures of its newest period; of one granularity, or of one period, if that is asked
/// for.
#[utoipa::path(get, path = "/v1/analytics/campaigns", tag = "campaigns",
    params(("partner_id" = Option<String>, Query),
        ("period" = Option<String>, Query, description = "2025-01-15, 2025-W03, 2025-01 or 2025-01-01--2025-01-08"),
        ("granularity" = Option<String>, Query, pattern = "^(DAILY|WEEKLY|MONTHLY|CUSTOM)$"),
        ("currency" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query,
            pattern = "^-?(period|spend|revenue|profit|roi|conversions|leads|clicks|impressions)$")),
    responses((status = 200, description = "A page", content((PageOf<LineView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Campaigns(filter)): Filters<Campaigns>,
) -> Result<Response, Problem> {
    let sort = query.sort(&SORTS)?;
    let columns = columns(sort.field);
    let order = lists::order(&query, sort, columns)?;
    let read = async move |tx: &Tx| -> Result<(Vec<Line>, Known), DbError> {
        let lines = match filter.period {
            Some(_) => store::period_lines(tx, &filter, &order).await?,
            None => store::newest_lines(tx, &filter, &order).await?,
        };
        let known = queries::campaigns_of(tx, &lines).await?;
        Ok((lines, known))
    };
    let (lines, known) = app.db.read(read).await?;
    let page = Page::cut(lines, query.limit, sort, |last| lists::place(columns, last));
    Ok(page.map(|line| LineView::of(line, &known)).into_answer(query.format))
}

/// A campaign's periods, and what all its days, weeks and months come to.
#[utoipa::path(get, path = "/v1/analytics/campaigns/{id}", tag = "campaigns",
    params(("id" = String, Path),
        ("period" = Option<String>, Query, description = "2025-01-15, 2025-W03, 2025-01 or 2025-01-01--2025-01-08"),
        ("granularity" = Option<String>, Query, pattern = "^(DAILY|WEEKLY|MONTHLY|CUSTOM)$"),
        ("currency" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?period$")),
    responses((status = 200, description = "A page", content((CampaignPeriodsView = "application/json"), (String = "text/csv")))))]
pub(super) async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(Periods(filter)): Filters<Periods>,
) -> Result<Response, Problem> {
    const COLUMNS: &[Column] = &[Column::EndDay, Column::StartDay, Column::Period];
    let campaign = CampaignId::parse(&id).map_err(|_| no_campaign(&id))?;
    let filter = Filter { whose: Whose::Campaign(campaign.clone()), ..filter };
    let sort = query.sort(&["period"])?;
    let order = lists::order(&query, sort, COLUMNS)?;
    let format = query.format;
    let read = async move |tx: &Tx| -> Result<(Vec<Line>, Known, Vec<TotalView>), Problem> {
        if !store::is_known(tx, &filter.whose).await? {
            return Err(no_campaign(&campaign));
        }
        // CSV does not say them.
        let totals = if format == Format::Json { queries::totals(tx, &filter).await? } else { Vec::new() };
        let lines = store::period_lines(tx, &filter, &order).await?;
        let known = queries::campaigns_of(tx, &lines).await?;
        Ok((lines, known, totals.into_iter().map(TotalView::from).collect()))
    };
    let (lines, known, totals) = app.db.read(read).await?;
    let page = Page::cut(lines, query.limit, sort, |last| lists::place(COLUMNS, last));
    let page = page.map(|line| LineView::of(line, &known));
    Ok(match format {
        Format::Csv => page.into_answer(Format::Csv),
        Format::Json => {
            let Page { items, next_cursor } = page;
            let view = CampaignPeriodsView { campaign_id: id, totals, items, next_cursor };
            Answer::json(StatusCode::OK, &view).into_response()
        }
    })
}

/// The newest report of a campaign's period, with all that it says. Its `ETag` changes with what the campaign is called,
/// too.
#[utoipa::path(get, path = "/v1/analytics/campaigns/{id}/periods/{period}", tag = "campaigns",
    params(("id" = String, Path),
        ("period" = String, Path, description = "2025-01-15, 2025-W03, 2025-01 or 2025-01-01--2025-01-08")),
    responses((status = 200, description = "The report", body = ReportView)))]
pub(super) async fn report(
    State(app): State<App>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let parsed = CampaignId::parse(&id).ok().zip(Period::parse(&name).ok());
    let (campaign, period) = parsed.ok_or_else(|| no_report(&id, &name))?;
    let read = async move |tx: &Tx| -> Result<Option<(Whole, Known)>, DbError> {
        let Some(report) = store::load_report(tx, &campaign, period).await? else { return Ok(None) };
        let known = queries::campaigns_of(tx, std::slice::from_ref(&report.line)).await?;
        Ok(Some((report, known)))
    };
    let (report, known) = app.db.read(read).await?.ok_or_else(|| no_report(&id, &name))?;
    let view = ReportView::of(report, &known);
    let tag = HeaderValue::from_str(&view.tag()).expect("digits in quotes");
    let mut response = Answer::json(StatusCode::OK, &view).into_response();
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}
