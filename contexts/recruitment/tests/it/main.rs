//! The recruitment API and its messages on every database.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod bad_input;
mod called_off;
mod candidates;
mod due;
mod hiring;
mod jobs;
mod matching;
mod messages;
mod requested;
mod support;
