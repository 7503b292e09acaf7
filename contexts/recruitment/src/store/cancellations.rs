//! Requests of partners that had ended before they were known here: called off, or expired.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _};

use super::{insert, select};
use crate::domain::{JobStatus, PartnerId, RequestId};

/// How a request's job is to end, and why.
#[derive(Clone, Debug)]
pub(crate) struct RequestEnd {
    pub(crate) status: JobStatus,
    pub(crate) reason: String,
}

/// Keeps that a request ended, once.
pub(crate) async fn insert_request_end(
    tx: &Tx,
    request: &RequestId,
    partner: &PartnerId,
    end: &RequestEnd,
    at: Timestamp,
) -> Result<(), DbError> {
    let cells = vec![
        ("request_id", request.as_str().into()),
        ("partner_id", partner.as_str().into()),
        ("status", end.status.name().into()),
        ("reason", end.reason.as_str().into()),
        ("cancelled_at", at.as_micros().into()),
    ];
    tx.insert_new(&insert("request_cancellation", cells), "request_id").await.map(drop)
}

/// How a request of a partner ended, if it did.
pub(crate) async fn request_end_of(
    tx: &Tx,
    request: &RequestId,
    partner: &PartnerId,
) -> Result<Option<RequestEnd>, DbError> {
    let mut select = select("request_cancellation");
    select
        .and_where(Expr::col("request_id").eq(request.as_str()))
        .and_where(Expr::col("partner_id").eq(partner.as_str()));
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    Ok(Some(RequestEnd { status: row.parsed("status", JobStatus::parse)?, reason: row.get("reason")? }))
}
