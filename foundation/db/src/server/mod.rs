//! PostgreSQL, MySQL and MariaDB: an ordinary transaction for each command.
//!
//! Writes are `SERIALIZABLE`. A command loads, decides and saves; on SQLite's one writer nothing changes in
//! between, and it must be no less right here. `READ COMMITTED` loses an update between load and save;
//! `REPEATABLE READ` does too on MySQL, and lets two commands on PostgreSQL each decide on what the other
//! changes. The price, a conflict now and then, is paid by the retries. Reads are `REPEATABLE READ`: one
//! snapshot that takes no locks.

mod mysql;
mod postgres;
mod run;
mod transaction;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnectionMetadata;
use tokio::sync::{Semaphore, watch};

use crate::tx::Session;
use crate::url::Place;
use crate::{Backend, DatabaseUrl, DbError, DbOptions, OpenError};

use transaction::Dialect;
pub(crate) use transaction::ServerTransaction;

/// How long the first connection may take to be made.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a transaction waits for a connection before it begins again. While a server refuses them, the pool pauses for up
/// to a fifth of it before it asks again: so long a server can be back before we see it.
const ACQUIRE_WAIT: Duration = Duration::from_secs(2);
/// A connection that was at rest for so long is asked whether it is still alive. The pool has asked each as it came back;
/// one that has died since fails to begin its transaction, which then begins again.
const ASKED_AFTER: Duration = Duration::from_millis(100);

/// What a transaction is for; decides how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
    /// Changes what no command decides by; see [`Db::upkeep`](crate::Db::upkeep).
    Upkeep,
    /// Sees what others commit while it waits for their migration to end.
    Migrate,
}

/// An open server: its connections, and as many permits, so that who waits holds no thread.
pub(crate) struct Server {
    pool: Pool,
    permits: Arc<Semaphore>,
    connections_max: u32,
    time_max: Duration,
    commits: watch::Sender<u64>,
}

/// Why there is no place for one of several databases.
enum Unmade {
    Away(DbError),
    Denied { statement: String, why: DbError },
}

impl From<DbError> for Unmade {
    fn from(why: DbError) -> Self {
        Self::Away(why)
    }
}

#[derive(Clone)]
enum Pool {
    Postgres(sqlx::PgPool),
    MySql(sqlx::MySqlPool),
}

impl Server {
    /// Connects once, to say now rather than later what is wrong.
    pub(crate) async fn open(
        url: &DatabaseUrl,
        options: &DbOptions,
        commits: watch::Sender<u64>,
    ) -> Result<Self, OpenError> {
        let refused = |why| OpenError::Server { url: url.to_string(), why };
        let Place::Server { backend, url: address, part } = url.place() else {
            return Err(refused(DbError::Closed));
        };
        let unanswered = || DbError::Unavailable("the server does not answer".to_owned());
        if let Some(part) = part {
            let making = async {
                match backend {
                    Backend::MySql => mysql::make(address, part).await,
                    _ => postgres::make(address, part).await,
                }
            };
            let made = tokio::time::timeout(CONNECT_WAIT, making).await;
            made.unwrap_or_else(|_| Err(unanswered().into())).map_err(|error| match error {
                Unmade::Away(why) => refused(why),
                Unmade::Denied { statement, why } => {
                    OpenError::NotMade { url: url.to_string(), statement, why }
                }
            })?;
        }
        let connecting = async {
            Ok(match backend {
                Backend::MySql => Pool::MySql(mysql::connect(address, options).await?),
                _ => Pool::Postgres(postgres::connect(address, options).await?),
            })
        };
        let pool = tokio::time::timeout(CONNECT_WAIT, connecting)
            .await
            .unwrap_or_else(|_| Err(unanswered()))
            .map_err(refused)?;
        let DbOptions { connections_max, server_time_max: time_max, .. } = *options;
        let permits = Arc::new(Semaphore::new(connections_max as usize));
        Ok(Self { pool, permits, connections_max, time_max, commits })
    }

    pub(crate) fn backend(&self) -> Backend {
        match self.pool {
            Pool::Postgres(_) => Backend::Postgres,
            Pool::MySql(_) => Backend::MySql,
        }
    }

    /// Refuses new commands and returns when the last one has ended.
    pub(crate) async fn close(&self) {
        // The queue for permits is fair: who came earlier still gets one. An error: closed already.
        let all_idle = self.permits.acquire_many(self.connections_max).await;
        self.permits.close();
        drop(all_idle);
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::MySql(pool) => pool.close().await,
        }
    }
}

impl Pool {
    async fn begin(&self, mode: Mode) -> Result<Session, DbError> {
        Ok(match self {
            Self::Postgres(pool) => Session::Postgres(ServerTransaction::begin(pool, mode).await?),
            Self::MySql(pool) => Session::MySql(ServerTransaction::begin(pool, mode).await?),
        })
    }
}

/// Of a connection that the pool is about to give: one that was at rest is asked, and dropped if it does not answer.
async fn is_alive(
    connection: &mut impl sqlx::Connection,
    been: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if been.idle_for >= ASKED_AFTER {
        connection.ping().await?;
    }
    Ok(true)
}

/// What went wrong beneath the database's own errors: the connection, or how we used the driver.
fn driver_error(error: &sqlx::Error) -> DbError {
    use sqlx::Error as E;
    let text = || error.to_string().lines().next().unwrap_or_default().to_owned();
    match error {
        E::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            DbError::Unavailable("nothing answers at its address".to_owned())
        }
        E::Io(error) => DbError::Unavailable(format!("the connection was lost ({})", error.kind())),
        E::PoolTimedOut => DbError::Unavailable("no connection came free in time".to_owned()),
        E::PoolClosed => DbError::Closed,
        E::Tls(_) | E::Protocol(_) | E::WorkerCrashed | E::BeginFailed | E::Configuration(_) => {
            DbError::Unavailable(text())
        }
        // Encoding, decoding and column errors may repeat a value.
        _ => DbError::Statement("its values or columns do not fit the driver's types".to_owned()),
    }
}
