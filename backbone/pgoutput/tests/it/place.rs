//! A database with a table, a slot of its own, and what tests ask of them.

use std::time::Duration;

use hexalpes_capture::{Inserted, Log, LogError, Position, Step, TableName, Value};
use hexalpes_engines::{Engine, TestDatabase, databases};
use hexalpes_pgoutput::{Slot, SlotOptions};
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Place {
    pub(crate) options: SlotOptions,
    pub(crate) sql: PgConnection,
    /// Dropped with its slot.
    database: TestDatabase,
}

impl Place {
    /// None where there is no PostgreSQL. Its table is `public.outbox (id bigint PRIMARY KEY, payload text)`.
    pub(crate) async fn open() -> Option<Self> {
        Self::with("CREATE TABLE outbox (id bigint PRIMARY KEY, payload text)", &["outbox"]).await
    }

    /// With other tables, of the schema `public` if a name says no other.
    pub(crate) async fn with(statements: &str, tables: &[&str]) -> Option<Self> {
        let database = databases().into_iter().find(|database| database.engine() == Engine::Postgres)?;
        Some(Self::on(database, statements, tables).await)
    }

    pub(crate) async fn on(database: TestDatabase, statements: &str, tables: &[&str]) -> Self {
        let url = database.url().to_owned();
        let name = url.rsplit('/').next().unwrap().to_owned();
        let table = |name: &&str| {
            let (schema, name) = name.split_once('.').unwrap_or(("public", name));
            TableName::new(schema, name)
        };
        let options = SlotOptions {
            tables: tables.iter().map(table).collect(),
            slot: name,
            publication: "Outbox's".to_owned(),
            url,
        };
        let mut sql = PgConnection::connect(&options.url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut sql).await.unwrap();
        Self { options, sql, database }
    }

    pub(crate) fn table(&self) -> &TableName {
        &self.options.tables[0]
    }

    pub(crate) async fn run(&mut self, statements: &str) {
        run(&mut self.sql, statements).await;
    }

    pub(crate) async fn another(&self) -> PgConnection {
        PgConnection::connect(self.database.url()).await.unwrap()
    }

    /// One text of one row.
    pub(crate) async fn ask(&mut self, query: &str) -> Option<String> {
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()));
        let found: Option<Option<String>> = query.fetch_optional(&mut self.sql).await.unwrap();
        found.flatten()
    }

    /// The slot made, and its log from where it is.
    pub(crate) async fn log(&self) -> Slot {
        let from = Slot::position(&self.options).await.unwrap();
        self.log_from(&from).await
    }

    /// As soon as a reader before has let it go.
    pub(crate) async fn log_from(&self, from: &Position) -> Slot {
        let opening = async {
            loop {
                match Slot::open(self.options.clone(), from.clone()).await {
                    Err(LogError::Taken { .. }) => {}
                    opened => return opened.unwrap(),
                }
            }
        };
        timeout(LIMIT, opening).await.unwrap()
    }

    /// What the server says of the slot; a column of `pg_replication_slots`.
    pub(crate) async fn slot(&mut self, column: &str) -> Option<String> {
        let slot = self.options.slot.clone();
        self.ask(&format!("SELECT ({column})::text FROM pg_replication_slots WHERE slot_name = '{slot}'"))
            .await
    }
}

pub(crate) async fn run(sql: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(sql).await.unwrap();
}

/// The next step, which is waited for.
async fn next(log: &mut Slot) -> Step {
    timeout(LIMIT, log.next()).await.expect("a step in time").unwrap()
}

/// The rows of the next transaction, step by step, and where it ends. Boundaries may come before, as others write.
pub(crate) async fn transaction(log: &mut Slot) -> (Vec<Vec<Inserted>>, Position) {
    let mut steps = Vec::new();
    loop {
        match next(log).await {
            Step::Rows(rows) => steps.push(rows),
            Step::Boundary(position) if !steps.is_empty() => return (steps, position),
            Step::Boundary(_) | Step::Dropped(_) => {}
        }
    }
}

/// Steps until so many rows are there and their transaction is at its end.
pub(crate) async fn rows(log: &mut Slot, count: usize) -> (Vec<Inserted>, Position) {
    let mut rows = Vec::new();
    loop {
        match next(log).await {
            Step::Rows(more) => rows.extend(more),
            Step::Boundary(position) if rows.len() >= count => {
                assert_eq!(rows.len(), count, "rows that are too many");
                return (rows, position);
            }
            Step::Boundary(_) | Step::Dropped(_) => {}
        }
    }
}

pub(crate) fn ids(rows: &[Inserted]) -> Vec<i64> {
    let id = |row: &Inserted| match row.get("id") {
        Some(Value::Integer(id)) => *id,
        other => panic!("{other:?} is no id"),
    };
    rows.iter().map(id).collect()
}
