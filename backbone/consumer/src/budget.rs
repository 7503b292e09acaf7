//! The runs that an event has had, kept beside the inbox: one budget over all restarts.

use std::collections::HashMap;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Query};

/// What is noted of an event that was run and is not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// Runs, one that may still be going on included.
    pub(crate) count: u32,
    pub(crate) first_at: Timestamp,
    /// Not to be run before.
    pub(crate) due_at: Timestamp,
    pub(crate) why: String,
}

/// All that a consumer has under way.
pub(crate) async fn load(db: &Db, consumer: String) -> Result<HashMap<String, Attempts>, DbError> {
    let select = Query::select()
        .columns(["event_id", "runs", "first_at", "due_at", "why"])
        .from("inbox_run")
        .and_where(Expr::col("consumer").eq(consumer))
        .to_owned();
    db.read(async move |tx: &Tx| {
        let mut known = HashMap::new();
        for row in tx.fetch_all(&select).await? {
            let time = |column: &str| {
                Timestamp::from_micros(row.get(column)?).ok_or(DbError::Range("a time of an event's runs"))
            };
            let attempts = Attempts {
                count: row.get("runs")?,
                first_at: time("first_at")?,
                due_at: time("due_at")?,
                why: row.get("why")?,
            };
            known.insert(row.get("event_id")?, attempts);
        }
        Ok(known)
    })
    .await
}

/// Notes the runs of an event, in place of what was noted.
pub(crate) async fn note(
    tx: &Tx,
    consumer: &str,
    event_id: &str,
    attempts: &Attempts,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table("inbox_run")
        .columns(["consumer", "event_id", "runs", "first_at", "due_at", "why"])
        .values_panic([
            consumer.into(),
            event_id.into(),
            i64::from(attempts.count).into(),
            attempts.first_at.as_micros().into(),
            attempts.due_at.as_micros().into(),
            attempts.why.as_str().into(),
        ])
        .to_owned();
    if tx.insert_new(&insert, "event_id").await? {
        return Ok(());
    }
    let update = Query::update()
        .table("inbox_run")
        .value("runs", i64::from(attempts.count))
        .value("due_at", attempts.due_at.as_micros())
        .value("why", attempts.why.as_str())
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_id").eq(event_id))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// The event is handled, or a dead letter.
pub(crate) async fn forget(tx: &Tx, consumer: &str, event_id: &str) -> Result<(), DbError> {
    let delete = Query::delete()
        .from_table("inbox_run")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_id").eq(event_id))
        .to_owned();
    tx.execute(&delete).await.map(drop)
}
