//! What an outbox has by its ids alone: for who compares it with the topics.

use hexalpes_db::{Db, DbError, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Condition, Expr, ExprTrait as _, Func, Order, Query};

use crate::append::MESSAGE;
use crate::log::place;
use crate::{parked, row};

/// The ordinal of the newest row; 0 when there is none.
pub async fn newest_ordinal(db: &Db) -> Result<i64, DbError> {
    row::newest_seq(db).await
}

/// How many rows up to `through` are not published: those that are published and not yet marked so are no such rows.
pub async fn unpublished(db: &Db, through: i64) -> Result<u64, DbError> {
    let read = async move |tx: &Tx| -> Result<i64, DbError> {
        let mut select = Query::select()
            .expr_as(Func::count(Expr::col("seq")), "pending")
            .from("outbox_event")
            .and_where(Expr::col("published").eq(0_i64))
            .and_where(Expr::col("seq").lte(through))
            .to_owned();
        let unmarked = place::unmarked(tx).await?;
        if !unmarked.is_empty() {
            let published = Condition::all().add(unmarked.have()).add(parked::is_not_parked());
            select.cond_where(published.not());
        }
        tx.fetch_one(&select).await?.get("pending")
    };
    u64::try_from(db.read(read).await?).map_err(|_| DbError::Range("a count"))
}

/// Which events of an outbox are looked at.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Up to this ordinal.
    pub through: i64,
    /// Those that happened from then on; `None`: all.
    pub since: Option<Timestamp>,
    /// Of these types; `None`: of all.
    pub kinds: Option<&'a [&'a str]>,
}

/// Ordinals and ids of events behind `after`, oldest first. Messages that went to topics of their own are no events.
pub async fn event_ids(
    db: &Db,
    wanted: &Wanted<'_>,
    after: i64,
    limit: u64,
) -> Result<Vec<(i64, String)>, DbError> {
    let Wanted { through, since, kinds } = wanted;
    let select = Query::select()
        .columns(["seq", "id"])
        .from("outbox_event")
        .and_where(Expr::col("seq").gt(after))
        .and_where(Expr::col("seq").lte(*through))
        .and_where(Expr::col("type").ne(MESSAGE))
        .and_where_option(since.map(|since| Expr::col("occurred_at").gte(since.as_micros())))
        .and_where_option(kinds.map(|kinds| Expr::col("type").is_in(kinds.iter().copied())))
        .order_by("seq", Order::Asc)
        .limit(limit)
        .to_owned();
    let id = |row: &Row| Ok((row.get("seq")?, row.get("id")?));
    db.read(async move |tx: &Tx| tx.fetch_all(&select).await?.iter().map(id).collect()).await
}

/// The data, as JSON, of the events of a type that an aggregate has told of since then, oldest first.
pub async fn data_of(
    tx: &Tx,
    kind: &str,
    aggregate_id: &str,
    since: Timestamp,
) -> Result<Vec<String>, DbError> {
    let select = Query::select()
        .column("payload")
        .from("outbox_event")
        .and_where(Expr::col("occurred_at").gte(since.as_micros()))
        .and_where(Expr::col("type").eq(kind))
        .and_where(Expr::col("aggregateid").eq(aggregate_id))
        .order_by("seq", Order::Asc)
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(|row| row.get("payload")).collect()
}
