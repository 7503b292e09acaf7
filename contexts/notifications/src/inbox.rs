//! Which events have their line, and how far the file is recorded.

use std::collections::HashSet;

use hexalpes_db::{Backend, Db, DbError, Migration, Tx, columns};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Index, Query, Table};

use crate::SUBSCRIPTION;

/// Belongs to the database of the notifications.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new("notifications", 1, "create inbox_event", |backend| vec![inbox_event(backend)]),
    Migration::new("notifications", 2, "create events_file", |backend| vec![events_file(backend)]),
    Migration::new("notifications", 3, "add rotation to events_file", |backend| {
        vec![counted(backend, "rotated"), counted(backend, "rotating")]
    }),
    Migration::new("notifications", 4, "index inbox_event by time", |backend| vec![by_time(backend)]),
    Migration::new("notifications", 5, "create the channels", crate::store::channels),
    Migration::new("notifications", 6, "index notifications by time", crate::store::inbox_by_time),
    Migration::new(
        "notifications",
        7,
        "index deliveries by notification",
        crate::store::deliveries_by_notification,
    ),
    Migration::new("notifications", 8, "drop payout_recipient", crate::store::no_payout_recipients),
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

/// `rotated`: files that were put aside. `rotating`: 1 from the decision until the file has its new name.
fn counted(backend: Backend, name: &'static str) -> String {
    let mut column = columns::integer(name);
    column.not_null().default(0_i64);
    backend.schema(Table::alter().table("events_file").add_column(column))
}

fn by_time(backend: Backend) -> String {
    let mut index = Index::create();
    index.name("inbox_event_by_time").table("inbox_event").col("consumer").col("processed_at");
    backend.schema(&index)
}

/// What is recorded of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Up to where its lines are in the inbox, in bytes.
    pub(crate) offset: u64,
    /// How many files were put aside before it: the number of the newest of them.
    pub(crate) rotated: u64,
    /// Whether that one may still have the name of the file.
    pub(crate) is_rotating: bool,
}

pub(crate) async fn recorded(db: &Db, name: &str) -> Result<Recorded, DbError> {
    let select = Query::select()
        .columns(["offset", "rotated", "rotating"])
        .from("events_file")
        .and_where(Expr::col("name").eq(name))
        .to_owned();
    db.read(async move |tx: &Tx| {
        let Some(row) = tx.fetch_optional(&select).await? else { return Ok(Recorded::default()) };
        let count = |column: &str| -> Result<u64, DbError> {
            u64::try_from(row.get::<i64>(column)?).map_err(|_| DbError::Range("a count below 0"))
        };
        let is_rotating = row.get::<i64>("rotating")? != 0;
        Ok(Recorded { offset: count("offset")?, rotated: count("rotated")?, is_rotating })
    })
    .await
}

/// Says that the file is to be put aside as number `number`; the next one begins at 0.
pub(crate) async fn begin_rotation(db: &Db, name: &str, number: u64) -> Result<(), DbError> {
    let number = i64::try_from(number).map_err(|_| DbError::Range("a count above 9223372036854775807"))?;
    update(db, name, [("offset", 0), ("rotated", number), ("rotating", 1)]).await
}

/// Says that it was put aside.
pub(crate) async fn end_rotation(db: &Db, name: &str) -> Result<(), DbError> {
    update(db, name, [("rotating", 0)]).await
}

async fn update<const N: usize>(
    db: &Db,
    name: &str,
    values: [(&'static str, i64); N],
) -> Result<(), DbError> {
    let values = values.map(|(column, value)| (column, value.into()));
    let update =
        Query::update().table("events_file").values(values).and_where(Expr::col("name").eq(name)).to_owned();
    db.write(async move |tx: &Tx| tx.execute(&update).await.map(drop)).await
}

/// Ids that are deleted in one transaction.
const PRUNE_IDS_MAX: u64 = 500;

/// Forgets the ids of events that a consumer had before `before`, and says how many. Such an event that
/// comes again gets a second line.
pub(crate) async fn prune(db: &Db, consumer: &'static str, before: Timestamp) -> Result<u64, DbError> {
    let mut pruned = 0;
    loop {
        let ids = db.write(async move |tx: &Tx| prune_some(tx, consumer, before).await).await?;
        pruned += ids;
        if ids < PRUNE_IDS_MAX {
            return Ok(pruned);
        }
    }
}

async fn prune_some(tx: &Tx, consumer: &'static str, before: Timestamp) -> Result<u64, DbError> {
    let old = Query::select()
        .column("event_id")
        .from("inbox_event")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("processed_at").lt(before.as_micros()))
        .limit(PRUNE_IDS_MAX)
        .to_owned();
    let mut ids = Vec::new();
    for row in tx.fetch_all(&old).await? {
        ids.push(row.get::<String>("event_id")?);
    }
    if ids.is_empty() {
        return Ok(0);
    }
    let delete = Query::delete()
        .from_table("inbox_event")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_id").is_in(ids))
        .to_owned();
    tx.execute(&delete).await
}

/// Forgets all ids and how far the file is.
pub(crate) async fn forget(db: &Db, name: &str) -> Result<(), DbError> {
    let ids = Query::delete()
        .from_table("inbox_event")
        .and_where(Expr::col("consumer").eq(SUBSCRIPTION))
        .to_owned();
    let file = Query::delete().from_table("events_file").and_where(Expr::col("name").eq(name)).to_owned();
    db.write(async move |tx: &Tx| {
        tx.execute(&ids).await?;
        tx.execute(&file).await.map(drop)
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
