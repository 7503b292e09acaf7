//! A database, whichever it is: `write`, `read`, `migrate`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::command::{job, refuse_nesting};
use crate::migrate::{MigrateError, Migration, check_only, migrate};
use crate::server::{Mode, Server};
use crate::sqlite::{Readers, Writer};
use crate::url::Place;
use crate::{Backend, DatabaseUrl, DbError, OpenError, Tx};

/// Limits of an open database.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// Connections to a server; so many commands run there at once.
    pub connections_max: u32,
    /// How long a command may take on a server before it is rolled back: a network that swallows
    /// packets must not hold a connection for ever.
    pub server_time_max: Duration,
    /// Reads that run at once on SQLite.
    pub sqlite_readers_max: usize,
    /// The size that a SQLite file may reach; a command that would need more fails with
    /// [`DbError::Full`]. `None`: as much as the disk holds.
    pub sqlite_bytes_max: Option<u64>,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            connections_max: 8,
            server_time_max: Duration::from_secs(30),
            sqlite_readers_max: 8,
            sqlite_bytes_max: None,
        }
    }
}

/// A handle to an open database; clones share it.
#[derive(Clone)]
pub struct Db {
    engine: Arc<Engine>,
    commits: watch::Receiver<u64>,
}

enum Engine {
    Sqlite { writer: Writer, readers: Readers },
    Server(Server),
}

impl Db {
    /// Opens the database. A SQLite file is created if it is missing.
    pub async fn open(url: &DatabaseUrl, options: DbOptions) -> Result<Self, OpenError> {
        let (committed, commits) = watch::channel(0);
        let engine = match url.place() {
            Place::File(path) => Engine::Sqlite {
                writer: Writer::start(path, &options, committed)?,
                readers: Readers::new(path.clone(), &options),
            },
            Place::Server { .. } => Engine::Server(Server::open(url, &options, committed).await?),
        };
        Ok(Self { engine: Arc::new(engine), commits })
    }

    pub fn backend(&self) -> Backend {
        match &*self.engine {
            Engine::Sqlite { .. } => Backend::Sqlite,
            Engine::Server(server) => server.backend(),
        }
    }

    /// Brings the database to what `migrations` say; see [`Migration`]. Safe to call with every start,
    /// by each component for itself.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<(), MigrateError> {
        migrate(self, migrations).await
    }

    /// Whether [`Db::migrate`] would refuse the database as it is, without changing it.
    pub async fn check(&self, migrations: &[Migration]) -> Result<(), MigrateError> {
        check_only(self, migrations).await
    }

    /// Runs a command in a transaction, and commits it if it returns `Ok`.
    ///
    /// `Ok` is answered after the commit is on disk. The command may be run more than once (deadlocks,
    /// a batch that SQLite rolled back), each time as if it were the first. It may wait for its statements
    /// and nothing else. If the caller stops waiting, the command may still be done.
    pub async fn write<F, T, E>(&self, command: F) -> Result<T, E>
    where
        F: AsyncFn(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.change(Mode::Write, command).await
    }

    /// Runs what keeps house beside the commands: its statements change rows that no command decides by, and each is
    /// right whatever happens between them. On servers it is `READ COMMITTED`, so that it neither holds up commands,
    /// as the ranges that a serializable transaction locks would, nor has them run again. Else as [`Db::write`].
    pub async fn upkeep<F, T, E>(&self, command: F) -> Result<T, E>
    where
        F: AsyncFn(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.change(Mode::Upkeep, command).await
    }

    pub(crate) async fn change<F, T, E>(&self, mode: Mode, command: F) -> Result<T, E>
    where
        F: AsyncFn(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        refuse_nesting()?;
        match &*self.engine {
            Engine::Sqlite { writer, .. } => {
                let (job, answer) = job(command);
                writer.submit(job).await?;
                answer.await.map_err(|_| DbError::Closed)?
            }
            Engine::Server(server) => server.run(mode, command).await,
        }
    }

    /// Runs a query on one snapshot, which holds every write that was answered before. On SQLite it runs
    /// on the calling thread: read what may grow in pages.
    pub async fn read<F, T, E>(&self, query: F) -> Result<T, E>
    where
        F: AsyncFn(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        refuse_nesting()?;
        match &*self.engine {
            Engine::Sqlite { readers, .. } => readers.read(query).await,
            Engine::Server(server) => server.run(Mode::Read, query).await,
        }
    }

    /// Counts the commits made through this handle and its clones; bumped after each.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Finishes what was accepted and refuses the rest, for all clones of the handle.
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Sqlite { writer, readers } => {
                readers.close();
                writer.close().await;
            }
            Engine::Server(server) => server.close().await,
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("backend", &self.backend()).finish_non_exhaustive()
    }
}
