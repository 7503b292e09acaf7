//! The logs of PostgreSQL, `MySQL` and `MariaDB`, for the outbox in one of their databases.

use hexalpes_binlog::{Binlog, BinlogOptions, BinlogSnapshot};
use hexalpes_capture::{LogError, Position, TableName};
use hexalpes_db::{Backend, Db, DbError, Tx};
use hexalpes_pgoutput::{Slot, SlotOptions, SlotSnapshot};
use sea_query::{Expr, Query};

use super::{decode::SEQ, source::LogSource};

/// Where the outbox of an open server database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxPlace {
    pub database: String,
    pub table: TableName,
}

impl OutboxPlace {
    pub async fn of(db: &Db) -> Result<Self, DbError> {
        let (database, schema) = match db.backend() {
            Backend::Postgres => ("current_database()::text", "current_schema()::text"),
            _ => ("DATABASE()", "DATABASE()"),
        };
        let ask = Query::select()
            .expr_as(Expr::cust(database), "of_database")
            .expr_as(Expr::cust(schema), "of_schema")
            .to_owned();
        db.read(async move |tx: &Tx| {
            let row = tx.fetch_one(&ask).await?;
            let table = TableName::new(row.get::<String>("of_schema")?, "outbox_event");
            Ok(Self { database: row.get("of_database")?, table })
        })
        .await
    }
}

/// `MySQL`'s or `MariaDB`'s binary log.
#[derive(Debug)]
pub struct BinlogSource {
    options: BinlogOptions,
    table: TableName,
}

impl BinlogSource {
    /// `server_id` is one that no server and no other reader has.
    pub fn new(url: impl Into<String>, place: &OutboxPlace, server_id: u32) -> Self {
        let table = place.table.clone();
        Self { options: BinlogOptions { url: url.into(), tables: vec![table.clone()], server_id }, table }
    }
}

impl LogSource for BinlogSource {
    type Log = Binlog;
    type Snapshot = BinlogSnapshot;

    async fn check(&self) -> Result<(), LogError> {
        Binlog::check(&self.options).await?;
        // Also where the first snapshot is over: nobody who says `resnapshot` wants to hear of it then.
        Binlog::check_snapshot(&self.options).await
    }

    async fn identity(&self) -> Result<String, LogError> {
        Binlog::identity(&self.options).await
    }

    async fn begin(&self) -> Result<Position, LogError> {
        Binlog::position(&self.options).await
    }

    async fn end(&self) -> Result<Position, LogError> {
        Binlog::position(&self.options).await
    }

    async fn open(&self, from: &Position) -> Result<Binlog, LogError> {
        Binlog::open(self.options.clone(), from.clone()).await
    }

    async fn snapshot(&self) -> Result<BinlogSnapshot, LogError> {
        Binlog::snapshot(&self.options, &self.table, SEQ).await
    }
}

/// PostgreSQL's log by a replication slot.
#[derive(Debug)]
pub struct SlotSource {
    options: SlotOptions,
    table: TableName,
}

impl SlotSource {
    /// Slot and publication have that name: lower-case letters, digits and `_`, and no other slot of the server has it.
    pub fn new(url: impl Into<String>, place: &OutboxPlace, name: &str) -> Self {
        let table = place.table.clone();
        let options = SlotOptions {
            url: url.into(),
            tables: vec![table.clone()],
            slot: name.to_owned(),
            publication: name.to_owned(),
        };
        Self { options, table }
    }
}

impl LogSource for SlotSource {
    type Log = Slot;
    type Snapshot = SlotSnapshot;

    async fn check(&self) -> Result<(), LogError> {
        Slot::check(&self.options).await
    }

    async fn identity(&self) -> Result<String, LogError> {
        Slot::identity(&self.options).await
    }

    async fn begin(&self) -> Result<Position, LogError> {
        Slot::anew(&self.options).await
    }

    async fn end(&self) -> Result<Position, LogError> {
        Slot::end(&self.options).await
    }

    async fn open(&self, from: &Position) -> Result<Slot, LogError> {
        Slot::open(self.options.clone(), from.clone()).await
    }

    async fn snapshot(&self) -> Result<SlotSnapshot, LogError> {
        Slot::snapshot(&self.options, &self.table, SEQ).await
    }
}
