//! The tables `known_program` and `known_affiliate`: what the affiliates context told, a row for each revision.
//!
//! A revision that is there already changes nothing, so that neither repetition nor order matters.

use std::time::Duration;

use hexalpes_db::{Backend, DbError, Row, Tx, columns};
use hexalpes_kernel::{Currency, Rate, Timestamp};
use sea_query::{
    Asterisk, ColumnDef, Expr, ExprTrait as _, Iden, Index, Order, Query, SelectStatement, Table,
};

use super::{TENANT, percent};
use crate::domain::{AffiliateId, KnownAffiliate, KnownProgram, Program, ProgramId};

#[derive(Iden, Clone, Copy)]
enum Programs {
    #[iden = "known_program"]
    Table,
    Tenant,
    Id,
    Revision,
    Currency,
    DefaultRate,
    HoldSeconds,
    AutoApprove,
    Status,
    ValidFrom,
}

#[derive(Iden, Clone, Copy)]
enum Affiliates {
    #[iden = "known_affiliate"]
    Table,
    Tenant,
    Id,
    Revision,
    ProgramId,
    AffiliateType,
    /// Percent; null: the program's.
    BaseRate,
    PremiumRate,
    RatesValidFrom,
    Status,
    /// Where to pay to, sealed.
    PayoutSealed,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Programs::Table)
                .col(columns::id(backend, Programs::Tenant).not_null())
                .col(columns::id(backend, Programs::Id).not_null())
                .col(columns::integer(Programs::Revision).not_null())
                .col(columns::id(backend, Programs::Currency).not_null())
                .col(columns::id(backend, Programs::DefaultRate).not_null())
                .col(columns::integer(Programs::HoldSeconds).not_null())
                .col(ColumnDef::new(Programs::AutoApprove).boolean().not_null())
                .col(columns::id(backend, Programs::Status).not_null())
                .col(columns::timestamp(Programs::ValidFrom).not_null())
                .primary_key(Index::create().col(Programs::Tenant).col(Programs::Id).col(Programs::Revision)),
        ),
        backend.schema(
            Table::create()
                .table(Affiliates::Table)
                .col(columns::id(backend, Affiliates::Tenant).not_null())
                .col(columns::id(backend, Affiliates::Id).not_null())
                .col(columns::integer(Affiliates::Revision).not_null())
                .col(columns::id(backend, Affiliates::ProgramId).not_null())
                .col(columns::text(backend, Affiliates::AffiliateType).not_null())
                .col(columns::id(backend, Affiliates::BaseRate))
                .col(columns::id(backend, Affiliates::PremiumRate))
                .col(columns::timestamp(Affiliates::RatesValidFrom).not_null())
                .col(columns::id(backend, Affiliates::Status).not_null())
                .col(columns::text(backend, Affiliates::PayoutSealed))
                .primary_key(
                    Index::create().col(Affiliates::Tenant).col(Affiliates::Id).col(Affiliates::Revision),
                ),
        ),
    ]
}

