//! What an operator does with the relay of a database, noted with who did it, when and why.
//!
//! The relay sees it by itself, wherever it runs: a pause within a second, the rest when it starts or begins anew.

use hexalpes_capture::LogError;
use hexalpes_db::{Db, DbError, Row, Tx};
use hexalpes_kernel::{Edge, Timestamp};
use sea_query::{Expr, ExprTrait as _, Order, Query};
use serde::Serialize;

use crate::{
    checkpoint::{self, is_source},
    log::{
        given::Given,
        marks,
        place::Place,
        source::{AnySource, LogSource},
    },
    parked,
};

/// Why nobody publishes what was [forgotten](forget), with the mark of whose past that is: who asks sees that it is paused.
const FORGOTTEN: &str = "it is deleted and forgotten: ";
/// The same while others are [kept out](keep_out).
const HELD: &str = "it is being begun anew; if that does not end, restart it";

/// Who wants it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub who: String,
    pub why: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    pub number: i64,
    pub at: Timestamp,
    pub who: String,
    /// `pause`, `resume`, `restart`, `resnapshot`, `skip`.
    pub what: String,
    pub why: String,
}

/// Nothing is published until [`resume`], whatever is started meanwhile. Pausing again changes the reason.
pub async fn pause(db: &Db, edge: &dyn Edge, reason: &Reason) -> Result<(), DbError> {
    let text = format!("{}, since {}: {}", reason.who, edge.now(), reason.why);
    set_pause(db, edge, "pause", Some(text), reason).await
}

/// It goes on where it was. Nothing happens to one that is not paused.
pub async fn resume(db: &Db, edge: &dyn Edge, reason: &Reason) -> Result<(), DbError> {
    set_pause(db, edge, "resume", None, reason).await
}

/// Notes that a relay was started again, which changes nothing that is kept.
pub async fn note_restart(db: &Db, edge: &dyn Edge, reason: &Reason) -> Result<(), DbError> {
    let (reason, now) = (reason.clone(), edge.now());
    db.upkeep(async move |tx: &Tx| note(tx, "restart", &reason, now).await).await
}

async fn set_pause(
    db: &Db,
    edge: &dyn Edge,
    what: &'static str,
    text: Option<String>,
    reason: &Reason,
) -> Result<(), DbError> {
    checkpoint::load_or_mint(db, edge.uuid()).await?;
    let (reason, now) = (reason.clone(), edge.now());
    db.upkeep(async move |tx: &Tx| {
        say_paused(tx, text.as_deref(), is_source()).await?;
        note(tx, what, &reason, now).await
    })
    .await
}

/// Where a log is read: it is not gone on with, and what is not marked as published is read from the table, then the log
/// from there. For a log that is lost, or another one. What was published in the last moments before that and not marked
/// yet is published again.
pub async fn resnapshot(db: &Db, edge: &dyn Edge, reason: &Reason) -> Result<(), DbError> {
    begin_anew(db, edge, "resnapshot", None, reason).await
}

/// Why it does not go on elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum SkipError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("where the log ends cannot be found out: {0}")]
    Log(#[from] LogError),
    #[error("there is no log: the table is read")]
    NoLog,
}

/// Where a log is read: it is not gone on with, and what was committed and is not published stays so. The log is read from
/// where it ends now, whenever the relay comes to that.
pub async fn skip(
    db: &Db,
    edge: &dyn Edge,
    reason: &Reason,
    source: &impl LogSource,
) -> Result<(), SkipError> {
    skip_to_the_end(db, edge, reason, source).await
}

pub(crate) async fn skip_to_the_end(
    db: &Db,
    edge: &dyn Edge,
    reason: &Reason,
    source: &dyn AnySource,
) -> Result<(), SkipError> {
    let begin = source.begin().await?;
    let identity = source.identity().await?;
    let position = begin.max(source.end().await?);
    Ok(begin_anew(db, edge, "skip", Some(Place::at(identity, position)), reason).await?)
}

/// Before a source is started, which goes by that mark. One that has not begun yet does so now: with the rows that are there, or,
/// if it does not `take` them, where its log ends then. So does one that was forgotten under another mark, and one that somebody has
/// kept others from and has not let them in again goes on. Nothing happens to any other.
pub async fn begin(db: &Db, edge: &dyn Edge, mark: &str, takes_what_is_there: bool) -> Result<(), DbError> {
    let given = (!takes_what_is_there).then_some(Given::NOTHING);
    let (mint, own) = (checkpoint::minting(edge.uuid(), given), format!("{FORGOTTEN}{mark}"));
    db.upkeep(async move |tx: &Tx| {
        if paused_in(tx).await?.is_some_and(|why| why.starts_with(FORGOTTEN) && why != own) {
            tx.execute(Query::delete().from_table("relay_checkpoint").and_where(is_source())).await?;
        }
        say_paused(tx, None, Expr::col("paused").eq(HELD)).await?;
        tx.insert_new(&mint, "source").await.map(drop)
    })
    .await
}

