//! How far the relay has come, kept in the database that it reads.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Timestamp, Uuid};
use sea_query::{Expr, ExprTrait as _, Query};

/// The only source that a database has today.
const SOURCE: &str = "outbox_event";

/// Every row up to `ordinal` is on its topics and has its receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Part of the producer's name, so that a new database never goes on under an old one's name.
    pub(crate) epoch: String,
    pub(crate) ordinal: i64,
}

/// Reads the checkpoint; a database that has none gets one with the epoch given.
pub(crate) async fn load_or_mint(db: &Db, epoch: Uuid) -> Result<Checkpoint, DbError> {
    let mint = Query::insert()
        .into_table("relay_checkpoint")
        .columns(["source", "epoch", "ordinal"])
        .values_panic([SOURCE.into(), epoch.simple().to_string().into(), 0_i64.into()])
        .to_owned();
    let read = Query::select()
        .columns(["epoch", "ordinal"])
        .from("relay_checkpoint")
        .and_where(Expr::col("source").eq(SOURCE))
        .to_owned();
    db.write(async move |tx: &Tx| {
        tx.insert_new(&mint, "source").await?;
        let row = tx.fetch_one(&read).await?;
        Ok(Checkpoint { epoch: row.get("epoch")?, ordinal: row.get("ordinal")? })
    })
    .await
}

/// Moves the checkpoint up to `ordinal` and marks the rows on the way as published.
pub(crate) async fn advance(db: &Db, from: i64, ordinal: i64, now: Timestamp) -> Result<(), DbError> {
    let mark = Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .value("published_at", now.as_micros())
        .and_where(Expr::col("seq").gt(from))
        .and_where(Expr::col("seq").lte(ordinal))
        .to_owned();
    let advance = Query::update()
        .table("relay_checkpoint")
        .value("ordinal", ordinal)
        .and_where(Expr::col("source").eq(SOURCE))
        .to_owned();
    db.write(async move |tx: &Tx| {
        tx.execute(&mark).await?;
        tx.execute(&advance).await.map(drop)
    })
    .await
}
