//! Balances, now and as of any time, and the table `journal_snapshot` that makes them quick.
//!
//! A snapshot is the sum of an account's entries up to one of them, and the time of the latest among these. A balance is
//! the newest snapshot that is not later than the moment, and the sum of the entries after it. A snapshot can always be
//! thrown away: [`check`] compares each with the entries that it stands for.
//!
//! On a server entries become visible in another order than they were counted in. So a snapshot ends at a mark that is
//! older than any transaction can be.

use std::time::Duration;

use hexalpes_db::{Backend, DbError, Row, Tx, columns};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Expr, ExprTrait as _, Iden, Index, Order, Query, SelectStatement, Table};

use super::TENANT;
use super::journal::{Entry, Ledger, partner};
use crate::domain::{Account, AffiliateId, Bucket};

/// An account with fewer entries since its last snapshot gets no other.
const ENTRIES_MIN: i64 = 100;
/// With so many since its last snapshot it gets another in any case; in between, one with a thousandth more.
const ENTRIES_MAX: i64 = 2_000;
/// Of so many entries one has its account looked at. Odd, for entries come in pairs and fours.
const SAMPLE: i64 = 61;
/// Twice what a transaction may take on a server.
const SETTLED_AFTER: Duration = Duration::from_mins(1);

#[derive(Iden, Clone, Copy)]
enum Snapshot {
    #[iden = "journal_snapshot"]
    Table,
    Tenant,
    AffiliateId,
    Account,
    Currency,
    /// The last entry that is in it.
    ThroughSeq,
    Minor,
    /// How many entries are in it.
    Entries,
    /// The latest time among them.
    LatestAt,
    TakenAt,
}

#[derive(Iden, Clone, Copy)]
enum Mark {
    #[iden = "journal_mark"]
    Table,
    Tenant,
    /// Up to here snapshots were taken.
    DoneSeq,
    /// The last entry that was there at `marked_at`.
    MarkedSeq,
    MarkedAt,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Snapshot::Table)
                .col(id(Snapshot::Tenant).not_null())
                .col(id(Snapshot::AffiliateId).not_null())
                .col(id(Snapshot::Account).not_null())
                .col(id(Snapshot::Currency).not_null())
                .col(columns::integer(Snapshot::ThroughSeq).not_null())
                .col(columns::integer(Snapshot::Minor).not_null())
                .col(columns::integer(Snapshot::Entries).not_null())
                .col(columns::timestamp(Snapshot::LatestAt).not_null())
                .col(columns::timestamp(Snapshot::TakenAt).not_null())
                .primary_key(
                    Index::create()
                        .col(Snapshot::Tenant)
                        .col(Snapshot::AffiliateId)
                        .col(Snapshot::Account)
                        .col(Snapshot::Currency)
                        .col(Snapshot::ThroughSeq),
                ),
        ),
        backend.schema(
            Table::create()
                .table(Mark::Table)
                .col(columns::id(backend, Mark::Tenant).not_null().primary_key())
                .col(columns::integer(Mark::DoneSeq).not_null())
                .col(columns::integer(Mark::MarkedSeq).not_null())
                .col(columns::timestamp(Mark::MarkedAt).not_null()),
        ),
    ]
}

/// Some of an account's entries, summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sum {
    minor: i64,
    entries: i64,
    /// `None` over no entries.
    latest_at: Option<i64>,
}

impl Sum {
    const NONE: Self = Self { minor: 0, entries: 0, latest_at: None };

    fn and(self, other: Self) -> Result<Self, DbError> {
        let minor = self.minor.checked_add(other.minor).ok_or(DbError::Range("a balance"))?;
        let latest_at = std::cmp::max(self.latest_at, other.latest_at);
        Ok(Self { minor, entries: self.entries + other.entries, latest_at })
    }
}

/// The balance of an account, debits less credits: of all entries, or of those until a moment.
pub(crate) async fn balance(tx: &Tx, ledger: &Ledger, as_of: Option<Timestamp>) -> Result<Money, DbError> {
    let (through, before) = newest(tx, ledger, as_of).await?;
    let mut after = Expr::col(Entry::Seq).gt(through);
    if let Some(moment) = as_of {
        after = after.and(Expr::col(Entry::At).lte(moment.as_micros()));
    }
    let sum = before.and(fold(tx, ledger, after).await?)?;
    Ok(Money::from_minor(sum.minor, ledger.currency))
}

