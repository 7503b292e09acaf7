//! The log of a source's database, as the relay asks for it.

use std::{sync::Arc, time::Duration};

use hexalpes_binlog::{Binlog, BinlogOptions, BinlogSnapshot};
use hexalpes_capture::{Inserted, Log, LogError, Position, Snapshot, Step, TableName, Value};
use hexalpes_outbox::LogSource;
use hexalpes_pgoutput::{Slot, SlotOptions, SlotSnapshot, WAITS_FOR_OTHERS};
use tokio::time;

use crate::{
    config::{Connector, SourceConfig},
    key::SnapshotKey,
};

/// Other sources' commands wait behind one that waits for so long.
const SOON: Duration = Duration::from_secs(20);

/// Where a source's rows come from.
#[derive(Clone, Debug)]
pub(crate) struct SourceLog {
    reader: Reader,
    /// How long the database may take to say where the log begins. PostgreSQL says so when a slot is made, behind all
    /// transactions that are open.
    patience: Option<Duration>,
    table: TableName,
    key: SnapshotKey,
}

#[derive(Clone, Debug)]
enum Reader {
    Binlog(BinlogOptions),
    Slot(SlotOptions),
}

/// Either log.
pub(crate) enum AnyLog {
    Binlog(Box<Binlog>),
    Slot(Box<Slot>),
}

/// Either snapshot.
pub(crate) enum AnySnapshot {
    Binlog(Box<BinlogSnapshot>),
    Slot(Box<SlotSnapshot>),
}

impl SourceLog {
    pub(crate) fn new(config: &SourceConfig, key: SnapshotKey) -> Self {
        let table = TableName::new(config.table.schema.clone(), config.table.name.clone());
        let (url, tables) = (config.url(), vec![table.clone()]);
        let reader = match config.connector {
            Connector::MySql | Connector::MariaDb => {
                Reader::Binlog(BinlogOptions { url, tables, server_id: config.server_id })
            }
            Connector::Postgres => Reader::Slot(SlotOptions {
                url,
                tables,
                slot: config.slot.clone(),
                publication: config.publication.clone(),
            }),
        };
        Self { reader, patience: None, table, key }
    }

    /// The same for whoever has others wait.
    pub(crate) fn soon(&self) -> Self {
        Self { patience: Some(SOON), ..self.clone() }
    }

    async fn position(&self) -> Result<Position, LogError> {
        match &self.reader {
            Reader::Binlog(options) => Binlog::position(options).await,
            Reader::Slot(options) => Slot::anew(options).await,
        }
    }

    /// Takes away what the database keeps for this reader.
    pub(crate) async fn remove(&self) -> Result<(), LogError> {
        match &self.reader {
            Reader::Binlog(_) => Ok(()),
            Reader::Slot(options) => Slot::remove(options).await,
        }
    }
}

impl LogSource for SourceLog {
    type Log = AnyLog;
    type Snapshot = AnySnapshot;

    async fn check(&self) -> Result<(), LogError> {
        match &self.reader {
            Reader::Binlog(options) => Binlog::check(options).await?,
            Reader::Slot(options) => Slot::check(options).await?,
        }
        if self.key.is_open() {
            let numbered = match &self.reader {
                Reader::Binlog(options) => Binlog::numbered(options, &self.table).await?,
                Reader::Slot(options) => Slot::numbered(options, &self.table).await?,
            };
            if let Some(column) = numbered {
                self.key.numbered_by(column);
            }
        }
        Ok(())
    }

    async fn identity(&self) -> Result<String, LogError> {
        match &self.reader {
            Reader::Binlog(options) => Binlog::identity(options).await,
            Reader::Slot(options) => Slot::identity(options).await,
        }
    }

    async fn begin(&self) -> Result<Position, LogError> {
        let Some(patience) = self.patience else { return self.position().await };
        let late = |_| {
            let waits = match &self.reader {
                Reader::Binlog(_) => String::new(),
                Reader::Slot(_) => {
                    format!(": it may be making a slot, which {WAITS_FOR_OTHERS}; then try again")
                }
            };
            Err(LogError::Unreachable(format!("it has taken {} s{waits}", patience.as_secs())))
        };
        time::timeout(patience, self.position()).await.unwrap_or_else(late)
    }

    async fn end(&self) -> Result<Position, LogError> {
        match &self.reader {
            Reader::Binlog(options) => Binlog::position(options).await,
            Reader::Slot(options) => Slot::end(options).await,
        }
    }

    async fn open(&self, from: &Position) -> Result<AnyLog, LogError> {
        let from = from.clone();
        Ok(match &self.reader {
            Reader::Binlog(options) => AnyLog::Binlog(Box::new(Binlog::open(options.clone(), from).await?)),
            Reader::Slot(options) => AnyLog::Slot(Box::new(Slot::open(options.clone(), from).await?)),
        })
    }

    async fn snapshot(&self) -> Result<AnySnapshot, LogError> {
        let (table, key) = (&self.table, self.key.column());
        Ok(match &self.reader {
            Reader::Binlog(options) => {
                AnySnapshot::Binlog(Box::new(Binlog::snapshot(options, table, key).await?))
            }
            Reader::Slot(options) => AnySnapshot::Slot(Box::new(Slot::snapshot(options, table, key).await?)),
        })
    }
}

impl Log for AnyLog {
    async fn next(&mut self) -> Result<Step, LogError> {
        match self {
            Self::Binlog(log) => log.next().await,
            Self::Slot(log) => log.next().await,
        }
    }

    async fn confirm(&mut self, through: &Position) -> Result<(), LogError> {
        match self {
            Self::Binlog(log) => log.confirm(through).await,
            Self::Slot(log) => log.confirm(through).await,
        }
    }

    async fn behind(&mut self) -> Result<Option<u64>, LogError> {
        match self {
            Self::Binlog(log) => log.behind().await,
            Self::Slot(log) => log.behind().await,
        }
    }

    fn columns(&self) -> Option<Arc<[String]>> {
        match self {
            Self::Binlog(log) => log.columns(),
            Self::Slot(log) => log.columns(),
        }
    }

    fn expect(&mut self, columns: &[String]) {
        match self {
            Self::Binlog(log) => log.expect(columns),
            Self::Slot(log) => log.expect(columns),
        }
    }
}

impl Snapshot for AnySnapshot {
    fn position(&self) -> &Position {
        match self {
            Self::Binlog(snapshot) => snapshot.position(),
            Self::Slot(snapshot) => snapshot.position(),
        }
    }

    async fn after(&mut self, key: Option<&Value>, limit: u32) -> Result<Vec<Inserted>, LogError> {
        match self {
            Self::Binlog(snapshot) => snapshot.after(key, limit).await,
            Self::Slot(snapshot) => snapshot.after(key, limit).await,
        }
    }

    async fn above(&mut self, keys: &[Value], key: &Value) -> Result<Vec<bool>, LogError> {
        match self {
            Self::Binlog(snapshot) => snapshot.above(keys, key).await,
            Self::Slot(snapshot) => snapshot.above(keys, key).await,
        }
    }
}
