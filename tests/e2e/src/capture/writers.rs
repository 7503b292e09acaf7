//! Programs that write into an outbox at once, and say in each row which it is of its aggregate, by the order of commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hexalpes_db::{Db, DbError, Migration, Tx, columns};
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Ids as _, SystemEdge, Uuid};
use hexalpes_outbox::{NewEvent, append};
use sea_query::{Expr, ExprTrait as _, Query, Table};
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::task::JoinSet;

pub(super) const KIND: &str = "com.hexabuilders.commissions.SomethingHappened";
/// A type whose own topic wants other data than these rows have.
pub(super) const MISFIT: &str = "com.hexabuilders.recruitment.CandidateHired";
const WRITERS: usize = 6;
const AGGREGATES: usize = 12;
/// Aggregates of one transaction, at most.
const AGGREGATES_AT_ONCE: usize = 3;
const EVENTS_AN_AGGREGATE: usize = 3;
/// Of a backlog.
const ROWS_A_COMMIT: usize = 20;
/// One of so many transactions is rolled back once it has written.
const ROLLED_BACK_ONE_IN: usize = 5;

/// How many rows each aggregate has had. Who changes a row holds it until the commit, so the counts have the order of the
/// commits.
pub(super) const MIGRATIONS: &[Migration] = &[Migration::new("capture", 1, "create version", |backend| {
    let mut table = Table::create();
    table.table("version").col(columns::id(backend, "aggregate").not_null().primary_key());
    let mut insert = Query::insert();
    insert.into_table("version").columns(["aggregate", "version"]);
    for number in 0..AGGREGATES {
        insert.values_panic([name(number).into(), 0_i64.into()]);
    }
    vec![
        backend.schema(table.col(columns::integer("version").not_null())),
        match backend {
            hexalpes_db::Backend::Postgres => insert.to_string(sea_query::PostgresQueryBuilder),
            hexalpes_db::Backend::MySql => insert.to_string(sea_query::MysqlQueryBuilder),
            hexalpes_db::Backend::Sqlite => insert.to_string(sea_query::SqliteQueryBuilder),
        },
    ]
})];

fn name(number: usize) -> String {
    format!("aggregate-{number}")
}

/// They write until they are told to stop, whatever happens to the database meanwhile.
#[derive(Debug)]
pub struct Writers {
    tasks: JoinSet<()>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_over: AtomicBool,
    answered: AtomicUsize,
}

/// Why a transaction does not end with a commit.
#[derive(Debug)]
enum Undone {
    RolledBack,
    Failed,
}

impl From<DbError> for Undone {
    fn from(_: DbError) -> Self {
        Self::Failed
    }
}

impl Writers {
    /// `seed` draws what they write.
    pub fn start(db: &Db, seed: u64) -> Self {
        let state = Arc::new(State::default());
        let tasks = (0..WRITERS as u64)
            .map(|number| {
                write(db.clone(), crate::Dice::seeded(seed.wrapping_mul(31) ^ number), Arc::clone(&state))
            })
            .collect();
        Self { tasks, state }
    }

    /// Commits that were answered.
    pub fn answered(&self) -> usize {
        self.state.answered.load(Ordering::Relaxed)
    }

    /// Whoever waits for an answer gets it first, or an error.
    pub async fn stop(mut self) -> usize {
        self.state.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a writer does not panic");
        }
        self.answered()
    }
}

async fn write(db: Db, mut dice: crate::Dice, state: Arc<State>) {
    while !state.is_over.load(Ordering::Relaxed) {
        let mut aggregates: Vec<usize> =
            (0..=dice.roll(AGGREGATES_AT_ONCE)).map(|_| dice.roll(AGGREGATES)).collect();
        // In the same order everywhere, or they would wait for each other in a circle.
        aggregates.sort_unstable();
        aggregates.dedup();
        let events = 1 + dice.roll(EVENTS_AN_AGGREGATE);
        let is_kept = dice.roll(ROLLED_BACK_ONE_IN) > 0;
        let transaction = async move |tx: &Tx| -> Result<(), Undone> {
            for number in &aggregates {
                for _ in 0..events {
                    write_one(tx, KIND, &name(*number), 0).await?;
                }
            }
            if is_kept { Ok(()) } else { Err(Undone::RolledBack) }
        };
        // An error may be a commit whose answer was lost: what is in the table is what was committed.
        if db.write(transaction).await.is_ok() {
            state.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// So many rows of a type with as many bytes, of each aggregate in turn.
pub(super) async fn write_rows(db: &Db, kind: &'static str, rows: usize, filler_bytes: usize) {
    let mut numbers = (0..rows).peekable();
    while numbers.peek().is_some() {
        let some: Vec<usize> = numbers.by_ref().take(ROWS_A_COMMIT).collect();
        let transaction = async move |tx: &Tx| -> Result<(), DbError> {
            for number in &some {
                write_one(tx, kind, &name(number % AGGREGATES), filler_bytes).await?;
            }
            Ok(())
        };
        db.write(transaction).await.expect("the database takes rows");
    }
}

/// What a fact is caused by: a command of nobody, now.
pub fn command(id: Uuid) -> Cause {
    Cause {
        correlation: CorrelationId::new(id),
        causation: CausationId::of_command(id),
        actor: Actor::anonymous(),
        at: SystemEdge.now(),
    }
}

async fn write_one(tx: &Tx, kind: &'static str, aggregate: &str, filler_bytes: usize) -> Result<(), DbError> {
    let is_it = || Expr::col("aggregate").eq(aggregate);
    let mut count = Query::update();
    count.table("version").value("version", Expr::col("version").add(1_i64)).and_where(is_it());
    tx.execute(&count).await?;
    let mut select = Query::select();
    select.column("version").from("version").and_where(is_it());
    let version: i64 = tx.fetch_one(&select).await?.get("version")?;
    let id = SystemEdge.uuid();
    let cause = command(id);
    let filler = "x".repeat(filler_bytes);
    let data = json!({ "aggregate": aggregate, "version": version, "filler": filler });
    let event = NewEvent {
        id,
        aggregate_type: "commissions",
        aggregate_id: aggregate.to_owned(),
        kind,
        data: to_raw_value(&data).expect("it is JSON already"),
    };
    append(tx, &cause, event).await
}
