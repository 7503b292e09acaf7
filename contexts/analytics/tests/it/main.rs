//! Reports as others tell them, and the API over them, on every database.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod any_order;
mod bad_input;
mod hearing;
mod lists;
mod names;
mod sums;
mod support;
