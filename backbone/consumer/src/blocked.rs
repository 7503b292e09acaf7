//! Keys of which an event is a dead letter: in strict order, what comes later follows it there.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Order, Query};

use crate::names;

/// A key that waits for somebody to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedKey {
    /// The key, or its digest where it was longer than a column or had control characters.
    pub key: String,
    /// The event that became a dead letter first.
    pub event_id: String,
    pub blocked_at: Timestamp,
}

/// The event behind which those of the key stand, if there is one.
pub(crate) async fn behind(tx: &Tx, consumer: &str, key: &str) -> Result<Option<String>, DbError> {
    let select = Query::select()
        .column("event_id")
        .from("inbox_blocked_key")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_key").eq(names::of_key(key)))
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| row.get("event_id")).transpose()
}

pub(crate) async fn block(
    tx: &Tx,
    consumer: &str,
    key: &str,
    event_id: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table("inbox_blocked_key")
        .columns(["consumer", "event_key", "event_id", "blocked_at"])
        .values_panic([consumer.into(), names::of_key(key).into(), event_id.into(), now.as_micros().into()])
        .to_owned();
    tx.insert_new(&insert, "event_key").await.map(drop)
}

/// The keys of a consumer that wait, oldest first, at most `limit`.
pub async fn blocked_keys(tx: &Tx, consumer: &str, limit: u64) -> Result<Vec<BlockedKey>, DbError> {
    let select = Query::select()
        .columns(["event_key", "event_id", "blocked_at"])
        .from("inbox_blocked_key")
        .and_where(Expr::col("consumer").eq(consumer))
        .order_by("blocked_at", Order::Asc)
        .limit(limit)
        .to_owned();
    let mut keys = Vec::new();
    for row in tx.fetch_all(&select).await? {
        let blocked_at = Timestamp::from_micros(row.get("blocked_at")?);
        keys.push(BlockedKey {
            key: row.get("event_key")?,
            event_id: row.get("event_id")?,
            blocked_at: blocked_at.ok_or(DbError::Range("the time of a blocked key"))?,
        });
    }
    Ok(keys)
}

/// Lets the events of a key that come from now on be handled: its dead letters were dropped or replayed. Tells
/// whether it was blocked.
pub async fn release_key(tx: &Tx, consumer: &str, key: &str) -> Result<bool, DbError> {
    let delete = Query::delete()
        .from_table("inbox_blocked_key")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_key").eq(names::of_key(key)))
        .to_owned();
    Ok(tx.execute(&delete).await? > 0)
}
