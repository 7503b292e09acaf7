//! The tables of payouts: `payout`, `payout_line`, `payout_item`, and `payout_claim`, whose key holds that a commission is
//! in one live payout at most.

use hexalpes_db::{Backend, DbError, Keyset, Row, Tx, columns};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Index, Order, Query, SelectStatement, Table};

use super::TENANT;
use crate::domain::{
    AffiliateId, CommissionId, Item, Line, LineState, Method, Payout, PayoutId, PayoutStatus, ProgramId,
};

#[derive(Iden, Clone, Copy)]
enum Col {
    #[iden = "payout"]
    Table,
    Id,
    Tenant,
    ProgramId,
    Currency,
    Method,
    Status,
    CreatedAt,
    /// The day that a schedule made it for; unique.
    ScheduleKey,
}

#[derive(Iden, Clone, Copy)]
enum LineCol {
    #[iden = "payout_line"]
    Table,
    Tenant,
    PayoutId,
    Number,
    AffiliateId,
    AmountMinor,
    NettedMinor,
    Status,
    Reason,
    /// As [`Line::key`].
    IdempotencyKey,
    SentAt,
    /// When it was settled or failed.
    EndedAt,
    /// How often it was tried to send it.
    Attempts,
    /// Why it could not be sent the last time.
    Trouble,
    NextTryAt,
}

#[derive(Iden, Clone, Copy)]
enum ItemCol {
    #[iden = "payout_item"]
    Table,
    Tenant,
    PayoutId,
    Number,
    CommissionId,
    Minor,
    NettedMinor,
}

#[derive(Iden, Clone, Copy)]
enum Claim {
    #[iden = "payout_claim"]
    Table,
    Tenant,
    CommissionId,
    PayoutId,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let line_id = |name| columns::id(backend, name);
    let item_id = |name| columns::id(backend, name);
    let claim_id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Col::Table)
                .col(id(Col::Id).not_null().primary_key())
                .col(id(Col::Tenant).not_null())
                .col(id(Col::ProgramId).not_null())
                .col(id(Col::Currency).not_null())
                .col(id(Col::Method).not_null())
                .col(id(Col::Status).not_null())
                .col(columns::timestamp(Col::CreatedAt).not_null())
                .col(id(Col::ScheduleKey)),
        ),
        backend.schema(
            Index::create()
                .name("payout_created")
                .table(Col::Table)
                .col(Col::Tenant)
                .col(Col::CreatedAt)
                .col(Col::Id),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("payout_schedule")
                .table(Col::Table)
                .col(Col::Tenant)
                .col(Col::ScheduleKey),
        ),
        backend.schema(
            Table::create()
                .table(LineCol::Table)
                .col(line_id(LineCol::Tenant).not_null())
                .col(line_id(LineCol::PayoutId).not_null())
                .col(columns::integer(LineCol::Number).not_null())
                .col(line_id(LineCol::AffiliateId).not_null())
                .col(columns::integer(LineCol::AmountMinor).not_null())
                .col(columns::integer(LineCol::NettedMinor).not_null())
                .col(line_id(LineCol::Status).not_null())
                .col(columns::text(backend, LineCol::Reason))
                .col(line_id(LineCol::IdempotencyKey).not_null())
                .col(columns::timestamp(LineCol::SentAt))
                .col(columns::timestamp(LineCol::EndedAt))
                .col(columns::integer(LineCol::Attempts).not_null().default(0))
                .col(columns::text(backend, LineCol::Trouble))
                .col(columns::timestamp(LineCol::NextTryAt))
                .primary_key(
                    Index::create().col(LineCol::Tenant).col(LineCol::PayoutId).col(LineCol::Number),
                ),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("payout_line_key")
                .table(LineCol::Table)
                .col(LineCol::Tenant)
                .col(LineCol::IdempotencyKey),
        ),
        backend.schema(
            Table::create()
                .table(ItemCol::Table)
                .col(item_id(ItemCol::Tenant).not_null())
                .col(item_id(ItemCol::PayoutId).not_null())
                .col(columns::integer(ItemCol::Number).not_null())
                .col(item_id(ItemCol::CommissionId).not_null())
                .col(columns::integer(ItemCol::Minor).not_null())
                .col(columns::integer(ItemCol::NettedMinor).not_null())
                .primary_key(
                    Index::create()
                        .col(ItemCol::Tenant)
                        .col(ItemCol::PayoutId)
                        .col(ItemCol::Number)
                        .col(ItemCol::CommissionId),
                ),
        ),
        backend.schema(
            Table::create()
                .table(Claim::Table)
                .col(claim_id(Claim::Tenant).not_null())
                .col(claim_id(Claim::CommissionId).not_null())
                .col(claim_id(Claim::PayoutId).not_null())
                .primary_key(Index::create().col(Claim::Tenant).col(Claim::CommissionId)),
        ),
    ]
}

