//! The contracts as others see them.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod evolution;
mod schemas;
