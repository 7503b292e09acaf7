//! Rows that cannot be published, and those of their aggregates behind them.
//!
//! Such a row holds up its own aggregate and no other: it is written down here before anything behind it is sent, and its
//! ordinal is past from then on. When an operator has mended what was in its way, the rows of the aggregate go out one
//! after the other under another producer's name, with sequence ids in the order in which that was asked for (`turn`);
//! what comes for the aggregate meanwhile waits behind them.
//!
//! A row of our own table is read there again when it is tried. One of a table that others write is kept here as the log
//! had it, for nobody says how long it is in its table.

use std::{collections::HashSet, sync::Arc};

use hexalpes_capture::Inserted;
use hexalpes_db::{Db, DbError, Row, Tx};
use hexalpes_kernel::{Edge, Timestamp};
use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement, UpdateStatement};
use serde::Serialize;

use crate::{
    checkpoint::is_source,
    kept,
    operate::{self, Reason},
    row::{self, OutboxRow},
    shape::{Shape, ShapeError, Unreadable},
};

/// A row that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedRow {
    /// In the order in which they were parked.
    pub number: i64,
    /// The event's.
    pub id: String,
    pub aggregatetype: String,
    pub aggregateid: String,
    /// Why it cannot be published, or that it waits behind another.
    pub reason: String,
    pub parked_at: Timestamp,
    /// It is to be tried again, in this order.
    pub turn: Option<i64>,
    #[serde(skip)]
    pub(crate) ordinal: i64,
}

const COLUMNS: [&str; 8] =
    ["number", "id", "aggregatetype", "aggregateid", "reason", "parked_at", "turn", "ordinal"];

impl ParkedRow {
    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            number: row.get("number")?,
            id: row.get("id")?,
            aggregatetype: row.get("aggregatetype")?,
            aggregateid: row.get("aggregateid")?,
            reason: row.get("reason")?,
            parked_at: row.get("parked_at")?,
            turn: row.get("turn")?,
            ordinal: row.get("ordinal")?,
        })
    }

    fn aggregate(&self) -> Aggregate {
        (self.aggregatetype.clone(), self.aggregateid.clone())
    }
}

type Aggregate = (String, String);

/// What an operator asked for that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ParkedError {
    #[error("no row {0} is parked; `hexalpes relay parked` shows those that are")]
    Unknown(String),
    #[error(transparent)]
    Database(#[from] DbError),
}

fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("relay_parked").order_by("number", Order::Asc).to_owned()
}

async fn fetch(tx: &Tx, query: &SelectStatement) -> Result<Vec<ParkedRow>, DbError> {
    tx.fetch_all(query).await?.iter().map(ParkedRow::read).collect()
}

/// The rows that wait, those first that were parked first.
pub async fn list(db: &Db, limit: u64) -> Result<Vec<ParkedRow>, DbError> {
    let query = select().limit(limit).to_owned();
    db.read(async move |tx: &Tx| fetch(tx, &query).await).await
}

/// How many wait, and how many of them are to be tried.
pub(crate) async fn count(db: &Db) -> Result<(u64, u64), DbError> {
    let count = Query::select()
        .expr_as(Expr::col("number").count(), "parked")
        .expr_as(Expr::col("turn").count(), "to_try")
        .from("relay_parked")
        .to_owned();
    db.read(async move |tx: &Tx| {
        let row = tx.fetch_one(&count).await?;
        Ok((row.get("parked")?, row.get("to_try")?))
    })
    .await
}

/// That a row of the outbox does not wait here.
pub(crate) fn is_not_parked() -> Expr {
    Expr::col("id").not_in_subquery(Query::select().column("id").from("relay_parked").to_owned())
}

/// The event's row and those of its aggregate are tried again, in the order in which they were parked. The relay does so
/// within a second.
pub async fn retry(db: &Db, edge: &dyn Edge, id: &str, reason: &Reason) -> Result<(), ParkedError> {
    change(db, edge, id, "retry", reason).await
}

