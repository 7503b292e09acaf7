//! The inbox: an event that was handled is not handled again.

use hexalpes_db::{Db, DbError, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Query, SelectStatement};

use crate::replay;

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

/// A digest that begins so is of an event that became a dead letter.
const DEAD: &str = "dead:";
/// A digest that begins so is of a dead letter that was dropped.
const DROPPED: &str = "dropped:";
/// A digest that begins so is of a dead letter that was replayed, and so was handled.
const REPLAYED: &str = "replayed:";

/// A dead letter as the inbox is asked for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter<'a> {
    pub(crate) event_id: &'a str,
    pub(crate) digest: &'a str,
    /// When it became one; `None`: nobody knows any more.
    pub(crate) died_at: Option<Timestamp>,
}

/// What is noted of an event.
struct Noted {
    digest: String,
    at: i64,
}

/// What the inbox had under the id of a dead letter that is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reopened {
    /// The dead letter, or nothing any more: from now on the event is handled.
    Now,
    /// It was handled.
    Handled,
}

/// What became of the wish to drop a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    Now,
    /// It was dropped before.
    Before,
    /// It was handled before, by a replay.
    Handled,
}

/// Notes that the event became a dead letter, of one that was just noted.
pub(crate) async fn mark_dead(tx: &Tx, consumer: &str, event_id: &str, digest: &str) -> Result<(), DbError> {
    change(tx, consumer, event_id, digest, &format!("{DEAD}{digest}")).await
}

/// Notes that a dead letter is dropped. What the inbox has forgotten is dropped as often as somebody says so.
pub(crate) async fn drop_dead(tx: &Tx, consumer: &str, letter: Letter<'_>) -> Result<Dropped, DbError> {
    let Some(noted) = noted(tx, consumer, letter.event_id).await? else { return Ok(Dropped::Now) };
    if noted.digest.starts_with(DROPPED) {
        return Ok(Dropped::Before);
    }
    let Some(came) = undecided(tx, consumer, letter, &noted).await? else { return Ok(Dropped::Handled) };
    change(tx, consumer, letter.event_id, &noted.digest, &format!("{DROPPED}{came}")).await?;
    Ok(Dropped::Now)
}

/// The digest of an event as it came, whatever became of it.
fn came(noted: &str) -> &str {
    [DEAD, DROPPED, REPLAYED].into_iter().find_map(|mark| noted.strip_prefix(mark)).unwrap_or(noted)
}

/// As [`came`], if nobody has handled the event.
///
/// Before dead letters were marked as such, the note of one looked like that of an event that was handled. It can still be
/// told: it was made when the letter was, and no replay has been told of since.
async fn undecided<'a>(
    tx: &Tx,
    consumer: &str,
    letter: Letter<'_>,
    noted: &'a Noted,
) -> Result<Option<&'a str>, DbError> {
    let came = came(&noted.digest);
    if noted.digest.starts_with(REPLAYED) {
        return Ok(None);
    }
    if came.len() < noted.digest.len() {
        return Ok(Some(came));
    }
    let Some(died_at) = letter.died_at.filter(|at| at.as_micros() == noted.at) else { return Ok(None) };
    let is_told = hexalpes_outbox::data_of(tx, crate::REPLAYED, letter.event_id, died_at).await?;
    let is_handled = is_told.iter().any(|told| replay::is_of(told, consumer));
    Ok((!is_handled).then_some(came))
}

/// Notes that an event is handled that became a dead letter before, in the transaction of its effect.
pub(crate) async fn reopen(
    tx: &Tx,
    consumer: &str,
    letter: Letter<'_>,
    now: Timestamp,
) -> Result<Reopened, DbError> {
    let Some(noted) = noted(tx, consumer, letter.event_id).await? else {
        let replayed = format!("{REPLAYED}{}", letter.digest);
        return match note(tx, consumer, letter.event_id, &replayed, now).await? {
            Known::New => Ok(Reopened::Now),
            Known::Same | Known::Other => Err(DbError::Conflict("it was replayed a moment ago".to_owned())),
        };
    };
    // As it came, whatever was edited: it may come again.
    let Some(came) = undecided(tx, consumer, letter, &noted).await? else { return Ok(Reopened::Handled) };
    change(tx, consumer, letter.event_id, &noted.digest, &format!("{REPLAYED}{came}")).await?;
    Ok(Reopened::Now)
}

/// Of two that decide at once, one finds it changed, and looks again.
async fn change(tx: &Tx, consumer: &str, event_id: &str, from: &str, to: &str) -> Result<(), DbError> {
    let update = Query::update()
        .table("inbox_event")
        .value("digest", to)
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_id").eq(event_id))
        .and_where(Expr::col("digest").eq(from))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        return Err(DbError::Conflict("somebody decided of it a moment ago".to_owned()));
    }
    Ok(())
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
    let noted = noted(tx, consumer, event_id).await?;
    Ok(noted.map(|noted| if came(&noted.digest) == digest { Known::Same } else { Known::Other }))
}

async fn noted(tx: &Tx, consumer: &str, event_id: &str) -> Result<Option<Noted>, DbError> {
    let select = Query::select()
        .columns(["digest", "processed_at"])
        .from("inbox_event")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("event_id").eq(event_id))
        .to_owned();
    let noted = |row: Row| Ok(Noted { digest: row.get("digest")?, at: row.get("processed_at")? });
    tx.fetch_optional(&select).await?.map(noted).transpose()
}

/// Forgets what was handled before `before`, and the runs of what never came again. What is a dead letter is never
/// forgotten, and neither is what became of one: the letter itself waits for as long as it takes.
pub(crate) async fn prune(db: &Db, consumer: &str, before: Timestamp) -> Result<u64, DbError> {
    let mut pruned = 0;
    for (table, time) in [("inbox_event", "processed_at"), ("inbox_run", "due_at")] {
        loop {
            let mut old = Query::select();
            old.column("event_id")
                .from(table)
                .and_where(Expr::col("consumer").eq(consumer))
                .and_where(Expr::col(time).lt(before.as_micros()))
                .limit(PRUNE_IDS_MAX);
            if table == "inbox_event" {
                for mark in [DEAD, DROPPED, REPLAYED] {
                    old.and_where(Expr::col("digest").not_like(format!("{mark}%")));
                }
            }
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
