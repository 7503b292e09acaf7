//! Deliveries as rows: what is on its way, what arrived and what did not.
//!
//! Who sends one takes it first, for as long as [`begin`]'s lease; who dies over it leaves it to the next after that.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Func, Order, Query, SelectStatement, UpdateStatement};

use super::TENANT;
use crate::domain::{Channel, DeliveryId, NotificationId, RecipientId};

/// Notifications that share a mail; the rest comes with the next.
const GATHERED_MAX: u64 = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    /// Its webhook is disabled.
    Held,
    Sent,
    Failed,
}

impl State {
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("PENDING", Self::Pending), ("HELD", Self::Held), ("SENT", Self::Sent), ("FAILED", Self::Failed)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Held => "HELD",
            Self::Sent => "SENT",
            Self::Failed => "FAILED",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, state)| state)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) notification: NotificationId,
    pub(crate) recipient: RecipientId,
    pub(crate) event_id: String,
    pub(crate) kind: String,
    pub(crate) correlation: Option<String>,
    pub(crate) channel: Channel,
    /// The webhook's id, or `email`.
    pub(crate) target: String,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) due_at: Timestamp,
    /// Whether it is mailed together with others.
    pub(crate) is_gathered: bool,
    /// The mail that has it together with others, once that is made.
    pub(crate) message: Option<String>,
    pub(crate) trouble: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) sent_at: Option<Timestamp>,
}

/// What a list of deliveries is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeliveryFilter {
    pub(crate) recipient: Option<String>,
    pub(crate) webhook: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) correlation: Option<String>,
    pub(crate) channel: Option<Channel>,
    pub(crate) state: Option<State>,
}

/// A delivery that may be sent, as it was when that was seen.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) id: DeliveryId,
    due_at: Timestamp,
}

/// Inserts it unless the event went this way already; tells whether it did.
pub(crate) async fn insert_delivery(tx: &Tx, delivery: &Delivery) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table("delivery")
        .columns([
            "tenant",
            "id",
            "notification_id",
            "recipient_id",
            "event_id",
            "event_type",
            "correlation_id",
            "channel",
            "target",
            "state",
            "gathered",
            "attempts",
            "due_at",
            "created_at",
        ])
        .values_panic([
            TENANT.into(),
            delivery.id.as_str().into(),
            delivery.notification.as_str().into(),
            delivery.recipient.as_str().into(),
            delivery.event_id.as_str().into(),
            delivery.kind.as_str().into(),
            delivery.correlation.clone().into(),
            delivery.channel.name().into(),
            delivery.target.as_str().into(),
            delivery.state.name().into(),
            delivery.is_gathered.into(),
            i64::from(delivery.attempts).into(),
            delivery.due_at.as_micros().into(),
            delivery.created_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, "id").await
}

pub(crate) async fn delivery(tx: &Tx, id: &DeliveryId) -> Result<Option<Delivery>, DbError> {
    let select = select().and_where(Expr::col("id").eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| read(&row)).transpose()
}

