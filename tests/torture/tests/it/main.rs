//! A short form of `cargo xtask torture`, for every day.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod connections;
mod log;
