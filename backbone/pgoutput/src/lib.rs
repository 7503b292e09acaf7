//! PostgreSQL 15 and newer by a logical replication slot: the rows of committed transactions in the order of their
//! commits ([`Slot`]), and the rows that a table held at one place of that log ([`SlotSnapshot`]).
//!
//! The server reads its log for us and gives what the built-in plug-in `pgoutput` makes of it. A slot is the server's
//! note of how far we are: it keeps what comes after. A publication says which tables' rows are given.
//!
//! One connection of the replication protocol is all that a reader needs: it also runs SQL, and values come as the
//! same texts from the log as from the table. So the protocol is spoken here, as far as that takes it; a library
//! proves the password.
//!
//! Not here: what is done with the rows, and when they are confirmed.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod acknowledge;
mod address;
mod authenticate;
mod connection;
mod encryption;
mod failure;
mod frame;
mod lsn;
mod message;
mod options;
mod publication;
mod setup;
mod snapshot;
mod sql;
mod stream;
mod value;

pub use options::SlotOptions;
pub use setup::WAITS_FOR_OTHERS;
pub use snapshot::SlotSnapshot;
pub use stream::Slot;
