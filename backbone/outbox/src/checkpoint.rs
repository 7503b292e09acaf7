//! How far the relay has come, kept in the database that it reads, and which relay may move it.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Timestamp, Uuid};
use sea_query::{Expr, ExprTrait as _, InsertStatement, Query, UpdateStatement};

use crate::{parked, relay::RelayError};

/// The only source that a database has today.
pub(crate) const SOURCE: &str = "outbox_event";

/// Every row up to `ordinal` is on its topics and has its receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) ordinal: i64,
    /// The last of them that went to the topics of events.
    pub(crate) events: i64,
}

impl Checkpoint {
    /// The further one in each respect.
    pub(crate) fn joined(self, other: Self) -> Self {
        Self { ordinal: Ord::max(self.ordinal, other.ordinal), events: Ord::max(self.events, other.events) }
    }
}

/// The right to move the checkpoint: taken by each session that holds the producers' names at the broker, and lost to
/// the next one that does, be it of the same relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Part of the producers' name, so that a new database never goes on under an old one's name.
    pub(crate) epoch: String,
    pub(crate) holder: String,
}

impl Claim {
    /// Of a row of `relay_checkpoint`.
    pub(crate) fn stands(&self) -> Expr {
        Expr::col("epoch").eq(self.epoch.as_str()).and(Expr::col("holder").eq(self.holder.as_str()))
    }
}

/// The database's epoch; one that has none gets the one given.
pub(crate) async fn load_or_mint(db: &Db, epoch: Uuid) -> Result<String, DbError> {
    let mint = minting(epoch, None);
    let read = Query::select().column("epoch").from("relay_checkpoint").and_where(is_source()).to_owned();
    db.write(async move |tx: &Tx| {
        tx.insert_new(&mint, "source").await?;
        tx.fetch_one(&read).await?.get("epoch")
    })
    .await
}

/// A checkpoint before the first row. Where a log is read, a snapshot comes first if nothing is said of what was given.
pub(crate) fn minting(epoch: Uuid, given: Option<&str>) -> InsertStatement {
    let epoch = epoch.simple().to_string();
    Query::insert()
        .into_table("relay_checkpoint")
        .columns(["source", "epoch", "ordinal", "events", "log_segments"])
        .values_panic([SOURCE.into(), epoch.into(), 0_i64.into(), 0_i64.into(), given.into()])
        .to_owned()
}

/// What whoever has the right to move the checkpoint goes on with.
pub(crate) struct Claimed {
    pub(crate) checkpoint: Checkpoint,
    /// The event at its ordinal, where a log is read: a log that has another there is not the one that was read.
    pub(crate) last_event: Option<String>,
    /// Which row was sent last, if whoever had the right before [ended in order](ended).
    pub(crate) sent: Option<i64>,
}

/// Takes the right to move the checkpoint from whoever had it: whoever has it now may send others.
pub(crate) async fn claim(db: &Db, claim: &Claim) -> Result<Claimed, RelayError> {
    let take = Query::update()
        .table("relay_checkpoint")
        .value("holder", claim.holder.as_str())
        .and_where(is_source())
        .and_where(Expr::col("epoch").eq(claim.epoch.as_str()))
        .to_owned();
    let read = Query::select()
        .columns(["ordinal", "events", "last_event", "sent"])
        .from("relay_checkpoint")
        .and_where(is_source())
        .to_owned();
    let forget = Query::update()
        .table("relay_checkpoint")
        .value("sent", Expr::value(None::<i64>))
        .and_where(is_source())
        .to_owned();
    db.write(async move |tx: &Tx| {
        if tx.execute(&take).await? == 0 {
            return Err(RelayError::Fenced);
        }
        let row = tx.fetch_one(&read).await?;
        tx.execute(&forget).await?;
        let checkpoint = Checkpoint { ordinal: row.get("ordinal")?, events: row.get("events")? };
        Ok(Claimed { checkpoint, last_event: row.get("last_event")?, sent: row.get("sent")? })
    })
    .await
}

/// Writes down which row was ever sent last, by whoever has the claim and sends no more.
pub(crate) async fn ended(db: &Db, claim: &Claim, sent: i64) -> Result<(), RelayError> {
    let mut note = Query::update();
    note.value("sent", sent);
    update(db, claim, note).await
}