/// Inserts a payout with its lines, items and claims. Tells whether it did: a schedule makes one a day.
pub(crate) async fn insert(tx: &Tx, payout: &Payout, schedule_key: Option<&str>) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table(Col::Table)
        .columns([
            Col::Id,
            Col::Tenant,
            Col::ProgramId,
            Col::Currency,
            Col::Method,
            Col::Status,
            Col::CreatedAt,
            Col::ScheduleKey,
        ])
        .values_panic([
            payout.id.as_str().into(),
            TENANT.into(),
            payout.program.as_str().into(),
            payout.currency.code().into(),
            payout.method.name().into(),
            payout.status.name().into(),
            payout.created_at.as_micros().into(),
            schedule_key.into(),
        ])
        .to_owned();
    if !tx.insert_new(&insert, Col::Id).await? {
        return Ok(false);
    }
    for line in &payout.lines {
        insert_line(tx, &payout.id, line).await?;
    }
    Ok(true)
}

async fn insert_line(tx: &Tx, payout: &PayoutId, line: &Line) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(LineCol::Table)
        .columns([
            LineCol::Tenant,
            LineCol::PayoutId,
            LineCol::Number,
            LineCol::AffiliateId,
            LineCol::AmountMinor,
            LineCol::NettedMinor,
            LineCol::Status,
            LineCol::IdempotencyKey,
        ])
        .values_panic([
            TENANT.into(),
            payout.as_str().into(),
            i64::from(line.number).into(),
            line.partner.as_str().into(),
            line.amount.minor().into(),
            line.netted.minor().into(),
            line.state.name().into(),
            line.key(payout).into(),
        ])
        .to_owned();
    tx.execute(&insert).await?;
    // As many at once as a statement's placeholders allow everywhere.
    for items in line.items.chunks(1_000) {
        let mut insert = Query::insert()
            .into_table(ItemCol::Table)
            .columns([
                ItemCol::Tenant,
                ItemCol::PayoutId,
                ItemCol::Number,
                ItemCol::CommissionId,
                ItemCol::Minor,
                ItemCol::NettedMinor,
            ])
            .to_owned();
        for item in items {
            insert.values_panic([
                TENANT.into(),
                payout.as_str().into(),
                i64::from(line.number).into(),
                item.commission.as_str().into(),
                item.amount.minor().into(),
                item.netted.minor().into(),
            ]);
            claim(tx, payout, &item.commission).await?;
        }
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// Takes a commission for a payout. Two that want it at the same time are told apart by the key.
async fn claim(tx: &Tx, payout: &PayoutId, commission: &CommissionId) -> Result<(), DbError> {
    let claim = Query::insert()
        .into_table(Claim::Table)
        .columns([Claim::Tenant, Claim::CommissionId, Claim::PayoutId])
        .values_panic([TENANT.into(), commission.as_str().into(), payout.as_str().into()])
        .to_owned();
    if tx.insert_new(&claim, Claim::CommissionId).await? {
        return Ok(());
    }
    Err(DbError::Conflict("the commission went into another payout a moment ago".to_owned()))
}

/// Writes what can change: the status, and the states of the lines.
pub(crate) async fn save(tx: &Tx, payout: &Payout) -> Result<(), DbError> {
    let update = Query::update()
        .table(Col::Table)
        .value(Col::Status, payout.status.name())
        .and_where(Expr::col(Col::Tenant).eq(TENANT))
        .and_where(Expr::col(Col::Id).eq(payout.id.as_str()))
        .to_owned();
    tx.execute(&update).await?;
    for line in &payout.lines {
        save_line(tx, &payout.id, line).await?;
    }
    Ok(())
}

/// Writes one line's state, if it is another than before.
async fn save_line(tx: &Tx, payout: &PayoutId, line: &Line) -> Result<(), DbError> {
    let mut update = Query::update()
        .table(LineCol::Table)
        .value(LineCol::Status, line.state.name())
        .and_where(is_line(payout, line.number))
        .and_where(Expr::col(LineCol::Status).ne(line.state.name()))
        .to_owned();
    match &line.state {
        LineState::Reserved => {}
        LineState::Sent { at } => {
            update.value(LineCol::SentAt, at.as_micros());
        }
        LineState::Settled { at } => {
            update.value(LineCol::EndedAt, at.as_micros());
        }
        LineState::Failed { at, reason } => {
            update.value(LineCol::EndedAt, at.as_micros()).value(LineCol::Reason, reason.as_str());
        }
    }
    tx.execute(&update).await.map(|_| ())
}

fn is_line(payout: &PayoutId, number: u32) -> Expr {
    Expr::col(LineCol::Tenant)
        .eq(TENANT)
        .and(Expr::col(LineCol::PayoutId).eq(payout.as_str()))
        .and(Expr::col(LineCol::Number).eq(i64::from(number)))
}

/// The commission may be paid again: its payout failed.
pub(crate) async fn release(tx: &Tx, commission: &CommissionId) -> Result<(), DbError> {
    let delete = Query::delete()
        .from_table(Claim::Table)
        .and_where(Expr::col(Claim::Tenant).eq(TENANT))
        .and_where(Expr::col(Claim::CommissionId).eq(commission.as_str()))
        .to_owned();
    tx.execute(&delete).await.map(|_| ())
}

pub(crate) async fn load(tx: &Tx, id: &PayoutId) -> Result<Option<Payout>, DbError> {
    let select = select().and_where(Expr::col(Col::Id).eq(id.as_str())).to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    let mut payout = bare(&row)?;
    payout.lines = lines(tx, &payout).await?;
    Ok(Some(payout))
}

/// What a list of payouts is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct PayoutFilter {
    pub(crate) program: Option<ProgramId>,
    pub(crate) currency: Option<Currency>,
    pub(crate) status: Option<&'static str>,
}

