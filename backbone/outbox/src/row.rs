//! A row of the outbox as it is read.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytestring::ByteString;
use hexalpes_capture::{Origin, Table};
use hexalpes_db::{Db, DbError, Row, Tx};
use hexalpes_kernel::{Actor, CausationId, CorrelationId, Timestamp};
use sea_query::{Expr, ExprTrait as _, Func, Order, Query, SelectStatement};
use serde::{Deserialize, Serialize};
use tokio::time::{self, Instant};

use crate::{log::place, payload::Payload, route::Route, shape::Foreign};

/// What travels beside an event's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    pub correlationid: CorrelationId,
    pub causationid: CausationId,
    pub actor: Actor,
    /// The one topic to which the row goes, if it is no event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
}

impl Headers {
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("headers are plain texts")
    }
}

/// One row; serialized, it is an item of `GET /debug/outbox`.
#[derive(Clone, Debug, Serialize)]
pub struct OutboxRow {
    /// Its number in the order of the commits, which is its sequence id on the topics.
    #[serde(skip)]
    pub(crate) ordinal: i64,
    /// Order of the commits on SQLite.
    pub seq: i64,
    pub id: ByteString,
    pub aggregatetype: ByteString,
    pub aggregateid: ByteString,
    #[serde(rename = "type")]
    pub kind: ByteString,
    pub payload: Payload,
    pub headers: Headers,
    /// As they are in their column.
    #[serde(skip)]
    pub(crate) headers_json: ByteString,
    pub occurred_at: Timestamp,
    /// 0 pending, 1 published.
    pub published: i64,
    /// When that was written down: a moment after it was published, or long after if many were at once. None until then.
    pub published_at: Option<Timestamp>,
    /// Where it was read, if that was a log.
    #[serde(skip)]
    pub(crate) captured: Option<Captured>,
    /// Of a table that others write.
    #[serde(skip)]
    pub(crate) foreign: Option<Foreign>,
}

/// What a log says of a row.
#[derive(Clone, Debug)]
pub(crate) struct Captured {
    pub(crate) table: Arc<Table>,
    pub(crate) origin: Arc<Origin>,
}

pub(crate) const COLUMNS: [&str; 10] = [
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
    /// The fact's name without its namespace: what the seeds' property `event_type` holds.
    pub(crate) fn bare_kind(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or_default()
    }

    fn read(row: &Row) -> Result<Self, DbError> {
        let damaged = |column: &str| DbError::Damaged(format!("outbox_event.{column} cannot be read"));
        let time = |micros, column| Timestamp::from_micros(micros).ok_or_else(|| damaged(column));
        let published_at: Option<i64> = row.get("published_at")?;
        let seq = row.get("seq")?;
        let text = |column| row.get::<String>(column).map(ByteString::from);
        let headers_json = text("headers")?;
        Ok(Self {
            ordinal: seq,
            seq,
            id: text("id")?,
            aggregatetype: text("aggregatetype")?,
            aggregateid: text("aggregateid")?,
            kind: text("type")?,
            payload: Payload::parse(&text("payload")?).map_err(|_| damaged("payload"))?,
            headers: serde_json::from_str(&headers_json).map_err(|_| damaged("headers"))?,
            headers_json,
            occurred_at: time(row.get("occurred_at")?, "occurred_at")?,
            published: row.get("published")?,
            published_at: published_at.map(|micros| time(micros, "published_at")).transpose()?,
            captured: None,
            foreign: None,
        })
    }
}

#[cfg(test)]
impl OutboxRow {
    /// The first of a table, of a row whose columns do not matter.
    pub(crate) fn example() -> Self {
        let headers = Headers {
            correlationid: CorrelationId::parse("corr-1").expect("it is an id"),
            causationid: CausationId::parse("cause-1").expect("it is an id"),
            actor: Actor::anonymous(),
            route: None,
        };
        Self {
            ordinal: 1,
            seq: 1,
            id: "id-1".into(),
            aggregatetype: "commission".into(),
            aggregateid: "com-1".into(),
            kind: "com.x.Approved".into(),
            payload: Payload::parse(&r#"{"a":"ñ"}"#.into()).expect("it is JSON"),
            headers_json: headers.to_json().into(),
            headers,
            occurred_at: Timestamp::from_micros(1_700_000_000_123_450).expect("it is a time"),
            published: 0,
            published_at: None,
            captured: None,
            foreign: None,
        }
    }
}

fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("outbox_event").to_owned()
}

/// The row of the event.
pub(crate) async fn with_id(tx: &Tx, id: &str) -> Result<Option<OutboxRow>, DbError> {
    let query = select().and_where(Expr::col("id").eq(id)).to_owned();
    tx.fetch_optional(&query).await?.as_ref().map(OutboxRow::read).transpose()
}

