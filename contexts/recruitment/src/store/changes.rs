//! Which candidates have changed: one row each, whose number is higher after every change.

use hexalpes_db::{DbError, Tx};
use sea_query::{Expr, ExprTrait as _, Order, Query};

use super::candidates::candidate;
use super::{TENANT, select};
use crate::domain::{Candidate, CandidateId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) seq: i64,
    pub(crate) candidate: String,
}

/// Notes a change, in the transaction that makes it.
pub(super) async fn note(tx: &Tx, candidate: &CandidateId, is_new: bool) -> Result<(), DbError> {
    if !is_new {
        let delete = Query::delete()
            .from_table("candidate_change")
            .and_where(Expr::col("tenant").eq(TENANT))
            .and_where(Expr::col("candidate_id").eq(candidate.as_str()))
            .to_owned();
        tx.execute(&delete).await?;
    }
    let insert = super::insert("candidate_change", vec![("candidate_id", candidate.as_str().into())]);
    tx.execute(&insert).await.map(drop)
}

/// The highest number there is; 0 before the first.
pub(crate) async fn newest_change(tx: &Tx) -> Result<i64, DbError> {
    let select = Query::select()
        .column("seq")
        .from("candidate_change")
        .order_by("seq", Order::Desc)
        .limit(1)
        .to_owned();
    tx.fetch_optional(&select).await?.map_or(Ok(0), |row| row.get("seq"))
}

/// Those with higher numbers, in their order.
pub(crate) async fn changes_after(tx: &Tx, seq: i64) -> Result<Vec<Change>, DbError> {
    let select = Query::select()
        .columns(["seq", "candidate_id"])
        .from("candidate_change")
        .and_where(Expr::col("seq").gt(seq))
        .order_by("seq", Order::Asc)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| Ok(Change { seq: row.get("seq")?, candidate: row.get("candidate_id")? })).collect()
}

/// Active candidates in the order of their ids, so many after one.
pub(crate) async fn first_candidates(
    tx: &Tx,
    after: Option<&CandidateId>,
    limit: u64,
) -> Result<Vec<Candidate>, DbError> {
    let mut select = select("candidate");
    select
        .and_where(Expr::col("status").eq("ACTIVE"))
        .and_where_option(after.map(|id| Expr::col("id").gt(id.as_str())))
        .order_by("id", Order::Asc)
        .limit(limit);
    tx.fetch_all(&select).await?.iter().map(candidate).collect()
}
