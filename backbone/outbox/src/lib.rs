//! The outbox table, and the relay that publishes what is in it effectively once.
//!
//! A command appends its events in its own transaction ([`append`]); the [`Relay`] publishes each row under
//! its sequence number, so that a broker with deduplication on stores it once, whatever is killed when. A row
//! that is no event, such as a dead letter, goes to one topic that it names ([`append_to`]).
//!
//! On SQLite the relay reads the table, where the order of `seq` is the order of the commits. Servers commit in another
//! order than they number, so there it reads the database's log ([`LogSource`]).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod append;
mod change;
mod checkpoint;
mod json;
mod keeper;
mod kept;
mod layout;
mod listing;
mod log;
mod message;
pub mod operate;
pub mod parked;
mod parking;
mod payload;
mod relay;
mod route;
mod row;
mod rules;
mod shape;
mod status;
mod table;

pub use append::{NewEvent, NewMessage, PROPERTIES_BYTES_MAX, append, append_to};
pub use checkpoint::reset;
pub use keeper::LAG_ROWS_MAX;
pub use listing::{Wanted, data_of, event_ids, newest_ordinal, unpublished};
pub use log::{
    servers::{BinlogSource, OutboxPlace, SlotSource},
    source::LogSource,
};
pub use message::{EVENTS_TOPIC, RAW_TOPIC};
pub use payload::Payload;
pub use relay::{EventSchema, EventTopic, Relay, RelayOptions};
pub use route::{Encoding, Route};
pub use row::{Headers, OutboxRow, PageOrder, newest, page};
pub use shape::{ForeignRow, Shape, ShapeError, Told};
pub use status::Status;
pub use table::MIGRATIONS;