/// A payout without its lines, and what these come to.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) payout: Payout,
    pub(crate) total: Money,
    pub(crate) settled: Money,
    pub(crate) failed: Money,
    pub(crate) line_count: u64,
}

/// A page of payouts. Their lines are not read: there may be thousands of each.
pub(crate) async fn page(tx: &Tx, filter: PayoutFilter, keyset: Keyset) -> Result<Vec<Summary>, DbError> {
    let PayoutFilter { program, currency, status } = filter;
    let mut select = select();
    select.and_where_option(program.map(|id| Expr::col(Col::ProgramId).eq(id.as_str())));
    select.and_where_option(currency.map(|currency| Expr::col(Col::Currency).eq(currency.code())));
    select.and_where_option(status.map(|status| Expr::col(Col::Status).eq(status)));
    keyset.apply(&mut select, Col::CreatedAt, Col::Id);
    let rows = tx.fetch_all(&select).await?;
    let payouts = rows.iter().map(bare).collect::<Result<Vec<_>, _>>()?;
    if payouts.is_empty() {
        return Ok(Vec::new());
    }
    let ids = payouts.iter().map(|payout| payout.id.as_str());
    let sums = Query::select()
        .columns([LineCol::PayoutId, LineCol::Status])
        .expr_as(columns::sum(tx.backend(), LineCol::AmountMinor), "minor")
        .expr_as(Expr::col(LineCol::Number).count(), "lines")
        .from(LineCol::Table)
        .and_where(Expr::col(LineCol::Tenant).eq(TENANT))
        .and_where(Expr::col(LineCol::PayoutId).is_in(ids))
        .group_by_columns([LineCol::PayoutId, LineCol::Status])
        .to_owned();
    let sums = tx.fetch_all(&sums).await?;
    let sums = sums
        .iter()
        .map(|row| Ok((row.get("payout_id")?, row.get("status")?, row.get("minor")?, row.get("lines")?)));
    let sums = sums.collect::<Result<Vec<(String, String, i64, u64)>, DbError>>()?;
    Ok(payouts.into_iter().map(|payout| summed(payout, &sums)).collect())
}

