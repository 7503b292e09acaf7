//! MySQL in a folder of its own.
//!
//! Debian's stable releases have MariaDB in its place; MySQL itself is in the unstable one ([`crate::debian`]).

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::{Lock, appear};
use crate::debian::Unpacked;
use crate::mariadb::{FIRST_STATEMENTS, SYNCED, UNSYNCED, client, with_first_statements};
use crate::server::{Server, StopWith};
use crate::{Absent, DatabaseServer, Engine, free_port, tool};

/// A test makes dozens of tables, each of which costs this server 9 ms: a fifth less where a table is no file of its own, keeps no
/// statistics and has no sums.
const BRIEF_TABLES: &[&str] = &[
    "--innodb-file-per-table=OFF",
    "--innodb-stats-persistent=OFF",
    "--innodb-checksum-algorithm=none",
    "--innodb-log-checksums=OFF",
];

/// A MySQL server on loopback that writes a row-based binlog with GTIDs. The user `hexalpes` with the same password
/// may do everything.
#[derive(Debug)]
pub enum MySql {}

impl MySql {
    /// Downloads and unpacks what [`MySql::start`] needs, if it is not there yet: 60 MB once.
    pub fn prepare() -> Result<(), Absent> {
        packages().map(drop).map_err(|error| Absent::because("MySQL", &error))
    }

    /// Every commit is synced.
    pub fn start() -> Result<DatabaseServer, Absent> {
        start(SYNCED).map_err(|error| Absent::because("MySQL", &error))
    }

    /// Commits survive the server but not the machine.
    pub fn start_unsynced() -> Result<DatabaseServer, Absent> {
        start(&[UNSYNCED, BRIEF_TABLES].concat()).map_err(|error| Absent::because("MySQL", &error))
    }
}

fn packages() -> Result<Unpacked> {
    Unpacked::package("mysql-server-core")
}

/// What reads a log as a replica would, and nothing said to it yet: `MariaDB`'s does not read `MySQL`'s.
pub(crate) fn log_reader() -> Result<Command> {
    Ok(packages()?.program("usr/bin/mysqlbinlog"))
}

fn start(durability: &[&str]) -> Result<DatabaseServer> {
    let packages = packages()?;
    // MySQL understands MariaDB's.
    client()?;
    let folder = tempfile::Builder::new().prefix("hexalpes-mysql-").tempdir()?;
    let data = folder.path().join("data");
    let first = folder.path().join("first.sql");
    fs::write(&first, FIRST_STATEMENTS).context("the first statements cannot be written")?;
    let mysqld = |data: &Path| {
        let mut command = packages.program("usr/sbin/mysqld");
        command.current_dir(folder.path()).env("TMPDIR", folder.path()).arg("--no-defaults");
        // Others may be unable to read the cache folder, and root is refused unless it is asked for.
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        command.arg(format!("--basedir={}", packages.path("usr").display()));
        command.arg(format!("--datadir={}", data.display()));
        command.arg("--secure-file-priv=NULL");
        command
    };
    copy_fresh(&packages, &data, |data| tool::run(mysqld(data).arg("--initialize-insecure")).map(drop))?;

    let port = free_port();
    let mut command = mysqld(&data);
    command.args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--mysqlx=OFF"]);
    command.args(["--max-connections=200", "--character-set-server=utf8mb4"]).args(durability);
    // As MariaDB's is by default: it counts what nobody here reads, at each statement.
    command.arg("--performance-schema=OFF");
    // Whoever forgets to say which zone is meant is five hours off.
    command.arg("--default-time-zone=-05:00");
    command.args(["--log-bin=binlog", "--binlog-format=ROW", "--binlog-row-image=FULL", "--server-id=1"]);
    command.args(["--gtid-mode=ON", "--enforce-gtid-consistency=ON"]);
    command.arg(format!("--port={port}"));
    command.arg(format!("--socket={}", folder.path().join("mysql.sock").display()));
    command.arg(format!("--pid-file={}", folder.path().join("mysql.pid").display()));
    command.arg(format!("--init-file={}", first.display()));
    // Killed, it leaves nothing behind but the folder.
    let server = Server::spawn(command, folder, StopWith::Kill)?;
    with_first_statements(Engine::MySql, port, server)
}

/// The data of a server that was never started. They are made once and lie beside its programs: to make them takes it longer than
/// to start.
fn copy_fresh(packages: &Unpacked, data: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let fresh = packages.path("data");
    let lock = Lock::of(&packages.path("."))?;
    if !fresh.is_dir() {
        appear(&fresh, |arriving| {
            let made = arriving.join("data");
            make(&made)?;
            // What a server is called among all others; without it, each finds a name of its own.
            fs::remove_file(made.join("auto.cnf")).context("the server's name stays")?;
            Ok(made)
        })?;
    }
    drop(lock);
    tool::copy(&fresh, data)
}
