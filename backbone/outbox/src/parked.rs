//! Rows that cannot be published, and those of their aggregates behind them.
//!
//! Such a row holds up its own aggregate and no other: it is written down here before anything behind it is sent, and its
//! ordinal is past from then on. When an operator has mended what was in its way, the rows of the aggregate go out one
//! after the other under another producer's name, with sequence ids in the order in which that was asked for (`turn`);
//! what comes for the aggregate meanwhile waits behind them.
//!
//! A row of our own table is read there again when it is tried. One of a table that others write is kept here as the log
//! had it, for nobody says how long it is in its table.
//!
//! Here is what operators see and do of it; what the relay does is in [`parking`](crate::parking).

use hexalpes_db::{Db, DbError, Row, Tx};
use hexalpes_kernel::{Edge, Timestamp};
use sea_query::{Condition, Expr, ExprTrait as _, Order, Query, SelectStatement, UpdateStatement};
use serde::Serialize;

use crate::{
    checkpoint::is_source,
    operate::{self, Reason},
    parking::Had,
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
    /// Topics that have it all the same.
    #[serde(skip)]
    pub(crate) had: Had,
    /// It is never to be published, and is kept as long as it may come by again.
    #[serde(skip)]
    pub(crate) is_given_up: bool,
}

pub(crate) const COLUMNS: [&str; 10] = [
    "number",
    "id",
    "aggregatetype",
    "aggregateid",
    "reason",
    "parked_at",
    "turn",
    "ordinal",
    "had",
    "given_up",
];

impl ParkedRow {
    pub(crate) fn read(row: &Row) -> Result<Self, DbError> {
        let had: Option<String> = row.get("had")?;
        Ok(Self {
            number: row.get("number")?,
            id: row.get("id")?,
            aggregatetype: row.get("aggregatetype")?,
            aggregateid: row.get("aggregateid")?,
            reason: row.get("reason")?,
            parked_at: row.get("parked_at")?,
            turn: row.get("turn")?,
            ordinal: row.get("ordinal")?,
            had: had.map(|text| Had::read(&text)).transpose()?.unwrap_or_default(),
            is_given_up: row.get::<i64>("given_up")? != 0,
        })
    }

    pub(crate) fn aggregate(&self) -> Aggregate {
        (self.aggregatetype.clone(), self.aggregateid.clone())
    }

    /// Whether it is of before the relay began anew, and may come by again under an ordinal that is not known.
    pub(crate) fn is_to_come(&self) -> bool {
        [TO_COME, MAY_COME].contains(&self.ordinal)
    }
}

pub(crate) type Aggregate = (String, String);

/// What an operator asked for that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ParkedError {
    #[error("no row {0} is parked; `hexalpes relay parked` shows those that are")]
    Unknown(String),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// All that is written down, also of what was given up.
pub(crate) fn select_all() -> SelectStatement {
    Query::select().columns(COLUMNS).from("relay_parked").order_by("number", Order::Asc).to_owned()
}

fn is_waiting() -> Expr {
    Expr::col("given_up").eq(0_i64)
}

fn select() -> SelectStatement {
    select_all().and_where(is_waiting()).to_owned()
}

pub(crate) async fn fetch(tx: &Tx, query: &SelectStatement) -> Result<Vec<ParkedRow>, DbError> {
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
        .and_where(is_waiting())
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
            give_up(tx, &found).await?;
            forget_given_up(tx).await?;
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

/// A row that is parked behind others of its aggregate is tried after them, if they are all to be tried or gone by now: an
/// order was for what waits, and this would wait for another one behind nothing. The checkpoint is
/// [held](crate::checkpoint::hold), so that nobody else gives the same turn, or gives some to the others meanwhile.
pub(crate) async fn follow(tx: &Tx, id: &str, (kind, aggregate): &Aggregate) -> Result<(), DbError> {
    let in_front = select()
        .and_where(Expr::col("aggregatetype").eq(kind.as_str()))
        .and_where(Expr::col("aggregateid").eq(aggregate.as_str()))
        .and_where(Expr::col("turn").is_null())
        .and_where(Expr::col("id").ne(id))
        .limit(1)
        .to_owned();
    if tx.fetch_optional(&in_front).await?.is_some() {
        return Ok(());
    }
    let turn = turn(tx).await? + 1;
    let update = Query::update()
        .table("relay_parked")
        .value("turn", turn)
        .and_where(Expr::col("id").eq(id))
        .to_owned();
    tx.execute(&update).await?;
    set_turn(tx, turn).await
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
    tx.execute(Query::delete().from_table("relay_parked").and_where(is_waiting().not())).await?;
    let is_own = || Expr::col("inserted").is_null();
    let (own, foreign) = if is_snapshot { (TO_COME, MAY_COME) } else { (PASSED, PASSED) };
    for (ordinal, these) in [(own, is_own()), (foreign, is_own().not())] {
        let update =
            Query::update().table("relay_parked").value("ordinal", ordinal).and_where(these).to_owned();
        tx.execute(&update).await?;
    }
    Ok(())
}

/// It may come by again after a crash: then it is not parked another time.
async fn give_up(tx: &Tx, row: &ParkedRow) -> Result<(), DbError> {
    let update = Query::update()
        .table("relay_parked")
        .value("given_up", 1_i64)
        .value("turn", Option::<i64>::None)
        .and_where(Expr::col("number").eq(row.number))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Forgets what was given up and can come by no more: the checkpoint is past it. What may come in a snapshot does so
/// before there is a place in the log.
pub(crate) async fn forget_given_up(tx: &Tx) -> Result<(), DbError> {
    let ask = Query::select()
        .columns(["ordinal", "log_position"])
        .from("relay_checkpoint")
        .and_where(is_source())
        .to_owned();
    let Some(row) = tx.fetch_optional(&ask).await? else { return Ok(()) };
    let (past, position): (i64, Option<String>) = (row.get("ordinal")?, row.get("log_position")?);
    let is_past = Expr::col("ordinal").lte(past);
    let is_over = match position {
        Some(_) => Condition::any().add(is_past).add(Expr::col("ordinal").eq(TO_COME)),
        None => Condition::all().add(is_past).add(Expr::col("ordinal").ne(MAY_COME)),
    };
    let delete = Query::delete()
        .from_table("relay_parked")
        .and_where(is_waiting().not())
        .cond_where(is_over)
        .to_owned();
    tx.execute(&delete).await.map(drop)
}

pub(crate) fn of_aggregate(row: &ParkedRow) -> SelectStatement {
    select()
        .and_where(Expr::col("aggregatetype").eq(row.aggregatetype.as_str()))
        .and_where(Expr::col("aggregateid").eq(row.aggregateid.as_str()))
        .to_owned()
}

pub(crate) async fn set(tx: &Tx, number: i64, turn: Option<i64>, reason: &str) -> Result<(), DbError> {
    let update = Query::update()
        .table("relay_parked")
        .value("turn", turn)
        .value("reason", reason)
        .and_where(Expr::col("number").eq(number))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// It is out, or given up, which has no time: in both cases it waits no longer.
pub(crate) fn marking(row: &ParkedRow, at: Option<Timestamp>) -> UpdateStatement {
    Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .value("published_at", at.map(Timestamp::as_micros))
        .and_where(Expr::col("id").eq(row.id.as_str()))
        .to_owned()
}

pub(crate) async fn remove(tx: &Tx, row: &ParkedRow) -> Result<(), DbError> {
    let delete =
        Query::delete().from_table("relay_parked").and_where(Expr::col("number").eq(row.number)).to_owned();
    tx.execute(&delete).await?;
    Ok(())
}
