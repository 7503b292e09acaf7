//! Real PostgreSQL, MariaDB, MySQL, Apache Pulsar, its official clients of Python and Go, and Debezium, for tests.
//!
//! Two halves, and no test needs both:
//!
//! - **Starting** ([`Postgres`], [`MariaDb`], [`MySql`], [`Pulsar`], [`Python`], [`Go`], [`Debezium`]) is what `cargo xtask test`
//!   does once a run. Each engine lives in a temporary folder on free ports, is stopped when its value is dropped, and
//!   also when the process that started it dies. What this machine cannot have is a value ([`Absent`]), not
//!   a panic.
//! - **Asking** ([`databases`], [`pulsar`], [`python`], [`go`], [`debezium`](debezium())) is what a test does: it loops over what there is.
//!   A plain `cargo test` finds the embedded engines alone.
//!
//! ```
//! for database in hexalpes_engines::databases() {
//!     assert!(database.url().contains("://"), "{} has an address", database.engine());
//! }
//! ```
//!
//! Everything here blocks: it runs before, beside or after what is tested, never inside it.

mod absent;
mod account;
mod cache;
mod children;
mod database;
mod database_server;
mod debezium;
mod debian;
mod front;
mod given;
mod go;
mod http;
mod loss;
mod mariadb;
mod mysql;
mod port;
mod postgres;
mod program;
mod pulsar;
mod python;
mod replica;
mod server;
mod tool;
mod wait;

pub use absent::Absent;
pub use cache::cache_folder;
pub use children::{child_processes, process_runs};
pub use database::{Engine, LogReader, TestDatabase};
pub use database_server::{DatabaseServer, database_server};
pub use debezium::{Debezium, DebeziumSource};
pub use front::Front;
pub use given::{
    BRIEF_JVM, LOG_ENGINES, PulsarUrls, databases, debezium, go, killable, log_databases, pulsar,
    pulsar_program, python, variable,
};
pub use go::Go;
pub use http::status_of;
pub use loss::Loss;
pub use mariadb::MariaDb;
pub use mysql::MySql;
pub use port::free_port;
pub use postgres::Postgres;
pub use program::program;
pub use pulsar::{PULSAR_VERSION, Pulsar};
pub use python::Python;
pub use replica::{fall_behind, promote, with_replica};
pub use tool::last_lines;
pub use wait::{a_moment, eventually};
