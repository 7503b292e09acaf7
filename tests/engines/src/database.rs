//! A database for one test.
//!
//! On the servers it is made and dropped by the server's own command-line client, so that no driver of ours
//! is needed to test the drivers.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{Seek as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{DatabaseServer, eventually, mariadb, mysql, postgres, tool};

const SLOTS_WITHIN: Duration = Duration::from_secs(10);
const DROPPED_WITHIN: Duration = Duration::from_secs(10);

/// Which database this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
    MariaDb,
    MySql,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
        })
    }
}

/// A fresh, empty database, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    engine: Engine,
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder { _removed_with_it: TempDir },
    Server { server: ServerUrl, name: String },
}

impl TestDatabase {
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// `sqlite:///…/test.db`, `postgres://…` or `mysql://…`, as `DATABASE_URL` takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What a server calls it; none on `SQLite`.
    pub fn name(&self) -> Option<&str> {
        match &self.place {
            Place::Server { name, .. } => Some(name),
            Place::Folder { .. } => None,
        }
    }

    /// Where a server has its tables, as changes name it: on `MySQL` a schema is a database.
    pub fn schema(&self) -> Option<&str> {
        if self.engine == Engine::Postgres { Some("public") } else { self.name() }
    }

    /// The user, the password and the port of a server, for programs that take no URLs.
    pub fn account(&self) -> Option<(&str, &str, u16)> {
        match &self.place {
            Place::Server { server, .. } => {
                Some((&server.user, server.password.as_deref().unwrap_or_default(), server.port))
            }
            Place::Folder { .. } => None,
        }
    }

    /// Runs statements in a server's database, with the server's own client: its commands may be among them.
    pub fn run(&self, statements: &str) -> Result<()> {
        let Place::Server { server, name } = &self.place else { bail!("it is no server's") };
        let mut file = tempfile::tempfile().context("a temporary file")?;
        file.write_all(statements.as_bytes())?;
        file.rewind()?;
        let mut client = match self.engine {
            Engine::MariaDb | Engine::MySql => server.mariadb(name)?,
            Engine::Sqlite | Engine::Postgres => server.psql(name)?,
        };
        tool::run(client.stdin(file)).map(drop)
    }

    /// What a server answers to statements in its database: a row a line, without the names of columns.
    pub fn ask(&self, statements: &str) -> Result<String> {
        let Place::Server { server, name } = &self.place else { bail!("it is no server's") };
        server.execute_in(name, self.engine, statements)
    }

    /// The same database on a server that has it from this one's.
    pub fn on_replica(&self, replica: &DatabaseServer) -> Result<Self> {
        let Place::Server { name, .. } = &self.place else { bail!("it is no server's") };
        let server = ServerUrl::parse(&replica.url()).context("its address can be taken apart")?;
        let url = server.with_database(name);
        Ok(Self { engine: self.engine, url, place: Place::Server { server, name: name.clone() } })
    }

    /// What a server gives of this database, as statements that [`run`](Self::run) makes it so again.
    pub fn dump(&self) -> Result<String> {
        let Place::Server { server, name } = &self.place else { bail!("it is no server's") };
        let mut command = match self.engine {
            Engine::MariaDb | Engine::MySql => {
                let mut command = Command::new(tool::find(&["mariadb-dump", "mysqldump"])?);
                server.account(&mut command).args(["--single-transaction", name]);
                command
            }
            Engine::Sqlite | Engine::Postgres => {
                let mut command = Command::new(postgres::program("pg_dump")?);
                command.args(["--clean", "--if-exists", "-d", &self.url]);
                command
            }
        };
        tool::run(&mut command)
    }

    /// Reads a server's log from that file on for as long as the value lives, under a number of a reader that it does not
    /// register: `MySQL`'s and `MariaDB`'s.
    pub fn read_log_as(&self, server_id: u32, file: &str) -> Result<LogReader> {
        let Place::Server { server, .. } = &self.place else { bail!("it is no server's") };
        let (mut command, number) = match self.engine {
            Engine::MySql => (mysql::log_reader()?, "--connection-server-id"),
            _ => (Command::new(tool::find(&["mariadb-binlog"])?), "--stop-never-slave-server-id"),
        };
        server.account(&mut command).args(["--read-from-remote-server", "--stop-never"]);
        command.args([&format!("{number}={server_id}"), file]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(LogReader(child.context("the reader of logs cannot be run")?))
    }

    /// In a folder of its own.
    pub fn sqlite() -> Self {
        let folder =
            tempfile::Builder::new().prefix("hexalpes-sqlite-").tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self { engine: Engine::Sqlite, url, place: Place::Folder { _removed_with_it: folder } }
    }

    /// A server that was promised and does not answer is a broken test run, hence the panic.
    pub fn on_server(engine: Engine, url: &str) -> Self {
        let server =
            ServerUrl::parse(url).unwrap_or_else(|| panic!("{url} is no address of a database server"));
        let name = format!("test_{:016x}", RandomState::new().hash_one(0));
        let create = match engine {
            Engine::MariaDb | Engine::MySql => format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"),
            Engine::Sqlite | Engine::Postgres => format!("CREATE DATABASE {name}"),
        };
        server.execute(engine, &create).unwrap_or_else(|error| panic!("no database on {engine}: {error:#}"));
        Self { engine, url: server.with_database(&name), place: Place::Server { server, name } }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Place::Server { server, name } = &self.place else { return };
        let dropped = match self.engine {
            Engine::MariaDb | Engine::MySql => server.drop_mysql(name),
            Engine::Sqlite | Engine::Postgres => server.drop_postgres(name),
        };
        if let Err(error) = dropped {
            eprintln!("{name} stays on {}: {error:#}", self.engine);
        }
    }
}

/// A program that reads a log; ended with this value.
#[derive(Debug)]
pub struct LogReader(Child);

impl Drop for LogReader {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `scheme://user:password@host:port/database`, as far as the clients need it apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    scheme: String,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) host: String,
    pub(crate) port: u16,
    database: String,
}

