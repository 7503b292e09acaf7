//! Notifications as rows: what an event told one recipient, and whether it was read.

use std::collections::HashMap;

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Func, Order, Query, SelectStatement};

use super::TENANT;
use crate::domain::{NotificationId, RecipientId};

/// Mails that are sent late to somebody whose address was told late.
const AWAITING_MAX: u64 = 100;

/// What an event tells a recipient.
#[derive(Clone, Debug)]
pub(crate) struct NewNotice {
    pub(crate) id: NotificationId,
    pub(crate) recipient: RecipientId,
    pub(crate) event_id: String,
    /// The bare name.
    pub(crate) kind: String,
    pub(crate) correlation: Option<String>,
    pub(crate) causation: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) is_urgent: bool,
    pub(crate) language: &'static str,
    pub(crate) title: String,
    pub(crate) body: String,
    /// 0: the built-in words.
    pub(crate) template_version: u32,
    /// The event's `data`, to the letter.
    pub(crate) data: String,
    /// Whether it stands in the inbox.
    pub(crate) in_app: bool,
    /// A mail that waits until somebody tells to where.
    pub(crate) awaits_address: bool,
    pub(crate) created_at: Timestamp,
}

/// What was told.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// Counts up.
    pub(crate) seq: i64,
    pub(crate) told: NewNotice,
    pub(crate) read_at: Option<Timestamp>,
}

/// What an inbox is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct InboxFilter {
    pub(crate) is_unread: Option<bool>,
    pub(crate) kind: Option<String>,
}

/// Notes that an event was heard; `false` if it was before.
pub(crate) async fn note_heard(tx: &Tx, event_id: &str, now: Timestamp) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table("inbox_event")
        .columns(["consumer", "event_id", "processed_at"])
        .values_panic([crate::CHANNELS_SUBSCRIPTION.into(), event_id.into(), now.as_micros().into()])
        .to_owned();
    tx.insert_new(&insert, "event_id").await
}

/// Inserts it unless the recipient was told of the event; tells whether it did.
pub(crate) async fn insert_notice(tx: &Tx, new: &NewNotice) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table("notification")
        .columns([
            "tenant",
            "id",
            "recipient_id",
            "event_id",
            "event_type",
            "urgency",
            "language",
            "correlation_id",
            "causation_id",
            "subject",
            "title",
            "body",
            "data",
            "template_version",
            "created_at",
            "occurred_at",
            "in_app",
            "awaits_address",
        ])
        .values_panic([
            TENANT.into(),
            new.id.as_str().into(),
            new.recipient.as_str().into(),
            new.event_id.as_str().into(),
            new.kind.as_str().into(),
            if new.is_urgent { "URGENT" } else { "NORMAL" }.into(),
            new.language.into(),
            new.correlation.clone().into(),
            new.causation.clone().into(),
            new.subject.clone().into(),
            new.title.as_str().into(),
            new.body.as_str().into(),
            new.data.as_str().into(),
            i64::from(new.template_version).into(),
            new.created_at.as_micros().into(),
            new.occurred_at.map(Timestamp::as_micros).into(),
            new.in_app.into(),
            new.awaits_address.into(),
        ])
        .to_owned();
    tx.insert_new(&insert, "id").await
}

pub(crate) async fn notice(tx: &Tx, id: &NotificationId) -> Result<Option<Notice>, DbError> {
    let select = select().and_where(Expr::col("id").eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| read(&row)).transpose()
}

