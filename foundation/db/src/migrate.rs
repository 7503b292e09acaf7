//! Forward-only schema changes, recorded in the table `hexalpes_migration`.
//!
//! Several components share a database, each with its own numbers from 1 without gaps. What was applied is
//! never changed or applied again: a checksum that differs, a gap, or a database that knows more than this
//! program is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sea_query::{ColumnDef, Expr, ExprTrait as _, Iden, Order, Query, Table};
use sha2::{Digest as _, Sha256};

use crate::columns::{id, text};
use crate::{Backend, Db, DbError, Tx};

/// One step of one component's schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Who owns the step: `outbox`, `http`, a context's name.
    pub component: &'static str,
    /// Counts from 1 within the component.
    pub number: u32,
    /// What it does, in a few words: `create outbox_event`.
    pub name: &'static str,
    /// The statements, in the words of the given database.
    pub statements: fn(Backend) -> Vec<String>,
}

impl Migration {
    pub const fn new(
        component: &'static str,
        number: u32,
        name: &'static str,
        statements: fn(Backend) -> Vec<String>,
    ) -> Self {
        Self { component, number, name, statements }
    }
}

/// Why a database was not migrated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    #[error("migrations of {component} are not numbered 1, 2, 3…: after {after} comes {number}")]
    Numbering { component: &'static str, after: u32, number: u32 },
    #[error(
        "the database was made by a newer version: it has migration {number} of {component}, this program knows {known}"
    )]
    Newer { component: &'static str, number: u32, known: u32 },
    #[error("the database lacks migration {number} of {component}, but has later ones")]
    Gap { component: &'static str, number: u32 },
    #[error(
        "migration {number} of {component} ({name}) differs from the one that the database was made with"
    )]
    Changed { component: &'static str, number: u32, name: &'static str },
    #[error("migration {number} of {component} ({name}) failed: {why}")]
    Failed { component: &'static str, number: u32, name: &'static str, why: DbError },
    #[error(transparent)]
    Database(#[from] DbError),
}

#[derive(Iden, Clone, Copy)]
#[iden = "hexalpes_migration"]
struct HistoryTable;

#[derive(Iden, Clone, Copy)]
enum History {
    Component,
    Number,
    Name,
    Checksum,
}

pub(crate) async fn migrate(db: &Db, migrations: &[Migration]) -> Result<(), MigrateError> {
    let plan = ordered(migrations)?;
    db.write(async move |tx: &Tx| apply(tx, &plan).await).await
}

/// The migrations by component and number, after a check that each component counts 1, 2, 3….
fn ordered(migrations: &[Migration]) -> Result<Vec<Vec<Migration>>, MigrateError> {
    let mut components: BTreeMap<&str, Vec<Migration>> = BTreeMap::new();
    for migration in migrations {
        let known = components.entry(migration.component).or_default();
        let after = u32::try_from(known.len()).unwrap_or(u32::MAX);
        if migration.number != after + 1 {
            let Migration { component, number, .. } = *migration;
            return Err(MigrateError::Numbering { component, after, number });
        }
        known.push(*migration);
    }
    Ok(components.into_values().collect())
}

async fn apply(tx: &Tx, plan: &[Vec<Migration>]) -> Result<(), MigrateError> {
    tx.execute_text(&create_history(tx.backend())).await?;
    for migrations in plan {
        let applied = check(tx, migrations).await?;
        for migration in &migrations[applied..] {
            apply_one(tx, migration).await?;
        }
    }
    Ok(())
}

/// Compares what was applied with what is known; gives how many were applied.
async fn check(tx: &Tx, migrations: &[Migration]) -> Result<usize, MigrateError> {
    let component = migrations[0].component;
    let select = Query::select()
        .columns([History::Number, History::Checksum])
        .from(HistoryTable)
        .and_where(Expr::col(History::Component).eq(component))
        .order_by(History::Number, Order::Asc)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    for (index, row) in rows.iter().enumerate() {
        let number: u32 = row.get("number")?;
        let Some(migration) = migrations.get(index) else {
            let known = migrations[migrations.len() - 1].number;
            return Err(MigrateError::Newer { component, number, known });
        };
        if number != migration.number {
            return Err(MigrateError::Gap { component, number: migration.number });
        }
        if row.get::<String>("checksum")? != checksum(tx.backend(), migration) {
            return Err(MigrateError::Changed { component, number, name: migration.name });
        }
    }
    Ok(rows.len())
}

async fn apply_one(tx: &Tx, migration: &Migration) -> Result<(), MigrateError> {
    let Migration { component, number, name, statements } = *migration;
    for statement in statements(tx.backend()) {
        tx.execute_text(&statement).await.map_err(|why| MigrateError::Failed {
            component,
            number,
            name,
            why,
        })?;
    }
    let record = Query::insert()
        .into_table(HistoryTable)
        .columns([History::Component, History::Number, History::Name, History::Checksum])
        .values_panic([
            component.into(),
            number.into(),
            name.into(),
            checksum(tx.backend(), migration).into(),
        ])
        .to_owned();
    tx.execute(&record).await?;
    tracing::info!(component, number, name, "applied migration");
    Ok(())
}

fn create_history(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table(HistoryTable)
            .if_not_exists()
            .col(id(backend, History::Component).not_null())
            .col(ColumnDef::new(History::Number).big_integer().not_null())
            .col(text(backend, History::Name).not_null())
            .col(id(backend, History::Checksum).not_null())
            .primary_key(sea_query::Index::create().col(History::Component).col(History::Number)),
    )
}

/// SHA-256 of the statements as this database gets them.
fn checksum(backend: Backend, migration: &Migration) -> String {
    let mut hash = Sha256::new();
    for statement in (migration.statements)(backend) {
        hash.update(statement.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
