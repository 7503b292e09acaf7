//! The conversions API on every database.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod any_order;
mod attribution;
mod bad_input;
mod metrics;
mod recording;
mod refunds;
mod support;
