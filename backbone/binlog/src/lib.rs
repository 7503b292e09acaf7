//! `MySQL`'s (8 and newer) and `MariaDB`'s (10.11 and newer) binary log, and what a table held at one place of it, as
//! [`hexalpes_capture`] gives them.
//!
//! The server sends its log as to a replica; rows of tables that are not wanted are passed over without being decoded.
//! A position is a file and an offset between two transactions, and holds for one server ([`Binlog::identity`]).
//!
//! Names of columns come from the log itself where `binlog_row_metadata` is `FULL`, and else from the database as it is
//! now, whenever a table looks otherwise than before: columns may be added at the end while the log is read, and for
//! other changes the setting is wanted.
//!
//! Not read, and refused rather than passed over: changes that are logged as statements, compressed events of
//! `MariaDB`, compressed columns, distributed transactions (XA), and what is not known.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod charset;
mod check;
mod claim;
mod columns;
mod connection;
mod cursor;
mod event;
mod gtid;
mod key;
mod options;
mod query;
mod reader;
mod rows;
mod server;
mod snapshot;
mod stream;
mod tablemap;
mod value;

pub use options::BinlogOptions;
pub use snapshot::BinlogSnapshot;
pub use stream::Binlog;
