//! What a database says in its own log of rows that were inserted into chosen tables, whichever database it is.
//!
//! A [`Log`] gives the rows of committed transactions in the order of their commits, and says after each transaction
//! where it is: whoever goes on from such a [`Position`] is given the same rows in the same order again. A
//! [`Snapshot`] reads the rows that a table had at one position, for who comes to a table that has rows already.
//!
//! Not here: what is done with the rows, and how each database is read (`hexalpes-binlog`, `hexalpes-pgoutput`).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod error;
mod log;
mod position;
mod row;
mod source;

pub use error::{LogError, Mend};
pub use log::{Log, PAGE_BYTES, Snapshot, Step};
pub use position::{Position, PositionError, Witness};
pub use row::{Detail, Inserted, Origin, Table, TableName, Value};
pub use source::Source;