/// The event is never published; those of its aggregate behind it are tried.
pub async fn skip(db: &Db, edge: &dyn Edge, id: &str, reason: &Reason) -> Result<(), ParkedError> {
    change(db, edge, id, "skip event", reason).await
}

async fn change(
    db: &Db,
    edge: &dyn Edge,
    id: &str,
    what: &'static str,
    reason: &Reason,
) -> Result<(), ParkedError> {
    let (id, now) = (id.to_owned(), edge.now());
    let reason = Reason { who: reason.who.clone(), why: format!("{id}: {}", reason.why) };
    db.write(async move |tx: &Tx| {
        let this = select().and_where(Expr::col("id").eq(id.as_str())).to_owned();
        let found = fetch(tx, &this).await?.pop().ok_or_else(|| ParkedError::Unknown(id.clone()))?;
        if what != "retry" {
            tx.execute(&marking(&found, None)).await?;
            remove(tx, &found).await?;
        }
        let mut turn = turn(tx).await?;
        // One that has its turn may be on its way under that.
        let rows = fetch(tx, &of_aggregate(&found)).await?;
        for row in rows.iter().filter(|row| row.turn.is_none()) {
            turn += 1;
            set(tx, row.number, Some(turn), &row.reason).await?;
        }
        set_turn(tx, turn).await?;
        operate::note(tx, what, &reason, now).await?;
        Ok(())
    })
    .await
}

/// The last turn that was given.
pub(crate) async fn turn(tx: &Tx) -> Result<i64, DbError> {
    let read =
        Query::select().column("parked_turn").from("relay_checkpoint").and_where(is_source()).to_owned();
    let row = tx.fetch_optional(&read).await?;
    Ok(row.map(|row| row.get("parked_turn")).transpose()?.unwrap_or(0))
}

async fn set_turn(tx: &Tx, turn: i64) -> Result<(), DbError> {
    let update = Query::update()
        .table("relay_checkpoint")
        .value("parked_turn", turn)
        .and_where(is_source())
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Ordinals of rows that were parked before the relay began anew. Those of its own table come by again in a snapshot, and
/// are not tried before; those of others may have been deleted there meanwhile, and are tried whether they come or not.
const TO_COME: i64 = i64::MAX;
const MAY_COME: i64 = 0;
/// It is behind a place in the log that is not read again.
const PASSED: i64 = -1;

/// Into a new epoch, whose ordinals are others. Turns go on, so that those that were given keep their order.
pub(crate) async fn take_along(tx: &Tx, turn: i64, is_snapshot: bool) -> Result<(), DbError> {
    set_turn(tx, turn).await?;
    let is_own = || Expr::col("inserted").is_null();
    let (own, foreign) = if is_snapshot { (TO_COME, MAY_COME) } else { (PASSED, PASSED) };
    for (ordinal, these) in [(own, is_own()), (foreign, is_own().not())] {
        let update =
            Query::update().table("relay_parked").value("ordinal", ordinal).and_where(these).to_owned();
        tx.execute(&update).await?;
    }
    Ok(())
}

fn of_aggregate(row: &ParkedRow) -> SelectStatement {
    select()
        .and_where(Expr::col("aggregatetype").eq(row.aggregatetype.as_str()))
        .and_where(Expr::col("aggregateid").eq(row.aggregateid.as_str()))
        .to_owned()
}

async fn set(tx: &Tx, number: i64, turn: Option<i64>, reason: &str) -> Result<(), DbError> {
    let update = Query::update()
        .table("relay_parked")
        .value("turn", turn)
        .value("reason", reason)
        .and_where(Expr::col("number").eq(number))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// It is out, or given up, which has no time: in both cases it waits no longer.
fn marking(row: &ParkedRow, at: Option<Timestamp>) -> UpdateStatement {
    Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .value("published_at", at.map(Timestamp::as_micros))
        .and_where(Expr::col("id").eq(row.id.as_str()))
        .to_owned()
}

async fn remove(tx: &Tx, row: &ParkedRow) -> Result<(), DbError> {
    let delete =
        Query::delete().from_table("relay_parked").and_where(Expr::col("number").eq(row.number)).to_owned();
    tx.execute(&delete).await?;
    Ok(())
}

/// What is written down of a row that is parked.
pub(crate) struct Waiting<'a> {
    ordinal: i64,
    id: &'a str,
    aggregatetype: &'a str,
    aggregateid: &'a str,
    inserted: Option<&'a Inserted>,
}

impl<'a> From<&'a OutboxRow> for Waiting<'a> {
    fn from(row: &'a OutboxRow) -> Self {
        let OutboxRow { ordinal, id, aggregatetype, aggregateid, foreign, .. } = row;
        let inserted = foreign.as_ref().map(|foreign| &foreign.inserted);
        Self { ordinal: *ordinal, id, aggregatetype, aggregateid, inserted }
    }
}

