//! `/v1/statements/{partner}`: as JSON, CSV or PDF, as the client accepts.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::Tx;
use hexalpes_http::{FieldError, Fields, Filters, FromFields, Invalid, Problem, accepted, said, values};
use hexalpes_kernel::{Currency, Timestamp};

use super::App;
use super::payouts::attachment;
use crate::domain::AffiliateId;
use crate::files;
use crate::store::statement::{self, StatementError};
use crate::views::StatementView;

/// In which currency, and for which period.
pub(super) struct Period {
    currency: Currency,
    from: Timestamp,
    to: Timestamp,
}

impl FromFields for Period {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let currency = fields.required("currency", values::currency);
        let from = fields.required("from", values::timestamp);
        let to = fields.required("to", values::timestamp);
        let (from, to) = (from?, to?);
        if from >= to {
            let why = said!("must be after from", "debe ser posterior a from");
            fields.refuse("to", Invalid::new("empty_period", why));
        }
        Some(Self { currency: currency?, from, to })
    }
}

impl From<StatementError> for Problem {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::TooLong => Self::unprocessable(
                "period_too_long",
                said!("{error}", "el período tiene demasiados asientos: hay que pedir uno más corto"),
            ),
            StatementError::Database(error) => error.into(),
        }
    }
}

/// What was owed before a period, each entry in it, and what is owed after it. `Accept` may ask for `text/csv` or
/// `application/pdf`.
#[utoipa::path(get, path = "/v1/statements/{partner}", tag = "books",
    params(("partner" = String, Path, description = "The affiliate's id"), ("currency" = String, Query),
        ("from" = String, Query, format = DateTime, description = "At this time and later"),
        ("to" = String, Query, format = DateTime, description = "Before this time")),
    responses((status = 200, description = "The statement",
        content((StatementView = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf")))))]
pub(super) async fn statement(
    State(app): State<App>,
    Path(partner): Path<String>,
    headers: HeaderMap,
    Filters(Period { currency, from, to }): Filters<Period>,
) -> Result<Response, Problem> {
    let partner = values::opaque(&partner, AffiliateId::parse).map_err(|Invalid { code, message }| {
        Problem::invalid(vec![FieldError { pointer: "/partner".to_owned(), code, message }])
    })?;
    let name = format!("{partner}-{currency}");
    let read = async move |tx: &Tx| statement::of(tx, &partner, currency, from, to).await;
    let statement = app.db.read(read).await?;
    let known = ["text/csv", "application/pdf", "application/json"];
    let wanted = accepted(&headers).find(|kind| known.contains(&kind.as_str()));
    Ok(match wanted.as_deref() {
        Some("text/csv") => {
            let text = files::statement::csv(&statement).map_err(|_| Problem::internal())?;
            attachment("text/csv; charset=utf-8", &format!("{name}.csv"), text)
        }
        Some("application/pdf") => {
            attachment("application/pdf", &format!("{name}.pdf"), files::statement::pdf(&statement))
        }
        _ => Json(StatementView::from(statement)).into_response(),
    })
}
