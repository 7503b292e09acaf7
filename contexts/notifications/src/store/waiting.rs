//! What waits to be sent and does not arrive, counted.

use std::time::Duration;

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Func, Query, SelectStatement};
use serde::Serialize;

use super::{State, TENANT};
use crate::channels::EMAIL;
use crate::domain::Channel;

/// For so long a mail that failed for good is counted.
const FAILED_FOR: Duration = Duration::from_hours(24);

/// Deliveries that have not arrived, and webhooks that take none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Those that should have left by now: they are due, or a try failed.
    pub deliveries: u64,
    /// For how long the first of them has waited.
    pub oldest_seconds: u64,
    /// Mails among them of which a try failed.
    pub mails_failing: u64,
    /// Mails that failed for good within a day.
    pub mails_failed: u64,
    /// What is kept for webhooks that are disabled.
    pub held: u64,
    /// Webhooks that are disabled since they failed.
    pub webhooks_disabled: u64,
}

/// How many, and since when the first of them.
struct Counted {
    count: u64,
    since: Option<i64>,
}

pub(crate) async fn waiting(tx: &Tx, now: Timestamp) -> Result<Waiting, DbError> {
    let pending = |since: &'static str| of(State::Pending, since);
    let due = pending("due_at")
        .and_where(Expr::col("trouble").is_null())
        .and_where(Expr::col("due_at").lte(now.as_micros()))
        .to_owned();
    let tried = pending("created_at").and_where(Expr::col("trouble").is_not_null()).to_owned();
    let mails = tried.clone().and_where(Expr::col("channel").eq(Channel::Email.name())).to_owned();
    let failed = of(State::Failed, "due_at")
        .and_where(Expr::col("target").eq(EMAIL))
        .and_where(Expr::col("due_at").gte(now.before(FAILED_FOR).as_micros()))
        .to_owned();
    let disabled = Query::select()
        .expr_as(Func::count(Expr::col("id")), "count")
        .expr_as(Func::min(Expr::col("updated_at")), "since")
        .from("webhook")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("status").eq("DISABLED"))
        .and_where(Expr::col("failures").gt(0_i64))
        .to_owned();
    let (due, tried) = (count(tx, &due).await?, count(tx, &tried).await?);
    let since = [due.since, tried.since].into_iter().flatten().min();
    let oldest = since.map_or(0, |since| (now.as_micros() - since) / 1_000_000);
    Ok(Waiting {
        deliveries: due.count + tried.count,
        oldest_seconds: u64::try_from(oldest).unwrap_or(0),
        mails_failing: count(tx, &mails).await?.count,
        mails_failed: count(tx, &failed).await?.count,
        held: count(tx, &of(State::Held, "due_at")).await?.count,
        webhooks_disabled: count(tx, &disabled).await?.count,
    })
}

/// Deliveries in a state, and the first of a column of theirs.
fn of(state: State, since: &'static str) -> SelectStatement {
    Query::select()
        .expr_as(Func::count(Expr::col("id")), "count")
        .expr_as(Func::min(Expr::col(since)), "since")
        .from("delivery")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("state").eq(state.name()))
        .to_owned()
}

async fn count(tx: &Tx, select: &SelectStatement) -> Result<Counted, DbError> {
    let row: Row = tx.fetch_one(select).await?;
    Ok(Counted { count: row.get("count")?, since: row.get("since")? })
}