/// Writes values down beside the checkpoint, if the claim still stands.
pub(crate) async fn update(db: &Db, claim: &Claim, mut values: UpdateStatement) -> Result<(), RelayError> {
    values.table("relay_checkpoint").and_where(is_source()).and_where(claim.stands());
    db.upkeep(async move |tx: &Tx| match tx.execute(&values).await? {
        0 => Err(RelayError::Fenced),
        _ => Ok(()),
    })
    .await
}

/// Writes down what goes by the checkpoint, by `update` where there is something `known` of it, else by `insert`;
/// refused if the claim was lost meanwhile.
pub(crate) async fn note(
    db: &Db,
    claim: &Claim,
    is_known: bool,
    insert: InsertStatement,
    update: UpdateStatement,
) -> Result<(), RelayError> {
    let claim = claim.clone();
    db.write(async move |tx: &Tx| {
        hold(tx, &claim).await?;
        if is_known {
            tx.execute(&update).await?;
        } else {
            tx.execute(&insert).await?;
        }
        Ok(())
    })
    .await
}

/// Keeps the claim until the transaction ends: who would take it waits. Refused if somebody has.
pub(crate) async fn hold(tx: &Tx, claim: &Claim) -> Result<(), RelayError> {
    // It changes nothing, and the row is locked.
    let hold = Query::update()
        .table("relay_checkpoint")
        .value("holder", claim.holder.as_str())
        .and_where(is_source())
        .and_where(claim.stands())
        .to_owned();
    match tx.execute(&hold).await? {
        0 => Err(RelayError::Fenced),
        _ => Ok(()),
    }
}

/// Moves the checkpoint and marks the rows on the way as published, both or neither; refused if the claim
/// was lost meanwhile.
pub(crate) async fn advance(
    db: &Db,
    claim: &Claim,
    from: Checkpoint,
    to: Checkpoint,
    now: Timestamp,
) -> Result<(), RelayError> {
    let advance = advancing(claim, to);
    let mark = Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .value("published_at", now.as_micros())
        .and_where(Expr::col("seq").gt(from.ordinal))
        .and_where(Expr::col("seq").lte(to.ordinal))
        .and_where(parked::is_not_parked())
        .to_owned();
    db.write(async move |tx: &Tx| {
        if tx.execute(&advance).await? == 0 {
            return Err(RelayError::Fenced);
        }
        tx.execute(&mark).await?;
        Ok(())
    })
    .await
}

/// Moves the checkpoint; the marks of the rows follow by themselves. Refused if the claim was lost meanwhile, or it is not
/// where it was left: a database that took another's place may be behind.
pub(crate) async fn move_to(
    db: &Db,
    claim: &Claim,
    from: Checkpoint,
    to: Checkpoint,
    last_event: Option<&str>,
) -> Result<(), RelayError> {
    let mut advance = advancing(claim, to);
    advance.value("last_event", last_event);
    // It is there already when it was moved and nobody heard so.
    advance.and_where(Expr::col("ordinal").is_in([from.ordinal, to.ordinal]));
    db.upkeep(async move |tx: &Tx| match tx.execute(&advance).await? {
        0 => Err(RelayError::Fenced),
        _ => Ok(()),
    })
    .await
}

fn advancing(claim: &Claim, to: Checkpoint) -> UpdateStatement {
    Query::update()
        .table("relay_checkpoint")
        .value("ordinal", to.ordinal)
        .value("events", to.events)
        .and_where(is_source())
        .and_where(claim.stands())
        .to_owned()
}

/// Where the checkpoint is, for who only looks. None before the first start of a relay.
pub(crate) async fn ordinal(tx: &Tx) -> Result<Option<i64>, DbError> {
    let read = Query::select().column("ordinal").from("relay_checkpoint").and_where(is_source()).to_owned();
    tx.fetch_optional(&read).await?.map(|row| row.get("ordinal")).transpose()
}

/// Empties the outbox and forgets the checkpoint, in the transaction of whoever resets the rest; no relay
/// may be running. The next start mints a new epoch, so that the topics take the new rows for new.
pub async fn reset(tx: &Tx) -> Result<(), DbError> {
    tx.execute(Query::delete().from_table("outbox_event")).await?;
    tx.execute(Query::delete().from_table("relay_layout")).await?;
    tx.execute(Query::delete().from_table("relay_rules")).await?;
    tx.execute(Query::delete().from_table("relay_parked")).await?;
    tx.execute(Query::delete().from_table("relay_checkpoint")).await.map(drop)
}

pub(crate) fn is_source() -> Expr {
    Expr::col("source").eq(SOURCE)
}
