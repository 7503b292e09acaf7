//! Requests of partners that were called off before they were known here.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _};

use super::{insert, select};
use crate::domain::{PartnerId, RequestId};

/// Keeps that a request was called off, once.
pub(crate) async fn insert_cancellation(
    tx: &Tx,
    request: &RequestId,
    partner: &PartnerId,
    reason: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    let cells = vec![
        ("request_id", request.as_str().into()),
        ("partner_id", partner.as_str().into()),
        ("reason", reason.into()),
        ("cancelled_at", at.as_micros().into()),
    ];
    tx.insert_new(&insert("request_cancellation", cells), "request_id").await.map(drop)
}

/// Why a partner called a request off, if it did.
pub(crate) async fn cancellation_of(
    tx: &Tx,
    request: &RequestId,
    partner: &PartnerId,
) -> Result<Option<String>, DbError> {
    let mut select = select("request_cancellation");
    select
        .and_where(Expr::col("request_id").eq(request.as_str()))
        .and_where(Expr::col("partner_id").eq(partner.as_str()));
    tx.fetch_optional(&select).await?.map(|row| row.get("reason")).transpose()
}
