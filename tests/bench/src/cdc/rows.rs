//! Rows of an outbox like the one that a command of the product has written.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_engines::{Engine, TestDatabase};
use sea_query::{InsertStatement, Order, Query};
use tokio::runtime::Runtime;

use super::latency::{Committed, connections};
use crate::load::{Pace, keep_busy};

/// Rows of one commit while a backlog is written.
const ROWS_A_COMMIT: u32 = 10;
/// Events of one aggregate.
const ROWS_AN_AGGREGATE: u32 = 4;
/// `SQLite` has one writer, whose commits a relay does not see the borders of.
const ROWS_A_COMMIT_ON_SQLITE: u32 = 500;
/// The number of the first row, which the command has made.
const FIRST: &str = "conv-bench-000000000";

pub(super) struct Rows {
    database: Option<TestDatabase>,
    db: Db,
    first: First,
    /// The number of the next row.
    next: Cell<u32>,
}

/// What rows have in common.
#[derive(Clone)]
struct First {
    aggregatetype: String,
    kind: String,
    payload: String,
    headers: String,
    occurred_at: i64,
}

impl Rows {
    pub(super) fn like_the_first(
        runtime: &Runtime,
        database: Option<TestDatabase>,
        url: &DatabaseUrl,
    ) -> Result<Self> {
        let (db, first) = runtime.block_on(async {
            let db = Db::open(url, DbOptions { connections_max: 60, ..DbOptions::default() }).await?;
            let first = db.read(First::read).await?;
            anyhow::Ok((db, first))
        })?;
        if let Some(database) = &database {
            database.run(&preparation(database.engine()))?;
        }
        Ok(Self { database, db, first, next: Cell::new(1) })
    }

    /// The server's database; none on `SQLite`.
    pub(super) fn database(&self) -> Option<&TestDatabase> {
        self.database.as_ref()
    }

    /// Writes a backlog.
    pub(super) fn fill(&self, runtime: &Runtime, rows: u32) -> Result<()> {
        let from = self.next.replace(self.next.get() + rows);
        match &self.database {
            Some(database) => database.run(&filling(database.engine(), from, rows)),
            None => runtime.block_on(self.fill_sqlite(from, rows)),
        }
    }

    async fn fill_sqlite(&self, from: u32, rows: u32) -> Result<()> {
        let mut number = from;
        while number < from + rows {
            let until = (number + ROWS_A_COMMIT_ON_SQLITE).min(from + rows);
            let first = self.first.clone();
            let write = async move |tx: &Tx| -> Result<(), DbError> {
                for number in number..until {
                    tx.execute(&first.row(number)).await?;
                }
                Ok(())
            };
            self.db.write(write).await?;
            number = until;
        }
        Ok(())
    }

    /// Commits single rows at a rate, and says when each commit was answered.
    pub(super) async fn commit(&self, per_second: u32, span: Duration) -> Result<Committed> {
        let committed = RefCell::new(Committed::new());
        let (connections, pace) = connections(per_second);
        let writers: Vec<Db> = (0..connections).map(|_| self.db.clone()).collect();
        keep_busy(writers, Some(Pace::in_turn(pace)), span, async |db: &mut Db| {
            let number = self.next.replace(self.next.get() + 1);
            let row = self.first.row(number);
            db.write(async move |tx: &Tx| tx.execute(&row).await.map(drop)).await?;
            committed.borrow_mut().insert(number, Instant::now());
            Ok(())
        })
        .await?;
        Ok(committed.into_inner())
    }

    /// Numbers for rows that somebody else writes.
    pub(super) fn numbers(&self) -> &Cell<u32> {
        &self.next
    }

    /// Opens the connections that a rate takes, and has each write a row that is taken back, so that it begins evenly: a server's
    /// first statement of a connection costs as much as many later ones, and some dozens of them all processors for a second.
    pub(super) async fn warm_up(&self, per_second: u32) -> Result<()> {
        let (connections, _) = connections(per_second);
        if self.database.is_none() {
            return Ok(());
        }
        let taken_back = async |number| {
            let row = self.first.row(number);
            let written = self.db.write(async move |tx: &Tx| {
                tx.execute(&row).await?;
                Err::<(), _>(DbError::NoRow)
            });
            match written.await {
                Ok(()) | Err(DbError::NoRow) => Ok(()),
                Err(why) => Err(why),
            }
        };
        // Numbers that no row has.
        try_join_all((0..connections).map(|number| taken_back(u32::MAX - number))).await?;
        Ok(())
    }
}

impl First {
    async fn read(tx: &Tx) -> Result<Self, DbError> {
        let columns = ["aggregatetype", "type", "payload", "headers", "occurred_at"];
        let mut select = Query::select();
        select.columns(columns).from("outbox_event").order_by("seq", Order::Asc).limit(1);
        let row = tx.fetch_one(&select).await?;
        Ok(Self {
            aggregatetype: row.get("aggregatetype")?,
            kind: row.get("type")?,
            payload: row.get("payload")?,
            headers: row.get("headers")?,
            occurred_at: row.get("occurred_at")?,
        })
    }

    fn row(&self, number: u32) -> InsertStatement {
        let columns =
            ["id", "aggregatetype", "aggregateid", "type", "payload", "headers", "occurred_at", "published"];
        let values = [
            format!("bench-{number:09}").into(),
            self.aggregatetype.clone().into(),
            format!("com_{:09}", number / ROWS_AN_AGGREGATE).into(),
            self.kind.clone().into(),
            self.payload.replace(FIRST, &format!("conv-bench-{number:09}")).into(),
            self.headers.clone().into(),
            self.occurred_at.into(),
            0_i64.into(),
        ];
        Query::insert().into_table("outbox_event").columns(columns).values_panic(values).to_owned()
    }
}

/// A procedure that writes rows, a few a commit, as many commands one after another would.
fn preparation(engine: Engine) -> String {
    let text = match engine {
        Engine::Postgres => include_str!("fill_postgres.sql"),
        _ => include_str!("fill_mysql.sql"),
    };
    text.replace("{ROWS_A_COMMIT}", &ROWS_A_COMMIT.to_string())
        .replace("{ROWS_AN_AGGREGATE}", &ROWS_AN_AGGREGATE.to_string())
        .replace("{FIRST}", FIRST)
}

/// Commits wait for the disk again when it is over: what is measured does.
fn filling(engine: Engine, from: u32, rows: u32) -> String {
    match engine {
        Engine::Postgres => format!("SET synchronous_commit = off;\nCALL fill({from}, {rows});\n"),
        _ => format!(
            "SET GLOBAL sync_binlog = 0, GLOBAL innodb_flush_log_at_trx_commit = 0;\nCALL fill({from}, {rows});\n\
             SET GLOBAL sync_binlog = 1, GLOBAL innodb_flush_log_at_trx_commit = 1;\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_preparation_is_left_open() {
        for engine in [Engine::Postgres, Engine::MariaDb] {
            let text = preparation(engine);
            assert!(text.contains("conv-bench-000000000") && !text.contains('{'), "{text}");
        }
    }
}
