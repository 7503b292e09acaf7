//! The onboarding API on every database.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod bad_input;
mod contracts;
mod documents;
mod employment;
mod events;
mod histories;
mod messages;
mod signing;
mod support;
mod templates;
mod time;
