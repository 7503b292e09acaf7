//! The wire as bytes: what other implementations send and expect, and laws that hold for all bytes.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod decoder;
mod golden;
mod strategies;