impl<'a> From<&'a Unreadable> for Waiting<'a> {
    fn from(row: &'a Unreadable) -> Self {
        let Unreadable { ordinal, id, aggregatetype, aggregateid, inserted, .. } = row;
        Self { ordinal: *ordinal, id, aggregatetype, aggregateid, inserted: inserted.as_ref() }
    }
}

/// What waits, as the active relay knows it.
#[derive(Debug)]
pub(crate) struct Parking {
    db: Db,
    shape: Arc<dyn Shape>,
    /// A row of one of these waits behind others.
    aggregates: HashSet<Aggregate>,
    ids: HashSet<String>,
}

impl Parking {
    pub(crate) async fn load(db: &Db, shape: &Arc<dyn Shape>) -> Result<Self, DbError> {
        let query = select();
        let rows = db.read(async move |tx: &Tx| fetch(tx, &query).await).await?;
        let aggregates = rows.iter().map(ParkedRow::aggregate).collect();
        let ids = rows.into_iter().map(|row| row.id).collect();
        Ok(Self { db: db.clone(), shape: Arc::clone(shape), aggregates, ids })
    }

    /// Whether it is here, or has to wait behind what is.
    pub(crate) fn holds(&self, row: &OutboxRow) -> bool {
        !self.aggregates.is_empty()
            && (self.ids.contains(&row.id)
                || self.aggregates.contains(&(row.aggregatetype.clone(), row.aggregateid.clone())))
    }

    /// Written down when it returns; once, however often it comes by.
    pub(crate) async fn park(
        &mut self,
        row: Waiting<'_>,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let reason = reason.unwrap_or_else(|| "it waits behind another event of its aggregate".to_owned());
        let (ordinal, id) = (row.ordinal, row.id.to_owned());
        // Tables that others write may have an id twice.
        let second = format!("{id}:{ordinal}");
        let insert = |id: &str| {
            Query::insert()
                .into_table("relay_parked")
                .columns(["id", "aggregatetype", "aggregateid", "reason", "parked_at", "ordinal", "inserted"])
                .values_panic([
                    id.into(),
                    row.aggregatetype.into(),
                    row.aggregateid.into(),
                    reason.as_str().into(),
                    now.as_micros().into(),
                    ordinal.into(),
                    row.inserted.map(kept::written).into(),
                ])
                .to_owned()
        };
        let (as_first, as_second) = (insert(&id), insert(&second));
        let parked = self.db.upkeep(async move |tx: &Tx| {
            let these = select().and_where(Expr::col("id").is_in([id.as_str(), second.as_str()])).to_owned();
            let found = fetch(tx, &these).await?;
            if let Some(there) = found.iter().find(|found| found.ordinal == ordinal) {
                return Ok(there.id.clone());
            }
            match found.iter().find(|found| found.id == id) {
                None => tx.insert_new(&as_first, "id").await.map(|_| id.clone()),
                Some(there) if [TO_COME, MAY_COME].contains(&there.ordinal) => {
                    let update = Query::update()
                        .table("relay_parked")
                        .value("ordinal", ordinal)
                        .and_where(Expr::col("number").eq(there.number))
                        .to_owned();
                    tx.execute(&update).await.map(|_| id.clone())
                }
                Some(_) => tx.insert_new(&as_second, "id").await.map(|_| second.clone()),
            }
        });
        let id = parked.await?;
        self.ids.insert(id);
        self.aggregates.insert((row.aggregatetype.to_owned(), row.aggregateid.to_owned()));
        Ok(())
    }