impl ServerUrl {
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, database) = rest.split_once('/')?;
        let (credentials, address) = authority.rsplit_once('@')?;
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password.to_owned())),
            None => (credentials, None),
        };
        let (host, port) = address.rsplit_once(':')?;
        Some(Self {
            scheme: scheme.to_owned(),
            user: user.to_owned(),
            password,
            host: host.to_owned(),
            port: port.parse().ok()?,
            database: database.to_owned(),
        })
    }

    fn with_database(&self, database: &str) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}")).unwrap_or_default();
        format!("{}://{}{password}@{}:{}/{database}", self.scheme, self.user, self.host, self.port)
    }

    /// What the server answers in the database that every installation has.
    pub(crate) fn execute(&self, engine: Engine, sql: &str) -> Result<String> {
        self.execute_in(&self.database, engine, sql)
    }

    /// A row a line, without the names of columns.
    fn execute_in(&self, database: &str, engine: Engine, sql: &str) -> Result<String> {
        let mut client = match engine {
            Engine::MariaDb | Engine::MySql => self.mariadb(database)?,
            Engine::Sqlite | Engine::Postgres => self.psql(database)?,
        };
        tool::run(client.arg(if engine == Engine::Postgres { "-tAc" } else { "-Ne" }).arg(sql))
    }

    fn drop_postgres(&self, name: &str) -> Result<()> {
        // A database with a replication slot stays. Whoever read from it may be at its end just now.
        let of_this = format!("FROM pg_replication_slots WHERE database = '{name}'");
        let free = format!(
            "SELECT pg_terminate_backend(active_pid) {of_this} AND active_pid IS NOT NULL; \
             SELECT pg_drop_replication_slot(slot_name) {of_this}"
        );
        let _ = eventually(SLOTS_WITHIN, || self.execute(Engine::Postgres, &free).ok());
        self.execute(Engine::Postgres, &format!("DROP DATABASE {name} WITH (FORCE)")).map(drop)
    }

    /// A transaction that is open keeps a database from going, for as long as a day; and who could end it may be the
    /// very thread that waits here.
    fn drop_mysql(&self, name: &str) -> Result<()> {
        let open = format!("SELECT id FROM information_schema.processlist WHERE db = '{name}'");
        for connection in self.execute(Engine::MySql, &open)?.lines() {
            // It may have gone by itself.
            let _ = self.execute(Engine::MySql, &format!("KILL {connection}"));
        }
        let wait = DROPPED_WITHIN.as_secs();
        self.execute(Engine::MySql, &format!("SET lock_wait_timeout = {wait}; DROP DATABASE {name}"))
            .map(drop)
    }

    /// Everything but the statements.
    fn psql(&self, database: &str) -> Result<Command> {
        let mut command = Command::new(postgres::program("psql")?);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.with_database(database)]);
        Ok(command)
    }

    /// Everything but the statements.
    fn mariadb(&self, database: &str) -> Result<Command> {
        let mut command = Command::new(mariadb::client()?);
        self.account(&mut command).args(["-D", database]);
        Ok(command)
    }

    /// Who asks whom, for the programs of `MySQL` and `MariaDB`.
    fn account<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.args(["--no-defaults", "--protocol=TCP", "-h", &self.host, "-P", &self.port.to_string()]);
        command.args(["-u", &self.user]);
        command.env("MYSQL_PWD", self.password.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_being_taken_apart() {
        for url in ["postgres://postgres@127.0.0.1:5432/postgres", "mysql://a:b@localhost:3306/mysql"] {
            let server = ServerUrl::parse(url).unwrap();
            assert_eq!(server.with_database(&server.database), url);
        }
    }

    #[test]
    fn two_databases_do_not_meet() {
        let (one, other) = (TestDatabase::sqlite(), TestDatabase::sqlite());
        assert_ne!(one.url(), other.url());
    }
}
