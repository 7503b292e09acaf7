//! The partner-management API and its handlers on every database.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod any_order;
mod at_once;
mod bad_input;
mod documents;
mod events_out;
mod figures;
mod partners;
mod recruitment;
mod support;
mod time;
