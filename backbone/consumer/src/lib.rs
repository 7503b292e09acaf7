//! Runs the handlers of events: each event acts once, in the order of its key, or becomes a dead letter.
//!
//! A context gives a [`Handler`]; an [`EventConsumer`] subscribes as `{service}-{handler}` and lets it run. The
//! event's id is noted in the inbox in the transaction of the effect, and the message is acked after: what comes
//! twice acts once. A run that fails is repeated, [`RUNS_MAX`] runs in all over all restarts; meanwhile later
//! events of the same key are held back, and those of other keys go on. What cannot be handled becomes a dead
//! letter on `{topic}-{service}-dlq`, by the outbox, in the transaction that notes it as handled.
//!
//! | file | holds |
//! | --- | --- |
//! | `event` | what a message says |
//! | `lanes` | which event may run now |
//! | `runner` | one run |
//! | `inbox` | what was handled |
//! | `budget` | how often something was tried |
//! | `dead_letter` | what nobody could handle |
//! | `blocked` | which keys wait for somebody's decision |
//! | `replay` | what was decided of a dead letter |
//!
//! Not here: handlers, and the relay that carries the outbox.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod blocked;
mod budget;
mod consumer;
mod dead_letter;
mod error;
mod event;
mod handler;
mod inbox;
mod item;
mod job;
mod lag;
mod lanes;
mod names;
mod options;
mod payload;
mod replay;
mod runner;
mod status;
mod table;

pub use blocked::{BlockedKey, blocked_keys, release_key};
pub use consumer::{EventConsumer, LetterDesk};
pub use dead_letter::DeadLetterTopics;
pub use event::Event;
pub use handler::{FieldRejection, HandleError, Handler, Rejection, field, word};
pub use inbox::Dropped;
pub use lag::watch_lag;
pub use options::{
    ConsumerOptions, HELD_BYTES_MAX, HELD_EVENTS_MAX, IN_FLIGHT_MAX, KeyOrder, Patience, RUNS_MAX,
};
pub use replay::{DROPPED, DeadLetter, REPLAYED, ReplayError, Replayed};
pub use status::Status;
pub use table::MIGRATIONS;