pub(crate) async fn learn_program(tx: &Tx, program: &KnownProgram) -> Result<(), DbError> {
    let KnownProgram { terms, status, valid_from } = program;
    let hold = terms.hold.map_or(0, |hold| i64::try_from(hold.as_secs()).unwrap_or(i64::MAX));
    let insert = Query::insert()
        .into_table(Programs::Table)
        .columns([
            Programs::Tenant,
            Programs::Id,
            Programs::Revision,
            Programs::Currency,
            Programs::DefaultRate,
            Programs::HoldSeconds,
            Programs::AutoApprove,
            Programs::Status,
            Programs::ValidFrom,
        ])
        .values_panic([
            TENANT.into(),
            terms.name.as_str().into(),
            i64::from(terms.version).into(),
            terms.currency.code().into(),
            terms.rate.percent().to_string().into(),
            hold.into(),
            terms.approves_recorded.into(),
            status.as_str().into(),
            valid_from.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Programs::Id).await.map(|_| ())
}

pub(crate) async fn learn_affiliate(tx: &Tx, affiliate: &KnownAffiliate) -> Result<(), DbError> {
    let text = |rate: Option<Rate>| rate.map(|rate| rate.percent().to_string());
    let insert = Query::insert()
        .into_table(Affiliates::Table)
        .columns([
            Affiliates::Tenant,
            Affiliates::Id,
            Affiliates::Revision,
            Affiliates::ProgramId,
            Affiliates::AffiliateType,
            Affiliates::BaseRate,
            Affiliates::PremiumRate,
            Affiliates::RatesValidFrom,
            Affiliates::Status,
            Affiliates::PayoutSealed,
        ])
        .values_panic([
            TENANT.into(),
            affiliate.id.as_str().into(),
            i64::from(affiliate.revision).into(),
            affiliate.program.as_str().into(),
            affiliate.kind.as_str().into(),
            text(affiliate.base).into(),
            text(affiliate.premium).into(),
            affiliate.rates_valid_from.as_micros().into(),
            affiliate.status.as_str().into(),
            affiliate.payout_sealed.as_deref().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Affiliates::Id).await.map(|_| ())
}

/// A program in one revision, or the newest that is known.
pub(crate) async fn program(
    tx: &Tx,
    id: &ProgramId,
    revision: Option<u32>,
) -> Result<Option<KnownProgram>, DbError> {
    let mut select = Query::select()
        .column(Asterisk)
        .from(Programs::Table)
        .and_where(Expr::col(Programs::Tenant).eq(TENANT))
        .and_where(Expr::col(Programs::Id).eq(id.as_str()))
        .to_owned();
    match revision {
        Some(revision) => select.and_where(Expr::col(Programs::Revision).eq(i64::from(revision))),
        None => select.order_by(Programs::Revision, Order::Desc).limit(1),
    };
    tx.fetch_optional(&select).await?.map(|row| of_program(&row)).transpose()
}

/// An affiliate as it is known newest.
pub(crate) async fn affiliate(tx: &Tx, id: &AffiliateId) -> Result<Option<KnownAffiliate>, DbError> {
    let select = affiliates(id).limit(1).to_owned();
    tx.fetch_optional(&select).await?.map(|row| of_affiliate(&row)).transpose()
}

/// An affiliate in one revision.
pub(crate) async fn affiliate_in(
    tx: &Tx,
    id: &AffiliateId,
    revision: u32,
) -> Result<Option<KnownAffiliate>, DbError> {
    let select = affiliates(id).and_where(Expr::col(Affiliates::Revision).eq(i64::from(revision))).to_owned();
    tx.fetch_optional(&select).await?.map(|row| of_affiliate(&row)).transpose()
}

/// The revisions before one, as far as they are known, the newest first.
pub(crate) async fn affiliate_before(
    tx: &Tx,
    id: &AffiliateId,
    revision: u32,
) -> Result<Vec<KnownAffiliate>, DbError> {
    let select = affiliates(id).and_where(Expr::col(Affiliates::Revision).lt(i64::from(revision))).to_owned();
    tx.fetch_all(&select).await?.iter().map(of_affiliate).collect()
}

fn affiliates(id: &AffiliateId) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Affiliates::Table)
        .and_where(Expr::col(Affiliates::Tenant).eq(TENANT))
        .and_where(Expr::col(Affiliates::Id).eq(id.as_str()))
        .order_by(Affiliates::Revision, Order::Desc)
        .to_owned()
}

fn of_program(row: &Row) -> Result<KnownProgram, DbError> {
    let id = row.parsed("id", |id| ProgramId::parse(id).ok())?;
    let hold = u64::try_from(row.get::<i64>("hold_seconds")?)
        .map_err(|_| DbError::column("hold_seconds", "it is below zero"))?;
    let terms = Program {
        name: id.to_string(),
        version: row.get("revision")?,
        currency: row.parsed("currency", |code| Currency::parse(code).ok())?,
        rate: row.parsed("default_rate", percent)?,
        hold: (hold > 0).then_some(Duration::from_secs(hold)),
        approves_recorded: row.get("auto_approve")?,
    };
    Ok(KnownProgram { terms, status: row.get("status")?, valid_from: row.get("valid_from")? })
}

fn of_affiliate(row: &Row) -> Result<KnownAffiliate, DbError> {
    let rate = |column: &str| -> Result<Option<Rate>, DbError> {
        row.get::<Option<String>>(column)?.map(|_| row.parsed(column, percent)).transpose()
    };
    let rates_valid_from: Timestamp = row.get("rates_valid_from")?;
    Ok(KnownAffiliate {
        id: row.parsed("id", |id| AffiliateId::parse(id).ok())?,
        revision: row.get("revision")?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        kind: row.get("affiliate_type")?,
        base: rate("base_rate")?,
        premium: rate("premium_rate")?,
        rates_valid_from,
        status: row.get("status")?,
        payout_sealed: row.get("payout_sealed")?,
    })
}