/// The newest snapshot of an account that has no entry after a moment, and the last entry in it.
async fn newest(tx: &Tx, ledger: &Ledger, as_of: Option<Timestamp>) -> Result<(i64, Sum), DbError> {
    let mut select = Query::select()
        .columns([Snapshot::ThroughSeq, Snapshot::Minor, Snapshot::Entries, Snapshot::LatestAt])
        .from(Snapshot::Table)
        .and_where(Expr::col(Snapshot::Tenant).eq(TENANT))
        .and_where(Expr::col(Snapshot::AffiliateId).eq(partner(&ledger.account)))
        .and_where(Expr::col(Snapshot::Account).eq(ledger.account.kind()))
        .and_where(Expr::col(Snapshot::Currency).eq(ledger.currency.code()))
        .order_by(Snapshot::ThroughSeq, Order::Desc)
        .limit(1)
        .to_owned();
    if let Some(moment) = as_of {
        select.and_where(Expr::col(Snapshot::LatestAt).lte(moment.as_micros()));
    }
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok((0, Sum::NONE)) };
    let sum = Sum {
        minor: row.get("minor")?,
        entries: row.get("entries")?,
        latest_at: Some(row.get("latest_at")?),
    };
    Ok((row.get("through_seq")?, sum))
}

async fn fold(tx: &Tx, ledger: &Ledger, which: Expr) -> Result<Sum, DbError> {
    let select = Query::select()
        .expr_as(columns::sum(tx.backend(), Entry::Minor), "minor")
        .expr_as(Expr::col(Entry::Seq).count(), "entries")
        .expr_as(Expr::col(Entry::At).max(), "latest_at")
        .from(Entry::Table)
        .and_where(ledger.entries())
        .and_where(which)
        .to_owned();
    let row = tx.fetch_one(&select).await?;
    Ok(Sum { minor: row.get("minor")?, entries: row.get("entries")?, latest_at: row.get("latest_at")? })
}

/// The accounts of a partner that have entries, found without reading the entries.
pub(crate) async fn ledgers_of(tx: &Tx, affiliate: &AffiliateId) -> Result<Vec<Ledger>, DbError> {
    let mut found = Vec::new();
    for bucket in Bucket::ALL {
        let account = Account::Partner(affiliate.clone(), bucket);
        found.extend(ledgers(tx, account).await?);
    }
    Ok(found)
}

/// The ledgers of an account, one for each currency that it has entries in.
pub(crate) async fn ledgers(tx: &Tx, account: Account) -> Result<Vec<Ledger>, DbError> {
    let mut found = Vec::new();
    let mut last = String::new();
    loop {
        let select = Query::select()
            .column(Entry::Currency)
            .from(Entry::Table)
            .and_where(Expr::col(Entry::Tenant).eq(TENANT))
            .and_where(Expr::col(Entry::AffiliateId).eq(partner(&account)))
            .and_where(Expr::col(Entry::Account).eq(account.kind()))
            .and_where(Expr::col(Entry::Currency).gt(last.as_str()))
            .order_by(Entry::Currency, Order::Asc)
            .limit(1)
            .to_owned();
        let Some(row) = tx.fetch_optional(&select).await? else { return Ok(found) };
        let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
        currency.code().clone_into(&mut last);
        found.push(Ledger { account: account.clone(), currency });
    }
}

/// The partners that have entries, in the order of their ids, after one of them.
pub(crate) async fn partners(tx: &Tx, after: &str, limit: u64) -> Result<Vec<AffiliateId>, DbError> {
    let mut found = Vec::new();
    let mut last = after.to_owned();
    while (found.len() as u64) < limit {
        let select = Query::select()
            .column(Entry::AffiliateId)
            .from(Entry::Table)
            .and_where(Expr::col(Entry::Tenant).eq(TENANT))
            .and_where(Expr::col(Entry::AffiliateId).gt(last.as_str()))
            .order_by(Entry::AffiliateId, Order::Asc)
            .limit(1)
            .to_owned();
        let Some(row) = tx.fetch_optional(&select).await? else { break };
        let partner = row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?;
        partner.as_str().clone_into(&mut last);
        found.push(partner);
    }
    Ok(found)
}

/// One kind of account in one currency, over all partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialLine {
    /// `expense`, `cash`, `pending`, ….
    pub kind: String,
    pub is_partners: bool,
    /// Debits less credits.
    pub balance: Money,
}

