//! The log of a real server, read while it is written.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod clash;
mod order;
mod refusals;
mod schema;
mod secure;
mod silence;
mod snapshots;
mod types;
mod world;
