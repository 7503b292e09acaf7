//! Notifications: every event, told once.
//!
//! Keeps `events.jsonl`, the audit trail: one line for each event on `outbox-events`, each exactly once.
//! Lines are written and synced, then their ids and the file's offset go into the inbox in one transaction,
//! then the messages are acked. A crash between any two of these loses no line and writes none twice.
//!
//! Not here: other topics, and what is no `CloudEvent`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod events_file;
mod inbox;
mod line;
mod notifications;
mod status;
mod trail;

pub use inbox::MIGRATIONS;
pub use notifications::{EVENTS_TOPIC, Notifications, SUBSCRIPTION, StartError};
pub use status::Status;
