//! The table `payout_terms`: how a program pays out in a currency.

use hexalpes_db::{Backend, DbError, Row, Tx, columns};
use hexalpes_kernel::{Currency, Money};
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Index, Query, SelectStatement, Table};

use super::TENANT;
use crate::domain::{Method, ProgramId, Schedule, Terms};

#[derive(Iden, Clone, Copy)]
enum Col {
    #[iden = "payout_terms"]
    Table,
    Tenant,
    ProgramId,
    Currency,
    MinimumMinor,
    Method,
    Schedule,
    /// Of the week or the month; 0 for none.
    Day,
    Endpoint,
    /// The last day that a payout was made for, or looked for in vain.
    LastRun,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Col::Table)
                .col(id(Col::Tenant).not_null())
                .col(id(Col::ProgramId).not_null())
                .col(id(Col::Currency).not_null())
                .col(columns::integer(Col::MinimumMinor).not_null())
                .col(id(Col::Method).not_null())
                .col(id(Col::Schedule).not_null())
                .col(columns::integer(Col::Day).not_null())
                .col(columns::text(backend, Col::Endpoint))
                .col(id(Col::LastRun))
                .primary_key(Index::create().col(Col::Tenant).col(Col::ProgramId).col(Col::Currency)),
        ),
    ]
}

fn is(program: &ProgramId, currency: Currency) -> Expr {
    Expr::col(Col::Tenant)
        .eq(TENANT)
        .and(Expr::col(Col::ProgramId).eq(program.as_str()))
        .and(Expr::col(Col::Currency).eq(currency.code()))
}

/// Replaces the terms. Days until `last_run` count as done.
pub(crate) async fn put(tx: &Tx, terms: &Terms, last_run: Option<&str>) -> Result<(), DbError> {
    let delete =
        Query::delete().from_table(Col::Table).and_where(is(&terms.program, terms.currency())).to_owned();
    tx.execute(&delete).await?;
    let insert = Query::insert()
        .into_table(Col::Table)
        .columns([
            Col::Tenant,
            Col::ProgramId,
            Col::Currency,
            Col::MinimumMinor,
            Col::Method,
            Col::Schedule,
            Col::Day,
            Col::Endpoint,
            Col::LastRun,
        ])
        .values_panic([
            TENANT.into(),
            terms.program.as_str().into(),
            terms.currency().code().into(),
            terms.minimum.minor().into(),
            terms.method.name().into(),
            terms.schedule.name().into(),
            i64::from(terms.schedule.day()).into(),
            terms.endpoint.as_deref().into(),
            last_run.into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

/// The terms, also where nobody said any.
pub(crate) async fn of(tx: &Tx, program: &ProgramId, currency: Currency) -> Result<Terms, DbError> {
    let select = select().and_where(is(program, currency)).to_owned();
    match tx.fetch_optional(&select).await? {
        Some(row) => terms(&row),
        None => Ok(Terms::unsaid(program.clone(), currency)),
    }
}

/// All terms by which payouts are made by themselves, with the last day that is done.
pub(crate) async fn scheduled(tx: &Tx) -> Result<Vec<(Terms, Option<String>)>, DbError> {
    let select = select().and_where(Expr::col(Col::Schedule).ne(Schedule::Manual.name())).to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| Ok((terms(row)?, row.get("last_run")?))).collect()
}

pub(crate) async fn ran(tx: &Tx, terms: &Terms, day: &str) -> Result<(), DbError> {
    let update = Query::update()
        .table(Col::Table)
        .value(Col::LastRun, day)
        .and_where(is(&terms.program, terms.currency()))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

fn select() -> SelectStatement {
    Query::select().column(Asterisk).from(Col::Table).and_where(Expr::col(Col::Tenant).eq(TENANT)).to_owned()
}

fn terms(row: &Row) -> Result<Terms, DbError> {
    let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
    let method = row.parsed("method", |name| {
        Method::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, method)| method)
    })?;
    let day: u8 = row.get("day")?;
    let schedule = Schedule::of(&row.get::<String>("schedule")?, Some(day));
    Ok(Terms {
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        minimum: Money::from_minor(row.get("minimum_minor")?, currency),
        method,
        schedule: schedule.ok_or_else(|| DbError::column("schedule", "it is no schedule"))?,
        endpoint: row.get("endpoint")?,
    })
}
