//! The outbox table, and the relay that publishes what is in it effectively once.
//!
//! A command appends its events in its own transaction ([`append`]); the [`Relay`] publishes each row under
//! its sequence number, so that a broker with deduplication on stores it once, whatever is killed when.
//!
//! Today the relay reads SQLite, where the order of `seq` is the order of the commits.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod checkpoint;
mod message;
mod relay;
mod row;
mod status;
mod table;

pub use message::{EVENTS_TOPIC, RAW_TOPIC};
pub use relay::{Relay, RelayError, RelayOptions};
pub use row::{Headers, OutboxRow, newest};
pub use status::Status;
pub use table::{MIGRATIONS, NewEvent, append};