/// Those of a mail, the oldest first.
pub(crate) async fn of_message(tx: &Tx, message: &str) -> Result<Vec<Delivery>, DbError> {
    let of = Expr::col("message_id").eq(message);
    let select =
        select().and_where(of).order_by("created_at", Order::Asc).order_by("id", Order::Asc).to_owned();
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

pub(crate) async fn page_of_deliveries(
    tx: &Tx,
    filter: DeliveryFilter,
    page: Keyset,
) -> Result<Vec<Delivery>, DbError> {
    let DeliveryFilter { recipient, webhook, event, correlation, channel, state } = filter;
    let filters = [
        ("recipient_id", recipient),
        ("target", webhook),
        ("event_id", event),
        ("correlation_id", correlation),
        ("channel", channel.map(|channel| channel.name().to_owned())),
        ("state", state.map(|state| state.name().to_owned())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    page.apply(&mut select, "created_at", "id");
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// Where something waits to be sent, whoever waits longest first.
pub(crate) async fn due_targets(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<String>, DbError> {
    let select = Query::select()
        .column("target")
        .expr_as(Func::min(Expr::col("due_at")), "first_due")
        .from("delivery")
        .and_where(Expr::col("state").eq(State::Pending.name()))
        .and_where(Expr::col("due_at").lte(now.as_micros()))
        .group_by_col("target")
        .order_by("first_due", Order::Asc)
        .limit(limit)
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(|row| row.get("target")).collect()
}

/// What waits to be sent there, what waits longest first.
pub(crate) async fn due_of(tx: &Tx, target: &str, now: Timestamp, limit: u64) -> Result<Vec<Due>, DbError> {
    let select = select()
        .and_where(Expr::col("state").eq(State::Pending.name()))
        .and_where(Expr::col("target").eq(target))
        .and_where(Expr::col("due_at").lte(now.as_micros()))
        .order_by("due_at", Order::Asc)
        .order_by("id", Order::Asc)
        .limit(limit)
        .to_owned();
    let due = |row: &Row| {
        Ok(Due { id: row.parsed("id", |id| DeliveryId::parse(id).ok())?, due_at: row.get("due_at")? })
    };
    tx.fetch_all(&select).await?.iter().map(due).collect()
}

/// Takes a delivery until `lease`; `false` if somebody else has it, or it is no longer to be sent.
pub(crate) async fn begin(tx: &Tx, due: &Due, lease: Timestamp) -> Result<bool, DbError> {
    let update = update(&due.id)
        .value("due_at", lease.as_micros())
        .value("attempts", Expr::col("attempts").add(1))
        .and_where(Expr::col("state").eq(State::Pending.name()))
        .and_where(Expr::col("due_at").eq(due.due_at.as_micros()))
        .to_owned();
    Ok(tx.execute(&update).await? == 1)
}

/// Puts what is due for a recipient's next mail into it, until `lease`; what waits longest first, where it is much.
pub(crate) async fn gather(
    tx: &Tx,
    recipient: &RecipientId,
    message: &str,
    now: Timestamp,
    lease: Timestamp,
) -> Result<(), DbError> {
    let is_due = Expr::col("tenant")
        .eq(TENANT)
        .and(Expr::col("recipient_id").eq(recipient.as_str()))
        .and(Expr::col("channel").eq(Channel::Email.name()))
        .and(Expr::col("gathered").eq(true))
        .and(Expr::col("message_id").is_null())
        .and(Expr::col("state").eq(State::Pending.name()))
        .and(Expr::col("due_at").lte(now.as_micros()));
    let select = Query::select()
        .column("id")
        .from("delivery")
        .and_where(is_due.clone())
        .order_by("due_at", Order::Asc)
        .order_by("id", Order::Asc)
        .limit(GATHERED_MAX)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    let ids = rows.iter().map(|row| row.get("id")).collect::<Result<Vec<String>, _>>()?;
    let update = Query::update()
        .table("delivery")
        .value("message_id", message)
        .value("due_at", lease.as_micros())
        .value("attempts", Expr::col("attempts").add(1))
        .and_where(is_due)
        .and_where(Expr::col("id").is_in(ids))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Takes a mail that was made before, until `lease`; `false` if somebody else has it.
pub(crate) async fn take_message(
    tx: &Tx,
    message: &str,
    now: Timestamp,
    lease: Timestamp,
) -> Result<bool, DbError> {
    let update = Query::update()
        .table("delivery")
        .value("due_at", lease.as_micros())
        .value("attempts", Expr::col("attempts").add(1))
        .and_where(Expr::col("message_id").eq(message))
        .and_where(Expr::col("state").eq(State::Pending.name()))
        .and_where(Expr::col("due_at").lte(now.as_micros()))
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}

pub(crate) async fn sent(tx: &Tx, ids: &[&DeliveryId], at: Timestamp) -> Result<(), DbError> {
    let none: Option<String> = None;
    let update = update_all(ids)
        .value("state", State::Sent.name())
        .value("sent_at", at.as_micros())
        .value("trouble", none)
        .to_owned();
    tx.execute(&update).await.map(drop)
}

pub(crate) async fn fail(tx: &Tx, ids: &[&DeliveryId], trouble: &str) -> Result<(), DbError> {
    let update = update_all(ids).value("state", State::Failed.name()).value("trouble", trouble).to_owned();
    tx.execute(&update).await.map(drop)
}

pub(crate) async fn retry_at(
    tx: &Tx,
    ids: &[&DeliveryId],
    trouble: &str,
    due: Timestamp,
) -> Result<(), DbError> {
    let update = update_all(ids).value("due_at", due.as_micros()).value("trouble", trouble).to_owned();
    tx.execute(&update).await.map(drop)
}

/// Keeps what waits for a webhook that is disabled.
pub(crate) async fn hold(tx: &Tx, target: &str) -> Result<u64, DbError> {
    let update = of_target(target, State::Pending).value("state", State::Held.name()).to_owned();
    tx.execute(&update).await
}

/// Gives up what was to go to a webhook that is no more.
pub(crate) async fn abandon(tx: &Tx, target: &str) -> Result<(), DbError> {
    for state in [State::Pending, State::Held] {
        let update = of_target(target, state)
            .value("state", State::Failed.name())
            .value("trouble", "the webhook was deleted")
            .to_owned();
        tx.execute(&update).await?;
    }
    Ok(())
}

/// Lets it go again, when it is enabled.
pub(crate) async fn release(tx: &Tx, target: &str, now: Timestamp) -> Result<u64, DbError> {
    let update = of_target(target, State::Held)
        .value("state", State::Pending.name())
        .value("due_at", now.as_micros())
        .value("attempts", 0_i64)
        .to_owned();
    tx.execute(&update).await
}

/// Sends it once more, under its id; `false` unless it has arrived or failed.
pub(crate) async fn replay(tx: &Tx, id: &DeliveryId, state: State, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&replayed(update(id), state, now)).await? == 1)
}

/// The same with everything of a webhook that was made in a period; says how much.
pub(crate) async fn replay_period(
    tx: &Tx,
    target: &str,
    (from, to): (Timestamp, Timestamp),
    state: State,
    now: Timestamp,
) -> Result<u64, DbError> {
    let update = Query::update()
        .table("delivery")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("target").eq(target))
        .and_where(Expr::col("created_at").gte(from.as_micros()))
        .and_where(Expr::col("created_at").lt(to.as_micros()))
        .to_owned();
    tx.execute(&replayed(update, state, now)).await
}

fn replayed(mut update: UpdateStatement, state: State, now: Timestamp) -> UpdateStatement {
    let none: Option<String> = None;
    update
        .value("state", state.name())
        .value("trouble", none)
        .value("due_at", now.as_micros())
        .value("attempts", 0_i64)
        .and_where(Expr::col("state").is_in([State::Sent.name(), State::Failed.name()]))
        .to_owned()
}

fn of_target(target: &str, state: State) -> UpdateStatement {
    Query::update()
        .table("delivery")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("target").eq(target))
        .and_where(Expr::col("state").eq(state.name()))
        .to_owned()
}

fn update(id: &DeliveryId) -> UpdateStatement {
    update_all(&[id])
}

fn update_all(ids: &[&DeliveryId]) -> UpdateStatement {
    Query::update()
        .table("delivery")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").is_in(ids.iter().map(|id| id.as_str())))
        .to_owned()
}

fn select() -> SelectStatement {
    Query::select().column(Asterisk).from("delivery").and_where(Expr::col("tenant").eq(TENANT)).to_owned()
}

fn read(row: &Row) -> Result<Delivery, DbError> {
    Ok(Delivery {
        id: row.parsed("id", |id| DeliveryId::parse(id).ok())?,
        notification: row.parsed("notification_id", |id| NotificationId::parse(id).ok())?,
        recipient: row.parsed("recipient_id", |id| RecipientId::parse(id).ok())?,
        event_id: row.get("event_id")?,
        kind: row.get("event_type")?,
        correlation: row.get("correlation_id")?,
        channel: row.parsed("channel", Channel::parse)?,
        target: row.get("target")?,
        state: row.parsed("state", State::parse)?,
        attempts: row.get("attempts")?,
        due_at: row.get("due_at")?,
        is_gathered: row.get("gathered")?,
        message: row.get("message_id")?,
        trouble: row.get("trouble")?,
        created_at: row.get("created_at")?,
        sent_at: row.get("sent_at")?,
    })
}
