//! A face with one of everything, driven without a socket.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod bodies;
mod documents;
mod faces;
mod health;
mod idempotency;
mod lists;
mod patience;
mod revisions;
mod support;