/// `sums` are those of many payouts: whose, of lines in which state, how much and how many.
fn summed(payout: Payout, sums: &[(String, String, i64, u64)]) -> Summary {
    let own = || sums.iter().filter(|(id, ..)| id == payout.id.as_str());
    let money = |status: Option<&str>| {
        let those = own().filter(|(_, one, ..)| status.is_none_or(|status| status == one));
        let minor = those.fold(0_i64, |sum, (_, _, minor, _)| sum.saturating_add(*minor));
        Money::from_minor(minor, payout.currency)
    };
    let (total, settled, failed) = (money(None), money(Some("SETTLED")), money(Some("FAILED")));
    let line_count = own().map(|(.., lines)| lines).sum();
    Summary { payout, total, settled, failed, line_count }
}

/// A line that is to be sent, and how often that was tried.
#[derive(Clone, Debug)]
pub(crate) struct DueLine {
    pub(crate) payout: PayoutId,
    pub(crate) number: u32,
    pub(crate) attempts: u32,
}

/// The lines that are to be sent by webhook now.
pub(crate) async fn due(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<DueLine>, DbError> {
    let sending = Query::select()
        .column(Col::Id)
        .from(Col::Table)
        .and_where(Expr::col(Col::Tenant).eq(TENANT))
        .and_where(Expr::col(Col::Status).eq(PayoutStatus::Sending.name()))
        .and_where(Expr::col(Col::Method).eq(Method::Webhook.name()))
        .to_owned();
    let select = Query::select()
        .columns([LineCol::PayoutId, LineCol::Number, LineCol::Attempts])
        .from(LineCol::Table)
        .and_where(Expr::col(LineCol::Tenant).eq(TENANT))
        .and_where(Expr::col(LineCol::PayoutId).in_subquery(sending))
        .and_where(Expr::col(LineCol::Status).eq(LineState::Reserved.name()))
        .and_where(waits(now))
        .order_by(LineCol::PayoutId, Order::Asc)
        .order_by(LineCol::Number, Order::Asc)
        .limit(limit)
        .to_owned();
    let due = |row: &Row| {
        Ok(DueLine {
            payout: row.parsed("payout_id", |id| PayoutId::parse(id).ok())?,
            number: row.get("number")?,
            attempts: row.get("attempts")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(due).collect()
}

/// What stands for [`LineCol::Trouble`] while a line is being sent.
const BEING_SENT: &str = "";

/// Begins to send a line: nobody else does until `lease` is over, and it cannot fail. Tells whether it is ours to send.
pub(crate) async fn begin_to_send(
    tx: &Tx,
    line: &DueLine,
    now: Timestamp,
    lease: Timestamp,
) -> Result<bool, DbError> {
    let update = Query::update()
        .table(LineCol::Table)
        .value(LineCol::Trouble, BEING_SENT)
        .value(LineCol::NextTryAt, lease.as_micros())
        .and_where(is_line(&line.payout, line.number))
        .and_where(Expr::col(LineCol::Status).eq(LineState::Reserved.name()))
        .and_where(waits(now))
        .to_owned();
    Ok(tx.execute(&update).await? == 1)
}

/// A line that nobody sends now, and whose time to be sent has come.
fn waits(now: Timestamp) -> Expr {
    Expr::col(LineCol::NextTryAt).is_null().or(Expr::col(LineCol::NextTryAt).lte(now.as_micros()))
}

/// The lines of a payout that somebody sends now.
pub(crate) async fn being_sent(tx: &Tx, payout: &PayoutId, now: Timestamp) -> Result<Vec<u32>, DbError> {
    let select = Query::select()
        .column(LineCol::Number)
        .from(LineCol::Table)
        .and_where(Expr::col(LineCol::Tenant).eq(TENANT))
        .and_where(Expr::col(LineCol::PayoutId).eq(payout.as_str()))
        .and_where(Expr::col(LineCol::Status).eq(LineState::Reserved.name()))
        .and_where(Expr::col(LineCol::Trouble).eq(BEING_SENT))
        .and_where(Expr::col(LineCol::NextTryAt).gt(now.as_micros()))
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(|row| row.get("number")).collect()
}

/// Notes that a line could not be sent, why, and when to try again.
pub(crate) async fn note_trouble(
    tx: &Tx,
    line: &DueLine,
    trouble: &str,
    next: Timestamp,
) -> Result<(), DbError> {
    let update = Query::update()
        .table(LineCol::Table)
        .value(LineCol::Attempts, i64::from(line.attempts) + 1)
        .value(LineCol::Trouble, trouble)
        .value(LineCol::NextTryAt, next.as_micros())
        .and_where(is_line(&line.payout, line.number))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

/// Why lines of a payout could not be sent yet, by their numbers.
pub(crate) async fn troubles(tx: &Tx, payout: &PayoutId) -> Result<Vec<(u32, String)>, DbError> {
    let select = Query::select()
        .columns([LineCol::Number, LineCol::Trouble])
        .from(LineCol::Table)
        .and_where(Expr::col(LineCol::Tenant).eq(TENANT))
        .and_where(Expr::col(LineCol::PayoutId).eq(payout.as_str()))
        .and_where(Expr::col(LineCol::Status).eq(LineState::Reserved.name()))
        .and_where(Expr::col(LineCol::Trouble).ne(BEING_SENT))
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| Ok((row.get("number")?, row.get("trouble")?))).collect()
}

fn select() -> SelectStatement {
    Query::select().column(Asterisk).from(Col::Table).and_where(Expr::col(Col::Tenant).eq(TENANT)).to_owned()
}

/// A payout without its lines.
fn bare(row: &Row) -> Result<Payout, DbError> {
    let method: String = row.get("method")?;
    let status: String = row.get("status")?;
    let of = |table: &[(&str, PayoutStatus)]| {
        table.iter().find(|(name, _)| *name == status).map(|(_, status)| *status)
    };
    Ok(Payout {
        id: row.parsed("id", |id| PayoutId::parse(id).ok())?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        currency: row.parsed("currency", |code| Currency::parse(code).ok())?,
        method: Method::ALL
            .into_iter()
            .find(|(name, _)| *name == method)
            .map(|(_, method)| method)
            .ok_or_else(|| DbError::column("method", "it is no method"))?,
        status: of(&PayoutStatus::ALL)
            .ok_or_else(|| DbError::column("status", "it is no state of a payout"))?,
        created_at: row.get("created_at")?,
        lines: Vec::new(),
    })
}

async fn lines(tx: &Tx, payout: &Payout) -> Result<Vec<Line>, DbError> {
    let currency = payout.currency;
    let select = Query::select()
        .column(Asterisk)
        .from(LineCol::Table)
        .and_where(Expr::col(LineCol::Tenant).eq(TENANT))
        .and_where(Expr::col(LineCol::PayoutId).eq(payout.id.as_str()))
        .order_by(LineCol::Number, Order::Asc)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    let mut lines = rows.iter().map(|row| line(row, currency)).collect::<Result<Vec<_>, _>>()?;
    let select = Query::select()
        .column(Asterisk)
        .from(ItemCol::Table)
        .and_where(Expr::col(ItemCol::Tenant).eq(TENANT))
        .and_where(Expr::col(ItemCol::PayoutId).eq(payout.id.as_str()))
        .order_by(ItemCol::Number, Order::Asc)
        .order_by(ItemCol::CommissionId, Order::Asc)
        .to_owned();
    for row in tx.fetch_all(&select).await? {
        let number: u32 = row.get("number")?;
        let item = Item {
            commission: row.parsed("commission_id", |id| CommissionId::parse(id).ok())?,
            amount: Money::from_minor(row.get("minor")?, currency),
            netted: Money::from_minor(row.get("netted_minor")?, currency),
        };
        let line = lines.iter_mut().find(|line| line.number == number);
        line.ok_or_else(|| DbError::column("number", "there is no such line"))?.items.push(item);
    }
    Ok(lines)
}

fn line(row: &Row, currency: Currency) -> Result<Line, DbError> {
    let ended = || row.get("ended_at");
    let state = match row.get::<String>("status")?.as_str() {
        "RESERVED" => LineState::Reserved,
        "SENT" => LineState::Sent { at: row.get("sent_at")? },
        "SETTLED" => LineState::Settled { at: ended()? },
        "FAILED" => LineState::Failed { at: ended()?, reason: row.get("reason")? },
        _ => return Err(DbError::column("status", "it is no state of a line")),
    };
    Ok(Line {
        number: row.get("number")?,
        partner: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
        items: Vec::new(),
        netted: Money::from_minor(row.get("netted_minor")?, currency),
        amount: Money::from_minor(row.get("amount_minor")?, currency),
        state,
    })
}