/// Those that are named and there, in the order of their names.
pub(crate) async fn notices(tx: &Tx, ids: &[&NotificationId]) -> Result<Vec<Notice>, DbError> {
    let select = select().and_where(Expr::col("id").is_in(ids.iter().map(|id| id.as_str()))).to_owned();
    let mut found = HashMap::new();
    for row in tx.fetch_all(&select).await? {
        let notice = read(&row)?;
        found.insert(notice.told.id.clone(), notice);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Those whose mail waited for an address, which has come; they wait no longer.
pub(crate) async fn awaiting_address(tx: &Tx, recipient: &RecipientId) -> Result<Vec<Notice>, DbError> {
    let awaits = Expr::col("recipient_id").eq(recipient.as_str()).and(Expr::col("awaits_address").eq(true));
    let select =
        select().and_where(awaits.clone()).order_by("seq", Order::Desc).limit(AWAITING_MAX).to_owned();
    let found: Vec<Notice> = tx.fetch_all(&select).await?.iter().map(read).collect::<Result<_, _>>()?;
    let update = Query::update()
        .table("notification")
        .value("awaits_address", false)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(awaits)
        .to_owned();
    tx.execute(&update).await?;
    Ok(found)
}

pub(crate) async fn page_of_inbox(
    tx: &Tx,
    of: &RecipientId,
    filter: InboxFilter,
    page: Keyset,
) -> Result<Vec<Notice>, DbError> {
    let mut select = inbox(of);
    select
        .and_where_option(filter.is_unread.map(|is_unread| {
            let read_at = Expr::col("read_at");
            if is_unread { read_at.is_null() } else { read_at.is_not_null() }
        }))
        .and_where_option(filter.kind.map(|kind| Expr::col("event_type").eq(kind)));
    page.apply(&mut select, "created_at", "seq");
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// Those that came after, the oldest first.
pub(crate) async fn since(tx: &Tx, of: &RecipientId, seq: i64, limit: u64) -> Result<Vec<Notice>, DbError> {
    let select =
        inbox(of).and_where(Expr::col("seq").gt(seq)).order_by("seq", Order::Asc).limit(limit).to_owned();
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// The newest, 0 if there is none.
pub(crate) async fn last_seq(tx: &Tx, of: &RecipientId) -> Result<i64, DbError> {
    let select = inbox(of).order_by("seq", Order::Desc).limit(1).to_owned();
    tx.fetch_optional(&select).await?.map_or(Ok(0), |row| row.get("seq"))
}

/// How many were not read.
pub(crate) async fn unread(tx: &Tx, of: &RecipientId) -> Result<u64, DbError> {
    let select = Query::select()
        .expr_as(Func::count(Expr::col("seq")), "unread")
        .from("notification")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("recipient_id").eq(of.as_str()))
        .and_where(Expr::col("in_app").eq(true))
        .and_where(Expr::col("read_at").is_null())
        .to_owned();
    tx.fetch_one(&select).await?.get("unread")
}

pub(crate) async fn mark_read(tx: &Tx, id: &NotificationId, at: Timestamp) -> Result<u64, DbError> {
    mark(tx, Expr::col("id").eq(id.as_str()), at).await
}

/// All that came until then; says how many were not read before.
pub(crate) async fn mark_all_read(
    tx: &Tx,
    of: &RecipientId,
    until: Option<Timestamp>,
    at: Timestamp,
) -> Result<u64, DbError> {
    let until = until.unwrap_or(at);
    let which = Expr::col("recipient_id").eq(of.as_str()).and(Expr::col("created_at").lte(until.as_micros()));
    mark(tx, which, at).await
}

async fn mark(tx: &Tx, which: Expr, at: Timestamp) -> Result<u64, DbError> {
    let update = Query::update()
        .table("notification")
        .value("read_at", at.as_micros())
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("in_app").eq(true))
        .and_where(Expr::col("read_at").is_null())
        .and_where(which)
        .to_owned();
    tx.execute(&update).await
}

fn inbox(of: &RecipientId) -> SelectStatement {
    select()
        .and_where(Expr::col("recipient_id").eq(of.as_str()))
        .and_where(Expr::col("in_app").eq(true))
        .to_owned()
}

fn select() -> SelectStatement {
    Query::select().column(Asterisk).from("notification").and_where(Expr::col("tenant").eq(TENANT)).to_owned()
}

fn read(row: &Row) -> Result<Notice, DbError> {
    let told = NewNotice {
        id: row.parsed("id", |id| NotificationId::parse(id).ok())?,
        recipient: row.parsed("recipient_id", |id| RecipientId::parse(id).ok())?,
        event_id: row.get("event_id")?,
        kind: row.get("event_type")?,
        correlation: row.get("correlation_id")?,
        causation: row.get("causation_id")?,
        subject: row.get("subject")?,
        occurred_at: row.get("occurred_at")?,
        is_urgent: row.get::<String>("urgency")? == "URGENT",
        language: if row.get::<String>("language")? == "en" { "en" } else { "es" },
        title: row.get("title")?,
        body: row.get("body")?,
        template_version: row.get("template_version")?,
        data: row.get("data")?,
        in_app: row.get("in_app")?,
        awaits_address: row.get("awaits_address")?,
        created_at: row.get("created_at")?,
    };
    Ok(Notice { seq: row.get("seq")?, told, read_at: row.get("read_at")? })
}
