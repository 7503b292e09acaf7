//! A row of the outbox as it is read.

use hexalpes_db::{Db, DbError, Row, Tx};
use hexalpes_kernel::{Actor, CausationId, CorrelationId, Timestamp};
use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What travels beside an event's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    pub correlationid: CorrelationId,
    pub causationid: CausationId,
    pub actor: Actor,
}

impl Headers {
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("headers are plain texts")
    }
}

/// One row; serialized, it is an item of `GET /debug/outbox`.
#[derive(Clone, Debug, Serialize)]
pub struct OutboxRow {
    /// Order of the commits on SQLite.
    pub seq: i64,
    pub id: String,
    pub aggregatetype: String,
    pub aggregateid: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub payload: Box<RawValue>,
    pub headers: Headers,
    pub occurred_at: Timestamp,
    /// 0 pending, 1 published.
    pub published: i64,
    pub published_at: Option<Timestamp>,
}

const COLUMNS: [&str; 10] = [
    "seq",
    "id",
    "aggregatetype",
    "aggregateid",
    "type",
    "payload",
    "headers",
    "occurred_at",
    "published",
    "published_at",
];

impl OutboxRow {
    fn read(row: &Row) -> Result<Self, DbError> {
        let damaged = |column: &str| DbError::Damaged(format!("outbox_event.{column} cannot be read"));
        let time = |micros, column| Timestamp::from_micros(micros).ok_or_else(|| damaged(column));
        let published_at: Option<i64> = row.get("published_at")?;
        Ok(Self {
            seq: row.get("seq")?,
            id: row.get("id")?,
            aggregatetype: row.get("aggregatetype")?,
            aggregateid: row.get("aggregateid")?,
            kind: row.get("type")?,
            payload: RawValue::from_string(row.get("payload")?).map_err(|_| damaged("payload"))?,
            headers: serde_json::from_str(&row.get::<String>("headers")?).map_err(|_| damaged("headers"))?,
            occurred_at: time(row.get("occurred_at")?, "occurred_at")?,
            published: row.get("published")?,
            published_at: published_at.map(|micros| time(micros, "published_at")).transpose()?,
        })
    }
}

fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("outbox_event").to_owned()
}

/// Rows after `seq`, oldest first.
pub(crate) async fn after(db: &Db, seq: i64, limit: u64) -> Result<Vec<OutboxRow>, DbError> {
    let query =
        select().and_where(Expr::col("seq").gt(seq)).order_by("seq", Order::Asc).limit(limit).to_owned();
    fetch(db, query).await
}

/// The newest rows, newest first; with `before`, those older than that `seq`.
pub async fn newest(db: &Db, before: Option<i64>, limit: u64) -> Result<Vec<OutboxRow>, DbError> {
    let mut query = select().order_by("seq", Order::Desc).limit(limit).to_owned();
    if let Some(seq) = before {
        query.and_where(Expr::col("seq").lt(seq));
    }
    fetch(db, query).await
}

async fn fetch(db: &Db, query: SelectStatement) -> Result<Vec<OutboxRow>, DbError> {
    db.read(async move |tx: &Tx| tx.fetch_all(&query).await?.iter().map(OutboxRow::read).collect()).await
}

/// The highest `seq` in the table; 0 when it is empty.
pub(crate) async fn newest_seq(db: &Db) -> Result<i64, DbError> {
    Ok(newest(db, None, 1).await?.first().map_or(0, |row| row.seq))
}
