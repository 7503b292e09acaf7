//! Which events have their line, and how far the file is recorded.

use std::collections::HashSet;

use hexalpes_db::{Backend, Db, DbError, Migration, Tx, columns};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Index, Query, Table};

use crate::notifications::SUBSCRIPTION;

/// Belongs to the database of the notifications.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new("notifications", 1, "create inbox_event", |backend| vec![inbox_event(backend)]),
    Migration::new("notifications", 2, "create events_file", |backend| vec![events_file(backend)]),
];

fn inbox_event(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("inbox_event")
            .if_not_exists()
            .col(columns::id(backend, "consumer").not_null())
            .col(columns::id(backend, "event_id").not_null())
            .col(columns::timestamp("processed_at").not_null())
            .primary_key(Index::create().col("consumer").col("event_id")),
    )
}

fn events_file(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("events_file")
            .if_not_exists()
            .col(columns::id(backend, "name").not_null().primary_key())
            .col(columns::integer("offset").not_null()),
    )
}

/// Up to where the lines of the file are in the inbox, in bytes.
pub(crate) async fn recorded_offset(db: &Db, name: &str) -> Result<u64, DbError> {
    let select =
        Query::select().column("offset").from("events_file").and_where(Expr::col("name").eq(name)).to_owned();
    db.read(async move |tx: &Tx| {
        let Some(row) = tx.fetch_optional(&select).await? else { return Ok(0) };
        let offset: i64 = row.get("offset")?;
        u64::try_from(offset).map_err(|_| DbError::Range("an offset below 0"))
    })
    .await
}

/// Those of the ids that are in the inbox.
pub(crate) async fn known(db: &Db, ids: Vec<String>) -> Result<HashSet<String>, DbError> {
    let select = Query::select()
        .column("event_id")
        .from("inbox_event")
        .and_where(Expr::col("consumer").eq(SUBSCRIPTION))
        .and_where(Expr::col("event_id").is_in(ids))
        .to_owned();
    db.read(async move |tx: &Tx| tx.fetch_all(&select).await?.iter().map(|row| row.get("event_id")).collect())
        .await
}

/// Puts the ids and the offset into the inbox, both or neither.
pub(crate) async fn record(
    db: &Db,
    name: &str,
    ids: Vec<String>,
    offset: u64,
    now: Timestamp,
) -> Result<(), DbError> {
    let offset = i64::try_from(offset).map_err(|_| DbError::Range("an offset above 9223372036854775807"))?;
    let inserts: Vec<_> = ids
        .into_iter()
        .map(|id| {
            Query::insert()
                .into_table("inbox_event")
                .columns(["consumer", "event_id", "processed_at"])
                .values_panic([SUBSCRIPTION.into(), id.into(), now.as_micros().into()])
                .to_owned()
        })
        .collect();
    let first = Query::insert()
        .into_table("events_file")
        .columns(["name", "offset"])
        .values_panic([name.into(), offset.into()])
        .to_owned();
    let move_on = Query::update()
        .table("events_file")
        .value("offset", offset)
        .and_where(Expr::col("name").eq(name))
        .to_owned();
    db.write(async move |tx: &Tx| {
        for insert in &inserts {
            tx.insert_new(insert, "event_id").await?;
        }
        if !tx.insert_new(&first, "name").await? {
            tx.execute(&move_on).await?;
        }
        Ok(())
    })
    .await
}
