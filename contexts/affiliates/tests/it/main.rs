//! The affiliates API on every database.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod affiliates;
mod bad_input;
mod payout;
mod programs;
mod support;