/// A commit that a log has is seen by then.
const SEEN_WITHIN: Duration = Duration::from_secs(2);
const SEE_EVERY: Duration = Duration::from_millis(50);

/// Rows after `seq`, oldest first: up to `rows_max`, and none behind those whose payloads have `bytes_max`. Rows are of any size, so
/// that this is asked first.
pub(crate) async fn after(
    db: &Db,
    seq: i64,
    rows_max: usize,
    bytes_max: usize,
) -> Result<Vec<OutboxRow>, DbError> {
    let sizes = Query::select()
        .column("seq")
        .expr_as(Func::cust("octet_length").arg(Expr::col("payload")), "bytes")
        .from("outbox_event")
        .and_where(Expr::col("seq").gt(seq))
        .order_by("seq", Order::Asc)
        .limit(rows_max as u64)
        .to_owned();
    db.read(async move |tx: &Tx| {
        let (mut last, mut bytes) = (seq, 0);
        for row in tx.fetch_all(&sizes).await? {
            last = row.get("seq")?;
            bytes += usize::try_from(row.get::<i64>("bytes")?).unwrap_or(0);
            if bytes >= bytes_max {
                break;
            }
        }
        if last == seq {
            return Ok(Vec::new());
        }
        let mut rows = select();
        rows.and_where(Expr::col("seq").gt(seq))
            .and_where(Expr::col("seq").lte(last))
            .order_by("seq", Order::Asc);
        read_all(tx, &rows).await
    })
    .await
}

/// Which end of the outbox a page begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageOrder {
    OldestFirst,
    NewestFirst,
}

/// A page of rows: those after the `seq` given, in the order given. One that is published and has its mark still to come is
/// published, at a time that is not known yet.
pub async fn page(
    db: &Db,
    order: PageOrder,
    after: Option<i64>,
    limit: u64,
) -> Result<Vec<OutboxRow>, DbError> {
    let (order, is_ascending) = match order {
        PageOrder::OldestFirst => (Order::Asc, true),
        PageOrder::NewestFirst => (Order::Desc, false),
    };
    let mut query = select();
    if let Some(seq) = after {
        let column = Expr::col("seq");
        query.and_where(if is_ascending { column.gt(seq) } else { column.lt(seq) });
    }
    query.order_by("seq", order).limit(limit);
    db.read(async move |tx: &Tx| {
        let mut rows = read_all(tx, &query).await?;
        let seqs = rows.iter().filter(|row| row.published == 0).map(|row| row.seq);
        let published = place::unmarked_among(tx, seqs.collect()).await?;
        for row in rows.iter_mut().filter(|row| published.contains(&row.seq)) {
            row.published = 1;
        }
        Ok(rows)
    })
    .await
}

async fn read_all(tx: &Tx, query: &SelectStatement) -> Result<Vec<OutboxRow>, DbError> {
    tx.fetch_all(query).await?.iter().map(OutboxRow::read).collect()
}

/// The newest rows, newest first; with `before`, those older than that `seq`.
pub async fn newest(db: &Db, before: Option<i64>, limit: u64) -> Result<Vec<OutboxRow>, DbError> {
    page(db, PageOrder::NewestFirst, before, limit).await
}

/// The highest `seq` in the table; 0 when it is empty.
pub(crate) async fn newest_seq(db: &Db) -> Result<i64, DbError> {
    Ok(newest(db, None, 1).await?.first().map_or(0, |row| row.seq))
}

/// The id of the row with that `seq`; none if it was pruned.
pub(crate) async fn id_of(db: &Db, seq: i64) -> Result<Option<String>, DbError> {
    let next = page(db, PageOrder::OldestFirst, Some(seq - 1), 1).await?;
    Ok(next.into_iter().find(|row| row.seq == seq).map(|row| row.id.into()))
}

/// One of these ids, if no row has it. A server may log a commit a moment before others see it.
pub(crate) async fn one_missing(db: &Db, ids: Vec<String>) -> Result<Option<String>, DbError> {
    let mut missing: HashSet<String> = ids.into_iter().collect();
    let deadline = Instant::now() + SEEN_WITHIN;
    while !missing.is_empty() {
        let asked = Expr::col("id").is_in(missing.iter().map(String::as_str));
        let ask = Query::select().column("id").from("outbox_event").and_where(asked).to_owned();
        let read = async move |tx: &Tx| -> Result<Vec<String>, DbError> {
            tx.fetch_all(&ask).await?.iter().map(|row| row.get("id")).collect()
        };
        for id in &db.read(read).await? {
            missing.remove(id);
        }
        if Instant::now() >= deadline {
            break;
        }
        if !missing.is_empty() {
            time::sleep(SEE_EVERY).await;
        }
    }
    Ok(missing.into_iter().min())
}
