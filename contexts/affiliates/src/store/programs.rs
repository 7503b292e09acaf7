//! Programs as rows.

use std::time::Duration;

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Currency;
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement, Value};

use super::{TENANT, rate, tables::Programs};
use crate::domain::{Attribution, Program, ProgramId, ProgramStatus, StoredProgram, Terms};

/// Inserts a program unless one has its id; tells whether it did.
pub(crate) async fn insert_program(tx: &Tx, program: &Program) -> Result<bool, DbError> {
    let mut insert = Query::insert();
    let (columns, values): (Vec<_>, Vec<_>) = row_of(program).into_iter().unzip();
    insert
        .into_table(Programs::Table)
        .columns([Programs::Tenant, Programs::Id, Programs::CreatedAt].into_iter().chain(columns))
        .values_panic(
            [TENANT.into(), program.id().as_str().into(), program.created_at().as_micros().into()]
                .into_iter()
                .chain(values.into_iter().map(Expr::from)),
        );
    tx.insert_new(&insert, Programs::Id).await
}

pub(crate) async fn save_program(tx: &Tx, program: &Program) -> Result<(), DbError> {
    let mut update = Query::update();
    update
        .table(Programs::Table)
        .values(row_of(program).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Programs::Tenant).eq(TENANT))
        .and_where(Expr::col(Programs::Id).eq(program.id().as_str()));
    match tx.execute(&update).await? {
        0 => Err(DbError::NoRow),
        _ => Ok(()),
    }
}

pub(crate) async fn load_program(tx: &Tx, id: &ProgramId) -> Result<Option<Program>, DbError> {
    let select = select().and_where(Expr::col(Programs::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| program(&row)).transpose()
}

/// In the order of their creation.
pub(crate) async fn page_of_programs(tx: &Tx, page: Keyset) -> Result<Vec<Program>, DbError> {
    let mut select = select();
    page.apply(&mut select, Programs::CreatedAt, Programs::Id);
    tx.fetch_all(&select).await?.iter().map(program).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Programs::Table)
        .and_where(Expr::col(Programs::Tenant).eq(TENANT))
        .to_owned()
}

/// What a change may change.
fn row_of(program: &Program) -> Vec<(Programs, Value)> {
    let terms = program.terms();
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    vec![
        (Programs::Revision, i64::from(program.revision()).into()),
        (Programs::Name, terms.name.as_str().into()),
        (Programs::Currency, terms.currency.code().into()),
        (Programs::DefaultRate, terms.default_rate.percent().to_string().into()),
        (Programs::HoldSeconds, seconds(terms.hold).into()),
        (Programs::AutoApprove, terms.auto_approve.into()),
        (Programs::Attribution, terms.attribution.name().into()),
        (Programs::WindowSeconds, seconds(terms.attribution_window).into()),
        (Programs::Status, program.status().name().into()),
        (Programs::ValidFrom, program.valid_from().as_micros().into()),
    ]
}

fn program(row: &Row) -> Result<Program, DbError> {
    let seconds = |column| {
        let seconds: i64 = row.get(column)?;
        u64::try_from(seconds)
            .map(Duration::from_secs)
            .map_err(|_| DbError::column(column, "it is below zero"))
    };
    Ok(Program::restore(StoredProgram {
        id: row.parsed("id", |id| ProgramId::parse(id).ok())?,
        revision: row.get("revision")?,
        terms: Terms {
            name: row.get("name")?,
            currency: row.parsed("currency", |code| Currency::parse(code).ok())?,
            default_rate: row.parsed("default_rate", rate)?,
            hold: seconds("hold_seconds")?,
            auto_approve: row.get("auto_approve")?,
            attribution: row.parsed("attribution", Attribution::parse)?,
            attribution_window: seconds("window_seconds")?,
        },
        status: row.parsed("status", ProgramStatus::parse)?,
        created_at: row.get("created_at")?,
        valid_from: row.get("valid_from")?,
    }))
}
