//! The whole product with its databases on a server.

use anyhow::Result;
use hexalpes_engines::{Engine, TestDatabase, database_server};

use crate::process::Process;

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];

/// Starts `hexalpes up` on each server in turn, for `work` to measure; a server that cannot be had is named.
pub(crate) fn on_each(mut work: impl FnMut(Engine, &Process) -> Result<()>) -> Result<()> {
    for engine in ENGINES {
        let server = match database_server(engine) {
            Ok(server) => server,
            Err(absent) => {
                eprintln!("{absent}");
                continue;
            }
        };
        let database = server.as_ref().map(|server| TestDatabase::on_server(engine, &server.url()));
        let environment = database.as_ref().map(|database| ("DATABASE_URL", database.url()));
        let mut product = Process::start_set(&["up"], environment.as_slice())?;
        product.ready(product.api_port(), "/health")?;
        work(engine, &product)?;
        product.stop()?;
    }
    Ok(())
}
