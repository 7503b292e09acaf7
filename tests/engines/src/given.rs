//! What a test may use: the embedded engines always, the others when the environment names them.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::database::{Engine, TestDatabase};
use crate::{Debezium, Pulsar};

/// The variables by which `cargo xtask test` hands the engines to all test binaries.
pub mod variable {
    /// A superuser's URL; each test gets a database of its own.
    pub const POSTGRES_URL: &str = "HEXALPES_TEST_POSTGRES_URL";
    /// As for PostgreSQL.
    pub const MARIADB_URL: &str = "HEXALPES_TEST_MARIADB_URL";
    /// As for PostgreSQL.
    pub const MYSQL_URL: &str = "HEXALPES_TEST_MYSQL_URL";
    /// Names of the engines of which a test may start a server of its own, to kill it: `PostgreSQL,MariaDB`.
    pub const KILLABLE: &str = "HEXALPES_TEST_KILLABLE";
    /// `pulsar://host:port` of a real Pulsar.
    pub const PULSAR_URL: &str = "HEXALPES_TEST_PULSAR_URL";
    /// `http://host:port` of its REST interface.
    pub const PULSAR_ADMIN_URL: &str = "HEXALPES_TEST_PULSAR_ADMIN_URL";
    /// A Python interpreter that can `import pulsar, fastavro, schemathesis, xmlschema`, and has the schema of pain.001.
    pub const PYTHON: &str = "HEXALPES_TEST_PYTHON";
    /// The folder of Debezium's connectors.
    pub const DEBEZIUM: &str = "HEXALPES_TEST_DEBEZIUM";
    /// The program with the official Go client.
    pub const GO: &str = "HEXALPES_TEST_GO";
}

/// The engines whose databases are read by their log.
pub const LOG_ENGINES: [Engine; 3] = [Engine::Postgres, Engine::MariaDb, Engine::MySql];

/// The servers, and what names them.
const SERVERS: [(Engine, &str); 3] = [
    (Engine::Postgres, variable::POSTGRES_URL),
    (Engine::MariaDb, variable::MARIADB_URL),
    (Engine::MySql, variable::MYSQL_URL),
];

/// A fresh, empty database on every engine there is: SQLite always, PostgreSQL, MariaDB and MySQL when given.
/// Each is dropped with its value.
pub fn databases() -> Vec<TestDatabase> {
    let mut databases = vec![TestDatabase::sqlite()];
    databases.extend(log_databases());
    databases
}

/// A fresh, empty database on every server there is, all of which can be read by their log: none in a plain
/// `cargo test`.
pub fn log_databases() -> Vec<TestDatabase> {
    let given = |&(engine, variable): &(Engine, &str)| Some(TestDatabase::on_server(engine, &set(variable)?));
    SERVERS.iter().filter_map(given).collect()
}

/// The engines of which a test may start a server of its own, by [`database_server`](crate::database_server): none in a
/// plain `cargo test`.
pub fn killable() -> Vec<Engine> {
    let named = set(variable::KILLABLE).unwrap_or_default();
    let is_named = |engine: &Engine| named.split(',').any(|name| name == engine.to_string());
    LOG_ENGINES.into_iter().filter(is_named).collect()
}

/// The real Pulsar's two faces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulsarUrls {
    pub service: String,
    pub admin: String,
}

/// A real Pulsar, when there is one. All tests share it: take topic names of your own.
pub fn pulsar() -> Option<PulsarUrls> {
    Some(PulsarUrls { service: set(variable::PULSAR_URL)?, admin: set(variable::PULSAR_ADMIN_URL)? })
}

/// For a JVM that ends soon or has little to do: half the work of its start is to compile what it hardly uses.
pub const BRIEF_JVM: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/// One of the programs of Pulsar's distribution, such as `pulsar-admin`, where a real Pulsar was brought. It begins as
/// [`BRIEF_JVM`] says, unless its `PULSAR_EXTRA_OPTS` are set to something else.
pub fn pulsar_program(name: &str) -> Option<Command> {
    pulsar()?;
    let mut program = Pulsar::program(name).ok()?;
    program.env("PULSAR_EXTRA_OPTS", BRIEF_JVM);
    Some(program)
}

/// A Python interpreter with the official client, when there is one.
pub fn python() -> Option<PathBuf> {
    set(variable::PYTHON).map(PathBuf::from)
}

/// The program that drives the official Go client ([`Go`](crate::Go) says how), when there is one.
pub fn go() -> Option<PathBuf> {
    set(variable::GO).map(PathBuf::from)
}

/// A real Debezium's connectors, when they are there, with the Pulsar that runs them.
pub fn debezium() -> Option<Debezium> {
    pulsar()?;
    set(variable::DEBEZIUM).map(|folder| Debezium::at(folder.into()))
}

fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
