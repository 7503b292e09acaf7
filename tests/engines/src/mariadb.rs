//! MariaDB in a folder of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::account::{Account, give, run_as};
use crate::server::{Server, StopWith};
use crate::{Absent, DatabaseServer, Engine, free_port, tool};

/// What the server runs before it accepts anybody, at each start.
pub(crate) const FIRST_STATEMENTS: &str = "\
CREATE USER IF NOT EXISTS 'hexalpes'@'%' IDENTIFIED BY 'hexalpes';
GRANT ALL ON *.* TO 'hexalpes'@'%' WITH GRANT OPTION;
";

pub(crate) const SYNCED: &[&str] = &["--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1"];
/// The flush method exists for measurements, and halves what a table costs to make.
pub(crate) const UNSYNCED: &[&str] = &[
    "--innodb-flush-log-at-trx-commit=2",
    "--sync-binlog=0",
    "--innodb-flush-method=nosync",
    "--innodb-use-native-aio=OFF",
    "--innodb-doublewrite=OFF",
];

/// A MariaDB server on loopback that syncs every commit and writes a row-based binlog. The user `hexalpes`
/// with the same password may do everything.
#[derive(Debug)]
pub enum MariaDb {}

impl MariaDb {
    pub fn start() -> Result<DatabaseServer, Absent> {
        Self::start_with(&[])
    }

    /// Commits survive the server but not the machine.
    pub fn start_unsynced() -> Result<DatabaseServer, Absent> {
        Self::start_with(UNSYNCED)
    }

    /// With settings that are other than those.
    pub fn start_with(arguments: &[&str]) -> Result<DatabaseServer, Absent> {
        start(arguments).map_err(|error| Absent::because("MariaDB", &error))
    }
}

fn start(arguments: &[&str]) -> Result<DatabaseServer> {
    let install = tool::find(&["mariadb-install-db", "mysql_install_db"])?;
    let mariadbd = tool::find(&["mariadbd", "mysqld"])?;
    client()?;
    let account = Account::unprivileged("mysql")?;
    let folder = tempfile::Builder::new().prefix("hexalpes-mariadb-").tempdir()?;
    give(folder.path(), account)?;
    let data = folder.path().join("data");
    let first = folder.path().join("first.sql");
    fs::write(&first, FIRST_STATEMENTS).context("the first statements cannot be written")?;

    let mut init = Command::new(install);
    init.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
    init.arg(format!("--datadir={}", data.display())).current_dir(folder.path());
    // Where several share it, one that starts removes the temporary tables of another.
    init.env("TMPDIR", folder.path());
    run_as(&mut init, account);
    tool::run(&mut init)?;

    let port = free_port();
    let mut command = Command::new(mariadbd);
    command.current_dir(folder.path()).env("TMPDIR", folder.path());
    command.args([
        "--no-defaults",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--max-connections=200",
    ]);
    command.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"]);
    command.args(SYNCED);
    // Whoever forgets to say which zone is meant is five hours off.
    command.arg("--default-time-zone=-05:00");
    command.args(["--log-bin=binlog", "--binlog-format=ROW", "--binlog-row-image=FULL", "--server-id=1"]);
    command.args(arguments).arg(format!("--port={port}"));
    command.arg(format!("--datadir={}", data.display()));
    command.arg(format!("--socket={}", folder.path().join("mariadb.sock").display()));
    command.arg(format!("--pid-file={}", folder.path().join("mariadb.pid").display()));
    command.arg(format!("--init-file={}", first.display()));
    run_as(&mut command, account);
    // Killed, it leaves nothing behind but the folder.
    let server = Server::spawn(command, folder, StopWith::Kill)?;
    with_first_statements(Engine::MariaDb, port, server)
}

/// MariaDB and MySQL listen after the first statements have run.
pub(crate) fn with_first_statements(engine: Engine, port: u16, server: Server) -> Result<DatabaseServer> {
    let url = format!("mysql://hexalpes:hexalpes@127.0.0.1:{port}/mysql");
    let is_ready = move || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    DatabaseServer::when_ready(engine, url, server, is_ready)
}

/// The command-line client. Without it the server would be of no use to a test.
pub(crate) fn client() -> Result<PathBuf> {
    tool::find(&["mariadb", "mysql"])
}
