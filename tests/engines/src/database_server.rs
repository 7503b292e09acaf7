//! Database servers that were started here, whichever they are: what is done to one is done to each of them.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::database::ServerUrl;
use crate::server::Server;
use crate::{Absent, Engine, MariaDb, MySql, Postgres};

/// A server that can be killed and started again; stopped, and gone with its folder, when its value is dropped.
pub struct DatabaseServer {
    engine: Engine,
    url: String,
    server: Server,
    is_ready: Box<dyn Fn() -> bool + Send + Sync>,
}

impl DatabaseServer {
    /// Waits until it takes connections, as `is_ready` says.
    pub(crate) fn when_ready(
        engine: Engine,
        url: String,
        server: Server,
        is_ready: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Self> {
        let mut server = Self { engine, url, server, is_ready: Box::new(is_ready) };
        server.wait()?;
        Ok(server)
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// A superuser's URL, of a database that every installation has. Tests take a fresh one each:
    /// [`crate::databases`].
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The process that listens, for whoever wants to measure or hurt it.
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    /// kill −9, of all of its processes at once; it stays away until [`start_again`](Self::start_again).
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// The same data on the same port; it takes connections when this returns.
    pub fn start_again(&mut self) -> Result<()> {
        self.server.spawn_again()?;
        self.wait()
    }

    /// Runs statements, in the database that every installation has, as who may do everything.
    pub fn run(&self, statements: &str) -> Result<()> {
        self.ask(statements).map(drop)
    }

    /// The same, for what they answer: a row a line.
    pub(crate) fn ask(&self, statements: &str) -> Result<String> {
        let server = ServerUrl::parse(&self.url).context("its address can be taken apart")?;
        server.execute(self.engine, statements)
    }

    /// Keeps a copy of its data as it is now. Nobody may write to it: it is killed.
    pub fn keep_a_copy(&self) -> Result<()> {
        self.server.copy("data", "copy")
    }

    /// Its data are again as they were when the copy was kept. It is killed.
    pub fn put_the_copy_back(&mut self) -> Result<()> {
        self.server.copy("copy", "data")
    }

    fn wait(&mut self) -> Result<()> {
        let seconds = if self.engine == Engine::MySql { 60 } else { 30 };
        self.server.wait_until(Duration::from_secs(seconds), &self.is_ready)
    }
}

impl fmt::Debug for DatabaseServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Starts the server of an engine; `SQLite` has none.
pub fn database_server(engine: Engine) -> Result<Option<DatabaseServer>, Absent> {
    Ok(match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start()?),
        Engine::MariaDb => Some(MariaDb::start()?),
        Engine::MySql => Some(MySql::start()?),
    })
}
