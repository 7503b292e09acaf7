//! PostgreSQL in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::account::{Account, give, run_as};
use crate::server::{Server, StopWith};
use crate::{Absent, DatabaseServer, Engine, free_port, tool};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// Where Debian keeps each version's programs: `{here}/15/bin`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A PostgreSQL server that accepts everybody on loopback as the superuser `postgres`. Commits are synced,
/// and the log is logical, so that changes can be read from replication slots, of which there are enough for all tests.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    server: Server,
}

impl Postgres {
    pub fn start() -> Result<Self, Absent> {
        Self::start_with(&[])
    }

    /// With other settings, each `NAME=VALUE`: for a test that wants a server for itself.
    pub fn start_with(settings: &[&str]) -> Result<Self, Absent> {
        start(settings).map_err(|error| Absent::because("PostgreSQL", &error))
    }

    /// The server's own database. Tests take a fresh one each: [`crate::databases`].
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The process that listens, for whoever wants to measure or hurt it.
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    /// After a crash it listens long before it lets anybody in.
    fn until_ready(&mut self) -> Result<()> {
        let (is_ready, port) = (programs()?.join("pg_isready"), self.port.to_string());
        self.server.wait_until(READY_WITHIN, || {
            let mut ask = Command::new(&is_ready);
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            ask.status().is_ok_and(|status| status.success())
        })
    }
}

impl DatabaseServer for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn url(&self) -> String {
        self.url()
    }

    fn process_id(&self) -> u32 {
        self.process_id()
    }

    fn kill(&mut self) {
        self.server.kill();
    }

    fn start_again(&mut self) -> Result<()> {
        self.server.spawn_again()?;
        self.until_ready()
    }
}

fn start(settings: &[&str]) -> Result<Postgres> {
    let programs = programs()?;
    let account = Account::unprivileged("postgres")?;
    let folder = tempfile::Builder::new().prefix("hexalpes-postgres-").tempdir()?;
    give(folder.path(), account)?;
    let data = folder.path().join("data");

    let mut init = Command::new(programs.join("initdb"));
    init.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
    init.arg(&data).current_dir(folder.path());
    run_as(&mut init, account);
    tool::run(&mut init)?;

    let port = free_port();
    let mut postgres = Command::new(programs.join("postgres"));
    postgres.arg("-D").arg(&data).current_dir(folder.path());
    for setting in [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "fsync=on".to_owned(),
        "wal_level=logical".to_owned(),
        "max_connections=200".to_owned(),
        // Each relay of a test has a slot.
        "max_replication_slots=100".to_owned(),
        "max_wal_senders=100".to_owned(),
    ] {
        postgres.args(["-c", &setting]);
    }
    for setting in settings {
        postgres.args(["-c", setting]);
    }
    run_as(&mut postgres, account);
    // An immediate shutdown takes the server's children and its shared memory along.
    let server = Server::spawn(postgres, folder, StopWith::Quit)?;
    let mut postgres = Postgres { port, server };
    postgres.until_ready()?;
    Ok(postgres)
}

/// The command-line client, where `PATH` has it, else beside the server.
pub(crate) fn psql() -> Result<PathBuf> {
    tool::find(&["psql"]).or_else(|_| Ok(programs()?.join("psql")))
}

/// The folder of the newest version that has a server, else wherever `PATH` has `initdb`.
fn programs() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    if let Some((_, folder)) = versions.pop() {
        return Ok(folder);
    }
    let initdb = tool::find(&["initdb"])?;
    let folder = initdb.parent().context("initdb lies in a folder")?;
    Ok(folder.to_path_buf())
}
