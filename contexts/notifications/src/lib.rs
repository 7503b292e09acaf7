//! Notifications: every event, told once.
//!
//! Keeps `events.jsonl`, the audit trail: one line for each event on `outbox-events`, each exactly once.
//! Lines are written and synced, then their ids and the file's offset go into the inbox in one transaction,
//! then the messages are acked. A crash between any two of these loses no line and writes none twice.
//!
//! The [`Channels`] tell partners, affiliates and operators of what concerns them: in the app, by mail, by webhook.
//! They have a subscription of their own, so that the trail never waits for them.
//!
//! Not here: other topics, and what is no `CloudEvent`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod channels;
mod commands;
mod domain;
mod events_file;
mod http;
mod inbox;
mod job;
mod line;
mod notifications;
mod options;
mod problems;
mod requests;
mod rotation;
mod status;
mod store;
mod trail;
mod views;

pub use channels::{Channels, ChannelsStatus, Mailer, MailerError, Pruning, RunningChannels};
pub use http::{App, api};
pub use inbox::MIGRATIONS;
pub use notifications::{Notifications, ResetError, StartError, check, reset};
pub use options::NotificationsOptions;
pub use status::Status;
pub use store::Waiting;

/// Carries every event as a structured `CloudEvent`.
pub const EVENTS_TOPIC: &str = "persistent://public/default/outbox-events";
/// Exclusive: two writers would spoil one file.
pub const SUBSCRIPTION: &str = "notifications-events";
/// Those of the channels: one process at a time.
pub const CHANNELS_SUBSCRIPTION: &str = "notifications-channels";