/// Nothing of what it had come to is kept, and nobody publishes, whoever is at work or has it still, until it
/// [begins](begin) under another mark.
pub async fn forget(db: &Db, edge: &dyn Edge, mark: &str) -> Result<(), DbError> {
    let (epoch, why) = (edge.uuid(), format!("{FORGOTTEN}{mark}"));
    db.upkeep(async move |tx: &Tx| {
        unclaim(tx).await?;
        checkpoint::reset(tx).await?;
        tx.execute(&checkpoint::minting(epoch, None)).await?;
        say_paused(tx, Some(&why), is_source()).await
    })
    .await
}

/// Whoever is at work stops within a second or two, wherever it runs, until others are [let in](let_in).
pub async fn keep_out(db: &Db) -> Result<(), DbError> {
    db.upkeep(async |tx: &Tx| {
        unclaim(tx).await?;
        say_paused(tx, Some(HELD), Expr::col("paused").is_null()).await
    })
    .await
}

/// Behind [`keep_out`]. One that was paused before stays so.
pub async fn let_in(db: &Db) -> Result<(), DbError> {
    db.upkeep(async |tx: &Tx| say_paused(tx, None, Expr::col("paused").eq(HELD)).await).await
}

async fn say_paused(tx: &Tx, why: Option<&str>, if_so: Expr) -> Result<(), DbError> {
    let set = Query::update()
        .table("relay_checkpoint")
        .value("paused", why)
        .and_where(is_source())
        .and_where(if_so)
        .to_owned();
    tx.execute(&set).await.map(drop)
}

/// Who is at work writes nothing down from here on.
async fn unclaim(tx: &Tx) -> Result<(), DbError> {
    let unclaim = Query::update()
        .table("relay_checkpoint")
        .value("holder", None::<String>)
        .and_where(is_source())
        .to_owned();
    tx.execute(&unclaim).await.map(drop)
}

/// A new epoch: ordinals of before mean nothing to it. Who is at work loses its claim.
async fn begin_anew(
    db: &Db,
    edge: &dyn Edge,
    what: &'static str,
    place: Option<Place>,
    reason: &Reason,
) -> Result<(), DbError> {
    let (reason, now, epoch) = (reason.clone(), edge.now(), edge.uuid());
    db.upkeep(async move |tx: &Tx| {
        unclaim(tx).await?;
        marks::settle(tx, now.as_micros()).await?;
        // One that is paused stays so until it is resumed.
        let paused = paused_in(tx).await?;
        let turn = parked::turn(tx).await?;
        tx.execute(Query::delete().from_table("relay_checkpoint").and_where(is_source())).await?;
        tx.execute(Query::delete().from_table("relay_layout")).await?;
        tx.execute(Query::delete().from_table("relay_rules")).await?;
        tx.execute(&checkpoint::minting(epoch, None)).await?;
        if let Some(place) = &place {
            tx.execute(&place.putting()).await?;
        }
        say_paused(tx, paused.as_deref(), is_source()).await?;
        parked::take_along(tx, turn, place.is_none()).await?;
        note(tx, what, &reason, now).await
    })
    .await
}

pub(crate) async fn note(tx: &Tx, what: &str, reason: &Reason, now: Timestamp) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table("relay_deed")
        .columns(["done_at", "who", "what", "why"])
        .values_panic([
            now.as_micros().into(),
            reason.who.as_str().into(),
            what.into(),
            reason.why.as_str().into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(drop)
}

/// What was done last, newest first.
pub async fn deeds(db: &Db, limit: u64) -> Result<Vec<Deed>, DbError> {
    let select = Query::select()
        .columns(["number", "done_at", "who", "what", "why"])
        .from("relay_deed")
        .order_by("number", Order::Desc)
        .limit(limit)
        .to_owned();
    let deed = |row: &Row| {
        Ok(Deed {
            number: row.get("number")?,
            at: row.get("done_at")?,
            who: row.get("who")?,
            what: row.get("what")?,
            why: row.get("why")?,
        })
    };
    db.read(async move |tx: &Tx| tx.fetch_all(&select).await?.iter().map(deed).collect()).await
}

/// Why and by whom it is paused.
pub(crate) async fn paused(db: &Db) -> Result<Option<String>, DbError> {
    db.read(paused_in).await
}

async fn paused_in(tx: &Tx) -> Result<Option<String>, DbError> {
    let read = Query::select()
        .column("paused")
        .from("relay_checkpoint")
        .and_where(Expr::col("paused").is_not_null())
        .and_where(is_source())
        .to_owned();
    tx.fetch_optional(&read).await?.map(|row| row.get("paused")).transpose()
}
