//! The tables `partner_payment`: how contracts say that partners are paid, and `payout_run`: the days that payouts were
//! made for by a frequency.

use std::time::Duration;

use hexalpes_db::{Backend, DbError, Row, Tx, columns};
use hexalpes_kernel::{Currency, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Index, Query, Table};

use super::TENANT;
use super::contracts::ends_of;
use crate::domain::{AffiliateId, Frequency, Method, PaymentTerms, ProgramId, RuleId};

#[derive(Iden, Clone, Copy)]
enum Payments {
    #[iden = "partner_payment"]
    Table,
    Tenant,
    PartnerId,
    ContractId,
    BeginsAt,
    EndsAt,
    ActivatedAt,
    /// Null, here and below: as the program says.
    Currency,
    NetSeconds,
    Method,
    Frequency,
}

#[derive(Iden, Clone, Copy)]
enum Runs {
    #[iden = "payout_run"]
    Table,
    Tenant,
    Frequency,
    /// The last day that payouts were made for, or looked for in vain.
    LastRun,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Payments::Table)
                .col(id(Payments::Tenant).not_null())
                .col(id(Payments::PartnerId).not_null())
                .col(id(Payments::ContractId).not_null())
                .col(columns::timestamp(Payments::BeginsAt).not_null())
                .col(columns::timestamp(Payments::EndsAt))
                .col(columns::timestamp(Payments::ActivatedAt).not_null())
                .col(id(Payments::Currency))
                .col(columns::integer(Payments::NetSeconds).not_null())
                .col(id(Payments::Method))
                .col(id(Payments::Frequency))
                .primary_key(
                    Index::create().col(Payments::Tenant).col(Payments::PartnerId).col(Payments::ContractId),
                ),
        ),
        backend.schema(
            Table::create()
                .table(Runs::Table)
                .col(columns::id(backend, Runs::Tenant).not_null())
                .col(columns::id(backend, Runs::Frequency).not_null())
                .col(columns::id(backend, Runs::LastRun).not_null())
                .primary_key(Index::create().col(Runs::Tenant).col(Runs::Frequency)),
        ),
    ]
}

/// A contract that is known already changes nothing.
pub(crate) async fn learn(tx: &Tx, terms: &PaymentTerms) -> Result<(), DbError> {
    let net = i64::try_from(terms.net.as_secs()).unwrap_or(i64::MAX);
    let insert = Query::insert()
        .into_table(Payments::Table)
        .columns([
            Payments::Tenant,
            Payments::PartnerId,
            Payments::ContractId,
            Payments::BeginsAt,
            Payments::EndsAt,
            Payments::ActivatedAt,
            Payments::Currency,
            Payments::NetSeconds,
            Payments::Method,
            Payments::Frequency,
        ])
        .values_panic([
            TENANT.into(),
            terms.partner.as_str().into(),
            terms.contract.as_str().into(),
            terms.from.as_micros().into(),
            terms.until.map(Timestamp::as_micros).into(),
            terms.activated_at.as_micros().into(),
            terms.currency.map(Currency::code).into(),
            net.into(),
            terms.method.map(Method::name).into(),
            terms.frequency.map(Frequency::name).into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Payments::ContractId).await.map(drop)
}

/// What all contracts of a partner say, each until it expires or ended.
pub(crate) async fn of_partner(tx: &Tx, partner: &AffiliateId) -> Result<Vec<PaymentTerms>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Payments::Table)
        .and_where(Expr::col(Payments::Tenant).eq(TENANT))
        .and_where(Expr::col(Payments::PartnerId).eq(partner.as_str()))
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    // Most affiliates are no partners.
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ends = ends_of(tx, Some(partner)).await?;
    let mut all = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for terms in &mut all {
        if let Some(ended_at) = ends.get(terms.contract.as_str()).copied() {
            terms.until = Some(terms.until.map_or(ended_at, |until| until.min(ended_at)));
        }
    }
    Ok(all)
}

/// In which programs and currencies partners whose contracts name a frequency have commissions that may be paid.
pub(crate) async fn to_pay(tx: &Tx, frequency: Frequency) -> Result<Vec<(ProgramId, Currency)>, DbError> {
    let partners = Query::select()
        .column(Payments::PartnerId)
        .from(Payments::Table)
        .and_where(Expr::col(Payments::Tenant).eq(TENANT))
        .and_where(Expr::col(Payments::Frequency).eq(frequency.name()))
        .to_owned();
    super::approved_of(tx, partners).await
}

/// The last day that payouts of a frequency were made for.
pub(crate) async fn last_run(tx: &Tx, frequency: Frequency) -> Result<Option<String>, DbError> {
    let select = Query::select()
        .column(Runs::LastRun)
        .from(Runs::Table)
        .and_where(Expr::col(Runs::Tenant).eq(TENANT))
        .and_where(Expr::col(Runs::Frequency).eq(frequency.name()))
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| row.get("last_run")).transpose()
}

pub(crate) async fn ran(tx: &Tx, frequency: Frequency, day: &str) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Runs::Table)
        .columns([Runs::Tenant, Runs::Frequency, Runs::LastRun])
        .values_panic([TENANT.into(), frequency.name().into(), day.into()])
        .to_owned();
    if tx.insert_new(&insert, Runs::Frequency).await? {
        return Ok(());
    }
    let update = Query::update()
        .table(Runs::Table)
        .value(Runs::LastRun, day)
        .and_where(Expr::col(Runs::Tenant).eq(TENANT))
        .and_where(Expr::col(Runs::Frequency).eq(frequency.name()))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

fn read(row: &Row) -> Result<PaymentTerms, DbError> {
    let method = |name: &str| Method::ALL.into_iter().find(|(one, _)| *one == name).map(|(_, method)| method);
    Ok(PaymentTerms {
        contract: row.parsed("contract_id", |id| RuleId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| AffiliateId::parse(id).ok())?,
        from: row.get("begins_at")?,
        until: row.get("ends_at")?,
        activated_at: row.get("activated_at")?,
        currency: row.parsed_if_any("currency", |code| Currency::parse(code).ok())?,
        net: Duration::from_secs(row.get("net_seconds")?),
        method: row.parsed_if_any("method", method)?,
        frequency: row.parsed_if_any("frequency", Frequency::parse)?,
    })
}
