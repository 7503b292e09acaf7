//! PostgreSQL in a folder of its own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::account::{Account, give, run_as};
use crate::server::{Server, StopWith};
use crate::{Absent, DatabaseServer, Engine, free_port, tool};

/// Where Debian keeps each version's programs: `{here}/15/bin`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A PostgreSQL server that accepts everybody on loopback as the superuser `postgres`. Commits are synced,
/// and the log is logical, so that changes can be read from replication slots, of which there are enough for all tests.
#[derive(Debug)]
pub enum Postgres {}

impl Postgres {
    pub fn start() -> Result<DatabaseServer, Absent> {
        Self::start_with(&[])
    }

    /// Commits survive the server but not the machine.
    pub fn start_unsynced() -> Result<DatabaseServer, Absent> {
        Self::start_with(&["fsync=off"])
    }

    /// With other settings, each `NAME=VALUE`: for a test that wants a server for itself.
    pub fn start_with(settings: &[&str]) -> Result<DatabaseServer, Absent> {
        start(settings, &initdb).map_err(|error| Absent::because("PostgreSQL", &error))
    }

    /// A replica of another one, which follows it until `SELECT pg_promote()`.
    pub fn replica_of(primary: &DatabaseServer) -> Result<DatabaseServer, Absent> {
        let copy = |programs: &Path| {
            let mut copy = Command::new(programs.join("pg_basebackup"));
            copy.args([
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
                "-d",
                &primary.url(),
                "-D",
            ]);
            copy
        };
        start(&[], &copy).map_err(|error| Absent::because("PostgreSQL", &error))
    }
}

fn initdb(programs: &Path) -> Command {
    let mut init = Command::new(programs.join("initdb"));
    init.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
    init
}

/// `make` is a command that makes the data, in the folder that is its last argument.
fn start(settings: &[&str], make: &dyn Fn(&Path) -> Command) -> Result<DatabaseServer> {
    let programs = programs()?;
    let account = Account::unprivileged("postgres")?;
    let folder = tempfile::Builder::new().prefix("hexalpes-postgres-").tempdir()?;
    give(folder.path(), account)?;
    let data = folder.path().join("data");

    let mut make = make(&programs);
    make.arg(&data).current_dir(folder.path());
    run_as(&mut make, account);
    tool::run(&mut make)?;

    let port = free_port();
    let own = [
        ("port", &*port.to_string()),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("fsync", "on"),
        ("wal_level", "logical"),
        ("max_connections", "200"),
        // Each relay of a test has a slot.
        ("max_replication_slots", "100"),
        ("max_wal_senders", "100"),
    ];
    let given = settings.iter().map(|setting| setting.split_once('=').unwrap_or((setting, "on")));
    // In its file, where ALTER SYSTEM overrules them; of a name that comes twice, the last holds.
    let mut file = File::options().append(true).open(data.join("postgresql.conf"))?;
    for (name, to) in own.into_iter().chain(given) {
        writeln!(file, "{name} = '{to}'").context("its settings cannot be written")?;
    }
    let mut postgres = Command::new(programs.join("postgres"));
    postgres.arg("-D").arg(&data).current_dir(folder.path());
    run_as(&mut postgres, account);
    // An immediate shutdown takes the server's children and its shared memory along.
    let server = Server::spawn(postgres, folder, StopWith::Quit)?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    // After a crash it listens long before it lets anybody in.
    let (asks, port) = (programs.join("pg_isready"), port.to_string());
    let is_ready = move || {
        let mut ask = Command::new(&asks);
        ask.args(["-q", "-h", "127.0.0.1", "-p", &port]);
        ask.status().is_ok_and(|status| status.success())
    };
    DatabaseServer::when_ready(Engine::Postgres, url, server, is_ready)
}

/// A program of a client beside the server, else where `PATH` has it: what Debian has there is a script that looks for
/// the other, and takes longer than that.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let beside = programs().map(|programs| programs.join(name)).ok();
    beside.filter(|beside| beside.is_file()).map_or_else(|| tool::find(&[name]), Ok)
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