    /// The next row that is to be tried, whose ordinal is past, with the row that it is of, or why that cannot be read.
    pub(crate) async fn next(&self) -> Result<Option<(ParkedRow, Result<OutboxRow, ShapeError>)>, DbError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let checkpoint =
            Query::select().column("ordinal").from("relay_checkpoint").and_where(is_source()).to_owned();
        let next = Query::select()
            .columns(COLUMNS)
            .column("inserted")
            .from("relay_parked")
            .and_where(Expr::col("turn").is_not_null())
            .order_by("turn", Order::Asc)
            .limit(1)
            .to_owned();
        let found = self.db.read(async move |tx: &Tx| {
            let past: i64 = tx.fetch_one(&checkpoint).await?.get("ordinal")?;
            let Some(found) = tx.fetch_optional(&next).await? else { return Ok(None) };
            let (parked, inserted) = (ParkedRow::read(&found)?, found.get::<Option<String>>("inserted")?);
            if parked.ordinal > past {
                return Ok(None);
            }
            let own = match inserted {
                Some(_) => None,
                None => Some(row::with_id(tx, &parked.id).await),
            };
            Ok::<_, DbError>(Some((parked, inserted, own)))
        });
        let Some((parked, inserted, own)) = found.await? else { return Ok(None) };
        let row = match (own, inserted) {
            (Some(Ok(Some(own))), _) => Ok(own),
            (Some(Ok(None)), _) => {
                return Err(DbError::Damaged(format!("row {} is parked and not there", parked.id)));
            }
            (Some(Err(DbError::Damaged(why))), _) => Err(ShapeError(why)),
            (Some(Err(error)), _) => return Err(error),
            (None, inserted) => {
                let damaged = || DbError::Damaged("relay_parked.inserted cannot be read".to_owned());
                let inserted = inserted.as_deref().and_then(kept::read).ok_or_else(damaged)?;
                self.shape.row(&inserted, parked.ordinal)
            }
        };
        Ok(Some((parked, row)))
    }

    /// It is on its topics.
    pub(crate) async fn done(&mut self, parked: &ParkedRow, now: Timestamp) -> Result<(), DbError> {
        let (row, mark) = (parked.clone(), marking(parked, Some(now)));
        let rest = self.db.upkeep(async move |tx: &Tx| {
            remove(tx, &row).await?;
            tx.execute(&mark).await?;
            fetch(tx, &of_aggregate(&row)).await
        });
        let rest = rest.await?;
        self.ids.remove(&parked.id);
        if rest.is_empty() {
            self.aggregates.remove(&parked.aggregate());
        }
        Ok(())
    }

    /// It cannot be published still; it waits for another order, and its aggregate with it.
    pub(crate) async fn again(&self, parked: &ParkedRow, reason: String) -> Result<(), DbError> {
        let row = parked.clone();
        let put_back = self.db.upkeep(async move |tx: &Tx| {
            for other in fetch(tx, &of_aggregate(&row)).await? {
                let reason = if other.number == row.number { &reason } else { &other.reason };
                set(tx, other.number, None, reason).await?;
            }
            Ok(())
        });
        put_back.await
    }

    /// What was given up is no longer waited for.
    pub(crate) async fn refresh(&mut self) -> Result<(), DbError> {
        if !self.ids.is_empty() {
            *self = Self::load(&self.db, &self.shape).await?;
        }
        Ok(())
    }
}
