//! A database on each server whose log is read, and what a test does with it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hexalpes_binlog::{Binlog, BinlogOptions};
use hexalpes_capture::{Inserted, Log, LogError, Position, Step, TableName, Value};
use hexalpes_engines::{Engine, TestDatabase, log_databases};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use tokio::time::timeout;

/// What has not come by then does not come.
pub(crate) const WITHIN: Duration = Duration::from_mins(1);

/// Each reader has a number that no other test has.
static SERVER_ID: AtomicU32 = AtomicU32::new(1_000);

pub(crate) struct World {
    pub(crate) engine: Engine,
    url: String,
    pub(crate) schema: String,
    pub(crate) options: BinlogOptions,
    _database: Option<TestDatabase>,
}

pub(crate) fn is_read(engine: Engine) -> bool {
    matches!(engine, Engine::MariaDb | Engine::MySql)
}

/// A database of its own on each server that has a binary log.
pub(crate) fn worlds(tables: &[&str]) -> Vec<World> {
    let world = |database: TestDatabase| {
        World::at(database.engine(), database.url().to_owned(), tables, Some(database))
    };
    log_databases().into_iter().filter(|database| is_read(database.engine())).map(world).collect()
}

impl World {
    fn at(engine: Engine, url: String, tables: &[&str], database: Option<TestDatabase>) -> Self {
        let schema = url.rsplit('/').next().unwrap().to_owned();
        let tables = tables.iter().map(|table| TableName::new(&*schema, *table)).collect();
        let server_id = SERVER_ID.fetch_add(1, Ordering::Relaxed);
        let options = BinlogOptions { url: url.clone(), tables, server_id };
        Self { engine, url, schema, options, _database: database }
    }

    /// On a server that no other test has, with a database that is made.
    pub(crate) async fn alone(engine: Engine, url: &str, schema: &str, tables: &[&str]) -> Self {
        let mut connection = Conn::new(Opts::from_url(url).unwrap()).await.unwrap();
        connection.query_drop(format!("CREATE DATABASE {schema} CHARACTER SET utf8mb4")).await.unwrap();
        let (server, _) = url.rsplit_once('/').unwrap();
        Self::at(engine, format!("{server}/{schema}"), tables, None)
    }

    pub(crate) async fn session(&self) -> Conn {
        Conn::new(Opts::from_url(&self.url).unwrap()).await.unwrap()
    }

    pub(crate) async fn run(&self, statements: &[&str]) {
        let mut session = self.session().await;
        for statement in statements {
            session.query_drop(*statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        session.disconnect().await.unwrap();
    }

    /// The one text that it answers.
    pub(crate) async fn ask(&self, question: &str) -> String {
        let mut session = self.session().await;
        let answer = session.query_first(question).await.unwrap().unwrap();
        session.disconnect().await.unwrap();
        answer
    }

    pub(crate) fn is_mariadb(&self) -> bool {
        self.engine == Engine::MariaDb
    }

    pub(crate) async fn position(&self) -> Position {
        Binlog::position(&self.options).await.unwrap()
    }

    /// Once a reader before it, which has gone, is forgotten.
    pub(crate) async fn open(&self, from: &Position) -> Binlog {
        let opening = async {
            loop {
                match Binlog::open(self.options.clone(), from.clone()).await {
                    Err(LogError::Taken { .. }) => {}
                    opened => return opened.unwrap(),
                }
            }
        };
        timeout(WITHIN, opening).await.expect("the number is free at last")
    }

    /// From where the log is now.
    pub(crate) async fn open_now(&self) -> Binlog {
        let now = self.position().await;
        self.open(&now).await
    }
}

pub(crate) async fn next(log: &mut Binlog) -> Result<Step, LogError> {
    timeout(WITHIN, log.next()).await.expect("something comes, or an error")
}

/// The next rows, until there are so many and the transaction of the last is at its end, which is given too.
pub(crate) async fn rows(log: &mut Binlog, count: usize) -> (Vec<Inserted>, Position) {
    let mut all = Vec::new();
    loop {
        match next(log).await.unwrap() {
            Step::Rows(rows) => all.extend(rows),
            Step::Boundary(at) if all.len() >= count => {
                assert_eq!(all.len(), count, "{all:?}");
                return (all, at);
            }
            Step::Boundary(_) | Step::Dropped(_) => {}
        }
    }
}

/// The steps of the next transaction with rows.
pub(crate) async fn steps(log: &mut Binlog) -> Vec<Vec<Inserted>> {
    let mut steps = Vec::new();
    loop {
        match next(log).await.unwrap() {
            Step::Rows(rows) => steps.push(rows),
            Step::Boundary(_) if !steps.is_empty() => return steps,
            Step::Boundary(_) | Step::Dropped(_) => {}
        }
    }
}

/// The error at which it stops, and the rows before.
pub(crate) async fn failure(log: &mut Binlog) -> (Vec<Inserted>, LogError) {
    let mut all = Vec::new();
    loop {
        match next(log).await {
            Ok(Step::Rows(rows)) => all.extend(rows),
            Ok(Step::Boundary(_) | Step::Dropped(_)) => {}
            Err(error) => return (all, error),
        }
    }
}

/// The column `id` of rows.
pub(crate) fn ids(rows: &[Inserted]) -> Vec<i64> {
    rows.iter().map(id).collect()
}

pub(crate) fn id(row: &Inserted) -> i64 {
    match row.get("id") {
        Some(Value::Integer(id)) => *id,
        other => panic!("{other:?} is no id"),
    }
}
