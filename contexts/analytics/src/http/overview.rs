//! `/v1/analytics/overview`: what all campaigns come to.

use axum::extract::State;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Filters, ListQuery, Page, Problem};

use super::App;
use super::lists::{self, Periods};
use crate::queries::{self, Summed};
use crate::store::{By, Column};
use crate::views::OverviewView;

/// Lists what all campaigns come to, period by period and currency by currency.
#[utoipa::path(get, path = "/v1/analytics/overview", tag = "overview",
    params(("period" = Option<String>, Query, description = "2025-01-15, 2025-W03, 2025-01 or 2025-01-01--2025-01-08"),
        ("granularity" = Option<String>, Query, pattern = "^(DAILY|WEEKLY|MONTHLY|CUSTOM)$"),
        ("currency" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?period$")),
    responses((status = 200, description = "A page", content((PageOf<OverviewView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Periods(filter)): Filters<Periods>,
) -> Result<Response, Problem> {
    const COLUMNS: &[Column] = &[Column::EndDay, Column::StartDay, Column::Period, Column::Currency];
    let sort = query.sort(&["period"])?;
    let order = lists::order(&query, sort, COLUMNS)?;
    let read = async move |tx: &Tx| -> Result<Vec<Summed>, DbError> {
        queries::sums(tx, By::Period, &filter, &order).await
    };
    let sums = app.db.read(read).await?;
    let page = Page::cut(sums, query.limit, sort, |(last, _)| lists::place(COLUMNS, last));
    Ok(page.map(OverviewView::from).into_answer(query.format))
}
