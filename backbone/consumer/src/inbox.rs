//! The inbox: an event that was handled is not handled again.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Query, SelectStatement};

/// Ids that are deleted in one transaction.
const PRUNE_IDS_MAX: u64 = 500;

/// What the inbox has under an event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing, until now.
    New,
    /// The same event.
    Same,
    /// Another event.
    Other,
}

/// Notes that the event is handled, in the transaction of its effect.
pub(crate) async fn note(
    tx: &Tx,
    consumer: &str,
    event_id: &str,
    digest: &str,
    now: Timestamp,
) -> Result<Known, DbError> {
    let insert = Query::insert()
        .into_table("inbox_event")
        .columns(["consumer", "event_id", "digest", "processed_at"])
        .values_panic([consumer.into(), event_id.into(), digest.into(), now.as_micros().into()])
        .to_owned();
    if tx.insert_new(&insert, "event_id").await? {
        return Ok(Known::New);
    }
    // A server's transaction may not see the row that was in its way: then it is tried again, and does.
    let unseen = || DbError::Conflict("the event was handled a moment ago".to_owned());
    look(tx, consumer, event_id, digest).await?.ok_or_else(unseen)
}

/// What is noted, if anything is.
pub(crate) async fn look(
    tx: &Tx,
    consumer: &str,
    event_id: &str,
    digest: &str,
) -> Result<Option<Known>, DbError> {
    let select = Query::select()
        .column("digest")
        .from("inbox_event")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_id").eq(event_id))
        .to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    Ok(Some(if row.get::<String>("digest")? == digest { Known::Same } else { Known::Other }))
}

/// Forgets what was handled before `before`, and the runs of what never came again.
pub(crate) async fn prune(db: &Db, consumer: &str, before: Timestamp) -> Result<u64, DbError> {
    let mut pruned = 0;
    for (table, time) in [("inbox_event", "processed_at"), ("inbox_run", "due_at")] {
        loop {
            let old = Query::select()
                .column("event_id")
                .from(table)
                .and_where(Expr::col("consumer").eq(consumer))
                .and_where(Expr::col(time).lt(before.as_micros()))
                .limit(PRUNE_IDS_MAX)
                .to_owned();
            let consumer = consumer.to_owned();
            let some = async move |tx: &Tx| delete(tx, table, &consumer, &old).await;
            let ids = db.write(some).await?;
            pruned += ids;
            if ids < PRUNE_IDS_MAX {
                break;
            }
        }
    }
    Ok(pruned)
}

async fn delete(tx: &Tx, table: &'static str, consumer: &str, old: &SelectStatement) -> Result<u64, DbError> {
    let mut ids = Vec::new();
    for row in tx.fetch_all(old).await? {
        ids.push(row.get::<String>("event_id")?);
    }
    if ids.is_empty() {
        return Ok(0);
    }
    let delete = Query::delete()
        .from_table(table)
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_id").is_in(ids))
        .to_owned();
    tx.execute(&delete).await
}
