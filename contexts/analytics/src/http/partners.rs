//! `/v1/analytics/partners`: what each partner's campaigns come to, never over currencies.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Filters, Format, ListQuery, Page, Problem};

use super::App;
use super::lists::{self, Periods, SORTS_OF_SUMS};
use crate::domain::PartnerId;
use crate::problems::{no_partner, ranks_one_period};
use crate::queries::{self, Summed};
use crate::store::{self, By, Column, Filter, Whose};
use crate::views::{PartnerLineView, PartnerView, TotalView};

/// As of campaigns: each currency is in an order of its own.
fn columns(field: &str) -> &'static [Column] {
    match field {
        "spend" => &[Column::Currency, Column::SpendMinor, Column::PartnerId],
        "revenue" => &[Column::Currency, Column::RevenueMinor, Column::PartnerId],
        "profit" => &[Column::Currency, Column::ProfitMinor, Column::PartnerId],
        "conversions" => &[Column::Conversions, Column::PartnerId, Column::Currency],
        "leads" => &[Column::Leads, Column::PartnerId, Column::Currency],
        "clicks" => &[Column::Clicks, Column::PartnerId, Column::Currency],
        "impressions" => &[Column::Impressions, Column::PartnerId, Column::Currency],
        _ => &[Column::EndDay, Column::StartDay, Column::Period, Column::Currency, Column::PartnerId],
    }
}

/// Lists what the campaigns of each partner come to, period by period and currency by currency. By a figure within one
/// `period`, which makes it a ranking.
#[utoipa::path(get, path = "/v1/analytics/partners", tag = "partners",
    params(("period" = Option<String>, Query, description = "2025-01-15, 2025-W03, 2025-01 or 2025-01-01--2025-01-08"),
        ("granularity" = Option<String>, Query, pattern = "^(DAILY|WEEKLY|MONTHLY|CUSTOM)$"),
        ("currency" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query,
            pattern = "^-?(period|spend|revenue|profit|conversions|leads|clicks|impressions)$")),
    responses((status = 200, description = "A page", content((PageOf<PartnerLineView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Periods(filter)): Filters<Periods>,
) -> Result<Response, Problem> {
    let sort = query.sort(&SORTS_OF_SUMS)?;
    if sort.field != "period" && filter.period.is_none() {
        return Err(ranks_one_period(sort));
    }
    let columns = columns(sort.field);
    let order = lists::order(&query, sort, columns)?;
    let read = async move |tx: &Tx| -> Result<Vec<Summed>, DbError> {
        queries::sums(tx, By::Partner, &filter, &order).await
    };
    let sums = app.db.read(read).await?;
    let page = Page::cut(sums, query.limit, sort, |(last, _)| lists::place(columns, last));
    Ok(page.map(PartnerLineView::from).into_answer(query.format))
}

/// What a partner's campaigns come to, period by period and currency by currency, and in all days, weeks and months.
#[utoipa::path(get, path = "/v1/analytics/partners/{id}", tag = "partners",
    params(("id" = String, Path),
        ("period" = Option<String>, Query, description = "2025-01-15, 2025-W03, 2025-01 or 2025-01-01--2025-01-08"),
        ("granularity" = Option<String>, Query, pattern = "^(DAILY|WEEKLY|MONTHLY|CUSTOM)$"),
        ("currency" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?period$")),
    responses((status = 200, description = "A page", content((PartnerView = "application/json"), (String = "text/csv")))))]
pub(super) async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
    Filters(Periods(filter)): Filters<Periods>,
) -> Result<Response, Problem> {
    const COLUMNS: &[Column] = &[Column::EndDay, Column::StartDay, Column::Period, Column::Currency];
    let partner = PartnerId::parse(&id).map_err(|_| no_partner(&id))?;
    let filter = Filter { whose: Whose::Partner(partner.clone()), ..filter };
    let sort = query.sort(&["period"])?;
    let order = lists::order(&query, sort, COLUMNS)?;
    let format = query.format;
    let read = async move |tx: &Tx| -> Result<(Vec<Summed>, Vec<TotalView>), Problem> {
        if !store::is_known(tx, &filter.whose).await? {
            return Err(no_partner(&partner));
        }
        // CSV does not say them.
        let totals = if format == Format::Json { queries::totals(tx, &filter).await? } else { Vec::new() };
        let sums = queries::sums(tx, By::Partner, &filter, &order).await?;
        Ok((sums, totals.into_iter().map(TotalView::from).collect()))
    };
    let (sums, totals) = app.db.read(read).await?;
    let page = Page::cut(sums, query.limit, sort, |(last, _)| lists::place(COLUMNS, last));
    let page = page.map(PartnerLineView::from);
    Ok(match format {
        Format::Csv => page.into_answer(Format::Csv),
        Format::Json => {
            let Page { items, next_cursor } = page;
            let view = PartnerView { partner_id: id, totals, items, next_cursor };
            Answer::json(StatusCode::OK, &view).into_response()
        }
    })
}