/// The balance of every kind of account, as of a moment. It reads all entries.
pub(crate) async fn trial(tx: &Tx, as_of: Option<Timestamp>) -> Result<Vec<TrialLine>, DbError> {
    let mut select = Query::select()
        .columns([Entry::Currency, Entry::Account])
        .expr_as(columns::sum(tx.backend(), Entry::Minor), "minor")
        .from(Entry::Table)
        .and_where(Expr::col(Entry::Tenant).eq(TENANT))
        .group_by_columns([Entry::Currency, Entry::Account])
        .order_by(Entry::Currency, Order::Asc)
        .order_by(Entry::Account, Order::Asc)
        .to_owned();
    if let Some(moment) = as_of {
        select.and_where(Expr::col(Entry::At).lte(moment.as_micros()));
    }
    let line = |row: &Row| {
        let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
        let kind: String = row.get("account")?;
        let is_partners = Account::of(&kind, None).is_none();
        Ok(TrialLine { kind, is_partners, balance: Money::from_minor(row.get("minor")?, currency) })
    };
    tx.fetch_all(&select).await?.iter().map(line).collect()
}

/// Whether there are entries that [`take`] has not looked at.
pub(crate) async fn is_behind(tx: &Tx) -> Result<bool, DbError> {
    let done = Query::select()
        .column(Mark::DoneSeq)
        .from(Mark::Table)
        .and_where(Expr::col(Mark::Tenant).eq(TENANT))
        .to_owned();
    let done: i64 = tx.fetch_optional(&done).await?.map_or(Ok(0), |row| row.get("done_seq"))?;
    Ok(last(tx).await?.is_some_and(|last| last > done))
}

/// The last entry that is seen.
async fn last(tx: &Tx) -> Result<Option<i64>, DbError> {
    let last = Query::select().expr_as(Expr::col(Entry::Seq).max(), "seq").from(Entry::Table).to_owned();
    tx.fetch_one(&last).await?.get("seq")
}

/// Takes snapshots of accounts that got many entries; looks at `entries_max` new entries at most. Gives how many it
/// looked at: as long as it is not 0, there may be more.
pub(crate) async fn take(tx: &Tx, now: Timestamp, entries_max: i64) -> Result<u64, DbError> {
    let Some((done, settled)) = settle(tx, now).await? else { return Ok(0) };
    let through = std::cmp::min(settled, done.saturating_add(entries_max));
    if through <= done {
        return Ok(0);
    }
    for ledger in touched(tx, done, through).await? {
        let (known, before) = newest(tx, &ledger, None).await?;
        let window = Expr::col(Entry::Seq).gt(known).and(Expr::col(Entry::Seq).lte(through));
        let since = fold(tx, &ledger, window).await?;
        if since.entries >= (before.entries / 1_000).clamp(ENTRIES_MIN, ENTRIES_MAX) {
            keep(tx, &ledger, through, before.and(since)?, now).await?;
        }
    }
    let update = Query::update()
        .table(Mark::Table)
        .value(Mark::DoneSeq, through)
        .and_where(Expr::col(Mark::Tenant).eq(TENANT))
        .to_owned();
    tx.execute(&update).await?;
    u64::try_from(through - done).map_err(|_| DbError::Range("a sequence"))
}

/// Up to where snapshots were taken, and up to which entry nothing can appear any more.
async fn settle(tx: &Tx, now: Timestamp) -> Result<Option<(i64, i64)>, DbError> {
    let Some(last) = last(tx).await? else { return Ok(None) };
    let select = Query::select()
        .columns([Mark::DoneSeq, Mark::MarkedSeq, Mark::MarkedAt])
        .from(Mark::Table)
        .and_where(Expr::col(Mark::Tenant).eq(TENANT))
        .to_owned();
    let (done, marked, marked_at) = if let Some(row) = tx.fetch_optional(&select).await? {
        (row.get("done_seq")?, row.get("marked_seq")?, row.get("marked_at")?)
    } else {
        let insert = Query::insert()
            .into_table(Mark::Table)
            .columns([Mark::Tenant, Mark::DoneSeq, Mark::MarkedSeq, Mark::MarkedAt])
            .values_panic([TENANT.into(), 0_i64.into(), last.into(), now.as_micros().into()])
            .to_owned();
        tx.execute(&insert).await?;
        (0, last, now)
    };
    // SQLite has one writer: what is seen there is all there is.
    if tx.backend() == Backend::Sqlite {
        return Ok(Some((done, last)));
    }
    if now < marked_at.after(SETTLED_AFTER) {
        return Ok(None);
    }
    let update = Query::update()
        .table(Mark::Table)
        .value(Mark::MarkedSeq, last)
        .value(Mark::MarkedAt, now.as_micros())
        .and_where(Expr::col(Mark::Tenant).eq(TENANT))
        .to_owned();
    // The old mark is used up before there is a new one.
    if done >= marked {
        tx.execute(&update).await?;
        return Ok(None);
    }
    Ok(Some((done, marked)))
}

