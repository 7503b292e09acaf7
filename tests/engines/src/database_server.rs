//! Database servers that were started here, whichever they are: for what is done to each of them.

use std::fmt::Debug;

use anyhow::Result;

use crate::{Absent, Engine, MariaDb, MySql, Postgres};

/// A server that can be killed and started again.
pub trait DatabaseServer: Debug + Send {
    fn engine(&self) -> Engine;

    /// A superuser's URL, of a database that every installation has.
    fn url(&self) -> String;

    /// The process that listens.
    fn process_id(&self) -> u32;

    /// kill −9, of all of its processes at once; it stays away until [`start_again`](Self::start_again).
    fn kill(&mut self);

    /// The same data on the same port; it takes connections when this returns.
    fn start_again(&mut self) -> Result<()>;
}

/// Starts the server of an engine; `SQLite` has none.
pub fn database_server(engine: Engine) -> Result<Option<Box<dyn DatabaseServer>>, Absent> {
    Ok(match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Box::new(Postgres::start()?)),
        Engine::MariaDb => Some(Box::new(MariaDb::start()?)),
        Engine::MySql => Some(Box::new(MySql::start()?)),
    })
}
