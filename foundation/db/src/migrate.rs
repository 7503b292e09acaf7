//! Forward-only schema changes, recorded in the table `hexalpes_migration`.
//!
//! Several components share a database, each with its own numbers from 1 without gaps. What was applied is
//! never changed or applied again: a checksum that differs, a gap, or a database that knows more than this
//! program is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sea_query::{Expr, ExprTrait as _, Iden, Index, InsertStatement, Order, Query, Table, UpdateStatement};
use sha2::{Digest as _, Sha256};

use crate::columns::{id, integer, text};
use crate::server::Mode;
use crate::sqlite::plans;
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
    /// How many of the statements were applied. Short of all only on MySQL, where each statement that
    /// changes the schema commits by itself: a migration that was interrupted there goes on where it stopped.
    StatementsDone,
}

pub(crate) async fn migrate(db: &Db, migrations: &[Migration]) -> Result<(), MigrateError> {
    let plan = ordered(migrations)?;
    db.change(Mode::Migrate, async move |tx: &Tx| {
        lock(tx).await?;
        let outcome = apply(tx, &plan).await;
        unlock(tx).await;
        outcome
    })
    .await
}

/// Whether [`migrate`] would refuse the database as it is; nothing is changed.
pub(crate) async fn check_only(db: &Db, migrations: &[Migration]) -> Result<(), MigrateError> {
    let plan = ordered(migrations)?;
    let read = db.read(async move |tx: &Tx| -> Result<(), MigrateError> {
        for migrations in &plan {
            check(tx, migrations).await?;
        }
        Ok(())
    });
    match read.await {
        // It is new: there is no history yet.
        Err(MigrateError::Database(DbError::Statement(_))) => Ok(()),
        checked => checked,
    }
}

/// The migrations by component and number, after a check that each component counts 1, 2, 3….
fn ordered(migrations: &[Migration]) -> Result<Vec<Vec<Migration>>, MigrateError> {
    let mut components: BTreeMap<&str, Vec<Migration>> = BTreeMap::new();
    for migration in migrations {
        let known = components.entry(migration.component).or_default();
        let after = known.last().map_or(0, |last| last.number);
        if migration.number != after + 1 {
            let Migration { component, number, .. } = *migration;
            return Err(MigrateError::Numbering { component, after, number });
        }
        known.push(*migration);
    }
    Ok(components.into_values().collect())
}

/// Several processes may start at once; they migrate one after the other.
async fn lock(tx: &Tx) -> Result<(), DbError> {
    let expression = match tx.backend() {
        // The writer has the file for itself.
        Backend::Sqlite => return Ok(()),
        // Held until the transaction ends. The number is ours to choose: "hexalpes" in ASCII.
        Backend::Postgres => {
            return tx.execute_text("SELECT pg_advisory_xact_lock(7523377975159973235)").await;
        }
        Backend::MySql => Expr::cust("GET_LOCK(LEFT(CONCAT('hexalpes/', DATABASE()), 64), 60)"),
    };
    let select = Query::select().expr_as(expression, "locked").to_owned();
    match tx.fetch_one(&select).await?.get("locked")? {
        Some(1) => Ok(()),
        _ => Err(DbError::Conflict("another process migrates the database".to_owned())),
    }
}

async fn unlock(tx: &Tx) {
    if tx.backend() == Backend::MySql
        && let Err(error) =
            tx.execute_text("SELECT RELEASE_LOCK(LEFT(CONCAT('hexalpes/', DATABASE()), 64))").await
    {
        tracing::warn!(%error, "the migration lock ends with its connection");
    }
}

async fn apply(tx: &Tx, plan: &[Vec<Migration>]) -> Result<(), MigrateError> {
    tx.execute_text(&create_history(tx.backend())).await?;
    let mut checked = Vec::with_capacity(plan.len());
    for migrations in plan {
        checked.push((migrations, check(tx, migrations).await?));
    }
    let mut is_changed = false;
    for (migrations, done) in checked {
        for (index, migration) in migrations.iter().enumerate() {
            is_changed |= apply_rest(tx, migration, done.get(index).copied()).await?;
        }
    }
    if tx.backend() == Backend::Sqlite && (is_changed || !plans::are_told(tx).await?) {
        plans::tell(tx).await?;
    }
    Ok(())
}

/// Compares what was applied with what is known; gives each applied migration's count of statements.
async fn check(tx: &Tx, migrations: &[Migration]) -> Result<Vec<usize>, MigrateError> {
    let component = migrations[0].component;
    let select = Query::select()
        .columns([History::Number, History::Checksum, History::StatementsDone])
        .from(HistoryTable)
        .and_where(Expr::col(History::Component).eq(component))
        .order_by(History::Number, Order::Asc)
        .to_owned();
    let mut done = Vec::new();
    for row in tx.fetch_all(&select).await? {
        let number: u32 = row.get("number")?;
        let Some(migration) = migrations.get(done.len()) else {
            let known = migrations[migrations.len() - 1].number;
            return Err(MigrateError::Newer { component, number, known });
        };
        if number != migration.number {
            return Err(MigrateError::Gap { component, number: migration.number });
        }
        if row.get::<String>("checksum")? != checksum(tx.backend(), migration) {
            return Err(MigrateError::Changed { component, number, name: migration.name });
        }
        done.push(row.get::<u32>("statements_done")? as usize);
    }
    Ok(done)
}

/// Applies the statements that are missing, and says whether any were; `done` is `None` for a migration that has not
/// begun.
async fn apply_rest(tx: &Tx, migration: &Migration, done: Option<usize>) -> Result<bool, MigrateError> {
    let Migration { component, number, name, statements } = *migration;
    let statements = statements(tx.backend());
    if done == Some(statements.len()) {
        return Ok(false);
    }
    if done.is_none() {
        tx.execute(&record(tx.backend(), migration)).await?;
    }
    let mut applied = done.unwrap_or(0);
    for statement in &statements[applied..] {
        let outcome = tx.execute_text(statement).await;
        outcome.map_err(|why| MigrateError::Failed { component, number, name, why })?;
        applied += 1;
        tx.execute(&progress(migration, applied)).await?;
    }
    tracing::info!(component, number, name, "applied migration");
    Ok(true)
}

fn record(backend: Backend, migration: &Migration) -> InsertStatement {
    Query::insert()
        .into_table(HistoryTable)
        .columns([
            History::Component,
            History::Number,
            History::Name,
            History::Checksum,
            History::StatementsDone,
        ])
        .values_panic([
            migration.component.into(),
            i64::from(migration.number).into(),
            migration.name.into(),
            checksum(backend, migration).into(),
            0_i64.into(),
        ])
        .to_owned()
}

fn progress(migration: &Migration, applied: usize) -> UpdateStatement {
    Query::update()
        .table(HistoryTable)
        .value(History::StatementsDone, i64::try_from(applied).unwrap_or(i64::MAX))
        .and_where(Expr::col(History::Component).eq(migration.component))
        .and_where(Expr::col(History::Number).eq(i64::from(migration.number)))
        .to_owned()
}

fn create_history(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table(HistoryTable)
            .if_not_exists()
            .col(id(backend, History::Component).not_null())
            .col(integer(History::Number).not_null())
            .col(text(backend, History::Name).not_null())
            .col(id(backend, History::Checksum).not_null())
            .col(integer(History::StatementsDone).not_null())
            .primary_key(Index::create().col(History::Component).col(History::Number)),
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