/// Accounts that have entries in a window: a sample of them, in which one with many entries is soon.
async fn touched(tx: &Tx, after: i64, through: i64) -> Result<Vec<Ledger>, DbError> {
    let select = Query::select()
        .distinct()
        .columns([Entry::AffiliateId, Entry::Account, Entry::Currency])
        .from(Entry::Table)
        .and_where(Expr::col(Entry::Tenant).eq(TENANT))
        .and_where(Expr::col(Entry::Seq).gt(after))
        .and_where(Expr::col(Entry::Seq).lte(through))
        .and_where(Expr::col(Entry::Seq).modulo(SAMPLE).eq(0))
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(ledger).collect()
}

/// The account and currency of an entry or a snapshot.
pub(super) fn ledger(row: &Row) -> Result<Ledger, DbError> {
    let partner = match row.get::<String>("affiliate_id")?.as_str() {
        "" => None,
        id => Some(AffiliateId::parse(id).map_err(|_| DbError::column("affiliate_id", "it is no id"))?),
    };
    let account = Account::of(&row.get::<String>("account")?, partner);
    let account = account.ok_or_else(|| DbError::column("account", "it is no account"))?;
    Ok(Ledger { account, currency: row.parsed("currency", |code| Currency::parse(code).ok())? })
}

async fn keep(tx: &Tx, ledger: &Ledger, through: i64, sum: Sum, now: Timestamp) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Snapshot::Table)
        .columns([
            Snapshot::Tenant,
            Snapshot::AffiliateId,
            Snapshot::Account,
            Snapshot::Currency,
            Snapshot::ThroughSeq,
            Snapshot::Minor,
            Snapshot::Entries,
            Snapshot::LatestAt,
            Snapshot::TakenAt,
        ])
        .values_panic([
            TENANT.into(),
            partner(&ledger.account).into(),
            ledger.account.kind().into(),
            ledger.currency.code().into(),
            through.into(),
            sum.minor.into(),
            sum.entries.into(),
            sum.latest_at.unwrap_or(now.as_micros()).into(),
            now.as_micros().into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

/// A snapshot that is not the sum of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSnapshot {
    /// `partner:af_1:payable`.
    pub account: String,
    pub through_seq: i64,
    pub is: Money,
    pub should_be: Money,
}

/// Compares every snapshot with the full fold of its entries; empty is good. It reads all entries.
pub(crate) async fn check(tx: &Tx) -> Result<Vec<WrongSnapshot>, DbError> {
    let mut wrong = Vec::new();
    for row in tx.fetch_all(&all()).await? {
        let ledger = ledger(&row)?;
        let through: i64 = row.get("through_seq")?;
        let is = Sum {
            minor: row.get("minor")?,
            entries: row.get("entries")?,
            latest_at: Some(row.get("latest_at")?),
        };
        let should_be = fold(tx, &ledger, Expr::col(Entry::Seq).lte(through)).await?;
        if is != should_be {
            wrong.push(WrongSnapshot {
                account: ledger.account.name(),
                through_seq: through,
                is: Money::from_minor(is.minor, ledger.currency),
                should_be: Money::from_minor(should_be.minor, ledger.currency),
            });
        }
    }
    Ok(wrong)
}

fn all() -> SelectStatement {
    Query::select()
        .columns([
            Snapshot::AffiliateId,
            Snapshot::Account,
            Snapshot::Currency,
            Snapshot::ThroughSeq,
            Snapshot::Minor,
            Snapshot::Entries,
            Snapshot::LatestAt,
        ])
        .from(Snapshot::Table)
        .and_where(Expr::col(Snapshot::Tenant).eq(TENANT))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{self, About, Agreement, CalculateCommission};
    use crate::domain::{CommissionId, Conversion, ConversionId, Origin, Program};
    use crate::store::laws::{cause, edge, on_each_database};

    /// Calculates and approves so many commissions of one partner, a second apart.
    async fn earn(db: &hexalpes_db::Db, partner: &AffiliateId, count: i64) {
        let (edge, partner) = (edge(), partner.clone());
        db.write(async move |tx: &Tx| -> Result<(), DbError> {
            for number in 0..count {
                let conversion = Conversion {
                    id: ConversionId::parse(&format!("conv-{number}")).unwrap(),
                    affiliate: partner.clone(),
                    campaign: None,
                    gross: Money::from_minor(1_000 + number, Currency::USD),
                };
                let command = CalculateCommission {
                    id: CommissionId::parse(&format!("com-{number}")).unwrap(),
                    events: std::array::from_fn(|_| edge.uuid()),
                    conversion: conversion.into(),
                    agreement: Agreement::Newest { program: None },
                    about: About::default(),
                    wanted: None,
                    origin: Origin::Recorded,
                };
                let cause = cause(&*edge, Timestamp::from_micros(number * 1_000_000).unwrap());
                commands::calculate(tx, command, &Program::default(), &cause).await.unwrap();
            }
            Ok(())
        })
        .await
        .unwrap();
    }

    async fn payable(db: &hexalpes_db::Db, partner: &AffiliateId, as_of: Option<i64>) -> i64 {
        let account = Account::Partner(partner.clone(), Bucket::Payable);
        let ledger = Ledger { account, currency: Currency::USD };
        let as_of = as_of.map(|seconds| Timestamp::from_micros(seconds * 1_000_000).unwrap());
        let read = async move |tx: &Tx| balance(tx, &ledger, as_of).await;
        db.read(read).await.unwrap().minor()
    }

    /// A server's snapshots wait for what may still appear.
    async fn take_all(db: &hexalpes_db::Db) {
        for minutes in 0..6 {
            let now = Timestamp::from_micros(minutes * 60_000_000).unwrap();
            db.write(async move |tx: &Tx| take(tx, now, 300).await).await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_balance_is_the_same_with_snapshots_and_without_now_and_at_any_time() {
        on_each_database(async |db| {
            let partner = AffiliateId::parse("af_1").unwrap();
            earn(&db, &partner, 250).await;
            let moments = || [None, Some(-1), Some(0), Some(99), Some(100), Some(200), Some(249), Some(300)];
            let mut before = Vec::new();
            for moment in moments() {
                before.push(payable(&db, &partner, moment).await);
            }
            assert_eq!((before[1], before[2], before[0] == before[7]), (0, -100, true));
            take_all(&db).await;
            let read = async |tx: &Tx| Ok::<_, DbError>(tx.fetch_all(&all()).await?.len());
            let snapshots = db.read(read).await.unwrap();
            assert!(snapshots > 0);
            for (moment, expected) in moments().into_iter().zip(before) {
                assert_eq!(payable(&db, &partner, moment).await, expected, "as of {moment:?}");
            }
            assert_eq!(db.read(async |tx: &Tx| check(tx).await).await.unwrap(), []);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_snapshot_that_is_wrong_is_found() {
        on_each_database(async |db| {
            let partner = AffiliateId::parse("af_1").unwrap();
            earn(&db, &partner, 150).await;
            take_all(&db).await;
            let spoil = async |tx: &Tx| {
                let update = Query::update()
                    .table(Snapshot::Table)
                    .value(Snapshot::Minor, 7_i64)
                    .and_where(Expr::col(Snapshot::Account).eq("payable"))
                    .to_owned();
                tx.execute(&update).await
            };
            assert!(db.write(spoil).await.unwrap() > 0);
            let wrong = db.read(async |tx: &Tx| check(tx).await).await.unwrap();
            assert_eq!((wrong[0].account.as_str(), wrong[0].is.minor()), ("partner:af_1:payable", 7));
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn partners_and_their_ledgers_are_found() {
        on_each_database(async |db| {
            let partner = AffiliateId::parse("af_1").unwrap();
            earn(&db, &partner, 2).await;
            let found = db
                .read(async |tx: &Tx| -> Result<_, DbError> {
                    let partners = partners(tx, "", 10).await?;
                    let ledgers = ledgers_of(tx, &partners[0]).await?;
                    Ok((partners, ledgers.iter().map(|one| one.account.name()).collect::<Vec<_>>()))
                })
                .await
                .unwrap();
            let names = vec!["partner:af_1:pending".to_owned(), "partner:af_1:payable".to_owned()];
            assert_eq!(found, (vec![partner], names));
        })
        .await;
    }
}
